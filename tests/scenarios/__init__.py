"""Stories over HTTP and sockets only."""
