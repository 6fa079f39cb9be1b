"""From the source of a template to its nodes."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tools.template_format.nodes import (
    DJANGO,
    HTML_NAME,
    MIDDLE_TAGS,
    RAW_BLOCKS,
    RAW_ELEMENTS,
    SPACE,
    TRANSLATIONS,
    VOID_ELEMENTS,
    Block,
    Content,
    Element,
    Gap,
    Leaf,
    Node,
    Tag,
    TagBlock,
    TemplateError,
    django_name,
)

WORD = re.compile(r"(?:(?!\{[%{#])[^\s<])+|<")


@dataclass(slots=True)
class Token:
    """A piece of the source. `partner` is the place of the token that ends its element."""

    kind: str
    text: str
    name: str = ""
    partner: int | None = None


def tokenize(source: str) -> list[Token]:
    """Cut the source into tokens, which together are the source."""
    tokens: list[Token] = []
    place = 0
    while place < len(source):
        token = _next_token(source, place)
        tokens.append(token)
        place += len(token.text)
        if token.kind == "open" and token.name in RAW_ELEMENTS and not token.text.endswith("/>"):
            end = source.find(f"</{token.name}", place)
            if end < 0:
                raise TemplateError(f"<{token.name}> has no end.")
            tokens.append(Token("raw", source[place:end]))
            place = end
    _find_partners(tokens)
    return tokens


def _next_token(source: str, place: int) -> Token:
    if match := SPACE.match(source, place):
        return Token("space", match[0])
    if match := DJANGO.match(source, place):
        name = django_name(match[0])
        if name in RAW_BLOCKS or (name in TRANSLATIONS and " asvar " in match[0]):
            end = _end_of_block(source, match.end(), name)
            return Token("raw_block", source[place:end], name)
        kind = {"{%": "statement", "{{": "variable", "{#": "note"}[match[0][:2]]
        return Token(kind, match[0], name)
    for opening, closing in (("<!--", "-->"), ("<!", ">"), ("<?", "?>")):
        if source.startswith(opening, place):
            end = source.find(closing, place)
            if end < 0:
                raise TemplateError(f"{opening} has no end.")
            return Token("markup", source[place : end + len(closing)], opening)
    if match := HTML_NAME.match(source, place):
        end = _end_of_tag(source, match.end())
        return Token("close" if match[0][1] == "/" else "open", source[place:end], match[1])
    match = WORD.match(source, place)
    return Token("text", match[0] if match else source[place])


def _end_of_block(source: str, place: int, name: str) -> int:
    match = re.compile(r"\{%\s*end" + name + r"\b.*?%\}").search(source, place)
    if match is None:
        raise TemplateError(f"{{% {name} %}} has no end.")
    return match.end()


def _end_of_tag(source: str, place: int) -> int:
    quote = ""
    while place < len(source):
        if match := DJANGO.match(source, place):
            place = match.end()
            continue
        character = source[place]
        place += 1
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == ">":
            return place
    raise TemplateError("A tag has no end.")


def _find_partners(tokens: list[Token]) -> None:
    """Tie each start tag to its end tag, where both stand in the same branch."""
    ended_names = {token.name[3:] for token in tokens if token.name.startswith("end")}
    blocks = ended_names | {"block", "for", "if", "with"}
    middles = {name for block in blocks for name in MIDDLE_TAGS.get(block, ())}
    open_ones: list[int] = []
    for place, token in enumerate(tokens):
        if token.kind == "statement":
            if token.name in middles or token.name.startswith("end"):
                while open_ones and tokens[open_ones[-1]].kind == "open":
                    open_ones.pop()
            if token.name.startswith("end"):
                if not open_ones or tokens[open_ones[-1]].name != token.name[3:]:
                    raise TemplateError(f"{token.text} ends nothing.")
                tokens[open_ones.pop()].partner = place
            elif token.name in blocks:
                open_ones.append(place)
        elif token.kind == "open" and token.name not in VOID_ELEMENTS:
            if not token.text.endswith("/>"):
                open_ones.append(place)
        elif token.kind == "close":
            for depth in range(len(open_ones) - 1, -1, -1):
                open_token = tokens[open_ones[depth]]
                if open_token.kind != "open":
                    break
                if open_token.name == token.name:
                    open_token.partner = place
                    del open_ones[depth:]
                    break
    if any(tokens[place].kind == "statement" for place in open_ones):
        raise TemplateError("A block has no end.")


def parse(source: str) -> Content:
    """Read a template."""
    tokens = tokenize(source)
    content, _ = _parse_content(tokens, 0, len(tokens))
    _mark_lines_of_cells(content, in_cell=False)
    return content


def _mark_lines_of_cells(content: Content, *, in_cell: bool) -> None:
    for node in content.nodes:
        if isinstance(node, Block):
            for _, inside in node.branches:
                _mark_lines_of_cells(inside, in_cell=in_cell)
        elif isinstance(node, Element) and 'class="heat"' not in node.tag.items:
            node.is_line_of_cell = in_cell and node.tag.name == "small"
            _mark_lines_of_cells(node.inside, in_cell=in_cell or node.is_cell)


def _parse_content(
    tokens: list[Token],
    place: int,
    end: int,
    middles: Sequence[str] = (),
) -> tuple[Content, int]:
    """Read nodes up to `end`, or to the tag of the next branch; say where that is."""
    content = Content(gaps=[Gap()])
    while place < end:
        token = tokens[place]
        if token.kind == "space":
            gap = content.gaps[-1]
            gap.has_space = True
            gap.has_empty_line = token.text.count("\n") > 1
            place += 1
            continue
        if token.kind == "statement" and token.name in middles:
            break
        node, place = _parse_node(tokens, place)
        content.nodes.append(node)
        content.gaps.append(Gap())
    return content, place


def _parse_node(tokens: list[Token], place: int) -> tuple[Node, int]:
    token = tokens[place]
    if token.kind == "open":
        is_void = token.name in VOID_ELEMENTS or token.text.endswith("/>")
        if is_void:
            return Element(parse_tag(token.text), Content(gaps=[Gap()]), ""), place + 1
        if token.partner is not None:
            inside, _ = _parse_content(tokens, place + 1, token.partner)
            closing = SPACE.sub("", tokens[token.partner].text)
            return Element(parse_tag(token.text), inside, closing), token.partner + 1
    if token.kind == "statement" and token.partner is not None:
        branches = []
        start = place
        middles = MIDDLE_TAGS.get(token.name, ())
        while start < token.partner:
            inside, end = _parse_content(tokens, start + 1, token.partner, middles)
            branches.append((tokens[start].text, inside))
            start = end
        return Block(token.name, branches, tokens[token.partner].text), token.partner + 1
    return Leaf(token.kind, token.text, token.name), place + 1


def parse_tag(source: str) -> Tag:
    """Read an opening tag."""
    match = HTML_NAME.match(source)
    if match is None:
        raise TemplateError(f"{source} is no tag.")
    end = "/>" if source.endswith("/>") else ">"
    return _parse_items(match[0], source[match.end() : -len(end)], end)


def _parse_items(opening: str, source: str, end: str = "") -> Tag:
    tag = Tag(opening, [], [], end)
    place = 0
    while True:
        start = place
        if match := SPACE.match(source, place):
            place = match.end()
        if place >= len(source):
            # inside a block it separates attributes from what follows
            if place > start and not end:
                tag.end = " "
            return tag
        tag.spaced.append(place > start)
        finish = _end_of_attribute_block(source, place)
        if finish is not None:
            tag.items.append(_parse_tag_block(source[place:finish]))
        else:
            finish = _end_of_attribute(source, place)
            tag.items.append(source[place:finish])
        place = finish


def _end_of_attribute_block(source: str, place: int) -> int | None:
    """Find the end of a block that begins here and holds whole attributes; None where none does."""
    match = DJANGO.match(source, place)
    name = django_name(match[0]) if match else ""
    if match is None or not re.search(r"\{%\s*end" + name + r"\b", source[match.end() :]):
        return None
    depth = 0
    for tag in DJANGO.finditer(source, place):
        depth += {name: 1, f"end{name}": -1}.get(django_name(tag[0]), 0)
        if depth == 0:
            follows = source[tag.end() : tag.end() + 1]
            return tag.end() if not follows or follows.isspace() or follows == "{" else None
    return None


def _end_of_attribute(source: str, place: int) -> int:
    quote = ""
    depth = 0
    while place < len(source):
        if match := DJANGO.match(source, place):
            name = django_name(match[0])
            if not quote and depth == 0 and source[place - 1] in "\"'" and name:
                return place
            if re.search(r"\{%\s*end" + (name or "-") + r"\b", source[match.end() :]):
                depth += 1
            elif name.startswith("end"):
                depth -= 1
            place = match.end()
            continue
        character = source[place]
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character.isspace() and depth == 0:
            return place
        place += 1
    return place


def _parse_tag_block(source: str) -> TagBlock:
    tags = list(DJANGO.finditer(source))
    name = django_name(tags[0][0])
    cuts = [tags[0]]
    depth = 0
    for tag in tags:
        tag_name = django_name(tag[0])
        depth += {name: 1, f"end{name}": -1}.get(tag_name, 0)
        if depth == 1 and tag_name in MIDDLE_TAGS.get(name, ()):
            cuts.append(tag)
    cuts.append(tags[-1])
    branches = []
    for cut, following in itertools.pairwise(cuts):
        branches.append((cut[0], _parse_items("", source[cut.end() : following.start()])))
    return TagBlock(branches, tags[-1][0])
