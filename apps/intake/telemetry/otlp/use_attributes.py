"""Attributes of spans that prove use: which keys they have, and what a value has to be.

Sources: the OpenTelemetry conventions for generative AI, OpenInference and OpenLLMetry. Of contents
only the kinds of message parts are read (see `used_items`)."""

from collections.abc import Mapping

from apps.intake.telemetry.used_items import (
    AUDIO_INPUT,
    AUDIO_OUTPUT,
    CACHING,
    IMAGE_OUTPUT,
    REASONING,
    STRUCTURED_OUTPUT,
    TOOL_CALLING,
    VISION,
    turn_to_output,
)

# a number above 0 proves use
COUNTS: Mapping[str, int] = {
    "gen_ai.usage.cache_read.input_tokens": CACHING,
    "gen_ai.usage.cache_write.input_tokens": CACHING,
    "gen_ai.usage.cache_creation.input_tokens": CACHING,
    "llm.token_count.prompt_details.cache_read": CACHING,
    "gen_ai.usage.reasoning.output_tokens": REASONING,
    "gen_ai.usage.reasoning_tokens": REASONING,
    "llm.token_count.completion_details.reasoning": REASONING,
}
# messages in JSON, of which the kinds of parts are read: whether they are answers
MESSAGES: Mapping[str, bool] = {"gen_ai.input.messages": False, "gen_ai.output.messages": True}
OUTPUT_TYPE = "gen_ai.output.type"
_OUTPUT_TYPES: Mapping[str, int] = {
    "json": STRUCTURED_OUTPUT,
    "image": IMAGE_OUTPUT,
    "speech": AUDIO_OUTPUT,
}
FINISH_REASONS = frozenset({"gen_ai.response.finish_reasons", "llm.finish_reason"})
_TOOL_REASONS = ("tool_call", "tool_use")
_TOOL_DEFINITIONS = "gen_ai.tool.definitions"
_TOOL_PREFIXES = ("llm.tools.", "llm.request.functions.")
_INPUT_PREFIXES = ("llm.input_messages.", "gen_ai.prompt.")
_OUTPUT_PREFIXES = ("llm.output_messages.", "gen_ai.completion.")
# numbered keys of conversations are read as far as this
MAX_KEY_LENGTH = 100


def present_use(key: str) -> int:
    """Return the items that the presence of a key proves, 0 if it proves nothing."""
    if key == _TOOL_DEFINITIONS or key.startswith(_TOOL_PREFIXES):
        return TOOL_CALLING
    is_output = key.startswith(_OUTPUT_PREFIXES)
    if not is_output and not key.startswith(_INPUT_PREFIXES):
        return 0
    if ".tool_calls." in key:
        return TOOL_CALLING
    uses = 0
    if "message_content.image." in key:
        uses = VISION
    elif "message_content.audio." in key:
        uses = AUDIO_INPUT
    return turn_to_output(uses) if is_output else uses


def value_use(key: str, text: str) -> int:
    """Return the items that an output type or the reasons why an answer ended prove."""
    if key == OUTPUT_TYPE:
        return _OUTPUT_TYPES.get(text, 0)
    return TOOL_CALLING if any(reason in text for reason in _TOOL_REASONS) else 0
