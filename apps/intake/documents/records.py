"""Data classes that readers return: plain values, the same for every format.

A reader is a function `(body: bytes) -> Document`. It knows one format and nothing of the
inventory: no database, no clock, no network, and it never follows a URL that it finds. It raises
`UnreadableError` if nothing can be made of the body; what it cannot use of a readable one it lists,
with the place, in `ignored`, `rejected` or `schema_errors`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from apps.common.invisible_characters import remove_invisible_characters
from apps.intake.models import Confidence
from apps.intake.spreadsheets.files.tables import UnreadableError

MAX_NAME_LENGTH = 256
MAX_PLACES = 20
# how a sender names the application that a document is about
APPLICATION_PARAMETER = "?application=SLUG"


def clean(text: Any, longest: int = MAX_NAME_LENGTH) -> str:
    """Return a name as it may be stored: no control or direction marks, no surrounding spaces, cut
    to `longest` characters."""
    return remove_invisible_characters(str(text)).strip()[:longest] if text is not None else ""


@dataclass(frozen=True, slots=True)
class SkippedPart:
    """Part of a document that was not imported as it is: the place (a JSON pointer, a line) and the
    reason."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """Use of one model, as the document states it. Empty text: not stated.

    `alias`, `requested` and `served` are kept apart: the name the application requests from a
    gateway, the id sent to the provider, the id in its answer. `provider` and `gateway` are as the
    document spells them. `service` is what the document calls the application; empty: the one the
    sender named."""

    requested: str = ""
    served: str = ""
    alias: str = ""
    provider: str = ""
    region: str = ""
    gateway: str = ""
    service: str = ""
    environment: str = ""
    role: str = ""
    fallback_order: int = 0
    confidence: int = Confidence.BOM
    places: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    where: str = ""

    @property
    def name(self) -> str:
        return self.requested or self.served or self.alias


@dataclass(frozen=True, slots=True)
class DescribedApplication:
    """Application as a software catalogue describes it. `ref` is its name there; sightings give it
    as `service`.

    `owner` is a team as the catalogue names it; `refs` are URLs of the same thing elsewhere, by
    kind."""

    ref: str
    name: str
    purpose: str = ""
    owner: str = ""
    owner_name: str = ""
    status: str = ""
    refs: dict[str, str] = field(default_factory=dict)
    where: str = ""


@dataclass(frozen=True, slots=True)
class DescribedDeployment:
    """Deployment name at `host` (its slug) that an application requests, and the model behind it,
    as the host calls both.

    `account` is the account that has these names. `upgrades`: the host moves it to newer versions
    by itself."""

    host: str
    name: str
    model: str
    version: str = ""
    account: str = ""
    upgrades: bool = False
    where: str = ""


class DailyUsage(NamedTuple):
    """Calls of one day; tokens and cost (USD) are None if not reported."""

    n_calls: int
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class ReportedUsage:
    """Usage of one model by one application, by day. `names` identify both, with the application as
    `service`."""

    names: Sighting
    days: dict[date, DailyUsage]


@dataclass(slots=True)
class Document:
    """Content of a whole document. `maker` becomes part of the stream, so that two tools never end
    what the other reported.

    `natural_key` is what the document calls itself (serial number and version); `subject` names the
    application if the document does. `is_complete` says that what it no longer holds is no longer
    observed by its maker. `profile` is the kind of run, if the maker names one: each is a sender of
    its own. `names_ai` is False if a bill of materials holds no model and no AI service: nothing
    shows that its maker looked for any."""

    maker: str = ""
    maker_version: str = ""
    profile: str = ""
    names_ai: bool = True
    natural_key: str = ""
    made_at: datetime | None = None
    subject: str = ""
    subject_version: str = ""
    is_complete: bool = True
    applications: list[DescribedApplication] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)
    deployments: list[DescribedDeployment] = field(default_factory=list)
    usage: list[ReportedUsage] = field(default_factory=list)
    deployments_are_uses: bool = False  # of the application it is about, where it is about one
    ignored: list[SkippedPart] = field(default_factory=list)
    rejected: list[SkippedPart] = field(default_factory=list)
    open_routes: list[SkippedPart] = field(
        default_factory=list
    )  # doors to any model, which name none
    schema_valid: bool | None = None
    schema_errors: list[SkippedPart] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DocumentFormat:
    """Document format that the intake reads. `most_bytes` limits it as sent, `most_inflated` once
    decompressed."""

    name: str
    label: str
    read: Callable[[bytes], Document]
    media_types: tuple[str, ...] = ()
    most_bytes: int = 10 * 1024 * 1024
    most_inflated: int = 50 * 1024 * 1024
    # takes out secrets and content before the body is kept; `read` understands what it leaves
    redact: Callable[[bytes], bytes] | None = None
    # what the document calls itself, found without reading it all: the same again is the same
    # document
    natural_key: Callable[[bytes], str] | None = None
    # says something else where it is sent without an application: what holds for all of them
    holds_for_all: bool = False


__all__ = [
    "DailyUsage",
    "DescribedApplication",
    "DescribedDeployment",
    "Document",
    "DocumentFormat",
    "ReportedUsage",
    "Sighting",
    "SkippedPart",
    "UnreadableError",
    "clean",
]
