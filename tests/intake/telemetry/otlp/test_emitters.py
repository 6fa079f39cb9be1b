"""Every emitter's way of telling a call, read to the same facts; both encodings agree. The requests
are written by hand after what the named versions were seen to send (attributes, scopes, quirks)."""

import json
from contextlib import suppress

import pytest

from apps.intake.telemetry.otlp import protobuf_encoding
from apps.intake.telemetry.otlp.traces import read_traces
from apps.intake.telemetry.records import TooManyRecordsError, UnreadableError
from tests.intake.telemetry.span_builders import (
    PROMPT,
    as_json,
    as_protobuf,
    call,
    read_both,
    request,
    span,
)

EMITTERS = {
    "openai-v2 2.4 by the older convention": (
        "opentelemetry.instrumentation.openai_v2",
        "chat gpt-4o",
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.system": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.response.model": "gpt-4o-2024-11-20",
            "gen_ai.response.id": "chatcmpl-c075aaa1f6d045cb813fbb45",
            "gen_ai.usage.input_tokens": 19,
            "gen_ai.usage.output_tokens": 3,
        },
        ("gpt-4o", "gpt-4o-2024-11-20", "openai", 19, 3),
    ),
    "openllmetry 0.40": (
        "opentelemetry.instrumentation.openai.v1",
        "openai.chat",
        {
            "gen_ai.system": "OpenAI",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.response.model": "gpt-4o-2024-11-20",
            "gen_ai.usage.prompt_tokens": 19,
            "gen_ai.usage.completion_tokens": 3,
            "llm.usage.total_tokens": 22,
            "gen_ai.prompt.0.content": PROMPT,
            "llm.request.type": "chat",
        },
        ("gpt-4o", "gpt-4o-2024-11-20", "openai", 19, 3),
    ),
    "openllmetry 0.62, prefix stripped in the answer": (
        "opentelemetry.instrumentation.openai.v1",
        "openai.chat",
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "meta-llama/Llama-3.3-70B-Instruct",
            "gen_ai.openai.api_base": "http://127.0.0.1:18080/v1/",
            "gen_ai.response.model": "Llama-3.3-70B-Instruct",
            "gen_ai.usage.input_tokens": 19,
            "gen_ai.usage.output_tokens": 3,
        },
        ("meta-llama/Llama-3.3-70B-Instruct", "Llama-3.3-70B-Instruct", "openai", 19, 3),
    ),
    "openinference openai, deployment only in its parameters": (
        "openinference.instrumentation.openai",
        "ChatCompletion",
        {
            "llm.system": "openai",
            "input.value": PROMPT,
            "llm.invocation_parameters": '{"model": "contact-centre-prod"}',
            "llm.model_name": "gpt-4o-2024-11-20",
            "llm.token_count.prompt": 19,
            "llm.token_count.completion": 3,
            "openinference.span.kind": "LLM",
        },
        ("contact-centre-prod", "gpt-4o-2024-11-20", "openai", 19, 3),
    ),
    "openinference embedding": (
        "openinference.instrumentation.openai",
        "CreateEmbeddings",
        {
            "llm.system": "openai",
            "embedding.invocation_parameters": '{"model": "text-embedding-3-large"}',
            "embedding.embeddings.0.embedding.text": PROMPT,
            "llm.token_count.prompt": 7,
            "embedding.model_name": "text-embedding-3-large",
            "openinference.span.kind": "EMBEDDING",
        },
        ("text-embedding-3-large", "text-embedding-3-large", "openai", 7, None),
    ),
    "openinference anthropic 3.1": (
        "openinference.instrumentation.anthropic",
        "Messages",
        {
            "llm.provider": "anthropic",
            "llm.request.model_name": "claude-sonnet-4-5",
            "llm.response.model_name": "claude-sonnet-4-5-20250929",
            "llm.model_name": "claude-sonnet-4-5-20250929",
            "llm.token_count.prompt": 29,
            "llm.token_count.completion": 5,
            "openinference.span.kind": "LLM",
        },
        ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "anthropic", 29, 5),
    ),
    "vercel ai 6, the inner span": (
        "ai",
        "ai.generateText.doGenerate",
        {
            "ai.model.id": "gpt-4o",
            "ai.model.provider": "openai.chat",
            "gen_ai.system": "openai.chat",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.response.model": "gpt-4o-2024-11-20",
            "ai.prompt.messages": PROMPT,
            "gen_ai.usage.input_tokens": 19,
            "gen_ai.usage.output_tokens": 3,
        },
        ("gpt-4o", "gpt-4o-2024-11-20", "openai", 19, 3),
    ),
    "vercel ai 6, embedding without gen_ai": (
        "ai",
        "ai.embed.doEmbed",
        {
            "ai.model.id": "text-embedding-3-large",
            "ai.model.provider": "openai.embedding",
            "ai.usage.tokens": 7,
            "ai.values": [PROMPT],
        },
        ("text-embedding-3-large", "", "openai", 7, None),
    ),
    "langfuse 5": (
        "langfuse-sdk",
        "OpenAI-generation",
        {
            "langfuse.observation.type": "generation",
            "langfuse.observation.model.name": "gpt-4o-2024-11-20",
            "langfuse.observation.usage_details": '{"prompt_tokens": 19, "completion_tokens": '
            '3, "total_tokens": 22}',
            "langfuse.observation.input": PROMPT,
            "langfuse.environment": "staging",
        },
        ("", "gpt-4o-2024-11-20", "", 19, 3),
    ),
    "bedrock, told by the address alone": (
        "some.sdk",
        "chat",
        {
            "gen_ai.request.model": "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "server.address": "bedrock-runtime.eu-central-1.amazonaws.com",
        },
        ("eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "", "aws.bedrock", None, None),
    ),
    "the openai sdk at another host": (
        "opentelemetry.instrumentation.openai_v2",
        "chat",
        {
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "contact-centre-prod",
            "server.address": "acme-eu.openai.azure.com",
        },
        ("contact-centre-prod", "", "azure.ai.openai", None, None),
    ),
    "a stream without usage, empty values and digits as text": (
        "opentelemetry.util.genai.handler",
        "chat",
        {
            "gen_ai.provider.name": "",
            "gen_ai.system": "az.ai.openai",
            "gen_ai.request.model": "gpt-4.1-mini",
            "gen_ai.response.model": ...,
            "gen_ai.usage.input_tokens": ...,
            "gen_ai.usage.output_tokens": "12",
        },
        ("gpt-4.1-mini", "", "azure.ai.openai", None, 12),
    ),
}


@pytest.mark.parametrize("emitter", EMITTERS)
def test_a_call_is_read_to_the_same_facts_whoever_tells_it(emitter):
    scope, name, attributes, expected = EMITTERS[emitter]

    (found,) = read_both(request(span(name, attributes=attributes), scope=scope))

    names = found.names
    assert (
        names.requested,
        names.served,
        names.provider,
        found.input_tokens,
        found.output_tokens,
    ) == expected


NO_CALLS = {
    "a vercel parent, which repeats the usage": (
        "ai",
        "ai.generateText",
        {"ai.model.id": "gpt-4o", "ai.model.provider": "openai.chat", "ai.usage.inputTokens": 19},
    ),
    "an agent": (
        "x",
        "invoke_agent",
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "gpt-4o"},
    ),
    "a tool": (
        "x",
        "execute_tool",
        {"gen_ai.operation.name": "execute_tool", "gen_ai.request.model": "gpt-4o"},
    ),
    "a chain": (
        "openinference.instrumentation.langchain",
        "Chain",
        {"openinference.span.kind": "CHAIN", "llm.model_name": "gpt-4o"},
    ),
    "a span of langfuse that is no generation": (
        "langfuse-sdk",
        "s",
        {"langfuse.observation.type": "span", "langfuse.observation.model.name": "gpt-4o"},
    ),
    "a web request": (
        "fastapi",
        "POST /answer",
        {"http.route": "/answer", "server.address": "127.0.0.1"},
    ),
    "litellm's own steps": (
        "litellm",
        "raw_gen_ai_request",
        {"llm.openai.model": "gpt-4o", "service": "router"},
    ),
    "empty names": ("x", "chat", {"gen_ai.request.model": "", "gen_ai.response.model": ...}),
}


@pytest.mark.parametrize("what", NO_CALLS)
def test_what_is_no_call_of_a_model_is_read_and_forgotten(what):
    scope, name, attributes = NO_CALLS[what]

    assert read_both(request(span(name, attributes=attributes), scope=scope)) == []


def test_an_error_keeps_what_was_asked():
    told = call(
        "boom-model",
        None,
        error=True,
        **{
            "gen_ai.response.id": None,
            "gen_ai.usage.input_tokens": None,
            "gen_ai.usage.output_tokens": None,
        },
    )
    by_type = call("boom-model", None, **{"error.type": "openai.NotFoundError"})
    in_parameters = span(
        "ChatCompletion",
        error=True,
        attributes={"openinference.span.kind": "LLM", "llm.model_name": "boom-model"},
    )

    calls = read_both(request(told, by_type, in_parameters))

    assert [(each.is_error, each.names.requested, each.names.served) for each in calls] == [
        (True, "boom-model", "")
    ] * 3
    assert calls[0].input_tokens is None


def test_a_gateway_s_alias_is_never_taken_for_a_model():
    told = {
        "litellm.model_group": "chat-default",
        "litellm.provider.model": "azure/contact-centre-prod",
        "gen_ai.request.model": "contact-centre-prod",
        "gen_ai.response.model": "chat-default",
        "gen_ai.system": "",
        "gen_ai.operation.name": "acompletion",
        "gen_ai.usage.input_tokens": 15,
        "gen_ai.cost.total_cost": 0.5,
        "metadata.requester_metadata": "{'tags': ['app:support-assistant', 'env:prod'], 'x': "
        f"'{PROMPT}'}}",
        "metadata.user_api_key_team_alias": "team-a",
    }
    untagged = told | {"metadata.requester_metadata": "{}"}
    nobodys = untagged | {"metadata.user_api_key_team_alias": ""}

    calls = read_both(
        request(
            *(span("litellm_request", attributes=each) for each in (told, untagged, nobodys)),
            scope="litellm",
            service="litellm-proxy",
            **{"deployment.environment": "production"},
        )
    )

    assert [(each.names.scope, each.names.service) for each in calls] == [
        ("litellm-proxy", "support-assistant"),
        ("litellm-proxy", "team-a"),
        ("", "litellm-proxy"),
    ]
    first = calls[0].names
    assert (first.alias, first.requested, first.served) == (
        "chat-default",
        "azure/contact-centre-prod",
        "",
    )
    # production is what LiteLLM says when nobody said anything
    assert (first.provider, first.environment, calls[2].names.environment) == ("azure", "prod", "")
    assert (first.gateway, calls[0].cost_usd) == ("litellm", 0.5)


def test_a_newer_gateway_that_hands_the_names_on_to_every_span_tells_one_call():
    handed_on = {
        "gen_ai.request.model": "chat-default",
        "litellm.provider.model": "azure/contact-centre-prod",
        "litellm.team.alias": "team-a",
        "litellm.metadata.requester_ip_address": "10.1.2.3",
    }
    told = span(
        "chat chat-default",
        attributes=handed_on
        | {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "azure.ai.openai",
            "litellm.cost.total": 0.5,
            "gen_ai.response.model": "chat-default",
            "gen_ai.usage.input_tokens": 15,
        },
    )
    others = [
        span("guardrail", attributes=handed_on),
        span("postgres", attributes=handed_on),
        span("tool", attributes=handed_on | {"gen_ai.operation.name": "execute_tool"}),
        span("search", attributes=handed_on | {"gen_ai.operation.name": "retrieval"}),
    ]

    (found,) = read_both(request(told, *others, scope="litellm", service="litellm-proxy"))

    names = found.names
    assert (names.alias, names.requested, names.served) == (
        "chat-default",
        "azure/contact-centre-prod",
        "",
    )
    assert (names.service, names.provider, found.cost_usd) == ("team-a", "azure.ai.openai", 0.5)


def sdk(**more):
    return call(
        "claude-sonnet-4-5",
        "claude-sonnet-4-5-20250929",
        **{"gen_ai.provider.name": "anthropic", **more},
    )


def test_spans_of_the_anthropic_sdk_count_only_where_nothing_else_tells_of_them():
    twice = {
        "com.anthropic.sdk.python": [sdk(), sdk(error=True, **{"gen_ai.response.id": None})],
        "openinference.instrumentation.anthropic": [
            sdk(**{"gen_ai.response.id": None}),
            sdk(error=True, **{"gen_ai.response.id": None}),
        ],
    }
    alone = {"com.anthropic.sdk.python": [sdk()]}

    assert len(read_both(request(scopes=twice))) == 2
    assert len(read_both(request(scopes=alone))) == 1
    known = read_traces(
        as_json(request(scopes=alone)), is_json=True, find_instrumented=lambda _: {"web"}
    )
    assert known.calls == []


def test_of_a_parent_and_a_child_that_tell_of_one_model_the_child_counts():
    parent = call(spanId="00000000000000aa", **{"gen_ai.response.id": None})
    child = call(parentSpanId="00000000000000aa", **{"gen_ai.response.id": None})
    guard = call("guard-1", "guard-1", parentSpanId="00000000000000aa")

    assert len(read_both(request(parent, child))) == 1
    assert len(read_both(request(parent, guard))) == 2


def test_one_response_id_is_one_key_whoever_tells_it_and_a_short_one_tells_nothing():
    same = "chatcmpl-c075aaa1f6d045cb813fbb45"
    first, second = call(**{"gen_ai.response.id": same}), call(**{"gen_ai.response.id": same})
    short = [call(**{"gen_ai.response.id": "chatcmpl-417"}) for _ in range(2)]

    one, other = read_both(request(first, second))
    assert one.key == other.key
    assert len({each.key for each in read_both(request(*short))}) == 2
    # another service's call of the same id is another call: an application behind a gateway tells
    # of its own
    assert read_both(request(first, service="other"))[0].key != one.key


def test_names_are_cleaned_and_cut():
    made = request(
        call("gpt\u202e-4o\x00 " + "x" * 400), service="a\x1bb", **{"service.namespace": "shop"}
    )

    (found,) = read_both(made)

    assert found.names.service == "shop/ab"
    assert found.names.requested.startswith("gpt-4o x")
    assert len(found.names.requested) == 256


def test_absurd_numbers_of_tokens_are_no_numbers():
    told = [call(**{"gen_ai.usage.input_tokens": number}) for number in (-1, 10**12, 2.0)]

    assert [each.input_tokens for each in read_both(request(*told))] == [None, None, 2]


def test_json_of_any_other_shape_is_left_out_and_never_fails():
    odd = [
        None,
        7,
        "x",
        [],
        {},
        {"attributes": 3},
        {"attributes": [1, {"key": 1}, {"key": "a", "value": 5}]},
        {"status": 4, "attributes": [{"key": "gen_ai.request.model", "value": {"stringValue": 5}}]},
    ]
    made = request(call())
    made["resourceSpans"][0]["scopeSpans"][0]["spans"] += odd
    made["resourceSpans"] += [
        None,
        {"scopeSpans": {}},
        {"resource": [], "scopeSpans": [{"spans": None}]},
    ]

    assert len(read_traces(as_json(made), is_json=True).calls) == 1
    for body in (b"", b"[]", b"nonsense", b'{"resourceSpans": ' + b"[" * 5000):
        with pytest.raises(UnreadableError):
            read_traces(body, is_json=True)


def test_a_cut_protobuf_is_refused_or_read_and_never_fails_otherwise():
    body = as_protobuf(request(call(), span("x", attributes={"a": [1, 2.5, True]})))

    for end in range(0, len(body), 7):
        with suppress(UnreadableError):
            read_traces(body[:end] + b"\xff" * (end % 3), is_json=False)
    with pytest.raises(UnreadableError):
        read_traces(body[:-1], is_json=False)


@pytest.mark.parametrize(
    "body",
    [
        b"\x0a\x00" * 10_001,
        b"\x0a\xa2\x9c\x01" + b"\x12\x00" * 10_001,
        b"\x0a\xa6\x9c\x01\x12\xa2\x9c\x01" + b"\x12\x00" * 10_001,
        b"\x4a\x00" * 1_000_001,
    ],
    ids=["resources", "scopes", "spans", "attributes"],
)
def test_too_many_of_anything_is_noticed_before_it_is_decoded(body):
    with pytest.raises(TooManyRecordsError):
        read_traces(body, is_json=False)


def test_no_value_of_an_attribute_that_is_not_allowed_is_decoded(monkeypatch):
    told: list[str] = []
    plain = protobuf_encoding.decode_attribute
    monkeypatch.setattr(
        protobuf_encoding, "decode_attribute", lambda raw: told.append(plain(raw)[1]) or plain(raw)
    )

    read_traces(as_protobuf(request(call())), is_json=False)

    assert told
    assert PROMPT not in json.dumps(told)
