"""The log: what threads register at the same time stays apart."""

from __future__ import annotations

from collections.abc import Iterable

from raceway.model.sites import Site
from raceway.runtime.log import Log
from tests.detector.traces import site


class Overtaken(list[Site]):
    """The sites of a log to which another thread adds a module first, whenever one adds its own."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self.log = log
        self.others = [tuple(site(index) for index in range(4))]

    def extend(self, sites: Iterable[Site]) -> None:
        if self.others:
            self.log.add_sites("other.py", self.others.pop())
        super().extend(sites)


def test_modules_that_threads_import_at_once_keep_their_sites_and_files() -> None:
    log = Log()
    log.sites = Overtaken(log)
    sites = tuple(site(index) for index in range(3))
    base = log.add_sites("mine.py", sites)
    assert log.sites[base : base + 3] == list(sites)
    assert [log.file_of(serial) for serial in range(7)] == ["other.py"] * 4 + ["mine.py"] * 3


def test_a_module_without_sites_takes_no_serial() -> None:
    log = Log()
    assert log.add_sites("empty.py", ()) == log.add_sites("other.py", (site(0),)) == 0
    assert log.file_of(0) == "other.py"
