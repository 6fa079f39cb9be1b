"""Models that had ended before their source told: one alert per run and team, and one item in the
digest."""

import json
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.roles import TeamRole
from apps.alerts.actions import queue_digests, raise_alerts
from apps.alerts.kinds.feeds.feed_text import MAX_OFFERINGS
from apps.alerts.models import Alert, Delivery, HandledRun
from apps.catalog.models import Assertion, Offering
from apps.feeds.polls.pipeline import poll_source
from apps.inventory.models import Application, Criticality
from tests.alerts.kinds.feed_states import DAY, ENDED, backfill, make_ending_claim, make_run
from tests.alerts.simulation import flat
from tests.builders import (
    NOW,
    make_application,
    make_dependency,
    make_derivation,
    make_event,
    make_member,
    make_offering,
    make_provider,
    make_source,
    make_team,
    make_version,
)
from tests.feeds import loopback as server
from tests.threads import run_in_threads
from tests.worlds.small import SmallWorld, make_small_world


def another(
    world: SmallWorld, api_id: str = "gpt-4-0314", *, application: Application | None = None
) -> Offering:
    offering = make_offering(api_id, host=make_provider("openai", name="OpenAI"))
    make_dependency(application or world.application, offering)
    return offering


def digest() -> Delivery:
    raise_alerts(at=NOW)
    queue_digests(at=NOW, gather=timedelta(0))
    return Delivery.objects.get()


# --- who is told ----------------------------------------------------------------------------------


def test_a_team_is_told_once_per_run_which_of_its_models_had_already_ended(
    world: SmallWorld,
) -> None:
    gpt = another(world)
    run = backfill(world.offering, gpt)

    assert raise_alerts(at=NOW) == 1

    alert = Alert.objects.get()
    assert alert.key == f"run:{run.pk}|backfilled||team:{world.team.pk}"
    assert (alert.kind, alert.run, alert.team, alert.state) == (
        "backfilled",
        run,
        world.team,
        "open",
    )
    assert alert.application_ids == [world.application.pk]
    assert alert.details == {
        "n": 2,
        "offerings": [
            {
                "api_id": "gemini-2.5-pro",
                "host": "Google Vertex AI",
                "region": "",
                "ended_on": "2026-03-26",
                "applications": [world.application.pk],
            },
            {
                "api_id": "gpt-4-0314",
                "host": "OpenAI",
                "region": "",
                "ended_on": "2026-03-26",
                "applications": [world.application.pk],
            },
        ],
    }
    assert HandledRun.objects.get().run == run


def test_raising_again_raises_nothing(world: SmallWorld) -> None:
    backfill(world.offering)
    raise_alerts(at=NOW)

    assert raise_alerts(at=NOW + timedelta(minutes=1)) == 0

    assert Alert.objects.count() == HandledRun.objects.count() == 1


@pytest.mark.parametrize(
    ("criticality", "role", "severity"),
    [
        (Criticality.CRITICAL, "primary", 5),
        (Criticality.IMPORTANT, "primary", 4),
        (Criticality.LOW, "primary", 2),
        (Criticality.CRITICAL, "judge", 4),
    ],
)
def test_it_is_as_loud_as_a_model_that_retires(
    world: SmallWorld, criticality: int, role: str, severity: int
) -> None:
    application = make_application(team=make_team(), criticality=criticality)
    offering = make_offering("old")
    make_dependency(application, offering, role)
    backfill(offering)

    raise_alerts(at=NOW)

    assert Alert.objects.get().severity == severity


def test_a_run_that_reaches_nobody_is_handled_without_an_alert(world: SmallWorld) -> None:
    run = backfill(make_offering("elsewhere"))

    assert raise_alerts(at=NOW) == 0

    assert HandledRun.objects.get().run == run


def test_every_team_is_told_of_the_models_its_own_applications_stand_on(world: SmallWorld) -> None:
    theirs = make_application("Policy wording comparer", team=make_team("Underwriting"))
    gpt = another(world, application=theirs)
    backfill(world.offering, gpt)

    assert raise_alerts(at=NOW) == 2

    ours = Alert.objects.get(team=world.team)
    assert [found["api_id"] for found in ours.details["offerings"]] == ["gemini-2.5-pro"]
    assert [
        found["api_id"] for found in Alert.objects.get(team=theirs.team).details["offerings"]
    ] == ["gpt-4-0314"]


def test_it_reaches_as_far_as_an_event_would(world: SmallWorld) -> None:
    assert world.offering.version is not None
    tuned = make_version("acme/damage-tuned", foundation=world.offering.version.foundation)
    make_derivation(tuned, world.offering.version)
    of_tuned = make_application("On the fine-tune", team=make_team())
    make_dependency(of_tuned, make_offering("tuned-1", host=world.offering.host, version=tuned))
    elsewhere = make_application("At another host", team=make_team())
    make_dependency(elsewhere, make_offering("gemini-2.5-pro", version=world.offering.version))
    backfill(world.offering)

    raise_alerts(at=NOW)

    assert set(Alert.objects.values_list("team", flat=True)) == {world.team.pk, of_tuned.team_id}


@pytest.mark.parametrize(
    "value", [{"retires_on": "2026-03-26", "date_kind": "not_before"}, {}, {"status": "active"}]
)
def test_only_a_firm_day_that_the_source_still_gives_counts(
    world: SmallWorld, value: dict[str, str]
) -> None:
    backfill(world.offering)
    Assertion.objects.update(value=value)

    assert raise_alerts(at=NOW) == 0


def test_a_day_that_the_catalogue_does_not_go_by_is_not_told(world: SmallWorld) -> None:
    backfill(world.offering)
    Offering.objects.update(retires_on=date(2027, 1, 15), date_kind="firm")

    assert raise_alerts(at=NOW) == 0


def test_what_another_source_said_before_is_not_told_again(world: SmallWorld) -> None:
    make_ending_claim(
        world.offering, make_source("deprecations-info"), changed_at=NOW - DAY, first_seen=NOW - DAY
    )
    backfill(world.offering)

    assert raise_alerts(at=NOW) == 0


def test_a_model_known_to_be_retired_is_not_told_of_again(world: SmallWorld) -> None:
    make_event(
        world.offering, "retired", new=ENDED.isoformat(), effective_on=ENDED, detected_at=NOW - DAY
    )
    raise_alerts(at=NOW)
    backfill(world.offering)

    assert raise_alerts(at=NOW) == 0


def test_a_run_older_than_a_week_is_history(world: SmallWorld) -> None:
    backfill(world.offering, at=NOW - timedelta(days=8))

    assert raise_alerts(at=NOW) == 0

    assert HandledRun.objects.count() == 1
    assert raise_alerts(at=NOW) == 0


def test_a_run_without_back_fill_is_not_even_marked(world: SmallWorld) -> None:
    make_run(make_source())
    make_run(make_source("other"), status="unchanged", backfilled=[])

    raise_alerts(at=NOW)

    assert HandledRun.objects.count() == 0


def test_an_alert_names_a_dozen_models_and_counts_the_rest(world: SmallWorld) -> None:
    backfill(*(another(world, f"gpt-{n}") for n in range(MAX_OFFERINGS + 3)))

    raise_alerts(at=NOW)

    details = Alert.objects.get().details
    assert (details["n"], len(details["offerings"])) == (MAX_OFFERINGS + 3, MAX_OFFERINGS)


@pytest.mark.django_db(transaction=True)
def test_a_poll_that_back_fills_is_told_from_end_to_end() -> None:
    at = NOW - DAY
    rows = {"acme/gpt": {"litellm_provider": "acme", "mode": "chat", "input_cost_per_token": 3e-06}}
    source = make_source(name="LiteLLM price map")
    with server.Loopback() as feed:
        first = feed.route("/1", server.plain(json.dumps(rows).encode()))
        poll_source(source, at=at, url=first, trigger="test")
        world = make_small_world()
        make_dependency(world.application, Offering.objects.get(api_id="gpt"))
        rows["acme/gpt"]["deprecation_date"] = "2026-03-26"
        second = feed.route("/2", server.plain(json.dumps(rows).encode()))
        run = poll_source(source, at=NOW, url=second, trigger="test").run

    assert run.backfilled == [["acme/gpt", "2026-03-26"]]
    raise_alerts(at=NOW)

    alert = Alert.objects.get(team=world.team)
    assert (alert.kind, alert.run) == ("backfilled", run)
    assert alert.details["offerings"][0]["api_id"] == "gpt"


# --- faults ---------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_three_runs_at_once_tell_each_team_once() -> None:
    world = make_small_world()
    for n in range(6):
        make_dependency(make_application(team=make_team(f"Team number {n}")), world.offering)
    backfill(world.offering)

    raised = run_in_threads(3, lambda: raise_alerts(at=NOW))

    assert sorted(raised) == [0, 0, 7]
    assert Alert.objects.values("team").distinct().count() == Alert.objects.count() == 7


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_dies_half_way_leaves_the_run_owed(monkeypatch: pytest.MonkeyPatch) -> None:
    backfill(make_small_world().offering)

    def die(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("apps.alerts.kinds.feeds.alerts.store_alerts", die)
        with pytest.raises(KeyboardInterrupt):
            raise_alerts(at=NOW)

    assert HandledRun.objects.count() == 0
    assert raise_alerts(at=NOW) == 1


def _n_statements_with(n_applications: int, world: SmallWorld, source_slug: str) -> int:
    offerings = [make_offering() for _ in range(n_applications)]
    for offering in offerings:
        make_dependency(make_application(team=make_team()), offering)
    backfill(*offerings, source=make_source(source_slug))
    with CaptureQueriesContext(connection) as captured:
        raise_alerts(at=NOW)
    return len(captured)


@pytest.mark.proof
def test_the_number_of_statements_does_not_grow_with_models_and_teams(world: SmallWorld) -> None:
    assert _n_statements_with(1, world, "one") == _n_statements_with(40, world, "forty")


# --- the mail -------------------------------------------------------------------------------------


def test_the_digest_has_a_group_for_it_with_what_to_do(world: SmallWorld) -> None:
    backfill(world.offering, another(world))

    mail = digest()

    assert mail.subject == "Motor damage estimator uses 2 models that had already retired"
    assert "\nALREADY RETIRED\n" in mail.body_text
    for body in (flat(mail.body_text), flat(mail.body_html)):
        assert (
            "LiteLLM price map published past retirement dates of 2 models. gemini-2.5-pro on "
            "Google Vertex AI retired on 26 March 2026. gpt-4-0314 on OpenAI retired on 26 March "
            "2026."
        ) in body
        assert "The source published past dates. Check these." in body
        assert "Motor damage estimator (critical)" in body
        assert f"/feeds/runs/{Alert.objects.get().run_id}/" in body


def test_it_follows_what_has_just_ended(world: SmallWorld) -> None:
    backfill(another(world))
    gone = make_offering(
        "old-embedding", lifecycle="retired", retires_on=date(2026, 11, 20), date_kind="firm"
    )
    make_dependency(world.application, gone)
    make_event(gone, "retired", old=None, new="2026-11-20", effective_on=date(2026, 11, 20))
    near = make_offering("near", retires_on=date(2026, 12, 1), date_kind="firm")
    make_dependency(world.application, near)
    make_event(near, new="2026-12-01", effective_on=date(2026, 12, 1))

    mail = digest()

    headings = [line for line in mail.body_text.splitlines() if line.isupper()]
    assert headings == ["RETIRED", "UPCOMING RETIREMENTS", "ALREADY RETIRED"]
    assert (
        mail.subject
        == "Motor damage estimator uses a model that retired on 20 November 2026, and 2 other "
        "changes"
    )


def test_a_model_that_only_an_application_gone_to_another_team_stands_on_is_not_named(
    world: SmallWorld,
) -> None:
    moved = make_application("Fraud triage", team=world.team)
    backfill(world.offering, another(world, application=moved))
    raise_alerts(at=NOW)
    moved.team = make_team()
    moved.save()

    queue_digests(at=NOW, gather=timedelta(0))

    mail = Delivery.objects.get()
    assert (
        "LiteLLM price map published past retirement dates of 1 model. gemini-2.5-pro on"
        in flat(mail.body_text)
    )
    for body in (mail.body_text, mail.body_html, mail.subject):
        assert "gpt-4-0314" not in body
        assert "Fraud triage" not in body


def test_nothing_is_mailed_where_no_application_is_the_teams_any_more(world: SmallWorld) -> None:
    backfill(world.offering)
    raise_alerts(at=NOW)
    world.application.team = make_team()
    world.application.save()

    queue_digests(at=NOW, gather=timedelta(0))

    assert Delivery.objects.get().state == "skipped"
    # the team that owns it now is told instead
    assert Alert.objects.live().get().team == world.application.team


def test_names_cannot_break_out_of_the_mail(world: SmallWorld) -> None:
    hostile = "gpt\r\nBcc: everyone@example.org <script>alert(1)</script>"
    offering = another(world, hostile)
    backfill(offering, source=make_source("hostile", name="Feed\r\n<img src=x>"))

    mail = digest()

    assert "<script>" not in mail.body_html
    assert "<img" not in mail.body_html
    assert not [line for line in mail.body_text.splitlines() if line.startswith("Bcc")]


# --- pages and API --------------------------------------------------------------------------------


def test_the_inbox_says_what_and_where_to_look(world: SmallWorld, client: object) -> None:
    run = backfill(world.offering)
    raise_alerts(at=NOW)
    client.force_login(make_member(world.team, TeamRole.EDITOR))  # type: ignore[attr-defined]

    page = flat(client.get("/alerts/?kind=backfilled").content.decode())  # type: ignore[attr-defined]

    alert = Alert.objects.get()
    assert (
        f'<a href="/alerts/{alert.pk}/">LiteLLM price map published past retirement dates of 1 '
        "model. gemini-2.5-pro on Google Vertex AI retired on 26 March 2026</a>"
    ) in page
    assert f'href="/feeds/runs/{run.pk}/"' in client.get(f"/alerts/{alert.pk}/").content.decode()  # type: ignore[attr-defined]
    assert "The source published past dates. Check these." in page
