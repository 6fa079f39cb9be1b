"""The pages of the gate: runs, one application, waivers, the policy with its preview, the
client."""

import hashlib
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.common.time import now
from apps.exposure.engine.table_refresh import refresh
from apps.feeds.models import PollState
from apps.gate.actions import grant_waiver, request_waiver
from apps.gate.formats.snippets import load_client as held_client
from apps.gate.matching import RequestedModel
from apps.gate.models import GatePolicy, GateRun, Waiver
from apps.gate.runs import request_run
from apps.inventory.governance.approvals import record_decision
from tests.builders import make_application, make_dependency, make_offering
from tests.gate.support_desk import SupportDesk
from tests.http import csv_rows, signed_in_client, text_of


@pytest.fixture
def run(desk: SupportDesk) -> GateRun:
    return request_run(
        application=desk.application,
        requested=[
            RequestedModel("gpt-3.5-turbo-0125", "openai", file="app/a.py", line=3),
            RequestedModel("gpt-4o-2024-08-06", "openai"),
        ],
        by=desk.editor,
        at=now(),
        environment="production",
        commit="4f9c2d1aaaabbbb",
        ref="main",
    )


def test_runs_are_listed_filtered_and_taken_away_as_csv(desk, run):
    client = signed_in_client(desk.viewer)

    page = text_of(client.get("/gate/"))
    assert "1 gate run; " in page
    assert "1 was blocked" in page
    assert f'/gate/runs/{run.pk}/"' in page
    assert "No gate runs match the filters." in text_of(client.get("/gate/?decision=pass"))
    (row,) = csv_rows(client.get("/gate.csv"))
    assert (row["Decision"], row["Commit"], row["Errors"]) == ("Block", "4f9c2d1aaaabbbb", "1")
    assert "No gate runs yet." in text_of(signed_in_client(desk.stranger).get("/gate/"))


def test_one_run_shows_findings_with_where_to_ask_and_what_it_named(desk, run):
    page = text_of(signed_in_client(desk.editor).get(f"/gate/runs/{run.pk}/"))

    assert "app/a.py:3" in page
    assert "Migrate to gpt-5.6-terra." in page
    assert f"/gate/waivers/new/?application={desk.application.slug}&amp;rule=FR002" in page
    assert "openai/gpt-3.5-turbo-0125" in page
    assert "Mark as released" in page
    assert "Mark as released" not in text_of(
        signed_in_client(desk.viewer).get(f"/gate/runs/{run.pk}/")
    )
    (row, *_rest) = csv_rows(signed_in_client(desk.viewer).get(f"/gate/runs/{run.pk}/findings.csv"))
    assert (row["Rule ID"], row["File"], row["Line"]) == ("FR002", "app/a.py", "3")
    for address in ("", "findings/", "findings.csv", "findings.xlsx"):
        assert (
            signed_in_client(desk.stranger).get(f"/gate/runs/{run.pk}/{address}").status_code == 404
        )


def test_all_findings_of_a_run_are_a_list_with_anchors_for_links_of_pipelines(desk, run):
    finding = run.findings.first()

    page = text_of(signed_in_client(desk.viewer).get(f"/gate/runs/{run.pk}/findings/"))

    assert f'id="finding-{finding.pk}"' in page
    assert f"4 findings for {desk.application.name}." in page
    assert "Request waiver" in page
    assert f'/gate/runs/{run.pk}/findings.xlsx"' in page


def test_an_editor_says_what_was_shipped(desk, run):
    assert signed_in_client(desk.viewer).post(f"/gate/runs/{run.pk}/released/").status_code == 403
    assert signed_in_client(desk.stranger).post(f"/gate/runs/{run.pk}/released/").status_code == 404

    signed_in_client(desk.editor).post(f"/gate/runs/{run.pk}/released/")

    run.refresh_from_db()
    assert run.released_by == desk.editor


def test_an_application_shows_what_would_be_said_of_it_today_and_how_to_ask(desk, run):
    make_dependency(desk.application, desk.retired)
    make_dependency(desk.application, desk.ending, "fallback", fallback_order=1)
    client = signed_in_client(desk.editor)
    url = f"/gate/of/{desk.application.slug}/"

    page = text_of(client.get(url))

    assert "blocked in production" in page
    assert "gpt-3.5-turbo-0125 at OpenAI is retired" in page
    assert f"--application {desk.application.slug} --environment production" in page
    assert held_client().sha256 in page
    assert f"/gate/runs/{run.pk}/" in page
    assert "with warnings" in text_of(client.get(f"{url}?environment=staging")) or "blocked" in page
    assert signed_in_client(desk.stranger).get(url).status_code == 404
    # nothing is kept of it
    assert GateRun.objects.count() == 1


def test_an_application_of_which_nothing_is_known_says_what_to_do(desk):
    page = text_of(signed_in_client(desk.editor).get(f"/gate/of/{desk.application.slug}/"))

    assert "the gate has nothing to evaluate" in page
    assert "Start with --mode report" in page


def test_a_waiver_goes_from_the_link_in_the_log_through_the_inbox_to_granted(desk, run):
    editor, governance = signed_in_client(desk.editor), signed_in_client(desk.governance)
    address = (
        f"/gate/waivers/new/?application={desk.application.slug}"
        "&rule=FR002&model=openai/gpt-3.5-turbo-0125"
    )
    assert 'value="openai/gpt-3.5-turbo-0125"' in text_of(editor.get(address))

    answer = editor.post(
        address,
        {
            "application": desk.application.slug,
            "rule": "FR002",
            "model": "openai/gpt-3.5-turbo-0125",
            "until": desk.today + timedelta(20),
            "reason": "Moving in March.",
        },
    )

    waiver = Waiver.objects.get()
    assert answer["Location"] == f"/gate/waivers/{waiver.pk}/"
    assert "1 waiver needs" in text_of(governance.get("/gate/waivers/"))
    assert "Grant" in text_of(governance.get(answer["Location"]))
    assert 'class="go"' not in text_of(editor.get(answer["Location"])).partition("<main")[2]
    assert editor.post(f"/gate/waivers/{waiver.pk}/grant/").status_code == 403
    assert signed_in_client(desk.stranger).get(f"/gate/waivers/{waiver.pk}/").status_code == 404

    governance.post(f"/gate/waivers/{waiver.pk}/grant/", {"reason": "Agreed."})

    waiver.refresh_from_db()
    assert (waiver.state, waiver.decision, waiver.decided_by) == (
        "granted",
        "Agreed.",
        desk.governance,
    )
    (row,) = csv_rows(editor.get("/gate/waivers.csv"))
    assert (row["State"], row["Reason"]) == ("Granted", "Moving in March.")
    editor.post(f"/gate/waivers/{waiver.pk}/withdraw/")
    assert "No waiver is requested" in text_of(editor.get("/gate/waivers/"))
    assert "1 waiver matches" in text_of(editor.get("/gate/waivers/?state=withdrawn"))


def test_a_waiver_can_be_for_the_model_as_one_host_serves_it(desk):
    offering = make_offering("only-here")
    asked = {
        "application": desk.application.slug,
        "rule": "FR002",
        "model": "gpt-3.5-turbo-0125",
        "until": desk.today + timedelta(20),
        "reason": "Moving.",
    }

    signed_in_client(desk.editor).post("/gate/waivers/new/", {**asked, "offering": "only-here"})

    assert Waiver.objects.get().offering == offering


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"offering": "nowhere"}, "No single offering with this ID found"),
        ({"application": "nobodys"}, "No application with this slug found"),
        ({"until": "2030-01-01"}, "at the latest"),
        ({"model": ""}, "Enter the model as the finding names it"),
        ({"reason": ""}, "This field is required"),
    ],
)
def test_a_waiver_that_cannot_be_is_refused_with_a_sentence(desk, wrong, words):
    asked = {
        "application": desk.application.slug,
        "rule": "FR002",
        "model": "gpt-3.5-turbo-0125",
        "until": desk.today + timedelta(20),
        "reason": "Moving.",
    }

    answer = signed_in_client(desk.editor).post("/gate/waivers/new/", {**asked, **wrong})

    assert answer.status_code == 422
    assert words in text_of(answer)


def test_who_asked_is_told_that_a_colleague_decides(desk):
    waiver = request_waiver(
        application=desk.application,
        rule="FR002",
        model="gpt-3.5-turbo-0125",
        reason="Ours.",
        until=desk.today + timedelta(9),
        by=desk.governance,
        at=now(),
    )
    client = signed_in_client(desk.governance)

    page = text_of(client.get(f"/gate/waivers/{waiver.pk}/"))
    refused = text_of(client.post(f"/gate/waivers/{waiver.pk}/grant/", follow=True))

    assert "Another governance user must decide" in page
    assert "You requested this waiver" in refused


def policy_fields(page) -> dict[str, str]:
    form = page.context["form"]
    fields = {}
    for bound in form:
        value = bound.value()
        if value is not False and value is not None:
            fields[bound.name] = value
    return fields


def test_the_policy_is_tried_out_before_it_is_kept(desk):
    make_dependency(desk.application, desk.ending)
    other = make_application("Mail drafter", team=desk.team, business_owner="Ilse")
    make_dependency(other, desk.retired)
    make_dependency(make_application("Idle", status="retired"), desk.retired)
    record_decision(
        target=desk.good, decision="blocked", reason="No.", at=now(), by=desk.governance
    )
    third = make_application("Search", team=desk.team)
    make_dependency(third, desk.good)
    refresh(on=desk.today)
    client = signed_in_client(desk.governance)
    page = client.get("/gate/policy/")
    assert "5 of 12 rules block" in text_of(page) or "4 of 12 rules block" in text_of(page)
    fields = policy_fields(page)

    tried = text_of(client.post("/gate/policy/", {**fields, "level-FR010": "error", "try": "1"}))

    # retired; blocked and without an owner
    assert "2 of 3 applications would be blocked" in tried
    assert GatePolicy.objects.get(pk=1).version == 1
    near = next(name for name, value in fields.items() if name.endswith("-error") and value == 30)
    assert "3 of 3 applications would be blocked" in text_of(
        client.post("/gate/policy/", {**fields, near: 60, "try": "1"})
    )

    kept = client.post(
        "/gate/policy/",
        {**fields, "level-FR009": "error", "reason": "Routes are named."},
        follow=True,
    )
    assert "Saved as version 2" in text_of(kept)
    assert "Routes are named." in text_of(kept)
    late = client.post("/gate/policy/", {**fields, "level-FR009": "off"})
    assert (
        late.status_code,
        "Another user changed the policy at the same time" in text_of(late),
    ) == (422, True)


def test_pages_say_below_a_short_heading_why_the_gate_cannot_decide(desk):
    PollState.objects.all().delete()
    make_dependency(desk.application, desk.good)
    run = request_run(
        application=desk.application,
        requested=[RequestedModel("gpt-4o-2024-08-06", "openai")],
        by=desk.editor,
        at=now(),
    )
    client = signed_in_client(desk.viewer)

    for address, heading in (
        (
            f"/gate/of/{desk.application.slug}/",
            "A build with all declared dependencies cannot be evaluated today.",
        ),
        (f"/gate/runs/{run.pk}/", "This build could not be evaluated."),
        ("/gate/policy/", None),
        ("/gate/", None),
    ):
        page = text_of(client.get(address))
        if heading is not None:
            words = re.sub(r"<[^>]+>", "", re.search(r'<p class="sentence".*?</p>', page)[0])
            assert " ".join(words.split()) == heading
        banner = page.partition('<div class="banner">')[2].partition("</div>")[0]
        assert "The gate cannot decide." in banner
        assert "No reliable source of retirement dates was polled within" in banner


def test_the_policy_is_read_by_all_and_changed_by_governance(desk):
    page = text_of(signed_in_client(desk.viewer).get("/gate/policy/"))

    assert "governance or administrator role to change the policy" in page
    assert "disabled" in page
    assert signed_in_client(desk.editor).post("/gate/policy/", {}).status_code == 403


def test_the_client_is_handed_out_to_whoever_asks_with_its_digest(desk):
    answer = Client().get("/gate/registry-gate")

    assert answer.status_code == 200
    assert hashlib.sha256(answer.content).hexdigest() == held_client().sha256
    page = text_of(signed_in_client(desk.stranger).get("/gate/set-up/"))
    assert held_client().sha256 in page
    assert "secrets.REGISTRY_TOKEN" in page


@pytest.mark.parametrize("address", ["/gate/", "/gate/waivers/"])
def test_a_list_costs_the_same_number_of_statements_however_long(desk, address):
    def fill(n: int) -> None:
        for number in range(n):
            application = make_application(team=desk.team, business_owner="Ilse")
            request_run(
                application=application,
                requested=[RequestedModel(f"m-{number}")],
                by=desk.editor,
                at=now(),
            )
            waiver = request_waiver(
                application=application,
                rule="FR005",
                model=f"m-{number}",
                reason="Ours.",
                until=desk.today + timedelta(9),
                by=desk.editor,
                at=now(),
            )
            grant_waiver(waiver=waiver, by=desk.governance, at=now())

    client = signed_in_client(desk.viewer)

    def n_statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        return len(captured)

    fill(2)
    client.get(address)
    few = n_statements()
    fill(6)
    assert n_statements() == few


def test_the_page_of_an_application_costs_the_same_however_much_it_calls(desk):
    from tests.builders import make_offering

    make_dependency(desk.application, desk.retired)
    client = signed_in_client(desk.viewer)
    url = f"/gate/of/{desk.application.slug}/"

    def n_statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url).status_code == 200
        return len(captured)

    client.get(url)
    few = n_statements()
    for _ in range(8):
        make_dependency(desk.application, make_offering(lifecycle="retired"))
    assert n_statements() == few
