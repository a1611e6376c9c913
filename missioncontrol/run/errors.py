"""The one error that ends a start with a sentence instead of a trace."""


class RunError(Exception):
    """Start is impossible; the text says why and what to do."""
