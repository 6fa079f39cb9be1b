"""The documents: links lead somewhere, and sentences keep the rules of plain language.

Code, commands and page names (in bold) are exempt from the rules for words: they are what they are.
The decision records and the changelog are history and only their links are checked.
"""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.intake.spreadsheets.columns.fields import FIELDS

CHECKOUT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md")])
GUIDES = [
    path for path in DOCUMENTS if path.parent.name != "decisions" and path.name != "CHANGELOG.md"
]
MAX_SENTENCE_WORDS = 25

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
DOCUMENT_PATH = re.compile(r"\bdocs/[\w/-]+\.md\b")
# what has no words of ours: code, then page names and links, of which the text stays
CODE = re.compile(r"`[^`]*`")
CODE_LIST = re.compile(r"CODE(?:(?:, | and | or |/|,? … )+CODE)+")
BOLD = re.compile(r"\*\*[^*]+\*\*")
SENTENCE_END = re.compile(r"(?<=[.!?])\)?\s+(?=[A-Z0-9(\[*])|(?<=:)\s+(?=CODE\b|[A-Z])")
BANNED = (
    # words that name no role, and words of conversation
    r"nobody|somebody|whoever|anew|at once|told|said|likewise|all the same|gravest",
    # contractions
    r"\w+n't|(?:it|that|there|what|who|here)'s|\w+'(?:re|ll|ve)",
    # terms that the glossary replaces
    r"the register(?! of information)|ledger|second factors?|(?<!single )sign-on|mails?|offices?",
    r"stands? on|leans? on|rests? on|lies on|falls? to|goes further|struck|gone",
    r"mend|lapsed|unplaced|frozen|trust rank|set aside|owed|keys? end|API ids?",
)
BANNED_WORDS = re.compile(rf"\b(?:{'|'.join(BANNED)})\b", re.IGNORECASE)


def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", without_code_blocks(path.read_text()), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings
    }


def without_code_blocks(text: str) -> str:
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)


def passages(path: Path) -> Iterator[str]:
    """Paragraphs, list items and cells, without code."""
    text = re.sub(r"<[^>]+>", "", without_code_blocks(path.read_text()))
    text = re.sub(r"^(#+ .*)$", r"\n\1\n", text, flags=re.MULTILINE)
    text = re.sub(r"^( *(?:[-*]|\d+\.) )", r"\n\1", text, flags=re.MULTILINE)
    for block in re.split(r"\n\s*\n", text):
        if block.lstrip().startswith("|"):
            rows = [row for row in block.splitlines() if not re.fullmatch(r"[|\s:-]+", row)]
            yield from (cell for row in rows for cell in re.split(r"(?<!\\)\|", row))
        elif not block.startswith("    "):
            yield re.sub(r"^\s*(?:#+|[-*]|\d+\.|>) ", "", " ".join(block.split()))


def sentences(path: Path) -> Iterator[str]:
    for passage in passages(path):
        text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", CODE.sub("CODE", passage))
        yield from SENTENCE_END.split(CODE_LIST.sub("CODE", text))


def name(path: Path) -> str:
    return str(path.relative_to(CHECKOUT))


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_link_leads_to_a_file_and_a_heading(path: Path) -> None:
    dead = []
    for target in LINK.findall(without_code_blocks(path.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        linked = (path.parent / file).resolve() if file else path
        if not linked.exists() or (anchor and anchor not in anchors(linked)):
            dead.append(target)
    assert not dead


def test_every_document_that_code_names_exists() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "*.py", "*.html", "*.toml", "*.yaml", "*.yml", "*.md", "Makefile"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    missing = {
        (file, document)
        for file in tracked
        # the baselines are what was, not what is
        if (CHECKOUT / file).is_file() and not file.startswith("tools/baselines/")
        for document in DOCUMENT_PATH.findall((CHECKOUT / file).read_text())
        if not (CHECKOUT / document).exists() and "googleapis" not in document
    }
    assert not missing


def test_every_log_message_of_the_operator_guide_is_one_of_the_code() -> None:
    operator = (CHECKOUT / "docs" / "operator.md").read_text()
    table = re.search(r"^\| Log message \|.*?\n\n", operator, re.MULTILINE | re.DOTALL)
    assert table is not None
    messages = re.findall(r"^\| `([^`]+)`", table[0], re.MULTILINE)
    code = "".join(
        file.read_text()
        for folder in ("apps", "registry")
        for file in (CHECKOUT / folder).rglob("*.py")
    )

    assert len(messages) >= 8
    assert [message for message in messages if f'"{message}' not in code] == []


def test_the_spreadsheet_guide_lists_every_column_in_its_order() -> None:
    guide = (CHECKOUT / "docs" / "sheets.md").read_text()
    section = guide[guide.index("### Application columns") : guide.index("## Export")]
    documented = re.findall(r"^\| ([^|]+?) \|", section, re.MULTILINE)
    labels = [field.label for field in FIELDS.values()]

    assert [label for label in documented if label not in {"Column", "---"}] == labels


@pytest.mark.parametrize("path", GUIDES, ids=name)
def test_no_sentence_is_longer_than_a_reader_takes_in_at_once(path: Path) -> None:
    too_long = [
        (len(sentence.split()), sentence)
        for sentence in sentences(path)
        if len(sentence.split()) > MAX_SENTENCE_WORDS
    ]
    assert not too_long


@pytest.mark.parametrize("path", GUIDES, ids=name)
def test_words_are_those_of_the_glossary(path: Path) -> None:
    found = []
    for passage in passages(path):
        text = BOLD.sub("", CODE.sub("", re.sub(r"\]\([^)]*\)", "]", passage)))
        found += [(match[0], passage) for match in BANNED_WORDS.finditer(text)]
    assert not found
