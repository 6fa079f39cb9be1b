"""Columns recognised by their content: what most of a column's cells are, together with a part of
its header where the content alone could be several things.

A wrong column is worse than an ignored one: only fields that no header claims are taken, long text
never, and dates, numbers and names only if the header has a word for them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from apps.intake.spreadsheets.columns.content_checks import (
    CHECKS,
    MIN_SHARE,
    content_of,
    is_choice,
)
from apps.intake.spreadsheets.columns.content_words import (
    ADDRESS,
    NOT_A_NAME,
    PERSON,
)
from apps.intake.spreadsheets.columns.legends import key_of
from apps.intake.spreadsheets.columns.values import (
    is_empty_text,
    text_of,
)
from apps.intake.spreadsheets.files.tables import Cell


def match_content(
    heads: Sequence[str], rows: Iterable[Sequence[Cell]], taken: Mapping[int, str]
) -> dict[int, str]:
    """Return {position of the column: code of its field} for columns without a field, by what the
    rows have in them. Each field is used once, and none of `taken`."""
    sample = list(rows)
    found: list[tuple[float, int, str]] = []
    for column, head in enumerate(heads):
        if column in taken:
            continue
        content = content_of(head, column, sample)
        if content is None:
            continue
        for code, check in CHECKS:
            if code not in taken.values() and (score := check(content)) >= MIN_SHARE:
                found.append((score, -column, code))
    codes: dict[int, str] = {}
    for _, place, code in sorted(found, reverse=True):
        if -place not in codes and code not in codes.values():
            codes[-place] = code
    return codes


def match_name(
    heads: Sequence[str], rows: Iterable[Sequence[Cell]], taken: Mapping[int, str]
) -> int | None:
    """Return the first column without a field whose texts are short and all different: the names
    of a register whose header no word recognises; None if there is none."""
    sample = list(rows)
    for column, head in enumerate(heads):
        content = None if column in taken else content_of(head, column, sample)
        if (
            content is not None
            and not NOT_A_NAME.search(content.folded)
            and len(content.texts) >= max(3, 0.8 * len(sample))
            and len(content.distinct) >= 0.9 * len(content.texts)
            and all(isinstance(cell, str) for cell in content.cells)
            and sum(map(len, content.texts)) / len(content.texts) >= 5
            and content.share(_can_be_name) >= 0.9
            and content.share(lambda text: PERSON.fullmatch(text) is not None) < 0.8
        ):
            return column
    return None


def _can_be_name(text: str) -> bool:
    n_letters = sum(char.isalpha() or char.isspace() for char in text)
    return not ADDRESS.search(text) and n_letters >= 0.7 * len(text)


def is_unlike(code: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]], column: int) -> bool:
    """Return whether the cells of a column with a similar header are something else than choices
    of the field: dates, or many different texts without one of its words."""
    cells = [row[column] for row in rows if column < len(row)]
    texts = [text_of(cell) for cell in cells if not is_empty_text(cell)]
    if len(texts) < 4 or code not in _CHOICE_CODES:
        return False
    known = sum(is_choice(code, text) or bool(key_of(text)) for text in set(texts))
    if known:
        return False
    return len(set(texts)) > 8 or all(isinstance(c, date) for c in cells if not is_empty_text(c))


_CHOICE_CODES = frozenset(
    {
        "application.status",
        "application.criticality",
        "application.data_classification",
        "application.ai_act_class",
    }
)
