"""Data classes that telemetry readers return: calls and counter readings, without any content."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import NamedTuple

from apps.intake.documents.records import UnreadableError
from apps.intake.telemetry.limits import MIN_RESPONSE_ID_LENGTH


class TooManyRecordsError(Exception):
    """A request holds more records than one may."""


class CallNames(NamedTuple):
    """Everything by which calls are told apart. `scope` is whose name `service` is: empty for
    traces, else a gateway.

    `base_model` is what a gateway's operator wrote down as the model behind a deployment: a hint,
    no answer.
    """

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
    """One call. `at` is in nanoseconds since 1970, 0 where not said. Two calls of one `key` are the
    same call where their `key_at` (seconds) lie no more than SAME_CALL_SECONDS apart. Tokens and
    cost are None where not told.

    `half` is other than 0 where a span of its own may tell, in this request or another, which model
    answered.
    """

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
    """One value of one counter. `measure` is calls, errors, with_usage, input or output; `start`
    and `at` are in nanoseconds. A `is_delta` value counts what came since the reading before, else
    since `start`."""

    names: CallNames
    measure: str
    series: int
    start: int
    at: int
    value: float
    is_delta: bool


@dataclass(slots=True)
class ReadRequest:
    """`n_records` is what the request held altogether, calls or not; `n_refused` what could not be
    read of it. `answers` are models that answered calls which are not in the request, by their
    `half`; `tells_answers` where any span told one."""

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
