"""Exit plans and exit tests of a dependency, with the effort that the tests took."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import User
from apps.catalog.models import Offering
from apps.common.time import day_of, now
from apps.inventory.actions import exits, locks
from apps.inventory.candidate_checks import breaks_of, replacement_of
from apps.inventory.models import Dependency, ExitPlan, ExitTest
from apps.risks.errors import RiskChangeError
from apps.risks.queries.compared_runs import ComparedRuns, comparable_runs, compare_runs
from apps.web.pages.page import Headline, render_page
from apps.web.presenters.measured_migrations import measured_effort
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
    """Record an exit test. `?comparison=A-B`, of the evidence of two runs, prefills its quality."""
    dependency, user = editable_dependency(request, pk)
    planned_target_id = (
        ExitPlan.objects.filter(dependency=dependency).values_list("target_id", flat=True).first()
    )
    compared = _find_comparison(request, user)
    return _exit_test_view(
        request,
        dependency,
        form=lambda: ExitTestForm(
            request.POST or None,
            instance=ExitTest(dependency=dependency),
            row=None,
            initial=quality_of_comparison(compared, request) if compared else None,
        ),
        action=lambda form: _record_exit_test(dependency, form, user),
        verb="recorded",
        target_id=compared.new.offering_id if compared else planned_target_id,
        button="Record exit test",
        compared=compared,
    )


def _find_comparison(request: HttpRequest, user: User) -> ComparedRuns | None:
    """Return the comparison that the URL names; None if the user cannot view it."""
    old_pk, _, new_pk = request.GET.get("comparison", "").partition("-")
    old_id, new_id = number_in(old_pk), number_in(new_pk)
    if old_id is None or new_id is None:
        return None
    runs = {run.pk: run for run in comparable_runs(user).filter(pk__in=(old_id, new_id))}
    if len(runs) < 2:
        return None
    try:
        return compare_runs(runs[old_id], runs[new_id])
    except RiskChangeError:
        return None


def quality_of_comparison(compared: ComparedRuns, request: HttpRequest) -> dict[str, Any]:
    """Return the initial values of an exit test: the difference with its interval, number of items
    and source. Negative is worse, also for a metric of which less is better."""
    comparison, old, new = compared.comparison, compared.old, compared.new
    if comparison.difference is None:
        return {}
    sign = 1 if old.higher_is_better else -1
    interval = comparison.interval
    note = f"From the comparison of evidence {old.pk} and {new.pk}: n = {comparison.n}"
    if interval is not None:
        low, high = sorted((sign * interval.low, sign * interval.high))
        note += f", 95 % interval {low:.4f} to {high:.4f}"
    if comparison.method is not None:
        note += f" ({comparison.method.label})"
    address = f"{reverse('evidence:compare')}?a={old.pk}&b={new.pk}"
    return {
        "tested_on": new.run_on,
        "quality_delta": round(sign * comparison.difference, 4),
        "quality_metric": f"{old.dataset}: {old.metric}"[:200],
        "evidence_ref": request.build_absolute_uri(address)[:500],
        "note": f"{note}.",
    }


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
    compared: ComparedRuns | None = None,
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
            compared=compared,
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
    compared: ComparedRuns | None = None,
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
        measured=measured_effort(
            request.user, set(dependency.adaptations.order_by().values_list("kind", flat=True))
        )
        if isinstance(form, PlanForm)
        else None,
        compared=compared,
        compare_url=f"{reverse('evidence:compare')}?dependency={dependency.pk}",
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
