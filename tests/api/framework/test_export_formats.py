"""Lists as CSV, workbook and Atom: the same rows, fields, filters and rights, no formula, bounded
memory."""

from xml.etree import ElementTree as ET

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.api.urls import VIEWSETS
from apps.inventory.models import Application
from tests.builders import (
    make_application,
    make_dependency,
    make_event,
    make_member,
    make_offering,
    make_team,
)
from tests.http import csv_rows, file_lines, workbook_of

pytestmark = pytest.mark.django_db

ATOM = {"a": "http://www.w3.org/2005/Atom"}


@pytest.mark.parametrize("resource", sorted(VIEWSETS))
def test_every_list_is_a_file_with_the_fields_of_the_list(reader, resource):
    make_event(make_offering())
    make_dependency(make_application(), make_offering())

    answer = reader.get(f"/api/v1/{resource}/?format=csv")

    assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
    head = file_lines(answer)[0]
    one = reader.get(f"/api/v1/{resource}/").json()["results"]
    if one:
        assert head.split(",") == list(one[0])


def test_rows_filters_order_and_fields_are_those_of_the_list(reader):
    team = make_team("Claims")
    for name, grave in (("b", 1), ("a", 0), ("c", 0)):
        make_application(name, team=team, criticality=grave)
    make_application("elsewhere")

    answer = reader.get(
        f"/api/v1/applications/?format=csv&team={team.slug}&ordering=-id&fields=name,criticality"
    )

    assert [(row["name"], row["criticality"]) for row in csv_rows(answer)] == [
        ("c", "critical"),
        ("a", "critical"),
        ("b", "important"),
    ]
    assert answer["Content-Disposition"] == 'attachment; filename="applications.csv"'


def test_a_member_finds_only_what_the_list_shows(api):
    mine = make_application(team=make_team())
    make_application()

    assert [
        row["slug"]
        for row in csv_rows(
            api(make_member(mine.team)).get("/api/v1/applications/", headers={"Accept": "text/csv"})
        )
    ] == [mine.slug]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
def test_no_cell_is_a_formula(reader, start):
    make_application(purpose=f"{start}HYPERLINK(1)")

    [row] = csv_rows(reader.get("/api/v1/applications/?format=csv"))

    assert row["purpose"].startswith("'")


def test_a_workbook_has_the_same_rows_and_text_stays_text(reader):
    make_application("a", purpose="=1+1", users_affected=7, external_refs={"cmdb": ["x"]})

    answer = reader.get("/api/v1/applications/?format=xlsx")

    sheet = workbook_of(answer).active
    head, row = list(sheet.iter_rows(values_only=True))
    found = dict(zip(head, row, strict=True))
    assert (found["name"], found["purpose"], found["users_affected"]) == ("a", "=1+1", 7)
    assert sheet.cell(2, head.index("purpose") + 1).data_type == "s"


def test_a_file_is_read_in_blocks(reader, monkeypatch):
    monkeypatch.setattr("apps.api.framework.views.EXPORT_BATCH_SIZE", 2)
    for _ in range(5):
        make_application()

    with CaptureQueriesContext(connection) as queries:
        assert len(csv_rows(reader.get("/api/v1/applications/?format=csv&ordering=id"))) == 5

    assert [query["sql"].partition("LIMIT")[2].strip() for query in queries][1:] == ["3", "3", "3"]
    assert Application.objects.count() == 5


@pytest.mark.parametrize(
    ("query", "status"),
    [("format=csv&fields=nonsense", 400), ("format=csv&cursor=x", 400), ("format=pdf", 400)],
)
def test_what_is_wrong_is_said_in_json(reader, query, status):
    answer = reader.get(f"/api/v1/applications/?{query}")

    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")


def test_one_thing_is_no_file(reader):
    application = make_application()

    assert (
        reader.get(
            f"/api/v1/applications/{application.slug}/", headers={"Accept": "text/csv"}
        ).status_code
        == 406
    )


@pytest.mark.parametrize("resource", ["provider-events", "alerts"])
def test_a_feed_is_whole_whatever_fields_are_asked_for(reader, resource):
    make_event(make_offering())

    assert reader.get(f"/api/v1/{resource}/?format=atom&fields=id").status_code == 200


def test_events_and_alerts_are_feeds_for_who_may_read_them(reader, api):
    event = make_event(make_offering("model-\x01<1>"))

    answer = reader.get("/api/v1/provider-events/?format=atom")

    assert answer["Content-Type"].startswith("application/atom+xml")
    feed = ET.fromstring(answer.content)
    [entry] = feed.findall("a:entry", ATOM)
    assert "model-<1>" in entry.find("a:title", ATOM).text
    assert entry.find("a:link", ATOM).get("href").endswith(f"/events/{event.pk}/")
    assert feed.find("a:updated", ATOM).text == entry.find("a:updated", ATOM).text
    again = reader.get(
        "/api/v1/provider-events/?format=atom", headers={"If-None-Match": answer["ETag"]}
    )
    assert again.status_code == 304
    assert (
        ET.fromstring(reader.get("/api/v1/alerts/?format=atom").content).findall("a:entry", ATOM)
        == []
    )
    assert api().get("/api/v1/provider-events/?format=atom").status_code == 401
