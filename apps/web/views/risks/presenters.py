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
# CSS class of the mark of each state
MARKS = {"unassessed": "open", "stale": "stale", "assessed": "done", "not_applicable": "done"}
VIAS = {
    "direct": "directly",
    "one_of": "as one of several it may be",
    "weights": "by its weights",
    "behaviour": "by its behaviour",
}


def register_headline(
    reach: RiskReach, *, application: str = "", is_counted: bool = True
) -> Headline:
    """Describe the inherited risks and the unassessed ones; `application` is the name of the only
    one shown, if filtered."""
    if not is_counted:
        return Headline("Inherited risks are being counted. The figures appear within 2 minutes.")
    by_application = f" by {application}" if application else ""
    if reach.n_inherited == 0:
        if application:
            return Headline(f"{application} inherits no open risk today.")
        return Headline(
            "No inherited risks yet: no open risk is attached to what your applications depend on."
        )
    start = pluralize(
        reach.n_inherited,
        f"1 risk is inherited{by_application}, and ",
        f"{number(reach.n_inherited)} risks are inherited{by_application}: ",
    )
    stale = ""
    if reach.n_stale:
        stale = pluralize(
            reach.n_stale,
            f"; the assessment of {number(reach.n_stale)} is stale",
            f"; the assessments of {number(reach.n_stale)} are stale",
        )
    if reach.n_unassessed == 0:
        assessed = "all of them are assessed" if reach.n_inherited > 1 else "it is assessed"
        return Headline(f"{start}{assessed}{stale}.")
    if reach.n_unassessed == reach.n_inherited:
        unassessed = "none of them is assessed" if reach.n_inherited > 1 else "it is not assessed"
    else:
        unassessed = pluralize(
            reach.n_unassessed,
            f"{number(reach.n_unassessed)} is not assessed",
            f"{number(reach.n_unassessed)} are not assessed",
        )
    critical = ""
    if reach.n_critical_unassessed:
        critical = f", of which {number(reach.n_critical_unassessed)} on critical applications"
    return Headline(start, unassessed, f"{critical}{stale}.")


def groups_headline(
    reach: RiskReach, n_groups: int, *, is_filtered: bool, is_counted: bool
) -> Headline:
    """Describe the groups of the register and what is undecided in them."""
    if not is_counted or n_groups == 0:
        if is_filtered and is_counted:
            return Headline("No inherited risks match these filters.")
        return register_headline(reach, is_counted=is_counted)
    match = " match these filters" if is_filtered else ""
    if reach.n_unassessed + reach.n_stale == 0:
        return Headline(
            pluralize(
                reach.n_inherited,
                f"1 inherited risk{'' if not match else ' matches these filters'}. It is assessed.",
                f"{number(reach.n_inherited)} inherited risks{match}. All are assessed.",
            )
        )
    start = pluralize(
        n_groups,
        "1 group has ",
        f"{number(n_groups)} groups{match} and have "
        if is_filtered
        else f"{number(n_groups)} groups have ",
    )
    n_undecided = reach.n_unassessed + reach.n_stale
    undecided = pluralize(
        n_undecided,
        "1 inherited risk to decide",
        f"{number(n_undecided)} inherited risks to decide",
    )
    parts = [f"{number(reach.n_unassessed)} unassessed"]
    if reach.n_critical_unassessed:
        parts[0] += f", {number(reach.n_critical_unassessed)} of them on critical applications"
    if reach.n_stale:
        parts.append(f"{number(reach.n_stale)} stale")
    return Headline(start, undecided, f": {'; '.join(parts)}.")


def matches_headline(count: str) -> Headline:
    return Headline(
        "1 inherited risk matches these filters."
        if count == "1"
        else f"{count} inherited risks match these filters."
    )


def foundation_risk_headline(
    name: str, node: str, reach: RiskReach, *, open_: bool, is_counted: bool = True
) -> Headline:
    """Return the headline of a foundation risk. `open_` is False if it has ended; `is_counted` is
    False until a new risk is counted."""
    if not open_:
        return Headline(f"{name} on {node} is closed. No dependency inherits it.")
    if not is_counted:
        return Headline(
            f"{name} is attached to {node}. Its dependencies are counted within 2 minutes."
        )
    if reach.n_inherited == 0:
        return Headline(f"{name} is attached to {node}. No dependency of your teams inherits it.")
    start = pluralize(
        reach.n_inherited,
        f"{name} on {node} is inherited by 1 dependency",
        f"{name} on {node} is inherited by {number(reach.n_inherited)} dependencies",
    )
    if reach.n_unassessed == 0:
        return Headline(f"{start}, all of them assessed.")
    unassessed = pluralize(
        reach.n_unassessed,
        f"{number(reach.n_unassessed)} is not assessed",
        f"{number(reach.n_unassessed)} are not assessed",
    )
    return Headline(f"{start}; ", unassessed, ".")


def inherited_risk_headline(
    title: str, application: str, node: str, state: str, *, stale: str, until: date | None
) -> Headline:
    start = f"{application} inherits “{title}” from {node}"
    if state == "unassessed":
        return Headline(f"{start}. ", "The risk is unassessed", ".")
    if state == "stale":
        return Headline(f"{start}. ", "The assessment is stale", f": {stale}" if stale else ".")
    if state == "not_applicable":
        return Headline(f"{start}. The risk was assessed as not applicable.")
    if until:
        return Headline(f"{start}. Accepted until {long_day(until)}.")
    return Headline(f"{start}. The risk is assessed.")


def coverage_headline(taxonomy: str, n_open: int, n_entries: int) -> Headline:
    return Headline(
        f"{n_open} of the {n_entries} recorded entries of {taxonomy} have open risks here."
    )


def describe_level(level: Level | None) -> str:
    """Return a text such as `4 likely × 5 severe`."""
    if level is None:
        return "–"
    likelihood = f"{level.likelihood} {LIKELIHOODS[level.likelihood]}"
    return f"{likelihood} × {level.impact} {IMPACTS[level.impact]}".lower()


def describe_severity(level: Level | None) -> str:
    return SEVERITIES[level.severity] if level else "–"


def describe_steps(n: int) -> str:
    """Return a signed number: `+1`, `−2` or `0`."""
    return "0" if n == 0 else f"{n:+d}".replace("-", "−")


_MODELS: dict[str, type[Any]] = {
    "offering": Offering,
    "version": Version,
    "foundation": Foundation,
    "region": Region,
}


# columns in which `find_node` searches
_NODE_NAMES = {
    "offering": ("api_id",),
    "version": ("identifier",),
    "foundation": ("slug", "line", "name"),
    "region": ("name",),
}


def page_of_node(kind: str, node: Any) -> str:
    """Return the URL of the page of a node; a region is shown on the page of its host."""
    match kind:
        case "offering":
            return reverse("offerings:detail", args=[node.pk])
        case "version":
            return reverse("foundations:detail", args=[node.foundation.slug])
        case "foundation":
            return reverse("foundations:detail", args=[node.slug])
        case "region":
            return reverse("providers:detail", args=[node.host.slug])
    return reverse("providers:detail", args=[node.slug])


def node_of_risk(kind: str, ref: int) -> Any | None:
    """Return the catalogue record of a node, or None; one statement."""
    related = {"offering": ("host", "version"), "version": ("foundation",), "region": ("host",)}
    nodes = _MODELS.get(kind, Provider)._default_manager.filter(pk=ref)
    if kind in related:
        nodes = nodes.select_related(*related[kind])
    return nodes.first()


def find_node(kind: NodeKind, text: str) -> tuple[Any | None, Sequence[str]]:
    """Return (record, ()) if a slug, name, identifier or ID matches exactly one, otherwise (None,
    names of similar records). Two statements."""
    model = _MODELS.get(kind.label, Provider)
    name_columns = _NODE_NAMES.get(kind.label, ("slug", "name"))
    manager = model._default_manager
    if text.isdecimal() and len(text) < 18:
        matches = list(manager.filter(pk=int(text))[:1])
    else:
        matches = []
        for column in name_columns:
            matches = list(manager.filter(**{f"{column}__iexact": text})[:6])
            if matches:
                break
    if len(matches) == 1:
        return matches[0], ()
    if matches:
        return None, [f"{node} ({node.pk})" for node in matches]
    similar_nodes = manager.filter(**{f"{name_columns[-1]}__icontains": text}).order_by(
        name_columns[-1]
    )[:5]
    return None, [f"{node} ({node.pk})" for node in similar_nodes]
