"""Commands of accounts and configuration."""

from __future__ import annotations

import io
import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from missioncontrol.settings import env
from orgs.models import Membership, User

pytestmark = pytest.mark.django_db


def run(monkeypatch: pytest.MonkeyPatch, password: str, *args: str) -> str:
    monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
    out = io.StringIO()
    call_command("create_user", *args, "--password-stdin", stdout=out)
    return out.getvalue()


def test_an_account_gets_its_organization(monkeypatch: pytest.MonkeyPatch) -> None:
    said = run(monkeypatch, "correct horse battery", "carol", "--super-admin", "--name", "Carol")
    user = User.objects.get(username="carol")
    assert "carol" in said
    assert "correct horse" not in said
    assert user.check_password("correct horse battery")
    assert user.is_super_admin
    assert Membership.objects.get(user=user).role == "owner"


@pytest.mark.parametrize(
    ("password", "name", "text"),
    [
        ("short", "carol", "too short"),
        ("password1234", "carol", "too common"),
        ("correct horse battery", "   ", "1 to 150"),
    ],
)
def test_a_weak_account_is_refused(
    monkeypatch: pytest.MonkeyPatch, password: str, name: str, text: str
) -> None:
    with pytest.raises(CommandError, match=text):
        run(monkeypatch, password, name)
    assert not User.objects.exists()


def test_a_taken_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, "correct horse battery", "carol")
    with pytest.raises(CommandError, match="taken"):
        run(monkeypatch, "correct horse battery", "carol")
    assert User.objects.count() == 1


def test_the_kept_token_is_replaced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Any
) -> None:
    kept = env.load(_env_file=None, environment="test", data_dir=tmp_path, base_url="http://x")
    monkeypatch.setattr(env, "_current", kept)
    settings.DATA_DIR = tmp_path
    file = tmp_path / "secrets" / "local_auth_token"
    before = file.read_text()
    out = io.StringIO()

    call_command("reset_local_token", stdout=out)

    after = file.read_text()
    assert after != before
    assert len(after) >= 50
    assert after not in out.getvalue()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_token_of_the_environment_is_not_replaced() -> None:
    with pytest.raises(CommandError, match="environment"):
        call_command("reset_local_token")


def test_a_sound_configuration(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path
    out = io.StringIO()
    call_command("check_config", stdout=out)
    assert out.getvalue().splitlines() == [
        "settings: ok",
        "database: ok",
        "migrations: ok",
        "redis: ok",
        "data folder: ok",
    ]


def test_faults_are_named_all_at_once(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path / "absent"
    settings.RQ_QUEUES = {"default": {"URL": "redis://127.0.0.1:1/0"}}
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("check_config", stdout=out)
    assert "data folder: " in out.getvalue()
    assert "does not exist" in out.getvalue()
