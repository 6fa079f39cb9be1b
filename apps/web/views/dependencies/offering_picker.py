"""Offering picker: a search over thousands of offerings that works without JavaScript, results as
radio buttons.

Pages include `dependencies/picker.html` inside the form that needs the offering; its search box is
a form of its own, so that a page without JavaScript comes back with the results."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When
from django.http import HttpRequest

from apps.catalog.models import DateKind, Lifecycle, Offering, Price
from apps.common.time import day_of, now
from apps.inventory.governance.violations import ConsideredUse, obstacles_to_uses
from apps.inventory.models import Application
from apps.web.presenters.offering_stages import closed_phrases
from apps.web.queries import prices_at

MAX_SEARCH_RESULTS = 15
_MAX_SEARCH_TERMS = 6
MAX_ALTERNATIVES = 8


@dataclass(frozen=True, slots=True)
class OfferingHit:
    """Offering of the picker with its prices; `why` is the reason for a suggestion, `warnings` are
    phrases about what its use would violate or not solve."""

    offering: Offering
    prices: dict[str, Price]
    why: str
    warnings: tuple[str, ...]
    is_over: bool
    is_chosen: bool


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
    application: Application | None = None,
    replaced: Offering | None = None,
) -> OfferingPicker:
    """Build the picker; three statements, two more with an application. `suggested` are (offering
    ID or None, reason); `hidden_fields` are fields that the search form repeats.

    With an `application`, offerings that its approvals block or restrict are marked; with the
    `replaced` offering, those that retire with or before it."""
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
    violations = _list_violations(application, offerings, day_of(at))
    closed = closed_phrases([row.pk for row in offerings], day_of(at))
    return OfferingPicker(
        name=name,
        query=query,
        hits=tuple(
            OfferingHit(
                row,
                prices.get(row.pk, {}),
                reasons.get(row.pk, ""),
                (
                    *violations.get(row.pk, ()),
                    *_describe_retirement(row, replaced),
                    *closed.get(row.pk, ()),
                ),
                row.is_retired(day_of(at)),
                row.pk == chosen,
            )
            for row in offerings
        ),
        is_cut=len(matches) > MAX_SEARCH_RESULTS,
        legend=legend,
        is_optional=is_optional,
        kept=tuple(hidden_fields),
    )


def _list_violations(
    application: Application | None, offerings: Iterable[Offering], today: date
) -> dict[int, list[str]]:
    """Return {offering: phrases about the approvals that its use would violate}; two statements at
    most."""
    if application is None:
        return {}
    uses = [ConsideredUse(row.pk) for row in offerings]
    obstacles, _decided = obstacles_to_uses(application=application, uses=uses, on=today)
    return {
        use.offering: list(
            dict.fromkeys(
                "blocked by an approval"
                if "blocked" in obstacle.grounds
                else "outside its approval"
                if obstacle.certain
                else "might be outside its approval"
                for obstacle in of_use
            )
        )
        for use, of_use in obstacles.items()
    }


def _describe_retirement(offering: Offering, replaced: Offering | None) -> tuple[str, ...]:
    """Return a phrase if the offering retires with or before the one that it would replace."""
    if replaced is None or replaced.retires_on is None or offering.retires_on is None:
        return ()
    if offering.date_kind == DateKind.NOT_BEFORE or offering.retires_on > replaced.retires_on:
        return ()
    if offering.retires_on == replaced.retires_on:
        return (f"retires on the same date as {replaced.api_id}",)
    return (f"retires before {replaced.api_id}",)


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
