"""Moving in from the original product, and out of an installation."""
