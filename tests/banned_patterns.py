"""Words and constructions that no text for readers has, each with what to write instead.

One line each: a regular expression, and the fix. Texts of pages, emails, errors and the OpenAPI
document are held against them (tests/registry/test_plain_texts.py). Only what is wrong in every
text is listed; what depends on the subject is left to people.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pattern:
    expression: re.Pattern[str]
    fix: str


def _pattern(expression: str, fix: str) -> Pattern:
    return Pattern(re.compile(expression, re.IGNORECASE), fix)


# in any text
PATTERNS = (
    _pattern(r"\b(nobody|somebody|everybody|whoever)\b", "name the role: “No team editor has …”"),
    _pattern(
        r"(?<!\bthere )\b(is|are) no\b(?! longer\b| more\b| earlier\b| later\b)",
        "“X is not a valid Y.”",
    ),
    _pattern(r"\bneither\b.*\bnor\b", "“X is not a valid Y. Use …”, or two sentences"),
    _pattern(
        r"\b(stands?|lies|falls?|speaks?|rests?|leans?|goes) (on|of|to|in|at|there|for|further)\b",
        "“depends on”, “is attached to”, “is routed to”, “is based on”, “is escalated”",
    ),
    _pattern(r"\b(told|said)\b", "“notified”, “reported”"),
    _pattern(r"(^|[.:;] )say (why|what|which|who|whose|how|true|that)\b", "“Enter …”, “Select …”"),
    _pattern(r"(^|[.:;] )give (an?|the|it|one|either|another|its)\b", "“Enter …”, “Send …”"),
    _pattern(r"\bask (one of them|somebody|a colleague)\b", "“Contact a team editor.”"),
    _pattern(r"\b(keys?|tokens?|applications?) ends?\b", "tokens expire, models retire"),
    _pattern(r"\blos(e|es|ing) (a|its|their) models?\b", "“models retire”"),
    _pattern(r"\bof yours\b", "“your …”"),
    _pattern(r"\bsince \w+ days\b", "“for 3 days”"),
    _pattern(r"\bhas (expired|ended|retired) on\b", "“expired on”"),
    _pattern(r"\banew\b", "“again”"),
    _pattern(r"\ball the same\b", "“anyway”"),
    _pattern(r"\blikewise\b", "“also”"),
    _pattern(r"\bat once\b", "“immediately”"),
    _pattern(r"\bthe register\b(?! of information\b)", "“the registry”, “inventory”, “catalogue”"),
    _pattern(r"\boffices?\b", "“organisation role”"),
    _pattern(r"\bprograms?\b", "“service account”, “client”"),
    _pattern(r"\bsecond factors?\b", "“two-factor authentication”"),
    _pattern(r"(?<!single )\bsign-on\b", "“single sign-on (SSO)”"),
    _pattern(r"\be-mails?\b", "“email”"),
    _pattern(r"\brhythm\b", "“frequency”"),
    _pattern(r"\bsigns? of life\b", "“Send a digest even if nothing changed”"),
    _pattern(r"\bgrav(e|er|est)\b", "“most critical”, “most severe”"),
    _pattern(r"\b(take|takes|taken|took) back\b|\b(take|takes|took|taken) it back\b", "“undo”"),
    _pattern(r"\bon record\b", "“recorded”"),
    _pattern(r"\b(hand|hands|handed) on\b", "“inherited”"),
    _pattern(r"\bmoving names?\b", "“alias”"),
    _pattern(r"\b(way|ways) out\b", "“alternative”, “tested exit”"),
    _pattern(r"\bset aside\b", "“quarantined”"),
    _pattern(r"\blooked at\b", "“assessed”"),
    _pattern(r"\bAPI ids?\b", "“model ID”"),
    _pattern(
        r"\b(ca|wo|do|does|is|are|was|were|has|have|had|did|could|should|would|must)n['’]t\b"
        r"|\b(it|that|there|here|what|who|let)['’]s\b|\b(I|you|we|they)['’](m|re|ve|ll|d)\b",
        "no contractions: “cannot”, “is not”",
    ),
)

# in labels and descriptions, where a noun phrase is due
LABEL_PATTERNS = (
    _pattern(r"^(what|who|whom|whose|how|where)\b", "a noun: “Affected applications”"),
)


def hits(text: str, *, label: bool = False) -> Iterator[tuple[str, str]]:
    """Return each banned word of the text, as it is written there, and its fix."""
    for pattern in (*PATTERNS, *LABEL_PATTERNS) if label else PATTERNS:
        if found := pattern.expression.search(text):
            yield found[0].strip(" .:;"), pattern.fix
