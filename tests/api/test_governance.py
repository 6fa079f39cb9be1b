"""Choosing over REST: contracts, documents, decisions, selections and scorecards, and who may read
which of it."""

import pytest

from apps.accounts.roles import TeamRole
from apps.exposure.diligence.scorecard_facts import NOT_SHOWN
from apps.inventory.models import Approval, Contract, Selection
from tests.builders import (
    make_application,
    make_dependency,
    make_member,
    make_offering,
    make_team,
    make_user,
)

pytestmark = pytest.mark.django_db

CONTRACTS, ITEMS, APPROVALS, SELECTIONS = (
    f"/api/v1/{resource}/" for resource in ("contracts", "annex-items", "approvals", "selections")
)


class PaymentsTeam:
    def __init__(self):
        self.team = make_team("Payments")
        self.offering = make_offering("model")
        self.foundation = self.offering.version.foundation
        self.application = make_application("Claims", team=self.team, geography="US")
        self.dependency = make_dependency(self.application, self.offering)
        self.people = {
            "governance": make_user("gus", role="governance"),
            "auditor": make_user(role="auditor"),
            "owner": make_member(self.team, TeamRole.OWNER),
            "outsider": make_member(make_team(), TeamRole.OWNER),
        }


@pytest.fixture
def payments():
    return PaymentsTeam()


@pytest.fixture
def client(api, payments):
    return api(payments.people["governance"], "read", "write")


class TestContracts:
    def test_registered_and_changed(self, client, payments):
        made = client.post(
            CONTRACTS, {"party": payments.offering.host.slug, "ref": "C-1", "exit_clause": "yes"}
        )
        assert made.status_code == 201
        address = f"{CONTRACTS}{made.json()['id']}/"

        changed = client.patch(address, {"annual_cost": "1000.00", "reason": "new offer"}).json()

        assert (changed["annual_cost"], changed["exit_clause"], changed["ref"]) == (
            "1000.00",
            "yes",
            "C-1",
        )
        assert client.get(address).json() == changed
        latest = Contract.history.rel.related_model.objects.order_by("pgh_id").last()
        assert latest.pgh_context.metadata["reason"] == "new offer"

    def test_what_the_register_of_information_asks_is_written_read_and_narrowed_by(
        self, client, payments
    ):
        asked = {
            "stores_data": "yes",
            "processing_country": "ie",
            "termination_reason": "breach",
            "last_audit_on": "2026-01-31",
        }

        made = client.post(
            CONTRACTS, {"party": payments.offering.host.slug, "ref": "C-1", **asked}
        ).json()

        kept = {**asked, "processing_country": "IE"}
        assert {name: made[name] for name in kept} == kept
        for question in (
            "stores_data=yes",
            "termination_reason=breach",
            "audited_before=2026-02-01",
        ):
            assert [
                row["id"] for row in client.get(f"{CONTRACTS}?{question}").json()["results"]
            ] == [made["id"]]
        cleared = {
            "stores_data": "",
            "processing_country": "",
            "termination_reason": "",
            "last_audit_on": None,
        }
        now = client.patch(f"{CONTRACTS}{made['id']}/", cleared).json()
        assert {name: now[name] for name in cleared} == cleared
        for question in (
            "stores_data=yes",
            "termination_reason=breach",
            "audited_before=2026-02-01",
        ):
            assert client.get(f"{CONTRACTS}?{question}").json()["results"] == []

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"ref": ""}, "ref"),
            ({"party": "nobody"}, "party"),
            ({"annual_cost": "-1"}, "annual_cost"),
            ({"ends_on": "9999-12-31"}, "ends_on"),
            ({"exit_clause": "perhaps"}, "exit_clause"),
            ({"stores_data": "perhaps"}, "stores_data"),
            ({"last_audit_on": "9999-12-31"}, "last_audit_on"),
            ({"termination_reason": "boredom"}, "termination_reason"),
            ({"processing_country": "Ireland"}, "processing_country"),
            ({"starts_on": "2026-02-02", "ends_on": "2026-01-01"}, ""),
        ],
    )
    def test_a_wrong_value_is_refused_by_its_field(self, client, payments, body, field):
        answer = client.post(
            CONTRACTS, {"party": payments.offering.host.slug, "ref": "C-1", **body}
        )

        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)

    def test_the_party_stays(self, client, payments):
        made = client.post(CONTRACTS, {"party": payments.offering.host.slug, "ref": "C-1"}).json()

        answer = client.patch(
            f"{CONTRACTS}{made['id']}/", {"party": payments.foundation.developer.slug}
        )

        assert answer.json()["errors"][0]["field"] == "party"

    def test_others_do_not_know_that_they_exist_and_the_auditor_reads(self, api, client, payments):
        made = client.post(CONTRACTS, {"party": payments.offering.host.slug, "ref": "C-1"}).json()
        address = f"{CONTRACTS}{made['id']}/"

        auditor, owner = (
            api(payments.people[who], "read", "write") for who in ("auditor", "owner")
        )

        assert (auditor.get(address).status_code, auditor.patch(address, {}).status_code) == (
            200,
            403,
        )
        assert (owner.get(address).status_code, owner.patch(address, {}).status_code) == (404, 404)
        assert owner.get(CONTRACTS).json()["results"] == []
        assert owner.post(CONTRACTS, {}).status_code == 403


class TestAnnexItems:
    def test_asked_for_and_noted(self, client, payments):
        asked = client.post(
            f"{ITEMS}request/", {"foundation": payments.foundation.slug, "on": "2026-11-01"}
        ).json()
        assert (len(asked), {row["due_on"] for row in asked}) == (11, {"2026-11-15"})

        noted = client.post(
            f"{ITEMS}note/",
            {"foundation": payments.foundation.slug, "item": "1h", "status": "received"},
        ).json()

        assert (noted["status"], noted["noted_by"]) == ("received", "gus")
        assert (
            len(client.get(f"{ITEMS}?status=requested&due_before=2026-11-16").json()["results"])
            == 10
        )

    def test_what_is_refused_says_why(self, client, payments):
        public = client.post(
            f"{ITEMS}note/",
            {"foundation": payments.foundation.slug, "item": "1h", "status": "public"},
        )
        unknown = client.post(
            f"{ITEMS}request/", {"foundation": payments.foundation.slug, "items": ["9z"]}
        )

        assert (public.status_code, unknown.status_code) == (409, 400)

    @pytest.mark.parametrize("who", ["auditor", "owner"])
    def test_only_governance_asks(self, api, payments, who):
        answer = api(payments.people[who], "write").post(
            f"{ITEMS}request/", {"foundation": payments.foundation.slug}
        )

        assert answer.status_code == 403


class TestApprovals:
    def decide(self, client, payments, **body):
        return client.post(
            APPROVALS, {"foundation": payments.foundation.slug, "reason": "because", **body}
        )

    def test_decided_replaced_and_revoked(self, client, payments):
        made = self.decide(client, payments, decision="blocked")
        assert (made.status_code, made.json()["standing"], made.json()["approver"]) == (
            201,
            True,
            "gus",
        )
        assert self.decide(client, payments, decision="blocked").status_code == 409

        replaced = client.post(
            f"{APPROVALS}{made.json()['id']}/replace/",
            {
                "decision": "restricted",
                "reason": "for some",
                "expires_on": "2099-01-01",
                "regions": ["EU"],
                "criticalities": ["standard", "low"],
            },
        )
        assert replaced.status_code == 201
        assert replaced.json()["criticalities"] == ["standard", "low"]
        assert not client.get(f"{APPROVALS}{made.json()['id']}/").json()["standing"]

        revoked = client.post(
            f"{APPROVALS}{replaced.json()['id']}/revoke/", {"reason": "no longer"}
        ).json()
        assert (revoked["standing"], revoked["revoked_by"]) == (False, "gus")
        assert client.get(f"{APPROVALS}?standing=true").json()["results"] == []

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"decision": "perhaps"}, "decision"),
            ({"decision": "blocked", "offering": True}, ""),
            ({"decision": "blocked", "foundation": "unknown"}, "foundation"),
            ({"decision": "approved"}, ""),
            (
                {"decision": "restricted", "expires_on": "2099-01-01", "criticalities": ["deadly"]},
                "criticalities.0",
            ),
        ],
    )
    def test_a_wrong_value_is_refused_by_its_field(self, client, payments, body, field):
        if "offering" in body:
            body = {**body, "offering": payments.offering.pk}

        answer = self.decide(client, payments, **body)

        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)

    def test_what_stands_against_it_is_shown_as_far_as_the_caller_sees_it(
        self, api, client, payments
    ):
        approval = self.decide(
            client, payments, decision="restricted", expires_on="2099-01-01", regions=["EU"]
        ).json()

        found = client.get(f"{APPROVALS}violations/?foundation={payments.foundation.slug}").json()
        owners = (
            api(payments.people["owner"])
            .get(f"{APPROVALS}violations/?approval={approval['id']}")
            .json()
        )
        strangers = api(payments.people["outsider"]).get(f"{APPROVALS}violations/").json()

        [row] = found["rows"]
        assert (row["application"], row["approval"], row["certain"]) == (
            payments.application.slug,
            approval["id"],
            True,
        )
        assert row["why"][0].endswith(
            "is restricted to the region EU. The region of this application is US."
        )
        assert (owners["n_total"], owners["whole_organisation"]) == (1, False)
        assert strangers["n_total"] == 0

    def test_a_provider_is_asked_for_as_developer_and_as_host(self, client, payments):
        client.post(
            APPROVALS,
            {"provider": payments.offering.host.slug, "reason": "no", "decision": "blocked"},
        )

        assert (
            client.get(f"{APPROVALS}violations/?provider={payments.offering.host.slug}").json()[
                "n_total"
            ]
            == 1
        )
        assert (
            client.get(
                f"{APPROVALS}violations/?provider={payments.foundation.developer.slug}"
            ).json()["n_total"]
            == 1
        )

    @pytest.mark.parametrize(
        "question", ["foundation=unknown", "limit=0", "limit=9999", "approval=x"]
    )
    def test_a_question_that_makes_no_sense_is_refused(self, client, payments, question):
        assert client.get(f"{APPROVALS}violations/?{question}").status_code == 400

    @pytest.mark.parametrize("who", ["auditor", "owner", "outsider"])
    def test_everybody_reads_and_only_governance_decides(self, api, client, payments, who):
        made = self.decide(client, payments, decision="blocked").json()
        other = api(payments.people[who], "read", "write")

        assert other.get(f"{APPROVALS}{made['id']}/").status_code == 200
        assert other.post(APPROVALS, {}).status_code == 403
        for deed in ("replace", "revoke"):
            assert other.post(f"{APPROVALS}{made['id']}/{deed}/", {}).status_code == 403
        assert Approval.objects.get().revoked_at is None


class TestSelections:
    @pytest.fixture
    def draft(self, client):
        return client.post(
            SELECTIONS, {"title": "Claims", "criteria": [{"name": "quality", "weight": 2}]}
        ).json()

    def test_from_draft_to_decision(self, client, payments, draft):
        address = f"{SELECTIONS}{draft['id']}/"
        assert (
            client.patch(address, {"purpose": "reads claims"}).json()["purpose"] == "reads claims"
        )
        candidate = client.post(
            f"{address}add-candidate/",
            {"foundation": payments.foundation.slug, "offering": payments.offering.pk},
        ).json()
        other = client.post(
            f"{address}add-candidate/", {"foundation": make_offering().version.foundation.slug}
        ).json()
        client.post(f"{address}remove-candidate/", {"candidate": other["id"]})
        scored = client.post(
            f"{address}score/",
            {"candidate": candidate["id"], "scores": {"quality": {"value": "4.5"}}},
        ).json()
        assert scored["weighted_total"] == 4.5

        decided = client.post(
            f"{address}decide/",
            {
                "chosen": [candidate["id"]],
                "decision": "this one",
                "why": "it is good",
                "review_on": "2099-01-01",
            },
        )

        assert (decided.status_code, decided.json()["state"], decided.json()["decided_by"]) == (
            200,
            "decided",
            "gus",
        )
        [kept] = client.get(f"{address}candidates/").json()
        assert kept["chosen"]
        assert {fact["key"] for fact in kept["scorecard"]["foundation"]["facts"]} > {
            "licence",
            "exit_clause",
        }
        assert kept["scorecard"]["host"]["slug"] == payments.offering.host.slug
        assert client.patch(address, {"title": "x"}).status_code == 409

    def test_what_the_organisation_knows_of_itself_is_left_out_for_others(
        self, api, client, payments, draft
    ):
        address = f"{SELECTIONS}{draft['id']}/"
        candidate = client.post(
            f"{address}add-candidate/", {"foundation": payments.foundation.slug}
        ).json()
        client.post(
            f"{address}decide/", {"chosen": [candidate["id"]], "decision": "this", "why": "so"}
        )

        [kept] = api(payments.people["outsider"]).get(f"{address}candidates/").json()

        facts = {fact["key"]: fact for fact in kept["scorecard"]["foundation"]["facts"]}
        assert facts["independent_hosts"]["value"] == 1
        assert {facts[key]["why_gap"] for key in ("applications", "tested_exits", "contract")} == {
            NOT_SHOWN
        }

    def test_a_candidate_of_another_selection_is_unknown_here(self, client, payments, draft):
        other = client.post(SELECTIONS, {"title": "Other"}).json()
        foreign = client.post(
            f"{SELECTIONS}{other['id']}/add-candidate/", {"foundation": payments.foundation.slug}
        ).json()["id"]
        address = f"{SELECTIONS}{draft['id']}/"

        for deed, body, field in (
            ("score", {"candidate": foreign, "scores": {}}, "candidate"),
            ("remove-candidate", {"candidate": foreign}, "candidate"),
            ("decide", {"chosen": [foreign], "decision": "x", "why": "y"}, "chosen"),
        ):
            answer = client.post(f"{address}{deed}/", body)
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field), deed

    @pytest.mark.parametrize("who", ["auditor", "owner", "outsider"])
    def test_everybody_reads_and_only_governance_writes(self, api, payments, draft, who):
        other, address = api(payments.people[who], "read", "write"), f"{SELECTIONS}{draft['id']}/"

        assert (
            other.get(address).status_code == other.get(f"{address}candidates/").status_code == 200
        )
        assert other.post(SELECTIONS, {}).status_code == other.patch(address, {}).status_code == 403
        for deed in ("add-candidate", "score", "remove-candidate", "decide"):
            assert other.post(f"{address}{deed}/", {}).status_code == 403, deed
        assert Selection.objects.get().state == "draft"


class TestScorecards:
    def test_of_a_foundation_and_of_a_provider(self, client, payments):
        for address in (
            f"foundations/{payments.foundation.slug}",
            f"providers/{payments.offering.host.slug}",
        ):
            card = client.get(f"/api/v1/{address}/scorecard/").json()

            facts = {fact["key"]: fact for fact in card["facts"]}
            assert facts["applications"]["value"] == 1
            assert card["n_gaps"] == sum(fact["gap"] for fact in card["facts"])

    def test_an_unknown_one_is_not_there(self, client):
        for address in ("foundations/unknown", "providers/unknown"):
            assert client.get(f"/api/v1/{address}/scorecard/").status_code == 404

    def test_others_see_neither_contracts_nor_foreign_applications(self, api, payments):
        card = (
            api(payments.people["outsider"])
            .get(f"/api/v1/foundations/{payments.foundation.slug}/scorecard/")
            .json()
        )

        facts = {fact["key"]: fact for fact in card["facts"]}
        assert (facts["applications"]["value"], facts["contract"]["why_gap"]) == (0, NOT_SHOWN)
        assert not card["whole_organisation"]

    def test_side_by_side_in_the_order_asked_for(self, client, payments):
        second = make_offering().version.foundation.slug

        found = client.get(
            f"/api/v1/scorecards/compare/?foundation={second}&foundation={payments.foundation.slug}"
        ).json()

        assert [column["slug"] for column in found["columns"]] == [second, payments.foundation.slug]
        assert all(len(row["cells"]) == 2 for row in found["rows"])

    @pytest.mark.parametrize("question", ["", "foundation=unknown", "foundation={f}&provider={p}"])
    def test_a_comparison_that_makes_no_sense_is_refused(self, client, payments, question):
        question = question.format(f=payments.foundation.slug, p=payments.offering.host.slug)

        assert client.get(f"/api/v1/scorecards/compare/?{question}").status_code == 400
