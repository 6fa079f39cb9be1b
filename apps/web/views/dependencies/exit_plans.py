"""Exit plans and exit tests of a dependency, with the effort that the tests took."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import User
from apps.common.errors import ConflictError
from apps.common.time import day_of, now
from apps.inventory.actions import exits, locks
from apps.inventory.models import Dependency, ExitPlan, ExitTest
from apps.web.pages.page import Headline, render_page
from apps.web.presenters.change_effects import application_state, flash_change
from apps.web.views.applications.edit import application_crumbs
from apps.web.views.applications.lookups import editable_dependency, editable_row, error_response
from apps.web.views.dependencies.forms import ExitTestForm, PlanForm
from apps.web.views.dependencies.offering_picker import (
    build_picker,
    number_in,
    suggest_replacements,
)

_REFUSALS = (ValidationError, ConflictError)


def _get_selected_target(request: HttpRequest, default: int | None) -> int | None:
    value = request.POST.get("target") if request.method == "POST" else request.GET.get("target")
    return number_in(value) if value is not None else default


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def edit_exit_plan(request: HttpRequest, pk: int) -> HttpResponse:
    """Create or change the exit plan of a dependency."""
    dependency, user = editable_dependency(request, pk)
    application = dependency.application
    if request.method == "POST":
        locks.locked_dependency(dependency, by=user)
    row = ExitPlan.objects.filter(dependency=dependency).first()
    instance = ExitPlan.objects.get(pk=row.pk) if row else ExitPlan(dependency=dependency)
    form = PlanForm(request.POST or None, instance=instance, row=row)
    if request.method == "POST" and form.is_valid():
        before = application_state(application, on=day_of(now()))
        try:
            with transaction.atomic():
                exits.set_exit_plan(
                    dependency=dependency,
                    facts=form.facts,
                    by=user,
                    reason=form.cleaned_data["why"],
                )
        except _REFUSALS as error:
            error_response(form, error)
        else:
            sentence = f"The exit plan of {dependency.offering.api_id} was saved."
            flash_change(request, application, before, sentence)
            return redirect("applications:detail", application.slug)
    return render_page(
        request,
        "exits/form.html",
        fragment="hits",
        title="Exit plan",
        crumbs=application_crumbs(application),
        status=422 if request.method == "POST" else 200,
        sentence=Headline(f"Plan the migration off {dependency.offering.api_id}."),
        application=application,
        dependency=dependency,
        form=form,
        rest=_list_form_fields(form),
        picker=build_picker(
            request,
            name="target",
            legend="Target",
            is_optional=True,
            chosen=_get_selected_target(request, row.target_id if row else None),
            suggested=suggest_replacements(dependency),
        ),
        button="Save exit plan",
    )


@require_POST
def remove_exit_plan(request: HttpRequest, pk: int) -> HttpResponse:
    row, user = editable_row(request, ExitPlan.objects.all(), pk)
    application = row.dependency.application
    before = application_state(application, on=day_of(now()))
    exits.remove_exit_plan(plan=row, by=user, reason=request.POST.get("reason", "")[:500])
    sentence = f"The exit plan of {row.dependency.offering.api_id} was removed."
    flash_change(request, application, before, sentence)
    return redirect("applications:detail", application.slug)


@require_http_methods(["GET", "HEAD", "POST"])
def record_exit_test(request: HttpRequest, pk: int) -> HttpResponse:
    dependency, user = editable_dependency(request, pk)
    planned_target_id = (
        ExitPlan.objects.filter(dependency=dependency).values_list("target_id", flat=True).first()
    )
    return _render_test_form(request, dependency, None, user, planned_target_id)


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def correct_exit_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Correct an exit test; a test expires and is not deleted."""
    row, user = editable_row(request, ExitTest.objects.all(), pk)
    if request.method == "POST":
        locks.locked_dependency(row.dependency, by=user)
    return _render_test_form(
        request, row.dependency, ExitTest.objects.get(pk=pk), user, row.target_id
    )


def _render_test_form(
    request: HttpRequest,
    dependency: Dependency,
    row: ExitTest | None,
    user: User,
    target_id: int | None,
) -> HttpResponse:
    """Show the form of an exit test, a new one if `row` is None, and save it on POST. `target_id`
    preselects the target."""
    application = dependency.application
    instance = ExitTest.objects.get(pk=row.pk) if row else ExitTest(dependency=dependency)
    form = ExitTestForm(request.POST or None, instance=instance, row=row)
    if request.method == "POST" and form.is_valid():
        before = application_state(application, on=day_of(now()))
        try:
            with transaction.atomic():
                _save_exit_test(dependency, row, dict(form.facts), user, form.cleaned_data["why"])
        except _REFUSALS as error:
            error_response(form, error)
        else:
            values = {
                "id": dependency.offering.api_id,
                "target": form.cleaned_data["target"].api_id,
            }
            recorded_template = "The exit test from {id} to {target} was recorded."
            corrected_template = "The exit test from {id} to {target} was corrected."
            flash_change(
                request,
                application,
                before,
                (recorded_template if row is None else corrected_template).format(**values),
            )
            return redirect("applications:detail", application.slug)
    return render_page(
        request,
        "exits/form.html",
        fragment="hits",
        title="Exit test",
        crumbs=application_crumbs(application),
        status=422 if request.method == "POST" else 200,
        sentence=Headline(
            f"Record the result of a migration test off {dependency.offering.api_id}."
        ),
        application=application,
        dependency=dependency,
        form=form,
        rest=_list_form_fields(form),
        picker=build_picker(
            request,
            name="target",
            legend="Target",
            chosen=_get_selected_target(request, target_id),
            suggested=suggest_replacements(dependency),
        ),
        button="Record exit test" if row is None else "Save corrections",
    )


def _save_exit_test(
    dependency: Dependency, row: ExitTest | None, facts: dict[str, Any], user: User, reason: str
) -> None:
    if row is not None:
        exits.correct_exit_test(exit_test=row, facts=facts, by=user, reason=reason)
        return
    exits.record_exit_test(
        dependency=dependency,
        target=facts.pop("target"),
        tested_on=facts.pop("tested_on"),
        result=facts.pop("result"),
        facts=facts,
        by=user,
        reason=reason,
    )


def _list_form_fields(form: PlanForm | ExitTestForm) -> list[Any]:
    """Return the visible fields without the target, which is selected beside them."""
    return [field for field in form.visible_fields() if field.name != "target"]
