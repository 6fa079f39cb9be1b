"""The doors for traces, metrics and gateway calls: who gets in, what is read, and the answers that
senders act on."""

import base64
import gzip
import json
import zlib

import pytest
from django.db import OperationalError
from opentelemetry.exporter.otlp.json.http.trace_exporter import (
    OTLPSpanExporter as JsonSpanExporter,
)
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from rest_framework.exceptions import Throttled

from apps.accounts.actions import issue_token, revoke_token
from apps.api.telemetry import base, otlp
from apps.common.time import now
from apps.intake.models import CallBatch, Observation, TokenBinding, UsageDay
from apps.intake.telemetry import cardinality_limit
from apps.intake.telemetry.aggregation import aggregate_waiting
from apps.intake.telemetry.ingest import BacklogFullError
from tests.builders import make_application, make_user
from tests.http import problem_of
from tests.intake.telemetry.span_builders import PROMPT, as_json, as_protobuf, call, request, span

pytestmark = pytest.mark.django_db

TRACES, METRICS, LOGS = "/otlp/v1/traces", "/otlp/v1/metrics", "/otlp/v1/logs"
LANGFUSE = ("/otlp/api/public/otel/v1/traces", "/api/public/otel/v1/traces")
CALLBACK = "/api/v1/intake/litellm-callback/"
JSON, PROTOBUF = "application/json", "application/x-protobuf"


@pytest.fixture
def issued():
    return issue_token(
        user=make_user("collector", role="governance"),
        name="collector",
        scopes=["intake"],
        at=now(),
        by=None,
    )


@pytest.fixture
def post(client, issued):
    def send(address=TRACES, body=b"", kind=JSON, token=issued[1], **headers):
        if token:
            headers.setdefault("Authorization", f"Bearer {token}")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if not body:
            # the test client leaves it away then, and a real one does not
            named["Content-Type"] = kind
        return client.generic("POST", address, body, content_type=kind, headers=named)

    return send


def n_calls():
    aggregate_waiting(at=now())
    return sum(UsageDay.objects.values_list("n_calls", flat=True))


def refusal(answer, status):
    """The sentence of a refusal, in problem details and where an OTLP client looks for it."""
    body = problem_of(answer, status)
    assert body["detail"] == body["message"]
    assert isinstance(body["code"], int)
    return body["detail"]


@pytest.mark.parametrize(
    "encoding", ["identity", "gzip", "deflate", "raw deflate", "two gzip members"]
)
@pytest.mark.parametrize("kind", [JSON, PROTOBUF])
def test_traces_are_taken_in_either_kind_and_any_encoding_and_answered_in_kind(
    post, kind, encoding
):
    made = request(
        call(), call("boom-model", None, error=True), span("GET /", attributes={"http.route": "/"})
    )
    body = (as_json if kind == JSON else as_protobuf)(made)
    raw = zlib.compressobj(wbits=-15)
    packed = {
        "identity": body,
        "gzip": gzip.compress(body),
        "deflate": zlib.compress(body),
        "raw deflate": raw.compress(body) + raw.flush(),
        "two gzip members": gzip.compress(body[:100]) + gzip.compress(body[100:]),
    }[encoding]
    named = {"raw deflate": "deflate", "two gzip members": "gzip"}.get(encoding, encoding)

    answer = post(TRACES, packed, kind, Content_Encoding=named)

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, kind)
    # nothing to report, although one span is no call: an exporter would warn of it each time
    assert answer.content == (b"{}" if kind == JSON else b"")
    assert n_calls() == 2


def test_an_empty_request_and_one_without_calls_store_nothing(post):
    assert post(TRACES, b"", PROTOBUF).status_code == 200
    assert post(TRACES, b"{}", "application/json; charset=utf-8").status_code == 200
    assert post(TRACES, as_json(request(span())), JSON).status_code == 200
    assert not CallBatch.objects.exists()


def test_metrics_and_logs_are_taken_and_logs_are_not_even_looked_at(post):
    assert post(METRICS, b"{}", JSON).content == b"{}"
    assert post(METRICS, b"", PROTOBUF).content == b""
    assert post(LOGS, PROMPT.encode() * 5, PROTOBUF).content == b""
    assert not CallBatch.objects.exists()


def test_only_an_intake_token_opens_the_doors_and_it_comes_in_three_ways(post, client, issued):
    token, text = issued
    reader = issue_token(user=token.user, name="r", scopes=["read", "write"], at=now(), by=None)[1]
    client.force_login(token.user)

    for address in (TRACES, METRICS, LOGS, CALLBACK):
        # a signed-in person's browser opens nothing here
        none = post(address, b"{}", token="")
        assert "token" in refusal(none, 401)
        assert none.headers["WWW-Authenticate"].startswith("Bearer")
        assert "Unknown API token" in refusal(post(address, b"{}", token="fr_nobody"), 401)
        assert 'scope "intake"' in refusal(post(address, b"{}", token=reader), 403)
    basic = base64.b64encode(f"pk-lf-1:{text}".encode()).decode()
    assert post(TRACES, b"{}", token="", Authorization=f"Basic {basic}").status_code == 200
    assert post(TRACES, b"{}", token="", X_Api_Key=text).status_code == 200
    assert refusal(client.get(TRACES, headers={"Authorization": f"Bearer {text}"}), 405)
    revoke_token(token=token, at=now(), by=token.user)
    assert "revoked" in refusal(post(TRACES, b"{}"), 401)


def test_a_header_whose_percent_encoding_the_sender_left_alone_is_read(post, issued):
    """LiteLLM hands on OTEL_EXPORTER_OTLP_HEADERS as it stands there."""
    text = issued[1]
    basic = base64.b64encode(f"any:{text}".encode()).decode()
    for address in (TRACES, METRICS, LOGS, CALLBACK, *LANGFUSE):
        body = b"[]" if address == CALLBACK else b"{}"
        for header in (
            f"Bearer%20{text}",
            f"bearer%20{text}",
            f"Basic%20{basic.replace('=', '%3D')}",
        ):
            assert post(address, body, token="", Authorization=header).status_code == 200, (
                address,
                header,
            )
        assert post(address, body, token="", X_Api_Key=text).status_code == 200, address
        assert "without spaces in the token" in refusal(
            post(address, body, token="", Authorization=f"Bearer%20{text}%20x"), 401
        )


def test_the_path_of_langfuse_takes_traces_at_either_base_address(post, issued):
    basic = base64.b64encode(f"pk-lf-1:{issued[1]}".encode()).decode()

    for n, address in enumerate(LANGFUSE, start=1):
        answer = post(
            address,
            as_protobuf(request(call())),
            PROTOBUF,
            token="",
            Authorization=f"Basic {basic}",
        )
        assert (answer.status_code, answer.content, n_calls()) == (200, b"", n)
        assert post(address, b"{}", token="").status_code == 401


def test_what_cannot_be_read_is_told_apart_and_never_sent_again(post):
    bomb = gzip.compress(b"\0" * (21 * 1024 * 1024))
    many = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{}] * 10_001}]}]}).encode()

    assert "not JSON" in refusal(post(TRACES, b"{", JSON), 400)
    assert "resourceSpans" in refusal(post(TRACES, b"[]", JSON), 400)
    assert "protobuf" in refusal(post(TRACES, b"\xff\xff\xff", PROTOBUF), 400)
    assert "gzip" in refusal(post(TRACES, b"nonsense", PROTOBUF, Content_Encoding="gzip"), 400)
    cut = gzip.compress(b"{}" * 99)[:-9]
    assert "incomplete" in refusal(post(TRACES, cut, JSON, Content_Encoding="gzip"), 400)
    assert "empty" in refusal(post(CALLBACK, b""), 400)
    assert "4 MiB" in refusal(post(TRACES, b"x" * (4 * 1024 * 1024 + 1), JSON), 413)
    assert "20 MiB" in refusal(post(TRACES, bomb, PROTOBUF, Content_Encoding="gzip"), 413)
    assert "10,000" in refusal(post(TRACES, many, JSON), 413)
    assert "text/plain" in refusal(post(TRACES, b"{}", "text/plain"), 415)
    assert "x-protobuf" in refusal(post(TRACES, b"{}", ""), 415)
    assert "'br'" in refusal(post(TRACES, b"{}", JSON, Content_Encoding="br"), 415)
    assert refusal(post(CALLBACK, b"\n", PROTOBUF), 415)


def test_a_sender_that_is_too_fast_or_too_early_is_told_when_to_come_again(post, monkeypatch):
    def behind(**_):
        raise BacklogFullError

    def away(**_):
        raise OperationalError("the database system is starting up")

    for trouble in (behind, away):
        monkeypatch.setattr(otlp, "ingest_calls", trouble)
        answer = post(TRACES, as_json(request(call())))
        assert "again" in refusal(answer, 503)
        assert int(answer.headers["Retry-After"]) > 0
    text = issue_token(
        user=make_user(), name="x", scopes=["intake"], at=now(), by=None, per_minute=1
    )[1]
    post(TRACES, b"{}", token=text)
    answer = post(TRACES, b"{}", token=text)
    assert refusal(answer, 429)
    assert int(answer.headers["Retry-After"]) > 0


def test_a_collector_is_not_held_to_what_other_requests_may(post, settings):
    rates = {"token": "1/min", "calls": "3/min"}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}

    assert [post(TRACES, b"{}").status_code for _ in range(4)] == [200, 200, 200, 429]


def test_what_really_went_lost_is_a_partial_success_and_nothing_else_is(post, monkeypatch):
    monkeypatch.setattr(cardinality_limit, "MAX_NAMES", 1)
    made = request(call(), call("made-up-1"), call("made-up-2"))

    told = post(TRACES, as_json(made), JSON).json()["partialSuccess"]
    official = ExportTraceServiceResponse.FromString(
        post(TRACES, as_protobuf(made), PROTOBUF).content
    )

    assert told["rejectedSpans"] == "2"
    assert "Daily limit of distinct service or model names" in told["errorMessage"]
    assert official.partial_success.rejected_spans == 2
    assert official.partial_success.error_message == told["errorMessage"]


def test_a_bound_token_s_spans_are_its_application_s(post, issued):
    application = make_application()
    TokenBinding.objects.create(token=issued[0], application=application)

    post(TRACES, as_json(request(call(), service="whatever")))

    assert n_calls() == 1
    assert Observation.objects.get().application == application


def test_the_callback_says_what_it_took_and_keeps_gateways_apart(post):
    record = {
        "litellm_call_id": "a",
        "status": "success",
        "model": "openai/gpt-4o",
        "model_group": "chat",
        "custom_llm_provider": "openai",
        "startTime": now().timestamp(),
        "messages": PROMPT,
    }
    body = json.dumps([record, {"x": 1}]).encode()

    first = post(CALLBACK, gzip.compress(body), Content_Encoding="gzip").json()
    again = post(CALLBACK, body).json()
    other = post(f"{CALLBACK}?gateway=EU-proxy", body, "application/x-ndjson").json()

    assert (first["calls"], first["repeated"], first["dropped"]) == (1, 0, 1)
    assert first["reason"]
    assert (again["calls"], again["repeated"], other["calls"]) == (0, 1, 1)
    assert n_calls() == 2
    assert set(Observation.objects.values_list("stream", flat=True)) == {
        "litellm:litellm",
        "litellm:eu-proxy",
    }


# --- real exporters -------------------------------------------------------------------------------


def tell(exporter, *, n=3):
    """Spans of model calls by OpenTelemetry's own SDK, through this exporter."""
    provider = TracerProvider(
        resource=Resource({"service.name": "web", "service.namespace": "shop"})
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("opentelemetry.instrumentation.openai_v2")
    for number in range(n):
        with tracer.start_as_current_span("chat gpt-4o") as told:
            told.set_attributes(
                {
                    "gen_ai.operation.name": "chat",
                    "gen_ai.provider.name": "openai",
                    "gen_ai.request.model": "gpt-4o",
                    "gen_ai.response.model": "gpt-4o-2024-11-20",
                    "gen_ai.usage.input_tokens": 19,
                    "gen_ai.response.id": f"chatcmpl-0123456789ab{number}",
                    "gen_ai.input.messages": PROMPT,
                    "gen_ai.response.finish_reasons": ["stop"],
                }
            )
    provider.shutdown()


@pytest.mark.django_db(transaction=True)
def test_exporters_of_the_sdk_are_understood_and_understand(
    live_server, issued, monkeypatch, caplog
):
    monkeypatch.setattr(base, "_RETRY_SECONDS", {503: 0})
    refusals = [BacklogFullError(), Throttled(0)]
    whole = otlp.ingest_calls

    def twice_refused(**request):
        if refusals:
            raise refusals.pop()
        return whole(**request)

    monkeypatch.setattr(otlp, "ingest_calls", twice_refused)
    headers = {"Authorization": f"Bearer {issued[1]}"}
    address = f"{live_server.url}/otlp/v1"

    tell(OTLPSpanExporter(f"{address}/traces", headers=headers, compression=Compression.Gzip))
    tell(JsonSpanExporter(f"{address}/traces", headers=headers))
    tell(OTLPSpanExporter(f"{address}/traces", headers=headers, compression=Compression.Deflate))
    reader = PeriodicExportingMetricReader(
        OTLPMetricExporter(f"{address}/metrics", headers=headers), export_interval_millis=3_600_000
    )
    meters = MeterProvider([reader], resource=Resource({"service.name": "web"}))
    duration = meters.get_meter("x").create_histogram("gen_ai.client.operation.duration")
    for _ in range(4):
        duration.record(0.5, {"gen_ai.request.model": "gpt-4o", "gen_ai.provider.name": "openai"})
    meters.shutdown()

    # the first was sent away with 429 and 503, and came again; equal response ids within minutes
    # are the same calls
    assert not refusals
    aggregate_waiting(at=now())
    by_stream = dict(UsageDay.objects.values_list("observation__stream", "n_calls"))
    assert by_stream == {"otlp": 3, "otlp-metrics": 4}
    assert Observation.objects.filter(stream="otlp").get().service.name == "shop/web"
    assert "Failed to export" not in caplog.text
    # a token that is not known is given up on at once
    tell(OTLPSpanExporter(f"{address}/traces", headers={"Authorization": "Bearer fr_x"}), n=1)
    assert "401" in caplog.text
