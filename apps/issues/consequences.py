"""Consequences of issues for their application, as sentences: the models that are affected, and how
long the migration takes."""

from collections.abc import Iterable, Mapping

from apps.common.text import pluralize
from apps.inventory.models import Dependency
from apps.issues.models import CauseKind, Issue

MAX_DEPENDENCIES = 5
_BASES = {"test": ", as in the last exit test", "estimate": ", by the exit plan"}


def issue_consequences(issues: Iterable[Issue]) -> dict[int, tuple[str, ...]]:
    """Return {issue: its consequences}, for issues whose cause is loaded; one statement."""
    issues = list(issues)
    ids = {issue.pk: _dependency_ids(issue) for issue in issues}
    wanted = {pk for pks in ids.values() for pk in pks}
    loaded = Dependency.objects.select_related("offering__host").in_bulk(wanted) if wanted else {}
    return {issue.pk: (*_affected(ids[issue.pk], loaded), *_effort(issue)) for issue in issues}


def list_consequences(issue: Issue, dependencies: Iterable[Dependency]) -> tuple[str, ...]:
    """Return the consequences of one issue, from those of its dependencies that the reader can
    view."""
    loaded = {dependency.pk: dependency for dependency in dependencies}
    return (*_affected(_dependency_ids(issue), loaded), *_effort(issue))


def _dependency_ids(issue: Issue) -> list[int]:
    values = issue.details.get("dependencies") or [issue.details.get("dependency")]
    return [value["dependency"] if isinstance(value, dict) else value for value in values if value]


def _affected(ids: list[int], loaded: Mapping[int, Dependency]) -> list[str]:
    dependencies = [loaded[pk] for pk in ids if pk in loaded]
    sentences = []
    for dependency in dependencies[:MAX_DEPENDENCIES]:
        role = (
            "primary model"
            if dependency.role == Dependency.Role.PRIMARY
            else dependency.get_role_display().lower()
        )
        offering = dependency.offering
        sentences.append(f"Affects the {role} {offering.api_id} on {offering.host}.")
    if n_more := len(dependencies) - len(sentences):
        sentences.append(pluralize(n_more, "And 1 more model.", f"And {n_more} more models."))
    return sentences


def _effort(issue: Issue) -> list[str]:
    days = issue.details.get("effort_days")
    if issue.cause.kind != CauseKind.RETIREMENT or days is None:
        return []
    basis = _BASES.get(issue.details.get("basis", ""), "")
    return [
        pluralize(
            days, f"The migration takes 1 day{basis}.", f"The migration takes {days:g} days{basis}."
        )
    ]
