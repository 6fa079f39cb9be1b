"""List pages: one declaration makes the page, its CSV, its workbook and its long file."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.urls import reverse

from apps.inventory.governance.contracts import register_contract
from apps.inventory.models import ListExport
from apps.web import tasks
from apps.web.lists.computed_rows import ComputedRows, PagedRows
from apps.web.lists.list_page import find_list_page
from apps.web.pages import background_files
from apps.web.urls import ROUTES
from tests.builders import make_provider
from tests.http import csv_rows, text_of, workbook_of

LIST_PAGES = {
    list_page.file_kind(): list_page
    for routes in ROUTES.values()
    for route in routes
    if (list_page := getattr(route.callback, "list_page", None))
}
# those below a record have tests of their own
WHOLE_LISTS = {
    kind: list_page
    for kind, list_page in LIST_PAGES.items()
    for routes in (ROUTES[list_page.namespace],)
    for route in routes
    if route.name == list_page.route and not route.pattern.converters
}


@pytest.fixture
def contracts(world):
    """Three contracts; the first ends soon, the last has no end."""
    party = make_provider("anthropic-eu", name="Anthropic EU")
    ends = (world.today + timedelta(40), world.today + timedelta(400), None)
    return [
        register_contract(
            party=party,
            ref=f"REF-{number}",
            facts={"ends_on": end, "annual_cost": number * 100},
            by=world.governance,
        )
        for number, end in enumerate(ends, start=1)
    ]


def sheet_rows(response):
    return [list(row) for row in workbook_of(response).active.iter_rows(values_only=True)]


def addresses_of(list_page):
    """The addresses of the page, its CSV and its workbook."""
    names = (list_page.route, *map(list_page.name_file_route, ("csv", "xlsx")))
    return [reverse(f"{list_page.namespace}:{name}") for name in names]


@pytest.mark.parametrize("kind", LIST_PAGES)
def test_every_list_has_at_most_six_columns_each_with_a_header_of_its_own(kind):
    list_page = LIST_PAGES[kind]

    headers = [column.header for column in list_page.columns]
    file_headers = [column.header for column in list_page.all_file_columns()]

    assert len(headers) <= 6
    assert len(set(headers)) == len(headers)
    assert len(set(file_headers)) == len(file_headers)


@pytest.mark.parametrize("kind", WHOLE_LISTS)
def test_the_files_of_every_list_have_its_columns(kind, world, as_user):
    client = as_user(world.governance)
    list_page = WHOLE_LISTS[kind]
    headers = [column.header for column in list_page.all_file_columns()]
    page_url, csv_url, xlsx_url = addresses_of(list_page)

    page = client.get(page_url)
    lines = b"".join(client.get(csv_url)).decode("utf-8-sig").splitlines()
    sheet = sheet_rows(client.get(xlsx_url))

    assert find_list_page(kind) is list_page
    assert page.status_code == 200
    assert sheet[0] == headers
    assert lines[0].replace('"', "").split(",") == headers


def test_page_csv_and_workbook_have_the_rows_that_the_address_selects(world, contracts, as_user):
    client = as_user(world.governance)
    query = "?q=ref-&sort=-ends"

    page = text_of(client.get(f"/contracts/{query}"))
    rows = csv_rows(client.get(f"/contracts.csv{query}"))
    sheet = sheet_rows(client.get(f"/contracts.xlsx{query}"))

    expected = ["REF-3", "REF-2", "REF-1"]
    assert [row["Reference"] for row in rows] == expected
    assert [row[0] for row in sheet[1:]] == expected
    assert [page.index(ref) for ref in expected] == sorted(page.index(ref) for ref in expected)
    assert "3 contracts match the filters." in page


def test_an_order_that_needs_a_value_leaves_out_rows_without_it(world, contracts, as_user):
    client = as_user(world.governance)
    contracts[1].annual_cost = None
    contracts[1].save()

    rows = csv_rows(client.get("/contracts.csv?sort=cost"))

    assert [row["Reference"] for row in rows] == ["REF-3", "REF-1"]


def test_a_wrong_filter_says_what_is_wrong_and_shows_every_row(world, contracts, as_user):
    page = text_of(as_user(world.governance).get("/contracts/?ends_before=soon"))

    assert "Enter a valid date." in page
    assert "REF-1" in page


def test_a_long_workbook_is_written_by_a_worker_with_the_same_rows(
    world, contracts, as_user, monkeypatch
):
    monkeypatch.setattr(background_files, "MAX_ROWS_PER_REQUEST", 1)
    monkeypatch.setattr(tasks.write_one_file, "delay", lambda pk: None)
    client = as_user(world.governance)

    offer = client.get("/contracts.xlsx?sort=-ends", follow=True).context["asked"]
    client.post(reverse("files:create"), {"make": offer.kind, "query": offer.query})
    tasks.write_files()
    file = ListExport.objects.get()
    sheet = sheet_rows(client.get(reverse("files:download", args=[file.pk])))

    assert file.n_rows == 3
    assert [row[0] for row in sheet[1:]] == ["REF-3", "REF-2", "REF-1"]


def test_htmx_gets_the_rows_with_the_lead_and_no_page_around_them(world, contracts, as_user):
    answer = as_user(world.governance).get("/contracts/?q=REF-2", headers={"HX-Request": "true"})

    text = text_of(answer)
    assert "<html" not in text
    assert "REF-2" in text
    assert "REF-1" not in text
    assert "1 contract matches the filters." in text
    assert 'hx-swap-oob="true"' in text


def test_computed_rows_are_sorted_sliced_and_counted_like_those_of_a_queryset():
    rows = ComputedRows(
        [
            SimpleNamespace(name="b", team=SimpleNamespace(size=1)),
            SimpleNamespace(name="a", team=SimpleNamespace(size=None)),
            SimpleNamespace(name="c", team=SimpleNamespace(size=2)),
        ]
    )

    assert [row.name for row in rows.order_by("team__size", "name")] == ["b", "c", "a"]
    assert [row.name for row in rows.order_by("-team__size")] == ["a", "c", "b"]
    assert [row.name for row in rows.order_by()] == ["b", "a", "c"]
    assert [row.name for row in rows[1:]] == ["a", "c"]
    assert rows[:2].count() == 2


def test_paged_rows_read_the_page_that_is_shown_and_count_no_further_than_asked():
    asked = []

    class Numbers:
        def count(self, *, limit):
            return min(limit, 120)

        def page(self, *, limit, offset=0):
            asked.append((offset, limit))
            return list(range(120))[offset : offset + limit]

    rows = PagedRows(Numbers())

    assert list(rows.order_by("-name")[100:150]) == list(range(100, 120))
    assert asked == [(100, 50)]
    assert rows[:50].count() == 50
    assert list(rows.iterator(chunk_size=500)) == list(range(120))
