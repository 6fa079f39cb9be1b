"""The grouped register: one decision for a risk and all that depend on one foundation."""

import re
from datetime import timedelta

import pytest

from apps.accounts.roles import TeamRole
from apps.catalog.models import NodeKind
from apps.common.history.context import audit_context
from apps.common.time import now
from apps.risks.catalogue import load_risk_catalogue
from apps.risks.models import Assessment
from tests.builders import (
    make_application,
    make_assessment,
    make_dependency,
    make_foundation,
    make_member,
    make_node,
    make_offering,
    make_risk,
    make_team,
    make_template,
    make_user,
    make_version,
)
from tests.http import csv_rows, file_lines, visible_text, workbook_of

pytestmark = pytest.mark.django_db
GROUP = "template=R-1&foundation=maker-aurora"


class Aurora:
    """Four dependencies on two offerings of one foundation, of which one application is critical
    and one is accepted. Each offering has the same risk."""

    def __init__(self):
        version = make_version(foundation=make_foundation("maker/aurora", name="Aurora"))
        self.team = make_team("Claims intake", slug="intake")
        self.owner = make_user("rosa", first_name="Rosa", last_name="Lind")
        make_member(self.team, TeamRole.OWNER, self.owner)
        self.template = make_template("R-1", title="It drifts")
        self.offerings = [make_offering(f"aurora-{n}", version=version) for n in range(2)]
        self.risks = [
            make_risk(make_node(NodeKind.OFFERING, offering), self.template)
            for offering in self.offerings
        ]
        names = ("Alpha", "Beta", "Gamma", "Delta")
        self.uses = {
            name: make_dependency(
                make_application(name, team=self.team, criticality=0 if name == "Alpha" else 2),
                self.offerings[number % 2],
            )
            for number, name in enumerate(names)
        }
        make_assessment(
            self.risks[1],
            self.uses["Delta"],
            treatment="accept",
            owner=self.owner,
            accepted_by=self.owner,
            accepted_at=now(),
            accepted_until=now().date() + timedelta(days=40),
            accept_reason="internal",
        )


@pytest.fixture
def aurora():
    return Aurora()


class TestGroups:
    def test_two_offerings_of_a_foundation_are_one_row_with_its_differences(self, aurora, as_user):
        page = visible_text(as_user(aurora.owner).get("/risks/"))

        assert "1 group has 3 inherited risks to decide : 3 unassessed, 1 of them on" in page
        assert "R-1 It drifts Aurora Foundation" in page
        assert "4 1 critical 1 differs 1 critical Kept: 1 accepted 3 unassessed" in page
        assert "Decide for 3" in page

    def test_the_row_leads_to_its_dependencies_one_by_one(self, aurora, as_user):
        client = as_user(aurora.owner)
        page = client.get("/risks/").content.decode()

        (url,) = re.findall(r'<th scope="row"><a href="(/risks/\?[^"]+)">', page)
        listed = client.get(url.replace("&amp;", "&"))

        assert {name for name in aurora.uses if name in visible_text(listed)} == set(aurora.uses)

    def test_the_file_has_the_same_groups(self, aurora, as_user):
        client = as_user(aurora.owner)

        (row,) = csv_rows(client.get("/risks/groups.csv"))
        sheet = workbook_of(client.get("/risks/groups.xlsx")).active

        assert (row["Risk"], row["From"], row["Type of origin"]) == (
            "R-1 It drifts",
            "Aurora",
            "Foundation",
        )
        assert (row["Dependencies"], row["Differences"], row["Accepted"]) == ("4", "1", "1")
        headers, cells = sheet.iter_rows(values_only=True)
        assert list(headers) == list(row)
        assert ["" if cell is None else str(cell) for cell in cells] == list(row.values())

    @pytest.mark.parametrize(
        ("query", "n_rows"),
        [
            ("state=stale", 0),
            ("state=undecided", 1),
            ("criticality=critical", 1),
            ("criticality=low", 0),
            ("team=intake", 1),
            ("q=drift", 1),
            ("q=unlike", 0),
        ],
    )
    def test_filters_select_groups(self, aurora, as_user, query, n_rows):
        client = as_user(aurora.owner)

        page = client.get(f"/risks/?{query}").content.decode()

        assert page.count('form="decide"') == n_rows
        assert len(file_lines(client.get(f"/risks/groups.csv?{query}"))) == n_rows + 1

    def test_an_entry_of_any_framework_is_a_filter(self, aurora, as_user):
        load_risk_catalogue()
        aurora.template.mappings.model.objects.filter(template=aurora.template).delete()
        entry = aurora.template.mappings.model._meta.get_field("entry").related_model
        aurora.template.mappings.create(
            entry=entry.objects.get(code="LLM09"),
            predicate="closeMatch",
            justification="semapv:ManualMappingCuration",
            author="test",
        )
        client = as_user(aurora.owner)

        assert "It drifts" in visible_text(client.get("/risks/?entry=llm09"))
        assert "It drifts" not in visible_text(client.get("/risks/?entry=LLM01"))

    def test_stale_ones_are_not_called_accepted(self, aurora, as_user):
        Assessment.objects.update(
            state="stale", stale_since=now(), stale_cause="event", stale_reason="Alias moved."
        )

        page = visible_text(as_user(aurora.owner).get("/risks/?state=stale&group=none"))

        assert "Delta" in page
        assert "Stale Alias moved." in page
        assert "Accepted until" not in page.split("Delta")[1]

    def test_names_of_people_and_teams_stand_on_the_pages(self, aurora, as_user):
        page = visible_text(as_user(aurora.owner).get("/risks/?group=none"))

        assert "Rosa Lind" in page
        assert "Unassigned" in page
        assert "intake" not in page.split("Spread")[-1].replace("Claims intake", "")

    def test_names_of_people_and_teams_are_in_the_preview_and_the_audit_log(self, aurora, as_user):
        governance = make_user("maren", role="governance", first_name="Maren", last_name="Oduya")
        client = as_user(governance)
        with audit_context(user=aurora.owner, reason="moved"):
            application = aurora.uses["Alpha"].application
            application.criticality = 1
            application.save()

        preview = visible_text(client.post("/risks/assess/", {"group": GROUP, "query": ""}))
        log = visible_text(client.get("/audit/?reason=moved"))

        assert not re.search(r"\bintake\b", preview.replace("Claims intake", ""))
        assert "Rosa Lind" in log
        assert not re.search(r"\brosa\b", log)


class TestDecision:
    def test_the_preview_selects_the_common_case_and_names_what_differs(self, aurora, as_user):
        answer = as_user(aurora.owner).post("/risks/assess/", {"group": GROUP, "query": ""})
        page, text = answer.content.decode(), visible_text(answer)

        assert "One decision for 3 risks of 3 applications." in text
        assert "Critical application" in text
        assert "Exceptions that are kept" in text
        assert "Delta" in text.split("Exceptions that are kept")[1]
        assert "Claims intake" in text
        assert len(re.findall(r'name="pick"[^>]* checked', page)) == 2

    def test_deciding_keeps_the_exception_and_what_was_left_out(self, aurora, as_user):
        client = as_user(aurora.owner)
        preview = client.post("/risks/assess/", {"group": GROUP, "query": ""}).content.decode()
        picks = re.findall(r'name="pick"\s+value="([^"]+)"[^>]* checked', preview)

        answer = client.post(
            "/risks/assess/",
            {
                "group": GROUP,
                "pick": picks,
                "save": "true",
                "decision": "assess",
                "treatment": "reduce",
            },
            follow=True,
        )

        assert "2 risks assessed." in visible_text(answer)
        treatments = dict(
            Assessment.objects.values_list("dependency__application__name", "treatment")
        )
        assert treatments == {"Beta": "reduce", "Gamma": "reduce", "Delta": "accept"}

    def test_filters_of_the_register_limit_the_decision(self, aurora, as_user):
        answer = as_user(aurora.owner).post(
            "/risks/assess/", {"group": GROUP, "query": "criticality=critical"}
        )

        assert "One decision for 1 risk of 1 application." in visible_text(answer)
