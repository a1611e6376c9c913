"""Words everybody shares: actors, errors, services, jobs, sockets. Knows no domain."""
