"""Views of the gateway API."""
