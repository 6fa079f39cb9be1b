"""Texts of the pages are plain English: no template asks for a translation."""

from pathlib import Path

import pytest
from django.template.base import Lexer, Token, TokenType

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted(
    path
    for folder in (ROOT / "templates", ROOT / "apps")
    for path in folder.rglob("*")
    if path.suffix in {".html", ".txt", ".svg"}
)


def translations(source: str) -> list[str]:
    """The tags and variables of a template that use gettext."""
    return [token.contents for token in Lexer(source).tokenize() if _translates(token)]


def _translates(token: Token) -> bool:
    if token.token_type not in {TokenType.BLOCK, TokenType.VAR}:
        return False
    parts = token.split_contents()
    loads_i18n = token.token_type == TokenType.BLOCK and parts[:1] == ["load"] and "i18n" in parts
    return loads_i18n or any(mark in token.contents for mark in ('_("', "_('"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_template_asks_for_no_translation(path: Path) -> None:
    assert translations(path.read_text()) == []


def test_the_check_sees_the_library_of_tags_and_marked_literals() -> None:
    assert translations("{% load i18n sheet %}<p>Fine</p>") == ["load i18n sheet"]
    assert translations('{% include "a.html" with head=_("None yet.") %}') != []
    assert translations("{{ row.by|default:_('the operator') }}") != []
    assert translations('{% load sheet %}{% include "a.html" with head="None yet." %}') == []
