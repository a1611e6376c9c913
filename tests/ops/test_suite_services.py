"""The suite runs on a real PostgreSQL with the extensions that the product uses."""

import pytest
from django.db import connection


@pytest.mark.django_db
def test_extensions_exist_and_chinese_text_has_trigrams() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT extname FROM pg_extension")
        names = {row[0] for row in cursor.fetchall()}
        cursor.execute("SELECT cardinality(show_trgm('任务控制'))")
        assert cursor.fetchone()[0] > 0
    assert {"vector", "pg_trgm", "unaccent"} <= names
