"""Saved filters of lists: save one under a name, share it, delete it."""

from urllib.parse import parse_qsl, urlencode

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import Resolver404, resolve
from django.views.decorators.http import require_POST

from apps.accounts.models import SavedFilter
from apps.web.pages.flash_messages import flash_error, flash_success
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
    address = f"{path}?{query}" if query else path
    if not name:
        flash_error(request, "Enter a name for the filter.")
        return redirect(address)
    saved_filter = SavedFilter.objects.filter(
        user=user, path=path, name=name
    ).first() or SavedFilter(user=user, path=path, name=name)
    saved_filter.query, saved_filter.is_shared = query, "shared" in request.POST
    try:
        saved_filter.full_clean(exclude=["user"])
        with transaction.atomic():
            saved_filter.save()
    except (ValidationError, IntegrityError) as error:
        flash_error(
            request,
            " ".join(
                getattr(
                    error, "messages", ["Another filter has this name. Enter a different name."]
                )
            ),
        )
    else:
        flash_success(request, f"The filter “{name}” was saved. Find it above this list.")
    return redirect(address)


@require_POST
def delete_filter(request: HttpRequest, pk: int) -> HttpResponse:
    saved_filter = get_object_or_404(
        SavedFilter.objects.filter(user=signed_in_user(request)), pk=pk
    )
    saved_filter.delete()
    flash_success(request, f"The filter “{saved_filter.name}” was deleted.")
    return redirect(saved_filter.path)
