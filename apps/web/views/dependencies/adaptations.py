"""Adaptations of a dependency: add, edit, remove."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import User
from apps.inventory.actions import exits
from apps.inventory.models import Adaptation, Dependency
from apps.web.pages.page import Headline, render_page
from apps.web.views.applications.change_view import change_view, locked_form
from apps.web.views.applications.edit import application_crumbs
from apps.web.views.applications.lookups import editable_dependency, editable_row
from apps.web.views.dependencies.forms import AdaptationForm


@require_http_methods(["GET", "HEAD", "POST"])
def add_adaptation(request: HttpRequest, pk: int) -> HttpResponse:
    dependency, user = editable_dependency(request, pk)
    return change_view(
        request,
        dependency.application,
        form=lambda: AdaptationForm(
            request.POST or None, instance=Adaptation(dependency=dependency), row=None
        ),
        action=lambda form: _add(dependency, form, user),
        done=lambda adaptation: f"{adaptation} was added to {dependency.offering.api_id}.",
        page=lambda form: _render_form(request, dependency, form),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def edit_adaptation(request: HttpRequest, pk: int) -> HttpResponse:
    adaptation, user = editable_row(request, Adaptation.objects.all(), pk)
    dependency = adaptation.dependency
    return change_view(
        request,
        dependency.application,
        form=lambda: locked_form(
            AdaptationForm, request, adaptation, dependency=dependency, by=user
        ),
        action=lambda form: exits.change_adaptation(
            adaptation=adaptation, facts=form.facts, by=user, reason=form.cleaned_data["reason"]
        ),
        done=lambda changed: f"{changed} on {dependency.offering.api_id} was changed.",
        page=lambda form: _render_form(request, dependency, form),
    )


def _add(dependency: Dependency, form: AdaptationForm, user: User) -> Adaptation:
    facts = form.facts
    return exits.add_adaptation(
        dependency=dependency,
        kind=facts.pop("kind"),
        facts=facts,
        by=user,
        reason=form.cleaned_data["reason"],
    )


def _render_form(
    request: HttpRequest, dependency: Dependency, form: AdaptationForm
) -> HttpResponse:
    application = dependency.application
    return render_page(
        request,
        "applications/step.html",
        title="Adaptation",
        crumbs=application_crumbs(application),
        sentence=Headline(f"Describe work built on {dependency.offering.api_id}."),
        basis="For example prompts, examples, a fine-tune, an index or tools. A migration reuses "
        "them, runs them again or rebuilds them.",
        application=application,
        called=dependency.get_role_display(),
        form=form,
        button="Save adaptation",
    )


@require_POST
def remove_adaptation(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove an adaptation that no longer exists or never did; the history keeps it."""
    adaptation, user = editable_row(request, Adaptation.objects.all(), pk)
    name = str(adaptation)
    return change_view(
        request,
        adaptation.dependency.application,
        action=lambda _form: exits.remove_adaptation(
            adaptation=adaptation, by=user, reason=request.POST.get("reason", "")[:500]
        ),
        done=f"{name} was removed.",
    )
