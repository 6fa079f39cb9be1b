"""The gate decides only where a source of retirement dates was read from outside within the
policy's limit."""

import base64
import json
from datetime import timedelta

import pytest
from django.core.management import call_command

from apps.catalog.models import Assertion, Offering, Source
from apps.common.time import now
from apps.feeds.models import FeedRun, PollState
from apps.feeds.polls.client import FetchResult
from apps.feeds.polls.pipeline import poll_source
from apps.gate import runs
from apps.gate.actions import change_gate_policy
from apps.gate.bundle import build_bundle
from apps.gate.client import registry_gate
from apps.gate.models import GateRun
from apps.gate.rules.catalogue_freshness import catalogue_state
from apps.gate.runs import evaluate_waiting_runs
from tests.builders import make_claim, make_offering, make_provider, make_source
from tests.gate.support_desk import SupportDesk, read_dates
from tests.http import text_of

URL = "/api/v1/gate/"
GOOD = {"model": "gpt-4o-2024-11-20", "host": "openai"}
LIMIT_DAYS = 3


@pytest.fixture(autouse=True)
def _limit(desk):
    change_gate_policy(
        by=desk.governance, levels={"FR006": "off"}, fields={"stale_after_days": LIMIT_DAYS}
    )


@pytest.fixture
def unread(desk) -> Source:
    """The source of retirement dates, as it is before its first poll."""
    PollState.objects.all().delete()
    Assertion.objects.all().delete()
    return Source.objects.get(slug="litellm")


@pytest.fixture
def packaged(db) -> Source:
    return make_source(
        "genai-prices-package",
        kind="genai-prices",
        url="package:genai-prices",
        name="genai-prices (package)",
    )


def ask(desk: SupportDesk, api, *models, **more):
    question = {
        "application": desk.application.slug,
        "environment": "production",
        **({} if "bom" in more else {"models": list(models) or [GOOD]}),
        **more,
    }
    answer = api(desk.editor).post(URL, question, format="json")
    assert answer.status_code in (200, 202), answer.content
    return answer


def state(at=None):
    return catalogue_state(at=at or now(), stale_after_days=LIMIT_DAYS)


# --- which sources count --------------------------------------------------------------------------


@pytest.mark.proof
def test_the_packaged_price_list_decides_nothing_however_often_it_is_polled(
    desk, unread, packaged, api
):
    """Days after the last word of any feed, with a package that marks models as deprecated without
    a date."""
    built_in = make_source("built-in", kind="built-in", name="Built-in catalogue")
    make_claim(
        built_in,
        "litellm:gpt-4o-2024-11-20",
        offering=desk.good,
        first_seen=now() - timedelta(4),
        changed_at=now() - timedelta(4),
        value={"retires_on": "2030-01-01"},
    )
    first = poll_source(packaged, trigger="test").run
    again = poll_source(packaged, trigger="test").run
    assert (first.status, again.status) == (FeedRun.Status.CHANGED, FeedRun.Status.UNCHANGED)
    assert Assertion.objects.filter(
        source=packaged, topic="lifecycle", value__status="deprecated"
    ).exists()

    body = ask(desk, api).json()

    assert (body["decision"], body["exit_code"]) == ("unknown", 3)
    assert (body["catalogue_as_of"], body["catalogue_sources"]) == (None, [])
    assert "LiteLLM price map: never polled" in body["summary"]
    assert "`manage.py poll litellm`" in body["summary"]
    assert "package" not in body["summary"]


def test_dates_from_a_package_do_not_count_either(desk, unread, packaged):
    read_dates(packaged, desk.good, at=now())
    assert state().refusal

    # nor where a source of another address was last read from one
    PollState.objects.all().delete()
    Assertion.objects.all().delete()
    reading = read_dates(unread, desk.good, at=now())
    assert not state().refusal
    reading.url = "package:genai-prices"
    reading.save()
    assert state().refusal


def test_an_unchanged_poll_of_another_source_moves_nothing(desk, packaged):
    read_at = now() - timedelta(2)
    PollState.objects.update(last_observed_at=read_at, last_success_at=read_at)
    prices = make_source("models-dev", url="https://models.dev.example/api.json", name="models.dev")
    for source in (packaged, prices):
        PollState.objects.create(source=source, last_observed_at=read_at, last_success_at=read_at)
    make_claim(
        prices,
        "x",
        offering=desk.good,
        first_seen=now(),
        changed_at=now(),
        value={"status": "deprecated"},
    )
    before = state()

    for source in (packaged, prices):
        moved = poll_source(source, fetch=lambda *_: FetchResult("unchanged"), trigger="test")
        assert moved.run.status == FeedRun.Status.UNCHANGED

    assert before.as_of == state().as_of == read_at
    assert state(at=read_at + timedelta(LIMIT_DAYS, seconds=1)).refusal


def test_an_unchanged_poll_of_a_source_of_dates_is_a_reading_of_them(desk):
    old = now() - timedelta(8)
    PollState.objects.update(last_observed_at=old, last_success_at=old)
    assert state().refusal

    poll_source(
        Source.objects.get(slug="litellm"),
        fetch=lambda *_: FetchResult("unchanged"),
        trigger="test",
    )

    assert not state().refusal


def test_a_gateways_list_of_its_own_offers_is_no_source_of_retirement_dates(desk, unread):
    router = make_provider("openrouter", roles=("host", "gateway"))
    read_dates(make_source("openrouter"), make_offering(host=router), at=now())

    assert state().refusal


def test_dates_that_their_source_took_back_count_no_longer(desk):
    Assertion.objects.update(withdrawn_at=now())

    assert state().refusal


@pytest.mark.proof
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda: Source.objects.filter(slug="litellm").update(enabled=False),
            "LiteLLM price map: disabled",
        ),
        (
            lambda: PollState.objects.update(suspect=True),
            "LiteLLM price map: on hold, needs review",
        ),
        (
            lambda: PollState.objects.update(last_observed_at=now() - timedelta(5)),
            "LiteLLM price map: last polled on 20",
        ),
        (
            lambda: PollState.objects.update(last_observed_at=now() + timedelta(40)),
            "polled with a wrong clock, on 20",
        ),
        (
            lambda: Source.objects.update(frozen_after_days=0),
            "LiteLLM price map: not updating since 20",
        ),
    ],
)
def test_the_refusal_says_of_each_source_what_is_the_matter_and_what_to_run(
    desk, api, change, words
):
    change()

    body = ask(desk, api).json()

    assert (body["decision"], body["exit_code"]) == ("unknown", 3)
    assert words in body["summary"]
    assert "page Feeds" in body["summary"]
    assert "`manage.py poll litellm`" in body["summary"]


def test_where_every_source_is_switched_off_the_refusal_says_to_switch_one_on(desk):
    Source.objects.update(enabled=False)

    assert "enable one and poll" in state().refusal


@pytest.mark.proof
def test_a_fresh_install_without_network_names_the_sources_to_poll(desk, unread, api):
    call_command("load_catalogue")

    body = ask(desk, api).json()

    assert (body["decision"], body["exit_code"]) == ("unknown", 3)
    for name in (
        "modeldeprecations.dev: never polled",
        "deprecations.info: never polled",
        "LiteLLM price map: never polled",
    ):
        assert name in body["summary"]
    assert "OpenRouter" not in body["summary"]
    assert "`manage.py poll modeldeprecations`" in body["summary"]


# --- the answer -----------------------------------------------------------------------------------


def test_the_answer_names_its_sources_beside_the_date_and_the_horizon(desk, api):
    other = make_source("deprecations-info", name="deprecations.info")
    read_dates(other, desk.good, at=now() - timedelta(1))

    body = ask(desk, api, commit="a").json()
    sarif = api(desk.editor).get(f"{URL}{body['id']}/", HTTP_ACCEPT="application/sarif+json").json()

    assert [source["slug"] for source in body["catalogue_sources"]] == [
        "litellm",
        "deprecations-info",
    ]
    assert body["catalogue_sources"][0]["read_at"] == body["catalogue_as_of"]
    assert body["horizon"] == {
        "environment": "production",
        "criticality": "critical",
        "warning_days": 180,
        "error_days": 30,
    }
    assert sarif["runs"][0]["properties"]["catalogueSources"] == ["litellm", "deprecations-info"]
    assert sarif["runs"][0]["properties"]["horizon"]["error_days"] == 30
    elsewhere = ask(desk, api, environment="qa").json()["horizon"]
    assert (elsewhere["environment"], elsewhere["warning_days"], elsewhere["error_days"]) == (
        "*",
        120,
        0,
    )


def test_the_same_answer_from_a_later_reading_is_the_same_run_with_the_later_date(desk, api):
    first = ask(desk, api, commit="a").json()
    PollState.objects.update(last_observed_at=now())
    again = ask(desk, api, commit="a").json()

    assert again["id"] == first["id"]
    assert again["catalogue_sources"][0]["read_at"] > first["catalogue_sources"][0]["read_at"]


# --- no way around it -----------------------------------------------------------------------------


def lose_knowledge(desk: SupportDesk, how: str) -> None:
    if how == "stale":
        PollState.objects.update(last_observed_at=now() - timedelta(LIMIT_DAYS, seconds=1))
    elif how == "never read":
        PollState.objects.all().delete()
    else:
        Assertion.objects.all().delete()
        desk.ending.delete()
        Offering.objects.all().delete()


WAYS = ("stale", "never read", "empty")


@pytest.fixture(params=WAYS)
def undecidable(request, desk):
    """A registry that cannot know when anything retires."""
    lose_knowledge(desk, request.param)
    return request.param


@pytest.mark.proof
def test_a_question_is_never_let_through(desk, api, undecidable):
    enforced = ask(desk, api).json()
    reported = ask(desk, api, mode="report").json()
    without_models = ask(desk, api, bom={"bomFormat": "CycloneDX", "specVersion": "1.6"}).json()

    assert (enforced["decision"], enforced["exit_code"]) == ("unknown", 3)
    assert (reported["decision"], reported["exit_code"]) == ("unknown", 0)
    assert (without_models["decision"], without_models["exit_code"]) == ("unknown", 3)


def test_a_long_question_is_judged_by_what_is_known_when_it_is_judged(desk, api, monkeypatch):
    monkeypatch.setattr(runs, "MAX_IMMEDIATE_MODELS", 1)
    waiting = ask(desk, api, GOOD, {**GOOD, "file": "b.py"})
    assert waiting.status_code == 202
    PollState.objects.update(last_observed_at=now() - timedelta(LIMIT_DAYS, seconds=1))

    evaluate_waiting_runs(at=now())

    body = api(desk.editor).get(f"{URL}{waiting.json()['id']}/").json()
    assert (body["decision"], body["exit_code"]) == ("unknown", 3)
    assert body["catalogue_sources"][0]["slug"] == "litellm"


def test_a_long_question_to_a_registry_that_cannot_know_is_not_let_through(
    desk, api, monkeypatch, undecidable
):
    monkeypatch.setattr(runs, "MAX_IMMEDIATE_MODELS", 1)
    waiting = ask(desk, api, GOOD, {**GOOD, "file": "b.py"})
    evaluate_waiting_runs(at=now())

    body = api(desk.editor).get(f"{URL}{waiting.json()['id']}/").json()

    assert (waiting.status_code, body["decision"], body["exit_code"]) == (202, "unknown", 3)


@pytest.mark.proof
@pytest.mark.parametrize("how", WAYS)
def test_what_passed_before_and_was_released_is_not_let_through_either(desk, api, how):
    passed = ask(desk, api, commit="a").json()
    client = api(desk.editor)
    client.post(f"{URL}{passed['id']}/released/")
    assert passed["decision"] == "pass"
    lose_knowledge(desk, how)

    again = ask(desk, api, commit="a").json()
    released = client.post(f"{URL}{again['id']}/released/").json()

    assert again["id"] != passed["id"]
    assert (again["decision"], again["exit_code"]) == ("unknown", 3)
    assert released["decision"] == "unknown"


@pytest.fixture
def bundle_client(desk, tmp_path, monkeypatch, capsys):
    """The client by a bundle that the registry hands out now: (exit code, output)."""

    def run(api, *arguments: str) -> tuple[int, str]:
        for name in ("REGISTRY_TOKEN", "REGISTRY_URL", "GITHUB_SHA", "CI_COMMIT_SHA"):
            monkeypatch.delenv(name, raising=False)
        query = {"application": desk.application.slug, "environment": "production"}
        envelope = api(desk.editor).get("/api/v1/gate/bundle/", query).json()
        (tmp_path / "bundle.json").write_text(json.dumps(envelope))
        with pytest.raises(SystemExit) as ended:
            registry_gate.main(
                [
                    "--application",
                    desk.application.slug,
                    "--environment",
                    "production",
                    "--bundle",
                    str(tmp_path / "bundle.json"),
                    "--bundle-key",
                    envelope["key"],
                    *arguments,
                ]
            )
        written = capsys.readouterr()
        return int(ended.value.code or 0), written.out + written.err

    return run


def test_a_bundle_of_a_registry_that_cannot_know_decides_nothing(
    desk, api, bundle_client, undecidable
):
    code, output = bundle_client(api, "--model", "gpt-4o-2024-11-20", "--host", "openai")

    assert (code, "PASS" in output) == (3, False)
    assert "could not decide when the bundle was downloaded" in output


def test_a_bundle_names_the_sources_and_the_horizon_that_it_rests_on(api, bundle_client):
    code, output = bundle_client(api, "--model", "gpt-4o-2024-11-20", "--host", "openai")

    assert code == 0
    assert ", from LiteLLM price map; policy" in output
    assert (
        "warns from 180 days before its date and blocks from 30 (critical applications, production)"
        in output
    )


def test_a_bundle_is_valid_no_longer_than_its_source_would_count(desk):
    PollState.objects.update(last_change_at=now() - timedelta(9))
    Source.objects.update(frozen_after_days=10)

    bundle = build_bundle(application=desk.application, environment="production", at=now())

    assert bundle["valid_until"] < (now() + timedelta(days=1, minutes=1)).isoformat()
    assert bundle["valid_until"] > now().isoformat()


@pytest.mark.proof
def test_the_policy_says_whether_the_gate_can_decide_and_by_what(desk, api, client):
    can = api(desk.editor, "read").get("/api/v1/gate-policy/").json()
    assert (can["can_decide"], can["refusal"]) == (True, "")
    assert [source["name"] for source in can["catalogue_sources"]] == ["LiteLLM price map"]
    client.force_login(desk.viewer)
    for page in ("/gate/", "/gate/policy/"):
        assert "retirement dates were last read" in text_of(client.get(page))

    PollState.objects.all().delete()

    cannot = api(desk.editor, "read").get("/api/v1/gate-policy/").json()
    assert (cannot["can_decide"], cannot["catalogue_as_of"]) == (False, None)
    assert "LiteLLM price map: never polled" in cannot["refusal"]
    for page in ("/gate/", "/gate/policy/"):
        assert "LiteLLM price map: never polled" in client.get(page).content.decode()


def test_pages_name_the_sources_and_the_horizon_of_a_run(desk, api, client):
    body = ask(desk, api, commit="a").json()
    client.force_login(desk.viewer)

    run = text_of(client.get(f"/gate/runs/{body['id']}/"))
    today = text_of(client.get(f"/gate/of/{desk.application.slug}/"))

    assert "UTC, from LiteLLM price map" in run
    assert "blocks from 30 days before it (critical applications, production)" in run
    assert "blocks from 30 days before it (critical applications, production)" in today
    assert client.get("/gate/csv/").status_code in (200, 404)
    assert (
        api(desk.editor, "read").get("/api/v1/gate-runs/").json()["results"][0]["catalogue_sources"]
        == (body["catalogue_sources"])
    )
    assert GateRun.objects.get().horizon["warning_days"] == 180


def test_the_state_costs_two_statements_and_one_more_where_nothing_can_be_decided(
    desk, django_assert_num_queries
):
    with django_assert_num_queries(2):
        state()
    PollState.objects.all().delete()
    with django_assert_num_queries(4):
        state()


def test_the_bundles_payload_tells_why_it_decides_nothing(desk, api):
    PollState.objects.all().delete()
    query = {"application": desk.application.slug, "environment": "production"}

    payload = api(desk.editor).get("/api/v1/gate/bundle/", query).json()["payload"]

    bundle = json.loads(base64.b64decode(payload))
    assert bundle["valid_until"] is None
    assert "LiteLLM price map: never polled" in bundle["refusal"]
