"""Every sentence of the connection doctor is known, and said in the reader's language."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.utils import translation

from gateways import findings
from gateways.models import Gateway
from tests.pages.conftest import browser
from tests.world import World

ROOT = Path(__file__).resolve().parents[2]
SPEAKERS = (
    "gateways/wire/advice.py",
    "gateways/wire/diagnose.py",
    "gateways/wire/target.py",
    "gateways/wire/transport.py",
    "gateways/wire/version.py",
)
#: No sentences: the doctor's own request, a command to copy, a value of a sentence.
OTHER = ("GET /health", "openclaw config set", "the address of Mission Control")
HAN = re.compile(r"[\u4e00-\u9fff]")
PLACE = re.compile(r"%\((\w+)\)s")


def sentences_of(path: Path) -> Iterator[str]:
    """Texts of three words and more in a module, with a value in each place."""
    tree = ast.parse(path.read_text())
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    inner = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node) if part is not node
    }  # fmt: skip
    for node in ast.walk(tree):
        if id(node) in docs | inner:
            continue
        text = ""
        if isinstance(node, ast.JoinedStr):
            text = "".join(
                part.value if isinstance(part, ast.Constant) else "V1" for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        if len(text.split()) >= 3 and not text.startswith(OTHER):
            yield text + "V1" if text.endswith(": ") else text


@pytest.mark.parametrize("name", SPEAKERS)
def test_no_sentence_is_missing(name: str) -> None:
    found = list(sentences_of(ROOT / name))
    assert found
    with translation.override("zh-hans"):
        unknown = [text for text in found if not HAN.search(findings.said(text))]
    assert unknown == []


@pytest.mark.parametrize("sentence", findings.SENTENCES)
def test_values_are_kept(sentence: str) -> None:
    names = PLACE.findall(sentence)
    values = {name: f"v{number}.example:18789" for number, name in enumerate(names)}
    stored = sentence % values
    with translation.override("zh-hans"):
        read = findings.said(stored)
    assert HAN.search(read)
    assert [value for value in values.values() if value not in read] == []
    assert findings.said(stored) == stored


def test_a_finding_with_its_step_and_words_of_the_gateway() -> None:
    with translation.override("zh-hans"):
        both = findings.said(
            "Nothing answers at h:1 (refused). Start the gateway: openclaw gateway run --port 1"
        )
        assert both == "h:1 没有应答（refused）。请启动网关：openclaw gateway run --port 1"
        foreign = "the gateway's own words. Read the gateway's log: openclaw logs"
        assert findings.said(foreign) == foreign
        assert findings.said("") == ""


def test_the_page_of_a_gateway_says_it(world: World) -> None:
    Gateway.objects.filter(pk=world.gateway.pk).update(
        status="error",
        status_detail="The host name gw is unknown here. Read the gateway's log: openclaw logs",
        checks=[{"key": "tls", "state": "ok", "finding": "The certificate is valid."}],
    )
    client: Client = browser(world.ann)
    address = f"/gateways/{world.gateway.id}"
    chinese = client.get(address, HTTP_ACCEPT_LANGUAGE="zh-hans").content.decode()
    assert "证书有效。" in chinese
    assert "此处无法解析主机名 gw。请查看网关日志：openclaw logs" in chinese
    assert "The certificate is valid." in client.get(address).content.decode()


def test_a_finding_inside_a_refusal_is_said_too() -> None:
    text = "The gateway does not answer: Nothing answers at 127.0.0.1:1 (Connection refused)"
    with translation.override("zh-hans"):
        told = findings.said(text)
    assert "answer" not in told
    assert "127.0.0.1:1" in told
    assert "Connection refused" in told
