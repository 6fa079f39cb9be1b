"""Incidents of hosts: the list, and one with its updates and the applications concerned."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.catalog.filters import IncidentFilter
from apps.catalog.models import Incident, IncidentEnd, IncidentImpact, Provider
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.exposure.queries.incident_reach import concerned_applications
from apps.web.lists.columns import Column, FileColumn, format_moment
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.pages.filter_controls import BOOLEANS, FilterControl
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.queries import with_primary_stacks
from apps.web.views.applications.summaries import application_summaries

MAX_APPLICATIONS = 50
MAX_MODELS = 30


def describe_duration(duration: timedelta) -> str:
    """Return a duration in minutes, hours or days: `45 minutes`, `5 hours 10 minutes`, `3 days`."""
    minutes = int(duration.total_seconds() // 60)
    if minutes < 60:
        return pluralize(minutes, "1 minute", f"{minutes} minutes")
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} days"
    rest = pluralize(minutes, " 1 minute", f" {minutes} minutes") if minutes else ""
    return pluralize(hours, "1 hour", f"{hours} hours") + rest


def describe_impact(incident: Incident) -> str:
    """Return the impact, with the highest one where it was higher."""
    if not incident.impact:
        return "not stated"
    label = incident.get_impact_display().lower()
    if incident.highest_impact != incident.impact:
        return f"{label}, at most {incident.get_highest_impact_display().lower()}"
    return label


def _describe_end(incident: Incident) -> str:
    if incident.is_ongoing:
        return "ongoing"
    return incident.get_end_reason_display().lower()


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """An incident at the time of the list."""

    incident: Incident
    at: datetime

    @property
    def duration(self) -> str:
        return describe_duration(self.incident.duration(self.at))


class IncidentList(ListPage[Incident, IncidentRow]):
    """Incidents by the filters of the URL, the latest start first."""

    namespace = "incidents"
    title = "Incidents"
    nouns = ("incident", "incidents")
    counts = "Incidents that status pages report"
    filterset_class = IncidentFilter
    default_filters = {"duplicates": "false"}
    columns = (
        Column[IncidentRow](
            "title",
            "Incident",
            attrgetter("incident.title"),
            note=lambda row: ", ".join(row.incident.components[:3]),
            url=lambda row: reverse("incidents:detail", args=[row.incident.pk]),
        ),
        Column[IncidentRow](
            "host",
            "Host",
            attrgetter("incident.host.name"),
            url=lambda row: reverse("providers:detail", args=[row.incident.host.slug]),
        ),
        Column[IncidentRow]("impact", "Impact", lambda row: describe_impact(row.incident)),
        Column[IncidentRow](
            "started",
            "Started",
            attrgetter("incident.started_at"),
            format=format_moment,
            order=("-started_at", "-id"),
        ),
        Column[IncidentRow](
            "ended",
            "Ended",
            attrgetter("incident.ended_at"),
            format=format_moment,
            note=lambda row: _describe_end(row.incident),
        ),
        Column[IncidentRow]("duration", "Duration", attrgetter("duration")),
    )
    file_columns = (
        FileColumn[IncidentRow]("Components", lambda row: ", ".join(row.incident.components)),
        FileColumn[IncidentRow]("Regions", lambda row: ", ".join(row.incident.regions)),
        FileColumn[IncidentRow](
            "Concerns models", lambda row: "yes" if row.incident.affects_models else "no"
        ),
        FileColumn[IncidentRow]("ID", attrgetter("incident.external_id")),
        FileColumn[IncidentRow]("Source", attrgetter("incident.source.name")),
        FileColumn[IncidentRow]("Status page", attrgetter("incident.url")),
    )
    default_order = ("started", ())

    def get_queryset(self) -> "QuerySet[Incident]":
        rows = Incident.objects.visible_to(self.user).select_related("host", "source")
        return rows.defer("updates")

    def build_rows(self, records: Sequence[Incident]) -> Sequence[IncidentRow]:
        at = now()
        return [IncidentRow(incident, at) for incident in records]

    def get_controls(self) -> Sequence[FilterControl]:
        hosts = Provider.objects.filter(incidents__isnull=False).distinct().order_by("name")
        return (
            FilterControl("q", "Title contains", "search"),
            FilterControl("host", "Host", choices=list(hosts.values_list("slug", "name"))),
            FilterControl("impact", "Impact at least", choices=IncidentImpact.choices),
            FilterControl("ongoing", "Ongoing", choices=BOOLEANS),
            FilterControl("affects_models", "Concerns models", choices=BOOLEANS),
        )

    def describe_all(self) -> Headline:
        return Headline(f"{self.count_records()}, latest first.")

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No incidents yet.",
            "Incidents come from the status pages of hosts, which are polled every five minutes. "
            "Check on the page of feeds whether they can be read.",
            "View feeds",
            reverse("feeds:list"),
        )


@require_safe
def incident_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an incident with its updates, the models it names and the applications concerned."""
    incident = get_object_or_404(
        Incident.objects.visible_to(request.user).select_related("host", "source", "duplicate_of"),
        pk=pk,
    )
    user = signed_in_user(request)
    at = now()
    today = day_of(at)
    concerned = concerned_applications(incident, user=user, on=today)
    n_concerned = concerned.count()
    applications = with_primary_stacks(concerned[:MAX_APPLICATIONS], on=today)
    return render_page(
        request,
        "incidents/detail.html",
        title=incident.title,
        crumbs=(
            ("Incidents", reverse("incidents:list")),
            (incident.host.name, f"{reverse('incidents:list')}?host={incident.host.slug}"),
        ),
        counts="Your active applications that call what the incident concerns",
        as_of=at,
        incident=incident,
        sentence=_describe_incident(incident, n_concerned, at),
        impact=describe_impact(incident),
        updates=[_present_update(update) for update in incident.updates],
        versions=incident.versions.select_related("foundation").order_by("identifier")[:MAX_MODELS],
        n_concerned=n_concerned,
        standings=[application_summaries(row, today) for row in applications],
    )


def _present_update(update: dict[str, Any]) -> dict[str, Any]:
    at = datetime.fromisoformat(update["at"]) if update["at"] else None
    return {"at": at, "status": update["status"].replace("_", " "), "text": update["text"]}


def _describe_incident(incident: Incident, n_applications: int, at: datetime) -> Headline:
    duration = describe_duration(incident.duration(at))
    host = incident.host.name
    if incident.end_reason == IncidentEnd.DUPLICATE:
        return Headline(f"A duplicate of another incident at {host}. It is not counted.")
    if incident.is_forgotten(at):
        state = f"{host} left this incident open without an update for weeks."
    elif incident.is_ongoing:
        state = f"{host} has this incident for {duration}."
    else:
        state = f"{host} had this incident for {duration}."
    if n_applications == 0:
        return Headline(f"{state} None of your applications calls what it concerns.")
    reach = pluralize(
        n_applications,
        "1 of your applications calls what it concerns.",
        f"{n_applications:,} of your applications call what it concerns.",
    )
    return Headline(f"{state} {reach}")
