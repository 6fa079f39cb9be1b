"""Comparison candidates that a URL names, and those that may be added."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpRequest

from apps.catalog.models import Foundation, Provider
from apps.exposure.diligence.scorecards import MAX_CANDIDATES

MAX_SEARCH_RESULTS = 10
MIN_LETTERS = 2
KINDS: dict[str, type[Foundation] | type[Provider]] = {
    "foundation": Foundation,
    "provider": Provider,
}


@dataclass(frozen=True, slots=True)
class Candidates:
    """Candidates of one kind, in the order of the URL. `strange` are names in it that are
    unknown."""

    kind: str
    rows: tuple[Foundation | Provider, ...]
    strange: tuple[str, ...]
    too_many: bool

    @property
    def slugs(self) -> list[str]:
        return [row.slug for row in self.rows]

    @property
    def ids(self) -> list[int]:
        return [row.pk for row in self.rows]

    def query(self, slugs: Iterable[str] | None = None, **more: str) -> str:
        """The address's query with these candidates instead."""
        pairs = [(self.kind, slug) for slug in (self.slugs if slugs is None else slugs)]
        return f"?{urlencode([*pairs, *more.items()])}" if pairs or more else "?"


@dataclass(frozen=True, slots=True)
class CandidateHit:
    name: str
    note: str
    kind: str
    slug: str
    query: str


def read_candidates(request: HttpRequest) -> Candidates:
    """Return foundations, or else providers, at most MAX_CANDIDATES; two statements at most."""
    asked = {name: [*dict.fromkeys(filter(None, request.GET.getlist(name)))] for name in KINDS}
    kind = "provider" if asked["provider"] and not asked["foundation"] else "foundation"
    slugs = asked[kind]
    model: Any = KINDS[kind]
    found = model.objects.visible_to(request.user).filter(slug__in=slugs[: MAX_CANDIDATES + 1])
    if kind == "foundation":
        found = found.select_related("developer")
    known = {row.slug: row for row in found} if slugs else {}
    rows = [known[slug] for slug in slugs if slug in known]
    strange = [slug for slug in slugs[:MAX_CANDIDATES] if slug not in known]
    return Candidates(
        kind, tuple(rows[:MAX_CANDIDATES]), tuple(strange), too_many=len(slugs) > MAX_CANDIDATES
    )


def words_of(request: HttpRequest) -> str:
    return " ".join(request.GET.get("q", "").replace("\x00", "").split())[:100]


def search_candidates(words: str, *, already: Candidates, user: Any) -> list[CandidateHit]:
    """Search candidates of the kind already chosen, or of both: one statement per kind."""
    if len(words) < MIN_LETTERS:
        return []
    kinds: Sequence[str] = (already.kind,) if already.rows else tuple(KINDS)
    hits: list[CandidateHit] = []
    for kind in kinds:
        here = already if already.rows else Candidates(kind, (), (), too_many=False)
        rows: Iterable[Any]
        if kind == "foundation":
            rows = (
                Foundation.objects.visible_to(user)
                .filter(
                    Q(name__icontains=words)
                    | Q(line__icontains=words)
                    | Q(developer__name__icontains=words)
                )
                .exclude(pk__in=here.ids)
                .select_related("developer")
                .order_by("name", "pk")[:MAX_SEARCH_RESULTS]
            )
        else:
            rows = (
                Provider.objects.visible_to(user)
                .filter(Q(name__icontains=words) | Q(slug__icontains=words))
                .exclude(pk__in=here.ids)
                .order_by("name", "pk")[:MAX_SEARCH_RESULTS]
            )
        hits += [
            CandidateHit(
                row.name,
                note_of(row),
                kind,
                row.slug,
                here.query([*here.slugs, row.slug]),
            )
            for row in rows
        ]
    return hits


def note_of(row: Foundation | Provider) -> str:
    """The developer of a foundation, the roles of a provider."""
    return row.developer.name if isinstance(row, Foundation) else ", ".join(row.roles)
