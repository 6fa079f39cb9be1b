"""Deployment lookup by name: which stored rows apply, and which model ID they resolve to, as
text."""

import re
from collections.abc import Iterable

from apps.intake.models import Deployment

# a day or a release; a plain number counts what the host uploaded
_IS_SNAPSHOT = re.compile(r"\d{4}|[a-z]", re.I)
_MAX_LISTED = 4


def deployed_api_id(model: str, version: str) -> str:
    """Return the id of the model as one text: `gpt-4o` and `2024-11-20` are `gpt-4o-2024-11-20`."""
    return f"{model}-{version}" if _IS_SNAPSHOT.search(version) else model


def current_deployments(rows: list[Deployment]) -> list[Deployment]:
    """Return the deployments that are still stated; if none is, the past ones: the name keeps its
    meaning."""
    return [each for each in rows if each.missing_since is None] or rows


def describe_deployments(rows: Iterable[Deployment]) -> str:
    """Describe the deployments of one name and their sources."""
    said = sorted(
        {
            f"{each.model} {each.version}".rstrip()
            + (f" in {each.account}" if each.account else "")
            for each in rows
        }
    )
    more = f" and {len(said) - _MAX_LISTED} more" if len(said) > _MAX_LISTED else ""
    name = next((each.name for each in rows), "")
    return f"'{name}' is deployed as {', '.join(said[:_MAX_LISTED])}{more}"
