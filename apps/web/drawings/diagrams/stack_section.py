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
        path = _path_of(column)
        for depth in range(1, len(path) + 1):
            weight[path[:depth]] += column.n

    def place(column: Column) -> tuple[object, ...]:
        path = _path_of(column)
        ranks: list[object] = [column.developer == UNRESOLVED]
        for depth in range(1, len(path) + 1):
            ranks += [-weight[path[:depth]], path[depth - 1]]
        return (*ranks, -column.height, column.label)

    return sorted(columns, key=place)


def _path_of(column: Column) -> tuple[str, ...]:
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
    return _draw_section(
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
    """Draw the section for narrow screens, turned by 90 degrees."""
    span = max(13.0 * len(columns) + 24, 160)
    return _draw_section(
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


def _draw_section(
    columns: Sequence[Column], measure: _Measure, over: frozenset[str], details: Details
) -> Section:
    """Draw a building for each column of the stack, side by side by developer; its breadth is its
    weight. `over` names the developers beyond tolerance."""
    ordered_columns = in_order(columns)
    groups = [
        list(group) for _, group in groupby(ordered_columns, key=lambda column: column.developer)
    ]
    gap = min(10.0, 0.25 * measure.span / max(len(groups), 1))
    total = sum(_column_weight(column) for column in ordered_columns) or 1
    # so that a few applications are not as broad as halls
    unit = min(
        (measure.span - measure.margin - gap * max(len(groups) - 1, 0)) / total, measure.broadest
    )
    buildings: list[Building] = []
    cells: list[Cell] = []
    across_at = measure.margin
    depth = sum(measure.layers.values()) + 3 * len(measure.layers) + 12
    for group in groups:
        starts: list[float] = []
        for column in group:
            starts.append(across_at)
            breadth = unit * _column_weight(column)
            building_height = round(measure.sky * max(column.height, 0.16), 1)
            inset = min(3.0, breadth * 0.14)
            buildings.append(
                Building(
                    _make_box(
                        measure,
                        across_at + inset,
                        measure.sky - building_height,
                        breadth - 2 * inset,
                        building_height,
                    ),
                    "red" if column.late else "ink" if column.solid else "box",
                    column.label,
                    column.url,
                )
            )
            across_at += breadth
        ends = [*starts[1:], across_at]
        top = measure.sky + 12.0
        for layer, thick in measure.layers.items():
            below = LAYERS[LAYERS.index(layer) :]
            stretches = groupby(
                range(len(group)), key=lambda i: tuple(getattr(group[i], name) for name in below)
            )
            for key, stretch in stretches:
                members = list(stretch)
                begin, end = starts[members[0]], ends[members[-1]]
                cells.append(
                    _make_cell(
                        measure, layer, key[0], begin, top, end - begin, thick, over, details
                    )
                )
            top += thick + 3
        across_at += gap
    names = _layer_names(measure)
    sheet = Section(
        width=measure.sky + depth if measure.turned else measure.span,
        height=measure.span if measure.turned else measure.sky + depth,
        ground=_make_box(
            measure, measure.margin - 6, measure.sky, across_at - gap - measure.margin + 6, 7
        ),
        buildings=tuple(buildings),
        cells=tuple(cells),
        names=names,
        turned=measure.turned,
    )
    return replace(sheet, width=round(sheet.width, 1), height=round(sheet.height, 1))


def _column_weight(column: Column) -> float:
    """Return the breadth of a column: 1 for an application; groups grow more slowly than their
    number, so that small ones stay visible."""
    return 1.0 if column.n == 1 else column.n**0.6


def _make_box(measure: _Measure, across: float, down: float, breadth: float, thick: float) -> Box:
    x, y, width, height = (
        (down, across, thick, breadth) if measure.turned else (across, down, breadth, thick)
    )
    return Box(round(x, 1), round(y, 1), round(width, 1), round(height, 1))


def _make_cell(
    measure: _Measure,
    layer: str,
    name: str,
    across: float,
    down: float,
    breadth: float,
    thick: float,
    over: frozenset[str],
    details: Details,
) -> Cell:
    """Return a cell of a layer, with as much of its name as fits."""
    box = _make_box(measure, across, down, breadth, thick)
    is_known = name != UNRESOLVED
    full = name if is_known else ("unresolved" if layer == "developer" else "?")
    room, too_flat = box.width - 8, measure.turned and box.height < 11
    # a narrow but high box takes its name upright, where it fits whole
    upright = (
        not measure.turned and room < len(full) * measure.letter <= box.height - 8 and breadth >= 14
    )
    lines = (
        details.get(name, ())
        if layer == "developer" and is_known and not upright and box.height > 34
        else ()
    )
    return Cell(
        box=box,
        layer=layer,
        label=""
        if too_flat
        else full
        if upright
        else cut_section(full, int(room / measure.letter)),
        full=full,
        known=is_known,
        over=layer == "developer" and name in over,
        upright=upright,
        detail=next((line for line in lines if len(line) * measure.letter <= room), ""),
    )


def cut_section(text: str, n_letters: int) -> str:
    """Shorten `text` to at most that many letters: leading words are cut first (Claude Sonnet 4.5,
    Sonnet 4.5), then its end.

    The first number of the name stays, which distinguishes generations. An addition in brackets,
    such as `(own fine-tune)`, is left out before the name is cut: alone it names nothing. Empty if
    not even three letters are left."""
    if len(text) <= n_letters:
        return text
    if n_letters < 3:
        return ""
    name, bracket, _ = text.partition(" (")
    if bracket:
        has_number = any(character.isdigit() for character in name)
        kept = cut_section(name, n_letters - 1) if has_number else ""
        return f"{(kept or name[: n_letters - 1]).rstrip(' -.…')}…"
    name_words = text.split()
    number_position = next(
        (
            position
            for position, name_word in enumerate(name_words)
            if any(character.isdigit() for character in name_word)
        ),
        len(name_words) - 1,
    )
    for n_cut in range(1, number_position + 1):
        remaining_text = " ".join(name_words[n_cut:])
        if 3 <= len(remaining_text) <= n_letters:
            return remaining_text
    remaining_text = " ".join(name_words[number_position:])
    return (
        f"{(remaining_text if len(remaining_text) > 3 else text)[: n_letters - 1].rstrip(' -.')}…"
    )


def _layer_names(measure: _Measure) -> tuple[tuple[float, float, str], ...]:
    """Place the names of the layers: before the rows if wide, above the columns if narrow."""
    names = []
    top = measure.sky + 12.0
    for layer, thick in measure.layers.items():
        place = (top + 2, 10.0) if measure.turned else (68.0, top + thick / 2 + 4)
        names.append((round(place[0], 1), round(place[1], 1), layer.capitalize()))
        top += thick + 3
    names.insert(
        0, (0.0, 10.0, "Yours") if measure.turned else (68.0, measure.sky - 6, "Application")
    )
    return tuple(names)
