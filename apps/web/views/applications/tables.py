"""Tables of the application page as CSV: the same queries, every row."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.common.time import day_of, now
from apps.exposure.queries.dependents import StackRow, application_stack
from apps.inventory.findings import findings_of_application
from apps.inventory.models import Application
from apps.inventory.queries import changes_of_application
from apps.inventory.runway import runways
from apps.web.lists.pagination import csv_response
from apps.web.pages.form_fields import signed_in_user
from apps.web.presenters.billed_costs import decimal_of
from apps.web.views.applications import queries
from apps.web.views.applications.billed_costs import billed_section
from apps.web.views.applications.lookups import application_or_404
from apps.web.views.data_quality.finding_labels import FINDING_NAMES, SEVERITIES

type Table = tuple[Sequence[str], Iterable[Sequence[Any]]]

STACK_HEADS = (
    "Application",
    "Role",
    "Traffic share",
    "Model ID",
    "Type",
    "Version",
    "Foundation",
    "Developer",
    "Host",
    "Reached via",
    "Retires",
    "Days left",
    "Bound",
)


@require_safe
def stack_csv(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    """Export the stack of the application."""
    application = application_or_404(request, slug)

    def cells(row: StackRow) -> list[Any]:
        return [
            application.name,
            row.dependency.get_role_display(),
            row.dependency.traffic_share,
            row.offering.api_id,
            row.offering.get_kind_display(),
            row.version.identifier if row.version else "",
            row.foundation.name if row.foundation else "",
            row.developer.name if row.developer else "",
            row.host.name,
            row.dependency.via_party.name if row.dependency.via_party else "",
            row.answering.retires_on,
            row.days_left,
            "at least" if row.at_least else "",
        ]

    return csv_response(
        f"stack-{application.slug}",
        STACK_HEADS,
        application_stack(application=application, on=day_of(now())),
        cells,
    )


def _build_runways(application: Application, user: User) -> Table:
    """Return the table of the primary models with their runways."""
    today = day_of(now())
    rows = {row.dependency.pk: row for row in application_stack(application=application, on=today)}
    statuses = [*Application.IN_SCOPE, Application.Status.PROPOSED]
    return (
        "Model ID",
        "Host",
        "Retires",
        "Days left",
        "Bound",
        "Migration (days)",
        "Basis",
        "Runway",
    ), [
        (
            rows[row.dependency_id].offering.api_id,
            rows[row.dependency_id].host.name,
            row.retires_on,
            row.days_left,
            "at least" if row.at_least else "",
            row.effort_days,
            row.basis,
            row.runway,
        )
        for row in runways(on=today, application_ids=[application.pk], statuses=statuses)
        if row.dependency_id in rows
    ]


def _build_alternatives(application: Application, user: User) -> Table:
    """Return the table of the alternatives to the primary models."""
    rows = application_stack(application=application, on=day_of(now()))
    heads = (
        "Primary model",
        "Alternative",
        "Host",
        "Role",
        "Independence",
        "Meaning of independence",
        "Lacks",
        "Exit test",
        "Active",
        "Active at the planning horizon",
    )
    return heads, [
        (
            alternative.primary.offering.api_id,
            alternative.offering.api_id,
            alternative.offering.host.name,
            alternative.role,
            alternative.grade,
            alternative.grade_word,
            alternative.losses,
            "valid" if alternative.tested else "expired" if alternative.ever_tested else "none",
            "yes" if alternative.alive else "no",
            "yes" if alternative.alive_at_horizon else "no",
        )
        for alternative in queries.alternatives(application, rows)
    ]


def _build_exit_tests(application: Application, user: User) -> Table:
    """Return the table of the exit tests of all dependencies."""
    today = day_of(now())
    exits = queries.exit_section(application_stack(application=application, on=today), today)
    heads = (
        "From",
        "To",
        "Tested on",
        "Result",
        "Days",
        "Cost (USD)",
        "Quality change",
        "Metric",
        "Valid until",
        "Valid today",
        "Reason if not valid",
        "Evidence",
        "Note",
        "Recorded by",
    )
    return heads, [
        (
            test.row.dependency.offering.api_id,
            test.row.target.api_id,
            test.row.tested_on,
            test.row.get_result_display(),
            test.row.effort_days,
            test.row.cost,
            test.row.quality_delta,
            test.row.quality_metric,
            test.ends_on,
            "yes" if test.counts else "no",
            test.why,
            test.row.evidence_ref,
            test.row.note,
            str(test.row.recorded_by or ""),
        )
        for test in exits.all_tests
    ]


def _build_adaptations(application: Application, user: User) -> Table:
    """Return the table of the adaptations of all dependencies."""
    today = day_of(now())
    rows = application_stack(application=application, on=today)
    adaptations = queries.adaptations_by_dependency(rows).values()
    return (
        "Model ID",
        "Type",
        "Name",
        "Reuse",
        "Days spent",
        "Cost (USD)",
        "Location",
        "Note",
    ), [
        (
            row.dependency.offering.api_id,
            row.get_kind_display(),
            row.name,
            row.get_moves_display(),
            row.invested_days,
            row.invested_cost,
            row.artefact_ref,
            row.note,
        )
        for of_dependency in adaptations
        for row in of_dependency
    ]


def _build_costs(application: Application, user: User) -> Table:
    """Return the table of monthly costs by dependency, with a column for each price date."""
    at = now()
    costs = queries.cost_section(
        application, application_stack(application=application, on=day_of(at)), at
    )
    heads = (
        "Role",
        "Model ID",
        "Host",
        *(f"Cost per month at prices of {case.on}" for case in costs.cases),
        "Reason if unknown",
    )
    return heads, [
        (
            line.row.dependency.get_role_display(),
            line.row.offering.api_id,
            line.row.host.name,
            *line.amounts,
            line.why,
        )
        for line in costs.lines
    ]


def _build_billed_costs(application: Application, user: User) -> Table:
    """Return the bills of the latest month by model, with the parts of the difference."""
    section = billed_section(application, day_of(now()))
    return (
        "Month",
        "Model ID",
        "Provider",
        "Currency",
        "Billed",
        "Effective",
        "List cost of the bill",
        "Cost at list prices",
        "Difference",
        "Explanation",
        "Usage",
    ), [
        (
            f"{section.month:%Y-%m}" if section.month else "",
            line.row.name,
            line.row.provider,
            line.currency,
            decimal_of(line.row.billed),
            decimal_of(line.row.amounts.effective + line.row.amounts.charges),
            decimal_of(line.row.amounts.listed),
            decimal_of(line.row.recorded),
            decimal_of(line.row.difference),
            line.explanation,
            line.usage,
        )
        for bill in section.bills
        for line in bill.lines
    ]


def _build_findings(application: Application, user: User) -> Table:
    return ("Severity", "Type", "Type ID", "Finding"), [
        (SEVERITIES[row.severity], FINDING_NAMES[row.code], row.code, row.sentence)
        for row in findings_of_application(application=application, on=day_of(now()))
    ]


def _build_decisions(application: Application, user: User) -> Table:
    today = day_of(now())
    return (
        "Approval",
        "Target",
        "Model ID",
        "Decided on",
        "Expires on",
        "Approver",
        "Reason",
    ), [
        (
            approval.get_decision_display(),
            str(approval.target),
            row.offering.api_id,
            approval.decided_on,
            approval.expires_on,
            str(approval.approver),
            approval.reason,
        )
        for approval, rows in queries.approval_rows(
            application_stack(application=application, on=today), today
        )
        for row in rows
    ]


def _build_history(application: Application, user: User) -> Table:
    return ("Time", "User", "Change and reason", "Rows", "Change ID"), [
        (row.at, row.actor, row.reason, row.n_rows, str(row.id))
        for row in changes_of_application(application=application)
    ]


TABLES: dict[str, Callable[[Application, User], Table]] = {
    "runway": _build_runways,
    "fallbacks": _build_alternatives,
    "exit-tests": _build_exit_tests,
    "adaptations": _build_adaptations,
    "cost": _build_costs,
    "billed-costs": _build_billed_costs,
    "findings": _build_findings,
    "decisions": _build_decisions,
    "history": _build_history,
}


@require_safe
def table_csv(request: HttpRequest, slug: str, table: str) -> StreamingHttpResponse:
    application = application_or_404(request, slug)
    if table not in TABLES:
        raise Http404
    heads, rows = TABLES[table](application, signed_in_user(request))
    return csv_response(f"{table}-{application.slug}", heads, rows, lambda row: row)
