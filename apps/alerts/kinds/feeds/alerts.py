"""Creation and resolution of alerts about feeds: backfilled retirements, changes on hold, sources
that are late or not updating."""

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

# Advisory lock: one run at a time handles feed runs.
FEEDS_LOCK = 7301004
# Runs older than this create no alerts, for example after an upgrade or a long outage.
NEWS_PERIOD = timedelta(days=7)

_SILENT_KINDS = {Health.LATE: FeedKind.LATE, Health.FROZEN: FeedKind.FROZEN}


@transaction.atomic
def raise_feed_alerts(*, at: datetime) -> int:
    """Create alerts about feeds, resolve those whose cause has ended, and return the number
    created. One transaction under one lock, so that a second run finds nothing to do."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FEEDS_LOCK])
    roles = organisation_roles()
    runs = _claim_runs(at=at, with_suspect=bool(roles.deciders))
    n_raised = store_alerts(_draft_backfill_alerts(runs, at=at)) if runs else 0
    return (
        n_raised
        + _update_suspicions(runs, roles.deciders, at=at)
        + _update_silence(roles.operators, at=at)
    )


def _claim_runs(*, at: datetime, with_suspect: bool) -> list[FeedRun]:
    """Mark unhandled runs with backfilled rows or changes on hold as handled, and return the recent
    ones, oldest first.

    Without `with_suspect`, runs with changes on hold stay unhandled until a user can decide."""
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
        run_ids = [row[0] for row in cursor.fetchall()]
    if not run_ids:
        return []
    recent = FeedRun.objects.filter(pk__in=run_ids, observed_at__gte=at - NEWS_PERIOD)
    return list(recent.select_related("source").defer("floated").order_by("observed_at", "pk"))


# --- back-fill ------------------------------------------------------------------------------------


def _draft_backfill_alerts(runs: Sequence[FeedRun], *, at: datetime) -> list[AlertDraft]:
    """Draft one alert per run and team that uses a model that had already retired. The owners of
    the applications are notified too."""
    run_ids = [run.pk for run in runs if run.backfilled]
    teams = backfilled_teams(run_ids=run_ids, on=day_of(at))
    owners = application_owners({pk for team in teams for pk in team.application_ids})
    return [_draft_backfill_alert(team, owners, at=at) for team in teams]


def _draft_backfill_alert(
    backfilled: BackfilledTeam, owners: Mapping[int, ApplicationOwners], *, at: datetime
) -> AlertDraft:
    """Draft the alert of one team about past retirement dates that a poll published; owners get
    their own applications."""
    ids_by_owner: dict[int, list[int] | None] = {}
    for pk in backfilled.application_ids:
        for user_id in (owners[pk].first, *owners[pk].others) if pk in owners else ():
            if user_id is not None:
                owner_application_ids = ids_by_owner.setdefault(user_id, [])
                assert owner_application_ids is not None
                owner_application_ids.append(pk)
    levels = [
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
            supporting=backfilled.gravest_leaning,
        ),
        run_id=backfilled.run_id,
        team_id=backfilled.team_id,
        application_ids=backfilled.application_ids,
        details={"n": len(backfilled.offerings), "offerings": backfilled.offerings[:MAX_OFFERINGS]},
        raised_at=at,
    )
    return AlertDraft(alert, others=ids_by_owner, criticality=min(levels, default=None))


# --- changes on hold ------------------------------------------------------------------------------


def _update_suspicions(runs: Sequence[FeedRun], deciders: Sequence[User], *, at: datetime) -> int:
    """Resolve alerts without any change still on hold, create alerts for new runs with changes on
    hold, and return the number created."""
    suspect_runs = [run for run in runs if run.held]
    live_alerts = list(
        Alert.objects.filter(kind=FeedKind.SUSPECT)
        .exclude(state=Alert.State.RESOLVED)
        .values_list("pk", "run__source_id", "details")
    )
    if not suspect_runs and not live_alerts:
        return 0
    held_groups = groups_on_hold(
        {run.source_id for run in suspect_runs} | {source_id for _, source_id, _ in live_alerts}
    )
    alerted_groups: set[tuple[int, str]] = set()
    resolved_ids = []
    for pk, source_id, details in live_alerts:
        groups = {(source_id, group) for group in details.get("groups", {})}
        if groups & held_groups:
            alerted_groups |= groups
        else:
            resolved_ids.append(pk)
    resolve_alerts(resolved_ids, resolution=Resolution.HOLD_DECIDED, at=at, notify=False)
    # A provider whose changes stay on hold over several polls creates only one alert.
    new_runs = []
    for run in suspect_runs:
        groups = {(run.source_id, group) for group in run.held} & held_groups
        if groups - alerted_groups:
            new_runs.append(run)
            alerted_groups |= groups
    return store_alerts(_draft_suspicion_alerts(new_runs, deciders, at=at)) if new_runs else 0


def _draft_suspicion_alerts(
    runs: Sequence[FeedRun], deciders: Sequence[User], *, at: datetime
) -> list[AlertDraft]:
    """Draft an alert for each poll with changes on hold and each user who can decide about them."""
    applications_by_group = applications_on_hold([run.source_id for run in runs], on=day_of(at))
    names = provider_names({group for run in runs for group in run.held})
    drafts = []
    for run in runs:
        criticalities: dict[int, int] = {}
        for group in run.held:
            criticalities |= applications_by_group.get((run.source_id, group), {})
        drafts += [
            _draft_operator_alert(
                key=alert_key(f"run:{run.pk}", FeedKind.SUSPECT, f"user:{user.pk}"),
                kind=FeedKind.SUSPECT,
                severity=hold_severity(critical=Criticality.CRITICAL in criticalities.values()),
                run=run,
                user=user,
                application_ids=sorted(criticalities, key=lambda pk: (criticalities[pk], pk)),
                details={
                    "groups": {
                        group: {"name": names.get(group, group), "says": sentence}
                        for group, sentence in run.held.items()
                    }
                },
                raised_at=at,
            )
            for user in deciders
        ]
    return drafts


# --- sources that are late or not updating --------------------------------------------------------


def _update_silence(operators: Sequence[User], *, at: datetime) -> int:
    """Create alerts about sources that are late or not updating, once per episode; resolve those of
    sources that are up to date again, and notify their recipients. Return the number created."""
    conditions = source_conditions(at=at)
    silent_conditions = {
        pk: condition for pk, condition in conditions.items() if condition.health in _SILENT_KINDS
    }
    live_alerts = list(
        Alert.objects.filter(kind__in=_SILENT_KINDS.values(), user__isnull=False)
        .exclude(state=Alert.State.RESOLVED)
        .values_list("pk", "source_id", "kind")
    )
    resolved_ids = [
        pk for pk, source_id, kind in live_alerts if _is_over(kind, conditions.get(source_id))
    ]
    n_raised = (
        store_alerts(_draft_recovery_alerts(resolved_ids, conditions, at=at)) if resolved_ids else 0
    )
    resolve_alerts(resolved_ids, resolution=Resolution.FEED_RESTORED, at=at, notify=False)
    return n_raised + (
        store_alerts(_draft_silence_alerts(silent_conditions, operators, at=at))
        if silent_conditions and operators
        else 0
    )


def _is_over(kind: str, condition: SourceCondition | None) -> bool:
    """Return whether the episode has ended: the source is up to date or no longer polled, or a late
    source is polled again but not updating. A failing source does not end it."""
    if condition is None or condition.health == Health.FRESH:
        return True
    return kind == FeedKind.LATE and condition.health == Health.FROZEN


def _draft_silence_alerts(
    silent_conditions: dict[int, SourceCondition], operators: Sequence[User], *, at: datetime
) -> list[AlertDraft]:
    """Draft alerts about these sources, except for episodes that already have an alert: users who
    become operators later receive none."""
    alerted_episodes = set(
        Alert.objects.filter(
            source__in=silent_conditions, kind__in=_SILENT_KINDS.values()
        ).values_list("source_id", "kind", "details__since")
    )
    drafts = []
    for source_id, condition in silent_conditions.items():
        kind, details = _SILENT_KINDS[condition.health], _build_details(condition)
        if (source_id, kind, details["since"]) in alerted_episodes:
            continue
        drafts += [
            _draft_operator_alert(
                key=alert_key(
                    f"source:{source_id}",
                    kind,
                    f"user:{user.pk}",
                    milestone=str(details["since"]),
                ),
                kind=kind,
                severity=SILENT_SEVERITY,
                source_id=source_id,
                user=user,
                details=details,
                raised_at=at,
            )
            for user in operators
        ]
    return drafts


def _build_details(condition: SourceCondition) -> dict[str, object]:
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


def _draft_recovery_alerts(
    alert_ids: Sequence[int], conditions: dict[int, SourceCondition], *, at: datetime
) -> list[AlertDraft]:
    """Draft alerts that a source is up to date again, for the users who received an email about the
    episode. They need no response, so they are resolved from the start."""
    alerts = Alert.objects.filter(pk__in=alert_ids).order_by("pk")
    # A digest locks its recipient while it is written: after this lock the alerts in it are known.
    list(
        User.objects.select_for_update(no_key=True)
        .filter(pk__in=alerts.order_by().values("user"))
        .order_by("pk")
    )
    mailed_alerts = alerts.filter(was_mailed(Notice.objects.all()))
    return [
        _draft_operator_alert(
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
        for alert in mailed_alerts
        if alert.source_id in conditions and conditions[alert.source_id].health == Health.FRESH
    ]


def _draft_operator_alert(**fields: Any) -> AlertDraft:
    return AlertDraft(Alert(**fields), why=Notice.Why.OPERATOR)


__all__ = ["NEWS_PERIOD", "raise_feed_alerts"]
