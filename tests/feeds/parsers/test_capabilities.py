"""What the feeds state of capabilities: absent is unknown, and a bad value is silence."""

import json
from typing import Any

from apps.catalog.claims.feed_rows import FeedRow
from apps.feeds.parsers import genai_prices, litellm, models_dev, openrouter


def litellm_row(**fields: Any) -> FeedRow:
    raw = {"litellm_provider": "openai", "mode": "chat", **fields}
    parsed = litellm.parse(json.dumps({"one": raw}).encode())
    assert not parsed.rejects
    return parsed.rows[0]


def test_litellm_flags_are_true_or_unknown() -> None:
    row = litellm_row(
        supports_vision=True,
        supports_function_calling=False,
        supports_native_structured_output=False,
        supports_pdf_input="yes",
        max_input_tokens=128000,
        max_output_tokens=0,
        max_tokens=4096,
    )

    assert row.capabilities == {"vision": True, "tool_calling": False, "context_window": 128000}


def test_litellm_lists_of_modalities_name_no_pdf() -> None:
    row = litellm_row(
        supports_pdf_input=True,
        supported_modalities=["text", "image"],
        supported_output_modalities=["text", "code"],
        supported_endpoints=["/v1/chat/completions", "/v1/batch"],
    )

    assert row.capabilities == {
        "pdf": True,
        "input_modalities": ["image", "pdf", "text"],
        "batch": True,
    }


def test_a_litellm_row_that_points_to_another_states_nothing() -> None:
    raw = {"one": {"litellm_provider": "openai", "alias_of": "two", "supports_vision": True}}

    assert litellm.parse(json.dumps(raw).encode()).rows[0].capabilities is None


def test_a_flag_that_is_given_twice_is_silence() -> None:
    flags = b'"supports_vision": true, "supports_vision": false'
    body = b'{"one": {"litellm_provider": "openai", ' + flags + b"}}"

    assert litellm.parse(body).rows[0].capabilities == {}


def router_row(**fields: Any) -> FeedRow:
    raw = {
        "id": "acme/one",
        "name": "One",
        "architecture": {"input_modalities": ["text", "file"], "output_modalities": ["text"]},
        "context_length": 200000,
        "top_provider": {"context_length": 131072, "max_completion_tokens": None},
        "pricing": {"prompt": "0.000001", "completion": "0.000002"},
        "supported_parameters": ["tools", "response_format"],
        **fields,
    }
    return openrouter.parse(json.dumps({"data": [raw]}).encode()).rows[0]


def test_openrouter_lists_completely() -> None:
    assert router_row().capabilities == {
        "input_modalities": ["pdf", "text"],
        "output_modalities": ["text"],
        "vision": False,
        "pdf": True,
        "audio_input": False,
        "audio_output": False,
        "tool_calling": True,
        "structured_output": False,
        "reasoning": False,
        "context_window": 131072,
    }


def test_a_price_of_cached_reads_proves_caching() -> None:
    row = router_row(
        pricing={"prompt": "0.000001", "completion": "0.000002", "input_cache_read": "0.0000001"},
        knowledge_cutoff="2025-01-31",
        hugging_face_id="acme/one",
    )

    assert row.capabilities is not None
    assert row.capabilities["caching"] is True
    assert row.capabilities["knowledge_cutoff"] == "2025-01"
    assert row.capabilities["open_weights"] is True


def test_an_unknown_modality_is_no_list_but_still_flags() -> None:
    row = router_row(
        architecture={"input_modalities": ["text", "smell", "image"], "output_modalities": []},
        supported_parameters=[],
    )

    assert row.capabilities is not None
    assert "input_modalities" not in row.capabilities
    assert row.capabilities["vision"] is True
    assert "audio_output" not in row.capabilities
    assert "tool_calling" not in row.capabilities


def test_models_dev_counts_the_smaller_window_and_no_limit_of_zero() -> None:
    model = {
        "name": "One",
        "modalities": {"input": ["text", "image"], "output": ["text"]},
        "tool_call": True,
        "reasoning": False,
        "open_weights": False,
        "knowledge": "2024-09-30",
        "limit": {"context": 400000, "input": 272000, "output": 0},
        "cost": {"input": 1, "output": 2},
    }
    body = json.dumps({"openai": {"name": "OpenAI", "models": {"one": model}}}).encode()

    assert models_dev.parse(body).rows[0].capabilities == {
        "input_modalities": ["image", "text"],
        "output_modalities": ["text"],
        "vision": True,
        "pdf": False,
        "audio_input": False,
        "audio_output": False,
        "tool_calling": True,
        "reasoning": False,
        "open_weights": False,
        "context_window": 272000,
        "knowledge_cutoff": "2024-09",
    }


def test_a_price_rule_for_many_models_states_nothing_of_one() -> None:
    models = [
        {"id": "one", "match": {"equals": "one"}, "context_window": 1000, "prices": {}},
        {"id": "two", "match": {"starts_with": "two"}, "context_window": 1000, "prices": {}},
        {
            "id": "three",
            "match": {"or": [{"equals": "three"}, {"equals": "3"}]},
            "context_window": "many",
            "prices": {},
        },
    ]
    body = json.dumps([{"id": "openai", "name": "OpenAI", "models": models}]).encode()

    rows = genai_prices.parse(body).rows
    assert [row.capabilities for row in rows] == [{"context_window": 1000}, {}, {}]
