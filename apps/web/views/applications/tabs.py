"""Tabs of the application page: each has its own address and loads only what it shows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q

from apps.accounts.models import User
from apps.alerts.issues.timeline import application_notifications
from apps.catalog.identity.name_summaries import NameSummary
from apps.common.time import day_of
from apps.exposure.queries.dependents import StackRow
from apps.exposure.queries.freshness import is_application_pending
from apps.inventory.findings import Severity, findings_of_application
from apps.inventory.models import Application, Dependency
from apps.inventory.queries import changes_of_application
from apps.risks.queries.conditions import InheritedRiskQuery
from apps.risks.queries.inherited import InheritedRisk, inherited_risks
from apps.risks.queries.reach import RiskReach
from apps.web.drawings.base.picture import responsive_picture
from apps.web.drawings.charts.runways import draw_runways
from apps.web.pages.tabs import Tab
from apps.web.presenters.alert_recipients import describe_alert_recipients
from apps.web.presenters.requirements import RequirementChip, requirement_chips
from apps.web.queries import events_of_application
from apps.web.views.applications import queries
from apps.web.views.applications.billed_costs import billed_section
from apps.web.views.applications.judges import judged_pairs
from apps.web.views.applications.observed_usage import observed_usage
from apps.web.views.applications.retirement_verdict import TimeLeft
from apps.web.views.applications.stack import (
    compact_layers,
    in_house_block,
    order_by_similarity,
    others_below,
    stack_layers,
)
from apps.web.views.applications.withdrawn import list_withdrawn_capabilities
from apps.web.views.applications.work import application_work
from apps.web.views.data_quality.finding_labels import FINDING_NAMES
from apps.web.views.risks import presenters as risk_words

N_CHANGES, N_EVENTS, N_RISKS, N_ENDED = 8, 10, 10, 20
N_NOTIFICATIONS, N_LATEST_NOTIFICATIONS = 20, 3
# dependencies that the compact stack draws
MAX_COMPACT = 4


@dataclass(frozen=True, slots=True)
class PageData:
    """What the header of the page has loaded, for every tab."""

    application: Application
    user: User
    at: datetime
    rows: list[StackRow]
    times: Sequence[TimeLeft]
    version_dates: Mapping[int, date]
    names: Mapping[int, NameSummary]
    risks: RiskReach
    may_edit: bool

    @property
    def today(self) -> date:
        return day_of(self.at)


def load_overview(data: PageData) -> dict[str, Any]:
    ordered = order_by_similarity(data.rows)[:MAX_COMPACT]
    adaptations = queries.adaptations_by_dependency(ordered)
    return {
        "withdrawn": list_withdrawn_capabilities(data.rows),
        "work": application_work(
            data.application,
            user=data.user,
            risks=data.risks,
            may_edit=data.may_edit,
            today=data.today,
        ),
        "compact": ordered,
        "compact_above": in_house_block(ordered, adaptations),
        "compact_layers": compact_layers(
            ordered, version_dates=data.version_dates, names=data.names
        ),
        "n_undrawn": len(data.rows) - len(ordered),
        "alerts_go_to": describe_alert_recipients(data.application),
        "latest_notifications": application_notifications(
            data.application.pk, user=data.user, limit=N_LATEST_NOTIFICATIONS
        ),
    }


def load_dependencies(data: PageData) -> dict[str, Any]:
    rows = data.rows
    ordered = order_by_similarity(rows)
    adaptations = queries.adaptations_by_dependency(rows)
    alternatives = queries.alternatives(data.application, rows)
    return {
        "ordered": ordered,
        "above": in_house_block(ordered, adaptations),
        "layers": stack_layers(
            ordered,
            notes=others_below(rows, data.user),
            version_dates=data.version_dates,
            names=data.names,
        ),
        "all_adaptations": [row for own in adaptations.values() for row in own],
        "alternatives": alternatives,
        "is_pending": is_application_pending(data.application.pk),
        "ended": _list_inactive_dependencies(data.application, data.today),
        "fallbacks": [row for row in rows if row.dependency.role == Dependency.Role.FALLBACK],
        "seen": observed_usage(data.application, data.today),
        "requirements": _list_requirements(rows),
    }


def _list_requirements(rows: Sequence[StackRow]) -> list[tuple[StackRow, list[RequirementChip]]]:
    """Return each dependency with its requirements in words; one statement."""
    chips = requirement_chips([row.dependency.pk for row in rows])
    return [(row, chips.get(row.dependency.pk, [])) for row in rows]


def _list_inactive_dependencies(application: Application, today: date) -> Any:
    not_current = Q(until__lte=today) | Q(since__gt=today)
    return (
        application.dependencies.filter(not_current)
        .select_related("offering__host")
        .order_by("-until", "-pk")[:N_ENDED]
    )


def load_exit_readiness(data: PageData) -> dict[str, Any]:
    exits = queries.exit_section(data.rows, data.today)
    return {
        "runway_picture": responsive_picture(draw_runways, [time.bar for time in data.times])
        if data.times
        else None,
        "failure_modes": queries.failure_modes(data.application, data.rows),
        "judged": judged_pairs(data.application, data.rows, data.user),
        "is_pending": is_application_pending(data.application.pk),
        "exit_rows": [
            (row, exits.plans.get(row.dependency.pk), exits.tests.get(row.dependency.pk, ()))
            for row in data.rows
        ],
    }


def load_risks(data: PageData) -> dict[str, Any]:
    return {
        "risk_rows": _load_top_risks(data),
        "severities": risk_words.SEVERITIES,
    }


def _load_top_risks(data: PageData) -> list[InheritedRisk]:
    """Return the most severe risks that are stale or unassessed: three statements for each of the
    two states."""
    top_risks: list[InheritedRisk] = []
    for state, n in (("stale", data.risks.n_stale), ("unassessed", data.risks.n_unassessed)):
        if n and len(top_risks) < N_RISKS:
            query = InheritedRiskQuery(application=data.application.slug, state=state)
            top_risks += inherited_risks(
                user=data.user, on=data.today, query=query, size=N_RISKS - len(top_risks)
            ).rows
    return top_risks


def load_cost(data: PageData) -> dict[str, Any]:
    return {
        "cost": queries.cost_section(data.application, data.rows, data.at),
        "billed": billed_section(data.application, data.today),
    }


def load_history(data: PageData) -> dict[str, Any]:
    application, today = data.application, data.today
    by_id = {row.dependency.pk: row for row in data.rows}
    return {
        # errors and warnings are issues, which the overview lists
        "notes": [
            (FINDING_NAMES[finding.code], finding, by_id.get(finding.dependency_id or 0))
            for finding in findings_of_application(application=application, on=today)
            if finding.severity == Severity.NOTE
        ],
        "decisions": queries.approval_rows(data.rows, today),
        "changes": changes_of_application(application=application, limit=N_CHANGES),
        "events": events_of_application(application=application, on=today, limit=N_EVENTS),
        "notifications": application_notifications(
            application.pk, user=data.user, limit=N_NOTIFICATIONS
        ),
        "merged": application.merged.order_by("pk")[:10],
    }


def _tab(name: str, label: str, load: Callable[[PageData], Any], *anchors: str) -> Tab[PageData]:
    return Tab(name, label, f"applications/tabs/{name}.html", load, anchors)


TABS = (
    _tab("overview", "Overview", load_overview, "work", "todo"),
    _tab(
        "dependencies",
        "Dependencies",
        load_dependencies,
        *(
            "section",
            "dependencies",
            "requirements",
            "ways-out",
            "alternatives",
            "adaptations",
            "seen",
        ),
    ),
    _tab(
        "exit-readiness",
        "Exit readiness",
        load_exit_readiness,
        *("runway", "runway-table", "exits", "h-exits", "failure-modes", "judges"),
    ),
    _tab("risks", "Risks", load_risks, "risks"),
    _tab("cost", "Cost", load_cost, "cost", "spend", "billed"),
    _tab(
        "history",
        "History and evidence",
        load_history,
        *("findings", "decisions", "history", "events", "notifications", "facts"),
    ),
)
