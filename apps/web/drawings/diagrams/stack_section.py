"""Portfolio stack: applications at the top, the layers that they depend on below, equal neighbours
merged.

One layout serves both shapes: `across` runs along the layers, `down` towards deeper ones. Wide,
across is x and down is y; narrow, the drawing is turned so that across is y and every application
is a row that fits a phone."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

UNRESOLVED = ""
LAYERS = ("host", "version", "foundation", "developer")


@dataclass(frozen=True, slots=True)
class Column:
    """Application, or `n` of them that depend on the same stack; a name is empty if unknown.

    `height` is 1 (critical) to 0 of the tallest column; `late` colours it red."""

    label: str
    host: str
    version: str
    foundation: str
    developer: str
    height: float
    solid: bool
    late: bool
    n: int = 1
    n_critical: int = 0
    url: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    x: float
    y: float
    width: float
    height: float

    @property
    def x_inner(self) -> float:
        return round(self.x + 0.5, 1)

    @property
    def y_inner(self) -> float:
        return round(self.y + 0.5, 1)

    @property
    def width_inner(self) -> float:
        return round(self.width - 1, 1)

    @property
    def height_inner(self) -> float:
        return round(self.height - 1, 1)

    @property
    def x_mid(self) -> float:
        return round(self.x + self.width / 2, 1)

    @property
    def y_mid(self) -> float:
        return round(self.y + self.height / 2 + 4, 1)


@dataclass(frozen=True, slots=True)
class Building:
    box: Box
    kind: str
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Cell:
    """Segment of one layer. `label` is cut to what fits; `upright` text is turned by a quarter."""

    box: Box
    layer: str
    label: str
    full: str
    known: bool
    over: bool
    upright: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Portfolio stack drawing. `turned`: drawn for a phone, the base line running down the
    drawing."""

    width: float
    height: float
    ground: Box
    buildings: tuple[Building, ...]
    cells: tuple[Cell, ...]
    names: tuple[tuple[float, float, str], ...]
    turned: bool = False


def in_order(columns: Sequence[Column]) -> list[Column]:
    """Order columns so that those who share are adjacent: the larger group first, the unresolved
    last."""
    weight: Counter[tuple[str, ...]] = Counter()
    for column in columns:
        path = _path(column)
        for depth in range(1, len(path) + 1):
            weight[path[:depth]] += column.n

    def place(column: Column) -> tuple[object, ...]:
        path = _path(column)
        ranks: list[object] = [column.developer == UNRESOLVED]
        for depth in range(1, len(path) + 1):
            ranks += [-weight[path[:depth]], path[depth - 1]]
        return (*ranks, -column.height, column.label)

    return sorted(columns, key=place)


def _path(column: Column) -> tuple[str, ...]:
    return (column.developer, column.foundation, column.version, column.host)


@dataclass(frozen=True, slots=True)
class _Measure:
    """Lengths of one shape of the drawing, in drawing units."""

    span: float  # of the ground
    margin: float  # before the first column, where the layers' names stand
    sky: float  # room for the tallest building
    layers: dict[str, float]
    letter: float  # width of one letter
    broadest: float  # a single application is never broader
    turned: bool


type Details = dict[str, tuple[str, ...]]


def draw_wide_section(
    columns: Sequence[Column], *, over: frozenset[str], details: Details
) -> Section:
    """Draw the wide variant; `over` names developers beyond tolerance; `details` gives each a
    second line, the longest wording first."""
    return _drawn(
        columns,
        _Measure(
            1120,
            78,
            104,
            {"host": 28, "version": 32, "foundation": 40, "developer": 74},
            6.6,
            84,
            turned=False,
        ),
        over,
        details,
    )


def draw_narrow_section(
    columns: Sequence[Column], *, over: frozenset[str], details: Details
) -> Section:
    span = max(13.0 * len(columns) + 24, 160)
    return _drawn(
        columns,
        _Measure(
            span,
            16,
            44,
            {"host": 68, "version": 72, "foundation": 76, "developer": 88},
            6.0,
            30,
            turned=True,
        ),
        over,
        details,
    )


def _drawn(
    columns: Sequence[Column], m: _Measure, over: frozenset[str], details: Details
) -> Section:
    ordered = in_order(columns)
    groups = [list(group) for _, group in groupby(ordered, key=lambda column: column.developer)]
    gap = min(10.0, 0.25 * m.span / max(len(groups), 1))
    total = sum(_weight(column) for column in ordered) or 1
    # a handful of applications stays a handful of houses, not of halls
    unit = min((m.span - m.margin - gap * max(len(groups) - 1, 0)) / total, m.broadest)
    buildings: list[Building] = []
    cells: list[Cell] = []
    at = m.margin
    depth = sum(m.layers.values()) + 3 * len(m.layers) + 12
    for group in groups:
        starts: list[float] = []
        for column in group:
            starts.append(at)
            breadth = unit * _weight(column)
            tall = round(m.sky * max(column.height, 0.16), 1)
            inset = min(3.0, breadth * 0.14)
            buildings.append(
                Building(
                    _box(m, at + inset, m.sky - tall, breadth - 2 * inset, tall),
                    "red" if column.late else "ink" if column.solid else "box",
                    column.label,
                    column.url,
                )
            )
            at += breadth
        ends = [*starts[1:], at]
        top = m.sky + 12.0
        for layer, thick in m.layers.items():
            below = LAYERS[LAYERS.index(layer) :]
            stretches = groupby(
                range(len(group)), key=lambda i: tuple(getattr(group[i], name) for name in below)
            )
            for key, stretch in stretches:
                members = list(stretch)
                begin, end = starts[members[0]], ends[members[-1]]
                cells.append(_cell(m, layer, key[0], begin, top, end - begin, thick, over, details))
            top += thick + 3
        at += gap
    names = _names(m)
    sheet = Section(
        width=m.sky + depth if m.turned else m.span,
        height=m.span if m.turned else m.sky + depth,
        ground=_box(m, m.margin - 6, m.sky, at - gap - m.margin + 6, 7),
        buildings=tuple(buildings),
        cells=tuple(cells),
        names=names,
        turned=m.turned,
    )
    return replace(sheet, width=round(sheet.width, 1), height=round(sheet.height, 1))


def _weight(column: Column) -> float:
    """Single applications are equally broad; groups grow more slowly than their number, so small
    ones stay visible."""
    return 1.0 if column.n == 1 else column.n**0.6


def _box(m: _Measure, across: float, down: float, breadth: float, thick: float) -> Box:
    x, y, width, height = (
        (down, across, thick, breadth) if m.turned else (across, down, breadth, thick)
    )
    return Box(round(x, 1), round(y, 1), round(width, 1), round(height, 1))


def _cell(
    m: _Measure,
    layer: str,
    name: str,
    across: float,
    down: float,
    breadth: float,
    thick: float,
    over: frozenset[str],
    details: Details,
) -> Cell:
    box = _box(m, across, down, breadth, thick)
    known = name != UNRESOLVED
    full = name if known else ("unresolved" if layer == "developer" else "?")
    room, too_flat = box.width - 8, m.turned and box.height < 11
    # a narrow but high box takes its name upright, where it fits whole
    upright = not m.turned and room < len(full) * m.letter <= box.height - 8 and breadth >= 14
    lines = (
        details.get(name, ())
        if layer == "developer" and known and not upright and box.height > 34
        else ()
    )
    return Cell(
        box=box,
        layer=layer,
        label="" if too_flat else full if upright else cut_section(full, int(room / m.letter)),
        full=full,
        known=known,
        over=layer == "developer" and name in over,
        upright=upright,
        detail=next((line for line in lines if len(line) * m.letter <= room), ""),
    )


def cut_section(text: str, letters: int) -> str:
    """Shorten `text` to at most that many letters: leading words are cut first (Claude Sonnet 4.5,
    Sonnet 4.5), then its end.

    The first number of the name stays, which distinguishes generations. Empty if not even three
    letters are left."""
    if len(text) <= letters:
        return text
    if letters < 3:
        return ""
    words = text.split()
    numbered = next(
        (at for at, word in enumerate(words) if any(sign.isdigit() for sign in word)),
        len(words) - 1,
    )
    for first in range(1, numbered + 1):
        rest = " ".join(words[first:])
        if 3 <= len(rest) <= letters:
            return rest
    rest = " ".join(words[numbered:])
    return f"{(rest if len(rest) > 3 else text)[: letters - 1].rstrip(' -.')}…"


def _names(m: _Measure) -> tuple[tuple[float, float, str], ...]:
    """Where the layers are named: in front of the rows when wide, above the columns when narrow."""
    out = []
    top = m.sky + 12.0
    for layer, thick in m.layers.items():
        place = (top + 2, 10.0) if m.turned else (68.0, top + thick / 2 + 4)
        out.append((round(place[0], 1), round(place[1], 1), layer.capitalize()))
        top += thick + 3
    out.insert(0, (0.0, 10.0, "Yours") if m.turned else (68.0, m.sky - 6, "Application"))
    return tuple(out)
