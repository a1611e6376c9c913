"""The command line client and the client for programs."""
