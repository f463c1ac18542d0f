"""Regions: the read that a write depends on, if it was reached in the same activation and at the same location."""

from __future__ import annotations

from collections.abc import Mapping

from raceway.detector.shadow import Entry
from raceway.detector.tasks import Place, Task
from raceway.model.kinds import Operation
from raceway.model.records import Access
from raceway.model.sites import Site


def find_head(entry: Entry, site: Site, heads: Mapping[Place, Entry], task: Task | None) -> None:
    """Give the write in `entry` its region's head: that of the first region of its site that has one. Of several reads
    that one test makes, some of which a short circuit may have passed by, the newest. A read is one that has found gone
    what it was to take out.

    `heads` are the newest reads that later writes may depend on, of all that the actor does.
    """
    access = entry.access
    base = access.site - site.index
    for number, region in enumerate(site.regions):
        if entry.head is not None and not region.instead:
            return
        if not (access.operation.mutates or region.takes):
            continue
        activation = access.caller if region.calls else access.activation
        place = (base + region.head, activation, access.location)
        head = heads.get(place) if task is None else task.find_head(region, place, heads)
        if head is not None and (entry.head is None or head.sequence > entry.head.sequence):
            entry.head, entry.region = head, number


def misses(access: Access, site: Site) -> bool:
    """Whether the access may be the vain try of a task to take out what a test has found."""
    return bool(access.task) and access.operation is Operation.READ and any(region.takes for region in site.regions)
