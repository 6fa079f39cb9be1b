"""Saved filters of lists: save one under a name, share it, delete it."""

from urllib.parse import parse_qsl, urlencode

from django import forms
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import Resolver404, resolve
from django.views.decorators.http import require_POST

from apps.accounts.models import SavedFilter
from apps.common.errors import ConflictError, DomainError
from apps.web.pages.action_view import action_view
from apps.web.pages.form_fields import signed_in_user

# parameters of the list's URL that are no filters
_UNSAVED_PARAMETERS = {"page", "csrfmiddlewaretoken"}


@require_POST
def save_filter(request: HttpRequest) -> HttpResponse:
    """Save the filter of a list, given by `path` and `query`. An existing filter of that name is
    replaced."""
    user = signed_in_user(request)
    path, name = request.POST.get("path", ""), " ".join(request.POST.get("name", "").split())
    parameters = parse_qsl(request.POST.get("query", "").removeprefix("?"))
    query = urlencode([(key, value) for key, value in parameters if key not in _UNSAVED_PARAMETERS])
    try:
        resolve(path)
    except Resolver404:
        return redirect("home:overview")

    def save(_form: forms.Form) -> None:
        if not name:
            raise DomainError("Enter a name for the filter.")
        key = {"user": user, "path": path, "name": name}
        saved_filter = SavedFilter.objects.filter(**key).first() or SavedFilter(**key)
        saved_filter.query, saved_filter.is_shared = query, "shared" in request.POST
        saved_filter.full_clean(exclude=["user"])
        try:
            saved_filter.save()
        except IntegrityError:
            raise ConflictError("Another filter has this name. Enter a different name.") from None

    return action_view(
        request,
        action=save,
        done=f"The filter “{name}” was saved. Find it above this list.",
        back=f"{path}?{query}" if query else path,
    )


@require_POST
def delete_filter(request: HttpRequest, pk: int) -> HttpResponse:
    saved_filter = get_object_or_404(
        SavedFilter.objects.filter(user=signed_in_user(request)), pk=pk
    )
    return action_view(
        request,
        action=lambda _form: saved_filter.delete(),
        done=f"The filter “{saved_filter.name}” was deleted.",
        back=saved_filter.path,
    )
