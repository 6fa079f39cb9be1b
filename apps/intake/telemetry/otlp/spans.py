"""Conversion of spans, in either encoding, to calls: which span counts, under which names, and with
which deduplication key.

A request holds thousands of spans of few kinds. The meaning of names is computed once for each
distinct set and cached; a span without a model costs only the check of its attributes' keys."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from apps.intake.documents.records import clean
from apps.intake.telemetry.limits import MAX_COST_USD, MAX_TOKENS, MAX_TRACE_LENGTH
from apps.intake.telemetry.otlp.attributes import is_gateway, is_model_call, names_of, tokens_of
from apps.intake.telemetry.records import Call, CallNames, ReadRequest, digest64, response_key

# scope of spans that the SDK of a provider makes itself, in addition to those of an instrumentation
_SDK = "com.anthropic.sdk"
_SDK_PROVIDER = "anthropic"
_MAX_CACHED_NAMES = 20_000
_SECOND = 1_000_000_000

# an encoded attribute, decoded only if its set of names is not cached, or its key and value
type Item = bytes | tuple[str, str]
_cached_names: dict[tuple[str, str, str, str, bool, tuple[Item, ...]], CallNames | None] = {}


class Span(NamedTuple):
    """Content of a span with any allowed attribute. `name_items` are the attributes that are names,
    in the order of the span; `uses` are items of `used_items`."""

    trace: bytes
    span: bytes
    parent: bytes
    name: str
    start: int
    is_error: bool
    name_items: tuple[Item, ...]
    numbers: dict[str, int | float]
    response_id: str
    uses: int = 0


class SpanCollector:
    """Collector of the spans of one request, which returns their calls.

    `instrumented` are services of this request with spans of an instrumentation: their SDK's own
    spans are not counted. `decode` returns key and value of an encoded attribute."""

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
        """Collect the model calls among the spans of one scope and service. Calls of the SDK itself
        are kept apart, because they can repeat those of an instrumentation."""
        is_from_sdk, is_from_gateway = scope.startswith(_SDK), is_gateway(scope)
        for span in spans:
            names = self._resolve_names(span, scope, service, environment)
            if names is None:
                continue
            call = _build_call(span, names)
            if is_from_gateway and not span.is_error and span.span:
                call = call._replace(half=_half_key(span.trace, span.span))
            call_and_span = (call, span)
            if is_from_sdk:
                self._of_sdk.append(call_and_span)
                continue
            if names.provider == _SDK_PROVIDER:
                self.instrumented.add(names.service)
            self._calls.append(call_and_span)
            if span.parent:
                child_models = self._parents.setdefault(span.parent, set())
                child_models.add(names.requested)
                child_models.add(names.served)

    def add_answers(self, answers: Iterable[tuple[bytes, bytes, str]]) -> None:
        """Add (trace, span of the call, served model) of separate spans of a gateway; if two spans
        of one call disagree, neither counts."""
        for trace, span_id, model in answers:
            if span_id and (model := clean(model)):
                half = _half_key(trace, span_id)
                self._answers[half] = model if self._answers.get(half, model) == model else ""

    def read(self, n_records: int, also_instrumented: Iterable[str] = ()) -> ReadRequest:
        """Return the calls. If a parent and a child report the same model, only the child
        counts."""
        request = ReadRequest(
            n_records=n_records, answers=self._answers, tells_answers=bool(self._answers)
        )
        interned_names: dict[tuple[int, str], CallNames] = {}
        instrumented = self.instrumented.union(also_instrumented)
        calls_and_spans = self._calls + [
            call_and_span
            for call_and_span in self._of_sdk
            if call_and_span[0].names.service not in instrumented
        ]
        for call, span in calls_and_spans:
            child_models = self._parents.get(span.span)
            if child_models and (
                _is_reported(call.names.requested, child_models)
                or _is_reported(call.names.served, child_models)
            ):
                continue
            if call.half and call.half in request.answers:
                model = request.answers.pop(call.half)
                # one object for equal names: calls are grouped by its id
                names = interned_names.setdefault(
                    (id(call.names), model), call.names._replace(served=model)
                )
                call = call._replace(names=names if model else call.names, half=0)
            request.calls.append(call)
        request.answers = {half: model for half, model in request.answers.items() if model}
        return request

    def _resolve_names(
        self, span: Span, scope: str, service: str, environment: str
    ) -> CallNames | None:
        """Return the names of the model call that the span is, None if it is none. Cached by the
        span's attributes, which repeat from call to call."""
        # the name counts only for SDKs that name spans by operation: others use arbitrary names
        name = span.name if span.name.startswith(("ai.", "litellm_request")) else ""
        key = (scope, service, environment, name, span.is_error, span.name_items)
        try:
            return _cached_names[key]
        except KeyError:
            pass
        key_values = [
            item if isinstance(item, tuple) else self._decode(item) for item in span.name_items
        ]
        # of a repeated key the first value counts
        attributes = {key: value for key, value in reversed(key_values) if value}
        names = None
        if is_model_call(attributes, scope=scope, name=name):
            names = names_of(
                attributes,
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


def _half_key(trace: bytes, span: bytes) -> int:
    """Return the key that a call and the span with its served model share."""
    return digest64(b"half", trace, span)


def _is_reported(name: str, models: set[str]) -> bool:
    return bool(name) and name in models


def _build_call(span: Span, names: CallNames) -> Call:
    """Return the call of a span, keyed by its response id, else by its span id or start."""
    input_tokens, output_tokens, cost = (
        tokens_of(span.numbers) if span.numbers else (None, None, None)
    )
    key = response_key(names, span.response_id.encode()) if span.response_id else None
    key_at = 0
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
        key_at = span.start // _SECOND
    if cost is not None and not 0 <= cost <= MAX_COST_USD:
        cost = None
    trace = span.trace.hex()[:MAX_TRACE_LENGTH]
    return Call(
        names,
        span.start,
        key,
        key_at,
        span.is_error,
        token_count(input_tokens),
        token_count(output_tokens),
        cost,
        trace,
        0,
        span.uses,
    )


def token_count(number: float | None) -> int | None:
    """Return the number of tokens; None if it is missing or out of bounds."""
    return int(number) if number is not None and 0 <= number <= MAX_TOKENS else None


__all__ = ["Item", "Span", "SpanCollector", "token_count"]
