"""Candidates for a person to choose from; approximate, and therefore never part of an answer."""

from dataclasses import dataclass
from difflib import SequenceMatcher

from apps.catalog.identity.resolver.index import KnownId, squash
from apps.catalog.identity.resolver.tokens import NUMBER, Tokens, tokens_of
from apps.catalog.identity.resolver.unwrap import unwrap


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A known id that looks like a string: `score` is 0..1, `reason` says what they share."""

    canonical: str
    score: float
    reason: str


def _overlap(ours: Tokens, theirs: Tokens) -> float:
    """Shared facts by all facts; words count double, because a shared number alone says little."""
    weight = {token: 1.0 if NUMBER.fullmatch(token) else 2.0 for token in (*ours, *theirs)}
    shared = set(ours) & set(theirs)
    return sum(weight[token] for token in shared) / sum(weight.values())


def suggest(
    known: dict[str, KnownId], raw: str, host_hint: str | None, limit: int
) -> list[Suggestion]:
    """The `limit` known ids most like `raw`, best first; one per group of synonyms; some 10 ms."""
    wrapped = unwrap(raw, host_hint)
    name = wrapped.names[0] if wrapped.names else raw.strip().lower().rpartition("/")[2]
    tokens = tokens_of(name)
    scored: list[tuple[float, KnownId, Tokens]] = []
    for entry in known.values():
        theirs = tokens_of(entry.slug.lower())
        overlap = _overlap(tokens, theirs) if tokens else 0.0
        if overlap == 0.0:
            continue
        if wrapped.developer is not None and wrapped.developer == entry.developer:
            overlap = min(1.0, overlap * 1.1)
        scored.append((overlap, entry, theirs))
    scored.sort(key=lambda item: (-item[0], item[1].id))
    refined = [
        (
            (2 * overlap + SequenceMatcher(None, squash(name), squash(entry.slug.lower())).ratio())
            / 3,
            entry,
            theirs,
        )
        for overlap, entry, theirs in scored[: 8 * limit]
    ]
    refined.sort(key=lambda item: (-item[0], item[1].id))
    chosen: list[Suggestion] = []
    seen: set[str] = set()
    for score, entry, theirs in refined:
        if entry.same_as in seen:
            continue
        seen.add(entry.same_as)
        shared = [token for token in theirs if token in tokens]
        missing = [token for token in tokens if token not in theirs]
        reason = f"shares {' '.join(shared)}" + (
            f"; does not have {' '.join(missing)}" if missing else ""
        )
        chosen.append(Suggestion(entry.id, round(score, 2), reason))
        if len(chosen) == limit:
            break
    return chosen
