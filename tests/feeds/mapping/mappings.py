"""Mappings that describe feeds which also have an adapter of their own, to hold one against the
other."""

from typing import Any

type Stored = dict[str, Any]

DEPRECATIONS_INFO: Stored = {
    "rows": "[*]",
    "external_id": "provider + '/' + model_id",
    "host": "provider",
    "api_id": "model_id",
    "name": "model_name",
    "retires_on": "shutdown_date",
    "announced_on": "announcement_date",
    "successor": "replacement_model",
    "source_url": "url",
}
MODELDEPRECATIONS: Stored = {
    "rows": "models[*]",
    "external_id": "provider + '/' + model",
    "host": "provider",
    "hosts": {"amazon": "bedrock", "qwen": "alibaba"},
    "api_id": "model",
    "name": "name",
    "retires_on": "shutdown_on",
    "not_before": "earliest_shutdown_on",
    "announced_on": "deprecated_on",
    "status": "status",
    "successor": "replacements[recommended=true].model | replacements[*].model",
    "source_url": "sources[*].url",
    "far_days_are_none": True,
    "as_of": "generatedAt",
    "count": "count",
}
_OPENROUTER_FIELDS = {
    "prompt": "input",
    "completion": "output",
    "input_cache_read": "cache_read",
    "input_cache_write": "cache_write",
    "input_cache_write_1h": "cache_write_1h",
    "internal_reasoning": "reasoning",
    "audio": "input_audio",
    "audio_output": "output_audio",
    "input_audio_cache": "cache_read_audio",
}
OPENROUTER: Stored = {
    "rows": "data[*]",
    "external_id": "id",
    "host": "'openrouter'",
    "api_id": "id",
    "name": "name",
    "retires_on": "expiration_date",
    "far_days_are_none": True,
    "alias_of": "alias_target.slug",
    "source_url": "'https://openrouter.ai/' + id",
    "absence": "news",
    "zero": "free",
    "no_price": ["-1"],
    "count": "total_count",
    "next": "links.next",
    "prices": [
        *(
            {"unit": unit, "path": f"pricing.{field}", "per": "one"}
            for field, unit in _OPENROUTER_FIELDS.items()
        ),
        {"unit": "web_search", "path": "pricing.web_search", "per": "one"},
        *(
            {
                "unit": unit,
                "each": "pricing.overrides[*]",
                "path": field,
                "above": "min_prompt_tokens",
                "per": "one",
            }
            for field, unit in _OPENROUTER_FIELDS.items()
        ),
    ],
}
_MODELS_DEV_UNITS = (
    "input",
    "output",
    "cache_read",
    "cache_write",
    "reasoning",
    "input_audio",
    "output_audio",
)
MODELS_DEV: Stored = {
    "rows": "*.models.*",
    "external_id": "@key1 + '/' + @key",
    "host": "@key1",
    "group": "@key1",
    "api_id": "@key",
    "name": "name",
    "status": "status",
    "statuses": {"alpha": "preview", "beta": "preview"},
    "source_url": "@1.doc",
    "absence": "nothing",
    "prices": [
        *({"unit": unit, "path": f"cost.{unit}"} for unit in _MODELS_DEV_UNITS),
        *(
            {"unit": unit, "each": "cost.tiers[*]", "path": unit, "above": "tier.size"}
            for unit in _MODELS_DEV_UNITS
        ),
    ],
}
LITELLM: Stored = {
    "rows": "*",
    "external_id": "@key",
    "host": "litellm_provider",
    "api_id": "@key",
    "retires_on": "deprecation_date",
    "successor": "successor_model",
    "skip": ["sample_spec"],
    "absence": "news",
    "prices": [
        {"unit": "input", "path": "input_cost_per_token", "per": "one"},
        {"unit": "output", "path": "output_cost_per_token", "per": "one"},
        {"unit": "cache_read", "path": "cache_read_input_token_cost", "per": "one"},
    ],
}
