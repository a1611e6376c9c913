"""``SMTP_URL``: one address for a mail server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from missioncontrol.settings import env, mail


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", ("mail.example", 587, "", "", False, True)),
        ("smtp://u%40e.org:p%2Fw@mail.example:25?tls=off",
         ("mail.example", 25, "u@e.org", "p/w", False, False)),
        ("smtps://u:p@mail.example", ("mail.example", 465, "u", "p", True, False)),
        ("smtps://mail.example:2465", ("mail.example", 2465, "", "", True, False)),
    ],
)  # fmt: skip
def test_an_address_becomes_settings(url: str, expected: tuple[Any, ...]) -> None:
    mail.check(url)
    found = mail.settings_of(url)
    names = ("HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_SSL", "USE_TLS")
    assert tuple(found[f"EMAIL_{name}"] for name in names) == expected
    assert found["EMAIL_BACKEND"] == mail.SMTP


def test_without_a_server_messages_are_printed() -> None:
    mail.check("")
    assert mail.settings_of("") == {"EMAIL_BACKEND": mail.CONSOLE}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("smtp_url", "mail.example"),
        ("smtp_url", "http://mail.example"),
        ("smtp_url", "smtp://"),
        ("smtp_url", "smtp://mail.example:99999"),
        ("smtp_url", "smtp://user:S3CRET@mail.example:x"),
        ("mail_from", "nobody"),
        ("mail_from", "a@e.org\nBcc: b@e.org"),
    ],
)
def test_a_start_refuses_what_is_none_and_tells_no_secret(
    tmp_path: Path, name: str, value: str
) -> None:
    with pytest.raises(env.ConfigurationError) as refused:
        env.load(_env_file=None, data_dir=tmp_path, **{name: value})
    assert name.upper() in str(refused.value)
    assert "S3CRET" not in str(refused.value)


def test_the_sender_is_named_or_of_this_host() -> None:
    base = "https://mc.example:8443"
    assert mail.sender("", base) == "Mission Control <missioncontrol@mc.example>"
    assert mail.sender("ops@e.org", base) == "ops@e.org"
