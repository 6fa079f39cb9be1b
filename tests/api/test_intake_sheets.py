"""Sheets through the door for programs: applied at once, with the sender's rights."""

import pytest

from apps.accounts.models import ApiToken
from apps.intake import carrying
from apps.intake.models import TokenBinding
from apps.intake.sheets import sending
from apps.intake.tasks import carry_out_import
from apps.inventory.models import Application
from tests.api.intake_worlds import make_world, post
from tests.builders import make_application, make_team
from tests.intake.sheets.files import as_csv, as_xlsx

pytestmark = pytest.mark.django_db

HEADS = ["Application name", "Team", "Host", "Model"]


@pytest.fixture
def world():
    return make_world()


@pytest.fixture
def sender(api, world):
    return api(world.editor, "intake")


def rows(world, *names):
    return [HEADS, *([name, world.team.slug, "openai", "gpt-4o"] for name in names)]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_sheet_is_read_and_applied_at_once(sender, world, kind):
    content = as_csv(rows(world, "New bot")) if kind == "csv" else as_xlsx({"A": rows(world, "New bot")})

    answer = post(sender, content, kind=kind, type="text/csv" if kind == "csv" else "application/octet-stream")

    assert (answer.status_code, answer.json()["status"]) == (202, "done"), answer.content
    assert Application.objects.get(name="New bot").dependencies.get().offering == world.gpt
    again = post(sender, content, kind=kind, type="application/octet-stream")
    assert (again.status_code, again.json()["id"]) == (200, answer.json()["id"])


def test_rows_about_others_are_refused_with_their_place(api, sender, world):
    elsewhere = make_team("Elsewhere")
    make_application("Theirs", team=elsewhere)
    content = as_csv([*rows(world, "Mine"), ["Theirs", elsewhere.slug, "openai", "gpt-4o"]])

    said = post(sender, content, kind="csv", type="text/csv").json()

    assert (said["status"], len(said["rejected"])) == ("partial", 1)
    assert said["rejected"][0]["where"].startswith("row 3")
    assert api(world.editor).get(f"/api/v1/imports/{said['id']}/").json()["rejected"] == said["rejected"]
    assert not Application.objects.get(name="Theirs").dependencies.exists()


def test_a_sheet_about_one_application_need_not_name_it(sender, world):
    content = as_csv([["Host", "Model"], ["openai", "gpt-4o"]])

    assert post(sender, content, kind="csv", type="text/csv").status_code == 422
    answer = post(sender, content, f"?application={world.shop.slug}", kind="csv", type="text/csv")

    assert answer.status_code == 202, answer.content
    assert world.shop.dependencies.get().offering == world.gpt


def test_a_large_sheet_is_applied_by_a_worker(sender, world, monkeypatch):
    monkeypatch.setattr(sending, "AT_ONCE_BYTES", 10)
    monkeypatch.setattr(carrying, "send", lambda pk: None)

    said = post(sender, as_csv(rows(world, "New bot")), kind="csv", type="text/csv").json()
    assert said["status"] == "queued"
    carry_out_import(said["id"])

    assert Application.objects.get(name="New bot").dependencies.exists()


def test_a_key_stands_for_one_sheet_and_a_bound_token_for_one_application(api, sender, world):
    first = post(sender, as_csv(rows(world, "A")), kind="csv", type="text/csv", **{"Idempotency-Key": "k"})
    other = post(sender, as_csv(rows(world, "B")), kind="csv", type="text/csv", **{"Idempotency-Key": "k"})
    bound = api(world.editor, "intake")
    TokenBinding.objects.create(token=ApiToken.objects.latest("pk"), application=world.shop)

    assert (first.status_code, other.status_code) == (202, 422)
    assert post(bound, as_csv(rows(world, "C")), kind="csv", type="text/csv").status_code == 403


def test_no_sheet_at_all_is_a_sentence(sender):
    answer = post(sender, b"\x00\x01\x02", kind="xlsx", type="application/octet-stream")

    assert answer.status_code == 422
    assert post(sender, b"a;b", kind="csv").status_code == 415, "JSON is no sheet"
