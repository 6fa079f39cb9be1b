"""Counters of any temporality to what came since the last reading, and one number where several
senders tell of it."""

from datetime import timedelta

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from apps.accounts.actions import issue_token
from apps.intake.models import Observation, UsageDay
from apps.intake.queries import calls_by_day
from apps.intake.telemetry.aggregation import aggregate_waiting
from apps.intake.telemetry.ingest import ingest_calls
from apps.intake.telemetry.otlp.metrics import read_json, read_protobuf
from apps.intake.telemetry.otlp.traces import read_traces
from apps.intake.telemetry.volumes import call_volumes
from tests.builders import NOW, TODAY, make_application, make_user
from tests.intake.telemetry.span_builders import as_json, call, listed, request

pytestmark = pytest.mark.django_db

CUMULATIVE, DELTA = 2, 1
MOMENT = int(NOW.timestamp())
MODEL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-11-20",
    "server.port": 443,
}


@pytest.fixture
def token():
    return issue_token(user=make_user(), name="collector", scopes=["intake"], at=NOW, by=None)[0]


def point(count, total, *, start=-600, at=0, **attributes):
    """A histogram's point; moments in seconds from `MOMENT`."""
    return {
        "attributes": listed(MODEL | attributes),
        "startTimeUnixNano": str((MOMENT + start) * 10**9),
        "timeUnixNano": str((MOMENT + at) * 10**9),
        "count": str(count),
        "sum": total,
    }


def metrics(*, calls=(), tokens=(), temporality=CUMULATIVE, instance="pod-1"):
    """An ExportMetricsServiceRequest in JSON of the two instruments of today."""
    histogram = {"aggregationTemporality": temporality}
    found = [
        {"name": name, "histogram": histogram | {"dataPoints": list(points)}}
        for name, points in (
            ("gen_ai.client.operation.duration", calls),
            ("gen_ai.client.token.usage", tokens),
        )
    ]
    resource = {"service.name": "web", "service.instance.id": instance}
    return {
        "resourceMetrics": [
            {
                "resource": {"attributes": listed(resource)},
                "scopeMetrics": [{"scope": {"name": "x"}, "metrics": found}],
            }
        ]
    }


def take(token, made):
    return ingest_calls(
        request=read_json(as_json(made)), stream="otlp-metrics", token=token, at=NOW
    )


def counted():
    aggregate_waiting(at=NOW)
    return [
        (day.n_calls, day.n_errors, day.n_without_usage, day.input_tokens, day.output_tokens)
        for day in UsageDay.objects.filter(observation__stream="otlp-metrics").order_by("pk")
    ]


def tokens(n, sent, answered, **more):
    return (
        point(n, sent, **more, **{"gen_ai.token.type": "input"}),
        point(n, answered, **more, **{"gen_ai.token.type": "output"}),
    )


def test_a_counter_that_grows_counts_its_growth_and_sent_again_or_late_nothing(token):
    # three of the first five calls told their usage
    first = metrics(calls=[point(5, 1.5, at=-60)], tokens=tokens(3, 300, 30, at=-60))
    second = metrics(calls=[point(8, 2.5, at=-30)], tokens=tokens(6, 600, 60, at=-30))
    for made in (first, first, second, first, second):
        take(token, made)

    assert counted() == [(8, 0, 2, 600, 60)]
    take(token, metrics(calls=[point(9, 3.0)]))
    assert counted() == [(9, 0, 3, 600, 60)]


def test_a_process_that_starts_anew_counts_from_nought(token):
    take(token, metrics(calls=[point(5, 1, start=-600, at=-60)]))
    take(token, metrics(calls=[point(2, 1, start=-50, at=-40)]))
    # and one whose start stays, as some senders leave it
    take(token, metrics(calls=[point(1, 1, start=-50, at=-30)]))

    assert counted()[0][0] == 5 + 2 + 1


def test_processes_of_one_service_are_counters_of_their_own(token):
    for instance in ("pod-1", "pod-2"):
        take(token, metrics(calls=[point(5, 1)], instance=instance))

    assert counted()[0][0] == 10


def test_what_grew_long_before_it_was_first_heard_of_is_nobody_s_day(token):
    take(token, metrics(calls=[point(1_000_000, 1, start=-5 * 86_400, at=-60)]))
    take(token, metrics(calls=[point(1_000_007, 1, start=-5 * 86_400)]))

    assert counted()[0][0] == 7


def test_deltas_are_added_and_one_sent_again_is_not(token):
    one = metrics(calls=[point(5, 1, at=-60)], temporality=DELTA)
    other = metrics(calls=[point(4, 1, start=-60)], temporality=DELTA)
    for made in (other, one, one, other):
        take(token, made)

    assert counted()[0][0] == 9


def test_errors_stand_with_what_was_asked(token):
    told = metrics(
        calls=[point(3, 1, **{"error.type": "NotFoundError", "gen_ai.response.model": ""})]
    )

    take(token, told)

    assert counted() == [(3, 3, 3, None, None)]
    assert Observation.objects.get().served == ""


def test_points_without_a_model_or_of_another_kind_count_nothing(token):
    made = metrics(calls=[point(3, 1, **{"gen_ai.request.model": "", "gen_ai.response.model": ""})])
    made["resourceMetrics"][0]["scopeMetrics"][0]["metrics"] += [
        None,
        {"name": 7},
        {"name": "gen_ai.client.token.usage"},
        {"name": "gen_ai.client.token.usage", "sum": []},
        {
            "name": "gen_ai.client.operation.duration",
            "histogram": {
                "aggregationTemporality": 2,
                "dataPoints": [
                    None,
                    {},
                    point("x", None),
                    point(-4, -4.0),
                    point(2**63, 1e300, start=2**33),
                    {"attributes": listed(MODEL)},
                ],
            },
        },
        {"name": "gen_ai.client.operation.duration", "gauge": {"dataPoints": [point(3, 1)]}},
    ]

    assert take(token, made).n_dropped == 0
    assert counted() in ([], [(0, 0, 0, None, None)])


def test_the_instruments_to_come_are_read_too_and_protobuf_like_json(token):
    whole = ExportMetricsServiceRequest()
    resource = whole.resource_metrics.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "web"
    scope = resource.scope_metrics.add()
    for name, number in (("input_tokens", 300), ("output_tokens", 30)):
        metric = scope.metrics.add(name=f"gen_ai.client.inference.usage.{name}")
        metric.sum.aggregation_temporality = CUMULATIVE
        metric.sum.is_monotonic = True
        added = metric.sum.data_points.add(
            start_time_unix_nano=(MOMENT - 60) * 10**9, time_unix_nano=MOMENT * 10**9, as_int=number
        )
        for key, value in MODEL.items():
            if isinstance(value, str):
                added.attributes.add(key=key).value.string_value = value
    scope.metrics[0].sum.data_points[0].exemplars.add(as_int=4)

    read = read_protobuf(whole.SerializeToString())

    ingest_calls(request=read, stream="otlp-metrics", token=token, at=NOW)
    assert counted() == [(0, 0, 0, 300, 30)]


def test_of_one_application_model_and_day_the_fullest_sender_counts_and_no_other(token):
    def send(read, stream):
        ingest_calls(request=read, stream=stream, token=token, at=NOW)

    start = MOMENT * 10**9
    calls = call(start=start), call("claude-x", "claude-x-1", start=start)
    send(read_traces(as_json(request(*calls)), is_json=True), "otlp")
    send(read_json(as_json(metrics(calls=[point(40, 1)]))), "otlp-metrics")
    calls = call(start=start), call(start=start), call("gpt-5", "gpt-5-1", start=start)
    send(read_traces(as_json(request(*calls)), is_json=True), "litellm:litellm")
    aggregate_waiting(at=NOW)
    application = make_application()
    Observation.objects.update(application=application)

    found = call_volumes(
        Observation.objects.values_list("pk", flat=True),
        since=TODAY - timedelta(days=1),
        until=TODAY + timedelta(1),
    )

    assert {(each.name, each.kind, each.n_calls) for each in found} == {
        ("gpt-4o", "metrics", 40),
        ("claude-x", "traces", 1),
        ("gpt-5", "gateway", 1),
    }
    (day,) = calls_by_day(application_id=application.pk, today=TODAY, days=30)
    assert (day.day, day.n_calls, day.n_errors, day.cost_usd) == (TODAY, 42, 0, None)
