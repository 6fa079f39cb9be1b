"""SVG marks of a drawing as text.

Templates keep the title, description and shape of a drawing; the hundreds of marks inside would
cost them more than everything else on a page."""

from collections.abc import Iterator

from django.utils.html import escape
from django.utils.safestring import SafeString

from apps.web.drawings.base.picture import Picture, Stroke
from apps.web.drawings.charts.notice_periods import NoticePicture
from apps.web.drawings.charts.notice_periods import NoticeRow as Strip
from apps.web.drawings.diagrams.stack_section import Box, Cell, Section

_HATCHES = {"host": "vert", "version": "dash", "foundation": "diag", "developer": "cross"}


def svg_marks(drawing: Picture | Section | NoticePicture) -> SafeString:
    """Return the content of the <g> of a drawing. Text is escaped; classes and numbers are the
    drawing's own."""
    if isinstance(drawing, Picture):
        return SafeString("\n".join(filter(None, _picture_marks(drawing))))
    if isinstance(drawing, Section):
        return SafeString("\n".join(_section_marks(drawing)))
    return SafeString("\n".join(map(_strip_mark, [drawing] * len(drawing.rows), drawing.rows)))


def _rect_attributes(box: Box) -> str:
    return f'x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}"'


def _rect_path(x: float, y: float, width: float, height: float) -> str:
    """Return a rectangle as a path, in half the letters of a <rect>: a section has hundreds of
    them."""
    return f'd="M{x:g} {y:g}h{width:g}v{height:g}h{-width:g}z"'


def _tip_attribute(text: str) -> str:
    return f' data-tip="{escape(text)}"' if text else ""


# --- pictures -------------------------------------------------------------------------------------


def _picture_marks(picture: Picture) -> Iterator[str]:
    """Yield grid, areas, patches, strokes, dots and labels in this order: later marks lie on
    top."""
    yield "".join(f'<path class="{stroke.css}" d="{stroke.d}"/>' for stroke in picture.grid)
    yield _path_marks(picture.areas)
    for patch in picture.patches:
        place = _rect_attributes(patch.box)
        hatch = f'<rect {place} fill="url(#p-{patch.hatch})"/>' if patch.hatch else ""
        edge = f'<rect class="{patch.edge}" {place}/>' if patch.edge else ""
        yield f'<g{_tip_attribute(patch.tip)}><rect class="{patch.fill}" {place}/>{hatch}{edge}</g>'
    yield _path_marks(picture.strokes)
    yield "".join(
        f'<circle class="{dot.css}" cx="{dot.x}" cy="{dot.y}" r="{dot.r}"'
        f"{_tip_attribute(dot.tip)}/>"
        for dot in picture.dots
    )
    for label in picture.labels:
        if label.text:
            css = f' class="{label.classes}"' if label.classes else ""
            yield f'<text{css} x="{label.x}" y="{label.y}">{escape(label.text)}</text>'


def _path_marks(strokes: tuple[Stroke, ...]) -> str:
    return "".join(
        f'<path class="{stroke.css}" d="{stroke.d}"{_tip_attribute(stroke.tip)}/>'
        for stroke in strokes
    )


# --- the portfolio section ------------------------------------------------------------------------


def _section_marks(section: Section) -> Iterator[str]:
    """Yield the SVG elements of a section: names, buildings, ground and cells."""
    names = "s" if section.turned else "s e"
    for x, y, name in section.names:
        yield f'<text class="{names}" x="{x}" y="{y}">{escape(name)}</text>'
    for building in section.buildings:
        title = f"<title>{escape(building.label)}</title>"
        box = building.box
        yield (
            f'<path class="{building.kind}" '
            f"{_rect_path(box.x, box.y, box.width, box.height)}>{title}</path>"
        )
    ground = f"v{section.ground.height}" if section.turned else f"h{section.ground.width}"
    yield (
        f'<rect {_rect_attributes(section.ground)} fill="url(#p-ground)"/>'
        f'<path class="l2" d="M{section.ground.x} {section.ground.y}{ground}"/>'
    )
    for cell in section.cells:
        yield _cell_mark(cell, narrow=section.turned)


def _cell_mark(cell: Cell, *, narrow: bool) -> str:
    box = cell.box
    area = _rect_path(box.x, box.y, box.width, box.height)
    inner = _rect_path(box.x_inner, box.y_inner, box.width_inner, box.height_inner)
    hatch = ""
    if cell.known:
        hatch = f'<path {area} fill="url(#p-{"red" if cell.over else _HATCHES[cell.layer]})"/>'
    edge = "rl2" if cell.over else "l" if cell.known else "l dot"
    return (
        f'<g><title>{escape(cell.full)}</title><path class="pap" {area}/>{hatch}'
        f'<path class="{edge}" {inner}/>{_cell_text_mark(cell, narrow=narrow)}</g>'
    )


def _cell_text_mark(cell: Cell, *, narrow: bool) -> str:
    if not cell.label:
        return ""
    x, y, label = cell.box.x_mid, cell.box.y_mid, escape(cell.label)
    if cell.upright:
        return (
            f'<text class="halo m" transform="translate({x} {y}) rotate(-90)" dy="3">{label}</text>'
        )
    if cell.detail:
        return (
            f'<text class="halo m b" x="{x}" y="{y}" dy="-8">{label}</text>'
            f'<text class="halo m{" r" if cell.over else ""}" x="{x}" y="{y}" '
            f'dy="10">{escape(cell.detail)}</text>'
        )
    css = f"{' b' if cell.layer == 'developer' else ''}{' s' if narrow else ''}"
    return f'<text class="halo m{css}" x="{x}" y="{y}">{label}</text>'


# --- notices of a provider ------------------------------------------------------------------------


def _strip_mark(picture: NoticePicture, row: Strip) -> str:
    """Return the marks of a strip: its dots on their line, the range of short notices, its median
    and its name."""
    if picture.stacked:
        names, x, rise = ("halo b", "halo s"), picture.left, 13
    else:
        names, x, rise = ("b", "s"), 0, 15
    median = row.median
    dots = "".join(
        f'<circle class="{dot.css}" cx="{dot.x}" cy="{dot.y}" r="3"/>' for dot in row.dots
    )
    return (
        f'<text class="{names[0]}" x="{x}" y="{row.y_label}">{escape(row.label)}</text>'
        f'<text class="{names[1]}" x="{x}" y="{row.y_label}" '
        f'dy="{rise}">{escape(row.detail)}</text>'
        f'<path class="l" d="M{picture.left} {row.y}H{picture.right}"/>'
        f'<rect x="{picture.left}" y="{row.y}" width="{picture.short_width}" height="4" '
        f'fill="url(#p-red)"/>{dots}'
        f'<path class="l2" d="M{median.x} {row.y_top}V{median.y}"/>'
        f'<text class="halo b{" e" if median.flip else ""}" x="{median.x}" y="{median.y}"'
        f' dx="{-6 if median.flip else 6}">{escape(median.text)}</text>'
    )
