"""Whole modules: encodings, odd spelling, depth, warnings, errors, and what the compiled code holds."""

from __future__ import annotations

import codecs
import sys
import warnings
from collections.abc import Iterator
from types import CodeType

import pytest

from raceway.errors import TransformError
from raceway.model import placeholders
from raceway.model.sites import Role
from raceway.transform import instrument, show
from tests.transform.twins import FILE, both, bound, plain_code, run, tapped_code

ENCODED = {
    "bom": codecs.BOM_UTF8 + "name = 'é'\nprint(name.upper(), name[0])\n".encode(),
    "latin-1": "# -*- coding: latin-1 -*-\nname = 'é'\nprint(ascii(name), name[0] == chr(233))\n".encode("latin-1"),
    "cookie on line two": "#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nx = ['€']\nprint(ascii(x[0]))\n".encode(
        "cp1252"
    ),
    "utf-8 columns": "d = {'é': 1}\nprint(d['é'], d['é'] + d['é'], d.get('ü', d['é']))\n".encode(),
    "crlf": b"x = [1]\r\nif x:\r\n    x[0] += 1\r\n    y = '''a\r\nb'''\r\nprint(x[0], repr(y))\r\n",
    "cr": b"x = [1]\rx[0] += 1\rprint(x[0])\r",
    "mixed newlines": b"x = [1]\r\nx[0] += 1\nprint(x[0])\r\n",
    "form feed": b"x = [1]\n\x0c\nx[0] += 1\n\x0cprint(x[0])\n",
    "no newline at the end": b"x = [1]\nprint(x[0])",
    "comment at the end": b"x = [1]\nprint(x[0])  # done",
    "backslash at the end of a line": b"x = [1]\nprint(x \\\n    [0], x\\\n.copy())\n",
    "tabs": b"x = [1]\nif x:\n\tx[0] += 1\n\tif x:\n\t\tprint(x[0])\n",
    "odd indentation": b"x = [1]\nif x:\n       x[0] += 1\n       print(x[0])\nelse:\n x[0]\n",
    "comments between": b"x = [1]\nif x:\n  # one\n x[0] += 1 # two\n # three\n\n\n print(x[0])\n# four\n",
    "trailing blanks": b"x = [1]   \nprint( x [ 0 ] , x . copy ( ) )   \n   \n",
    "semicolons": b"x = [1];\nx[0] += 1; print(x[0]);\n",
    "parentheses": b"x=[[1]]\nprint(((x))[(0)] [((0))],(x)[0].copy(),[*(x)],(lambda:(x))()[0])\n",
    "no blanks": b"x=[1]\nprint(x[0]if x[0]else x[0]or x[0]and not x[0])\n",
}

DEEP = {
    "a sum": "x = {'a': 1}\nprint(" + " + ".join(["x['a']"] * 600) + ")\n",
    "a chain of calls": "class C:\n    def m(self): return self\nc = C()\nprint(type(c" + ".m()" * 250 + "))\n",
    "a chain of attributes": "class C: pass\nc = C()\nc.x = c\nprint(type(c" + ".x" * 400 + "))\n",
    "elifs": "d = {'n': 255}\nif d['n'] == 0: print(0)\n"
    + "".join(f"elif d['n'] == {n}: print(d['n'], {n})\n" for n in range(1, 260)),
    "and": "d = [1]\nprint(" + " and ".join(["d[0]"] * 500) + ")\n",
    "nested lists": "x = 1\nx = 2\nprint(" + "[" * 80 + "x" + "]" * 80 + ")\n",
    "nested functions": "".join(f"{' ' * n}def f{n}():\n" for n in range(80)) + " " * 80 + "pass\nprint(f0.__name__)\n",
    "a long dict": "x = 1\nx = 2\nd = {" + ", ".join(f"'k{n}': x" for n in range(5000)) + "}\nprint(len(d))\n",
    "a long string": "x = 1\nx = 2\nprint(x, len(" + "\n".join(["'part'"] * 2000) + "))\n",
    "a long subscript": "x = [0]\nprint(" + "x[" * 90 + "0" + "]" * 90 + ")\n",
}


@pytest.mark.parametrize("name", ENCODED)
def test_a_file_is_read_as_python_reads_it(name: str) -> None:
    source = ENCODED[name]
    plain, tapped = run(plain_code(source)), run(tapped_code(source))
    assert plain.printed
    assert tapped == plain


@pytest.mark.parametrize("name", DEEP)
def test_deep_programs_are_instrumented(name: str) -> None:
    limit = sys.getrecursionlimit()
    plain, tapped = both(DEEP[name])
    assert plain.printed
    assert tapped == plain
    assert sys.getrecursionlimit() == limit


def test_depth_does_not_depend_on_the_caller() -> None:
    def deeper(left: int) -> CodeType:
        return deeper(left - 1) if left else tapped_code(DEEP["a chain of calls"])

    assert run(deeper(sys.getrecursionlimit() - 250)).printed


@pytest.mark.parametrize(
    "source",
    [
        "x = (1)\nx +\n",
        "def f():\n  global x\n  x: int = 1\n",
        "return 1",
        "f(a=1, a=2)",
        "x = '\\N{no such name}'",
        "def f():\n\tif 1:\n        pass\n",
        "# coding: no-such-codec\nx = 1\n",
        "x = 1\0",
        "nonlocal x",
        "def f(x, x): pass",
        "from __future__ import nothing",
        "x = 1\nfrom __future__ import annotations\n",
        "'a' = 1",
        "await x",
        "print 'a'",
    ],
)
def test_a_syntax_error_is_the_compilers_own(source: str) -> None:
    with pytest.raises((SyntaxError, ValueError)) as expected:
        compile(source.encode(), FILE, "exec", dont_inherit=True)
    with pytest.raises(expected.type) as raised:
        instrument(source.encode(), FILE, "program")
    assert type(raised.value) is type(expected.value)
    assert str(raised.value) == str(expected.value)
    assert vars(raised.value) == vars(expected.value)


@pytest.mark.parametrize("source", ["(x): int = 3\n", "class C:\n    (y): int\n"])
def test_what_libcst_cannot_parse_is_refused(source: str) -> None:
    with pytest.raises(TransformError, match="libcst cannot parse it"):
        instrument(source.encode(), FILE, "program")


SILENT = [
    "x = 1\nx = 2\nx[0], x[()], x[1, 'a'], x(1), x is x\n",
    "def f(o): return o[0], o[(1, 2)], o[None], o['a'], o.x[{1}], o[f'{o}'], o[[1]]\n",
    "x = ()\nx[lambda: 1], x[[y for y in x]], x[{}], x[1:2], x[...], x[-1], x[not x], x[1 if x else 'a']\n",
    "def f(o):\n    global x\n    x = None; x = (1, 2)[0]; x = 'a%s' % o\n",
    "def f(o):\n    global x\n    x = (lambda: 1); x = {**o}; x = [o][0]; x = f'{o}'; x = [y for y in o]\n",
    "def f(o):\n    for x in (1, 2): pass\n    for x in 'a', 'b': pass\n",
    "def f(o): o in [1, 2], o in {3}, 1 in o, (1, 2) in o, 'a' in o, o.x in o.y\n",
    "def f(o): getattr(o, 'x'); setattr(o, 'x', 1); setattr(o, o, None); o.append(1, f()); o.get((1, 2))\n",
]
WARNED = {
    "x = [1]\nx[0] is 1\n": 1,
    "x = [1]\nx['a'] if x else x[0]\nassert (x, 'always')\n": 1,
    "'a'()\n[1][2, 3]\nx = (1)[0]\n": 3,
    "x = '\\d'\n": 1,
    "x = 1if 1else 2\n": 2,
}


@pytest.mark.parametrize("source", [*SILENT, *WARNED])
def test_the_compiler_warns_of_the_same(source: str) -> None:
    plain, tapped = warned(source, plain_code), warned(source, tapped_code)
    assert tapped == plain
    assert len(plain) == WARNED.get(source, 0)


def warned(source: str, work: object) -> list[tuple[str, str, int, str]]:
    """The warnings that compiling gives."""
    assert callable(work)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        work(source)
    return [(item.category.__name__, str(item.message), item.lineno, item.filename) for item in caught]


def constants(code: CodeType) -> Iterator[object]:
    """Every constant of a code object, of nested ones and of tuples too."""
    for constant in code.co_consts:
        yield constant
        if isinstance(constant, CodeType):
            yield from constants(constant)
        elif isinstance(constant, (tuple, frozenset)):
            yield from constant


def test_every_placeholder_is_a_constant_of_its_own() -> None:
    source = b"def f(o, d, k):\n    d[k.x] += o.y\n    return o.z, (o.z, 1), {1: o.z}, 'a' in d, [o.z, 'b']\n"
    done = instrument(source, FILE, "program")
    found = [constant for constant in constants(done.code) if isinstance(constant, bytes)]
    parsed = [placeholders.parse(done.marker, constant) for constant in found]
    assert None not in parsed
    assert len(set(parsed)) == len(parsed)
    assert {place[0] for place in parsed if place} == set(range(len(done.sites)))
    assert not [constant for constant in constants(bound(done)) if isinstance(constant, bytes)]


@pytest.mark.parametrize("spelling", ['b"\\x00raceway:0:S"', 'b"\\x00race" b"way:0:S"', 'b"\\x00race" + b"way:0:S"'])
def test_a_program_may_hold_what_looks_like_a_placeholder(spelling: str) -> None:
    done = instrument(f"def f(o): return o.x, {spelling}\n".encode(), FILE, "program")
    assert b"\x00raceway:0:S" in constants(bound(done))


def test_a_program_may_hold_the_placeholder_of_its_former_version() -> None:
    source = "def f(o): return o.x, b'old'\n"
    former = placeholders.spell(instrument(source.encode(), FILE, "program").marker, 0, Role.BASE)
    done = instrument(source.replace("b'old'", repr(former)).encode(), FILE, "program")
    assert former in constants(bound(done))


def test_the_same_source_gives_the_same_code() -> None:
    source = ENCODED["utf-8 columns"]
    first, second = instrument(source, FILE, "program"), instrument(source, FILE, "program")
    assert first == second


def test_positions_of_sites_count_bytes() -> None:
    sites = instrument("é.x; 'é', o.x\n".encode(), FILE, "program").sites
    assert [(site.line, site.column, site.end_column) for site in sites] == [(1, 0, 4), (1, 12, 15)]


def test_positions_of_taps_beside_their_statement() -> None:
    source = b"import a.b as c, \\\n  d\ntry: pass\nexcept (E,\n        F) as e: pass\nwith x as y: pass\n"
    sites = instrument(source, FILE, "program").sites
    places = [(site.form.value, site.name, site.line, site.column, site.end_line, site.end_column) for site in sites]
    assert places == [
        ("import", "", 1, 0, 2, 3),
        ("global", "e", 4, 0, 5, 10),
        ("global", "y", 6, 10, 6, 11),
    ]


def test_the_text_is_shown_with_its_sites() -> None:
    shown = show(b"def f(o):\n    if o.x is None:\n        o.x = 1\n", FILE)
    assert shown.startswith("def f(o):\n    if S0[o].x is None:\n        S1[o].x = 1\n\nsite ")
    assert shown.splitlines()[-1].split()[-2:] == ["0", "(lazy-init)"]


def test_a_module_without_taps_stays_as_it_is() -> None:
    source = b"'doc'\ndef f(x): return x + 1\n"
    done = instrument(source, FILE, "program")
    assert done.sites == ()
    assert done.code == compile(source, FILE, "exec", dont_inherit=True)


@pytest.mark.parametrize("source", [b"", b"\n", b"# only a comment", b"\x0c\n", b"\\\n\n", codecs.BOM_UTF8])
def test_an_empty_module(source: bytes) -> None:
    assert instrument(source, FILE, "program").sites == ()
