"""Lookup of an application, or of a record of it, by URL, and whether the user may change it."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.inventory.models import Adaptation, Application, Dependency, ExitPlan, ExitTest
from apps.inventory.models.exits import OfDependencyQuerySet
from apps.web.pages.form_fields import signed_in_user

DEPENDENCY_RELATIONS = (
    "application__team",
    "offering__host",
    "offering__version__foundation__developer",
    "via_party",
)


def application_or_404(request: HttpRequest, slug: str) -> Application:
    application = (
        Application.objects.visible_to(request.user)
        .with_owners()
        .select_related("team", "merged_into")
        .filter(slug=slug)
        .first()
    )
    if application is None:
        raise Http404
    return application


def can_edit(user: User, application: Application) -> bool:
    return user.may(TeamRole.EDITOR, application.team_id)


def require_editor(user: User, application: Application) -> None:
    if not can_edit(user, application):
        raise PermissionDenied(
            f"You need the editor role on {application.team.name} to change this."
        )


def editable_application(request: HttpRequest, slug: str) -> tuple[Application, User]:
    user = signed_in_user(request)
    application = application_or_404(request, slug)
    require_editor(user, application)
    return application, user


def visible_dependency(request: HttpRequest, pk: int) -> tuple[Dependency, User]:
    user = signed_in_user(request)
    dependency = (
        Dependency.objects.visible_to(user)
        .select_related(*DEPENDENCY_RELATIONS)
        .filter(pk=pk)
        .first()
    )
    if dependency is None:
        raise Http404
    return dependency, user


def editable_dependency(request: HttpRequest, pk: int) -> tuple[Dependency, User]:
    dependency, user = visible_dependency(request, pk)
    require_editor(user, dependency.application)
    return dependency, user


def editable_row[M: Adaptation | ExitPlan | ExitTest](
    request: HttpRequest, rows: OfDependencyQuerySet[M], pk: int
) -> tuple[M, User]:
    """Return an adaptation, exit plan or exit test."""
    user = signed_in_user(request)
    row = (
        rows.visible_to(user)
        .select_related("dependency__application__team", "dependency__offering__host")
        .filter(pk=pk)
        .first()
    )
    if row is None:
        raise Http404
    require_editor(user, row.dependency.application)
    return row, user
