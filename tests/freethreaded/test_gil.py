"""On an interpreter without a GIL, neither Raceway nor what it needs brings the GIL back."""

from __future__ import annotations

import subprocess
import sys
import sysconfig

import pytest

from tests.conftest import TIMEOUT_S, RunRaceway, clean_environ

IMPORTS = "httpx, libcst.native, msgspec, rich, raceway.session, sys"
"""The modules with all that Raceway needs; an extension that does not say it can go without a GIL enables it."""


def free_threaded() -> bool:
    """Whether the interpreter was built to run without a GIL, whether or not it has one now."""
    return bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


@pytest.mark.skipif(not free_threaded(), reason="this interpreter has a GIL, always")
def test_imports_leave_the_gil_off(core: str) -> None:
    imports = IMPORTS + (", raceway.native" if core == "native" else "")
    finished = subprocess.run(
        [sys.executable, "-c", f"import {imports}\nprint(sys._is_gil_enabled())"],
        env=clean_environ(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert (finished.stdout, finished.stderr) == ("False\n", "")


@pytest.mark.skipif(not free_threaded(), reason="this interpreter has a GIL, always")
def test_a_watched_program_runs_without_a_gil(core: str, run_raceway: RunRaceway) -> None:
    run_raceway.write("ask.py", "import sys\nprint(sys._is_gil_enabled())\n")
    finished = run_raceway("ask.py", environ={"RACEWAY_CORE": core})
    assert finished.stdout == "False\n"
    assert finished.report["run"]["gil"] is False
