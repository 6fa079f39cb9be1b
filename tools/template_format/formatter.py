"""From a template to the template as it should be."""

from tools.template_format.parser import parse
from tools.template_format.printer import Printer
from tools.template_format.whitespace import find_edges

# whitespace that one pass adds may let the next one break a line; two passes are the rule
MAX_PASSES = 5


def format_template(source: str) -> str:
    """Return the template formatted. TemplateError where it cannot be read."""
    for _ in range(MAX_PASSES):
        formatted = _format_once(source)
        if formatted == source:
            break
        source = formatted
    return source


def _format_once(source: str) -> str:
    root = parse(source)
    is_page = "{% extends" in source
    find_edges(root, is_page=is_page)
    if not root.nodes:
        return source
    printer = Printer()
    printer.print_content(root, 0, 0)
    text = "\n".join([*printer.lines, printer.line.rstrip()])
    return text + "\n" if root.gaps[-1].may_break else text
