"""Queries of the application page, section by section; each function states how many statements it
costs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import connection

from apps.catalog.capabilities.phrases import describe_losses
from apps.catalog.claims.feed_rows import PRICE_UNITS
from apps.catalog.models import Node, NodeKind, Offering, OfferingStage, Price, Stage
from apps.common.time import day_of
from apps.exposure.engine.settings import engine_settings
from apps.exposure.engine.states import path_states
from apps.exposure.queries.dependents import StackRow
from apps.exposure.successors.independence import GRADE_WORDS
from apps.exposure.threats import (
    DEVELOPER_FAILURE,
    ERROR,
    OUTAGE,
    RETIREMENT,
    NodeFailure,
    needed_grade,
)
from apps.inventory.costs import Money, MonthlyCosts, monthly_costs
from apps.inventory.findings import TEST_VALIDITY
from apps.inventory.governance.approval_sql import DECIDING_APPROVALS
from apps.inventory.governance.approvals import APPROVAL_RELATIONS
from apps.inventory.models import Adaptation, Application, Approval, Dependency, ExitPlan, ExitTest
from apps.inventory.requirements import FIT_COLUMNS, fit_of_columns
from apps.web.presenters.offering_stages import describe_start

STATES = {
    "exposed": "Exposed",
    "cushioned": "Cushioned",
    "portable": "Portable",
    "partial": "Partial",
}
# days with price changes that the page shows
MAX_DAYS = 3


@dataclass(frozen=True, slots=True)
class Alternative:
    """Alternative for one primary model: a fallback, a standby or the target of a past exit
    test."""

    primary: Dependency
    offering: Offering
    role: str
    grade: int
    tested: bool
    ever_tested: bool
    alive: bool
    alive_at_horizon: bool
    # what it lacks of what the primary model is used for: `has no image input`
    losses: str

    @property
    def grade_word(self) -> str:
        return GRADE_WORDS[self.grade]


@dataclass(frozen=True, slots=True)
class FailureModeRow:
    """Result for the main primary model in one failure mode. `rescue` is the alternative."""

    threat: str
    what: str
    needs: int
    state: str
    state_word: str
    rescue: Offering | None
    is_bad: bool


_ALTERNATIVES_SQL = f"""
SELECT r.primary_id, r.offering_id, r.dependency_id, r.grade, r.tested, c.ever_tested, r.alive,
    r.alive_at_horizon, {FIT_COLUMNS.format(dependency="r.primary_id", offering="c.effective_id")}
FROM exposure_candidategrade r JOIN exposure_candidate c ON c.id = r.candidate_id
WHERE r.application_id = %s ORDER BY r.primary_id, r.place, r.grade DESC, r.candidate_id
"""


def alternatives(application: Application, rows: Sequence[StackRow]) -> list[Alternative]:
    """Return the alternatives as of the engine's last refresh; two statements."""
    dependencies = {row.dependency.pk: row.dependency for row in rows}
    with connection.cursor() as cursor:
        cursor.execute(_ALTERNATIVES_SQL, [application.pk])
        records = cursor.fetchall()
    offerings = Offering.objects.select_related("host", "version__foundation").in_bulk(
        {record[1] for record in records}
    )
    candidates = []
    for (
        primary_id,
        offering_id,
        dependency_id,
        grade,
        tested,
        ever_tested,
        alive,
        alive_at_horizon,
        requirements,
        values,
    ) in records:
        if primary_id not in dependencies or offering_id not in offerings:
            continue
        dependency = dependencies.get(dependency_id)
        role = (
            "exit-test target"
            if dependency is None
            else "standby"
            if dependency.role == "primary"
            else (
                f"fallback {dependency.fallback_order}" if dependency.fallback_order else "fallback"
            )
        )
        candidates.append(
            Alternative(
                dependencies[primary_id],
                offerings[offering_id],
                role,
                grade,
                tested,
                ever_tested,
                alive,
                alive_at_horizon,
                describe_losses(fit_of_columns(requirements, values)),
            )
        )
    return candidates


def failure_modes(application: Application, rows: Sequence[StackRow]) -> list[FailureModeRow]:
    """Return the state of the main primary model in each failure mode, as of the engine's last
    refresh; about seven statements."""
    primary = next((row for row in rows if row.dependency.role == Dependency.Role.PRIMARY), None)
    if primary is None:
        return []
    failures: list[tuple[str, NodeKind, Any, str]] = [
        (OUTAGE, NodeKind.HOST, primary.host, "Host outage")
    ]
    retiring_node = primary.version or primary.answering
    kind = NodeKind.VERSION if primary.version else NodeKind.OFFERING
    failures.append((RETIREMENT, kind, retiring_node, "Retirement"))
    if primary.developer:
        failures.append(
            (DEVELOPER_FAILURE, NodeKind.DEVELOPER, primary.developer, "Developer failure")
        )
    if primary.foundation:
        failures.append((ERROR, NodeKind.FOUNDATION, primary.foundation, "Correlated error"))
    settings = engine_settings()
    nodes = {
        (node.kind, node.ref): node.pk
        for node in Node.objects.filter(
            kind__in=[failure[1] for failure in failures],
            ref__in=[failure[2].pk for failure in failures],
        )
    }
    results: list[tuple[str, str, int, str, int | None]] = []
    for threat, kind, subject, label in failures:
        node_id = nodes.get((kind, subject.pk))
        if node_id is None:
            continue
        grade = needed_grade(settings.required_grade, threat, kind)
        paths = [
            path
            for path in path_states(
                [NodeFailure(node_id, threat, grade)], application_ids=[application.pk]
            )
            if path.dependency_id == primary.dependency.pk
        ]
        name = getattr(subject, "name", "") or str(subject)
        for path in paths[:1]:
            rescue_id = path.rescue.offering_id if path.rescue else None
            results.append((name, label, grade, path.state, rescue_id))
    offerings = Offering.objects.select_related("host").in_bulk(
        {row[4] for row in results if row[4]}
    )
    return [
        FailureModeRow(
            label,
            subject_name,
            grade,
            state,
            str(STATES.get(state, state)),
            offerings.get(rescue_id or 0),
            state == "exposed",
        )
        for subject_name, label, grade, state, rescue_id in results
    ]


@dataclass(frozen=True, slots=True)
class ExitTestRow:
    row: ExitTest
    ends_on: date
    counts: bool
    why: str


@dataclass(frozen=True, slots=True)
class ExitSection:
    """Exit section by dependency: plan, tests (latest first)."""

    plans: Mapping[int, ExitPlan]
    tests: Mapping[int, Sequence[ExitTestRow]]

    @property
    def all_tests(self) -> list[ExitTestRow]:
        return [test for tests in self.tests.values() for test in tests]


def exit_section(rows: Sequence[StackRow], today: date) -> ExitSection:
    """Return exit plans and tests; two statements."""
    ids = [row.dependency.pk for row in rows]
    plans = {
        plan.dependency_id: plan
        for plan in ExitPlan.objects.filter(dependency__in=ids).select_related(
            "target__host", "dependency__offering"
        )
    }
    tests: dict[int, list[ExitTestRow]] = {}
    for test in (
        ExitTest.objects.filter(dependency__in=ids)
        .select_related(
            "target__host",
            "target__version",
            "tested_version",
            "dependency__offering",
            "recorded_by",
        )
        .order_by("dependency_id", "-tested_on", "-pk")
    ):
        ends_on = test.ends_on(TEST_VALIDITY)
        has_new_version = (
            test.tested_version_id is not None and test.tested_version_id != test.target.version_id
        )
        invalid_reason = (
            test.get_result_display().lower()
            if test.result != ExitTest.Result.PASSED
            else "expired"
            if ends_on <= today
            else "another version is served today"
            if has_new_version
            else ""
        )
        tests.setdefault(test.dependency_id, []).append(
            ExitTestRow(test, ends_on, not invalid_reason, invalid_reason)
        )
    return ExitSection(plans, tests)


def adaptations_by_dependency(rows: Sequence[StackRow]) -> dict[int, list[Adaptation]]:
    """Return {dependency: its adaptations}; one statement."""
    adaptations: dict[int, list[Adaptation]] = {}
    for row in (
        Adaptation.objects.filter(dependency__in=[row.dependency.pk for row in rows])
        .select_related("dependency__offering")
        .order_by("pk")
    ):
        adaptations.setdefault(row.dependency_id, []).append(row)
    return adaptations


# --- cost -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CostCase:
    """Monthly cost at the prices of a day. `changes` are the differences from the day before."""

    on: date
    total: str
    known: Mapping[int, Money]
    amount: Fraction | None
    change: str
    share: float
    changes: tuple[str, ...]
    n_unknown: int


@dataclass(frozen=True, slots=True)
class CostLine:
    row: StackRow
    amounts: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class SpendComparison:
    """Booked spend of the application beside its cost at list prices, and the difference; empty
    texts where they cannot be compared."""

    booked: str
    listed: str
    difference: str
    share: str
    is_more: bool
    n_unpriced: int


@dataclass(frozen=True, slots=True)
class CostSection:
    cases: tuple[CostCase, ...]
    lines: tuple[CostLine, ...]
    spend: SpendComparison
    # sentences about extended access, which has a price of its own
    extended: tuple[str, ...]


def cost_section(application: Application, rows: Sequence[StackRow], at: datetime) -> CostSection:
    """Return costs of today and of each day on which an announced price changes, at most MAX_DAYS
    such days: two statements and one per day."""
    today = day_of(at)
    offerings = {row.answering.pk: row.answering for row in rows}
    price_changes = list(
        Price.objects.filter(offering__in=offerings, valid__startswith__gt=at).order_by(
            "valid", "offering", "unit"
        )[:60]
    )
    days = sorted({day_of(price.valid.lower) for price in price_changes})[:MAX_DAYS]
    statuses = [*Application.IN_SCOPE, Application.Status.PROPOSED]
    costs_by_day = [
        (
            on,
            monthly_costs(
                on=today, prices_on=on, application_ids=[application.pk], statuses=statuses
            ),
        )
        for on in [today, *days]
    ]
    highest = max(
        (_total_in_usd(costs) or Fraction(0) for _on, costs in costs_by_day), default=Fraction(0)
    )
    previous_amount: Fraction | None = None
    cases = []
    for on, costs in costs_by_day:
        amount = _total_in_usd(costs)
        change_texts = [
            f"{offerings[price.offering_id].api_id}: {PRICE_UNITS.get(price.unit, price.unit)} → "
            f"{price.amount.normalize():f} {price.currency}"
            for price in price_changes
            if on != today and day_of(price.valid.lower) == on
        ]
        change = (
            ""
            if previous_amount is None or amount is None
            else _format_change(amount - previous_amount)
        )
        cases.append(
            CostCase(
                on=on,
                total=" + ".join(
                    f"{_format_amount(total)} {currency}"
                    for currency, total in costs.totals.items()
                )
                or "–",
                known=costs.per_dependency,
                amount=amount,
                change=change,
                share=float(amount / highest * 100) if amount is not None and highest else 0.0,
                changes=tuple(change_texts),
                n_unknown=len(costs.unknown),
            )
        )
        previous_amount = amount
    lines = []
    for row in rows:
        pk = row.dependency.pk
        amounts = tuple(
            f"{_format_amount(case.known[pk].amount)} {case.known[pk].currency or ''}".strip()
            if pk in case.known
            else "–"
            for case in cases
        )
        unknown_reason = costs_by_day[0][1].unknown.get(pk)
        lines.append(CostLine(row, amounts, unknown_reason.sentence if unknown_reason else ""))
    return CostSection(
        tuple(cases),
        tuple(lines),
        _compare_spend(application, cases[0]),
        _describe_extended_access(offerings.values(), today),
    )


def _describe_extended_access(offerings: Iterable[Offering], today: date) -> tuple[str, ...]:
    """Return a sentence about each model that enters, or is in, extended access: from that day
    another price applies, which is named where it is known. One statement, two with any."""
    by_id = {row.pk: row for row in offerings}
    stages = list(
        OfferingStage.objects.filter(offering__in=by_id, stage=Stage.EXTENDED_ACCESS).order_by(
            "starts_on", "offering"
        )
    )
    if not stages:
        return ()
    prices: dict[tuple[int, date], list[str]] = defaultdict(list)
    for price in Price.objects.filter(offering__in=[row.offering_id for row in stages]).order_by(
        "unit", "above_tokens"
    ):
        if price.valid.lower is not None:
            prices[price.offering_id, day_of(price.valid.lower)].append(
                f"{PRICE_UNITS.get(price.unit, price.unit)} {price.amount.normalize():f} "
                f"{price.currency} per million"
            )
    sentences = []
    for row in stages:
        name = by_id[row.offering_id].api_id
        known = prices.get((row.offering_id, row.starts_on)) if row.starts_on else None
        amount = "; ".join(known) if known else "price of extended access unknown"
        verb = "is in" if row.has_begun(today) else "enters"
        start = f" {describe_start(row, today)}" if row.starts_on else ""
        sentences.append(f"{name} {verb} extended access{start}: {amount}.")
    return tuple(sentences)


def _compare_spend(application: Application, case: CostCase) -> SpendComparison:
    booked = application.monthly_spend
    if booked is None or case.amount is None:
        return SpendComparison(
            "" if booked is None else f"{_format_amount(Fraction(booked))} USD",
            case.total,
            "",
            "",
            is_more=False,
            n_unpriced=case.n_unknown,
        )
    difference = Fraction(booked) - case.amount
    return SpendComparison(
        f"{_format_amount(Fraction(booked))} USD",
        case.total,
        f"{_format_amount(abs(difference))} USD" if difference else "",
        f"{round(abs(difference) / case.amount * 100)}%" if case.amount else "",
        is_more=difference > 0,
        n_unpriced=case.n_unknown,
    )


def _total_in_usd(costs: MonthlyCosts) -> Fraction | None:
    """Return the total in USD; None if there are costs in another currency, since currencies are
    never added."""
    return costs.totals.get("USD") if set(costs.totals) <= {"USD"} and costs.totals else None


def _format_amount(amount: Fraction) -> str:
    value = Decimal(amount.numerator) / Decimal(amount.denominator)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"


def _format_change(amount: Fraction) -> str:
    text = _format_amount(abs(amount))
    return f"+{text}" if amount > 0 else f"−{text}" if amount < 0 else "0"


# --- decisions ------------------------------------------------------------------------------------

_APPROVALS_SQL = f"""
WITH used(id, application_id, offering_id, via_party_id) AS (
    SELECT id, application_id, offering_id, via_party_id FROM inventory_dependency
    WHERE id = ANY (%(ids)s)
),
{DECIDING_APPROVALS}
SELECT u.id, c.approval_id FROM deciding c JOIN used u ON u.offering_id = c.offering_id
-- approvals of the gateway or vendor of the dependency
UNION SELECT u.id, w.approval_id FROM way w JOIN used u ON u.via_party_id = w.party_id
"""


def approval_rows(rows: Sequence[StackRow], today: date) -> list[tuple[Approval, list[StackRow]]]:
    """Return active approvals, each with the rows to which it applies: two statements."""
    by_id = {row.dependency.pk: row for row in rows}
    with connection.cursor() as cursor:
        cursor.execute(_APPROVALS_SQL, {"ids": list(by_id), "on": today})
        id_pairs = cursor.fetchall()
    approvals = (
        Approval.objects.select_related(*APPROVAL_RELATIONS).in_bulk({pk for _id, pk in id_pairs})
        if id_pairs
        else {}
    )
    rows_by_approval: dict[int, list[StackRow]] = {}
    for dependency_id, pk in id_pairs:
        rows_by_approval.setdefault(pk, []).append(by_id[dependency_id])
    return [
        (approvals[pk], rows_by_approval[pk]) for pk in sorted(rows_by_approval) if pk in approvals
    ]
