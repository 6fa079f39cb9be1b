"""Long workbooks: asked for on a page, written by a worker, fetched for a week by who asked."""

from datetime import timedelta

import pytest
from django.urls import reverse

from apps.common.time import day_of, now
from apps.inventory import export_files
from apps.inventory.models import Application, ListExport
from apps.web import tasks
from apps.web.file_exports import write_export
from apps.web.pages import background_files
from tests.builders import make_application
from tests.http import text_of, workbook_of


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Two rows are many here, and no broker is asked."""
    monkeypatch.setattr(background_files, "MAX_ROWS_PER_REQUEST", 1)
    monkeypatch.setattr(tasks.write_one_file, "delay", lambda pk: None)


def asked(client, address):
    """What following the link to a long file leads to: (the page, the file that it asks for)."""
    offered = client.get(address, follow=True)
    offer = offered.context["asked"]
    client.post(reverse("files:create"), {"make": offer.kind, "query": offer.query})
    return offered, ListExport.objects.latest("pk")


def sheet_of(response, name=None):
    book = workbook_of(response)
    return list((book[name] if name else book.active).iter_rows(values_only=True))


def test_a_long_list_is_written_by_a_worker_and_fetched_by_who_asked(world, as_user):
    client = as_user(world.governance)
    make_application(team=world.team, name="Zebra crossing")

    offered, file = asked(client, reverse("applications:xlsx") + "?sort=-name&page=7")
    assert "Applications: the file is written in the background." in text_of(offered)
    waiting = text_of(client.get(reverse("files:detail", args=[file.pk])))
    assert "is being written." in waiting
    assert "Waiting for a worker" in waiting
    assert client.get(reverse("files:download", args=[file.pk])).status_code == 404

    assert tasks.write_files() == 1
    assert tasks.write_files() == 0
    done = client.get(reverse("files:progress", args=[file.pk]))
    assert done["HX-Refresh"] == "true"
    n = Application.objects.count()
    assert f"is ready: {n} rows." in text_of(client.get(reverse("files:detail", args=[file.pk])))
    rows = sheet_of(client.get(reverse("files:download", args=[file.pk])))
    assert len(rows) == n + 1
    assert rows[1][0] == "Zebra crossing"
    assert as_user(world.editor).get(reverse("files:detail", args=[file.pk])).status_code == 404


def test_it_holds_what_the_asker_sees_and_goes_with_the_right_to_see_it(world, as_user):
    make_application(team=world.team)
    client = as_user(world.viewer)

    _offered, file = asked(client, reverse("imports:inventory-xlsx"))
    tasks.write_files()

    body = client.get(reverse("files:download", args=[file.pk]))
    names = {row[0] for row in sheet_of(body, "Applications")[1:]}
    assert names == set(Application.objects.filter(team=world.team).values_list("slug", flat=True))
    world.viewer.memberships.all().delete()
    assert as_user(world.viewer).get(reverse("files:download", args=[file.pk])).status_code == 404


@pytest.mark.proof
@pytest.mark.parametrize("route", ["reports:model-inventory-xlsx", "reports:register-xlsx"])
def test_reports_of_many_are_written_so_too(world, as_user, route):
    make_application(team=world.team)
    client = as_user(world.governance)

    _offered, file = asked(client, reverse(route))
    tasks.write_files()

    file.refresh_from_db()
    assert (file.state, file.error) == ("done", "")
    assert sheet_of(client.get(reverse("files:download", args=[file.pk])))


@pytest.mark.proof
def test_short_lists_come_at_once(world, as_user, monkeypatch):
    monkeypatch.setattr(background_files, "MAX_ROWS_PER_REQUEST", 5_000)
    client = as_user(world.governance)

    for route in ("applications:xlsx", "reports:model-inventory-xlsx", "reports:register-xlsx"):
        assert client.get(reverse(route)).status_code == 200
    assert not ListExport.objects.exists()


def test_asking_twice_gives_the_file_that_is_being_written(world, as_user):
    make_application(team=world.team)
    client = as_user(world.governance)

    _first, one = asked(client, reverse("applications:xlsx"))
    _second, two = asked(client, reverse("applications:xlsx"))

    assert one == two
    assert client.post(reverse("files:create"), {"make": "nothing"}).status_code == 404


@pytest.mark.proof
def test_what_fails_says_why_and_a_lost_worker_is_tried_three_times(world, as_user, monkeypatch):
    make_application(team=world.team)
    client, at = as_user(world.governance), now()
    _offered, file = asked(client, reverse("applications:xlsx"))
    ListExport.objects.filter(pk=file.pk).update(kind="forgotten")
    assert export_files.write_file(file.pk, write=write_export, at=at)
    page = text_of(client.get(reverse("files:detail", args=[file.pk])))
    assert "could not be written" in page
    assert "Files of the type" in page

    ListExport.objects.filter(pk=file.pk).update(
        kind="applications", state="running", attempts=2, started_at=at - timedelta(hours=1)
    )
    assert export_files.write_file(file.pk, write=write_export, at=at)
    ListExport.objects.filter(pk=file.pk).update(
        state="running", attempts=3, started_at=at - timedelta(hours=1)
    )
    assert not export_files.write_file(file.pk, write=write_export, at=at)
    file.refresh_from_db()
    assert file.state == "failed"
    assert "failed after 3 attempts because the worker stopped" in file.error


@pytest.mark.proof
def test_it_is_kept_for_a_week_and_the_latest_of_each_person(world, as_user, monkeypatch):
    make_application(team=world.team)
    client, today = as_user(world.governance), day_of(now())
    made = []
    for query in ("", "?sort=-name"):
        made.append(asked(client, reverse("applications:xlsx") + query)[1])
        tasks.write_files()

    assert export_files.delete_expired_files(on=today + timedelta(6)) == 0
    monkeypatch.setattr(export_files, "MAX_FILES_PER_USER", 1)
    assert export_files.delete_expired_files(on=today) == 1
    assert client.get(reverse("files:download", args=[made[0].pk])).status_code == 404
    assert export_files.delete_expired_files(on=today + timedelta(7)) == 1
    page = text_of(client.get(reverse("files:detail", args=[made[1].pk])))
    assert "It is no longer stored." in page
    assert "Write file again" in page


def test_the_list_costs_the_same_however_many_there_are(world, as_user, django_assert_num_queries):
    make_application(team=world.team)
    client = as_user(world.governance)
    asked(client, reverse("applications:xlsx"))
    with django_assert_num_queries(6):
        client.get(reverse("files:list"))
    tasks.write_files()
    for query in ("?sort=-name", "?sort=criticality", "?sort=-criticality"):
        asked(client, reverse("applications:xlsx") + query)
    with django_assert_num_queries(6):
        assert client.get(reverse("files:list")).context["listing"].n_found > 1
