"""Feeds: can I trust this? Freshness by last success, runs with their counts, and what was set aside."""

from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.catalog.models import Assertion, Source
from apps.common.time import now
from apps.feeds.actions import BrokerAway, request_poll
from apps.feeds.filters import FeedRunFilter
from apps.feeds.models import FeedRun, Health, QuarantinedRow
from apps.web.filtering import Control, filters
from apps.web.forms import governing
from apps.web.freshness import Freshness, freshness_of
from apps.web.listing import Listing, csv_answer
from apps.web.page import Sentence, page
from apps.web.wording import ago, counted, listed, spelled

# what a run does while it is running, in the order it does it
STEPS = {
    "fetch": "fetching",
    "parse": "reading the rows",
    "compare": "comparing with what is known",
    "settle": "settling",
}


@require_safe
def feed_list(request: HttpRequest) -> HttpResponse:
    at = now()
    found = FeedRunFilter(request.GET, FeedRun.objects.visible_to(request.user), request=request)
    listing = Listing(request, found.qs.select_related("source").order_by("-queued_at", "-id"), size=30)
    sources = freshness_of(Source.objects.visible_to(request.user).exclude(kind__in=Source.UNPOLLED), at=at)
    polled = [row for row in sources if row.source.enabled]
    open_runs = {run.source_id: run for run in FeedRun.objects.open().visible_to(request.user).select_related("source")}
    set_aside = dict(QuarantinedRow.objects.open().order_by().values_list("source").annotate(n=Count("pk")))
    claims = dict(
        Assertion.objects.filter(withdrawn_at__isnull=True).order_by().values_list("source").annotate(n=Count("pk"))
    )
    return page(
        request,
        "feeds/list.html",
        fragment="listing",
        title="Feeds",
        counts="Rows as served by each feed",
        as_of=at,
        sentence=_sentence(polled, at),
        sources=[
            {
                "fresh": row,
                "run": open_runs.get(row.source.pk),
                "n_quarantined": set_aside.get(row.source.pk, 0),
                "n_claims": claims.get(row.source.pk, 0),
                "url": reverse("feed", args=[row.source.slug]),
            }
            for row in sources
        ],
        filters=filters(
            request,
            found,
            [
                Control("source", "Source", choices=[(row.source.slug, row.source.name) for row in sources]),
                Control("status", "Result", choices=FeedRun.Status.choices),
                Control("since", "From", "date"),
            ],
        ),
        listing=listing,
    )


def _sentence(polled: list[Freshness], at: Any) -> Sentence:
    if not polled:
        return Sentence("No feed is polled, so nothing new about models reaches the register.")
    tired = [row for row in polled if not row.is_fresh]
    if not tired:
        return Sentence(f"All {spelled(len(polled))} feeds are fresh.")
    never = [row for row in tired if row.health == Health.NEVER]
    if len(never) == len(polled):
        return Sentence("No feed has been polled yet.")
    names = listed([row.source.name for row in tired])
    suspect = [row for row in tired if row.health == Health.SUSPECT]
    dated = [(at - row.last_success_at, row) for row in tired if row.last_success_at]
    if suspect:
        rest = f"; what {'it' if len(tired) == 1 else suspect[0].source.name} brought last is suspect and held."
    elif dated:
        worst = max(dated, key=lambda pair: pair[0])[1]
        who = "it" if len(tired) == 1 else worst.source.name
        rest = f"; {who} last succeeded {ago(worst.last_success_at or at, at=at)}."
    else:
        rest = "."
    n_fresh = len(polled) - len(tired)
    fresh = f"{spelled(n_fresh).capitalize() if n_fresh else 'None'} of {spelled(len(polled))} feeds"
    return Sentence(
        f"{fresh} {'is' if n_fresh == 1 else 'are'} fresh: ",
        f"{names} {'is' if len(tired) == 1 else 'are'} not",
        rest,
    )


@require_safe
def feed_csv(request: HttpRequest) -> StreamingHttpResponse:
    found = FeedRunFilter(request.GET, FeedRun.objects.visible_to(request.user), request=request)
    return csv_answer(
        "feed-runs",
        [
            "source",
            "queued",
            "started",
            "finished",
            "result",
            "trigger",
            "rows",
            "changed",
            "vanished",
            "quarantined",
            "events",
            "bytes",
            "digest",
            "error",
        ],
        found.qs.select_related("source").order_by("-queued_at", "-id").iterator(chunk_size=2000),
        lambda run: [
            run.source.name,
            run.queued_at,
            run.started_at,
            run.finished_at,
            run.get_status_display(),
            run.trigger,
            run.rows,
            run.rows_changed,
            run.rows_vanished,
            run.rows_quarantined,
            run.n_events,
            run.n_bytes,
            run.digest,
            run.error,
        ],
    )


@require_safe
def feed(request: HttpRequest, slug: str) -> HttpResponse:
    at = now()
    fresh = _fresh(request, slug)
    source = fresh.source
    listing = Listing(request, source.runs.select_related("source"), size=30)
    open_run = source.runs.open().select_related("source").first()
    return page(
        request,
        "feeds/detail.html",
        title=source.name,
        crumbs=(("Feeds", reverse("feeds")),),
        counts="Rows as served by the feed",
        as_of=at,
        fresh=fresh,
        source=source,
        run=open_run,
        sentence=_source_sentence(fresh, at),
        listing=listing,
        quarantined=source.quarantined.open()[:50],
        claims=source.assertions.filter(withdrawn_at__isnull=True)
        .order_by()
        .values("topic")
        .annotate(
            n=Count("pk"),
            n_missing=Count("pk", filter=Q(missing_since__isnull=False)),
            n_waiting=Count("pk", filter=Q(pending_since__isnull=False)),
        ),
    )


def _fresh(request: HttpRequest, slug: str) -> Freshness:
    """A source with its state, or 404: those nobody polls have their page among the offerings they speak of."""
    source = get_object_or_404(Source.objects.visible_to(request.user).exclude(kind__in=Source.UNPOLLED), slug=slug)
    return freshness_of(Source.objects.filter(pk=source.pk), at=now())[0]


def _source_sentence(fresh: Freshness, at: Any) -> Sentence:
    name, state = fresh.source.name, fresh.state
    if not fresh.source.enabled:
        return Sentence(f"{name} is switched off and not polled.")
    if fresh.health == Health.NEVER or state is None:
        return Sentence(f"{name} has never been polled.")
    if state.last_success_at is None:
        return Sentence(f"{name} ", f"has failed {counted(state.failures, 'time')}", " and never succeeded.")
    last = f"{name} last succeeded {ago(state.last_success_at, at=at)}"
    if fresh.health == Health.SUSPECT:
        return Sentence(f"{last}, and ", "what it brought is suspect", ": removals and changes are held.")
    if fresh.health == Health.LATE:
        return Sentence("", last, ", later than it should have.")
    if fresh.health == Health.FAILING:
        return Sentence(f"{last}, but ", f"{counted(state.failures, 'poll')} since failed", ".")
    return Sentence(f"{last}, as it should.")


@require_POST
def poll(request: HttpRequest, slug: str) -> HttpResponse:
    """Queue a poll and show how it goes."""
    user = governing(request, "Only governance asks a feed for news out of turn.")
    source = get_object_or_404(Source.objects.polled().visible_to(request.user), slug=slug)
    try:
        run = request_poll(source=source, by=user)
    except BrokerAway as away:
        if getattr(request, "htmx", False):
            return render(request, "feeds/progress.html#refused", {"source": source, "error": str(away)})
        messages.error(request, str(away))
        return redirect("feeds")
    if getattr(request, "htmx", False):
        return _progress(request, FeedRun.objects.select_related("source").get(pk=run.pk))
    return redirect("feed-run", pk=run.pk)


@never_cache
@require_safe
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The fragment a page asks for every second until the run is closed; then the page is drawn anew, so that all
    of it tells the same moment."""
    run = get_object_or_404(FeedRun.objects.visible_to(request.user).select_related("source"), pk=pk)
    response = _progress(request, run)
    if run.finished_at is not None and getattr(request, "htmx", False):
        messages.info(request, str(_run_sentence(run)))
        response["HX-Refresh"] = "true"
    return response


def _progress(request: HttpRequest, run: FeedRun) -> HttpResponse:
    return render(request, "feeds/progress.html#progress", progress_of(run))


def progress_of(run: FeedRun) -> dict[str, Any]:
    """`part` of `whole` steps done; a queued run has done none."""
    steps = list(STEPS)
    part = steps.index(run.step) + 1 if run.step in steps else 0
    words = "waiting for a worker" if run.status == FeedRun.Status.QUEUED else STEPS.get(run.step, "starting")
    return {"run": run, "part": part, "whole": len(steps) + 1, "words": words}


@require_safe
def feed_run(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_object_or_404(FeedRun.objects.visible_to(request.user).select_related("source"), pk=pk)
    quarantined = Listing(request, run.quarantined.all(), size=50)
    return page(
        request,
        "feeds/run.html",
        title=f"{run.source.name}, {run.queued_at:%-d %b %H:%M}",
        crumbs=(("Feeds", reverse("feeds")), (run.source.name, reverse("feed", args=[run.source.slug]))),
        counts="Rows of this one poll",
        sentence=_run_sentence(run),
        is_open=run.status in FeedRun.OPEN,
        quarantined=quarantined,
        **progress_of(run),
    )


def _run_sentence(run: FeedRun) -> Sentence:
    name = run.source.name
    if run.status in FeedRun.OPEN:
        return Sentence(f"{name} is being polled.")
    if run.status == FeedRun.Status.FAILED:
        return Sentence(f"Polling {name} ", "failed", f": {run.error.rstrip('.') or 'no reason was given'}.")
    if run.status == FeedRun.Status.UNCHANGED:
        return Sentence(f"{name} had nothing new.")
    events = f"{counted(run.n_events or 0, 'event')} {'was' if run.n_events == 1 else 'were'} raised"
    if run.status == FeedRun.Status.SUSPECT:
        return Sentence(
            f"{name} brought ", "something suspect", f": it is held until a later run confirms it; {events}."
        )
    return Sentence(f"{name} changed {counted(run.rows_changed or 0, 'row')}; {events}.")
