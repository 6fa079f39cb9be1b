"""The last answer taken back: what stood before stands again, and nobody else's answer goes with
it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.alerts.actions import (
    AlertPermissionError,
    InvalidResponseError,
    acknowledge_alert,
    assign_alert,
    maintain_alerts,
    reopen_alert,
    resolve_alert,
    snooze_alert,
    undo_response,
)
from apps.alerts.lifecycle.activity import alert_activity
from apps.alerts.lifecycle.bulk_responses import respond_to_alerts
from apps.alerts.lifecycle.resolution import resolve_alerts
from apps.alerts.models import Alert, Notice, Resolution
from apps.catalog.models import Offering
from apps.common.history.context import audit_context
from apps.common.history.maintenance import purge_history
from apps.common.time import now
from tests.alerts.simulation import HOUR, addresses, day_in, look, mail_out, morning
from tests.builders import NOW, make_member, make_user
from tests.kept_worlds import kept_world
from tests.worlds.small import SmallWorld, make_small_world

pytestmark = pytest.mark.django_db


@pytest.fixture
@kept_world
def world() -> SmallWorld:
    """Claims has an owner and two editors. The end of its model is announced, mailed at 8 and
    waits."""
    made = make_small_world()
    Offering.objects.update(retires_on=None, date_kind="")
    for name, role in {
        "olga": TeamRole.OWNER,
        "henrik": TeamRole.EDITOR,
        "ilse": TeamRole.EDITOR,
    }.items():
        make_member(made.team, role, make_user(name, email=f"{name}@example.org"))
    made.event()
    look(NOW)
    mail_out(NOW)
    return made


@pytest.fixture
def henrik(world: SmallWorld) -> User:
    return User.objects.get(username="henrik")


@pytest.fixture
def ilse(world: SmallWorld) -> User:
    return User.objects.get(username="ilse")


def alert() -> Alert:
    return Alert.objects.get()


def standing() -> dict[str, Any]:
    """All of the alert that an answer may change."""
    names = (
        "state",
        "acknowledged_by_id",
        "acknowledged_at",
        "assigned_to_id",
        "snoozed_until",
        "snoozed_by_id",
        "resolved_at",
        "resolved_by_id",
        "resolution",
        "resolution_text",
        "escalation",
        "escalate_at",
    )
    found: dict[str, Any] = Alert.objects.values(*names).get()
    return found


ANSWERS: dict[str, Callable[[User], Any]] = {
    "acknowledge": lambda by: acknowledge_alert(alert=alert(), by=by, at=NOW + HOUR),
    "snooze": lambda by: snooze_alert(alert=alert(), until=day_in(9), by=by, at=NOW + HOUR),
    "assign": lambda by: assign_alert(
        alert=alert(), to=User.objects.get(username="olga"), by=by, at=NOW + HOUR
    ),
    "resolve": lambda by: resolve_alert(alert=alert(), reason="moved", by=by, at=NOW + HOUR),
    "reopen": lambda by: reopen_alert(alert=alert(), by=by, at=NOW + HOUR),
}
BEFORE: dict[str, Callable[[User], Any]] = {
    "nothing": lambda by: None,
    "a snooze that runs": lambda by: snooze_alert(alert=alert(), until=day_in(5), by=by, at=NOW),
    "an acknowledgement": lambda by: acknowledge_alert(alert=alert(), by=by, at=NOW),
    "an assignment": lambda by: assign_alert(alert=alert(), to=by, by=by, at=NOW),
    "a resolution": lambda by: resolve_alert(alert=alert(), reason="done", by=by, at=NOW),
}


@pytest.mark.proof
@pytest.mark.parametrize("before", BEFORE)
def test_whatever_stood_before_stands_again_after_whatever_answer(
    world: SmallWorld, henrik: User, ilse: User, before: str
) -> None:
    BEFORE[before](ilse)
    n_taken_back = 0
    for name, answer in ANSWERS.items():
        was = standing()
        try:
            answer(henrik)
        except InvalidResponseError:
            assert before == "a resolution"
            continue
        if standing() == was:
            continue
        n_taken_back += 1

        undo_response(alert=alert(), by=henrik, at=NOW + 2 * HOUR)

        assert standing() == was, name
    assert n_taken_back == {"nothing": 4, "a resolution": 1, "an acknowledgement": 4}.get(
        before, 5
    ) - (before == "an assignment")


def test_a_snooze_that_runs_again_wakes_on_its_day_and_tells_who_snoozed_it(
    world: SmallWorld, henrik: User, ilse: User
) -> None:
    snooze_alert(alert=alert(), until=day_in(5), by=ilse, at=NOW)
    acknowledge_alert(alert=alert(), by=henrik, at=morning(1))
    undo_response(alert=alert(), by=henrik, at=morning(1, 9))

    maintain_alerts(at=morning(4))
    assert alert().state == "snoozed"
    maintain_alerts(at=morning(5))
    mail_out(morning(5))

    assert alert().state == "open"
    assert addresses("woken") == {"ilse@example.org": 1}


def test_a_snooze_whose_day_has_come_meanwhile_wakes_at_once(
    world: SmallWorld, henrik: User
) -> None:
    snooze_alert(alert=alert(), until=day_in(2), by=henrik, at=NOW)
    acknowledge_alert(alert=alert(), by=henrik, at=morning(1))
    undo_response(alert=alert(), by=henrik, at=morning(4))

    maintain_alerts(at=morning(4))

    assert (alert().state, alert().snoozed_until) == ("open", None)


def test_when_it_would_have_gone_further_comes_back_unless_that_has_passed(
    world: SmallWorld, henrik: User
) -> None:
    planned = alert().escalate_at
    assert planned is not None
    acknowledge_alert(alert=alert(), by=henrik, at=NOW)
    undo_response(alert=alert(), by=henrik, at=NOW + HOUR)
    assert alert().escalate_at == planned

    acknowledge_alert(alert=alert(), by=henrik, at=NOW + HOUR)
    undo_response(alert=alert(), by=henrik, at=planned + HOUR)

    assert alert().escalate_at == planned + HOUR + (planned - NOW)
    maintain_alerts(at=planned + 2 * HOUR)
    assert Notice.objects.filter(occasion__startswith="escalated").count() == 0


def test_taken_back_twice_the_answer_stands_again(world: SmallWorld, henrik: User) -> None:
    acknowledge_alert(alert=alert(), by=henrik, at=NOW)
    was = standing()
    for n in (1, 2):
        undo_response(alert=alert(), by=henrik, at=NOW + n * HOUR)

    assert standing() == was


def test_nobody_takes_back_what_another_or_the_register_said_since(
    world: SmallWorld, henrik: User, ilse: User
) -> None:
    acknowledge_alert(alert=alert(), by=henrik, at=NOW)
    snooze_alert(alert=alert(), until=day_in(3), by=ilse, at=NOW + HOUR)
    with pytest.raises(InvalidResponseError, match="ilse changed this alert later"):
        undo_response(alert=alert(), by=henrik, at=NOW + HOUR)

    acknowledge_alert(alert=alert(), by=henrik, at=NOW + HOUR)
    with audit_context(job="alerts.keep_alerts"):
        resolve_alerts([alert().pk], resolution=Resolution.OVERTAKEN, at=NOW + 2 * HOUR)
    with pytest.raises(InvalidResponseError, match="The registry changed this alert later"):
        undo_response(alert=alert(), by=henrik, at=NOW + 3 * HOUR)
    assert alert().state == "resolved"


def test_what_nobody_answered_has_nothing_to_take_back_and_strangers_may_not(
    world: SmallWorld, henrik: User
) -> None:
    with pytest.raises(
        InvalidResponseError,
        match="No user has responded to this alert, so there is nothing to undo",
    ):
        undo_response(alert=alert(), by=henrik, at=NOW)
    with pytest.raises(AlertPermissionError):
        undo_response(alert=alert(), by=make_user(), at=NOW)


def test_where_the_history_is_forgotten_it_is_opened(world: SmallWorld, henrik: User) -> None:
    acknowledge_alert(alert=alert(), by=henrik, at=NOW)
    assert purge_history(before=now() + HOUR)["alerts_alerthistory"] == 1

    undo_response(alert=alert(), by=henrik, at=NOW + HOUR)

    assert (alert().state, alert().acknowledged_by) == ("open", None)


def test_an_assignment_taken_back_in_time_is_told_to_nobody(
    world: SmallWorld, henrik: User, ilse: User
) -> None:
    assign_alert(alert=alert(), to=ilse, by=henrik, at=NOW)
    undo_response(alert=alert(), by=henrik, at=NOW + timedelta(minutes=1))

    mail_out(morning(1))

    assert addresses("assigned") == {}
    assert "assignment was removed" in Notice.objects.get(user=ilse).skip_sentence


def test_what_an_answer_kept_back_is_owed_again(
    world: SmallWorld, henrik: User, ilse: User
) -> None:
    owed = Notice.objects.create(
        alert=alert(), user=ilse, why="escalation", occasion="escalated", owed_at=NOW
    )
    acknowledge_alert(alert=alert(), by=henrik, at=NOW)
    owed.refresh_from_db()
    assert owed.skip_reason == "answered"

    undo_response(alert=alert(), by=henrik, at=NOW + HOUR)

    owed.refresh_from_db()
    assert owed.skip_reason == ""


def test_several_are_taken_back_at_once_and_the_account_of_it_says_so(
    world: SmallWorld, henrik: User, ilse: User
) -> None:
    snooze_alert(alert=alert(), until=day_in(5), by=ilse, at=NOW)
    resolve_alert(alert=alert(), reason="moved", by=henrik, at=NOW)
    ids = [alert().pk]

    given = respond_to_alerts(alert_ids=ids, response="undo", by=henrik, at=NOW + HOUR)
    refused = respond_to_alerts(alert_ids=ids, response="undo", by=ilse, at=NOW + HOUR)

    assert (given.answered, given.refused) == (ids, [])
    assert [each.sentence.partition(".")[0] for each in refused.refused] == [
        "henrik changed this alert later"
    ]
    assert [turn.what.partition(":")[0] for turn in alert_activity(alert())] == [
        "undid a response",
        "resolved the alert",
        f"snoozed the alert until {day_in(5):%-d %b %Y}",
        "raised the alert",
    ]
