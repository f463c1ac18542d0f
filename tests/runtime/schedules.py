"""Random programs of threads that take turns in a fixed order: what taps do between a repeated access and the rules.

`python -m tests.runtime.schedules FIRST COUNT` runs more of them on both cores and prints where they differ.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
TIMEOUT_S = 300

HEAD = """\
import threading
from collections import OrderedDict
from hidden import Turns
"""

MADE = """

class World{n}:
    def __init__(self):
        self.locks = [threading.Lock(), threading.RLock()]
        self.a = 0
        self.b = 0
        self.items = [1, 2, 3]
        self.keys = {{"a": 1, "b": 2}}
        self.order = OrderedDict(a=1, b=2, c=3)
"""

OPERATIONS = (
    "w.a = 1", "w.b = 1", "w.a += 1", "w.b += 1", "w.a", "w.b", "w.a + w.b", "w.a = w.b",
    "w.items[0] = 1", "w.items[1] += 1", "w.items[0]", "w.items[-1]", "len(w.items)", "w.items.append(1)",
    "w.items.pop()", "list(w.items)", "w.items.insert(0, 1)", "w.items.reverse()",
    "w.keys['a'] = 1", "w.keys['z'] = 1", "w.keys['a'] += 1", "w.keys['a']", "w.keys.get('a')", "w.keys.get('z')",
    "'a' in w.keys", "'z' in w.keys", "len(w.keys)", "w.keys.pop('z', 0)", "w.keys.setdefault('y', 1)",
    "list(w.keys)", "w.keys.update(b=1)",
    "w.order.get('a')", "w.order.move_to_end('a')", "w.order['a'] = 2", "w.order['q'] = 2", "w.order.popitem()",
    "len(w.order)", "w.order = OrderedDict(a=1, b=2, c=3)", "w.items = [1, 2, 3]", "w.keys = {'a': 1, 'b': 2}",
    "w.a or setattr(w, 'a', 1)", "w.keys['x'] = w.keys.get('x', 0) + 1",
)  # fmt: skip

BLOCKS = (
    ("if w.a == 0:", "    w.a = 1"),
    ("if 'x' not in w.keys:", "    w.keys['x'] = 1"),
    ("n = w.b", "w.b = n + 1"),
)


def _step(chosen: random.Random) -> list[str]:
    """Lines of one step, mostly under a lock, most of them under the same."""
    lines: list[str] = []
    for _ in range(chosen.randint(1, 3)):
        lines += chosen.choice(BLOCKS) if chosen.random() < 0.15 else (chosen.choice(OPERATIONS),)
    roll = chosen.random()
    if roll < 0.75:
        lock = 0 if roll < 0.55 else 1
        lines = [f"with w.locks[{lock}]:", *(f"    {line}" for line in lines)]
    return lines


def scenario(n: int, seed: int) -> str:
    """Threads that run over a few worlds, step by step in a random order, each step its own function."""
    chosen = random.Random(seed)
    letters = "abc"[: chosen.randint(2, 3)]
    order = list(letters) + [chosen.choice(letters) for _ in range(chosen.randint(4, 14))]
    chosen.shuffle(order)
    worlds = chosen.randint(1, 3)
    lines = []
    names = {letter: [f"step_{n}_{letter}{k}" for k in range(chosen.randint(1, 3))] for letter in letters}
    for steps in names.values():
        for name in steps:
            lines += [f"def {name}(w):", *(f"    {line}" for line in _step(chosen)), ""]
    runs = {letter: [(chosen.choice(names[letter]), chosen.randrange(worlds)) for _ in range(order.count(letter))]
            for letter in letters}  # fmt: skip
    for letter, parts in runs.items():
        lines += [f"def run_{n}_{letter}(turns, worlds):", f"    with turns.of({letter!r}):"]
        for k, (name, world) in enumerate(parts):
            lines += ["        turns.step()"] * (k > 0) + [f"        {name}(worlds[{world}])"]
        lines.append("")
    functions = ", ".join(f"run_{n}_{letter}" for letter in letters)
    lines += [
        f"def main_{n}():",
        f"    turns, worlds = Turns({''.join(order)!r}), [World{n}() for _ in range({worlds})]",
        f"    threads = [threading.Thread(target=run, args=(turns, worlds)) for run in ({functions})]",
        "    for thread in threads: thread.start()",
        "    for thread in threads: thread.join()",
        f"main_{n}()",
        "",
    ]
    return MADE.format(n=n) + "\n".join(lines)


def program(first: int, count: int) -> str:
    """A program with a scenario for each of so many seeds."""
    return HEAD + "\n".join(scenario(n, first + n) for n in range(count))


def found(source: str, core: str) -> list[Any]:
    """What this core finds in the program: kinds, variables, and both sides."""
    with tempfile.TemporaryDirectory() as folder:
        path, report = Path(folder, "scheduled.py"), Path(folder, "report.json")
        path.write_text(source, encoding="utf-8")
        command = [sys.executable, "-m", "raceway.run", "--quiet", "--fail-on", "never", "--exclude", "hidden"]
        environ = {key: value for key, value in os.environ.items() if not key.startswith(("RACEWAY_", "PYTHON"))}
        environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "fixtures"), str(ROOT)])
        command += ["--core", core, "--json", str(report), str(path)]
        subprocess.run(command, env=environ, check=True, timeout=TIMEOUT_S, capture_output=True)
        findings = json.loads(report.read_bytes())["findings"]
    return sorted(
        [
            finding["kind"],
            finding["severity"],
            finding["variable"],
            [[side["line"], side["operation"], side["locks"]] for side in finding["accesses"]],
        ]
        for finding in findings
    )


def main(first: int, count: int, each: int = 40) -> int:
    """Run them and tell; the number of programs whose cores differ."""
    differing = findings = 0
    for start in range(first, first + count, each):
        source = program(start, each)
        pure, native = found(source, "pure"), found(source, "native")
        findings += len(pure)
        if pure != native:
            differing += 1
            print(f"{start}: only pure {[one for one in pure if one not in native]}")
            print(f"{start}: only native {[one for one in native if one not in pure]}")
    print(f"{count} schedules, {findings} findings, {differing} programs differ")
    return differing


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])) != 0)
