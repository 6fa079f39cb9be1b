"""The heat map: how many risks have which likelihood and impact. A table of links, not an image."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

# severity of a cell by likelihood and impact, both 1 to 5, as the register computes it by default
type Severity = Callable[[int, int], int]


@dataclass(frozen=True, slots=True)
class HeatCell:
    """`severity` 1 to 5 is the class of the ramp; `url` is empty where nothing lies in the cell."""

    likelihood: int
    impact: int
    n: int
    severity: int
    url: str
    name: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class HeatRow:
    likelihood: int
    name: str
    cells: tuple[HeatCell, ...]


@dataclass(frozen=True, slots=True)
class Heat:
    """Rows from almost certain down to rare; `n` is what they add up to, `n_top` what lies in severity 5."""

    rows: tuple[HeatRow, ...]
    impacts: tuple[tuple[int, str], ...]
    n: int
    n_top: int
    title: str


def heat(
    counts: Mapping[tuple[int, int], int],
    *,
    severity: Severity,
    url: Callable[[int, int], str],
    likelihoods: Mapping[int, str] | None = None,
    impacts: Mapping[int, str] | None = None,
    chosen: tuple[int | None, int | None] = (None, None),
    title: str = "",
) -> Heat | None:
    """`counts` is {(likelihood, impact): n}, `url(likelihood, impact)` a cell's list, `chosen` the filter in force."""
    if not any(counts.values()):
        return None
    likely = likelihoods or {5: _("Almost certain"), 4: _("Likely"), 3: _("Possible"), 2: _("Unlikely"), 1: _("Rare")}
    grave = impacts or {1: _("Negligible"), 2: _("Minor"), 3: _("Moderate"), 4: _("Major"), 5: _("Severe")}
    rows = []
    for likelihood in range(5, 0, -1):
        cells = tuple(
            _cell(likelihood, impact, counts.get((likelihood, impact), 0), severity, url, chosen)
            for impact in range(1, 6)
        )
        rows.append(HeatRow(likelihood, likely[likelihood], cells))
    every = [cell for row in rows for cell in row.cells]
    n, n_top = sum(cell.n for cell in every), sum(cell.n for cell in every if cell.severity == 5)
    return Heat(
        rows=tuple(rows),
        impacts=tuple((impact, grave[impact]) for impact in range(1, 6)),
        n=n,
        n_top=n_top,
        title=title or _finding(n, n_top),
    )


def _cell(
    likelihood: int,
    impact: int,
    n: int,
    severity: Severity,
    url: Callable[[int, int], str],
    chosen: tuple[int | None, int | None],
) -> HeatCell:
    said = ngettext(
        "Likelihood %(likelihood)s, impact %(impact)s: %(n)s risk",
        "Likelihood %(likelihood)s, impact %(impact)s: %(n)s risks",
        n,
    ) % {"likelihood": likelihood, "impact": impact, "n": n}
    where = url(likelihood, impact) if n else ""
    return HeatCell(likelihood, impact, n, severity(likelihood, impact), where, said, chosen == (likelihood, impact))


def _finding(n: int, n_top: int) -> str:
    return ngettext(
        "%(top)s of %(n)s assessed risk is of the highest severity.",
        "%(top)s of %(n)s assessed risks are of the highest severity.",
        n,
    ) % {"top": f"{n_top:,}", "n": f"{n:,}"}
