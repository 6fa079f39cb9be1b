"""Who is owed word of what: once per event, kind and team, however often and however many look."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.alerts.actions import EVENT_BATCH_SIZE, NOTIFIED_EVENT_KINDS, raise_alerts
from apps.alerts.models import Alert, HandledEvent
from apps.catalog.models import ProviderEvent
from apps.inventory.models import Criticality, Requirement
from tests.builders import (
    NOW,
    make_application,
    make_dependency,
    make_derivation,
    make_event,
    make_flag,
    make_offering,
    make_team,
    make_user,
    make_version,
)
from tests.threads import run_in_threads
from tests.worlds.small import SmallWorld, make_small_world


@pytest.mark.django_db
def test_an_accepted_event_owes_the_team_of_the_affected_application_one_alert() -> None:
    world = make_small_world()
    event = world.event()

    assert raise_alerts(at=NOW) == 1

    alert = Alert.objects.get()
    assert alert.key == f"event:{event.pk}|announced||team:{world.team.pk}"
    assert (alert.kind, alert.event, alert.team, alert.user) == (
        "announced",
        event,
        world.team,
        None,
    )
    assert alert.application_ids == [world.application.pk]
    assert (alert.state, alert.raised_at) == ("open", NOW)
    assert [(notice.team, notice.why, notice.delivery) for notice in alert.notices.all()] == [
        (world.team, "team", None)
    ]


@pytest.mark.django_db
def test_raising_again_raises_nothing() -> None:
    make_small_world().event()
    raise_alerts(at=NOW)

    assert raise_alerts(at=NOW + timedelta(days=1)) == 0

    assert Alert.objects.count() == 1


@pytest.mark.django_db
def test_a_second_event_about_the_same_model_is_a_second_alert() -> None:
    world = make_small_world()
    world.event()
    raise_alerts(at=NOW)
    world.event("moved_earlier", old="2027-01-15", new="2026-12-20")

    assert raise_alerts(at=NOW) == 1


@pytest.mark.django_db
def test_every_team_is_told_of_its_own_applications_only() -> None:
    world = make_small_world()
    other = make_team("Underwriting")
    theirs = make_application(
        "Policy wording comparer", team=other, criticality=Criticality.STANDARD
    )
    make_dependency(theirs, world.offering)
    more = make_application("Fraud triage", team=world.team, criticality=Criticality.LOW)
    make_dependency(more, world.offering)
    world.event()

    assert raise_alerts(at=NOW) == 2

    assert {
        alert.team: alert.application_ids for alert in Alert.objects.select_related("team")
    } == {
        world.team: [world.application.pk, more.pk],
        other: [theirs.pk],
    }


@pytest.mark.django_db
def test_an_application_on_a_fine_tune_or_another_name_of_the_model_is_affected() -> None:
    world = make_small_world()
    assert world.offering.version is not None
    tuned = make_version("acme/damage-tuned", foundation=world.offering.version.foundation)
    make_derivation(tuned, world.offering.version)
    of_tuned = make_application("On the fine-tune", team=world.team)
    make_dependency(of_tuned, make_offering("tuned-1", host=world.offering.host, version=tuned))
    of_name = make_application("On another name", team=world.team)
    make_dependency(
        of_name,
        make_offering("gemini-latest", host=world.offering.host, version=world.offering.version),
    )
    world.event()

    raise_alerts(at=NOW)

    assert set(Alert.objects.get().application_ids) == {
        world.application.pk,
        of_tuned.pk,
        of_name.pk,
    }


@pytest.mark.django_db
def test_an_event_that_reaches_nobody_is_handled_without_an_alert() -> None:
    event = make_event(make_offering())

    assert raise_alerts(at=NOW) == 0

    assert HandledEvent.objects.get().event_id == event.pk


@pytest.mark.django_db
def test_ended_dependencies_and_retired_applications_are_not_affected() -> None:
    world = make_small_world()
    world.application.dependencies.update(until=date(2026, 11, 24))
    gone = make_application(team=world.team, status="retired")
    make_dependency(gone, world.offering)
    world.event()

    assert raise_alerts(at=NOW) == 0


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ProviderEvent.Kind.values)
def test_only_changes_that_ask_something_of_a_team_are_told_unasked(kind: str) -> None:
    world = make_small_world()
    uses(world, "tool_calling")
    # a withdrawn capability has fields as its value, other events a day
    world.event(kind, **({"new": {"tool_calling": False}} if kind == "capability_lost" else {}))

    assert raise_alerts(at=NOW) == (1 if kind in NOTIFIED_EVENT_KINDS else 0)

    assert HandledEvent.objects.count() == 1


def test_releases_and_moved_aliases_are_never_mailed_by_default() -> None:
    assert {
        "announced",
        "moved_earlier",
        "moved_later",
        "withdrawn",
        "retired",
        "delisted",
        "repriced",
        "capability_lost",
    } == NOTIFIED_EVENT_KINDS


def uses(world: SmallWorld, field: str, value: object = True) -> None:
    """Declare what the application uses of its model."""
    Requirement.objects.create(
        dependency=world.application.dependencies.get(), field=field, value=value
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value", "n_alerts"),
    [("tool_calling", True, 1), ("tool_calling", False, 0), ("vision", True, 0), ("", True, 0)],
)
def test_a_withdrawn_capability_is_told_to_those_who_use_it(
    field: str, value: object, n_alerts: int
) -> None:
    world = make_small_world()
    if field:
        uses(world, field, value)
    world.event("capability_lost", old={"tool_calling": True}, new={"tool_calling": False})

    assert raise_alerts(at=NOW) == n_alerts

    for alert in Alert.objects.all():
        assert (alert.severity, alert.due_on, alert.state) == (4, None, "open")


@pytest.mark.django_db
def test_a_fallback_is_told_a_step_more_quietly_than_a_primary() -> None:
    world = make_small_world()
    leaning = make_application(team=make_team("Leaning"), criticality=Criticality.CRITICAL)
    make_dependency(leaning, world.offering, role="fallback", fallback_order=1)
    world.event()

    raise_alerts(at=NOW)

    assert Alert.objects.get(team=world.team).severity == 4
    assert Alert.objects.get(team=leaning.team).severity == 3


@pytest.mark.django_db
@pytest.mark.parametrize(("old", "severity"), [(None, 3), ("2026-12-01", 5), ("2027-12-01", 2)])
def test_a_row_that_left_its_list_is_as_loud_as_the_date_it_had(
    old: str | None, severity: int
) -> None:
    make_small_world().event("delisted", old=old, new=None, effective_on=date(2026, 11, 24))

    raise_alerts(at=NOW)

    assert Alert.objects.get().severity == severity


@pytest.mark.django_db
def test_more_events_than_fit_one_transaction_are_all_worked_through() -> None:
    world = make_small_world()
    for n in range(EVENT_BATCH_SIZE * 2 + 3):
        world.event(external_id=f"row-{n}")

    assert raise_alerts(at=NOW) == EVENT_BATCH_SIZE * 2 + 3

    assert HandledEvent.objects.count() == EVENT_BATCH_SIZE * 2 + 3


def _n_statements_with(n_applications: int, world: SmallWorld) -> int:
    for _ in range(n_applications):
        make_dependency(make_application(team=world.team), world.offering)
    world.event()
    with CaptureQueriesContext(
        connection,
    ) as captured:
        raise_alerts(at=NOW)
    return len(captured)


@pytest.mark.django_db
def test_the_number_of_statements_does_not_grow_with_the_applications() -> None:
    world = make_small_world()

    assert _n_statements_with(1, world) == _n_statements_with(60, world)


@pytest.mark.django_db
def test_nothing_to_do_writes_nothing() -> None:
    make_small_world().event()
    raise_alerts(at=NOW)

    with CaptureQueriesContext(connection) as captured:
        raise_alerts(at=NOW + timedelta(minutes=1))

    assert not [query for query in captured if query["sql"].startswith(("UPDATE", "DELETE"))]
    assert Alert.objects.count() == HandledEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_doubled_beat_raises_each_alert_once() -> None:
    world = make_small_world()
    for n in range(40):
        world.event(external_id=f"row-{n}")
    make_user(role="governance")
    make_flag()

    raised = run_in_threads(3, lambda: raise_alerts(at=NOW))

    assert len(raised) == 3
    assert sum(raised) == 41
    assert Alert.objects.filter(team=world.team).count() == 40
    assert Alert.objects.filter(flag__isnull=False).count() == 1
    assert HandledEvent.objects.count() == 40


@pytest.mark.django_db(transaction=True)
def test_a_run_that_dies_before_its_commit_leaves_everything_owed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_small_world().event()

    def die(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("apps.alerts.kinds.provider_events.store_alerts", die)
        with pytest.raises(KeyboardInterrupt):
            raise_alerts(at=NOW)

    assert HandledEvent.objects.count() == 0
    assert raise_alerts(at=NOW) == 1
