"""Adaptations of a dependency: add, edit, remove."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import User
from apps.common.errors import ConflictError
from apps.common.time import day_of, now
from apps.inventory.actions import exits, locks
from apps.inventory.models import Adaptation, Dependency
from apps.web.pages.page import Headline, render_page
from apps.web.presenters.change_effects import application_state, flash_change
from apps.web.views.applications.edit import application_crumbs
from apps.web.views.applications.lookups import editable_dependency, editable_row, error_response
from apps.web.views.dependencies.forms import AdaptationForm


@require_http_methods(["GET", "HEAD", "POST"])
def add_adaptation(request: HttpRequest, pk: int) -> HttpResponse:
    dependency, user = editable_dependency(request, pk)
    return _render_adaptation_form(request, dependency, None, user)


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def edit_adaptation(request: HttpRequest, pk: int) -> HttpResponse:
    adaptation, user = editable_row(request, Adaptation.objects.all(), pk)
    if request.method == "POST":
        locks.locked_dependency(adaptation.dependency, by=user)
    return _render_adaptation_form(
        request, adaptation.dependency, Adaptation.objects.get(pk=pk), user
    )


def _render_adaptation_form(
    request: HttpRequest, dependency: Dependency, row: Adaptation | None, user: User
) -> HttpResponse:
    """Show the form of an adaptation, a new one if `row` is None, and save it on POST."""
    application = dependency.application
    instance = Adaptation.objects.get(pk=row.pk) if row else Adaptation(dependency=dependency)
    form = AdaptationForm(request.POST or None, instance=instance, row=row)
    if request.method == "POST" and form.is_valid():
        before = application_state(application, on=day_of(now()))
        facts, reason = form.facts, form.cleaned_data["reason"]
        try:
            with transaction.atomic():
                if row is None:
                    kind = facts.pop("kind")
                    saved = exits.add_adaptation(
                        dependency=dependency, kind=kind, facts=facts, by=user, reason=reason
                    )
                else:
                    saved = exits.change_adaptation(
                        adaptation=row, facts=facts, by=user, reason=reason
                    )
        except (ValidationError, ConflictError) as error:
            error_response(form, error)
        else:
            values = {"what": str(saved), "id": dependency.offering.api_id}
            template = "{what} was added to {id}." if row is None else "{what} on {id} was changed."
            flash_change(request, application, before, template.format(**values))
            return redirect("applications:detail", application.slug)
    return render_page(
        request,
        "applications/step.html",
        title="Adaptation",
        crumbs=application_crumbs(application),
        status=422 if request.method == "POST" else 200,
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
    application = adaptation.dependency.application
    before = application_state(application, on=day_of(now()))
    name = str(adaptation)
    exits.remove_adaptation(
        adaptation=adaptation, by=user, reason=request.POST.get("reason", "")[:500]
    )
    flash_change(request, application, before, f"{name} was removed.")
    return redirect("applications:detail", application.slug)
