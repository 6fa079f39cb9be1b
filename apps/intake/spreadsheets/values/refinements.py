"""Guesses of choices that words alone do not decide: interrupted applications, and two classes of
one scale that would mean the same."""

import re
from collections.abc import Mapping
from dataclasses import replace

from apps.intake.spreadsheets.columns.headers import fold_header
from apps.intake.spreadsheets.columns.vocabularies import PAUSED
from apps.intake.spreadsheets.limits import MAX_GUESSED_LENGTH
from apps.intake.spreadsheets.values.distinct import Certainty, Guess

PAUSED_STATUS = "Interrupted. Choose whether the application is in production, a pilot or retired."


def is_paused(text: str) -> bool:
    """Return whether a status says that an application is interrupted."""
    return _PAUSED.search(fold_header(text[:MAX_GUESSED_LENGTH])) is not None


_PAUSED_WORDS = sorted((fold_header(word) for word in PAUSED.split("; ")), key=len, reverse=True)
_PAUSED = re.compile(rf"^(?:{'|'.join(map(re.escape, _PAUSED_WORDS))})\b")


_STRONGER = re.compile(
    r"\b(?:highly|strictly|very|most|top|streng|strengstens|sehr|hoch|strictement|tres|"
    r"estrictamente|muy|altamente|strettamente|molto|altamente|strikt|zeer)\b"
)
_SECRET = re.compile(r"secret|geheim|secret[oa]|segret[oa]")
_SAME_CLASS = "Taken by its place on the scale of the column."


def order_classes(guesses: Mapping[str, Guess]) -> dict[str, Guess]:
    """Return the guesses of data classes; of two that would be the highest, the lower one is the
    class below it if no other text of the column is: Restricted beside Highly restricted."""
    highest = {
        text for text, guess in guesses.items() if guess.value == "secret" and not _is_code(text)
    }
    stronger = {
        text
        for text in highest
        if _STRONGER.search(fold_header(text)) or _SECRET.search(fold_header(text))
    }
    is_taken = any(
        guess.value == "confidential" and guess.certainty is not Certainty.NONE
        for guess in guesses.values()
    )
    if not stronger or stronger == highest or is_taken:
        return dict(guesses)
    return {
        text: replace(guess, value="confidential", certainty=Certainty.BY_ORDER, why=_SAME_CLASS)
        if text in highest - stronger
        else guess
        for text, guess in guesses.items()
    }


def _is_code(text: str) -> bool:
    return not any(map(str.isalpha, text))
