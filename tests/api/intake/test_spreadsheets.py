"""Sheets through the door for programs: applied at once, with the sender's rights."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.models import ApiToken
from apps.intake import import_jobs
from apps.intake.models import Import, TokenBinding
from apps.intake.spreadsheets import direct_import
from apps.intake.tasks import run_import
from apps.inventory.models import Application
from tests.api.retailer import post
from tests.builders import make_application, make_team
from tests.intake.spreadsheets.sheet_files import as_csv, as_xlsx

pytestmark = pytest.mark.django_db

HEADS = ["Application name", "Team", "Host", "Model"]


def rows(retailer, *names):
    return [HEADS, *([name, retailer.team.slug, "openai", "gpt-4o"] for name in names)]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_sheet_is_read_and_applied_at_once(sender, retailer, kind):
    content = (
        as_csv(rows(retailer, "New bot"))
        if kind == "csv"
        else as_xlsx({"A": rows(retailer, "New bot")})
    )

    answer = post(
        sender, content, kind=kind, type="text/csv" if kind == "csv" else "application/octet-stream"
    )

    assert (answer.status_code, answer.json()["status"]) == (202, "done"), answer.content
    assert Application.objects.get(name="New bot").dependencies.get().offering == retailer.gpt
    again = post(sender, content, kind=kind, type="application/octet-stream")
    assert (again.status_code, again.json()["id"]) == (200, answer.json()["id"])


def test_a_sheet_that_was_imported_before_mappings_were_marked_is_not_imported_again(
    sender, retailer
):
    content = as_csv(rows(retailer, "New bot"))
    answer = post(sender, content, kind="csv", type="text/csv")
    earlier = Import.objects.get(pk=answer.json()["id"])
    del earlier.mapping["strict"]
    earlier.save(update_fields=["mapping"])

    again = post(sender, content, kind="csv", type="text/csv")

    assert (again.status_code, again.json()["id"]) == (200, earlier.pk)


def test_rows_about_others_are_refused_with_their_place(api, sender, retailer):
    elsewhere = make_team("Elsewhere")
    make_application("Theirs", team=elsewhere)
    content = as_csv([*rows(retailer, "Mine"), ["Theirs", elsewhere.slug, "openai", "gpt-4o"]])

    said = post(sender, content, kind="csv", type="text/csv").json()

    assert (said["status"], len(said["rejected"])) == ("partial", 1)
    assert said["rejected"][0]["where"].startswith("row 3")
    assert (
        api(retailer.editor).get(f"/api/v1/imports/{said['id']}/").json()["rejected"]
        == said["rejected"]
    )
    assert not Application.objects.get(name="Theirs").dependencies.exists()


def test_a_sheet_about_one_application_need_not_name_it(sender, retailer):
    content = as_csv([["Host", "Model"], ["openai", "gpt-4o"]])

    assert post(sender, content, kind="csv", type="text/csv").status_code == 422
    answer = post(
        sender, content, f"?application={retailer.shop.slug}", kind="csv", type="text/csv"
    )

    assert answer.status_code == 202, answer.content
    assert retailer.shop.dependencies.get().offering == retailer.gpt


def test_a_large_sheet_is_applied_by_a_worker(sender, retailer, monkeypatch):
    monkeypatch.setattr(direct_import, "MAX_IMMEDIATE_BYTES", 10)
    monkeypatch.setattr(import_jobs, "send_to_worker", lambda pk: None)

    said = post(sender, as_csv(rows(retailer, "New bot")), kind="csv", type="text/csv").json()
    assert said["status"] == "queued"
    run_import(said["id"])

    assert Application.objects.get(name="New bot").dependencies.exists()


def test_a_key_stands_for_one_sheet_and_a_bound_token_for_one_application(api, sender, retailer):
    first = post(
        sender, as_csv(rows(retailer, "A")), kind="csv", type="text/csv", **{"Idempotency-Key": "k"}
    )
    other = post(
        sender, as_csv(rows(retailer, "B")), kind="csv", type="text/csv", **{"Idempotency-Key": "k"}
    )
    bound = api(retailer.editor, "intake")
    TokenBinding.objects.create(token=ApiToken.objects.latest("pk"), application=retailer.shop)

    assert (first.status_code, other.status_code) == (202, 422)
    assert post(bound, as_csv(rows(retailer, "C")), kind="csv", type="text/csv").status_code == 403


def test_no_sheet_at_all_is_a_sentence(sender):
    answer = post(sender, b"\x00\x01\x02", kind="xlsx", type="application/octet-stream")

    assert answer.status_code == 422
    assert post(sender, b"a;b", kind="csv").status_code == 415, "JSON is no sheet"


def test_with_auto_a_sheet_comes_in_as_far_as_it_can_be_read(sender, retailer):
    heads = ["Use case", "LoB", "Crit.", "Nbr users", "Vendor / Platform", "Model(s) used"]
    content = as_csv([heads, ["Bot", retailer.team.slug, "Tier 1", "~ 8k", "openai", "gpt-4o"]])

    strict = post(sender, content, kind="csv", type="text/csv").json()
    auto = post(sender, content, query="?mapping=auto", kind="csv", type="text/csv").json()

    assert [entry["where"] for entry in strict["rejected"]] == ["row 2, Crit."]
    assert (auto["status"], auto["rejected"], auto["ignored"]) == ("done", [], [])
    bot = Application.objects.get(name="Bot")
    assert (bot.criticality, bot.users_affected) == (0, 8000)
    assert bot.dependencies.get().offering == retailer.gpt
    again = post(sender, content, query="?mapping=auto", kind="csv", type="text/csv")
    assert (again.status_code, again.json()["id"]) == (200, auto["id"])


def test_a_proposal_writes_nothing_and_comes_back_with_choices(sender, retailer):
    heads = ["Use case", "Team", "Criticality", "Host", "Model"]
    content = as_csv([heads, ["Bot", retailer.team.slug, "Tier 1", "openai", "gpt-4o"]])

    proposal = post(sender, content, kind="csv/propose", type="text/csv")

    assert proposal.status_code == 200, proposal.content
    said = proposal.json()
    assert set(said) == {"created", "updated", "unchanged", "rejected", "mapping", "models"}
    assert not Import.objects.exists()
    assert [(model["text"], model["kind"]) for model in said["models"]] == [("gpt-4o", "resolved")]
    [tier] = said["mapping"]["values"]["application.criticality"]
    assert (tier["value"], tier["certainty"]) == (0, "by order")
    tier["value"] = 3
    form = {
        "file": SimpleUploadedFile("bots.csv", content, "text/csv"),
        "mapping": json.dumps(said),
    }
    answer = sender.post("/api/v1/intake/csv/", form, format="multipart")
    assert answer.status_code == 202, answer.content
    assert Application.objects.get(name="Bot").criticality == 3
    assert (
        post(sender, content, query="?mapping=all", kind="csv", type="text/csv").status_code == 400
    )
    assert post(sender, content, kind="spdx/propose", type="text/csv").status_code == 404


@pytest.mark.parametrize(
    ("mapping", "status"),
    [
        ({"sheets": 5}, 422),
        ({"values": ["application.criticality"]}, 422),
        ({"values": {"application.criticality": 3}}, 422),
        ({"values": {"application.team": {"A": {}}}}, 422),
        ({"mapping": {}, "models": None}, 422),
        ({"mapping": {"team": "a\x00"}}, 400),
    ],
)
def test_a_mapping_of_another_form_is_a_sentence(sender, retailer, mapping, status):
    form = {
        "file": SimpleUploadedFile("bots.csv", as_csv(rows(retailer, "Bot")), "text/csv"),
        "mapping": json.dumps(mapping),
    }

    answer = sender.post("/api/v1/intake/csv/", form, format="multipart")

    assert answer.status_code == status, answer.content
    assert not Application.objects.filter(name="Bot").exists()
