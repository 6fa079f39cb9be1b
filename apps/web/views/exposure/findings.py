"""The sentences that head the pages of exposure. Plain Python: counts and names in, a sentence
out."""

from collections.abc import Sequence

from apps.common.text import pluralize
from apps.exposure.queries.concentration import LayerTable
from apps.exposure.queries.portability import Portability
from apps.web.page import Sentence
from apps.web.wording import number, share, spelled

_ONE = {
    "developer": "one developer",
    "host": "one host",
    "foundation": "one foundation",
    "version": "one version",
    "region": "one region",
    "gateway": "one gateway",
    "vendor": "one vendor's product",
}


def of_concentration(table: LayerTable, found: Portability) -> Sentence:
    """The largest share of the layer in red where it is over the line, then how many could
    leave."""
    if table.as_of is None:
        return Sentence("What stands on what is being worked out; look again in a few minutes.")
    if not table.n_applications:
        return Sentence("No application is in pilot or production, so nothing is correlated.")
    if not table.rows:
        return Sentence(
            "No application reaches its model through anything of this layer." + _leaving(found)
        )
    top = table.rows[0]
    if table.n_critical and top.n_critical:
        part = f"{share(top.critical_share)} of critical applications"
    else:
        part = f"{share(top.share)} of applications"
    rest = f" rest on {_ONE[table.layer]}, {top.name}" + _leaving(found)
    return Sentence("", part, rest) if top.over else Sentence(f"{part}{rest}")


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


def of_ways_out(found: Portability) -> Sentence:
    if not found.n:
        return Sentence("No critical application has a live primary, so there is nothing to leave.")
    if not found.n_tested:
        return Sentence(
            "", "No critical application", " has a tested way out of the model it stands on."
        )
    part = f"{share(found.n_tested / found.n)} of critical applications"
    rest = (
        " have a tested way out in date; "
        f"{spelled(found.n_outlasting)} would also outlast their developer."
    )
    return Sentence(f"{part}{rest}")


def of_single_points(
    n: int, top: str, n_critical: int, n_total: int, *, bounded: bool = False
) -> Sentence:
    if not n:
        return Sentence(
            "Nothing alone can stop an application: every primary has a tested way out."
        )
    first = pluralize(
        n,
        "{n} thing alone can stop an application",
        "{n} things can each stop an application alone",
    )
    first = first.format(n=f"{number(n)}+" if bounded else number(n))
    if not n_critical:
        return Sentence(f"{first}.")
    return Sentence(
        f"{first}; ",
        f"{top} stops {number(n_critical)} of {number(n_total)} critical ones",
        ".",
    )


def of_node(
    name: str, verb: str, n: str, n_any: int, exposed: int, exposed_critical: int
) -> Sentence:
    if not n_any:
        return Sentence(f"Nothing stands or leans on {name}.")
    stands = pluralize(
        n_any,
        f"{n} application stands or leans on {name}",
        f"{n} applications stand or lean on {name}",
    )
    if not exposed:
        return Sentence(f"{stands}; " + f"none is exposed if it {verb}.")
    part = pluralize(exposed, f"{number(exposed)} is exposed", f"{number(exposed)} are exposed")
    after = f" if it {verb}"
    if exposed_critical:
        after += f", {number(exposed_critical)} of them critical"
    return Sentence(f"{stands}; ", part, f"{after}.")


def of_flags(
    n_open: int, n_accepted: int, n_acknowledged: int, *, filtered: bool, n_found: str
) -> Sentence:
    if filtered:
        return Sentence(f"{n_found} flags match the filters.")
    if not n_open and not n_accepted and not n_acknowledged:
        return Sentence("No line is crossed.")
    parts = []
    if n_acknowledged:
        parts.append(f"{spelled(n_acknowledged)} acknowledged")
    if n_accepted:
        parts.append(f"{spelled(n_accepted)} accepted until a day")
    rest = f"; {', '.join(parts)}." if parts else "."
    if not n_open:
        return Sentence("No flag is open" + rest)
    opened = pluralize(
        n_open, f"{spelled(n_open)} flag is open", f"{spelled(n_open)} flags are open"
    )
    return Sentence("", opened[:1].upper() + opened[1:], rest)


def of_losses(
    expected: str, one_in_100: str, times: float | None, drivers: Sequence[str]
) -> Sentence:
    before = f"A usual year costs {expected}, one in a hundred "
    after = ""
    if times and times > 1.05:
        after = f", {times:.1f} times what independent failures would"
    if drivers:
        after += f"; {drivers[0]} carries most of it"
    return Sentence(before, f"{one_in_100} or more", f"{after}.")
