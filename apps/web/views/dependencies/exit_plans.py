"""Exit plans and exit tests of a dependency, with the effort that the tests took."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import User
from apps.catalog.models import Offering
from apps.common.time import day_of, now
from apps.inventory.actions import exits, locks
from apps.inventory.candidate_checks import breaks_of, replacement_of
from apps.inventory.models import Dependency, ExitPlan, ExitTest
from apps.web.pages.page import Headline, render_page
from apps.web.views.applications.change_view import change_view, locked_form
from apps.web.views.applications.edit import application_crumbs
from apps.web.views.applications.lookups import editable_dependency, editable_row
from apps.web.views.dependencies.forms import ExitTestForm, PlanForm
from apps.web.views.dependencies.offering_picker import (
    build_picker,
    number_in,
    suggest_replacements,
)


def _get_selected_target(request: HttpRequest, default: int | None) -> int | None:
    value = request.POST.get("target") if request.method == "POST" else request.GET.get("target")
    return number_in(value) if value is not None else default


@require_http_methods(["GET", "HEAD", "POST"])
def edit_exit_plan(request: HttpRequest, pk: int) -> HttpResponse:
    """Create or change the exit plan of a dependency."""
    dependency, user = editable_dependency(request, pk)
    api_id = dependency.offering.api_id

    def make_form() -> PlanForm:
        if request.method == "POST":
            locks.locked_dependency(dependency, by=user)
        row = ExitPlan.objects.filter(dependency=dependency).first()
        instance = ExitPlan.objects.get(pk=row.pk) if row else ExitPlan(dependency=dependency)
        return PlanForm(request.POST or None, instance=instance, row=row)

    return change_view(
        request,
        dependency.application,
        form=make_form,
        action=lambda form: _save_exit_plan(dependency, form, user),
        done=f"The exit plan of {api_id} was saved.",
        page=lambda form: _render_form(
            request,
            dependency,
            form,
            title="Exit plan",
            question=f"Plan the migration off {api_id}.",
            target_id=form.row.target_id if isinstance(form.row, ExitPlan) else None,
            button="Save exit plan",
        ),
    )


def _save_exit_plan(dependency: Dependency, form: PlanForm, user: User) -> ExitPlan:
    """Save the plan. A new target that breaks something must be confirmed."""
    target: Offering | None = form.cleaned_data["target"]
    planned = form.row.target_id if isinstance(form.row, ExitPlan) else None
    if target is not None and target.pk != planned:
        breaks = breaks_of(replacement_of(dependency), target, on=day_of(now()))
        form.require_confirmation(breaks, target)
    return exits.set_exit_plan(
        dependency=dependency, facts=form.facts, by=user, reason=form.cleaned_data["why"]
    )


@require_POST
def remove_exit_plan(request: HttpRequest, pk: int) -> HttpResponse:
    plan, user = editable_row(request, ExitPlan.objects.all(), pk)
    return change_view(
        request,
        plan.dependency.application,
        action=lambda _form: exits.remove_exit_plan(
            plan=plan, by=user, reason=request.POST.get("reason", "")[:500]
        ),
        done=f"The exit plan of {plan.dependency.offering.api_id} was removed.",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def record_exit_test(request: HttpRequest, pk: int) -> HttpResponse:
    dependency, user = editable_dependency(request, pk)
    planned_target_id = (
        ExitPlan.objects.filter(dependency=dependency).values_list("target_id", flat=True).first()
    )
    return _exit_test_view(
        request,
        dependency,
        form=lambda: ExitTestForm(
            request.POST or None, instance=ExitTest(dependency=dependency), row=None
        ),
        action=lambda form: _record_exit_test(dependency, form, user),
        verb="recorded",
        target_id=planned_target_id,
        button="Record exit test",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def correct_exit_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Correct an exit test; a test expires and is not deleted."""
    exit_test, user = editable_row(request, ExitTest.objects.all(), pk)
    return _exit_test_view(
        request,
        exit_test.dependency,
        form=lambda: locked_form(
            ExitTestForm, request, exit_test, dependency=exit_test.dependency, by=user
        ),
        action=lambda form: exits.correct_exit_test(
            exit_test=exit_test, facts=form.facts, by=user, reason=form.cleaned_data["why"]
        ),
        verb="corrected",
        target_id=exit_test.target_id,
        button="Save corrections",
    )


def _exit_test_view(
    request: HttpRequest,
    dependency: Dependency,
    *,
    form: Callable[[], ExitTestForm],
    action: Callable[[ExitTestForm], ExitTest],
    verb: str,
    target_id: int | None,
    button: str,
) -> HttpResponse:
    """Return the view of a new or stored exit test. `target_id` preselects the target."""
    api_id = dependency.offering.api_id
    return change_view(
        request,
        dependency.application,
        form=form,
        action=action,
        done=lambda test: f"The exit test from {api_id} to {test.target.api_id} was {verb}.",
        page=lambda bound: _render_form(
            request,
            dependency,
            bound,
            title="Exit test",
            question=f"Record the result of a migration test off {api_id}.",
            target_id=target_id,
            button=button,
        ),
    )


def _render_form(
    request: HttpRequest,
    dependency: Dependency,
    form: PlanForm | ExitTestForm,
    *,
    title: str,
    question: str,
    target_id: int | None,
    button: str,
) -> HttpResponse:
    application = dependency.application
    return render_page(
        request,
        "exits/form.html",
        fragment="hits",
        title=title,
        crumbs=application_crumbs(application),
        sentence=Headline(question),
        application=application,
        dependency=dependency,
        form=form,
        # the target is selected beside the other fields
        rest=[field for field in form.visible_fields() if field.name != "target"],
        picker=build_picker(
            request,
            name="target",
            legend="Target",
            is_optional=not form.fields["target"].required,
            chosen=_get_selected_target(request, target_id),
            suggested=suggest_replacements(dependency),
            use=replacement_of(dependency),
        ),
        button=button,
    )


def _record_exit_test(dependency: Dependency, form: ExitTestForm, user: User) -> ExitTest:
    facts = dict(form.facts)
    return exits.record_exit_test(
        dependency=dependency,
        target=facts.pop("target"),
        tested_on=facts.pop("tested_on"),
        result=facts.pop("result"),
        facts=facts,
        by=user,
        reason=form.cleaned_data["why"],
    )
