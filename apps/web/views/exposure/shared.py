"""What the pages of exposure share: what is chosen in the address, addresses of nodes, whose portfolio is shown."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Team, User
from apps.catalog.models import NodeKind
from apps.exposure.models import Basis, Layer, StandingState
from apps.exposure.naming import NodeName
from apps.exposure.threats import DEVELOPER_FAILURE, ERROR, OUTAGE, RETIREMENT, THREATS
from apps.inventory.models import Application
from apps.web.listing import query_with

KINDS: Mapping[str, NodeKind] = {kind.label: kind for kind in NodeKind}
THREAT_WORDS: Mapping[str, Promise] = {
    OUTAGE: _("Outage"),
    RETIREMENT: _("Retirement"),
    DEVELOPER_FAILURE: _("Developer fails"),
    ERROR: _("Correlated error"),
}
# "if one ..."
IF_WORDS: Mapping[str, Promise] = {
    OUTAGE: _("If one is down"),
    RETIREMENT: _("If one is retired"),
    DEVELOPER_FAILURE: _("If one developer fails"),
    ERROR: _("If one is found faulty"),
}
# "if it ..."
THREAT_VERBS: Mapping[str, Promise] = {
    OUTAGE: _("is down"),
    RETIREMENT: _("is retired"),
    DEVELOPER_FAILURE: _("stops"),
    ERROR: _("is found faulty"),
}
KIND_WORDS: Mapping[NodeKind, Promise] = {
    NodeKind.OFFERING: _("offering"),
    NodeKind.VERSION: _("version"),
    NodeKind.FOUNDATION: _("foundation"),
    NodeKind.DEVELOPER: _("developer"),
    NodeKind.HOST: _("host"),
    NodeKind.GATEWAY: _("gateway"),
    NodeKind.REGION: _("region"),
    NodeKind.VENDOR: _("vendor"),
}
BASIS_WORDS: Mapping[str, Promise] = {
    Basis.COUNT: _("Count"),
    Basis.CRITICALITY: _("Criticality points"),
    Basis.SPEND: _("Spend"),
    Basis.USERS: _("Users"),
}
BASIS_HELP: Mapping[str, Promise] = {
    Basis.COUNT: _("each application once, split over its primary paths by traffic"),
    Basis.CRITICALITY: _("criticality points of each application, split over its primary paths by traffic"),
    Basis.SPEND: _("monthly spend in USD on each primary path"),
    Basis.USERS: _("users of each application, split over its primary paths by traffic"),
}
STATE_WORDS: Mapping[str, Promise] = {
    StandingState.EXPOSED: _("Exposed"),
    StandingState.CUSHIONED: _("Cushioned"),
    StandingState.PORTABLE: _("Portable"),
    StandingState.PARTIAL: _("Partial"),
    "leaning": _("Leans"),
}
STATE_HELP: Mapping[str, Promise] = {
    StandingState.EXPOSED: _("no fallback that is good enough"),
    StandingState.CUSHIONED: _("a good enough fallback that is untested, or whose test has lapsed"),
    StandingState.PORTABLE: _("a good enough fallback, tested and in date"),
    StandingState.PARTIAL: _("some of its traffic is struck, the rest carries on"),
    "leaning": _("only in another role than primary"),
}
# the name of a fallback's independence, by grade; -1 is none at all
GRADE_WORDS: Mapping[int, Promise] = {
    -1: _("none"),
    0: _("same offering"),
    1: _("same version, other host"),
    2: _("same foundation"),
    3: _("same developer"),
    4: _("other developer, a common party"),
    5: _("nothing shared"),
}


def chosen[T: str](request: HttpRequest, name: str, allowed: Collection[T], usual: T) -> T:
    """What the address says, if that is one of `allowed`."""
    said = request.GET.get(name, "")
    return next((value for value in allowed if value == said), usual)


def chosen_layer(request: HttpRequest) -> Layer:
    return Layer(chosen(request, "layer", Layer.values, Layer.DEVELOPER.value))


def chosen_basis(request: HttpRequest) -> Basis:
    return Basis(chosen(request, "weight", Basis.values, Basis.COUNT.value))


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a selector: a radio button, or a link that keeps the rest of the address."""

    value: str
    words: Any
    query: str
    is_chosen: bool


def options(
    request: HttpRequest, name: str, words: Mapping[str, Any], now_chosen: str, *, drop: Iterable[str] = ()
) -> list[Option]:
    """`drop` names further fields that make no sense with another value."""
    gone = dict.fromkeys(("page", "after", *drop))
    return [
        Option(value, text, query_with(request, **{**gone, name: value}), value == now_chosen)
        for value, text in words.items()
    ]


def threat_options(request: HttpRequest, now_chosen: str) -> list[Option]:
    return options(request, "threat", {threat: THREAT_WORDS[threat] for threat in THREATS}, now_chosen)


def node_url(kind: NodeKind, ref: int) -> str:
    return reverse("exposure-node", args=[kind.label, ref])


def name_url(name: NodeName) -> str:
    return node_url(name.kind, name.ref)


def applications_by_id(ids: Iterable[int], user: User) -> dict[int, Application]:
    """Those that `user` may see, with their team: one statement."""
    return Application.objects.visible_to(user).select_related("team").in_bulk(list(ids))


def teams_by_id(ids: Iterable[int]) -> dict[int, Team]:
    return Team.objects.in_bulk(list(ids))
