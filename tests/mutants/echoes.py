"""Mutants of echoes: what a task has stored of its own, and asks for after others have stored theirs there."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

ECHOES = (
    Mutant(
        "echo", "that a task asks for what it has stored itself, and finds what another one has",
        "detector/tasks.py", "if site.opens and not site.is_head and (its", "if False and (its",
        "race/task_context_attribute.py",
    ),
    Mutant(
        "echo-made", "that a task asks for what the one that has made it has stored",
        "detector/tasks.py", "by, born = owner.parent, owner.born", "by, born = 0, owner.born", "race/task_context.py",
    ),
    Mutant(
        "echo-locked", "that who has taken a lock since asks for what is there by then",
        "detector/tasks.py", "any(taken.get(lock, 0) > other.sequence for lock in entry.locks)", "False",
        "norace/task_context.py",
    ),
    Mutant(
        "echo-held", "that a lock which was taken before keeps nobody from storing",
        "detector/tasks.py", "any(taken.get(lock, 0) > other.sequence for lock in entry.locks)", "entry.locks",
        "race/task_entered.py",
    ),
    Mutant(
        "echo-used", "that who compares what is there does not take it for its own",
        "transform/echoes.py", "reads = {node for node in _used(tree)", "reads = {node for node in ast.walk(tree)",
        "norace/task_context.py",
    ),
    Mutant(
        "echo-latest", "that what is called the last one is anybody's",
        "transform/echoes.py", 'frozenset({"last", ', "frozenset({", "norace/task_context.py",
    ),
    Mutant(
        "echo-always", "that not everybody who stores an attribute may ask for it",
        "transform/echoes.py", "isinstance(statement, (ast.Assign,", "isinstance(statement, (ast.If, ast.Assign,",
        "norace/task_entered.py",
    ),
    Mutant(
        "echo-entered", "that what an object keeps from its beginning to its end is that of who has entered it",
        "transform/echoes.py", "found.update(_entered(node))", "pass", "race/task_entered.py",
    ),
)  # fmt: skip
