"""Packed sites: the table gives back what was packed, and tells a tap what it needs without making any site."""

from __future__ import annotations

import marshal
from pathlib import Path

import pytest

from raceway.model.sites import Context, Role, Site, SiteForm
from raceway.model.sitetable import SiteTable, pack
from raceway.transform import instrument

FIXTURES = Path(__file__).parents[2] / "fixtures"
PROGRAMS = sorted((FIXTURES / "race").glob("*.py"))[::5]


def packed(sites: tuple[Site, ...]) -> SiteTable:
    """The table as it comes from a file."""
    return SiteTable(marshal.loads(marshal.dumps(pack(sites))))


def sites_of(program: Path) -> tuple[Site, ...]:
    """The sites of a program of the corpus."""
    return instrument(program.read_bytes(), str(program), "__main__").sites


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_all_sites_come_back(program: Path) -> None:
    sites = sites_of(program)
    table = packed(sites)
    assert (len(table), tuple(table), table[0], table[-1]) == (len(sites), sites, sites[0], sites[-1])


@pytest.mark.parametrize("program", PROGRAMS[:3], ids=lambda program: program.stem)
def test_columns_say_what_the_sites_say(program: Path) -> None:
    sites = sites_of(program)
    table = packed(sites)
    assert [list(SiteForm)[place] for place in table.forms] == [site.form for site in sites]
    assert [list(Context)[place] for place in table.contexts] == [site.context for site in sites]
    assert [Role(chr(letter)) for letter in table.commits] == [site.commit for site in sites]
    assert [len(heads) for heads in table.heads] == [len(site.regions) for site in sites]
    regions = [(region.head, region.awaits) for site in sites for region in site.regions]
    assert [(head >> 3, bool(head & 1)) for heads in table.heads for head in heads] == regions
    assert table.names == tuple(site.name for site in sites)
    assert [literal is not ... for literal in table.literals] == [bool(site.key) for site in sites]
    assert {len(column) for column in table.columns()} == {len(sites)}


def test_a_module_without_sites_has_an_empty_table() -> None:
    assert list(packed(())) == []
