"""Programs that print what they do: instrumented, they print the same. A name may end in the Python that is needed."""

from __future__ import annotations

import sys

_PRINTING = '''
# super and class
class A:
    def m(self): return "A"
class B(A):
    def m(self): return super().m() + __class__.__name__
    @property
    def p(self): return super().m
    @classmethod
    def k(cls): return super().__new__(cls).m()
print(B().m(), B().p(), B.k())
# private names
class _Shop:
    __slots__ = ("__stock", "_Shop__other")
    def __init__(self): self.__stock = 1; self.__other = 2; self.__stock += 1
    def read(self): return self.__stock, getattr(self, "_Shop__other"), hasattr(self, "__stock")
    def drop(self): del self.__stock; return hasattr(self, "_Shop__stock")
shop = _Shop()
print(shop.read(), shop.drop())
# loops that poll
class Jobs:
    def __init__(self): self.done = 0
    def add(self): self.done += 1
    def more(self): return self.done < 2
def follow(jobs, steps):
    while jobs.more():
        next(steps)()
    while (
        jobs.done
        != 5
    ):
        next(steps)()
    else:
        print("else", jobs.done)
    while not jobs.done > 5: next(steps)()
    while jobs.done < 99:
        if next(steps, None) is None: break
    else:
        print("never")
    while jobs.done == 0:
        next(steps)()
    return jobs.done
jobs = Jobs()
print(follow(jobs, iter([jobs.add] * 6)))
# private globals
_C__total = 1
class C:
    def m(self):
        global __total
        __total += 1
        return __total
print(C().m(), _C__total)
# names seen
def f(p, *q, r=1, **s):
    t = p.x
    total = 0
    def g():
        nonlocal total
        total += t
        return sorted(locals())
    u = [v for v in q if v.x]
    return sorted(locals()), g(), f.__code__.co_varnames, sorted(f.__code__.co_cellvars), f.__code__.co_flags
class X: x = 1
print(f(X, X, k=X))
print(sorted(name for name in globals() if name[0] != "_"), sorted(vars(X)), dir()[:3])
# docstrings
"""Module."""
def f():
    """Function."""
    global total
    total = 1
class C:
    """Class."""
    total = 2
def g(): return f.__doc__
print(f.__doc__, C.__doc__, g(), g.__doc__)
# generators
def gen(o):
    received = yield o["a"]
    try:
        received = yield received
        o["b"] += received
    finally:
        o["closed"] = yield from iter([o["b"]])
o = {"a": 1, "b": 2}
g = gen(o)
print(next(g), g.send(5), g.send(7), next(g, "end"), o)
# generator throw
def gen(o):
    while True:
        try: o["n"] = (yield o["n"]) + o["n"]
        except ValueError as error: o["n"] = error.args[0]
o = {"n": 1}
g = gen(o)
print(next(g), g.send(2), g.throw(ValueError(9)), g.send(1), g.close())
# coroutines
import asyncio
class Source:
    def __init__(self): self.left = 3
    def __aiter__(self): return self
    async def __anext__(self):
        self.left -= 1
        if self.left < 0: raise StopAsyncIteration
        await asyncio.sleep(0)
        return self.left
    async def __aenter__(self): return self
    async def __aexit__(self, *args): self.closed = True
async def main():
    out = []
    async with Source() as source:
        async for source.item in source: out.append(source.item)
    out += [x async for x in Source() if x]
    async def agen():
        for x in out: yield x + (await asyncio.sleep(0, 1))
    return out, source.closed, [x async for x in agen()], await asyncio.gather(asyncio.sleep(0, out[0]))
print(asyncio.run(main()))
# closures
def counter():
    n = 0
    def add(by=1):
        nonlocal n
        n += by
        return n
    def reset():
        nonlocal n
        n, old = 0, n
        del old
        return n
    return add, reset
add, reset = counter()
print(add(), add(5), reset(), add(), add.__closure__[0].cell_contents, [f(3) for f in (add, add)])
# late binding
print([f() for f in [lambda: i for i in range(3)]], [f() for f in [lambda i=i: i for i in range(3)]])
def f():
    fs = []
    for i in range(3): fs.append(lambda: i)
    return [g() for g in fs]
print(f())
# deleted cell
def f():
    x = 1
    def g(): return x
    x = 2
    del x
    try: return g()
    except NameError as error: return str(error)
print(f())
# class scope
x = 1
x = 2
class C:
    y = x
    x = 3
    z = x
    xs = [x for _ in range(2)]
    def m(self): return x
    class D:
        w = x
print(C.y, C.x, C.z, C.xs, C().m(), C.D.w, sorted(k for k in vars(C) if k[0] != "_"))
# class in function
def f(x):
    x += 1
    class C:
        y = x
        z = [x for _ in range(2)]
        def m(self): return x
    x += 1
    return C.y, C.z, C().m()
print(f(1))
# prepared namespace
class Meta(type):
    @classmethod
    def __prepare__(cls, name, bases):
        class Spy(dict):
            def __getitem__(self, key): print("get", key); return super().__getitem__(key)
            def __setitem__(self, key, value): print("set", key); super().__setitem__(key, value)
        return Spy()
total = 1
total = 2
class C(metaclass=Meta):
    a = total
    b = a
    def m(self): return total
# enum and dataclass
import dataclasses, enum
class Color(enum.Enum):
    RED = 1
    GREEN = RED + 1
    def describe(self): return self.name.lower()
@dataclasses.dataclass(order=True)
class Point:
    x: int = 0
    y: "int" = dataclasses.field(default=0)
    kind: dataclasses.InitVar[Color] = Color.RED
print(list(Color), Color.GREEN.describe(), Point(1) < Point(2, 1), Point(3, 4), Point.__annotations__["y"])
# future annotations
from __future__ import annotations
import typing
class C:
    x: typing.ClassVar[dict[str, a.b]] = {}
    def m(self, p: q.r[0] = 1) -> s.t: z: u.v = self.x
print(C.__annotations__, C.m.__annotations__, C().m())
# annotations evaluated
class T: x = int
def f(p: T.x, *q: [T.x][0]) -> T.x: pass
v: T.x = 1
w: T.x
print(f.__annotations__, __annotations__)
# f-strings
class P:
    x = 3.14159
    def __format__(self, spec): return f"<{spec}>"
p, w = P(), 8
table = {"a": 1}
print(f"{p.x!r:>{w}} {p.x=} {p.x = :.2f} {p:{p.x:.1f}} {table['a']:>{table['a'] + 3}} {{p.x}} {p.x!s}{'x'!r}" f"{w}")
# conditional expressions
class O: yes, no, none = 1, 0, None
o = O()
print(o.yes and o.no, o.no or o.none, not o.no, o.yes if o.no else o.none, o.none is None is not o.yes)
# slices
o = list(range(10))
o[2:4] = o[::3]
del o[-2:], o[0]
o[1:3] += [7]
print(o, o[-1], o[:2][0], o[slice(1, 3)])
# matrix of keys
class K(dict):
    def __getitem__(self, key): return key
k, i = K(), 3
print(k[i, 1], k[i:2, ...], k[i,], k[()], k[*[1, i]], k[lambda: 1] is not None, k[i if i else 2])
# augmented operators
class N:
    v = 5
n = N()
n.v += 1; n.v -= 2; n.v *= 3; n.v //= 2; n.v **= 2; n.v %= 7; n.v <<= 2; n.v |= 1; n.v ^= 3; n.v &= 6; n.v >>= 1
print(n.v, N.v)
items = [1, 2]
items *= 2
n.v = items
n.v += (3,)
n.v[0] += n.v[1]
print(items, n.v is items)
# tuple item that fails and stores
t = ([1],)
try: t[0] += [2]
except TypeError as error: print(error, t)
# deletion
d = {"a": 1, "b": 2, "c": {"d": 3}}
del d["a"], (d["b"], d["c"]["d"])
print(d)
def f():
    global d
    del d
    try: d
    except NameError as error: print(error)
f()
# exceptions
def f(o):
    try:
        try: o["x"]
        except KeyError as error: o["seen"] = error.args; raise ValueError from error
        else: o["else"] = 1
        finally: o["finally"] = 1
    except* ValueError as group: o["cause"] = repr(group.exceptions[0].__cause__)
o = {}
f(o)
print(o)
# endings
import contextlib
def handled(n):
    try: n["x"]
    except KeyError:
        if n: print("handled", n)
    except TypeError: pass
def guarded(n):
    try:
        if n:
            with contextlib.suppress(KeyError): n["x"]
    except TypeError as error: print(error)
def looped(n):
    while n:
        n -= 1
        try: n["x"]
        except TypeError:
            if n > 1: print(n); break
            elif n: break
    else: print("none")
def branched(n):
    if n:
        for m in range(n): print(m)
    else: raise ValueError(n)
for function in handled, guarded:
    for n in {}, {1: 2}, 1: function(n)
branched(1)
for n in 0, 1, 2, 3: looped(n)
# with
import contextlib
@contextlib.contextmanager
def manager(o):
    o["in"] = o.get("in", 0) + 1
    try: yield o
    except LookupError as error: o["error"] = repr(error)
    finally: o["out"] = True
with manager({}) as o, contextlib.suppress(ZeroDivisionError), manager(o) as o["self"]: o["missing"]
o.pop("self")
print(o)
# match
class Point:
    __match_args__ = ("x", "y")
    def __init__(self, x, y): self.x, self.y = x, y
class K: RED = "red"
def f(s):
    match s:
        case K.RED | "green": return "color"
        case Point(x=0, y=y): return "axis", y
        case Point(x, y) if s.x == y: return "diagonal", x
        case {"k": [first, *rest], **others}: return first, rest, others
        case [Point(x=x), str() as name, *_]: return x, name
        case (1 | -1.5) as n: return n
        case None | True: return "constant"
        case _: return "other"
print([f(s) for s in ("red", "green", Point(0, 2), Point(3, 3), {"k": [1, 2, 3], "z": 4})])
print([f(s) for s in ([Point(1, 2), "n"], -1.5, None, 9)])
# chains and walrus
o = {"n": 3}
print(1 < o["n"] < 5 <= o["n"] + 2, [y := o["n"], y ** 2], y, (z := o.get("n")) and z + 1)
def f():
    if any((hit := x) > 1 for x in o.values()): return hit
    return [last := x for x in o.values()], last
print(f())
# star expressions
def f(*args, **kwargs): return args, kwargs
o = {"a": [1, 2], "k": {"x": 1}}
print(f(*o["a"], 0, *o["a"], **o["k"], y=2), [*o["a"], *o["k"]], {**o["k"], "x": 3}, (*o["a"],))
first, *middle, last = *o["a"], *o["a"]
print(first, middle, last)
for head, *tail in [o["a"], (3, 4, 5)]: print(head, tail)
# swap
class O: pass
o = O()
o.a, o.b = 1, 2
o.a, o.b = o.b, o.a
x, y = 1, 2
x, y = y, x
items = [1, 2]
i = 0
i, items[i] = 1, 9
print(o.a, o.b, x, y, items)
'''


def split(text: str) -> dict[str, str]:
    """The programs of a text, by the comment that each begins with; those for a later Python are left out."""
    programs: dict[str, str] = {}
    for part in text.split("\n# ")[1:]:
        name, _, body = part.partition("\n")
        name, _, needs = name.partition(" .py3")
        if not needs or sys.version_info >= (3, int(needs)):
            programs[name] = body + "\n"
    return programs


PROGRAMS = split(_PRINTING)
