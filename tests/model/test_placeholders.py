"""Code with and without placeholders: what is taken out is put back where it was, and nowhere else."""

from __future__ import annotations

from types import CodeType

import pytest

from raceway.model.placeholders import Place, put_in, spell, take_out
from raceway.model.sites import Context, Role, Site, SiteForm
from raceway.model.sitetable import single
from raceway.runtime.core import make_core
from tests.conftest import available_cores

MARKER = b"marker"
BASE, KEY, VALUE = (spell(MARKER, index, role) for index, role in ((0, Role.BASE), (0, Role.KEY), (70_000, Role.VALUE)))
SOURCE = f"""
def outer(o, k):
    def inner():
        return {VALUE!r} @ o, None
    {BASE!r}[o][{KEY!r}[k]]
    try:
        pass
    finally:
        (lambda: {VALUE!r} @ k)()
    return inner
"""


def constants(code: CodeType) -> list[object]:
    """All constants, those of nested code behind the others of their own."""
    found: list[object] = []
    for constant in code.co_consts:
        found += [constant.co_name, *constants(constant)] if isinstance(constant, CodeType) else [constant]
    return found


def test_what_was_taken_out_comes_back() -> None:
    code = compile(SOURCE, "file", "exec")
    taken, places = take_out(code, MARKER)
    assert not {BASE, KEY, VALUE} & set(constants(taken))
    spelled = []

    def make(place: Place) -> bytes:
        spelled.append(place)
        return spell(MARKER, place.site, place.role)

    assert constants(put_in(taken, places, make)) == constants(code)
    assert {(place.site, place.role, place.others) for place in spelled} == {
        (0, Role.BASE, 1), (0, Role.KEY, 1), (70_000, Role.VALUE, 0),
    }  # fmt: skip


@pytest.mark.skipif("native" not in available_cores(), reason="needs the native core")
@pytest.mark.parametrize("damage", ["short", "site", "constant"])
def test_a_list_that_does_not_fit_the_code_is_refused(damage: str) -> None:
    """The cache's digest finds damage before; what gets past it is an error, not a crash."""
    code, places = take_out(compile(f"{BASE!r}[o]", "file", "exec"), MARKER)
    wrong = {"short": places[:-1], "site": places[:-8] + b"\7" + places[-7:], "constant": places[:-4] + b"\xff" * 4}
    site = Site(0, SiteForm.ATTRIBUTE, Context.LOAD, Role.BASE, "x", "o", "o", "", 1, 0, 1, 1)
    with pytest.raises(TypeError, match="the list of places"):
        make_core("native").bind(code, single(site), wrong[damage], "file")
