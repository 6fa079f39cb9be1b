"""Registering, editing, retiring and reactivating an application, and merging two records of
one."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.accounts.roles import TeamRole
from apps.common.errors import ConflictError
from apps.common.history.context import current_change_id
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.inventory.actions import application_merge, locks
from apps.inventory.actions import applications as actions_applications
from apps.inventory.models import Application, Dependency
from apps.inventory.queries import editable_teams
from apps.inventory.read_models import refresh_applications
from apps.web.pages.flash_messages import flash_success
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.presenters.change_effects import ApplicationState, application_state, flash_change
from apps.web.views.applications.forms import (
    ApplicationForm,
    DateForm,
    MergeForm,
    ReactivateForm,
    RegisterForm,
)
from apps.web.views.applications.lookups import editable_application, error_response

_ACTION_ERRORS = (ValidationError, ConflictError)


def application_crumbs(application: Application) -> tuple[tuple[str, str], ...]:
    return (
        ("Applications", reverse("applications:list")),
        (application.name, reverse("applications:detail", args=[application.slug])),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def register_application(request: HttpRequest) -> HttpResponse:
    """Register an application in a short first step; afterwards the user declares its
    dependencies."""
    user = signed_in_user(request)
    can_register = editable_teams(user=user).exists()
    form = RegisterForm(request.POST or None, user=user) if can_register else None
    if form is not None and request.method == "POST" and form.is_valid():
        cleaned = form.cleaned_data
        try:
            application = actions_applications.register_application(
                name=cleaned["name"],
                team=cleaned["team"],
                by=user,
                facts={"criticality": cleaned["criticality"], "purpose": cleaned["purpose"]},
            )
        except _ACTION_ERRORS as error:
            error_response(form, error)
        else:
            refresh_applications(application_ids=[application.pk], on=day_of(now()))
            flash_success(
                request,
                f"{application.name} was added. Add the models it calls.",
                undo=current_change_id(),
            )
            return redirect("dependencies:create", application.slug)
    status = (
        403
        if not can_register and request.method == "POST"
        else 422
        if request.method == "POST"
        else 200
    )
    return render_page(
        request,
        "applications/register.html",
        title="New application",
        crumbs=(("Applications", reverse("applications:list")),),
        status=status,
        sentence=Headline("An application is a product, service or assistant that calls a model."),
        form=form,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def edit_application(request: HttpRequest, slug: str) -> HttpResponse:
    """Edit all facts in groups. Changes that another user made meanwhile are shown for comparison
    first."""
    application, user = editable_application(request, slug)
    if request.method == "POST":
        application = locks.locked_application(application, by=user)
    stored_application = Application.objects.get(pk=application.pk)
    form = ApplicationForm(
        request.POST or None, instance=application, row=stored_application, user=user
    )
    if request.method == "POST" and form.is_valid():
        state_before = application_state(stored_application, on=day_of(now()))
        try:
            if not user.may(TeamRole.EDITOR, form.cleaned_data["team"]):
                raise ConflictError(
                    "You need the editor role on the new team to move the application."
                )
            with transaction.atomic():
                changed_application = actions_applications.change_application(
                    application=stored_application,
                    facts=form.facts,
                    by=user,
                    reason=form.cleaned_data["reason"],
                )
        except _ACTION_ERRORS as error:
            error_response(form, error)
        else:
            flash_change(
                request,
                changed_application,
                state_before,
                f"{changed_application.name} was changed.",
            )
            return redirect("applications:detail", changed_application.slug)
    return render_page(
        request,
        "applications/form.html",
        title=f"Edit {stored_application.name}",
        crumbs=application_crumbs(stored_application),
        status=422 if request.method == "POST" else 200,
        sentence=Headline(f"Edit the facts of {stored_application.name}."),
        application=stored_application,
        form=form,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def retire_application(request: HttpRequest, slug: str) -> HttpResponse:
    """Retire the application after confirmation; its active dependencies end."""
    application, user = editable_application(request, slug)
    today = day_of(now())
    form = DateForm(request.POST or None, initial={"on": today})
    n_dependencies = Dependency.objects.filter(application=application, until__isnull=True).count()
    if request.method == "POST" and form.is_valid():
        state_before = application_state(application, on=today)
        try:
            retired_application = actions_applications.retire_application(
                application=application,
                on=form.cleaned_data["on"],
                by=user,
                reason=form.cleaned_data["reason"],
            )
        except _ACTION_ERRORS as error:
            error_response(form, error)
        else:
            return _confirm_change(
                request,
                retired_application,
                state_before,
                f"{retired_application.name} was retired.",
            )
    ends_clause = "no dependency ends"
    if n_dependencies:
        ends_clause = pluralize(
            n_dependencies, "its dependency ends", f"its {n_dependencies} dependencies end"
        )
    return render_page(
        request,
        "applications/step.html",
        title=f"Retire {application.name}",
        crumbs=application_crumbs(application),
        status=422 if request.method == "POST" else 200,
        sentence=Headline(f"Retire {application.name}?"),
        basis=f"It no longer counts anywhere, and {ends_clause} on that date. Nothing is deleted. "
        "The application can be reactivated.",
        application=application,
        form=form,
        button="Retire application",
        danger=True,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def reactivate_application(request: HttpRequest, slug: str) -> HttpResponse:
    """Reactivate a retired application after confirmation, with the dependencies that its
    retirement ended."""
    application, user = editable_application(request, slug)
    today = day_of(now())
    form = ReactivateForm(request.POST or None, initial={"on": today})
    if request.method == "POST" and form.is_valid():
        cleaned = form.cleaned_data
        state_before = application_state(application, on=today)
        try:
            reactivated_application = actions_applications.reactivate_application(
                application=application,
                on=cleaned["on"],
                by=user,
                status=cleaned["status"],
                with_dependencies=cleaned["with_dependencies"],
                reason=cleaned["reason"],
            )
        except _ACTION_ERRORS as error:
            error_response(form, error)
        else:
            return _confirm_change(
                request,
                reactivated_application,
                state_before,
                f"{reactivated_application.name} was reactivated.",
            )
    return render_page(
        request,
        "applications/step.html",
        title=f"Reactivate {application.name}",
        crumbs=application_crumbs(application),
        status=422 if request.method == "POST" else 200,
        sentence=Headline(f"Reactivate {application.name}?"),
        basis="",
        application=application,
        form=form,
        button="Reactivate application",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def merge_applications(request: HttpRequest, slug: str) -> HttpResponse:
    """Merge a duplicate record into this application, after a preview."""
    application, user = editable_application(request, slug)
    today = day_of(now())
    form = MergeForm(request.POST or None, survivor=application, user=user, initial={"on": today})
    duplicate: Application | None = None
    if request.method == "POST" and form.is_valid():
        duplicate = form.cleaned_data["duplicate"]
        assert duplicate is not None
        if not user.may(TeamRole.EDITOR, duplicate.team_id):
            form.add_error(
                "duplicate",
                f"You need the editor role on {duplicate.team.name} to merge this application.",
            )
            duplicate = None
        elif request.POST.get("sure") == duplicate.slug:
            state_before = application_state(application, on=today)
            try:
                survivor = application_merge.merge_applications(
                    survivor=application,
                    duplicate=duplicate,
                    on=form.cleaned_data["on"],
                    by=user,
                    reason=form.cleaned_data["reason"],
                )
            except _ACTION_ERRORS as error:
                error_response(form, error)
                duplicate = None
            else:
                refresh_applications(application_ids=[duplicate.pk], on=today)
                names = {"one": duplicate.name, "other": survivor.name}
                return _confirm_change(
                    request,
                    survivor,
                    state_before,
                    "{one} was merged into {other}.".format(**names),
                )
    has_preview = duplicate is not None
    return render_page(
        request,
        "applications/merge.html",
        title=f"Merge into {application.name}",
        crumbs=application_crumbs(application),
        status=200 if has_preview or request.method != "POST" else 422,
        sentence=Headline(f"Select the duplicate of {application.name}."),
        application=application,
        form=form,
        duplicate=duplicate,
        n_used=duplicate.dependencies.count() if duplicate else 0,
    )


def _confirm_change(
    request: HttpRequest, application: Application, state_before: ApplicationState, sentence: str
) -> HttpResponse:
    flash_change(request, application, state_before, sentence)
    return redirect("applications:detail", application.slug)
