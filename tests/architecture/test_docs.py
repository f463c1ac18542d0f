"""The documents agree with the project: commands, messages and links exist, and nothing points outside."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from raceway.autoinstrument.loader import Obstacle
from raceway.findings import known, suppress
from raceway.report.closing import NOTES, REASONS
from tests.architecture.tree import PACKAGE, ROOT, called_name, classes, read_source, sources
from tests.conftest import clean_environ

MESSAGES = ROOT / "docs" / "messages.md"

# Places on somebody's machine, and names of things that are not in the repository.
_OUTSIDE = re.compile(r"(?<![\w.])/(?:work|root|home|Users)/|(?<![\w/])shared/")

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_MAKE = re.compile(r"(?:^|`|\$ )make((?: [a-z][a-z-]*)+)", re.MULTILINE)
_TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)


def documents() -> list[Path]:
    """Every Markdown file of the project."""
    top = [path for path in sorted(ROOT.iterdir()) if path.suffix == ".md"]
    folders = ("docs", "raceway", "tests", "fixtures", "benchmarks")
    return top + [path for folder in folders for path in sorted((ROOT / folder).rglob("*.md"))]


def texts_without_machine_paths() -> list[Path]:
    """Files that must make sense on every machine."""
    single = [ROOT / name for name in ("Makefile", "pyproject.toml", ".ci/run")]
    return single + documents() + sorted(PACKAGE.rglob("*.py"))


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    text = _FENCE.sub("", document.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def relative(path: Path) -> str:
    """The path as the reader of a failure knows it."""
    return path.relative_to(ROOT).as_posix()


def slugs() -> set[str]:
    """Every slug that `raceway/errors.py` gives to an error or a warning."""
    found = set()
    for node in classes(read_source(PACKAGE / "errors.py").tree):
        for statement in node.body:
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "slug":
                found.add(str(ast.literal_eval(statement.value)))
    return found


def reasons() -> set[str]:
    """Every reason for which something is put under `not_seen`: literals, and the obstacles to loading."""
    found = {obstacle.value for obstacle in Obstacle}
    for source in sources():
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and called_name(node) in ("not_seen", "NotSeen"):
                given = [*node.args[:1], *(word.value for word in node.keywords if word.arg == "reason")]
                found |= {str(value.value) for value in given if isinstance(value, ast.Constant)}
    return found


def states() -> set[str]:
    """Every state of a suppression that a report tells of."""
    return {known.UNUSED, known.EXPIRED, suppress.UNREADABLE}


def entries() -> dict[str, str]:
    """Heading -> text of each entry of the messages page."""
    parts = re.split(r"^### `([a-z-]+)`$", MESSAGES.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_slug_has_an_entry() -> None:
    assert len(slugs()) > 1
    assert slugs() - entries().keys() == set()


def test_every_reason_for_not_seeing_has_an_entry() -> None:
    assert reasons() - entries().keys() == set()


def test_every_state_of_a_suppression_has_an_entry_and_words_in_the_report() -> None:
    assert states() - entries().keys() == set()
    assert states() == NOTES.keys()


def test_every_reason_for_not_seeing_has_words_in_the_report() -> None:
    assert reasons() - REASONS.keys() == set()


def test_every_entry_belongs_to_something() -> None:
    assert entries().keys() - slugs() - reasons() - states() == set()


def test_every_line_that_refuses_something_ends_in_a_slug() -> None:
    """`refuse` adds it; whoever writes such a line otherwise gives one by hand."""
    for source in sources():
        for line in source.text.splitlines():
            if re.search(r"f?\"[^\"]*: (error|warning): ", line) and "def " not in line and '"""' not in line:
                assert re.search(r"\[(\{.*slug\}|[a-z-]+)\]", line), f"{source.path}: {line.strip()}"


def test_every_entry_says_cause_and_remedy() -> None:
    incomplete = [slug for slug, text in entries().items() if "Cause:" not in text or "Remedy:" not in text]
    assert incomplete == []


def test_the_commands_of_the_documents_exist() -> None:
    targets = set(_TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))
    used = {
        target
        for document in documents()
        for words in _MAKE.findall(document.read_text(encoding="utf-8"))
        for target in words.split()
    }
    assert {"demo", "test"} <= used
    assert used - targets == set()


def test_the_readme_leads_with_demo_and_test() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert _MAKE.findall(text)[:2] == [" demo", " test"]
    assert text.index("make demo") < text.index("\n## ")


def test_the_options_of_the_readme_are_those_of_the_command_line() -> None:
    rows = re.findall(r"^\| `(--[a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    command = [sys.executable, "-m", "raceway.run", "--help"]
    finished = subprocess.run(
        command, cwd=ROOT, env=clean_environ(), capture_output=True, text=True, timeout=60, check=True
    )
    offered = set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", finished.stdout, re.MULTILINE))
    assert set(rows) == offered - {"--help", "--version"}


def test_the_architecture_page_shows_every_part_of_the_package() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    layout, table = text.partition("## Layout")[2].split("## Who may import whom")[:2]
    drawn = set(re.findall(r"^  (\w+)(?:\.py|/) ", layout, re.MULTILINE)) - {"__init__", "native"}  # C files
    listed = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\|([^|]*)\|", table, re.MULTILINE))))
    parts = {source.part for source in sources()} - {""}
    assert drawn == parts
    assert listed == parts | {"_native"}


@pytest.mark.parametrize("document", documents(), ids=relative)
def test_relative_links_resolve(document: Path) -> None:
    broken = []
    for link in _LINK.findall(_FENCE.sub("", document.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("path", texts_without_machine_paths(), ids=relative)
def test_nothing_points_outside_the_project(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [f"{number}: {line}" for number, line in enumerate(lines, 1) if _OUTSIDE.search(line)] == []
