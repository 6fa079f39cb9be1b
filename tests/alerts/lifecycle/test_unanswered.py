"""What nobody answers goes further; what somebody answers does not; what is snoozed or muted comes
back."""

from datetime import datetime, timedelta

import pytest

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.alerts.actions import (
    AlertPermissionError,
    InvalidResponseError,
    acknowledge_alert,
    assign_alert,
    create_mute,
    end_mute,
    maintain_alerts,
    queue_digests,
    raise_alerts,
    reopen_alert,
    resolve_alert,
    send_due_deliveries,
    snooze_alert,
)
from apps.alerts.models import Alert, Delivery, Notice
from apps.inventory.models import Criticality
from tests.builders import NOW, make_member, make_team, make_user
from tests.kept_worlds import kept_world
from tests.worlds.small import SmallWorld, make_small_world

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def mails_go_out(at: datetime) -> None:
    queue_digests(at=at, gather=timedelta(0))
    send_due_deliveries(at=at)


def told(occasion: str) -> set[str]:
    notices = Notice.objects.filter(occasion__startswith=occasion, user__isnull=False)
    return set(notices.values_list("user__username", flat=True))


@pytest.fixture
@kept_world
def world() -> SmallWorld:
    """Claims has a mailbox and an owner; Amara governs. The mail of 12 o'clock has gone out."""
    made = make_small_world()
    make_member(made.team, TeamRole.OWNER, make_user("henrik"))
    make_user("amara", role="governance")
    made.event()
    raise_alerts(at=NOW)
    mails_go_out(NOW)
    return made


def test_after_a_day_the_team_s_owners_are_told_and_after_two_more_governance(
    world: SmallWorld,
) -> None:
    maintain_alerts(at=NOW + 23 * HOUR)
    assert told("escalated") == set()
    maintain_alerts(at=NOW + 24.1 * HOUR)
    assert told("escalated") == {"henrik"}
    mails_go_out(NOW + 43 * HOUR)  # his digest of the next morning; the two days count from there
    maintain_alerts(at=NOW + 90 * HOUR)
    assert told("escalated") == {"henrik"}
    maintain_alerts(at=NOW + 91.2 * HOUR)
    assert told("escalated") == {"henrik", "amara"}

    maintain_alerts(at=NOW + 500 * HOUR)
    assert Notice.objects.filter(occasion="escalated").count() == 2
    mails_go_out(NOW + 5 * DAY)
    assert (
        "Not acknowledged since 24 November 2026; escalated to you."
        in Delivery.objects.get(address="amara@example.org").body_text
    )


def test_the_hours_count_from_the_mail_that_was_sent() -> None:
    made = make_small_world()
    make_member(made.team, TeamRole.OWNER, make_user("henrik"))
    made.event()
    raise_alerts(at=NOW)

    maintain_alerts(at=NOW + 30 * HOUR)
    assert told("escalated") == set()
    mails_go_out(NOW + 30 * HOUR)
    maintain_alerts(at=NOW + 53 * HOUR)
    assert told("escalated") == set()

    maintain_alerts(at=NOW + 55 * HOUR)
    assert told("escalated") == {"henrik"}


@pytest.mark.proof
@pytest.mark.parametrize(
    ("criticality", "hours"),
    [(Criticality.CRITICAL, 24), (Criticality.IMPORTANT, 72), (Criticality.LOW, None)],
)
def test_how_long_depends_on_the_application(criticality: Criticality, hours: int | None) -> None:
    made = make_small_world(criticality=criticality)
    make_member(made.team, TeamRole.OWNER, make_user("henrik"))
    made.event(effective_on=NOW.date() + timedelta(days=20), new="2026-12-14")
    raise_alerts(at=NOW)
    mails_go_out(NOW)

    for hour in range(1, 400, 4):
        maintain_alerts(at=NOW + hour * HOUR)
        if told("escalated"):
            assert hour == (hours or 0) + 1
            return
    assert hours is None


def alert() -> Alert:
    return Alert.objects.get()


def test_an_answer_taken_back_starts_the_clock_anew(world: SmallWorld) -> None:
    henrik = User.objects.get(username="henrik")
    acknowledge_alert(alert=alert(), by=henrik, at=NOW)
    reopen_alert(alert=alert(), by=henrik, at=NOW + 3 * DAY)

    maintain_alerts(at=NOW + 3 * DAY + 23 * HOUR)
    assert told("escalated") == set()
    maintain_alerts(at=NOW + 3 * DAY + 25 * HOUR)
    assert told("escalated") == {"henrik"}


def test_a_snoozed_alert_wakes_on_its_day_and_tells_who_snoozed_it(world: SmallWorld) -> None:
    henrik = User.objects.get(username="henrik")
    until = NOW.date() + timedelta(days=5)
    snooze_alert(alert=alert(), until=until, by=henrik, at=NOW)

    maintain_alerts(at=NOW + 4 * DAY)
    assert alert().state == "snoozed"
    maintain_alerts(at=NOW + 5 * DAY)
    maintain_alerts(at=NOW + 5 * DAY)

    assert (alert().state, alert().snoozed_until) == ("open", None)
    assert told("woken") == {"henrik"}
    mails_go_out(NOW + 6 * DAY)
    assert "The snooze ended today" in Delivery.objects.get(address="henrik@example.org").body_text


def test_who_is_given_an_alert_is_told_and_must_be_able_to_see_it(world: SmallWorld) -> None:
    henrik, colleague = (
        User.objects.get(username="henrik"),
        make_member(world.team, TeamRole.VIEWER, make_user("ines")),
    )
    assign_alert(alert=alert(), to=colleague, by=henrik, at=NOW)
    assert told("assigned") == {"ines"}

    with pytest.raises(InvalidResponseError, match="cannot view this alert"):
        assign_alert(alert=alert(), to=make_member(make_team()), by=henrik, at=NOW)
    # what one was given one may answer, also as a viewer
    assert acknowledge_alert(alert=alert(), by=colleague, at=NOW).state == "acknowledged"


def test_strangers_and_readers_answer_nothing(world: SmallWorld) -> None:
    for user in (
        make_member(make_team(), TeamRole.OWNER),
        make_member(world.team, TeamRole.VIEWER),
        make_user(role="auditor"),
    ):
        for act in (
            lambda by=user: snooze_alert(alert=alert(), until=NOW.date() + DAY, by=by, at=NOW),
            lambda by=user: assign_alert(alert=alert(), to=by, by=by, at=NOW),
            lambda by=user: resolve_alert(alert=alert(), reason="x", by=by, at=NOW),
            lambda by=user: reopen_alert(alert=alert(), by=by, at=NOW),
        ):
            with pytest.raises(AlertPermissionError):
                act()


@pytest.mark.parametrize(
    ("days", "words"),
    [(0, "Enter a date after today"), (-3, "Enter a date after today"), (91, "at most 90 days")],
)
def test_a_snooze_has_a_sensible_end(world: SmallWorld, days: int, words: str) -> None:
    henrik = User.objects.get(username="henrik")

    with pytest.raises(InvalidResponseError, match=words):
        snooze_alert(alert=alert(), until=NOW.date() + timedelta(days=days), by=henrik, at=NOW)


# --- mutes ----------------------------------------------------------------------------------------


def test_what_is_muted_is_not_mailed_and_is_told_when_the_mute_ends() -> None:
    made = make_small_world(email="")
    henrik = make_member(made.team, TeamRole.OWNER, make_user("henrik"))
    create_mute(
        by=henrik,
        until=NOW.date() + timedelta(days=10),
        at=NOW,
        offering=made.offering,
        reason="known",
    )
    made.event()
    raise_alerts(at=NOW)
    mails_go_out(NOW)

    assert not Delivery.objects.exists()
    assert Notice.objects.get().skip_sentence == "Muted until 2026-12-04."
    maintain_alerts(at=NOW + 9 * DAY)
    assert Notice.objects.count() == 1
    maintain_alerts(at=NOW + 10 * DAY)
    maintain_alerts(at=NOW + 10 * DAY)
    mails_go_out(NOW + 11 * DAY)

    assert "The mute ended" in Delivery.objects.get().body_text


def test_a_mute_lifted_early_tells_only_what_still_waits() -> None:
    made = make_small_world(email="")
    henrik = make_member(made.team, TeamRole.OWNER, make_user("henrik"))
    row = create_mute(by=henrik, until=NOW.date() + timedelta(days=10), at=NOW, kind="announced")
    made.event()
    raise_alerts(at=NOW)
    mails_go_out(NOW)
    acknowledge_alert(alert=alert(), by=henrik, at=NOW)

    assert end_mute(mute=row, by=henrik, at=NOW + DAY)
    assert not end_mute(mute=row, by=henrik, at=NOW + DAY)
    maintain_alerts(at=NOW + DAY)

    assert not Notice.objects.owed().exists()


def test_somebody_else_s_mute_keeps_nothing_back(world: SmallWorld) -> None:
    create_mute(
        by=make_user("other"),
        until=NOW.date() + timedelta(days=10),
        at=NOW,
        offering=world.offering,
    )
    world.event("moved_earlier", old="2027-01-15", new="2026-12-20")
    raise_alerts(at=NOW)
    mails_go_out(NOW + DAY)

    assert Delivery.objects.filter(address="claims@example.org").count() == 2


@pytest.mark.parametrize(
    ("days", "words"), [(0, "Enter a date after today"), (400, "at most one year")]
)
def test_a_mute_has_an_end_and_says_what(days: int, words: str) -> None:
    person = make_user()

    with pytest.raises(InvalidResponseError, match=words):
        create_mute(by=person, until=NOW.date() + timedelta(days=days), at=NOW, kind="repriced")
    with pytest.raises(
        InvalidResponseError,
        match="Select what to mute: an alert type, provider, model, application or alert",
    ):
        create_mute(by=person, until=NOW.date() + timedelta(days=3), at=NOW)
    with pytest.raises(AlertPermissionError):
        create_mute(
            by=person,
            team=make_team(),
            until=NOW.date() + timedelta(days=3),
            at=NOW,
            kind="repriced",
        )
