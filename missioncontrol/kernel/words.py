"""Times, numbers and names as people read them. Pure: the clock is passed in."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

MINUTE, HOUR, DAY = 60, 3_600, 86_400
DATE_AFTER_DAYS = 14
LATIN_END = 0x250
IDEOGRAPHS = 0x2E80


def duration_words(seconds: float) -> str:
    """Length of time in its two largest sensible units: 8 s, 4 min, 3 h 05 min, 2 d."""
    whole = max(0, int(seconds))
    if whole < MINUTE:
        return _("%(n)s s") % {"n": whole}
    if whole < HOUR:
        return _("%(n)s min") % {"n": whole // MINUTE}
    if whole < DAY:
        minutes = whole % HOUR // MINUTE
        if not minutes:
            return _("%(n)s h") % {"n": whole // HOUR}
        return _("%(n)s h %(m)s min") % {"n": whole // HOUR, "m": f"{minutes:02d}"}
    return _("%(n)s d") % {"n": whole // DAY}


def short_words(seconds: float) -> str:
    """Length of time in its largest unit only, for narrow cells: 8 s, 4 min, 3 h, 2 d."""
    whole = max(0, int(seconds))
    if whole < MINUTE:
        return _("%(n)s s") % {"n": whole}
    if whole < HOUR:
        return _("%(n)s min") % {"n": whole // MINUTE}
    if whole < DAY:
        return _("%(n)s h") % {"n": whole // HOUR}
    return _("%(n)s d") % {"n": whole // DAY}


def age_words(at: datetime, now: datetime) -> str:
    """How long ago something happened; the date when it is older than two weeks."""
    seconds = (now - at).total_seconds()
    if seconds >= DATE_AFTER_DAYS * DAY:
        return date_words(at, now)
    return _("%(length)s ago") % {"length": short_words(seconds)}


def until_words(at: datetime, now: datetime) -> str:
    """Time left before a deadline, or that it has passed."""
    seconds = (at - now).total_seconds()
    if seconds <= 0:
        return _("closed")
    return _("closes in %(length)s") % {"length": duration_words(seconds)}


def date_words(at: datetime, now: datetime) -> str:
    """Day and month, with the year when it is another one than now."""
    local, today = timezone.localtime(at), timezone.localtime(now)
    if local.year == today.year:
        return date_format(local, pgettext("day and short month", "j M"))
    return date_format(local, pgettext("day, short month, year", "j M Y"))


def day_words(at: datetime, now: datetime) -> str:
    """Heading of a day in a timeline: Today, Yesterday, or the weekday and date."""
    local, today = timezone.localtime(at).date(), timezone.localtime(now).date()
    days = (today - local).days
    if local.year == today.year:
        written = date_format(local, pgettext("weekday, day, month", "l j F"))
    else:
        written = date_format(local, pgettext("weekday, day, month, year", "l j F Y"))
    if days == 0:
        return _("Today, %(date)s") % {"date": written}
    if days == 1:
        return _("Yesterday, %(date)s") % {"date": written}
    return written


def initials(name: str) -> str:
    """One or two letters that stand for a name in its avatar."""
    every = name.replace("-", " ").replace("_", " ").split()
    # Of a name in two scripts, the Latin one is short enough for two letters.
    words = [word for word in every if max(map(ord, word)) < LATIN_END] or every
    if not words:
        return "?"
    if len(words) == 1:
        # One ideograph is as wide as two letters.
        return words[0][: 1 if ord(words[0][0]) >= IDEOGRAPHS else 2].upper()
    return (words[0][0] + words[1][0]).upper()
