"""Fingerprints: the same in every run and on each core, and after edits that leave the race as it is."""

from __future__ import annotations

import asyncio
import json
import queue
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from raceway.findings.filenames import identity
from raceway.findings.fingerprint import fingerprint
from raceway.model.kinds import FindingKind
from tests.conftest import ROOT, RunRaceway
from tests.findings.edits import EDITS

SHOP = ROOT / "fixtures" / "edits" / "shop.py"
STABLE = 0.95


def prints(directory: Path, source: str, core: str = "auto") -> dict[str, str]:
    """Fingerprint -> kind and variable of what a program of this source has, run in a directory of its own."""
    directory.mkdir()
    (directory / "shop.py").write_text(source, encoding="utf-8")
    run = RunRaceway(directory, directory / "report.json")("--show", "info", "--core", core, "shop.py")
    assert run.stdout == "True\n", run.stderr
    return {one["fingerprint"]: f"{one['kind']} {one['variable']}" for one in run.findings}


def test_twenty_edits_leave_the_fingerprints_as_they_are(tmp_path: Path) -> None:
    source = SHOP.read_text(encoding="utf-8")
    before = prints(tmp_path / "before", source)
    assert len(before) >= 6
    assert len(EDITS) == 20
    with ThreadPoolExecutor(2) as pool:
        after = list(
            pool.map(
                lambda numbered: prints(tmp_path / str(numbered[0]), numbered[1](source)), enumerate(EDITS.values())
            )
        )
    lost = {edit: [before[one] for one in before if one not in found] for edit, found in zip(EDITS, after, strict=True)}
    stable = 1 - sum(map(len, lost.values())) / (len(before) * len(EDITS))
    assert stable >= STABLE, {edit: gone for edit, gone in lost.items() if gone}


def test_both_runs_and_both_cores_agree(core: str, tmp_path: Path) -> None:
    source = SHOP.read_text(encoding="utf-8")
    assert prints(tmp_path / "one", source, core) == prints(tmp_path / "two", source)


PROGRAM = """\
import asyncio
import threading

locks = []
for _ in range(2):
    locks.append(threading.Lock())
count = 0
loop = asyncio.new_event_loop()
running = threading.Event()

def fee():
    return 1

def work(first, second):
    global count
    with first, second:
        pass
    count = count + fee()
    if first is locks[0]:
        running.wait()
        loop.call_soon(fee)
        loop.call_soon_threadsafe(loop.stop)

threads = [threading.Thread(target=work, args=pair) for pair in (locks, locks[::-1])]
[thread.start() for thread in threads]
loop.call_soon(running.set)
loop.run_forever()
[thread.join() for thread in threads]
"""


@pytest.mark.parametrize("mark", ["pyproject.toml", ""])
def test_a_baseline_holds_from_every_directory_and_checkout(mark: str, tmp_path: Path) -> None:
    runs = [RunRaceway(tmp_path / name, tmp_path / "report.json") for name in ("here/shop", "there/deep/in/shop")]
    for run in runs:
        run.write("sub/app.py", PROGRAM)
        (run.directory / (mark or "empty")).touch()
    known = runs[0]("sub/app.py")
    assert sorted(one["kind"] for one in known.findings) == ["lock-order-cycle", "lost-update", "wrong-thread"]
    baseline = runs[0].write("known.json", json.dumps(known.report))
    other = RunRaceway(runs[1].directory / "docs", tmp_path / "report.json")
    other.directory.mkdir()
    found = other("--baseline", str(baseline), "../sub/app.py")
    assert (found.status, found.findings) == (0, []), found.stderr
    assert len(found.report["suppressed"]) == 3
    rule = f"* file={'sub/' if mark else ''}app.py"
    assert other("--suppress", rule, "../sub/app.py").report["summary"]["suppressed"] == 3


@pytest.mark.parametrize(
    ("path", "known_as"),
    [
        ("<string>", "<string>"),
        ("", ""),
        ("/env/lib/python3.11/site-packages/shop/stock.py", "shop/stock.py"),
        ("/usr/lib/python3/dist-packages/one.py", "one.py"),
        (queue.__file__, "queue.py"),
        (asyncio.__file__, "asyncio/__init__.py"),
        ("{here}/project/src/shop/stock.py", "src/shop/stock.py"),
        ("{here}/project/app.py", "app.py"),
        ("{here}/project/part/app.py", "app.py"),
        ("{here}/package/inner/odd.py", "package/inner/odd.py"),
        ("package/odd.py", "package/odd.py"),
        ("{here}/gone/odd.py", "odd.py"),
        ("/odd.py", "odd.py"),
    ],
)
def test_what_identifies_a_file_is_not_where_it_lies(path: str, known_as: str, tmp_path: Path) -> None:
    (tmp_path / "project" / ".git").mkdir(parents=True)
    (tmp_path / "project" / "part").mkdir()
    (tmp_path / "project" / "part" / "pyproject.toml").touch()
    (tmp_path / "package" / "inner").mkdir(parents=True)
    (tmp_path / "package" / "__init__.py").touch()
    (tmp_path / "package" / "inner" / "__init__.py").touch()
    assert identity(path.format(here=tmp_path), str(tmp_path)) == known_as


def test_what_belongs_to_the_race_counts() -> None:
    from raceway.model.sites import Context, Role, Site, SiteForm
    from raceway.model.struct import replace

    site = Site(
        index=0, form=SiteForm.ATTRIBUTE, context=Context.STORE, commit=Role.BASE, name="balance", base="self",
        label="Account.balance", function="Account.pay", line=3, column=4, end_line=3, end_column=9,
    )  # fmt: skip
    here = [("bank.py", site), ("bank.py", site)]
    kind = FindingKind.LOST_UPDATE
    first = fingerprint(kind, "Account.balance", here)
    moved = replace(site, line=90, column=0, end_line=91, end_column=1, index=7)
    assert fingerprint(kind, "Account.balance", [("bank.py", moved), ("bank.py", site)]) == first
    assert fingerprint(kind, "Account.balance", reversed(here)) == first
    others = [
        fingerprint(FindingKind.WRITE_WRITE, "Account.balance", here),
        fingerprint(kind, "Account.limit", here),
        fingerprint(kind, "Account.balance", [("other.py", site), ("bank.py", site)]),
        fingerprint(kind, "Account.balance", [("bank.py", replace(site, function="Account.take")), here[0]]),
        fingerprint(kind, "Account.balance", [("bank.py", replace(site, base="self.bank")), here[0]]),
    ]
    assert len({first, *others}) == 1 + len(others)


@pytest.mark.parametrize(
    ("one", "other"), [("Bank.rows['a']", 'Bank.rows["a"]'), ("a [\n0 ]", "a[0]"), ("x[...]", "x[ ... ]")]
)
def test_the_layout_of_an_expression_does_not_count(one: str, other: str) -> None:
    assert fingerprint(FindingKind.WRITE_WRITE, one, []) == fingerprint(FindingKind.WRITE_WRITE, other, [])


def test_a_name_that_is_no_expression_has_a_fingerprint() -> None:
    assert (
        len({fingerprint(FindingKind.WRITE_WRITE, name, []) for name in ("a ->", "\udce9", "a\x00", "(" * 2000)}) == 4
    )
