"""Templates without the indentation of their lines."""

import pytest
from django.template.loader import get_template

from apps.common.template_loader import unindent


def test_lines_lose_their_indentation_and_stay_lines() -> None:
    assert unindent("<ul>\n  <li>\n\t  a b\n  </li>\n</ul>\n") == "<ul>\n<li>\na b\n</li>\n</ul>\n"


@pytest.mark.parametrize("name", ["pre", "textarea", "script", "style", "text"])
def test_what_is_shown_as_it_is_written_keeps_its_indentation(name: str) -> None:
    exact = f'<{name} class="x">\n    a\n</{name}>'

    assert unindent(f"<div>\n  {exact}\n  <p>\n  b</p>") == f"<div>\n{exact}\n<p>\nb</p>"


def test_a_blank_within_a_line_stays_also_behind_what_is_shown_as_it_is_written() -> None:
    line = "<svg><text>a</text> <b>c</b></svg>"

    assert unindent(line) == line


def test_an_element_that_is_never_closed_is_read_like_any_other() -> None:
    assert unindent("<pre>\n  a") == "<pre>\na"


def test_templates_of_the_site_are_read_without_indentation_and_keep_their_lines() -> None:
    source = str(get_template("shell.html").template.source)

    assert source.count("\n") > 10
    assert not [line for line in source.split("\n") if line.startswith("    ")]
