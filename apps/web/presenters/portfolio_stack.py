"""The portfolio as a stack: applications and what their largest primary models depend on."""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from django.core.cache import cache
from django.urls import reverse

from apps.accounts.models import User
from apps.catalog.identity.agreed_models import AgreedModel, agreed_models
from apps.catalog.models import DateKind, Offering
from apps.exposure.models import EngineState
from apps.exposure.queries.concentration import LayerTable
from apps.exposure.queries.portfolio import CommonStack, common_stacks
from apps.inventory.models import Criticality, Dependency
from apps.web.drawings.diagrams import stack_section
from apps.web.queries import primary_paths
from apps.web.wording import count_of, share

URGENT_DAYS = 30
# with more applications the drawing has one column per common stack
DRAWN_SINGLY = 72
DRAWN_STACKS = 40
HEIGHTS = {
    Criticality.CRITICAL: 1.0,
    Criticality.IMPORTANT: 0.63,
    Criticality.STANDARD: 0.37,
    Criticality.LOW: 0.17,
}


@dataclass(frozen=True, slots=True)
class PortfolioStack:
    """The drawing in both widths; `is_grouped`: one column per common stack."""

    wide: stack_section.Section
    narrow: stack_section.Section
    title: str
    is_grouped: bool


def draw_portfolio(
    *, user: User, on: date, n: int, developers: LayerTable
) -> PortfolioStack | None:
    """Draw the `n` applications; None without any."""
    columns = portfolio(user=user, on=on, n=n)
    if not columns:
        return None
    over = frozenset(row.name for row in developers.rows if row.over)
    details = details_of(developers)
    return PortfolioStack(
        stack_section.draw_wide_section(columns, over=over, details=details),
        stack_section.draw_narrow_section(columns, over=over, details=details),
        section_title(n, developers),
        n > DRAWN_SINGLY,
    )


def portfolio(*, user: Any, on: date, n: int) -> list[stack_section.Column]:
    """Return columns of the stack: one per application, or one per common stack if there are too
    many to draw."""
    if n > DRAWN_SINGLY:
        return [_stack_column(row, on) for row in _load_common_stacks(user)]
    paths = primary_paths(user=user, on=on)
    agreed = agreed_models({path.offering_id for path in paths if path.offering.version is None})
    return [
        _application_column(path, agreed.get(path.offering_id, AgreedModel(None, None)), on)
        for path in paths
    ]


def _load_common_stacks(user: User) -> list[CommonStack]:
    """Return the common stacks. Those of the whole organisation are cached until the next refresh
    of the engine."""
    if not user.can_read_all:
        return common_stacks(user=user, limit=DRAWN_STACKS)
    refreshed_at = EngineState.objects.filter(pk=1).values_list("refreshed_at", flat=True).first()
    key = f"common-stacks:{refreshed_at:%Y%m%d%H%M%S%f}" if refreshed_at else "common-stacks:none"
    cached_rows: list[dict[str, Any]] | None = cache.get(key)
    if cached_rows is not None:
        return [
            CommonStack(
                **{**row, "ends_on": date.fromisoformat(row["ends_on"]) if row["ends_on"] else None}
            )
            for row in cached_rows
        ]
    stacks = common_stacks(user=user, limit=DRAWN_STACKS)
    rows = [
        {**asdict(stack), "ends_on": stack.ends_on.isoformat() if stack.ends_on else None}
        for stack in stacks
    ]
    cache.set(key, rows, timeout=3600)
    return stacks


def _application_column(path: Dependency, agreed: AgreedModel, today: date) -> stack_section.Column:
    """Return a primary path as a column of the portfolio stack; its height is the criticality.
    `agreed` is what the candidates of a name have in common."""
    application, offering = path.application, path.offering
    foundation = offering.version.foundation if offering.version else agreed.foundation
    developer = foundation.developer if foundation else agreed.developer
    return stack_section.Column(
        label=f"{application.name}: {foundation.name if foundation else offering.api_id}, "
        f"{offering.host.name}",
        host=offering.host.name,
        version=_release_name(offering.version.identifier, foundation.line, foundation.name)
        if offering.version and foundation
        else stack_section.UNRESOLVED,
        foundation=foundation.name if foundation else stack_section.UNRESOLVED,
        developer=developer.name if developer else stack_section.UNRESOLVED,
        height=HEIGHTS[Criticality(application.criticality)],
        solid=application.criticality == Criticality.CRITICAL,
        late=is_urgent(offering, today),
        url=reverse("applications:detail", args=[application.slug]),
    )


def _stack_column(row: CommonStack, today: date) -> stack_section.Column:
    return stack_section.Column(
        label=f"{row.n} applications, {row.n_critical} critical: {row.foundation or '?'}, "
        f"{row.host}",
        host=row.host,
        version=_release_name(row.version, row.line, row.foundation),
        foundation=row.foundation or stack_section.UNRESOLVED,
        developer=row.developer or stack_section.UNRESOLVED,
        height=max(row.n_critical / row.n, 0.17),
        solid=row.n_critical > 0,
        late=row.ends_on is not None and (row.ends_on - today).days <= URGENT_DAYS,
        n=row.n,
        n_critical=row.n_critical,
    )


def _release_name(identifier: str | None, line: str | None, foundation: str | None) -> str:
    """Return the part of the identifier that distinguishes a version within its foundation, such as
    `20250929`."""
    if not identifier:
        return stack_section.UNRESOLVED
    return identifier.removeprefix(line or "").strip("-@:") or foundation or identifier


def is_urgent(offering: Offering, today: date) -> bool:
    days_left = offering.days_left(today)
    return (
        days_left is not None and days_left <= URGENT_DAYS and offering.date_kind == DateKind.FIRM
    )


def details_of(table: LayerTable) -> dict[str, tuple[str, ...]]:
    """Return {developer: descriptions of its reach} for the drawing."""
    return {
        row.name: _describe_reach(row.n_applications, row.n_critical, table) for row in table.rows
    }


def _describe_reach(n: int, n_critical: int, table: LayerTable) -> tuple[str, ...]:
    """Return descriptions of a developer's reach, longest first; the drawing uses the first that
    fits."""
    applications = f"{n} application{'' if n == 1 else 's'}"
    if not table.n_critical:
        return (applications, f"{n} apps", str(n))
    of_all = f"{n_critical} of {table.n_critical} critical"
    return (
        f"{applications}, {of_all} ({share(n_critical / table.n_critical)})",
        f"{applications}, {of_all}",
        f"{n}, {n_critical} critical",
        f"{n}, {n_critical} crit.",
        str(n),
    )


def section_title(n: int, developers: LayerTable) -> str:
    tops = [
        f"{row.n_applications} on {row.name}, {row.n_critical} of them critical"
        for row in developers.rows[:3]
    ]
    return (
        f"Portfolio stack: {count_of(n, 'application')} and the host, version, foundation and "
        f"developer that each depends on. {'; '.join(tops)}."
    )
