"""Questions as files: the rows of the answer, all of them, in its order; and what nobody reads is
refused."""

import pytest

from apps.common.time import now
from apps.exposure.engine.table_refresh import refresh
from apps.inventory.models import Application
from tests.builders import (
    make_application,
    make_dependency,
    make_foundation,
    make_member,
    make_offering,
    make_team,
    make_user,
    make_version,
)
from tests.http import csv_rows, workbook_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def ending_model(api):
    foundation = make_foundation("maker/gpt-x")
    offering = make_offering(
        "gpt-x-1",
        version=make_version("maker/gpt-x-1", foundation=foundation),
        retires_on="2027-03-01",
        lifecycle="deprecated",
        announced_on="2026-10-01",
        date_kind="firm",
    )
    team = make_team("Claims")
    for name, grave in (("a", 0), ("b", 1), ("c", 2)):
        application = make_application(name, team=team, criticality=grave)
        Application.objects.filter(pk=application.pk).update(slug=name)
        make_dependency(application, offering)
    refresh(on=now().date())
    return api(make_user(role="auditor")), offering, foundation, team


# address: where the rows stand in the answer
QUESTIONS = {
    "runways/": "results",
    "findings/": "results",
    "concentration/?layer=foundation": "rows",
    "single-points-of-failure/": "results",
    "offerings/{offering}/blast-radius/": "results",
    "foundations/{foundation}/blast-radius/": "results",
    "providers/{host}/blast-radius/?role=host": "results",
    "providers/{host}/record/": "notices",
    "providers/{host}/scorecard/": "facts",
    "foundations/{foundation}/scorecard/": "facts",
    "applications/a/stack/": None,
    "applications/a/findings/": None,
    "applications/a/runway/": None,
    "applications/a/changes/": None,
    "costs/": "totals",
    "approvals/against/": "rows",
}


@pytest.mark.parametrize("address", QUESTIONS)
def test_a_question_is_a_file_with_the_rows_of_its_answer(ending_model, address):
    client, offering, foundation, _ = ending_model
    asked = "/api/v1/" + address.format(
        offering=offering.pk, foundation=foundation.slug, host=offering.host.slug
    )
    body = client.get(asked).json()
    rows = body[QUESTIONS[address]] if QUESTIONS[address] else body

    found = csv_rows(client.get(f"{asked}{'&' if '?' in asked else '?'}format=csv"))

    assert len(found) == len(rows)
    if rows:
        assert list(found[0]) == list(rows[0])
        name = next(iter(rows[0]))
        assert [row[name] for row in found] == [str(row[name]) for row in rows]


def test_a_file_holds_every_page(ending_model, monkeypatch):
    client, *_ = ending_model
    monkeypatch.setattr("apps.api.framework.file_responses.MAX_PAGE_SIZE", 1)

    found = csv_rows(client.get("/api/v1/runways/?format=csv&page_size=1"))

    assert {row["application"] for row in found} == {"a", "b", "c"}


def test_what_an_application_costs_and_what_of_it_is_unknown_are_lines_of_one_file(ending_model):
    client, *_ = ending_model

    [row] = csv_rows(client.get("/api/v1/applications/a/cost/?format=csv"))

    assert (row["amount"], bool(row["unknown"]), bool(row["detail"])) == ("", True, True)


def test_candidates_side_by_side_are_a_line_for_each_fact_of_each(ending_model):
    client, _, foundation, _ = ending_model
    other = make_foundation("maker/gpt-y")

    found = csv_rows(
        client.get(
            f"/api/v1/scorecards/compare/?foundation={foundation.slug}&foundation={other.slug}&format=csv"
        )
    )

    assert {row["candidate"] for row in found} == {foundation.slug, other.slug}
    assert {"key", "value", "gap"} <= set(found[0])


def test_a_workbook_holds_the_same(ending_model):
    client, *_ = ending_model

    answer = client.get("/api/v1/runways/?format=xlsx")

    sheet = workbook_of(answer).active
    head, *rows = list(sheet.iter_rows(values_only=True))
    assert (head[0], len(rows)) == ("application", 3)
    assert answer["Content-Disposition"] == 'attachment; filename="runways.xlsx"'


def test_a_file_shows_nobody_more_than_the_answer(ending_model, api):
    outsider = api(make_member(make_team("Elsewhere")))

    assert csv_rows(outsider.get("/api/v1/runways/?format=csv")) == []
    assert outsider.get("/api/v1/applications/a/stack/?format=csv").status_code == 404
    assert (
        outsider.get("/api/v1/runways/?format=csv&cursor=x")["Content-Type"]
        == "application/problem+json"
    )


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("applications/?critcality=critical", "critcality"),
        ("applications/a/?criticality=critical", "criticality"),
        ("runways/?team=claims", "team"),
        ("findings/?codes=x", "codes"),
        ("concentration/?layers=host", "layers"),
        ("audit/?who=ada", "who"),
        ("costs/?form=2026-01-01", "form"),
        ("offerings/1/blast-radius/?threats=end", "threats"),
        ("disagreements/?in_uze=true", "in_uze"),
    ],
)
def test_a_parameter_that_nothing_reads_is_refused_and_named(ending_model, address, name):
    client, offering, *_ = ending_model

    answer = client.get(f"/api/v1/{address.replace('/1/', f'/{offering.pk}/')}")

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [name]
    assert "Choose from " in answer.json()["detail"] or "fields" in answer.json()["detail"]


def test_a_field_that_nobody_knows_is_refused_and_what_was_read_may_be_sent_back(api):
    application = make_application(team=make_team("Claims"), rto_hours=4)
    client = api(make_user(role="governance"), "read", "write")
    address = f"/api/v1/applications/{application.slug}/"

    refused = client.patch(address, {"rto_huors": 5}, format="json")
    sent_back = client.patch(address, {**client.get(address).json(), "rto_hours": 6}, format="json")

    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "rto_huors"
    assert "rto_hours" in refused.json()["detail"]
    assert (sent_back.status_code, sent_back.json()["rto_hours"]) == (200, 6)


def test_a_dependency_that_was_read_may_be_sent_back_whole(ending_model, api):
    client = api(make_user(role="governance"), "read", "write")
    [row] = client.get("/api/v1/dependencies/?application=a").json()["results"]

    sent_back = client.patch(
        f"/api/v1/dependencies/{row['id']}/", {**row, "traffic_share": "0.5"}, format="json"
    )
    refused = client.patch(
        f"/api/v1/dependencies/{row['id']}/", {"trafic_share": "0.5"}, format="json"
    )

    assert (sent_back.status_code, float(sent_back.json()["traffic_share"])) == (200, 0.5), (
        sent_back.content
    )
    assert (refused.status_code, "offering" in refused.json()["detail"]) == (400, False)


@pytest.mark.parametrize(
    "address", ["gate-policy/", "alert-settings/", "exposure-settings/", "mail-preferences/me/"]
)
def test_settings_that_were_read_may_be_sent_back_whole(api, address):
    client = api(make_user(role="governance"), "read", "write")
    read = client.get(f"/api/v1/{address}")

    assert client.patch(f"/api/v1/{address}", read.json(), format="json").status_code == 200
    assert client.patch(f"/api/v1/{address}", {"no_such": 1}, format="json").status_code == 400


def test_a_refusal_says_what_may_be_given(api):
    make_team("Claims")
    client = api(make_user(role="governance"), "read", "write")

    created = client.post(
        "/api/v1/applications/", {"team": "nowhere", "criticality": "huge"}, format="json"
    ).json()
    listed = client.get("/api/v1/applications/?criticality=huge").json()
    shaped = client.post("/api/v1/applications/", [1], format="json").json()

    assert {error["field"]: error["detail"] for error in created["errors"]} == {
        "name": "It is missing. Give it.",
        "team": "There is no team 'nowhere' that you may see.",
        "criticality": (
            "'huge' is not a valid value. Use one of: critical, important, low, standard."
        ),
    }
    assert listed["detail"] == (
        "criticality: 'huge' is not a valid value. Use one of: critical, important, low, standard."
    )
    assert shaped["detail"] == "Send one JSON object, with names and values."
