"""The difference of two texts, bounded in size."""

import hashlib
from dataclasses import dataclass
from difflib import unified_diff

# Bytes of a difference that an event stores; longer ones end with a sentence.
MAX_DIFFERENCE_LENGTH = 20_000
_MAX_LINES = 4000
_MAX_LINE_LENGTH = 600
_CONTEXT_LINES = 1


@dataclass(frozen=True, slots=True)
class TextDifference:
    """A unified difference, and the numbers of lines added and removed."""

    text: str
    n_added: int
    n_removed: int


def digest_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def compare_texts(before: str, now: str) -> TextDifference:
    """Return the difference of two texts by lines."""
    lines = list(
        unified_diff(
            before.splitlines()[:_MAX_LINES],
            now.splitlines()[:_MAX_LINES],
            n=_CONTEXT_LINES,
            lineterm="",
        )
    )[2:]
    n_added = sum(line.startswith("+") for line in lines)
    n_removed = sum(line.startswith("-") for line in lines)
    text = "\n".join(line[:_MAX_LINE_LENGTH] for line in lines)
    if len(text) > MAX_DIFFERENCE_LENGTH:
        cut = text[:MAX_DIFFERENCE_LENGTH].rpartition("\n")[0]
        text = f"{cut}\nThe difference is longer. Compare the stored bodies of the feed runs."
    return TextDifference(text, n_added, n_removed)


__all__ = ["TextDifference", "compare_texts", "digest_text"]
