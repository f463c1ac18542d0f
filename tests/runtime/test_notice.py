"""The thread that tells of new races, and the end of the interpreter."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT, TIMEOUT_S, available_cores, clean_environ

PROGRAM = """
import ctypes
import sys
import threading

from raceway import _native
from raceway.model.kinds import Commute, LocationKind, Operation
from raceway.model.records import Access, Fork, Location
from raceway.model.sites import Context, Role, Site, SiteForm
from tests.detector.cores import fed

SITE = Site(
    index=0, form=SiteForm.ATTRIBUTE, context=Context.STORE, commit=Role.BASE, name="x", base="o", label="o",
    function="f", line=1, column=0, end_line=1, end_column=3,
)


def write(actor):
    where = Location(100, LocationKind.ATTRIBUTE, "x")
    return Access(actor, Operation.WRITE, where, 0, "o.x", (), Commute.NONE, 0)


def race(told):
    _native.on_race(told)
    with fed([Fork(0, 1, "a"), write(0), write(1)], [SITE]):
        pass


if sys.argv[1] == "told":
    said = threading.Event()
    race(said.set)
    assert said.wait(60)
race(lambda: None)
_native.on_race(None)
if sys.argv[1] == "again":
    said = threading.Event()
    race(said.set)
    assert said.wait(60)
    _native.on_race(None)
# The process lives on for longer than the thread waits, when there is no interpreter any more.
libc = ctypes.CDLL(None)
libc.__cxa_atexit(libc.usleep, ctypes.c_void_p(200_000), None)
print("end")
"""


@pytest.mark.skipif("native" not in available_cores(), reason="the native core is not built")
@pytest.mark.skipif(sys.platform != "linux", reason="the end is drawn out by a call of glibc")
@pytest.mark.parametrize("how", ["at-once", "told", "again"])
def test_who_would_tell_of_a_race_goes_when_nobody_listens(how: str) -> None:
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM, how],
        cwd=ROOT,
        env=clean_environ(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "end\n", "")
