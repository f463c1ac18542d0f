"""What a mutant is: one change of the product's source text that takes one thing away, and the program that notices."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from tests.fixture_format import FIXTURES, Program, read_program


class MutantError(Exception):
    """A mutant does not fit the source any more."""


class Mutant(Struct, frozen=True):
    """`before` stands exactly once in `file`, which is relative to the package, and is replaced by `after`.

    `killer` is the program of the corpus, relative to `fixtures/`, whose expectation must then no longer hold.
    """

    name: str
    disables: str
    file: str
    before: str
    after: str
    killer: str

    def mutated(self, text: str) -> str:
        """The text of the file with the change made."""
        found = text.count(self.before)
        if found != 1:
            raise MutantError(f"{self.name}: the text to replace is {found} times in {self.file}, not once")
        return text.replace(self.before, self.after)


def program_of(killer: str) -> Program:
    """The program that a mutant names: a file, or a folder with a `main.py`."""
    path = FIXTURES / killer
    return read_program(path.stem, path / "main.py" if path.is_dir() else path)


def apply(mutant: Mutant, package: Path) -> None:
    """Make the change in a copy of the package, whose files may be links to those of another."""
    path = package / mutant.file
    text = mutant.mutated(path.read_text(encoding="utf-8"))
    for stale in (path, *path.parent.glob(f"__pycache__/{path.stem}.*.pyc")):
        stale.unlink()
    path.write_text(text, encoding="utf-8")
