"""Views of the board API, by subject."""
