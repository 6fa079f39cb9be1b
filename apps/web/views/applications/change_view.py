"""A change of an application by POST, confirmed with its effects on runway and findings."""

from collections.abc import Callable

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from apps.common.time import day_of, now
from apps.inventory.models import Application
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
