"""An alert ends with its cause: said once to whoever a message had told, to nobody else, and not
where news says it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.roles import TeamRole
from apps.alerts.actions import acknowledge_alert, assign_alert, maintain_alerts, resolve_alert
from apps.alerts.kinds.superseded_events import resolve_event_alerts
from apps.alerts.lifecycle.resolution import resolve_alerts
from apps.alerts.models import Alert, Delivery, Notice, Resolution, Subscription, Webhook
from apps.catalog.models import Offering, ProviderEvent
from apps.inventory.models import Application, Dependency
from tests.alerts.kinds.feed_states import backfill
from tests.alerts.simulation import (
    addresses,
    day_in,
    last_text,
    look,
    mail_out,
    morning,
    pass_day,
    pass_days,
    texts,
)
from tests.builders import (
    NOW,
    make_application,
    make_dependency,
    make_event,
    make_member,
    make_offering,
    make_team,
    make_user,
)
from tests.kept_worlds import kept_world
from tests.worlds.small import SmallWorld, make_small_world

pytestmark = pytest.mark.django_db
GONE = "A later change superseded it."


@pytest.fixture
@kept_world
def world() -> SmallWorld:
    made = make_small_world()
    Offering.objects.update(retires_on=None, date_kind="")
    return made


def tell(world: SmallWorld, kind: str = "announced", **fields: object) -> Alert:
    event = world.event(kind, **fields)
    look(NOW)
    mail_out(NOW)
    return Alert.objects.get(event=event)


def end(alert: Alert, n: int = 1) -> None:
    resolve_alerts([alert.pk], resolution=Resolution.OVERTAKEN, at=morning(n, 1))
    mail_out(morning(n))


# --- who is told that it is over ------------------------------------------------------------------


@pytest.mark.proof
def test_everyone_a_message_told_is_told_once_and_nobody_else(world: SmallWorld) -> None:
    lena = make_member(world.team, TeamRole.EDITOR, make_user("lena"))
    subscriber = make_member(world.team, TeamRole.VIEWER, make_user("sub"))
    make_member(world.team, TeamRole.VIEWER, make_user("bystander"))
    Subscription.objects.create(user=subscriber)
    Webhook.objects.create(name="chat", url="https://chat.example.org/", created_by=lena)
    alert = tell(world)
    assign_alert(alert=alert, to=lena, by=make_user(role="governance"), at=NOW)
    mail_out(morning(1))

    for n in (2, 3, 4):
        end(alert, n)

    assert addresses("resolved") == {
        "claims@example.org": 1,
        "lena@example.org": 1,
        "sub@example.org": 1,
        "https://chat.example.org/": 1,
    }
    for address in ("claims@example.org", "lena@example.org", "sub@example.org"):
        assert "RESOLVED" in last_text(address)
        assert GONE in last_text(address)


def test_what_is_still_owed_when_the_cause_goes_is_never_mailed(world: SmallWorld) -> None:
    world.event()
    look(NOW)
    end(Alert.objects.get(), 0)

    pass_days(0, 2)

    assert not Delivery.objects.exists()
    assert Notice.objects.get().skip_sentence == (
        "The cause was resolved before a message was due."
    )


def test_a_mail_on_its_way_is_followed_by_the_word_that_it_is_over(world: SmallWorld) -> None:
    alert = tell(world)
    Delivery.objects.update(state="queued", sent_at=None)

    end(alert)

    assert len(texts()) == 2


def test_a_mail_that_was_refused_for_good_told_nobody_anything(world: SmallWorld) -> None:
    alert = tell(world)
    Delivery.objects.update(state="failed", sent_at=None)

    end(alert)

    assert addresses("resolved") == {}


def test_what_people_settled_themselves_is_not_told_to_be_over(world: SmallWorld) -> None:
    alert = tell(world)
    resolve_alert(alert=alert, reason="moved", by=make_user(role="governance"), at=NOW)

    end(alert)

    assert addresses("resolved") == {}
    alert.refresh_from_db()
    assert alert.resolution_sentence == "moved"


def test_what_was_acknowledged_is_told_to_be_over_all_the_same(world: SmallWorld) -> None:
    alert = tell(world)
    acknowledge_alert(alert=alert, by=make_user(role="governance"), at=NOW)

    end(alert)

    assert addresses("resolved") == {"claims@example.org": 1}


def test_that_it_is_over_names_only_what_the_recipient_may_still_see(world: SmallWorld) -> None:
    second = make_application("Fraud triage", team=world.team)
    make_dependency(second, world.offering)
    alert = tell(world)
    Application.objects.filter(pk=world.application.pk).update(team=make_team())

    end(alert)

    assert "Fraud triage" in last_text()
    assert "Motor damage" not in last_text()


# --- events overtaken -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("moved_later", {"old": "2027-01-15", "new": "2027-06-30"}),
        ("moved_earlier", {"old": "2027-01-15", "new": "2026-12-30"}),
        ("withdrawn", {"old": "2027-01-15", "new": None, "effective_on": None}),
        ("retired", {"old": "2027-01-15", "new": "2027-01-15"}),
        ("delisted", {"old": "2027-01-15", "new": None}),
    ],
)
def test_later_news_of_the_end_takes_the_place_of_earlier_news_in_silence(
    world: SmallWorld, kind: str, fields: dict[str, object]
) -> None:
    first = tell(world)
    world.event(kind, detected_at=morning(1), **fields)

    pass_days(1, 3)

    first.refresh_from_db()
    assert (first.state, first.resolution_sentence) == (
        "resolved",
        "A later change superseded it.",
    )
    assert addresses("resolved") == {}
    assert len(texts()) == 2


def test_good_news_asks_for_no_answer_and_leaves_nothing_open(world: SmallWorld) -> None:
    tell(world)
    world.event("withdrawn", old="2027-01-15", new=None, effective_on=None, detected_at=morning(1))
    world.event("repriced", old={"input": "10"}, new={"input": "2"}, detected_at=morning(1))

    pass_days(1, 3)

    assert not Alert.objects.live().exists()
    assert addresses() == {"claims@example.org": 2}


def test_an_end_put_off_stays_open_since_it_is_still_to_come(world: SmallWorld) -> None:
    tell(world)
    world.event("moved_later", old="2027-01-15", new="2027-06-30", detected_at=morning(1))

    pass_days(1, 3)

    assert [alert.kind for alert in Alert.objects.live()] == ["moved_later"]
    assert "The retirement moved from 15 January 2027 to 30 June 2027" in last_text()


def test_the_same_said_by_another_source_overtakes_nothing(world: SmallWorld) -> None:
    first = tell(world)
    world.event(external_id="other", detected_at=morning(1))

    pass_day(1)

    first.refresh_from_db()
    assert first.state == "open"


def test_news_of_another_model_or_of_a_price_overtakes_no_end(world: SmallWorld) -> None:
    first = tell(world)
    other = make_offering(host=world.offering.host)
    make_dependency(world.application, other)
    make_event(other, "moved_later", old="2027-01-15", new="2027-06-30", detected_at=morning(1))
    world.event("repriced", old={"input": "1"}, new={"input": "2"}, detected_at=morning(1))

    pass_day(1)

    first.refresh_from_db()
    assert first.state == "open"


def test_later_news_overtakes_also_where_the_application_has_another_owner_by_then(
    world: SmallWorld,
) -> None:
    first = tell(world)
    make_member(world.team, TeamRole.EDITOR, make_user("lena"))
    Application.objects.update(business_owner="lena")
    world.event("moved_later", old="2027-01-15", new="2027-06-30", detected_at=morning(1))

    pass_day(1)

    first.refresh_from_db()
    assert first.state == "resolved"
    assert Alert.objects.live().get().kind == "moved_later"


def test_a_price_that_moves_again_overtakes_the_last_move_but_not_by_a_trifle(
    world: SmallWorld,
) -> None:
    first = tell(world, "repriced", old={"input": "10"}, new={"input": "20"})
    world.event("repriced", old={"input": "20"}, new={"input": "20.1"}, detected_at=morning(1))
    pass_day(1)
    first.refresh_from_db()
    assert first.state == "open"
    world.event("repriced", old={"input": "20.1"}, new={"input": "30"}, detected_at=morning(2))

    pass_day(2)

    first.refresh_from_db()
    assert first.state == "resolved"


# --- moved away -----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["ended", "retired application", "other model"])
def test_news_of_what_nothing_calls_any_more_is_over_and_that_is_said(
    world: SmallWorld, how: str
) -> None:
    alert = tell(world)
    match how:
        case "ended":
            Dependency.objects.update(until=day_in(1))
        case "retired application":
            Application.objects.update(status="retired")
        case "other model":
            Dependency.objects.update(offering=make_offering())

    pass_days(1, 3)

    alert.refresh_from_db()
    assert alert.state == "resolved"
    assert addresses("resolved") == {"claims@example.org": 1}
    assert "None of the applications depends on it any more" in last_text()


def test_one_application_that_stays_keeps_it_open(world: SmallWorld) -> None:
    make_dependency(make_application(team=world.team), world.offering)
    alert = tell(world)
    Dependency.objects.filter(application=world.application).update(until=day_in(1))

    pass_days(1, 2)

    alert.refresh_from_db()
    assert alert.state == "open"


def test_models_that_had_already_ended_are_over_when_nothing_calls_them_any_more(
    world: SmallWorld,
) -> None:
    backfill(world.offering)
    pass_day(1)
    alert = Alert.objects.get(kind="backfilled")
    maintain_alerts(at=morning(2))
    alert.refresh_from_db()
    assert alert.state == "open"
    Dependency.objects.update(until=day_in(3))

    pass_days(3, 5)

    alert.refresh_from_db()
    assert alert.state == "resolved"
    assert addresses("resolved") == {"claims@example.org": 1}


@pytest.mark.proof
def test_the_number_of_statements_does_not_grow_with_what_is_settled(world: SmallWorld) -> None:
    def n_statements(n: int, day: int) -> int:
        for number in range(n):
            make_dependency(make_application(team=make_team()), world.offering)
            world.event(external_id=f"row-{day}-{number}", detected_at=morning(day))
        look(morning(day))
        Dependency.objects.update(until=day_in(day + 1))
        with CaptureQueriesContext(connection) as captured:
            resolve_event_alerts(at=morning(day + 1))
        assert not Alert.objects.live().exists()
        return len(captured)

    first = n_statements(2, 1)

    assert n_statements(30, 4) == first
    assert ProviderEvent.objects.count() == 32


def test_settling_twice_changes_and_says_nothing_more(world: SmallWorld) -> None:
    alert = tell(world)
    end(alert)

    assert (
        resolve_alerts([alert.pk], resolution=Resolution.NOT_CONCERNED, at=NOW + timedelta(days=3))
        == 0
    )

    alert.refresh_from_db()
    assert alert.resolution_sentence == GONE
    assert Notice.objects.filter(occasion="resolved").count() == 1
