"""The line of an event and the tag of an access, from their parts: both ways of writing them write the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raceway.model.told import ToldAccess
from raceway.pipeline import accesstag, lines
from raceway.pipeline.batch import request_body

try:
    from raceway import _native
except ImportError:
    pytest.skip("the native core is not built", allow_module_level=True)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.just("x" * 5000)
COUNTS = st.integers(-(2**63), 2**63 - 1)
PARTS = st.tuples(
    TEXTS, TEXTS, COUNTS, TEXTS, TEXTS, TEXTS, st.none() | TEXTS | COUNTS, TEXTS, COUNTS,
    st.integers(0, 2**63 - 1),
)  # fmt: skip
U32 = st.integers(0, 2**32 - 1)
U64 = st.integers(0, 2**64 - 1)
ROWS = st.builds(
    ToldAccess, time=COUNTS, actor=COUNTS, number=COUNTS, site=U32, operation=U32, commute=U32, object=COUNTS,
    kind=st.integers(0, 7), key=U64, variable=TEXTS, sequence=U32, region=st.integers(-1, 127), head=U32, since=U32,
    late=st.booleans(),
)  # fmt: skip


@given(PARTS, st.lists(TEXTS | COUNTS, max_size=5))
def test_both_write_the_same_line(parts: Any, kind: list[str | int]) -> None:
    assert _native.event_line(*parts, *kind) == lines._event_line(*parts, *kind)


@given(ROWS, TEXTS)
def test_both_write_the_same_tag(row: ToldAccess, words: str) -> None:
    assert _native.access_tag(row, words) == accesstag._access_tag(row, words)


@pytest.mark.parametrize("line", [_native.event_line, lines._event_line])
def test_what_is_no_line_is_refused(line: Any) -> None:
    parts: list[Any] = ["t", "[[", 1, "]]", "{}", "[]", None, "i", 1, 0, "{}"]
    with pytest.raises(UnicodeEncodeError):
        line(*parts[:4], "\ud800", *parts[5:])
    with pytest.raises(TypeError):
        line(*parts[:9])
    with pytest.raises((TypeError, ValueError)):
        line(*parts[:9], "now", "{}")


@pytest.mark.parametrize("count", range(4))
def test_a_request_holds_all_lines(count: int) -> None:
    made = [b'{"n":%d}' % number for number in range(count)]
    assert request_body(made) == b'{"events":[' + b",".join(made) + b"]}"
