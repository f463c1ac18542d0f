"""Regions: the read that a write depends on, if it was reached in the same activation and at the same location."""

from __future__ import annotations

from collections.abc import Mapping

from raceway.detector.shadow import Entry
from raceway.detector.tasks import Place, Task
from raceway.model.sites import Site


def find_head(entry: Entry, site: Site, heads: Mapping[Place, Entry], task: Task | None) -> None:
    """Give the write in `entry` its region's head: that of the first region of its site that has one. Of several reads
    that one test makes, some of which a short circuit may have passed by, the newest.

    `heads` are the newest reads that later writes may depend on, of all that the actor does.
    """
    access = entry.access
    base = access.site - site.index
    for number, region in enumerate(site.regions):
        if entry.head is not None and not region.instead:
            return
        activation = access.caller if region.calls else access.activation
        place = (base + region.head, activation, access.location)
        head = heads.get(place) if task is None else task.find_head(region, place, heads)
        if head is not None and (entry.head is None or head.sequence > entry.head.sequence):
            entry.head, entry.region = head, number
