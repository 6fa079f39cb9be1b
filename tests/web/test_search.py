"""Search for people, states, actions and pages, beside the records."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from apps.catalog.filters import OfferingFilter
from apps.common.time import day_of, now
from apps.exposure.campaigns.filters import CampaignTaskFilter
from apps.exposure.filters import ExposureFlagFilter
from apps.inventory.filters import ApplicationFilter
from apps.inventory.governance.filters import ApprovalFilter
from apps.issues.filters import IssueFilter
from apps.risks.filters import InheritedRiskFilter
from apps.web.pages.search_targets import ACTIONS, LISTS
from tests.builders import make_issue, make_user
from tests.http import text_of

FILTERS = {
    "applications:list": ApplicationFilter,
    "approvals:list": ApprovalFilter,
    "campaign-tasks:list": CampaignTaskFilter,
    "exposure-flags:list": ExposureFlagFilter,
    "inherited-risks:list": InheritedRiskFilter,
    "issues:list": IssueFilter,
    "offerings:list": OfferingFilter,
}


@pytest.fixture
def found(as_user):
    def search(user, words):
        """Return {heading: {name: address}} of what the user finds."""
        page = text_of(as_user(user).get("/search/", {"q": words}, headers={"HX-Request": "true"}))
        groups = re.split(r"<h2>(.*?)</h2>", page)[1:]
        return {
            heading: {
                " ".join(name.split()): url.replace("&amp;", "&")
                for url, name in re.findall(r'<a href="([^"]*)">\s*<span>(.*?)</span>', part, re.S)
            }
            for heading, part in zip(groups[::2], groups[1::2], strict=True)
        }

    return search


@pytest.fixture
def ilse(world):
    world.editor.first_name, world.editor.last_name = "Ilse", "Brandt"
    world.editor.save()
    return world.editor


class TestStates:
    def test_retired_leads_to_the_lists_of_what_is_retired(self, world, found):
        lists = found(world.governance, "retired")["Filtered lists"]

        assert lists["Retired models"] == "/offerings/?lifecycle=retired"
        assert lists["Retired applications"] == "/applications/?status=retired"
        assert lists["Retired models still in use"] == (
            f"/work/?kind=retirement&due_before={day_of(now())}"
        )

    @pytest.mark.parametrize(
        ("words", "name", "address"),
        [
            ("deprecated", "Deprecated models", "/offerings/?lifecycle=deprecated"),
            ("unassigned", "Unassigned issues", "/work/?owner=unassigned"),
            ("late", "Late issues", f"/work/?due_before={day_of(now())}"),
            ("late", "Overdue migration tasks", "/campaigns/tasks/?overdue=true"),
            ("my", "Issues assigned to you", "/work/?owner=me"),
        ],
    )
    def test_a_state_leads_to_its_filtered_list(self, words, name, address, world, found):
        assert found(world.viewer, words)["Filtered lists"][name] == address

    def test_the_list_shows_what_the_state_says(self, world, as_user):
        make_issue(world.triage, due_on=day_of(now()) - timedelta(days=2))
        make_issue(world.drafter, due_on=day_of(now()) + timedelta(days=20))
        late = next(target for target in LISTS if target.name == "Late issues")

        rows = text_of(as_user(world.viewer).get(late.url)).partition("<tbody")[2]

        assert "Claims triage" in rows
        assert "Mail drafter" not in rows

    def test_flags_are_found_by_those_who_can_view_them(self, world, found):
        assert "Open exposure flags" in found(world.governance, "flags")["Filtered lists"]
        assert "Open exposure flags" not in found(world.viewer, "flags").get("Filtered lists", {})

    @pytest.mark.parametrize("target", LISTS, ids=lambda target: target.name)
    def test_each_list_opens_with_a_filter_that_it_has(self, target, world, as_user):
        assert as_user(world.governance).get(target.url).status_code == 200
        if target.query:
            query = QueryDict(target.url.partition("?")[2])
            filterset = FILTERS[target.route](query)
            assert set(query) <= set(filterset.filters)
            assert filterset.is_valid(), filterset.errors


class TestActions:
    @pytest.mark.parametrize(
        ("words", "name", "address"),
        [
            ("announce", "Announce retirement", "/retirements/announce/"),
            ("import", "Import inventory", "/imports/"),
            ("new approval", "New approval", "/approvals/new/"),
            ("block", "New approval", "/approvals/new/"),
            ("migrate", "Start migration", "/campaigns/new/"),
        ],
    )
    def test_an_action_leads_to_its_form(self, words, name, address, world, found):
        assert found(world.governance, words)["Actions"][name] == address

    def test_a_viewer_finds_no_action_of_governance(self, world, found):
        assert "Actions" not in found(world.viewer, "announce")

    @pytest.mark.parametrize("target", ACTIONS, ids=lambda target: target.name)
    def test_whoever_finds_an_action_can_open_its_form(self, target, world, as_user):
        for user in (world.governance, world.editor, world.viewer, make_user(role="admin")):
            if target.is_available_to(user):
                assert as_user(user).get(target.url).status_code == 200


class TestPeople:
    @pytest.mark.parametrize("words", ["Ilse Brandt", "brandt", "ilse b"])
    def test_a_person_is_found_by_name_with_their_issues(self, words, ilse, world, found, as_user):
        make_issue(world.triage, owner=ilse)
        make_issue(world.drafter)

        people = found(world.viewer, words)["People"]

        assert people == {"Ilse Brandt": f"/work/?person={ilse.pk}"}
        rows = text_of(as_user(world.viewer).get(people["Ilse Brandt"])).partition("<tbody")[2]
        assert "Claims triage" in rows
        assert "Mail drafter" not in rows

    def test_an_organisation_role_finds_a_person_by_address(self, ilse, world, found):
        assert "Ilse Brandt" in found(world.governance, ilse.email)["People"]
        assert "People" not in found(world.outsider, ilse.email)

    def test_an_address_is_shown_to_those_who_may_view_it(self, ilse, world, as_user):
        def hits(user):
            return text_of(as_user(user).get("/search/?q=brandt"))

        assert ilse.email in hits(world.governance)
        assert ilse.email in hits(world.viewer)
        assert ilse.email not in hits(world.outsider)


class TestPages:
    @pytest.mark.parametrize(
        ("words", "name", "address"),
        [
            ("delivery log", "Delivery log", "/deliveries/"),
            ("deliveries", "Delivery log", "/deliveries/"),
            ("identity", "Unresolved models", "/identity/"),
            ("choosing", "Comparisons", "/choosing/"),
            ("seen in use", "Observed usage", "/intake/"),
            ("campaigns", "Migrations", "/campaigns/"),
            ("overview", "Home", "/"),
            ("what if", "What-if scenarios", "/what-if/"),
            ("waivers", "Waivers", "/gate/waivers/"),
        ],
    )
    def test_a_page_is_found_by_its_name_and_former_name(self, words, name, address, world, found):
        assert found(world.governance, words)["Pages"][name] == address


def test_the_number_of_statements_is_the_same_for_any_words(world, as_user):
    client = as_user(world.governance)

    def count(words):
        with CaptureQueriesContext(
            connection,
        ) as statements:
            client.get("/search/", {"q": words})
        return len(statements)

    assert count("retired") == count("announce") == count("zzzz") <= 30
