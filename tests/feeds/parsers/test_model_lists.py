"""Providers' own model lists: what each states, and bodies that are none."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from apps.catalog.claims.feed_rows import ParsedFeed
from apps.feeds.model_lists.readers import LIST_READERS
from apps.feeds.parsers.payload import InvalidPayloadError


def read(host: str, document: object) -> ParsedFeed:
    return LIST_READERS[host].parse(json.dumps(document).encode())


def stated(host: str, document: object) -> Mapping[str, Any] | None:
    [row] = read(host, document).rows
    return row.capabilities


def test_anthropic_lists_capabilities_completely() -> None:
    supported, refused = {"supported": True}, {"supported": False}
    model = {
        "id": "claude-x",
        "display_name": "Claude X",
        "max_input_tokens": 200000,
        "max_tokens": 64000,
        "capabilities": {
            "image_input": supported,
            "pdf_input": refused,
            "structured_outputs": supported,
            "thinking": refused,
            "batch": supported,
            "effort": "none",
        },
    }

    assert stated("anthropic", {"data": [model]}) == {
        "vision": True,
        "pdf": False,
        "structured_output": True,
        "reasoning": False,
        "batch": True,
        "input_modalities": ["image", "text"],
        "context_window": 200000,
        "max_output": 64000,
    }
    assert stated("anthropic", {"data": [{"id": "claude-x"}]}) == {}


def test_google_lists_methods_completely() -> None:
    model = {
        "name": "models/gemini-x",
        "inputTokenLimit": 1048576,
        "outputTokenLimit": 65536,
        "thinking": True,
        "supportedGenerationMethods": ["generateContent", "batchGenerateContent"],
    }
    embedding = {
        "name": "models/embedding-x",
        "inputTokenLimit": 2048,
        "outputTokenLimit": 1,
        "supportedGenerationMethods": ["embedContent"],
    }

    first, second = read("google", {"models": [model, embedding]}).rows

    assert first.api_id == "gemini-x"
    assert first.capabilities == {
        "context_window": 1048576,
        "max_output": 65536,
        "reasoning": True,
        "caching": False,
        "batch": True,
    }
    assert second.capabilities == {"context_window": 2048}


def test_a_price_of_xai_proves_and_its_absence_does_not_disprove() -> None:
    models = [
        {
            "id": "grok-x",
            "aliases": ["grok-latest", "grok-y"],
            "context_length": 256000,
            "prompt_image_token_price": 100,
            "cached_prompt_text_token_price": 0,
        },
        {"id": "grok-y"},
    ]

    rows = read("xai", {"data": models}).rows

    assert [(row.api_id, row.alias_of) for row in rows] == [
        ("grok-x", ""),
        ("grok-y", ""),
        ("grok-latest", "grok-x"),
    ]
    assert rows[0].capabilities == {"context_window": 256000, "vision": True}
    assert rows[1].capabilities == {}
    assert rows[2].capabilities is None


def test_mistral_lists_flags() -> None:
    model = {
        "id": "mistral-x",
        "capabilities": {"function_calling": True, "vision": False, "audio": None},
        "max_context_length": 131072,
    }

    assert stated("mistral", {"data": [model]}) == {
        "tool_calling": True,
        "vision": False,
        "context_window": 131072,
    }


def test_azure_states_texts() -> None:
    model = {
        "name": "gpt-x",
        "version": "2024-11-20",
        "format": "OpenAI",
        "capabilities": {
            "chatCompletion": "true",
            "jsonSchemaResponse": "true",
            "maxContextToken": "128000",
            "maxOutputToken": "many",
        },
    }
    image = {
        "name": "Picture",
        "version": "3",
        "format": "Maker",
        "capabilities": {"imageGenerations": "true"},
    }

    first, second = read("azure", {"value": [{"model": model}, {"model": image}]}).rows

    assert first.api_id == "gpt-x-2024-11-20"
    assert first.capabilities == {"structured_output": True, "context_window": 128000}
    assert second.api_id == "Picture"
    assert second.capabilities == {"output_modalities": ["image"]}


@pytest.mark.parametrize("is_digest", [False, True])
def test_bedrock_lists_modalities_but_no_pdf(is_digest: bool) -> None:
    facts = {"inputModalities": ["TEXT", "SPEECH"], "outputModalities": ["EMBEDDING"]}
    document: dict[str, Any] = (
        {"maker.x-v1:0": {**facts, "regions": ["us-east-1"]}}
        if is_digest
        else {"modelSummaries": [{"modelId": "maker.x-v1:0", **facts}]}
    )

    assert stated("amazon-bedrock", document) == {
        "input_modalities": ["audio", "text"],
        "vision": False,
        "audio_input": True,
        "output_modalities": ["embedding"],
        "audio_output": False,
    }


def test_openai_lists_ids_only() -> None:
    assert stated("openai", {"data": [{"id": "gpt-x", "object": "model"}]}) == {}


@pytest.mark.parametrize("host", sorted(LIST_READERS))
@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"<html>", b"[1, 2]", b'{"data": [{"id": ""}]}']
)
def test_a_body_that_is_no_list_changes_nothing(host: str, body: bytes) -> None:
    with pytest.raises(InvalidPayloadError):
        LIST_READERS[host].parse(body)


def test_the_message_of_an_error_is_shown() -> None:
    with pytest.raises(InvalidPayloadError, match="returned an error: invalid key"):
        read("anthropic", {"error": {"message": "invalid key"}})


def test_an_unreadable_row_is_quarantined_and_the_others_are_read() -> None:
    feed = read("openai", {"data": [3, {"id": "gpt-x"}, {"id": "x" * 400}]})

    assert [row.api_id for row in feed.rows] == ["gpt-x"]
    assert len(feed.rejects) == 2
