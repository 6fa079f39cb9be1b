"""Registering, editing, retiring and reactivating an application, and merging two records of
one."""

from django.http import HttpRequest, HttpResponse
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
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.applications.change_view import change_view
from apps.web.views.applications.forms import (
    ApplicationForm,
    DateForm,
    MergeForm,
    ReactivateForm,
    RegisterForm,
)
from apps.web.views.applications.lookups import editable_application


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
    if not editable_teams(user=user).exists():
        response = _render_registration(request, None)
        response.status_code = 403 if request.method == "POST" else 200
        return response

    def confirm(application: Application) -> Confirmation:
        refresh_applications(application_ids=[application.pk], on=day_of(now()))
        return Confirmation(
            f"{application.name} was added. Add the models it calls.", current_change_id()
        )

    return action_view(
        request,
        form=lambda: RegisterForm(request.POST or None, user=user),
        action=lambda form: actions_applications.register_application(
            name=form.cleaned_data["name"],
            team=form.cleaned_data["team"],
            by=user,
            facts={name: form.cleaned_data[name] for name in ("criticality", "purpose")},
        ),
        done=confirm,
        back=lambda application: reverse("dependencies:create", args=[application.slug]),
        page=lambda form: _render_registration(request, form),
    )


def _render_registration(request: HttpRequest, form: RegisterForm | None) -> HttpResponse:
    """Render the form, or without one that the user can edit no team."""
    return render_page(
        request,
        "applications/register.html",
        title="New application",
        crumbs=(("Applications", reverse("applications:list")),),
        sentence=Headline("An application is a product, service or assistant that calls a model."),
        form=form,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def edit_application(request: HttpRequest, slug: str) -> HttpResponse:
    """Edit all facts in groups. Changes that another user made meanwhile are shown for comparison
    first."""
    application, user = editable_application(request, slug)

    def make_form() -> ApplicationForm:
        instance = application
        if request.method == "POST":
            instance = locks.locked_application(application, by=user)
        stored = Application.objects.get(pk=application.pk)
        return ApplicationForm(request.POST or None, instance=instance, row=stored, user=user)

    def change(form: ApplicationForm) -> Application:
        if not user.may(TeamRole.EDITOR, form.cleaned_data["team"]):
            raise ConflictError("You need the editor role on the new team to move the application.")
        return actions_applications.change_application(
            application=application,
            facts=form.facts,
            by=user,
            reason=form.cleaned_data["reason"],
        )

    return change_view(
        request,
        application,
        form=make_form,
        action=change,
        done=lambda changed: f"{changed.name} was changed.",
        page=lambda form: _render_edit(request, form),
    )


def _render_edit(request: HttpRequest, form: ApplicationForm) -> HttpResponse:
    # the form changes its instance, the row keeps the stored values
    application = form.row
    assert isinstance(application, Application)
    return render_page(
        request,
        "applications/form.html",
        title=f"Edit {application.name}",
        crumbs=application_crumbs(application),
        sentence=Headline(f"Edit the facts of {application.name}."),
        application=application,
        form=form,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def retire_application(request: HttpRequest, slug: str) -> HttpResponse:
    """Retire the application after confirmation; its active dependencies end."""
    application, user = editable_application(request, slug)
    n_dependencies = Dependency.objects.filter(application=application, until__isnull=True).count()
    ends_clause = "no dependency ends"
    if n_dependencies:
        ends_clause = pluralize(
            n_dependencies, "its dependency ends", f"its {n_dependencies} dependencies end"
        )
    return change_view(
        request,
        application,
        form=lambda: DateForm(request.POST or None, initial={"on": day_of(now())}),
        action=lambda form: actions_applications.retire_application(
            application=application,
            on=form.cleaned_data["on"],
            by=user,
            reason=form.cleaned_data["reason"],
        ),
        done=f"{application.name} was retired.",
        page=lambda form: _render_step(
            request,
            application,
            form,
            question=f"Retire {application.name}?",
            basis=f"It no longer counts anywhere, and {ends_clause} on that date. Nothing is "
            "deleted. The application can be reactivated.",
            button="Retire application",
            danger=True,
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def reactivate_application(request: HttpRequest, slug: str) -> HttpResponse:
    """Reactivate a retired application after confirmation, with the dependencies that its
    retirement ended."""
    application, user = editable_application(request, slug)
    return change_view(
        request,
        application,
        form=lambda: ReactivateForm(request.POST or None, initial={"on": day_of(now())}),
        action=lambda form: actions_applications.reactivate_application(
            application=application,
            on=form.cleaned_data["on"],
            by=user,
            status=form.cleaned_data["status"],
            with_dependencies=form.cleaned_data["with_dependencies"],
            reason=form.cleaned_data["reason"],
        ),
        done=f"{application.name} was reactivated.",
        page=lambda form: _render_step(
            request,
            application,
            form,
            question=f"Reactivate {application.name}?",
            button="Reactivate application",
        ),
    )


def _render_step(
    request: HttpRequest,
    application: Application,
    form: DateForm | ReactivateForm,
    *,
    question: str,
    button: str,
    basis: str = "",
    danger: bool = False,
) -> HttpResponse:
    return render_page(
        request,
        "applications/step.html",
        title=question.removesuffix("?"),
        crumbs=application_crumbs(application),
        sentence=Headline(question),
        basis=basis,
        application=application,
        form=form,
        button=button,
        danger=danger,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def merge_applications(request: HttpRequest, slug: str) -> HttpResponse:
    """Merge a duplicate record into this application, after a preview."""
    application, user = editable_application(request, slug)
    today = day_of(now())

    def make_form() -> MergeForm:
        return MergeForm(
            request.POST or None, survivor=application, user=user, initial={"on": today}
        )

    if request.method == "POST" and (preview := make_form()).is_valid():
        duplicate = preview.cleaned_data["duplicate"]
        if request.POST.get("sure") != duplicate.slug:
            return _render_merge(request, application, preview, duplicate)

    def merge(form: MergeForm) -> str:
        duplicate = form.cleaned_data["duplicate"]
        survivor = application_merge.merge_applications(
            survivor=application,
            duplicate=duplicate,
            on=form.cleaned_data["on"],
            by=user,
            reason=form.cleaned_data["reason"],
        )
        refresh_applications(application_ids=[duplicate.pk], on=today)
        return f"{duplicate.name} was merged into {survivor.name}."

    return change_view(
        request,
        application,
        form=make_form,
        action=merge,
        done=str,
        page=lambda form: _render_merge(request, application, form, None),
    )


def _render_merge(
    request: HttpRequest, application: Application, form: MergeForm, duplicate: Application | None
) -> HttpResponse:
    """Render the form, with the preview if the user has selected a duplicate."""
    return render_page(
        request,
        "applications/merge.html",
        title=f"Merge into {application.name}",
        crumbs=application_crumbs(application),
        sentence=Headline(f"Select the duplicate of {application.name}."),
        application=application,
        form=form,
        duplicate=duplicate,
        n_used=duplicate.dependencies.count() if duplicate else 0,
    )
