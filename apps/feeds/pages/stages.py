"""Stages in the words of lifecycle pages."""

import re

from apps.feeds.pages.cells import one_line
from apps.feeds.pages.globs import matches

# Words of a stage column or a heading, more telling ones first: `STAGES` key, pattern.
_WORDS: tuple[tuple[str, "re.Pattern[str]"], ...] = (
    (
        "closed_to_new",
        re.compile(
            r"closed (?:to|for) new|no (?:longer|new)\b.{0,40}\bnew (?:cust|us)", re.IGNORECASE
        ),
    ),
    ("extended_access", re.compile(r"extended (?:access|support)", re.IGNORECASE)),
    (
        "retired",
        re.compile(
            r"\bretired\b|shut ?-?down|\beol\b|end[- ]of[- ]life|discontinued|removed"
            r"|decommissioned|offline|no longer available|sunset\b|\u5df2\u4e0b\u7ebf",
            re.IGNORECASE,
        ),
    ),
    (
        "deprecated",
        re.compile(r"deprecat|retiring|scheduled|phasing out|sunsetting|upcoming", re.IGNORECASE),
    ),
    ("legacy", re.compile(r"legacy", re.IGNORECASE)),
    (
        "preview",
        re.compile(r"preview|\bbeta\b|experimental|\balpha\b|early access", re.IGNORECASE),
    ),
    (
        "active",
        re.compile(
            r"\bactive\b|\bga\b|general(?:ly)? availab|current|stable|available|supported",
            re.IGNORECASE,
        ),
    ),
)
_MAX_LENGTH = 200


def stage_of_words(text: str) -> str:
    """Return the stage (a key of `STAGES`) that a cell names, "" if it names none."""
    plain = one_line(text)[:_MAX_LENGTH]
    for stage, words in _WORDS:
        if words.search(plain):
            return stage
    return ""


def stage_of_heading(path: tuple[str, ...], stages: dict[str, str]) -> str:
    """Return the stage of the nearest heading that fits a pattern of the mapping, else ""."""
    for title in reversed(path):
        for pattern, stage in stages.items():
            if matches(pattern, title):
                return stage
    return ""
