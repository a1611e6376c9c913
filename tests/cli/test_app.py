"""``mc`` as a person uses it: words in, table or JSON out, one line and an exit code on failure."""

from __future__ import annotations

import functools
import io
import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from missioncontrol import client
from missioncontrol.cli import app, document, output, profile, shortcuts
from tests import factories
from tests.cli.server import ADDRESS, Clock, Server, problem, stream
from tests.world import World

TOKEN = "mct_not-a-real-token-0123456789"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Server:
    """The product behind every call of the command line."""
    found = Server()
    caller = functools.partial(client.Client, transport=found, pause=Clock())
    monkeypatch.setattr(app, "Client", caller)
    monkeypatch.setattr(shortcuts, "Client", caller)
    for name in ("MC_TOKEN", "MC_TOKEN_FILE", "MC_ORGANIZATION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MC_ADDRESS", ADDRESS)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return found


@pytest.fixture
def ann(server: Server, world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The owner has signed in through the environment."""
    monkeypatch.setenv("MC_TOKEN", world.ann_token)
    return world


class Shell:
    """Runs a command and keeps what it wrote."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str) -> Any:
        """The JSON that a successful command wrote."""
        code, out, err = self.raw(*words)
        assert code == 0, err
        return json.loads(out)

    def raw(self, *words: str) -> tuple[int, str, str]:
        """Exit code, output, remarks."""
        try:
            code = app.main(words)
        except SystemExit as end:  # argparse ends the process
            code = int(end.code or 0)
        shown = self._capsys.readouterr()
        return code, shown.out, shown.err


@pytest.fixture
def mc(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


@pytest.mark.django_db
def test_signing_in_keeps_the_token_for_this_user_alone(
    server: Server, world: World, mc: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(world.ann_token + "\n"))
    code, out, err = mc.raw("login", "--address", ADDRESS)
    assert (code, out) == (0, "")
    assert "Ann" in err
    assert world.ann_token not in err
    file = profile.config_file()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert mc("whoami")["name"] == "Ann"
    assert mc.raw("logout")[0] == 0
    assert mc.raw("whoami")[0] == 3


@pytest.mark.django_db
def test_a_wrong_token_is_not_kept(server: Server, mc: Shell, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    code, _out, err = mc.raw("login", "--token-file", str(file))
    assert code == 3
    assert TOKEN not in err
    assert not profile.config_file().exists()


def test_a_token_goes_only_to_the_address_it_was_given_for(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile.save(profile.Profile("https://one.example", TOKEN))
    monkeypatch.setenv("MC_ADDRESS", "https://other.example")
    with pytest.raises(profile.NoToken):
        profile.load()
    monkeypatch.setenv("MC_ADDRESS", "https://one.example")
    assert profile.load().token == TOKEN
    assert TOKEN not in repr(profile.load())


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (problem(401, "unauthenticated"), 3),
        (problem(409, "conflict"), 1),
        (problem(422, "invalid"), 1),
        (problem(500, "internal_error"), 5),
        (problem(502, "remote_failed"), 5),
        (httpx.ConnectError("refused"), 4),
    ],
    ids=["no one", "conflict", "invalid", "broken", "remote", "away"],
)
def test_exit_codes(
    server: Server,
    mc: Shell,
    monkeypatch: pytest.MonkeyPatch,
    answer: httpx.Response | Exception,
    code: int,
) -> None:
    monkeypatch.setenv("MC_TOKEN", TOKEN)
    server.prepared = [answer] * 4
    found, out, err = mc.raw("task", "move", "OPS-1", "done")
    assert (found, out) == (code, "")
    assert err.startswith("mc: ")
    assert err.count("\n") == 1
    assert TOKEN not in err


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("task", "move"),
        ("api", "GET"),
        ("login", "--address", "ftp://x", "--token-file", "/no"),
    ],
)
def test_wrong_usage_is_2(server: Server, mc: Shell, words: tuple[str, ...]) -> None:
    assert mc.raw(*words)[0] == 2


@pytest.mark.django_db
def test_an_unknown_command_names_near_ones(ann: World, mc: Shell) -> None:
    code, _out, err = mc.raw("tasks", "creat")
    assert code == 2
    assert "Did you mean create" in err


@pytest.mark.django_db
def test_a_task_from_creation_to_a_comment(ann: World, mc: Shell) -> None:
    task = mc("task", "create", "Renew", "--board", ann.board.key, "--agent", ann.worker.name)
    key = task["key"]
    assert task["assigned_agent_id"] == str(ann.worker.pk)
    assert mc("task", "move", key.lower(), "in_progress")["status"] == "in_progress"
    assert mc("task", "comment", key, "On it.")["message"] == "On it."
    assert [row["key"] for row in mc("task", "list", "--status", "in_progress")] == [key]
    assert mc("task", "show", key)["comments"][0]["message"] == "On it."


@pytest.mark.django_db
def test_a_stale_move_is_refused(ann: World, mc: Shell) -> None:
    task = factories.make_task(ann.board)
    mc("task", "move", task.key, "in_progress")
    code, _out, err = mc.raw("task", "move", task.key, "review", "--if-match", "1")
    assert code == 1
    assert "version_conflict" in err


@pytest.mark.django_db
def test_approvals_are_listed_and_decided(ann: World, mc: Shell) -> None:
    first, second = (factories.make_approval(ann.org, ann.board) for _ in range(2))
    assert {row["id"] for row in mc("approvals", "list")} == {str(first.pk), str(second.pk)}
    assert mc("approvals", "approve", str(first.pk), "--comment", "Yes")["status"] == "approved"
    assert mc("approvals", "reject", str(second.pk))["comment"] is None
    assert mc("approvals", "list") == []
    assert len(mc("approvals", "list", "--status", "all")) == 2


def test_watching_shows_approvals_alone_and_ends_after_its_count(
    server: Server, mc: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MC_TOKEN", TOKEN)
    moved = {"event_type": "task.moved", "message": "m"}
    asked = {"event_type": "approval.created", "message": "asked", "created_at": "t"}
    server.prepared = [
        stream(f"id: a\nevent: activity\ndata: {json.dumps(moved)}\n\n"),
        stream(f"id: b\nevent: activity\ndata: {json.dumps(asked)}\n\n"),
    ]
    assert mc("approvals", "watch", "--count", "1", "--after", "z")["record_id"] == "b"
    assert [one.headers["Last-Event-ID"] for one in server.asked] == ["z", "a"]


@pytest.mark.django_db
def test_an_operation_of_the_document_is_called_with_its_types(ann: World, mc: Shell) -> None:
    first = mc("tasks", "create", "--title", "One", "--board-id", str(ann.board.pk))
    second = mc(
        "tasks", "create", "--title", "12", "--board-id", str(ann.board.pk),
        "--depends-on-task-ids", first["id"], "--allow-duplicate", "true",
    )  # fmt: skip
    assert second["title"] == "12"
    assert second["depends_on_task_ids"] == [first["id"]]
    assert mc("tasks", "list", "--q", "One")["total"] == 1
    assert len(mc("tasks", "list", "--all", "--limit", "1")) == 2
    assert mc("tasks", "delete", second["key"]) == {"ok": True}


@pytest.mark.django_db
def test_any_address_can_be_called(ann: World, mc: Shell, tmp_path: Path) -> None:
    task = factories.make_task(ann.board)
    changed = mc("api", "patch", f"/tasks/{task.key}", "-f", "title=7", "-F", "due_at=null")
    assert changed["title"] == "7"
    body = tmp_path / "body.json"
    body.write_text('{"title": "From a file"}')
    assert mc("api", "PATCH", f"/tasks/{task.key}", "--body", f"@{body}")["title"] == "From a file"
    assert mc("api", "GET", "/tasks", "-q", "limit=1")["limit"] == 1


def test_a_body_field_called_like_an_own_option_has_its_place_before_it() -> None:
    from missioncontrol.cli.generated import flag_of

    named = functools.partial(document.Option, kind="string", place="body", is_required=False)
    assert flag_of(named("body", choices=(), help="")) == "body-body"
    assert flag_of(named("board_key", choices=(), help="")) == "board-key"


@pytest.mark.django_db
def test_an_agent_signs_in_with_its_own_token(
    server: Server, world: World, mc: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MC_TOKEN", world.worker_token)
    assert mc("whoami")["agent_id"] == str(world.worker.pk)


@pytest.mark.django_db
def test_a_table_holds_nothing_that_a_terminal_obeys(ann: World, mc: Shell) -> None:
    factories.make_task(ann.board, "red\x1b[31m 标题 " + "x" * 300)
    code, out, _err = mc.raw("--table", "task", "list")
    assert code == 0
    assert "\x1b" not in out
    assert "标题" in out
    assert all(output.width(line) <= 80 for line in out.splitlines())


def test_the_client_loads_nothing_of_the_server() -> None:
    loaded = (
        "import sys, missioncontrol.cli.app; "
        "print(sorted({m.partition('.')[0] for m in sys.modules} & {'django', 'rest_framework'}), "
        "sorted(m for m in sys.modules if m.startswith('missioncontrol.settings')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[] []\n"


@pytest.mark.django_db
def test_the_token_stands_in_no_process_list(
    server: Server, world: World, mc: Shell, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(world.ann_token)
    options = {
        option
        for name in ("login", "whoami", "task", "approvals")
        for option in mc.raw(name, "--help")[1].split()
        if option.startswith("--token")
    }
    assert options == {"--token-file"}
    assert mc.raw("login", "--token-file", str(file))[0] == 0


@pytest.mark.django_db
def test_a_file_is_written_as_it_came(ann: World, mc: Shell) -> None:
    factories.make_task(ann.board, "Any")
    ann.as_ann.patch("/users/me", {"pronouns": "she"}).expect(200)
    code, out, err = mc.raw("activity", "export", "--format", "csv", "--event-type", "user.*")
    assert (code, err) == (0, "")
    header, first = out.splitlines()[:2]
    assert header.startswith("seq,created_at,event_type")
    assert "user.updated" in first
    code, out, _err = mc.raw("activity", "export", "--format", "jsonl")
    assert code == 0
    assert all(json.loads(line)["event_type"] for line in out.splitlines())
