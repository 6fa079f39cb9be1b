"""Query parameters of the exposure pages: the selected options, URLs of nodes, and the visible
applications."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import Http404
from django.urls import reverse

from apps.accounts.models import Team, User
from apps.catalog.models import NodeKind
from apps.exposure.models import Basis, Layer, StandingState
from apps.exposure.node_names import NodeName
from apps.exposure.threats import DEVELOPER_FAILURE, ERROR, OUTAGE, RETIREMENT, THREATS
from apps.inventory.models import Application
from apps.web.lists.pagination import QuerySource, changed_query

KINDS: Mapping[str, NodeKind] = {kind.label: kind for kind in NodeKind}
THREAT_WORDS: Mapping[str, str] = {
    OUTAGE: "Outage",
    RETIREMENT: "Retirement",
    DEVELOPER_FAILURE: "Developer failure",
    ERROR: "Correlated error",
}
# "if one ..."
THREAT_CONDITIONS: Mapping[str, str] = {
    OUTAGE: "If one is down",
    RETIREMENT: "If one retires",
    DEVELOPER_FAILURE: "If one developer fails",
    ERROR: "If one is found faulty",
}
# "if it ..."
THREAT_VERBS: Mapping[str, str] = {
    OUTAGE: "is down",
    RETIREMENT: "retires",
    DEVELOPER_FAILURE: "fails",
    ERROR: "is found faulty",
}
KIND_WORDS: Mapping[NodeKind, str] = {
    NodeKind.OFFERING: "offering",
    NodeKind.VERSION: "version",
    NodeKind.FOUNDATION: "foundation",
    NodeKind.DEVELOPER: "developer",
    NodeKind.HOST: "host",
    NodeKind.GATEWAY: "gateway",
    NodeKind.REGION: "region",
    NodeKind.VENDOR: "vendor",
}
BASIS_WORDS: Mapping[str, str] = {
    Basis.COUNT: "Count",
    Basis.CRITICALITY: "Criticality points",
    Basis.SPEND: "Spend",
    Basis.USERS: "Users",
}
BASIS_HELP: Mapping[str, str] = {
    Basis.COUNT: "each application once, split over its primary paths by traffic",
    Basis.CRITICALITY: "criticality points of each application, split over its primary paths by "
    "traffic",
    Basis.SPEND: "monthly spend in USD on each primary path",
    Basis.USERS: "users of each application, split over its primary paths by traffic",
}
STATE_WORDS: Mapping[str, str] = {
    StandingState.EXPOSED: "Exposed",
    StandingState.CUSHIONED: "Cushioned",
    StandingState.PORTABLE: "Portable",
    StandingState.PARTIAL: "Partial",
    "leaning": "Supporting",
}
STATE_HELP: Mapping[str, str] = {
    StandingState.EXPOSED: "no alternative that is independent enough",
    StandingState.CUSHIONED: "an alternative without a valid exit test",
    StandingState.PORTABLE: "an alternative with a valid exit test",
    StandingState.PARTIAL: "only some of its traffic is affected",
    "leaning": "only in a supporting role, not as primary model",
}
# the name of a fallback's independence, by grade; -1 is none at all
GRADE_WORDS: Mapping[int, str] = {
    -1: "none",
    0: "same offering",
    1: "same version, other host",
    2: "same foundation",
    3: "same developer",
    4: "other developer, a shared provider",
    5: "nothing shared",
}


def chosen_option[T: str](request: QuerySource, name: str, options: Collection[T], default: T) -> T:
    """Return the value of the query parameter if it is one of `options`, else `default`."""
    raw_value = request.GET.get(name, "")
    return next((value for value in options if value == raw_value), default)


def chosen_layer(request: QuerySource) -> Layer:
    return Layer(chosen_option(request, "layer", Layer.values, Layer.DEVELOPER.value))


def chosen_basis(request: QuerySource) -> Basis:
    return Basis(chosen_option(request, "weight", Basis.values, Basis.COUNT.value))


@dataclass(frozen=True, slots=True)
class ParameterOption:
    """Value of a selector: a radio button, or a link that keeps the rest of the URL."""

    value: str
    words: str
    query: str
    is_chosen: bool


def parameter_options(
    request: QuerySource,
    name: str,
    labels: Mapping[str, Any],
    current_value: str,
    *,
    drop: Iterable[str] = (),
) -> list[ParameterOption]:
    """Return the options; `drop` names further fields that make no sense with another value."""
    removed_fields = dict.fromkeys(("page", "after", "cursor", *drop))
    return [
        ParameterOption(
            value,
            text,
            changed_query(request, **{**removed_fields, name: value}),
            value == current_value,
        )
        for value, text in labels.items()
    ]


def threat_options(request: QuerySource, current_threat: str) -> list[ParameterOption]:
    return parameter_options(
        request, "threat", {threat: THREAT_WORDS[threat] for threat in THREATS}, current_threat
    )


def node_url(kind: NodeKind, ref: int) -> str:
    return reverse("exposure:blast-radius", args=[kind.label, ref])


def name_url(name: NodeName) -> str:
    return node_url(name.kind, name.ref)


def require_organisation_role(user: User) -> None:
    """Raise Http404 without an organisation role: flags, policies and losses cover the whole
    organisation."""
    if not user.can_read_all:
        raise Http404


def applications_by_id(ids: Iterable[int], user: User) -> dict[int, Application]:
    """Return the applications that `user` may see, with their team and owners: one statement."""
    applications = Application.objects.visible_to(user).with_owners().select_related("team")
    return applications.in_bulk(list(ids))


def teams_by_id(ids: Iterable[int]) -> dict[int, Team]:
    return Team.objects.in_bulk(list(ids))
