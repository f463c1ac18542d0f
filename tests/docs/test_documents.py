"""The documents: what they show is what happens, the API reference builds without a warning, the notebook runs."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from docs import record
from raceway import cli
from raceway.cli.completion import _options
from tests.conftest import ROOT, available_cores, clean_environ, has_gil

DOCS = ROOT / "docs"
RECORDED = ("tutorial.md", "reading-a-report.md", "ci.md", "first-five-minutes.md")

as_recorded = pytest.mark.skipif(
    not has_gil() or "native" not in available_cores(),
    reason="the documents show the native core on an interpreter with a GIL",
)
needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")


def needs(module: str) -> pytest.MarkDecorator:
    """Skip without a tool that the `docs` extra brings, which is not there for every interpreter."""
    there = importlib.util.find_spec(module) is not None
    return pytest.mark.skipif(not there, reason=f"{module} is not installed (the extra `docs`)")


def has_package_index(directory: Path) -> bool:
    """Whether pip finds one of the packages that Raceway needs, without which there is nothing to record."""
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(directory), "msgspec"]
    return subprocess.run(command, capture_output=True, timeout=120, check=False).returncode == 0


@as_recorded
@needs_bash
@pytest.mark.parametrize("name", RECORDED)
def test_what_a_document_shows_is_what_happens(name: str, tmp_path: Path) -> None:
    if name == "first-five-minutes.md" and not ((ROOT / ".git").exists() and has_package_index(tmp_path)):
        pytest.skip("the installation is recorded from a clone, with a package index")
    text = (DOCS / name).read_text(encoding="utf-8")
    assert "\n$ python -m raceway.run" in text
    assert list(record.changes(text, record.recorded(text), name)) == []


def test_make_records_the_documents_that_are_checked() -> None:
    listed = re.search(r"^RECORDED := (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert listed is not None
    assert sorted(listed[1].split()) == sorted(f"docs/{name}" for name in RECORDED)
    others = [path.name for path in DOCS.glob("*.md") if path.name not in RECORDED]
    assert [name for name in others if "```console" in (DOCS / name).read_text(encoding="utf-8")] == []


@needs_bash
def test_the_recorder_notices_another_output(tmp_path: Path) -> None:
    text = "```python\n# a.py\nprint(1)\n```\n\n```console\n$ X=2\n$ export X; python a.py; echo $X\n1\n2\n```\n"
    assert record.recorded(text) == text
    document = tmp_path / "a.md"
    document.write_text(text.replace("\n2\n", "\n3\n"), encoding="utf-8")
    assert record.main(["--check", str(document)]) == 1
    assert record.main([str(document)]) == 0
    assert document.read_text(encoding="utf-8") == text
    assert record.main(["--check", str(document)]) == 0


def test_figures_that_vary_are_not_compared() -> None:
    one, other = (
        "raceway: 1 error; watched 2 modules\nERROR x [1], seen 12 times\ntook 0.31 s\n",
        "raceway: 1 error; watched 7\nERROR x [1]\ntook 4.0 s\n",
    )
    assert record.steady(one) == record.steady(other)
    assert record.steady("1 error") != record.steady("2 errors")


@needs("sphinx")
def test_the_api_reference_builds_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-E", "-b", "html", str(DOCS / "api"), str(tmp_path)]
    finished = subprocess.run(
        command, cwd=ROOT, env=clean_environ(), capture_output=True, text=True, timeout=120, check=False
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    for name in ("raceway.autoinstrument.install", "raceway.sync.acquire", "raceway.model.findings.Finding"):
        assert f'id="{name}"' in page


@needs("nbclient")
@needs("ipykernel")
def test_the_notebook_runs_and_finds_what_it_tells_of(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "tests" / "docs" / "notebook.py"), str(DOCS / "tutorial.ipynb")]
    finished = subprocess.run(
        command, cwd=tmp_path, env=clean_environ() | {"IPYTHONDIR": str(tmp_path)}, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    said = re.sub("\x1b\\[[\\d;]*m", "", finished.stdout)
    assert "ERROR check-then-act on Hall.free" in said
    assert "error check-then-act on Hall.free\n  " in said
    assert "Hold one lock around the test and the act on Hall.free." in said
    assert "Ada have a seat" in said or "Grace have a seat" in said
    assert "raceway: no races found" in said


def test_the_notebook_is_kept_without_outputs() -> None:
    notebook = json.loads((DOCS / "tutorial.ipynb").read_bytes())
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(cells) >= 5
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)


def test_every_command_and_option_in_the_documents_exists() -> None:
    options = {name for command in cli.COMMANDS for one in _options(command) for name in one.names}
    wrong = []
    for path in (*ROOT.glob("*.md"), *DOCS.glob("*.md")):
        for line in path.read_text(encoding="utf-8").splitlines():
            for call in re.findall(r"(?:-m raceway\.run|(?<![\w./-])raceway(?: [a-z]+)) [^`#|;]*", line):
                ours = call.partition(" -m pytest")[0]
                wrong += [
                    f"{path.name}: {word}" for word in re.findall(r"(?<!\S)--[a-z-]+", ours) if word not in options
                ]
            for command in re.findall(r"(?:^\$ |`|^    )raceway ([a-z-]+)", line):
                wrong += [f"{path.name}: raceway {command}"] if command not in cli.COMMANDS else []
    assert wrong == []
