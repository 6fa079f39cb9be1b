"""Capabilities in the LiteLLM price map.

Its flags are true or absent with few exceptions: absent is unknown, and only an explicit false is
no. Its lists of modalities never name PDF, for which there is a flag. Prices prove nothing here:
they are copied to rows of hosts and image sizes that do not offer the service. `max_tokens` is left
out: it is the largest output in some rows and the context window in others, unmarked."""

from typing import Any

from apps.catalog.capabilities.stated import StatedCapabilities, read_modalities

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


def read_capabilities(raw: dict[str, Any]) -> dict[str, Any]:
    """Return {field: canonical value} of what a row states."""
    stated = StatedCapabilities()
    for key, field in _FLAGS:
        stated.add_flag(field, raw.get(key))
    for key, field in _SUFFICIENT:
        if raw.get(key) is True:
            stated.add_flag(field, True)
    inputs = read_modalities(raw.get("supported_modalities"))
    if inputs is not None:
        # the list cannot name PDF, for which there is a flag
        pdf = {"pdf"} if raw.get("supports_pdf_input") is True else set()
        stated.add("input_modalities", sorted(inputs | pdf))
    outputs = read_modalities(raw.get("supported_output_modalities"))
    if outputs is not None:
        stated.add("output_modalities", sorted(outputs))
    stated.add("context_window", raw.get("max_input_tokens"))
    stated.add("max_output", raw.get("max_output_tokens"))
    endpoints = raw.get("supported_endpoints")
    if isinstance(endpoints, list) and _BATCH_ENDPOINT in endpoints:
        stated.add_flag("batch", True)
    return stated.values
