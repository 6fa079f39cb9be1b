"""Words of the pages are ready for translation: none stands in a template outside of the translating tags."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.template.base import Lexer, TokenType

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
# a few letters in every language, or the names of things
SAME_EVERYWHERE = re.compile(
    r"CSV|XLSX|JSON|PDF|ICS|API|REST|URL|SQL|SHA-256|UTC|USD|Foundation Registry|HHI|CR1|CR3|RT\.\d\d(\.\d\d)?"
    r"|Authorization|Bearer|fr_|Esc|Enter|DORA|ZIP|LEI|RTO|RPO|NIST|OWASP|MIT|FINOS|IBM|SSSOM"
    r"|EBA|GPAI|Mtok|SR 26-2|sha256sum -c SHA256SUMS|sha256sum manifest\.json|h|d|Id|ID"
)
WORD = re.compile(r"[A-Za-z]{2,}")
SPOKEN = {"aria-label", "title", "placeholder", "alt", "data-tip"}
SILENT = {"code", "kbd", "script", "style"}
# written by libraries' conventions, or mails whose texts are made in Python
LEFT_OUT = {"drf_spectacular", "allauth", "emails", "500.html"}
# values of attributes that a template puts together
MACHINE_TEXTS = {"bar_width", "htmx_settings", "link_address", "link_query", "state_class", "subject"}


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.silent = 0
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.silent += tag in SILENT
        for name, value in attributes:
            if name in SPOKEN and value:
                self.handle_data(value)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name in SPOKEN and value:
                self.handle_data(value)

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in SILENT

    def handle_data(self, data: str) -> None:
        if not self.silent and WORD.search(SAME_EVERYWHERE.sub("", data)):
            self.found.append(" ".join(data.split()))


def untranslated(source: str) -> list[str]:
    """The words of a template that no translator would be shown."""
    kept, inside = [], ""
    for token in Lexer(source).tokenize():
        if token.token_type == TokenType.BLOCK:
            name = token.contents.split()[0] if token.contents else ""
            if name in {"blocktranslate", "blocktrans", "comment"} and not inside:
                inside = f"end{name}"
            elif name == "text" and token.contents.split()[-1] in MACHINE_TEXTS and not inside:
                inside = "endtext"
            elif name == inside:
                inside = ""
        elif token.token_type == TokenType.TEXT and not inside:
            kept.append(token.contents)
    words = _Words()
    words.feed("".join(kept))
    words.close()
    return words.found


def templates() -> list[Path]:
    return sorted(
        path for path in TEMPLATES.rglob("*.html") if not LEFT_OUT & set(path.relative_to(TEMPLATES).parts)
    )  # fmt: skip


@pytest.mark.parametrize("path", templates(), ids=lambda path: path.relative_to(TEMPLATES).as_posix())
def test_a_template_says_nothing_that_cannot_be_translated(path: Path) -> None:
    assert untranslated(path.read_text()) == []


def test_the_check_sees_words_and_lets_numbers_and_names_pass() -> None:
    assert untranslated('<p aria-label="Pages">{% translate "Fine" %} Left <code>GET x</code></p>') == ["Pages", "Left"]
    assert untranslated("{% blocktranslate %}All fine{% endblocktranslate %} <a>CSV</a> 62 % {{ name }}") == []
