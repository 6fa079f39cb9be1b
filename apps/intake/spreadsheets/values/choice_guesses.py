"""Guesses of choices: what "C3 - Confidential", "Strictly conf." or "Tier 2" mean, by the words of
the field, and by their place on the scale of the column."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from apps.intake.spreadsheets.columns.fields import FIELDS, ChoiceParser
from apps.intake.spreadsheets.columns.headers import fold_header
from apps.intake.spreadsheets.columns.legends import ORDINAL_WORDS, key_of
from apps.intake.spreadsheets.columns.values import YES_WORDS, fold_word
from apps.intake.spreadsheets.columns.vocabularies import SCALES
from apps.intake.spreadsheets.limits import MAX_GUESSED_LENGTH
from apps.intake.spreadsheets.values.distinct import Certainty, Guess
from apps.intake.spreadsheets.values.refinements import (
    PAUSED_STATUS,
    is_paused,
    order_classes,
)

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
# a letter or Roman number stands alone, or after a word for classes
_ORDINAL = re.compile(
    r"^(?:(?P<word>[a-z]{0,14}?)[ ._-]*(?P<digits>\d{1,2})|"
    rf"(?:(?P<class>{ORDINAL_WORDS})[ ._-]+)?(?:(?P<roman>i{{1,3}}|iv|v)|(?P<letter>[a-f])))"
    r"(?![a-z0-9])"
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
_FALLING_HEADER = re.compile(
    r"\b(?:tier(?:ing)?|prio\w*|class|classe|clase|klas|rank|rang)\b|klasse\b"
)
# headers with which letters without a word are classes in order
_CLASS_HEADER = re.compile(
    r"\b(?:tier|class|classe|clase|klas|level|niveau|nivel|livello)\b|klasse\b|stufe\b"
)
_HIGHEST = re.compile(
    r"\b(?:highest|most|ma(?:x|ss)im\w+|max|top|hochste[rns]?|am hochsten|"
    r"(?:la |le )?plus (?:eleve|fort|haut|critique|grave)\w*|"
    r"mas (?:alt|critic)\w*|piu (?:alt|critic)\w*|hoogste?|meest \w+|"
    r"very high|sehr hoch|sehr kritisch)\b"
)
_LOWEST = re.compile(
    r"\b(?:lowest|least|minim\w+|min|niedrigste[rns]?|geringste[rns]?|am niedrigsten|"
    r"(?:la |le )?(?:plus|moins) (?:faible|bas|critique|eleve|grave)\w*|mas baj\w*|menos \w+|"
    r"piu bass\w*|meno \w+|laagste?|minst \w+|very low|sehr gering|sehr niedrig)\b"
)
UNSTATED_SCALE = "The file does not say which end of the scale is the highest."
_RANGE = re.compile(r"(\d)\s*(?:-|–|to|bis|à|a)\s*(\d{1,2})")
_MIN_PREFIX = 3


@dataclass(frozen=True, slots=True)
class _Ordinal:
    """Class that a text states by number: "Tier 2" is the second."""

    number: int
    word: str
    is_roman: bool = False


def guess_choices(
    code: str, texts: Iterable[str], header: str = "", legend: Mapping[str, str] | None = None
) -> dict[str, Guess]:
    """Return {text: guess} for the distinct texts of a column. Those without words are read by the
    legend of the file, {key: words}, else placed by the order of the column's scale."""
    words = words_of(code)
    guesses = {text: words.guess(text) for text in texts}
    if code == "application.status":
        guesses = {
            text: Guess(why=PAUSED_STATUS)
            if guess.certainty is not Certainty.CERTAIN and is_paused(text)
            else guess
            for text, guess in guesses.items()
        }
    elif code == "application.data_classification":
        guesses = order_classes(guesses)
    if code == "application.status" and _LIVE_HEADER.search(fold_header(header)):
        guesses = {
            text: _guess_live(text) if guess.certainty is Certainty.NONE else guess
            for text, guess in guesses.items()
        }
    scale = SCALES.get(code)
    if scale is None:
        return guesses
    placed: dict[str, Guess] = {}
    if legend:
        placed = _place_by_legend(scale, guesses, words, legend)
    if not placed:
        ordinals = {text: found for text in guesses if (found := _read_ordinal(text)) is not None}
        placed = _place(code, scale, ordinals, guesses, header)
    return {
        text: guess if guess.certainty is not Certainty.NONE else placed.get(text, guess)
        for text, guess in guesses.items()
    }


@cache
def words_of(code: str) -> "ChoiceWords":
    """Return the words of a field with choices."""
    parser = FIELDS[code].parse
    assert isinstance(parser, ChoiceParser)
    return ChoiceWords(parser)


_LIVE_HEADER = re.compile(
    r"\b(?:live|productive?|produktiv|in (?:use|production|betrieb|gebruik|uso))\b"
)


def _guess_live(text: str) -> Guess:
    """Return the status by an answer to "Live?"; "no" does not say which other one it is."""
    if text.casefold() in YES_WORDS:
        return Guess("production", Certainty.LIKELY, "Yes to the question of the header.")
    return Guess()


class ChoiceWords:
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
        text = text[:MAX_GUESSED_LENGTH]
        without_code = _CODE.sub("", text)
        without_brackets = _BRACKETS.sub(" ", without_code)
        for form in (text, without_code, without_brackets):
            word = fold_word(form)
            if word in self._value_by_word:
                # what the brackets say can limit it
                is_whole = form is not without_brackets or form == without_code
                certainty = Certainty.CERTAIN if is_whole else Certainty.LIKELY
                return Guess(self._value_by_word[word], certainty)
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


def _place_by_legend(
    scale: Sequence[object],
    guesses: Mapping[str, Guess],
    words: ChoiceWords,
    legend: Mapping[str, str],
) -> dict[str, Guess]:
    """Return {text: guess} by what the legend says of its key; keys that it leaves out are placed
    between those that it explains."""
    anchors = _anchors_of(scale, words, legend)
    if not anchors:
        return {}
    placed = {}
    for text in guesses:
        key = key_of(text)
        if key in legend and key in anchors:
            placed[text] = Guess(
                scale[anchors[key]],
                Certainty.LIKELY,
                f"The legend of the file says: {key} = {legend[key]}.",
            )
        elif key.isdigit() and (place := _interpolate(int(key), anchors, len(scale))) is not None:
            placed[text] = Guess(
                scale[place], Certainty.BY_ORDER, "Taken by its place in the legend of the file."
            )
    return placed


def _anchors_of(
    scale: Sequence[object], words: ChoiceWords, legend: Mapping[str, str]
) -> dict[str, int]:
    """Return {key: place on the scale} of the phrases that have a meaning. The ends of a scale of
    which only the ends are explained are the ends of the field's scale."""
    last = len(scale) - 1
    top, bottom = (0, last) if scale == SCALES["application.criticality"] else (last, 0)
    anchors: dict[str, int] = {}
    for key, phrase in legend.items():
        if _LOWEST.search(phrase):
            anchors[key] = bottom
        elif _HIGHEST.search(phrase):
            anchors[key] = top
        else:
            guess = words.guess(phrase)
            if guess.value in scale and guess.certainty is not Certainty.NONE:
                anchors[key] = scale.index(guess.value)
    numbers = sorted(int(key) for key in anchors if key.isdigit())
    if len(numbers) == 2 and numbers[1] - numbers[0] > 1 and len(legend) == 2:
        low, high = (anchors[str(number)] for number in numbers)
        if low != high:
            ends = (0, last) if low < high else (last, 0)
            anchors |= {str(numbers[0]): ends[0], str(numbers[1]): ends[1]}
    return anchors


def _interpolate(number: int, anchors: Mapping[str, int], n_places: int) -> int | None:
    """Return the place of a number between or beside the explained ones; None if one of them alone
    does not give a direction."""
    known = sorted((int(key), place) for key, place in anchors.items() if key.isdigit())
    if not known:
        return None
    if len(known) == 1:
        first, place = known[0]
        if place not in (0, n_places - 1):
            return None
        direction = 1 if place == 0 else -1
        return max(0, min(n_places - 1, place + direction * abs(number - first)))
    below = [pair for pair in known if pair[0] < number] or known[:1]
    above = [pair for pair in known if pair[0] > number] or known[-1:]
    (low, low_place), (high, high_place) = below[-1], above[0]
    if low >= high:
        (low, low_place), (high, high_place) = known[0], known[-1]
    share = (number - low) / (high - low)
    # halves go to the less critical of two
    place = math.floor(low_place + share * (high_place - low_place) + 0.5)
    return max(0, min(n_places - 1, place))


def _read_ordinal(text: str) -> _Ordinal | None:
    match = _ORDINAL.match(text.strip().casefold())
    if match is None:
        return None
    word = match["word"] or match["class"] or ""
    if match["digits"]:
        return _Ordinal(int(match["digits"]), word)
    if match["roman"]:
        return _Ordinal(_ROMAN[match["roman"]], word, is_roman=True)
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
    folded = fold_header(header, with_brackets=True)
    placed = {}
    for text, ordinal in ordinals.items():
        if not anchors and not _states_order(text, ordinal, folded, code):
            placed[text] = Guess(None, Certainty.NONE, UNSTATED_SCALE)
            continue
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


def _states_order(text: str, ordinal: _Ordinal, header: str, code: str) -> bool:
    """Return whether the text or the header says how the scale runs, without a legend."""
    if ordinal.word or ordinal.is_roman:
        return True
    if not text.strip()[:1].isdigit():
        return bool(_CLASS_HEADER.search(header))
    return code == "application.criticality" and bool(_FALLING_HEADER.search(header))


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
