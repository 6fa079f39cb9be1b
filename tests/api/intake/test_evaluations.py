"""Evaluation results through the door and the command: figures become evidence, and the file
goes."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from apps.intake.models import ImportContent
from apps.risks.models import Evidence
from tests.builders import make_application
from tests.http import problem_detail
from tests.risks.evaluations.result_files import garak_file, promptfoo_case, promptfoo_file

pytestmark = pytest.mark.django_db
BODY = promptfoo_file(
    promptfoo_case("openai:chat:gpt-4o", True), promptfoo_case("openai:chat:gpt-4o", False, 1)
)


def send(client, body, query=""):
    return client.post(f"/api/v1/intake/evals/{query}", body, content_type="application/json")


def test_a_pipelines_results_are_evidence_about_its_application(sender, retailer):
    answer = send(sender, BODY, f"?application={retailer.shop.slug}")

    assert answer.status_code == 202
    assert answer.json()["counts"]["created"] == 1
    found = Evidence.objects.get()
    assert (found.application, found.offering, found.passed) == (retailer.shop, retailer.gpt, False)
    assert send(sender, BODY, f"?application={retailer.shop.slug}").status_code == 200
    assert not ImportContent.objects.exists()


def test_what_may_not_be_sent_is_answered_with_a_sentence(sender, retailer):
    assert send(sender, BODY).status_code == 403
    assert send(sender, BODY, f"?application={make_application().slug}").status_code == 404
    wrong = send(sender, b"<html>", f"?application={retailer.shop.slug}")
    assert "not a results file of a supported tool" in problem_detail(wrong, 422)
    tool = send(sender, BODY, f"?application={retailer.shop.slug}&tool=excel")
    assert "not a supported tool" in problem_detail(tool, 422)
    assert not Evidence.objects.exists()


def test_the_operator_files_them_by_command(retailer, tmp_path):
    file = tmp_path / "report.jsonl"
    file.write_bytes(
        garak_file(
            [
                {"entry_type": "init", "garak_version": "0.17"},
                {"entry_type": "eval", "probe": "dan.X", "detector": "y", "passed": 1, "total": 2},
            ]
        )
    )
    out = io.StringIO()

    call_command("ingest", "evals", str(file), application=retailer.shop.slug, stdout=out)

    assert json.loads(out.getvalue()) == {
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "rejected": [],
    }
    assert Evidence.objects.get().kind == "red_team"
    file.write_bytes(b"x")
    with pytest.raises(CommandError, match="not a results file"):
        call_command("ingest", "evals", str(file))
