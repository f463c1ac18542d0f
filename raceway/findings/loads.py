"""What sources tell of who loads a variable: whether one value is all that is used, and nothing is asked of it.

    config = holder.current        @property
    use(config)                    def current(self): return self._current

A function that gives back what it has loaded, or a part of it, loads for whoever calls it: two such calls in one
function may be of two moments. Functions are known by their names.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from raceway.findings.sources import Def, File, Sources, outwards, parameters
from raceway.findings.syntax import spelled
from raceway.model.sites import Site

_DEPTH = 2
_SAME = (ast.In, ast.NotIn)
_LOOKING = frozenset(
    "get items keys values copy index count find startswith endswith join split format lower upper strip encode decode "
    "isdisjoint issubset issuperset union intersection difference total_seconds isoformat timestamp _asdict".split()
)
"""Methods of built-in types that change nothing."""
_OWN = frozenset({"self", "cls"})


class Loads:
    """Who loads the variables of a program."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def are_plain(self, path: str, site: Site) -> bool:
        """Whether the function of a site, and those that it loads for, use one value, and neither test nor change
        it."""
        file = self._sources.file(path)
        node = file.at(site)
        return node is not None and self._is_plain(file, node, _DEPTH)

    def _is_plain(self, file: File, node: ast.expr, depth: int) -> bool:
        uses = list(_uses_of_value(file, node))
        if any(_is_tested(file, use) or file.is_changed(use) or not self._only_looks(file, use) for use in uses):
            return False
        returns = [use for use in uses for outer in outwards(file, use) if isinstance(outer, ast.Return)]
        whole = [use for use in returns if isinstance(file.around(use), ast.Return)]
        if any(isinstance(file.around(use), (ast.Lambda, ast.NamedExpr, ast.Yield, ast.YieldFrom)) for use in uses):
            return False
        function = file.function(node)
        gives = bool(whole) or (bool(returns) and _asks_nothing(function))
        return not gives or (depth > 0 and self._are_called_once(file, node, function, bool(whole), depth - 1))

    def _only_looks(self, file: File, use: ast.expr) -> bool:
        """Whether what is done with a value leaves it as it is, as far as that can be seen: what methods of others do
        cannot, nor what it is for that is entered or awaited."""
        outer = file.around(use)
        match outer, file.around(outer):
            case ast.withitem() | ast.Await(), _:
                return False
            case ast.Attribute(attr=name), ast.Call(func=func) if func is outer:
                return name in _LOOKING or self._is_looking(name)
        return True

    def _is_looking(self, name: str) -> bool:
        """Whether the program has methods of a name, and none of them changes its object."""
        found = [
            (file, node)
            for file in self._sources.naming(f"def {name}")
            for node in file.functions(name)
            if file.owner(node) is not None
        ]
        return bool(found) and not any(changes_itself(file, node) for file, node in found)

    def _are_called_once(self, file: File, node: ast.expr, function: ast.AST, whole: bool, depth: int) -> bool:
        """Whether those that call the function, or others that give the value back, do so once each; `whole`: and use
        the value so, too."""
        if not isinstance(function, Def) or function.name.startswith("__"):
            return False
        is_method = file.owner(function) is not None
        for name in {function.name, *_beside(file, node, function)}:
            for other in self._sources.naming(name):
                for use in _calls(other, name, is_method):
                    if whole and name == function.name and not self._is_plain(other, use, depth):
                        return False
        return all(count == 1 for count in self._counts({function.name, *_beside(file, node, function)}, is_method))

    def _counts(self, names: set[str], is_method: bool) -> Iterator[int]:
        """How often each function asks functions of these names for the value, by whose they are."""
        asked: Counter[tuple[ast.AST, str]] = Counter()
        for name in names:
            for file in self._sources.naming(name):
                for use in _calls(file, name, is_method):
                    func = use.func if isinstance(use, ast.Call) else use
                    base = func.value if isinstance(func, ast.Attribute) else None
                    asked[file.function(use), "" if base is None else ast.unparse(base)] += 1
        yield from asked.values()


def changes_itself(file: File, method: Def) -> bool:
    """Whether a method stores something in its object, or changes what is stored there."""
    own = next(iter(parameters(method)), "")
    return any(file.is_changed(part) for part in ast.walk(method) if isinstance(part, ast.Name) and part.id == own)


def _uses_of_value(file: File, node: ast.expr) -> Iterator[ast.expr]:
    """The expression itself, and all uses of the locals that it is stored in."""
    yield node
    match file.around(node):
        case ast.Assign(targets=targets):
            pass
        case ast.AnnAssign(target=target):
            targets = [target]
        case _:
            return
    names = {target.id for target in targets if isinstance(target, ast.Name)}
    for part in ast.walk(file.function(node)) if names else ():
        if isinstance(part, ast.Name) and part.id in names and isinstance(part.ctx, ast.Load):
            yield part


def _asks_nothing(function: ast.AST) -> bool:
    """Whether the function is given nothing that its answer could depend on."""
    return isinstance(function, Def) and not parameters(function).keys() - _OWN


def _beside(file: File, node: ast.expr, function: Def) -> Iterator[str]:
    """The names of the other functions that give back what a variable holds, or a part of it."""
    name = spelled(node)
    owner = file.owner(function)
    for part in ast.walk(owner or file.tree):
        match part:
            case ast.Attribute(attr=same, value=ast.Name(id=base)) if same == name and base in _OWN:
                pass
            case ast.Name(id=same) if same == name and owner is None:
                pass
            case _:
                continue
        other = file.function(part)
        uses = _uses_of_value(file, part)
        returned = any(isinstance(outer, ast.Return) for use in uses for outer in outwards(file, use))
        if isinstance(other, Def) and file.owner(other) is owner and returned and _asks_nothing(other):
            yield other.name


def _calls(file: File, name: str, is_method: bool) -> Iterator[ast.expr]:
    """The calls of functions of a name, and what properties of that name give."""
    for node in (*file.attributes(name), *(() if is_method else file.names(name))):
        if isinstance(node.ctx, ast.Load):
            outer = file.around(node)
            yield outer if isinstance(outer, ast.Call) and outer.func is node else node


def _is_tested(file: File, node: ast.expr) -> bool:
    """Whether a test asks for the value itself; that something is in it is asked of what it holds."""
    match file.around(node):
        case ast.Compare(ops=ops, comparators=comparators):
            return not (node in comparators and isinstance(ops[comparators.index(node)], _SAME))
        case ast.BoolOp() | ast.UnaryOp(op=ast.Not()) | ast.Match():
            return True
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test) | ast.Assert(test=test):
            return test is node
        case ast.comprehension(ifs=ifs):
            return node in ifs
    return False
