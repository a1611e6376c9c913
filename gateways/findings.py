"""What the connection doctor says, in the reader's language.

The wire speaks English and its reports are stored as they are, because the link and the jobs that
write them know no reader. Here each sentence is recognised by its form and said again with the
same values. A sentence that nobody listed, such as a gateway's own message, stays as it is.
"""

from __future__ import annotations

import re
from functools import lru_cache

from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _

#: Sentences of :mod:`gateways.wire` and :mod:`gateways.doctor`; the narrower form comes first.
SENTENCES = (
    # address and transport
    _("%(host)s is %(addresses)s; calling it is allowed."),
    _("%(host)s has no address that may be called"),
    _("The host name %(host)s is unknown here"),
    _("%(where)s accepts connections."),
    _("Nothing answers at %(where)s (%(failure)s)"),
    _("%(where)s did not answer within %(seconds)s s"),
    _("%(method)s: no answer within %(seconds)s s"),
    _("No answer within %(seconds)s s"),
    _("%(where)s hung up"),
    _("The connection to %(where)s broke: %(failure)s"),
    _("The gateway connection closed (%(reason)s)"),
    _("The gateway address cannot be read: %(failure)s"),
    _("The gateway address is unusable: %(where)s"),
    _("The gateway address needs ws:// or wss:// and a host"),
    _("The gateway address may hold scheme, host, port and path only"),
    # who answers there
    _("An OpenClaw gateway answers on this port."),
    _("%(where)s answers, but it is not an OpenClaw gateway"),
    _("%(where)s answers, but not as a WebSocket"),
    _("%(where)s does not speak HTTP; the port belongs to another service, or it expects TLS"),
    _("%(where)s refuses forwarded connections from an unknown proxy"),
    _("%(where)s answers HTTP %(status)s instead of a WebSocket"),
    _("%(where)s answers HTTP %(status)s"),
    # certificate
    _("The address is ws://, without TLS."),
    _("The certificate is valid."),
    _("The certificate is not checked."),
    _("Give the gateway a valid certificate and switch the exception off."),
    _("TLS with %(where)s failed: %(failure)s"),
    # handshake, pairing, scopes
    _("The gateway accepted the token."),
    _("This device is paired with the gateway."),
    _("No device identity is sent."),
    _("The gateway asks for no pairing from this address."),
    _("All needed scopes are granted."),
    _("The gateway accepted the connection but withheld: %(scopes)s"),
    # version and methods
    _("GATEWAY_MIN_VERSION %(version)s is not a version; no gateway is accepted."),
    _("The gateway reports no version; at least %(lowest)s is needed."),
    _("The gateway reports %(given)s, which is not a version; at least %(lowest)s is needed."),
    _("The gateway runs %(given)s; at least %(lowest)s is needed."),
    _("Version %(given)s is accepted."),
    _("The gateway does not offer: %(methods)s"),
    _("The gateway offers everything that is needed."),
    # command policy
    _("The exec policy could not be read."),
    _("Commands of agents run without approval (tools.exec.mode is full)."),
    _("To have them approved here: openclaw config set tools.exec.mode ask"),
    _("Agents cannot run commands (tools.exec.mode is deny), so they cannot call Mission Control."),
    _("Commands are gated (mode %(mode)s)."),
    # agents reach us
    _("Agents of this gateway have called %(address)s."),
    _("Not yet proven that agents can call %(address)s."),
    _("Create an agent here; its first check-in proves it."),
    _("Not checked."),
    # what to do
    _("Update the gateway: openclaw update"),
    _("Update the gateway on its host: openclaw update"),
    _("Start the gateway: openclaw gateway run --port %(port)s"),
    _(
        "Mission Control runs in a container, where localhost is the container itself: use "
        "%(address)s, and let the gateway listen there: openclaw config set gateway.bind lan"
    ),
    _(
        "Check that the gateway runs (openclaw gateway status) and listens beyond its own host "
        "(openclaw config set gateway.bind lan), and that no firewall closes %(port)s."
    ),
    _("Another service uses this port, or the address has to begin with %(scheme)s."),
    _(
        "A gateway usually listens on %(port)s. If the port is right, the address may have to "
        "begin with %(scheme)s."
    ),
    _("On the gateway's host: openclaw devices list, then openclaw devices approve <request>"),
    _("On the gateway's host: openclaw devices approve %(request)s"),
    _(
        "From another host the gateway grants scopes to paired devices only: switch device "
        "pairing on for this gateway and approve the device."
    ),
    _(
        "On the gateway's host remove this device (openclaw devices list, openclaw devices "
        "remove), connect again and approve the new request."
    ),
    _(
        "Add the address of Mission Control to gateway.controlUi.allowedOrigins in the gateway's "
        "configuration."
    ),
    _("Add %(origin)s to gateway.controlUi.allowedOrigins in the gateway's configuration."),
    _(
        "Too many wrong tokens came from this address. Correct the token and wait %(minutes)s min, "
        "or restart the gateway."
    ),
    _("Enter the gateway's shared token again; the device token was revoked."),
    _(
        "Use an address that the outbound policy allows, or ask who runs Mission Control to change "
        "OUTBOUND_ALLOW_PRIVATE_GATEWAYS."
    ),
    _(
        "Give the gateway a certificate that this host trusts, or allow insecure TLS for this "
        "gateway alone."
    ),
    _(
        "Enter the token that the gateway uses: gateway.auth.token in its openclaw.json, or "
        "OPENCLAW_GATEWAY_TOKEN in its environment."
    ),
    _(
        "Check the clocks of both hosts; if they agree, create a new device identity and approve "
        "it."
    ),
    _("Check that the address belongs to an OpenClaw gateway, and update it: openclaw update"),
    _("Nothing; the gateway is starting and is asked again."),
    _("Nothing; the gateway restarts and is asked again."),
    _(
        "Add the proxy's address to gateway.trustedProxies in the gateway's configuration, or "
        "connect without the proxy."
    ),
    _("Read the gateway's log: openclaw logs"),
    # a finding inside the refusal that it led to
    _("The gateway does not answer: %(e)s"),
)
_PLACE = re.compile(r"%\((\w+)\)s")


@lru_cache(maxsize=1)
def _forms() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(_form(sentence), re.DOTALL), sentence) for sentence in SENTENCES)


def _form(sentence: str) -> str:
    parts = _PLACE.split(sentence)
    return "".join(
        f"(?P<{part}>.+?)" if number % 2 else re.escape(part) for number, part in enumerate(parts)
    )


def said(text: str) -> str:
    """A stored finding, step, or both in a row, in the active language."""
    if not text or (get_language() or "en").startswith("en"):
        return text
    whole = _one(text)
    return whole if whole is not None else _two(text)


def _one(text: str) -> str | None:
    for form, sentence in _forms():
        found = form.fullmatch(text)
        if found:
            values = found.groupdict()
            if "e" in values:
                values["e"] = said(values["e"])
            return gettext(sentence) % values
    return None


def _two(text: str) -> str:
    """A finding and its step, stored as one text: the first may have lost its full stop."""
    for stop in re.finditer(r"\. ", text):
        head, tail = text[: stop.start()], text[stop.end() :]
        first = _one(f"{head}.") or _one(head)
        if first is not None:
            return f"{first.rstrip('。')}。{_one(tail) or tail}"
    return text
