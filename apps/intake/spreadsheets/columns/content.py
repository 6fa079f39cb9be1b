"""Columns recognised by their content: what most of a column's cells are, together with a part of
its header where the content alone could be several things.

A wrong column is worse than an ignored one: only fields that no header claims are taken, long text
never, and dates, numbers and names only if the header has a word for them."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from apps.catalog.identity.names.phrases import NO_MODEL, NOT_STATED, clean, fold
from apps.catalog.identity.names.places import read_host_cell
from apps.intake.spreadsheets.columns.content_words import (
    A_MONTH,
    ADDRESS,
    ANY_SCALE,
    EXCLUDED,
    HINTS,
    MODEL,
    NOT_A_NAME,
    NOT_CRITICALITY,
    NOT_SINCE,
    NOT_USERS,
    PERSON,
)
from apps.intake.spreadsheets.columns.headers import currency_of, fold_header, months_of
from apps.intake.spreadsheets.columns.legends import key_of
from apps.intake.spreadsheets.columns.values import (
    NO_WORDS,
    YES_WORDS,
    SheetConventions,
    is_empty_text,
    text_of,
)
from apps.intake.spreadsheets.files.tables import Cell
from apps.intake.spreadsheets.values.choice_guesses import words_of
from apps.intake.spreadsheets.values.distinct import Certainty
from apps.intake.spreadsheets.values.form_guesses import (
    guess_amount,
    guess_boolean,
    guess_day,
    guess_number,
)

_MIN_SHARE = 0.7
_MAX_LENGTH, _MAX_MEAN = 160, 45
_CONVENTIONS = SheetConventions("dmy", ",")


@dataclass(frozen=True, slots=True)
class _Content:
    """Cells of one column that are not empty, with the folded header."""

    head: str  # as written
    folded: str
    cells: tuple[Cell, ...]
    texts: tuple[str, ...]

    @property
    def distinct(self) -> list[str]:
        return list(dict.fromkeys(self.texts))

    def share(self, test: Callable[[str], bool]) -> float:
        """Return the share of distinct texts, and of rows, that pass; the smaller of the two."""
        known = {text: test(text) for text in self.distinct}
        of_rows = sum(known[text] for text in self.texts) / len(self.texts)
        return min(of_rows, sum(known.values()) / len(known))


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
        content = _content_of(head, column, sample)
        if content is None:
            continue
        for code, test in _TESTS:
            if code not in taken.values() and (score := test(content)) >= _MIN_SHARE:
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
        content = None if column in taken else _content_of(head, column, sample)
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
    known = sum(_is_choice(code, text) or bool(key_of(text)) for text in set(texts))
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


def _content_of(head: str, column: int, rows: Sequence[Sequence[Cell]]) -> _Content | None:
    """Return the content of a column that can be recognised; None for long text, and for headers
    of remarks."""
    folded = fold_header(head, with_brackets=True)
    if EXCLUDED.search(folded):
        return None
    cells = tuple(
        row[column] for row in rows if column < len(row) and not is_empty_text(row[column])
    )
    texts = tuple(text_of(cell) for cell in cells)
    if len(texts) < 2 or max(map(len, texts)) > _MAX_LENGTH:
        return None
    return _Content(head, folded, cells, texts)


# --- tests ----------------------------------------------------------------------------------------
# Each returns the share of cells that are of the field, with 1 added for a part of the header.


def _is_choice(code: str, text: str) -> bool:
    return words_of(code).guess(text).certainty is not Certainty.NONE


def _has_hint(code: str, content: _Content) -> bool:
    return HINTS[code].search(content.folded) is not None


def _mean_length(content: _Content) -> float:
    return sum(map(len, content.texts)) / len(content.texts)


def _test_choices(code: str, content: _Content) -> float:
    """Return the share of words of the field; without a hint, at least two different values."""
    if _mean_length(content) > _MAX_MEAN:
        return 0
    words = words_of(code)
    guesses = {text: words.guess(text) for text in content.distinct}
    known = {text: guess for text, guess in guesses.items() if guess.certainty != Certainty.NONE}
    n_rows = sum(text in known for text in content.texts)
    share = n_rows / len(content.texts)
    has_hint = _has_hint(code, content)
    values = {guess.value for guess in known.values()}
    # of few distinct values, one that is new to the words is no contradiction
    if len(known) < 0.5 * len(guesses) or len(values) < (1 if has_hint else 2):
        return 0
    if not has_hint and len(content.texts) < 3:
        return 0
    return share + has_hint if share >= _MIN_SHARE else 0


def _test_criticality(content: _Content) -> float:
    code = "application.criticality"
    if NOT_CRITICALITY.search(content.folded):
        return 0
    if _has_hint(code, content) and not re.search(
        r"risk|risque|riesgo|rischi|impact", content.folded
    ):
        keys = content.share(lambda text: bool(key_of(text)) or _is_choice(code, text))
        if keys >= _MIN_SHARE:
            return keys + 1
    score = _test_choices(code, content)
    if score > 1 or not score:
        return score
    # "high" and "low" alone can be said of anything
    words = [
        text
        for text in content.distinct
        if not set(fold_header(text).split()) <= ANY_SCALE and _is_choice(code, text)
    ]
    return score if len(words) > 1 else 0


def _test_data_class(content: _Content) -> float:
    code = "application.data_classification"
    score = _test_choices(code, content)
    if not score and re.search(r"klass|class", content.folded) and _has_hint(code, content):
        return 0
    return score


def _test_ai_act(content: _Content) -> float:
    if not _has_hint("application.ai_act_class", content):
        return 0
    return _test_choices("application.ai_act_class", content)


def _test_status(content: _Content) -> float:
    answers = content.share(lambda text: text.casefold() in YES_WORDS | NO_WORDS)
    if answers > 0.5 and not re.search(r"live|produ", content.folded):
        return 0
    if answers > _MIN_SHARE:
        return answers + 1
    return _test_choices("application.status", content)


def _test_personal_data(content: _Content) -> float:
    if not _has_hint("application.personal_data", content):
        return 0
    share = content.share(
        lambda text: (
            text.casefold() in YES_WORDS | NO_WORDS
            or guess_boolean(text).certainty is not Certainty.NONE
        )
    )
    return share + 1 if share >= _MIN_SHARE else 0


def _test_users(content: _Content) -> float:
    if not _has_hint("application.users_affected", content) or NOT_USERS.search(content.folded):
        return 0
    share = content.share(
        lambda text: (
            text.isdigit()
            or guess_number(text, _CONVENTIONS, is_whole=True).certainty is not Certainty.NONE
        )
    )
    is_dated = any(isinstance(cell, date) for cell in content.cells)
    return share + 1 if share >= _MIN_SHARE and not is_dated else 0


def _days_share(content: _Content) -> float:
    n_days = sum(
        isinstance(cell, date)
        or guess_day(text, _CONVENTIONS).certainty is not Certainty.NONE
        or re.fullmatch(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}-\d\d-\d\d|\d{1,2}[./]\d{2}", text)
        is not None
        for cell, text in zip(content.cells, content.texts, strict=True)
    )
    return n_days / len(content.texts)


def _test_since(content: _Content) -> float:
    if not _has_hint("use.since", content) or NOT_SINCE.search(content.folded):
        return 0
    share = _days_share(content)
    return share + 1 if share >= _MIN_SHARE else 0


def _test_review(content: _Content) -> float:
    if not _has_hint("application.next_review_on", content):
        return 0
    share = _days_share(content)
    return share + 1 if share >= _MIN_SHARE else 0


def _test_spend(content: _Content) -> float:
    """Return the share of amounts, of a header or cells that say for how long they are."""
    is_money = _has_hint("use.monthly_spend", content) or bool(currency_of(content.head))
    cells_with_currency = sum(bool(currency_of(text)) for text in content.texts)
    if not is_money and cells_with_currency < _MIN_SHARE * len(content.texts):
        return 0
    stated = A_MONTH.search(content.folded) or months_of(content.head) > 1
    in_cells = sum(
        bool(A_MONTH.search(text.casefold())) or months_of(text) > 1 for text in content.texts
    )
    if not stated and in_cells < _MIN_SHARE * len(content.texts):
        return 0
    if any(isinstance(cell, date) for cell in content.cells):
        return 0
    share = content.share(
        lambda text: guess_amount(text, _CONVENTIONS).certainty is not Certainty.NONE
    )
    return share + 1 if share >= _MIN_SHARE else 0


def _test_host(content: _Content) -> float:
    if _mean_length(content) > _MAX_MEAN:
        return 0
    share = content.share(_is_host)
    # model names often name their host
    models = content.share(lambda text: MODEL.search(text) is not None)
    return share if share >= _MIN_SHARE and models < 0.4 and len(content.texts) > 2 else 0


def _is_host(text: str) -> bool:
    if ADDRESS.search(text) or len(text) > 60 or sum(map(str.isalpha, text)) < 2:
        return False
    return read_host_cell(fold(clean(text))).host is not None


def _test_model(content: _Content) -> float:
    if _mean_length(content) > _MAX_MEAN:
        return 0
    share = content.share(
        lambda text: (
            MODEL.search(text) is not None
            or NO_MODEL.search(fold(clean(text))) is not None
            or NOT_STATED.search(fold(clean(text))) is not None
        )
    )
    models = content.share(lambda text: MODEL.search(text) is not None)
    return share if share >= _MIN_SHARE and models >= 0.5 else 0


def _person_share(content: _Content) -> float:
    return sum(
        ADDRESS.search(text) is not None or PERSON.fullmatch(text) is not None
        for text in content.texts
    ) / len(content.texts)


def _test_owner(content: _Content) -> float:
    addresses = sum(ADDRESS.search(text) is not None for text in content.texts)
    has_hint = _has_hint("application.business_owner", content)
    share = _person_share(content)
    if has_hint:
        return share + 1 if share >= 0.6 else 0
    return addresses / len(content.texts) if len(content.texts) > 2 else 0


def _test_technical_owner(content: _Content) -> float:
    if not _has_hint("application.technical_owner", content):
        return 0
    share = _person_share(content)
    return share + 1.1 if share >= 0.6 else 0


def _test_team(content: _Content) -> float:
    if not _has_hint("application.team", content) or _has_hint(
        "application.business_owner", content
    ):
        return 0
    if _mean_length(content) > _MAX_MEAN or re.search(
        r"\b(?:id|code|nr|no|nummer)\b", content.folded
    ):
        return 0
    share = content.share(
        lambda text: (
            any(map(str.isalpha, text))
            and text.casefold() not in YES_WORDS | NO_WORDS
            and not ADDRESS.search(text)
            and len(text) <= 60
        )
    )
    return share + 1 if share >= 0.9 else 0


_TESTS: tuple[tuple[str, Callable[[_Content], float]], ...] = (
    ("use.model", _test_model),
    ("use.host", _test_host),
    ("application.status", _test_status),
    ("application.criticality", _test_criticality),
    ("application.data_classification", _test_data_class),
    ("application.ai_act_class", _test_ai_act),
    ("application.personal_data", _test_personal_data),
    ("application.users_affected", _test_users),
    ("use.since", _test_since),
    ("application.next_review_on", _test_review),
    ("use.monthly_spend", _test_spend),
    ("application.technical_owner", _test_technical_owner),
    ("application.business_owner", _test_owner),
    ("application.team", _test_team),
)
