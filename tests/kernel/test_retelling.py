"""What jobs stored in English is told in the reader's language; unknown words stay."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import translation

from gateways.models import GatewayCleanup
from missioncontrol.kernel import clock, retelling
from missioncontrol.kernel.retelling import retold
from orgs.models import Invite, User
from orgs.services import invites
from tests.clients import Client
from tests.pages.conftest import browser
from tests.world import World

WORDS = {
    "The mail server could not be reached.": "无法连接邮件服务器。",
    "The server answered %(status)s.": "服务器返回 %(status)s。",
    "The gateway does not answer: %(e)s": "网关没有响应：%(e)s",
    "%(method)s: no answer within %(seconds)s s": "%(method)s：%(seconds)s 秒内没有响应",
}


@pytest.fixture(autouse=True)
def chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogue's words of these sentences, whatever else it holds."""

    def told(text: str) -> str:
        return WORDS.get(text, text) if translation.get_language() == "zh-hans" else text

    monkeypatch.setattr(retelling, "gettext", told)


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("", ""),
        ("The mail server could not be reached.", "无法连接邮件服务器。"),
        ("The server answered 503.", "服务器返回 503。"),
        (
            "The gateway does not answer: chat.send: no answer within 30 s",
            "网关没有响应：chat.send：30 秒内没有响应",
        ),
        (
            "unreachable: The gateway does not answer: model is busy",
            "unreachable: 网关没有响应：model is busy",
        ),
        ("model is busy", "model is busy"),
        ("100% of %(x)s", "100% of %(x)s"),
        ("note: 100% odd %s", "note: 100% odd %s"),
    ],
)
def test_a_sentence_is_told_again(stored: str, shown: str) -> None:
    with translation.override("en"):
        assert retold(stored) == stored
    with translation.override("zh-hans"):
        assert retold(stored) == shown


def test_what_a_stranger_says_is_no_template() -> None:
    """A gateway's words stand in a sentence as they are, also when they look like one."""
    with translation.override("zh-hans"):
        assert retold("The gateway does not answer: %(e)s %s %") == "网关没有响应：%(e)s %s %"


def stored_texts(path: str, callee: str) -> list[str]:
    """First arguments of the calls of a name in a module, f-strings with ``x`` for each fact."""
    found = []
    for node in ast.walk(ast.parse(Path(path).read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == callee and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant):
                found.append(str(first.value))
            elif isinstance(first, ast.JoinedStr):
                parts = (p.value if isinstance(p, ast.Constant) else "x" for p in first.values)
                found.append("".join(str(part) for part in parts))
    return found


@pytest.mark.parametrize(
    ("path", "callee"),
    [
        ("orgs/notices/sending.py", "NotSent"),
        ("gateways/wire/transport.py", "GatewayConnectError"),
        ("gateways/wire/client.py", "GatewayConnectError"),
    ],
)
def test_every_sentence_of_the_sources_is_known(path: str, callee: str) -> None:
    texts = stored_texts(path, callee)
    assert texts
    assert [text for text in texts if retelling._fitting(text) is None] == []


def in_chinese(world: World) -> Browser:
    User.objects.filter(pk=world.ann.pk).update(language="zh-hans")
    return browser(world.ann)


def test_pages_and_api_tell_why_a_message_was_not_sent(world: World) -> None:
    ann = world.actor(world.ann)
    row, _token = invites.create_invite(ann, world.org.id, invited_email="x@example.org")
    reason = "The mail server could not be reached."
    Invite.objects.filter(pk=row.pk).update(mail_state="failed", mail_error=reason)
    shown = in_chinese(world).get("/organization").content.decode()
    assert "无法连接邮件服务器。" in shown
    assert reason not in shown
    plain = world.as_ann.get("/organizations/me/invites").json["items"][0]
    assert plain["mail_error"] == reason
    asking = Client(bearer=world.ann_token, headers={"Accept-Language": "zh-CN"})
    told = asking.get("/organizations/me/invites").json["items"][0]
    assert told["mail_error"] == "无法连接邮件服务器。"


def test_a_gateways_own_words_stay(world: World) -> None:
    fields: dict[str, Any] = {
        "organization": world.org, "gateway_id": world.gateway.pk, "name": "Old",
        "url": "wss://old.example", "remote_ids": ["mc-1"],
        "last_error": "The gateway does not answer: model is busy",
    }  # fmt: skip
    GatewayCleanup.objects.create(next_attempt_at=clock.now(), **fields)
    assert "网关没有响应：model is busy" in in_chinese(world).get("/gateways").content.decode()
