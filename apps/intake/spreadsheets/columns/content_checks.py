"""Checks of the content of a column: what share of its cells is of a field, together with a part of
its header where the content alone could be several things."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from apps.catalog.identity.names.phrases import NO_MODEL, NOT_STATED, clean, fold
from apps.catalog.identity.names.places import OWN, find_places, read_host_cell
from apps.intake.spreadsheets.columns.content_words import (
    A_MONTH,
    ADDRESS,
    ANY_SCALE,
    EXCLUDED,
    HINTS,
    MODEL,
    NOT_CRITICALITY,
    NOT_SINCE,
    NOT_USERS,
    PERSON,
)
from apps.intake.spreadsheets.columns.headers import (
    CURRENCY_WORD,
    currency_of,
    fold_header,
    months_of,
)
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
from apps.intake.spreadsheets.values.distinct import Certainty, Guess
from apps.intake.spreadsheets.values.form_guesses import (
    guess_amount,
    guess_boolean,
    guess_day,
    guess_number,
)
from apps.intake.spreadsheets.values.refinements import is_paused

MIN_SHARE = 0.7
_MAX_LENGTH, _MAX_MEAN = 160, 45
_CONVENTIONS = SheetConventions("dmy", ",")


@dataclass(frozen=True, slots=True)
class ColumnContent:
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


def content_of(head: str, column: int, rows: Sequence[Sequence[Cell]]) -> ColumnContent | None:
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
    return ColumnContent(head, folded, cells, texts)


# Each check returns the share of cells that are of the field, with 1 added for a part of the
# header.


def is_choice(code: str, text: str) -> bool:
    if code == "application.status" and is_paused(text):
        return True
    return words_of(code).guess(text).certainty is not Certainty.NONE


def has_hint(code: str, content: ColumnContent) -> bool:
    return HINTS[code].search(content.folded) is not None


def mean_length(content: ColumnContent) -> float:
    return sum(map(len, content.texts)) / len(content.texts)


def _check_choices(code: str, content: ColumnContent) -> float:
    """Return the share of words of the field; without a hint, at least two different values."""
    if mean_length(content) > _MAX_MEAN:
        return 0
    words = words_of(code)
    guesses = {text: words.guess(text) for text in content.distinct}
    known = {text: guess for text, guess in guesses.items() if guess.certainty != Certainty.NONE}
    if code == "application.status":
        known |= {text: Guess() for text in guesses if is_paused(text)}
    n_rows = sum(text in known for text in content.texts)
    share = n_rows / len(content.texts)
    is_hinted = has_hint(code, content)
    values = {guess.value for guess in known.values()}  # None: interrupted
    # of few distinct values, one that is new to the words is no contradiction
    if len(known) < 0.5 * len(guesses) or len(values) < (1 if is_hinted else 2):
        return 0
    if not is_hinted and len(content.texts) < 3:
        return 0
    return share + is_hinted if share >= MIN_SHARE else 0


def _check_criticality(content: ColumnContent) -> float:
    code = "application.criticality"
    if NOT_CRITICALITY.search(content.folded):
        return 0
    if has_hint(code, content) and _can_have_keys(content):
        keys = content.share(lambda text: bool(key_of(text)) or is_choice(code, text))
        if keys >= MIN_SHARE:
            return keys + 1
    score = _check_choices(code, content)
    if score > 1 or not score:
        return score
    # "high" and "low" alone can be said of anything
    words = [
        text
        for text in content.distinct
        if not set(fold_header(text).split()) <= ANY_SCALE and is_choice(code, text)
    ]
    return score if len(words) > 1 else 0


_BUSINESS_IMPACT = re.compile(r"\b(?:biz|business|geschafts?|metier)\w* ?impact")
# headers that name a scale of anything
_ANY_SCALE_HEADER = re.compile(
    r"risk|risque|riesgo|rischi|impact|\bgrad[oe]?\b|\brating\b|\blvl\b|\blevel\b|\bnivel\b|"
    r"\bniveau\b|\blivello\b"
)


def _can_have_keys(content: ColumnContent) -> bool:
    """Return whether the header alone says that classes without words are of criticality."""
    if _BUSINESS_IMPACT.search(content.folded):
        return True
    if not _ANY_SCALE_HEADER.search(content.folded):
        return True
    is_risk = re.search(r"risk|risque|riesgo|rischi|impact", content.folded)
    # of a scale of anything, digits and letters alone say nothing
    return not is_risk and all(len(key_of(text)) != len(text) for text in content.distinct)


def _check_data_class(content: ColumnContent) -> float:
    code = "application.data_classification"
    score = _check_choices(code, content)
    if not score and re.search(r"klass|class", content.folded) and has_hint(code, content):
        return 0
    return score


def _check_ai_act(content: ColumnContent) -> float:
    if not has_hint("application.ai_act_class", content):
        return 0
    return _check_choices("application.ai_act_class", content)


def _check_status(content: ColumnContent) -> float:
    answers = content.share(lambda text: text.casefold() in YES_WORDS | NO_WORDS)
    if answers > 0.5 and not re.search(r"live|produ", content.folded):
        return 0
    if answers > MIN_SHARE:
        return answers + 1
    return _check_choices("application.status", content)


def _check_personal_data(content: ColumnContent) -> float:
    if not has_hint("application.personal_data", content):
        return 0
    share = content.share(is_answer)
    return share + 1 if share >= MIN_SHARE else 0


def _check_users(content: ColumnContent) -> float:
    if not has_hint("application.users_affected", content) or NOT_USERS.search(content.folded):
        return 0
    share = content.share(
        lambda text: (
            text.isdigit()
            or guess_number(text, _CONVENTIONS, is_whole=True).certainty is not Certainty.NONE
        )
    )
    is_dated = any(isinstance(cell, date) for cell in content.cells)
    return share + 1 if share >= MIN_SHARE and not is_dated else 0


def _days_share(content: ColumnContent) -> float:
    n_days = sum(
        isinstance(cell, date) or is_written_day(text)
        for cell, text in zip(content.cells, content.texts, strict=True)
    )
    return n_days / len(content.texts)


def is_written_day(text: str) -> bool:
    """Return whether a text can be a date, month or other period."""
    return (
        _WRITTEN_DAY.fullmatch(text) is not None
        or guess_day(text, _CONVENTIONS).certainty is not Certainty.NONE
    )


_WRITTEN_DAY = re.compile(
    r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}[./-]\d{1,2}[./-]\d{1,2}|\d{1,2}[./]\d{2}|"
    r"\d{1,2}[ .-]+[^\W\d]{3,10}[. ,-]+\d{2,4}|[^\W\d]{3,10}\.? \d{1,2},? \d{4}|[34]\d{4}"
)


def is_answer(text: str) -> bool:
    """Return whether a text is yes or no, or begins with one of them."""
    return (
        text.casefold() in YES_WORDS | NO_WORDS
        or guess_boolean(text).certainty is not Certainty.NONE
    )


def _check_since(content: ColumnContent) -> float:
    if not has_hint("use.since", content) or NOT_SINCE.search(content.folded):
        return 0
    share = _days_share(content)
    return share + 1 if share >= MIN_SHARE else 0


def _check_review(content: ColumnContent) -> float:
    if not has_hint("application.next_review_on", content):
        return 0
    share = _days_share(content)
    return share + 1 if share >= MIN_SHARE else 0


def _check_spend(content: ColumnContent) -> float:
    """Return the share of amounts, of a header or cells that say for how long they are."""
    is_money = has_hint("use.monthly_spend", content) or bool(currency_of(content.head))
    cells_with_currency = sum(bool(currency_of(text)) for text in content.texts)
    if not is_money and cells_with_currency < MIN_SHARE * len(content.texts):
        return 0
    stated = A_MONTH.search(content.folded) or months_of(content.head) > 1
    in_cells = sum(
        bool(A_MONTH.search(text.casefold())) or months_of(text) > 1 for text in content.texts
    )
    if not stated and in_cells < MIN_SHARE * len(content.texts):
        return 0
    if any(isinstance(cell, date) for cell in content.cells):
        return 0
    share = content.share(
        lambda text: guess_amount(text, _CONVENTIONS).certainty is not Certainty.NONE
    )
    return share + 1 if share >= MIN_SHARE else 0


def _check_host(content: ColumnContent) -> float:
    if mean_length(content) > _MAX_MEAN:
        return 0
    is_hinted = has_hint("use.host", content)
    share = content.share(_is_host)
    # model names often name their host
    models = content.share(lambda text: MODEL.search(text) is not None)
    if models >= 0.4 or len(content.texts) < 3 or not any(map(_names_host, content.distinct)):
        return 0
    if is_hinted:
        return share + 1 if share >= 0.5 else 0
    return share if share >= MIN_SHARE else 0


def _is_host(text: str) -> bool:
    return _can_be_host(text) and read_host_cell(fold(clean(text))).host is not None


def _names_host(text: str) -> bool:
    """Return whether a text names a provider, a platform or own machines; "internal" alone can be
    a class of data."""
    folded = fold(clean(text))
    host = read_host_cell(folded).host
    return _can_be_host(text) and (bool(find_places(folded)) or (host is not None and host != OWN))


def _can_be_host(text: str) -> bool:
    letters = CURRENCY_WORD.sub("", text.casefold())
    return len(text) <= 60 and sum(map(str.isalpha, letters)) > 1 and not ADDRESS.search(text)


def _check_model(content: ColumnContent) -> float:
    if mean_length(content) > _MAX_MEAN:
        return 0
    share = content.share(
        lambda text: (
            MODEL.search(text) is not None
            or NO_MODEL.search(fold(clean(text))) is not None
            or NOT_STATED.search(fold(clean(text))) is not None
        )
    )
    models = content.share(lambda text: MODEL.search(text) is not None)
    return share if share >= MIN_SHARE and models >= 0.5 else 0


def _person_share(content: ColumnContent) -> float:
    return sum(
        ADDRESS.search(text) is not None or PERSON.fullmatch(text) is not None
        for text in content.texts
    ) / len(content.texts)


def _check_owner(content: ColumnContent) -> float:
    addresses = sum(ADDRESS.search(text) is not None for text in content.texts)
    is_hinted = has_hint("application.business_owner", content)
    share = _person_share(content)
    if is_hinted:
        return share + 1 if share >= 0.6 else 0
    return addresses / len(content.texts) if len(content.texts) > 2 else 0


def _check_technical_owner(content: ColumnContent) -> float:
    if not has_hint("application.technical_owner", content):
        return 0
    share = _person_share(content)
    return share + 1.1 if share >= 0.6 else 0


def _check_team(content: ColumnContent) -> float:
    if not has_hint("application.team", content) or has_hint("application.business_owner", content):
        return 0
    return _share_of_names(content)


def _share_of_names(content: ColumnContent) -> float:
    if mean_length(content) > _MAX_MEAN or re.search(
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


CHECKS: tuple[tuple[str, Callable[[ColumnContent], float]], ...] = (
    ("use.model", _check_model),
    ("use.host", _check_host),
    ("application.status", _check_status),
    ("application.criticality", _check_criticality),
    ("application.data_classification", _check_data_class),
    ("application.ai_act_class", _check_ai_act),
    ("application.personal_data", _check_personal_data),
    ("application.users_affected", _check_users),
    ("use.since", _check_since),
    ("application.next_review_on", _check_review),
    ("use.monthly_spend", _check_spend),
    ("application.technical_owner", _check_technical_owner),
    ("application.business_owner", _check_owner),
    ("application.team", _check_team),
)
