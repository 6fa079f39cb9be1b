"""Two payloads of one feed, of which the second loses so much that guards hold its changes."""

import json
from datetime import date

YEAR = date.today().year + 2
HELD_PAGE = "/feeds/litellm/held/"


def price_map(**days: dict[str, str]) -> str:
    """Return a LiteLLM price map of {provider: {model: day on which it ends}}."""
    return json.dumps(
        {
            f"{provider}/{model}": {
                "litellm_provider": provider,
                "mode": "chat",
                "input_cost_per_token": 3e-06,
                "deprecation_date": day,
            }
            for provider, models in days.items()
            for model, day in models.items()
        }
    )


BEFORE = {
    "acme": {f"model-{n}": f"{YEAR}-01-15" for n in range(10)},
    "zenith": {f"star-{n}": f"{YEAR}-03-01" for n in range(10)},
}


# six of ten rows gone at one provider; six of ten dates moved or taken back at the other
AFTER = {
    "acme": {f"model-{n}": f"{YEAR}-01-15" for n in range(6, 10)},
    "zenith": {
        **{f"star-{n}": f"{YEAR}-06-01" for n in range(5)},
        "star-5": "",
        **{f"star-{n}": f"{YEAR}-03-01" for n in range(6, 10)},
    },
}
