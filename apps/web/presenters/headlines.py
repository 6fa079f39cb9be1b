"""Headlines of pages. Plain Python: counts and names in, a sentence out."""

from collections.abc import Sequence
from datetime import date

from apps.catalog.models import DateKind
from apps.common.text import pluralize
from apps.exposure.queries.concentration import LayerTable
from apps.exposure.queries.dependents import StackRow
from apps.exposure.queries.portfolio import PortfolioFigures
from apps.inventory.models import Dependency
from apps.web.pages.page import Headline
from apps.web.presenters.dashboard import NegativeRunways
from apps.web.wording import as_word, count_of, join_names, long_day, number, share


def portfolio_headline(
    developers: LayerTable, figures: PortfolioFigures, late: NegativeRunways
) -> Headline:
    """State the largest share of critical applications on one developer, then the negative
    runways."""
    if figures.n_applications == 0:
        return Headline(
            "No application is registered yet, so nothing is known to stand on anything."
        )
    top = developers.rows[0] if developers.rows else None
    registered = count_of(figures.n_applications, "application")
    registered = f"{registered[:1].upper()}{registered[1:]}"
    if developers.as_of is None:
        return Headline(
            pluralize(
                figures.n_applications,
                f"{registered} is registered; what it stands on is being worked out.",
                f"{registered} are registered; what they stand on is being worked out.",
            )
        )
    if top is None:
        return Headline(
            pluralize(
                figures.n_applications,
                f"{registered} is registered, without a primary path.",
                f"{registered} are registered, none with a primary path.",
            )
        )
    rest = f" rest on one developer, {top.name}{_retirements_clause(figures, late)}"
    if developers.n_critical and top.n_critical:
        return Headline("", f"{share(top.critical_share)} of critical applications", rest)
    return Headline("", f"{share(top.share)} of applications", rest)


def _retirements_clause(figures: PortfolioFigures, late: NegativeRunways) -> str:
    ended, soon = figures.n_ended, figures.n_ending_30
    if late.n > ended:
        # those past their end are among them
        return pluralize(
            late.n,
            ", and {n} application ends before its owner can move it.",
            ", and {n} applications end before their owners can move them.",
        ).format(n=as_word(late.n) if late.n <= 12 else late.shown)
    if ended:
        after = pluralize(
            ended,
            f"; {as_word(ended)} application still calls a model past its end",
            f"; {as_word(ended)} applications still call a model past its end",
        )
        return after + (f" and {as_word(soon)} more will within 30 days." if soon else ".")
    if soon:
        return pluralize(
            soon,
            f", and {as_word(soon)} application stands on a model that ends within 30 days.",
            f", and {as_word(soon)} applications stand on a model that ends within 30 days.",
        )
    return "; nothing they call ends within 30 days."


def application_headline(name: str, rows: Sequence[StackRow], today: date) -> Headline:
    primaries = [row for row in rows if row.dependency.role == Dependency.Role.PRIMARY]
    if not rows:
        return Headline(f"Nothing is registered under {name} yet.")
    if not primaries:
        return Headline(
            f"{name} has {count_of(len(rows), 'dependency', 'dependencies')}, but no primary among "
            "them."
        )
    first = min(primaries, key=lambda row: (row.days_left is None, row.days_left or 0))
    base = first.foundation.name if first.foundation else first.offering.api_id
    stands = f"Stands on {base} at {first.host.name}"
    end, days = first.answering.retires_on, first.days_left
    if days is None:
        return Headline(f"{stands}; no end is announced.")
    if end is None:
        return Headline(f"{stands}, ", "which is retired", ".")
    if first.at_least:
        return Headline(f"{stands}, which does not end before {long_day(end)}.")
    if days < 0:
        return Headline(
            f"{stands}, ", f"which ended on {long_day(end)}", f", {count_of(-days, 'day')} ago."
        )
    if days <= 30:
        return Headline(
            f"{stands} until ",
            long_day(end),
            f": {count_of(days, 'day')} are left." if days != 1 else ": one day is left.",
        )
    return Headline(f"{stands} until {long_day(end)}, in {number(days)} days.")


def list_headline(n: str, one: str, many: str, *, filtered: bool, rest: str = "") -> Headline:
    """Return the headline of a list: how many rows exist, or how many match the filters."""
    noun = one if n == "1" else many
    start = "One" if n == "1" else "No" if n == "0" else n
    matching = "" if not filtered else " matches the filters" if n == "1" else " match the filters"
    return Headline(f"{start} {noun}{matching}{rest}.")


def retirements_headline(
    subject: str,
    ends: Sequence[tuple[date, str, str]],
    today: date,
    n_applications: int,
    n_critical: int,
) -> Headline:
    """State when something retires at its hosts, and what depends on it.

    `ends` are (day, host, kind of date) of offerings; a "not before" is no retirement date, and is
    stated only if no host has an announced day."""
    stands = (
        "nobody here stands on it"
        if n_applications == 0
        else f"{count_of(n_applications, 'application')} "
        f"{'stands' if n_applications == 1 else 'stand'} on it"
        + (f", {as_word(n_critical)} of them critical" if n_critical and n_applications > 1 else "")
    )
    firm = [(when, host) for when, host, kind in ends if kind != DateKind.NOT_BEFORE]
    coming = [(when, host) for when, host in firm if when >= today]
    past = sorted({host for when, host in firm if when < today})
    following = ""
    if coming:
        when = min(coming)[0]
        hosts = join_names(sorted({host for end, host in coming if end == when}), most=2)
        following = f"{long_day(when)} at {hosts}"
        if not past and n_applications and (when - today).days <= 30:
            return Headline("First ends on ", following, f"; {stands}.")
        if not past:
            return Headline(f"First ends on {following}; {stands}.")
    if past:
        rest = f" and ends next on {following}" if following else ""
        ended = f"Has ended at {join_names(past, most=2)}"
        return (
            Headline("", ended, f"{rest}; {stands}.")
            if n_applications
            else Headline(f"{ended}{rest}; {stands}.")
        )
    promised = [
        (when, host) for when, host, kind in ends if kind == DateKind.NOT_BEFORE and when >= today
    ]
    until = f", and none is to come before {long_day(min(promised)[0])}" if promised else ""
    return Headline(f"No end of {subject} is announced{until}; {stands}.")
