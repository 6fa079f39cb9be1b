"""The list of applications: what it says, its orders, its files, and changing many at once."""

import pytest

from apps.accounts.roles import TeamRole
from apps.exposure.engine.table_refresh import refresh
from apps.inventory.actions.exits import record_exit_test
from apps.inventory.models import Application, CachedFinding
from apps.inventory.read_models import refresh_stale_applications
from tests.builders import make_application, make_dependency, make_member, make_offering
from tests.http import csv_rows, file_lines, text_of, workbook_of


@pytest.fixture
def kept(world):
    """The world with a measured way out of the ending model: 40 days of work, ten are left."""
    record_exit_test(
        dependency=world.triage.dependencies.get(role="primary"),
        target=world.sonnet_bedrock,
        tested_on=world.today,
        result="passed",
        by=world.editor,
        facts={"effort_days": 40},
    )
    refresh(on=world.today)
    refresh_stale_applications(on=world.today)
    return world


def test_it_shows_runway_and_findings_and_a_negative_runway_is_loud(kept, as_user):
    page = text_of(as_user(kept.governance).get("/applications/"))

    assert '<tr class="over">' in page
    assert '<b class="late">−30 d</b>' in page
    assert "migration 40 d" in page
    n = CachedFinding.objects.filter(application_id=kept.triage.pk).count()
    link = f'href="/findings/?application={kept.triage.slug}"'
    assert f"{link}>{n}</a>" in page or f'{link} class="late">{n}</a>' in page


def test_a_runway_is_beside_the_model_it_belongs_to(kept, as_user):
    later = make_offering("largest-model", retires_on=None)
    make_dependency(kept.triage, later, traffic_share="0.99")
    refresh_stale_applications(on=kept.today)

    (row,) = [
        row
        for row in as_user(kept.governance).get("/applications/").context["page"].rows
        if row.application == kept.triage
    ]

    assert (row.primary, row.ends_on, row.n_primaries) == (kept.sonnet, kept.sonnet.retires_on, 2)


def test_applications_of_one_name_are_told_apart(kept, as_user):
    twin = make_application(kept.triage.name, team=kept.foreign.team)

    page = text_of(as_user(kept.governance).get("/applications/"))

    assert f"<small>{kept.team.name}, {kept.triage.slug}</small>" in page
    assert f"<small>{kept.foreign.team.name}, {twin.slug}</small>" in page


def test_orders(kept, as_user):
    client = as_user(kept.governance)
    Application.objects.filter(pk=kept.foreign.pk).update(users_affected=9000, monthly_spend=7)

    by_users = text_of(client.get("/applications/?sort=users"))
    by_runway = text_of(client.get("/applications/?sort=runway"))

    assert by_users.index("Clause finder") < by_users.index("Claims triage")
    assert "with recorded users" in by_users
    assert "Mail drafter" not in by_users
    assert "most urgent first" in by_runway
    assert "Clause finder" not in by_runway


def test_the_column_of_an_order_takes_the_place_of_the_last(kept, as_user):
    client = as_user(kept.governance)
    Application.objects.filter(pk=kept.foreign.pk).update(users_affected=9000)

    headers = [column.header for column, _ in client.get("/applications/").context["page"].headers]
    sorted_page = client.get("/applications/?sort=users")
    sorted_headers = [column.header for column, _ in sorted_page.context["page"].headers]

    assert headers[-1] == "Findings"
    assert sorted_headers == [*headers[:-1], "Users"]
    assert "9,000" in text_of(sorted_page)
    assert 'aria-current="true">Users</a>' in text_of(sorted_page)


def test_narrowed_by_finding_and_sorted_by_runway_at_once(kept, as_user):
    client = as_user(kept.governance)

    assert "Mail drafter" in text_of(client.get("/applications/?finding=unresolved"))
    assert "Claims triage" not in text_of(client.get("/applications/?finding=unresolved"))
    page = text_of(client.get("/applications/?finding=any&sort=runway&team=" + kept.team.slug))
    assert "Claims triage" in page
    assert "Mail drafter" not in page


@pytest.mark.parametrize("query", ["", "?sort=name", "?sort=runway", "?q=a&criticality=critical"])
def test_page_csv_and_workbook_have_the_same_rows_in_the_same_order(query, kept, as_user):
    client = as_user(kept.governance)
    page = text_of(client.get("/applications/" + query))

    rows = [line.split(",")[0] for line in file_lines(client.get("/applications.csv" + query))[1:]]
    book = workbook_of(client.get("/applications.xlsx" + query))
    sheet = [row[0].value for row in book.active.iter_rows(min_row=2)]

    assert rows == sheet
    assert rows
    places = [page.index(f">{name}</a>") for name in rows]
    assert places == sorted(places)


def test_a_team_sees_its_own_in_every_order(kept, as_user):
    client = as_user(kept.viewer)
    record_exit_test(
        dependency=kept.foreign.dependencies.get(),
        target=kept.sonnet,
        tested_on=kept.today,
        result="passed",
        by=kept.governance,
        facts={"effort_days": 1},
    )

    for sort in ("name", "runway", "users", "spend", "review"):
        assert "Clause finder" not in text_of(client.get(f"/applications/?sort={sort}"))
    assert "pick" not in text_of(client.get("/applications/"))


def test_an_empty_register_leads_to_the_first_application(world, as_user):
    newcomer = make_member(make_application("gone").team, TeamRole.EDITOR)
    Application.objects.filter(team__in=newcomer.team_roles()).delete()

    assert 'href="/register/"' in text_of(as_user(newcomer).get("/applications/"))
    assert 'href="/register/"' not in text_of(as_user(world.outsider).get("/applications/"))


class TestSeveral:
    path = "/register/several/"

    def test_what_will_change_is_seen_first_then_done_and_can_be_undone(self, world, as_user):
        client = as_user(world.editor)
        asked = {
            "pick": [world.triage.pk, world.drafter.pk],
            "expected": "2",
            "next_review_on": "2027-03-01",
        }

        seen = client.post(self.path, {**asked, "step": "preview"})
        assert "2 applications will change." in text_of(seen)
        assert "– → <b>2027-03-01</b>" in text_of(seen)
        assert not Application.objects.filter(next_review_on="2027-03-01").exists()

        done = client.post(self.path, {**asked, "step": "apply", "reason": "yearly"}, follow=True)
        assert "2 applications were changed." in text_of(done)
        assert Application.objects.filter(next_review_on="2027-03-01").count() == 2

        undo = text_of(done).split('action="/undo/')[1].split('"')[0]
        client.post("/undo/" + undo)
        assert not Application.objects.filter(next_review_on="2027-03-01").exists()

    def test_rows_that_cannot_be_changed_say_why_and_the_others_are(self, world, as_user):
        client = as_user(
            make_member(
                world.team, TeamRole.EDITOR, make_member(world.foreign.team, TeamRole.VIEWER)
            )
        )
        asked = {"pick": [world.triage.pk, world.foreign.pk], "expected": "2", "criticality": "3"}

        seen = client.post(self.path, {**asked, "step": "preview"})
        assert "One application will change" in text_of(
            seen
        ) or "1 application will change" in text_of(seen)
        assert "You need the editor role on" in text_of(seen)

        client.post(self.path, {**asked, "step": "apply"})
        world.triage.refresh_from_db()
        world.foreign.refresh_from_db()
        assert (world.triage.criticality, world.foreign.criticality) == (3, 0)

    def test_everything_that_the_filters_leave(self, world, as_user):
        client = as_user(world.editor)
        asked = {"all": "1", "f.criticality": "important", "expected": "1", "status": "pilot"}

        client.post(self.path, {**asked, "step": "apply"})

        assert list(Application.objects.filter(status="pilot")) == [world.drafter]

    def test_a_list_that_has_changed_meanwhile_is_looked_at_again(self, world, as_user):
        asked = {"all": "1", "expected": "7", "status": "pilot", "step": "apply"}

        answer = as_user(world.editor).post(self.path, asked)

        assert "Review it again before you change the applications" in text_of(answer)
        assert not Application.objects.filter(status="pilot").exists()

    def test_readers_may_not(self, world, as_user):
        assert as_user(world.viewer).get(self.path).status_code == 403
        assert as_user(world.outsider).post(self.path, {"all": "1"}).status_code == 403


def test_lists_cost_the_same_however_long(kept, as_user, django_assert_num_queries):
    client = as_user(kept.governance)
    for _ in range(5):
        make_dependency(
            make_application(team=kept.team, users_affected=3), make_offering(lifecycle="retired")
        )
    refresh(on=kept.today)
    refresh_stale_applications(on=kept.today)

    for query in ("?sort=runway", "?sort=users", "?finding=any"):
        with django_assert_num_queries(18):
            client.get("/applications/" + query)
    with django_assert_num_queries(12):
        client.get("/findings/")


class TestFindings:
    def test_by_kind_with_what_to_do(self, kept, as_user):
        page = text_of(as_user(kept.governance).get("/findings/"))

        assert "Unresolved model" in page
        assert "Identify it under Unresolved models." in page

    def test_narrowed_page_and_csv_agree(self, kept, as_user):
        client = as_user(kept.governance)

        page = text_of(client.get("/findings/?code=unresolved"))
        rows = csv_rows(client.get("/findings.csv?code=unresolved"))

        assert "1 finding matches the filters." in page
        assert [row["Application"] for row in rows] == ["Mail drafter"]

    def test_only_of_what_one_may_see(self, kept, as_user):
        mine = text_of(as_user(kept.viewer).get("/findings/"))

        assert "Mail drafter" in mine
        assert "Clause finder" not in mine
        assert "No findings." in text_of(as_user(kept.outsider).get("/findings/"))
