"""Rows of a table that are no record: notes, titles between the rows, sums, and pre-numbered rows
without content."""

import re
from collections.abc import Mapping, Sequence

from apps.intake.spreadsheets.columns.headers import CURRENCY_WORD
from apps.intake.spreadsheets.columns.values import is_empty_text, text_of
from apps.intake.spreadsheets.files.tables import Cell
from apps.intake.spreadsheets.limits import MAX_GUESSED_LENGTH

_TOTAL = re.compile(
    r"(?:(?:sub|grand|gran|overall|zwischen|gesamt|teil|sous|sotto|tussen)[ -]?)?"
    r"(?:totaa?l(?:[eis]{1,2})?|totaux|summen?|sommes?|sumas?|somma|sum|som)"
    r"(?:\s*[-–—:(/].{0,40}| .{1,30})?|"
    r"gesamt|insgesamt|en total|in totale",
    re.IGNORECASE,
)
_NOTE = re.compile(
    r"(?:source|sources|quellen?|fuente|fonte|bron|stand|notes?|nb|n\.b\.|remarks?|legend[ea]?|"
    r"hinweise?|bemerkung(?:en)?|anmerkung(?:en)?|remarque|nota|opmerking|last updated?|updated|"
    r"aktualisiert|mis à jour|contact|kontakt|confidential|vertraulich)\b\s*[:.–-]|[*†¹²³]|"
    r"[-–—=~_•·#►▶■]{1,4}\s*\S.*?\s*[-–—=~_]{1,4}$|[–—►▶■]{1,4}\s+\S|={2,}|-{2,}|"
    r".{120}|.*[.!?:]$|(?:section|abschnitt|teil|partie|parte|sección|sezione|deel)\b.{0,4}\b"
    r"(?:[a-z]|\d{1,2}|[ivx]{1,4})\b",
    re.IGNORECASE | re.DOTALL,
)
_MIN_COLUMNS_FOR_NOTES = 4
_NAMES = frozenset({"application.name", "application.slug"})


def is_note(
    cells: Sequence[Cell], columns: Mapping[int, str], title_column: int | None = None
) -> bool:
    """Return whether a row is a note, a title or a sum: one text alone in a wide table, or the word
    for a sum beside numbers. A name alone is a title only in `title_column`."""
    if len(columns) < _MIN_COLUMNS_FOR_NOTES:
        return False
    if _is_sum(cells):
        return True
    n_filled = sum(cell is not None and cell != "" for cell in cells)
    if n_filled > max(1, len(columns) // 2) and cells[0] != cells[-1]:
        return False
    filled = [
        (column, text_of(cell)) for column, cell in enumerate(cells) if not is_empty_text(cell)
    ]
    texts = [text for _, text in filled]
    if len(set(texts)) == 1:
        column, text = filled[0]
        return (
            len(texts) > 2
            or columns.get(column) != "application.name"
            or column == title_column
            or _NOTE.match(text[:MAX_GUESSED_LENGTH]) is not None
            or _TOTAL.fullmatch(text) is not None
        )
    if not any(_TOTAL.fullmatch(text.rstrip(" :")) for text in texts):
        return False
    return all(
        _TOTAL.fullmatch(text.rstrip(" :")) or not any(map(str.isalpha, text)) for text in texts
    )


def _is_sum(cells: Sequence[Cell]) -> bool:
    """Return whether the first text of a row is a word for a sum, and the others have no words."""
    first = next((cell for cell in cells if not is_empty_text(cell)), None)
    # nearly every row ends here
    if not isinstance(first, str) or _TOTAL.fullmatch(text_of(first).rstrip(" :")) is None:
        return False
    rest = [text_of(cell) for cell in cells if not is_empty_text(cell)][1:]
    return bool(rest) and not any(map(str.isalpha, CURRENCY_WORD.sub("", "".join(rest).casefold())))


def title_of(cells: Sequence[Cell]) -> tuple[int, str] | None:
    """Return (column, text) of a row with one text; None for other rows."""
    filled = [
        (column, text_of(cell)) for column, cell in enumerate(cells) if not is_empty_text(cell)
    ]
    if not filled or len({text for _, text in filled}) != 1:
        return None
    return filled[0]


# --- titles that name teams -----------------------------------------------------------------------

_TITLE_WORD = re.compile(
    r"^(?:section|abschnitt|teil|part|partie|parte|sección|sezione|deel|abteilung|bereich|"
    r"department|dept\.?|division|direction|direzione|dirección|afdeling|departamento|team|unit)\b"
    r"[\s:–—-]*(?:(?:[a-z]|\d{1,2}|[ivx]{1,4})\b\s*[.):–—-]+\s*)?|^(?:[a-z]|\d{1,2}|[ivx]{1,4})"
    r"\s*[.):–—-]+\s+",
    re.IGNORECASE,
)
_MAX_TITLE, _MAX_TITLE_WORDS = 40, 5


def team_of_title(text: str) -> str:
    """Return the name of a team in a title between the rows; empty if the title is something
    else."""
    name = _TITLE_WORD.sub("", " ".join(text.split())).strip(" :–—-=~_•·#►▶■")
    has_digit = any(map(str.isdigit, name))
    if (
        not name
        or len(name) > _MAX_TITLE
        or len(name.split()) > _MAX_TITLE_WORDS
        or has_digit
        or _TOTAL.fullmatch(name)
        or re.search(r"[.!?;=@(]", name)
    ):
        return ""
    return name
