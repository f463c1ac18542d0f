"""The one walk over a module, in evaluation order, that decides where taps go.

`Planner` holds the state of the walk and the ways to add a site; what each construct does stands in the form files
(`expressions`, `accesses`, `calls`, `assignments`, `statements`), one small function per libcst node type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import libcst as cst

from raceway.model.sites import Context, Role, SiteForm
from raceway.transform.answers import Answers
from raceway.transform.facts import Facts
from raceway.transform.flow import CLEAN, Flow, Taint
from raceway.transform.helpers import Helpers
from raceway.transform.pairing import children_of
from raceway.transform.plan import Draft, Plan, Tap
from raceway.transform.scopes import Binding, Scope, ScopeKind, Scopes
from raceway.transform.source import literal, mangle, text

Handler = Callable[["Planner", Any], Taint]


class Planner:
    """State of the walk: the scope and the dataflow of the activation, and the plan so far."""

    def __init__(self, root: cst.Module, handlers: dict[type[cst.CSTNode], Handler], facts: Facts) -> None:
        self.scopes = Scopes(root)
        self.scope: Scope = self.scopes.module
        self.facts = facts
        self.flow = Flow()
        self.plan = Plan()
        self.helpers = Helpers(facts.helpers, facts.accessors)
        self.answers = Answers()
        self.taints: dict[cst.CSTNode, Taint] = {}
        self.polled: dict[str, set[str]] = {}
        self.loops = 0
        self.awaited: cst.CSTNode | None = None
        self.conditions: set[cst.CSTNode] = set()
        self._handlers = handlers

    def visit(self, node: cst.CSTNode | None) -> Taint:
        """Walk one node; the reads that its value depends on."""
        if node is None:
            return CLEAN
        handler = self._handlers.get(type(node))
        taint = handler(self, node) if handler is not None else self.visit_children(node)
        self.taints[node] = taint
        return taint

    def visit_children(self, node: cst.CSTNode) -> Taint:
        """Walk the children of a construct that has no taps of its own."""
        taint = CLEAN
        for child in children_of(node):
            taint |= self.visit(child)
        return taint

    def visit_block(self, block: cst.CSTNode) -> None:
        """Walk a block; guards that its early exits set up end with it."""
        guards = len(self.flow.guards)
        for child in children_of(block):
            self.visit(child)
        del self.flow.guards[guards:]

    @contextmanager
    def activation(self, node: cst.CSTNode) -> Iterator[None]:
        """The scope that `node` opens, as an activation of its own."""
        scope, flow = self.scope, self.flow
        is_async = isinstance(node, cst.FunctionDef) and node.asynchronous is not None
        self.scope, self.flow = self.scopes.of[node], Flow(is_async)
        try:
            yield
        finally:
            self.flow.finish()
            self.flow.links.add_to(self.plan.links)
            self.scope, self.flow = scope, flow

    @property
    def function(self) -> str:
        """Qualified name of the function around, `<module>` outside."""
        return self.scope.qualified or "<module>"

    @property
    def class_name(self) -> str:
        """The innermost class around, for private names; empty outside."""
        scope: Scope | None = self.scope
        while scope is not None:
            if scope.kind is ScopeKind.CLASS:
                return scope.name
            scope = scope.parent
        return ""

    def mangle(self, name: str) -> str:
        """A name as the compiler spells it here."""
        return mangle(name, self.class_name)

    def watched(self, name: str) -> Binding | None:
        """Whether accesses of a plain name are tapped, and as what: a rebound global or captured variable."""
        binding = self.scope.resolve(name)
        if binding not in (Binding.GLOBAL, Binding.CELL) or not self.scope.rebinds(name):
            return None
        if name.startswith("__") and name.endswith("__"):
            return None
        return None if binding is Binding.CELL and self.scope.kind is ScopeKind.CLASS else binding

    def is_module(self, node: cst.CSTNode) -> bool:
        """Whether `node` is a name bound by `import` at module level and never again."""
        if not isinstance(node, cst.Name):
            return False
        module = self.scopes.module
        return (
            self.scope.owner_of(node.value) is None
            and node.value in module.imports
            and not self.scope.rebinds(node.value)
        )

    def label(self, node: cst.CSTNode) -> str:
        """What people call the container that `node` denotes."""
        if isinstance(node, cst.Name):
            binding = self.scope.resolve(node.value)
            if binding in (Binding.GLOBAL, Binding.BUILTIN):
                return f":{node.value}"
            owner = self.scope.owner_of(node.value)
            function = owner.qualified if owner is not None else self.function
            return f"{function}.{node.value}" if function else f":{node.value}"
        spelled = text(node)
        head, dot, rest = spelled.partition(".")
        return f"{self.class_name}.{rest}" if head in {"self", "cls"} and dot and self.class_name else spelled

    def site(
        self, form: SiteForm, context: Context, commit: Role, anchor: cst.CSTNode, operand: cst.CSTNode, name: str = ""
    ) -> Draft:
        """A new site whose tapped operand is `operand`."""
        through = operand.attr.value if isinstance(operand, cst.Attribute) else ""
        draft = Draft(
            index=len(self.plan.drafts),
            form=form,
            context=context,
            commit=commit,
            anchor=anchor,
            name=name,
            base=text(operand),
            label=self.label(operand),
            function=self.function,
            operand=operand,
            through=self.mangle(through),
        )
        self.plan.drafts.append(draft)
        return draft

    def tap(self, draft: Draft, role: Role, node: cst.CSTNode, field: str, index: int = -1) -> None:
        """Put a tap on a child of `node`."""
        cell = draft.name if draft.form is SiteForm.CELL else ""
        self.plan.taps.append(Tap(node, field, index, draft, role, cell))

    def variable(self, name: cst.Name, binding: Binding, context: Context) -> Draft:
        """A site for a global or captured variable."""
        form = SiteForm.GLOBAL if binding is Binding.GLOBAL else SiteForm.CELL
        spelled = name.value if form is SiteForm.CELL else self.mangle(name.value)
        return self.site(form, context, Role.VALUE, name, name, spelled)

    def key_tap(self, draft: Draft, node: cst.CSTNode, field: str, index: int, key: cst.CSTNode) -> None:
        """Give the site its key: the literal itself, or a tap that receives it."""
        draft.keyed = True
        draft.key = literal(key)
        if not draft.key:
            self.tap(draft, Role.KEY, node, field, index)


def local_name(planner: Planner, node: cst.CSTNode | None) -> str:
    """The name of a local that no other function captures, empty for all else."""
    is_local = isinstance(node, cst.Name) and planner.scope.resolve(node.value) is Binding.LOCAL
    return node.value if is_local and isinstance(node, cst.Name) else ""
