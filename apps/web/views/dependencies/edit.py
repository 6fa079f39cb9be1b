"""Pages to edit, confirm, end and reopen a dependency, and to order fallbacks."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from apps.common.errors import DomainError
from apps.common.text import format_date
from apps.common.time import day_of, now
from apps.inventory.actions import dependencies as actions_dependencies
from apps.inventory.models import Dependency
from apps.web.pages.page import Headline, render_page
from apps.web.views.applications.change_view import change_view, locked_form
from apps.web.views.applications.edit import application_crumbs
from apps.web.views.applications.lookups import editable_application, editable_dependency
from apps.web.views.dependencies.forms import DependencyForm, EndForm, ReopenForm


@require_http_methods(["GET", "HEAD", "POST"])
def edit_dependency(request: HttpRequest, pk: int) -> HttpResponse:
    """Edit a dependency; the confirmation names what changed for the application."""
    dependency, user = editable_dependency(request, pk)
    application = dependency.application
    return change_view(
        request,
        application,
        form=lambda: locked_form(
            DependencyForm, request, dependency, dependency=dependency, by=user
        ),
        action=lambda form: actions_dependencies.change_dependency(
            dependency=dependency, facts=form.facts, by=user, reason=form.cleaned_data["reason"]
        ),
        done=f"The dependency on {dependency.offering.api_id} was changed.",
        page=lambda form: _render_step(
            request,
            dependency,
            form,
            title=f"Edit dependency on {dependency.offering.api_id}",
            question=f"Edit how {application.name} uses {dependency.offering.api_id}.",
            basis="To use another model, replace it. To change its dates, end or reopen it.",
            button="Save dependency",
        ),
    )


@require_POST
def confirm_dependency(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm the use: an observed dependency is declared from now on."""
    dependency, user = editable_dependency(request, pk)
    return change_view(
        request,
        dependency.application,
        action=lambda _form: actions_dependencies.confirm_dependency(
            dependency=dependency,
            on=day_of(now()),
            by=user,
            reason=request.POST.get("reason", "")[:500],
        ),
        done=f"Confirmed: {dependency.offering.api_id} is used.",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def end_dependency(request: HttpRequest, pk: int) -> HttpResponse:
    """End a dependency on a date."""
    dependency, user = editable_dependency(request, pk)
    api_id = dependency.offering.api_id

    def end(form: EndForm) -> str:
        cleaned = form.cleaned_data
        actions_dependencies.end_dependency(
            dependency=dependency, on=cleaned["on"], by=user, reason=cleaned["reason"]
        )
        return f"{api_id} is not used from {format_date(cleaned['on'])} on."

    return change_view(
        request,
        dependency.application,
        form=lambda: EndForm(request.POST or None, initial={"on": day_of(now())}),
        action=end,
        done=str,
        page=lambda form: _render_step(
            request,
            dependency,
            form,
            question=f"End the dependency on {api_id}.",
            basis="It stays in the history with its exit tests, and can be reopened.",
            button="End dependency",
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def reopen_dependency(request: HttpRequest, pk: int) -> HttpResponse:
    """Reopen a dependency that has ended."""
    dependency, user = editable_dependency(request, pk)
    return change_view(
        request,
        dependency.application,
        form=lambda: ReopenForm(request.POST or None),
        action=lambda form: actions_dependencies.reopen_dependency(
            dependency=dependency,
            by=user,
            until=form.cleaned_data["until"],
            reason=form.cleaned_data["reason"],
        ),
        done=f"{dependency.offering.api_id} is in use again.",
        page=lambda form: _render_step(
            request,
            dependency,
            form,
            question=f"Reopen the dependency on {dependency.offering.api_id}.",
            basis="The recorded end is removed, or moved to a later date.",
            button="Reopen dependency",
        ),
    )


def _render_step(
    request: HttpRequest,
    dependency: Dependency,
    form: DependencyForm | EndForm | ReopenForm,
    *,
    question: str,
    basis: str,
    button: str,
    title: str = "",
) -> HttpResponse:
    application = dependency.application
    return render_page(
        request,
        "applications/step.html",
        title=title or question,
        crumbs=application_crumbs(application),
        sentence=Headline(question),
        basis=basis,
        application=application,
        called=dependency.get_role_display(),
        form=form,
        button=button,
    )


@require_POST
def order_fallbacks(request: HttpRequest, slug: str) -> HttpResponse:
    """Set the numbers of the fallbacks, all in one change."""
    application, user = editable_application(request, slug)
    fallbacks = application.dependencies.filter(role=Dependency.Role.FALLBACK, until__isnull=True)

    def order(_form: forms.Form) -> None:
        texts = {row: request.POST.get(f"order-{row.pk}", "") for row in fallbacks}
        if not all(text.isdecimal() and 0 < int(text) < 100 for text in texts.values()):
            raise DomainError("Number the fallbacks 1, 2, 3 in the order in which they are called.")
        for row, text in texts.items():
            actions_dependencies.change_dependency(
                dependency=row,
                facts={"fallback_order": int(text)},
                by=user,
                reason=request.POST.get("reason", "")[:500],
            )

    return change_view(
        request, application, action=order, done="The order of the fallbacks was changed."
    )
