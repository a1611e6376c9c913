"""Signs of the visual kit as template tags: `{% load mc %}`.

Each tag draws one small thing – an icon, a dial, a heartbeat strip – from ready values. What has
structure of its own is a fragment in `templates/ui/`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from secrets import token_urlsafe
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.formats import date_format
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime, now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from missioncontrol.kernel import retelling, signs, submissions, words
from missioncontrol.kernel.markdown import render_markdown

register = template.Library()

BEATS_SHOWN = 16
BEAT_STEP = 5
BEAT_HEIGHTS = ((3, 12), (4, 10), (5, 8))
MOST_SEATS = 12
SHORT_FUSE_SECONDS = 3_600
COUNT_CAP = 99
ONE_LINE = 120


@lru_cache(maxsize=512)
def _glyph(name: str) -> str:
    return f"{static('img/icons.svg')}#{name}"


@register.simple_tag
def icon(name: str, size: str = "", state: str = "", label: str = "") -> SafeString:
    """An icon of the sprite; with `label` it speaks for itself."""
    classes = " ".join(filter(None, ("mc-i", f"mc-i-{size}" if size else "", state)))
    if label:
        return format_html(
            '<svg class="{}" role="img" aria-label="{}"><use href="{}"/></svg>',
            classes,
            label,
            _glyph(name),
        )
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}"/></svg>', classes, _glyph(name)
    )


@register.simple_tag
def dial(status: str, is_blocked: bool = False) -> SafeString:  # noqa: FBT001, FBT002 - a tag's argument
    """Dial of a task's status; the word stands beside it."""
    sign = signs.task_sign(status, is_blocked=is_blocked)
    return format_html(
        '<svg class="mc-dial {}" aria-hidden="true"><use href="{}"/></svg>',
        sign.state,
        _glyph(sign.glyph),
    )


@register.filter
def status_word(status: str) -> str:
    """Word of a task's status."""
    return str(signs.task_sign(status).word)


@register.filter
def level_word(level: str | None) -> str:
    """Word of a priority or risk."""
    return str(signs.level_sign(level).word)


@register.filter
def state_word(state: str | None) -> str:
    """Word of an agent's, gateway's or decision's state."""
    return str(signs.state_sign(state).word)


@register.filter
def state_class(state: str | None) -> str:
    """State class (`is-*`) of an agent, gateway or decision."""
    return signs.state_sign(state).state


@register.simple_tag
def prio(level: str | None) -> SafeString:
    """Bars of a priority, named for screen readers."""
    sign = signs.level_sign(level)
    return format_html(
        '<svg class="mc-prio {}" role="img" aria-label="{}"><use href="{}"/></svg>',
        sign.state,
        _("Priority %(level)s") % {"level": str(sign.word).lower()},
        _glyph(sign.glyph),
    )


@register.simple_tag
def risk(level: str | None) -> SafeString:
    """Bars and word of a risk."""
    sign = signs.level_sign(level)
    return format_html(
        '<span class="mc-risk {}"><svg aria-hidden="true"><use href="{}"/></svg>{}</span>',
        sign.state,
        _glyph(sign.glyph),
        sign.word,
    )


@register.simple_tag
def avatar(name: str | None, kind: str = "user", size: str = "") -> SafeString:
    """Initials: round for people, square for agents."""
    classes = " ".join(
        filter(
            None,
            ("mc-av", "mc-av-agent" if kind == "agent" else "", f"mc-av-{size}" if size else ""),
        )
    )
    return format_html(
        '<span class="{}" aria-hidden="true">{}</span>', classes, words.initials(name or "")
    )


@register.simple_tag
def dot(state: str | None, live: bool = False) -> SafeString:  # noqa: FBT001, FBT002 - a tag's argument
    """Dot, ring, square or diamond of a state."""
    return format_html(
        '<span class="mc-dot {}{}"></span>',
        signs.state_sign(state).state,
        " mc-live" if live else "",
    )


@register.simple_tag
def pill(state: str | None, at: datetime | None = None, word: str = "") -> SafeString:
    """State of one thing with its age."""
    sign = signs.state_sign(state)
    return format_html(
        '<span class="mc-pill {}">{}{}{}</span>',
        sign.state,
        dot(state),
        word or sign.word,
        age(at) if at else "",
    )


@register.simple_tag
def tone(state: str | None) -> SafeString:
    """State as dot and coloured word, for rows that have no room for a pill."""
    sign = signs.state_sign(state)
    return format_html(
        '<span class="mc-small mc-row mc-tone {}">{}{}</span>', sign.state, dot(state), sign.word
    )


@register.simple_tag
def age(at: datetime | None, style: str = "ago") -> SafeString:
    """Age in words inside `<time>`; `style` is ago or short. Empty without a time."""
    if at is None:
        return mark_safe("")
    moment = now()
    if style == "short":
        text = words.short_words((moment - at).total_seconds())
    else:
        text = words.age_words(at, moment)
    return format_html(
        '<time datetime="{}" data-mc-age="{}" title="{}">{}</time>',
        at.isoformat(timespec="seconds"),
        style,
        _exact(at),
        text,
    )


@register.simple_tag
def clock(at: datetime | None) -> SafeString:
    """Time of day inside `<time>`."""
    if at is None:
        return mark_safe("")
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.isoformat(timespec="seconds"),
        _exact(at),
        date_format(localtime(at), "H:i"),
    )


@register.simple_tag
def day(at: datetime | None) -> SafeString:
    """Date of a deadline inside `<time>`."""
    if at is None:
        return mark_safe("")
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.isoformat(timespec="seconds"),
        _exact(at),
        words.date_words(at, now()),
    )


def _exact(at: datetime) -> str:
    return date_format(localtime(at), "Y-m-d H:i:s T")


@register.simple_tag
def beats(strip: Sequence[str] | None, state: str = "online") -> SafeString:
    """Heartbeat strip from the oldest to the newest of 16 beats.

    Args:
        strip: each `on_time`, `late` or `missed`; missing ones at the front are drawn hollow.
        state: the agent's state, which gives the hue.
    """
    known = list(strip or ())[-BEATS_SHOWN:]
    filled = ["unknown"] * (BEATS_SHOWN - len(known)) + known
    hue = {"error": "is-error", "paused": "is-paused", "offline": "is-paused"}.get(
        state, "is-online"
    )
    marks = format_html_join("", "{}", ((_beat(i, beat),) for i, beat in enumerate(filled)))
    label = _("Last %(total)s heartbeats: %(good)s on time, %(late)s late, %(missed)s missed") % {
        "total": BEATS_SHOWN,
        "good": known.count("on_time"),
        "late": known.count("late"),
        "missed": known.count("missed"),
    }
    return format_html(
        '<svg class="mc-beat {}" viewBox="0 0 80 18" role="img" aria-label="{}">{}</svg>',
        hue,
        label,
        marks,
    )


def _beat(index: int, beat: str) -> SafeString:
    x = index * BEAT_STEP
    if beat == "on_time":
        y, height = BEAT_HEIGHTS[index % len(BEAT_HEIGHTS)]
        return format_html('<rect x="{}" y="{}" width="2.5" height="{}" rx="1"/>', x, y, height)
    if beat == "late":
        return format_html('<rect class="late" x="{}" y="8" width="2.5" height="6" rx="1"/>', x)
    return format_html(
        '<rect class="miss" x="{}" y="4.5" width="2" height="9" rx="1"/>', f"{x + 0.5:g}"
    )


@register.simple_tag
def sparkline(points: Sequence[float | None] | None, state: str = "") -> SafeString:
    """Line of equal steps, oldest first; a gap repeats the last value."""
    values: list[float] = []
    for value in points or ():
        values.append(values[-1] if value is None and values else float(value or 0))
    if len(values) < 2:
        return mark_safe("")
    low, high = min(values), max(values)
    spread = (high - low) or 1.0
    flat = high == low
    step = 100 / (len(values) - 1)
    path = "L".join(
        f"{i * step:.1f} {15.0 if flat else 27 - (value - low) / spread * 24:.1f}"
        for i, value in enumerate(values)
    )
    return format_html(
        '<svg class="mc-spark {}" viewBox="0 0 100 30" preserveAspectRatio="none" '
        'aria-hidden="true"><path class="area" d="M{}L100 30L0 30Z"/><path d="M{}"/></svg>',
        state,
        path,
        path,
    )


@register.simple_tag
def seats(votes: Iterable[str], needed: int) -> SafeString:
    """Seats of a vote; above twelve seats the words have to do."""
    order = {"approve": 0, "open": 1, "abstain": 2, "reject": 3}
    places = sorted(votes, key=lambda vote: order.get(vote, 1))
    counts = {name: places.count(name) for name in order}
    label = _(
        "%(approve)s approve, %(reject)s reject, %(abstain)s abstain, %(open)s open; "
        "%(needed)s needed"
    ) % {**counts, "needed": needed}
    if len(places) > MOST_SEATS:
        return format_html('<span class="mc-small mc-soft num">{}</span>', label)
    marks = []
    for index, vote in enumerate(places):
        if index == needed:
            marks.append('<span class="mc-need"></span>')
        state = f" is-{vote}" if vote in {"approve", "reject", "abstain"} else ""
        marks.append(f'<span class="mc-pip{state}"></span>')
    return format_html(
        '<span class="mc-seats" role="img" aria-label="{}">{}</span>',
        label,
        mark_safe("".join(marks)),  # noqa: S308 - constants and known states only
    )


@register.simple_tag
def fuse(opened: datetime | None, closes: datetime | None) -> SafeString:
    """Time left as words and a bar; nothing without a deadline."""
    if opened is None or closes is None:
        return mark_safe("")
    moment = now()
    left = max(0.0, (closes - moment).total_seconds())
    whole = max(1.0, (closes - opened).total_seconds())
    state = "is-high" if left < SHORT_FUSE_SECONDS else "is-neutral"
    return format_html(
        '<span class="mc-fuse {}"><time datetime="{}" data-mc-age="closes" '
        'data-mc-opened="{}" title="{}">{}</time><progress class="mc-bar {}" value="{}" '
        'max="100" aria-label="{}"></progress></span>',
        state,
        closes.isoformat(timespec="seconds"),
        opened.isoformat(timespec="seconds"),
        _exact(closes),
        words.until_words(closes, moment),
        state,
        round(100 * left / whole),
        _("Time left"),
    )


@register.simple_tag
def closes(at: datetime | None) -> SafeString:
    """Time left in words only, for rows that have no room for a fuse."""
    if at is None:
        return mark_safe("")
    return format_html(
        '<time datetime="{}" data-mc-age="closes" title="{}">{}</time>',
        at.isoformat(timespec="seconds"),
        _exact(at),
        words.until_words(at, now()),
    )


@register.simple_tag
def count(number: int | None, beacon: bool = False) -> SafeString:  # noqa: FBT001, FBT002 - a tag's argument
    """Number equal to the list it opens; nought is not drawn."""
    if not number:
        return mark_safe("")
    return format_html(
        '<span class="mc-count{}">{}</span>',
        " mc-count-beacon" if beacon else "",
        f"{COUNT_CAP}+" if number > COUNT_CAP else number,
    )


@register.simple_tag
def tag(name: str, color: str | None = None) -> SafeString:
    """A user's tag with the nearest colour of the kit."""
    return format_html('<span class="mc-tag {}">{}</span>', signs.tag_state(color), name)


@register.simple_tag
def event_icon(event_type: str, glyph: str = "", outcome: str = "") -> SafeString:
    """Icon of an event in a timeline."""
    sign = signs.event_sign(event_type, glyph, outcome)
    return icon(sign.glyph, state=sign.state)


@register.filter
def retold(text: str | None) -> str:
    """What a job stored, in the reader's language where it is a sentence of ours."""
    return retelling.retold(text or "")


@register.filter
def markdown(text: str | None) -> SafeString:
    """Safe HTML of a Markdown text."""
    return render_markdown(text)


@register.filter
def initials(name: str | None) -> str:
    """One or two letters for a name."""
    return words.initials(name or "")


@register.filter
def duration(seconds: float | None) -> str:
    """Length of time in words; empty when unknown."""
    return "" if seconds is None else words.duration_words(seconds)


@register.filter
def day_heading(at: datetime) -> str:
    """Heading of a day in a timeline."""
    return words.day_words(at, now())


@register.filter
def pretty_json(value: Any) -> str:
    """JSON for raw payloads: on one line while it is short, else with indents."""
    line = json.dumps(value, ensure_ascii=False, default=str)
    if len(line) <= ONE_LINE:
        return line
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


@register.filter
def lookup(mapping: Mapping[Any, Any] | None, key: Any) -> Any:
    """Value of a key that only the template knows; nothing when absent."""
    return (mapping or {}).get(key)


@register.filter
def untouched(checks: Iterable[Any] | None) -> list[str]:
    """Titles of the checks that an earlier failure left out."""
    return [str(check.title) for check in checks or () if getattr(check, "is_untouched", False)]


@register.simple_tag
def tasks_word(number: int) -> str:
    """Count of tasks in words."""
    return ngettext("%(n)s task", "%(n)s tasks", number) % {"n": number}


@register.simple_tag
def attrs(values: Mapping[str, Any] | None) -> SafeString:
    """Mapping as HTML attributes; True draws the bare name, None and False nothing."""
    parts = []
    for name, value in (values or {}).items():
        if value is None or value is False:
            continue
        parts.append(name if value is True else f'{name}="{conditional_escape(value)}"')
    return mark_safe(" ".join(parts))  # noqa: S308 - names are ours, values escaped above


@register.simple_tag
def form_key() -> SafeString:
    """Hidden key of a form that creates something: sent twice, it creates once."""
    return format_html(
        '<input type="hidden" name="{}" value="{}">', submissions.FIELD, token_urlsafe(12)
    )
