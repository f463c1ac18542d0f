"""The lock-order graph, drawn: locks on a circle, an arrow from each lock that is held to the one then taken.

Serves the page. A cycle's access has the lock taken in its operation (`acquire Bank.lock`) and the locks held in
`locks`; the one that the access before it takes is the tail of the arrow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from raceway.model.findings import AccessSide, Finding
from raceway.model.kinds import FindingKind
from raceway.model.struct import Struct
from raceway.report.page.markup import text

_TAKES = "acquire "
_WIDTH, _ROW = 460, 26
_CHARACTER = 7.4
_PADDING = 12
_LONGEST = 22


class Edge(Struct):
    """Someone holds `held` and takes `taken`."""

    held: str
    taken: str
    actor: str
    place: str


def edges_of(finding: Finding) -> list[Edge]:
    """The edges of a cycle; none for findings of other kinds."""
    if finding.kind is not FindingKind.LOCK_ORDER_CYCLE:
        return []
    edges = []
    for before, side in zip((finding.accesses[-1:] + finding.accesses), finding.accesses, strict=False):
        wanted = _taken(before)
        if side.locks:
            held = wanted if wanted in side.locks else side.locks[-1]
            edges.append(Edge(held, _taken(side), side.actor.name, f"{side.file}:{side.line}"))
    return edges


def _taken(side: AccessSide) -> str:
    return side.operation.removeprefix(_TAKES)


def lock_order(edges: Sequence[Edge]) -> str:
    """The graph as SVG, and the edges in words for who cannot see it."""
    if not edges:
        return ""
    locks = list(dict.fromkeys(name for edge in edges for name in (edge.held, edge.taken)))
    centres = _circle(len(locks))
    height = int(max(y for _x, y in centres) + _ROW * 1.6)
    place = dict(zip(locks, centres, strict=True))
    unique = {(edge.held, edge.taken): edge for edge in edges}
    arrows = "".join(_arrow(place[edge.held], place[edge.taken], edge) for edge in unique.values())
    nodes = "".join(_node(name, *place[name]) for name in locks)
    words = "".join(
        f"<li><b>{text(edge.actor)}</b> holds <code>{text(edge.held)}</code> and takes <code>{text(edge.taken)}</code> "
        f'<span class="place">{text(edge.place)}</span></li>'
        for edge in dict.fromkeys(edges)
    )
    return (
        f'<svg class="graph" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="lock-order graph">'
        f'{_ARROW_HEAD}{arrows}{nodes}</svg><ul class="edges">{words}</ul>'
    )


_ARROW_HEAD = (
    '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0 10 5 0 10z"/></marker></defs>'
)


def _circle(number: int) -> list[tuple[float, float]]:
    """Places on an ellipse, the first on the left of a pair, at the top of more."""
    across, down = _WIDTH / 2 - 90, 24.0 + 34 * max(0, number - 2)
    turn = math.pi if number == 2 else -math.pi / 2
    middle = down + _ROW * 1.6
    return [
        (
            _WIDTH / 2 + across * math.cos(turn + 2 * math.pi * index / number),
            middle + down * math.sin(turn + 2 * math.pi * index / number),
        )
        for index in range(number)
    ]


def _half(name: str) -> float:
    return min(len(name), _LONGEST) * _CHARACTER / 2 + _PADDING


def _node(name: str, x: float, y: float) -> str:
    shown = name if len(name) <= _LONGEST else f"...{name[3 - _LONGEST :]}"
    half = _half(name)
    return (
        f'<g class="node"><rect x="{x - half:.1f}" y="{y - _ROW / 2:.1f}" width="{2 * half:.1f}" height="{_ROW}" '
        'rx="4"/>'
        f'<text x="{x:.1f}" y="{y + 4.5:.1f}">{text(shown)}</text></g>'
    )


def _arrow(start: tuple[float, float], end: tuple[float, float], edge: Edge) -> str:
    """A curve that leaves room for the one the other way; a loop for a lock that is taken while it is held."""
    if start == end:
        x, y, side = *start, _half(edge.held)
        top = f"M{x - side / 2:.1f} {y - 17:.1f} C{x - side:.1f} {y - 44:.1f} {x + side:.1f} {y - 44:.1f}"
        return f'<path class="arrow" marker-end="url(#head)" d="{top} {x + side / 2:.1f} {y - 17:.1f}"/>'
    x1, y1 = _border(start, end, edge.held)
    x2, y2 = _border(end, start, edge.taken)
    bend = 0.16
    mx, my = (x1 + x2) / 2 + bend * (y2 - y1), (y1 + y2) / 2 - bend * (x2 - x1)
    return f'<path class="arrow" marker-end="url(#head)" d="M{x1:.1f} {y1:.1f} Q{mx:.1f} {my:.1f} {x2:.1f} {y2:.1f}"/>'


def _border(centre: tuple[float, float], towards: tuple[float, float], name: str) -> tuple[float, float]:
    """Where the line from a node's centre leaves its box, with a little air."""
    dx, dy = towards[0] - centre[0], towards[1] - centre[1]
    across, down = _half(name) + 4, _ROW / 2 + 4
    scale = min(across / abs(dx) if dx else math.inf, down / abs(dy) if dy else math.inf)
    return centre[0] + dx * scale, centre[1] + dy * scale
