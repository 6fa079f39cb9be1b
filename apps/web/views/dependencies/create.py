"""Pages to declare and to replace a dependency: both select one of thousands of offerings."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.accounts.models import User
from apps.catalog.identity.known_ids import build_name_reader
from apps.catalog.identity.named_models import (
    HOST_NOT_STATED,
    NamedModel,
    ensure_hosts,
    ensure_named_models,
)
from apps.catalog.identity.reading_references import StoredModelIds, find_reference, host_of
from apps.catalog.ingestion.offerings import ensure_named_offerings
from apps.catalog.models import Offering, Provider
from apps.common.history.context import audit_context
from apps.common.text import format_date
from apps.common.time import day_of, now
from apps.inventory.actions import dependencies as actions_dependencies
from apps.inventory.actions import exits
from apps.inventory.candidate_checks import IntendedUse, breaks_of, replacement_of
from apps.inventory.governance.violations import obstacles_to_use
from apps.inventory.models import Application, Dependency
from apps.web.pages.page import Headline, render_page
from apps.web.views.applications.change_view import change_view
from apps.web.views.applications.edit import application_crumbs
from apps.web.views.applications.lookups import (
    editable_application,
    editable_dependency,
)
from apps.web.views.dependencies.forms import DeclareForm, ReplaceForm
from apps.web.views.dependencies.offering_picker import (
    build_picker,
    number_in,
    suggest_replacements,
)


@require_http_methods(["GET", "HEAD", "POST"])
def declare_dependency(request: HttpRequest, slug: str) -> HttpResponse:
    """Declare a dependency with its offering and role; htmx loads only the search results."""
    application, user = editable_application(request, slug)
    has_primary = application.dependencies.filter(role="primary", until__isnull=True).exists()
    role = request.GET.get("role") or ("fallback" if has_primary else "primary")
    n_fallbacks = application.dependencies.filter(role="fallback", until__isnull=True).count()
    initial = {"role": role, "fallback_order": n_fallbacks + 1 if role == "fallback" else 0}
    back = "applications:detail" if "another" not in request.POST else "dependencies:create"
    return change_view(
        request,
        application,
        form=lambda: DeclareForm(request.POST or None, initial=initial),
        action=lambda form: _save_declaration(application, form, user),
        done=_confirm_declaration,
        back=reverse(back, args=[application.slug]),
        page=lambda form: _render_declaration(request, application, form, role),
    )


def _confirm_declaration(dependency: Dependency) -> str:
    name, api_id = dependency.application.name, dependency.offering.api_id
    role = dependency.get_role_display().lower()
    sentence = f"Dependency added: {name} uses {api_id} as {role}."
    if dependency.offering.is_named:
        return f"{sentence} Its model ID is not known. Choose it from the list of its issues."
    if dependency.offering.version_id is None:
        sentence += " Its model is unresolved. Identify it under Unresolved models."
    return sentence


def _render_declaration(
    request: HttpRequest, application: Application, form: DeclareForm, role: str
) -> HttpResponse:
    offering_id = number_in(request.POST.get("offering") or request.GET.get("offering"))
    return render_page(
        request,
        "dependencies/declare.html",
        fragment="hits",
        title=f"Add dependency to {application.name}",
        crumbs=application_crumbs(application),
        sentence=Headline(f"Add a model that {application.name} calls."),
        application=application,
        form=form,
        picker=build_picker(
            request,
            name="offering",
            legend="Model",
            chosen=offering_id,
            hidden_fields=[("role", role)] if role else (),
            use=IntendedUse(application, role),
        ),
        obstacles=_list_obstacles(application, offering_id),
        inbox=reverse("unresolved-models:list"),
    )


def _save_declaration(application: Application, form: DeclareForm, user: User) -> Dependency:
    """Declare the dependency, creating an offering that is not in the catalogue yet. A choice that
    breaks something must be confirmed."""
    cleaned = form.cleaned_data
    offering: Offering | None = cleaned["offering"]
    if offering is None:
        with audit_context(
            user=user, reason=cleaned["reason"] or "Named in a declared dependency."
        ):
            offering_id = _ensure_stated_offering(
                cleaned["new_host"], cleaned["new_api_id"], is_model_id=cleaned["is_model_id"]
            )
        offering = Offering.objects.select_related("host").get(pk=offering_id)
    use = IntendedUse(application, cleaned["role"])
    form.require_confirmation(breaks_of(use, offering, on=day_of(now())), offering)
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
    return dependency


def _ensure_stated_offering(host: Provider | None, text: str, *, is_model_id: bool) -> int:
    """Return the offering of what the user entered: the exact model ID, the only one of the version
    that the name says, or the name itself."""
    if is_model_id and host is not None:
        value = {"host": host.slug, "api_id": text.strip()}
        return next(iter(ensure_named_offerings([value], at=now()).values()))
    reading = build_name_reader().read_name(text, host.name if host is not None else "")
    slug = host.slug if host is not None else host_of(reading) or HOST_NOT_STATED
    reference = find_reference(reading, text=text, host=slug, model_ids=StoredModelIds())
    if reference.offering is not None:
        return reference.offering
    if reference.repository:
        ensure_hosts({slug})
        value = {"host": slug, "api_id": reference.repository}
        return next(iter(ensure_named_offerings([value], at=now()).values()))
    name = reference.named or NamedModel(slug, text)  # the user states that it is one model
    return ensure_named_models([name], at=now())[name]


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
    old_id = dependency.offering.api_id

    def replace(form: ReplaceForm) -> str:
        cleaned = form.cleaned_data
        breaks = breaks_of(replacement_of(dependency), cleaned["offering"], on=day_of(now()))
        form.require_confirmation(breaks, cleaned["offering"])
        successor = actions_dependencies.replace_offering(
            dependency=dependency,
            successor=cleaned["offering"],
            on=cleaned["on"],
            by=user,
            reason=cleaned["reason"],
        )
        return f"{successor.offering.api_id} replaces {old_id} from {format_date(cleaned['on'])}."

    return change_view(
        request,
        dependency.application,
        form=lambda: ReplaceForm(request.POST or None, initial={"on": day_of(now())}),
        action=replace,
        done=str,
        page=lambda form: _render_replacement(request, dependency, form),
    )


def _render_replacement(
    request: HttpRequest, dependency: Dependency, form: ReplaceForm
) -> HttpResponse:
    application = dependency.application
    suggestions = suggest_replacements(dependency)
    offering_id = number_in(request.POST.get("offering") or request.GET.get("offering"))
    return render_page(
        request,
        "dependencies/replace.html",
        fragment="hits",
        title=f"Replace {dependency.offering.api_id}",
        crumbs=application_crumbs(application),
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
            use=replacement_of(dependency),
        ),
        obstacles=_list_obstacles(application, offering_id),
    )
