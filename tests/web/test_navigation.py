"""Side menu, menu of new records, tabs and redirects."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from apps.accounts.models import Delegation
from apps.common.time import day_of, now
from apps.web.pages.navigation import (
    ACCOUNT,
    GROUPS,
    MAX_COUNTED,
    count_own_issues,
    find_place,
    navigation_for,
)
from apps.web.pages.search_targets import new_records
from apps.web.urls import MOVED
from tests.builders import make_issue
from tests.http import text_of
from tests.web.routes import ENTRANCE, PROFILE, pages

ALL_GROUPS = [group.name for group in GROUPS]
TEAM_GROUPS = ["Home", "Work", "Applications", "Models", "Migrations", "Evidence"]
MENU = [(group, page, tab) for group in (*GROUPS, ACCOUNT) for page in group.pages for tab in page]


def menu_of(response):
    """Return the side menu of the page."""
    return text_of(response).partition('<nav class="side"')[2].partition("</nav>")[0]


def links_of(part):
    """Return {name: (address, mark of the current page)} of the links."""
    return {
        " ".join(re.sub(r"<span.*</span>|<[^>]+>", "", name, flags=re.S).split()): (url, mark)
        for url, mark, name in re.findall(
            r'<a\s+href="([^"]*)"(?:\s+aria-current="(\w+)")?[^>]*>(.*?)</a>', part, re.S
        )
    }


class TestPlaces:
    def test_every_page_belongs_to_a_group_or_to_the_account(self):
        names = [name for name, _ in pages()] + list(PROFILE)

        assert [name for name in names if find_place(name) is None] == []

    @pytest.mark.parametrize("route", ENTRANCE)
    def test_the_entrance_is_outside_the_menu(self, route):
        assert find_place(route) is None

    def test_every_page_of_the_menu_is_a_page(self):
        known = {name for name, _ in pages()}

        assert [tab.route for _, _, tab in MENU if tab.route not in known] == []

    @pytest.mark.parametrize(
        ("route", "group", "page"),
        [
            ("applications:detail", "Applications", "All applications"),
            ("waivers:detail", "Policy", "Release gate"),
            ("exposure:exit-readiness", "Exposure", "Exit readiness"),
            ("exposure:blast-radius", "Exposure", "Concentration"),
            ("campaign-tasks:detail", "Migrations", "Migration tasks"),
            ("teams:detail", "Account and settings", "Settings"),
        ],
    )
    def test_a_detail_page_belongs_to_the_page_of_its_list(self, route, group, page):
        place = find_place(route)

        assert (place.group.name, place.page.name) == (group, page)


class TestSideMenu:
    def test_an_organisation_role_sees_eight_groups(self, world, as_user):
        menu = menu_of(as_user(world.governance).get("/")).partition('class="foot')[0]

        assert list(links_of(menu)) == ALL_GROUPS

    @pytest.mark.parametrize("who", ["editor", "viewer", "outsider"])
    def test_a_team_user_sees_six_groups(self, who, world, as_user):
        menu = menu_of(as_user(getattr(world, who)).get("/")).partition('class="foot')[0]

        assert list(links_of(menu)) == TEAM_GROUPS

    def test_a_team_user_finds_the_way_in_a_group_that_a_link_led_to(self, world, as_user):
        menu = links_of(menu_of(as_user(world.viewer).get("/exposure/")))

        assert menu["Exposure"] == ("/exposure/", "true")
        assert menu["Concentration"] == ("/exposure/", "page")
        assert "Exposure flags" not in menu

    def test_only_the_open_group_shows_its_pages(self, world, as_user):
        menu = links_of(menu_of(as_user(world.governance).get("/applications/")))

        assert menu["Applications"][1] == "true"
        assert menu["All applications"] == ("/applications/", "page")
        assert "Data quality" in menu
        assert "Foundations" not in menu

    def test_the_group_is_open_on_a_detail_page(self, world, as_user):
        client = as_user(world.governance)

        menu = links_of(menu_of(client.get(f"/applications/{world.triage.slug}/")))

        assert menu["All applications"] == ("/applications/", "page")

    @pytest.mark.parametrize(("group", "page", "tab"), MENU, ids=[tab.route for _, _, tab in MENU])
    def test_each_page_opens_under_its_name_in_its_group(self, group, page, tab, world, as_user):
        response = as_user(world.governance).get(reverse(tab.route))

        text = text_of(response)
        heading = re.sub(r"<[^>]+>", "", re.search(r"<h1[^>]*>(.*?)</h1>", text, re.S)[1]).strip()
        assert heading == (page.heading or page.name if tab is page else tab.heading or tab.name)
        assert links_of(menu_of(response))[page.name if len(group.pages) > 1 else group.name][1]
        if page.tabs:
            tabs = text.partition('<nav class="tabs"')[2].partition("</nav>")[0]
            named = page.tab_name if tab is page else tab.name
            assert links_of(tabs)[named] == (reverse(tab.route), "page")

    def test_a_user_who_cannot_import_is_not_sent_there(self, world, as_user):
        client = as_user(world.viewer)

        assert "Import" not in links_of(menu_of(client.get("/applications/")))

    def test_the_menu_costs_two_statements(self, world, django_assert_num_queries):
        world.editor.team_roles()

        with django_assert_num_queries(2):
            navigation_for(world.editor, "applications:detail")


class TestOwnIssues:
    def test_the_badge_counts_the_issues_of_the_user(self, world, as_user):
        make_issue(world.triage, owner=world.editor)
        make_issue(world.triage, owner=None)

        page = menu_of(as_user(world.editor).get("/"))

        assert re.search(r'<span class="n">1<span class="vh"> assigned to you</span></span>', page)

    def test_issues_of_an_absent_owner_count_for_the_deputy(self, world):
        make_issue(world.triage, owner=world.governance)
        today = day_of(now())
        Delegation.objects.create(
            person=world.governance,
            deputy=world.editor,
            since=today,
            until=today + timedelta(days=3),
        )

        assert count_own_issues(world.editor) == "1"

    def test_snoozed_and_resolved_issues_do_not_count(self, world):
        make_issue(
            world.triage, owner=world.editor, snoozed_until=day_of(now()) + timedelta(days=2)
        )
        make_issue(
            world.triage,
            owner=world.editor,
            state="resolved",
            resolution="cause_ended",
            resolved_at=now(),
        )

        assert count_own_issues(world.editor) == ""

    def test_the_count_is_bounded(self, world, monkeypatch):
        monkeypatch.setattr("apps.web.pages.navigation.MAX_COUNTED", 1)
        make_issue(world.triage, owner=world.editor)
        make_issue(world.triage, owner=world.editor)

        assert (count_own_issues(world.editor), MAX_COUNTED) == ("1+", 99)


class TestNewRecords:
    def test_governance_can_make_the_five_things(self, world, as_user):
        page = text_of(as_user(world.governance).get("/"))

        menu = links_of(page.partition('id="new-menu"')[2].partition("</ul>")[0])
        assert list(menu) == [
            "Application",
            "Announced retirement",
            "Approval",
            "Migration",
            "Risk",
        ]
        assert 'popovertarget="new-menu"' in page

    def test_an_editor_can_make_applications(self, world):
        assert [record.short_name for record in new_records(world.editor)] == ["Application"]

    def test_a_viewer_has_no_menu(self, world, as_user):
        assert "new-menu" not in text_of(as_user(world.viewer).get("/"))


class TestMovedAddresses:
    @pytest.mark.parametrize(("old", "route"), MOVED.items())
    def test_the_address_of_before_redirects_with_its_query(self, old, route, world, as_user):
        response = as_user(world.viewer).get(f"/{old}?state=&sort=x")

        assert (response.status_code, response["Location"]) == (
            301,
            f"{reverse(route)}?state=&sort=x",
        )
