"""The tag `access` of a `StateChange`: what a race detector asks of an access beyond what the event says itself.

    <object>.<kind>.<key> <operation> <commute> <site> <sequence> [<region> <head> <since>] [late]

`object`, `kind` and `key` (hexadecimal) tell the location from all others of its process. Operation and commuting
class are those of `raceway.model.kinds`, `-` for none; `site` is the number of the tapped place, `sequence` counts
accesses. A write that depends on an earlier read names its region, the reading site, and the count at which that was
read. `late`: the access is told after what its flow did later; its clock says in which epoch it was.
"""

from __future__ import annotations

import re

from raceway.model.kinds import Commute, LocationKind, Operation
from raceway.model.struct import Struct
from raceway.model.told import COMMUTES, KINDS, OPERATIONS, ToldAccess

_WORDS = tuple(operation.value for operation in OPERATIONS)
_CLASSES = tuple("-" if commute is Commute.NONE else commute.value for commute in COMMUTES)
_SHAPE = re.compile(
    r"(\d+)\.(\d)\.([0-9a-f]+) ([a-z-]+) ([a-z-]+) (\d+) (\d+)(?: (\d+) (\d+) (\d+))?( late)?", re.ASCII
)


class AccessTag(Struct):
    """What the tag says; `region` is -1 where there is none."""

    object: int
    kind: LocationKind
    key: int
    operation: Operation
    commute: Commute
    site: int
    sequence: int
    region: int = -1
    head: int = 0
    since: int = 0
    late: bool = False


def words_of(operation: int, commute: int, site: int) -> str:
    """The part of a tag that is the same for all accesses of one sort at a site."""
    return f" {_WORDS[operation]} {_CLASSES[commute]} {site} "


def _access_tag(row: ToldAccess, words: str) -> str:
    """The tag of a told access; `words` are those of its sort and site."""
    tag = f"{row.object}.{row.kind}.{row.key:x}{words}{row.sequence}"
    if row.region >= 0:
        tag = f"{tag} {row.region} {row.head} {row.since}"
    return f"{tag} late" if row.late else tag


try:
    from raceway import _native
except ImportError:
    access_tag = _access_tag
else:
    access_tag = _native.access_tag


def read_access_tag(tag: str) -> AccessTag | None:
    """What a tag says; None when it is not one."""
    found = _SHAPE.fullmatch(tag)
    if found is None or int(found[2]) >= len(KINDS) or found[4] not in _WORDS or found[5] not in _CLASSES:
        return None
    region = (int(found[8]), int(found[9]), int(found[10])) if found[8] else (-1, 0, 0)
    return AccessTag(
        int(found[1]),
        KINDS[int(found[2])],
        int(found[3], 16),
        OPERATIONS[_WORDS.index(found[4])],
        COMMUTES[_CLASSES.index(found[5])],
        int(found[6]),
        int(found[7]),
        *region,
        bool(found[11]),
    )
