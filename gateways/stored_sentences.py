"""What is kept of a gateway that cannot be used: our own sentences; its own words stay."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

from missioncontrol.kernel.retelling import know


def register() -> None:
    """Name them."""
    know(
        _("The gateway does not answer: %(e)s"),
        _("This gateway was revoked."),
        _("This is a simulated gateway; it is not used in production."),
        _("The host name %(host)s is unknown here"),
        _("Nothing answers at %(where)s (%(why)s)"),
        _("%(where)s did not answer within %(seconds)s s"),
        _("%(where)s answers, but not as a WebSocket"),
        _("%(where)s answers HTTP %(status)s instead of a WebSocket"),
        _("%(where)s answers HTTP %(status)s"),
        _("The gateway address is unusable: %(where)s"),
        _("The connection to %(where)s broke: %(why)s"),
        _("TLS with %(where)s failed: %(why)s"),
        _("%(where)s refuses forwarded connections from an unknown proxy"),
        _("The gateway did not complete the handshake within %(seconds)s s"),
        _("The gateway closed during the handshake (%(why)s)"),
        _("The gateway connection closed (%(why)s)"),
        _("The peer does not open with a challenge; it is not an OpenClaw gateway of protocol 4"),
        _("%(method)s: no answer within %(seconds)s s"),
        _("%(method)s: the frame has %(size)s bytes, the gateway takes %(limit)s"),
    )
