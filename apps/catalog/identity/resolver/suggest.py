"""Suggestions of known IDs for a user to choose from; approximate, and therefore never part of a
resolution."""

from dataclasses import dataclass
from difflib import SequenceMatcher

from apps.catalog.identity.resolver.index import KnownId, squash
from apps.catalog.identity.resolver.tokens import NUMBER, Tokens, tokens_of
from apps.catalog.identity.resolver.unwrap import unwrap


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A known ID that resembles a string: `score` is 0..1, `reason` describes what they share."""

    canonical: str
    score: float
    reason: str


def _overlap(tokens: Tokens, other_tokens: Tokens) -> float:
    """Return the weight of shared tokens divided by that of all tokens; words count double, because
    a shared number alone means little."""
    weight = {token: 1.0 if NUMBER.fullmatch(token) else 2.0 for token in (*tokens, *other_tokens)}
    shared = set(tokens) & set(other_tokens)
    return sum(weight[token] for token in shared) / sum(weight.values())


def suggest(
    known_ids: dict[str, KnownId], raw: str, host_hint: str | None, limit: int
) -> list[Suggestion]:
    """Return the `limit` known IDs most similar to `raw`, best first, with one per group of
    synonyms; takes some 10 ms."""
    name_parts = unwrap(raw, host_hint)
    name = name_parts.names[0] if name_parts.names else raw.strip().lower().rpartition("/")[2]
    tokens = tokens_of(name)
    scores: list[tuple[float, KnownId, Tokens]] = []
    for entry in known_ids.values():
        entry_tokens = tokens_of(entry.slug.lower())
        overlap = _overlap(tokens, entry_tokens) if tokens else 0.0
        if overlap == 0.0:
            continue
        if name_parts.developer is not None and name_parts.developer == entry.developer:
            overlap = min(1.0, overlap * 1.1)
        scores.append((overlap, entry, entry_tokens))
    scores.sort(key=lambda item: (-item[0], item[1].id))
    refined_scores = [
        (
            (2 * overlap + SequenceMatcher(None, squash(name), squash(entry.slug.lower())).ratio())
            / 3,
            entry,
            entry_tokens,
        )
        for overlap, entry, entry_tokens in scores[: 8 * limit]
    ]
    refined_scores.sort(key=lambda item: (-item[0], item[1].id))
    suggestions: list[Suggestion] = []
    seen_ids: set[str] = set()
    for score, entry, entry_tokens in refined_scores:
        if entry.same_as in seen_ids:
            continue
        seen_ids.add(entry.same_as)
        shared_tokens = [token for token in entry_tokens if token in tokens]
        missing_tokens = [token for token in tokens if token not in entry_tokens]
        reason = f"shares {' '.join(shared_tokens)}" + (
            f"; does not have {' '.join(missing_tokens)}" if missing_tokens else ""
        )
        suggestions.append(Suggestion(entry.id, round(score, 2), reason))
        if len(suggestions) == limit:
            break
    return suggestions
