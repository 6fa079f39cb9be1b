"""What mails say about days, time left and stale assessments: figures, stand-ins, grouping, notes,
never too much."""

from datetime import date, timedelta
from decimal import Decimal
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.alerts.actions import assign_alert, maintain_alerts, queue_digests, snooze_alert
from apps.alerts.delivery.due_digests import MAX_IMMEDIATE_PER_DAY
from apps.alerts.delivery.mail import build_message
from apps.alerts.models import Alert, Delivery, Subscription
from apps.alerts.preferences import set_preference
from apps.catalog.models import NodeKind, Offering
from apps.exposure.engine.table_refresh import refresh
from apps.feeds.models import PollState
from apps.inventory.models import Application, Criticality, Dependency
from tests.alerts.simulation import (
    addresses,
    day_in,
    flat,
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
    TODAY,
    make_application,
    make_assessment,
    make_dependency,
    make_exit_plan,
    make_exit_test,
    make_member,
    make_node,
    make_offering,
    make_price,
    make_provider,
    make_risk,
    make_source,
    make_team,
    make_user,
    make_version,
)
from tests.kept_worlds import kept_world
from tests.worlds.small import SmallWorld, make_small_world

pytestmark = pytest.mark.django_db


@pytest.fixture
@kept_world
def world() -> SmallWorld:
    """Claims' critical application ends with its model in seven days."""
    made = make_small_world()
    Offering.objects.update(retires_on=day_in(7), date_kind="firm")
    return made


def mail(address: str = "claims@example.org") -> Delivery:
    look(NOW)
    mail_out(NOW)
    return Delivery.objects.filter(address=address).latest("pk")


def both(delivery: Delivery) -> list[str]:
    return [flat(delivery.body_text), flat(delivery.body_html)]


# --- figures --------------------------------------------------------------------------------------


def test_the_line_of_a_runway_gives_the_days_left_the_days_needed_and_who_owns_it(
    world: SmallWorld, dependency: Dependency
) -> None:
    Application.objects.update(business_owner="Lena Marchetti")
    make_exit_test(dependency, make_offering(), effort_days=Decimal("40.5"))

    delivery = mail()

    assert delivery.subject.startswith(
        "Motor damage estimator cannot be migrated in time; retirement 1 December 2026"
    )
    for body in both(delivery):
        for words in (
            "−33.5 days",
            "40.5 days",
            "exit test",
            "Owner: Lena Marchetti.",
            "Gemini 2.5 Pro on Google Vertex AI retires on 1 December 2026, in 7 days.",
        ):
            assert words in body
    # the milestone of the same end is not said a second time
    assert "UPCOMING RETIREMENTS" not in delivery.body_text


def test_a_milestone_says_the_time_left_and_that_nobody_knows_how_long_the_move_takes(
    world: SmallWorld,
) -> None:
    delivery = mail()

    assert delivery.subject == (
        "Motor damage estimator uses a model that retires on 1 December 2026"
    )
    for body in both(delivery):
        assert "7 days left" in body
        assert "Migration: effort unknown." in body
        assert "Fallback: none." in body


def test_the_time_left_is_counted_on_the_recipient_s_own_day(world: SmallWorld) -> None:
    Application.objects.update(business_owner="kai")
    make_member(world.team, TeamRole.VIEWER, make_user("kai", time_zone="Pacific/Auckland"))
    look(NOW)

    mail_out(NOW)

    assert "7 days left" in last_text("claims@example.org")
    assert "6 days left" in last_text("kai@example.org")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("same version elsewhere", "same version on another host"),
        ("same foundation", "same foundation or ancestor"),
        ("nothing shared", "nothing shared"),
    ],
)
def test_the_stand_in_is_named_with_how_independent_it_is(
    world: SmallWorld, dependency: Dependency, how: str, words: str
) -> None:
    assert world.offering.version is not None
    version = {
        "same version elsewhere": world.offering.version,
        "same foundation": make_version(
            "google/gemini-2.5-pro-002", foundation=world.offering.version.foundation
        ),
        "nothing shared": make_version("openai/gpt-5.4-1"),
    }[how]
    other = make_offering(
        "stand-in-1", host=make_provider("elsewhere", name="Elsewhere"), version=version
    )
    make_dependency(world.application, other, role="fallback", fallback_order=1)
    refresh(on=TODAY)

    delivery = mail()

    for body in both(delivery):
        assert "stand-in-1 on Elsewhere" in body
        assert words in body
        assert "never tested" in body


def test_what_replaces_it_is_named_with_its_price_beside_today_s(world: SmallWorld) -> None:
    successor = make_offering("gemini-3-pro", host=world.offering.host)
    Offering.objects.filter(pk=world.offering.pk).update(replacement=successor)
    for offering, into, out in ((world.offering, "1.25", "10"), (successor, "2", "12")):
        make_price(offering, "input", into)
        make_price(offering, "output", out)
    make_price(successor, "input", "99", above=200_000)

    for body in both(mail()):
        assert (
            "gemini-3-pro on Google Vertex AI, 2.00 USD per million input tokens and 12.00 USD per "
            "million output tokens (today 1.25 and 10.00 USD)." in body
        )


def test_prices_are_those_of_the_day_the_mail_is_written(world: SmallWorld) -> None:
    successor = make_offering("gemini-3-pro", host=world.offering.host)
    Offering.objects.filter(pk=world.offering.pk).update(replacement=successor)
    make_price(successor, "input", "2", until=day_in(-1))
    make_price(successor, "input", "3", since=day_in(-1), until=day_in(10))
    make_price(successor, "input", "4", since=day_in(10))

    assert "3.00 USD per million input tokens" in flat(mail().body_text)


# --- grouping -------------------------------------------------------------------------------------


def test_the_most_urgent_group_comes_first_and_gives_the_subject(
    world: SmallWorld, dependency: Dependency
) -> None:
    amara = make_user("amara", role="governance")
    risk = make_risk(make_node(NodeKind.OFFERING, dependency.offering), title="Prompt injection")
    make_assessment(
        risk,
        dependency,
        treatment="accept",
        accepted_by=amara,
        accepted_at=morning(-90),
        accepted_until=day_in(7),
        accept_reason="known",
    )
    Application.objects.update(next_review_on=TODAY)
    make_exit_plan(dependency, estimated_days=30)
    second = make_application("Fraud triage", team=world.team, criticality=Criticality.STANDARD)
    make_dependency(second, world.offering)

    text = mail().body_text

    titles = ["NEGATIVE RUNWAY", "UPCOMING RETIREMENTS", "REVIEWS DUE", "ACCEPTANCES EXPIRING"]
    places = [text.index(title) for title in titles]
    assert places == sorted(places)
    assert Delivery.objects.get(address="claims@example.org").subject.endswith(
        ", and 3 other changes"
    )


def test_what_has_come_is_pressing_and_what_is_over_says_by_how_much(world: SmallWorld) -> None:
    Offering.objects.update(retires_on=None, date_kind="")
    Application.objects.update(next_review_on=day_in(-12))

    delivery = mail()

    assert "Motor damage estimator: 12 days overdue" in flat(delivery.body_text)
    assert "The review was due on 12 November 2026." in flat(delivery.body_text)
    # the item is about the application itself, which need not be named once more
    assert "Applications:" not in delivery.body_text


@pytest.mark.proof
def test_a_mail_of_a_hundred_things_shows_the_most_urgent_and_counts_the_rest(
    world: SmallWorld,
) -> None:
    pass_day(0)
    for n in range(100):
        offering = make_offering(
            f"model-{n}", host=world.offering.host, retires_on=day_in(30), date_kind="firm"
        )
        make_dependency(world.application, offering)

    pass_day(1)

    text = last_text()
    assert text.count("Model ID:") == 60
    assert "And 40 more:" in text


# --- notes ----------------------------------------------------------------------------------------


@pytest.mark.proof
def test_a_note_says_why_something_known_is_told_again(world: SmallWorld) -> None:
    henrik = make_member(world.team, TeamRole.OWNER, make_user("henrik"))
    ines = make_member(world.team, TeamRole.EDITOR, make_user("ines"))
    look(NOW)
    mail_out(NOW)
    alert = Alert.objects.get()
    assign_alert(alert=alert, to=ines, by=henrik, at=NOW)
    snooze_alert(alert=alert, until=day_in(2), by=henrik, at=NOW)
    pass_days(1, 3)
    assert "Assigned to you." in texts("ines@example.org")[0]
    assert "The snooze ended today." in last_text("henrik@example.org")

    maintain_alerts(at=morning(5))
    mail_out(morning(5))

    assert "RESOLVED" not in " ".join(texts())


@pytest.mark.proof
def test_what_has_passed_names_the_application_and_why(
    world: SmallWorld, dependency: Dependency
) -> None:
    mail()
    Dependency.objects.update(until=day_in(1))

    pass_day(1)

    text = last_text()
    assert "Gemini 2.5 Pro on Google Vertex AI, 1 December 2026: resolved" in text
    assert "None of the applications is affected on that date any more" in text
    assert "Motor damage estimator" in text


# --- never too much -------------------------------------------------------------------------------


@pytest.mark.proof
def test_no_mail_names_an_application_a_team_or_a_risk_that_its_reader_may_not_see(
    world: SmallWorld,
) -> None:
    """One model under two teams that know nothing of each other; everything that can be told of is
    told."""
    secret = make_team("Secret unit", email="secret@example.org")
    hidden = make_application(
        "Hidden application",
        team=secret,
        criticality=Criticality.CRITICAL,
        business_owner="Hidden Owner",
        next_review_on=TODAY,
    )
    make_member(secret, TeamRole.OWNER, make_user("spy", first_name="Hidden", last_name="Owner"))
    theirs = make_dependency(hidden, world.offering)
    backup = make_offering("hidden-backup", host=make_provider("hidden-host"))
    make_dependency(hidden, backup, role="fallback", fallback_order=1)
    make_exit_plan(theirs, estimated_days=90)
    risk = make_risk(make_node(NodeKind.OFFERING, world.offering), title="Hidden risk")
    spy = User.objects.get(username="spy")
    make_assessment(
        risk,
        theirs,
        treatment="accept",
        accepted_by=spy,
        accepted_at=morning(-90),
        accepted_until=day_in(7),
        accept_reason="hidden",
    )
    own = make_risk(make_node(NodeKind.OFFERING, world.offering), title="Shared risk")
    for each, because in (
        (theirs, "Hidden reason."),
        (world.application.dependencies.get(), "Open reason."),
    ):
        make_assessment(
            own, each, state="stale", stale_since=NOW, stale_cause="event", stale_reason=because
        )
    make_exit_test(theirs, backup, tested_on=day_in(-300), expires_on=day_in(7))
    refresh(on=TODAY)
    reader = make_member(world.team, TeamRole.VIEWER, make_user("reader"))
    Subscription.objects.create(user=reader)
    world.event(
        "moved_earlier", old="2027-01-15", new=day_in(7).isoformat(), effective_on=day_in(7)
    )

    look(NOW)
    mail_out(NOW)
    pass_days(1, 8)

    for address in ("claims@example.org", "reader@example.org"):
        assert "Motor damage estimator" in " ".join(texts(address))
        rows = Delivery.objects.filter(address=address)
        said = " ".join(
            [part for row in rows for part in (row.subject, row.body_text, row.body_html)]
        )
        for word in ("Hidden", "hidden-", "Secret", "spy"):
            assert word not in said
    assert "Hidden application" in " ".join(texts("secret@example.org"))


def test_a_new_colleague_s_mail_names_only_what_they_may_see_of_an_alert_about_several(
    world: SmallWorld,
) -> None:
    above = make_team()
    world.team.parent = above
    world.team.save()
    other = make_application("Fraud triage", team=world.team)
    make_dependency(other, world.offering)
    look(NOW)
    Application.objects.filter(pk=world.application.pk).update(team=above)

    mail_out(NOW)

    assert "Fraud triage" in last_text("claims@example.org")
    assert "Motor damage" not in last_text("claims@example.org")


@pytest.mark.proof
@pytest.mark.parametrize(
    "name",
    [
        "<b>bold</b>",
        "Bcc: evil@example.org\r\nX-Evil: 1",
        "{{ settings.SECRET_KEY }}",
        "\u202egnp.exe",
        "a" * 5000,
        '"><img src=x>',
    ],
)
def test_hostile_names_stay_text_in_every_kind_of_item(
    world: SmallWorld, dependency: Dependency, name: str
) -> None:
    amara = make_user(
        "amara", role="governance", first_name="Eve", last_name=name[:100].replace("\r\n", " ")
    )
    risk = make_risk(make_node(NodeKind.OFFERING, dependency.offering), title=name[:150])
    make_assessment(
        risk,
        dependency,
        treatment="accept",
        accepted_by=amara,
        accepted_at=morning(-90),
        accepted_until=day_in(7),
        accept_reason=name,
    )
    second = make_risk(make_node(NodeKind.OFFERING, dependency.offering), title=name[:150])
    make_assessment(
        second, dependency, state="stale", stale_since=NOW, stale_cause="event", stale_reason=name
    )
    make_exit_plan(dependency, estimated_days=90)
    Application.objects.update(name=name[:190], business_owner=name[:190], next_review_on=TODAY)

    delivery = mail()

    raw = build_message(delivery).message().as_bytes()
    parsed = message_from_bytes(raw, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    assert parsed["To"] == "claims@example.org"
    assert parsed["X-Evil"] is None
    assert parsed["Bcc"] is None
    assert len(parsed.get_all("Subject", [])) == 1
    assert len(delivery.subject) <= 300
    for raw_part in ("<b>bold", "<img src=x", "\u202e"):
        assert raw_part not in delivery.body_html
    assert max(len(line) for line in delivery.body_text.splitlines()) <= 500


# --- how mails hang together ----------------------------------------------------------------------


@pytest.mark.proof
def test_mails_on_one_subject_alone_hang_on_one_thread_and_others_on_none(
    world: SmallWorld,
) -> None:
    pass_day(0)
    pass_day(6)
    Dependency.objects.update(until=day_in(7))
    pass_day(7)
    one = [build_message(row).message()["References"] for row in Delivery.objects.order_by("pk")]
    assert len(one) == 3
    assert len(set(one)) == 1
    assert one[0] is not None

    make_dependency(world.application, make_offering(retires_on=day_in(15), date_kind="firm"))
    make_dependency(world.application, make_offering(retires_on=day_in(15), date_kind="firm"))
    pass_day(8)

    message = build_message(Delivery.objects.latest("pk")).message()
    assert message["References"] is None
    assert message["Message-ID"] not in one


def test_a_sign_of_life_says_how_many_feeds_are_fresh(world: SmallWorld) -> None:
    Offering.objects.update(retires_on=None, date_kind="")
    kai = make_user("kai")
    for n in range(6):
        source = make_source(f"source-{n}")
        PollState.objects.update_or_create(
            source=source,
            defaults={"last_success_at": morning(1, 6), "last_change_at": morning(1, 6)},
        )
    set_preference(by=kai, at=morning(0), heartbeat=True)

    pass_days(0, 1)

    assert addresses("") == {}
    delivery = Delivery.objects.get()
    assert (delivery.kind, delivery.subject) == (
        "heartbeat",
        "No changes since 24 November 2026, 6 of 6 feeds up to date",
    )


@pytest.mark.proof
def test_at_most_a_dozen_mails_a_day_come_at_once_and_the_digest_has_the_rest(
    world: SmallWorld,
) -> None:
    pass_day(0)
    for n in range(MAX_IMMEDIATE_PER_DAY + 5):
        offering = make_offering(f"model-{n}", host=world.offering.host)
        make_dependency(world.application, offering)
        SmallWorld(world.team, offering, world.application).event(
            new=day_in(6).isoformat(), effective_on=day_in(6), detected_at=morning(0, 9)
        )
        moment = morning(0, 9) + timedelta(minutes=n)
        look(moment)
        mail_out(moment)
    assert Delivery.objects.filter(kind="immediate").count() == MAX_IMMEDIATE_PER_DAY

    pass_day(1)

    last = Delivery.objects.latest("pk")
    assert last.kind == "digest"
    assert last.body_text.count("Model ID: model-") == 5


@pytest.mark.proof
def test_what_cannot_wait_comes_at_once_where_no_digest_is_near(world: SmallWorld) -> None:
    """A milestone is raised at midnight and waits for the digest of the morning, but not over a
    week-end."""
    Offering.objects.update(retires_on=date(2026, 11, 29), date_kind="firm")
    Application.objects.update(business_owner="work", technical_owner="weekly")
    for name, cadence in (("work", "working_days"), ("weekly", "weekly"), ("daily", "daily")):
        person = make_member(world.team, TeamRole.VIEWER, make_user(name))
        set_preference(by=person, at=morning(-3), cadence=cadence)
    Subscription.objects.create(user=User.objects.get(username="daily"))
    pass_days(0, 3)

    # Saturday the 28th, a minute after midnight, and eight o'clock
    look(morning(4, 0.02))
    mail_out(morning(4, 0.02))
    at_once = Delivery.objects.filter(kind="immediate").values_list("address", flat=True)
    assert set(at_once) == {"work@example.org", "weekly@example.org"}
    mail_out(morning(4, 8))

    assert set(
        Delivery.objects.filter(created_at=morning(4, 8)).values_list("address", flat=True)
    ) == {
        "claims@example.org",
        "daily@example.org",
    }


def test_writing_mails_about_days_costs_the_same_statements_for_many_as_for_one(
    world: SmallWorld,
) -> None:
    def n_statements(n: int, day: int) -> int:
        for number in range(n):
            team = make_team(f"Team {day} {number}", email=f"team{day}-{number}@example.org")
            application = make_application(team=team, next_review_on=day_in(day))
            dependency = make_dependency(application, world.offering)
            make_exit_plan(dependency, estimated_days=90)
        look(morning(day))
        with CaptureQueriesContext(connection) as captured:
            queue_digests(at=morning(day), gather=timedelta(0))
        return len(captured)

    first: Any = n_statements(3, 0)

    assert n_statements(40, 1) <= first
