"""Feed list and feed page: freshness, changes on hold, runs, quarantined rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.catalog.models import Assertion, Source
from apps.catalog.models.claims import Topic
from apps.common.time import day_of, now, start_of
from apps.feeds.mapping.definition import KIND
from apps.feeds.models import FeedRun, ProviderNotice, QuarantinedRow, SourceMapping
from apps.feeds.sources.adapters import KIND_NAMES
from apps.web.drawings.timelines import poll_strip as drawing
from apps.web.pages.list_page import PaginatedList
from apps.web.pages.page import render_page
from apps.web.presenters.source_freshness import SourceFreshness
from apps.web.views.data_quality.disagreements import latest_disagreements
from apps.web.views.feeds import presenters
from apps.web.views.feeds.pending_groups import PendingBanner, pending_banners
from apps.web.views.feeds.queries import fresh_source, fresh_sources, runs_of_the_day
from apps.web.views.feeds.source_history import source_changes
from apps.web.wording import count_of, number

OUTCOMES = {
    FeedRun.Status.UNCHANGED: drawing.Outcome.UNCHANGED,
    FeedRun.Status.CHANGED: drawing.Outcome.CHANGED,
    FeedRun.Status.FAILED: drawing.Outcome.FAILED,
    FeedRun.Status.SUSPECT: drawing.Outcome.SUSPECT,
}
MAX_RUNS = 8
MAX_QUARANTINED = 5
MAX_FLOATING = 30


@dataclass(frozen=True, slots=True)
class FeedRow:
    """Row of the freshness table; `strips` are the wide and the narrow drawing of the same
    polls."""

    fresh: SourceFreshness
    cadence: str
    strips: tuple[drawing.PollStrip, drawing.PollStrip]
    finding: str
    n_rows: int | None
    n_changed: int
    n_set_aside: int
    run: FeedRun | None


def feed_row(freshness: SourceFreshness, runs: Sequence[FeedRun], *, at: datetime) -> FeedRow:
    """Build the row of one source; `runs` are its runs of the last 24 hours."""
    polls = [
        drawing.PollResult(run.queued_at, OUTCOMES[FeedRun.Status(run.status)])
        for run in runs
        if run.finished_at
    ]
    wide, narrow = (
        drawing.draw_poll_strip(polls, at=at, narrow=is_narrow) for is_narrow in (False, True)
    )
    today = start_of(day_of(at))
    return FeedRow(
        fresh=freshness,
        cadence=presenters.describe_interval(freshness.source.interval_minutes),
        strips=(wide, narrow),
        finding=drawing.finding(freshness.source.name, wide, enabled=freshness.source.enabled),
        n_rows=freshness.source.n_rows,  # type: ignore[attr-defined]
        n_changed=sum(run.rows_changed or 0 for run in runs if run.queued_at >= today),
        n_set_aside=freshness.source.n_set_aside or 0,  # type: ignore[attr-defined]
        run=next((run for run in runs if run.status in FeedRun.OPEN), None),
    )


@require_safe
def feed_list(request: HttpRequest) -> HttpResponse:
    """Show all sources with their health."""
    at = now()
    user = request.user
    feeds = fresh_sources(user, at=at)
    runs_by_source = runs_of_the_day(user, at=at)
    rows = [
        feed_row(freshness, runs_by_source.get(freshness.source.pk, ()), at=at)
        for freshness in feeds
    ]
    banners = pending_banners([freshness.source for freshness in feeds], user=user, on=day_of(at))
    runs = (
        FeedRun.objects.visible_to(user)
        .select_related("source")
        .defer("backfilled", "floated", "held")
    )
    latest_runs = list(runs.order_by("-queued_at", "-id")[:MAX_RUNS])
    quarantined_rows = QuarantinedRow.objects.visible_to(user).open().select_related("source")  # type: ignore[attr-defined]
    return render_page(
        request,
        "feeds/list.html",
        title="Feeds",
        counts="Rows as served by each feed",
        as_of=at,
        sentence=presenters.feeds_headline(
            [
                freshness
                for freshness in feeds
                if freshness.source.enabled and not freshness.source.is_packaged
            ],
            {pk: banner.changes for pk, banner in banners.items()},
            {pk: banner.run for pk, banner in banners.items() if banner.run is not None},
        ),
        totals=_describe_totals(rows, runs_by_source),
        rows=rows,
        banners=banners.values(),
        day_before=day_of(at - drawing.SPAN),
        latest=[(run, presenters.describe_duration(run)) for run in latest_runs],
        quarantined=list(
            quarantined_rows.order_by("-first_seen", "external_id", "pk")[:MAX_QUARANTINED]
        ),
        n_quarantined=sum(row.n_set_aside for row in rows),
        n_unread=ProviderNotice.objects.visible_to(user)
        .filter(state=ProviderNotice.State.UNREAD)
        .count(),
        disagreements=latest_disagreements(user=user, at=at, limit=6),
    )


def _describe_totals(
    rows: Sequence[FeedRow], runs_by_source: Mapping[int, Sequence[FeedRun]]
) -> str:
    n_rows = sum(row.n_rows or 0 for row in rows)
    n_runs = sum(len(runs) for runs in runs_by_source.values())
    sources_text = f"{number(len(rows))} source{'' if len(rows) == 1 else 's'}"
    return (
        f"{sources_text}, {number(n_rows)} row{'' if n_rows == 1 else 's'}, "
        f"{count_of(n_runs, 'run')} in the last 24 hours"
    )


@require_safe
def feed_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a source: health, polls, changes on hold and settings."""
    at = now()
    freshness = fresh_source(request, slug, at=at)
    source = freshness.source
    banner: PendingBanner | None = pending_banners([source], user=request.user, on=day_of(at)).get(
        source.pk
    )
    recent_runs = list(
        source.runs.filter(queued_at__gt=at - drawing.SPAN)
        .select_related("source")
        .defer("backfilled", "floated", "held")
    )
    listing = PaginatedList(request, source.runs.defer("backfilled", "floated", "held"), size=30)
    claims = _count_claims(source)
    floating = source.assertions.filter(
        floating_since__isnull=False, withdrawn_at__isnull=True, topic=Topic.PRICE
    )
    return render_page(
        request,
        "feeds/detail.html",
        title=source.name,
        crumbs=(("Feeds", reverse("feeds:list")),),
        counts="Rows as served by the feed",
        as_of=at,
        row=feed_row(freshness, recent_runs, at=at),
        fresh=freshness,
        source=source,
        cadence=presenters.describe_interval(source.interval_minutes),
        late_after=presenters.format_span(timedelta(minutes=source.stale_after_minutes)),
        banners=[banner] if banner else [],
        sentence=presenters.source_headline(
            freshness, banner.changes if banner else (), banner.run if banner else None
        ),
        listing=listing,
        runs=[(run, presenters.describe_duration(run)) for run in listing.rows],
        quarantined=source.quarantined.open()[:20],
        n_quarantined=freshness.source.n_set_aside or 0,  # type: ignore[attr-defined]
        claims=claims,
        kind_name=KIND_NAMES.get(source.kind, source.kind),
        mapping=SourceMapping.objects.filter(source=source).first()
        if source.kind == KIND
        else None,
        changes=source_changes(source),
        n_refused=sum(claim["n_refused"] for claim in claims),
        n_floating=sum(claim["n_floating"] for claim in claims),
        floating=floating.select_related("offering__host").order_by(
            "-floating_since", "external_id"
        )[:MAX_FLOATING],
    )


def _count_claims(source: Source) -> list[dict[str, Any]]:
    """Count the source's claims in effect by topic: all, missing, pending, on hold, rejected,
    floating. One statement."""
    rows = (
        Assertion.objects.standing()
        .filter(source=source)
        .order_by("topic")
        .values("topic")
        .annotate(
            n=Count("pk"),
            n_missing=Count("pk", filter=Q(missing_since__isnull=False)),
            n_waiting=Count("pk", filter=Q(pending_since__isnull=False)),
            n_held=Count("pk", filter=Q(held=True)),
            n_refused=Count("pk", filter=Q(refused__isnull=False)),
            n_floating=Count("pk", filter=Q(floating_since__isnull=False)),
        )
    )
    return [dict(row) for row in rows]
