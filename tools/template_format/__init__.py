"""Format the templates: an element or a statement a line, indented, at most `MAX_WIDTH` columns.

    python -m tools.template_format [--check] [FILE ...]

Whitespace between inline elements is text. So a line is broken only where the page stays the same:
at whitespace that is there already, beside a block-level element, inside a tag between two
attributes, and where every way through the branches of a template comes to such a place. Values of
attributes, comments, `pre`, `textarea`, `script` and `style` stay as they are. Why this is not a
library: docs/decisions/0019-templates-are-formatted-by-a-tool-of-our-own.md.

- `nodes.py`: what a template consists of
- `parser.py`: from source to nodes
- `whitespace.py`: where whitespace shows nothing
- `printer.py`: from nodes to lines
"""
