"""Declaring a dependency, and replacing one: both select one of thousands of offerings."""

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
    """Select what it calls and in which role; htmx loads only the search results."""
    application, user = editable_application(request, slug)
    has_primary = application.dependencies.filter(role="primary", until__isnull=True).exists()
    role = request.GET.get("role") or ("fallback" if has_primary else "primary")
    n_fallbacks = application.dependencies.filter(role="fallback", until__isnull=True).count()
    initial = {"role": role, "fallback_order": n_fallbacks + 1 if role == "fallback" else 0}
    form = DeclareForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            made, before = _declare(application, form, user)
        except _REFUSALS as error:
            error_response(form, error)
        else:
            words = {
                "name": application.name,
                "id": made.offering.api_id,
                "role": made.get_role_display().lower(),
            }
            sentence = "{name} calls {id} as {role}.".format(**words)
            if made.offering.version_id is None:
                sentence += " Its model is unresolved. Identify it under Unresolved models."
            flash_change(request, application, before, sentence)
            if "another" in request.POST:
                return redirect("dependencies:create", application.slug)
            return redirect("applications:detail", application.slug)
    chosen = number_in(request.POST.get("offering") or request.GET.get("offering"))
    return render_page(
        request,
        "dependencies/declare.html",
        fragment="hits",
        title=f"Declare a dependency of {application.name}",
        crumbs=application_crumbs(application),
        status=422 if request.method == "POST" else 200,
        sentence=Headline(f"What does {application.name} call?"),
        application=application,
        form=form,
        picker=build_picker(
            request,
            name="offering",
            legend="What it calls",
            chosen=chosen,
            kept=[("role", role)] if role else (),
        ),
        obstacles=_obstacles(application, chosen),
        inbox=reverse("unresolved-models:list"),
    )


@transaction.atomic
def _declare(application: Application, form: DeclareForm, user: User) -> tuple[Dependency, Any]:
    said = form.cleaned_data
    before = application_state(application, on=day_of(now()))
    offering: Offering | None = said["offering"]
    if offering is None:
        host = said["new_host"]
        with audit_context(user=user, reason=said["reason"] or "named in a declaration"):
            value = {"host": host.slug, "api_id": said["new_api_id"].strip()}
            found = ensure_named_offerings([value], at=now())
        offering = Offering.objects.select_related("host").get(pk=next(iter(found.values())))
    made = actions_dependencies.declare_dependency(
        application=application,
        offering=offering,
        since=said["since"],
        by=user,
        role=said["role"],
        facts=form.facts,
        reason=said["reason"],
    )
    if said["adaptation_kind"]:
        exits.add_adaptation(
            dependency=made,
            kind=said["adaptation_kind"],
            by=user,
            facts={"name": said["adaptation_name"], "moves": said["adaptation_moves"]},
            reason=said["reason"],
        )
    return made, before


def _obstacles(application: Application, chosen: int | None) -> list[str]:
    """What decisions say against calling it; three statements at most."""
    offering = Offering.objects.filter(pk=chosen).first() if chosen else None
    if offering is None:
        return []
    found = obstacles_to_use(application=application, offering=offering, on=day_of(now()))
    return [sentence for obstacle in found for sentence in obstacle.why]


@require_http_methods(["GET", "HEAD", "POST"])
def replace_dependency(request: HttpRequest, pk: int) -> HttpResponse:
    """Replace the offering: suggestions are first, everything else is found by search."""
    dependency, user = editable_dependency(request, pk)
    application = dependency.application
    form = ReplaceForm(request.POST or None, initial={"on": day_of(now())})
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        before = application_state(application, on=day_of(now()))
        try:
            begun = actions_dependencies.replace_offering(
                dependency=dependency,
                successor=said["offering"],
                on=said["on"],
                by=user,
                reason=said["reason"],
            )
        except _REFUSALS as error:
            error_response(form, error)
        else:
            words = {
                "old": dependency.offering.api_id,
                "new": begun.offering.api_id,
                "on": said["on"].isoformat(),
            }
            flash_change(
                request,
                application,
                before,
                "{new} replaces {old} from {on}.".format(**words),
            )
            return redirect("applications:detail", application.slug)
    suggested = suggest_replacements(dependency)
    chosen = number_in(request.POST.get("offering") or request.GET.get("offering"))
    return render_page(
        request,
        "dependencies/replace.html",
        fragment="hits",
        title=f"Replace {dependency.offering.api_id}",
        crumbs=application_crumbs(application),
        status=422 if request.method == "POST" else 200,
        sentence=Headline(f"What takes the place of {dependency.offering.api_id}?"),
        application=application,
        dependency=dependency,
        form=form,
        picker=build_picker(
            request,
            name="offering",
            legend="What it calls from then on",
            chosen=chosen,
            suggested=suggested,
        ),
        obstacles=_obstacles(application, chosen),
    )
