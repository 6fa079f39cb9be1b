"""Picture: the data class of every drawing; `components/drawings/picture.svg` draws it in the order
of the fields.

A picture function takes plain data and returns a Picture, or None if there is nothing to show.
`responsive_picture` makes both variants of a page together."""

from collections.abc import Callable
from dataclasses import dataclass

from apps.web.drawings.base.text_layout import Label
from apps.web.drawings.diagrams.stack_section import Box

WIDE, HALF, THIRD, NARROW = 1120.0, 720.0, 400.0, 330.0


@dataclass(frozen=True, slots=True)
class Stroke:
    """Path; `css` is a class of lines or areas, `tip` the tooltip."""

    d: str
    css: str = "l"
    tip: str = ""
    name: str = ""
    hatch: str = ""


@dataclass(frozen=True, slots=True)
class Patch:
    """Rectangle with paper below, a hatch (`diag`, `cross`, `red`, ... or none) and an edge (a
    class of lines)."""

    box: Box
    fill: str = "pap"
    hatch: str = ""
    edge: str = "l"
    tip: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    y: float
    css: str = "ink"
    r: float = 3.5
    tip: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Geometry in units of the view box. `title` states the finding, `desc` how to read the
    drawing."""

    width: float
    height: float
    narrow: bool
    title: str
    desc: str = ""
    grid: tuple[Stroke, ...] = ()
    areas: tuple[Stroke, ...] = ()
    patches: tuple[Patch, ...] = ()
    strokes: tuple[Stroke, ...] = ()
    dots: tuple[Dot, ...] = ()
    labels: tuple[Label, ...] = ()

    @property
    def shape(self) -> str:
        """Return the CSS class of the drawing on a page that shows both variants."""
        if self.narrow:
            return "narrow-only"
        return "wide-only wide" if self.width > HALF else "wide-only"


@dataclass(frozen=True, slots=True)
class ResponsivePicture:
    """Wide and narrow variant of the same picture, for a desktop and for a phone."""

    wide: Picture
    narrow: Picture

    @property
    def title(self) -> str:
        return self.wide.title


def responsive_picture[**P](
    draw: Callable[P, Picture | None], *args: P.args, **kwargs: P.kwargs
) -> ResponsivePicture | None:
    """Return the wide and the narrow variant of one picture; None if there is nothing to show."""
    kwargs.pop("narrow", None)
    wide = draw(*args, **kwargs)
    kwargs.pop("width", None)
    kwargs["narrow"] = True
    narrow = draw(*args, **kwargs)
    return ResponsivePicture(wide, narrow) if wide and narrow else None


def line(points: list[tuple[float, float]]) -> str:
    """Return the path through the points."""
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)


def across(y: float, x_from: float, x_to: float) -> str:
    return f"M{x_from:g} {y:g}H{x_to:g}"


def down(x: float, y_from: float, y_to: float) -> str:
    return f"M{x:g} {y_from:g}V{y_to:g}"


def box(x: float, y: float, width: float, height: float) -> Box:
    return Box(round(x, 2), round(y, 2), round(width, 2), round(height, 2))
