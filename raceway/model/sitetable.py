"""The site table of a module, packed: what the cache keeps of sites, and a sequence that makes them when asked.

Serves the import hook and the cores. Importing a large package binds tens of thousands of sites, of which a finding
names a few: only what a tap is made from is unpacked at once, column by column, the rest with the first site asked for.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Iterator, Sequence

from raceway.model.kinds import RegionKind
from raceway.model.sites import Context, Region, Role, Site, SiteForm
from raceway.model.struct import fields, made
from raceway.model.typing import Any, overload

_FORMS = tuple(SiteForm)
_CONTEXTS = tuple(Context)
_ROLES = {ord(role.value): role for role in Role}

_BITS = ("keyed", "is_head", "rechecked", "double_checked", "spans", "loop_test", "suspends", "opens")
"""Fields that are one bit of `SiteTable.flags` each, from the lowest."""

_AT_ONCE = frozenset({"form", "context", "commit", "name", "through", "label", "base", *_BITS})
_LATER = tuple(name for name in fields(Site) if name not in _AT_ONCE and name not in ("index", "regions"))
"""Fields that are unpacked with the first site."""


_FAST = 1
"""Level of compression: a fifth of the size, so that little is read for what is seldom needed."""


class SiteTable(Sequence[Site]):
    """The sites of one module. Columns have one item per site.

    `forms` and `contexts` are places in the enums, `commits` the letters of roles, `flags` bits, `literals` the values
    of literal keys or `...`, `heads` the regions: eight times the head,
    1 more where an await lies inside, 2 more where a value is taken back, 4 more where a lock may be let go of inside.
    """

    __slots__ = (
        "_later", "_sites", "bases", "commits", "contexts", "flags", "forms", "heads", "labels", "literals", "names",
        "throughs",
    )  # fmt: skip

    def __init__(self, packed: tuple[Any, ...]) -> None:
        self.forms: bytes
        self.contexts: bytes
        self.commits: bytes
        self.flags: bytes
        self.names: tuple[str, ...]
        self.literals: tuple[object, ...]
        self.throughs: tuple[str, ...]
        self.labels: tuple[str, ...]
        self.bases: tuple[str, ...]
        self.heads: tuple[tuple[int, ...], ...]
        self._later: bytes
        self.forms, self.contexts, self.commits, self.flags, *rest, self._later = packed
        self.names, self.literals, self.throughs, self.labels, self.bases, self.heads = rest
        self._sites: tuple[Site, ...] | None = None

    def __len__(self) -> int:
        return len(self.forms)

    @overload
    def __getitem__(self, index: int) -> Site: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Site]: ...

    def __getitem__(self, index: int | slice) -> Site | Sequence[Site]:
        """One site, or several; the first one that is asked for makes all of them."""
        return self._all()[index]

    def __iter__(self) -> Iterator[Site]:
        return iter(self._all())

    def columns(self) -> tuple[Any, ...]:
        """What taps and rules need to know of the sites, as the native core takes it."""
        numbers = self.forms, self.contexts, self.commits, self.flags
        return (*numbers, self.names, self.literals, self.throughs, self.labels, self.bases, self.heads)

    def _all(self) -> tuple[Site, ...]:
        if self._sites is None:
            columns = self._columns()
            self._sites = tuple(made(Site, row) for row in zip(*(columns[name] for name in fields(Site)), strict=True))
        return self._sites

    def _columns(self) -> dict[str, Iterable[object]]:
        import zlib

        regions, *later = marshal.loads(zlib.decompress(self._later))
        return {
            "index": range(len(self)),
            "form": [_FORMS[place] for place in self.forms],
            "context": [_CONTEXTS[place] for place in self.contexts],
            "commit": [_ROLES[letter] for letter in self.commits],
            "name": self.names,
            "through": self.throughs,
            "label": self.labels,
            "base": self.bases,
            "regions": [_regions(regions.get(index, ())) for index in range(len(self))],
            **{name: [bool(flags >> bit & 1) for flags in self.flags] for bit, name in enumerate(_BITS)},
            **dict(zip(_LATER, later, strict=True)),
        }


def single(site: Site) -> SiteTable:
    """The table of one site without key and regions, at no cost."""
    numbers = (bytes([number]) for number in (_FORMS.index(site.form), _CONTEXTS.index(site.context)))
    texts = ((text,) for text in (site.through, site.label, site.base))
    table = SiteTable((*numbers, site.commit.value.encode(), b"\0", (site.name,), (...,), *texts, ((),), b""))
    table._sites = (site,)
    return table


_PackedRegion = tuple[int, str, bool, bool, bool]


def _regions(packed: Iterable[_PackedRegion]) -> tuple[Region, ...]:
    return tuple(Region(head, RegionKind(kind), *rest) for head, kind, *rest in packed)


def pack(sites: Sequence[Site]) -> tuple[Any, ...]:
    """What `SiteTable` takes, made of types that `marshal` knows. Equal values become one."""
    import zlib
    from ast import literal_eval

    known: dict[object, object] = {}

    def column(name: str) -> tuple[Any, ...]:
        return tuple(known.setdefault((type(value), value), value) for value in (getattr(site, name) for site in sites))

    regions = {site.index: tuple(_packed(region) for region in site.regions) for site in sites if site.regions}
    return (
        bytes(_FORMS.index(site.form) for site in sites),
        bytes(_CONTEXTS.index(site.context) for site in sites),
        bytes(ord(site.commit.value) for site in sites),
        bytes(map(_flags, sites)),
        column("name"),
        tuple(literal_eval(site.key) if site.key else ... for site in sites),
        *map(column, ("through", "label", "base")),
        tuple(tuple(_head(region) for region in site.regions) for site in sites),
        zlib.compress(marshal.dumps((regions, *map(column, _LATER))), _FAST),
    )


def _packed(region: Region) -> _PackedRegion:
    return region.head, region.kind.value, region.spans, region.awaits, region.splits


def _head(region: Region) -> int:
    return region.head << 3 | region.splits << 2 | (region.kind is RegionKind.VALUE) << 1 | region.awaits


def _flags(site: Site) -> int:
    return sum(1 << bit for bit, name in enumerate(_BITS) if getattr(site, name))
