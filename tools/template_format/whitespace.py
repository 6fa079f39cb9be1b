"""Where whitespace shows nothing: what lies on both sides of each gap, in every branch."""

import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from tools.template_format.nodes import (
    BOX_ELEMENTS,
    EXACT_ELEMENTS,
    INLINE_ELEMENTS,
    TRANSPARENT_BLOCKS,
    Block,
    Content,
    Edge,
    Element,
    Leaf,
    Node,
    is_silent,
)
from tools.template_format.parser import parse

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
# `_pass_forwards` or `_pass_backwards`
type Walk = Callable[[Content, Edge], Edge]

INCLUDED = re.compile(r"""\{%\s*include\s+["']([^"']+)["']""")


def find_edges(root: Content, *, is_page: bool) -> None:
    """Fill in what lies on both sides of each gap. A page writes nothing around its blocks."""
    outside = Edge.BLOCK if is_page else Edge.TEXT
    for content in _contents(root):
        for gap in content.gaps:
            gap.left = gap.right = Edge.BLOCK
    _pass_forwards(root, outside)
    _pass_backwards(root, outside)
    if is_page:
        for gap in root.gaps:
            gap.left = gap.right = Edge.BLOCK


def _contents(content: Content) -> Iterable[Content]:
    yield content
    for node in content.nodes:
        if isinstance(node, Element):
            yield from _contents(node.inside)
        elif isinstance(node, Block):
            for _, inside in node.branches:
                yield from _contents(inside)


def _pass_forwards(content: Content, edge: Edge) -> Edge:
    """Pass what has been written before from gap to gap; return what the last one got."""
    for place, gap in enumerate(content.gaps):
        gap.left = min(gap.left, edge)
        if gap.has_space:
            edge = max(edge, Edge.SPACE)
        if place < len(content.nodes):
            edge = _edge_behind(content.nodes[place], edge)
    return edge


def _pass_backwards(content: Content, edge: Edge) -> Edge:
    """Pass what is written afterwards from gap to gap, the last one first."""
    for place in range(len(content.gaps) - 1, -1, -1):
        gap = content.gaps[place]
        gap.right = min(gap.right, edge)
        if gap.has_space:
            edge = max(edge, Edge.SPACE)
        if place:
            edge = _edge_before(content.nodes[place - 1], edge)
    return edge


def _edge_behind(node: Node, edge: Edge) -> Edge:
    if isinstance(node, Leaf):
        return _edge_beside_leaf(node, edge, _pass_forwards)
    if isinstance(node, Element):
        if node.tag.is_hidden:
            return edge
        if node.tag.name in EXACT_ELEMENTS:
            _pass_forwards(node.inside, Edge.TEXT)
        else:
            # whitespace before an inline element goes on inside it
            _pass_forwards(node.inside, edge if node.is_inline else Edge.BLOCK)
        return Edge.TEXT if _is_text_outside(node) else Edge.BLOCK
    return _edge_beside_block(node, edge, _pass_forwards)


def _edge_before(node: Node, edge: Edge) -> Edge:
    if isinstance(node, Leaf):
        return _edge_beside_leaf(node, edge, _pass_backwards)
    if isinstance(node, Element):
        if node.tag.is_hidden:
            return edge
        if node.tag.name in EXACT_ELEMENTS:
            _pass_backwards(node.inside, Edge.TEXT)
        else:
            # whitespace inside the end of a link would make the link longer
            inner = Edge.BLOCK if edge == Edge.BLOCK else Edge.TEXT
            _pass_backwards(node.inside, inner if node.is_inline else Edge.BLOCK)
        return Edge.TEXT if _is_text_outside(node) else Edge.BLOCK
    return _edge_beside_block(node, edge, _pass_backwards)


def _is_text_outside(element: Element) -> bool:
    return element.is_inline or element.is_box or element.tag.name == "textarea"


def _edge_beside_block(block: Block, edge: Edge, walk: Walk) -> Edge:
    if block.is_trimmed:
        for _, inside in block.branches:
            walk(inside, Edge.BLOCK)
        return edge if block.is_silent else Edge.TEXT
    if block.name not in TRANSPARENT_BLOCKS:
        # written elsewhere, or replaced by something else
        for _, inside in block.branches:
            walk(inside, Edge.TEXT)
        return Edge.TEXT
    if block.name == "for":
        # the turn before comes before this one
        edge_of_turns = min(edge, walk(block.branches[0][1], edge))
        walk(block.branches[0][1], edge_of_turns)
    edges = [walk(inside, edge) for _, inside in block.branches]
    return min([*edges, edge] if block.may_write_nothing else edges)


def _edge_beside_leaf(leaf: Leaf, edge: Edge, walk: Walk) -> Edge:
    if leaf.kind == "note" or (leaf.kind == "raw_block" and leaf.name != "verbatim"):
        return edge
    if leaf.kind == "markup":
        return Edge.TEXT if leaf.name == "<!--" else Edge.BLOCK
    if leaf.kind in {"open", "close"}:
        is_text = leaf.name in INLINE_ELEMENTS or leaf.name in BOX_ELEMENTS
        return Edge.TEXT if is_text else Edge.BLOCK
    if leaf.kind == "statement":
        if is_silent(leaf.text):
            return edge
        if match := INCLUDED.match(leaf.text):
            return _edge_beside_include(match[1], edge, walk)
    return Edge.TEXT


# templates that are being looked into, which one that includes itself would never end
_in_progress: set[str] = set()


@cache
def _edge_beside_include(name: str, edge: Edge, walk: Walk) -> Edge:
    """Say what is beside a template that is included; one that includes itself counts as text."""
    path = TEMPLATES / name
    if name in _in_progress or not path.is_file():
        return Edge.TEXT
    _in_progress.add(name)
    try:
        return walk(parse(path.read_text(encoding="utf-8")), edge)
    finally:
        _in_progress.discard(name)
