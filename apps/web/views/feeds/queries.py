"""Queries of the feed pages. Each states how many statements it costs."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from apps.accounts.models import User
from apps.accounts.roles import OrganisationRole
from apps.catalog.claims.pending_changes import PendingChange
from apps.catalog.models import Assertion, ProviderEvent, Source
from apps.common.time import now
from apps.exposure.queries.dependents import reached_offerings_sql
from apps.feeds.models import FeedRun, QuarantinedRow
from apps.web.drawings.timelines.poll_strip import SPAN
from apps.web.pages.form_fields import UserSource
from apps.web.presenters.source_freshness import SourceFreshness, source_freshness
from apps.web.queries import live_dependencies
from apps.web.wording import ago

Kind = ProviderEvent.Kind


def polled_sources(user: Any) -> "QuerySet[Source]":
    """Return the sources that can be polled. The claims of the others are shown on the pages of
    their offerings."""
    return Source.objects.visible_to(user).exclude(kind__in=Source.UNPOLLED)


def source_or_404(request: UserSource, slug: str) -> Source:
    return get_object_or_404(polled_sources(request.user), slug=slug)


def with_counts(sources: "QuerySet[Source]") -> "QuerySet[Source]":
    """Annotate sources with `n_rows` of their last successful poll, `n_set_aside` (quarantined
    rows) and `n_held` (claims on hold); None means none."""
    good_runs = (
        FeedRun.objects.succeeded()
        .filter(source=OuterRef("pk"), rows__isnull=False)
        .order_by("-queued_at", "-id")
    )
    quarantined_rows = QuarantinedRow.objects.open().filter(source=OuterRef("pk"))
    held_claims = Assertion.objects.standing().filter(source=OuterRef("pk"), held=True)
    return sources.annotate(
        n_rows=Subquery(good_runs.values("rows")[:1]),
        n_set_aside=Subquery(_count_by_source(quarantined_rows)),
        n_held=Subquery(_count_by_source(held_claims)),
    )


def _count_by_source(rows: "QuerySet[Any]") -> "QuerySet[Any, Any]":
    counts: QuerySet[Any, Any] = (
        rows.order_by().values("source").annotate(n=Count("pk")).values("n")
    )
    return counts


def fresh_sources(user: Any, *, at: datetime) -> tuple[SourceFreshness, ...]:
    """Return all sources of the feeds page with their counts: one statement."""
    return source_freshness(with_counts(polled_sources(user)), at=at)


def fresh_source(request: HttpRequest, slug: str, *, at: datetime) -> SourceFreshness:
    """Return one source with its counts; Http404 if it cannot be polled or viewed. Two
    statements."""
    source = source_or_404(request, slug)
    return source_freshness(with_counts(Source.objects.filter(pk=source.pk)), at=at)[0]


def runs_of_the_day(user: Any, *, at: datetime) -> dict[int, list[FeedRun]]:
    """Return {source ID: its runs of the last 24 hours, latest first}, with the columns that the
    poll strip and the progress need: one statement."""
    runs_by_source: dict[int, list[FeedRun]] = defaultdict(list)
    runs = (
        FeedRun.objects.visible_to(user)
        .filter(queued_at__gt=at - SPAN, queued_at__lte=at)
        .select_related("source")
        .only(
            "status",
            "step",
            "queued_at",
            "finished_at",
            "rows_changed",
            "source__name",
            "source__slug",
        )
    )
    for run in runs:
        runs_by_source[run.source_id].append(run)
    return runs_by_source


def last_suspect_runs(sources: Collection[int]) -> dict[int, FeedRun]:
    """Return {source ID: its last suspect run}, annotated with `rows_before`, the number of rows of
    the successful run before: one statement."""
    previous_runs = (
        FeedRun.objects.succeeded()
        .filter(source=OuterRef("source"), rows__isnull=False, queued_at__lt=OuterRef("queued_at"))
        .order_by("-queued_at", "-id")
    )
    runs = (
        FeedRun.objects.filter(source__in=sources, status=FeedRun.Status.SUSPECT)
        .annotate(rows_before=Subquery(previous_runs.values("rows")[:1]))
        .order_by("source_id", "-queued_at", "-id")
        .distinct("source_id")
    )
    return {run.source_id: run for run in runs}


@dataclass(frozen=True, slots=True)
class PendingReach:
    """Visible live applications that changes on hold would affect: by claim, by (source, provider
    group), by source."""

    by_claim: dict[int, int] = field(default_factory=dict)
    by_group: dict[tuple[int, str], int] = field(default_factory=dict)
    by_source: dict[int, int] = field(default_factory=dict)


# The events that acceptance would raise replace the table of events, so that their reach is
# computed by the rules of apps/exposure/queries/dependents.py.
_PENDING_REACH = """
WITH catalog_providerevent(id, offering_id, source_id, kind, provider_group) AS (
    SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::text[])
),
reached AS MATERIALIZED ({reached}), live(offering_id, application_id) AS ({live})
SELECT r.event_id, e.source_id, e.provider_group, count(DISTINCT l.application_id)
FROM reached r
JOIN catalog_providerevent e ON e.id = r.event_id
JOIN live l ON l.offering_id = r.offering_id
-- one row for each change, for each provider group of a source, and for each source
GROUP BY GROUPING SETS ((r.event_id), (e.source_id, e.provider_group), (e.source_id))
"""


def pending_reach(changes: Iterable[PendingChange], *, user: Any, on: date) -> PendingReach:
    """Return how many applications of `user` the changes would affect if they were accepted: one
    statement."""
    changes_with_offering = [
        change for change in changes if change.assertion.offering_id is not None
    ]
    live = (
        live_dependencies(user=user, on=on).order_by().values_list("offering_id", "application_id")
    )
    try:
        live_sql, live_params = live.query.sql_with_params()
    except EmptyResultSet:
        return PendingReach()
    if not changes_with_offering:
        return PendingReach()
    columns: list[list[Any]] = [
        [change.assertion.pk for change in changes_with_offering],
        [change.assertion.offering_id for change in changes_with_offering],
        [change.assertion.source_id for change in changes_with_offering],
        [str(kind_of(change)) for change in changes_with_offering],
        [change.assertion.group for change in changes_with_offering],
    ]
    reach = PendingReach()
    with connection.cursor() as cursor:
        cursor.execute(
            _PENDING_REACH.format(reached=reached_offerings_sql("TRUE"), live=live_sql),
            [*columns, *live_params],
        )
        for claim, source, group, n in cursor.fetchall():
            if claim is not None:
                reach.by_claim[claim] = n
            elif group is not None:
                reach.by_group[source, group] = n
            else:
                reach.by_source[source] = n
    return reach


def kind_of(change: PendingChange) -> Kind:
    """Return the kind of event that acceptance would raise."""
    if change.what == "removal":
        return Kind.DELISTED
    if change.what == "price":
        return Kind.REPRICED
    if change.new is None:
        return Kind.WITHDRAWN
    return Kind.MOVED_LATER if str(change.new) > str(change.old or "") else Kind.MOVED_EARLIER


def deciders(*, limit: int = 6) -> list[str]:
    """Return the names of up to `limit` users who can decide pending changes: one statement."""
    roles = (OrganisationRole.GOVERNANCE, OrganisationRole.ADMIN)
    users = User.objects.filter(is_active=True, organisation_role__in=roles).order_by(
        "-organisation_role", "pk"
    )
    return [str(user) for user in users[:limit]]


@dataclass(frozen=True, slots=True)
class PendingDecision:
    """Last decision about claims of a source: the user, the time and the reason."""

    user_id: int
    name: str
    ago: str
    reason: str


def last_decision(
    source: Source, *, within: timedelta = timedelta(days=1)
) -> PendingDecision | None:
    """Return the last change of the source's claims by a user, from the history; None if it is
    older than `within`. Two statements."""
    at = now()
    history = Assertion.history.rel.related_model._default_manager  # type: ignore[attr-defined]
    entry = (
        history.filter(
            source=source, pgh_created_at__gt=at - within, pgh_context__metadata__has_key="user"
        )
        .select_related("pgh_context")
        .order_by("-pgh_id")
        .first()
    )
    if entry is None:
        return None
    metadata = entry.pgh_context.metadata
    user = User.objects.filter(pk=metadata["user"]).first()
    return PendingDecision(
        metadata["user"],
        str(user) if user else metadata.get("actor", "a user"),
        ago(entry.pgh_created_at, at=at),
        metadata.get("reason", ""),
    )
