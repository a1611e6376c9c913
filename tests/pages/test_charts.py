"""Geometry of the throughput chart."""

from __future__ import annotations

from itertools import pairwise

import pytest

from missioncontrol.overview.charts import BOTTOM, LEFT, TOP, WIDTH, throughput


@pytest.mark.parametrize(
    ("largest", "lines"),
    [
        (0, [0, 1, 2, 3]),
        (3, [0, 1, 2, 3]),
        (4, [0, 1, 2, 3, 4]),
        (5, [0, 2, 4, 6]),
        (9, [0, 5, 10, 15]),
        (20, [0, 5, 10, 15, 20]),
        (21, [0, 10, 20, 30]),
        (101, [0, 50, 100, 150]),
        (999, [0, 500, 1000, 1500]),
    ],
)
def test_grid_lines_are_round_and_stand_evenly(largest: int, lines: list[int]) -> None:
    grid = throughput([largest], [0]).grid
    assert [line.label for line in grid] == lines
    gaps = [low.y - high.y for low, high in pairwise(grid)]
    assert gaps == pytest.approx([gaps[0]] * len(gaps), abs=0.11)


def test_bars_stand_on_the_axis_and_inside_the_frame() -> None:
    chart = throughput([0, 10, 20], [10, 0, 0])
    assert [bar.value for bar in chart.bars] == [0, 10, 20]
    assert [bar.height for bar in chart.bars] == [0, (BOTTOM - TOP) / 2, BOTTOM - TOP]
    for bar in chart.bars:
        assert LEFT <= bar.x < bar.x + bar.width <= WIDTH
        assert bar.y + bar.height == pytest.approx(BOTTOM)
    assert (chart.total, chart.before) == (30, 10)
    assert chart.ghost.startswith("M")


def test_an_empty_month_is_drawn_flat() -> None:
    chart = throughput([0] * 28, [0] * 28)
    assert {bar.height for bar in chart.bars} == {0}
    assert [line.label for line in chart.grid] == [0, 1, 2, 3]
