"""What a policy is said to do beforehand is what the gate then does: a thousand random
applications, each judged both ways."""

import random
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta

import pytest

from apps.catalog.models import Alias, Offering, OfferingStage
from apps.common.errors import ConflictError
from apps.common.time import day_of, now
from apps.gate.actions import HorizonDays, change_gate_policy, grant_waiver, request_waiver
from apps.gate.matching import RequestedModel
from apps.gate.models import GatePolicy
from apps.gate.rules.definitions import Level, Rule
from apps.gate.rules.evaluation import PolicySnapshot, evaluate_inventory
from apps.gate.rules.preview import highest_levels, preview_policy
from apps.gate.runs import release_run, request_run
from apps.inventory.governance.approvals import record_decision
from apps.inventory.models import Application, Criticality
from apps.risks.models import Evidence
from tests.builders import (
    make_application,
    make_claim,
    make_dependency,
    make_foundation,
    make_offering,
    make_provider,
    make_source,
    make_version,
)
from tests.gate.support_desk import SupportDesk
from tests.worlds.fit import require, settle

pytestmark = pytest.mark.proof

SEED = 20261128
N_POLICIES = 25
N_APPLICATIONS = 40


class RandomPortfolio:
    """Offerings of every kind that the register can hold, and applications that call them; the same
    for one seed."""

    def __init__(self, desk: SupportDesk, seed: int) -> None:
        self.desk, self.random = desk, random.Random(seed)
        self.offerings = list(self._offerings())
        self.applications = [self._application(number) for number in range(N_APPLICATIONS)]
        for _ in range(25):
            self._decide()
        for _ in range(120):
            self._evaluate()
        for application in self.random.sample(self.applications, 12):
            self._waive_and_release(application)

    def _offerings(self) -> Iterator[Offering]:
        chance = self.random
        hosts = [
            self.desk.openai,
            self.desk.azure,
            make_provider("router", roles=("host", "gateway")),
        ]
        foundations = [make_foundation(f"maker/line-{number}") for number in range(4)]
        versions = [
            make_version(f"maker/line-{n}-{m}", foundation=line)
            for n, line in enumerate(foundations)
            for m in range(3)
        ]
        for number in range(60):
            ends = self.desk.today + timedelta(
                chance.choice([-40, -1, 0, 1, 7, 14, 30, 31, 60, 90, 120, 181, 400])
            )
            is_dated = chance.random() < 0.7
            lifecycle = chance.choice(["active", "active", "deprecated", "retired"])
            kinds = ["firm"] if lifecycle == "retired" else ["firm", "firm", "not_before"]
            version = chance.choice(versions)
            alias = None
            kind = chance.random()
            if kind < 0.25:
                alias_kind = chance.choice(["alias", "family"])
                alias = Alias.objects.create(
                    identifier=f"maker/alias-{number}",
                    foundation=version.foundation,
                    kind=alias_kind,
                    version=version if alias_kind == "alias" or chance.random() < 0.5 else None,
                )
            is_resolved = kind >= 0.1 and (alias is None or alias.version is not None)
            offering = make_offering(
                f"router/*-{number}" if number % 15 == 0 else f"m-{number}",
                host=chance.choice(hosts),
                version=version if is_resolved else None,
                resolved=is_resolved,
                alias=alias,
                lifecycle=lifecycle,
                retires_on=ends if is_dated else None,
                date_kind=chance.choice(kinds) if is_dated else "",
                not_a_model=kind > 0.93,
            )
            if chance.random() < 0.2:
                day = self.desk.today - timedelta(chance.choice([-5, 0, 1, 2, 30, 400]))
                is_dated = chance.random() < 0.8
                OfferingStage.objects.create(
                    offering=offering,
                    stage="closed_to_new",
                    starts_on=day if is_dated else None,
                    date_kind="firm" if is_dated else "",
                    claim=make_claim(
                        make_source("page"), f"row-{number}", topic="lifecycle", offering=offering
                    ),
                )
            if chance.random() < 0.5:
                settle(offering, vision=chance.choice([True, False, False]))
            yield offering

    def _application(self, number: int) -> Application:
        chance = self.random
        application = make_application(
            f"Random {number}",
            team=self.desk.team,
            status=chance.choice(["pilot", "production"]),
            criticality=chance.choice(Criticality.values),
            business_owner=chance.choice(["", " ", "\t", "Ilse"]),
            technical_owner=chance.choice(["", "", "Noor"]),
            data_classification=chance.choice(["", *Application.DataClass.values]),
            geography=chance.choice(["", "EU", "US", "EU, US", "eu; CH"]),
        )
        for offering in chance.sample(self.offerings, chance.randint(1, 5)):
            ends = self.desk.today + timedelta(chance.choice([0, 1, 40]))
            via_party = chance.choice([None, None, self.desk.openai, self.desk.azure])
            dependency = make_dependency(
                application,
                offering,
                since=self.desk.today - timedelta(chance.choice([1, 2, 300])),
                until=ends if chance.random() < 0.2 else None,
                via_party=via_party,
                reached="direct" if via_party is None else "gateway",
            )
            if chance.random() < 0.3:
                require(dependency, vision=True)
        return application

    def _decide(self) -> None:
        chance = self.random
        offering = chance.choice([each for each in self.offerings if each.version_id is not None])
        target = chance.choice(
            [offering, offering.version, offering.version.foundation, offering.host]
        )
        decision = chance.choice(["blocked", "restricted", "restricted", "approved"])
        limits = {}
        if decision == "restricted":
            limits = {
                "criticalities": chance.choice([[], [0], [2, 3]]),
                "data_classes": chance.choice([[], ["public"], ["public", "internal"]]),
                "regions": chance.choice([["EU"], ["EU", "US"], ["US"]]),
                "requires_no_training": chance.random() < 0.3,
            }
        # one decision stands on a target
        with suppress(ConflictError):
            record_decision(
                target=target,
                decision=decision,
                reason="As tried.",
                at=now(),
                by=self.desk.governance,
                expires_on=self.desk.today + timedelta(90) if decision != "blocked" else None,
                **limits,
            )

    def _evaluate(self) -> None:
        chance = self.random
        offering = chance.choice(self.offerings)
        of_version = offering.version_id is not None and chance.random() < 0.5
        Evidence.objects.create(
            kind=chance.choice(["own_evaluation", "own_evaluation", "red_team", "benchmark"]),
            application=chance.choice([None, *chance.sample(self.applications, 2)]),
            offering=None if of_version else offering,
            version=offering.version if of_version else None,
            passed=chance.choice([True, True, False]),
            run_on=self.desk.today
            - timedelta(chance.choice([0, 1, 29, 30, 31, 364, 365, 366, 500])),
            expires_on=chance.choice(
                [None, None, self.desk.today + timedelta(1), self.desk.today + timedelta(40)]
            ),
            recorded_at=now(),
        )

    def _waive_and_release(self, application: Application) -> None:
        """Neither is the policy's doing, and neither may move what it is said to find."""
        called = application.dependencies.select_related("offering__host").first()
        waiver = request_waiver(
            application=application,
            rule=self.random.choice(["FR001", "FR002", "FR003"]),
            model=called.offering.api_id,
            reason="Moving.",
            until=self.desk.today + timedelta(20),
            by=self.desk.editor,
            at=now(),
        )
        grant_waiver(waiver=waiver, by=self.desk.governance, at=now())
        run = request_run(
            application=application,
            requested=[RequestedModel(called.offering.api_id, called.offering.host.slug)],
            by=self.desk.editor,
            at=now(),
            environment="production",
        )
        release_run(run=run, by=self.desk.editor, at=now())

    def change_policy(self) -> PolicySnapshot:
        chance = self.random
        days = []
        for environment in ("production", "*"):
            for criticality in Criticality.values:
                warning_days = chance.choice([0, 30, 90, 180])
                days.append(
                    HorizonDays(
                        environment,
                        criticality,
                        warning_days,
                        min(warning_days, chance.choice([0, 7, 30])),
                    )
                )
        change_gate_policy(
            by=self.desk.governance,
            levels={str(rule): chance.choice(Level.values) for rule in Rule},
            days=days,
            fields={
                "requires_approval": chance.random() < 0.5,
                "evidence_days": chance.choice([30, 365]),
                "evidence_criticalities": chance.choice([[], [0], [0, 1, 2, 3]]),
            },
        )
        return PolicySnapshot.load()


def days_of(rules: PolicySnapshot) -> list[HorizonDays]:
    return [
        HorizonDays(row.environment, row.criticality, row.warning_days, row.error_days)
        for row in rules.horizons
    ]


def judged_at_the_gate(application: Application) -> dict[str, str]:
    """{rule: gravest level} of what the gate finds in all that the application calls today."""
    found: dict[str, str] = {}
    for each in evaluate_inventory(
        application=application, environment="production", at=now()
    ).findings:
        if each.rule not in found or Level(each.level).gravity > Level(found[each.rule]).gravity:
            found[each.rule] = each.level
    return found


def previewed(rules: PolicySnapshot, on: date) -> dict[int, dict[str, str]]:
    return highest_levels(policy=rules.policy, days=days_of(rules), environment="production", on=on)


@pytest.mark.proof
def test_the_preview_finds_in_a_thousand_random_cases_what_the_gate_finds(desk):
    portfolio = RandomPortfolio(desk, SEED)
    today = day_of(now())
    n_cases, rules_seen = 0, set()
    for number in range(N_POLICIES):
        rules = portfolio.change_policy()
        before = previewed(rules, today)
        for application in portfolio.applications:
            at_the_gate = judged_at_the_gate(application)
            if application.pk in before:
                assert before[application.pk] == at_the_gate, (SEED, number, application.name)
            else:
                # nothing is live, so that it is none of the applications that call anything
                assert set(at_the_gate) <= {"FR010"}
            n_cases += 1
            rules_seen |= {(rule, level) for rule, level in at_the_gate.items()}
    assert n_cases == N_POLICIES * N_APPLICATIONS
    assert {rule for rule, _ in rules_seen} >= set(Rule.values) - {"FR005"}
    assert {level for _, level in rules_seen} == {"error", "warning", "note"}


def test_the_counts_of_the_preview_are_those_of_its_applications(desk):
    portfolio = RandomPortfolio(desk, SEED + 1)
    rules = portfolio.change_policy()
    policy: GatePolicy = rules.policy
    today = day_of(now())
    found = previewed(rules, today)

    counted = preview_policy(
        levels=policy.levels,
        days=days_of(rules),
        environment="production",
        requires_approval=policy.requires_approval,
        evidence_days=policy.evidence_days,
        evidence_criticalities=policy.evidence_criticalities,
        on=today,
    )

    assert counted.n_applications == len(found)
    assert counted.n_blocked == sum("error" in levels.values() for levels in found.values())
    assert {row.rule: row.n_errors for row in counted.rules if row.n_errors} == {
        Rule(rule): n
        for rule in Rule.values
        if (n := sum(levels.get(rule) == "error" for levels in found.values()))
    }


def test_an_evaluation_that_failed_lately_outweighs_an_earlier_one_that_passed(desk):
    make_dependency(desk.application, desk.good)
    change_gate_policy(by=desk.governance, levels={"FR006": "error"})
    for days, passed in ((30, True), (1, False)):
        Evidence.objects.create(
            kind="own_evaluation",
            application=desk.application,
            version=desk.good.version,
            passed=passed,
            run_on=desk.today - timedelta(days),
            recorded_at=now(),
        )

    assert previewed(PolicySnapshot.load(), desk.today) == {desk.application.pk: {"FR006": "error"}}


def test_a_preview_costs_the_same_number_of_statements_however_many_applications(
    desk, django_assert_num_queries
):
    rules = PolicySnapshot.load()

    for n in (2, 10):
        for _ in range(n):
            make_dependency(
                make_application(team=desk.team, criticality=Criticality.CRITICAL), desk.good
            )
        with django_assert_num_queries(9):
            previewed(rules, desk.today)
