"""Normalisation of model IDs as scanners and hand-made documents write them, as far as the text
itself allows."""

import re
from typing import Any

from apps.inventory.models import Dependency

# what is split off an id as its version, and belongs to it: a day, a month and day, a year and
# month
_DATED = re.compile(r"\d{4}-\d{2}-\d{2}|\d{8}|\d{6}|\d{4}|\d{2}-\d{2}")
# an id of Amazon Bedrock says so by itself: [profile region.]maker.model, with or without its
# version
_BEDROCK = re.compile(
    r"(?:(?:us|eu|apac|global|jp|au|ca|sa|us-gov)\.)?"
    r"(?:anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|qwen|stability|writer|twelvelabs|luma|nvidia|minimax"
    r"|moonshot|moonshotai|google|zai)\.[a-z0-9][\w.-]*(?::\d+(?::\w+)?)?"
)
# no provider: what scanners write where they know none
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
    """Return the id of a name whose date was split off as its version: gpt-4o and 2024-08-06."""
    if _DATED.fullmatch(version) and version not in name and version.replace("-", "") not in name:
        return f"{name}-{version}"
    return name


def host_of(model: str, said: str) -> str:
    """Return the provider: as the document states, unless the id itself belongs to another host."""
    if _BEDROCK.fullmatch(model.removeprefix("bedrock/")):
        return "bedrock"
    return "" if said.lower() in _UNKNOWN_PROVIDERS else said


def role_of(*hints: Any) -> str:
    """Return the role that a task, a kind or a description implies; empty if none."""
    words = " ".join(hint for hint in hints if isinstance(hint, str))
    if _EMBEDDING.search(words):
        return Dependency.Role.EMBEDDING
    if _RERANKING.search(words):
        return Dependency.Role.RERANKER
    return Dependency.Role.GUARDRAIL if _GUARDING.search(words) else ""
