"""Price list of the installed package genai-prices, in the format of the feed itself.

It needs no network and is as old as the package: the data of an installation before its first poll,
or without permission to poll. Loading takes half a second and some 40 MB that stay with the
process, so it is loaded on request and not on import of this module."""

import importlib
import importlib.metadata
import json
from datetime import date, time
from decimal import Decimal
from typing import Any

PACKAGE = "genai-prices"


def package_version() -> str:
    """Return the version of the installed package, such as "0.2.3"."""
    return importlib.metadata.version(PACKAGE)


def package_body() -> bytes:
    """Return providers, models, matching rules and prices of the package in the JSON of the feed's
    second version.

    Equal bytes for one version of the package."""
    data = importlib.import_module("genai_prices.data")
    document = [_format_provider(provider) for provider in data.providers]
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _format_provider(provider: Any) -> dict[str, Any]:
    return _drop_none(
        id=provider.id,
        name=provider.name,
        pricing_urls=provider.pricing_urls,
        api_pattern=provider.api_pattern,
        models=[_format_model(model) for model in provider.models],
    )


def _format_model(model: Any) -> dict[str, Any]:
    """Return the model of the installed package as the published JSON has it, without empty
    fields."""
    prices = model.prices
    variants = getattr(model, "price_variants", None)
    return _drop_none(
        id=model.id,
        name=model.name,
        match=_format_rule(model.match),
        context_window=model.context_window,
        prices=[_format_conditional_prices(entry) for entry in prices]
        if isinstance(prices, list)
        else _format_prices(prices),
        price_variants=[
            {"when": dict(entry.when)} | _format_conditional_prices(entry) for entry in variants
        ]
        if variants
        else None,
        deprecated=True if model.deprecated else None,
    )


def _drop_none(**fields: Any) -> dict[str, Any]:
    """Build an object without None values: the feed omits a key instead of writing null."""
    return {key: value for key, value in fields.items() if value is not None}


def _format_rule(rule: Any) -> dict[str, Any]:
    """Format a matching rule, such as `{"equals": "x"}`. The package names its lists `or_` and
    `and_`, because `or` and `and` are keywords of Python."""
    return {
        key.removesuffix("_"): [_format_rule(subrule) for subrule in value]
        if isinstance(value, list)
        else value
        for key, value in vars(rule).items()
    }


def _format_conditional_prices(entry: Any) -> dict[str, Any]:
    constraint = _format_constraint(entry.constraint) if entry.constraint is not None else None
    return _drop_none(constraint=constraint, prices=_format_prices(entry.prices))


def _format_constraint(constraint: Any) -> dict[str, str]:
    return {
        key: _format_time(value) for key, value in vars(constraint).items() if value is not None
    }


def _format_time(value: date | time) -> str:
    return value.isoformat().replace("+00:00", "Z")


def _format_prices(prices: Any) -> dict[str, Any]:
    return {key: _format_price(value) for key, value in vars(prices).items() if value is not None}


def _format_price(value: Any) -> Any:
    if isinstance(value, Decimal):
        # The shortest float that means a price of a few digits reads back as those digits.
        return int(value) if value == value.to_integral_value() else float(value)
    return {
        "base": _format_price(value.base),
        "tiers": [
            {"start": tier.start, "price": _format_price(tier.price)} for tier in value.tiers
        ],
    }
