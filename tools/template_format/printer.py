"""From nodes to lines."""

from tools.template_format.nodes import (
    BOX_ELEMENTS,
    INLINE_ELEMENTS,
    RAW_ELEMENTS,
    Block,
    Content,
    Element,
    Gap,
    Leaf,
    Node,
    Tag,
    is_silent,
)

INDENT = "  "
WIDTH = 100
# a tag is not spread over several lines as long as its line ends before this column
MAX_WIDTH = 140


class Printer:
    """Writes nodes as lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line = ""
        # by the id of a node; nodes live as long as the printer
        self._flat: dict[int, str | None] = {}

    # --- the line

    def write(self, text: str) -> None:
        first_line, *further_lines = text.split("\n")
        self.line += first_line
        for line in further_lines:
            self.lines.append(self.line)
            self.line = line

    def break_line(self, depth: int, *, empty_line: bool = False) -> None:
        if self.line.strip():
            self.lines.append(self.line.rstrip())
            if empty_line:
                self.lines.append("")
        self.line = INDENT * depth

    def has_room(self, text: str, n_behind: int, width: int = WIDTH) -> bool:
        return len(self.line) + len(text) + n_behind <= width

    # --- content

    def print_content(self, content: Content, depth: int, n_behind: int) -> None:
        """Write nodes, and the gaps before and between them. `n_behind`: columns that follow."""
        nodes, gaps = content.nodes, content.gaps
        place = 0
        is_spread = False
        while place < len(nodes):
            # what no line break may part
            end = place + 1
            while end < len(nodes) and not gaps[end].may_break:
                end += 1
            behind = n_behind if end == len(nodes) and not gaps[end].may_break else 0
            gap = gaps[place]
            flat = self.flat_run(content, place, end)
            is_alone = is_spread or self.is_alone(nodes[place], gap)
            if place > 0 and self.is_alone(nodes[place - 1], gap):
                is_alone = True
            fits = flat is not None and self.has_room(gap.flat + flat, behind)
            if not fits and self.begins_with_word(nodes[place], depth, flat, behind):
                # it takes several lines all the same, and the word goes with what is before it
                fits = self.has_room(gap.flat, sum(map(self.head, nodes[place:end])))
            if gap.may_break and (is_alone or not fits):
                self.break_line(depth, empty_line=gap.has_empty_line and place > 0)
            elif self.line.strip() or not gap.may_break:
                self.write(gap.flat)
            is_spread = self.print_run(content, place, end, depth, behind)
            place = end

    def print_run(self, content: Content, place: int, end: int, depth: int, n_behind: int) -> bool:
        """Write nodes that no line break may part; say whether they take several lines."""
        flat = self.flat_run(content, place, end)
        if flat is not None and self.has_room(flat, n_behind):
            self.write(flat)
            return False
        n_lines = len(self.lines)
        for number in range(place, end):
            if number > place:
                self.write(content.gaps[number].flat)
            behind = sum(self.head(node) for node in content.nodes[number + 1 : end])
            if number + 1 == end:
                behind += n_behind
            self.print_node(content.nodes[number], depth, behind)
        return len(self.lines) > n_lines

    def print_node(self, node: Node, depth: int, n_behind: int) -> None:
        flat = self.flat(node)
        if isinstance(node, Leaf) or (flat is not None and self.has_room(flat, n_behind)):
            self.write(flat if flat is not None else node.text)  # type: ignore[union-attr]
        elif isinstance(node, Element):
            self.print_element(node, depth, n_behind)
        else:
            self.print_block(node, depth, n_behind)

    def print_element(self, element: Element, depth: int, n_behind: int) -> None:
        inside = element.inside
        behind = self.head_of(inside, len(element.closing) + n_behind)
        self.print_tag(element.tag, depth, behind)
        if inside.edges_break and element.tag.name not in RAW_ELEMENTS:
            self.break_line(depth + 1)
            self.print_content(inside, depth + 1, 0)
            self.break_line(depth)
        else:
            self.print_content(inside, depth + 1, len(element.closing) + n_behind)
            if inside.gaps[-1].may_break and inside.nodes:
                self.break_line(depth)
        self.write(element.closing)

    def print_block(self, block: Block, depth: int, n_behind: int) -> None:
        is_vertical = all(inside.edges_break or not inside.nodes for _, inside in block.branches)
        for number, (opening, inside) in enumerate(block.branches):
            n_lines = len(self.lines)
            is_last = number + 1 == len(block.branches)
            self.write(opening)
            if not inside.nodes and is_vertical and inside.gaps[0].may_break:
                self.break_line(depth)
            elif not inside.nodes:
                self.write(inside.gaps[0].flat)
            elif is_vertical:
                self.break_line(depth + 1)
                self.print_content(inside, depth + 1, 0)
                self.break_line(depth)
            else:
                following = block.end if is_last else block.branches[number + 1][0]
                self.print_content(inside, depth + 1, self.tail(block, number, n_behind))
                gap = inside.gaps[-1]
                is_spread = len(self.lines) > n_lines
                if gap.may_break and (is_spread or not self.has_room(gap.flat + following, 0)):
                    self.break_line(depth)
                else:
                    self.write(gap.flat)
        self.write(block.end)

    # --- tags

    def print_tag(self, tag: Tag, depth: int, n_behind: int) -> None:
        """Write an opening tag; one attribute a line where it is too long."""
        is_short = self.has_room(tag.flat, 0) or not tag.items
        if is_short and self.has_room(tag.flat, n_behind, MAX_WIDTH):
            self.write(tag.flat)
            return
        self.write(tag.opening)
        self.print_items(tag, depth + 1)
        self.break_line(depth)
        self.write(tag.end)

    def print_items(self, tag: Tag, depth: int) -> None:
        for item in tag.items:
            self.break_line(depth)
            if isinstance(item, str):
                self.write(item)
            elif self.has_room(item.flat.strip(), 0):
                self.write(item.flat)
            else:
                for opening, branch in item.branches:
                    self.break_line(depth)
                    self.write(opening)
                    self.print_items(branch, depth + 1)
                self.break_line(depth)
                self.write(item.end)

    # --- widths

    def flat(self, node: Node) -> str | None:
        """Return a node on one line; None where it takes several."""
        key = id(node)
        if key not in self._flat:
            self._flat[key] = self._make_flat(node)
        return self._flat[key]

    def _make_flat(self, node: Node) -> str | None:
        if isinstance(node, Leaf):
            return None if "\n" in node.text else node.text
        if isinstance(node, Element):
            inside = self.flat_content(node.inside)
            return None if inside is None else node.tag.flat + inside + node.closing
        if len(node.branches) > 2 and all(inside.edges_break for _, inside in node.branches):
            return None
        flat_branches = []
        for opening, content in node.branches:
            inside = self.flat_content(content)
            if inside is None:
                return None
            flat_branches.append(opening + inside)
        return "".join(flat_branches) + node.end

    def flat_content(self, content: Content) -> str | None:
        nodes, gaps = content.nodes, content.gaps
        if len(nodes) > 1 or (nodes and not isinstance(nodes[0], Leaf)):
            for node, before, behind in zip(nodes, gaps, gaps[1:], strict=False):
                if self.is_alone(node, before) or self.is_alone(node, behind):
                    return None
        flat = self.flat_run(content, 0, len(nodes))
        if flat is None:
            return None
        return gaps[0].flat + flat + (gaps[-1].flat if nodes else "")

    def flat_run(self, content: Content, place: int, end: int) -> str | None:
        flat_nodes = []
        for number in range(place, end):
            flat = self.flat(content.nodes[number])
            if flat is None:
                return None
            flat_nodes.append((content.gaps[number].flat if number > place else "") + flat)
        return "".join(flat_nodes)

    def begins_with_word(self, node: Node, depth: int, flat: str | None, n_behind: int) -> bool:
        """Tell whether a run that no line can hold begins with a word or a variable."""
        fits_alone = flat is not None and len(INDENT) * depth + len(flat) + n_behind <= WIDTH
        return not fits_alone and isinstance(node, Leaf) and node.kind in {"text", "variable"}

    def is_alone(self, node: Node, gap: Gap) -> bool:
        """Tell whether a node has lines of its own, as far as the gap beside it allows."""
        if not gap.may_break:
            return False
        if isinstance(node, Leaf):
            if node.kind == "statement":
                is_own = is_silent(node.text) or node.name == "include"
                return is_own and gap.shows_nothing
            if node.kind in {"open", "close"}:
                return node.name not in INLINE_ELEMENTS and node.name not in BOX_ELEMENTS
            return node.kind == "markup" or "\n" in node.text
        if isinstance(node, Element):
            if node.tag.is_hidden:
                return gap.shows_nothing
            return not (node.is_inline or node.is_box) or self.has_alone_inside(node.inside)
        if node.is_silent and gap.shows_nothing:
            return True
        return any(self.has_alone_inside(inside) for _, inside in node.branches)

    def has_alone_inside(self, content: Content) -> bool:
        return self.flat_content(content) is None

    def tail(self, block: Block, number: int, n_behind: int) -> int:
        """Return how many columns follow a branch until the line can end."""
        if number + 1 == len(block.branches):
            return len(block.end) + n_behind
        opening, inside = block.branches[number + 1]
        return len(opening) + self.head_of(inside, self.tail(block, number + 1, n_behind))

    def head(self, node: Node) -> int:
        """Return how many columns a node takes until its line can end."""
        if isinstance(node, Leaf):
            return len(node.text.split("\n", 1)[0])
        if isinstance(node, Element):
            return len(node.tag.opening if node.tag.items else node.tag.flat)
        return len(node.branches[0][0])

    def head_of(self, content: Content, n_closing: int) -> int:
        """Return how many columns content takes until its line can end."""
        n_columns = 0
        for gap, node in zip(content.gaps, content.nodes, strict=False):
            if gap.may_break:
                return n_columns
            n_columns += self.head(node)
        return n_columns if content.nodes and content.gaps[-1].may_break else n_columns + n_closing
