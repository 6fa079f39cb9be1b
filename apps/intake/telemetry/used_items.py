"""Used items: what a call of a model proves to use, as bits of one number.

Only names of keys, counts and markers of message parts are read, never the text of a prompt or an
answer. What is present proves use; what is absent proves nothing.
"""

import re
from collections.abc import Mapping
from typing import Any

# in the order of their bits; names are those of the requirement, except `image_output`
USED_ITEMS = (
    "tool_calling",
    "structured_output",
    "reasoning",
    "vision",
    "pdf",
    "audio_input",
    "audio_output",
    "image_output",
    "caching",
    "batch",
)
(
    TOOL_CALLING,
    STRUCTURED_OUTPUT,
    REASONING,
    VISION,
    PDF,
    AUDIO_INPUT,
    AUDIO_OUTPUT,
    IMAGE_OUTPUT,
    CACHING,
    BATCH,
) = (1 << place for place in range(len(USED_ITEMS)))

# parameters of a request that prove use if they have a value
_PARAMETERS: Mapping[str, int] = {
    "tools": TOOL_CALLING,
    "tool_choice": TOOL_CALLING,
    "parallel_tool_calls": TOOL_CALLING,
    "functions": TOOL_CALLING,
    "reasoning_effort": REASONING,
    "thinking": REASONING,
}
_NONE_VALUES = (None, "", "none", "disabled", False)
_JSON_FORMATS = frozenset({"json_schema", "json_object"})
# A part of a message states its kind beside its content. Inside a text of JSON, a quotation mark is
# written with a backslash, so that no prompt can contain one of these markers.
_PART = re.compile(
    r'"(?:type|modality|mime_type|media_type)"\s{0,2}:\s{0,2}"'
    r'(tool_call|tool_use|image|image_url|input_image|audio|input_audio|application/pdf)"'
)
_PART_OF_BYTES = re.compile(_PART.pattern.encode())
_KINDS: Mapping[str, int] = {
    "tool_call": TOOL_CALLING,
    "tool_use": TOOL_CALLING,
    "image": VISION,
    "image_url": VISION,
    "input_image": VISION,
    "audio": AUDIO_INPUT,
    "input_audio": AUDIO_INPUT,
    "application/pdf": PDF,
}
_KINDS_OF_BYTES = {kind.encode(): bit for kind, bit in _KINDS.items()}
_OUTPUT_KINDS = {VISION: IMAGE_OUTPUT, AUDIO_INPUT: AUDIO_OUTPUT}
# a longer list of messages is read in part
_MAX_PARTS = 500
_PROMPT_COUNTS: Mapping[str, int] = {"cached_tokens": CACHING, "audio_tokens": AUDIO_INPUT}
_ANSWER_COUNTS: Mapping[str, int] = {"reasoning_tokens": REASONING, "audio_tokens": AUDIO_OUTPUT}


def items_of(uses: int) -> list[str]:
    """Return the names of the items of a number."""
    return [item for place, item in enumerate(USED_ITEMS) if uses >> place & 1]


def uses_in_parameters(parameters: Mapping[str, Any]) -> int:
    """Return the items that the parameters of a request prove, by the names of the parameters."""
    uses = 0
    for name, bit in _PARAMETERS.items():
        value = parameters.get(name)
        if value in _NONE_VALUES or value in ([], {}):
            continue
        if isinstance(value, dict) and value.get("type") in _NONE_VALUES[1:]:
            continue
        uses |= bit
    response_format = parameters.get("response_format")
    if isinstance(response_format, dict) and response_format.get("type") in _JSON_FORMATS:
        uses |= STRUCTURED_OUTPUT
    return uses


def uses_in_parts(text: str | bytes, *, is_output: bool = False) -> int:
    """Return the items that the kinds of the parts of messages in JSON prove."""
    uses = 0
    if isinstance(text, bytes):
        # usually there is no part but text, which these searches find out at once
        if b'"image' in text or b'_image"' in text or b"audio" in text:
            pass
        elif b'"tool_' not in text and b'"application/pdf"' not in text:
            return 0
        for kind_of_bytes in _PART_OF_BYTES.findall(text):
            uses |= _KINDS_OF_BYTES.get(kind_of_bytes, 0)
    else:
        for kind in _PART.findall(text):
            uses |= _KINDS.get(kind, 0)
    return turn_to_output(uses) if is_output else uses


def turn_to_output(uses: int) -> int:
    """Return the items of an answer: an image or audio there is an output."""
    for bit, output_bit in _OUTPUT_KINDS.items():
        if uses & bit:
            uses = uses & ~bit | output_bit
    return uses


def uses_of_record(record: Mapping[str, Any]) -> int:
    """Return the items that a gateway's record of one call (LiteLLM's logging payload) proves."""
    uses = _uses_of_call_type(record.get("call_type"))
    parameters = record.get("model_parameters")
    if isinstance(parameters, dict):
        uses |= uses_in_parameters(parameters)
    built_in_tools = record.get("standard_built_in_tools_params")
    if isinstance(built_in_tools, dict) and any(built_in_tools.values()):
        uses |= TOOL_CALLING
    uses |= _uses_of_messages(record.get("messages"))
    response = record.get("response")
    if isinstance(response, dict):
        uses |= _uses_of_choices(response.get("choices"))
    metadata = record.get("metadata")
    usage = metadata.get("usage_object") if isinstance(metadata, dict) else None
    if not isinstance(usage, dict) and isinstance(response, dict):
        usage = response.get("usage")
    return uses | (_uses_of_usage(usage) if isinstance(usage, dict) else 0)


def _uses_of_call_type(call_type: Any) -> int:
    if not isinstance(call_type, str):
        return 0
    if "image_generation" in call_type:
        return IMAGE_OUTPUT
    if "speech" in call_type:
        return AUDIO_OUTPUT
    if "transcription" in call_type:
        return AUDIO_INPUT
    return BATCH if "create_batch" in call_type else 0


def _uses_of_messages(messages: Any) -> int:
    """Return the items of the parts of messages, by the key `type` of each part."""
    uses = n_parts = 0
    for message in messages if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, dict) else None
        for part in content if isinstance(content, list) else ():
            n_parts += 1
            if n_parts > _MAX_PARTS:
                return uses
            kind = part.get("type") if isinstance(part, dict) else None
            if kind == "file":
                uses |= PDF
            elif isinstance(kind, str):
                uses |= _KINDS.get(kind, 0)
    return uses


def _uses_of_choices(choices: Any) -> int:
    for choice in choices[:_MAX_PARTS] if isinstance(choices, list) else ():
        message = choice.get("message") if isinstance(choice, dict) else None
        if isinstance(message, dict) and message.get("tool_calls"):
            return TOOL_CALLING
    return 0


def _uses_of_usage(usage: Mapping[str, Any]) -> int:
    uses = 0
    for details, counts in (
        (usage.get("prompt_tokens_details"), _PROMPT_COUNTS),
        (usage.get("completion_tokens_details"), _ANSWER_COUNTS),
    ):
        if isinstance(details, dict):
            for name, bit in counts.items():
                if is_positive(details.get(name)):
                    uses |= bit
    if isinstance(details := usage.get("prompt_tokens_details"), dict) and is_positive(
        details.get("image_tokens")
    ):
        uses |= VISION
    return uses


def is_positive(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0
