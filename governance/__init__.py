"""Domain application."""
