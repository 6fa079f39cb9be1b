"""Deployments of one name: the rows that apply, their model ID, and their description."""

import re
from collections.abc import Iterable

from apps.intake.models import Deployment

# a date or a release is part of the model ID; a plain number only counts uploads of the host
_IS_SNAPSHOT = re.compile(r"\d{4}|[a-z]", re.I)
_MAX_LISTED = 4


def deployed_api_id(model: str, version: str) -> str:
    """Return the model ID with its version: `gpt-4o` and `2024-11-20` are `gpt-4o-2024-11-20`."""
    return f"{model}-{version}" if _IS_SNAPSHOT.search(version) else model


def current_deployments(rows: list[Deployment]) -> list[Deployment]:
    """Return the deployments that are still reported; if there are none, the past ones, because the
    name keeps its meaning."""
    return [row for row in rows if row.missing_since is None] or rows


def describe_deployments(rows: Iterable[Deployment]) -> str:
    """Describe the models and accounts of the deployments of one name."""
    descriptions = sorted(
        {
            f"{row.model} {row.version}".rstrip() + (f" in {row.account}" if row.account else "")
            for row in rows
        }
    )
    remainder_text = (
        f" and {len(descriptions) - _MAX_LISTED} more" if len(descriptions) > _MAX_LISTED else ""
    )
    name = next((row.name for row in rows), "")
    return f"'{name}' is deployed as {', '.join(descriptions[:_MAX_LISTED])}{remainder_text}"
