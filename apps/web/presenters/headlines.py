"""Headlines of pages. Plain Python: counts and names in, a sentence out."""

from apps.common.text import pluralize
from apps.exposure.queries.concentration import LayerTable
from apps.exposure.queries.portfolio import PortfolioFigures
from apps.web.pages.page import Headline
from apps.web.presenters.dashboard import NegativeRunways
from apps.web.wording import as_word, count_of, share


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
