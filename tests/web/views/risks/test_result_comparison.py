"""The comparison of two runs: difference, items lost and gained, and what cannot be said."""

import pytest
from django.urls import reverse

from apps.common.time import day_of, now
from apps.exposure.engine.table_refresh import refresh
from apps.inventory.models import ExitTest
from apps.risks.evaluations.item_results import store_items
from apps.risks.evaluations.results import ItemResults
from tests.builders import (
    make_application,
    make_dependency,
    make_evidence,
    make_member,
    make_offering,
    make_user,
)
from tests.http import csv_rows, problem_detail, read_form, signed_in_client, visible_text

pytestmark = pytest.mark.django_db
URL = "/risks/evidence/compare/"


def make_run(offering, scores, application=None, **facts):
    evidence = make_evidence(
        offering=offering,
        application=application,
        **{
            "tool": "promptfoo",
            "dataset": "exam",
            "metric": "pass rate",
            **facts,
        },
    )
    ids = [f"q{number}" for number in range(len(scores))]
    store_items(
        evidence,
        ItemResults(ids, list(ids), list(scores), [""] * len(ids), [0] * len(ids)),
    )
    return evidence


@pytest.fixture
def runs():
    old = make_run(make_offering("gpt-4o"), [1.0] * 90 + [0.0] * 10)
    new = make_run(make_offering("gpt-5"), [0.0] * 20 + [1.0] * 75 + [0.0] * 5)
    return old, new


def test_two_models_on_one_suite_show_their_difference_and_the_items(runs):
    old, new = runs
    client = signed_in_client(make_user())

    text = visible_text(client.get(URL, {"a": old.pk, "b": new.pk}))

    assert "15.0 points worse" in text
    assert "90.0 % → 75.0 %" in text
    assert "Newcombe" in text
    assert "20 and 5" in text
    assert "Error consistency" in text
    assert "CAPA cannot be computed" in text
    rows = csv_rows(client.get("/risks/evidence/compare.csv", {"a": old.pk, "b": new.pk}))
    assert list(rows[0]) == ["Item", "Place in the file", "Old score", "New score", "Change"]
    assert [row["Change"] for row in rows].count("loss") == 20
    assert len(rows) == 100


def test_a_run_is_chosen_with_the_runs_of_its_suite(runs):
    old, _ = runs
    other = make_run(make_offering("o3"), [1.0], dataset="another suite")
    client = signed_in_client(make_user())

    assert "Select two runs" in visible_text(client.get(URL))
    text = visible_text(client.get(URL, {"a": old.pk}))
    assert "gpt-5" in text.split("Select a run of the same suite")[1]
    assert "another suite" not in text.split("Select a run of the same suite")[1]
    refused = visible_text(client.get(URL, {"a": old.pk, "b": other.pk}))
    assert "different suites" in refused
    assert "Select two different runs" in visible_text(client.get(URL, {"a": old.pk, "b": old.pk}))
    assert f"?a={old.pk}" in client.get(f"/risks/evidence/{old.pk}/").content.decode()


def test_without_results_of_items_the_page_says_what_to_upload(client):
    assert "No results of single items yet" in visible_text(signed_in_client(make_user()).get(URL))


def test_few_items_have_no_overlap_and_an_uncertain_difference():
    old = make_run(make_offering("gpt-4o"), [1.0, 0.0, 1.0])
    new = make_run(make_offering("gpt-5"), [1.0, 1.0, None])

    text = visible_text(signed_in_client(make_user()).get(URL, {"a": old.pk, "b": new.pk}))

    assert "no difference between gpt-4o" in text
    assert "fewer than 100 items" in text
    assert "1 without a result in one of the runs" in text


def test_runs_of_other_teams_are_not_found(runs):
    old, _ = runs
    application = make_application()
    hidden = make_run(make_offering("o3"), [1.0] * 100, application)
    client = signed_in_client(make_user())
    query = {"a": old.pk, "b": hidden.pk}

    assert client.get(URL, query).status_code == 404
    assert client.get("/risks/evidence/compare.csv", query).status_code == 404
    assert client.get("/api/v1/evidence/compare/", query).status_code == 404
    assert application.name not in visible_text(client.get(URL))
    member = signed_in_client(make_member(application.team))
    assert member.get(URL, query).status_code == 200


def test_the_comparison_over_rest(runs):
    old, new = runs
    client = signed_in_client(make_user())

    body = client.get("/api/v1/evidence/compare/", {"a": old.pk, "b": new.pk}).json()

    assert (body["n"], body["n_losses"], body["n_gains"]) == (100, 20, 5)
    assert body["difference"] == pytest.approx(-0.15)
    assert body["interval"]["low"] < -0.15 < body["interval"]["high"]
    assert body["losses"][0] == {"item": "q0", "place": "q0", "old": 1.0, "new": 0.0}
    assert body["overlap"]["measure"] == "error_consistency"
    assert (body["overlap_gap"], body["capa_gap"]) == (None, "options")
    same = client.get("/api/v1/evidence/compare/", {"a": old.pk, "b": old.pk})
    assert "two different runs" in problem_detail(same, 400)
    assert client.get("/api/v1/evidence/compare/", {"a": "x"}).status_code == 400


def test_an_exit_test_takes_its_quality_from_the_comparison(runs):
    old, new = runs
    dependency = make_dependency(make_application(), old.offering)
    client = signed_in_client(make_member(dependency.application.team))
    page = client.get(URL, {"a": old.pk, "b": new.pk, "dependency": dependency.pk})

    [(name, url)] = page.context["exit_tests"]
    assert name == dependency.application.name
    form = client.get(url).context["form"]
    assert form.initial["quality_delta"] == pytest.approx(-0.15)
    assert form.initial["quality_metric"] == "exam: pass rate"
    assert "n = 100, 95 % interval" in form.initial["note"]
    assert f"a={old.pk}&b={new.pk}" in form.initial["evidence_ref"]
    assert client.get(url).context["picker"].hits[0].offering.pk == new.offering_id

    data = read_form(client.get(url)) | {
        "result": "passed",
        "target": new.offering_id,
        "quality_delta": "-0.1",
    }
    assert client.post(url, data).status_code == 302
    assert str(ExitTest.objects.get().quality_delta) == "-0.1000"


def test_a_comparison_that_is_not_visible_prefills_nothing(runs):
    old, _ = runs
    dependency = make_dependency(make_application(), old.offering)
    hidden = make_run(make_offering("o3"), [1.0] * 100, make_application())
    client = signed_in_client(make_member(dependency.application.team))
    address = reverse("exit-tests:create", args=[dependency.pk])

    for value in (f"{old.pk}-{hidden.pk}", "x-y", f"{old.pk}-{old.pk}", "1"):
        page = client.get(address, {"comparison": value})
        assert page.status_code == 200
        assert not page.context["form"].initial.get("quality_delta")


def test_judge_and_judged_are_shown_as_supply_and_as_errors(runs):
    old, new = runs
    application = make_application()
    make_dependency(application, old.offering)
    make_dependency(application, new.offering, "judge")
    make_dependency(application, make_offering("guard"), "guardrail")
    refresh(on=day_of(now()))
    client = signed_in_client(make_member(application.team))

    page = client.get(f"/applications/{application.slug}/?tab=exit-readiness", follow=True)
    text = visible_text(page)

    assert "Judge and judged" in text
    by_judge = {pair.judge.offering.api_id: pair for pair in page.context["judged"]}
    assert by_judge["gpt-5"].supply == "same developer"
    assert by_judge["gpt-5"].is_measured
    assert "n = 100" in by_judge["gpt-5"].errors_note
    assert by_judge["guard"].errors == "Not measured"
    assert "No suite" in by_judge["guard"].errors_note
