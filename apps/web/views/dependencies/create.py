"""Pages to declare and to replace a dependency: both select one of thousands of offerings."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.accounts.models import User
from apps.catalog.ingestion.offerings import ensure_named_offerings
from apps.catalog.models import Offering
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.common.text import format_date
from apps.common.time import day_of, now
from apps.inventory.actions import dependencies as actions_dependencies
from apps.inventory.actions import exits
from apps.inventory.governance.violations import obstacles_to_use
from apps.inventory.models import Application, Dependency
from apps.web.pages.page import Headline, render_page
from apps.web.presenters.change_effects import application_state, flash_change
from apps.web.views.applications.edit import application_crumbs
from apps.web.views.applications.lookups import (
    editable_application,
    editable_dependency,
    error_response,
)
from apps.web.views.dependencies.forms import DeclareForm, ReplaceForm
from apps.web.views.dependencies.offering_picker import (
    build_picker,
    number_in,
    suggest_replacements,
)

_REFUSALS = (ValidationError, ConflictError)


@require_http_methods(["GET", "HEAD", "POST"])
def declare_dependency(request: HttpRequest, slug: str) -> HttpResponse:
    """Declare a dependency with its offering and role; htmx loads only the search results."""
    application, user = editable_application(request, slug)
    has_primary = application.dependencies.filter(role="primary", until__isnull=True).exists()
    role = request.GET.get("role") or ("fallback" if has_primary else "primary")
    n_fallbacks = application.dependencies.filter(role="fallback", until__isnull=True).count()
    initial = {"role": role, "fallback_order": n_fallbacks + 1 if role == "fallback" else 0}
    form = DeclareForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            dependency, before = _save_declaration(application, form, user)
        except _REFUSALS as error:
            error_response(form, error)
        else:
            values = {
                "name": application.name,
                "id": dependency.offering.api_id,
                "role": dependency.get_role_display().lower(),
            }
            sentence = "Dependency added: {name} uses {id} as {role}.".format(**values)
            if dependency.offering.version_id is None:
                sentence += " Its model is unresolved. Identify it under Unresolved models."
            flash_change(request, application, before, sentence)
            if "another" in request.POST:
                return redirect("dependencies:create", application.slug)
            return redirect("applications:detail", application.slug)
    offering_id = number_in(request.POST.get("offering") or request.GET.get("offering"))
    return render_page(
        request,
        "dependencies/declare.html",
        fragment="hits",
        title=f"Add dependency to {application.name}",
        crumbs=application_crumbs(application),
        status=422 if request.method == "POST" else 200,
        sentence=Headline(f"Add a model that {application.name} calls."),
        application=application,
        form=form,
        picker=build_picker(
            request,
            name="offering",
            legend="Model",
            chosen=offering_id,
            hidden_fields=[("role", role)] if role else (),
            application=application,
        ),
        obstacles=_list_obstacles(application, offering_id),
        inbox=reverse("unresolved-models:list"),
    )


@transaction.atomic
def _save_declaration(
    application: Application, form: DeclareForm, user: User
) -> tuple[Dependency, Any]:
    """Declare the dependency, creating an offering that is not in the catalogue yet; return it with
    the state of the application before."""
    cleaned = form.cleaned_data
    before = application_state(application, on=day_of(now()))
    offering: Offering | None = cleaned["offering"]
    if offering is None:
        host = cleaned["new_host"]
        with audit_context(
            user=user, reason=cleaned["reason"] or "Named in a declared dependency."
        ):
            value = {"host": host.slug, "api_id": cleaned["new_api_id"].strip()}
            offering_ids = ensure_named_offerings([value], at=now())
        offering = Offering.objects.select_related("host").get(pk=next(iter(offering_ids.values())))
    dependency = actions_dependencies.declare_dependency(
        application=application,
        offering=offering,
        since=cleaned["since"],
        by=user,
        role=cleaned["role"],
        facts=form.facts,
        reason=cleaned["reason"],
    )
    if cleaned["adaptation_kind"]:
        exits.add_adaptation(
            dependency=dependency,
            kind=cleaned["adaptation_kind"],
            by=user,
            facts={"name": cleaned["adaptation_name"], "moves": cleaned["adaptation_moves"]},
            reason=cleaned["reason"],
        )
    return dependency, before


def _list_obstacles(application: Application, offering_id: int | None) -> list[str]:
    """Return sentences about the approvals that calling the offering would violate; three
    statements at most."""
    offering = Offering.objects.filter(pk=offering_id).first() if offering_id else None
    if offering is None:
        return []
    obstacles = obstacles_to_use(application=application, offering=offering, on=day_of(now()))
    return [sentence for obstacle in obstacles for sentence in obstacle.why]


@require_http_methods(["GET", "HEAD", "POST"])
def replace_dependency(request: HttpRequest, pk: int) -> HttpResponse:
    """Replace the offering of a dependency; suggestions are listed before the search results."""
    dependency, user = editable_dependency(request, pk)
    application = dependency.application
    form = ReplaceForm(request.POST or None, initial={"on": day_of(now())})
    if request.method == "POST" and form.is_valid():
        cleaned = form.cleaned_data
        before = application_state(application, on=day_of(now()))
        try:
            successor = actions_dependencies.replace_offering(
                dependency=dependency,
                successor=cleaned["offering"],
                on=cleaned["on"],
                by=user,
                reason=cleaned["reason"],
            )
        except _REFUSALS as error:
            error_response(form, error)
        else:
            values = {
                "old": dependency.offering.api_id,
                "new": successor.offering.api_id,
                "on": format_date(cleaned["on"]),
            }
            flash_change(
                request,
                application,
                before,
                "{new} replaces {old} from {on}.".format(**values),
            )
            return redirect("applications:detail", application.slug)
    suggestions = suggest_replacements(dependency)
    offering_id = number_in(request.POST.get("offering") or request.GET.get("offering"))
    return render_page(
        request,
        "dependencies/replace.html",
        fragment="hits",
        title=f"Replace {dependency.offering.api_id}",
        crumbs=application_crumbs(application),
        status=422 if request.method == "POST" else 200,
        sentence=Headline(f"Select the model that replaces {dependency.offering.api_id}."),
        application=application,
        dependency=dependency,
        form=form,
        picker=build_picker(
            request,
            name="offering",
            legend="New model",
            chosen=offering_id,
            suggested=suggestions,
            application=application,
            replaced=dependency.offering,
        ),
        obstacles=_list_obstacles(application, offering_id),
    )
