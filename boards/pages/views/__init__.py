"""Views of the board pages, by subject."""
