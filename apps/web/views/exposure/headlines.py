"""Headlines of the exposure pages. Plain Python: counts and names in, a sentence out."""

from collections.abc import Sequence

from apps.common.text import pluralize
from apps.exposure.queries.concentration import LayerTable
from apps.exposure.queries.portability import Portability
from apps.web.pages.page import Headline
from apps.web.wording import as_word, number, share

_SINGLE_NODE_PHRASES = {
    "developer": "one developer",
    "host": "one host",
    "foundation": "one foundation",
    "version": "one version",
    "region": "one region",
    "gateway": "one gateway",
    "vendor": "one vendor's product",
}


def concentration_headline(table: LayerTable, readiness: Portability) -> Headline:
    """State the largest share of the layer, in red if it is over the tolerance, then how many have
    an exit."""
    if table.as_of is None:
        return Headline("Concentration is being calculated. Refresh the page in a few minutes.")
    if not table.n_applications:
        return Headline("No applications in pilot or production yet.")
    if not table.rows:
        return Headline("No application depends on this layer." + _describe_exits(readiness))
    top = table.rows[0]
    if table.n_critical and top.n_critical:
        subject = f"{share(top.critical_share)} of critical applications"
    else:
        subject = f"{share(top.share)} of applications"
    predicate = f" depend on {_SINGLE_NODE_PHRASES[table.layer]}, {top.name}" + _describe_exits(
        readiness
    )
    return Headline("", subject, predicate) if top.over else Headline(f"{subject}{predicate}")


def _describe_exits(readiness: Portability) -> str:
    if not readiness.n:
        return "."
    if not readiness.n_tested:
        return f"; none of the {number(readiness.n)} critical applications has a tested exit."
    figures = {"tested": number(readiness.n_tested), "n": number(readiness.n)}
    return pluralize(
        readiness.n_tested,
        "; {tested} of {n} critical applications has a valid tested exit.",
        "; {tested} of {n} critical applications have a valid tested exit.",
    ).format(**figures)


def exit_readiness_headline(readiness: Portability) -> Headline:
    if not readiness.n:
        return Headline("No critical application has an active primary model.")
    if not readiness.n_tested:
        return Headline("", "No critical application", " has a tested exit from its primary model.")
    subject = f"{share(readiness.n_tested / readiness.n)} of critical applications"
    predicate = (
        " have a valid tested exit; "
        f"{as_word(readiness.n_outlasting)} would also survive a failure of their developer."
    )
    return Headline(f"{subject}{predicate}")


def single_points_headline(n: int, top: str, n_critical: int, n_total: int) -> Headline:
    """Return the headline about single points of failure. `top` is the first of them."""
    if not n:
        return Headline("No single points of failure: every primary model has a tested exit.")
    points_clause = pluralize(
        n,
        "{n} single point of failure can stop an application",
        "{n} single points of failure can each stop an application",
    )
    points_clause = points_clause.format(n=number(n))
    if not n_critical:
        return Headline(f"{points_clause}.")
    return Headline(
        f"{points_clause}; ",
        f"{top} stops {number(n_critical)} of {number(n_total)} critical applications",
        ".",
    )


def node_headline(
    name: str, verb: str, n: str, n_any: int, exposed: int, exposed_critical: int
) -> Headline:
    """Return the headline of a node: its dependents, and how many applications are exposed if it
    fails. `n` is the count as text, `n_any` as a number."""
    if not n_any:
        return Headline(f"No applications depend on {name}.")
    dependents_clause = pluralize(
        n_any,
        f"{n} application depends on {name}",
        f"{n} applications depend on {name}",
    )
    if not exposed:
        return Headline(f"{dependents_clause}; " + f"none is exposed if it {verb}.")
    exposed_clause = pluralize(
        exposed, f"{number(exposed)} is exposed", f"{number(exposed)} are exposed"
    )
    condition = f" if it {verb}"
    if exposed_critical:
        condition += f", {number(exposed_critical)} of them critical"
    return Headline(f"{dependents_clause}; ", exposed_clause, f"{condition}.")


def flags_headline(n_open: int, n_accepted: int, n_acknowledged: int) -> Headline:
    """Return the headline of the list of flags."""
    if not n_open and not n_accepted and not n_acknowledged:
        return Headline("All measurements are within tolerance.")
    clauses = []
    if n_acknowledged:
        clauses.append(f"{as_word(n_acknowledged)} acknowledged")
    if n_accepted:
        clauses.append(f"{as_word(n_accepted)} accepted until a date")
    suffix = f"; {', '.join(clauses)}." if clauses else "."
    if not n_open:
        return Headline("No flag is open" + suffix)
    open_clause = pluralize(
        n_open, f"{as_word(n_open)} flag is open", f"{as_word(n_open)} flags are open"
    )
    return Headline("", open_clause[:1].upper() + open_clause[1:], suffix)


def losses_headline(
    expected: str, one_in_100: str, times: float | None, drivers: Sequence[str]
) -> Headline:
    opening = f"An average year costs {expected}, 1 in 100 years costs "
    suffix = ""
    if times and times > 1.05:
        suffix = f", {times:.1f} times as much as independent incidents"
    if drivers:
        suffix += f"; {drivers[0]} causes most of it"
    return Headline(opening, f"{one_in_100} or more", f"{suffix}.")
