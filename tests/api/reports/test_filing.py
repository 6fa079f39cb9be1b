"""The register as filed, for programs."""

import io
import zipfile

import pytest

from apps.common.time import day_of, now
from apps.reports.models import ReportingEntity
from tests.http import body_of
from tests.kept_worlds import kept_world
from tests.reports.insurer import make_insurer

pytestmark = pytest.mark.django_db
CHECK_LIST, PACKAGE = "/api/v1/reports/filing/", "/api/v1/reports/filing/package/"


@pytest.fixture
@kept_world
def insurer():
    insurer = make_insurer(on=day_of(now()))
    ReportingEntity.objects.update(lei="529900T8BM49AURSDO55")
    return insurer


def test_the_check_list_states_the_rule_its_source_and_the_record(insurer, api):
    body = api(insurer.governance).get(CHECK_LIST, {"currency": "USD"}).json()

    assert body["problems"] == []
    assert body["n_rejecting"] <= body["n_findings"] == len(body["findings"])
    finding = next(
        one
        for one in body["findings"]
        if one["template"] == "B_06.01"
        and one["column"] == "0020"
        and one["slug"] == insurer.triage.slug
    )
    assert (finding["rule"], finding["rejects"], finding["place"]) == (
        "closed list",
        True,
        "application",
    )
    assert "2026-11-30" in finding["source"]
    by_code = {one["template"]: one for one in body["templates"]}
    assert len(by_code) == 15
    assert by_code["B_01.01"]["filled_here"] is False
    assert by_code["B_07.01"]["n_rows"] == 1


def test_the_package_is_a_zip_or_a_sentence_says_what_it_needs(insurer, api):
    client = api(insurer.governance)

    answer = client.get(PACKAGE, {"reference_date": str(day_of(now()))})
    assert answer["Content-Type"] == "application/zip"
    assert len(zipfile.ZipFile(io.BytesIO(body_of(answer))).namelist()) == 10
    assert client.get(PACKAGE, {"currency": "abc"}).status_code == 400
    assert client.get(PACKAGE, {"reference_date": "2999-01-01"}).status_code == 400
    ReportingEntity.objects.update(lei="")
    refused = client.get(PACKAGE)
    assert refused.status_code == 409
    assert (
        "LEI of the reporting entity is missing. Governance enters it" in refused.json()["detail"]
    )


def test_teams_may_not_view_contracts_here_either(insurer, api):
    client = api(insurer.editor)

    assert client.get(CHECK_LIST).status_code == 403
    assert client.get(PACKAGE).status_code == 403
