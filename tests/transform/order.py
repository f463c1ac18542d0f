"""Programs in which every operand logs its evaluation: instrumented, they log the same in the same order."""

from __future__ import annotations

from tests.transform.programs import split

_PRELUDE = '''\
log = []

def say(name, value=None):
    log.append(name)
    return name if value is None else value

class Loud:
    """Says every access to it, and what it was."""
    def __init__(self, name): object.__setattr__(self, "name", name)
    def __getattribute__(self, name):
        own = object.__getattribute__(self, "name")
        if name.startswith("__") or name == "keys": return object.__getattribute__(self, name)
        return say(f"{own}.{name}", Loud(f"{own}.{name}"))
    def __setattr__(self, name, value): say(f"{self!r}.{name} = {value!r}")
    def __delattr__(self, name): say(f"del {self!r}.{name}")
    def __getitem__(self, key): return say(f"{self!r}[{key!r}]", Loud(f"{self!r}[{key!r}]"))
    def __setitem__(self, key, value): say(f"{self!r}[{key!r}] = {value!r}")
    def __delitem__(self, key): say(f"del {self!r}[{key!r}]")
    def __call__(self, *args, **kwargs):
        shown = [x if isinstance(x, (Loud, str)) else type(x) for x in args]
        return say(f"{self!r}{shown}{kwargs}", Loud(f"{self!r}()"))
    def __iter__(self): say(f"iter {self!r}"); return iter([Loud(f"{self!r}#0"), Loud(f"{self!r}#1")])
    def __contains__(self, item): say(f"{item!r} in {self!r}"); return True
    def __bool__(self): say(f"bool {self!r}"); return True
    def __len__(self): say(f"len {self!r}"); return 2
    def __add__(self, other): return say(f"{self!r} + {other!r}", Loud("sum"))
    def __iadd__(self, other): say(f"{self!r} += {other!r}"); return Loud("isum")
    def __matmul__(self, other): return say(f"{self!r} @ {other!r}", Loud("product"))
    def __rmatmul__(self, other): return say(f"{other!r} @' {self!r}", Loud("product"))
    def __lt__(self, other): say(f"{self!r} < {other!r}"); return True
    def __eq__(self, other): say(f"{self!r} == {other!r}"); return self is other
    def __hash__(self): say(f"hash {self!r}"); return 1
    def __format__(self, spec): say(f"format {self!r} {spec}"); return "formatted"
    def __repr__(self): return object.__getattribute__(self, "name")
    def __enter__(self): return say(f"enter {self!r}", Loud(f"entered {self!r}"))
    def __exit__(self, *args): say(f"exit {self!r}")
    def keys(self): say(f"keys {self!r}"); return ["k"]
    def __index__(self): say(f"index {self!r}"); return 0

a, b, c = Loud("a"), Loud("b"), Loud("c")

def f():
    return a

'''

_ORDER = """
# attributes
a.x.y = b.z
a.x.y, b.q = c.r, c.s
del a.x.y, b.z
a.x.y += b.z
# items
a[b.x][c.y] = a[b.z]
a[b.x], b[c.y] = c[a.z]
del a[b.x], b[c[0]]
a[b.x] += c[a.y]
a[b.x:c.y, 0] = a[::b.z]
# calls
a.m(b.x, *c.y, p=a.z, **b.w).n(c.q)
f().x(f().y, f()[f().z])
a.x(*b.y, c.z, k=a.w, *b.v)
# comparison
a.x < b.y < c.z
a.x in b.y, a.x not in b.y, a.x == b.y
# truth
if a.x and not b.y or c.z: say("yes")
print(1 if a.x else b.y)
assert a.x, b.y
while a.x:
    break
# loops
for a.x, b[c.y] in c.z: say("body")
else: say("else")
[x.u + b.v for x in a.w if x.c for y in x.d if y in b.e]
list(x.u for x in a.w)
{x.u: b.v for x in a.w}
{x.u for x in a.w}
# unpacking
first, *rest = a.x
[a.x, (b.y, *c.z)] = a.u, a.v
print(*a.x, sep=b.y and "-")
say("list", [*a.x, b.y, *c.z])
say("dict", {**a.x, b.y: c.z})
# with
with a.x as b.y, b.z as (c.u, *c.v): say("body")
# strings
f"{a.x} {b.y!r} {c.z:{a.w}} {a.x.y:{b.v}}"
# globals
def g():
    global v, w
    v = a.x
    v += b.y
    w = v[a.i] = v.z
    v, w = w, v
    for v in c.z: say(repr(v))
    with a.k as v: say(repr(v))
    del v
g()
# cells
def g():
    n = a.x
    def h():
        nonlocal n
        n += b.y
        n[c.z] = n.w
        return [n for _ in n]
    return h()
g()
# by name
getattr(a.x, "y"), setattr(a.x, say("k"), b.z), hasattr(a.x, "y"), delattr(a.x, "y")
len(a.x), list(b.y), sorted([c.z])
# walrus
(x := a.y).z
print([(y := x.z) for x in a.w] and y)
# match
match a.x:
    case [p, q]: say("sequence")
    case {"k": p}: say("mapping")
    case Loud(name=p) if p.x: say("class")
# returns
def g(): return a.x or b.y
def h(): yield a.x; yield from b.y
async def i(): return a.x
g(), list(h())
# decorators and defaults
@a.decorate
@b[c.x]
def g(p=a.p, *, q=b.q): pass
class C(say("x", object), metaclass=say("type", type)):
    y = a.y
    z = y.z
# matrix product
a.x @ b.y
a.x @ 1, 1 @ a.x
# exceptions
try: raise KeyError(a.x)
except (say("E", KeyError), say("F", ValueError)) as e: say(repr(e.args[0].y))
finally: a.z
# chained targets
a.x = b[c.y] = z = c.w
# loops that wait for what others count
class Tank:
    def __init__(self): self.level = 0
def fill(one):
    setattr(one, "".join(("le", "vel")), one.level + 1)
    return say("filled", one.level > 1)
def drain(full):
    global tank
    if full: del tank
    return say("drained", 2)
def waits(one, full=False):
    while (
        not full
        or one.level < 4
    ):
        full = fill(one)
def waits_in_lines(one):
    while (
        0 <
        one.level < 5
    ):
        fill(one)
tank = Tank()
while tank.level < drain(tank.level == 2):
    fill(tank)
tank = Tank()
waits(tank)
waits_in_lines(tank)
# in an order of its own
a[say("i")] = b[say("j")] = say("v")
a[say("i")].x[say("j")] += say("k", b)
"""

ORDER = {name: f"{_PRELUDE}{body}print('\\n'.join(log))\n" for name, body in split(_ORDER).items()}
