"""Sizes: what outgrows them is split by concept."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.tree import FunctionNode, Source, classes, functions, sources

FILE_LINES = 400
FUNCTION_LINES = 60
PUBLIC_METHODS = 12

# Names that a framework gives and calls; they do not widen what a reader must know of the class.
_FRAMEWORK = ("visit_", "leave_")


def length(function: FunctionNode) -> int:
    """Lines from `def` to the end, without decorators."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def public_methods(node: ast.ClassDef) -> set[str]:
    """Names of the methods and properties that a user of the class sees."""
    names = {child.name for child in node.body if isinstance(child, FunctionNode)}
    return {name for name in names if not name.startswith(("_", *_FRAMEWORK))}


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.path)
def test_files_are_short(source: Source) -> None:
    assert len(source.text.splitlines()) <= FILE_LINES


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.path)
def test_functions_are_short(source: Source) -> None:
    long = {f"{node.name}:{node.lineno}": length(node) for node in functions(source.tree)}
    assert {name: lines for name, lines in long.items() if lines > FUNCTION_LINES} == {}


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.path)
def test_classes_have_few_public_methods(source: Source) -> None:
    wide = {node.name: public_methods(node) for node in classes(source.tree)}
    assert {name: sorted(methods) for name, methods in wide.items() if len(methods) > PUBLIC_METHODS} == {}
