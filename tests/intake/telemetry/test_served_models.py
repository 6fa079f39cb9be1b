"""Which model answered behind a gateway's alias: told by a span of its own, wherever and whenever
that one comes."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.db import connection, connections

from apps.accounts.actions import issue_token
from apps.common.time import now
from apps.intake.models import Discrepancy, TokenBinding, UnmatchedCall, UsageDay
from apps.intake.observations.discrepancies import find_discrepancies
from apps.intake.observations.reconciliation import reconcile_waiting
from apps.intake.telemetry import correlation, ingest
from apps.intake.telemetry.aggregation import aggregate_waiting
from apps.intake.telemetry.otlp.traces import read_traces
from tests.builders import (
    make_application,
    make_foundation,
    make_member,
    make_offering,
    make_provider,
    make_user,
    make_version,
)
from tests.intake.telemetry.span_builders import (
    PROMPT,
    as_json,
    as_protobuf,
    read_both,
    request,
    span,
)


def asked(**more):
    """The span of one call through LiteLLM."""
    fields = {key: more.pop(key) for key in ("traceId", "error", "start") if key in more}
    return span(
        "litellm_request",
        **fields,
        attributes={
            "litellm.model_group": "chat-default",
            "litellm.provider.model": "openai/gpt-4o",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.response.model": "chat-default",
            "gen_ai.system": "openai",
            "gen_ai.operation.name": "acompletion",
            "gen_ai.usage.input_tokens": 15,
            "gen_ai.usage.output_tokens": 2,
            "gen_ai.cost.total_cost": 0.5,
            "gen_ai.response.id": f"chatcmpl-{secrets.token_hex(12)}",
        }
        | more,
    )


def answer(of, model="gpt-4o-2024-11-20", provider="openai", **more):
    """LiteLLM's span beneath it; `more` are further fields of request and answer, None takes one
    away."""
    told = {
        "messages": PROMPT,
        "model": model,
        "id": "chatcmpl-1",
        "choices": PROMPT,
        "usage": "{}",
    } | more
    return span(
        "raw_gen_ai_request",
        traceId=of["traceId"],
        parentSpanId=of["spanId"],
        attributes={
            f"llm.{provider}.{field}": value for field, value in told.items() if value is not None
        },
    )


def proxied(*spans, **more):
    return request(*spans, scope="litellm", service="proxy", **more)


def served(*spans):
    return [call.names.served for call in read_both(proxied(*spans))]


def test_the_span_beneath_a_call_tells_which_model_answered_in_whichever_order_they_stand():
    one, two = asked(), asked(**{"litellm.provider.model": "anthropic/claude-x"})

    assert served(one, answer(one), answer(two, "claude-x-1", "anthropic"), two) == [
        "gpt-4o-2024-11-20",
        "claude-x-1",
    ]
    (call,) = read_both(proxied(one, answer(one)))
    assert (call.names.alias, call.names.requested, call.half) == (
        "chat-default",
        "openai/gpt-4o",
        0,
    )
    assert PROMPT not in repr(call)


@pytest.mark.parametrize(
    ("of_answer", "expected"),
    [
        # a stream has no answer that could be told: the model is the one that was asked for
        (
            {
                "model": "contact-centre",
                "provider": "azure",
                "id": None,
                "choices": None,
                "usage": None,
            },
            "",
        ),
        # another gateway answers with an alias
        ({"model": "chat", "provider": "litellm_proxy"}, ""),
        ({"model": None}, ""),
        ({"model": "m\u200b " + "x" * 300}, "m " + "x" * 254),
        (
            {"model": None, "modelVersion": "gemini-2.5-pro", "provider": "vertex_ai"},
            "gemini-2.5-pro",
        ),
        ({"provider": "None"}, "gpt-4o-2024-11-20"),
    ],
    ids=["stream", "gateway", "none", "odd", "gemini", "embedding"],
)
def test_only_what_a_provider_answered_counts(of_answer, expected):
    call = asked()

    assert served(call, answer(call, **of_answer)) == [expected]


def test_answers_that_disagree_failed_calls_and_other_scopes_tell_nothing():
    call, failed = asked(), asked(error=True)

    assert served(call, answer(call), answer(call, "gpt-4o-2024-08-06")) == [""]
    assert served(failed, answer(failed)) == [""]
    assert [
        each.names.served for each in read_both(request(call, answer(call), scope="other"))
    ] == ["chat-default"]


# --- in two requests ------------------------------------------------------------------------------


@pytest.fixture
def token(db):
    correlation._reporting_tokens.clear()
    correlation._last_check.update(at=float("-inf"), is_full=0.0)
    cache.clear()
    return issue_token(user=make_user(), name="collector", scopes=["intake"], at=now(), by=None)[0]


def send(token, *spans, binary=False):
    body = proxied(*spans)
    read = read_traces(as_protobuf(body) if binary else as_json(body), is_json=not binary)
    return ingest.ingest_calls(request=read, stream="otlp", token=token, at=now())


def days():
    aggregate_waiting(at=now())
    return sorted(
        UsageDay.objects.values_list(
            "observation__served",
            "n_calls",
            "n_without_usage",
            "input_tokens",
            "output_tokens",
            "cost_usd",
        )
    )


def telling(token):
    """The sender is known to tell, by an earlier call."""
    first = asked()
    send(token, first, answer(first))
    assert days() == [("gpt-4o-2024-11-20", 1, 0, 15, 2, 0.5)]


def test_a_call_before_its_answer_counts_at_once_and_moves_to_the_model_that_answered(token):
    telling(token)
    call, other = asked(), asked()

    send(token, call, other)
    assert days() == [("", 2, 0, 30, 4, 1), ("gpt-4o-2024-11-20", 1, 0, 15, 2, 0.5)]
    # in the other encoding, and twice
    send(token, answer(call), binary=True)
    send(token, answer(call))
    send(token, call)

    assert days() == [("", 1, 0, 15, 2, 0.5), ("gpt-4o-2024-11-20", 2, 0, 30, 4, 1)]
    send(token, answer(other, "gpt-4o-2024-08-06"))
    assert [row[:2] for row in days()] == [("gpt-4o-2024-08-06", 1), ("gpt-4o-2024-11-20", 2)]


def test_both_halves_in_one_pass_of_adding_up_leave_no_empty_day(token):
    telling(token)
    call = asked()

    send(token, call)
    send(token, answer(call))

    assert days() == [("gpt-4o-2024-11-20", 2, 0, 30, 4, 1)]


def test_an_answer_before_its_call_waits_for_it_even_of_a_sender_nobody_knows_yet(token):
    call = asked()

    send(token, answer(call))
    send(token, call)
    send(token, call, answer(call))

    assert days() == [("gpt-4o-2024-11-20", 1, 0, 15, 2, 0.5)]
    assert not UnmatchedCall.objects.filter(counted_call__isnull=False).exists()


def test_nothing_is_put_down_of_senders_that_never_tell_nor_beyond_the_lid_nor_for_long(
    token, monkeypatch
):
    send(token, asked())
    assert UnmatchedCall.objects.count() == 0

    telling_call, late, other = asked(), asked(), asked()
    send(token, telling_call, answer(telling_call), late)
    monkeypatch.setattr(correlation, "MAX_UNMATCHED", 1)
    correlation._last_check["at"] = float("-inf")
    send(token, other)
    assert UnmatchedCall.objects.count() == 1

    aggregate_waiting(at=now() + timedelta(minutes=11))
    assert UnmatchedCall.objects.count() == 0
    assert sum(row[1] for row in days()) == 4


def test_another_sender_s_answer_changes_nothing(token):
    telling(token)
    stranger = issue_token(user=make_user(), name="other", scopes=["intake"], at=now(), by=None)[0]
    call = asked()

    send(token, call)
    send(stranger, answer(call, "gpt-4o-mini"))

    assert [row[:2] for row in days()] == [("", 1), ("gpt-4o-2024-11-20", 1)]


def test_no_content_is_put_down(token):
    telling(token)
    call = asked()
    send(token, call)

    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM intake_unmatchedcall t")
        ((row,),) = cursor.fetchall()
    assert PROMPT not in row


def test_another_version_behind_an_alias_is_drift(token):
    application = make_application()
    make_member(application.team, user=token.user)
    TokenBinding.objects.create(token=token, application=application)
    openai = make_provider("openai")
    line = make_foundation("openai/gpt-4o", developer=openai)
    for day in ("2024-08-06", "2024-11-20"):
        make_offering(
            f"gpt-4o-{day}",
            host=openai,
            version=make_version(f"openai/gpt-4o-{day}", foundation=line),
        )
    for age, model in (
        (9, "gpt-4o-2024-08-06"),
        (1, "gpt-4o-2024-11-20"),
        (0, "gpt-4o-2024-11-20"),
    ):
        call = asked(start=int((now() - timedelta(days=age)).timestamp() * 1e9))
        send(token, call, answer(call, model))
    aggregate_waiting(at=now())
    reconcile_waiting(at=now())

    find_discrepancies(at=now())

    drift = Discrepancy.objects.get(kind=Discrepancy.Kind.DRIFT)
    assert (
        drift.details["asked"],
        drift.details["was"],
        drift.details["now"],
        drift.details["n_calls"],
    ) == (
        "chat-default",
        "openai/gpt-4o-2024-08-06",
        "openai/gpt-4o-2024-11-20",
        2,
    )


@pytest.mark.django_db(transaction=True)
def test_halves_from_many_sides_at_once_all_meet(token):
    telling(token)
    calls = [asked() for _ in range(30)]
    portions = [
        calls[:20],
        calls[10:],
        [answer(each) for each in calls[:15]],
        [answer(each) for each in calls[5:]],
    ]

    def one(portion):
        try:
            send(token, *portion)
            aggregate_waiting(at=now())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, portions * 2))

    assert days() == [("gpt-4o-2024-11-20", 31, 0, 31 * 15, 31 * 2, Decimal("15.5"))]
    assert not UnmatchedCall.objects.filter(counted_call__isnull=False).exists()
