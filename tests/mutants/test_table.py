"""The table of mutants fits the source and the corpus as they are now; `make mutants` runs them."""

from __future__ import annotations

import ast
from collections import Counter

import pytest

from tests.conftest import ROOT
from tests.fixture_format import FIXTURES
from tests.mutants.mutant import Mutant, MutantError, program_of
from tests.mutants.table import MUTANTS

PACKAGE = ROOT / "raceway"


def text_of(mutant: Mutant) -> str:
    """The file that a mutant changes."""
    return (PACKAGE / mutant.file).read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_text_to_replace_is_there_once_and_the_result_compiles(mutant: Mutant) -> None:
    changed = mutant.mutated(text_of(mutant))
    assert ast.dump(ast.parse(changed, mutant.file)) != ast.dump(ast.parse(text_of(mutant), mutant.file))


def test_each_mutant_is_another_change() -> None:
    assert [name for name, count in Counter(mutant.name for mutant in MUTANTS).items() if count > 1] == []
    changes = Counter((mutant.file, mutant.mutated(text_of(mutant))) for mutant in MUTANTS)
    assert [file for (file, _text), count in changes.items() if count > 1] == []


def test_every_program_is_there_and_says_what_it_expects() -> None:
    for killer in {mutant.killer for mutant in MUTANTS}:
        folder = killer.partition("/")[0]
        assert folder in ("race", "norace")
        assert bool(program_of(killer).expected) == (folder == "race")


def test_every_program_is_named_by_its_path() -> None:
    assert [mutant.killer for mutant in MUTANTS if not (FIXTURES / mutant.killer).exists()] == []


def test_there_are_at_least_twenty_five() -> None:
    assert len(MUTANTS) >= 25


def test_a_text_that_is_not_there_or_there_twice_is_refused() -> None:
    mutant = Mutant("name", "nothing", "file.py", "one", "two", "race/program.py")
    assert mutant.mutated("one three") == "two three"
    for text in ("three", "one one"):
        with pytest.raises(MutantError, match="not once"):
            mutant.mutated(text)
