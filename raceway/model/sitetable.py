"""The site table of a module, packed: what the cache keeps of sites, and a sequence that makes them when asked.

Serves the import hook and the cores. Importing a large package binds tens of thousands of sites, of which a finding
names a few, and most belong to code that never runs. So the table is bytes until somebody asks. What a tap is made from
lies in columns of numbers, and the texts among them are numbers of one tuple of texts: that part is read when a tap of
the module is made. The rest is read, and sites themselves are made, with the first one asked for.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Iterator, Sequence
from sys import intern

from raceway.model.kinds import RegionKind
from raceway.model.sites import Context, Region, Role, Site, SiteForm
from raceway.model.struct import fields, made
from raceway.model.typing import Any, overload

_FORMS = tuple(SiteForm)
_CONTEXTS = tuple(Context)
_ROLES = {ord(role.value): role for role in Role}

_BITS = ("keyed", "is_head", "rechecked", "double_checked", "spans", "flag", "suspends", "opens")
"""Fields that are one bit of `SiteTable.flags` each, from the lowest."""

_TEXTS = ("name", "through", "label")
"""Fields that are numbers of texts."""

_INTERNED = frozenset({"name", "through"})
"""Those that are looked up and compared; being first in `_TEXTS`, they come out of the file interned."""

_AT_ONCE = frozenset({"form", "context", "commit", *_TEXTS, *_BITS})
_LATER = tuple(name for name in fields(Site) if name not in _AT_ONCE and name not in ("index", "regions"))
"""Fields that are unpacked with the first site."""


_FAST = 1
"""Level of compression: a fifth of the size, so that little is read for what is seldom needed."""


class SiteTable(Sequence[Site]):
    """The sites of one module, from what `pack` gives."""

    __slots__ = ("_packed", "_sites")

    def __init__(self, packed: tuple[int, bytes, bytes]) -> None:
        self._packed = packed
        self._sites: tuple[Site, ...] | None = None

    def __len__(self) -> int:
        return self._packed[0]

    @overload
    def __getitem__(self, index: int) -> Site: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Site]: ...

    def __getitem__(self, index: int | slice) -> Site | Sequence[Site]:
        """One site, or several; the first one that is asked for makes all of them."""
        return self._all()[index]

    def __iter__(self) -> Iterator[Site]:
        return iter(self._all())

    def closed(self) -> tuple[int, bytes]:
        """How many sites there are, and their columns as they lie in a file."""
        return self._packed[:2]

    def columns(self) -> tuple[Any, ...]:
        """What taps and rules need to know of the sites, as the native core takes it.

        Bytes with one for each site: places of form and context in their enums, letters of commits, bits, and bits
        again: whether the operand is plain `self`, `lent`, `made`, `waits`, whether the site is the head of a region in
        which a greenlet may let others run, `polled`, `given`, and whether it `answers` or `asks`. The texts, and for
        each of `_TEXTS` bytes with their numbers: two for each site, lowest first, four where texts are many. By index
        of the site, where there is one:
        values of literal keys; and regions: 512 times the head, 1 more where an await lies inside, 2 more where a value
        is taken back, 4 more where a lock may be let go of inside, 8 more where a greenlet may let others run inside,
        16 more where the head stands in for the one before, 32 more where it is in another function, and then `brings`,
        `takes` and `fills`.
        """
        found: tuple[Any, ...] = marshal.loads(self._packed[1])
        return found

    def _all(self) -> tuple[Site, ...]:
        if self._sites is None:
            columns = self._columns()
            self._sites = tuple(made(Site, row) for row in zip(*(columns[name] for name in fields(Site)), strict=True))
        return self._sites

    def _columns(self) -> dict[str, Iterable[object]]:
        import zlib

        forms, contexts, commits, every_flags, _selves, texts, *numbers, _literals, _heads = self.columns()
        regions, *later = marshal.loads(zlib.decompress(self._packed[2]))
        return {
            "index": range(len(self)),
            "form": [_FORMS[place] for place in forms],
            "context": [_CONTEXTS[place] for place in contexts],
            "commit": [_ROLES[letter] for letter in commits],
            **{name: _texts(texts, column, len(self)) for name, column in zip(_TEXTS, numbers, strict=True)},
            "regions": [_regions(regions.get(index, ())) for index in range(len(self))],
            **{name: [bool(flags >> bit & 1) for flags in every_flags] for bit, name in enumerate(_BITS)},
            **dict(zip(_LATER, later, strict=True)),
        }


def _texts(texts: tuple[str, ...], column: bytes, count: int) -> list[str]:
    width = len(column) // count if count else 1
    return [texts[int.from_bytes(column[at : at + width], "little")] for at in range(0, len(column), width)]


def single(site: Site) -> SiteTable:
    """The table of one site without key and regions, at little cost."""
    numbers = (bytes([number]) for number in (_FORMS.index(site.form), _CONTEXTS.index(site.context)))
    texts = (site.name, site.through, site.label)
    columns = (bytes([number, 0]) for number in range(len(texts)))
    bits = b"\0", bytes([_operand(site)])
    found: tuple[Any, ...] = (*numbers, site.commit.value.encode(), *bits, texts, *columns, {}, {})
    table = SiteTable((1, marshal.dumps(found), b""))
    table._sites = (site,)
    return table


_PackedRegion = tuple[int, str, bool, bool, bool, bool, bool, tuple[int, ...], *tuple[bool, ...]]


def _regions(packed: Iterable[_PackedRegion]) -> tuple[Region, ...]:
    return tuple(Region(region[0], RegionKind(region[1]), *region[2:]) for region in packed)


def pack(sites: Sequence[Site]) -> tuple[int, bytes, bytes]:
    """What `SiteTable` takes: the number of sites, columns, and what only findings ask for. Equal values become one."""
    import zlib
    from ast import literal_eval

    known: dict[object, object] = {}
    texts: dict[str, int] = {}

    def column(name: str) -> tuple[Any, ...]:
        return tuple(known.setdefault((type(value), value), value) for value in (getattr(site, name) for site in sites))

    def numbered(name: str) -> list[int]:
        spell = intern if name in _INTERNED else str
        return [texts.setdefault(spell(text), len(texts)) for text in column(name)]

    numbers = {name: numbered(name) for name in _TEXTS}
    width = 2 if len(texts) <= 1 << 16 else 4
    switching = {region.head for site in sites for region in site.regions if region.switches}
    regions = {site.index: tuple(_packed(region) for region in site.regions) for site in sites if site.regions}
    columns: tuple[Any, ...] = (
        bytes(_FORMS.index(site.form) for site in sites),
        bytes(_CONTEXTS.index(site.context) for site in sites),
        bytes(ord(site.commit.value) for site in sites),
        bytes(map(_flags, sites)),
        bytes(_operand(site) | (site.index in switching) << 4 for site in sites),
        tuple(texts),
        *(b"".join(number.to_bytes(width, "little") for number in numbers[name]) for name in _TEXTS),
        {site.index: literal_eval(site.key) for site in sites if site.key},
        {site.index: tuple(_head(region) for region in site.regions) for site in sites if site.regions},
    )
    later = marshal.dumps((regions, *map(column, _LATER)))
    return len(sites), marshal.dumps(columns), zlib.compress(later, _FAST)


def _packed(region: Region) -> _PackedRegion:
    return (
        region.head,
        region.kind.value,
        region.spans,
        region.awaits,
        region.splits,
        region.switches,
        region.instead,
        region.calls,
        region.sure,
        region.waits,
        region.apart,
        region.fills,
        region.here,
        region.brings,
        region.takes,
    )


def _head(region: Region) -> int:
    takes_back = region.kind is RegionKind.VALUE
    bits = region.switches << 3 | region.splits << 2 | takes_back << 1 | region.awaits
    bits |= region.fills << 8 | region.takes << 7 | region.brings << 6
    return region.head << 9 | bool(region.calls) << 5 | region.instead << 4 | bits


def _operand(site: Site) -> int:
    first = (site.base == "self") | site.lent << 1 | site.made << 2 | site.waits << 3
    return first | site.polled << 5 | site.given << 6 | (site.answers or site.asks) << 7


def _flags(site: Site) -> int:
    return sum(1 << bit for bit, name in enumerate(_BITS) if getattr(site, name))
