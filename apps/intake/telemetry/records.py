"""Data classes that telemetry readers return: calls and counter readings, without prompts or
responses."""

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

    `base_model` is the model that a gateway's operator configured for a deployment: a hint, not a
    served model."""

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
    SAME_CALL_SECONDS apart. Tokens and cost are None if not reported. `half` is not 0 if a separate
    span, in this request or another, may report the served model. `uses` are bits of the items that
    it proves to use (`used_items`). `is_refused`: the gateway refused it by its policy on the
    lifecycle of models, which is also an error."""

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
    uses: int = 0
    is_refused: bool = False


class CounterReading(NamedTuple):
    """Reading of one counter.

    `measure` is calls, errors, with_usage, input or output; `start` and `at` are in nanoseconds.
    `value` is the increase since the previous reading if `is_delta`, else since `start`."""

    names: CallNames
    measure: str
    series: int
    start: int
    at: int
    value: float
    is_delta: bool


@dataclass(slots=True)
class ReadRequest:
    """Content of a request: `n_records` is the number of all records, including those that are no
    calls; `n_refused` is the number of records that could not be read.

    `answers` are served models of calls which are not in the request, by their `half`;
    `tells_answers` is true if any span reported one."""

    n_records: int = 0
    calls: list[Call] = field(default_factory=list)
    readings: list[CounterReading] = field(default_factory=list)
    answers: dict[int, str] = field(default_factory=dict)
    tells_answers: bool = False
    n_refused: int = 0
    refused_because: str = ""


def digest64(*values: bytes) -> int:
    """Return the first 64 bits of a digest of the values as a signed number (PostgreSQL's
    bigint)."""
    return int.from_bytes(blake2b(b"\x1f".join(values), digest_size=8).digest(), "big", signed=True)


def response_key(names: CallNames, response_id: bytes) -> int | None:
    """Return the key that all reports of one call by one service share; None if the id is too short
    to be unique."""
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
