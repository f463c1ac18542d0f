"""Regions: the read that a write depends on, if it was reached in the same activation and at the same location."""

from __future__ import annotations

from collections.abc import Mapping

from raceway.detector.shadow import Entry
from raceway.model.records import Location
from raceway.model.sites import Site

Heads = Mapping[tuple[int, int, Location], Entry]
"""The newest reads that later writes may depend on, by site, activation and location."""


def find_head(entry: Entry, site: Site, heads: Heads, kept: Heads | None) -> None:
    """Give the write in `entry` its region's head: that of the first region of its site that has one. Of several reads
    that one test makes, some of which a short circuit may have passed by, the newest.

    `kept` are the reads that its task remembers over suspensions; None outside of tasks.
    """
    access = entry.access
    base = access.site - site.index
    for number, region in enumerate(site.regions):
        if entry.head is not None and not region.instead:
            return
        known = heads if kept is None or not region.awaits else kept
        activation = access.caller if region.calls else access.activation
        head = known.get((base + region.head, activation, access.location))
        if head is not None and (entry.head is None or head.sequence > entry.head.sequence):
            entry.head, entry.region = head, number
