"""Small payloads of the LiteLLM price map."""

import json
from typing import Any


def price_map(n: int = 20, **changes: Any) -> bytes:
    """Return a map of n chat models at one provider; `changes` overrides fields by model name."""
    rows: dict[str, Any] = {"sample_spec": {"mode": "one of chat"}}
    for i in range(n):
        rows[f"acme/model-{i}"] = {
            "litellm_provider": "acme",
            "mode": "chat",
            "input_cost_per_token": 3e-06,
            "output_cost_per_token": 1.5e-05,
        }
    for name, fields in changes.items():
        rows[f"acme/{name.replace('_', '-')}"] = (
            rows.get(f"acme/{name.replace('_', '-')}", {}) | fields
        )
    return json.dumps(rows).encode()
