"""Built-in rules: raised from facts with a sentence, dismissed by people, closed when the facts go,
written once."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import Alias, Foundation, NodeKind, NoticePolicy, Offering
from apps.inventory.models import Dependency
from apps.risks import tasks
from apps.risks.actions.foundation_risks import change_risk, dismiss_risk
from apps.risks.actions.refresh import refresh_risks
from apps.risks.catalogue import load_risk_catalogue
from apps.risks.models import FoundationRisk, RiskTemplate
from apps.risks.queries.inherited import inherited_risks
from apps.risks.rules.definitions import RULES
from apps.risks.rules.evaluation import RuleChanges, apply_rules
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_dependency,
    make_event,
    make_foundation,
    make_node,
    make_offering,
    make_provider,
    make_risk,
    make_user,
    make_version,
)

pytestmark = pytest.mark.django_db
ONE_DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def catalogue():
    load_risk_catalogue()


def used(api_id="model-x", **fields):
    """An offering of an open-weights model, so that no other rule speaks, with one live
    dependency."""
    fields.setdefault("host", make_provider("here"))
    offering = make_offering(
        api_id, version=make_version(foundation=make_foundation(open_weights=True)), **fields
    )
    make_dependency(make_application(), offering)
    return offering


def change(offering, **fields):
    Offering.objects.filter(pk=offering.pk).update(**fields)


def raised(rule=None):
    risks = FoundationRisk.objects.open()
    return risks.filter(rule=rule) if rule else risks


class TestRetirement:
    @pytest.mark.parametrize(
        ("days", "kind", "likelihood"),
        [(180, "firm", 5), (180, "not_before", 4), (-1, "firm", 5), (181, "firm", None)],
    )
    def test_an_end_inside_the_horizon_is_raised_on_the_offering(self, days, kind, likelihood):
        offering = used(retires_on=TODAY + timedelta(days=days), date_kind=kind)

        apply_rules(at=NOW)

        risk = raised("retirement").first()
        if likelihood is None:
            assert risk is None
        else:
            assert (risk.template.code, risk.likelihood, risk.node) == (
                "FR-21",
                likelihood,
                make_node(NodeKind.OFFERING, offering),
            )

    def test_the_sentence_says_what_when_and_what_is_suggested(self):
        used(
            retires_on=date(2027, 1, 15),
            date_kind="firm",
            announced_on=date(2026, 10, 1),
            replacement_text="model-y",
        )

        apply_rules(at=NOW)

        assert raised().get().facts == (
            "model-x on Here retires on 2027-01-15, announced on 2026-10-01, suggested replacement "
            "model-y."
        )

    def test_a_passed_soft_date_is_no_retirement_and_a_retired_one_in_use_is(self):
        used("soft", retires_on=TODAY - ONE_DAY, date_kind="not_before")
        used("gone", lifecycle="retired")

        apply_rules(at=NOW)

        facts = {risk.facts for risk in raised("retirement")}
        assert facts == {
            f"soft on Here retires no earlier than {TODAY - ONE_DAY}.",
            "gone on Here retired and is still in use.",
        }

    def test_nothing_is_raised_where_nothing_of_ours_stands(self):
        offering = make_offering(retires_on=TODAY + ONE_DAY, date_kind="firm", binding="alias")
        make_dependency(make_application(status="retired"), offering)

        assert apply_rules(at=NOW) == RuleChanges()

    def test_a_moved_date_changes_it_and_a_withdrawn_one_closes_it(self):
        offering = used(retires_on=TODAY + 60 * ONE_DAY, date_kind="firm")
        apply_rules(at=NOW)
        change(offering, retires_on=TODAY + 90 * ONE_DAY)

        assert apply_rules(at=NOW + ONE_DAY) == RuleChanges(changed=1)
        assert raised().get().changed_at == NOW + ONE_DAY
        change(offering, retires_on=None, date_kind="")
        assert apply_rules(at=NOW + 2 * ONE_DAY) == RuleChanges(closed=1)

        risk = FoundationRisk.objects.get()
        assert (risk.closed_at, risk.closed_reason) == (
            NOW + 2 * ONE_DAY,
            "The conditions of the rule no longer hold.",
        )

    def test_it_closes_when_the_last_dependency_ends_and_comes_back_as_a_new_one(self):
        used(retires_on=TODAY + ONE_DAY, date_kind="firm")
        apply_rules(at=NOW)
        Dependency.objects.update(until=TODAY)
        assert apply_rules(at=NOW) == RuleChanges(closed=1)
        Dependency.objects.update(until=None)

        assert apply_rules(at=NOW) == RuleChanges(raised=1)
        assert FoundationRisk.objects.count() == 2


class TestLife:
    def test_a_second_run_writes_nothing_also_another_day(self):
        used(retires_on=TODAY + 60 * ONE_DAY, date_kind="firm", binding="alias")
        apply_rules(at=NOW)
        history = FoundationRisk.history.rel.related_model.objects.count()

        assert apply_rules(at=NOW + ONE_DAY) == RuleChanges()
        assert FoundationRisk.history.rel.related_model.objects.count() == history

    def test_a_dismissed_one_stays_dismissed_until_its_facts_change_materially(self):
        offering = used(retires_on=TODAY + 60 * ONE_DAY, date_kind="firm")
        apply_rules(at=NOW)
        dismiss_risk(
            risk=raised().get(), reason="test bench", by=make_user(role="governance"), at=NOW
        )
        auditor = make_user(role="auditor")

        change(offering, announced_on=TODAY)
        assert apply_rules(at=NOW) == RuleChanges(changed=1)
        assert not raised().exists()
        assert inherited_risks(user=auditor, on=TODAY).rows == []
        change(offering, retires_on=TODAY + 30 * ONE_DAY)
        assert apply_rules(at=NOW) == RuleChanges(changed=1)

        assert raised().get().dismissed_reason == "test bench"
        assert len(inherited_risks(user=auditor, on=TODAY).rows) == 1

    def test_levels_set_by_a_person_stay_until_the_facts_change_materially(self):
        offering = used(retires_on=TODAY + 60 * ONE_DAY, date_kind="firm")
        apply_rules(at=NOW)
        change_risk(
            risk=raised().get(), facts={"likelihood": 1}, by=make_user(role="governance"), at=NOW
        )

        apply_rules(at=NOW)
        assert raised().get().likelihood == 1
        change(offering, retires_on=TODAY + 30 * ONE_DAY)
        apply_rules(at=NOW)
        assert raised().get().likelihood == 5

    def test_what_a_person_raised_on_the_node_is_not_raised_again(self):
        offering = used(retires_on=TODAY + ONE_DAY, date_kind="firm")
        make_risk(make_node(NodeKind.OFFERING, offering), RiskTemplate.objects.get(code="FR-21"))

        assert apply_rules(at=NOW) == RuleChanges()

    def test_the_number_of_statements_does_not_grow(self):
        def cost():
            with CaptureQueriesContext(connection) as statements:
                refresh_risks(NOW)
            return len(statements)

        used(retires_on=TODAY + ONE_DAY, date_kind="firm", binding="alias")
        before = cost()
        for number in range(4):
            used(f"more-{number}", retires_on=TODAY + ONE_DAY, date_kind="firm", binding="alias")

        assert cost() == before

    def test_without_the_risk_catalogue_the_rules_rest(self):
        RiskTemplate.objects.all().delete()
        used(retires_on=TODAY + ONE_DAY, date_kind="firm")

        assert apply_rules(at=NOW) == RuleChanges()

    def test_every_rule_names_its_template_and_is_run(self):
        assert len({rule.name for rule in RULES}) == len(RULES) == 8


class TestOtherRules:
    def test_a_redirect_at_the_end(self):
        successor = make_offering("model-y")
        used(
            retires_on=date(2027, 1, 15),
            date_kind="firm",
            end_behaviour="redirect",
            replacement=successor,
        )

        apply_rules(at=NOW)

        risk = raised("redirect").get()
        assert risk.template.code == "FR-22"
        assert risk.facts == (
            "After retirement on 2027-01-15, calls to model-x on Here are redirected to model-y."
        )

    def test_a_floating_alias_and_its_move(self):
        version = make_version(
            "maker/model-20260101", foundation=make_foundation(open_weights=True)
        )
        alias = Alias.objects.create(
            identifier="maker/latest", kind="alias", version=version, foundation=version.foundation
        )
        offering = make_offering("latest", host=make_provider("here"), version=version, alias=alias)
        make_dependency(make_application(), offering)
        used("pinned", binding="pinned")
        apply_rules(at=NOW)

        risk = raised("moving_name").get()
        assert risk.template.code == "FR-15"
        assert risk.facts == (
            "latest on Here is an alias that the provider can move. It currently points to "
            "maker/model-20260101."
        )
        dismiss_risk(risk=risk, reason="no matter", by=make_user(role="governance"), at=NOW)
        change(
            offering, version=make_version("maker/model-20260601", foundation=version.foundation)
        )
        apply_rules(at=NOW)
        assert raised("moving_name").get().facts.endswith("maker/model-20260601.")

    def test_a_synonym_is_no_moving_name(self):
        version = make_version(foundation=make_foundation(open_weights=True))
        alias = Alias.objects.create(
            identifier="maker/same", kind="synonym", version=version, foundation=version.foundation
        )
        make_dependency(make_application(), make_offering(version=version, alias=alias))

        assert apply_rules(at=NOW) == RuleChanges()

    @pytest.mark.parametrize(
        ("promised", "policy", "said"), [(60, None, 60), (90, None, None), (120, 14, 14)]
    )
    def test_a_short_promised_notice_on_the_host(self, promised, policy, said):
        host = make_provider(
            "here",
            promised_notice_days=promised,
            deprecation_policy_url="https://here.example/ends",
        )
        if policy:
            NoticePolicy.objects.create(
                provider=host, notice_days=policy, source_url="https://here.example/policy"
            )
        used(host=host)

        apply_rules(at=NOW)

        risk = raised("short_notice").first()
        assert (risk is None) is (said is None)
        if risk:
            assert risk.node == make_node(NodeKind.HOST, host)
            assert f"promises {said} days" in risk.facts
            assert risk.source_url.startswith("https://here.example/")

    def test_one_host_only_unless_the_weights_are_published_or_another_host_serves_it(self):
        closed = make_version("maker/closed", foundation=make_foundation(open_weights=False))
        make_dependency(
            make_application(), make_offering(host=make_provider("only"), version=closed)
        )
        used()
        shared = make_version(foundation=make_foundation(open_weights=False))
        make_dependency(make_application(), make_offering(version=shared))
        make_offering(version=shared)

        apply_rules(at=NOW)

        risk = raised().get()
        assert (risk.rule, risk.template.code, risk.node) == (
            "one_host",
            "FR-29",
            make_node(NodeKind.VERSION, closed),
        )
        assert risk.facts.startswith("Only is the only host of maker/closed")

    def test_price_volatility_from_three_days_of_moves_within_a_year(self):
        offering = used()
        for days in (400, 200, 100):
            make_event(offering, "repriced", detected_at=NOW - timedelta(days=days))
        assert apply_rules(at=NOW) == RuleChanges()
        make_event(offering, "repriced", detected_at=NOW - ONE_DAY)

        apply_rules(at=NOW)

        risk = raised("price_moves").get()
        assert risk.template.code == "FR-23"
        assert risk.facts == (
            "The price of model-x on Here changed on 3 days between 2026-05-08 and 2026-11-23."
        )
        assert apply_rules(at=NOW + 200 * ONE_DAY) == RuleChanges(closed=1)

    def test_changed_terms(self):
        host = make_provider("here", terms_url="https://here.example/terms")
        make_event(used(host=host), "terms_changed", effective_on=date(2026, 12, 1))

        apply_rules(at=NOW)

        risk = raised("terms").get()
        assert (risk.template.code, risk.source_url) == ("FR-28", "https://here.example/terms")
        assert "valid from 2026-12-01 (detected 2026-11-24" in risk.facts

    def test_a_changed_licence_from_the_history(self):
        offering = used()
        foundation = offering.version.foundation
        Foundation.objects.filter(pk=foundation.pk).update(licence="apache-2.0")
        Foundation.objects.filter(pk=foundation.pk).update(licence="research-only")
        at = datetime.now(UTC)

        apply_rules(at=at)

        risk = raised("licence").get()
        assert (risk.template.code, risk.node) == (
            "FR-28",
            make_node(NodeKind.FOUNDATION, foundation),
        )
        assert "is now research-only. It was apache-2.0" in risk.facts
        assert apply_rules(at=at + 366 * ONE_DAY) == RuleChanges(closed=1)


@pytest.mark.django_db(transaction=True)
def test_two_refreshes_at_once_raise_each_risk_once():
    load_risk_catalogue()
    for number in range(3):
        used(f"model-{number}", retires_on=TODAY + ONE_DAY, date_kind="firm")
    changes = []

    def work():
        changes.append(refresh_risks(NOW))
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(each.raised for each in changes) == [0, 3]
    assert raised("retirement").count() == 3


def test_the_task_reads_the_clock_and_does_the_same():
    used(lifecycle="retired")

    tasks.refresh_risks()

    assert raised("retirement").count() == 1
