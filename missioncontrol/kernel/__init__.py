"""Words everybody shares: actors, errors, services, authorisation, jobs, sockets. Knows no domain."""
