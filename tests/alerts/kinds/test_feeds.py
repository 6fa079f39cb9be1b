"""Feeds that need a decision, fell silent or stand still: governance is told once per episode, and
of its end."""

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.alerts.actions import acknowledge_alert, queue_digests, raise_alerts
from apps.alerts.models import Alert, Delivery, HandledRun, Notice
from apps.alerts.queries import visible_alerts
from apps.catalog.claims.pending_changes import accept_pending, reject_pending
from apps.catalog.models import Assertion, Offering, Source
from apps.feeds.models import FeedRun, PollState
from apps.inventory.models import Criticality
from tests.alerts.kinds.feed_states import DAY, backfill, make_run, polled, suspect
from tests.alerts.simulation import flat
from tests.builders import (
    NOW,
    make_application,
    make_dependency,
    make_member,
    make_offering,
    make_source,
    make_team,
    make_user,
)
from tests.http import file_text
from tests.threads import run_in_threads
from tests.worlds.small import make_small_world

HOUR = timedelta(hours=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def governor(db: None) -> User:
    return make_user("maren", role="governance")


@pytest.fixture
def source(db: None) -> Source:
    """Polled hourly, late after a day, frozen after thirty."""
    return make_source("deprecations-info", name="deprecations.info", frozen_after_days=30)


def mailed(*, at: object = NOW) -> Delivery | None:
    queue_digests(at=at, gather=timedelta(0))  # type: ignore[arg-type]
    return Delivery.objects.order_by("-pk").first()


def states() -> set[tuple[str, str]]:
    return set(Alert.objects.values_list("kind", "state"))


# --- suspect --------------------------------------------------------------------------------------


def test_governance_is_told_once_of_a_suspect_run(governor: User, source: Source) -> None:
    second = make_user(role="governance")
    make_user(role="auditor")
    run = suspect(source)

    assert raise_alerts(at=NOW) == 2
    assert raise_alerts(at=NOW + timedelta(minutes=1)) == 0

    assert {alert.user for alert in Alert.objects.select_related("user")} == {governor, second}
    alert = Alert.objects.get(user=governor)
    assert (alert.key, alert.kind, alert.run, alert.severity) == (
        f"run:{run.pk}|suspect||user:{governor.pk}",
        "suspect",
        run,
        3,
    )


def test_it_is_louder_where_a_critical_application_stands_on_what_is_held(
    governor: User, source: Source
) -> None:
    world = make_small_world()
    suspect(source, world.offering)

    raise_alerts(at=NOW)

    alert = Alert.objects.get()
    assert (alert.severity, alert.application_ids) == (4, [world.application.pk])


def test_an_application_of_less_weight_does_not_make_it_louder(
    governor: User, source: Source
) -> None:
    world = make_small_world(criticality=Criticality.IMPORTANT)
    suspect(source, world.offering)

    raise_alerts(at=NOW)

    assert Alert.objects.get().severity == 3


def test_a_suspect_run_of_which_nothing_is_held_any_more_is_not_told(
    governor: User, source: Source
) -> None:
    suspect(source)
    Assertion.objects.update(held=False)

    assert raise_alerts(at=NOW) == 0

    assert HandledRun.objects.count() == 1


def test_it_is_resolved_when_nothing_is_held_any_more(governor: User, source: Source) -> None:
    suspect(source)
    raise_alerts(at=NOW)
    Assertion.objects.update(held=False)

    raise_alerts(at=NOW + HOUR)

    assert states() == {("suspect", "resolved")}


@pytest.mark.parametrize("decision", ["accepted", "refused"])
def test_a_decision_resolves_it(governor: User, source: Source, decision: str) -> None:
    suspect(source)
    raise_alerts(at=NOW)
    decide = accept_pending if decision == "accepted" else reject_pending
    decide(source=source, by=governor, reason="looked at the page")

    raise_alerts(at=NOW + HOUR)

    assert states() == {("suspect", "resolved")}


@pytest.mark.parametrize("state", ["open", "acknowledged"])
def test_the_next_run_that_is_suspect_for_the_same_provider_is_no_news(
    governor: User, source: Source, state: str
) -> None:
    suspect(source)
    raise_alerts(at=NOW)
    if state == "acknowledged":
        acknowledge_alert(alert=Alert.objects.get(), by=governor, at=NOW)
    suspect(source, at=NOW + HOUR)

    assert raise_alerts(at=NOW + HOUR) == 0


def test_two_suspect_runs_found_at_once_are_told_by_the_first(
    governor: User, source: Source
) -> None:
    first = suspect(source)
    suspect(source, at=NOW + HOUR)

    assert raise_alerts(at=NOW + HOUR) == 1

    assert Alert.objects.get().run == first


def test_another_provider_of_the_same_source_is_news(governor: User, source: Source) -> None:
    suspect(source)
    raise_alerts(at=NOW)
    suspect(source, group="openai", at=NOW + HOUR)

    assert raise_alerts(at=NOW + HOUR) == 1


def test_the_same_provider_is_news_again_once_the_first_time_is_over(
    governor: User, source: Source
) -> None:
    suspect(source)
    suspect(source, group="openai")
    raise_alerts(at=NOW)
    Assertion.objects.filter(group="google-vertex-ai").update(held=False)
    raise_alerts(at=NOW + HOUR)
    suspect(source, make_offering(), at=NOW + DAY)

    assert raise_alerts(at=NOW + DAY) == 1

    assert Alert.objects.exclude(state="resolved").count() == 2


def test_a_suspect_run_waits_until_there_is_somebody_to_decide(source: Source) -> None:
    suspect(source)
    assert raise_alerts(at=NOW) == 0
    make_user(role="admin")

    assert raise_alerts(at=NOW + HOUR) == 1


def test_old_suspect_runs_do_not_flood_an_upgrade(governor: User, source: Source) -> None:
    for days in range(8, 60):
        suspect(source, group=f"provider-{days}", at=NOW - days * DAY)

    assert raise_alerts(at=NOW) == 0

    assert HandledRun.objects.count() == 52


def test_the_mail_says_what_is_held_and_where_to_decide(governor: User, source: Source) -> None:
    world = make_small_world()
    suspect(source, world.offering)
    raise_alerts(at=NOW)

    mail = mailed()

    assert mail is not None
    assert mail.user == governor
    assert mail.subject == "Changes from deprecations.info are on hold"
    assert "\nCHANGES ON HOLD\n" in mail.body_text
    for body in (flat(mail.body_text), flat(mail.body_html)):
        assert (
            "Google Vertex AI: 41 of 153 rows disappeared together. Removals are on hold." in body
        )
        assert "Accept or reject. Undecided changes apply after 7 days." in body
        assert "/feeds/deprecations-info/held/" in body
        assert "Motor damage estimator (critical)" in body


def test_what_was_decided_before_the_mail_was_due_is_not_mailed(
    governor: User, source: Source
) -> None:
    suspect(source)
    raise_alerts(at=NOW)
    Assertion.objects.update(held=False)
    raise_alerts(at=NOW)

    assert mailed() is None


# --- late -----------------------------------------------------------------------------------------


def test_a_source_not_read_for_too_long_is_told_once(governor: User, source: Source) -> None:
    polled(source, success=NOW - DAY - HOUR, failures=3, error="The server did not answer.")

    assert raise_alerts(at=NOW) == 1
    assert raise_alerts(at=NOW + DAY) == 0

    alert = Alert.objects.get()
    assert alert.key == f"source:{source.pk}|late|2026-11-23|user:{governor.pk}"
    assert (alert.source, alert.severity, alert.details["since"]) == (source, 3, "2026-11-23")


def test_failing_for_less_than_that_is_not_told(governor: User, source: Source) -> None:
    polled(source, success=NOW - DAY + HOUR, failures=12, error="The server did not answer.")

    assert raise_alerts(at=NOW) == 0


def test_a_source_that_never_succeeded_raises_nothing(governor: User, source: Source) -> None:
    polled(source, success=None, failures=40, error="No network.")

    assert raise_alerts(at=NOW) == 0


def test_a_source_that_is_switched_off_raises_nothing(governor: User, source: Source) -> None:
    polled(source, success=NOW - 9 * DAY)
    Source.objects.update(enabled=False)

    assert raise_alerts(at=NOW) == 0


def test_a_source_that_is_suspect_and_late_is_told_to_be_late(
    governor: User, source: Source
) -> None:
    polled(source, success=NOW - 2 * DAY, suspect=True)

    raise_alerts(at=NOW)

    assert states() == {("late", "open")}


def test_the_mail_says_since_when_and_why(governor: User, source: Source) -> None:
    polled(
        source,
        success=NOW - 4 * DAY,
        failures=3,
        error="The server did not respond within 30 seconds. See its log.",
    )
    raise_alerts(at=NOW)

    mail = mailed()

    assert mail is not None
    assert mail.subject == "deprecations.info is late: its last success was on 20 November 2026"
    for body in (flat(mail.body_text), flat(mail.body_html)):
        assert (
            "3 polls since then failed. The last error: The server did not respond within 30 "
            "seconds. See its log."
        ) in body
        assert "4 days" in body
        assert "/feeds/deprecations-info/" in body


def test_a_source_that_is_fresh_again_is_resolved_and_said_to_be_so_once(
    governor: User, source: Source
) -> None:
    polled(source, success=NOW - 2 * DAY)
    raise_alerts(at=NOW)
    mailed()
    polled(source, success=NOW + HOUR)

    assert raise_alerts(at=NOW + HOUR) == 1
    assert raise_alerts(at=NOW + 2 * HOUR) == 0

    assert states() == {("late", "resolved"), ("fresh", "resolved")}
    mail = mailed(at=NOW + DAY)
    assert Delivery.objects.count() == 2
    assert mail is not None
    assert mail.subject == "deprecations.info is up to date again"
    assert Alert.objects.get(kind="fresh").severity == 1


def test_an_episode_that_no_mail_told_of_ends_without_one(governor: User, source: Source) -> None:
    polled(source, success=NOW - 2 * DAY)
    raise_alerts(at=NOW)
    polled(source, success=NOW)

    assert raise_alerts(at=NOW) == 0

    assert states() == {("late", "resolved")}
    assert mailed() is None


def test_a_mail_that_was_skipped_told_nobody(source: Source) -> None:
    make_user(role="governance", email="")
    polled(source, success=NOW - 2 * DAY)
    raise_alerts(at=NOW)
    mailed()
    polled(source, success=NOW)

    assert raise_alerts(at=NOW) == 0


def test_one_failed_poll_does_not_end_an_episode(governor: User, source: Source) -> None:
    polled(source, success=NOW - 2 * DAY)
    raise_alerts(at=NOW)
    polled(source, success=NOW - 2 * HOUR, failures=1)

    raise_alerts(at=NOW)

    assert states() == {("late", "open")}


def test_switching_a_source_off_ends_its_episode_and_is_no_good_news(
    governor: User, source: Source
) -> None:
    polled(source, success=NOW - 2 * DAY)
    raise_alerts(at=NOW)
    mailed()
    Source.objects.update(enabled=False)

    assert raise_alerts(at=NOW) == 0

    assert states() == {("late", "resolved")}


def test_a_later_silence_is_an_episode_of_its_own(governor: User, source: Source) -> None:
    polled(source, success=NOW - 2 * DAY)
    raise_alerts(at=NOW)
    polled(source, success=NOW)
    raise_alerts(at=NOW)

    assert raise_alerts(at=NOW + 3 * DAY) == 1

    assert states() == {("late", "resolved"), ("late", "open")}


def test_somebody_new_in_governance_is_not_told_of_an_old_silence(
    governor: User, source: Source
) -> None:
    polled(source, success=NOW - 2 * DAY)
    raise_alerts(at=NOW)
    make_user(role="governance")

    assert raise_alerts(at=NOW + HOUR) == 0


# --- frozen ---------------------------------------------------------------------------------------


def test_a_feed_that_answers_and_stands_still_is_told_once(governor: User, source: Source) -> None:
    polled(source, success=NOW, last_change_at=NOW - 122 * DAY)

    assert raise_alerts(at=NOW) == 1
    assert raise_alerts(at=NOW + HOUR) == 0

    alert = Alert.objects.get()
    assert alert.key == f"source:{source.pk}|frozen|2026-07-25|user:{governor.pk}"
    mail = mailed()
    assert mail is not None
    assert mail.subject == "deprecations.info responds, but has not changed since 25 July 2026"
    assert "122 days" in mail.body_text


def test_a_feed_that_says_itself_how_old_it_is(governor: User, source: Source) -> None:
    polled(source, success=NOW, as_of=NOW - 95 * DAY)

    raise_alerts(at=NOW)

    mail = mailed()
    assert mail is not None
    assert "responds, but states that its data is of 21 August 2026" in mail.subject


def test_a_change_ends_it(governor: User, source: Source) -> None:
    polled(source, success=NOW, last_change_at=NOW - 40 * DAY)
    raise_alerts(at=NOW)
    mailed()
    polled(source, success=NOW + HOUR, last_change_at=NOW + HOUR)

    raise_alerts(at=NOW + HOUR)

    assert states() == {("frozen", "resolved"), ("fresh", "resolved")}


def test_a_late_source_that_answers_again_and_stands_still_is_not_called_fresh(
    governor: User, source: Source
) -> None:
    polled(source, success=NOW - 2 * DAY, last_change_at=NOW - 40 * DAY)
    raise_alerts(at=NOW)
    mailed()
    polled(source, success=NOW, last_change_at=NOW - 40 * DAY)

    raise_alerts(at=NOW)

    assert states() == {("late", "resolved"), ("frozen", "open")}


# --- all of them ----------------------------------------------------------------------------------


def test_several_feeds_make_one_mail_that_tells_the_gravest_first(
    governor: User, source: Source
) -> None:
    suspect(source, make_small_world().offering)
    for slug in ("openrouter", "litellm"):
        polled(make_source(slug), success=NOW - 2 * DAY)
    polled(
        make_source("genai-prices", frozen_after_days=30),
        success=NOW,
        last_change_at=NOW - 40 * DAY,
    )
    raise_alerts(at=NOW)

    mail = mailed()

    assert Delivery.objects.count() == 1
    assert mail is not None
    assert [line for line in mail.body_text.splitlines() if line.isupper()] == [
        "CHANGES ON HOLD",
        "FEED LATE",
        "FEED NOT UPDATING",
    ]
    assert mail.subject.endswith(", and 3 other changes")


def test_nothing_is_written_when_nothing_is_due(governor: User, source: Source) -> None:
    suspect(source)
    polled(source, success=NOW - 2 * DAY)
    backfill(make_small_world().offering)
    raise_alerts(at=NOW)
    history = Alert.objects.values("pk").count()

    with CaptureQueriesContext(connection) as captured:
        raise_alerts(at=NOW + timedelta(minutes=1))

    verbs = [query["sql"].split()[0] for query in captured]
    assert not {"UPDATE", "DELETE"} & set(verbs)
    assert [query["sql"] for query in captured if 'INTO "alerts_' in query["sql"]] == []
    assert Alert.objects.count() == history


def test_the_number_of_statements_is_the_same_for_one_feed_and_for_many(governor: User) -> None:
    def n_statements(*slugs: str, at: object) -> int:
        for slug in slugs:
            suspect(make_source(slug), make_offering(), group=slug, at=at)  # type: ignore[arg-type]
            polled(make_source(slug), success=NOW - 9 * DAY)
        with CaptureQueriesContext(connection) as captured:
            raise_alerts(at=at)  # type: ignore[arg-type]
        return len(captured)

    make_dependency(make_application(), make_offering())
    n_statements("first", at=NOW)

    assert n_statements("one", at=NOW) == n_statements(*(f"source-{n}" for n in range(12)), at=NOW)


def test_an_idle_run_costs_a_pinned_number_of_statements(
    governor: User, source: Source, django_assert_num_queries: object
) -> None:
    polled(source, success=NOW)
    raise_alerts(at=NOW)

    # one each for flags, events, issues, tasks and links; two each for decisions and use cases;
    # feeds: savepoint, lock, people, runs, suspicions, poll states, silences, release
    with django_assert_num_queries(17):  # type: ignore[operator]
        raise_alerts(at=NOW)


@pytest.mark.django_db(transaction=True)
def test_three_runs_at_once_tell_everyone_once() -> None:
    for _ in range(2):
        make_user(role="governance")
    for n in range(4):
        suspect(make_source(f"suspect-{n}"))
        polled(make_source(f"late-{n}"), success=NOW - 2 * DAY)

    raised = run_in_threads(3, lambda: raise_alerts(at=NOW))

    assert sorted(raised) == [0, 0, 16]
    assert Alert.objects.count() == 16


@pytest.mark.proof
@pytest.mark.django_db(transaction=True)
def test_a_digest_written_at_the_moment_a_source_recovers_is_followed_by_the_good_news() -> None:
    make_user(role="governance")
    source = make_source()
    polled(source, success=NOW - 2 * DAY)
    raise_alerts(at=NOW)
    polled(source, success=NOW)

    def recover() -> None:
        try:
            raise_alerts(at=NOW)
        finally:
            connection.close()

    other = threading.Thread(target=recover)
    with transaction.atomic():
        queue_digests(at=NOW, gather=timedelta(0))
        other.start()
        # the other one comes to wait for the recipient, whom this transaction holds
        other.join(timeout=1)
        assert other.is_alive()
    other.join()

    assert states() == {("late", "resolved"), ("fresh", "resolved")}
    assert Notice.objects.get(alert__kind="late").delivery is not None


def test_an_alert_has_exactly_one_subject(governor: User, source: Source) -> None:
    run = make_run(source)
    for n, subjects in enumerate(({}, {"run": run, "source": source})):
        with pytest.raises(IntegrityError, match="alert_has_one_subject"), transaction.atomic():
            Alert.objects.create(
                key=f"{n}", kind="late", severity=3, user=governor, raised_at=NOW, **subjects
            )


def test_only_governance_and_the_offices_that_read_everything_see_them(
    governor: User, source: Source
) -> None:
    world = make_small_world()
    suspect(source, world.offering)
    polled(source, success=NOW - 2 * DAY)
    raise_alerts(at=NOW)

    assert (
        visible_alerts(governor).count() == visible_alerts(make_user(role="auditor")).count() == 2
    )
    assert (
        visible_alerts(make_member(world.team)).count()
        == visible_alerts(make_member(make_team())).count()
        == 0
    )


# --- pages ----------------------------------------------------------------------------------------


@pytest.fixture
def told(governor: User, source: Source) -> Source:
    suspect(source, make_small_world().offering)
    polled(source, success=NOW - 4 * DAY)
    backfill(Offering.objects.get())
    raise_alerts(at=NOW)
    mailed()
    return source


def test_the_inbox_shows_each_with_a_link_and_what_to_do(
    told: Source, governor: User, client: Client
) -> None:
    client.force_login(governor)

    page = flat(client.get("/alerts/").content.decode())

    doubted, late = Alert.objects.get(kind="suspect"), Alert.objects.get(kind="late")
    assert (
        f'<a href="/alerts/{doubted.pk}/">Changes from deprecations.info are on hold. '
        "Google Vertex AI: 41 of 153 rows disappeared together. Removals are on hold</a>"
    ) in page
    assert "Accept or reject. Undecided changes apply after 7 days." in page
    assert (
        f'<a href="/alerts/{late.pk}/">deprecations.info is late: its last success was on 20 '
        "November 2026. No poll has run since</a>"
    ) in page
    assert (
        'href="/feeds/deprecations-info/held/"'
        in client.get(f"/alerts/{doubted.pk}/").content.decode()
    )
    assert 'href="/feeds/deprecations-info/"' in client.get(f"/alerts/{late.pk}/").content.decode()
    assert "published past retirement dates of 1 model" in page


def test_the_inbox_is_narrowed_by_kind(told: Source, governor: User, client: Client) -> None:
    client.force_login(governor)

    page = flat(client.get("/alerts/?kind=late").content.decode())

    assert "is late" in page
    assert "on hold. Google" not in page


def test_csv_and_the_page_of_the_mail_name_them(
    told: Source, governor: User, client: Client
) -> None:
    client.force_login(governor)

    table = file_text(client.get("/alerts.csv"))  # type: ignore[attr-defined]
    mail = Delivery.objects.get(user=governor)
    page = flat(client.get(f"/deliveries/{mail.pk}/").content.decode())

    assert "deprecations.info is late: its last success was on 20 November 2026" in table
    assert "Changes from deprecations.info are on hold" in table
    doubted = Alert.objects.get(kind="suspect")
    assert f'<a href="/alerts/{doubted.pk}/">Changes from deprecations.info are on hold' in page


def test_governance_acknowledges_them_on_the_page(
    told: Source, governor: User, client: Client
) -> None:
    client.force_login(governor)
    alert = Alert.objects.get(kind="late")

    client.post(f"/alerts/{alert.pk}/acknowledge/")

    alert.refresh_from_db()
    assert (alert.state, alert.acknowledged_by) == ("acknowledged", governor)
    assert FeedRun.objects.count() == 2
    assert PollState.objects.count() == 1
