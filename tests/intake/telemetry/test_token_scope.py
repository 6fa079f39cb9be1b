"""Calls that a token may not tell of a linked service are refused in the answer and counted: none
is lost silently."""

import json
from datetime import timedelta

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from apps.accounts.actions import issue_token
from apps.accounts.models import Membership
from apps.accounts.roles import TeamRole
from apps.accounts.service_accounts import add_service
from apps.common.time import now
from apps.intake.models import (
    CallBatch,
    CountedCall,
    IntakeSettings,
    Observation,
    Service,
    ServiceToken,
    TokenBinding,
)
from apps.intake.models import UsageDay as Day
from apps.intake.telemetry import aggregation
from apps.intake.telemetry.aggregation import aggregate_waiting
from apps.intake.telemetry.retention import purge_calls
from tests.builders import make_application, make_member, make_team, make_user
from tests.intake.telemetry.span_builders import as_json, as_protobuf, call, listed, request

pytestmark = pytest.mark.django_db

TRACES, METRICS = "/otlp/v1/traces", "/otlp/v1/metrics"
CALLBACK = "/api/v1/intake/litellm-callback/"
JSON, PROTOBUF = "application/json", "application/x-protobuf"


@pytest.fixture
def application():
    return make_application("Payments")


@pytest.fixture
def stranger():
    """An editor, of another team."""
    return make_member(make_team())


@pytest.fixture
def linked(application):
    return Service.objects.create(
        name="web", application=application, first_seen_at=now(), last_seen_at=now()
    )


def token_of(user):
    return issue_token(user=user, name="gateway", scopes=["intake"], at=now(), by=None)


@pytest.fixture
def post(client):
    def send(address, body, text, kind=JSON):
        return client.generic(
            "POST", address, body, content_type=kind, headers={"Authorization": f"Bearer {text}"}
        )

    return send


def n_calls():
    aggregate_waiting(at=now())
    return sum(Day.objects.values_list("n_calls", flat=True))


def counter(value, *, service="web"):
    """A cumulative histogram of durations that began a moment ago, as an SDK exports it."""
    start = int((now() - timedelta(seconds=60)).timestamp() * 1e9)
    point = {
        "startTimeUnixNano": str(start),
        "timeUnixNano": str(start + 30_000_000_000),
        "count": str(value),
        "sum": 1.0,
        "attributes": listed(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4o",
            }
        ),
    }
    metric = {
        "name": "gen_ai.client.operation.duration",
        "histogram": {"aggregationTemporality": 2, "dataPoints": [point]},
    }
    resource = {"attributes": listed({"service.name": service})}
    return {
        "resourceMetrics": [
            {"resource": resource, "scopeMetrics": [{"scope": {}, "metrics": [metric]}]}
        ]
    }


def test_traces_of_a_linked_service_by_a_token_without_rights_are_a_partial_success(
    post, linked, stranger
):
    token, text = token_of(stranger)
    made = request(call(), call("gpt-4o-mini"))

    told = post(TRACES, as_json(made), text).json()["partialSuccess"]
    official = ExportTraceServiceResponse.FromString(
        post(TRACES, as_protobuf(made), text, PROTOBUF).content
    )

    assert told["rejectedSpans"] == "2"
    assert (
        "'web' is linked to an application that the user of this API token cannot edit"
        in told["errorMessage"]
    )
    # the sender may not see the application, and is not told which it is
    assert "payments" not in told["errorMessage"].lower()
    assert official.partial_success.rejected_spans == 2
    assert official.partial_success.error_message == told["errorMessage"]
    assert n_calls() == 0
    assert not Observation.objects.exists()
    counted = ServiceToken.objects.get()
    assert (counted.service, counted.token, counted.n_dropped) == (linked, token, 4)
    assert counted.first_dropped_at <= counted.last_dropped_at


def test_what_was_refused_is_taken_once_its_user_has_the_role(post, linked, application, stranger):
    text = token_of(stranger)[1]
    body = as_json(request(call()))
    post(TRACES, body, text)
    assert n_calls() == 0
    assert not CountedCall.objects.exists()
    make_member(application.team, user=stranger)

    assert post(TRACES, body, text).content == b"{}"
    assert n_calls() == 1
    assert Observation.objects.get().application == application
    assert ServiceToken.objects.get().n_dropped == 1


def test_only_the_part_that_may_not_be_told_is_refused(post, linked, stranger):
    text = token_of(stranger)[1]
    made = request(call())
    made["resourceSpans"] += request(call(), call(), service="own")["resourceSpans"]

    assert post(TRACES, as_json(made), text).json()["partialSuccess"]["rejectedSpans"] == "1"
    assert n_calls() == 2
    assert set(Observation.objects.values_list("service__name", flat=True)) == {"own"}


def test_metrics_are_answered_by_data_points_and_counted_by_calls(
    post, linked, stranger, application
):
    text = token_of(stranger)[1]

    told = post(METRICS, json.dumps(counter(7)).encode(), text).json()["partialSuccess"]
    official = ExportMetricsServiceResponse()
    assert official.partial_success.rejected_data_points == 0
    assert (told["rejectedDataPoints"], n_calls()) == ("1", 0)
    assert ServiceToken.objects.get().n_dropped == 7


def test_the_callback_of_a_gateway_says_what_it_dropped(post, application, stranger):
    Service.objects.create(
        scope="litellm",
        name="payments",
        application=application,
        first_seen_at=now(),
        last_seen_at=now(),
    )
    record = {
        "litellm_call_id": "a",
        "status": "success",
        "model": "openai/gpt-4o",
        "model_group": "chat",
        "custom_llm_provider": "openai",
        "startTime": now().timestamp(),
    }
    body = [
        record | {"request_tags": ["app:payments"]},
        record | {"litellm_call_id": "b", "request_tags": ["app:own"]},
    ]

    answer = post(CALLBACK, json.dumps(body).encode(), token_of(stranger)[1])

    assert answer.status_code == 200
    told = answer.json()
    assert (told["calls"], told["dropped"]) == (1, 1)
    assert "'payments' is linked" in told["reason"]
    assert n_calls() == 1


def test_a_bound_token_of_a_person_who_left_the_team_is_refused_whole_and_a_programs_is_not(
    post, application
):
    person = make_member(application.team)
    program = add_service(username="gateway", about="", team=None, by=make_user(role="admin"))
    texts = []
    for user in (person, program):
        token, text = token_of(user)
        TokenBinding.objects.create(token=token, application=application)
        texts.append(text)
    Membership.objects.filter(user=person).delete()

    refused = post(TRACES, as_json(request(call(), call(), service="anything")), texts[0]).json()
    taken = post(TRACES, as_json(request(call(), service="anything")), texts[1])

    assert refused["partialSuccess"]["rejectedSpans"] == "2"
    assert (
        "the user of this API token no longer has the editor role on the team of its "
        "application; send with a token of an editor of that team, or assign the role to the user"
        in refused["partialSuccess"]["errorMessage"]
    )
    assert taken.content == b"{}"
    assert n_calls() == 1
    counted = ServiceToken.objects.get()
    assert (counted.service, counted.token.user, counted.n_dropped) == (None, person, 2)


def test_calls_taken_before_the_role_ended_are_counted_as_dropped_when_they_are_added_up(
    post, linked, application
):
    editor = make_member(application.team)
    text = token_of(editor)[1]
    assert post(TRACES, as_json(request(call(), call())), text).content == b"{}"
    Membership.objects.filter(user=editor).update(role=TeamRole.VIEWER.rank)

    assert n_calls() == 0
    assert ServiceToken.objects.get().n_dropped == 2


def test_numbers_of_dropped_calls_are_sums_that_stay_few_and_go_with_the_retention(
    post, linked, stranger
):
    text = token_of(stranger)[1]
    for number in range(5):
        post(TRACES, as_json(request(*(call(f"model-{number}-{each}") for each in range(3)))), text)
    assert CallBatch.objects.count() == 5
    aggregate_waiting(at=now())
    assert ServiceToken.objects.get().n_dropped == 15

    keep = IntakeSettings.objects.get(pk=1).usage_retention_days
    purge_calls(at=now() + timedelta(days=keep - 1))
    assert ServiceToken.objects.exists()
    purge_calls(at=now() + timedelta(days=keep + 2))
    assert not ServiceToken.objects.exists()


def test_a_pass_that_fails_counts_nothing_twice_and_a_batch_of_an_older_version_is_read(
    post, linked, stranger, application, monkeypatch
):
    post(TRACES, as_json(request(call(), call())), token_of(stranger)[1])
    note = aggregation._record_dropped_calls

    def fail(dropped, *, at):
        note(dropped, at=at)
        raise RuntimeError("the worker ends here")

    monkeypatch.setattr(aggregation, "_record_dropped_calls", fail)
    with pytest.raises(RuntimeError):
        aggregate_waiting(at=now())
    assert not ServiceToken.objects.exists()
    monkeypatch.setattr(aggregation, "_record_dropped_calls", note)
    post(TRACES, as_json(request(call())), token_of(make_member(application.team))[1])
    older = CallBatch.objects.order_by("pk").last()
    del older.groups["dropped"]
    older.save()

    assert n_calls() == 1
    assert ServiceToken.objects.get(n_dropped__gt=0).n_dropped == 2


def test_a_token_that_may_write_costs_two_statements_more_than_one_that_needs_no_look(
    post, linked, application, django_assert_max_num_queries
):
    text = token_of(make_member(application.team))[1]
    post(TRACES, as_json(request(call())), text)
    body = as_json(request(*(call(f"model-{number}") for number in range(30))))

    with django_assert_max_num_queries(9):
        assert post(TRACES, body, text).content == b"{}"
