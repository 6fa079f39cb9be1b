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
    top_developer = developers.rows[0] if developers.rows else None
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
    if top_developer is None:
        return Headline(
            pluralize(
                figures.n_applications,
                f"{registered} is registered, without a primary path.",
                f"{registered} are registered, none with a primary path.",
            )
        )
    dependency_clause = (
        f" rest on one developer, {top_developer.name}{_retirements_clause(figures, late)}"
    )
    if developers.n_critical and top_developer.n_critical:
        return Headline(
            "", f"{share(top_developer.critical_share)} of critical applications", dependency_clause
        )
    return Headline("", f"{share(top_developer.share)} of applications", dependency_clause)


def _retirements_clause(figures: PortfolioFigures, late: NegativeRunways) -> str:
    """Return the end of the headline: negative runways, else retired models in use, else
    retirements within 30 days."""
    n_ended, n_soon = figures.n_ended, figures.n_ending_30
    if late.n > n_ended:
        # those past their end are among them
        return pluralize(
            late.n,
            ", and {n} application ends before its owner can move it.",
            ", and {n} applications end before their owners can move them.",
        ).format(n=as_word(late.n) if late.n <= 12 else late.shown)
    if n_ended:
        clause = pluralize(
            n_ended,
            f"; {as_word(n_ended)} application still calls a model past its end",
            f"; {as_word(n_ended)} applications still call a model past its end",
        )
        return clause + (f" and {as_word(n_soon)} more will within 30 days." if n_soon else ".")
    if n_soon:
        return pluralize(
            n_soon,
            f", and {as_word(n_soon)} application stands on a model that ends within 30 days.",
            f", and {as_word(n_soon)} applications stand on a model that ends within 30 days.",
        )
    return "; nothing they call ends within 30 days."


def application_headline(name: str, rows: Sequence[StackRow], today: date) -> Headline:
    """Return the headline about the primary model that retires first."""
    primaries = [row for row in rows if row.dependency.role == Dependency.Role.PRIMARY]
    if not rows:
        return Headline(f"Nothing is registered under {name} yet.")
    if not primaries:
        return Headline(
            f"{name} has {count_of(len(rows), 'dependency', 'dependencies')}, but no primary among "
            "them."
        )
    most_urgent_row = min(primaries, key=lambda row: (row.days_left is None, row.days_left or 0))
    foundation_name = (
        most_urgent_row.foundation.name
        if most_urgent_row.foundation
        else most_urgent_row.offering.api_id
    )
    dependency_clause = f"Stands on {foundation_name} at {most_urgent_row.host.name}"
    retires_on, days_left = most_urgent_row.answering.retires_on, most_urgent_row.days_left
    if days_left is None:
        return Headline(f"{dependency_clause}; no end is announced.")
    if retires_on is None:
        return Headline(f"{dependency_clause}, ", "which is retired", ".")
    if most_urgent_row.at_least:
        return Headline(f"{dependency_clause}, which does not end before {long_day(retires_on)}.")
    if days_left < 0:
        return Headline(
            f"{dependency_clause}, ",
            f"which ended on {long_day(retires_on)}",
            f", {count_of(-days_left, 'day')} ago.",
        )
    if days_left <= 30:
        return Headline(
            f"{dependency_clause} until ",
            long_day(retires_on),
            f": {count_of(days_left, 'day')} are left." if days_left != 1 else ": one day is left.",
        )
    return Headline(
        f"{dependency_clause} until {long_day(retires_on)}, in {number(days_left)} days."
    )


def list_headline(
    count: str, singular: str, plural: str, *, is_filtered: bool, suffix: str = ""
) -> Headline:
    """Return the headline of a list: how many rows exist, or how many match the filters."""
    noun = singular if count == "1" else plural
    start = "One" if count == "1" else "No" if count == "0" else count
    matching = (
        "" if not is_filtered else " matches the filters" if count == "1" else " match the filters"
    )
    return Headline(f"{start} {noun}{matching}{suffix}.")


def retirements_headline(
    subject: str,
    dates: Sequence[tuple[date, str, str]],
    today: date,
    n_applications: int,
    n_critical: int,
) -> Headline:
    """State when something retires at its hosts, and what depends on it.

    `dates` are (day, host, kind of date) of offerings; a "not before" is no retirement date, and is
    stated only if no host has an announced day."""
    dependents_clause = (
        "nobody here stands on it"
        if n_applications == 0
        else f"{count_of(n_applications, 'application')} "
        f"{'stands' if n_applications == 1 else 'stand'} on it"
        + (f", {as_word(n_critical)} of them critical" if n_critical and n_applications > 1 else "")
    )
    announced_dates = [
        (retires_on, host) for retires_on, host, kind in dates if kind != DateKind.NOT_BEFORE
    ]
    upcoming_dates = [
        (retires_on, host) for retires_on, host in announced_dates if retires_on >= today
    ]
    past_hosts = sorted({host for retires_on, host in announced_dates if retires_on < today})
    next_date_text = ""
    if upcoming_dates:
        retires_on = min(upcoming_dates)[0]
        hosts = join_names(
            sorted({host for day, host in upcoming_dates if day == retires_on}), max_names=2
        )
        next_date_text = f"{long_day(retires_on)} at {hosts}"
        if not past_hosts and n_applications and (retires_on - today).days <= 30:
            return Headline("First ends on ", next_date_text, f"; {dependents_clause}.")
        if not past_hosts:
            return Headline(f"First ends on {next_date_text}; {dependents_clause}.")
    if past_hosts:
        next_clause = f" and ends next on {next_date_text}" if next_date_text else ""
        past_clause = f"Has ended at {join_names(past_hosts, max_names=2)}"
        return (
            Headline("", past_clause, f"{next_clause}; {dependents_clause}.")
            if n_applications
            else Headline(f"{past_clause}{next_clause}; {dependents_clause}.")
        )
    earliest_dates = [
        (retires_on, host)
        for retires_on, host, kind in dates
        if kind == DateKind.NOT_BEFORE and retires_on >= today
    ]
    earliest_clause = (
        f", and none is to come before {long_day(min(earliest_dates)[0])}" if earliest_dates else ""
    )
    return Headline(f"No end of {subject} is announced{earliest_clause}; {dependents_clause}.")
