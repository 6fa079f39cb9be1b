"""Days that come nearer: ends of models at their milestones, and days of the organisation's own."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.alerts.actions import acknowledge_alert, assign_alert, create_mute, raise_due_alerts
from apps.alerts.models import Alert, AlertPolicy, AlertSettings, Notice
from apps.alerts.preferences import change_alert_policy
from apps.catalog.footing import refresh_footing
from apps.catalog.models import NodeKind, Offering
from apps.exposure.campaigns.maintenance import update_campaigns
from apps.exposure.models import Campaign, CampaignTask, ExposureFlag
from apps.inventory.models import Application, Approval, Criticality, Dependency, Selection
from apps.risks.models import Assessment
from tests.alerts.simulation import (
    addresses,
    day_in,
    last_text,
    look,
    mail_out,
    morning,
    pass_day,
    pass_days,
    pass_each,
    texts,
    told,
    told_of,
)
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_assessment,
    make_dependency,
    make_derivation,
    make_event,
    make_exit_test,
    make_flag,
    make_flag_event,
    make_member,
    make_node,
    make_offering,
    make_risk,
    make_team,
    make_user,
    make_version,
)
from tests.kept_worlds import kept_world
from tests.threads import run_in_threads
from tests.worlds.small import SmallWorld, make_small_world

pytestmark = pytest.mark.django_db


@pytest.fixture
@kept_world
def world() -> SmallWorld:
    """Claims runs one critical application on a model whose end nobody knows yet."""
    made = make_small_world()
    ends(made.offering, None)
    return made


def ends(offering: Offering, n: int | None, kind: str = "firm") -> None:
    """The offering ends `n` days from now."""
    Offering.objects.filter(pk=offering.pk).update(
        retires_on=None if n is None else day_in(n), date_kind="" if n is None else kind
    )


def moved(world: SmallWorld, kind: str, n: int, *, on: int) -> None:
    """The catalogue accepts on day `on` that the model ends on day `n`."""
    ends(world.offering, n)
    world.event(kind, new=day_in(n).isoformat(), effective_on=day_in(n), detected_at=morning(on))


# --- ends of models -------------------------------------------------------------------------------


@pytest.mark.proof
def test_an_announced_end_is_told_by_the_news_and_then_by_each_milestone_after_it(
    world: SmallWorld,
) -> None:
    moved(world, "announced", 40, on=0)

    pass_days(0, 43)

    assert told("announced", "milestone") == [
        (0, "announced", None),
        (10, "milestone", 30),
        (26, "milestone", 14),
        (33, "milestone", 7),
        (39, "milestone", 1),
        (40, "milestone", 0),
    ]


@pytest.mark.proof
def test_the_end_itself_is_told_once_by_the_news_or_by_its_milestone(world: SmallWorld) -> None:
    ends(world.offering, 2)
    pass_days(0, 1)
    world.event(
        "retired", new=day_in(2).isoformat(), effective_on=day_in(2), detected_at=morning(2, 0)
    )

    pass_days(2, 6)

    assert told() == [(0, "milestone", 7), (1, "milestone", 1), (2, "retired", None)]
    assert Alert.objects.waiting().get().kind == "retired"


def test_news_of_the_end_takes_the_place_of_a_milestone_that_was_a_minute_faster(
    world: SmallWorld,
) -> None:
    ends(world.offering, 0)
    raise_due_alerts(at=morning(0, 0))
    world.event("retired", new=TODAY.isoformat(), effective_on=TODAY, detected_at=morning(0, 0))

    pass_day(0, 0.5)
    pass_day(0, 8)

    assert Alert.objects.waiting().get().kind == "retired"
    assert told() == [(0, "retired", None)]
    assert len(texts()) == 1


@pytest.mark.proof
@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        # {day: the day it ends from then on}
        (
            {0: 100, 12: 70},
            [
                (0, "announced", None),
                (10, "milestone", 90),
                (12, "moved_earlier", None),
                (40, "milestone", 30),
            ],
        ),
        (
            {0: 35, 10: 100},
            [
                (0, "announced", None),
                (5, "milestone", 30),
                (10, "moved_later", None),
                (40, "milestone", 60),
            ],
        ),
        (
            {0: 35, 6: 100, 9: 35},
            [
                (0, "announced", None),
                (5, "milestone", 30),
                (6, "moved_later", None),
                (9, "moved_earlier", None),
                (21, "milestone", 14),
                (28, "milestone", 7),
                (34, "milestone", 1),
                (35, "milestone", 0),
            ],
        ),
        (
            {0: 20, 3: 5},
            [
                (0, "announced", None),
                (3, "moved_earlier", None),
                (4, "milestone", 1),
                (5, "milestone", 0),
            ],
        ),
    ],
)
def test_a_day_that_moves_is_told_by_the_news_and_at_the_milestones_still_ahead(
    world: SmallWorld, moves: dict[int, int], expected: list[Any]
) -> None:
    before: int | None = None

    for n in range(42):
        if n in moves:
            kind = (
                "announced"
                if before is None
                else "moved_later"
                if moves[n] > before
                else "moved_earlier"
            )
            moved(world, kind, moves[n], on=n)
            before = moves[n]
        pass_day(n)

    assert told() == expected
    assert "RESOLVED" not in " ".join(texts()), "the news of the move says it"


@pytest.mark.proof
def test_a_day_that_flaps_without_news_tells_no_milestone_twice(world: SmallWorld) -> None:
    for n in range(36):
        ends(world.offering, 30 if n % 4 < 2 else 50)
        pass_day(n)

    days = [(alert.due_on, alert.milestone) for alert in Alert.objects.all()]
    assert len(days) == len(set(days))


def test_of_milestones_that_passed_while_nobody_looked_only_the_last_is_told(
    world: SmallWorld,
) -> None:
    ends(world.offering, 95)
    pass_day(0)

    pass_day(85)
    pass_days(86, 89)

    assert told() == [(0, "milestone", 180), (85, "milestone", 14), (88, "milestone", 7)]


@pytest.mark.parametrize(("n", "is_told"), [(-7, True), (-8, False)])
def test_an_end_that_passed_while_nobody_looked_is_told_for_a_week(
    world: SmallWorld, n: int, is_told: bool
) -> None:
    ends(world.offering, n)

    pass_day(0)

    assert (told() == [(0, "milestone", 0)]) is is_told
    assert ("The model retired on 17 November 2026." in last_text()) is is_told


@pytest.mark.proof
def test_a_day_before_which_nothing_ends_is_told_at_fewer_milestones_and_more_quietly(
    world: SmallWorld,
) -> None:
    ends(world.offering, 95, "not_before")
    # what ends firmly would be told on days 5, 35, 65, 81, 88, 94 and 95
    pass_each(0, 4, 5, 6, 34, 35, 36, 64, 65, 66, 80, 81, 82, 87, 88, 89, 94, 95, 96, 97, 100)

    assert told() == [(5, "milestone", 90), (95, "milestone", 0)]
    assert {alert.severity for alert in Alert.objects.all()} == {3, 4}
    assert "The model retires no earlier than 27 February 2027, in 90 days." in texts()[0]
    assert "The model can retire any day since 27 February 2027." in texts()[1]
    assert "that retires on" not in "".join(texts())


@pytest.mark.proof
def test_a_soft_day_that_turns_firm_goes_on_with_the_milestones_of_firm_ones(
    world: SmallWorld,
) -> None:
    ends(world.offering, 95, "not_before")
    pass_each(0, 4, 5, 6, 20)
    moved(world, "announced", 95, on=21)

    pass_each(21, 22, 34, 35, 36, 64, 65, 66, 70)

    assert told() == [
        (5, "milestone", 90),
        (21, "announced", None),
        (35, "milestone", 60),
        (65, "milestone", 30),
    ]


@pytest.mark.proof
def test_a_model_that_is_redirected_ends_when_the_one_that_answers_in_its_place_does(
    world: SmallWorld,
) -> None:
    successor = make_offering(
        "gemini-3-pro", host=world.offering.host, retires_on=day_in(33), date_kind="firm"
    )
    Offering.objects.filter(pk=world.offering.pk).update(
        retires_on=day_in(2), date_kind="firm", end_behaviour="redirect", replacement=successor
    )
    pass_days(0, 1)
    Offering.objects.filter(pk=world.offering.pk).update(lifecycle="retired")
    refresh_footing([world.offering.pk], today=day_in(2))
    world.event(
        "retired", new=day_in(2).isoformat(), effective_on=day_in(2), detected_at=morning(2, 0)
    )

    pass_days(2, 20)

    assert told() == [
        (0, "milestone", 7),
        (1, "milestone", 1),
        (2, "milestone", 60),
        (2, "retired", None),
        (3, "milestone", 30),
        (19, "milestone", 14),
    ]
    assert "RESOLVED" not in " ".join(texts())


def test_whoever_calls_it_by_another_name_or_a_fine_tune_is_told_at_the_same_milestones(
    world: SmallWorld,
) -> None:
    assert world.offering.version is not None
    tuned = make_version("acme/damage-tuned", foundation=world.offering.version.foundation)
    make_derivation(tuned, world.offering.version)
    host = world.offering.host
    by_name = make_application("By another name", team=make_team())
    make_dependency(
        by_name, make_offering("gemini-2.5-pro-001", host=host, version=world.offering.version)
    )
    by_tune = make_application("By a fine-tune", team=make_team())
    make_dependency(by_tune, make_offering("tuned-1", host=host, version=tuned))
    elsewhere = make_application("At another host", team=make_team())
    make_dependency(elsewhere, make_offering("gemini-2.5-pro", version=world.offering.version))
    with_its_own_day = make_application("With a day of its own", team=make_team())
    late = make_offering("gemini-2.5-pro-eu", host=host, version=world.offering.version)
    make_dependency(with_its_own_day, late)
    ends(world.offering, 30)
    ends(late, 60)

    pass_days(0, 1)

    for application in (world.application, by_name, by_tune):
        assert told_of(application) == [(0, "milestone", 30)]
    assert told_of(elsewhere) == []
    assert told_of(with_its_own_day) == [(0, "milestone", 60)]
    Dependency.objects.filter(application=by_name).update(until=day_in(2))
    pass_day(2)
    assert [alert.team for alert in Alert.objects.filter(state="resolved")] == [by_name.team]


@pytest.mark.proof
def test_an_application_that_begins_to_use_it_later_is_told_at_once_and_by_itself(
    world: SmallWorld,
) -> None:
    ends(world.offering, 30)
    pass_day(0)
    late = make_application("Late comer", team=world.team, criticality=Criticality.LOW)
    make_dependency(late, world.offering, since=day_in(3))

    pass_days(1, 16)

    assert told_of(late) == [(3, "milestone", 30), (16, "milestone", 14)]
    assert told_of(world.application) == [(0, "milestone", 30), (16, "milestone", 14)]
    assert Alert.objects.waiting().get().application_ids == [world.application.pk, late.pk]


@pytest.mark.proof
def test_an_application_that_left_does_not_keep_the_earlier_milestone_open(
    world: SmallWorld,
) -> None:
    leaving = make_application("Leaving", team=world.team)
    make_dependency(leaving, world.offering)
    ends(world.offering, 30)
    pass_day(0)
    Dependency.objects.filter(application=leaving).update(until=day_in(5))

    pass_days(5, 16)

    assert [(alert.milestone, alert.application_ids) for alert in Alert.objects.waiting()] == [
        (14, [world.application.pk])
    ]


@pytest.mark.proof
def test_an_application_that_changed_its_team_takes_the_milestones_along(world: SmallWorld) -> None:
    ends(world.offering, 30)
    pass_day(0)
    other = make_team("Underwriting", email="underwriting@example.org")
    Application.objects.update(team=other)

    pass_days(1, 16)

    assert [(alert.milestone, alert.team) for alert in Alert.objects.waiting()] == [(14, other)]
    assert addresses() == {"claims@example.org": 1, "underwriting@example.org": 1}


@pytest.mark.proof
def test_milestones_are_each_criticality_s_own_and_may_change_in_between(world: SmallWorld) -> None:
    low = make_application("Low", team=world.team, criticality=Criticality.LOW)
    make_dependency(low, world.offering)
    policy = AlertPolicy.objects.get(criticality=Criticality.LOW)
    governor = make_user(role="governance")

    def set_to(*days: int) -> None:
        change_alert_policy(
            policy=policy,
            by=governor,
            milestones=days,
            soft_milestones=[],
            escalate_team_hours=None,
            escalate_governance_hours=None,
        )

    set_to(20, 3)
    ends(world.offering, 25)
    pass_days(0, 10)
    set_to(20, 12, 4)
    pass_days(11, 30)

    assert told_of(low) == [(5, "milestone", 20), (13, "milestone", 12), (21, "milestone", 4)]
    assert [milestone for _, _, milestone in told_of(world.application)] == [30, 14, 7, 1, 0]


def test_without_any_milestone_nothing_is_told(world: SmallWorld) -> None:
    AlertPolicy.objects.update(milestones=[], soft_milestones=[])
    AlertSettings.objects.update(expiry_milestones=[], review_milestones=[])
    Application.objects.update(next_review_on=TODAY)
    ends(world.offering, 1)

    pass_days(0, 3)

    assert told() == []


@pytest.mark.proof
def test_whoever_was_given_an_alert_gets_the_next_milestone_too(world: SmallWorld) -> None:
    ines = make_member(world.team, TeamRole.EDITOR, make_user("ines"))
    ends(world.offering, 30)
    pass_day(0)
    assign_alert(alert=Alert.objects.get(), to=ines, by=ines, at=morning(1))

    pass_days(1, 17)

    waiting = Alert.objects.waiting().get()
    assert (waiting.milestone, waiting.assigned_to) == (14, ines)
    assert addresses()["ines@example.org"] == 1


@pytest.mark.proof
def test_an_acknowledged_milestone_makes_room_for_the_next_one_in_silence(
    world: SmallWorld,
) -> None:
    ends(world.offering, 30)
    pass_day(0)
    acknowledge_alert(alert=Alert.objects.get(), by=make_user(role="governance"), at=NOW)

    pass_days(1, 16)

    assert [alert.milestone for alert in Alert.objects.live()] == [14]
    assert "RESOLVED" not in last_text()


def test_what_a_poll_told_to_have_ended_already_is_not_told_again_as_a_milestone(
    world: SmallWorld,
) -> None:
    ended = {
        "api_id": world.offering.api_id,
        "host": world.offering.host.name,
        "region": "",
        "ended_on": day_in(-3).isoformat(),
        "applications": [world.application.pk],
    }
    Alert.objects.create(
        key="run:1|backfilled||team:1",
        kind="backfilled",
        severity=4,
        subject_kind="team",
        subject_id=1,
        team=world.team,
        application_ids=[world.application.pk],
        details={"n": 1, "offerings": [ended]},
        raised_at=NOW,
    )
    ends(world.offering, -3)

    assert raise_due_alerts(at=NOW) == 0


# --- how often, and how much ----------------------------------------------------------------------


def test_looking_again_raises_nothing_and_writes_nothing(world: SmallWorld) -> None:
    ends(world.offering, 30)
    look(NOW)

    with CaptureQueriesContext(connection) as captured:
        assert raise_due_alerts(at=NOW + timedelta(minutes=10)) == 0

    assert not [
        query for query in captured if query["sql"].startswith(("UPDATE", "DELETE", "INSERT INTO"))
    ]


@pytest.mark.django_db(transaction=True)
def test_two_that_look_at_once_raise_each_alert_once() -> None:
    made = make_small_world()
    for n in range(20):
        make_dependency(make_application(team=make_team(f"Team {n} of twenty")), made.offering)
    Application.objects.update(next_review_on=TODAY)

    raised = run_in_threads(3, lambda: raise_due_alerts(at=NOW))

    assert sorted(raised) == [0, 0, 42]
    assert Alert.objects.count() == Notice.objects.count() == 42


def _n_statements(n: int, moment: Any, world: SmallWorld) -> int:
    target = make_offering()
    owner = make_user()
    for number in range(n):
        application = make_application(
            team=world.team if number % 2 else make_team(),
            next_review_on=moment.date(),
            business_owner=owner.username,
        )
        dependency = make_dependency(application, world.offering)
        make_exit_test(dependency, target, tested_on=day_in(-300), expires_on=day_in(7))
    with CaptureQueriesContext(connection) as captured:
        raise_due_alerts(at=moment)
    return len(captured)


def test_the_number_of_statements_does_not_grow(world: SmallWorld) -> None:
    ends(world.offering, 30)
    governor = make_user(role="governance")
    first = _n_statements(2, morning(0), world)
    for alert in Alert.objects.all():
        assign_alert(alert=alert, to=governor, by=governor, at=morning(0))

    assert _n_statements(40, morning(0, 12), world) == first
    for alert in Alert.objects.filter(assigned_to=None, kind="milestone"):
        assign_alert(alert=alert, to=governor, by=governor, at=morning(0, 13))
    with CaptureQueriesContext(connection) as captured:
        raise_due_alerts(at=morning(16))
    # one look further each earlier milestone is ended, and its assignee handed on, in a few
    # statements
    assert len(captured) <= first + 15


# --- days of the organisation's own ---------------------------------------------------------------


@pytest.fixture
def amara(db: None) -> User:
    return make_user("amara", role="governance", first_name="Amara", last_name="Nwosu")


def accept(dependency: Dependency, by: User, until: int, *, made: int = -100) -> Assessment:
    risk = make_risk(make_node(NodeKind.OFFERING, dependency.offering))
    return make_assessment(
        risk,
        dependency,
        treatment="accept",
        accepted_by=by,
        accepted_at=morning(made),
        accepted_until=day_in(until),
        accept_reason="known",
    )


@pytest.mark.proof
def test_an_acceptance_is_said_to_expire_beforehand_and_its_end_is_left_to_what_follows_from_it(
    dependency: Dependency, amara: User
) -> None:
    accept(dependency, amara, 31)

    pass_days(0, 33)

    assert told() == [(1, "acceptance_expiring", 30), (24, "acceptance_expiring", 7)]
    assert addresses() == {"claims@example.org": 2, "amara@example.org": 2}
    assert not Alert.objects.live().exists()
    assert "RESOLVED" not in " ".join(texts()), "that it ran out is told by the stale assessment"


@pytest.mark.proof
def test_whoever_accepts_for_three_weeks_is_not_reminded_on_the_same_day(
    dependency: Dependency, amara: User
) -> None:
    accept(dependency, amara, 21, made=0)

    pass_days(0, 21)

    assert told() == [(14, "acceptance_expiring", 7)]


def test_an_acceptance_of_a_few_days_is_said_to_expire_all_the_same(
    dependency: Dependency, amara: User
) -> None:
    accept(dependency, amara, 5, made=0)

    pass_days(0, 5)

    assert told() == [(0, "acceptance_expiring", 7)]


@pytest.mark.proof
@pytest.mark.parametrize("how", ["revoked", "extended", "dependency ended", "application retired"])
def test_an_acceptance_that_changes_before_its_day_is_said_to_be_over_once(
    dependency: Dependency, amara: User, how: str
) -> None:
    acceptance = accept(dependency, amara, 29)
    pass_day(0)
    match how:
        case "revoked":
            Assessment.objects.update(revoked_at=NOW, revoked_by=amara)
        case "extended":
            Assessment.objects.update(accepted_until=day_in(300))
        case "dependency ended":
            Dependency.objects.update(until=day_in(1))
        case "application retired":
            Application.objects.update(status="retired")

    pass_days(1, 25)

    assert Alert.objects.get(subject_id=acceptance.pk).state == "resolved"
    assert told() == [(0, "acceptance_expiring", 30)]
    assert addresses("resolved") == {"claims@example.org": 1, "amara@example.org": 1}
    assert "RESOLVED" in last_text("claims@example.org")


def test_an_accepted_flag_reminds_who_accepted_it_and_governance(amara: User) -> None:
    henrik = make_user("henrik", role="auditor")
    flag = make_flag(
        events=("opened",),
        state="accepted",
        accepted_by=henrik,
        accepted_until=day_in(8),
        ceiling=1,
        accepted_reason="known",
    )
    make_flag_event(flag, "accepted", at=morning(-50))
    look(morning(0))
    Notice.objects.update(skip_reason="other", skip_details={"text": "not looked at here"})

    pass_days(1, 9)

    assert told() == [(1, "acceptance_expiring", 7)] * 2
    assert addresses() == {"amara@example.org": 1, "henrik@example.org": 1}
    ExposureFlag.objects.update(state="open")
    pass_day(10)
    assert not Alert.objects.live().filter(kind="acceptance_expiring").exists()


@pytest.mark.proof
def test_an_exit_test_expires_until_it_is_repeated(dependency: Dependency) -> None:
    target = make_offering("gpt-5.4")
    make_exit_test(dependency, target, tested_on=day_in(-300), expires_on=day_in(10))
    pass_days(0, 14)
    assert told() == [
        (0, "exit_test_expiring", 30),
        (3, "exit_test_expiring", 7),
        (10, "exit_test_expiring", 0),
    ]
    assert "gpt-5.4" in last_text()
    assert "expired on" in last_text() or "expires today" in last_text()

    make_exit_test(dependency, target, tested_on=day_in(14))
    pass_days(15, 16)

    assert not Alert.objects.live().exists()
    assert "The exit test was repeated, or its dependency ended" in last_text()


def test_the_longest_valid_test_counts_and_a_failed_one_renews_nothing(
    dependency: Dependency,
) -> None:
    target = make_offering()
    for until, result in ((5, "passed"), (90, "passed"), (400, "failed")):
        make_exit_test(
            dependency, target, tested_on=day_in(-9), expires_on=day_in(until), result=result
        )

    # the shorter one has its milestones on days 0 and 5
    pass_each(0, 4, 5, 6, 30, 59, 60, 61)

    assert told() == [(60, "exit_test_expiring", 30)]


def test_nobody_is_told_of_tests_and_treatments_of_what_is_not_in_use(
    dependency: Dependency, amara: User
) -> None:
    Application.objects.update(status="retired", next_review_on=TODAY)
    make_exit_test(dependency, make_offering(), tested_on=day_in(-300), expires_on=day_in(3))
    accept(dependency, amara, 3)
    make_assessment(
        make_risk(make_node(NodeKind.OFFERING, dependency.offering)),
        dependency,
        treatment="reduce",
        due_on=TODAY,
        owner=amara,
    )

    pass_day(0)

    assert told() == []


def waive(dependency: Dependency, by: User, until: int, **fields: Any) -> CampaignTask:
    campaign = Campaign.objects.create(
        title="Off Gemini 2.5", subject=dependency.offering, opened_by=by, opened_at=NOW
    )
    fields.setdefault("state", "waived")
    return CampaignTask.objects.create(
        campaign=campaign,
        dependency=dependency,
        waived_by=by,
        waived_until=day_in(until),
        waived_reason="later",
        **fields,
    )


@pytest.mark.proof
def test_a_waiver_expires_beforehand_and_on_its_day_until_the_task_is_done(
    dependency: Dependency, amara: User
) -> None:
    task = waive(dependency, amara, 8)

    for n in range(12):
        update_campaigns(at=morning(n, 1))
        pass_day(n)

    assert told() == [
        (0, "waiver_expiring", 30),
        (1, "waiver_expiring", 7),
        # the task is active for the first time
        (8, "task_assigned", None),
        (8, "waiver_expiring", 0),
    ]
    task.refresh_from_db()
    assert task.state == "open"
    CampaignTask.objects.update(state="obsolete")
    pass_days(12, 13)
    assert not Alert.objects.live().exists()


@pytest.mark.proof
def test_a_waiver_that_is_lifted_is_over_and_its_day_tells_nothing(
    dependency: Dependency, amara: User
) -> None:
    waive(dependency, amara, 8)
    pass_day(0)
    CampaignTask.objects.update(state="in_progress")

    pass_days(1, 10)

    assert told() == [(0, "waiver_expiring", 30), (1, "task_assigned", None)]


@pytest.mark.proof
def test_a_decision_is_said_to_expire_to_who_made_it_and_to_governance(
    world: SmallWorld, amara: User
) -> None:
    henrik = make_user("henrik")
    Approval.objects.create(
        offering=world.offering,
        decision="approved",
        reason="tested",
        approver=henrik,
        decided_on=day_in(-300),
        expires_on=day_in(7),
    )

    pass_days(0, 8)

    assert told() == [(0, "approval_expiring", 7)] * 2 + [(7, "approval_expiring", 0)] * 2
    assert addresses() == {"amara@example.org": 2, "henrik@example.org": 2}
    assert "The approval (approved) by" in texts("henrik@example.org")[0]
    Approval.objects.update(revoked_at=NOW)
    pass_day(9)
    assert not Alert.objects.live().exists()


def test_a_day_of_the_organisation_waits_until_there_is_somebody_to_tell(world: SmallWorld) -> None:
    gone = make_user("gone", is_active=False)
    Selection.objects.create(
        title="Model for claims",
        state="decided",
        decision="Gemini",
        reason="tests",
        decided_by=gone,
        decided_on=day_in(-300),
        review_on=day_in(-30),
        created_by=gone,
    )
    pass_day(0)
    assert addresses() == {}
    make_user("amara", role="governance")

    pass_days(1, 3)

    assert addresses() == {"amara@example.org": 1}


@pytest.mark.proof
def test_a_review_overdue_since_long_ago_is_told_once_and_over_when_it_has_another_day(
    world: SmallWorld,
) -> None:
    Application.objects.update(next_review_on=day_in(-900))
    pass_days(0, 20)
    assert told() == [(0, "review_due", 0)]
    assert "The review was due on" in texts()[0]
    Application.objects.update(next_review_on=day_in(40))

    pass_days(21, 41)

    assert told() == [(0, "review_due", 0), (26, "review_due", 14), (40, "review_due", 0)]
    assert "The review was rescheduled" in " ".join(texts())


@pytest.mark.proof
def test_a_treatment_that_is_due_is_told_to_who_does_it(dependency: Dependency) -> None:
    ines = make_member(dependency.application.team, TeamRole.EDITOR, make_user("ines"))
    risk = make_risk(make_node(NodeKind.OFFERING, dependency.offering), title="Prompt injection")
    assessment = make_assessment(
        risk,
        dependency,
        treatment="reduce",
        due_on=day_in(15),
        owner=ines,
        assessed_at=morning(-90),
    )
    pass_days(0, 20)

    assert told() == [(1, "treatment_due", 14), (15, "treatment_due", 0)]
    assert addresses() == {"claims@example.org": 2, "ines@example.org": 2}
    assert "The treatment is due" in last_text("ines@example.org")
    Assessment.objects.filter(pk=assessment.pk).update(treatment="share", due_on=None)
    pass_day(21)
    assert not Alert.objects.live().exists()


@pytest.mark.proof
def test_a_long_mute_says_that_it_ends_and_a_short_one_does_not(world: SmallWorld) -> None:
    ines, henrik = make_user("ines"), make_user("henrik")
    create_mute(by=ines, until=day_in(40), at=NOW, kind="repriced", reason="budget closed")
    create_mute(by=henrik, until=day_in(14), at=NOW, kind="repriced")

    pass_days(0, 41)

    assert told() == [(10, "mute_expiring", 30), (33, "mute_expiring", 7)]
    assert addresses() == {"ines@example.org": 2}
    assert "Your mute expires" in texts()[0]
    assert not Alert.objects.live().exists()
    assert "RESOLVED" not in " ".join(texts())


def test_people_named_by_a_day_who_may_not_see_the_application_are_not_mailed(
    dependency: Dependency,
) -> None:
    stranger = make_user("stranger")
    accept(dependency, stranger, 7)

    pass_days(0, 1)

    assert addresses() == {"claims@example.org": 1}
    assert Notice.objects.get(user=stranger).delivery is not None
    assert Notice.objects.get(user=stranger).delivery.state == "skipped"  # type: ignore[union-attr]


def test_one_mail_tells_of_all_that_falls_due_on_a_morning(world: SmallWorld, amara: User) -> None:
    dependency = world.application.dependencies.get()
    for _ in range(9):
        accept(dependency, amara, 7)
    ends(world.offering, 7)
    look(NOW)
    mail_out(NOW)

    [text] = texts("claims@example.org")
    assert text.count("expire in 7 days, on 1 December 2026.") == 1
    assert "and 3 more" in text
    assert "The model retires on 1 December 2026, in 7 days." in text


def test_an_event_of_another_source_about_the_same_day_is_not_followed_by_its_milestone(
    world: SmallWorld,
) -> None:
    ends(world.offering, 60)
    make_event(
        world.offering,
        "announced",
        new=day_in(60).isoformat(),
        effective_on=day_in(60),
        external_id="other",
    )

    pass_days(0, 1)

    assert told() == [(0, "announced", None)]
