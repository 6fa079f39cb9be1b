"""How an item names the applications it concerns, and what leaving takes for each."""

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

# how far a stand-in is from what it stands in for, by grade of independence (exposure.md)
INDEPENDENCE = (
    "the same offering",
    "the same version at another host",
    "the same foundation or ancestor",
    "the same developer",
    "another developer, but a common party",
    "nothing shared",
)


def visible_by_criticality(ids: Iterable[int], context: DigestContext) -> list[Application]:
    """Those of them the recipient may see, gravest first."""
    rows = {context.applications[pk] for pk in ids if pk in context.applications}
    return sorted(rows, key=lambda row: (row.criticality, row.name, row.pk))


def application_lines(
    shown: Collection[Application],
    context: DigestContext,
    *,
    roles: dict[int, frozenset[str]] | None = None,
    ends: Collection[int] = (),
) -> tuple[ApplicationLine, ...]:
    """The first MAX_APPLICATIONS of them. `roles` is {application: roles}; with `ends`, offerings
    that end, each line says how much time is left to leave them and what stands in."""
    lines = []
    for application in [*shown][:MAX_APPLICATIONS]:
        use = _most_pressing(
            [use for use in context.uses.get(application.pk, ()) if use.offering_id in ends],
            context,
        )
        lines.append(
            ApplicationLine(
                words=application_name(application, (roles or {}).get(application.pk, frozenset())),
                details=_details(use, context) if use else "",
                url=f"{context.public_url}/applications/{application.slug}/",
                late=use is not None and is_late(use, context),
            )
        )
    return tuple(lines)


def application_name(application: Application, roles: frozenset[str] = frozenset()) -> str:
    """`Motor damage estimator (critical)`; the roles are named where none of them is primary."""
    words = [Criticality(application.criticality).label.lower()]
    if roles and "primary" not in roles:
        words.append("as " + listed(sorted(roles)))
    return f"{one_line(application.name)} ({', '.join(words)})"


def days_left(use: PrimaryUse, context: DigestContext) -> int | None:
    """Counted from the recipient's day; a soft day that has passed leaves none, since it ended
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


def _most_pressing(uses: Collection[PrimaryUse], context: DigestContext) -> PrimaryUse | None:
    def urgency(use: PrimaryUse) -> tuple[bool, Decimal]:
        margin = runway(use, context)
        left = days_left(use, context)
        return margin is None, margin if margin is not None else Decimal(
            left if left is not None else 0
        )

    return min(uses, key=urgency, default=None)


def _details(use: PrimaryUse, context: DigestContext) -> str:
    """`needs 40 days (tested), runway −33 days. Fallback gpt-5.4 at OpenAI: nothing shared, never
    tested`"""
    parts = []
    margin = runway(use, context)
    if use.effort_days is not None and margin is not None:
        parts.append(f"needs {effort_text(use)}, runway {signed_days(margin)}")
    else:
        parts.append("nobody has estimated how long leaving takes")
    parts.append(fallback_clause(use.fallback))
    return ". ".join(parts)


def fallback_clause(fallback: BestFallback | None) -> str:
    if fallback is None:
        return "No fallback"
    tested = (
        "tested" if fallback.tested else "test lapsed" if fallback.ever_tested else "never tested"
    )
    name = one_line(fallback.name, max_length=90)
    return f"Fallback {name}: {INDEPENDENCE[fallback.grade]}, {tested}"


def effort_text(use: PrimaryUse) -> str:
    """`40 days (tested)`; empty where nobody knows."""
    if use.effort_days is None:
        return ""
    return f"{_days(use.effort_days)} ({'tested' if use.basis == 'test' else 'estimated'})"


def signed_days(margin: Decimal) -> str:
    """`−33 days`, with a true minus."""
    whole = int(margin) if margin == int(margin) else margin.normalize()
    return f"{'−' if margin < 0 else ''}{_days(abs(Decimal(whole)))}"


def _days(n: Decimal) -> str:
    return days(int(n)) if n == int(n) else f"{n.normalize():f} days"
