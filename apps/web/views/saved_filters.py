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

# a page number or an order of another day says nothing about what is wanted
_LEFT_OUT = {"page", "csrfmiddlewaretoken"}


@require_POST
def save_filter(request: HttpRequest) -> HttpResponse:
    """Save a filter; `path` and `query` are those of the list; an existing name takes the new
    query."""
    user = signed_in_user(request)
    path, name = request.POST.get("path", ""), " ".join(request.POST.get("name", "").split())
    pairs = parse_qsl(request.POST.get("query", "").removeprefix("?"))
    query = urlencode([(key, value) for key, value in pairs if key not in _LEFT_OUT])
    try:
        resolve(path)
    except Resolver404:
        return redirect("home:overview")
    address = f"{path}?{query}" if query else path
    if not name:
        flash_error(request, "Enter a name for the filter.")
        return redirect(address)
    found = SavedFilter.objects.filter(user=user, path=path, name=name).first() or SavedFilter(
        user=user, path=path, name=name
    )
    found.query, found.is_shared = query, "shared" in request.POST
    try:
        found.full_clean(exclude=["user"])
        with transaction.atomic():
            found.save()
    except (ValidationError, IntegrityError) as wrong:
        flash_error(
            request,
            " ".join(
                getattr(
                    wrong, "messages", ["Another filter has this name. Enter a different name."]
                )
            ),
        )
    else:
        flash_success(request, f"The filter “{name}” was saved. Find it above this list.")
    return redirect(address)


@require_POST
def delete_filter(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(SavedFilter.objects.filter(user=signed_in_user(request)), pk=pk)
    found.delete()
    flash_success(request, f"The filter “{found.name}” was deleted.")
    return redirect(found.path)
