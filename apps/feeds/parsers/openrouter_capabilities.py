"""Capabilities in the OpenRouter list: modalities, parameters, limits, prices and cutoff.

Its lists of modalities and parameters are complete; `file` among the inputs means PDF. The limits
are those of the host that is called first."""

from collections.abc import Iterable
from typing import Any

from apps.catalog.capabilities.stated import StatedCapabilities
from apps.catalog.claims.feed_rows import PriceLine

_NAMED = ("text", "image", "audio", "video", "pdf")


def read_capabilities(
    raw: dict[str, Any], prices: Iterable[PriceLine] | None = None
) -> dict[str, Any]:
    """Return {field: canonical value} of what a row states; `prices` are its list prices."""
    stated = StatedCapabilities()
    architecture = _object_of(raw.get("architecture"))
    stated.add_modalities(
        architecture.get("input_modalities"), architecture.get("output_modalities"), named=_NAMED
    )
    parameters = raw.get("supported_parameters")
    if isinstance(parameters, list) and parameters:
        stated.add_flag("tool_calling", "tools" in parameters)
        stated.add_flag("structured_output", "structured_outputs" in parameters)
        is_reasoning = "reasoning" in parameters or isinstance(raw.get("reasoning"), dict)
        stated.add_flag("reasoning", is_reasoning)
    top_provider = _object_of(raw.get("top_provider"))
    stated.add("context_window", top_provider.get("context_length"))
    stated.add("context_window", raw.get("context_length"))
    stated.add("max_output", top_provider.get("max_completion_tokens"))
    stated.add_priced(prices)
    stated.add("knowledge_cutoff", raw.get("knowledge_cutoff"))
    if raw.get("hugging_face_id"):
        stated.add_flag("open_weights", True)
    return stated.values


def _object_of(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
