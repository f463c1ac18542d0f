"""Records the examples of the documents: runs the commands they show and puts down what those print.

    python docs/record.py docs/tutorial.md           run it, and write the outputs into it
    python docs/record.py --check docs/tutorial.md   run it, and end with 1 when an output is another one

A document is one session of a shell, from its first block to its last, in an empty directory. A block of a language
that begins with `# NAME` is a file that the reader writes; in a `console` block the lines after `$ ` are commands,
the others their output. Figures that differ from run to run (seconds, counts) may differ.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_BLOCK = re.compile(r"^```(python|toml|text|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# (?P<name>[\w./-]+\.\w+)\n")
_TIMEOUT_S = 600

_VARYING = (
    (re.compile(r"watched \d.*"), "watched ..."),
    (re.compile(r", seen [\d,]+ times$", re.MULTILINE), ""),
    (re.compile(r"\d+\.\d+ s\b"), "... s"),
    (re.compile(r"Python 3\.\d+\.\d+"), "Python 3"),
)


def main(arguments: Sequence[str]) -> int:
    """Record or check the documents that the arguments name."""
    parser = argparse.ArgumentParser(description="Run the commands of documents and put down what they print.")
    parser.add_argument("documents", metavar="DOCUMENT", nargs="+", type=Path)
    parser.add_argument("--check", action="store_true", help="change nothing, end with 1 when an output is another one")
    given = parser.parse_args(arguments)
    differ = False
    for document in given.documents:
        old = document.read_text(encoding="utf-8")
        new = recorded(old)
        if given.check:
            sys.stdout.writelines(changes(old, new, document.name))
            differ = differ or steady(old) != steady(new)
        else:
            document.write_text(new, encoding="utf-8")
    return 1 if differ else 0


def steady(text: str) -> str:
    """The text without what may differ from run to run."""
    for pattern, word in _VARYING:
        text = pattern.sub(word, text)
    return text


def changes(old: str, new: str, name: str) -> Iterator[str]:
    """The differences that count, line by line."""
    lines = [steady(text).splitlines(keepends=True) for text in (old, new)]
    return difflib.unified_diff(*lines, f"{name}, written", f"{name}, run")


def recorded(text: str) -> str:
    """The document with the outputs of its commands as they are now."""
    with tempfile.TemporaryDirectory(prefix="raceway-record-") as directory:
        shell = _Shell(Path(directory))
        return _BLOCK.sub(lambda block: _run_block(shell, block), text)


def _run_block(shell: _Shell, block: re.Match[str]) -> str:
    language, content = block[1], block[2]
    if language == "console":
        return f"```console\n{''.join(_session(shell, content))}```"
    file = _FILE.match(content)
    if file is not None:
        path = shell.directory / file["name"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return block[0]


def _session(shell: _Shell, content: str) -> Iterator[str]:
    for line in content.splitlines():
        if line.startswith("$ "):
            yield f"{line}\n{shell.run(line[2:])}"


class _Shell:
    """One shell session in a directory: what a command sets stays set for the next."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._environ = _environ(directory)

    def run(self, command: str) -> str:
        """What the command prints on both streams, as a terminal shows it. `./raceway` is a clone of this project."""
        if "./raceway" in command:
            _copy_tree(self.directory / "raceway")
        state = self.directory / ".state"
        script = f"set -a; [ -e {state} ] && . {state}\n{command}\nexport -p > {state}\n"
        finished = subprocess.run(
            ["bash", "-c", script],
            cwd=self.directory,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        output = finished.stdout.replace(f"{self.directory}/", "")
        return output if not output or output.endswith("\n") else f"{output}\n"


def _environ(directory: Path) -> dict[str, str]:
    """The environment of the reader: nothing of Raceway or Python is set, and `python` is this interpreter."""
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("RACEWAY_", "PYTHON", "PYTEST_", "VIRTUAL_ENV"))
    }
    cache = {"XDG_CACHE_HOME": str(directory / ".cache"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return environ | cache | {"PATH": os.pathsep.join((os.path.dirname(sys.executable), environ.get("PATH", "")))}


def _copy_tree(to: Path) -> None:
    """The files of this tree that belong to the project."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, to / name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
