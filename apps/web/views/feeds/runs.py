"""Feed runs: the list, one run with its results, its raw payload, and the progress of an open
run."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.text import Truncator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.catalog.models import Assertion, ProviderEvent, Source
from apps.common.time import now
from apps.feeds.actions import BrokerUnavailableError, request_poll
from apps.feeds.filters import FeedRunFilter
from apps.feeds.models import FeedRun, Payload, QuarantinedRow
from apps.web.lists.columns import Column, FileColumn, format_moment, format_number
from apps.web.lists.list_page import EmptyState, ListPage, ListRequest
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import governance_user, signed_in_user
from apps.web.pages.page import render_page
from apps.web.views.feeds import presenters
from apps.web.views.feeds.quarantine import QuarantineList
from apps.web.views.feeds.queries import polled_sources
from apps.web.wording import iso_day, number

# steps of a run, in order
STEPS = {
    "fetch": "fetching",
    "parse": "reading the rows",
    "compare": "comparing with what is known",
    "settle": "settling",
}
MAX_EVENTS = 40


_STATUS_CSS: dict[str, str] = {
    FeedRun.Status.UNCHANGED: "state",
    FeedRun.Status.CHANGED: "state done",
    FeedRun.Status.SUSPECT: "state open",
    FeedRun.Status.FAILED: "state stale",
}


def _count_note(n: int | None, noun: str) -> str:
    return f"{number(n)} {noun}" if n else ""


class FeedRunList(ListPage[FeedRun, FeedRun]):
    """Polls of all feeds by the filters of the URL, latest first."""

    namespace = "feed-runs"
    title = "Feed runs"
    nouns = ("feed run", "feed runs")
    crumbs = (("Feeds", "feeds:list"),)
    counts = "Polls, each counted once"
    filterset_class = FeedRunFilter
    columns = (
        Column[FeedRun](
            "queued",
            "Queued",
            attrgetter("queued_at"),
            format=format_moment,
            note=lambda run: f"{run.trigger}, {presenters.describe_duration(run)}".strip(", "),
            url=lambda run: reverse("feed-runs:detail", args=[run.pk]),
        ),
        Column[FeedRun]("feed", "Feed", attrgetter("source.name")),
        Column[FeedRun](
            "status",
            "Result",
            FeedRun.get_status_display,
            css=lambda run: _STATUS_CSS.get(run.status, "state part"),
            note=lambda run: Truncator(run.error).chars(90),
        ),
        Column[FeedRun](
            "rows",
            "Rows",
            attrgetter("rows"),
            format=format_number,
            note=lambda run: _count_note(run.rows_changed, "changed"),
            is_numeric=True,
        ),
        Column[FeedRun](
            "vanished",
            "Vanished rows",
            attrgetter("rows_vanished"),
            format=format_number,
            css=lambda run: "bad" if run.status == "suspect" and run.rows_vanished else "",
            note=lambda run: _count_note(run.rows_quarantined, "quarantined"),
            is_numeric=True,
        ),
        Column[FeedRun](
            "events", "Events", attrgetter("n_events"), format=format_number, is_numeric=True
        ),
    )
    file_columns = (
        FileColumn[FeedRun]("Started", attrgetter("started_at")),
        FileColumn[FeedRun]("Finished", attrgetter("finished_at")),
        FileColumn[FeedRun]("Trigger", attrgetter("trigger")),
        FileColumn[FeedRun]("Changed rows", attrgetter("rows_changed")),
        FileColumn[FeedRun]("Quarantined rows", attrgetter("rows_quarantined")),
        FileColumn[FeedRun]("Dates recorded later", attrgetter("rows_backfilled")),
        FileColumn[FeedRun]("Bytes", attrgetter("n_bytes")),
        FileColumn[FeedRun]("Digest", attrgetter("digest")),
        FileColumn[FeedRun]("Error", attrgetter("error")),
    )
    default_order = ("", ("-queued_at", "-id"))

    def get_queryset(self) -> "QuerySet[FeedRun]":
        runs = FeedRun.objects.visible_to(self.user).select_related("source")
        return runs.defer("held", "backfilled", "floated")

    def get_controls(self) -> Sequence[FilterControl]:
        sources = list(polled_sources(self.user).values_list("slug", "name"))
        return (
            FilterControl("source", "Feed", choices=sources),
            FilterControl("status", "Result", choices=FeedRun.Status.choices),
            FilterControl("since", "From", "date"),
        )

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No feed runs yet.",
            "The worker polls each feed at its interval. The first run is the baseline of a feed: "
            "it is recorded and raises no events.",
            "View feeds",
            reverse("feeds:list"),
        )


# --- one run --------------------------------------------------------------------------------------


class RunQuarantine(QuarantineList):
    """Rows that one run (`run`) put into quarantine, also those that have left it."""

    default_filters: ClassVar[Mapping[str, str]] = {}

    def get_queryset(self) -> "QuerySet[QuarantinedRow]":
        return QuarantinedRow.objects.filter(run=self.kwargs["run"]).select_related("source")


@require_safe
def feed_run_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the results of one run: counts, changes on hold, quarantined rows, back-filled dates,
    floating prices, events."""
    run = get_object_or_404(
        FeedRun.objects.visible_to(request.user).select_related("source"), pk=pk
    )
    source = run.source
    previous_run, next_run = _find_adjacent_runs(run)
    list_request = ListRequest(request.GET, signed_in_user(request))
    quarantined = RunQuarantine(list_request, at=now(), run=run)
    events = _list_events(request, run)
    n_held = (
        Assertion.objects.standing().filter(source=source, held=True).count() if run.held else 0
    )
    return render_page(
        request,
        "feeds/run.html",
        title=f"{source.name}, {run.queued_at:%-d %b %H:%M}",
        crumbs=(
            ("Feeds", reverse("feeds:list")),
            (source.name, reverse("feeds:detail", args=[source.slug])),
        ),
        counts="Rows of this one poll",
        sentence=presenters.run_headline(run),
        is_open=run.status in FeedRun.OPEN,
        quarantined=quarantined,
        listing=quarantined.listing,
        events=events[:MAX_EVENTS],
        has_more_events=len(events) > MAX_EVENTS,
        n_held=n_held,
        took=presenters.describe_duration(run),
        backfilled=[(row, iso_day(day)) for row, day in run.backfilled],
        floated=[
            (row, presenters.describe_move(old_prices, new_prices))
            for row, old_prices, new_prices in run.floated
        ],
        before=previous_run,
        after=next_run,
        **progress_of(run),
    )


def _find_adjacent_runs(run: FeedRun) -> tuple[FeedRun | None, FeedRun | None]:
    """Return the previous and the next run of the same source: two statements."""
    runs = run.source.runs.only("pk", "queued_at", "status")
    is_earlier = Q(queued_at__lt=run.queued_at) | Q(queued_at=run.queued_at, pk__lt=run.pk)
    is_later = Q(queued_at__gt=run.queued_at) | Q(queued_at=run.queued_at, pk__gt=run.pk)
    return runs.filter(is_earlier).first(), runs.filter(is_later).order_by(
        "queued_at", "pk"
    ).first()


def _list_events(request: HttpRequest, run: FeedRun) -> list[ProviderEvent]:
    """List the source's events between the previous observation and this one: those of the payload,
    and those that became due or were decided by users meanwhile. Up to MAX_EVENTS + 1; two
    statements."""
    if run.observed_at is None:
        return []
    previous_observed_at = (
        FeedRun.objects.succeeded()
        .filter(source=run.source, observed_at__lt=run.observed_at)
        .order_by("-observed_at")
        .values_list("observed_at", flat=True)
        .first()
    )
    events = ProviderEvent.objects.visible_to(request.user).filter(
        source=run.source, detected_at__lte=run.observed_at
    )
    if previous_observed_at is not None:
        events = events.filter(detected_at__gt=previous_observed_at)
    return list(
        events.select_related("source", "offering__host", "provider").order_by(
            "-detected_at", "-id"
        )[: MAX_EVENTS + 1]
    )


@require_safe
def feed_run_payload(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the body as received, gzip-compressed as it is stored, as a download and never
    displayed: it is third-party content."""
    governance_user(request, "You need the governance role to download payloads.")
    run = get_object_or_404(
        FeedRun.objects.visible_to(request.user).select_related("source"), pk=pk
    )
    payload = Payload.objects.filter(runs=run).first()
    if payload is None:
        raise Http404("The payload of this run is no longer stored.")
    name = f"{run.source.slug}-{payload.received_at:%Y%m%dT%H%M%SZ}.gz"
    return HttpResponse(
        bytes(payload.body),
        content_type="application/gzip",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


# --- open runs ------------------------------------------------------------------------------------


@require_POST
def poll_source(request: HttpRequest, slug: str) -> HttpResponse:
    """Queue a poll and show its progress."""
    user = governance_user(request, "You need the governance role to poll a feed manually.")
    source = get_object_or_404(Source.objects.polled().visible_to(request.user), slug=slug)
    try:
        run = request_poll(source=source, by=user)
    except BrokerUnavailableError as error:
        if getattr(request, "htmx", False):
            return render(
                request, "feeds/progress.html#refused", {"source": source, "error": str(error)}
            )
        flash_error(request, str(error))
        return redirect("feeds:list")
    if getattr(request, "htmx", False):
        return _render_progress(request, FeedRun.objects.select_related("source").get(pk=run.pk))
    return redirect("feed-runs:detail", pk=run.pk)


@never_cache
@require_safe
def feed_run_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the fragment that a page requests every second until the run is closed; then the page is
    reloaded, so that all of it shows the same moment."""
    run = get_object_or_404(
        FeedRun.objects.visible_to(request.user).select_related("source"), pk=pk
    )
    response = _render_progress(request, run)
    if run.finished_at is not None and getattr(request, "htmx", False):
        flash_success(request, str(presenters.run_headline(run)))
        response["HX-Refresh"] = "true"
    return response


def _render_progress(request: HttpRequest, run: FeedRun) -> HttpResponse:
    return render(request, "feeds/progress.html#progress", progress_of(run))


def progress_of(run: FeedRun) -> dict[str, Any]:
    """Return the progress, `part` of `whole` steps done; a queued run has done none."""
    steps = list(STEPS)
    n_done = steps.index(run.step) + 1 if run.step in steps else 0
    step_text = (
        "waiting for a worker"
        if run.status == FeedRun.Status.QUEUED
        else STEPS.get(run.step, "starting")
    )
    return {"run": run, "part": n_done, "whole": len(steps) + 1, "words": step_text}
