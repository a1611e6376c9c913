"""Pages and sockets that read from everywhere."""
