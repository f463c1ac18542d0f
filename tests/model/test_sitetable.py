"""Packed sites: the table gives back what was packed, and tells a tap what it needs without making any site."""

from __future__ import annotations

import marshal
from pathlib import Path

import pytest

from raceway.model.sites import Context, Role, Site, SiteForm
from raceway.model.sitetable import SiteTable, pack
from raceway.model.struct import replace
from raceway.transform import instrument

FIXTURES = Path(__file__).parents[2] / "fixtures"
PROGRAMS = sorted((FIXTURES / "race").glob("*.py"))[::5]


def packed(sites: tuple[Site, ...]) -> SiteTable:
    """The table as it comes from a file."""
    return SiteTable(marshal.loads(marshal.dumps(pack(sites))))


def sites_of(program: Path) -> tuple[Site, ...]:
    """The sites of a program of the corpus."""
    return instrument(program.read_bytes(), str(program), "__main__").sites


def operand(site: Site) -> int:
    """What is said of the operand, but for greenlets, of which the region says more."""
    said = (site.base == "self", site.lent, site.made, site.waits, False, site.polled, site.given)
    return sum(holds << place for place, holds in enumerate(said))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_all_sites_come_back(program: Path) -> None:
    sites = sites_of(program)
    table = packed(sites)
    assert (len(table), tuple(table), table[0], table[-1]) == (len(sites), sites, sites[0], sites[-1])


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_columns_say_what_the_sites_say(program: Path) -> None:
    sites = sites_of(program)
    table = packed(sites)
    forms, contexts, commits, _flags, operands, texts, *columns, literals, heads = table.columns()
    assert [list(SiteForm)[place] for place in forms] == [site.form for site in sites]
    assert [list(Context)[place] for place in contexts] == [site.context for site in sites]
    assert [Role(chr(letter)) for letter in commits] == [site.commit for site in sites]
    said = [[texts[low | high << 8] for low, high in zip(*[iter(column)] * 2, strict=True)] for column in columns]
    assert said == [[getattr(site, name) for site in sites] for name in ("name", "through", "label")]
    assert [bits & 0b1101111 for bits in operands] == [operand(site) for site in sites]
    assert list(literals) == [site.index for site in sites if site.key]
    regions = {site.index: [(region.head, region.awaits) for region in site.regions] for site in sites if site.regions}
    assert {index: [(head >> 9, bool(head & 1)) for head in found] for index, found in heads.items()} == regions


def test_a_module_with_very_many_texts_has_wider_numbers() -> None:
    (site, *_) = sites_of(PROGRAMS[0])
    sites = tuple(replace(site, index=index, regions=(), key="", name=f"x{index}") for index in range(70_000))
    table = packed(sites)
    assert {len(column) for column in table.columns()[6:9]} == {4 * len(sites)}
    assert (table[69_999].name, table[69_999].base) == ("x69999", site.base)


def test_a_module_without_sites_has_an_empty_table() -> None:
    assert list(packed(())) == []
