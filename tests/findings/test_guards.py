"""The comment that names a lock: what it is read from, and what becomes of a finding."""

from __future__ import annotations

from pathlib import Path

import pytest

from raceway.findings.guards import Guards, missing
from tests.conftest import RunRaceway

SOURCE = """\
import threading
from dataclasses import dataclass, field

limit = 0  # raceway: guarded-by(limit_lock)
limit_lock = threading.Lock()


class Base:
    total: int = 0  # raceway: guarded-by(self.lock)

    def __init__(self):
        self.lock = Spin()
        # raceway: guarded-by(self.elsewhere)
        self.items = []
        self.free = 0


@dataclass
class Box(Base):
    mutex: threading.Lock = field(default_factory=threading.Lock)
    size: int = 0  # raceway: guarded-by(self.mutex)
"""

PROGRAM = """\
import threading
class Spin:
    def __init__(self): self.f = False
    def __enter__(self): pass
    def __exit__(self, *a): pass
class A:
    def __init__(self):
        self._lock = threading.Lock()
        self.home = Spin()
        self.n = 0  # raceway: guarded-by(self._lock)
        # raceway: guarded-by(self.home)
        self.items = []
    def a(self):
        with self._lock: self.n = inc(self.n)
        with self.home: self.items.insert(0, 1)
    def b(self):
        self.n = inc(self.n)
        with self.home: self.items.insert(0, 1)
class B(A): pass
def inc(x): return x + 1
x = B()
ts = [threading.Thread(target=t) for t in (x.a, x.b)]
for t in ts: t.start()
for t in ts: t.join()
"""


@pytest.fixture
def guards(tmp_path: Path) -> Guards:
    """The declarations of the source above, and of files without any."""
    path = tmp_path / "declared.py"
    path.write_text(SOURCE)
    broken = tmp_path / "broken.py"
    broken.write_text("x = (  # raceway: guarded-by(y)\n")
    return Guards([str(path), str(broken), str(tmp_path / "missing.py")])


@pytest.mark.parametrize(
    ("variable", "lock", "line", "observed"),
    [
        ("limit", "limit_lock", 4, True),
        ("declared.limit", "limit_lock", 4, True),
        ("Base.total", "self.lock", 9, False),
        ("Box.total", "self.lock", 9, False),
        ("Base.items[...]", "self.elsewhere", 13, True),
        ("Box.size", "self.mutex", 21, True),
    ],
)
def test_a_declaration_is_found(guards: Guards, variable: str, lock: str, line: int, observed: bool) -> None:
    guard = guards.of(variable)
    assert guard is not None
    assert (guard.lock, guard.line, guard.observed) == (lock, line, observed)


@pytest.mark.parametrize("variable", ["Base.free", "Other.total", "free", "Other.limit"])
def test_what_is_not_declared_has_none(guards: Guards, variable: str) -> None:
    assert guards.of(variable) is None


def test_a_lock_is_known_by_its_last_name(guards: Guards) -> None:
    guard = guards.of("Box.size")
    assert guard is not None
    assert not missing(guard, ("Bank.lock", "Box.mutex"))
    assert missing(guard, ("Bank.lock",))


def test_a_breach_is_told_and_what_cannot_be_seen_is_benign(core: str, run_raceway: RunRaceway) -> None:
    program = run_raceway.write("app.py", PROGRAM)
    finished = run_raceway("--core", core, "--show", "info", "--fail-on", "never", program)
    breach, trusted = sorted(finished.findings, key=lambda finding: finding["severity"])
    assert (breach["severity"], breach["kind"], breach["variable"]) == ("error", "lost-update", "B.n")
    assert "declared as guarded by self._lock (" in breach["message"]
    assert "Thread-2 (b) did not hold." in breach["message"]
    assert breach["fix"].startswith("Hold self._lock there")
    assert (trusted["severity"], trusted["variable"]) == ("info", "B.items")
    assert "guarded by self.home" in trusted["reason"]
    assert "cannot see taken" in trusted["reason"]
