"""Programs that fail, each in another way and place: their tracebacks, carets included, stay what they were."""

from __future__ import annotations

import textwrap

_PRELUDE = """\
class Box:
    def __init__(self, **fields): self.__dict__.update(fields)
    def fail(self, *args, **kwargs): raise ValueError(sorted(kwargs), *args)
    def keep(self, *args): return self
    @property
    def broken(self): raise LookupError("broken")
    def __bool__(self): raise TypeError("no truth")

box = Box(items=[1, 2], table={"a": 1}, none=None, inner=Box(deep=Box()))
items, table, none = [1, 2], {"a": 1}, None
"""

_FAILING = """
# attribute
box.missing
# attribute of attribute
box.inner.deep.missing.more
# attribute over lines
(box
    .inner
    .missing)
# attribute of none
box.none.x + 1
# attribute store
none.x = box.inner
# attribute delete
del box.inner, box.inner
# attribute augmented
box.missing += 1
# attribute augmented with a wrong type
box.none += box.items
# property
print(box.inner, 1 + box.broken)
# item
items[5]
# item of item
table["a"]["b"]
# item with computed key
table[str(items[0]) + "x"]
# item store
none["k"] = items[0]
# item delete
del table["missing"]
# item augmented
table["missing"] += 1
# item augmented with a failing value
table["a"] += items[9]
# slice
none[items[0]:items[1]]
# slice store
items[::2] = box.items + [3]
# key that cannot be hashed
table[items]
# method
box.keep().fail(items[0], key=items[1])
# method over lines
box.keep(1).keep(
    2
).fail(
    items[0],
    items[1],
)
# method that is missing
box.items.missing(1)
# method of none
box.none.append(items[0])
# call of a call
box.keep()()
# arguments of a call
print(items[0], items[1], items[2], items[3])
# star arguments
print(*box.none)
# star arguments of a mapping
dict(**box.items)
# double keyword
dict(a=1, **box.table)
# iteration
for x in box.none: pass
# iteration over two lines
for x in (
        box.inner): pass
# unpacking
a, b, c = box.items
# unpacking with star
a, b, c, *d = box.items
# unpacking into a place
a, none.x = box.items
# membership
1 in box.none
# membership with a failing key
[] in box.table
# comparison
items[0] < box.none
# truth
if box.inner: pass
# truth in a loop
while box.inner and items: pass
# truth of not
print(not box.inner)
# conditional
1 if box.inner else 2
# arithmetic
1 + items[0] * box.none - 2
# unary
-box.items
# chained comparison
0 < items[0] < box.none < 3
# comprehension
[x.missing for x in box.items]
# comprehension in a function
def f(): return {k: v.missing for k, v in box.table.items()}
f()
# generator
list(x + box.none for x in items)
# f-string
f"{items[0]} {box.inner.deep.missing!r:>{items[1]}}"
# f-string over lines
f'''{items[0]}
 {box.none.x}'''
# assertion
assert box.items == table, box.table["b"]
# raise
raise box.none
# raise from
raise ValueError(items[0]) from KeyError(box.table["a"])
# with
with box.none as x: pass
# import
from os import box_that_is_missing as x
# except clause
try: 1 / 0
except box.none: pass
# exception while handling
try: box.missing
except AttributeError as error: table[error.name]
# finally
try: box.missing
finally: none.other
# exception group
try: raise ExceptionGroup("two", [ValueError(items[0]), KeyError(1)])
except* KeyError as error: box.none.x
# lambda
(lambda o: o.missing)(box)
# decorator
@box.keep
@box.items
def f(): pass
# class body
class C(Box):
    size = items[0]
    more = size.missing
# class bases
class C(Box, metaclass=box.none): x = 1
# default
def f(a=box.items, b=box.missing): pass
# global in function
def f():
    global items
    items = items + none
f()
# global that is not there
def f():
    global nowhere
    nowhere += items[0]
f()
# captured variable
def outer():
    count = None
    def inner():
        nonlocal count
        count += items[0]
    inner()
outer()
# captured variable before its assignment
def outer():
    def inner(): return late
    inner()
    late = items
    late = None
outer()
# recursion
def f(n): return f(n - 1) if n else box.inner.missing
f(4)
# walrus
print((x := box.none) + x)
# match
match box.none.kind:
    case 1: pass
# match class
class P: __match_args__ = (1, 2)
match P():
    case P(1, 2): box.inner
# await
async def f(): return await box.inner
f().send(None)
# async for
async def f():
    async for x in box.items: pass
f().send(None)
# yield from
def f(): yield from box.none
next(f())
# deletion of a global
def f():
    global table
    del table
    del table
f()
# two statements
x = items[0]; y = box.missing; z = 1
# non-ascii line
"é".join(box.items); box.名前
# tabs
if items:
	x = [	box.none.y	]
# continuation
x = items[0] + \\
    box.none
# several lines
x = [items[0],
     box.inner
        .deep
        .missing,
     items[1]]
# subscript over lines
table[
    items[0]
][
    items[1]
]
# bound twice
total = 0
total = items[0] + box.none
# system exit
raise SystemExit(box.table["a"])
# print to a closed file
import io
print(items[0], file=box.none.x)
"""


def failing_programs() -> dict[str, str]:
    """Every failing program by its name, with the prelude in front of it."""
    programs: dict[str, str] = {}
    for part in textwrap.dedent(_FAILING).split("\n# ")[1:]:
        name, _, body = part.partition("\n")
        programs[name] = _PRELUDE + body
    return programs
