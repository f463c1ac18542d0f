"""Random programs of two threads that share containers and objects, one thread after the other and nothing between
them: both cores have to find the same in them, whichever of its fast ways the native one takes.

A program has many scenarios, each with a shared object, locks and two functions of its own, so that what is found in
one does not depend on the others. The first thread runs all of its functions before the second one begins.
"""

from __future__ import annotations

from random import Random

_SETS = """
{v}.add(k)
{v}.discard(k)
{v}.update([k])
x = k in {v}
n = len({v})
z = sorted({v})
for y in {v}: pass
if {v}: n = 1
if k not in {v}: {v}.add(k)
if k in {v}: {v}.discard(k)
if k in {v}: {v}.remove(k)
"""
_DICTS = """
{v}[k] = 1
{v}[k] = {v}.get(k, 0) + 1
x = {v}.get(k); {v}[k] = f(1)
x = {v}.get(k)
n = len({v})
z = list({v}.items())
for y in {v}: pass
for y in list({v}): pass
if {v}: n = 2
{v}.pop(k, None)
{v}.setdefault(k, [])
{v}.update({{k: 2}})
if k not in {v}: {v}[k] = 0
if k not in {v}: v = f(1); {v}[k] = v
if k in {v}: x = {v}[k]
if k in {v}: {v}[k] += 1
if k in {v}: del {v}[k]
"""
_LISTS = """
{v}.append(k)
{v}.insert(0, k)
{v}.extend([k])
{v}.sort()
n = len({v})
z = {v}[:]
x = {v}.copy()
for y in {v}: pass
if {v}: {v}.pop()
if {v}: x = {v}[-1]
if {v}: x = {v}[0]
if {v}: {v}[0] = k
if {v}: {v}[0] = f({v}[0])
if {v}: del {v}[0]
if k in {v}: {v}.remove(k)
"""
_DEQUES = """
{v}.append(k)
{v}.appendleft(k)
{v}.rotate(1)
n = len({v})
for y in {v}: pass
if {v}: {v}.pop()
if {v}: {v}.popleft()
if {v}: x = {v}[0]
"""
_OBJECTS = """
{v}.a = k
{v}.b = None
{v}.n += 1
{v}.n = f({v}.n)
del {v}.a
x = {v}.a
x = {v}.n
x = getattr({v}, "a", None)
setattr({v}, "n", k and 1)
if {v}.b is None: {v}.b = object()
if {v}.n < 5: {v}.n += 1
if hasattr({v}, "a"): x = {v}.a
"""
_SHARED = {
    "set()": _SETS,
    "Tags()": _SETS,
    "{}": _DICTS,
    "OrderedDict()": _DICTS,
    "defaultdict(int)": _DICTS,
    "Counter()": _DICTS,
    "Table()": _DICTS,
    "[]": _LISTS,
    "deque()": _DEQUES,
    "Thing()": _OBJECTS,
    "SimpleNamespace(a=1, b=None, n=0)": _OBJECTS,
}
"""What is shared, and what is done to it."""

_KEYS = ('"abc"', '"ab"', '"c"', "(1, 2)", '(("x", 1), ("y", 2))')

_HEAD = """\
import threading
from collections import Counter, OrderedDict, defaultdict, deque
from types import SimpleNamespace

import hidden

turns = hidden.Turns("ab")


def f(value):
    return value


class Thing:
    def __init__(self):
        self.a, self.b, self.n = 1, None, 0


class Table(dict):
    pass


class Tags(set):
    pass
"""
_TAIL = """
def run(letter, functions):
    with turns.of(letter):
        for function in functions:
            try:
                function()
            except Exception:
                pass


threads = [threading.Thread(target=run, args=both) for both in (("a", [{first}]), ("b", [{second}]))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def program(seed: int, scenarios: int) -> str:
    """The source of a program; `hidden` of the fixtures forces its order."""
    random, parts = Random(seed), [_HEAD]
    for number in range(scenarios):
        made, steps = random.choice([*_SHARED.items()])
        parts.append(f"v{number} = {made}\nlock{number}, other{number} = threading.Lock(), threading.RLock()\n")
        parts += (_function(random, f"{letter}{number}", number, steps) for letter in "ab")
    calls = {where: ", ".join(f"{letter}{number}" for number in range(scenarios)) for where, letter in _SIDES}
    return "\n\n".join([*parts, _TAIL.format(**calls)])


_SIDES = (("first", "a"), ("second", "b"))


def _function(random: Random, name: str, number: int, steps: str) -> str:
    keys, lines = random.choice(_KEYS), [f"def {name}():"]
    if random.random() < 0.7:
        lines += [f"    for k in {keys}:", *_steps(random, number, steps, 2)]
    else:
        lines += [f"    k = {keys}[0]", *_steps(random, number, steps, 1)]
    if random.random() < 0.3:
        lines += _steps(random, number, steps, 1)
    return "\n".join(lines)


def _steps(random: Random, number: int, steps: str, depth: int) -> list[str]:
    found: list[str] = []
    for _ in range(random.randint(1, 3)):
        step, choice = random.choice(steps.strip().splitlines()).format(v=f"v{number}"), random.random()
        if choice < 0.32:
            lock = "lock" if choice < 0.25 else "other"
            found += ["    " * depth + f"with {lock}{number}:", "    " * (depth + 1) + step]
        else:
            found += [f"{'    ' * depth}f(0)"] * (choice < 0.4)
            found.append("    " * depth + step)
    return found
