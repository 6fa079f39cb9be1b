"""Normalisation of model IDs as scanners and hand-made documents write them, as far as the text
itself allows."""

import re
from typing import Any

from apps.inventory.models import Dependency

# dates that scanners split off an id as its version: a day, a month and day, a year and month
_DATE_SUFFIX = re.compile(r"\d{4}-\d{2}-\d{2}|\d{8}|\d{6}|\d{4}|\d{2}-\d{2}")
# ids of Amazon Bedrock are recognisable: [profile region.]maker.model, with or without version
_BEDROCK_ID = re.compile(
    r"(?:(?:us|eu|apac|global|jp|au|ca|sa|us-gov)\.)?"
    r"(?:anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|qwen|stability|writer|twelvelabs|luma|nvidia|minimax"
    r"|moonshot|moonshotai|google|zai)\.[a-z0-9][\w.-]*(?::\d+(?::\w+)?)?"
)
# texts that scanners write if they do not know the provider
_UNKNOWN_PROVIDERS = {
    "",
    "ai",
    "unknown",
    "none",
    "null",
    "n/a",
    "noassertion",
    "generic",
    "other",
    "local",
}
_EMBEDDING = re.compile(r"embed|sentence.similarity|feature.extraction", re.I)
_RERANKING = re.compile(r"rerank|text.ranking|cross.encoder", re.I)
_GUARDING = re.compile(r"moderation|guardrail|safety.classif", re.I)


def join_version(name: str, version: str) -> str:
    """Return the complete id of a model if its date was split off as the version: gpt-4o and
    2024-08-06 become gpt-4o-2024-08-06."""
    if (
        _DATE_SUFFIX.fullmatch(version)
        and version not in name
        and version.replace("-", "") not in name
    ):
        return f"{name}-{version}"
    return name


def host_of(model: str, provider: str) -> str:
    """Return the stated provider, unless the id itself is one of Amazon Bedrock; empty if
    unknown."""
    if _BEDROCK_ID.fullmatch(model.removeprefix("bedrock/")):
        return "bedrock"
    return "" if provider.lower() in _UNKNOWN_PROVIDERS else provider


def role_of(*hints: Any) -> str:
    """Return the role that a task, a kind or a description implies; empty if none."""
    text = " ".join(hint for hint in hints if isinstance(hint, str))
    if _EMBEDDING.search(text):
        return Dependency.Role.EMBEDDING
    if _RERANKING.search(text):
        return Dependency.Role.RERANKER
    return Dependency.Role.GUARDRAIL if _GUARDING.search(text) else ""
