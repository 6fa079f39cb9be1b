"""The question of a pipeline through REST: answers, rights, sameness, baseline, waiting, and how
many statements."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.actions import issue_token
from apps.accounts.roles import TeamRole
from apps.common.time import now
from apps.gate import bom, runs
from apps.gate.actions import change_gate_policy
from apps.gate.models import GateFinding, GateRun
from apps.gate.runs import purge_old_runs
from apps.intake.documents.records import Document, SkippedPart
from apps.intake.models import Import, TokenBinding
from apps.inventory.models import Dependency
from tests.builders import make_application, make_member, make_offering, make_team, make_user
from tests.gate.support_desk import SupportDesk

URL = "/api/v1/gate/"
RETIRED = {"model": "gpt-3.5-turbo-0125", "host": "openai", "file": "app/summarize.py", "line": 14}


def question(desk: SupportDesk, *models, **more):
    return {
        "application": desk.application.slug,
        "environment": "production",
        "commit": "4f9c2d1",
        "ref": "main",
        "models": list(models) or [RETIRED],
        **more,
    }


def test_a_retired_model_blocks_with_place_remedy_and_links(desk, api):
    answer = api(desk.editor).post(URL, question(desk, RETIRED, "gpt-4o-2024-11-20"), format="json")

    assert answer.status_code == 200
    body = answer.json()
    assert (body["decision"], body["exit_code"]) == ("block", 1)
    assert body["catalogue_as_of"].endswith("Z")
    assert body["policy_version"] == "1"
    assert [row["match"] for row in body["evaluated"]] == ["exact", "exact"]
    assert body["evaluated"][0]["location"] == {"file": "app/summarize.py", "line": 14}
    finding = next(each for each in body["findings"] if each["rule_id"] == "FR002")
    assert finding["level"] == "error"
    assert finding["location"] == {"file": "app/summarize.py", "line": 14}
    assert finding["fix"] == {
        "replacement": "gpt-5.6-terra",
        "by_date": (desk.today - timedelta(33)).isoformat(),
    }
    assert (finding["waiver"], finding["new_since_baseline"]) == (None, True)
    assert body["report_url"].endswith(f"/gate/runs/{body['id']}/")
    assert "rule=FR002" in finding["ask_waiver_url"]
    run = GateRun.objects.get()
    assert (run.application, run.environment, run.by, run.n_errors) == (
        desk.application,
        "production",
        desk.editor,
        1,
    )


def test_the_same_question_about_the_same_commit_is_the_same_run_while_its_answer_is(desk, api):
    client = api(desk.editor)
    first = client.post(URL, question(desk), format="json").json()
    again = client.post(URL, question(desk), format="json").json()
    other_commit = client.post(URL, question(desk, commit="aaaa"), format="json").json()
    change_gate_policy(by=desk.governance, levels={"FR002": "warning"})
    other_answer = client.post(URL, question(desk), format="json").json()

    assert again["id"] == first["id"]
    assert len({first["id"], other_commit["id"], other_answer["id"]}) == 3
    assert (first["decision"], other_answer["decision"]) == ("block", "warn")
    assert GateFinding.objects.filter(run=first["id"], rule="FR002").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_pipelines_that_ask_the_same_at_once_share_a_run(api):
    from tests.gate.support_desk import make_support_desk

    desk = make_support_desk()
    client = api(desk.editor)

    def ask_once(_):
        try:
            return client.post(URL, question(desk), format="json").json()["id"]
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        ids = set(pool.map(ask_once, range(3)))

    assert len(ids) == 1
    assert GateRun.objects.count() == 1


def test_only_what_is_new_since_the_last_release_blocks(desk, api):
    client = api(desk.editor)
    first = client.post(URL, question(desk), format="json").json()
    assert first["decision"] == "block"
    released = client.post(f"{URL}{first['id']}/released/", format="json")
    assert (released.status_code, bool(released.json()["released_at"])) == (200, True)

    moved = {**RETIRED, "file": "app/other.py"}
    same = client.post(URL, question(desk, moved, commit="bbbb"), format="json").json()
    everything = client.post(
        URL, question(desk, moved, commit="bbbb", all=True), format="json"
    ).json()
    unaided = client.post(
        URL, question(desk, moved, commit="bbbb", baseline="none"), format="json"
    ).json()
    elsewhere = client.post(URL, question(desk, moved, environment="staging"), format="json").json()

    assert (same["decision"], same["exit_code"]) == ("warn", 0)
    assert same["baseline"] == {"kind": "last_released", "run": first["id"]}
    assert [
        each["new_since_baseline"] for each in same["findings"] if each["rule_id"] == "FR002"
    ] == [False]
    assert {each["decision"] for each in (everything, unaided, elsewhere)} == {"block"}


def test_a_warning_that_has_become_an_error_is_new(desk, api):
    client = api(desk.editor)
    ending = {"model": "gpt-4o-2024-08-06", "host": "openai"}
    first = client.post(URL, question(desk, ending), format="json").json()
    client.post(f"{URL}{first['id']}/released/", format="json")
    desk.ending.retires_on = desk.today + timedelta(20)
    desk.ending.save()

    later = client.post(URL, question(desk, ending, commit="cccc"), format="json").json()

    assert (first["decision"], later["decision"]) == ("warn", "block")


def test_a_report_stops_nothing_and_says_what_would(desk, api):
    body = api(desk.editor).post(URL, question(desk, mode="report"), format="json").json()

    assert (body["decision"], body["exit_code"]) == ("block", 0)


def test_a_long_question_waits_for_a_worker_and_is_answered_at_its_address(
    desk, api, monkeypatch, django_capture_on_commit_callbacks
):
    monkeypatch.setattr(runs, "MAX_IMMEDIATE_MODELS", 3)
    client = api(desk.editor)
    names = ["gpt-4o-2024-11-20", "gpt-3.5-turbo-0125", *(f"nobodys-{n}" for n in range(3))]

    waiting = client.post(URL, question(desk, *names), format="json")
    assert waiting.status_code == 202
    body = waiting.json()
    assert (body["state"], "decision" in body) == ("waiting", False)
    assert body["status_url"].endswith(f"/api/v1/gate/{body['id']}/")
    assert client.get(f"{URL}{body['id']}/").status_code == 202
    assert client.post(URL, question(desk, *names), format="json").json()["id"] == body["id"]
    assert client.post(f"{URL}{body['id']}/released/", format="json").status_code == 409

    assert runs.evaluate_waiting_runs(at=now()) == 1
    assert runs.evaluate_waiting_runs(at=now()) == 0

    answer = client.get(f"{URL}{body['id']}/")
    assert (answer.status_code, answer.json()["decision"]) == (200, "block")
    assert len(answer.json()["evaluated"]) == 5


def test_a_question_that_ends_its_worker_three_times_cannot_be_decided(desk, api, monkeypatch):
    monkeypatch.setattr(runs, "MAX_IMMEDIATE_MODELS", 0)
    client = api(desk.editor)
    body = client.post(URL, question(desk), format="json").json()
    GateRun.objects.update(attempts=3)

    runs.evaluate_waiting_runs(at=now())

    answer = client.get(f"{URL}{body['id']}/").json()
    assert (answer["decision"], answer["exit_code"], answer["findings"]) == ("unknown", 3, [])


def test_five_hundred_models_cost_as_many_statements_as_five(desk, api):
    client = api(desk.editor)
    client.post(URL, question(desk, commit="warm"), format="json")

    def n_statements(n: int) -> int:
        models = [
            {"model": name, "host": "openai", "file": f"app/{number}.py", "line": number + 1}
            for number in range(n)
            for name in [
                (
                    "gpt-4o-2024-08-06",
                    "gpt-3.5-turbo-0125",
                    "gpt-4o-2024-11-20",
                    f"nobodys-{number}",
                )[number % 4]
            ]
        ]
        with CaptureQueriesContext(
            connection,
        ) as captured:
            answer = client.post(URL, question(desk, *models, commit=f"c{n}"), format="json")
        assert answer.status_code == 200
        assert len(answer.json()["evaluated"]) == n
        return len(captured)

    few, many = n_statements(8), n_statements(500)

    assert few == many
    assert many <= 35


def test_who_may_ask_and_what_a_gate_token_opens(desk, api):
    reader, intake, gate = (
        api(desk.editor, "read", "write"),
        api(desk.editor, "intake"),
        api(desk.editor),
    )
    run = gate.post(URL, question(desk), format="json").json()["id"]

    for client in (reader, intake):
        assert client.post(URL, question(desk), format="json").status_code == 403
        assert client.get(f"{URL}{run}/").status_code == 403
        assert client.post(f"{URL}{run}/released/").status_code == 403
    for address in ("applications/", "gate-runs/", "gate-waivers/", "gate-policy/", "offerings/"):
        assert gate.get(f"/api/v1/{address}").status_code == 403
        assert intake.get(f"/api/v1/{address}").status_code == 403
    assert gate.post("/api/v1/gate-waivers/", {}, format="json").status_code == 403

    # a viewer sees the application and may not speak for it; a stranger is not told that it is
    # there
    assert api(desk.viewer).post(URL, question(desk), format="json").status_code == 403
    assert api(desk.viewer).post(f"{URL}{run}/released/").status_code == 403
    assert api(desk.stranger).post(URL, question(desk), format="json").status_code == 404
    assert api(desk.stranger).get(f"{URL}{run}/").status_code == 404
    assert api(desk.stranger, "read").get(f"/api/v1/gate-runs/{run}/").status_code == 404
    auditor = make_user(role="auditor")
    assert api(auditor).post(URL, question(desk), format="json").status_code == 403
    assert api(auditor, "read").get("/api/v1/gate-runs/").json()["results"][0]["id"] == run
    answer = api(auditor, "read").get(f"/api/v1/gate-runs/{run}/answer/").json()
    assert answer["findings"][0]["rule_id"] in {"FR002", "FR006"}


def test_a_token_that_is_bound_to_an_application_speaks_for_no_other(desk, api):
    token, text = issue_token(
        user=desk.editor, name="ci", scopes=["gate"], at=now(), by=None, lifetime=timedelta(days=1)
    )
    TokenBinding.objects.create(token=token, application=desk.application, environment="prod")
    other = make_application(team=desk.team)
    client = api(desk.editor)
    foreign = client.post(URL, question(desk, application=other.slug), format="json").json()["id"]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")

    body = client.post(URL, {"models": ["gpt-4o-2024-11-20"]}, format="json").json()

    assert (body["application"], body["environment"]) == (desk.application.slug, "production")
    assert (
        client.post(URL, question(desk, application=other.slug), format="json").status_code == 403
    )
    assert client.get(f"{URL}{foreign}/").status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"models": ["a"], "bom": {}},
        {"models": None, "bom": 7_000_000},
        {"bom": {"hello": 1}, "models": None},
        {"models": [{"host": "openai"}]},
        {"models": [{"model": "a", "line": 0}]},
        {"models": [{"model": "a", "x": 1}]},
        {"models": [7]},
        {"models": ["a"], "mode": "maybe"},
        {"models": ["a"], "import": True},
        {"models": "a"},
        {"models": ["a"], "application": ""},
        {"models": [{"model": "a", "host": 4}]},
        {"models": [{"model": "a" * 300}]},
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_sentence(desk, api, wrong):
    asked = {key: value for key, value in question(desk, **wrong).items() if value is not None}

    answer = api(desk.editor).post(URL, asked, format="json")

    assert answer.status_code == 400, answer.content
    assert answer.json()["detail"].endswith((".", "!"))
    assert not GateRun.objects.exists()


def test_bodies_that_are_no_json_too_deep_or_too_long_are_refused(desk, api, monkeypatch):
    client = api(desk.editor)

    def send(body, kind="application/json"):
        return client.post(URL, data=body, content_type=kind)

    assert send(b"{").status_code == 400
    assert send(b"[" * 100_000).status_code == 400
    assert send(b"[]").status_code == 400
    assert send(b"<a/>", "application/xml").status_code == 415
    deep = b'{"bomFormat":"CycloneDX","a":' + b"[" * 600 + b"]" * 600 + b"}"
    assert send(b'{"application":"x","bom":' + deep + b"}").status_code in {400, 404}
    asked = json.dumps({"application": desk.application.slug}).encode()
    assert send(asked[:-1] + b',"bom":' + deep + b"}").status_code == 400
    assert client.get(f"{URL}bundle/", {"application": "a\0b"}).status_code == 404
    assert client.get(f"{URL}{10**25}/").status_code == 404
    monkeypatch.setattr("apps.api.gate.formats.MAX_BODY_BYTES", 100)
    assert send(json.dumps({"models": ["a" * 200]})).status_code == 413


def test_a_run_writes_nothing_but_itself(desk, api):
    before = (
        Dependency.objects.count(),
        desk.application.observations.count(),
        desk.openai.offerings.count(),
    )

    api(desk.editor).post(
        URL, question(desk, {"model": "new-one", "host": "openai"}), format="json"
    )

    assert (
        Dependency.objects.count(),
        desk.application.observations.count(),
        desk.openai.offerings.count(),
    ) == before


BOM = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "version": 1,
    "serialNumber": "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
    "components": [
        {
            "type": "machine-learning-model",
            "name": "gpt-3.5-turbo-0125",
            "publisher": "openai",
            "evidence": {"occurrences": [{"location": "app/summarize.py", "line": 14}]},
        }
    ],
}


def test_a_document_is_judged_and_only_where_asked_taken_into_the_register(desk, api):
    client = api(desk.editor)
    asked = {key: value for key, value in question(desk, bom=BOM).items() if key != "models"}

    only_judged = client.post(URL, asked, format="json").json()
    assert (only_judged["decision"], Import.objects.count()) == ("block", 0)
    assert only_judged["evaluated"][0]["location"] == {"file": "app/summarize.py", "line": 14}

    refused = client.post(URL, {**asked, "import": True}, format="json")
    assert (
        refused.status_code,
        "'intake'" in refused.json()["detail"],
        Import.objects.count(),
    ) == (403, True, 0)
    api(desk.editor, "gate", "intake").post(URL, {**asked, "import": True}, format="json")
    taken = Import.objects.get()
    assert (taken.application, taken.format, taken.environment) == (
        desk.application,
        "cyclonedx",
        "production",
    )
    assert desk.application.observations.get().requested == "gpt-3.5-turbo-0125"

    by_import = client.post(
        URL, {**asked, "bom": taken.pk, "commit": "other"}, format="json"
    ).json()
    assert by_import["decision"] == "block"
    other = api(make_member(make_team(), TeamRole.EDITOR))
    assert other.post(URL, {**asked, "bom": taken.pk}, format="json").status_code == 404


def test_a_document_that_names_no_model_passes_and_says_so(desk, api):
    asked = {key: value for key, value in question(desk).items() if key != "models"}

    body = (
        api(desk.editor)
        .post(URL, {**asked, "bom": {**BOM, "components": []}}, format="json")
        .json()
    )

    assert (body["decision"], body["summary"]) == (
        "pass",
        "No model is named, so nothing blocks the build.",
    )


def test_a_document_of_which_nothing_could_be_read_cannot_be_decided_on(desk, monkeypatch):
    rejected = Document(rejected=[SkippedPart("/components/0", "It has no name.")])
    monkeypatch.setitem(
        bom.FORMATS, "cyclonedx", replace(bom.FORMATS["cyclonedx"], read=lambda _: rejected)
    )

    read = bom.parse_bom(BOM)
    run = runs.request_run(
        application=desk.application,
        requested=read.requested,
        by=desk.editor,
        at=now(),
        incomplete=read.incomplete,
    )

    assert (run.decision, run.exit_code) == ("unknown", 3)
    assert "It has no name." in run.summary


def test_old_runs_go_but_what_was_released_last_and_the_last_run_stay(desk, api):
    client = api(desk.editor)
    released = client.post(URL, question(desk, commit="a"), format="json").json()["id"]
    client.post(f"{URL}{released}/released/")
    old = client.post(URL, question(desk, commit="b"), format="json").json()["id"]
    last = client.post(URL, question(desk, commit="c"), format="json").json()["id"]
    GateRun.objects.update(last_requested_at=now() - timedelta(500))

    assert purge_old_runs(at=now(), keep_days=400) == 1
    assert set(GateRun.objects.values_list("pk", flat=True)) == {released, last}
    assert not GateFinding.objects.filter(run=old).exists()


def test_runs_of_other_teams_are_not_listed(desk, api):
    other = make_team()
    colleague = make_member(other, TeamRole.EDITOR)
    make_offering()
    api(desk.editor).post(URL, question(desk), format="json")

    assert api(colleague, "read").get("/api/v1/gate-runs/").json()["results"] == []
    assert (
        len(api(desk.viewer, "read").get("/api/v1/gate-runs/?decision=block").json()["results"])
        == 1
    )
    assert api(desk.viewer, "read").get("/api/v1/gate-runs/?rule=FR009").json()["results"] == []
