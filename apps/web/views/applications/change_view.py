"""A change of an application by POST, confirmed with its effects on runway and findings."""

from collections.abc import Callable
from copy import copy

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from apps.accounts.models import User
from apps.common.time import day_of, now
from apps.inventory.actions import locks
from apps.inventory.models import Adaptation, Application, Dependency, ExitTest
from apps.web.pages.action_view import action_view
from apps.web.presenters.change_effects import ApplicationState, application_state, confirm_change


def change_view[F: forms.BaseForm, R](
    request: HttpRequest,
    application: Application,
    *,
    action: Callable[[F], R],
    done: str | Callable[[R], str],
    form: Callable[[], F] | None = None,
    page: Callable[[F], HttpResponse] | None = None,
    back: str = "",
) -> HttpResponse:
    """Return an `action_view` whose confirmation adds the effects and the undo to the sentence of
    `done`. It redirects to the page of the application unless `back` is another URL."""

    def act(bound: F) -> tuple[ApplicationState, R]:
        before = application_state(application, on=day_of(now()))
        return before, action(bound)

    return action_view(
        request,
        form=form,
        action=act,
        done=lambda outcome: confirm_change(
            application, outcome[0], done if isinstance(done, str) else done(outcome[1])
        ),
        back=back or reverse("applications:detail", args=[application.slug]),
        page=page,
    )


def locked_form[F: forms.BaseForm](
    form_class: Callable[..., F],
    request: HttpRequest,
    row: Dependency | Adaptation | ExitTest,
    *,
    dependency: Dependency,
    by: User,
) -> F:
    """Return the form of a dependency or of a record of it. A POST locks the dependency and reads
    the record afterwards; raises Http404 if it no longer exists."""
    if request.method == "POST":
        locks.locked_dependency(dependency, by=by)
    stored = get_object_or_404(type(row)._default_manager, pk=row.pk)
    # the form changes its instance, the row keeps the stored values
    return form_class(request.POST or None, instance=copy(stored), row=stored)
