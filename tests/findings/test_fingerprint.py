"""Fingerprints: the same in every run and on each core, and after edits that leave the race as it is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

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
