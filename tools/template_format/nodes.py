"""What a template consists of: words, elements and blocks, with gaps between them."""

import re
from dataclasses import dataclass, field
from enum import IntEnum

# whitespace beside any other element shows nothing
INLINE_ELEMENTS = frozenset(
    {
        *("a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "i", "img"),
        *("input", "ins", "kbd", "label", "mark", "output", "q", "s", "samp", "small", "span"),
        *("strong", "sub", "sup", "textPath", "time", "tspan", "u", "var", "wbr"),
    }
)
# whitespace inside their edges shows nothing, whitespace around them does
BOX_ELEMENTS = frozenset({"button", "meter", "object", "picture", "progress", "select", "svg"})
VOID_ELEMENTS = frozenset(
    {
        *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param"),
        *("source", "track", "wbr"),
    }
)
RAW_ELEMENTS = frozenset({"pre", "script", "style", "textarea"})
# whitespace inside their edges may show, although whitespace around them may not
EXACT_ELEMENTS = RAW_ELEMENTS | {"text"}

# blocks that write what is inside them and nothing else
TRANSPARENT_BLOCKS = frozenset({"autoescape", "for", "if", "ifchanged", "localize", "with"})
TRANSLATIONS = frozenset({"blocktranslate", "blocktrans"})
MIDDLE_TAGS = {
    "if": ("elif", "else"),
    "ifchanged": ("else",),
    "for": ("empty",),
    "blocktranslate": ("plural",),
    "blocktrans": ("plural",),
}
RAW_BLOCKS = frozenset({"comment", "verbatim"})
# they write nothing, or nothing that is seen
SILENT_TAGS = frozenset({"csrf_token", "extends", "load"})

DJANGO = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", re.DOTALL)
DJANGO_NAME = re.compile(r"\{%\s*(\w+)")
HTML_NAME = re.compile(r"</?([A-Za-z][\w:-]*)")
SETS_VARIABLE = re.compile(r"\s(as|asvar)\s+\w+\s*%\}$")
SPACE = re.compile(r"\s+")


class TemplateError(Exception):
    """A template that cannot be read; the text says why."""


class Edge(IntEnum):
    """What lies on one side of a gap; where branches differ, the least of what they write."""

    TEXT = 0
    SPACE = 1
    BLOCK = 2


@dataclass(slots=True)
class Gap:
    """The place between two nodes."""

    has_space: bool = False
    has_empty_line: bool = False
    left: Edge = Edge.BLOCK
    right: Edge = Edge.BLOCK

    @property
    def may_break(self) -> bool:
        return self.has_space or max(self.left, self.right) >= Edge.SPACE

    @property
    def shows_nothing(self) -> bool:
        return max(self.left, self.right) == Edge.BLOCK

    @property
    def flat(self) -> str:
        """Return what stands here where the line goes on."""
        return " " if self.has_space and not self.shows_nothing else ""


@dataclass(slots=True)
class Content:
    """Nodes, and the gaps before, between and behind them: one more than nodes."""

    nodes: "list[Node]" = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    @property
    def edges_break(self) -> bool:
        return bool(self.nodes) and self.gaps[0].may_break and self.gaps[-1].may_break


@dataclass(slots=True)
class Leaf:
    """A word, a variable, a statement, a comment, raw text, or a tag without its partner."""

    kind: str
    text: str
    name: str = ""


@dataclass(slots=True)
class Tag:
    """The opening tag of an element: attributes, and blocks such as {% if %} around attributes.

    `spaced` says of each item whether whitespace precedes it.
    """

    opening: str
    items: "list[str | TagBlock]"
    spaced: list[bool]
    end: str

    @property
    def name(self) -> str:
        return self.opening.removeprefix("<")

    @property
    def flat(self) -> str:
        return self.opening + self.flat_items + self.end

    @property
    def flat_items(self) -> str:
        return "".join(
            (" " if spaced else "") + (item if isinstance(item, str) else item.flat)
            for spaced, item in zip(self.spaced, self.items, strict=True)
        )

    @property
    def is_hidden(self) -> bool:
        return self.name == "input" and 'type="hidden"' in self.items


@dataclass(slots=True)
class TagBlock:
    """A block between the attributes of a tag; each branch holds attributes, and no tag."""

    branches: "list[tuple[str, Tag]]"
    end: str

    @property
    def flat(self) -> str:
        branches = (opening + tag.flat_items + tag.end for opening, tag in self.branches)
        return "".join(branches) + self.end


@dataclass(slots=True)
class Element:
    """An element with its end; `closing` is empty for void ones."""

    tag: Tag
    inside: Content
    closing: str
    # the second line of a table's cell, which app.css shows as a block
    is_line_of_cell: bool = False

    @property
    def is_inline(self) -> bool:
        return self.tag.name in INLINE_ELEMENTS and not self.is_line_of_cell

    @property
    def is_cell(self) -> bool:
        return self.tag.name == "td" or (self.tag.name == "th" and 'scope="row"' in self.tag.items)

    @property
    def is_box(self) -> bool:
        return self.tag.name in BOX_ELEMENTS


@dataclass(slots=True)
class Block:
    """A block of the template language: its branches, each behind its tag."""

    name: str
    branches: list[tuple[str, Content]]
    end: str

    @property
    def may_write_nothing(self) -> bool:
        has_other = django_name(self.branches[-1][0]) in {"else", "empty"}
        return self.name in {"for", "if", "ifchanged"} and not has_other

    @property
    def is_trimmed(self) -> bool:
        """Tell whether whitespace at the edges of the block's text is left out."""
        opening = self.branches[0][0]
        return self.name == "text" or (self.name in TRANSLATIONS and "trimmed" in opening.split())

    @property
    def is_silent(self) -> bool:
        return is_silent(self.branches[0][0])


type Node = Leaf | Element | Block


def django_name(tag: str) -> str:
    """Return the name of a template tag; empty for variables and comments."""
    match = DJANGO_NAME.match(tag)
    return match[1] if match else ""


def is_silent(tag: str) -> bool:
    """Tell whether a template tag writes nothing where it stands."""
    return django_name(tag) in SILENT_TAGS or SETS_VARIABLE.search(tag) is not None
