"""Writes `docs/containers.md` from the contract table: `python docs/generate_containers.py`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from raceway.model.kinds import Commute, Operation
from raceway.runtime.contracts import (
    CALLS,
    FORMS,
    IGNORED,
    TABLE,
    CallContract,
    Contract,
    Effect,
    KeyShape,
    Presence,
    Target,
)

PAGE = Path(__file__).with_name("containers.md")

INTRODUCTION = """\
# Containers

What Raceway knows of the built-in containers: what each operation does to which location, and whether it is one step.
The page is written from `raceway/runtime/contracts` by `python docs/generate_containers.py`; do not edit it.

## How to read the tables

A container has one location per **item** (by key, index or element) and one for its **structure**: which items there
are and in which order. Two accesses of one location conflict when nothing orders them and one of them changes it. So
threads that work on different keys of one dictionary do not meet; one that inserts a key meets one that iterates.

- A **class** in brackets, as in *changes structure (append)*: operations of one class commute, whichever comes first,
  and do not conflict. The classes that concern single keys (insert-key, add, setdefault, discard) also commute with
  each other at the structure, because the item's own location tells when two threads mean the same key. Of a
  list, the class append includes taking one item out, and the class of a deque both ends of it.
- A method or function that goes over all of a container in one step in both columns only reads the structure.
  A walk of one thread over a row goes on when another one changes it by class append, and so is no more than a read.
- A change of the structure **without a class** concerns every item as well (`clear`, `insert`, `sort`, `update`). One
  with a class leaves the items alone, except where the row names one, or where later items move (`pop` of a list).
- *if absent*, *if present*: the case in which the operation has these effects; after *else* the other case.
- **GIL**: the operation is one step, no other thread runs inside it. It needs keys, items and arguments of built-in
  types (a `__hash__` or `__eq__` written in Python is a place where threads switch) and no finaliser that happens to
  run inside. *calls ...* names a function that runs inside: one written in Python ends the step.
- **no GIL**: free-threaded CPython 3.13 holds the container's lock throughout, so that no other change and no walk in
  one step comes in between; here the arguments must not be changed by other threads either. `len(x)` and lookups of
  one item take no lock: one step by themselves, they can see a bulk change (`update`, `sort`) half done.
- `benchmarks/containers_stress.py` tries both columns with threads.
- *args*: containers among the arguments are walked too. *behind*: the effects are on the mapping behind the view.
- *hand-over*: the operation is one step and passes objects from thread to thread. Of a deque, what was done before the
  release happens before what follows the acquire. Of the others, who takes an item out is ordered after the threads
  that put items in (under that key, where there is one), and after what they did before they did so.
- `x[k]` stands for a key or an index from 0, `x[-1]` for a negative index, `x[a:b]` for a slice. `bool(x)` and `if x:`
  are `len(x)`; `in` without a row of its own is `iter(x)`.
- A method that a program defines in its own subclass has no row: its body is watched like all other code.
"""

_VERBS = {
    Operation.READ: "reads",
    Operation.WRITE: "writes",
    Operation.READ_MODIFY_WRITE: "updates",
    Operation.DELETE: "deletes",
    Operation.ITERATE: "walks",
    Operation.STRUCTURAL_CHANGE: "changes",
}
_PLACES = {Target.STRUCTURE: "structure", Target.KEY: "item", Target.FIRST: "first item"}
_FORMS = {
    "__getitem__": "x{}",
    "__setitem__": "x{} = v",
    "__delitem__": "del x{}",
    "__contains__": "k in x",
    "__iter__": "iter(x)",
    "__reversed__": "reversed(x)",
    "__len__": "len(x)",
    "__bool__": "bool(x)",
    "__repr__": "repr(x)",
    "__str__": "str(x)",
    "__iadd__": "x += y",
    "__isub__": "x -= y",
    "__imul__": "x *= n",
    "__ior__": "x |= y",
    "__iand__": "x &= y",
    "__ixor__": "x ^= y",
    "__eq__": "x == y",
    "__ne__": "x != y",
    "__lt__": "x < y",
    "__le__": "x <= y",
    "__gt__": "x > y",
    "__ge__": "x >= y",
}
_FUNCTIONS = """\
What functions do to the structure of the containers they are given, and whether they go over all of it in one step. A
name without a module is a built-in."""
_SYNTAX = "What syntax does to the structure of the container `c`."
_SUBSCRIPTS = {KeyShape.KEY: "[k]", KeyShape.NEGATIVE: "[-1]", KeyShape.SLICE: "[a:b]"}


def render() -> str:
    """The whole page."""
    containers = list(dict.fromkeys(row.container for row in TABLE))
    parts = [INTRODUCTION, f"The table has {len(TABLE)} rows.\n"]
    parts += [_section(name, [row for row in TABLE if row.container == name]) for name in containers]
    parts.append(_calls("Functions", _FUNCTIONS, CALLS.values()))
    parts.append(_calls("Syntax", _SYNTAX, FORMS.values()))
    parts.append(_ignored())
    return "\n".join(parts)


def _section(container: str, rows: list[Contract]) -> str:
    """One container's table; rows that say the same share a line."""
    lines: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        lines.setdefault(_meaning(row), []).append(f"`{_spelling(row)}`")
    head = ["operation", "effects", "GIL", "no GIL", "notes"]
    body = ([", ".join(names), *meaning] for meaning, names in lines.items())
    return f"## {container}\n\n{_table(head, body)}"


def _meaning(row: Contract) -> tuple[str, ...]:
    effects = _effects(row.effects)
    if row.full_when is not Presence.ANY:
        effects = f"if {row.full_when.value} {effects}; else {_effects(row.otherwise)}"
    notes = [
        f"calls `{row.calls}`" if row.calls else "",
        "args" if row.walks_arguments else "",
        "behind" if row.through else "",
        f"hand-over: {row.handover.value}" if row.handover is not None else "",
        row.note,
    ]
    return effects, _mark(row.atomic_gil), _mark(row.atomic_free_threaded), "; ".join(filter(None, notes))


def _effects(effects: Iterable[Effect]) -> str:
    return ", ".join(
        f"{_VERBS[effect.operation]} {_PLACES[effect.target]}"
        + (f" ({effect.commute.value})" if effect.commute is not Commute.NONE else "")
        for effect in effects
    )


def _spelling(row: Contract) -> str:
    form = _FORMS.get(row.name, f"{row.name}()" if not row.name.startswith("_") else row.name)
    return form.format(_SUBSCRIPTS[row.shape]).replace("|", "\\|")


def _calls(title: str, text: str, calls: Iterable[CallContract]) -> str:
    head = ["name", "structure", "GIL", "no GIL", "containers", "notes"]
    body = (
        [
            f"`{call.name}`",
            _VERBS[call.operation],
            _mark(call.whole_gil),
            _mark(call.whole_free_threaded),
            _arguments(call),
            "; ".join(filter(None, [f"calls `{call.calls}`" if call.calls else "", call.note])),
        ]
        for call in calls
    )
    return f"## {title}\n\n{text}\n\n{_table(head, body)}"


def _arguments(call: CallContract) -> str:
    place = f"argument {call.first + 1}"
    return place + (" and later" if call.rest else " if alone" if call.alone else "")


def _ignored() -> str:
    head = ["container", "names", "why there is no row"]
    return f"## Not in the table\n\n{_table(head, _ignored_rows())}"


def _ignored_rows() -> Iterator[list[str]]:
    for container, reasons in IGNORED.items():
        for reason in dict.fromkeys(reasons.values()):
            names = ", ".join(f"`{name}`" for name, why in reasons.items() if why == reason)
            yield ["all" if container == "object" else container, names, reason]


def _mark(flag: bool) -> str:
    return "yes" if flag else "no"


def _table(head: list[str], body: Iterable[Iterable[str]]) -> str:
    lines = [head, ["---"] * len(head), *body]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
