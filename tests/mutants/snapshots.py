"""Mutants that take away what bounds snapshots: values that are replaced as a whole while others load them."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

SNAPSHOTS = (
    Mutant(
        "snapshot", "that who loads a snapshot once has a whole value",
        "findings/build.py", "and snapshots.explain(race):", "and False:", "norace/snapshot_swapped.py",
    ),
    Mutant(
        "snapshot-alone", "that two variables which are stored and loaded together may be of two moments",
        "findings/snapshots.py", "self._is_loaded(reader.access.site) and self.is_alone(race)",
        "self._is_loaded(reader.access.site)", "race/snapshot_pair.py",
    ),
    Mutant(
        "snapshot-writers", "that of two who store one is overwritten",
        "findings/snapshots.py", "if one.kind is not FindingKind.READ_WRITE:", "if False:",
        "race/snapshot_writers.py",
    ),
    Mutant(
        "snapshot-depends", "that a snapshot does not depend on what it replaces",
        "findings/snapshots.py", "tests = all(allowed.get(region.kind, False) for region in site.regions)",
        "tests = True", "race/snapshot_depends.py",
    ),
    Mutant(
        "snapshot-made-of", "that a snapshot may be made of the last one under a lock",
        "findings/snapshots.py", "RegionKind.VALUE: alone or whole", "RegionKind.VALUE: alone",
        "norace/snapshot_made_of.py",
    ),
    Mutant(
        "snapshot-made-alone", "that the only one who stores a snapshot may make it of the last one",
        "findings/snapshots.py", "RegionKind.VALUE: alone or whole", "RegionKind.VALUE: whole",
        "norace/snapshot_replaced.py",
    ),
    Mutant(
        "snapshot-steps", "that what is loaded to make the next snapshot of it, in steps, is not used up",
        "findings/wholes.py", "return _leads_to(file, node, [", "return False and _leads_to(file, node, [",
        "norace/snapshot_replaced.py",
    ),
    Mutant(
        "snapshot-again", "that the last value stored again is a whole one",
        "findings/wholes.py", "spelled(value) not in again and", "", "norace/snapshot_stepwise.py",
    ),
    Mutant(
        "snapshot-told", "that who makes the next snapshot of the last one may change that",
        "findings/wholes.py", "or _is_told_to_change(file, use)", "", "race/snapshot_replaced.py",
    ),
    Mutant(
        "snapshot-changed-before", "that what is changed in place and stored again is no snapshot",
        "findings/wholes.py", "        file.is_changed(use)\n        or _is_told", "        _is_told",
        "race/snapshot_stepwise.py",
    ),
    Mutant(
        "snapshot-added-before", "that what is added to in place on the way to the next one is no snapshot",
        "findings/wholes.py", "        or isinstance(file.around(use), ast.AugAssign)\n", "",
        "race/snapshot_stepwise.py",
    ),
    Mutant(
        "snapshot-compared", "that the only one who stores a snapshot may compare it with the last one",
        "findings/snapshots.py", "RegionKind.TEST: alone,", "RegionKind.TEST: False,",
        "norace/snapshot_compared.py",
    ),
    Mutant(
        "snapshot-only-compared", "that who replaces a snapshot may do no more with the last one than compare them",
        "findings/wholes.py", " and not _is_compared(file, node)", " and False", "race/snapshot_closed.py",
    ),
    Mutant(
        "snapshot-first", "that what a constructor stores is no snapshot for who comes before",
        "findings/snapshots.py", ' and not site.function.endswith("__init__")', "",
        "race/snapshot_first.py",
    ),
    Mutant(
        "snapshot-once", "that who loads twice may have two snapshots",
        "findings/snapshots.py", "site.form in _FORMS and site.once and", "site.form in _FORMS and",
        "race/snapshot_twice.py",
    ),
    Mutant(
        "snapshot-asked", "that who tests a snapshot may act on an old one",
        "findings/loads.py", "if any(_is_tested(file, use) or", "if any(", "race/snapshot_asked.py",
    ),
    Mutant(
        "snapshot-borrowed", "that who loads a snapshot may change it",
        "findings/loads.py", "_is_tested(file, use) or file.is_changed(use) or", "_is_tested(file, use) or",
        "race/snapshot_borrowed.py",
    ),
    Mutant(
        "snapshot-called-twice", "that who calls a function twice which gives it back may have two snapshots",
        "findings/loads.py", "return all(count == 1 for count in", "return all(count for count in",
        "race/snapshot_once.py",
    ),
    Mutant(
        "snapshot-parts", "that two functions may give parts of two snapshots",
        "findings/loads.py", "returned and _asks_nothing(other)", "False", "race/snapshot_parts.py",
    ),
    Mutant(
        "snapshot-begun", "that there is a value from the beginning",
        "findings/wholes.py", "return begins and self._is_left_alone(name)", "return self._is_left_alone(name)",
        "race/snapshot_begun.py",
    ),
    Mutant(
        "snapshot-marks", "that a mark of there being none is no whole value",
        "findings/wholes.py", "        return False\n\n    def _is_local",
        "        return isinstance(value, ast.Constant)\n\n    def _is_local", "race/snapshot_emptied.py",
    ),
    Mutant(
        "snapshot-filled", "that what is changed after it was stored is no snapshot",
        "findings/wholes.py", "if _is_changed_later(file, stored):", "if False:",
        "race/snapshot_filled.py",
    ),
    Mutant(
        "snapshot-given", "that a function may be given None to store",
        "findings/wholes.py", "isinstance(one.value, _MARKS)", "False", "race/snapshot_given.py",
    ),
    Mutant(
        "snapshot-default", "that a function may store None by default",
        "findings/wholes.py", "default is None or self._is_whole(file, default, depth - 1)", "True",
        "race/snapshot_default.py",
    ),
    Mutant(
        "snapshot-default-whole", "that a default may be a whole value",
        "findings/wholes.py", "or self._is_whole(file, default, depth - 1)", "", "norace/snapshot_default.py",
    ),
    Mutant(
        "snapshot-grown", "that others may change what is stored in place",
        "findings/wholes.py", "or any(map(file.is_changed, uses)) or _uses_up(file, stores", "or _uses_up(file, stores",
        "race/snapshot_grown.py",
    ),
    Mutant(
        "snapshot-outside", "that code outside of the class may store something else",
        "findings/wholes.py", "if not self._are_whole(file, stores) or", "if", "race/snapshot_outside.py",
    ),
    Mutant(
        "snapshot-global", "that a global may hold a mark of there being none",
        "findings/wholes.py", "return begins and not changed and self._are_whole(file, inside) and",
        "return begins and not changed and", "race/snapshot_global.py",
    ),
    Mutant(
        "snapshot-filled-before", "that what a function has filled before it stores it is whole",
        "findings/wholes.py", "filled = bool(changes) and not isinstance(value, ast.Constant)", "filled = False",
        "norace/snapshot_filled.py",
    ),
    Mutant(
        "snapshot-lent", "that who has given a value to a function that stores it may change it then",
        "findings/wholes.py", "isinstance(one, ast.Name) and _is_changed_later(other, one)", "False",
        "race/snapshot_lent.py",
    ),
    Mutant(
        "snapshot-closed", "that who replaces a value may do something with the old one, which others still use",
        "findings/wholes.py", "if _uses_up(file, inside, file.attributes(name)):", "if False:",
        "race/snapshot_closed.py",
    ),
    Mutant(
        "snapshot-looked", "that methods of what was loaded may change it",
        "findings/loads.py", "not any(changes_itself(file, node) for file, node in found)", "True",
        "race/snapshot_looked.py",
    ),
    Mutant(
        "snapshot-looked-only", "that methods which change nothing only look",
        "findings/loads.py", "return name in _LOOKING or self._is_looking(name)", "return name in _LOOKING",
        "norace/snapshot_looked.py",
    ),
    Mutant(
        "snapshot-library", "that it is not known what the methods of others do",
        "findings/loads.py", "return name in _LOOKING or self._is_looking(name)", "return True",
        "race/snapshot_library.py",
    ),
    Mutant(
        "snapshot-field", "that a dataclass has its constructor store a field",
        "findings/wholes.py", "begins |= _is_field(node, name) and", "begins |= False and", "norace/snapshot_field.py",
    ),
    Mutant(
        "snapshot-field-none", "that a field may be None",
        "findings/wholes.py", '{"None", "Optional",', '{"Optional",', "race/snapshot_field.py",
    ),
    Mutant(
        "snapshot-inherited", "that a base's constructor stores for the class",
        "findings/wholes.py", "todo.extend(base for base in _bases(node) if base not in seen)", "pass",
        "norace/snapshot_inherited.py",
    ),
    Mutant(
        "snapshot-inherited-not", "that a constructor may not call that of its base",
        "findings/wholes.py", "or not _passes_on(node)", "", "race/snapshot_inherited.py",
    ),
)  # fmt: skip
