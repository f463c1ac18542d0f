"""Programs that look at themselves or at their surroundings, or whose names and constants are peculiar; they print."""

from __future__ import annotations

from tests.transform.programs import split

_PRINTING = '''
# caller's frame
import sys, warnings
class O:
    @property
    def here(self): return sys._getframe(1).f_lineno, sys._getframe(1).f_code.co_name, sys._getframe(1).f_lasti >= 0
    def warn(self): warnings.warn("from", stacklevel=2)
def f(o): return (o.here,
    o.here)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    O().warn()
print(f(O()), caught[0].lineno, caught[0].filename)
# object lifetimes
import weakref, sys, gc
class O:
    def __del__(self): print("gone", self.name)
o = O(); o.name = "first"
r = weakref.ref(o, lambda _: print("callback"))
def f(p):
    p.other = O()
    p.other.name = "inner"
    count = sys.getrefcount(p.other)
    p.other = None
    return count
print(f(o))
o = O(); o.name = "second"
print(r() is None)
del o
print("end")
# recursion
import sys
def depth(o): return 1 + depth(o) if o["go"] else 0
sys.setrecursionlimit(200)
try: depth({"go": True})
except RecursionError as error: print(type(error))
finally: sys.setrecursionlimit(1000)
# inspect
import inspect
class C:
    def m(self, x=1, *, y: "int" = 2): return self.x + x
    total = 1
print(inspect.getsource(C.m), inspect.signature(C.m), inspect.getdoc(C), inspect.getclosurevars(C.m).unbound)
# doctest
import doctest, sys
total = 0
def f(x):
    """
    >>> f(1), total
    (1, 1)
    >>> f("a")
    Traceback (most recent call last):
    TypeError: unsupported operand type(s) for +=: 'int' and 'str'
    """
    global total
    total += x
    return total
print(doctest.testmod(sys.modules["program"]))
# pickle
import pickle, copy
class P:
    def __init__(self): self.x = [1]; self.y = self.x
    def __reduce_ex__(self, protocol): return super().__reduce_ex__(protocol)
def f(): return total
p = pickle.loads(pickle.dumps(P()))
print(p.x is p.y, copy.deepcopy(p).x, pickle.loads(pickle.dumps(f)) is f)
# code objects
import types
total = 5
total = 6
def f(): return total
print(types.FunctionType(f.__code__, {"total": 7})(), f.__code__ == f.__code__, hash(f.__code__) == hash(f.__code__))
def outer():
    n = 1
    n = 2
    def inner(): return n
    return inner
print(types.FunctionType(outer().__code__, {}, None, None, outer().__closure__)())
# exec and eval
total = 1
def f():
    exec("total = total + 1", globals())
    return total, eval("total + 1"), eval("[total for _ in 'a']")
print(f())
# not implemented
class N:
    def __eq__(self, other): return NotImplemented
    def __add__(self, other): result = NotImplemented; return result
    value = NotImplemented
kept = N.value
def f(flag):
    global kept
    kept = N.value if flag else N.value
    kept = kept or N.value if False else NotImplemented
    return kept, N() == N()
print(f(True)[0], N.__add__(N(), 1))
# debug constant
flag = 0
flag = __debug__
def f():
    global flag
    flag = __debug__
    if __debug__: return flag, not __debug__, [x for x in (__debug__,)]
print(flag, f())
# folded constants
g = (10, 20)[1]
def f(x):
    global g
    g = "abc"[1]; first = g
    g = (1, 2)[0]; second = g
    g = "%s-%s" % (x, 1); third = g
    g = -1 if x else 2 + 3; fourth = g
    g = 1 and 2; fifth = g
    g = (1, "a")[1] + "b"
    return first, second, third, fourth, fifth, g
print(g, f(1))
for x in (("a", "b"), ("c",))[0]: print(x)
# marker in the program
MARK = b"\\x00raceway:0:S"
MADE = b"\\x00race" + b"way:0:S"
def f(o): return o.x, b"\\x00raceway:0:S", b"\\x00raceway:1:S", b"\\x00raceway:"
class O: x = 1
print(f(O), MARK, MADE)
# names of unicode
class O: pass
o = O()
o.\ufb01eld = 1
o.caf\u00e9 = 2
\ufb01n = 3
\ufb01n += o.\ufb01eld
def f():
    global \ufb01n
    \ufb01n += 1
    return \ufb01n, fin
print(vars(o), o.field, fin, f())
# statements on one line
total = 0; total += 1; print(total); del total
if True: x = [1]; x[0] += 1; print(x)
while x: x.pop(); print(x)
# star import
from string import *
digits = digits + "x"
print(digits, whitespace == " \\t\\n\\r\\v\\f")
# imports in functions
def f():
    global path, sep
    import os.path as path
    from os import sep
    import os
    return os.path is path, sep == os.sep
print(f(), path.join("a", "b"))
# conditional definitions
try: import missing_module as json
except ImportError as error: import json; print(type(error).__name__)
if json:
    def f(): return json.dumps(1)
else:
    def f(): return 2
print(f())
# nested functions and comprehensions
def f(items):
    total = 0
    for x in items:
        total += x
        rows = [[total + y for y in items if y > x] for z in items]
    return rows, (lambda: total)(), sum(total for _ in items)
print(f([1, 2, 3]))
# type parameters .py312
type Pair[T] = tuple[T, T]
T = 1
T = 2
class Box[T]:
    def __init__(self, x: T) -> None: self.x = x
    def get[U](self, other: U) -> tuple[T, U]: return self.x, other, T, U
def first[T: (int, str)](x: T) -> T: return T, x
print(Pair.__value__, Box[int](3).get("a"), first(1), first.__type_params__, Box.__parameters__, T)
# f-strings that nest .py312
table = {"a": {"b": 1}}
class O: x = 2
print(f"{table["a"]["b"]} {f"{O.x:{f"{O.x + 1}"}}"} {"\\n".join([str(O.x)])!r} {O.x=}")
# comprehension keeps its names .py312
def f(items):
    x = 9
    squares = [x * x for x in items]
    return x, squares, sorted(locals()), f.__code__.co_cellvars
print(f([1, 2]))
'''

SURROUNDINGS = split(_PRINTING)
