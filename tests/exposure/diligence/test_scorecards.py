"""Scorecards: every fact with its source, every gap said, nothing graded; and what a decision keeps
of them."""

from datetime import UTC, date, datetime, timedelta
from typing import ClassVar

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.roles import TeamRole
from apps.catalog.models import NoticePolicy
from apps.catalog.providers.track_record_queries import provider_track_record
from apps.common.errors import ConflictError
from apps.exposure.diligence.offering_facts import offering_facts
from apps.exposure.diligence.scorecard_facts import NOT_SHOWN, visible_scorecard
from apps.exposure.diligence.scorecards import compare, foundation_scorecards, provider_scorecards
from apps.exposure.diligence.selection_decisions import decide_with_scorecards
from apps.inventory.governance.annex_documents import record_document_status, request_documents
from apps.inventory.governance.contracts import register_contract
from apps.inventory.governance.selections import add_candidate, draft_selection
from apps.inventory.models import ExitTest
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_dependency,
    make_event,
    make_exit_test,
    make_foundation,
    make_member,
    make_offering,
    make_provider,
    make_source,
    make_team,
    make_user,
    make_version,
)
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db

LATE = TODAY + timedelta(days=60)


class AcmeFoundation:
    """`acme` makes `foundation`, one version of it, and serves it itself and at two hosts of one
    company."""

    def __init__(self, slug="acme"):
        self.governance = make_user(role="governance")
        self.maker = make_provider(slug, roles=("developer", "host"))
        self.foundation = make_foundation(f"{slug}/base", developer=self.maker)
        self.version = make_version(f"{slug}/base-1", foundation=self.foundation)
        self.own = make_offering(f"{slug}-base", host=self.maker, version=self.version)
        self.company = make_provider("cloud")
        self.hosts = [
            make_provider(f"cloud-{place}", parent=self.company) for place in ("east", "west")
        ]
        self.elsewhere = [
            make_offering(f"{slug}-base", host=host, version=self.version) for host in self.hosts
        ]
        self.other = make_offering(f"beside-{slug}")

    def card(self, user=None, on=TODAY):
        [card] = foundation_scorecards(
            foundations=[self.foundation.pk], user=user or self.governance, on=on
        )
        return card

    def fact(self, key, user=None, on=TODAY):
        return self.card(user, on).fact(key)

    def provider_fact(self, key, user=None):
        [card] = provider_scorecards(
            providers=[self.maker.pk], user=user or self.governance, on=TODAY
        )
        return card.fact(key)


@pytest.fixture
@kept_world
def acme():
    return AcmeFoundation()


class TestEveryFact:
    KEYS: ClassVar = [
        "independent_hosts",
        "open_weights",
        "licence",
        "promised_notice",
        "observed_notice",
        "shortest_notice",
        "notice_kept",
        "outages",
        "price_moves",
        "retired",
        "ending",
        "contract",
        "terms",
        "notice_days_theirs",
        "deprecation_notice_days",
        "price_protection",
        "exit_clause",
        "termination_assistance",
        "audit_right",
        "ip_indemnity",
        "training_use",
        "annex_items",
        "status_page",
        "critical_third_party",
        "applications",
        "tested_exits",
    ]

    def test_cards_of_foundations_and_of_providers_have_the_same_facts(self, acme):
        served = {fact.key for fact in offering_facts([], on=TODAY, with_open_weights=False)}
        keys = [fact.key for fact in acme.card().facts]
        assert [key for key in keys if key not in served] == self.KEYS
        assert served <= set(keys)
        [card] = provider_scorecards(providers=[acme.maker.pk], user=acme.governance, on=TODAY)
        assert [fact.key for fact in card.facts] == self.KEYS

    def test_what_is_unknown_is_a_gap_with_its_reason_and_what_is_known_has_a_source(self, acme):
        for fact in acme.card().facts:
            if fact.gap:
                assert (fact.value, bool(fact.why_gap)) == (None, True), fact.key
            elif fact.value is not None:
                assert (bool(fact.source), fact.why_gap) == (True, ""), fact.key
            else:
                assert fact.detail, fact.key


class TestOfTheCatalogue:
    def test_two_hosts_of_one_company_are_one(self, acme):
        fact = acme.fact("independent_hosts")

        assert (fact.value, fact.detail) == (2, "Acme, Cloud")

    def test_a_host_that_no_longer_serves_it_does_not_count(self, acme):
        for offering in acme.elsewhere:
            type(offering).objects.filter(pk=offering.pk).update(
                lifecycle="deprecated", retires_on=TODAY, date_kind="firm"
            )

        assert acme.fact("independent_hosts").value == 1
        assert acme.fact("independent_hosts", on=TODAY - timedelta(days=1)).value == 2

    def test_of_a_developer_it_counts_the_foundations_that_several_serve(self, acme):
        make_foundation("acme/lonely", developer=acme.maker, open_weights=True, licence="MIT")

        spread, weights = (
            acme.provider_fact("independent_hosts"),
            acme.provider_fact("open_weights"),
        )

        assert (spread.value, spread.unit) == (1, "of 2")
        assert (weights.value, weights.unit, weights.detail) == (1, "of 2", "not recorded for 1")
        assert acme.provider_fact("licence").value == ["MIT"]

    def test_a_pure_host_develops_nothing_which_is_no_gap(self, acme):
        [card] = provider_scorecards(providers=[acme.company.pk], user=acme.governance, on=TODAY)

        fact = card.fact("open_weights")
        assert (fact.value, fact.gap, fact.detail) == (
            None,
            False,
            "No foundations of this provider are recorded.",
        )

    def test_open_weights_and_licence_carry_their_source(self, acme):
        type(acme.foundation).objects.update(
            open_weights=False,
            licence="Proprietary",
            source_url="https://maker.example/terms",
            source_on=TODAY,
        )

        fact = acme.fact("open_weights")

        assert (fact.value, fact.gap, fact.source_url, fact.as_of) == (
            False,
            False,
            "https://maker.example/terms",
            TODAY,
        )

    def test_status_page_and_designation_are_the_developer_s(self, acme):
        type(acme.maker).objects.filter(pk=acme.maker.pk).update(
            status_page_url="https://status.maker.example",
            critical_third_party=True,
            critical_third_party_source="https://esas.example/list",
        )

        assert acme.fact("status_page").value == "https://status.maker.example"
        assert acme.fact("critical_third_party").source_url == "https://esas.example/list"


class TestNotice:
    def end(self, acme, number, notice):
        announced_on = date(2025, 1, 1) + timedelta(days=30 * number)
        version = make_version(f"acme/old-{number}", foundation=acme.foundation)
        make_offering(
            f"old-{number}",
            host=acme.maker,
            version=version,
            lifecycle="deprecated",
            date_kind="firm",
            announced_on=announced_on,
            retires_on=announced_on + timedelta(days=notice),
        )

    def test_promised_and_observed_stand_side_by_side(self, acme):
        NoticePolicy.objects.create(
            provider=acme.maker,
            notice_days=60,
            source_url="https://maker.example/policy",
            source_on=TODAY,
        )
        for number, notice in enumerate([30, 60, 90, 120, 150]):
            self.end(acme, number, notice)

        promised, observed = acme.fact("promised_notice"), acme.fact("observed_notice")

        assert (promised.value, promised.source_url) == (60, "https://maker.example/policy")
        assert (observed.value, observed.detail) == (90, "5 models in 5 announcements of Acme")
        assert acme.fact("shortest_notice").value == 30
        kept = acme.fact("notice_kept")
        assert (kept.value, kept.unit) == (4, "of 5")

    def test_it_is_what_the_provider_s_record_says(self, acme):
        for number, notice in enumerate([30, 61, 90, 120, 150, 12]):
            self.end(acme, number, notice)
        notices = provider_track_record(acme.maker).measured.notices

        assert acme.provider_fact("observed_notice").value == notices.median_days
        assert acme.provider_fact("shortest_notice").value == notices.shortest.notice_days

    def test_too_few_announcements_are_a_gap_that_says_how_many(self, acme):
        self.end(acme, 0, 60)

        assert (
            acme.fact("observed_notice").why_gap
            == "1 announcements of Acme are recorded. At least 5 are needed."
        )

    def test_endings_are_counted_by_release(self, acme):
        for number, notice in enumerate([30, 3000]):
            self.end(acme, number, notice)

        assert (acme.fact("retired").value, acme.fact("ending").value) == (1, 1)
        assert "the next on" in acme.fact("ending").detail


class TestPrices:
    def price(self, acme, offering, first_seen):
        make_source().assertions.create(
            external_id=f"{offering.pk}",
            topic="price",
            offering=offering,
            first_seen=first_seen,
            changed_at=first_seen,
        )

    def test_a_price_nobody_reads_has_no_moves_to_count(self, acme):
        assert acme.fact("price_moves").why_gap == "No feed provides its price."

    def test_moves_of_the_last_twelve_months_count_at_every_host_of_the_foundation(self, acme):
        self.price(acme, acme.own, datetime(2024, 1, 1, tzinfo=UTC))
        for offering, days in (
            (acme.own, 10),
            (acme.elsewhere[0], 300),
            (acme.own, 400),
            (acme.other, 5),
        ):
            make_event(
                offering, "repriced", detected_at=NOW - timedelta(days=days), effective_on=None
            )

        fact = acme.fact("price_moves")

        assert (fact.value, fact.unit, fact.detail) == (2, "on 1 priced rows", "")
        assert acme.provider_fact("price_moves").value == 1

    def test_a_price_read_for_a_shorter_time_says_so(self, acme):
        self.price(acme, acme.own, NOW - timedelta(days=30))

        assert acme.fact("price_moves").detail == "recorded only since 2026-10-25"


class TestForTheOffices:
    def test_a_clause_is_on_file_missing_or_nobody_has_looked(self, acme):
        register_contract(
            party=acme.maker,
            ref="C-1",
            by=acme.governance,
            facts={
                "exit_clause": "yes",
                "audit_right": "no",
                "deprecation_notice_days": 90,
                "terms_read_on": TODAY,
            },
        )

        assert (acme.fact("exit_clause").value, acme.fact("audit_right").value) == (
            "In the contract",
            "Not in the contract",
        )
        assert acme.fact("deprecation_notice_days").value == 90
        assert acme.fact("ip_indemnity").gap
        assert acme.fact("terms").value == TODAY.isoformat()

    def test_a_contract_with_a_host_counts_for_the_foundation_after_the_developer_s(self, acme):
        register_contract(
            party=acme.hosts[0],
            ref="H-1",
            by=acme.governance,
            facts={"exit_clause": "yes", "audit_right": "yes"},
        )
        register_contract(
            party=acme.maker, ref="C-1", by=acme.governance, facts={"audit_right": "no"}
        )

        assert acme.fact("exit_clause").source == "Contract H-1"
        assert acme.fact("audit_right").source == "Contract C-1"

    def test_a_contract_that_ended_is_none(self, acme):
        register_contract(party=acme.maker, ref="C-1", by=acme.governance, facts={"ends_on": TODAY})

        assert acme.fact("contract").why_gap == "No valid contract is recorded."

    def test_documents_are_counted_with_what_is_overdue(self, acme):
        request_documents(
            foundation=acme.foundation, on=TODAY - timedelta(days=20), by=acme.governance
        )
        record_document_status(
            foundation=acme.foundation, item="1h", status="received", on=TODAY, by=acme.governance
        )
        record_document_status(
            foundation=acme.foundation, item="2c", status="refused", on=TODAY, by=acme.governance
        )

        fact = acme.fact("annex_items")

        assert (fact.value, fact.unit, fact.detail) == (
            1,
            "of 11",
            "9 requested, 9 overdue, 1 refused",
        )

    def test_others_are_told_that_it_is_not_shown(self, acme):
        register_contract(
            party=acme.maker, ref="C-1", by=acme.governance, facts={"exit_clause": "yes"}
        )
        member = make_member(make_team(), TeamRole.OWNER)

        for key in ("contract", "exit_clause", "annex_items"):
            fact = acme.fact(key, member)
            assert (fact.why_gap, fact.hidden) == (NOT_SHOWN, True)


class TestDependents:
    def test_applications_stand_there_by_a_live_primary_each_once(self, acme):
        application = make_application()
        for offering in (acme.own, acme.elsewhere[0]):
            make_dependency(application, offering)
        make_dependency(make_application(), acme.own, role="fallback")
        make_dependency(make_application(), acme.own, until=TODAY)

        assert acme.fact("applications").value == 1
        assert acme.provider_fact("applications").value == 1

    def test_one_reached_through_the_provider_stands_on_it(self, acme):
        make_dependency(make_application(), acme.other, reached="gateway", via_party=acme.hosts[0])
        [card] = provider_scorecards(providers=[acme.company.pk], user=acme.governance, on=TODAY)

        assert card.fact("applications").value == 1

    def share(self, acme, key="tested_exits"):
        return acme.fact(key).value

    def exit(self, dependency, target, **fields):
        fields.setdefault("tested_on", TODAY - timedelta(days=10))
        fields.setdefault("result", "passed")
        return make_exit_test(dependency, target, **fields)

    def test_the_share_with_a_tested_way_out_is_of_applications(self, acme):
        first, _ = [make_dependency(make_application(), acme.own) for _ in range(2)]
        self.exit(first, acme.other)

        fact = acme.fact("tested_exits")

        assert (fact.value, fact.detail) == (0.5, "1 of 2")

    def test_every_primary_that_stands_there_needs_one(self, acme):
        application = make_application()
        first = make_dependency(application, acme.own)
        make_dependency(application, acme.elsewhere[0])
        self.exit(first, acme.other)

        assert self.share(acme) == 0

    def test_a_way_out_to_the_same_foundation_elsewhere_is_none_but_leaves_the_provider(self, acme):
        dependency = make_dependency(make_application(), acme.own)
        stranger = make_offering(
            "served-by-a-stranger", host=make_provider("stranger"), version=acme.version
        )
        self.exit(dependency, stranger)

        assert self.share(acme) == 0
        # the developer is still the developer
        assert acme.provider_fact("tested_exits").value == 0
        [host] = provider_scorecards(providers=[acme.company.pk], user=acme.governance, on=TODAY)
        assert host.fact("tested_exits").value is None

    @pytest.mark.parametrize(
        "fields",
        [
            {"result": "partial"},
            {"tested_on": TODAY - timedelta(days=365)},
            {"tested_on": TODAY - timedelta(days=9), "expires_on": TODAY},
            {"tested_on": TODAY + timedelta(days=1)},
        ],
        ids=["partial", "a year ago", "expired", "in the future"],
    )
    def test_this_test_does_not_count(self, acme, fields):
        self.exit(make_dependency(make_application(), acme.own), acme.other, **fields)

        assert self.share(acme) == 0

    def test_a_later_failure_undoes_an_earlier_pass(self, acme):
        dependency = make_dependency(make_application(), acme.own)
        self.exit(dependency, acme.other)
        self.exit(dependency, acme.other, result="failed", tested_on=TODAY)

        assert self.share(acme) == 0

    def test_a_test_lapses_when_another_version_answers(self, acme):
        dependency = make_dependency(make_application(), acme.own)
        self.exit(dependency, acme.other, tested_version=make_version())
        assert self.share(acme) == 0

        ExitTest.objects.update(tested_version=acme.other.version)

        assert self.share(acme) == 1

    def test_a_team_counts_its_own_and_is_told_so(self, acme):
        team = make_team()
        make_dependency(make_application(team=team), acme.own)
        make_dependency(make_application(), acme.own)

        fact = acme.fact("applications", make_member(team, TeamRole.VIEWER))

        assert (fact.value, fact.label) == (1, "Applications of your teams that depend on it")
        assert acme.fact("applications", make_member(make_team())).value == 0
        assert acme.fact("applications", make_user()).value == 0


class TestSideBySide:
    def test_candidates_are_columns_and_facts_are_rows_in_the_order_asked_for(self, acme):
        second = make_foundation("second/base")

        found = compare(foundations=[second.pk, acme.foundation.pk], user=acme.governance, on=TODAY)

        assert [card.name for card in found.columns] == [second.name, acme.foundation.name]
        assert [row.key for row in found.rows] == [fact.key for fact in acme.card().facts]
        assert [cell.value for cell in found.rows[0].cells] == [0, 2]

    @pytest.mark.parametrize(
        "given", [{}, {"foundations": [1], "providers": [1]}, {"foundations": range(1, 22)}]
    )
    def test_one_kind_is_compared_and_not_too_many(self, acme, given):
        with pytest.raises(ConflictError):
            compare(user=acme.governance, on=TODAY, **given)

    @pytest.mark.proof
    @pytest.mark.parametrize("kind", ["foundations", "providers"])
    def test_many_cost_as_many_statements_as_one(self, acme, kind):
        def worth_reading(acme):
            for number in range(6):
                version = make_version(foundation=acme.foundation)
                offering = make_offering(
                    host=acme.maker,
                    version=version,
                    lifecycle="deprecated",
                    date_kind="firm",
                    retires_on=LATE,
                )
                make_source().assertions.create(
                    external_id=f"{offering.pk}",
                    topic="lifecycle",
                    offering=offering,
                    first_seen=NOW,
                    changed_at=NOW,
                    value={
                        "retires_on": f"{LATE}",
                        "date_kind": "firm",
                        "announced_on": f"2026-0{number + 1}-01",
                    },
                )
            register_contract(party=acme.maker, ref="C", by=acme.governance)
            make_dependency(make_application(), acme.own)

        worlds = [acme, *(AcmeFoundation(f"acme-{number}") for number in range(4))]
        for one in worlds:
            worth_reading(one)
        keys = [one.foundation.pk if kind == "foundations" else one.maker.pk for one in worlds]

        def statements(keys):
            with CaptureQueriesContext(connection) as counted:
                compare(user=acme.governance, on=TODAY, **{kind: keys})
            return len(counted)

        # foundations also show the facts of their offerings
        expected = {"foundations": 19, "providers": 15}[kind]
        assert statements(keys[:1]) == statements(keys) == expected


class TestDeciding:
    def test_the_facts_of_the_day_stay_as_they_were(self, acme):
        draft = draft_selection(title="Claims", by=acme.governance)
        candidate = add_candidate(
            selection=draft, foundation=acme.foundation, offering=acme.own, by=acme.governance
        )
        add_candidate(selection=draft, foundation=make_foundation(), by=acme.governance)

        decide_with_scorecards(
            selection=draft,
            chosen=[candidate],
            decision="the first",
            why="so",
            at=NOW,
            by=acme.governance,
        )
        type(acme.foundation).objects.update(licence="changed since")

        candidate.refresh_from_db()
        kept = {fact["key"]: fact for fact in candidate.scorecard["foundation"]["facts"]}
        assert kept["independent_hosts"]["value"] == 2
        assert kept["licence"]["gap"]
        assert candidate.scorecard["host"]["slug"] == "acme"
        assert candidate.scorecard["foundation"]["on"] == "2026-11-24"

    def test_of_a_kept_card_others_read_what_everybody_may_know(self, acme):
        register_contract(
            party=acme.maker, ref="C-1", by=acme.governance, facts={"exit_clause": "yes"}
        )
        make_dependency(make_application(), acme.own)
        kept = acme.card().as_json()

        shown = {
            fact["key"]: fact for fact in visible_scorecard(kept, make_member(make_team()))["facts"]
        }

        assert shown["independent_hosts"]["value"] == 2
        for key in ("exit_clause", "contract", "applications", "tested_exits", "annex_items"):
            assert (shown[key]["value"], shown[key]["why_gap"]) == (None, NOT_SHOWN), key
        assert visible_scorecard(kept, acme.governance) == kept
