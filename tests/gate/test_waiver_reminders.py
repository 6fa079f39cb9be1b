"""Before a waiver ends, who asked for it and who owns the application are told, once a milestone;
and no more after."""

import io
import json
from datetime import datetime
from typing import Any

import pytest
from django.core.management import call_command

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.alerts.actions import create_mute
from apps.alerts.calendar.feed import build_calendar
from apps.alerts.models import Alert, AlertSettings, Notice
from apps.alerts.preferences import change_alert_settings
from apps.gate.actions import grant_waiver, request_waiver, withdraw_waiver
from apps.gate.models import Waiver
from apps.inventory.models import Application
from tests.alerts.simulation import (
    addresses,
    day_in,
    last_text,
    look,
    mail_out,
    morning,
    pass_day,
    pass_each,
)
from tests.builders import NOW, make_application, make_member, make_team, make_user
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db
KIND = "gate_waiver_expiring"


@pytest.fixture
@kept_world
def ilse() -> User:
    """Who asks; owned is the application by somebody else, and its team has a mailbox."""
    team = make_team("Support", email="support@example.org")
    owner = make_member(team, user=make_user("olga", email="olga@example.org"))
    make_application("Support assistant", team=team, business_owner=owner.username)
    return make_member(team, TeamRole.EDITOR, make_user("ilse", email="ilse@example.org"))


@pytest.fixture
def maren() -> User:
    return make_user(
        "maren", role="governance", email="maren@example.org", first_name="Maren", last_name="Vogt"
    )


def granted(asker: User, granter: User, until: int, *, at: datetime = NOW, **more: Any) -> Waiver:
    facts: dict[str, Any] = {
        "rule": "FR002",
        "model": "gpt-3.5-turbo-0125",
        "reason": "Moving in March.",
        **more,
    }
    waiver = request_waiver(
        application=Application.objects.get(), until=day_in(until), by=asker, at=at, **facts
    )
    return grant_waiver(waiver=waiver, by=granter, at=at)


def raised() -> list[tuple[int, int | None]]:
    """(day from now, milestone) of each alert about a waiver."""
    rows = Alert.objects.filter(kind=KIND).order_by("raised_at")
    return [((row.raised_at.date() - day_in(0)).days, row.milestone) for row in rows]


@pytest.mark.proof
def test_who_asked_and_who_owns_it_are_told_at_each_milestone_and_once(
    ilse: User, maren: User
) -> None:
    waiver = granted(ilse, maren, 40)

    pass_each(0, 9, 10, 11, 33, 34, 40, 41)

    assert raised() == [(10, 30), (33, 7), (40, 0)]
    assert set(addresses()) == {"ilse@example.org", "olga@example.org", "support@example.org"}
    assert set(addresses().values()) == {3}
    told = last_text("ilse@example.org")
    assert "FR002 Model retired, gpt-3.5-turbo-0125: today" in told
    assert "The waiver by Maren Vogt expires today." in told
    assert f"/gate/waivers/{waiver.pk}/" in told
    assert "request another waiver" in told


@pytest.mark.proof
def test_once_it_has_been_over_for_a_week_it_is_nobodys_alert_any_more_and_nothing_is_mailed(
    ilse: User, maren: User
) -> None:
    granted(ilse, maren, 40)
    pass_each(10, 33, 40)
    [live] = Alert.objects.live()
    n_mails = sum(addresses().values())

    pass_each(47, 48, 49)

    live.refresh_from_db()
    assert (live.milestone, live.state, live.resolution_sentence) == (
        0,
        "resolved",
        "The date was reached.",
    )
    assert live.resolved_at == morning(48)
    assert sum(addresses().values()) == n_mails
    assert addresses("resolved") == {}


@pytest.mark.proof
@pytest.mark.parametrize(
    "how", ["renewed", "renewed for all its models", "withdrawn", "renewed late"]
)
def test_renewed_or_withdrawn_it_is_over_and_whom_a_mail_had_told_is_told_that_once(
    ilse: User, maren: User, how: str
) -> None:
    waiver = granted(ilse, maren, 20)
    pass_each(13)
    assert raised() == [(13, 7)]
    last = 13
    match how:
        case "renewed":
            granted(ilse, maren, 150, at=morning(13, 9), model="GPT-3.5-turbo-0125")
        case "renewed for all its models":
            Waiver.objects.filter(pk=granted(ilse, maren, 150, at=morning(13, 9)).pk).update(
                model=""
            )
        case "withdrawn":
            withdraw_waiver(waiver=waiver, by=ilse, at=morning(13, 9), reason="Moved.")
        case _:
            pass_each(20)
            granted(ilse, maren, 150, at=morning(20, 9))
            last = 20

    pass_each(last + 1, last + 2, last + 9)

    assert set(Alert.objects.values_list("state", flat=True)) == {"resolved"}
    assert (
        Alert.objects.latest("raised_at").resolution_sentence
        == "The waiver was renewed or withdrawn."
    )
    assert set(addresses("resolved").values()) == {1}
    assert "renewed or withdrawn" in last_text("ilse@example.org")


def test_what_is_only_asked_for_refused_or_of_a_retired_application_is_told_to_nobody(
    ilse: User, maren: User
) -> None:
    request_waiver(
        application=Application.objects.get(),
        rule="FR003",
        model="x",
        reason="y",
        until=day_in(5),
        by=ilse,
        at=NOW,
    )
    granted(ilse, maren, 5)
    Application.objects.update(status="retired")

    pass_each(0, 4, 5)

    assert raised() == []


@pytest.mark.proof
def test_the_days_before_are_those_of_acceptances_as_governance_sets_them(
    ilse: User, maren: User
) -> None:
    assert AlertSettings.objects.get().expiry_milestones == [30, 7, 0]
    change_alert_settings(by=maren, expiry_milestones=[20, 3])
    granted(ilse, maren, 30)

    pass_each(9, 10, 26, 27, 30)

    assert raised() == [(10, 20), (27, 3)]


@pytest.mark.proof
def test_a_sweep_raises_and_mails_it_and_a_second_one_nothing(ilse: User, maren: User) -> None:
    granted(ilse, maren, 20)

    def sweep(n: int) -> dict[str, int]:
        out = io.StringIO()
        call_command("sweep", "--at", morning(n).isoformat(), stdout=out)
        counts: dict[str, int] = json.loads(out.getvalue())
        return counts

    first, again = sweep(13), sweep(13)

    assert (first["alerts_raised"], again["alerts_raised"]) == (1, 0)
    assert (first["mails_sent"], again["mails_sent"]) == (3, 0)


def test_after_three_days_of_silence_one_digest_covers_the_gap(ilse: User, maren: User) -> None:
    granted(ilse, maren, 20)
    pass_each(11, 12)

    pass_day(16)

    assert raised() == [(16, 7)]
    assert addresses() == {"ilse@example.org": 1, "olga@example.org": 1, "support@example.org": 1}


def test_it_can_be_muted_by_its_kind_and_by_itself(ilse: User, maren: User) -> None:
    waiver = granted(ilse, maren, 20)
    create_mute(by=ilse, until=day_in(60), at=NOW, kind=KIND)
    create_mute(
        by=User.objects.get(username="olga"),
        until=day_in(60),
        at=NOW,
        subject=f"waiver:{waiver.pk}@{day_in(20)}",
    )

    pass_each(13, 20)

    assert set(addresses()) == {"support@example.org"}
    raised = Notice.objects.filter(user__isnull=False, occasion="raised")
    assert {notice.skip_sentence for notice in raised} == {f"Muted until {day_in(60)}."}


def test_who_lost_the_team_meanwhile_is_not_mailed_about_it(ilse: User, maren: User) -> None:
    granted(ilse, maren, 20)
    pass_each(12)
    look(morning(13, 1))
    ilse.memberships.all().delete()

    mail_out(morning(13))

    assert "ilse@example.org" not in addresses()
    assert Notice.objects.filter(user=ilse, delivery__state="skipped").count() == 1


def test_it_stands_in_the_calendar_of_whoever_sees_the_application(ilse: User, maren: User) -> None:
    granted(ilse, maren, 20)

    own, other = build_calendar(ilse, at=NOW).decode(), build_calendar(make_user(), at=NOW).decode()

    assert "FR002 Model retired" in own
    assert "CATEGORIES:Waiver expiring" in own
    assert "FR002" not in other
