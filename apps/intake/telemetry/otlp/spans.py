"""Spans as calls, in either encoding: which span counts, under which names, and its deduplication
key.

A request holds thousands of spans of few kinds. The meaning of a span's names is worked out once
for each distinct set of them and remembered; a span without a model costs the check of its
attributes' keys and no more."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from apps.intake.documents.records import clean
from apps.intake.telemetry.limits import MAX_COST_USD, MAX_TOKENS, MAX_TRACE_LENGTH
from apps.intake.telemetry.otlp.attributes import is_gateway, is_model_call, names_of, tokens_of
from apps.intake.telemetry.records import Call, CallNames, ReadRequest, digest64, response_key

# spans that the SDK of a provider makes itself, beside those of an instrumentation of it
_SDK = "com.anthropic.sdk"
_SDK_PROVIDER = "anthropic"
_MAX_CACHED_NAMES = 20_000
_SECOND = 1_000_000_000

# an attribute as it came in, decoded only where its like was never seen, or key and value
type Item = bytes | tuple[str, str]
_cached_names: dict[tuple[str, str, str, str, bool, tuple[Item, ...]], CallNames | None] = {}


class Span(NamedTuple):
    """Content of a span with any allowed attribute. `named` are those that name something, in its
    own order."""

    trace: bytes
    span: bytes
    parent: bytes
    name: str
    start: int
    is_error: bool
    named: tuple[Item, ...]
    numbers: dict[str, int | float]
    response_id: str


class SpanCollector:
    """Collector of the spans of one request, which returns their calls.

    `instrumented` are services whose SDK's own spans are not counted, found in this request.
    `decode` returns key and value of an attribute that arrived undecoded."""

    def __init__(self, decode: Callable[[bytes], tuple[str, str]]) -> None:
        self._decode = decode
        self._calls: list[tuple[Call, Span]] = []
        self._of_sdk: list[tuple[Call, Span]] = []
        self._parents: dict[bytes, set[str]] = {}
        self._answers: dict[int, str] = {}
        self.instrumented: set[str] = set()

    @property
    def services_of_sdk(self) -> set[str]:
        return {call.names.service for call, _ in self._of_sdk}

    def add(self, spans: Iterable[Span], *, scope: str, service: str, environment: str) -> None:
        of_sdk, from_gateway = scope.startswith(_SDK), is_gateway(scope)
        for span in spans:
            names = self._names(span, scope, service, environment)
            if names is None:
                continue
            call = _call(span, names)
            if from_gateway and not span.is_error and span.span:
                call = call._replace(half=_half(span.trace, span.span))
            pair = (call, span)
            if of_sdk:
                self._of_sdk.append(pair)
                continue
            if names.provider == _SDK_PROVIDER:
                self.instrumented.add(names.service)
            self._calls.append(pair)
            if span.parent:
                told = self._parents.setdefault(span.parent, set())
                told.add(names.requested)
                told.add(names.served)

    def add_answers(self, told: Iterable[tuple[bytes, bytes, str]]) -> None:
        """Add (trace, span of the call, served model) as a gateway reports them in spans of their
        own; of two that disagree neither counts."""
        for trace, of_call, model in told:
            if of_call and (model := clean(model)):
                half = _half(trace, of_call)
                self._answers[half] = model if self._answers.get(half, model) == model else ""

    def read(self, n_records: int, also_instrumented: Iterable[str] = ()) -> ReadRequest:
        """Return the calls; of a parent and a child that report the same model, the child's
        only."""
        done = ReadRequest(
            n_records=n_records, answers=self._answers, tells_answers=bool(self._answers)
        )
        told_by: dict[tuple[int, str], CallNames] = {}
        instrumented = self.instrumented.union(also_instrumented)
        pairs = self._calls + [
            pair for pair in self._of_sdk if pair[0].names.service not in instrumented
        ]
        for call, span in pairs:
            told = self._parents.get(span.span)
            if told and (_in(call.names.requested, told) or _in(call.names.served, told)):
                continue
            if call.half and call.half in done.answers:
                model = done.answers.pop(call.half)
                # equal names once: they are counted by identity
                names = told_by.setdefault(
                    (id(call.names), model), call.names._replace(served=model)
                )
                call = call._replace(names=names if model else call.names, half=0)
            done.calls.append(call)
        done.answers = {half: model for half, model in done.answers.items() if model}
        return done

    def _names(self, span: Span, scope: str, service: str, environment: str) -> CallNames | None:
        # only SDKs that name spans by what they do are asked for the name: others put anything into
        # it
        name = span.name if span.name.startswith(("ai.", "litellm_request")) else ""
        key = (scope, service, environment, name, span.is_error, span.named)
        try:
            return _cached_names[key]
        except KeyError:
            pass
        pairs = [item if isinstance(item, tuple) else self._decode(item) for item in span.named]
        # of a key that comes twice the first counts
        found = {key: value for key, value in reversed(pairs) if value}
        names = None
        if is_model_call(found, scope=scope, name=name):
            names = names_of(
                found,
                scope=scope,
                name=name,
                service=service,
                environment=environment,
                is_error=span.is_error,
            )
            if not (names.requested or names.served or names.alias):
                names = None
        if len(_cached_names) >= _MAX_CACHED_NAMES:
            _cached_names.clear()
        _cached_names[key] = names
        return names


def _half(trace: bytes, span: bytes) -> int:
    return digest64(b"half", trace, span)


def _in(name: str, told: set[str]) -> bool:
    return bool(name) and name in told


def _call(span: Span, names: CallNames) -> Call:
    sent, answered, cost = tokens_of(span.numbers) if span.numbers else (None, None, None)
    key = response_key(names, span.response_id.encode()) if span.response_id else None
    at = 0
    if key is None:
        key = (
            digest64(b"span", span.trace, span.span)
            if span.span
            else digest64(
                b"moment",
                names.service.encode(),
                names.requested.encode(),
                str(span.start).encode(),
            )
        )
    else:
        at = span.start // _SECOND
    if cost is not None and not 0 <= cost <= MAX_COST_USD:
        cost = None
    trace = span.trace.hex()[:MAX_TRACE_LENGTH]
    return Call(
        names,
        span.start,
        key,
        at,
        span.is_error,
        token_count(sent),
        token_count(answered),
        cost,
        trace,
    )


def token_count(number: float | None) -> int | None:
    """Return a number of tokens that can be counted; None if there is none, or one that cannot
    be."""
    return int(number) if number is not None and 0 <= number <= MAX_TOKENS else None


__all__ = ["Item", "Span", "SpanCollector", "token_count"]
