"""The document as a file, backups, and what the silence of a worker means."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import django_rq
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from rq import SimpleWorker
from rq.utils import utcformat

from boards.models import Board
from missioncontrol import document
from tests.world import World


def said(*words: str, **options: Any) -> str:
    out = StringIO()
    call_command(*words, stdout=out, **options)
    return out.getvalue()


def test_the_document_is_the_one_that_is_served(tmp_path: Path) -> None:
    file = tmp_path / "openapi.json"
    said("export_openapi", str(file))
    found = json.loads(file.read_text())
    served = Client().get("/openapi.json").json()
    assert found["paths"].keys() == served["paths"].keys()
    assert "/api/v1/activity/export" in found["paths"]
    assert json.loads(said("export_openapi"))["info"] == served["info"]


def test_the_document_is_made_once_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    original = SchemaGenerator.get_schema

    def counted(self: Any, *args: Any, **options: Any) -> Any:
        made.append(1)
        return original(self, *args, **options)

    monkeypatch.setattr(SchemaGenerator, "get_schema", counted)
    document.document.cache_clear()
    first = Client(HTTP_ACCEPT_LANGUAGE="zh-Hans").get("/openapi.json")
    second = Client().get("/openapi.json", headers={"Accept": "text/html"})
    assert (first.status_code, len(made)) == (200, 1)
    assert first.content == second.content
    again = Client().get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert Client().post("/openapi.json").status_code == 405


@pytest.mark.django_db(transaction=True)
def test_a_backup_brings_back_what_was_lost(world: World, tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path / "data"
    secret = settings.DATA_DIR / "secrets" / "secret_key"
    secret.parent.mkdir(parents=True)
    secret.write_text("s" * 40)
    folder = tmp_path / "backup"
    assert "database.dump" in said("backup", str(folder))
    assert {path.stat().st_mode & 0o077 for path in folder.rglob("*") if path.is_file()} == {0}
    with pytest.raises(CommandError, match="not empty"):
        said("backup", str(folder))
    Board.objects.filter(pk=world.board.pk).update(name="Lost")
    secret.unlink()
    with pytest.raises(CommandError, match="--yes"):
        said("restore", str(folder))
    said("restore", str(folder), "--yes")
    assert Board.objects.get(pk=world.board.pk).name == world.board.name
    assert secret.read_text() == "s" * 40
    secret.write_text("t" * 40)
    with pytest.raises(CommandError, match="differ"):
        said("restore", str(folder), "--yes")
    with pytest.raises(CommandError, match="no backup"):
        said("restore", str(tmp_path / "nothing"), "--yes")


@pytest.mark.django_db
def test_a_worker_counts_for_a_minute(world: World) -> None:
    connection = django_rq.get_connection("default")
    worker = SimpleWorker([django_rq.get_queue("default")], connection=connection)
    http = Client()
    try:
        worker.register_birth()
        assert http.get("/readyz").json()["checks"]["worker"] == "ok"
        before = timezone.now() - timedelta(seconds=90)
        connection.hset(worker.key, "last_heartbeat", utcformat(before))
        answer = http.get("/readyz")
        assert answer.json()["checks"]["worker"] == "no worker seen in 60 s"
        assert answer.json()["checks"]["database"] == "ok"
    finally:
        worker.register_death()
        connection.delete(worker.key)
