"""Reads over applications and dependencies."""

from typing import Any

from django.db.models import QuerySet

from apps.accounts.models import Team
from apps.accounts.roles import TeamRole
from apps.inventory.models import Application, ApplicationQuerySet, Dependency, DependencyQuerySet


def applications_seen_by(*, user: Any) -> ApplicationQuerySet:
    """What the user may read, gravest first, with its team."""
    return Application.objects.visible_to(user).select_related("team").order_by("criticality", "pk")


def dependency_history(*, application: Application) -> DependencyQuerySet:
    """Everything the application has ever used, ended rows included, latest first, with what stands below."""
    return (
        Dependency.objects.filter(application=application)
        .select_related("offering__host", "offering__version__foundation__developer", "offering__alias", "via_party")
        .order_by("-since", "-pk")
    )


def teams_editable_by(*, user: Any) -> QuerySet[Team]:
    """The teams whose applications the user may change, by name."""
    if not user.is_authenticated:
        return Team.objects.none()
    if user.governs:
        return Team.objects.order_by("name")
    editable = [team_id for team_id, rank in user.team_roles().items() if rank >= TeamRole.EDITOR.rank]
    return Team.objects.filter(pk__in=editable).order_by("name")
