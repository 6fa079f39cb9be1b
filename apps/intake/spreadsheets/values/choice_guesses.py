"""Guesses of choices: what "C3 - Confidential", "Strictly conf." or "Tier 2" mean, by the words of
the field, and by their place on the scale of the column."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from apps.intake.spreadsheets.columns.fields import FIELDS, ChoiceParser
from apps.intake.spreadsheets.columns.headers import fold_header
from apps.intake.spreadsheets.columns.values import fold_word
from apps.intake.spreadsheets.columns.vocabularies import SCALES
from apps.intake.spreadsheets.values.distinct import Certainty, Guess

_CODE = re.compile(
    r"^\s*(?:[A-Za-z]{0,10}\.?[ _-]?\d{1,2}|[ivxIVX]{1,4}|[A-Za-z])\s*[-–—:.)/=|]+\s*(?=\D\D)"
)
_BRACKETS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_CLAUSE = re.compile(r"\s*(?:[,;:(\[]|\s[-–—]\s|\n)\s*")
_WORD = re.compile(r"[^\W_]+\.?")
_NEGATION = frozenset(
    [
        "not",
        "no",
        "non",
        "nicht",
        "kein",
        "keine",
        "never",
        "nie",
        "pas",
        "ni",
        "geen",
        "niet",
        "kaum",
        "ohne",
        "without",
    ]
)
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5}
_ORDINAL = re.compile(
    r"^(?P<word>[a-z]{0,14}?)[ ._-]*(?:(?P<digits>\d{1,2})|(?P<roman>i{1,3}|iv|v)|"
    r"(?P<letter>[a-f]))(?![a-z0-9])"
)
# words before a number that is higher for more; of others, 1 is the most
_RISING = frozenset(
    [
        "level",
        "lvl",
        "score",
        "rating",
        "stufe",
        "niveau",
        "nivel",
        "livello",
        "rang",
        "grad",
        "punkte",
        "impact",
        "sb",
    ]
)
_RISING_HEADER = re.compile(r"\b(?:score|rating|level|stufe|niveau|nivel|livello|impact|punkte)\b")
_FALLING_HEADER = re.compile(r"\b(?:tier|prio\w*|class|klasse|rank)\b")
_RANGE = re.compile(r"(\d)\s*(?:-|–|to|bis|à|a)\s*(\d{1,2})")
_MIN_PREFIX = 3


@dataclass(frozen=True, slots=True)
class _Ordinal:
    """Class that a text states by number: "Tier 2" is the second."""

    number: int
    word: str


def guess_choices(code: str, texts: Iterable[str], header: str = "") -> dict[str, Guess]:
    """Return {text: guess} for the distinct texts of a column; those without words are placed by
    the order of the column's scale."""
    parser = FIELDS[code].parse
    assert isinstance(parser, ChoiceParser)
    words = _Words(parser)
    guesses = {text: words.guess(text) for text in texts}
    scale = SCALES.get(code)
    if scale is None:
        return guesses
    ordinals = {text: found for text in guesses if (found := _read_ordinal(text)) is not None}
    placed = _place(code, scale, ordinals, guesses, header)
    return {
        text: guess if guess.certainty is not Certainty.NONE else placed.get(text, guess)
        for text, guess in guesses.items()
    }


class _Words:
    """Words of one field, in the forms that guesses need."""

    def __init__(self, parser: ChoiceParser) -> None:
        self._value_by_word = parser.value_by_word
        # {words of a text: value}, longest first
        self._phrases: list[tuple[tuple[str, ...], object]] = sorted(
            (
                (tuple(_WORD.findall(fold_header(text))), self._value_by_word[fold_word(text)])
                for text in parser.texts
            ),
            key=lambda phrase: -len(phrase[0]),
        )

    def guess(self, text: str) -> Guess:
        """Return the guess for one text by its words alone."""
        without_code = _CODE.sub("", text)
        without_brackets = _BRACKETS.sub(" ", without_code)
        for form in (text, without_code, without_brackets):
            word = fold_word(form)
            if word in self._value_by_word:
                return Guess(self._value_by_word[word], Certainty.CERTAIN)
        for match in _BRACKETS.finditer(text):
            if fold_word(match[1]) in self._value_by_word:
                return Guess(self._value_by_word[fold_word(match[1])], Certainty.LIKELY)
        clause = fold_word(_CLAUSE.split(without_code.strip())[0])
        if clause in self._value_by_word:
            return Guess(self._value_by_word[clause], Certainty.LIKELY)
        tokens = _WORD.findall(fold_header(without_brackets))
        if not tokens or _NEGATION & set(tokens):
            return Guess()
        values = self._values_within(tokens) or self._abbreviated(tokens)
        if len(values) == 1:
            return Guess(values[0], Certainty.LIKELY)
        return Guess()

    def _values_within(self, tokens: Sequence[str]) -> list[object]:
        """Return the values whose words stand in the text, without those inside longer ones."""
        taken = [False] * len(tokens)
        values: list[object] = []
        for phrase, value in self._phrases:
            n = len(phrase)
            if not n or (n == 1 and len(phrase[0]) < _MIN_PREFIX):
                continue
            for start in range(len(tokens) - n + 1):
                if tuple(tokens[start : start + n]) == phrase and not any(taken[start : start + n]):
                    taken[start : start + n] = [True] * n
                    if value not in values:
                        values.append(value)
        return values

    def _abbreviated(self, tokens: Sequence[str]) -> list[object]:
        """Return the values of texts whose words begin with these."""
        values: list[object] = []
        for phrase, value in self._phrases:
            if (
                len(phrase) == len(tokens)
                and all(
                    len(token) >= _MIN_PREFIX and word.startswith(token)
                    for token, word in zip(tokens, phrase, strict=True)
                )
                and value not in values
            ):
                values.append(value)
        return values


def _read_ordinal(text: str) -> _Ordinal | None:
    match = _ORDINAL.match(text.strip().casefold())
    if match is None:
        return None
    word = match["word"] or ""
    if match["digits"]:
        return _Ordinal(int(match["digits"]), word)
    if match["roman"]:
        return _Ordinal(_ROMAN[match["roman"]], word)
    return _Ordinal(ord(match["letter"]) - ord("a") + 1, word)


def _place(
    code: str,
    scale: Sequence[object],
    ordinals: Mapping[str, _Ordinal],
    guesses: Mapping[str, Guess],
    header: str,
) -> dict[str, Guess]:
    """Return {text: guess by order} for the texts that state a class by number."""
    if not ordinals:
        return {}
    # classes that their words explain tell where the scale begins and how it runs
    anchors = sorted(
        {
            (ordinal.number, scale.index(guesses[text].value))
            for text, ordinal in ordinals.items()
            if guesses[text].value in scale and guesses[text].certainty is not Certainty.NONE
        }
    )
    last = len(scale) - 1
    direction, first = _direction(code, ordinals, header)
    if len(anchors) > 1 and anchors[0][1] != anchors[-1][1]:
        direction = 1 if anchors[0][1] < anchors[-1][1] else -1
    placed = {}
    for text, ordinal in ordinals.items():
        if anchors:
            number, index = min(anchors, key=lambda anchor: abs(anchor[0] - ordinal.number))
            place = index + direction * (ordinal.number - number)
        else:
            place = direction * (ordinal.number - first)
        place = max(0, min(last, place))
        placed[text] = Guess(
            scale[place],
            Certainty.BY_ORDER,
            "Taken by its place on the scale of the column.",
        )
    return placed


def _direction(code: str, ordinals: Mapping[str, _Ordinal], header: str) -> tuple[int, int]:
    """Return (1 or -1, number of the first class of the scale), for columns without words."""
    numbers = {ordinal.number for ordinal in ordinals.values()}
    lowest = min(*numbers, 1) if numbers else 1
    if code != "application.criticality":
        return 1, lowest
    folded = fold_header(header, with_brackets=True)
    words = {ordinal.word for ordinal in ordinals.values()}
    is_rising = bool(words & _RISING) or (
        words == {""} and bool(_RISING_HEADER.search(folded)) and not _FALLING_HEADER.search(folded)
    )
    if not is_rising:
        return 1, lowest
    stated = _RANGE.search(header)
    return -1, max(*numbers, int(stated[2]) if stated else 0)
