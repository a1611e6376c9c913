"""What jobs of this app keep as the reason of a failure, to be told in every language."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

from missioncontrol.kernel.retelling import know


def register() -> None:
    """Name them."""
    know(
        _("The mail server refused the address."),
        _("The mail server refused the sign-in. Check SMTP_URL."),
        _("The mail server could not be reached."),
        _("No mail server is set."),
        _("The account has no e-mail address."),
        _("The address has no server."),
        _("The server could not be reached."),
        _("The server answered %(status)s."),
        _("The server did not answer as Telegram does."),
        _("Telegram refused the message."),
        _("%(a)s is a link-local or metadata address."),
        _("%(a)s is not an address to connect to."),
        _("%(a)s is a private address."),
        _("Port %(p)s there is a part of this installation."),
        _("The name %(h)s has no address."),
    )
