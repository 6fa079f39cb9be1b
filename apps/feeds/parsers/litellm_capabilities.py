"""Capabilities in the LiteLLM price map.

Its flags are true or absent with few exceptions: absent is unknown, and only an explicit false is
no. Its lists of modalities are complete, but never name PDF. `max_tokens` is left out: it is the
largest output in some rows and the context window in others, unmarked."""

from collections.abc import Iterable
from typing import Any

from apps.catalog.capabilities.stated import StatedCapabilities
from apps.catalog.claims.feed_rows import PriceLine

_FLAGS = (
    ("supports_function_calling", "tool_calling"),
    ("supports_response_schema", "structured_output"),
    ("supports_reasoning", "reasoning"),
    ("supports_vision", "vision"),
    ("supports_pdf_input", "pdf"),
    ("supports_audio_input", "audio_input"),
    ("supports_audio_output", "audio_output"),
    ("supports_prompt_caching", "caching"),
)
# Narrower than the field: true proves it, false does not disprove it.
_SUFFICIENT = (
    ("supports_native_structured_output", "structured_output"),
    ("supports_image_input", "vision"),
)
_BATCH_ENDPOINT = "/v1/batch"


def read_capabilities(
    raw: dict[str, Any], prices: Iterable[PriceLine] | None = None
) -> dict[str, Any]:
    """Return {field: canonical value} of what a row states; `prices` are its list prices."""
    stated = StatedCapabilities()
    for key, field in _FLAGS:
        stated.add_flag(field, raw.get(key))
    for key, field in _SUFFICIENT:
        if raw.get(key) is True:
            stated.add_flag(field, True)
    stated.add_modalities(raw.get("supported_modalities"), raw.get("supported_output_modalities"))
    stated.add("context_window", raw.get("max_input_tokens"))
    stated.add("max_output", raw.get("max_output_tokens"))
    stated.add_priced(prices)
    endpoints = raw.get("supported_endpoints")
    if isinstance(endpoints, list) and _BATCH_ENDPOINT in endpoints:
        stated.add_flag("batch", True)
    return stated.values
