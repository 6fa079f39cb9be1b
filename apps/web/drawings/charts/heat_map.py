"""Risk heat map: the number of risks by likelihood and impact. A table of links, not an image."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from apps.common.text import pluralize

# severity of a cell by likelihood and impact, both 1 to 5, as the register computes it by default
type Severity = Callable[[int, int], int]


@dataclass(frozen=True, slots=True)
class HeatCell:
    """Cell of the heat map: `severity` 1 to 5 is the class of the ramp; `url` is empty if the cell
    has no risks."""

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
class HeatMap:
    """Heat map: rows from almost certain down to rare; `n` is their sum, `n_top` the number at
    severity 5."""

    rows: tuple[HeatRow, ...]
    impacts: tuple[tuple[int, str], ...]
    n: int
    n_top: int
    title: str


def build_heat_map(
    counts: Mapping[tuple[int, int], int],
    *,
    severity: Severity,
    url: Callable[[int, int], str],
    likelihoods: Mapping[int, str] | None = None,
    impacts: Mapping[int, str] | None = None,
    selected_cell: tuple[int | None, int | None] = (None, None),
    title: str = "",
) -> HeatMap | None:
    """Build the heat map; `counts` is {(likelihood, impact): n}, `url(likelihood, impact)` a cell's
    list, `selected_cell` the filter in force."""
    if not any(counts.values()):
        return None
    likelihood_names = likelihoods or {
        5: "Almost certain",
        4: "Likely",
        3: "Possible",
        2: "Unlikely",
        1: "Rare",
    }
    impact_names = impacts or {1: "Negligible", 2: "Minor", 3: "Moderate", 4: "Major", 5: "Severe"}
    rows = []
    for likelihood in range(5, 0, -1):
        cells = tuple(
            _build_cell(
                likelihood,
                impact,
                counts.get((likelihood, impact), 0),
                severity,
                url,
                selected_cell,
            )
            for impact in range(1, 6)
        )
        rows.append(HeatRow(likelihood, likelihood_names[likelihood], cells))
    all_cells = [cell for row in rows for cell in row.cells]
    n, n_top = (
        sum(cell.n for cell in all_cells),
        sum(cell.n for cell in all_cells if cell.severity == 5),
    )
    return HeatMap(
        rows=tuple(rows),
        impacts=tuple((impact, impact_names[impact]) for impact in range(1, 6)),
        n=n,
        n_top=n_top,
        title=title or _describe_finding(n, n_top),
    )


def _build_cell(
    likelihood: int,
    impact: int,
    n: int,
    severity: Severity,
    url: Callable[[int, int], str],
    selected_cell: tuple[int | None, int | None],
) -> HeatCell:
    """Return a cell; cells with risks link to them."""
    name = pluralize(
        n,
        f"Likelihood {likelihood}, impact {impact}: {n} risk",
        f"Likelihood {likelihood}, impact {impact}: {n} risks",
    )
    cell_url = url(likelihood, impact) if n else ""
    return HeatCell(
        likelihood,
        impact,
        n,
        severity(likelihood, impact),
        cell_url,
        name,
        selected_cell == (likelihood, impact),
    )


def _describe_finding(n: int, n_top: int) -> str:
    return pluralize(
        n,
        f"{n_top:,} of {n:,} assessed risk is of the highest severity.",
        f"{n_top:,} of {n:,} assessed risks are of the highest severity.",
    )
