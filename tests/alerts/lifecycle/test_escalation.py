"""What nobody answers goes further: when the clocks start and stop, whom they pass over, and what
starts them anew."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.alerts.actions import (
    acknowledge_alert,
    assign_alert,
    maintain_alerts,
    reopen_alert,
    resolve_alert,
    snooze_alert,
)
from apps.alerts.lifecycle.escalation import escalate_alerts
from apps.alerts.lifecycle.resolution import resolve_alerts
from apps.alerts.models import (
    Alert,
    AlertPolicy,
    AlertSettings,
    Delivery,
    Notice,
    Resolution,
    Subscription,
)
from apps.catalog.models import Offering
from apps.inventory.models import Application, Criticality
from tests.alerts.simulation import (
    addresses,
    day_in,
    last_text,
    look,
    mail_out,
    morning,
    pass_day,
    texts,
)
from tests.builders import (
    NOW,
    make_application,
    make_dependency,
    make_flag,
    make_member,
    make_team,
    make_user,
)
from tests.kept_worlds import kept_world
from tests.worlds.small import SmallWorld, make_small_world

pytestmark = pytest.mark.django_db


def make_claims() -> SmallWorld:
    """Claims has a mailbox and two owners, Amara and Bo govern."""
    made = make_small_world()
    Offering.objects.update(retires_on=None, date_kind="")
    for name in ("henrik", "ines"):
        make_member(made.team, TeamRole.OWNER, make_user(name))
    for name in ("amara", "bo"):
        make_user(name, role="governance")
    return made


def tell(made: SmallWorld) -> SmallWorld:
    """A model of its critical application is to end, and at noon that is mailed."""
    made.event()
    look(NOW)
    mail_out(NOW)
    return made


@pytest.fixture
@kept_world
def world() -> SmallWorld:
    return tell(make_claims())


def person(name: str) -> User:
    return User.objects.get(username=name)


def alert() -> Alert:
    return Alert.objects.get()


def escalated() -> list[str]:
    rows = Notice.objects.filter(why="escalation").order_by("owed_at", "user__username")
    return list(rows.values_list("user__username", flat=True))


def after(hours: float, since: datetime = NOW) -> None:
    """Beat goes on for that long, and the mails go out; a look every four hours, fewer in a long
    time."""
    for hour in [*range(4, int(hours), max(4, int(hours) // 20)), hours]:
        moment = since + timedelta(hours=hour, minutes=1)
        maintain_alerts(at=moment)
        mail_out(moment)


# --- whom -----------------------------------------------------------------------------------------


@pytest.mark.proof
def test_silence_goes_from_the_party_to_the_team_s_owners_and_on_to_governance_and_no_further(
    world: SmallWorld,
) -> None:
    after(400)

    assert escalated() == ["henrik", "ines", "amara", "bo"]
    assert addresses("escalated") == {
        f"{name}@example.org": 1 for name in ("henrik", "ines", "amara", "bo")
    }
    assert "Not acknowledged since 24 November 2026; escalated to you." in last_text(
        "henrik@example.org"
    )
    assert (alert().escalation, alert().escalate_at, alert().state) == (2, None, "open")


def test_owners_who_were_told_at_first_are_not_told_again() -> None:
    made = make_claims()
    Team.objects.update(email="")
    Application.objects.update(business_owner="henrik")
    tell(made)
    assert set(addresses()) == {"henrik@example.org", "ines@example.org"}

    after(30)

    assert escalated() == ["amara", "bo"], "nobody stands between the party and governance"


def test_a_subscriber_who_owns_the_team_is_passed_the_alert_all_the_same() -> None:
    made = make_claims()
    Subscription.objects.create(user=person("henrik"))
    tell(made)
    assert addresses() == {"claims@example.org": 1, "henrik@example.org": 1}

    after(30)

    assert escalated() == ["henrik", "ines"]


@pytest.mark.proof
def test_where_nobody_governs_it_stays_with_the_team(world: SmallWorld) -> None:
    User.objects.filter(organisation_role="governance").update(organisation_role="")

    after(400)

    assert escalated() == ["henrik", "ines"]


def test_in_a_team_that_lost_its_owners_governance_is_told_in_their_place(
    world: SmallWorld,
) -> None:
    User.objects.filter(username__in=["henrik", "ines"]).update(is_active=False, state="closed")

    after(30)

    assert escalated() == ["amara", "bo"]


@pytest.mark.proof
def test_what_is_about_the_organisation_goes_nowhere(world: SmallWorld) -> None:
    make_flag()
    look(NOW)
    mail_out(NOW)

    after(400)

    assert not Notice.objects.filter(alert__flag__isnull=False, why="escalation").exists()


# --- when -----------------------------------------------------------------------------------------


@pytest.mark.proof
@pytest.mark.parametrize(
    ("to_team", "to_governance", "expected"),
    [
        # the owner's mail comes with the digest of the next morning, and the ten hours of the
        # owners count from there
        (10, 10, {"henrik": 12, "amara": 32}),
        # never the team's owners: governance after its hours
        (None, 20, {"amara": 20}),
        (10, None, {"henrik": 12}),
        (None, None, {}),
        # who gives no time does not wait for mails either, an hour apart
        (0, 0, {"henrik": 4, "amara": 8}),
    ],
)
def test_the_hours_are_the_organisation_s(
    to_team: int | None, to_governance: int | None, expected: dict[str, int]
) -> None:
    AlertPolicy.objects.update(escalate_team_hours=to_team, escalate_governance_hours=to_governance)
    made = make_small_world()
    make_member(made.team, TeamRole.OWNER, make_user("henrik"))
    make_user("amara", role="governance")
    Offering.objects.update(retires_on=None, date_kind="")
    tell(made)

    hours: dict[str, int] = {}
    for hour in range(4, 60, 4):
        maintain_alerts(at=NOW + timedelta(hours=hour, minutes=1))
        mail_out(NOW + timedelta(hours=hour, minutes=1))
        hours |= {name: hour for name in escalated() if name not in hours}

    assert hours == expected


@pytest.mark.proof
def test_each_stage_counts_from_the_mail_that_told_it(world: SmallWorld) -> None:
    maintain_alerts(at=NOW + timedelta(hours=24.1))
    assert escalated() == ["henrik", "ines"]
    # the mail server is away for two days
    maintain_alerts(at=NOW + timedelta(hours=73))
    assert escalated() == ["henrik", "ines"]
    mail_out(NOW + timedelta(hours=74))

    maintain_alerts(at=NOW + timedelta(hours=121))
    assert escalated() == ["henrik", "ines"]
    maintain_alerts(at=NOW + timedelta(hours=123))
    assert escalated() == ["henrik", "ines", "amara", "bo"]


@pytest.mark.proof
def test_a_mail_that_is_never_sent_does_not_hold_it_up_for_ever() -> None:
    made = make_small_world()
    make_member(made.team, TeamRole.OWNER, make_user("henrik"))
    made.event()
    look(NOW)

    for hour in range(0, 24 * 3 + 6, 2):
        maintain_alerts(at=NOW + timedelta(hours=hour))

    assert escalated() == ["henrik"]


def test_a_mail_that_was_refused_counts_as_a_day_lost_and_no_more(world: SmallWorld) -> None:
    Delivery.objects.update(state="failed", sent_at=None, reason="550 no such mailbox")

    maintain_alerts(at=NOW + timedelta(hours=24))

    assert escalated() == ["henrik", "ines"]


@pytest.mark.proof
def test_what_is_less_grave_than_the_line_is_not_passed_on() -> None:
    AlertSettings.objects.update(escalate_from_severity=5)
    tell(make_claims())
    governor = person("amara")
    snooze_alert(alert=alert(), until=day_in(2), by=governor, at=NOW)
    after(80)
    reopen_alert(alert=alert(), by=governor, at=morning(4))
    assign_alert(alert=alert(), to=governor, by=governor, at=morning(4))
    assign_alert(alert=alert(), to=None, by=governor, at=morning(4))

    after(400, since=morning(4))

    assert escalated() == []


def test_the_gravest_application_decides() -> None:
    made = make_small_world(criticality=Criticality.LOW)
    make_member(made.team, TeamRole.OWNER, make_user("henrik"))
    make_dependency(
        make_application(team=made.team, criticality=Criticality.CRITICAL), made.offering
    )
    made.event()
    look(NOW)
    mail_out(NOW)

    maintain_alerts(at=NOW + timedelta(hours=25))

    assert escalated() == ["henrik"]


# --- answers --------------------------------------------------------------------------------------


@pytest.mark.proof
@pytest.mark.parametrize("stage", [0, 30])
@pytest.mark.parametrize(
    "answer", ["acknowledge", "snooze", "assign", "resolve", "settled by its cause"]
)
def test_every_kind_of_answer_stops_it_at_every_stage(
    world: SmallWorld, answer: str, stage: int
) -> None:
    after(stage)
    moment = NOW + timedelta(hours=stage)
    before = escalated()
    henrik = person("henrik")
    match answer:
        case "acknowledge":
            acknowledge_alert(alert=alert(), by=henrik, at=moment)
        case "snooze":
            snooze_alert(alert=alert(), until=day_in(60), by=henrik, at=moment)
        case "assign":
            assign_alert(alert=alert(), to=person("ines"), by=henrik, at=moment)
        case "resolve":
            resolve_alert(alert=alert(), reason="moved", by=henrik, at=moment)
        case _:
            resolve_alerts([alert().pk], resolution=Resolution.OVERTAKEN, at=moment)

    after(400, since=moment)

    assert escalated() == before


@pytest.mark.proof
@pytest.mark.parametrize("answer", ["acknowledge", "resolve", "assign"])
def test_an_answer_taken_back_passes_it_on_once_more_to_the_same_people(
    world: SmallWorld, answer: str
) -> None:
    after(50)
    assert escalated() == ["henrik", "ines"]
    henrik = person("henrik")
    if answer == "assign":
        assign_alert(alert=alert(), to=person("ines"), by=henrik, at=morning(3))
        mail_out(morning(4))
        assign_alert(alert=alert(), to=None, by=henrik, at=morning(10))
    else:
        act = acknowledge_alert if answer == "acknowledge" else resolve_alert
        act(
            alert=alert(),
            by=henrik,
            at=morning(3),
            **({"reason": "done"} if answer == "resolve" else {}),
        )
        reopen_alert(alert=alert(), by=henrik, at=morning(10))

    after(23, since=morning(10))
    assert escalated() == ["henrik", "ines"]
    after(200, since=morning(11))

    assert escalated() == ["henrik", "ines", "henrik", "ines", "amara", "bo"]
    assert addresses("escalated")["henrik@example.org"] == 2
    assert Notice.objects.filter(why="escalation").count() == 6


@pytest.mark.proof
def test_a_snoozed_alert_that_wakes_and_stays_unanswered_goes_further(world: SmallWorld) -> None:
    snooze_alert(alert=alert(), until=day_in(5), by=person("henrik"), at=NOW)
    after(24 * 4)
    assert escalated() == []
    assert addresses("woken") == {}

    after(24 * 3, since=morning(5))

    assert addresses("woken") == {"henrik@example.org": 1}
    # who snoozed it has been told that it is back; the other owner has not
    assert escalated() == ["ines"]


@pytest.mark.proof
def test_a_woken_alert_is_told_to_whom_it_was_given_as_well(world: SmallWorld) -> None:
    assign_alert(alert=alert(), to=person("ines"), by=person("henrik"), at=NOW)
    snooze_alert(alert=alert(), until=day_in(3), by=person("henrik"), at=NOW)

    for n in range(1, 6):
        pass_day(n)

    assert addresses("woken") == {"henrik@example.org": 1, "ines@example.org": 1}
    assert alert().assigned_to == person("ines")


@pytest.mark.proof
def test_many_alerts_cost_no_more_statements_than_a_few() -> None:
    def n_statements(n: int, moment: datetime) -> tuple[int, int]:
        made = [make_team() for _ in range(n)]
        for team in made:
            make_member(team, TeamRole.OWNER)
            make_dependency(
                make_application(team=team, criticality=Criticality.CRITICAL), world.offering
            )
        world.event(new="2027-01-15", detected_at=moment)
        look(moment)
        mail_out(moment)
        with CaptureQueriesContext(connection) as escalating:
            escalate_alerts(at=moment + timedelta(hours=25))
        governor = make_user(role="governance")
        for row in Alert.objects.waiting():
            snooze_alert(
                alert=row, until=(moment + timedelta(days=2)).date(), by=governor, at=moment
            )
        with CaptureQueriesContext(connection) as waking:
            maintain_alerts(at=moment + timedelta(days=2, hours=1))
        Alert.objects.update(state="acknowledged", escalate_at=None)
        return len(escalating), len(waking)

    world = make_small_world()
    first = n_statements(1, NOW)

    assert n_statements(25, NOW + timedelta(days=4)) == first


@pytest.mark.proof
def test_the_mail_says_to_whom_it_fell() -> None:
    made = make_claims()
    make_member(
        made.team, TeamRole.EDITOR, make_user("lena", first_name="Lena", last_name="Marchetti")
    )
    Application.objects.update(business_owner="lena")
    tell(made)

    after(60)

    assert (
        "Not acknowledged by Lena Marchetti since 24 November 2026; escalated to you."
        in last_text("henrik@example.org")
    )
    assert texts("amara@example.org") == []


@pytest.mark.proof
def test_an_answer_that_comes_before_the_mail_calls_it_off(world: SmallWorld) -> None:
    maintain_alerts(at=NOW + timedelta(hours=24.1))
    assert escalated() == ["henrik", "ines"]
    acknowledge_alert(alert=alert(), by=person("ines"), at=NOW + timedelta(hours=25))

    after(100, since=NOW + timedelta(hours=26))

    assert addresses("escalated") == {}
    escalations = Notice.objects.filter(why="escalation")
    assert {notice.skip_sentence for notice in escalations} == {
        "The alert was acknowledged before a message was due."
    }


@pytest.mark.proof
def test_a_stranger_s_team_is_told_of_nothing(world: SmallWorld) -> None:
    other = make_team()
    make_member(other, TeamRole.OWNER, make_user("stranger"))

    after(400)

    assert "stranger" not in escalated()
