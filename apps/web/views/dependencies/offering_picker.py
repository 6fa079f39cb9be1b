"""Offering picker: a search over thousands of offerings that works without JavaScript, results as
radio buttons.

Pages include `dependencies/picker.html` inside the form that needs the offering; its search box is
a form of its own, so that a page without JavaScript comes back with the results."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When
from django.http import HttpRequest

from apps.catalog.capabilities.phrases import NOTHING_KNOWN
from apps.catalog.models import Lifecycle, Offering, Price
from apps.common.time import day_of, now
from apps.inventory.candidate_checks import (
    BreakKind,
    CandidateCheck,
    IntendedUse,
    check_candidates,
)
from apps.web.presenters.fit import FitMark, mark_fit
from apps.web.presenters.offering_stages import closed_phrases
from apps.web.queries import prices_at

MAX_SEARCH_RESULTS = 15
_MAX_SEARCH_TERMS = 6
MAX_ALTERNATIVES = 8


@dataclass(frozen=True, slots=True)
class OfferingHit:
    """Offering of the picker with its prices; `why` is the reason for a suggestion, `warnings` are
    phrases about what its use would violate or not solve. `fit` says whether it does what is used;
    None if that is not asked, or nothing is known of the use."""

    offering: Offering
    prices: dict[str, Price]
    why: str
    warnings: tuple[str, ...]
    is_over: bool
    is_chosen: bool
    fit: FitMark | None = None


@dataclass(frozen=True, slots=True)
class OfferingPicker:
    """Picker of an offering: `name` is the field; `chosen` and `suggested` are above the search
    results, which do not repeat them."""

    name: str
    query: str
    hits: tuple[OfferingHit, ...]
    is_cut: bool
    legend: str
    is_optional: bool
    kept: tuple[tuple[str, str], ...]
    # said once for all hits
    note: str = ""

    @property
    def compared(self) -> str:
        """Return the query that compares the foundations shown, with their scorecards."""
        slugs = dict.fromkeys(
            hit.offering.version.foundation.slug for hit in self.hits if hit.offering.version
        )
        return urlencode([("foundation", slug) for slug in list(slugs)[:MAX_ALTERNATIVES]])


def search_offerings(query: str) -> QuerySet[Offering]:
    """Search every word in the model ID, the foundation, its developer or the host; the exact ID
    first, retired ones last."""
    offerings = Offering.objects.model_ids().filter(not_a_model=False)
    for term in query.split()[:_MAX_SEARCH_TERMS]:
        offerings = offerings.filter(
            Q(api_id__icontains=term)
            | Q(version__foundation__name__icontains=term)
            | Q(version__foundation__developer__name__icontains=term)
            | Q(host__name__icontains=term)
        )
    return offerings.annotate(
        place=Case(
            When(api_id__iexact=query.strip(), then=Value(0)),
            When(lifecycle=Lifecycle.RETIRED, then=Value(3)),
            When(version__isnull=True, then=Value(2)),
            default=Value(1),
            output_field=IntegerField(),
        )
    ).order_by(
        "place", F("version__released_on").desc(nulls_last=True), "host__name", "api_id", "pk"
    )


def build_picker(
    request: HttpRequest,
    *,
    name: str,
    legend: str,
    chosen: int | None = None,
    suggested: Iterable[tuple[int | None, str]] = (),
    is_optional: bool = False,
    hidden_fields: Iterable[tuple[str, str]] = (),
    use: IntendedUse | None = None,
) -> OfferingPicker:
    """Build the picker; three statements, five more with a use. `suggested` are (offering ID or
    None, reason); `hidden_fields` are fields that the search form repeats.

    With a `use`, each offering is marked with what its choice would break, and with its fit."""
    query = request.GET.get("q", "")[:200]
    reasons: dict[int, str] = {}
    for pk, reason in suggested:
        if pk is not None:
            reasons.setdefault(pk, reason)
    if chosen is not None:
        reasons = {chosen: reasons.get(chosen, ""), **reasons}
    relations = ("host", "version__foundation__developer", "replacement")
    suggested_by_id = Offering.objects.select_related(*relations).in_bulk(list(reasons))
    matches: list[Offering] = []
    if query.strip():
        matches = list(
            search_offerings(query)
            .select_related(*relations)
            .exclude(pk__in=reasons)[: MAX_SEARCH_RESULTS + 1]
        )
    offerings = [suggested_by_id[pk] for pk in reasons if pk in suggested_by_id] + matches[
        :MAX_SEARCH_RESULTS
    ]
    at = now()
    prices = prices_at(offerings=[row.pk for row in offerings], at=at)
    checks = check_candidates(use, offerings, on=day_of(at)) if use is not None else {}
    closed = closed_phrases([row.pk for row in offerings], day_of(at))
    return OfferingPicker(
        name=name,
        query=query,
        hits=tuple(
            OfferingHit(
                row,
                prices.get(row.pk, {}),
                reasons.get(row.pk, ""),
                (*_describe_check(checks.get(row.pk)), *closed.get(row.pk, ())),
                row.is_retired(day_of(at)),
                row.pk == chosen,
                _mark_fit(checks.get(row.pk)),
            )
            for row in offerings
        ),
        is_cut=len(matches) > MAX_SEARCH_RESULTS,
        legend=legend,
        is_optional=is_optional,
        kept=tuple(hidden_fields),
        note=_describe_needs(checks),
    )


def _describe_check(check: CandidateCheck | None) -> tuple[str, ...]:
    """Return phrases about what the choice would break, and about approvals that it would be
    outside of. The fit has a mark of its own."""
    if check is None:
        return ()
    breaks = [found.phrase for found in check.breaks if found.kind != BreakKind.CAPABILITY]
    limits = [
        "outside its approval" if obstacle.certain else "might be outside its approval"
        for obstacle in check.obstacles
        if "blocked" not in obstacle.grounds
    ]
    return tuple(dict.fromkeys([*breaks, *limits]))


def _mark_fit(check: CandidateCheck | None) -> FitMark | None:
    return mark_fit(check.fit) if check is not None and check.fit.items else None


def _describe_needs(checks: Mapping[int, CandidateCheck]) -> str:
    """Return that nothing is known of the use, which no hit says for itself."""
    if checks and not any(check.fit.items for check in checks.values()):
        return NOTHING_KNOWN
    return ""


def number_in(text: Any) -> int | None:
    """Parse the ID in a URL or form field; None if the text is not a valid ID."""
    digits = str(text or "")
    return int(digits) if digits.isdecimal() and len(digits) < 19 else None


def suggest_replacements(dependency: Any) -> list[tuple[int | None, str]]:
    """Return suggested replacements for a dependency: (offering ID, reason); four statements."""
    offering = dependency.offering
    suggestions: list[tuple[int | None, str]] = [
        (offering.replacement_id, "replacement named by the provider")
    ]
    plan = getattr(dependency, "exit_plan", None)
    if plan is not None:
        suggestions.append((plan.target_id, "target of the exit plan"))
    for test in dependency.exit_tests.order_by("-tested_on", "-pk")[:5]:
        test_text = (
            f"exit test of {test.tested_on.isoformat()}: {test.get_result_display().lower()}"
        )
        suggestions.append((test.target_id, test_text))
    fallbacks = dependency.application.dependencies.filter(
        role="fallback", until__isnull=True
    ).order_by("fallback_order", "pk")
    suggestions += [
        (row.offering_id, "already its fallback")
        for row in fallbacks[:3]
        if row.pk != dependency.pk
    ]
    if offering.version_id:
        same_version_offerings = (
            Offering.objects.model_ids()
            .filter(
                version=offering.version_id, lifecycle__in=[Lifecycle.ACTIVE, Lifecycle.PREVIEW]
            )
            .exclude(host=offering.host_id)
            .order_by("host__name", "pk")
        )
        suggestions += [
            (row.pk, "same version on another host") for row in same_version_offerings[:3]
        ]
    return [(pk, reason) for pk, reason in suggestions if pk != offering.pk]
