"""Data classes that readers return: plain values, the same for every format.

A reader is a function `(body: bytes) -> Document`. It knows one format and nothing of the
inventory: no database, no clock, no network, and it never follows a URL. It raises
`UnreadableError` if the body is not a document of its format; the unusable parts of a readable one
it lists, with their location, in `ignored`, `rejected` or `schema_errors`."""

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
# query parameter by which a sender names the application of a document
APPLICATION_PARAMETER = "?application=SLUG"


def clean(text: Any, max_length: int = MAX_NAME_LENGTH) -> str:
    """Return a text as it can be stored: without control or direction marks and surrounding spaces,
    cut to `max_length` characters; empty for None."""
    return remove_invisible_characters(str(text)).strip()[:max_length] if text is not None else ""


@dataclass(frozen=True, slots=True)
class SkippedPart:
    """Part of a document that was not imported unchanged: its location (a JSON pointer, a line) and
    the reason."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """Use of one model, as the document states it. Empty text: not stated.

    `alias`, `requested` and `served` are separate: the name that the application requests from a
    gateway, the id sent to the provider, and the id in its response. `provider` and `gateway` have
    the spelling of the document. `service` is the document's name of the application; empty: the
    application that the sender named."""

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
    """Application as a software catalogue describes it. `ref` is its name in the catalogue, which
    sightings have as `service`.

    `owner` is the catalogue's name of the team; `refs` are URLs of the application in other
    systems, by kind."""

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
    both as the host names them.

    `account` is the account that the name belongs to. `upgrades`: the host upgrades the deployment
    to newer versions by itself."""

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
    """Daily usage of one model by one application. `names` identifies both, with the application as
    `service`."""

    names: Sighting
    days: dict[date, DailyUsage]


@dataclass(frozen=True, slots=True)
class BilledCharge:
    """Charges of one day with the same names, as a bill states them. The names are candidates, the
    most specific first.

    `account` is a digest of issuer and billing account. `is_of_gateway`: a gateway states the model
    ID that it sent to the host. `listed` and `contracted` are None if not stated for every row;
    `tokens` has only the kinds that the bill counts."""

    applications: tuple[str, ...]
    models: tuple[str, ...]
    hosts: tuple[str, ...]
    region: str
    is_of_gateway: bool
    account: str
    period_start: date
    period_end: date
    day: date
    category: str
    is_correction: bool
    currency: str
    billed: Decimal
    effective: Decimal
    listed: Decimal | None = None
    contracted: Decimal | None = None
    tokens: dict[str, Decimal] = field(default_factory=dict)
    requests: Decimal | None = None
    n_rows: int = 1


@dataclass(slots=True)
class Document:
    """Content of a document. `maker` (the tool) becomes part of the stream, so that a document of
    one tool never ends what another tool reported.

    `natural_key` is the document's own identifier (serial number and version); `subject` is the
    application, if the document names it. `is_complete`: models that a newer document no longer
    contains are no longer observed by its maker. `profile` is the kind of run, if the maker names
    one; each profile has its own stream. `names_ai` is False if a bill of materials has no model
    and no AI service, so that nothing shows that its maker searched for any."""

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
    charges: list[BilledCharge] = field(default_factory=list)
    # if the document is about one application, its deployments are dependencies of it
    deployments_are_uses: bool = False
    ignored: list[SkippedPart] = field(default_factory=list)
    rejected: list[SkippedPart] = field(default_factory=list)
    # wildcards that allow any model and name none
    open_routes: list[SkippedPart] = field(default_factory=list)
    schema_valid: bool | None = None
    schema_errors: list[SkippedPart] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DocumentFormat:
    """Document format of the intake. `most_bytes` limits the size as sent, `most_inflated` the
    decompressed size."""

    name: str
    label: str
    read: Callable[[bytes], Document]
    media_types: tuple[str, ...] = ()
    most_bytes: int = 10 * 1024 * 1024
    most_inflated: int = 50 * 1024 * 1024
    # removes secrets and content before the body is stored; `read` accepts the result
    redact: Callable[[bytes], bytes] | None = None
    # removes all but the sums that are imported; the tags that name an application are an argument.
    # The body of such a format stays compressed
    reduce: Callable[[bytes, tuple[str, ...]], bytes] | None = None
    # finds the document's own identifier without parsing: it is the same for a document that is
    # sent again
    natural_key: Callable[[bytes], str] | None = None
    # a document without an application applies to all applications
    holds_for_all: bool = False


__all__ = [
    "BilledCharge",
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
