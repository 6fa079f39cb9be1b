"""Headlines of the exposure pages. Plain Python: counts and names in, a sentence out."""

from collections.abc import Sequence

from apps.common.text import pluralize
from apps.exposure.queries.concentration import LayerTable
from apps.exposure.queries.portability import Portability
from apps.web.pages.page import Headline
from apps.web.wording import as_word, number, share

_ONE = {
    "developer": "one developer",
    "host": "one host",
    "foundation": "one foundation",
    "version": "one version",
    "region": "one region",
    "gateway": "one gateway",
    "vendor": "one vendor's product",
}


def concentration_headline(table: LayerTable, found: Portability) -> Headline:
    """State the largest share of the layer, in red if it is over the tolerance, then how many have
    an exit."""
    if table.as_of is None:
        return Headline("What stands on what is being worked out; look again in a few minutes.")
    if not table.n_applications:
        return Headline("No application is in pilot or production, so nothing is correlated.")
    if not table.rows:
        return Headline(
            "No application reaches its model through anything of this layer." + _leaving(found)
        )
    top = table.rows[0]
    if table.n_critical and top.n_critical:
        part = f"{share(top.critical_share)} of critical applications"
    else:
        part = f"{share(top.share)} of applications"
    rest = f" rest on {_ONE[table.layer]}, {top.name}" + _leaving(found)
    return Headline("", part, rest) if top.over else Headline(f"{part}{rest}")


def _leaving(found: Portability) -> str:
    if not found.n:
        return "."
    if not found.n_tested:
        return f"; none of the {number(found.n)} critical ones has a tested way out."
    words = {"tested": number(found.n_tested), "n": number(found.n)}
    return pluralize(
        found.n_tested,
        "; {tested} of {n} critical ones has a way out that is tested and in date.",
        "; {tested} of {n} critical ones have a way out that is tested and in date.",
    ).format(**words)


def exit_readiness_headline(found: Portability) -> Headline:
    if not found.n:
        return Headline("No critical application has a live primary, so there is nothing to leave.")
    if not found.n_tested:
        return Headline(
            "", "No critical application", " has a tested way out of the model it stands on."
        )
    part = f"{share(found.n_tested / found.n)} of critical applications"
    rest = (
        " have a tested way out in date; "
        f"{as_word(found.n_outlasting)} would also outlast their developer."
    )
    return Headline(f"{part}{rest}")


def single_points_headline(
    n: int, top: str, n_critical: int, n_total: int, *, bounded: bool = False
) -> Headline:
    if not n:
        return Headline(
            "Nothing alone can stop an application: every primary has a tested way out."
        )
    first = pluralize(
        n,
        "{n} thing alone can stop an application",
        "{n} things can each stop an application alone",
    )
    first = first.format(n=f"{number(n)}+" if bounded else number(n))
    if not n_critical:
        return Headline(f"{first}.")
    return Headline(
        f"{first}; ",
        f"{top} stops {number(n_critical)} of {number(n_total)} critical ones",
        ".",
    )


def node_headline(
    name: str, verb: str, n: str, n_any: int, exposed: int, exposed_critical: int
) -> Headline:
    if not n_any:
        return Headline(f"Nothing stands or leans on {name}.")
    stands = pluralize(
        n_any,
        f"{n} application stands or leans on {name}",
        f"{n} applications stand or lean on {name}",
    )
    if not exposed:
        return Headline(f"{stands}; " + f"none is exposed if it {verb}.")
    part = pluralize(exposed, f"{number(exposed)} is exposed", f"{number(exposed)} are exposed")
    after = f" if it {verb}"
    if exposed_critical:
        after += f", {number(exposed_critical)} of them critical"
    return Headline(f"{stands}; ", part, f"{after}.")


def flags_headline(
    n_open: int, n_accepted: int, n_acknowledged: int, *, filtered: bool, n_found: str
) -> Headline:
    if filtered:
        return Headline(f"{n_found} flags match the filters.")
    if not n_open and not n_accepted and not n_acknowledged:
        return Headline("No line is crossed.")
    parts = []
    if n_acknowledged:
        parts.append(f"{as_word(n_acknowledged)} acknowledged")
    if n_accepted:
        parts.append(f"{as_word(n_accepted)} accepted until a day")
    rest = f"; {', '.join(parts)}." if parts else "."
    if not n_open:
        return Headline("No flag is open" + rest)
    opened = pluralize(
        n_open, f"{as_word(n_open)} flag is open", f"{as_word(n_open)} flags are open"
    )
    return Headline("", opened[:1].upper() + opened[1:], rest)


def losses_headline(
    expected: str, one_in_100: str, times: float | None, drivers: Sequence[str]
) -> Headline:
    before = f"A usual year costs {expected}, one in a hundred "
    after = ""
    if times and times > 1.05:
        after = f", {times:.1f} times what independent failures would"
    if drivers:
        after += f"; {drivers[0]} carries most of it"
    return Headline(before, f"{one_in_100} or more", f"{after}.")
