"""Geometry of the throughput chart. Pure: numbers in, shapes out; the template draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 262
LEFT, TOP, BOTTOM = 30, 20, 236
GAP = 0.22
STEPS = (1, 2, 5)
PARTS = (3, 4)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bucket."""

    x: float
    y: float
    width: float
    height: float
    value: int


@dataclass(frozen=True, slots=True)
class Grid:
    """A grid line with its figure."""

    y: float
    label: int


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars of the buckets, the line of the time before, the grid behind."""

    bars: list[Bar]
    ghost: str
    grid: list[Grid]
    total: int
    before: int


def scale_of(largest: int) -> tuple[int, int]:
    """Distance of the grid lines and their number above nought: round, even, just high enough."""
    unit = 1
    while unit * STEPS[-1] * PARTS[-1] < largest:
        unit *= 10
    return next(
        (step * unit, parts) for step in STEPS for parts in PARTS if step * unit * parts >= largest
    )


def throughput(now: Sequence[int], before: Sequence[int]) -> Chart:
    """Shapes for as many buckets as given, with those of the time before as a dashed line."""
    distance, parts = scale_of(max([*now, *before, 0]))
    top = distance * parts
    step = (WIDTH - LEFT) / max(1, len(now))
    width = step * (1 - GAP)

    def height(value: int) -> float:
        return (BOTTOM - TOP) * value / top

    bars = [
        Bar(
            x=round(LEFT + i * step + step * GAP / 2, 1),
            y=round(BOTTOM - height(value), 1),
            width=round(width, 1),
            height=round(height(value), 1),
            value=value,
        )
        for i, value in enumerate(now)
    ]
    points = [
        f"{LEFT + i * step + step / 2:.1f} {BOTTOM - height(value):.1f}"
        for i, value in enumerate(before[: len(now)])
    ]
    lines = range(0, top + 1, distance)
    return Chart(
        bars=bars,
        ghost="M" + "L".join(points) if points else "",
        grid=[Grid(round(BOTTOM - height(label), 1), label) for label in lines],
        total=sum(now),
        before=sum(before),
    )
