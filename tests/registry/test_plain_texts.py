"""Pages, emails, errors, the OpenAPI document, risks and demo are written in plain words
(tests/banned_patterns.py)."""

import ast
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.template.base import Lexer, TokenType

from tests.banned_patterns import PATTERNS, hits
from tools.baselines.openapi import present_document

ROOT = Path(__file__).parents[2]
EMAIL_FOLDERS = ("templates/emails", "templates/account/email")

# The texts of these places are not rewritten yet. A place without a hit is taken off the list.
UNMENDED_ERRORS: frozenset[str] = frozenset()
UNMENDED_DESCRIPTIONS = frozenset({"risks"})
UNMENDED_EMAILS: frozenset[str] = frozenset()
UNMENDED_PAGES: frozenset[str] = frozenset()

# classes whose text reaches a reader, by the end of their names
_ERRORS = ("Error", "Invalid", "Http404", "PermissionDenied", "NotFound", "Throttled", "Refused")
# errors of the program, for whoever reads a traceback
_PROGRAM_ERRORS = frozenset(
    {"AssertionError", "KeyError", "NotImplementedError", "RuntimeError", "TypeError"}
)
_SENTENCES_OF_ERRORS = frozenset({"violation_error_message", "default_detail", "error_messages"})
_CHOICES = re.compile(r"^\* `(?P<value>[^`]*)` - (?P<label>.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Text:
    path: str
    line: int
    words: str
    is_label: bool = False

    @property
    def place(self) -> str:
        """The app, or the first folder."""
        parts = self.path.split("/")
        return parts[1] if parts[0] == "apps" else parts[0]


@dataclass(frozen=True, slots=True)
class Hit:
    text: Text
    word: str
    fix: str

    def __str__(self) -> str:
        shown = " ".join(self.text.words.split())[:120]
        return f"{self.text.path}:{self.text.line}: {self.word!r}: {self.fix}\n    {shown}"


def hits_of(texts: Iterable[Text]) -> list[Hit]:
    return [
        Hit(text, word, fix)
        for text in texts
        for word, fix in hits(text.words, label=text.is_label)
    ]


def check(found: list[Hit], unmended: frozenset[str]) -> None:
    """Fail for hits outside the unmended places, and for a place that has none any more."""
    new = [str(hit) for hit in found if hit.text.place not in unmended]
    assert not new, f"{len(new)} banned words:\n" + "\n".join(new)
    mended = unmended - {hit.text.place for hit in found}
    assert not mended, f"mended, take off the list: {', '.join(sorted(mended))}"


# --- errors ---------------------------------------------------------------------------------------


def source_files() -> list[Path]:
    return [
        path
        for folder in ("apps", "registry")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "migrations" not in path.parts
    ]


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def error_texts() -> Iterator[Text]:
    for path in source_files():
        name = str(path.relative_to(ROOT))
        for node in ast.walk(tree_of(path)):
            yield from (Text(name, line, words) for line, words in _error_sentences(node))


def _error_sentences(node: ast.AST) -> Iterator[tuple[int, str]]:
    """The sentences of a raised or built error, of a constraint, or of a class of errors."""
    match node:
        case ast.Call(func=func, args=arguments, keywords=keywords) if _is_error(func):
            for value in [*arguments, *(keyword.value for keyword in keywords)]:
                yield from _literals(value)
        case ast.keyword(arg=str(name), value=value) if name in _SENTENCES_OF_ERRORS:
            yield from _literals(value)
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in _SENTENCES_OF_ERRORS:
            yield from _literals(value)


def _is_error(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name.endswith(_ERRORS) and name not in _PROGRAM_ERRORS


def _literals(node: ast.expr) -> Iterator[tuple[int, str]]:
    """Texts of an expression, with … for what is filled in; not those of calls within it."""
    match node:
        case ast.Constant(value=str(words)):
            yield node.lineno, words
        case ast.JoinedStr(values=parts):
            yield (
                node.lineno,
                "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts
                ),
            )
        case ast.Dict(values=values) | ast.List(elts=values) | ast.Tuple(elts=values):
            for value in values:
                yield from _literals(value)
        case ast.BinOp(left=left, right=right):
            yield from _literals(left)
            yield from _literals(right)
        case ast.IfExp(body=body, orelse=orelse):
            yield from _literals(body)
            yield from _literals(orelse)


def test_errors_have_no_banned_words() -> None:
    check(hits_of(error_texts()), UNMENDED_ERRORS)


def test_errors_are_found_where_they_are_raised() -> None:
    texts = list(error_texts())

    assert len(texts) > 500
    assert {"accounts", "api", "catalog", "gate", "inventory", "risks"} <= {
        text.place for text in texts
    }


# --- pages ----------------------------------------------------------------------------------------

# attributes and arguments of includes that a reader sees or hears
_SHOWN_ATTRIBUTES = re.compile(
    r'\b(?:aria-label|placeholder|title|alt|head|words|link|label)="(?P<words>[^"{]+)"'
)


def page_texts() -> Iterator[Text]:
    """The literal texts of the templates of pages, and those of the Python that words pages."""
    for path in sorted((ROOT / "templates").rglob("*.*")):
        name = str(path.relative_to(ROOT))
        if name.startswith(EMAIL_FOLDERS):
            continue
        yield from (Text(name, line, words) for line, words in _template_texts(path))
        source = path.read_text()
        for found in _SHOWN_ATTRIBUTES.finditer(source):
            yield Text(name, source.count("\n", 0, found.start()) + 1, found["words"])
    for path in source_files():
        name = str(path.relative_to(ROOT))
        if name.startswith("apps/web/"):
            yield from (Text(name, line, words) for line, words in _sentences_of(tree_of(path)))


def _sentences_of(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Literals that are texts: with a space or a capital letter; docstrings are none."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    skipped = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    skipped |= {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        if id(node) in skipped or not isinstance(node, ast.Constant | ast.JoinedStr):
            continue
        for line, words in _literals(node):
            if " " in words or words[:1].isupper():
                yield line, words


def _page_place(text: Text) -> str:
    """The folder of the templates, or of the views."""
    parts = text.path.split("/")
    return "/".join(parts[: 2 if parts[0] == "templates" else 4])


def test_pages_have_no_banned_words() -> None:
    found = hits_of(page_texts())
    new = [str(hit) for hit in found if _page_place(hit.text) not in UNMENDED_PAGES]
    assert not new, f"{len(new)} banned words:\n" + "\n".join(new)
    mended = UNMENDED_PAGES - {_page_place(hit.text) for hit in found}
    assert not mended, f"mended, take off the list: {', '.join(sorted(mended))}"


def test_texts_of_templates_and_views_are_read() -> None:
    texts = list(page_texts())
    places = {_page_place(text) for text in texts}

    assert len(texts) > 10_000
    assert {"templates/applications", "templates/components", "apps/web/views/gate"} <= places


# --- emails ---------------------------------------------------------------------------------------


def email_texts() -> Iterator[Text]:
    """The literal texts of templates, line by line; tags, comments and markup are left out."""
    for folder in EMAIL_FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.*")):
            name = str(path.relative_to(ROOT))
            yield from (Text(name, line, words) for line, words in _template_texts(path))


def _template_texts(path: Path) -> Iterator[tuple[int, str]]:
    source = re.sub(r"{% comment %}.*?{% endcomment %}", _blank, path.read_text(), flags=re.DOTALL)
    if path.suffix in {".html", ".svg"}:
        source = re.sub(r"<(style|!--).*?(</style>|-->)", _blank, source, flags=re.DOTALL)
        source = re.sub(r"<[^>]*>", _blank, source)
    sentences, line = [""], 1
    lines = [1]
    for token in Lexer(source).tokenize():
        words = token.contents if token.token_type == TokenType.TEXT else ""
        if token.token_type == TokenType.VAR:
            words = "…"
        for number, part in enumerate(words.split("\n")):
            if number:
                sentences.append("")
                lines.append(line + number)
            sentences[-1] += part
        line += token.contents.count("\n")
    yield from ((at, words.strip()) for at, words in zip(lines, sentences, strict=True) if words)


def _blank(found: re.Match[str]) -> str:
    """Keep the lines."""
    return "\n" * found[0].count("\n")


def test_emails_have_no_banned_words() -> None:
    check(hits_of(email_texts()), UNMENDED_EMAILS)


def test_every_email_is_read() -> None:
    read = {text.path for text in email_texts()}

    assert "templates/account/email/invitation_message.txt" in read
    assert "templates/emails/alert_digest/body.txt" in read


# --- the OpenAPI document -------------------------------------------------------------------------


@cache
def _sources_of_texts() -> dict[str, tuple[str, int]]:
    """{text: (path, line)} of every literal, docstrings included, with single spaces."""
    found: dict[str, tuple[str, int]] = {}
    # from apps downwards, so that a text of several places is that of the one nearest to REST
    for path in sorted(source_files(), key=lambda path: "/api/" not in str(path)):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                place = (str(path.relative_to(ROOT)), node.lineno)
                found.setdefault(" ".join(node.value.split()), place)
    return found


@cache
def described_texts() -> tuple[Text, ...]:
    """Descriptions, summaries and titles, with the labels of choices one by one."""
    return tuple(_described_texts())


def _described_texts() -> Iterator[Text]:
    seen: set[str] = set()
    for place, words in _descriptions(present_document(), ""):
        body, *_ = _CHOICES.split(words, maxsplit=1)
        for part in [body, *(found["label"] for found in _CHOICES.finditer(words))]:
            plain = " ".join(part.split())
            if plain and plain not in seen:
                seen.add(plain)
                path, line = _sources_of_texts().get(plain, (f"OpenAPI {place}", 0))
                yield Text(path, line, plain, is_label=True)


def _descriptions(node: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, list):
        for part in node:
            yield from _descriptions(part, place)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in {"description", "summary", "title"} and isinstance(value, str):
                yield place, value
            elif key not in {"example", "examples"}:
                yield from _descriptions(value, f"{place}/{key}")


def test_openapi_document_has_no_banned_words() -> None:
    check(hits_of(described_texts()), UNMENDED_DESCRIPTIONS)


def test_descriptions_are_traced_to_their_source() -> None:
    texts = described_texts()
    traced = [text for text in texts if text.line]

    assert len(traced) > len(texts) * 0.8


# --- the risk catalogue and the demo --------------------------------------------------------------

# entries and taxonomies quote others, so only their descriptions are ours
_OWN_DESCRIPTIONS = ("finos-aigf", "nist-ai-600-1-actions")


def shipped_texts() -> Iterator[Text]:
    """Texts of `fixtures/risks/` in our own words, and all of `fixtures/demo/`."""
    for name in ("templates", "entries"):
        path = ROOT / "fixtures" / "risks" / f"{name}.jsonl"
        for line, source in enumerate(path.read_text().splitlines(), 1):
            record = json.loads(source)
            if name == "entries":
                own = record["taxonomy"] in _OWN_DESCRIPTIONS
                record = record.get("text", "") if own else ""
            yield from (
                Text(str(path.relative_to(ROOT)), line, words) for words in _strings(record)
            )
    for path in sorted((ROOT / "fixtures" / "demo").glob("*.json")):
        for words in _strings(json.loads(path.read_text())):
            yield Text(str(path.relative_to(ROOT)), 0, words)


def _strings(node: Any) -> Iterator[str]:
    """Strings with a space; others are codes."""
    if isinstance(node, str):
        # a product's kind, not a role of the organisation
        yield from [re.sub("(?i)office suite", "suite", node)] if " " in node else []
    elif isinstance(node, list | dict):
        for part in node if isinstance(node, list) else node.values():
            yield from _strings(part)


def test_risk_catalogue_and_demo_have_no_banned_words() -> None:
    texts = list(shipped_texts())

    assert len(texts) > 700
    check(hits_of(texts), frozenset())


def test_risk_templates_have_short_titles_and_sentences() -> None:
    for source in (ROOT / "fixtures" / "risks" / "templates.jsonl").read_text().splitlines():
        record = json.loads(source)
        sentences = record["description"].split(". ")

        assert len(record["title"].split()) <= 10, record["code"]
        assert 2 <= len(sentences) <= 4, record["code"]
        assert all(len(sentence.split()) <= 25 for sentence in sentences), record["code"]


# --- the patterns ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "banned"),
    [
        ("Nobody answered. Ask one of them.", {"Nobody", "Ask one of them"}),
        ("'x' is no format.", {"is no"}),
        ("It can't be read.", {"can't"}),
        ("It is neither a date nor a number.", {"neither a date nor"}),
        ("Say why. Give a day.", {"Say why", "Give a"}),
        ("The dates are no longer valid. Contact a team editor.", set()),
        ("The template of the register of information.", set()),
    ],
)
def test_banned_words_are_found(words: str, banned: set[str]) -> None:
    assert {word for word, _ in hits(words)} == banned


def test_every_pattern_has_a_fix() -> None:
    assert all(pattern.fix for pattern in PATTERNS)


def test_hit_names_file_line_word_and_fix() -> None:
    [hit] = hits_of([Text("apps/gate/runs.py", 7, "Built anew.")])

    assert str(hit) == "apps/gate/runs.py:7: 'anew': “again”\n    Built anew."
