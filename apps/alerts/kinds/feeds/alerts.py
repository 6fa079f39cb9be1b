"""Raise, and settle, what is owed because of a feed: models that had ended before their source
told, payloads that look broken, sources that fell silent."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from apps.accounts.models import User
from apps.alerts.kinds.feeds.feed_text import MAX_OFFERINGS
from apps.alerts.kinds.feeds.queries import (
    BackfilledTeam,
    SourceCondition,
    applications_on_hold,
    backfilled_teams,
    groups_on_hold,
    provider_names,
    source_conditions,
)
from apps.alerts.kinds.severity import (
    FRESH_SEVERITY,
    SILENT_SEVERITY,
    highest_severity,
    hold_severity,
)
from apps.alerts.lifecycle.creation import AlertDraft, alert_key, party_key, store_alerts
from apps.alerts.lifecycle.resolution import resolve_alerts
from apps.alerts.models import Alert, FeedKind, Notice, Resolution, was_mailed
from apps.alerts.recipients import ApplicationOwners, application_owners, organisation_roles
from apps.catalog.models import ProviderEvent
from apps.common.time import day_of
from apps.feeds.models import FeedRun, Health
from apps.inventory.models import Criticality

# one run at a time tells of feeds; the number is only this lock's name
FEEDS_LOCK = 7301004
# what an upgrade, or a database that was away for long, finds is history and no news any more
NEWS_PERIOD = timedelta(days=7)

_SILENT_KINDS = {Health.LATE: FeedKind.LATE, Health.FROZEN: FeedKind.FROZEN}


@transaction.atomic
def raise_feed_alerts(*, at: datetime) -> int:
    """Write down who is owed word of feeds, and resolve what has passed; the number of new alerts.

    All of it is one transaction under one lock, so that a second run finds everything done, or
    nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FEEDS_LOCK])
    people = organisation_roles()
    runs = _claim_runs(at=at, with_suspect=bool(people.deciders))
    n_raised = store_alerts(_backfill_alerts(runs, at=at)) if runs else 0
    return (
        n_raised
        + _update_suspicions(runs, people.deciders, at=at)
        + _update_silence(people.operators, at=at)
    )


def _claim_runs(*, at: datetime, with_suspect: bool) -> list[FeedRun]:
    """Runs with something to tell that nobody has worked through, the oldest first; old ones are
    only marked.

    Suspect runs are left for later while there is nobody to decide about them.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO alerts_handledrun (run_id, handled_at)
            SELECT r.id, %s FROM feeds_feedrun r
            WHERE r.finished_at IS NOT NULL AND (r.rows_backfilled > 0 OR r.status = 'suspect')
              AND (r.status <> 'suspect' OR %s)
              AND NOT EXISTS (SELECT 1 FROM alerts_handledrun h WHERE h.run_id = r.id)
            ON CONFLICT DO NOTHING RETURNING run_id
            """,
            [at, with_suspect],
        )
        claimed = [row[0] for row in cursor.fetchall()]
    if not claimed:
        return []
    recent = FeedRun.objects.filter(pk__in=claimed, observed_at__gte=at - NEWS_PERIOD)
    return list(recent.select_related("source").defer("floated").order_by("observed_at", "pk"))


# --- back-fill ------------------------------------------------------------------------------------


def _backfill_alerts(runs: Sequence[FeedRun], *, at: datetime) -> list[AlertDraft]:
    """One alert per run and team that stands on what had already ended; the owners of its
    applications are told too."""
    run_ids = [run.pk for run in runs if run.backfilled]
    teams = backfilled_teams(run_ids=run_ids, on=day_of(at))
    owners = application_owners({pk for found in teams for pk in found.application_ids})
    return [_backfill_alert(found, owners, at=at) for found in teams]


def _backfill_alert(
    backfilled: BackfilledTeam, owners: Mapping[int, ApplicationOwners], *, at: datetime
) -> AlertDraft:
    others: dict[int, list[int] | None] = {}
    for pk in backfilled.application_ids:
        for user_id in (owners[pk].first, *owners[pk].others) if pk in owners else ():
            if user_id is not None:
                of_theirs = others.setdefault(user_id, [])
                assert of_theirs is not None
                of_theirs.append(pk)
    known = [
        level
        for level in (backfilled.gravest_primary, backfilled.gravest_leaning)
        if level is not None
    ]
    alert = Alert(
        key=alert_key(
            f"run:{backfilled.run_id}", FeedKind.BACKFILLED, party_key(backfilled.team_id, None)
        ),
        kind=FeedKind.BACKFILLED,
        severity=highest_severity(
            ProviderEvent.Kind.RETIRED,
            days_left=None,
            primary=backfilled.gravest_primary,
            leaning=backfilled.gravest_leaning,
        ),
        run_id=backfilled.run_id,
        team_id=backfilled.team_id,
        application_ids=backfilled.application_ids,
        details={"n": len(backfilled.offerings), "offerings": backfilled.offerings[:MAX_OFFERINGS]},
        raised_at=at,
    )
    return AlertDraft(alert, others=others, criticality=min(known, default=None))


# --- what is held ---------------------------------------------------------------------------------


def _update_suspicions(runs: Sequence[FeedRun], people: Sequence[User], *, at: datetime) -> int:
    """Resolve suspicions of which nothing is held any more, then raise those of the new suspect
    runs."""
    suspect = [run for run in runs if run.held]
    known = list(
        Alert.objects.filter(kind=FeedKind.SUSPECT)
        .exclude(state=Alert.State.RESOLVED)
        .values_list("pk", "run__source_id", "details")
    )
    if not suspect and not known:
        return 0
    waiting = groups_on_hold(
        {run.source_id for run in suspect} | {source_id for _, source_id, _ in known}
    )
    told: set[tuple[int, str]] = set()
    over = []
    for pk, source_id, details in known:
        groups = {(source_id, group) for group in details.get("groups", {})}
        if groups & waiting:
            told |= groups
        else:
            over.append(pk)
    resolve_alerts(over, resolution=Resolution.HOLD_DECIDED, at=at, notify=False)
    # the same provider, doubted at every poll until somebody decides, is one piece of news
    news = []
    for run in suspect:
        groups = {(run.source_id, group) for group in run.held} & waiting
        if groups - told:
            news.append(run)
            told |= groups
    return store_alerts(_suspicions(news, people, at=at)) if news else 0


def _suspicions(
    runs: Sequence[FeedRun], people: Sequence[User], *, at: datetime
) -> list[AlertDraft]:
    reach = applications_on_hold([run.source_id for run in runs], on=day_of(at))
    names = provider_names({group for run in runs for group in run.held})
    alerts = []
    for run in runs:
        concerned: dict[int, int] = {}
        for group in run.held:
            concerned |= reach.get((run.source_id, group), {})
        alerts += [
            _operator_draft(
                key=alert_key(f"run:{run.pk}", FeedKind.SUSPECT, f"user:{person.pk}"),
                kind=FeedKind.SUSPECT,
                severity=hold_severity(critical=Criticality.CRITICAL in concerned.values()),
                run=run,
                user=person,
                application_ids=sorted(concerned, key=lambda pk: (concerned[pk], pk)),
                details={
                    "groups": {
                        group: {"name": names.get(group, group), "says": said}
                        for group, said in run.held.items()
                    }
                },
                raised_at=at,
            )
            for person in people
        ]
    return alerts


# --- sources that fell silent ---------------------------------------------------------------------


def _update_silence(people: Sequence[User], *, at: datetime) -> int:
    """Raise what is late or frozen, once per episode; resolve what is read again, and say so to
    whom was told."""
    found = source_conditions(at=at)
    silent = {pk: condition for pk, condition in found.items() if condition.health in _SILENT_KINDS}
    known = list(
        Alert.objects.filter(kind__in=_SILENT_KINDS.values(), user__isnull=False)
        .exclude(state=Alert.State.RESOLVED)
        .values_list("pk", "source_id", "kind")
    )
    over = [pk for pk, source_id, kind in known if _is_over(kind, found.get(source_id))]
    n_raised = store_alerts(_recovery_alerts(over, found, at=at)) if over else 0
    resolve_alerts(over, resolution=Resolution.FEED_RESTORED, at=at, notify=False)
    return n_raised + (store_alerts(_silences(silent, people, at=at)) if silent and people else 0)


def _is_over(kind: str, condition: SourceCondition | None) -> bool:
    """A source that is not polled any more is nobody's worry; one that fails meanwhile proves
    nothing."""
    if condition is None or condition.health == Health.FRESH:
        return True
    return kind == FeedKind.LATE and condition.health == Health.FROZEN


def _silences(
    silent: dict[int, SourceCondition], people: Sequence[User], *, at: datetime
) -> list[AlertDraft]:
    """Alerts about these sources, but for episodes that somebody has been told of: who comes into
    office later reads them on the page."""
    told = set(
        Alert.objects.filter(source__in=silent, kind__in=_SILENT_KINDS.values()).values_list(
            "source_id", "kind", "details__since"
        )
    )
    alerts = []
    for source_id, condition in silent.items():
        kind, details = _SILENT_KINDS[condition.health], _details_of(condition)
        if (source_id, kind, details["since"]) in told:
            continue
        alerts += [
            _operator_draft(
                key=alert_key(
                    f"source:{source_id}",
                    kind,
                    f"user:{person.pk}",
                    milestone=str(details["since"]),
                ),
                kind=kind,
                severity=SILENT_SEVERITY,
                source_id=source_id,
                user=person,
                details=details,
                raised_at=at,
            )
            for person in people
        ]
    return alerts


def _details_of(condition: SourceCondition) -> dict[str, object]:
    state = condition.state
    if condition.health == Health.FROZEN:
        return {
            "since": day_of(state.told_until).isoformat(),
            "says_itself": state.as_of is not None,
        }
    assert state.last_success_at is not None
    return {
        "since": day_of(state.last_success_at).isoformat(),
        "failures": state.failures,
        "error": state.error[:300],
    }


def _recovery_alerts(
    over: Sequence[int], conditions: dict[int, SourceCondition], *, at: datetime
) -> list[AlertDraft]:
    """That a source is fresh again, for everyone whom a mail told that it was not. It asks nothing
    of anybody, so it is resolved from the start."""
    alerts = Alert.objects.filter(pk__in=over).order_by("pk")
    # a digest holds its recipient while it is written: afterwards it is settled which alerts it
    # carries
    list(
        User.objects.select_for_update(no_key=True)
        .filter(pk__in=alerts.order_by().values("user"))
        .order_by("pk")
    )
    mailed = alerts.filter(was_mailed(Notice.objects.all()))
    return [
        _operator_draft(
            key=alert_key(
                f"source:{alert.source_id}",
                FeedKind.FRESH,
                f"user:{alert.user_id}",
                milestone=f"{alert.kind} {alert.details['since']}",
            ),
            kind=FeedKind.FRESH,
            severity=FRESH_SEVERITY,
            source_id=alert.source_id,
            user_id=alert.user_id,
            details={"was": alert.kind},
            state=Alert.State.RESOLVED,
            raised_at=at,
        )
        for alert in mailed
        if alert.source_id in conditions and conditions[alert.source_id].health == Health.FRESH
    ]


def _operator_draft(**fields: Any) -> AlertDraft:
    return AlertDraft(Alert(**fields), why=Notice.Why.OPERATOR)


__all__ = ["NEWS_PERIOD", "raise_feed_alerts"]
