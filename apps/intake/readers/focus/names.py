"""Names in a FOCUS row: application, model, host, and what its quantity counts.

Each name is a list of candidates, the most specific first: which of them the registry knows is
decided when the file is stored. Of the tags only those of an application are read, and texts that
contain an email address are never used."""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

import orjson

from apps.intake.documents.records import clean

# tags that name an application, in this order, unless the organisation has set others; the last
# four are those of LiteLLM: the alias of the key, then that of the team
APPLICATION_TAGS: tuple[str, ...] = (
    "application",
    "app",
    "application_name",
    "app_name",
    "application_id",
    "app_id",
    "service",
    "service_name",
    "system",
    "product",
    "project",
    "workload",
    "cost_centre",
    "cost_center",
    "api_key_alias",
    "key_alias",
    "team_alias",
    "team",
)
# tags that only LiteLLM writes (its module integrations/focus/transformer.py)
_GATEWAY_PROVIDER, _GATEWAY_MODEL = "customllmprovider", "model"
_MODEL_COLUMNS = frozenset({"xmodel", "xmodelid", "xmodelname", "xllmmodel", "xaimodel"})
# resource names of Amazon Bedrock
_MODEL_RESOURCE = re.compile(r":(?:foundation-model|inference-profile)/([\w.:-]+)$")
_MAX_TAGS_LENGTH = 20_000
_MAX_CANDIDATES = 4
_EMAIL = re.compile(r"(?<![^\s@])[^\s@]+@[^\s@.]+\.[^\s@]")
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_UNIT = re.compile(
    r"(?:(?P<number>\d[\d,]*)\s*)?(?P<scale>k|m|thousand|million)?\s*(?P<noun>tokens?)?", re.I
)
_SCALES: Mapping[str, int] = {
    "": 1,
    "k": 1_000,
    "thousand": 1_000,
    "m": 1_000_000,
    "million": 1_000_000,
}
_CACHE = frozenset({"cache", "cached", "cachd", "cchd", "caching"})
_WRITE = frozenset({"write", "writes", "written", "creation", "create"})
_OUTPUT = frozenset({"output", "outp", "outpt", "completion", "completions", "generated"})
_INPUT = frozenset({"input", "inp", "inpt", "prompt", "prompts"})
_READ = frozenset({"read", "reads", "hit"})
_TOKEN = frozenset({"token", "tokens", "tkn"})
# words of a meter that say what is counted, and not which model
_COUNTING = _CACHE | _WRITE | _OUTPUT | _INPUT | _READ | _TOKEN


@lru_cache(maxsize=4096)
def fold_tag(name: str) -> str:
    """Return a tag or column name for comparison, without the prefix of its scheme: `user:App-Name`
    and `app_name` are equal."""
    return _NOT_ALPHANUMERIC.sub("", re.split(r"[:/]", name)[-1]).lower()


@lru_cache(maxsize=4096)
def parse_tags(text: str) -> Mapping[str, str] | None:
    """Return {folded name: value} of the tags of a row, a JSON object; None if they are not
    readable."""
    if not text:
        return {}
    if len(text) > _MAX_TAGS_LENGTH:
        return None
    try:
        tags = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(tags, dict):
        return None
    return {
        fold_tag(name): clean(value)
        for name, value in tags.items()
        if isinstance(value, (str, int)) and not isinstance(value, bool)
    }


def is_of_gateway(tags: Mapping[str, str]) -> bool:
    """Return whether a gateway wrote the row, which names the model ID that it sent to the host."""
    return _GATEWAY_PROVIDER in tags


def list_application_names(
    row: Mapping[str, str], tags: Mapping[str, str], tag_names: Sequence[str]
) -> tuple[str, ...]:
    """Return candidates for the application: the tags in order, then the sub account."""
    return _list_candidates(
        [*(tags.get(name, "") for name in tag_names), row.get("SubAccountName", "")]
    )


def list_model_names(row: Mapping[str, str], tags: Mapping[str, str]) -> tuple[str, ...]:
    """Return candidates for the model: columns for it, then a resource that is a model, the meter,
    or else resource and SKU."""
    own_columns = [row[name] for name in row if name[:2] == "x_" and _is_model_column(name)]
    if is_of_gateway(tags):
        return _list_candidates(
            [*own_columns, tags.get(_GATEWAY_MODEL, ""), row.get("ResourceId", "")]
        )
    meter = strip_counting_words(row.get("SkuMeter", "") or row.get("x_SkuMeterName", ""))
    model_resource = _MODEL_RESOURCE.search(row.get("ResourceId", ""))
    return _list_candidates(
        [
            *own_columns,
            model_resource[1] if model_resource else "",
            meter,
            # a bill can have a resource per row; the meter names the model better
            *(() if meter else (row.get("ResourceName", ""), row.get("SkuId", ""))),
        ]
    )


@cache
def _is_model_column(name: str) -> bool:
    return fold_tag(name) in _MODEL_COLUMNS


def list_host_names(row: Mapping[str, str], tags: Mapping[str, str]) -> tuple[str, ...]:
    """Return candidates for the host: that of a gateway, or the service and its providers."""
    if is_of_gateway(tags):
        return _list_candidates([tags[_GATEWAY_PROVIDER], row.get("ProviderName", "")])
    return _list_candidates(
        [
            row.get("ServiceName", ""),
            row.get("HostProviderName", ""),
            row.get("ServiceProviderName", ""),
            row.get("ProviderName", ""),
        ]
    )


@lru_cache(maxsize=4096)
def strip_counting_words(meter: str) -> str:
    """Return the name of a meter without the words for input, output, cache and tokens, so that
    the meters of one model have one name."""
    words = [word for word in re.split(r"[\s_]+|-(?=[A-Za-z])", meter) if word]
    kept = [word for word in words if word.lower().strip("-,()") not in _COUNTING]
    if len(kept) == len(words):
        return meter.strip()
    separator = "-" if "-" in meter and " " not in meter else " "
    return separator.join(kept).strip(" -_")


@lru_cache(maxsize=4096)
def classify_tokens(texts: tuple[str, ...]) -> str:
    """Return which tokens the meter counts: input, output, cache_read, cache_write; or other if its
    texts do not say it."""
    for text in texts:
        words = {word.lower() for word in _WORD.findall(text)}
        if words & _CACHE:
            return "cache_write" if words & _WRITE else "cache_read"
        if words & _OUTPUT:
            return "output"
        if words & _INPUT:
            return "input"
    return "other"


@lru_cache(maxsize=4096)
def names_tokens(text: str) -> bool:
    return any(word.lower() in _TOKEN for word in _WORD.findall(text))


def count_tokens(quantity: Decimal, unit: str, *, is_token_meter: bool) -> Decimal | None:
    """Return the number of tokens; None if the unit is not tokens. A bare multiple, such as `1K`,
    counts tokens only if the meter is named after them."""
    match = _UNIT.fullmatch(unit.strip())
    if match is None or not unit.strip() or not (match["noun"] or is_token_meter):
        return None
    if not match["noun"] and not (match["number"] or match["scale"]):
        return None
    number = int((match["number"] or "1").replace(",", ""))
    return quantity * number * _SCALES[(match["scale"] or "").lower()]


def _list_candidates(texts: Iterable[Any]) -> tuple[str, ...]:
    """Return the distinct texts that are not empty and contain no email address."""
    candidates: list[str] = []
    for text in texts:
        name = clean(text)
        if name and name not in candidates and not _EMAIL.search(name):
            candidates.append(name)
    return tuple(candidates[:_MAX_CANDIDATES])
