"""Geometry of the throughput chart."""

from __future__ import annotations

import pytest

from missioncontrol.overview.charts import BOTTOM, LEFT, TOP, WIDTH, throughput, top_of


@pytest.mark.parametrize(
    ("largest", "top"), [(0, 3), (3, 3), (4, 5), (5, 5), (6, 10), (26, 30), (101, 200), (999, 1000)]
)
def test_the_axis_ends_at_the_next_round_number(largest: int, top: int) -> None:
    assert top_of(largest) == top


def test_bars_stand_on_the_axis_and_inside_the_frame() -> None:
    chart = throughput([0, 5, 10], [10, 0, 0])
    assert [bar.value for bar in chart.bars] == [0, 5, 10]
    assert [bar.height for bar in chart.bars] == [0, (BOTTOM - TOP) / 2, BOTTOM - TOP]
    for bar in chart.bars:
        assert LEFT <= bar.x < bar.x + bar.width <= WIDTH
        assert bar.y + bar.height == pytest.approx(BOTTOM)
    assert (chart.total, chart.before) == (15, 10)
    assert chart.ghost.startswith("M")


def test_an_empty_month_is_drawn_flat() -> None:
    chart = throughput([0] * 28, [0] * 28)
    assert {bar.height for bar in chart.bars} == {0}
    assert [line.label for line in chart.grid] == [0, 1, 2, 3]
