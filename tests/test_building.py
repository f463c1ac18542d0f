"""The native core as an installation builds it: by a profile of what it does, in a tree where nothing else is."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT, has_gil

TRAINING = ROOT / "fixtures" / "training"
BUILT_FROM = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE")


def has_gcc() -> bool:
    """Whether the compiler of this interpreter is GCC, whose profiles the build knows."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        return False
    told = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True)
    return "Free Software Foundation" in told.stdout


def run(*command: str | Path, cwd: Path) -> str:
    """What a command prints; it must end well."""
    finished = subprocess.run(command, check=False, cwd=cwd, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def test_the_training_races_where_it_is_hurried_alone(core: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    options = ("--core", core, "--quiet", "--fail-on", "never", "--json", report)
    run(sys.executable, "-m", "raceway.run", *options, TRAINING, "2", cwd=ROOT)
    findings = json.loads(report.read_text(encoding="utf-8"))["findings"]
    assert {finding["variable"] for finding in findings} == {"Board.score", "hurried.count"}


@pytest.mark.skipif(not sys.platform.startswith("linux") or not has_gil(), reason="built without a profile here")
@pytest.mark.skipif(not has_gcc(), reason="there is no GCC")
def test_a_wheel_has_a_core_built_by_a_profile(tmp_path: Path) -> None:
    tree, wheels = tmp_path / "tree", tmp_path / "wheels"
    shutil.copytree(ROOT / "raceway", tree / "raceway", ignore=shutil.ignore_patterns("__pycache__", "_native.*.so"))
    shutil.copytree(TRAINING, tree / "fixtures" / "training")
    for name in BUILT_FROM:
        shutil.copy2(ROOT / name, tree)
    (tree / "docs").mkdir()
    shutil.copy2(ROOT / "docs" / "messages.md", tree / "docs")
    offline = ("--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", *offline, "--wheel-dir", wheels, ".", cwd=tree)
    (wheel,) = wheels.glob("raceway-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    asked = "from raceway import _native; print(_native.PROFILED, _native.__file__)"
    profiled, file = run(sys.executable, "-c", asked, cwd=tmp_path / "installed").split(maxsplit=1)
    assert profiled == "1"
    assert Path(file.strip()).is_relative_to(tmp_path)
