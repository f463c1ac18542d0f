"""The mutants: every happens-before edge, every detection rule, every rewritten form."""

from __future__ import annotations

from tests.mutants.echoes import ECHOES
from tests.mutants.edges import EDGES
from tests.mutants.forms import FORMS
from tests.mutants.kinds import KINDS
from tests.mutants.mutant import Mutant
from tests.mutants.rules import RULES
from tests.mutants.snapshots import SNAPSHOTS
from tests.mutants.sourced import SOURCED

MUTANTS: tuple[Mutant, ...] = (*EDGES, *RULES, *ECHOES, *KINDS, *SNAPSHOTS, *SOURCED, *FORMS)
