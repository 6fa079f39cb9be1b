"""What a cell says about a model: a version, a line, a family, a product, several, or none."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a cell says."""

    RESOLVED = "resolved"  # one version, or one moving alias
    CHOOSE = "choose"  # one line; its version is to be asked
    FAMILY = "family"  # several lines; which one is to be asked
    PRODUCT = "product"  # a product or platform with models inside
    SEVERAL = "several"  # several of these, in `parts`
    NOT_A_MODEL = "not_a_model"  # no model, or not stated yet
    UNKNOWN = "unknown"  # a name that the catalogue does not know


class Certainty(StrEnum):
    """How a reading was found."""

    EXACT = "exact"  # the cell is the ID
    CERTAIN = "certain"  # every fact of the name belongs to the answer
    LIKELY = "likely"  # a slip was corrected, or a fact was taken from beside the name


@dataclass(frozen=True, slots=True)
class Reading:
    """What a cell says. `version` and `line` are IDs of the catalogue, empty if none is named.

    candidates: of CHOOSE the versions of the line, of FAMILY the lines, of PRODUCT the slugs of
    products, most likely first. hint: a line to offer, never a match. derived_from: the line that
    an own model is built on. host: a slug of HOSTS, "own" for own machines, None if not named.
    """

    text: str
    kind: Kind
    version: str = ""
    line: str = ""
    developer: str = ""
    candidates: tuple[str, ...] = ()
    product: str = ""
    product_name: str = ""
    inside: "Reading | None" = None
    parts: tuple["Reading", ...] = ()
    not_stated: bool = False
    hint: str = ""
    derived_from: str = ""
    adaptation: str = ""
    role: str = ""
    host: str | None = None
    regions: tuple[str, ...] = ()
    certainty: Certainty = Certainty.CERTAIN
    why: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The reading of one name before host, region and role are added; `start` and `end` are its
    position."""

    reading: Reading
    start: int
    end: int
    segment: int = 0
    is_old: bool = False
    is_future: bool = False
    is_negated: bool = False
