"""Headlines of pages. Plain Python: counts and names in, a sentence out."""

from apps.common.text import pluralize
from apps.exposure.queries.concentration import LayerTable
from apps.exposure.queries.portfolio import PortfolioFigures
from apps.web.pages.page import Headline
from apps.web.presenters.dashboard import format_negative_runways
from apps.web.wording import number, share


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


def retirements_sentence(figures: PortfolioFigures, n_late: int) -> str:
    """State negative runways, else retired models in use, else retirements within 30 days."""
    n_retired, n_soon = figures.n_ended, figures.n_ending_30
    if n_late > n_retired:
        # applications on a retired model are among them
        return pluralize(
            n_late,
            "1 application cannot be migrated before its model retires.",
            f"{format_negative_runways(n_late)} applications cannot be migrated before their model "
            "retires.",
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
