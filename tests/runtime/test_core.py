"""The choice of core where the native one cannot be loaded."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

import pytest

import raceway
from raceway.errors import CoreUnavailableError
from raceway.runtime.core import make_core
from tests.conftest import RunRaceway


@pytest.fixture
def _no_native_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "raceway._native", None)
    monkeypatch.delattr(raceway, "_native", raising=False)
    monkeypatch.delitem(sys.modules, "raceway.runtime.native", raising=False)


@pytest.mark.usefixtures("_no_native_core")
def test_auto_takes_the_pure_core_and_knows_why() -> None:
    core = make_core("auto")
    assert core.name == "pure"
    assert "the native core cannot be loaded (" in core.fallback


@pytest.mark.usefixtures("_no_native_core")
def test_a_core_that_was_asked_for_is_never_replaced() -> None:
    assert make_core("pure").fallback == ""
    with pytest.raises(CoreUnavailableError, match=r"be loaded \(.*\); install .* or use --core pure"):
        make_core("native")


def test_the_core_that_was_asked_for_needs_no_excuse(run_raceway: RunRaceway, core: str) -> None:
    run_raceway.write("app.py", "x = 1\n")
    done = run_raceway("--core", core, "app.py")
    assert done.report["tool"]["core"] == core
    assert "fallback" not in done.report["tool"]
    assert "native-core-missing" not in done.stderr


@pytest.mark.parametrize("core", ["native", "auto"])
def test_a_core_older_than_its_source_files_is_not_used(core: str, monkeypatch: pytest.MonkeyPatch) -> None:
    native = pytest.importorskip("raceway.runtime.native")
    assert not native.is_stale()
    monkeypatch.setattr(native._native, "__file__", os.devnull)
    monkeypatch.setattr("raceway.files.status", lambda path: SimpleNamespace(st_mtime_ns=path != os.devnull))
    with pytest.raises(CoreUnavailableError, match=r"older than its source files .* \(make setup\)"):
        make_core(core)
    assert make_core("pure").name == "pure"
