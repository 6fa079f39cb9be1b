"""The findings that head the pages. Plain Python: counts and names in, a sentence out."""

from collections.abc import Sequence
from datetime import date

from apps.catalog.models import DateKind
from apps.common.text import pluralize
from apps.exposure.queries.concentration import LayerTable
from apps.exposure.queries.dependents import StackRow
from apps.exposure.queries.portfolio import PortfolioFigures
from apps.inventory.models import Dependency
from apps.web.attention import Late
from apps.web.page import Sentence
from apps.web.wording import counted, listed, long_day, number, share, spelled


def of_portfolio(developers: LayerTable, figures: PortfolioFigures, late: Late) -> Sentence:
    """The largest share of critical applications on one developer, then what can no longer be moved
    in time."""
    if figures.n_applications == 0:
        return Sentence(
            "No application is registered yet, so nothing is known to stand on anything."
        )
    top = developers.rows[0] if developers.rows else None
    registered = counted(figures.n_applications, "application")
    registered = f"{registered[:1].upper()}{registered[1:]}"
    if developers.as_of is None:
        return Sentence(
            pluralize(
                figures.n_applications,
                f"{registered} is registered; what it stands on is being worked out.",
                f"{registered} are registered; what they stand on is being worked out.",
            )
        )
    if top is None:
        return Sentence(
            pluralize(
                figures.n_applications,
                f"{registered} is registered, without a primary path.",
                f"{registered} are registered, none with a primary path.",
            )
        )
    rest = f" rest on one developer, {top.name}{_ending(figures, late)}"
    if developers.n_critical and top.n_critical:
        return Sentence("", f"{share(top.critical_share)} of critical applications", rest)
    return Sentence("", f"{share(top.share)} of applications", rest)


def _ending(figures: PortfolioFigures, late: Late) -> str:
    ended, soon = figures.n_ended, figures.n_ending_30
    if late.n > ended:
        # those past their end are among them
        return pluralize(
            late.n,
            ", and {n} application ends before its owner can move it.",
            ", and {n} applications end before their owners can move them.",
        ).format(n=spelled(late.n) if late.n <= 12 else late.shown)
    if ended:
        after = pluralize(
            ended,
            f"; {spelled(ended)} application still calls a model past its end",
            f"; {spelled(ended)} applications still call a model past its end",
        )
        return after + (f" and {spelled(soon)} more will within 30 days." if soon else ".")
    if soon:
        return pluralize(
            soon,
            f", and {spelled(soon)} application stands on a model that ends within 30 days.",
            f", and {spelled(soon)} applications stand on a model that ends within 30 days.",
        )
    return "; nothing they call ends within 30 days."


def of_application(name: str, rows: Sequence[StackRow], today: date) -> Sentence:
    primaries = [row for row in rows if row.dependency.role == Dependency.Role.PRIMARY]
    if not rows:
        return Sentence(f"Nothing is registered under {name} yet.")
    if not primaries:
        return Sentence(
            f"{name} has {counted(len(rows), 'dependency', 'dependencies')}, but no primary among "
            "them."
        )
    first = min(primaries, key=lambda row: (row.days_left is None, row.days_left or 0))
    base = first.foundation.name if first.foundation else first.offering.api_id
    stands = f"Stands on {base} at {first.host.name}"
    end, days = first.answering.retires_on, first.days_left
    if days is None:
        return Sentence(f"{stands}; no end is announced.")
    if end is None:
        return Sentence(f"{stands}, ", "which is retired", ".")
    if first.at_least:
        return Sentence(f"{stands}, which does not end before {long_day(end)}.")
    if days < 0:
        return Sentence(
            f"{stands}, ", f"which ended on {long_day(end)}", f", {counted(-days, 'day')} ago."
        )
    if days <= 30:
        return Sentence(
            f"{stands} until ",
            long_day(end),
            f": {counted(days, 'day')} are left." if days != 1 else ": one day is left.",
        )
    return Sentence(f"{stands} until {long_day(end)}, in {number(days)} days.")


def of_list(n: str, one: str, many: str, *, filtered: bool, rest: str = "") -> Sentence:
    """The head of a list: how many there are, or how many the filters leave."""
    noun = one if n == "1" else many
    start = "One" if n == "1" else "No" if n == "0" else n
    matching = "" if not filtered else " matches the filters" if n == "1" else " match the filters"
    return Sentence(f"{start} {noun}{matching}{rest}.")


def of_ends(
    subject: str,
    ends: Sequence[tuple[date, str, str]],
    today: date,
    n_applications: int,
    n_critical: int,
) -> Sentence:
    """When something ends at its hosts, and who stands on it. `ends` are (day, host, kind of date)
    of offerings; a "not before" is no end, and is said only where no host has a firm day."""
    stands = (
        "nobody here stands on it"
        if n_applications == 0
        else f"{counted(n_applications, 'application')} "
        f"{'stands' if n_applications == 1 else 'stand'} on it"
        + (f", {spelled(n_critical)} of them critical" if n_critical and n_applications > 1 else "")
    )
    firm = [(when, host) for when, host, kind in ends if kind != DateKind.NOT_BEFORE]
    coming = [(when, host) for when, host in firm if when >= today]
    past = sorted({host for when, host in firm if when < today})
    following = ""
    if coming:
        when = min(coming)[0]
        hosts = listed(sorted({host for end, host in coming if end == when}), most=2)
        following = f"{long_day(when)} at {hosts}"
        if not past and n_applications and (when - today).days <= 30:
            return Sentence("First ends on ", following, f"; {stands}.")
        if not past:
            return Sentence(f"First ends on {following}; {stands}.")
    if past:
        rest = f" and ends next on {following}" if following else ""
        ended = f"Has ended at {listed(past, most=2)}"
        return (
            Sentence("", ended, f"{rest}; {stands}.")
            if n_applications
            else Sentence(f"{ended}{rest}; {stands}.")
        )
    promised = [
        (when, host) for when, host, kind in ends if kind == DateKind.NOT_BEFORE and when >= today
    ]
    until = f", and none is to come before {long_day(min(promised)[0])}" if promised else ""
    return Sentence(f"No end of {subject} is announced{until}; {stands}.")
