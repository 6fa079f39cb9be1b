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


def portfolio_headline(developers: LayerTable, figures: PortfolioFigures) -> Headline:
    """State the largest share of critical applications on one developer and its tolerance; before
    the first calculation, that it is pending."""
    if figures.n_applications == 0:
        return Headline("No applications registered yet.")
    registered = pluralize(
        figures.n_applications,
        "1 application registered",
        f"{number(figures.n_applications)} applications registered",
    )
    top = developers.rows[0] if developers.rows else None
    if developers.as_of is None:
        return Headline(f"{registered}. Exposure is being calculated.")
    if top is None:
        return Headline(f"{registered}, none with a primary model.")
    tolerance = "" if top.tolerance is None else f" The tolerance is {share(top.tolerance)}."
    clause = f" depend on one developer, {top.name}.{tolerance}"
    if developers.n_critical and top.n_critical:
        finding = f"{share(top.critical_share)} of critical applications"
    else:
        finding = f"{share(top.share)} of applications"
    # red only where a tolerance is exceeded
    return Headline("", finding, clause) if top.over else Headline(f"{finding}{clause}")


def concentration_basis(developers: LayerTable) -> str:
    """Say what the share of the first developer counts; empty without one."""
    top = developers.rows[0] if developers.rows else None
    if top is None:
        return ""
    if developers.n_critical and top.n_critical:
        n, total, noun = top.n_critical, developers.n_critical, "critical application"
    else:
        n, total, noun = top.n_applications, developers.n_applications, "application"
    plural_noun = noun if total == 1 else f"{noun}s"
    verb = "has" if n == 1 else "have"
    return (
        f"{number(n)} of {number(total)} {plural_noun} {verb} a primary model from {top.name}. "
        "Fallbacks and judges are not counted."
    )


def retirements_sentence(figures: PortfolioFigures, late: NegativeRunways) -> str:
    """State negative runways, else retired models in use, else retirements within 30 days."""
    n_retired, n_soon = figures.n_ended, figures.n_ending_30
    if late.n > n_retired:
        # applications on a retired model are among them
        return pluralize(
            late.n,
            "1 application cannot be migrated before its model retires.",
            f"{late.shown} applications cannot be migrated before their model retires.",
        )
    if n_retired:
        still = pluralize(
            n_retired,
            "1 application still uses a retired model",
            f"{number(n_retired)} applications still use a retired model",
        )
        return f"{still} and {number(n_soon)} more will within 30 days." if n_soon else f"{still}."
    if n_soon:
        return pluralize(
            n_soon,
            "1 application uses a model that retires within 30 days.",
            f"{number(n_soon)} applications use a model that retires within 30 days.",
        )
    return "No model in use retires within 30 days."


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
