"""Columns recognised by their content: what most of a column's cells are, together with a part of
its header where the content alone could be several things.

A wrong column is worse than an ignored one: only fields that no header claims are taken, long text
never, and dates, numbers and names only if the header has a word for them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

from apps.catalog.identity.names.phrases import clean, fold
from apps.catalog.identity.names.places import read_host_cell
from apps.intake.spreadsheets.columns.content_checks import (
    CHECKS,
    MIN_SHARE,
    content_of,
    is_answer,
    is_choice,
    is_written_day,
)
from apps.intake.spreadsheets.columns.content_words import (
    ADDRESS,
    ANY_SCALE,
    HINTS,
    MODEL,
    NOT_A_NAME,
    NOT_A_TEAM,
    NOT_CRITICALITY,
    PERSON,
)
from apps.intake.spreadsheets.columns.fields import FIELDS
from apps.intake.spreadsheets.columns.headers import currency_of, fold_header
from apps.intake.spreadsheets.columns.legends import Legend, key_of
from apps.intake.spreadsheets.columns.values import (
    NO_WORDS,
    YES_WORDS,
    is_empty_text,
    text_of,
)
from apps.intake.spreadsheets.files.tables import Cell
from apps.intake.spreadsheets.values.distinct import ValueKind


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


def match_team(
    heads: Sequence[str], rows: Iterable[Sequence[Cell]], taken: Mapping[int, str]
) -> int | None:
    """Return the column of few repeated short texts beside the names of the applications, if
    nothing says that they are something else than the teams; None if there is none."""
    sample = list(rows)
    names = next((column for column, code in taken.items() if code == "application.name"), None)
    if names is None:
        return None
    near = [column for column in range(len(heads)) if 0 < abs(column - names) <= _NEAR_NAMES]
    for column in sorted(near, key=lambda column: (abs(column - names), -column)):
        content = None if column in taken else content_of(heads[column], column, sample)
        if (
            content is not None
            and heads[column]
            and not NOT_A_TEAM.search(content.folded)
            and not NOT_A_NAME.search(content.folded)
            and len(content.texts) >= max(4, 0.8 * len(sample))
            and 1 < len(content.distinct) <= 0.6 * len(content.texts)
            and all(isinstance(cell, str) for cell in content.cells)
            and content.share(_is_name_of_unit) == 1
        ):
            return column
    return None


_NEAR_NAMES = 2


def _is_name_of_unit(text: str) -> bool:
    """Return whether a short text can name a part of an organisation: no word of another field, no
    class, host, model or address."""
    folded = fold(clean(text))
    return (
        sum(map(str.isalpha, text)) >= max(2, 0.6 * len(text))
        and len(text) <= 40
        and text.casefold() not in YES_WORDS | NO_WORDS
        and not set(fold_header(text).split()) <= ANY_SCALE
        and not key_of(text)
        and not currency_of(text)
        and not any(is_choice(code, text) for code in _CHOICE_CODES)
        and not MODEL.search(text)
        and read_host_cell(folded).host is None
        and not ADDRESS.search(text)
    )


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


def fits(code: str, rows: Iterable[Sequence[Cell]], column: int) -> bool:
    """Return whether a cell of the column can be a value of the field; of few cells it is taken
    that they can."""
    cells = [row[column] for row in rows if column < len(row) and not is_empty_text(row[column])]
    if len(cells) < 2:
        return True
    kind = FIELDS[code].kind
    if kind is not ValueKind.CHOICE and not _IS_FORM.get(kind):
        return True
    if kind is ValueKind.CHOICE:
        return any(is_choice(code, text) or key_of(text) for text in set(map(text_of, cells)))
    return any(_IS_FORM[kind](cell) for cell in cells)


def _is_day(cell: Cell) -> bool:
    return isinstance(cell, date) or is_written_day(text_of(cell))


def _is_number(cell: Cell) -> bool:
    if isinstance(cell, str):
        return any(map(str.isdigit, cell))
    return not isinstance(cell, date)


def _is_answer(cell: Cell) -> bool:
    return isinstance(cell, bool) or is_answer(text_of(cell))


_IS_FORM: Mapping[ValueKind | None, Callable[[Cell], bool]] = {
    ValueKind.DAY: _is_day,
    ValueKind.NUMBER: _is_number,
    ValueKind.BOOLEAN: _is_answer,
}


def match_explained_scale(
    heads: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    taken: Mapping[int, str],
    legends: Sequence[Legend],
) -> int | None:
    """Return the only column without a field whose letters, digits or colours a legend of the table
    explains by words of criticality; None if there is none, or several."""
    explained = [legend for legend in legends if _explains_criticality(legend)]
    if not explained:
        return None
    sample = list(rows)
    found = []
    for column, head in enumerate(heads):
        content = None if column in taken else content_of(head, column, sample)
        if content is None or NOT_CRITICALITY.search(content.folded):
            continue
        keys = {key_of(text) for text in content.distinct}
        if (
            "" not in keys
            and len(keys) > 1
            and any(keys <= each.phrases.keys() for each in explained)
        ):
            found.append(column)
    return found[0] if len(found) == 1 else None


def _explains_criticality(legend: Legend) -> bool:
    known = [
        phrase
        for phrase in legend.phrases.values()
        if is_choice("application.criticality", phrase)
        and not set(fold_header(phrase).split()) <= ANY_SCALE
    ]
    named = HINTS["application.criticality"].search(legend.context)
    return bool(known) and (named is not None or len(known) > 1)


_CHOICE_CODES = frozenset(
    {
        "application.status",
        "application.criticality",
        "application.data_classification",
        "application.ai_act_class",
    }
)
