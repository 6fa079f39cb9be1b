"""Unrecognised names: names in documents and traffic that the catalogue cannot identify, and the
decisions about them."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import User
from apps.catalog.identity.known_ids import known_ids_from_database
from apps.catalog.identity.resolver.suggest import suggest
from apps.catalog.models import Alias, Offering, Version
from apps.common.text import pluralize
from apps.common.time import now
from apps.intake.import_jobs import IntakePermissionError, InvalidStateError
from apps.intake.models import NameDecision, Observation
from apps.intake.observations.name_decisions import decide_name, observations_named, revoke_name
from apps.intake.queries import unresolved_names
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import PaginatedList, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.dependencies.offering_picker import OfferingPicker, build_picker, number_in
from apps.web.views.intake import presenters

MAX_SUGGESTIONS = 5
MAX_OFFERINGS = 6
MAX_DECISIONS = 20
MAX_ROWS = 50


@require_safe
def name_list(request: HttpRequest) -> HttpResponse:
    """Show the names that no rule recognises, and the decisions in force."""
    user = signed_in_user(request)
    listing: PaginatedList[Any] = PaginatedList(request, unresolved_names(user))
    # decisions contain names from applications of every team
    decisions = (
        NameDecision.objects.filter(revoked_at__isnull=True)
        if user.can_read_all
        else NameDecision.objects.none()
    )
    return render_page(
        request,
        "intake/names.html",
        fragment="listing",
        title="Unrecognised names",
        counts="Names with their provider, each counted once",
        sentence=_build_headline(listing),
        listing=listing,
        rows=[
            (row, [presenters.sender_name(stream) for stream in row["streams"]])
            for row in listing.rows
        ],
        decisions=decisions.select_related("offering__host", "decided_by").order_by("-decided_at")[
            :MAX_DECISIONS
        ],
    )


def _build_headline(listing: PaginatedList[Any]) -> Headline:
    if not listing.n_found:
        return Headline("Every name that was seen is known.")
    mark = pluralize(
        listing.n_found,
        f"{listing.count} name is not known",
        f"{listing.count} names are not known",
    )
    return Headline("", mark, "; what is called by it is in no picture yet.")


@require_safe
def name_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export all names that no rule recognises."""
    return csv_response(
        "names-nobody-knows",
        [
            "name",
            "provider",
            "sightings",
            "applications",
            "seen by",
            "first seen",
            "last seen",
            "why",
        ],
        unresolved_names(signed_in_user(request)).iterator(chunk_size=1000),
        lambda row: [
            row["name"],
            row["provider"],
            row["n"],
            row["n_applications"],
            " ".join(row["streams"]),
            row["since"],
            row["seen"],
            row["said"],
        ],
    )


class NameForm(forms.Form):
    """Form of the meaning of a name; the offering comes from the picker beside it."""

    not_a_model = forms.BooleanField(
        label="Not a model",
        required=False,
        help_text="The name of a variable, a library or a placeholder: the name is ignored "
        "from now on.",
    )
    stream = forms.ChoiceField(label="Applies to", required=False)
    reason = forms.CharField(
        label="Reason",
        max_length=500,
        help_text="How the name was identified.",
        error_messages={"required": "Enter how the name was identified."},
    )

    def __init__(self, *args: Any, streams: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["stream"].choices = [  # type: ignore[attr-defined]
            ("", "all connections"),
            *((stream, f"only {presenters.sender_name(stream)}") for stream in streams),
        ]


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def save_decision(request: HttpRequest) -> HttpResponse:
    """Save the meaning of the name in the URL, or else of the name that most applications call."""
    user = signed_in_user(request)
    name, provider = request.GET.get("name", "")[:256], request.GET.get("provider", "")[:120]
    if not name:
        unresolved_name = unresolved_names(user).exclude(name="").first()
        if unresolved_name is None:
            return redirect("unrecognised-names:list")
        name, provider = unresolved_name["name"], unresolved_name["provider"]
    visible = Observation.objects.visible_to(user)
    observations = list(
        observations_named(name=name, provider=provider)
        .filter(pk__in=visible.order_by().values("pk"))
        .select_related("application", "service")
        .order_by("-last_seen_at", "-pk")[:MAX_ROWS]
    )
    if not observations:
        raise Http404
    streams = sorted({observation.stream for observation in observations})
    form = NameForm(request.POST or None, streams=streams)
    offering_id = number_in(request.POST.get("offering")) if request.method == "POST" else None
    if request.method == "POST":
        if not user.is_governance:
            raise PermissionDenied(
                "You need the governance role to identify names, because a decision applies to "
                "all teams."
            )
        offering = (
            Offering.objects.filter(pk=offering_id).select_related("host").first()
            if offering_id
            else None
        )
        if form.is_valid() and (offering is None) != form.cleaned_data["not_a_model"]:
            form.add_error(None, "Select either a model, or that the name is not a model.")
        if form.is_valid():
            decision = decide_name(
                name=name,
                provider=provider,
                stream=form.cleaned_data["stream"],
                offering=offering,
                by=user,
                at=now(),
                reason=form.cleaned_data["reason"],
            )
            meaning = f"{offering.api_id} ({offering.host.name})" if offering else "no model"
            message = f"'{name}' means {meaning}, also in what was seen before."
            flash_success(
                request,
                message,
                undo=reverse("unrecognised-names:undo-decision", args=[decision.pk]),
            )
            return redirect("unrecognised-names:list")
    return render_page(
        request,
        "intake/decide.html",
        fragment="hits",
        title=name,
        crumbs=(
            ("Observed usage", reverse("connections:list")),
            ("Unrecognised names", reverse("unrecognised-names:list")),
        ),
        counts="Sightings under this name",
        status=422 if form.errors else 200,
        sentence=_build_question(name, provider, observations),
        name=name,
        provider=provider,
        why=next(
            (observation.explanation for observation in observations if observation.explanation), ""
        ),
        form=form,
        picker=_build_offering_picker(request, name, provider, offering_id),
        seen=[
            (observation, presenters.sender_name(observation.stream))
            for observation in observations
        ],
        may_decide=user.is_governance,
    )


def _build_question(name: str, provider: str, observations: list[Observation]) -> Headline:
    n = len(
        {observation.application_id for observation in observations if observation.application_id}
    )
    provider_clause = f" at {provider}" if provider else ""
    calls_clause = pluralize(n, f"{n} application calls it", f"{n} applications call it")
    return Headline(f"What is '{name}'{provider_clause}? {calls_clause}.")


def _build_offering_picker(
    request: HttpRequest, name: str, provider: str, offering_id: int | None
) -> OfferingPicker:
    return build_picker(
        request,
        name="offering",
        legend="It means",
        chosen=offering_id,
        suggested=suggested_offerings(name, provider),
        hidden_fields=(("name", name), ("provider", provider)),
    )


def suggested_offerings(name: str, provider: str) -> list[tuple[int | None, str]]:
    """Return offerings of the resolver's closest matches, those at the named provider first: four
    statements."""
    known_ids = {known_id.id: known_id for known_id in known_ids_from_database()}
    reasons = {
        suggestion.canonical: suggestion.reason
        for suggestion in suggest(known_ids, name, provider.lower() or None, MAX_SUGGESTIONS)
    }
    if not reasons:
        return []
    versions = dict(Version.objects.filter(identifier__in=reasons).values_list("pk", "identifier"))
    aliases = dict(Alias.objects.filter(identifier__in=reasons).values_list("pk", "identifier"))
    identifiers = list(reasons)
    rows = (
        Offering.objects.filter(version__in=versions)
        .union(Offering.objects.filter(alias__in=aliases))
        .values_list("pk", "version_id", "alias_id", "host_id")
    )
    hosts = dict(
        Offering.objects.filter(pk__in=[row[0] for row in rows]).values_list("pk", "host__slug")
    )
    ranked = []
    for pk, version, alias, _host in rows:
        identifier = versions.get(version) or aliases.get(alias) or ""
        rank = identifiers.index(identifier) if identifier in identifiers else len(identifiers)
        ranked.append((hosts.get(pk) != provider.lower(), rank, pk, reasons.get(identifier, "")))
    ranked.sort()
    return [(pk, reason) for _elsewhere, _place, pk, reason in ranked[:MAX_OFFERINGS]]


@require_POST
def revoke_name_decision(request: HttpRequest, pk: int) -> HttpResponse:
    """Revoke a decision, so that the rules decide again what the name means."""
    user: User = signed_in_user(request)
    decision = get_object_or_404(NameDecision.objects.filter(revoked_at__isnull=True), pk=pk)
    try:
        revoke_name(decision=decision, by=user, at=now())
    except IntakePermissionError as error:
        raise PermissionDenied(str(error)) from None
    except InvalidStateError as error:
        flash_error(request, str(error))
    else:
        flash_success(
            request,
            f"The decision was revoked. '{decision.name}' is identified by the rules again.",
        )
    return redirect("unrecognised-names:list")
