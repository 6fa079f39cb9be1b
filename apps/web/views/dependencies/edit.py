"""Pages to edit, confirm, end and reopen a dependency, and to order fallbacks."""

from collections.abc import Callable

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from apps.common.errors import ConflictError
from apps.common.text import format_date
from apps.common.time import day_of, now
from apps.inventory.actions import dependencies as actions_dependencies
from apps.inventory.actions import locks
from apps.inventory.models import Dependency
from apps.web.pages.flash_messages import flash_error
from apps.web.pages.page import Headline, render_page
from apps.web.presenters.change_effects import application_state, flash_change
from apps.web.views.applications.edit import application_crumbs
from apps.web.views.applications.lookups import (
    editable_application,
    editable_dependency,
    error_response,
)
from apps.web.views.dependencies.forms import DependencyForm, EndForm, ReopenForm

_REFUSALS = (ValidationError, ConflictError)


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def edit_dependency(request: HttpRequest, pk: int) -> HttpResponse:
    """Edit a dependency; the confirmation names what changed for the application."""
    dependency, user = editable_dependency(request, pk)
    application = dependency.application
    if request.method == "POST":
        locks.locked_dependency(dependency, by=user)
    stored_dependency = Dependency.objects.get(pk=pk)
    form = DependencyForm(
        request.POST or None, instance=Dependency.objects.get(pk=pk), row=stored_dependency
    )
    if request.method == "POST" and form.is_valid():
        before = application_state(application, on=day_of(now()))
        try:
            with transaction.atomic():
                actions_dependencies.change_dependency(
                    dependency=stored_dependency,
                    facts=form.facts,
                    by=user,
                    reason=form.cleaned_data["reason"],
                )
        except _REFUSALS as error:
            error_response(form, error)
        else:
            sentence = f"The dependency on {dependency.offering.api_id} was changed."
            flash_change(request, application, before, sentence)
            return redirect("applications:detail", application.slug)
    return render_page(
        request,
        "applications/step.html",
        title=f"Edit dependency on {dependency.offering.api_id}",
        crumbs=application_crumbs(application),
        status=422 if request.method == "POST" else 200,
        sentence=Headline(f"Edit how {application.name} uses {dependency.offering.api_id}."),
        basis="To use another model, replace it. To change its dates, end or reopen it.",
        application=application,
        called=dependency.get_role_display(),
        form=form,
        button="Save dependency",
    )


@require_POST
def confirm_dependency(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm the use: an observed dependency is declared from now on."""
    dependency, user = editable_dependency(request, pk)
    today = day_of(now())
    before = application_state(dependency.application, on=today)
    try:
        actions_dependencies.confirm_dependency(
            dependency=dependency, on=today, by=user, reason=request.POST.get("reason", "")[:500]
        )
    except _REFUSALS as refusal:
        flash_error(request, _join_messages(refusal))
    else:
        sentence = f"Confirmed:  {dependency.offering.api_id} is used."
        flash_change(request, dependency.application, before, sentence)
    return redirect("applications:detail", dependency.application.slug)


@require_http_methods(["GET", "HEAD", "POST"])
def end_dependency(request: HttpRequest, pk: int) -> HttpResponse:
    """End a dependency on a date."""
    dependency, user = editable_dependency(request, pk)
    form = EndForm(request.POST or None, initial={"on": day_of(now())})

    def act() -> str:
        cleaned = form.cleaned_data
        actions_dependencies.end_dependency(
            dependency=dependency, on=cleaned["on"], by=user, reason=cleaned["reason"]
        )
        return f"{dependency.offering.api_id} is not used from {format_date(cleaned['on'])} on."

    return _render_step(
        request,
        dependency,
        form,
        act,
        question=f"End the dependency on {dependency.offering.api_id}.",
        basis="It stays in the history with its exit tests, and can be reopened.",
        button="End dependency",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def reopen_dependency(request: HttpRequest, pk: int) -> HttpResponse:
    """Reopen a dependency that has ended."""
    dependency, user = editable_dependency(request, pk)
    form = ReopenForm(request.POST or None)

    def act() -> str:
        cleaned = form.cleaned_data
        actions_dependencies.reopen_dependency(
            dependency=dependency, by=user, until=cleaned["until"], reason=cleaned["reason"]
        )
        return f"{dependency.offering.api_id} is in use again."

    return _render_step(
        request,
        dependency,
        form,
        act,
        question=f"Reopen the dependency on {dependency.offering.api_id}.",
        basis="The recorded end is removed, or moved to a later date.",
        button="Reopen dependency",
    )


def _render_step(
    request: HttpRequest,
    dependency: Dependency,
    form: EndForm | ReopenForm,
    act: Callable[[], str],
    *,
    question: str,
    basis: str,
    button: str,
) -> HttpResponse:
    """Ask for a confirmation with a form, and run `act` on a valid POST; it returns the message to
    flash."""
    application = dependency.application
    if request.method == "POST" and form.is_valid():
        before = application_state(application, on=day_of(now()))
        try:
            sentence = act()
        except _REFUSALS as error:
            error_response(form, error)
        else:
            flash_change(request, application, before, sentence)
            return redirect("applications:detail", application.slug)
    return render_page(
        request,
        "applications/step.html",
        title=question,
        crumbs=application_crumbs(application),
        status=422 if request.method == "POST" else 200,
        sentence=Headline(question),
        basis=basis,
        application=application,
        called=dependency.get_role_display(),
        form=form,
        button=button,
    )


@require_POST
@transaction.atomic
def order_fallbacks(request: HttpRequest, slug: str) -> HttpResponse:
    """Set the numbers of the fallbacks, all in one change."""
    application, user = editable_application(request, slug)
    fallbacks = application.dependencies.filter(role=Dependency.Role.FALLBACK, until__isnull=True)
    before = application_state(application, on=day_of(now()))
    numbers_by_dependency = {}
    for row in fallbacks:
        text = request.POST.get(f"order-{row.pk}", "")
        if not text.isdecimal() or not 0 < int(text) < 100:
            flash_error(
                request, "Number the fallbacks 1, 2, 3 in the order in which they are called."
            )
            return redirect("applications:detail", application.slug)
        numbers_by_dependency[row] = int(text)
    for row, number in numbers_by_dependency.items():
        actions_dependencies.change_dependency(
            dependency=row,
            facts={"fallback_order": number},
            by=user,
            reason=request.POST.get("reason", "")[:500],
        )
    flash_change(request, application, before, "The order of the fallbacks was changed.")
    return redirect("applications:detail", application.slug)


def _join_messages(refusal: Exception) -> str:
    return " ".join(refusal.messages) if isinstance(refusal, ValidationError) else str(refusal)
