"""Words, ages and signs of the pages."""

from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template
from django.utils import translation

from missioncontrol.kernel import signs, words

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def draw(source: str, **context: object) -> str:
    return Template("{% load mc %}" + source).render(Context(context))


@pytest.mark.parametrize(
    ("seconds", "short", "long"),
    [
        (0, "0 s", "0 s"),
        (59, "59 s", "59 s"),
        (60, "1 min", "1 min"),
        (3_600, "1 h", "1 h"),
        (11_100, "3 h", "3 h 05 min"),
        (172_800, "2 d", "2 d"),
        (-5, "0 s", "0 s"),
    ],
)
def test_lengths_in_words(seconds: int, short: str, long: str) -> None:
    assert words.short_words(seconds) == short
    assert words.duration_words(seconds) == long


def test_ages_and_deadlines() -> None:
    assert words.age_words(NOW - timedelta(seconds=8), NOW) == "8 s ago"
    assert words.age_words(NOW - timedelta(days=20), NOW) == "1 Nov"
    assert words.until_words(NOW + timedelta(minutes=42), NOW) == "closes in 42 min"
    assert words.until_words(NOW, NOW) == "closed"


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("atlas", "AT"),
        ("Mira Okafor", "MO"),
        ("release-lead", "RL"),
        ("林悦", "林"),
        ("hai 海", "HA"),
        ("Lin Yue 林悦", "LY"),
        ("Tomás Kral", "TK"),
        (" ", "?"),
    ],
)
def test_initials(name: str, letters: str) -> None:
    assert words.initials(name) == letters


@pytest.mark.parametrize(
    ("color", "state"),
    [
        ("e53935", "is-blocked"),
        ("#43a047", "is-done"),
        ("1e88e5", "is-custom-1"),
        ("9e9e9e", "is-neutral"),
        ("zz", "is-neutral"),
        (None, "is-neutral"),
    ],
)
def test_tag_colours_take_the_nearest_hue(color: str | None, state: str) -> None:
    assert signs.tag_state(color) == state


def test_blocked_wins_over_the_status_until_done() -> None:
    assert signs.task_sign("in_progress", is_blocked=True).state == "is-blocked"
    assert signs.task_sign("done", is_blocked=True).state == "is-done"


def test_strip_has_sixteen_beats_and_says_them() -> None:
    html = draw("{% beats strip 'online' %}", strip=["on_time", "late", "missed"])
    assert html.count("<rect") == 16
    assert "1 on time, 1 late, 1 missed" in html


def test_seats_put_the_mark_after_what_is_needed() -> None:
    html = draw("{% seats votes 2 %}", votes=["open", "approve", "reject"])
    places = [html.index(part) for part in ("is-approve", "mc-need", "is-reject")]
    assert places == sorted(places)
    assert "1 approve, 1 reject, 0 abstain, 1 open; 2 needed" in html


def test_fuse_turns_high_in_the_last_hour() -> None:
    opened = NOW - timedelta(hours=1)
    assert draw("{% fuse a b %}", a=None, b=None) == ""
    html = draw("{% fuse a b %}", a=opened, b=datetime.now(UTC) + timedelta(minutes=30))
    assert "mc-fuse is-high" in html


@pytest.mark.parametrize(
    ("points", "path"),
    [([1, 1], "M0.0 15.0L100.0 15.0"), ([0, None, 2], "M0.0 27.0L50.0 27.0L100.0 3.0")],
)
def test_sparkline_is_scaled_to_its_own_range(points: list[float | None], path: str) -> None:
    assert path in draw("{% sparkline points %}", points=points)


def test_nought_is_not_counted() -> None:
    assert draw("{% count 0 %}") == ""
    assert "99+" in draw("{% count 100 %}")
    assert "mc-count-beacon" in draw("{% count 3 True %}")


@pytest.mark.scenario("CORE-54")
def test_names_are_escaped_in_every_sign() -> None:
    evil = "<img src=x onerror=alert(1)>"
    for source in ("{% tag v %}", "{% icon 'x' label=v %}", "{% pill v %}", "{% prio v %}"):
        assert "<img" not in draw(source, v=evil)


def test_every_sign_has_a_word_in_chinese_mode() -> None:
    with translation.override("zh-hans"):
        for table in (signs.TASK_STATUS, signs.LEVEL, signs.STATE):
            assert all(str(sign.word) for sign in table.values())
