"""Names of affected applications in digest items, with the migration that each needs."""

from collections.abc import Collection, Iterable
from decimal import Decimal

from apps.alerts.delivery.digest.parts import (
    MAX_APPLICATIONS,
    ApplicationLine,
    BestFallback,
    DigestContext,
    PrimaryUse,
)
from apps.alerts.text import days, listed, one_line
from apps.inventory.models import Application, Criticality

# descriptions of an alternative by its independence, 0 to 5 (docs/exposure.md)
INDEPENDENCE = (
    "the same offering",
    "the same version at another host",
    "the same foundation or ancestor",
    "the same developer",
    "another developer, but a common party",
    "nothing shared",
)


def visible_by_criticality(ids: Iterable[int], context: DigestContext) -> list[Application]:
    """Return the applications that the recipient can view, most critical first."""
    applications = {context.applications[pk] for pk in ids if pk in context.applications}
    return sorted(applications, key=lambda row: (row.criticality, row.name, row.pk))


def application_lines(
    applications: Collection[Application],
    context: DigestContext,
    *,
    roles: dict[int, frozenset[str]] | None = None,
    ending_offering_ids: Collection[int] = (),
) -> tuple[ApplicationLine, ...]:
    """Return lines for the first MAX_APPLICATIONS applications.

    `roles` is {application: roles}. For applications with a primary model in `ending_offering_ids`,
    the line adds the time that the migration takes, the runway and the fallback, by the shortest
    runway.
    """
    lines = []
    for application in [*applications][:MAX_APPLICATIONS]:
        use = _find_most_urgent(
            [
                use
                for use in context.uses.get(application.pk, ())
                if use.offering_id in ending_offering_ids
            ],
            context,
        )
        lines.append(
            ApplicationLine(
                words=application_name(application, (roles or {}).get(application.pk, frozenset())),
                details=_describe_exit(use, context) if use else "",
                url=f"{context.public_url}/applications/{application.slug}/",
                late=use is not None and is_late(use, context),
            )
        )
    return tuple(lines)


def application_name(application: Application, roles: frozenset[str] = frozenset()) -> str:
    """Return `Motor damage estimator (critical)`, with the roles if none of them is primary."""
    words = [Criticality(application.criticality).label.lower()]
    if roles and "primary" not in roles:
        words.append("as " + listed(sorted(roles)))
    return f"{one_line(application.name)} ({', '.join(words)})"


def days_left(use: PrimaryUse, context: DigestContext) -> int | None:
    """Return the days until the retirement, from the day of the recipient; None without a date.

    An earliest retirement date that has passed leaves 0 days, since it ended nothing.
    """
    if use.ends_on is None:
        return None
    n_days_left = (use.ends_on - context.today).days
    return max(n_days_left, 0) if use.at_least else n_days_left


def runway(use: PrimaryUse, context: DigestContext) -> Decimal | None:
    """Return the days until the retirement minus the days of the migration; None if either is
    unknown."""
    left = days_left(use, context)
    return None if left is None or use.effort_days is None else left - use.effort_days


def is_late(use: PrimaryUse, context: DigestContext) -> bool:
    margin = runway(use, context)
    return margin is not None and margin < 0


def _find_most_urgent(uses: Collection[PrimaryUse], context: DigestContext) -> PrimaryUse | None:
    """Return the use with the shortest runway; uses without a runway come last, by days left."""

    def urgency(use: PrimaryUse) -> tuple[bool, Decimal]:
        margin = runway(use, context)
        left = days_left(use, context)
        return margin is None, margin if margin is not None else Decimal(
            left if left is not None else 0
        )

    return min(uses, key=urgency, default=None)


def _describe_exit(use: PrimaryUse, context: DigestContext) -> str:
    """Return `needs 40 days (tested), runway −33 days. Fallback gpt-5.4 at OpenAI: nothing shared,
    never tested`."""
    sentences = []
    margin = runway(use, context)
    if use.effort_days is not None and margin is not None:
        sentences.append(f"needs {effort_text(use)}, runway {signed_days(margin)}")
    else:
        sentences.append("nobody has estimated how long leaving takes")
    sentences.append(fallback_clause(use.fallback))
    return ". ".join(sentences)


def fallback_clause(fallback: BestFallback | None) -> str:
    """Return the fallback with its independence and the state of its exit test."""
    if fallback is None:
        return "No fallback"
    test_state = (
        "tested" if fallback.tested else "test lapsed" if fallback.ever_tested else "never tested"
    )
    name = one_line(fallback.name, max_length=90)
    return f"Fallback {name}: {INDEPENDENCE[fallback.grade]}, {test_state}"


def effort_text(use: PrimaryUse) -> str:
    """Return the days of the migration and their basis, `40 days (tested)`; empty if unknown."""
    if use.effort_days is None:
        return ""
    return f"{_format_days(use.effort_days)} ({'tested' if use.basis == 'test' else 'estimated'})"


def signed_days(margin: Decimal) -> str:
    """Return `−33 days`, with a true minus sign."""
    amount = int(margin) if margin == int(margin) else margin.normalize()
    return f"{'−' if margin < 0 else ''}{_format_days(abs(Decimal(amount)))}"


def _format_days(n: Decimal) -> str:
    return days(int(n)) if n == int(n) else f"{n.normalize():f} days"
