"""Names of the applications of an item, and what their migration takes."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from apps.alerts.delivery.digest.parts import (
    MAX_APPLICATIONS,
    ApplicationLine,
    BestFallback,
    DigestContext,
    PrimaryUse,
)
from apps.alerts.text import days, listed, long_day, monthly_amount, one_line
from apps.inventory.models import Application, Criticality
from apps.inventory.successor_costs import SuccessorCost

# What a fallback shares with the primary model, by grade of independence (exposure.md).
INDEPENDENCE = (
    "same offering",
    "same version on another host",
    "same foundation or ancestor",
    "same developer",
    "different developer, shared party",
    "nothing shared",
)
# A fallback that retires later than this after the primary model needs no warning yet.
FALLBACK_WARNING = timedelta(days=365)


def visible_by_criticality(ids: Iterable[int], context: DigestContext) -> list[Application]:
    """Return those the recipient can view, most critical first."""
    rows = {context.applications[pk] for pk in ids if pk in context.applications}
    return sorted(rows, key=lambda row: (row.criticality, row.name, row.pk))


def application_lines(
    applications: Collection[Application],
    context: DigestContext,
    *,
    roles: Mapping[int, frozenset[str]] | None = None,
    retiring: Collection[int] = (),
) -> tuple[ApplicationLine, ...]:
    """Return lines for the first MAX_APPLICATIONS. `roles` is {application: roles}. With offerings
    in `retiring`, each line has the owner, the migration and the fallback."""
    lines = []
    for application in [*applications][:MAX_APPLICATIONS]:
        use = most_urgent_use(application.pk, retiring, context)
        facts = MigrationFacts.of(application, use, context) if retiring else MigrationFacts()
        lines.append(
            ApplicationLine(
                words=application_name(application, (roles or {}).get(application.pk, frozenset())),
                details=facts.details,
                warning=facts.warning,
                url=f"{context.public_url}/applications/{application.slug}/",
                is_late=use is not None and is_late(use, context),
                warned_fallback=facts.warned_fallback,
            )
        )
    return tuple(lines)


def warned_fallbacks(lines: Iterable[ApplicationLine]) -> frozenset[tuple[int, int]]:
    return frozenset(line.warned_fallback for line in lines if line.warned_fallback is not None)


def n_more_applications(applications: Collection[Application]) -> int:
    """Return the number of applications without a line."""
    return max(0, len(applications) - MAX_APPLICATIONS)


def application_name(application: Application, roles: frozenset[str] = frozenset()) -> str:
    """Format as `Motor damage estimator (critical)`; with the roles, unless one of them is
    primary."""
    words = [Criticality(application.criticality).label.lower()]
    if roles and "primary" not in roles:
        words.append("as " + listed(sorted(roles)))
    return f"{one_line(application.name)} ({', '.join(words)})"


# --- runway ---------------------------------------------------------------------------------------


def days_left(use: PrimaryUse, context: DigestContext) -> int | None:
    """Return the days from the recipient's date; 0 for a past earliest date, which retired
    nothing."""
    if use.ends_on is None:
        return None
    left = (use.ends_on - context.today).days
    return max(left, 0) if use.at_least else left


def runway(use: PrimaryUse, context: DigestContext) -> Decimal | None:
    left = days_left(use, context)
    return None if left is None or use.effort_days is None else left - use.effort_days


def is_late(use: PrimaryUse, context: DigestContext) -> bool:
    margin = runway(use, context)
    return margin is not None and margin < 0


def most_urgent_use(
    application_id: int, offering_ids: Collection[int], context: DigestContext
) -> PrimaryUse | None:
    """Return the use of one of these offerings with the shortest runway, without effort the one
    with the fewest days left."""

    def urgency(use: PrimaryUse) -> tuple[bool, Decimal]:
        margin = runway(use, context)
        return margin is None, Decimal(days_left(use, context) or 0) if margin is None else margin

    uses = [use for use in context.uses.get(application_id, ()) if use.offering_id in offering_ids]
    return min(uses, key=urgency, default=None)


def retirement_predicate(on: date | None, today: date, *, is_earliest: bool) -> str:
    """Return the predicate of a model: `retires on 30 November 2026, in 5 days`."""
    if on is None:
        return "retires on a date that is not announced yet"
    left = (on - today).days
    if is_earliest:
        if left > 0:
            return f"retires no earlier than {long_day(on)}, in {days(left)}"
        return f"can retire any day since {long_day(on)}"
    if left > 0:
        return f"retires on {long_day(on)}, in {days(left)}"
    return f"retires today, {long_day(on)}" if left == 0 else f"retired on {long_day(on)}"


# --- facts about the migration --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MigrationFacts:
    """Sentences about the migration of one application off one model; `warning` is about its
    fallback."""

    details: str = ""
    warning: str = ""
    warned_fallback: tuple[int, int] | None = None

    @classmethod
    def of(
        cls,
        application: Application,
        use: PrimaryUse | None,
        context: DigestContext,
        *,
        with_runway: bool = True,
    ) -> "MigrationFacts":
        owner = context.owners.get(application.pk, "")
        owner_sentence = (
            f"Owner: {one_line(owner, max_length=80)}." if owner else "Owner: unassigned."
        )
        if use is None:
            return cls(owner_sentence)
        margin = runway(use, context)
        sentences = [
            f"Runway {signed_days(margin)}." if with_runway and margin is not None else "",
            f"Migration: {effort_text(use)}.",
            f"Fallback: {fallback_text(use.fallback)}.",
            owner_sentence,
            cost_sentence(use.cost) if use.cost is not None else "",
        ]
        warning = fallback_warning(use, context)
        offering_id = use.fallback.offering_id if warning and use.fallback is not None else None
        return cls(
            " ".join(filter(None, sentences)),
            warning,
            (application.pk, offering_id) if offering_id is not None else None,
        )


def effort_text(use: PrimaryUse) -> str:
    """Format as `40 days (exit test)`, `40 days (estimated)` or `effort unknown`."""
    if use.effort_days is None:
        return "effort unknown"
    basis = "exit test" if use.basis == "test" else "estimated"
    return f"{_format_days(use.effort_days)} ({basis})"


def signed_days(margin: Decimal) -> str:
    """Format as `−33 days`, with a minus sign."""
    return f"{'−' if margin < 0 else ''}{_format_days(abs(margin))}"


def _format_days(n: Decimal) -> str:
    return days(int(n)) if n == int(n) else f"{n.normalize():f} days"


def fallback_text(fallback: BestFallback | None) -> str:
    """Format as `gpt-5.4 on OpenAI (nothing shared, never tested)`."""
    if fallback is None:
        return "none"
    tested = (
        "tested"
        if fallback.tested
        else "exit test expired"
        if fallback.ever_tested
        else "never tested"
    )
    name = one_line(fallback.name, max_length=90)
    return f"{name} ({INDEPENDENCE[fallback.grade]}, {tested})"


def fallback_warning(use: PrimaryUse, context: DigestContext) -> str:
    """Return a sentence if the fallback retires too, within FALLBACK_WARNING after the primary
    model; empty otherwise. An earliest date counts only up to the date of the primary model."""
    if use.fallback is None or use.fallback.retires_on is None:
        return ""
    on, limit = use.fallback.retires_on, use.ends_on or context.today
    if on > (limit if use.fallback.is_earliest else limit + FALLBACK_WARNING):
        return ""
    if use.fallback.is_earliest:
        return f"The fallback can retire too, from {long_day(on)}."
    if on <= context.today:
        return f"The fallback retired too, on {long_day(on)}."
    return f"The fallback retires too, on {long_day(on)}."


def cost_sentence(cost: SuccessorCost) -> str:
    """Return the monthly cost of the provider's replacement, and that of the model served today."""
    successor, current = cost.successor, cost.current
    then = monthly_amount(successor.amount, successor.currency or "USD")
    sentence = f"The replacement costs {then} at the recorded usage"
    if current is None:
        return f"{sentence}."
    now = monthly_amount(current.amount, current.currency or "USD")
    return f"{sentence}, the current model {now}."


__all__ = [
    "INDEPENDENCE",
    "MigrationFacts",
    "application_lines",
    "application_name",
    "days_left",
    "is_late",
    "most_urgent_use",
    "n_more_applications",
    "retirement_predicate",
    "runway",
    "signed_days",
    "visible_by_criticality",
    "warned_fallbacks",
]
