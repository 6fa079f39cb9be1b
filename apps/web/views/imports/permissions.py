"""Permission to import: editors of at least one team, governance and administrators."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from apps.accounts.models import User
from apps.intake.models import Import
from apps.web.pages.form_fields import UserSource, can_import, signed_in_user


def importing_user(request: UserSource) -> User:
    user = signed_in_user(request)
    if not can_import(user):
        raise PermissionDenied(
            "You need the editor role on a team, or the governance role, to import spreadsheets."
        )
    return user


def import_or_404(request: UserSource, pk: int) -> tuple[Import, User]:
    """Return the user's own import, or any for organisation roles that may change data."""
    user = importing_user(request)
    return get_object_or_404(
        Import.objects.visible_to(user).select_related("by", "token", "application"), pk=pk
    ), user


def own_import(request: HttpRequest, pk: int) -> tuple[Import, User]:
    """Return the user's own import only, because it is written in the user's name."""
    import_, user = import_or_404(request, pk)
    if import_.by_id != user.pk:
        raise PermissionDenied(
            "Only the user who uploaded a spreadsheet can continue its import. Upload it "
            "yourself to import it."
        )
    return import_, user
