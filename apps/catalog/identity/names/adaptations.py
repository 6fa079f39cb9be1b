"""Reads what a text says was built on a model: a fine-tune, an adapter, a model of its own."""

import re
from dataclasses import replace

from apps.catalog.identity.names import phrases
from apps.catalog.identity.names.families import Families
from apps.catalog.identity.names.mentions import Mention
from apps.catalog.identity.names.passages import Passage
from apps.catalog.identity.names.reading import Kind, Reading

_CUSTOM = re.compile(
    r"(?<![a-z])(?:custom|own|eigen\w*|propre|proprio|wlasny|in-house) (?:\w+ )?"
    r"(?:model|modell|modele|llm)|(?<![a-z])model\w* (?:propre|propio|proprio|wlasny|intern\w*)"
)
# Before the base, alone in brackets: `claims-v1 (Basis Llama 3.1 8B)`.
_BASE = re.compile(
    r"[(\[]\s*(?:(?:modele|modello|modelo|model) (?:de |di )?)?"
    r"(?:basis|base|baza|bazowy)(?: ?modell?)?[ :=]+$"
)
_OWN_NAME = re.compile(
    r"\"[^\"]{2,40}\"|(?<![a-z0-9])(?:called|named|genannt|namens|dit|llamado)(?![a-z0-9])"
)


def find_base_words(before: str) -> re.Match[str] | None:
    """Return the words before a name that say that something was built on it."""
    return phrases.BASED_ON.search(before) or _BASE.search(before)


def read_adaptation(
    mention: Mention, reading: Reading, text: Passage, families: Families
) -> Reading:
    """Return the reading with the adaptation that the text names, or unknown for an own model
    that is only built on the named one."""
    folded = text.folded
    line = reading.line or (
        reading.candidates[-1]
        if reading.kind is Kind.FAMILY and reading.candidates
        else reading.hint
    )
    is_open = bool(line) and families.lines[line].is_open
    before = folded[: mention.start]
    adaptation = phrases.ADAPTATION.search(folded)
    kind = (adaptation.lastgroup or "").replace("_", "-") if adaptation else ""
    if reading.kind is Kind.UNKNOWN:
        return replace(reading, adaptation=kind)
    based = find_base_words(before)
    derivative = phrases.DERIVATIVE.search(_without(folded, mention))
    if derivative and derivative.group() in mention.tokens:
        derivative = None
    own_name = _OWN_NAME.search(folded) if adaptation else None
    is_custom = based is not None and is_open and _CUSTOM.search(before)
    named_first = (
        based is not None
        and (is_open or kind)
        and re.search(r"[a-z]+[-_]?\d|[a-z]{3,}lm(?![a-z])", before[: based.start()])
    )
    if derivative or own_name or named_first or is_custom:
        reason = "is a model of its own" if not adaptation else "is an own model with its own name"
        return Reading(
            "",
            Kind.UNKNOWN,
            developer="",
            derived_from=line,
            adaptation=kind,
            why=f"The text {reason}, built on {line}. Its base is not the model.",
        )
    return replace(reading, adaptation=kind)


def _without(folded: str, mention: Mention) -> str:
    return folded[: mention.start] + " " + folded[mention.end :]
