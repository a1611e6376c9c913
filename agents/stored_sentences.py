"""What is kept of messages and looks that failed, to be told in every language."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

from missioncontrol.kernel.retelling import know


def register() -> None:
    """Name them."""
    know(
        _("Its agent is not on this board any more."),
        _("The board has no lead."),
        _("%(name)s is on no gateway."),
        _("The agent has no gateway any more."),
        _("The worker that read it was ended several times."),
        _("The agent is paused."),
        _("The board is paused."),
        _("The agent is not set up on its gateway yet."),
        _("The clone failed: %(e)s"),
        _("git is not installed on this machine."),
        _("The clone took too long."),
        _("The repository is too large."),
        _("The clone cannot be read."),
        _("The repository holds no such skill."),
        _("The remote answered %(s)s."),
        _("The answer is too large."),
        _("The remote did not answer properly."),
    )
