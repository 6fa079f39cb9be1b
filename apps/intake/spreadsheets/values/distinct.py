"""Distinct values of a spreadsheet: what each column says, how often, and the best guess of what it
means.

A value is mapped once, and the choice applies to all its rows. What is chosen has the form that
JSON can hold: a value of a choice (`"confidential"`, criticality 0 to 3), true or false, a date
(`"2025-03-01"`), a number; the slug of a team or provider, or CREATE; null leaves the field
empty."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

# choice for a team or vendor that the spreadsheet names: it is created by the import
CREATE = "+"


class Certainty(StrEnum):
    """How certain a guess is."""

    CERTAIN = "certain"  # the text is one of the known words or forms
    LIKELY = "likely"  # a part of the text is, or the number is approximate
    BY_ORDER = "by order"  # the place of the text on the scale of the column
    NONE = "none"  # no guess: the field stays empty until a user chooses


class ValueKind(StrEnum):
    """What a field holds, which decides how its values are chosen."""

    CHOICE = "choice"
    BOOLEAN = "boolean"
    DAY = "day"
    NUMBER = "number"
    MONEY = "money"
    TEAM = "team"
    PERSON = "person"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class Guess:
    """What a text is taken to mean, as JSON; None with NONE: no guess. `why` explains it in one
    sentence, empty if the text explains itself."""

    value: Any = None
    certainty: Certainty = Certainty.NONE
    why: str = ""


@dataclass(frozen=True, slots=True)
class DistinctValue:
    """One text of one field, with the number of its rows, the guess, and the choice of a user.

    `is_chosen`: a user chose `choice`, now or for an earlier file with the same headers; None then
    leaves the field empty."""

    code: str  # of the field: application.criticality
    text: str
    n_rows: int
    guess: Guess
    choice: Any = None
    is_chosen: bool = False
    first_row: int = 0  # number of the first row with this text
    pk: int = 0  # of the stored ImportValue; 0 before it is stored

    @property
    def value(self) -> Any:
        """Return what the import takes: the choice, else the guess."""
        return self.choice if self.is_chosen else self.guess.value

    @property
    def is_open(self) -> bool:
        """Return whether neither a guess nor a choice exists: the rows leave the field empty."""
        return not self.is_chosen and self.guess.certainty is Certainty.NONE


@dataclass(frozen=True, slots=True)
class ValueGroup:
    """Distinct values of one field, the most frequent first. `options` are (value as JSON, label)
    of all values that can be chosen; empty where any value can be entered."""

    code: str
    label: str
    header: str  # of the column in the file
    kind: ValueKind
    options: tuple[tuple[Any, str], ...] = ()
    values: tuple[DistinctValue, ...] = ()

    @property
    def n_open(self) -> int:
        return sum(value.is_open for value in self.values)


class ModelKind(StrEnum):
    """What a model name of the file is."""

    RESOLVED = "resolved"  # one version or alias
    CHOOSE = "choose"  # one foundation; the version is asked
    FAMILY = "family"  # several foundations
    PRODUCT = "product"  # a product with models inside
    UNKNOWN = "unknown"  # a name that the catalogue does not have
    NOT_A_MODEL = "not a model"  # no dependency


@dataclass(frozen=True, slots=True)
class ModelOption:
    """Model ID that a name can be, with its lifecycle as recorded. `is_earliest`: it retires on
    `retires_on` or later."""

    offering: int
    host: str
    host_name: str
    api_id: str
    region: str = ""
    tier: str = ""
    lifecycle: str = ""
    retires_on: str = ""  # ISO date
    is_earliest: bool = False


@dataclass(frozen=True, slots=True)
class DistinctModel:
    """One model name of the file at one host cell. Of a cell with several models, each is one.

    `offering`: the only real model ID, which the import takes. `options`: the model IDs to choose
    from where there are several. Without a choice, the dependency refers to the name."""

    text: str
    host_text: str  # cell beside it, as written
    kind: ModelKind
    n_rows: int
    host: str = ""  # slug of the provider; empty: not stated
    host_name: str = ""
    version: str = ""  # identifier of the only candidate version
    candidates: tuple[str, ...] = ()  # identifiers of versions
    foundations: tuple[str, ...] = ()  # slugs
    product: str = ""  # slug
    products: tuple[str, ...] = ()  # slugs of products to choose from
    role: str = ""
    cell: str = ""  # the whole cell, where it names several models
    offering: ModelOption | None = None
    options: tuple[ModelOption, ...] = ()
    choice: ModelOption | None = None
    certainty: Certainty = Certainty.NONE
    why: str = ""
    applications: tuple[str, ...] = ()  # names of the first applications
    pk: int = 0  # of the stored ImportValue

    @property
    def is_open(self) -> bool:
        """Return whether a model ID can be chosen and is not."""
        return (
            self.kind is not ModelKind.NOT_A_MODEL and self.offering is None and self.choice is None
        )


@dataclass(frozen=True, slots=True)
class NamedRecord:
    """Team, person or vendor that the spreadsheet names."""

    text: str
    n_rows: int
    name: str = ""  # of the existing record
    slug: str = ""  # of an existing team or provider; empty: to create
    reason: str = ""  # why it cannot be created: of the missing right
    first_row: int = 0


@dataclass(frozen=True, slots=True)
class NamedRecords:
    """Records that the import creates, and those that it cannot. `unassigned` are owners whose text
    is no address and names no user: the text stays."""

    teams: tuple[NamedRecord, ...] = field(default_factory=tuple)
    people: tuple[NamedRecord, ...] = field(default_factory=tuple)
    vendors: tuple[NamedRecord, ...] = field(default_factory=tuple)
    unassigned: tuple[NamedRecord, ...] = field(default_factory=tuple)
