"""Contracts, documents owed, and platform bets written down."""

from datetime import date, timedelta
from decimal import Decimal
from threading import Barrier, Thread

import pytest
from django.core.exceptions import ValidationError
from django.db import connections

from apps.accounts.roles import TeamRole
from apps.common.errors import ConflictError
from apps.inventory.governance.annex_documents import (
    annex_checklist,
    overdue_documents,
    record_document_status,
    request_documents,
)
from apps.inventory.governance.contracts import (
    change_contract,
    contracts_by_party,
    register_contract,
)
from apps.inventory.governance.selections import (
    add_candidate,
    change_selection,
    decide_selection,
    draft_selection,
    remove_candidate,
    score_candidate,
    selections_to_review,
    weighted_total,
)
from apps.inventory.models import AnnexItem, Contract, Selection
from tests.builders import (
    TODAY,
    make_foundation,
    make_member,
    make_offering,
    make_provider,
    make_team,
    make_user,
    make_version,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def governance():
    return make_user("gus", role="governance")


class TestContracts:
    def test_facts_are_kept_and_the_history_says_who_and_why(self, governance):
        contract = register_contract(
            party=make_provider(),
            ref="C-1",
            by=governance,
            facts={"exit_clause": "yes"},
            reason="signed in May",
        )

        change_contract(
            contract=contract,
            facts={"deprecation_notice_days": 180},
            by=governance,
            reason="amended",
        )

        contract.refresh_from_db()
        assert (contract.exit_clause, contract.deprecation_notice_days) == ("yes", 180)
        latest = Contract.history.rel.related_model.objects.order_by("pgh_id").last()
        assert (latest.pgh_context.metadata["actor"], latest.pgh_context.metadata["reason"]) == (
            "gus",
            "amended",
        )

    def test_unchanged_facts_write_nothing(self, governance):
        contract = register_contract(party=make_provider(), ref="C-1", by=governance)
        before = contract.updated_at

        change_contract(contract=contract, facts={"ref": "C-1"}, by=governance)

        contract.refresh_from_db()
        assert contract.updated_at == before

    @pytest.mark.parametrize(
        ("facts", "words"),
        [
            ({"annual_cost": Decimal(-1)}, "0 or more"),
            ({"starts_on": TODAY, "ends_on": TODAY}, "must end after it starts"),
            ({"ends_on": date(9999, 12, 31)}, "out of range"),
            ({"exit_clause": "maybe"}, "not a valid choice"),
        ],
    )
    def test_what_cannot_be_is_refused_with_a_sentence(self, governance, facts, words):
        with pytest.raises(ValidationError, match=words):
            register_contract(party=make_provider(), ref="C-1", by=governance, facts=facts)

    def test_the_same_reference_twice_is_refused(self, governance):
        party = make_provider()
        register_contract(party=party, ref="C-1", by=governance)

        with pytest.raises(ValidationError, match="already exists"):
            register_contract(party=party, ref="C-1", by=governance)

    def test_a_contract_does_not_stand_under_itself(self, governance):
        party = make_provider()
        frame = register_contract(party=party, ref="frame", by=governance)
        under = register_contract(
            party=party, ref="under", by=governance, facts={"overarching": frame}
        )

        with pytest.raises(ConflictError, match="under itself"):
            change_contract(contract=frame, facts={"overarching": under}, by=governance)

    def test_only_the_offices_read_them(self, governance):
        contract = register_contract(party=make_provider(), ref="C-1", by=governance)
        parties = [contract.party_id]

        assert contracts_by_party(parties=parties, user=make_user(role="auditor")) == {
            contract.party_id: [contract]
        }
        assert (
            contracts_by_party(parties=parties, user=make_member(make_team(), TeamRole.OWNER)) == {}
        )

    def test_an_unknown_fact_is_a_mistake_of_ours(self, governance):
        with pytest.raises(TypeError, match="party_id"):
            register_contract(
                party=make_provider(), ref="C-1", by=governance, facts={"party_id": 5}
            )


class TestAnnex:
    @pytest.fixture
    def foundation(self):
        return make_foundation()

    def test_all_eleven_are_asked_for_at_once_and_due_in_two_weeks(self, governance, foundation):
        asked = request_documents(foundation=foundation, on=TODAY, by=governance)

        assert len(asked) == 11
        assert {(row.status, row.due_on) for row in asked} == {
            ("requested", TODAY + timedelta(days=14))
        }

    def test_a_reminder_moves_no_day_and_what_is_on_file_is_not_asked_for(
        self, governance, foundation
    ):
        request_documents(foundation=foundation, items=["1a"], on=TODAY, by=governance)
        record_document_status(
            foundation=foundation, item="1b", status="received", on=TODAY, by=governance
        )

        asked = request_documents(
            foundation=foundation, on=TODAY + timedelta(days=7), by=governance
        )

        assert len(asked) == 9
        assert AnnexItem.objects.get(item="1a").due_on == TODAY + timedelta(days=14)

    def test_what_was_refused_may_be_asked_for_again(self, governance, foundation):
        record_document_status(
            foundation=foundation,
            item="2c",
            status="refused",
            on=TODAY,
            by=governance,
            note="trade secret",
        )

        [asked] = request_documents(foundation=foundation, items=["2c"], on=TODAY, by=governance)

        assert (asked.status, asked.note) == ("requested", "trade secret")

    def test_an_unknown_item_is_refused_by_name(self, governance, foundation):
        with pytest.raises(ConflictError, match="'9z' is not a valid item"):
            request_documents(foundation=foundation, items=["9z"], on=TODAY, by=governance)

    def test_public_needs_an_address(self, governance, foundation):
        with pytest.raises(ConflictError, match="Enter the URL"):
            record_document_status(
                foundation=foundation, item="1b", status="public", on=TODAY, by=governance
            )

    def test_an_unanswered_request_is_overdue_the_day_after(self, governance, foundation):
        request_documents(foundation=foundation, items=["1a"], on=TODAY, by=governance)
        due = TODAY + timedelta(days=14)

        assert overdue_documents(user=governance, on=due).count() == 0
        assert overdue_documents(user=governance, on=due + timedelta(days=1)).count() == 1
        assert (
            overdue_documents(user=make_member(make_team()), on=due + timedelta(days=1)).count()
            == 0
        )

    def test_the_checklist_shows_what_nobody_asked_for_as_missing(self, governance, foundation):
        record_document_status(
            foundation=foundation, item="1h", status="received", on=TODAY, by=governance
        )

        rows = annex_checklist(foundation=foundation, user=governance)

        assert [row.item for row in rows] == AnnexItem.Item.values
        assert {row.item for row in rows if row.status == "missing"} == set(
            AnnexItem.Item.values
        ) - {"1h"}
        assert annex_checklist(foundation=foundation, user=make_member(make_team())) == []


class TestSelections:
    @pytest.fixture
    def draft(self, governance):
        return draft_selection(
            title="Claims assistant",
            by=governance,
            criteria=[{"name": "quality", "weight": 3}, {"name": "cost", "weight": "1"}],
        )

    @pytest.fixture
    def candidates(self, draft, governance):
        return [
            add_candidate(selection=draft, foundation=make_foundation(), by=governance)
            for _ in range(2)
        ]

    def decide(self, draft, candidates, by, **given):
        given.setdefault("chosen", candidates[:1])
        given.setdefault("scorecards", {row.pk: {"facts": []} for row in candidates})
        given.setdefault("why", "it holds what it promises")
        return decide_selection(
            selection=draft, decision="take the first", on=TODAY, by=by, **given
        )

    def test_people_s_scores_are_weighed_by_their_own_weights(self, draft, candidates, governance):
        first, second = candidates
        first = score_candidate(
            candidate=first,
            scores={"quality": {"value": 4}, "cost": {"value": "2", "note": "list price"}},
            by=governance,
        )
        second = score_candidate(candidate=second, scores={"quality": {"value": 5}}, by=governance)

        assert weighted_total(draft, first) == Decimal("3.5")
        assert weighted_total(draft, second) is None

    @pytest.mark.parametrize(
        ("criteria", "words"),
        [
            ([{"name": " "}], "must have a name"),
            ([{"name": "a"}, {"name": "a"}], "twice"),
            ([{"name": "a", "weight": 0}], "above 0"),
            ([{"name": "a", "weight": "NaN"}], "must be a number"),
            ([{"name": "a", "weight": True}], "must be a number"),
        ],
    )
    def test_criteria_have_a_name_each_and_a_weight(self, draft, governance, criteria, words):
        with pytest.raises(ConflictError, match=words):
            change_selection(selection=draft, criteria=criteria, by=governance)

    def test_a_score_is_of_a_criterion(self, candidates, governance):
        with pytest.raises(ConflictError, match="not a valid criterion"):
            score_candidate(candidate=candidates[0], scores={"looks": {"value": 5}}, by=governance)

    def test_a_candidate_s_offering_serves_its_foundation(self, draft, governance):
        with pytest.raises(ConflictError, match="is not an offering of"):
            add_candidate(
                selection=draft,
                foundation=make_foundation(),
                offering=make_offering(),
                by=governance,
            )
        version = make_version()
        offering = make_offering(version=version)
        assert (
            add_candidate(
                selection=draft, foundation=version.foundation, offering=offering, by=governance
            ).offering
            == offering
        )

    def test_a_candidate_is_in_it_once(self, draft, candidates, governance):
        with pytest.raises(ValidationError, match="already part of the selection record"):
            add_candidate(selection=draft, foundation=candidates[0].foundation, by=governance)

    def test_the_decision_keeps_the_scorecards_of_the_day(self, draft, candidates, governance):
        cards = {
            row.pk: {"facts": [{"key": "licence", "value": str(row.pk)}]} for row in candidates
        }

        decided = self.decide(
            draft, candidates, governance, scorecards=cards, review_on=TODAY + timedelta(days=365)
        )

        rows = list(decided.candidates.order_by("pk"))
        assert [row.chosen for row in rows] == [True, False]
        assert [row.scorecard["facts"][0]["value"] for row in rows] == [
            str(row.pk) for row in candidates
        ]

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"scorecards": {}}, "has no scorecard"),
            ({"review_on": TODAY}, "review date must be later"),
        ],
    )
    def test_half_a_decision_is_refused(self, draft, candidates, governance, given, words):
        with pytest.raises(ConflictError, match=words):
            self.decide(draft, candidates, governance, **given)

    def test_a_decision_without_a_reason_is_refused(self, draft, candidates, governance):
        with pytest.raises(ValidationError, match="must state the decision"):
            self.decide(draft, candidates, governance, why=" ")

    def test_none_of_them_is_a_decision_too(self, draft, candidates, governance):
        assert self.decide(draft, candidates, governance, chosen=[]).state == "decided"

    def test_without_candidates_there_is_nothing_to_decide(self, draft, governance):
        with pytest.raises(ConflictError, match="has no candidates"):
            self.decide(draft, [], governance)

    def test_once_decided_nothing_of_it_changes(self, draft, candidates, governance):
        self.decide(draft, candidates, governance)

        for change in (
            lambda: change_selection(selection=draft, title="other", by=governance),
            lambda: score_candidate(candidate=candidates[0], scores={}, by=governance),
            lambda: remove_candidate(candidate=candidates[0], by=governance),
            lambda: add_candidate(selection=draft, foundation=make_foundation(), by=governance),
            lambda: self.decide(draft, candidates, governance),
        ):
            with pytest.raises(
                ConflictError, match="gus decided this selection record on 2026-11-24"
            ):
                change()

    def test_a_later_one_supersedes_it_when_it_is_decided_and_not_before(
        self, draft, candidates, governance
    ):
        self.decide(draft, candidates, governance)
        draft.refresh_from_db()
        later = draft_selection(title="Again", by=governance, supersedes=draft)
        candidate = add_candidate(selection=later, foundation=make_foundation(), by=governance)
        draft.refresh_from_db()
        assert draft.state == "decided"

        self.decide(later, [candidate], governance)

        draft.refresh_from_db()
        assert draft.state == "superseded"

    def test_a_draft_is_not_superseded(self, draft, governance):
        with pytest.raises(ConflictError, match="Only a decided selection"):
            draft_selection(title="Again", by=governance, supersedes=draft)

    def test_a_review_falls_due_on_its_day(self, draft, candidates, governance):
        review_on = TODAY + timedelta(days=100)
        self.decide(draft, candidates, governance, review_on=review_on)

        assert list(selections_to_review(user=governance, on=review_on - timedelta(days=1))) == []
        assert list(selections_to_review(user=governance, on=review_on)) == [draft]


@pytest.mark.django_db(transaction=True)
def test_of_two_who_decide_at_once_one_decides_and_the_other_is_told():
    people = [make_user("gus", role="governance"), make_user("gita", role="governance")]
    draft = draft_selection(title="Claims", by=people[0])
    candidate = add_candidate(selection=draft, foundation=make_foundation(), by=people[0])
    barrier, outcomes = Barrier(2), []

    def run(person):
        barrier.wait()
        try:
            decide_selection(
                selection=draft,
                chosen=[candidate],
                decision=f"{person} decides",
                why="so",
                on=TODAY,
                by=person,
                scorecards={candidate.pk: {}},
            )
            outcomes.append("decided")
        except ConflictError as refusal:
            outcomes.append(str(refusal))
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    decided_by = Selection.objects.get().decided_by
    assert outcomes.count("decided") == 1
    assert any(f"{decided_by} decided this selection record on" in words for words in outcomes)
