"""Reports over REST: figures, rows in a stream, component files, packs, the board."""

import io
import json
from zipfile import ZipFile

import pytest

from apps.accounts.roles import TeamRole
from apps.common.time import now
from apps.exposure.engine.table_refresh import refresh
from apps.reports.packs.actions import make_waiting_packs
from tests.builders import (
    TODAY,
    make_application,
    make_dependency,
    make_member,
    make_offering,
    make_team,
    make_user,
)
from tests.http import body_of

pytestmark = pytest.mark.django_db

REPORTS = "/api/v1/reports/"


@pytest.fixture
def auditor(api):
    return api(make_user(role="auditor"), "read", "write")


@pytest.fixture
def application():
    application = make_application("Claims assistant", criticality=0)
    make_dependency(application, make_offering())
    refresh(on=TODAY)
    return application


@pytest.mark.parametrize("report", ["register/", "models/"])
def test_figures_say_how_complete_a_report_is_and_where_the_rest_is_entered(
    auditor, application, report
):
    told = auditor.get(f"{REPORTS}{report}").json()

    assert 0 <= told["share"] < 1
    assert told["tables"][-1]["n_rows"] >= 1
    assert {gap["place"] for gap in told["gaps"]} & {
        "organisation",
        "application",
        "provider",
        "statement",
    }


@pytest.mark.proof
def test_rows_come_in_a_stream_as_lines_or_csv(auditor, application):
    lines = auditor.get(f"{REPORTS}models/rows/")
    csv = auditor.get(f"{REPORTS}models/rows/?format=csv")

    [first, *_] = body_of(lines).splitlines()
    assert {"value", "missing", "note"} == set(next(iter(json.loads(first).values())))
    assert csv["Content-Type"].startswith("text/csv")
    assert b"Claims assistant" in body_of(csv)
    named = auditor.get(f"{REPORTS}register/").json()["tables"]
    for table in named:
        answer = auditor.get(f"{REPORTS}register/{table['table']}/")
        assert len(body_of(answer).splitlines()) == table["n_rows"]
    assert auditor.get(f"{REPORTS}register/nothing/").status_code == 404


def test_a_component_file_is_for_who_sees_the_application(auditor, application, api):
    told = auditor.get(f"{REPORTS}components/{application.slug}/").json()

    assert (told["name"], len(told["components"])) == ("Claims assistant", 1)
    assert told["questions"][0]
    outsider = api(make_member(make_team()))
    assert outsider.get(f"{REPORTS}components/{application.slug}/").status_code == 404


def test_the_board_counts_what_the_caller_may_see(auditor, application, api):
    told = auditor.get(f"{REPORTS}board/").json()

    assert (told["n_critical"], told["n_tested"], told["whole_organisation"]) == (1, 0, True)
    assert api(make_member(make_team())).get(f"{REPORTS}board/").json()["n_critical"] == 0


def test_a_pack_is_asked_for_made_and_fetched_by_who_asked(application, api):
    member = api(make_member(application.team, TeamRole.VIEWER), "read", "write")
    asked = {"application": application.slug, "since": "2026-01-01", "until": str(TODAY)}

    answer = member.post("/api/v1/evidence-packs/", asked)

    assert (answer.status_code, answer["Retry-After"]) == (202, "2")
    make_waiting_packs(at=now())
    pack = member.get(answer["Location"]).json()
    assert pack["state"] == "done"
    with ZipFile(io.BytesIO(body_of(member.get(f"{answer['Location']}file/")))) as file:
        assert "manifest.json" in {name.rpartition("/")[2] for name in file.namelist()}
    other = api(make_member(application.team))
    assert other.get(answer["Location"]).status_code == 404
    assert other.get(f"{answer['Location']}file/").status_code == 404


@pytest.mark.parametrize(
    "asked",
    [
        {"since": "2026-02-01", "until": "2026-01-01"},
        {"since": "2001-02-01", "until": "2026-01-01"},
        {"application": "a", "since": "2026-01-01", "until": "2026-02-01"},
        {"since": "9999-01-01", "until": "9999-12-31"},
    ],
)
def test_a_pack_that_cannot_be_is_refused(auditor, asked):
    assert auditor.post("/api/v1/evidence-packs/", asked).status_code in {400, 409}
