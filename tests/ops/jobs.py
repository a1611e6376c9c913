"""A job for the tests of the workers."""

from django_rq import get_connection


def note(key: str) -> None:
    """Leave a sign that the job has run."""
    get_connection("default").set(key, 1)
