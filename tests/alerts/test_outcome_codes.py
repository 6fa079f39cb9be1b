"""Sentences may be reworded: what alerts do is decided by codes, also of rows stored before."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from pghistory.models import Context

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.alerts.actions import (
    acknowledge_alert,
    assign_alert,
    reopen_alert,
    resolve_alert,
    undo_response,
)
from apps.alerts.delivery.digest_requests import request_digest
from apps.alerts.lifecycle.activity import alert_activity
from apps.alerts.models import Alert, Delivery, Notice, outcomes
from apps.alerts.models.outcomes import Resolution, SkipReason
from apps.alerts.preferences import stop_mail
from apps.catalog.models import Offering
from apps.inventory.models import Application
from tests.alerts.simulation import HOUR, addresses, day_in, look, mail_out, morning, pass_days
from tests.builders import NOW, make_member, make_user
from tests.kept_worlds import kept_world
from tests.worlds.small import SmallWorld, make_small_world

pytestmark = pytest.mark.django_db


@pytest.fixture
@kept_world
def world() -> SmallWorld:
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
    return made


@pytest.fixture(params=["as it is", "reworded"])
def reword(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Change every sentence about outcomes and the reasons in the history; or, to compare,
    nothing."""

    def change() -> None:
        if request.param == "as it is":
            return
        for name in ("_SKIP_SENTENCES", "_RESOLUTION_SENTENCES"):
            codes = getattr(outcomes, name)
            monkeypatch.setattr(
                outcomes, name, {code: f"Other words for {code}." for code in codes}
            )
        for context in Context.objects.all():
            context.metadata["reason"] = "Other words."
            context.save()

    return change


def person(name: str) -> User:
    return User.objects.get(username=name)


def alert() -> Alert:
    return Alert.objects.get()


def test_an_alert_opened_again_owes_what_its_resolution_kept_back(
    world: SmallWorld, reword: Callable[[], None]
) -> None:
    owed = set(Notice.objects.owed().values_list("pk", flat=True))
    resolve_alert(alert=alert(), reason="moved", by=person("henrik"), at=NOW)
    assert owed
    assert not Notice.objects.owed().exists()
    reword()

    reopen_alert(alert=alert(), by=person("henrik"), at=NOW + HOUR)

    assert set(Notice.objects.owed().values_list("pk", flat=True)) == owed


def test_an_answer_taken_back_owes_what_it_kept_back_and_nothing_else(
    world: SmallWorld, reword: Callable[[], None]
) -> None:
    mail_out(NOW)
    escalation, muted = (
        Notice.objects.create(
            alert=alert(), user=person(name), why="escalation", occasion="escalated", owed_at=NOW
        )
        for name in ("ilse", "olga")
    )
    until = {"until": day_in(9).isoformat()}
    Notice.objects.filter(pk=muted.pk).update(skip_reason=SkipReason.MUTED, skip_details=until)
    acknowledge_alert(alert=alert(), by=person("henrik"), at=NOW)
    assert not Notice.objects.owed().exists()
    reword()

    undo_response(alert=alert(), by=person("henrik"), at=NOW + HOUR)

    assert list(Notice.objects.owed()) == [escalation]


def test_a_resolution_that_stands_again_keeps_back_what_was_owed_meanwhile(
    world: SmallWorld, reword: Callable[[], None]
) -> None:
    resolve_alert(alert=alert(), reason="moved", by=person("henrik"), at=NOW)
    reword()
    undo_response(alert=alert(), by=person("henrik"), at=NOW + HOUR)
    assert Notice.objects.owed().exists()

    undo_response(alert=alert(), by=person("henrik"), at=NOW + 2 * HOUR)

    assert alert().resolution == Resolution.BY_USER
    assert alert().resolution_sentence == "moved"
    assert not Notice.objects.owed().exists()


def test_an_assignment_taken_back_in_time_is_not_mailed(
    world: SmallWorld, reword: Callable[[], None]
) -> None:
    mail_out(NOW)
    assign_alert(alert=alert(), to=person("ilse"), by=person("henrik"), at=NOW)
    reword()

    undo_response(alert=alert(), by=person("henrik"), at=NOW + HOUR)
    mail_out(morning(1))

    assert addresses("assigned") == {}


def test_the_history_tells_an_answer_from_one_taken_back(
    world: SmallWorld, reword: Callable[[], None]
) -> None:
    acknowledge_alert(alert=alert(), by=person("henrik"), at=NOW, reason="on it")
    resolve_alert(alert=alert(), reason="moved", by=person("henrik"), at=NOW)
    undo_response(alert=alert(), by=person("henrik"), at=NOW + HOUR)
    reword()

    assert [(turn.what, turn.reason) for turn in alert_activity(alert())] == [
        ("undid a response: acknowledged again", ""),
        ("resolved the alert", "moved"),
        ("acknowledged the alert", "on it"),
        ("raised the alert", ""),
    ]


def test_who_wants_no_mail_is_not_replaced(world: SmallWorld, reword: Callable[[], None]) -> None:
    Application.objects.update(business_owner="ilse")
    Team.objects.update(email="")
    Notice.objects.update(team=None, user=person("ilse"))
    for name in ("olga", "henrik", "ilse"):
        stop_mail(person(name))
    make_user("amara", role="governance", email="amara@example.org")
    reword()

    mail_out(morning(1))

    assert addresses() == {}
    assert set(Delivery.objects.values_list("state", "skip_reason")) == {
        ("skipped", "no_email_wanted")
    }


def test_what_somebody_asked_for_is_not_mailed_once_more(
    world: SmallWorld, reword: Callable[[], None]
) -> None:
    Team.objects.update(email="")
    Application.objects.update(business_owner="ilse")
    Notice.objects.update(team=None, user=person("ilse"))
    request_digest(user=person("ilse"), at=NOW)
    reword()

    pass_days(0, 1)
    mail_out(NOW + timedelta(days=2))

    carried = Notice.objects.filter(user=person("ilse"), delivery__isnull=False)
    assert [notice.occasion_word for notice in carried] == ["asked"]
