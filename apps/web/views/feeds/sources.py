"""Feed list and feed page: freshness, changes on hold, runs, quarantined rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.views.decorators.http import require_safe

from apps.catalog.models import Assertion, Source
from apps.catalog.models.claims import Topic
from apps.common.text import pluralize
from apps.common.time import day_of, now, start_of
from apps.feeds.models import FeedRun, ProviderNotice, QuarantinedRow
from apps.feeds.pages.definition import KIND as PAGE
from apps.feeds.sources.adapters import KIND_NAMES, MAPPED_KINDS, mapping_settings
from apps.feeds.sources.page_form import PageForm, form_doubts, read_form
from apps.web.drawings.timelines import poll_strip as drawing
from apps.web.lists.columns import Column, FileColumn, format_ago, format_number
from apps.web.lists.computed_rows import ComputedRows
from apps.web.lists.list_page import EmptyState, ListPage, ListRequest, PageAction
from apps.web.lists.pagination import url_with_query
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.presenters.source_freshness import SourceFreshness
from apps.web.views.data_quality.disagreements import DisagreementTable, latest_disagreements
from apps.web.views.feeds import presenters
from apps.web.views.feeds.pending_groups import PendingBanner, pending_banners
from apps.web.views.feeds.quarantine import QuarantineList
from apps.web.views.feeds.queries import fresh_source, fresh_sources, runs_of_the_day
from apps.web.views.feeds.runs import FeedRunList
from apps.web.views.feeds.source_history import source_changes
from apps.web.wording import number

OUTCOMES = {
    FeedRun.Status.UNCHANGED: drawing.Outcome.UNCHANGED,
    FeedRun.Status.CHANGED: drawing.Outcome.CHANGED,
    FeedRun.Status.FAILED: drawing.Outcome.FAILED,
    FeedRun.Status.SUSPECT: drawing.Outcome.SUSPECT,
}
MAX_RUNS = 8
MAX_QUARANTINED = 5
MAX_FLOATING = 30
MAX_DISAGREEMENTS = 6


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
    n_disputed: int
    run: FeedRun | None


def feed_row(
    freshness: SourceFreshness, runs: Sequence[FeedRun], *, at: datetime, n_disputed: int = 0
) -> FeedRow:
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
        n_disputed=n_disputed,
        run=next((run for run in runs if run.status in FeedRun.OPEN), None),
    )


class LatestFeedRuns(FeedRunList):
    page_size = MAX_RUNS


class LatestQuarantine(QuarantineList):
    page_size = MAX_QUARANTINED


def _describe_state(row: FeedRow) -> str:
    if not row.fresh.source.enabled:
        return "Disabled"
    if row.fresh.is_fresh:
        return "Up to date"
    return f"{row.fresh.words[:1].upper()}{row.fresh.words[1:]}"


def _link_disagreements(row: FeedRow) -> str:
    if not row.n_disputed:
        return ""
    address = url_with_query(reverse("disagreements:list"), source=row.fresh.source.slug)
    text = pluralize(row.n_disputed, "1 disagreement", f"{number(row.n_disputed)} disagreements")
    return format_html('<a href="{}">{}</a>', address, text)


class FeedList(ListPage[Any, FeedRow]):
    """Feeds with their status, and below them what they brought last."""

    namespace = "feeds"
    file_route = "sources"
    title = "Feeds"
    nouns = ("feed", "feeds")
    counts = "Rows as served by each feed"
    columns = (
        Column[FeedRow](
            "feed",
            "Feed",
            attrgetter("fresh.source.name"),
            note=attrgetter("fresh.source.licence_note"),
            url=lambda row: reverse("feeds:detail", args=[row.fresh.source.slug]),
        ),
        Column[FeedRow](
            "last_success",
            "Last success",
            attrgetter("fresh.last_success_at"),
            format=format_ago,
            css=lambda row: "bad" if row.fresh.is_late and row.fresh.source.enabled else "",
            note=lambda row: row.cadence if row.fresh.source.enabled else "",
        ),
        Column[FeedRow](
            "polls",
            "Last 24 hours",
            attrgetter("finding"),
            width="strips",
            template="feeds/strips-cell.html",
        ),
        Column[FeedRow](
            "rows",
            "Rows",
            attrgetter("n_rows"),
            format=format_number,
            note=lambda row: f"{number(row.n_changed)} changed today" if row.n_changed else "",
            is_numeric=True,
        ),
        Column[FeedRow](
            "quarantined",
            "Quarantined",
            attrgetter("n_set_aside"),
            format=format_number,
            note=_link_disagreements,
            url=lambda row: (
                url_with_query(reverse("feeds:quarantine"), source=row.fresh.source.slug)
                if row.n_set_aside
                else ""
            ),
            is_numeric=True,
        ),
        Column[FeedRow]("state", "State", _describe_state, template="feeds/state-cell.html"),
    )
    file_columns = (
        FileColumn[FeedRow]("Polled", attrgetter("cadence")),
        FileColumn[FeedRow]("Changed today", attrgetter("n_changed")),
        FileColumn[FeedRow]("Disagreements", attrgetter("n_disputed")),
        FileColumn[FeedRow]("Enabled", lambda row: "yes" if row.fresh.source.enabled else "no"),
    )
    default_order = ("", ())
    template = "feeds/list.html"

    @cached_property
    def feeds(self) -> Sequence[SourceFreshness]:
        return fresh_sources(self.user, at=self.at)

    @cached_property
    def runs_by_source(self) -> Mapping[int, Sequence[FeedRun]]:
        return runs_of_the_day(self.user, at=self.at)

    @cached_property
    def disagreements(self) -> DisagreementTable:
        return latest_disagreements(user=self.user, at=self.at, limit=MAX_DISAGREEMENTS)

    @cached_property
    def banners(self) -> Mapping[int, PendingBanner]:
        sources = [freshness.source for freshness in self.feeds]
        return pending_banners(sources, user=self.user, on=self.today)

    def get_queryset(self) -> Any:
        return ComputedRows(self.feeds)

    def build_rows(self, records: Sequence[Any]) -> Sequence[FeedRow]:
        return [
            feed_row(
                freshness,
                self.runs_by_source.get(freshness.source.pk, ()),
                at=self.at,
                n_disputed=self.disagreements.n_by_source.get(freshness.source.slug, 0),
            )
            for freshness in records
        ]

    def get_row_css(self, row: FeedRow) -> str:
        return "over" if row.fresh.needs_a_look else ""

    def get_lead(self) -> Headline:
        """Return how many feeds are up to date, and the problem of the worst other one."""
        polled_feeds = [
            freshness
            for freshness in self.feeds
            if freshness.source.enabled and not freshness.source.is_packaged
        ]
        banners = self.banners
        return presenters.feeds_headline(
            polled_feeds,
            {pk: banner.changes for pk, banner in banners.items()},
            {pk: banner.run for pk, banner in banners.items() if banner.run is not None},
        )

    def get_basis(self) -> str:
        return _describe_totals(self.rows, self.runs_by_source)

    def get_actions(self) -> Sequence[PageAction]:
        notices = ProviderNotice.objects.visible_to(self.user)
        n_unread = notices.filter(state=ProviderNotice.State.UNREAD).count()
        count = f" ({number(n_unread)} unread)" if n_unread else ""
        view = PageAction(f"View provider notices{count}", reverse("provider-notices:list"))
        if not self.user.is_governance:
            return (view,)
        return (view, PageAction("Add feed", reverse("feeds:create")))

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No feeds configured.",
            "Feeds report which models exist, when they retire and what they cost. The command "
            "manage.py load_catalogue adds the built-in ones.",
            *(("Add feed", reverse("feeds:create")) if self.user.is_governance else ()),
        )

    def get_context(self) -> Mapping[str, Any]:
        latest = ListRequest(QueryDict(), self.user)
        return {
            "banners": self.banners.values(),
            "day_before": day_of(self.at - drawing.SPAN),
            "latest_runs": LatestFeedRuns(latest, at=self.at),
            "latest_quarantine": LatestQuarantine(latest, at=self.at),
            "n_quarantined": sum(row.n_set_aside for row in self.rows),
            "disagreements": self.disagreements,
        }


def _describe_totals(
    rows: Sequence[FeedRow], runs_by_source: Mapping[int, Sequence[FeedRun]]
) -> str:
    n_rows = sum(row.n_rows or 0 for row in rows)
    n_runs = sum(len(runs) for runs in runs_by_source.values())
    texts = (
        pluralize(len(rows), "1 feed", f"{number(len(rows))} feeds"),
        pluralize(n_rows, "1 row", f"{number(n_rows)} rows"),
        pluralize(n_runs, "1 run", f"{number(n_runs)} runs"),
    )
    return f"{', '.join(texts)} in the last 24 hours."


class SourceFeedRuns(FeedRunList):
    """Runs of one source (`source`)."""

    page_size = 30

    def get_queryset(self) -> "QuerySet[FeedRun]":
        return super().get_queryset().filter(source=self.kwargs["source"])


class SourceQuarantine(QuarantineList):
    """Quarantined rows of one source (`source`)."""

    page_size = 20

    def get_queryset(self) -> "QuerySet[QuarantinedRow]":
        return super().get_queryset().filter(source=self.kwargs["source"])


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
    user = signed_in_user(request)
    runs = SourceFeedRuns(ListRequest(request.GET, user), at=at, source=source)
    quarantined = SourceQuarantine(ListRequest(QueryDict(), user), at=at, source=source)
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
        listing=runs.listing,
        runs=runs,
        quarantined=quarantined,
        n_quarantined=freshness.source.n_set_aside or 0,  # type: ignore[attr-defined]
        claims=claims,
        kind_name=KIND_NAMES.get(source.kind, source.kind),
        mapping=mapping_settings(source) if source.kind in MAPPED_KINDS else None,
        page=_describe_page(freshness) if source.kind == PAGE else None,
        changes=source_changes(source),
        n_refused=sum(claim["n_refused"] for claim in claims),
        n_floating=sum(claim["n_floating"] for claim in claims),
        floating=floating.select_related("offering__host").order_by(
            "-floating_since", "external_id"
        )[:MAX_FLOATING],
    )


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What is read of a lifecycle page: its tables in the last good form, and the sentences about a
    form on hold."""

    tables: PageForm
    doubts: list[str]


def _describe_page(freshness: SourceFreshness) -> PageFacts:
    stored = freshness.state.page_form if freshness.state is not None else {}
    return PageFacts(read_form(stored.get("tables")), form_doubts(stored))


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
