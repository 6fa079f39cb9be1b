"""Observed usage: which application called which model, under its three names, by connection."""

from collections.abc import Sequence
from operator import attrgetter

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.text import Truncator

from apps.intake.connections.summaries import visible_connections
from apps.intake.filters import ObservationFilter
from apps.intake.models import Observation
from apps.web.lists.columns import Column, FileColumn, format_ago
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.lists.pagination import url_with_query
from apps.web.pages.filter_controls import FilterControl
from apps.web.views.intake import presenters
from apps.web.wording import day

DAYS = ((1, "1"), (7, "7"), (30, "30"), (90, "90"))


def _name_caller(row: Observation) -> str:
    if row.application is not None:
        return row.application.name
    return row.service.name if row.service is not None else ""


def _link_caller(row: Observation) -> str:
    if row.application is not None:
        address = reverse("applications:detail", args=[row.application.slug])
        return f"{address}?tab=dependencies#seen"
    return _link_service(row)


def _link_service(row: Observation) -> str:
    return reverse("reported-services:detail", args=[row.service_id]) if row.service_id else ""


def _describe_identity(row: Observation) -> str:
    return row.offering.api_id if row.offering else presenters.OBSERVED[row.state]


def _describe_match(row: Observation) -> str:
    """Return the host and the state of an identified model."""
    return f"{row.offering.host.name}; {presenters.OBSERVED[row.state]}" if row.offering else ""


def _link_identity(row: Observation) -> str:
    if row.state == Observation.State.UNRESOLVED:
        return url_with_query(
            reverse("unrecognised-names:decide"),
            name=row.requested or row.served,
            provider=row.provider,
        )
    if row.state == Observation.State.UNCLAIMED:
        return _link_service(row)
    return reverse("offerings:detail", args=[row.offering_id]) if row.offering_id else ""


class ObservationList(ListPage[Observation, Observation]):
    """Observed usage by the filters of the URL, latest first."""

    namespace = "observations"
    title = "Observations"
    nouns = ("observation", "observations")
    crumbs = (("Observed usage", "connections:list"),)
    counts = "Observations of your applications; each connection, application and set of names once"
    filterset_class = ObservationFilter
    slug_filters = ("application",)
    columns = (
        Column[Observation](
            "application",
            "Application",
            _name_caller,
            note=attrgetter("environment"),
            url=_link_caller,
        ),
        Column[Observation](
            "alias",
            "Requested alias",
            attrgetter("alias"),
            note=attrgetter("gateway"),
            css=lambda row: "id",
        ),
        Column[Observation](
            "requested",
            "Requested model",
            attrgetter("requested"),
            note=lambda row: ", ".join(filter(None, (row.provider, row.region))),
            css=lambda row: "id",
        ),
        Column[Observation]("served", "Served model", attrgetter("served"), css=lambda row: "id"),
        Column[Observation](
            "identity",
            "Identified as",
            _describe_identity,
            note=_describe_match,
            url=_link_identity,
            css=lambda row: "id" if row.offering else "",
        ),
        Column[Observation](
            "last_seen",
            "Last seen",
            attrgetter("last_seen_at"),
            format=format_ago,
            note=lambda row: ", ".join(
                filter(
                    None,
                    (
                        presenters.sender_name(row.stream),
                        Truncator(str(row.places[0])).chars(60) if row.places else "",
                        f"not reported since {day(row.missing_since)}" if row.missing_since else "",
                    ),
                )
            ),
        ),
    )
    file_columns = (
        FileColumn[Observation](
            "Application ID", lambda row: row.application.slug if row.application else ""
        ),
        FileColumn[Observation](
            "Reported service", lambda row: row.service.name if row.service else ""
        ),
        FileColumn[Observation]("Connection", attrgetter("stream")),
        FileColumn[Observation]("Environment", attrgetter("environment")),
        FileColumn[Observation]("Provider", attrgetter("provider")),
        FileColumn[Observation]("Region", attrgetter("region")),
        FileColumn[Observation]("Gateway", attrgetter("gateway")),
        FileColumn[Observation]("Role", attrgetter("role")),
        FileColumn[Observation]("State", attrgetter("state")),
        FileColumn[Observation]("Explanation", attrgetter("explanation")),
        FileColumn[Observation]("Host", lambda row: row.offering.host.name if row.offering else ""),
        FileColumn[Observation](
            "Served version",
            lambda row: row.served_version.identifier if row.served_version else "",
        ),
        FileColumn[Observation]("First seen", attrgetter("first_seen_at")),
        FileColumn[Observation]("Not reported since", attrgetter("missing_since")),
        FileColumn[Observation]("Places", lambda row: "; ".join(map(str, row.places))),
    )
    default_order = ("", ("-last_seen_at", "-pk"))

    def get_queryset(self) -> "QuerySet[Observation]":
        observations = Observation.objects.visible_to(self.user)
        return observations.select_related(
            "application", "service", "offering__host", "served_version"
        )

    def get_controls(self) -> Sequence[FilterControl]:
        streams, _as_of = visible_connections(self.user, at=self.at)
        connections = [(stream.name, presenters.sender_name(stream.name)) for stream in streams]
        return (
            FilterControl("q", "Name contains", "search"),
            FilterControl("application", "Application", "text"),
            FilterControl("stream", "Connection", choices=connections),
            FilterControl("state", "State", choices=list(presenters.OBSERVED.items())),
            FilterControl("days", "Observed within days", choices=DAYS),
        )

    def get_basis(self) -> str:
        return (
            "Each observation has three names: the alias that the application requests from a "
            "gateway, the model ID sent to the provider, and the model ID in its response."
        )

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No usage observed yet.",
            "Connect traces, a gateway or a pipeline. Every model that your applications call is "
            "then listed here.",
            "Set up a connection",
            reverse("connections:list"),
        )
