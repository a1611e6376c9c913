"""Commands of accounts and configuration."""

from __future__ import annotations

import io
import stat
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from activity.models import ActivityEvent, AuditEntry
from missioncontrol.settings import env
from orgs.models import Membership, User
from orgs.services import external
from orgs.signin.claims import ExternalPerson
from tests import factories

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


# --- super admins -----------------------------------------------------------------------------


def grant(*args: str) -> str:
    out = io.StringIO()
    call_command("grant_super_admin", *args, stdout=out)
    return out.getvalue()


def told() -> list[tuple[str, str]]:
    rows = ActivityEvent.objects.filter(type__startswith="user.super_admin").order_by("seq")
    audited = set(AuditEntry.objects.values_list("event_id", flat=True))
    return [(row.type, row.actor_kind) for row in rows if row.id in audited]


def test_somebody_of_another_service_becomes_a_super_admin() -> None:
    factories.make_user("root", is_super_admin=True)
    person = ExternalPerson(
        "https://id.example", "s-1", "mira@example.org", is_email_verified=True, name="Mira"
    )
    user = external.ensure_oidc_user(person)
    assert "Mira" in grant("Mira@Example.org")
    user.refresh_from_db()
    assert user.is_super_admin
    assert "already" in grant("mira@example.org")
    assert told() == [("user.super_admin_granted", "system")]
    assert "no super admin now" in grant("mira@example.org", "--revoke")
    user.refresh_from_db()
    assert not user.is_super_admin
    assert [name for name, _kind in told()] == [
        "user.super_admin_granted", "user.super_admin_revoked",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"email": "other@example.org"}, "Nobody here"),
        ({"email_verified": False}, "verified"),
        ({"email_vouched_by": uuid.uuid4()}, "Only an invitation"),
        ({"is_active": False}, "closed"),
    ],
)
def test_refusals_are_clear(fields: dict[str, Any], text: str) -> None:
    known = {"email": "mira@example.org", "email_verified": True, **fields}
    user = factories.make_user("mira", **known)
    with pytest.raises(CommandError, match=text):
        grant("mira@example.org")
    user.refresh_from_db()
    assert not user.is_super_admin
    if text in ("verified", "Only an invitation"):
        grant("mira@example.org", "--username", "mira")
        user.refresh_from_db()
        assert user.is_super_admin


def test_an_address_of_two_accounts_needs_a_name() -> None:
    for name in ("one", "two"):
        factories.make_user(name, email="mira@example.org", email_verified=True)
    with pytest.raises(CommandError, match="one, two"):
        grant("mira@example.org")
    grant("mira@example.org", "--username", "two")
    assert User.objects.get(username="two").is_super_admin
    with pytest.raises(CommandError, match="Nobody here"):
        grant("mira@example.org", "--username", "three")


def test_the_last_super_admin_stays() -> None:
    factories.make_user("mira", email="mira@example.org", is_super_admin=True)
    factories.make_user("gone", is_super_admin=True, is_active=False)
    with pytest.raises(CommandError, match="last super admin"):
        grant("mira@example.org", "--revoke")
