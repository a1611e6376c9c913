"""One message on one channel: what is sent, and what an answer means."""

from __future__ import annotations

import hashlib
import hmac
import smtplib
from urllib.parse import quote

import httpx
import orjson
from django.conf import settings
from django.core.mail import EmailMessage

from missioncontrol.kernel import clock, outbound
from missioncontrol.kernel.errors import DomainError, RemoteFailed
from missioncontrol.kernel.secrets import unseal
from orgs.notices.models import NotificationChannel
from orgs.notices.words import Message

TELEGRAM = "https://api.telegram.org"
TIMEOUT_SECONDS = 10.0
MAX_ANSWER = 64 * 1024
#: Statuses after which another try is of no use.
FINAL = frozenset({400, 401, 403, 404, 405, 410, 413, 415, 422})
Type = NotificationChannel.Type


class NotSent(Exception):
    """It did not get there. The text never holds an address or a secret."""

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_final = is_final


def send(channel: NotificationChannel, message: Message) -> None:
    """Send a message; the network is called, so never inside a transaction.

    Raises:
        NotSent: with whether another try is of use.
    """
    try:
        match channel.type:
            case Type.EMAIL:
                _email(channel, message)
            case Type.SLACK:
                _post(unseal(channel.address_sealed), {"text": slack_text(message)}, {})
            case Type.TELEGRAM:
                _telegram(channel, message)
            case _:
                _webhook(channel, message)
    except RemoteFailed as failure:
        raise NotSent("The address has no server.") from failure
    except DomainError as refusal:
        raise NotSent(str(refusal.detail), is_final=True) from refusal


def plain_text(message: Message) -> str:
    """Title, detail, link, each on its line."""
    return "\n".join(part for part in (message.title, message.detail, message.url) if part)


def slack_text(message: Message) -> str:
    """The same in Slack's markup: what people typed is escaped, the link is ours.

    Source: Slack, "Formatting text for app surfaces".
    """
    title, detail = _escaped(message.title), _escaped(message.detail)
    link = f"<{message.url}|{_escaped(message.action)}>"
    return "\n".join(part for part in (f"*{title}*", detail, link) if part)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _email(channel: NotificationChannel, message: Message) -> None:
    if not settings.MAIL_IS_ON:
        raise NotSent("No mail server is set.", is_final=True)
    address = channel.user.email
    if not address:
        raise NotSent("The account has no e-mail address.", is_final=True)
    mail = EmailMessage(
        subject=" ".join(message.title.split())[:200],
        body=plain_text(message),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[address],
    )
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as error:
        raise NotSent("The mail server refused the address.", is_final=True) from error
    except (smtplib.SMTPException, OSError) as error:
        raise NotSent("The mail server could not be reached.") from error


def _telegram(channel: NotificationChannel, message: Message) -> None:
    """``sendMessage`` of the bot interface, as plain text. Source: Telegram Bot API."""
    base = unseal(channel.address_sealed) or TELEGRAM
    url = f"{base.rstrip('/')}/bot{quote(unseal(channel.secret_sealed), safe=':')}/sendMessage"
    raw = _post(url, {"chat_id": channel.chat_id, "text": plain_text(message)}, {})
    try:
        answer = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise NotSent("The server did not answer as Telegram does.") from error
    if not isinstance(answer, dict) or answer.get("ok") is not True:
        raise NotSent("Telegram refused the message.", is_final=True)


def _webhook(channel: NotificationChannel, message: Message) -> None:
    """JSON, signed over ``timestamp.body`` so that a copy cannot be sent again later."""
    body = {
        "id": str(message.id),
        "kind": message.kind,
        "title": message.title,
        "detail": message.detail,
        "url": message.url,
        "organization": (
            {"id": str(message.organization_id), "name": message.organization}
            if message.organization_id
            else None
        ),
        "subject_id": str(message.subject_id) if message.subject_id else None,
        "at": clock.iso(clock.now()),
    }
    _post(
        unseal(channel.address_sealed),
        body,
        {"X-Webhook-Id": str(message.id)},
        key=unseal(channel.secret_sealed),
    )


def signature(key: str, timestamp: str, body: bytes) -> str:
    """``sha256=`` and the HMAC over ``timestamp.body``."""
    digest = hmac.new(key.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"sha256={digest}"


def _post(url: str, body: object, headers: dict[str, str], *, key: str = "") -> bytes:
    raw = orjson.dumps(body)
    sent = {"Content-Type": "application/json", "User-Agent": "MissionControl", **headers}
    if key:
        stamp = str(int(clock.now().timestamp()))
        sent |= {"X-Webhook-Timestamp": stamp, "X-Signature-256": signature(key, stamp, raw)}
    answer = bytearray()
    try:
        with (
            outbound.client("webhook", timeout_seconds=TIMEOUT_SECONDS) as http,
            http.stream("POST", url, content=raw, headers=sent) as response,
        ):
            for chunk in response.iter_bytes():
                answer += chunk
                if len(answer) > MAX_ANSWER:
                    break
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotSent("The server could not be reached.") from error
    status = response.status_code
    if status >= 300:
        raise NotSent(f"The server answered {status}.", is_final=status in FINAL or status < 400)
    return bytes(answer)
