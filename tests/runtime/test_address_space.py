"""The native core where the shadow of the heap may not be reserved in one piece."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, RunRaceway, available_cores

PROGRAM = ROOT / "fixtures/race/counter_dict_item.py"

pytestmark = [
    pytest.mark.skipif("native" not in available_cores(), reason="the native core is not built"),
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere `ulimit -v` limits nothing"),
    pytest.mark.skipif("RACEWAY_SANITIZED" in os.environ, reason="AddressSanitizer wants more than any limit"),
]


def test_a_limit_of_address_space_changes_nothing_that_is_seen(run_raceway: RunRaceway, tmp_path: Path) -> None:
    shutil.copy(PROGRAM, tmp_path / "app.py")
    shutil.copy(ROOT / "fixtures/hidden.py", tmp_path)
    limited = tmp_path / "limited"
    limited.write_text(f'#!/bin/sh\nulimit -v 8000000 && exec {sys.executable} "$@"\n', encoding="utf-8")
    limited.chmod(0o755)
    runs = [
        run_raceway("--core", "native", "--fail-on", "never", "app.py", python=python)
        for python in (sys.executable, str(limited))
    ]
    assert [run.status for run in runs] == [0, 0], runs[1].stderr
    assert [run.kinds for run in runs] == [["lost-update"], ["lost-update"]]
    assert runs[0].report["summary"]["sites"] == runs[1].report["summary"]["sites"]
