"""States that ask for something until they pass: too little time left to move, assessments that
have become stale."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.roles import TeamRole
from apps.alerts.actions import acknowledge_alert, raise_due_alerts, reopen_alert, resolve_alert
from apps.alerts.models import Alert, Delivery
from apps.catalog.models import NodeKind, Offering
from apps.inventory.models import Application, Criticality, Dependency, ExitPlan
from apps.risks.models import Assessment, FoundationRisk
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
    make_application,
    make_assessment,
    make_dependency,
    make_exit_plan,
    make_exit_test,
    make_member,
    make_node,
    make_offering,
    make_risk,
    make_team,
    make_user,
)
from tests.kept_worlds import kept_world
from tests.threads import run_in_threads
from tests.worlds.small import SmallWorld, make_small_world

pytestmark = pytest.mark.django_db
RUNWAY, STALE = "runway_negative", "assessments_stale"


@pytest.fixture
@kept_world
def world() -> SmallWorld:
    """Claims' critical application ends with its model in a hundred days."""
    made = make_small_world()
    ends(made.offering, 100)
    return made


def ends(offering: Offering, n: int | None, kind: str = "firm") -> None:
    Offering.objects.filter(pk=offering.pk).update(
        retires_on=None if n is None else day_in(n), date_kind="" if n is None else kind
    )


def needs(world: SmallWorld, days: float) -> None:
    """By the exit plan the move takes that many days."""
    ExitPlan.objects.update_or_create(
        dependency=world.application.dependencies.get(),
        defaults={"estimated_days": Decimal(str(days))},
    )


# --- runway ---------------------------------------------------------------------------------------


@pytest.mark.proof
def test_too_little_time_is_told_on_the_day_it_begins_and_once(world: SmallWorld) -> None:
    needs(world, 80)

    pass_each(0, 10, 19, 20, 21, 22, 23, 40, 60)

    assert told(RUNWAY) == [(21, RUNWAY, None)]
    assert Alert.objects.get(kind=RUNWAY).urgent
    [mail] = Delivery.objects.filter(notices__alert__kind=RUNWAY)
    assert mail.subject.startswith(
        "Motor damage estimator cannot be migrated in time; retirement 4 March 2027"
    )
    assert "−1 day" in mail.body_text


def test_it_comes_at_once_also_where_the_recipient_s_day_is_still_the_one_before(
    world: SmallWorld,
) -> None:
    owner = make_member(world.team, TeamRole.OWNER, make_user("kai", time_zone="Pacific/Honolulu"))
    Application.objects.update(business_owner=owner.username)
    needs(world, 80)

    pass_day(20, 23)
    assert told(RUNWAY) == []
    pass_day(21, 0.2)

    mails = Delivery.objects.filter(notices__alert__kind=RUNWAY, state="sent")
    assert set(mails.values_list("address", flat=True)) == {"kai@example.org", "claims@example.org"}


def test_a_runway_that_turns_negative_positive_and_negative_again_is_told_each_time(
    world: SmallWorld,
) -> None:
    for n in range(6):
        # the same day and the same effort each time it is too late
        needs(world, 110 if n in {0, 1, 4, 5} else 20)
        pass_day(n)

    assert told(RUNWAY) == [(0, RUNWAY, None), (4, RUNWAY, None)]
    assert len([text for text in texts() if "The runway is positive again" in text]) == 1
    assert Alert.objects.live().filter(kind=RUNWAY).count() == 1


def test_what_takes_longer_yet_is_no_news_while_the_alert_stands(world: SmallWorld) -> None:
    for n, days in enumerate([110, 130, 105, 150]):
        needs(world, days)
        pass_day(n)

    assert told(RUNWAY) == [(0, RUNWAY, None)]


@pytest.mark.proof
def test_what_somebody_settled_is_told_again_only_when_something_changes(world: SmallWorld) -> None:
    governor = make_user(role="governance")
    needs(world, 110)
    pass_day(0)
    resolve_alert(
        alert=Alert.objects.get(kind=RUNWAY), reason="the board accepts a gap", by=governor, at=NOW
    )
    pass_days(1, 5)
    assert told(RUNWAY) == [(0, RUNWAY, None)]

    needs(world, 140)
    pass_days(6, 8)
    assert told(RUNWAY) == [(0, RUNWAY, None), (6, RUNWAY, None)]

    resolve_alert(alert=Alert.objects.live().get(kind=RUNWAY), reason="again", by=governor, at=NOW)
    needs(world, 20)
    pass_day(9)
    needs(world, 140)
    pass_days(10, 12)
    assert told(RUNWAY) == [(0, RUNWAY, None), (6, RUNWAY, None), (10, RUNWAY, None)]


def test_a_day_that_moves_while_it_stays_too_late_is_told_without_saying_it_is_over(
    world: SmallWorld,
) -> None:
    needs(world, 200)
    pass_day(0)
    ends(world.offering, 150)

    pass_days(1, 3)

    assert told(RUNWAY) == [(0, RUNWAY, None), (1, RUNWAY, None)]
    assert Alert.objects.live().filter(kind=RUNWAY).count() == 1
    assert "The runway is positive again" not in " ".join(texts())


@pytest.mark.proof
@pytest.mark.parametrize(
    "how", ["moved later", "taken back", "moved off", "retired application", "quicker test"]
)
def test_it_passes_with_its_cause_and_that_is_said_once(world: SmallWorld, how: str) -> None:
    needs(world, 110)
    pass_day(0)
    dependency = world.application.dependencies.get()
    match how:
        case "moved later":
            ends(world.offering, 300)
        case "taken back":
            ends(world.offering, None)
        case "moved off":
            Dependency.objects.update(until=day_in(1))
        case "retired application":
            Application.objects.update(status="retired")
        case "quicker test":
            make_exit_test(dependency, make_offering(), tested_on=day_in(0), effort_days=3)

    pass_days(1, 4)

    assert Alert.objects.get(kind=RUNWAY).state == "resolved"
    assert len([text for text in texts() if "The runway is positive again" in text]) == 1


def test_what_passed_before_it_was_mailed_is_never_mailed(world: SmallWorld) -> None:
    needs(world, 110)
    raise_due_alerts(at=NOW)
    needs(world, 10)

    mail_out(NOW)
    look(NOW)
    pass_days(1, 2)

    assert texts() == [] or "be migrated in time" not in " ".join(texts())
    assert Alert.objects.get(kind=RUNWAY).state == "resolved"
    assert addresses("resolved") == {}


def test_before_a_day_on_which_nothing_need_end_it_is_quieter(world: SmallWorld) -> None:
    ends(world.offering, 100, "not_before")
    needs(world, 110)

    pass_day(0)

    alert = Alert.objects.get(kind=RUNWAY)
    assert (alert.severity, alert.urgent) == (4, False)
    assert "retires no earlier than 4 March 2027" in last_text()


def test_what_has_ended_is_told_by_its_end_and_not_as_too_little_time(world: SmallWorld) -> None:
    needs(world, 5)
    ends(world.offering, -2)
    gone = make_offering(lifecycle="retired")
    make_exit_plan(make_dependency(make_application(), gone), estimated_days=5)

    pass_days(0, 2)

    assert told(RUNWAY) == []


def test_only_primaries_have_a_runway(world: SmallWorld) -> None:
    needs(world, 110)
    Dependency.objects.update(role="fallback", fallback_order=1)

    pass_day(0)

    assert told(RUNWAY) == []


def test_a_redirect_counts_until_what_answers_ends(world: SmallWorld) -> None:
    needs(world, 50)
    pass_day(0)
    assert told(RUNWAY) == []
    ends(world.offering, 40)
    pass_day(1)
    assert told(RUNWAY) == [(1, RUNWAY, None)]


@pytest.mark.proof
@pytest.mark.django_db(transaction=True)
def test_two_that_look_at_once_raise_each_state_once() -> None:
    made = make_small_world()
    needs(made, 300)
    for n in range(9):
        dependency = make_dependency(
            make_application(team=make_team(f"Team {n} of nine")), made.offering
        )
        make_exit_plan(dependency, estimated_days=300)
        stale(dependency)

    run_in_threads(3, lambda: raise_due_alerts(at=NOW))

    assert Alert.objects.filter(kind=RUNWAY).count() == 10
    assert Alert.objects.filter(kind=STALE).count() == 9


# --- stale assessments ----------------------------------------------------------------------------


def stale(
    dependency: Dependency,
    *,
    since: datetime = NOW,
    title: str = "",
    because: str = "End announced.",
    **fields: object,
) -> Assessment:
    """An assessment of a risk of the offering that has become stale."""
    risk = make_risk(
        make_node(NodeKind.OFFERING, dependency.offering), title=title or f"Risk of {dependency.pk}"
    )
    fields.setdefault("stale_cause", "event")
    return make_assessment(
        risk, dependency, state="stale", stale_since=since, stale_reason=because, **fields
    )


@pytest.fixture
def dependency(world: SmallWorld) -> Dependency:
    ends(world.offering, None)
    return world.application.dependencies.get()


def test_all_that_one_event_made_stale_is_one_alert_per_party(dependency: Dependency) -> None:
    others = make_team("Underwriting", email="underwriting@example.org")
    theirs = make_dependency(
        make_application("Policy wording comparer", team=others), dependency.offering
    )
    for n in range(3):
        stale(
            dependency,
            title=f"Claims risk {n}",
            because="Price changed: gemini-2.5-pro (seen 2026-11-24).",
        )
    stale(theirs, title="Underwriting risk", because="Because of Policy wording comparer.")

    pass_days(0, 2)

    assert told(STALE) == [(0, STALE, None)] * 2
    assert addresses() == {"claims@example.org": 1, "underwriting@example.org": 1}
    text = last_text("claims@example.org")
    assert "Claims risk 0, Claims risk 1 and Claims risk 2: 3 stale" in text
    assert "Price changed: gemini-2.5-pro" in text
    for word in ("Underwriting", "Policy wording comparer"):
        assert word not in text


def test_what_becomes_stale_again_is_told_again(dependency: Dependency) -> None:
    assessment = stale(dependency)
    pass_day(0)
    Assessment.objects.update(state="assessed", stale_since=None, stale_cause="")
    pass_day(1)
    assert Alert.objects.get().state == "resolved"
    assert "The risks were reassessed" in last_text()
    Assessment.objects.filter(pk=assessment.pk).update(
        state="stale", stale_since=morning(2), stale_cause="event"
    )

    pass_days(2, 3)

    assert told(STALE) == [(0, STALE, None), (2, STALE, None)]


def test_who_assessed_is_told_of_their_own_and_the_technical_owner_too(
    dependency: Dependency,
) -> None:
    people = {
        name: make_member(dependency.application.team, TeamRole.EDITOR, make_user(name))
        for name in ("ines", "tech", "lena")
    }
    Application.objects.update(business_owner="lena", technical_owner="tech")
    second = make_dependency(
        make_application("Fraud triage", team=dependency.application.team, business_owner="lena"),
        dependency.offering,
    )
    for n in range(15):
        stale(dependency, title=f"First {n}")
    stale(
        second,
        title="Of fraud triage",
        owner=people["ines"],
        inherent_likelihood=1,
        inherent_impact=1,
    )

    pass_day(0)

    assert addresses() == {f"{name}@example.org": 1 for name in ("ines", "tech", "lena", "claims")}
    # hers is the sixteenth and not among those that the alert names
    assert "1 assessment: 1 stale" in last_text("ines@example.org")
    assert "Fraud triage" in last_text("ines@example.org")
    assert "Motor damage" not in last_text("ines@example.org")
    assert "15 stale" in last_text("tech@example.org")
    assert "16 stale" in last_text("lena@example.org")


@pytest.mark.parametrize("how", ["dependency ended", "application retired", "risk closed"])
def test_nobody_need_assess_what_has_ended(dependency: Dependency, how: str) -> None:
    stale(dependency)
    pass_day(0)
    match how:
        case "dependency ended":
            Dependency.objects.update(until=day_in(1))
        case "application retired":
            Application.objects.update(status="retired")
        case "risk closed":
            FoundationRisk.objects.update(closed_at=NOW)
    stale(dependency, since=morning(1), stale_cause="replaced", title="Another")
    if how == "risk closed":
        FoundationRisk.objects.update(closed_at=NOW)

    pass_days(1, 2)

    assert told(STALE) == [(0, STALE, None)]
    assert not Alert.objects.live().exists()


def test_the_gravest_assessment_decides_how_loud_it_is(dependency: Dependency) -> None:
    low = make_application(team=make_team(), criticality=Criticality.LOW)
    stale(make_dependency(low, dependency.offering), inherent_likelihood=1, inherent_impact=2)
    stale(dependency, inherent_likelihood=1, inherent_impact=1)
    stale(dependency, inherent_likelihood=5, inherent_impact=5)

    look(NOW)

    assert Alert.objects.get(team=low.team).severity == 2
    assert Alert.objects.get(team=dependency.application.team).severity == 4


def test_a_part_assessed_anew_leaves_the_alert_open(dependency: Dependency) -> None:
    first, _ = stale(dependency), stale(dependency)
    pass_day(0)
    Assessment.objects.filter(pk=first.pk).update(state="assessed")

    pass_day(1)

    assert Alert.objects.get().state == "open"


@pytest.mark.proof
def test_an_answer_taken_back_on_what_has_passed_is_settled_again(world: SmallWorld) -> None:
    governor = make_user(role="governance")
    needs(world, 110)
    pass_day(0)
    alert = Alert.objects.get(kind=RUNWAY)
    acknowledge_alert(alert=alert, by=governor, at=NOW)
    needs(world, 10)
    pass_day(1)
    reopen_alert(alert=Alert.objects.get(kind=RUNWAY), by=governor, at=morning(1, 9))

    pass_day(2)

    assert Alert.objects.get(kind=RUNWAY).state == "resolved"
    assert len([text for text in texts() if "The runway is positive again" in text]) == 1


@pytest.mark.proof
def test_the_number_of_statements_does_not_grow_with_states(world: SmallWorld) -> None:
    def n_statements(n: int, moment: datetime) -> int:
        for _ in range(n):
            dependency = make_dependency(make_application(team=make_team()), world.offering)
            make_exit_plan(dependency, estimated_days=300)
            stale(dependency, since=moment)
        with CaptureQueriesContext(connection) as captured:
            raise_due_alerts(at=moment)
        return len(captured)

    first = n_statements(1, NOW)

    assert n_statements(25, NOW + timedelta(hours=1)) == first
    assert len(told_of(world.application, RUNWAY)) == 0
