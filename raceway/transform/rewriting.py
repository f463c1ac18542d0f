"""Source to instrumented code and site table: the transform as one pure function.

libcst parses and decides (`forms.plan`), `ast` carries positions, the compiler has the last word on syntax.
"""

from __future__ import annotations

import ast
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from types import CodeType
from typing import TypeVar

import libcst as cst

from raceway.errors import TransformError
from raceway.model import placeholders
from raceway.model.kinds import RegionKind
from raceway.model.sites import FUNCTIONS, Context, Link, Region, Site, SiteForm
from raceway.model.struct import Struct, replace
from raceway.originals import allocate_lock, start_new_thread
from raceway.transform import code as code_renderer
from raceway.transform import functions, markers, remade, telling
from raceway.transform import text as text_renderer
from raceway.transform.awaits import coroutines
from raceway.transform.echoes import echoes
from raceway.transform.facts import gather
from raceway.transform.flow import initialises
from raceway.transform.forms import plan as make_plan
from raceway.transform.making import Making
from raceway.transform.pairing import pair
from raceway.transform.peeking import HOLD
from raceway.transform.plan import Draft, Plan

_Result = TypeVar("_Result")
_BOOLEANS = frozenset({"True", "False"})
_READING = frozenset({Context.LOAD, Context.CALL})
_DEEP_STACK_BYTES = 256 * 1024 * 1024
_DEEP_RECURSION = 50_000
_PARSED = ast.PyCF_ONLY_AST  # flag of compile(): give the tree


class Instrumented(Struct):
    """What the transform makes of a module: code with placeholder constants, the sites they stand for."""

    code: CodeType
    sites: tuple[Site, ...]
    marker: bytes

    def parted(self) -> tuple[CodeType, tuple[Site, ...], bytes]:
        """The code without placeholders, the sites, and where taps go: what cores bind, and what the cache keeps."""
        code, places = placeholders.take_out(self.code, self.marker)
        return code, self.sites, places


class _Analysis(Struct):
    root: cst.Module
    tree: ast.Module
    pairs: dict[cst.CSTNode, ast.AST]
    plan: Plan


Finish = Callable[[ast.Module], None]
"""What somebody else does to the tree of a module before it is compiled."""


def instrument(
    source: bytes, filename: str, module: str, form: str = HOLD, finish: Finish | None = None
) -> Instrumented:
    """Rewrite one module, with the taps of that form (`peeking`), and those of `functions` if its name asks for them.

    `finish` is for those who rewrite `assert` statements: it sees the plain tree, and taps come after it (`remade`).

    Raises SyntaxError (the compiler's own) when Python cannot compile it and TransformError when only we cannot.
    Deep nesting is retried once on a thread with a large stack.
    """
    del module
    try:
        return _instrument(source, filename, form, finish)
    except RecursionError:
        return _on_deep_stack(lambda: _instrument(source, filename, form, finish))


def show(source: bytes, filename: str) -> str:
    """The instrumented source as text, followed by the site table."""
    analysis = _on_deep_stack(lambda: _analyse(source, filename))
    text = _on_deep_stack(lambda: text_renderer.render(analysis.root, analysis.plan).code)
    rows = [_row(site) for site in _sites(analysis)]
    widths = [max(len(row[column]) for row in [_HEADER, *rows]) for column in range(len(_HEADER))]
    table = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [_HEADER, *rows]
    ]
    return "\n".join([text.rstrip("\n"), "", *table, ""])


_HEADER = ("site", "line", "column", "form", "context", "name", "operand", "function", "depends on")


def _row(site: Site) -> tuple[str, ...]:
    regions = ", ".join(
        f"{region.head} ({region.kind.value}{', spans' if region.spans else ''})" for region in site.regions
    )
    place = (str(site.index), str(site.line), str(site.column))
    return (*place, site.form.value, site.context.value, site.name or site.key, site.base, site.function, regions)


def _parse(source: bytes, filename: str) -> ast.Module:
    tree = compile(source, filename, "exec", _PARSED, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    return tree


def _analyse(source: bytes, filename: str) -> _Analysis:
    tree = _parse(source, filename)
    try:
        root = cst.parse_module(source)
    except RecursionError:
        raise
    except Exception as error:  # libcst raises several types of its own; Python could parse the file
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TransformError(f"libcst cannot parse it: {first}") from error
    return _Analysis(root, tree, pair(root, tree), make_plan(root, gather(tree)))


def _instrument(source: bytes, filename: str, form: str, finish: Finish | None) -> Instrumented:
    analysis = _analyse(source, filename)
    marker = markers.choose(source)
    sites = _sites(analysis)
    if finish is not None:
        remade.finish(analysis.tree, analysis.pairs, analysis.plan, finish)
    tree = code_renderer.render(analysis.tree, analysis.pairs, analysis.plan, marker, form.removesuffix(FUNCTIONS))
    if form.endswith(FUNCTIONS):
        return _with_functions(tree, filename, sites, marker)
    return Instrumented(compile(tree, filename, "exec", dont_inherit=True), sites, marker)


def _with_functions(tree: ast.Module, filename: str, sites: tuple[Site, ...], marker: bytes) -> Instrumented:
    """The module with taps of its functions, where they are not nested as deeply as the compiler allows already."""
    undo, more = functions.wrap(tree, marker, len(sites))
    try:
        code = compile(tree, filename, "exec", dont_inherit=True)
    except SyntaxError:
        undo()
        return Instrumented(compile(tree, filename, "exec", dont_inherit=True), sites, marker)
    return Instrumented(functions.unseen(code, marker), (*sites, *more), marker)


def _sites(analysis: _Analysis) -> tuple[Site, ...]:
    pairs, making, told = analysis.pairs, Making(analysis.tree), telling.told(analysis.tree)
    _note_copies(analysis, making)
    asked = echoes(analysis.tree)
    for draft in analysis.plan.drafts:
        draft.opens |= not draft.is_head and pairs[draft.anchor] in asked
    return tuple(
        _site(
            draft,
            pairs[draft.anchor],
            _lent(draft, pairs),
            () if draft.index else _links(analysis.plan, pairs),
            made=pairs.get(draft.operand) in making.bases,
            told=told.get(pairs[draft.anchor], ""),
            given=draft.context not in _READING and pairs.get(draft.operand) in making.given,
            whole=pairs[draft.anchor] in making.whole,
            known=() if draft.index else coroutines(analysis.tree),
        )
        for draft in analysis.plan.drafts
    )


def _note_copies(analysis: _Analysis, making: Making) -> None:
    """Copy on write: who reads the attribute once, and stores nothing because of it, comes after the changed copy that
    it finds, as who finds what double-checked locking has made does."""
    names = set()
    for draft in analysis.plan.drafts:
        changed = any(region.kind is RegionKind.VALUE for region in draft.regions)
        if draft.form is SiteForm.ATTRIBUTE and changed and analysis.pairs[draft.anchor] in making.whole:
            draft.rechecked = True
            names.add(draft.name)
    for draft in analysis.plan.drafts:
        reads = draft.form is SiteForm.ATTRIBUTE and draft.context is Context.LOAD and draft.name in names
        draft.double_checked |= reads and draft.once and not draft.is_head


def _lent(draft: Draft, pairs: dict[cst.CSTNode, ast.AST]) -> Iterator[Region]:
    """The regions whose heads lie in other methods: see `helpers`. What is stored without a look at what is there, once
    a lock was let go of, need not rely on the answer, nor does a mark that is set after an await; but what is made of
    the answer does."""
    for head, calls in draft.calls.items():
        takes = draft.takes and not all(call.tried for call in calls)
        works = draft.context is Context.AUGMENT or bool(draft.regions) or takes
        lines = tuple(dict.fromkeys(pairs[call.node].lineno for call in calls))  # type: ignore[attr-defined]
        value = any(call.value for call in calls)
        relies, here = works or value or not draft.literal, all(call.here for call in calls)
        awaits = relies and any(call.awaits for call in calls)
        kind = RegionKind.VALUE if value else RegionKind.TEST
        if here and initialises(draft) and all(call.absent for call in calls):
            kind = RegionKind.LAZY_INIT
        brings = not (works or value or here) and all(call.brings for call in calls)
        fills = all(call.fills for call in calls) and not value
        counts = draft.context is Context.AUGMENT  # for what was found in a round of the loop that the test ends
        adds = (works or brings or fills) and not all(call.matched or (call.in_turn and counts) for call in calls)
        if relies or not here:
            splits = (adds or value) and (not here or all(call.apart for call in calls))
            found = Region(head, kind, True, awaits, splits=splits, switches=relies, calls=lines, here=here)
            fails = draft.fails and not any(call.tried or call.absent for call in calls)
            yield replace(found, brings=brings and splits and not fills, fills=fills, takes=fails and not value)


def _links(plan: Plan, pairs: dict[cst.CSTNode, ast.AST]) -> tuple[Link, ...]:
    found: dict[tuple[int, int], bool] = {}
    for (test, act), value in plan.links.items():
        lines = pairs[test].lineno, pairs[act].lineno  # type: ignore[attr-defined]
        found[lines] = found.get(lines, False) or value
    return tuple((*lines, value) for lines, value in sorted(found.items()))


def _own(draft: Draft) -> Iterator[Region]:
    for region in draft.regions:
        yield replace(region, sure=True) if region.head in draft.sure else region


def _says_less(region: Region) -> tuple[bool, bool, bool, bool]:
    return region.waits, not region.splits, bool(region.calls), region.kind is RegionKind.VALUE


def _site(
    draft: Draft,
    node: ast.AST,
    lent: Iterable[Region],
    links: tuple[Link, ...],
    made: bool,
    given: bool,
    whole: bool,
    told: str,
    known: tuple[tuple[str, tuple[str, ...]], ...],
) -> Site:
    assert isinstance(node, (ast.expr, ast.stmt, ast.alias, ast.ExceptHandler))
    end: ast.AST = node.type if isinstance(node, ast.ExceptHandler) and node.type is not None else node
    return Site(
        index=draft.index,
        form=draft.form,
        context=draft.context,
        commit=draft.commit,
        name=draft.name,
        base=draft.base,
        label=draft.label,
        function=draft.function,
        line=node.lineno,
        column=node.col_offset,
        end_line=getattr(end, "end_lineno", None) or node.lineno,
        end_column=getattr(end, "end_col_offset", None) or node.col_offset,
        keyed=draft.keyed,
        key=draft.key,
        # A test that the write relies on says more than the value it works on, unless it tested that value; most says
        # what is relied on although its lock was let go of. What was asked before a wait counts when it was not since.
        regions=tuple(sorted((*_own(draft), *lent), key=_says_less)),
        is_head=draft.is_head,
        spans=draft.spans,
        literal=draft.literal,
        flag=draft.flag or draft.literal in _BOOLEANS,
        through=draft.through,
        rechecked=draft.rechecked,
        double_checked=draft.double_checked,
        suspends=draft.suspends,
        opens=draft.opens,
        switches=draft.switches,
        lent=draft.lent,
        made=made,
        given=given,
        told=told,
        whole=whole or draft.whole,
        once=draft.once,
        waits=draft.waits,
        polled=draft.polled,
        counted=draft.counted,
        answers=draft.answers,
        asks=draft.asks,
        links=links,
        rounds=draft.rounds,
        coroutines=known,
        called=draft.called,
    )


def _on_deep_stack(work: Callable[[], _Result]) -> _Result:
    """Run `work` on a thread with a large stack and recursion limit, for deeply nested programs."""
    done = allocate_lock()
    done.acquire()
    outcome: list[_Result] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # handed to the caller below
            failure.append(error)
        finally:
            done.release()

    limit, size = sys.getrecursionlimit(), threading.stack_size(_DEEP_STACK_BYTES)
    sys.setrecursionlimit(max(limit, _DEEP_RECURSION))
    try:
        start_new_thread(run, ())
        threading.stack_size(size)
        done.acquire()
    finally:
        threading.stack_size(size)
        sys.setrecursionlimit(limit)
    if failure:
        if isinstance(failure[0], RecursionError):
            raise TransformError("it is nested too deeply") from failure[0]
        raise failure[0]
    return outcome[0]
