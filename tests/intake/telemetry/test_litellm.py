"""LiteLLM's logging payloads: whose call, of which deployment, and nothing of what was said."""

import json

import pytest

from apps.intake.telemetry.litellm import gateway_name, read_records
from apps.intake.telemetry.records import TooManyRecordsError, UnreadableError
from tests.intake.telemetry.span_builders import PROMPT


def record(**fields):
    return {
        "id": "chatcmpl-60ac3d2b9d1f4a208243bb77",
        "litellm_call_id": "0ba7acd2",
        "model_id": "dep-1",
        "call_type": "acompletion",
        "status": "success",
        "model": "azure/contact-centre-prod",
        "model_group": "chat-default",
        "custom_llm_provider": "azure",
        "prompt_tokens": 15,
        "completion_tokens": 2,
        "response_cost": 5.75e-05,
        "startTime": 1795528439.5,
        "request_tags": ["app:assistant", "User-Agent: curl"],
        "metadata": {"user_api_key_alias": "key-7", "user_api_key_team_alias": "team-a"},
        "end_user": "u-17",
        "messages": [{"role": "user", "content": PROMPT}],
        "response": {"model": "chat-default"},
        "model_map_information": {"model_map_key": "azure/gpt-4o-2024-11-20"},
    } | fields


def read(*records):
    return read_records(json.dumps(records).encode(), gateway="litellm")


def test_three_names_are_kept_apart_and_the_operator_s_base_model_is_a_hint():
    (call,) = read(record()).calls

    names = call.names
    assert (names.alias, names.requested, names.served) == (
        "chat-default",
        "azure/contact-centre-prod",
        "",
    )
    assert (names.provider, names.base_model, call.cost_usd) == (
        "azure",
        "azure/gpt-4o-2024-11-20",
        5.75e-05,
    )
    assert PROMPT not in repr(call)
    assert "u-17" not in repr(call)


@pytest.mark.parametrize(
    ("fields", "service"),
    [
        ({}, "assistant"),
        ({"request_tags": ["User-Agent: curl"]}, "team-a"),
        ({"request_tags": None, "metadata": {"user_api_key_alias": "key-7"}}, "key-7"),
        ({"request_tags": [5, "app:"], "metadata": None}, "litellm"),
    ],
    ids=["tag", "team", "key", "gateway"],
)
def test_whose_call_it_is_say_tags_then_team_then_key(fields, service):
    (call,) = read(record(**fields)).calls

    assert (call.names.scope, call.names.service) == ("litellm", service)


def test_a_fallback_is_two_calls_and_a_record_sent_again_is_one():
    failed = record(
        status="failure",
        model_id="dep-2",
        model="openai/boom",
        prompt_tokens=0,
        completion_tokens=0,
    )

    found = read(record(), failed, record()).calls

    assert len({call.key for call in found}) == 2
    assert (found[1].is_error, found[1].input_tokens, found[1].names.requested) == (
        True,
        None,
        "openai/boom",
    )


def test_a_call_refused_by_the_lifecycle_counts_for_its_model_and_the_alias_of_the_caller():
    tags = ["app:assistant", "lifecycle:refused|openai/gpt-4-32k|old-chat"]
    # without a deployment the proxy names the alias; after a fallback, the fallback's model
    refused = {"status": "failure", "model_id": "", "prompt_tokens": 0, "completion_tokens": 0}
    bare = record(**refused, model="old-chat", model_group="old-chat", custom_llm_provider=None) | {
        "request_tags": tags
    }
    fallen_back = record(**refused, model="openai/gpt-4o", model_group="chat") | {
        "request_tags": tags,
        "litellm_call_id": "2",
    }
    success = record(model="openai/gpt-4o") | {"request_tags": tags, "litellm_call_id": "2"}

    found = read(bare, fallen_back, success).calls

    assert [call.is_refused for call in found] == [True, True, False]
    for call in found[:2]:
        assert call.is_error
        names = call.names
        assert (names.provider, names.requested, names.alias, names.service, names.base_model) == (
            "openai",
            "gpt-4-32k",
            "old-chat",
            "assistant",
            "",
        )
    assert found[2].names.requested == "openai/gpt-4o"


@pytest.mark.parametrize(
    "tag", ["lifecycle:refused", "lifecycle:refused||x", "lifecycle:warned|a|b"]
)
def test_another_tag_is_no_refusal(tag):
    (call,) = read(record(status="failure", request_tags=[tag])).calls
    assert not call.is_refused
    assert call.names.requested == "azure/contact-centre-prod"


def test_lines_single_records_and_odd_ones_are_read_as_far_as_they_go():
    lines = b"\n".join(
        [json.dumps(record()).encode(), b"", b"{cut", json.dumps(record(model=None)).encode()]
    )

    by_line = read_records(lines, gateway="litellm")
    alone = read_records(json.dumps(record()).encode(), gateway="litellm")
    odd = read(
        5,
        None,
        [],
        record(prompt_tokens="x", response_cost=-1, startTime="y", model_group=4, trace_id=9),
    )

    assert (len(by_line.calls), by_line.n_refused) == (1, 2)
    assert len(alone.calls) == 1
    assert (len(odd.calls), odd.n_refused, odd.calls[0].input_tokens, odd.calls[0].cost_usd) == (
        1,
        3,
        None,
        None,
    )


def test_what_is_no_payload_at_all_is_refused_with_a_sentence():
    for body in (b"", b" ", b"nonsense", b'"text"', b"7"):
        with pytest.raises(UnreadableError):
            read_records(body, gateway="litellm")
    with pytest.raises(TooManyRecordsError):
        read_records(b"[" + b"{}," * 10_000 + b"{}]", gateway="litellm")
    with pytest.raises(TooManyRecordsError):
        read_records(b'[{"model": [' + b"[]," * 1_000_000 + b"[]]}]", gateway="litellm")


def test_a_gateway_is_named_by_who_sends():
    assert (gateway_name(""), gateway_name(" EU\x00-Proxy ")) == ("litellm", "eu-proxy")
