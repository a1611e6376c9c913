"""``mc``: the command line client of the REST API.

The commands follow from the server's own OpenAPI document, so every operation is reachable; the
daily ones have shortcuts. Nothing of the server is imported: the client runs on any machine.
"""
