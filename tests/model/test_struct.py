"""Structs: what can be asked of a value, and what making one refuses."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from raceway.model.struct import Struct, abouts, defaults, field, fields, made, replace, values


class Point(Struct):
    """Two of three fields must be given."""

    x: int
    y: int
    name: str = "origin"

    @property
    def sum(self) -> int:
        """What a value can compute of itself."""
        return self.x + self.y


class Row(Struct, kw_only=True):
    """A field that must be given may follow one with a default."""

    width: int = 1
    text: str


class Told(Struct):
    """A field that something is said of."""

    quiet: bool = field(default=False, about="says nothing")


def test_fields_are_read_by_name_and_given_by_position_or_keyword() -> None:
    assert Point(1, 2) == Point(y=2, x=1) == Point(1, 2, "origin") == Point(1, y=2, name="origin")
    assert (Point(1, 2).x, Point(1, 2).sum, Point(1, 2, name="a").name) == (1, 3, "a")
    assert Row(text="a") == Row(width=1, text="a")


def test_values_are_equal_and_hashed_by_their_fields() -> None:
    assert {Point(1, 2): "found"}[Point(1, 2)] == "found"
    assert Point(1, 2) != Point(2, 1)
    assert repr(Point(1, 2)) == "Point(x=1, y=2, name='origin')"


def test_values_do_not_change() -> None:
    point: Any = Point(1, 2)
    with pytest.raises(AttributeError):
        point.x = 3
    with pytest.raises(AttributeError):
        point.z = 3


@pytest.mark.parametrize(
    ("values", "named", "complaint"),
    [
        ((1,), {}, "Point needs a value for y"),
        ((1, 2, "a", 4), {}, "Point takes 3 values by position, not 4"),
        ((1, 2), {"z": 3}, "Point has no field z"),
        ((1, 2), {"x": 3}, "Point got x twice"),
    ],
)
def test_a_value_has_all_its_fields_and_no_other(values: Any, named: Any, complaint: str) -> None:
    with pytest.raises(TypeError, match=complaint):
        Point(*values, **named)


def test_fields_of_keywords_only_are_not_given_by_position() -> None:
    row: Any = Row
    with pytest.raises(TypeError, match="Row takes 0 values by position, not 1"):
        row("a")
    with pytest.raises(TypeError, match="Row needs a value for text"):
        row()


def test_a_copy_may_differ_in_some_fields() -> None:
    assert replace(Point(1, 2), y=5) == Point(1, 5)
    with pytest.raises(TypeError, match="Point has no field z"):
        replace(Point(1, 2), z=5)


def test_values_are_copied_and_pickled() -> None:
    for same in (copy.copy(Point(1, 2)), copy.deepcopy(Point(1, 2)), pickle.loads(pickle.dumps(Point(1, 2)))):
        assert same == Point(1, 2)
        assert type(same) is Point


def test_classes_tell_their_fields() -> None:
    assert (fields(Point), defaults(Point), abouts(Point)) == (("x", "y", "name"), {"name": "origin"}, {})
    assert (defaults(Told), abouts(Told)) == ({"quiet": False}, {"quiet": "says nothing"})
    assert made(Point, values(Point(1, 2))) == Point(1, 2)


def test_values_are_matched_by_position() -> None:
    match Point(1, 2):
        case Point(x, y, name):
            assert (x, y, name) == (1, 2, "origin")
