"""Finds the races of a run a second time, from nothing but its program and the events that it wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from raceway.detector.detector import Detector
from raceway.findings import build
from raceway.model.events import Event
from raceway.model.findings import Actor, Finding
from raceway.model.sites import Site
from raceway.pipeline.replay import records_of
from raceway.transform import instrument

Shown = tuple[object, ...]
"""What people learn from a finding."""


class _Names:
    """Who names what is in the races: the events, and the sites of the program."""

    def __init__(self, detector: Detector, sites: list[Site], files: list[str], facts: dict[str, Any]) -> None:
        self._detector = detector
        self._files = files
        self._read = set(facts["read"])
        self._acted = set(facts["acted"])
        self.site = sites.__getitem__

    def site_file(self, serial: int) -> str:
        return self._files[serial]

    def actor_name(self, serial: int) -> Actor:
        actor = self._detector.actors[serial]
        return Actor(actor.kind.value, actor.name)

    def lock_place(self, serial: int) -> tuple[str, int]:
        name = self._detector.names.known.get(serial)
        return ("", 0) if name is None else (name.file, name.line)

    def has_acted(self, serial: int) -> bool:
        return serial in self._acted

    def is_read(self, variable: str) -> bool:
        return variable.removesuffix("[...]") in self._read


def read_events(path: Path) -> list[Event]:
    """The events of a file."""
    decoder = msgspec.json.Decoder(Event)
    return [decoder.decode(line) for line in path.read_bytes().splitlines()]


def findings_of(events: list[Event], program: Path, directory: Path, form: str, gil: bool) -> tuple[Finding, ...]:
    """The findings that the Python detector gets from the events of a program of one module."""
    facts = [event.kind.Custom.data for event in events if event.kind.Custom is not None]
    made = instrument(program.read_bytes(), str(program), "__main__", form)
    sites = list(made.sites)
    detector = Detector(sites.__getitem__)
    for record in records_of(events):
        detector.feed(record)
    names = _Names(detector, sites, [str(program)] * len(sites), facts[-1] if facts else {"read": [], "acted": []})
    return build(detector.races.all(), enumerate(sites), names, str(directory), gil)


def shown(finding: dict[str, Any]) -> Shown:
    """What people learn from a finding of a JSON report. Which key an item has is not in the events."""
    variable, key = finding["variable"], finding.get("key", "")
    if key:
        variable = f"{variable.removesuffix(f'[{key}]')}[...]"
    sides = sorted(
        (side["line"], side["operation"], side["actor"]["name"], tuple(side["locks"])) for side in finding["accesses"]
    )
    return finding["kind"], variable, finding["severity"], finding["confidence"], tuple(sides)
