"""The formatter of templates changes lines and nothing that a browser shows."""

import re
from html.parser import HTMLParser

import pytest
from django.template import Context, Engine
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.template_format.__main__ import SUFFIXES, main
from tools.template_format.formatter import format_template
from tools.template_format.nodes import INLINE_ELEMENTS, TemplateError
from tools.template_format.whitespace import TEMPLATES

# the path of a drawing is one value
UNBREAKABLE = re.compile(r"\s(d|points)=\"")
LONG_WORD = "w" * 60


# ---------------------------------------------------------------- what a browser makes of it


class Shown(HTMLParser):
    """Collects what is seen: tags, characters, and a blank where one separates words."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.is_after_blank = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._handle_tag(tag, f"<{tag} {attrs}>")

    def handle_endtag(self, tag: str) -> None:
        self._handle_tag(tag, f"</{tag}>")

    def handle_data(self, data: str) -> None:
        for character in data:
            if not character.isspace():
                self.seen.append(character)
            elif not self.is_after_blank:
                self.seen.append(" ")
            self.is_after_blank = character.isspace()

    def end_line(self) -> None:
        """Drop a blank that only ends of elements follow."""
        for place in range(len(self.seen) - 1, -1, -1):
            if self.seen[place] == " ":
                del self.seen[place]
                break
            if not self.seen[place].startswith("<"):
                break
        self.is_after_blank = True

    def _handle_tag(self, tag: str, text: str) -> None:
        if tag not in INLINE_ELEMENTS:
            self.end_line()
        self.seen.append(text)


def shown(source: str, **values: object) -> str:
    page = Shown()
    page.feed(Engine().from_string(source).render(Context(values)))
    page.close()
    page.end_line()
    return "".join(page.seen)


# ---------------------------------------------------------------- examples


def formatted(*lines: str) -> list[str]:
    return format_template("\n".join(lines)).split("\n")


def test_block_level_elements_stand_on_lines_of_their_own():
    assert formatted("<ul><li>one</li><li>two <b>three</b></li></ul>", "") == [
        "<ul>",
        "  <li>one</li>",
        "  <li>two <b>three</b></li>",
        "</ul>",
        "",
    ]


def test_blocks_of_the_template_language_are_indented():
    source = "{% if a %}<p>one</p>{% elif b %}<p>two</p>{% else %}<p>no</p>{% endif %}"

    assert formatted(source) == [
        "{% if a %}",
        "  <p>one</p>",
        "{% elif b %}",
        "  <p>two</p>",
        "{% else %}",
        "  <p>no</p>",
        "{% endif %}",
        "",
    ]


def test_a_condition_inside_a_sentence_gets_no_whitespace_that_would_be_read():
    sentence = "{% if end %}, which ends on {{ end }}{% endif %}. Words go on and on and on and on."

    text = format_template(f"<p>{LONG_WORD} a fallback{sentence}</p>\n")

    assert "fallback{% if end %}, which" in text
    assert "{{ end }}{% endif %}. Words" in text
    assert len(text.split("\n")) > 3


def test_inline_elements_that_touch_stay_together():
    links = '<a href="#1">{{ one }}</a><a href="#2">{{ two }}</a>' * 3

    text = format_template(f"<p>before {links}</p>\n")

    names = {"one": "1", "two": "2"}
    assert shown(text, **names) == shown(f"<p>before {links}</p>\n", **names)
    assert len(text.split("\n")) > 3


def test_a_long_tag_has_one_attribute_a_line_and_no_value_is_broken():
    value = "a value of several words " * 4

    assert formatted(f'<p title="{value}" {{% if x %}}hidden{{% endif %}} class="b">x</p>', "") == [
        "<p",
        f'  title="{value}"',
        "  {% if x %}hidden{% endif %}",
        '  class="b"',
        ">",
        "  x",
        "</p>",
        "",
    ]


def test_whitespace_in_pre_textarea_script_and_comments_stays():
    for source in (
        "<pre>  a\n     b</pre>\n",
        "<textarea>\n a\n</textarea>\n",
        "<script>\n  let  a = 1;\n</script>\n",
        "{% comment %}  a\n   b{% endcomment %}\n",
        "{% verbatim %}  {{ a }}\n {% endverbatim %}\n",
    ):
        assert source.strip() in format_template(f"<div>{source}</div>\n")


def test_a_tag_that_only_one_branch_opens_is_kept():
    source = "<p>{% if a %}<a href='#'>{% endif %}text{% if a %}</a>{% endif %}</p>\n"

    assert format_template(source) == source


def test_an_included_template_counts_as_what_it_writes():
    text = format_template('<div>{% include "components/field.html" %}' * 2 + "</div></div>\n")

    assert text.count('\n  {% include "components/field.html" %}\n') == 1


def test_a_template_without_an_end_is_refused_by_name(tmp_path, capsys):
    path = tmp_path / "broken.html"
    path.write_text("{% if a %}<p>")

    with pytest.raises(TemplateError, match="no end"):
        format_template(path.read_text())
    assert main(["--check", str(path)]) == 1
    assert "broken.html: A block has no end." in capsys.readouterr().err


def test_check_names_what_would_change_and_changes_nothing(tmp_path, capsys):
    path = tmp_path / "page.html"
    path.write_text("<ul><li>one</li></ul>\n")

    assert main(["--check", str(path)]) == 1
    assert f"would be formatted: {path}" in capsys.readouterr().out
    assert path.read_text() == "<ul><li>one</li></ul>\n"
    assert main([str(path)]) == 0
    assert main(["--check", str(path)]) == 0


# ---------------------------------------------------------------- any template


words = st.sampled_from(["one", "two,", ".", LONG_WORD, "{{ x }}", "{{ y }}"])
blanks = st.sampled_from(["", "", " ", "\n", "\n\n  "])


def wrapped(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    tags = st.sampled_from(["b", "a", "span", "div", "p", "ul", "li", "td", "section"])
    element = st.builds(lambda tag, text: f'<{tag} class="c">{text}</{tag}>', tags, inner)
    condition = st.builds(
        lambda name, one, other: f"{{% if {name} %}}{one}{{% else %}}{other}{{% endif %}}",
        st.sampled_from("ab"),
        inner,
        inner,
    )
    lone_condition = st.builds(
        lambda name, one: f"{{% if {name} %}}{one}{{% endif %}}",
        st.sampled_from("ab"),
        inner,
    )
    loop = st.builds(lambda one: f"{{% for i in rows %}}{one}{{% endfor %}}", inner)
    piece = st.one_of(words, element, condition, lone_condition, loop)
    return st.lists(st.tuples(piece, blanks), max_size=5).map(
        lambda pairs: "".join(text + blank for text, blank in pairs)
    )


templates = st.recursive(words, wrapped, max_leaves=25)


@settings(max_examples=300)
@given(templates, st.booleans(), st.booleans(), st.integers(0, 2))
def test_no_template_shows_anything_else_once_formatted(source, a, b, n):
    values = {"a": a, "b": b, "rows": range(n), "x": "X", "y": ""}

    assert shown(format_template(source), **values) == shown(source, **values)


@settings(max_examples=300)
@given(templates)
def test_formatting_twice_changes_nothing(source):
    once = format_template(source)

    assert format_template(once) == once


# ---------------------------------------------------------------- the templates of this project


def test_no_line_of_a_template_is_longer_than_140_columns():
    long = [
        f"{path.relative_to(TEMPLATES)}:{number}"
        for path in sorted(TEMPLATES.rglob("*"))
        if path.suffix in SUFFIXES
        for number, line in enumerate(path.read_text().split("\n"), 1)
        if len(line) > 140 and not UNBREAKABLE.search(line)
    ]

    assert long == []
