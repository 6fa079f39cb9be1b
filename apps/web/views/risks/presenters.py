"""Risks in words: headlines of the pages, levels, states, and the URL of a node's page."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.urls import reverse

from apps.catalog.models import Foundation, NodeKind, Offering, Provider, Region, Version
from apps.common.text import pluralize
from apps.risks.levels import Level
from apps.risks.queries.reach import RiskReach
from apps.web.pages.page import Headline
from apps.web.wording import long_day, number

SEVERITIES = {
    5: "Very high",
    4: "High",
    3: "Moderate",
    2: "Low",
    1: "Very low",
}
LIKELIHOODS = {
    1: "Rare",
    2: "Unlikely",
    3: "Possible",
    4: "Likely",
    5: "Almost certain",
}
IMPACTS = {
    1: "Negligible",
    2: "Minor",
    3: "Moderate",
    4: "Major",
    5: "Severe",
}
STATES = {
    "unassessed": "Unassessed",
    "stale": "Stale",
    "assessed": "Assessed",
    "not_applicable": "Not applicable",
}
# how a state is drawn, by the stylesheet
MARKS = {"unassessed": "open", "stale": "stale", "assessed": "done", "not_applicable": "done"}
VIAS = {
    "direct": "directly",
    "one_of": "as one of several it may be",
    "weights": "by its weights",
    "behaviour": "by its behaviour",
}


def register_headline(reach: RiskReach, *, whose: str = "", is_counted: bool = True) -> Headline:
    """State what is inherited, and how much of it is unassessed. `whose`: the one application
    selected."""
    if not is_counted:
        return Headline(
            "Inherited risks have not been counted yet. The figures follow within two minutes."
        )
    of_whom = f" by {whose}" if whose else ""
    if reach.n_inherited == 0:
        if whose:
            return Headline(f"Nothing is inherited by {whose} today.")
        return Headline(
            "Nothing is inherited yet: no open risk lies on anything your applications stand on."
        )
    start = pluralize(
        reach.n_inherited,
        f"One risk is inherited{of_whom}, and ",
        f"{number(reach.n_inherited)} risks are inherited{of_whom}; ",
    )
    stale = ""
    if reach.n_stale:
        stale = pluralize(
            reach.n_stale,
            f"; the assessment of {number(reach.n_stale)} is stale",
            f"; the assessments of {number(reach.n_stale)} are stale",
        )
    if reach.n_unassessed == 0:
        looked = "all of them are assessed" if reach.n_inherited > 1 else "it is assessed"
        return Headline(f"{start}{looked}{stale}.")
    if reach.n_unassessed == reach.n_inherited:
        mark = "none of them is assessed" if reach.n_inherited > 1 else "it is not assessed"
    else:
        mark = pluralize(
            reach.n_unassessed,
            f"{number(reach.n_unassessed)} is not assessed",
            f"{number(reach.n_unassessed)} are not assessed",
        )
    grave = ""
    if reach.n_critical_unassessed:
        grave = f", of which {number(reach.n_critical_unassessed)} on critical applications"
    return Headline(start, mark, f"{grave}{stale}.")


def foundation_risk_headline(
    name: str, node: str, reach: RiskReach, *, open_: bool, is_counted: bool = True
) -> Headline:
    if not open_:
        return Headline(f"{name} on {node} is over: nothing inherits it.")
    if not is_counted:
        return Headline(f"{name} lies on {node}. Who inherits it is counted within two minutes.")
    if reach.n_inherited == 0:
        return Headline(f"{name} lies on {node}; no application of yours inherits it.")
    start = pluralize(
        reach.n_inherited,
        f"{name} on {node} is inherited by one dependency",
        f"{name} on {node} is inherited by {number(reach.n_inherited)} dependencies",
    )
    if reach.n_unassessed == 0:
        return Headline(f"{start}, all of them assessed.")
    left = pluralize(
        reach.n_unassessed,
        f"{number(reach.n_unassessed)} is not assessed",
        f"{number(reach.n_unassessed)} are not assessed",
    )
    return Headline(f"{start}; ", left, ".")


def inherited_risk_headline(
    title: str, application: str, node: str, state: str, *, stale: str, until: date | None
) -> Headline:
    start = f"{application} inherits “{title}” from {node}"
    if state == "unassessed":
        return Headline(f"{start}; ", "nobody has looked at it", ".")
    if state == "stale":
        return Headline(f"{start}; ", "what was decided is stale", f": {stale}" if stale else ".")
    if state == "not_applicable":
        return Headline(f"{start}; it was found not to matter here.")
    if until:
        return Headline(f"{start}; accepted until {long_day(until)}.")
    return Headline(f"{start}; it has been assessed.")


def coverage_headline(taxonomy: str, n_open: int, n_entries: int) -> Headline:
    return Headline(
        f"{n_open} of the {n_entries} entries of {taxonomy} on record have open risks here."
    )


def describe_level(level: Level | None) -> str:
    """`4 likely x 5 severe`."""
    if level is None:
        return "–"
    likelihood = f"{level.likelihood} {LIKELIHOODS[level.likelihood]}"
    return f"{likelihood} × {level.impact} {IMPACTS[level.impact]}".lower()


def describe_severity(level: Level | None) -> str:
    return SEVERITIES[level.severity] if level else "–"


def describe_steps(n: int) -> str:
    """`+1`, `−2`, `0`."""
    return "0" if n == 0 else f"{n:+d}".replace("-", "−")


_MODELS: dict[str, type[Any]] = {
    "offering": Offering,
    "version": Version,
    "foundation": Foundation,
    "region": Region,
}


# columns by which people name things
_NODE_NAMES = {
    "offering": ("api_id",),
    "version": ("identifier",),
    "foundation": ("slug", "line", "name"),
    "region": ("name",),
}


def page_of_node(kind: str, thing: Any) -> str:
    """Return the page of an offering, foundation, version or provider; regions are shown by their
    host."""
    match kind:
        case "offering":
            return reverse("offerings:detail", args=[thing.pk])
        case "version":
            return reverse("foundations:detail", args=[thing.foundation.slug])
        case "foundation":
            return reverse("foundations:detail", args=[thing.slug])
        case "region":
            return reverse("providers:detail", args=[thing.host.slug])
    return reverse("providers:detail", args=[thing.slug])


def node_of_risk(kind: str, ref: int) -> Any | None:
    """What a node stands for; one statement."""
    related = {"offering": ("host", "version"), "version": ("foundation",), "region": ("host",)}
    things = _MODELS.get(kind, Provider)._default_manager.filter(pk=ref)
    if kind in related:
        things = things.select_related(*related[kind])
    return things.first()


def find_node(kind: NodeKind, words: str) -> tuple[Any | None, Sequence[str]]:
    """What people mean by `words`, a slug, name, identifier or id; or some of what it may be. Two
    statements."""
    model = _MODELS.get(kind.label, Provider)
    exact = _NODE_NAMES.get(kind.label, ("slug", "name"))
    manager = model._default_manager
    if words.isdecimal() and len(words) < 18:
        found = list(manager.filter(pk=int(words))[:1])
    else:
        found = []
        for column in exact:
            found = list(manager.filter(**{f"{column}__iexact": words})[:6])
            if found:
                break
    if len(found) == 1:
        return found[0], ()
    if found:
        return None, [f"{thing} ({thing.pk})" for thing in found]
    near = manager.filter(**{f"{exact[-1]}__icontains": words}).order_by(exact[-1])[:5]
    return None, [f"{thing} ({thing.pk})" for thing in near]
