"""Input that no column can keep, and answers that hold what another program wrote."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from missioncontrol.kernel.renderers import dumps
from missioncontrol.kernel.schemas import Input, JsonObject, UtcTime


class Shape(Input):
    """One field of each kind."""

    word: str = ""
    words: list[str] = []
    moment: UtcTime | None = None
    data: JsonObject = {}


@pytest.mark.parametrize(
    "given",
    [
        {"word": "a\x00b"},
        {"words": ["a", "\x00"]},
        {"moment": "0001-01-01T00:00:00+14:00"},
        {"moment": "9999-12-31T23:59:59-14:00"},
        {"moment": "0001-01-01T00:00:00Z"},
        {"data": {"deep": [{"number": 10**30}]}},
        {"data": {"number": 1e300}},
        {"data": {"\x00": 1}},
    ],
)
def test_what_cannot_be_kept_is_refused_as_input(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Shape.model_validate(given)


def test_what_can_be_kept_passes() -> None:
    shape = Shape.model_validate(
        {
            "word": "ü\n",
            "words": ["a"],
            "moment": "0001-01-03T00:00:00+14:00",
            "data": {"number": 2**63 - 1, "ratio": 0.5, "flag": True},
        }
    )
    assert shape.moment is not None
    assert shape.moment.isoformat() == "0001-01-02T10:00:00+00:00"


def test_a_number_beyond_64_bits_does_not_break_an_answer() -> None:
    answer = orjson.loads(dumps({"rows": [{"big": 10**30, "small": 7, "least": -(2**63)}]}))
    assert answer == {"rows": [{"big": str(10**30), "small": 7, "least": -(2**63)}]}
