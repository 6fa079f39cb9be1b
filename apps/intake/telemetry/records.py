"""Data classes that telemetry readers return: calls and counter readings, without any content."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import NamedTuple

from apps.intake.documents.records import UnreadableError
from apps.intake.telemetry.limits import MIN_RESPONSE_ID_LENGTH


class TooManyRecordsError(Exception):
    """Error: a request holds more records than allowed."""


class CallNames(NamedTuple):
    """Names that distinguish calls. `scope` is the namespace of `service`: empty for traces, else a
    gateway.

    `base_model` is what a gateway's operator configured as the model behind a deployment: a hint,
    no served model."""

    scope: str
    service: str
    environment: str
    alias: str
    requested: str
    served: str
    provider: str
    region: str
    gateway: str
    role: str
    confidence: int
    base_model: str = ""


class Call(NamedTuple):
    """Call of a model. `at` is in nanoseconds since 1970, 0 if not stated.

    Two calls of one `key` are the same call if their `key_at` (seconds) are no more than
    SAME_CALL_SECONDS apart. Tokens and cost are None if not reported. `half` is other than 0 if a
    separate span may report, in this request or another, the served model."""

    names: CallNames
    at: int
    key: int
    key_at: int
    is_error: bool
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    trace: str
    half: int = 0


class CounterReading(NamedTuple):
    """Reading of one counter.

    `measure` is calls, errors, with_usage, input or output; `start` and `at` are in nanoseconds. A
    `is_delta` value counts what came since the reading before, else since `start`."""

    names: CallNames
    measure: str
    series: int
    start: int
    at: int
    value: float
    is_delta: bool


@dataclass(slots=True)
class ReadRequest:
    """Content of a request: `n_records` is the number of all records, calls or not; `n_refused`
    those that could not be read.

    `answers` are served models of calls which are not in the request, by their `half`;
    `tells_answers` is true if any span reported one."""

    n_records: int = 0
    calls: list[Call] = field(default_factory=list)
    readings: list[CounterReading] = field(default_factory=list)
    answers: dict[int, str] = field(default_factory=dict)
    tells_answers: bool = False
    n_refused: int = 0
    refused_because: str = ""


def digest64(*parts: bytes) -> int:
    """Return the first 64 bits of a digest, as PostgreSQL's bigint holds them."""
    return int.from_bytes(blake2b(b"\x1f".join(parts), digest_size=8).digest(), "big", signed=True)


def response_key(names: CallNames, response_id: bytes) -> int | None:
    """Return one key for every report of one call by one sender; None if the id is too short to
    tell calls apart."""
    if len(response_id) < MIN_RESPONSE_ID_LENGTH:
        return None
    return digest64(b"response", names.scope.encode(), names.service.encode(), response_id)


def moment_of(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC)


type Attributes = Mapping[str, str]

__all__ = [
    "Attributes",
    "Call",
    "CallNames",
    "CounterReading",
    "ReadRequest",
    "TooManyRecordsError",
    "UnreadableError",
    "digest64",
    "moment_of",
    "response_key",
]
