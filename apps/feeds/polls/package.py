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
    document = [_provider(provider) for provider in data.providers]
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _provider(provider: Any) -> dict[str, Any]:
    return _without_none(
        id=provider.id,
        name=provider.name,
        pricing_urls=provider.pricing_urls,
        api_pattern=provider.api_pattern,
        models=[_model(model) for model in provider.models],
    )


def _model(model: Any) -> dict[str, Any]:
    prices = model.prices
    variants = getattr(model, "price_variants", None)
    return _without_none(
        id=model.id,
        name=model.name,
        match=_rule(model.match),
        context_window=model.context_window,
        prices=[_conditional(each) for each in prices]
        if isinstance(prices, list)
        else _fields(prices),
        price_variants=[{"when": dict(each.when)} | _conditional(each) for each in variants]
        if variants
        else None,
        deprecated=True if model.deprecated else None,
    )


def _without_none(**parts: Any) -> dict[str, Any]:
    """Remove None values: the feed leaves a key out rather than write null."""
    return {key: value for key, value in parts.items() if value is not None}


def _rule(rule: Any) -> dict[str, Any]:
    """`{"equals": "x"}` and its like; the package names its lists `or_` and `and_`, which are words
    of Python."""
    return {
        key.removesuffix("_"): [_rule(part) for part in value] if isinstance(value, list) else value
        for key, value in vars(rule).items()
    }


def _conditional(entry: Any) -> dict[str, Any]:
    constraint = _constraint(entry.constraint) if entry.constraint is not None else None
    return _without_none(constraint=constraint, prices=_fields(entry.prices))


def _constraint(constraint: Any) -> dict[str, str]:
    return {key: _moment(value) for key, value in vars(constraint).items() if value is not None}


def _moment(value: date | time) -> str:
    return value.isoformat().replace("+00:00", "Z")


def _fields(prices: Any) -> dict[str, Any]:
    return {key: _price(value) for key, value in vars(prices).items() if value is not None}


def _price(value: Any) -> Any:
    if isinstance(value, Decimal):
        # The shortest float that means a price of a few digits reads back as those digits.
        return int(value) if value == value.to_integral_value() else float(value)
    return {
        "base": _price(value.base),
        "tiers": [{"start": tier.start, "price": _price(tier.price)} for tier in value.tiers],
    }
