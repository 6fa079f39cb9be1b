"""Comparison candidates that a URL names, and those that may be added."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpRequest

from apps.catalog.models import Foundation, Offering, OfferingKind, Provider
from apps.exposure.diligence.scorecards import MAX_CANDIDATES

MAX_SEARCH_RESULTS = 10
MIN_LETTERS = 2
type Candidate = Foundation | Provider | Offering
KINDS: dict[str, type[Candidate]] = {
    "foundation": Foundation,
    "offering": Offering,
    "provider": Provider,
}


@dataclass(frozen=True, slots=True)
class Candidates:
    """Candidates of one kind, in the order of the URL; the slug of an offering is its ID. `strange`
    are the unknown slugs of the URL."""

    kind: str
    rows: tuple[Candidate, ...]
    strange: tuple[str, ...]
    too_many: bool

    @property
    def slugs(self) -> list[str]:
        return [slug_of(row) for row in self.rows]

    @property
    def ids(self) -> list[int]:
        return [row.pk for row in self.rows]

    def query(self, slugs: Iterable[str] | None = None, **parameters: str) -> str:
        """Return the query string of the page with these candidates, or with other ones."""
        candidates = [(self.kind, slug) for slug in (self.slugs if slugs is None else slugs)]
        return (
            f"?{urlencode([*candidates, *parameters.items()])}" if candidates or parameters else "?"
        )


@dataclass(frozen=True, slots=True)
class CandidateHit:
    name: str
    note: str
    kind: str
    slug: str
    query: str


def read_candidates(request: HttpRequest) -> Candidates:
    """Return the foundations that the URL names, or else the offerings or the providers, at most
    MAX_CANDIDATES; two statements at most."""
    slugs_by_kind = {
        name: [*dict.fromkeys(filter(None, request.GET.getlist(name)))] for name in KINDS
    }
    kind = next((name for name in KINDS if slugs_by_kind[name]), "foundation")
    slugs = slugs_by_kind[kind]
    model: Any = KINDS[kind]
    named = slugs[: MAX_CANDIDATES + 1]
    candidates = model.objects.visible_to(request.user)
    if kind == "offering":
        ids = [int(slug) for slug in named if slug.isdecimal() and len(slug) < 19]
        candidates = candidates.model_ids().filter(pk__in=ids).select_related("host")
    else:
        candidates = candidates.filter(slug__in=named)
    if kind == "foundation":
        candidates = candidates.select_related("developer")
    rows_by_slug = {slug_of(row): row for row in candidates} if slugs else {}
    rows = [rows_by_slug[slug] for slug in slugs if slug in rows_by_slug]
    unknown_slugs = [slug for slug in slugs[:MAX_CANDIDATES] if slug not in rows_by_slug]
    return Candidates(
        kind,
        tuple(rows[:MAX_CANDIDATES]),
        tuple(unknown_slugs),
        too_many=len(slugs) > MAX_CANDIDATES,
    )


def read_search_text(request: HttpRequest) -> str:
    return " ".join(request.GET.get("q", "").replace("\x00", "").split())[:100]


def search_candidates(text: str, *, candidates: Candidates, user: Any) -> list[CandidateHit]:
    """Search further candidates of the kind of `candidates`, or of both kinds if it is empty; one
    statement per kind."""
    if len(text) < MIN_LETTERS:
        return []
    kinds: Sequence[str] = (candidates.kind,) if candidates.rows else tuple(KINDS)
    hits: list[CandidateHit] = []
    for kind in kinds:
        selected = candidates if candidates.rows else Candidates(kind, (), (), too_many=False)
        rows: Iterable[Any]
        if kind == "foundation":
            rows = (
                Foundation.objects.visible_to(user)
                .filter(
                    Q(name__icontains=text)
                    | Q(line__icontains=text)
                    | Q(developer__name__icontains=text)
                )
                .exclude(pk__in=selected.ids)
                .select_related("developer")
                .order_by("name", "pk")[:MAX_SEARCH_RESULTS]
            )
        elif kind == "offering":
            rows = (
                Offering.objects.visible_to(user)
                .filter(kind=OfferingKind.MODEL_ID, not_a_model=False, api_id__icontains=text)
                .exclude(pk__in=selected.ids)
                .select_related("host")
                .order_by("api_id", "host__name", "pk")[:MAX_SEARCH_RESULTS]
            )
        else:
            rows = (
                Provider.objects.visible_to(user)
                .filter(Q(name__icontains=text) | Q(slug__icontains=text))
                .exclude(pk__in=selected.ids)
                .order_by("name", "pk")[:MAX_SEARCH_RESULTS]
            )
        hits += [
            CandidateHit(
                label_of(row),
                note_of(row),
                kind,
                slug_of(row),
                selected.query([*selected.slugs, slug_of(row)]),
            )
            for row in rows
        ]
    return hits


def slug_of(row: Candidate) -> str:
    """Return what names the candidate in a URL."""
    return str(row.pk) if isinstance(row, Offering) else row.slug


def label_of(row: Candidate) -> str:
    return row.api_id if isinstance(row, Offering) else row.name


def note_of(row: Candidate) -> str:
    """Return the developer of a foundation, the host of an offering, or the roles of a provider."""
    if isinstance(row, Offering):
        return ", ".join(filter(None, (row.host.name, row.region_scope, row.service_tier)))
    return row.developer.name if isinstance(row, Foundation) else ", ".join(row.roles)
