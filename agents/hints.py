"""What to do about an agent that could not be set up, by the word that names the cause."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext as _text
from django.utils.translation import gettext_lazy as _

GATEWAY_AWAY = _(
    "The gateway cannot be reached. Run its connection doctor; the setup is tried again by itself."
)
TOKEN_REFUSED = _("The gateway refuses the token. Enter the right one on the gateway's page.")
ON_GATEWAY = _("Look at the gateway's log, then try again.")

HINTS: dict[str, str | Promise] = {
    "unreachable": GATEWAY_AWAY,
    "restarting": _("The gateway is restarting. The setup is tried again by itself."),
    "tls": _("The gateway's certificate is refused. Run its connection doctor."),
    "unauthorized": TOKEN_REFUSED,
    "rate_limited_by_gateway": _(
        "The gateway locked this address out after wrong tokens. Wait some minutes, then try again."
    ),
    "missing_scope": _("The gateway grants too few rights. Run its connection doctor."),
    "pairing_required": _(
        "The gateway has to accept Mission Control first. Its page shows the command."
    ),
    "origin_not_allowed": _("The gateway refuses this origin. Run its connection doctor."),
    "incompatible": _("Update the gateway, then try again."),
    "protocol": _("This is no OpenClaw gateway, or another version. Run its connection doctor."),
    "outbound_blocked": _("The outbound policy forbids the gateway's address. Change the address."),
    "unsupported_file": _(
        "The gateway is too old for one of the files. Update it, then try again."
    ),
    "invalid_config": _(
        "The gateway refuses its own configuration. Mend it there, then try again."
    ),
    "remote_changed": _("The gateway's configuration changed meanwhile. Try again."),
    "no_check_in": _(
        "Look at its session on the gateway: the model may be missing or the address of Mission "
        "Control closed to it. Then wake it again."
    ),
    "stale_update": _("The update never came to an end. Try again."),
}


def hint_of(code: str) -> str:
    """The next step in one sentence; a cause that nobody listed is named, so that it can be told.

    Empty without a cause.
    """
    if not code:
        return ""
    known = HINTS.get(code)
    if known is not None:
        return str(known)
    return _text("%(hint)s Cause: %(code)s.") % {"hint": ON_GATEWAY, "code": code}
