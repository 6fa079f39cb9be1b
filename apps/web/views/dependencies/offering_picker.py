"""Offering picker: a search over thousands of offerings that works without JavaScript, results as
radio buttons.

Pages include `dependencies/picker.html` inside the form that needs the offering; its search box is
a form of its own, so that a page without JavaScript comes back with the results."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When
from django.http import HttpRequest

from apps.catalog.models import Lifecycle, Offering, Price
from apps.common.time import day_of, now
from apps.web.queries import prices_at

MAX_SEARCH_RESULTS = 15
_WORDS = 6
MAX_ALTERNATIVES = 8


@dataclass(frozen=True, slots=True)
class OfferingHit:
    """Offering with what helps to choose; `why` is the reason for a suggestion."""

    offering: Offering
    prices: dict[str, Price]
    why: str
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


def search_offerings(words: str) -> QuerySet[Offering]:
    """Search every word in the model ID, the foundation, its developer or the host; the exact ID
    first, retired ones last."""
    found = Offering.objects.filter(not_a_model=False)
    for word in words.split()[:_WORDS]:
        found = found.filter(
            Q(api_id__icontains=word)
            | Q(version__foundation__name__icontains=word)
            | Q(version__foundation__developer__name__icontains=word)
            | Q(host__name__icontains=word)
        )
    return found.annotate(
        place=Case(
            When(api_id__iexact=words.strip(), then=Value(0)),
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
    kept: Iterable[tuple[str, str]] = (),
) -> OfferingPicker:
    """Build the picker; three statements. `suggested` are (offering id or None, why); `kept` are
    fields the search form repeats."""
    query = request.GET.get("q", "")[:200]
    why: dict[int, str] = {}
    for pk, words in suggested:
        if pk is not None:
            why.setdefault(pk, words)
    if chosen is not None:
        why = {chosen: why.get(chosen, ""), **why}
    relations = ("host", "version__foundation__developer", "replacement")
    first = Offering.objects.select_related(*relations).in_bulk(list(why))
    found: list[Offering] = []
    if query.strip():
        found = list(
            search_offerings(query)
            .select_related(*relations)
            .exclude(pk__in=why)[: MAX_SEARCH_RESULTS + 1]
        )
    shown = [first[pk] for pk in why if pk in first] + found[:MAX_SEARCH_RESULTS]
    at = now()
    prices = prices_at(offerings=[row.pk for row in shown], at=at)
    return OfferingPicker(
        name=name,
        query=query,
        hits=tuple(
            OfferingHit(
                row,
                prices.get(row.pk, {}),
                why.get(row.pk, ""),
                row.is_retired(day_of(at)),
                row.pk == chosen,
            )
            for row in shown
        ),
        is_cut=len(found) > MAX_SEARCH_RESULTS,
        legend=legend,
        is_optional=is_optional,
        kept=tuple(kept),
    )


def number_in(text: Any) -> int | None:
    """Return an id of a URL or a field, None if it is none."""
    said = str(text or "")
    return int(said) if said.isdecimal() and len(said) < 19 else None


def suggest_replacements(dependency: Any) -> list[tuple[int | None, str]]:
    """Return suggested replacements for a dependency: (offering id, why); four statements."""
    offering = dependency.offering
    said: list[tuple[int | None, str]] = [
        (offering.replacement_id, "named as its replacement by the provider")
    ]
    plan = getattr(dependency, "exit_plan", None)
    if plan is not None:
        said.append((plan.target_id, "target of the exit plan"))
    for test in dependency.exit_tests.order_by("-tested_on", "-pk")[:5]:
        words = f"exit test of {test.tested_on.isoformat()}: {test.get_result_display().lower()}"
        said.append((test.target_id, words))
    fallbacks = dependency.application.dependencies.filter(
        role="fallback", until__isnull=True
    ).order_by("fallback_order", "pk")
    said += [
        (row.offering_id, "its fallback already")
        for row in fallbacks[:3]
        if row.pk != dependency.pk
    ]
    if offering.version_id:
        elsewhere = (
            Offering.objects.filter(
                version=offering.version_id, lifecycle__in=[Lifecycle.ACTIVE, Lifecycle.PREVIEW]
            )
            .exclude(host=offering.host_id)
            .order_by("host__name", "pk")
        )
        said += [(row.pk, "the same version at another host") for row in elsewhere[:3]]
    return [(pk, why) for pk, why in said if pk != offering.pk]
