"""Unresolved models: the list of offerings that are not identified yet, and the form that
identifies one."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Case, IntegerField, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.catalog.actions import InvalidFactError, decide_identity, revoke_identity_decision
from apps.catalog.filters import OfferingFilter
from apps.catalog.identity.known_ids import known_ids_from_database
from apps.catalog.identity.resolver.suggest import Suggestion, suggest
from apps.catalog.models import Alias, IdentityDecision, NodeKind, Offering, Provider, Version
from apps.common.time import day_of, now
from apps.web.pages.filter_controls import BOOLEANS, FilterControl, build_filter_controls
from apps.web.pages.form_fields import governance_user, signed_in_user
from apps.web.pages.list_page import PaginatedList
from apps.web.pages.page import Headline, render_page
from apps.web.queries import NodeReach, reach_by_ref, used_refs
from apps.web.wording import count_of, number

MAX_SUGGESTIONS = 6


@require_safe
def unresolved_list(request: HttpRequest) -> HttpResponse:
    """List unresolved offerings; those that applications here call come first."""
    today = day_of(now())
    unresolved = Offering.objects.unresolved().visible_to(request.user)
    user = signed_in_user(request)
    called_ids = used_refs(
        kind=NodeKind.OFFERING,
        user=user,
        on=today,
        among=unresolved.order_by().values_list("pk", flat=True),
    )
    filterset = OfferingFilter(request.GET, unresolved, request=request)
    queryset = (
        filterset.qs.filter(pk__in=called_ids)
        if request.GET.get("in_use") == "true"
        else filterset.qs
    )
    queryset = queryset.annotate(
        unused=Case(
            When(pk__in=called_ids, then=Value(0)), default=Value(1), output_field=IntegerField()
        )
    ).order_by("unused", "host__name", "api_id", "pk")
    listing = PaginatedList(request, queryset.select_related("host"), size=40)
    hosts = Provider.objects.filter(pk__in=unresolved.order_by().values("host")).order_by("name")
    n_called = len(called_ids)
    reach = reach_by_ref(
        kind=NodeKind.OFFERING, refs=[row.pk for row in listing.rows], user=user, on=today
    )
    decisions = IdentityDecision.objects.filter(revoked_at__isnull=True).select_related(
        "host", "version", "alias", "decided_by"
    )
    return render_page(
        request,
        "identity/list.html",
        fragment="listing",
        title="Unresolved models",
        counts="Offerings without a known model",
        sentence=_build_headline(listing, n_called),
        filters=build_filter_controls(
            request,
            filterset,
            [
                FilterControl("q", "API id contains", "search"),
                FilterControl("host", "Host", choices=list(hosts.values_list("slug", "name"))),
                FilterControl("in_use", "Called here", choices=BOOLEANS[:1]),
            ],
        ),
        listing=listing,
        rows=[(row, reach.get(row.pk, NodeReach())) for row in listing.rows],
        decisions=decisions.order_by("-decided_at")[:10],
    )


def _build_headline(listing: PaginatedList[Offering], n_called: int) -> Headline:
    if listing.n_found == 0 and not listing.is_filtered:
        return Headline("Every offering is placed.")
    start = (
        f"{listing.count} {'offering is' if listing.count == '1' else 'offerings are'} not placed"
    )
    if listing.is_filtered:
        return Headline(f"{start} among those the filters leave.")
    if n_called:
        return Headline(
            f"{start}; ",
            f"{number(n_called)} of them {'is' if n_called == 1 else 'are'} called by your "
            "applications",
            ".",
        )
    return Headline(f"{start}; none of them is called by your applications.")


class IdentityDecisionForm(forms.Form):
    """Form of the meaning of a string. The choices are the resolver's suggestions; any known
    identifier may be typed instead."""

    choice = forms.CharField(required=False, max_length=200)
    identifier = forms.CharField(
        label="Other identifier",
        required=False,
        max_length=200,
        help_text="As in the catalogue, such as anthropic/claude-sonnet-4-5-20250929.",
    )
    everywhere = forms.BooleanField(
        label="Applies to every host", required=False, help_text="Otherwise only to this host."
    )
    reason = forms.CharField(
        label="Reason",
        max_length=500,
        help_text="How the model was identified.",
        error_messages={"required": "Enter how the model was identified."},
    )

    version: Version | None = None
    alias: Alias | None = None
    not_a_model = False

    def clean(self) -> dict[str, Any]:
        """Require an identifier, or that the name is not a model; `choice` is a suggestion of the
        page."""
        cleaned = super().clean() or {}
        identifier = (cleaned.get("identifier") or "").strip() or cleaned.get("choice") or ""
        if identifier == "not-a-model":
            self.not_a_model = True
        elif not identifier:
            self.add_error(
                "identifier",
                "Select a suggestion, enter an identifier, or select that the name is not a model.",
            )
        else:
            self.version = Version.objects.filter(identifier=identifier).first()
            self.alias = (
                None if self.version else Alias.objects.filter(identifier=identifier).first()
            )
            if self.version is None and self.alias is None:
                self.add_error(
                    "identifier",
                    f'No version "{identifier}" found in the catalogue. '
                    "Look it up under Foundations.",
                )
        return cleaned


@dataclass(frozen=True, slots=True)
class IdentityCandidate:
    suggestion: Suggestion
    name: str
    url: str


def candidates_for(offering: Offering) -> list[IdentityCandidate]:
    """Return the resolver's suggestions with the page of the foundation each belongs to: five
    statements, some 10 ms."""
    known_ids = {known_id.id: known_id for known_id in known_ids_from_database()}
    suggestions = suggest(known_ids, offering.api_id, offering.host.slug, MAX_SUGGESTIONS)
    identifiers = [suggestion.canonical for suggestion in suggestions]
    foundations: dict[str, Any] = {}
    for model in (Version, Alias):
        for row in model.objects.filter(identifier__in=identifiers).select_related(
            "foundation__developer"
        ):
            foundations[row.identifier] = row.foundation
    return [
        IdentityCandidate(
            suggestion,
            f"{foundations[suggestion.canonical].name} by "
            f"{foundations[suggestion.canonical].developer.name}",
            reverse("foundations:detail", args=[foundations[suggestion.canonical].slug]),
        )
        for suggestion in suggestions
        if suggestion.canonical in foundations
    ]


@require_http_methods(["GET", "HEAD", "POST"])
def save_decision(request: HttpRequest, pk: int) -> HttpResponse:
    """Record which version the model ID of the offering identifies, or that it is no model, on its
    host or everywhere."""
    offering = get_object_or_404(
        Offering.objects.visible_to(request.user).select_related("host", "version", "alias"), pk=pk
    )
    form = IdentityDecisionForm(request.POST or None)
    if request.method == "POST":
        user = governance_user(request, "You need the governance role to identify models.")
        if form.is_valid():
            host = None if form.cleaned_data["everywhere"] else offering.host
            try:
                decide_identity(
                    raw=offering.api_id,
                    host=host,
                    version=form.version,
                    alias=form.alias,
                    not_a_model=form.not_a_model,
                    by=user,
                    reason=form.cleaned_data["reason"],
                )
            except InvalidFactError as error:
                form.add_error(None, str(error))
            else:
                messages.success(
                    request, f"{offering.api_id} is placed; every offering so named follows."
                )
                return redirect("unresolved-models:list")
    same_name_offerings = (
        Offering.objects.filter(api_id=offering.api_id)
        .exclude(pk=pk)
        .select_related("host")
        .order_by("host__name")[:20]
    )
    reach = reach_by_ref(
        kind=NodeKind.OFFERING, refs=[pk], user=request.user, on=day_of(now())
    ).get(pk, NodeReach())
    return render_page(
        request,
        "identity/decide.html",
        title=offering.api_id,
        crumbs=(
            ("Unresolved models", reverse("unresolved-models:list")),
            (offering.host.name, f"{reverse('unresolved-models:list')}?host={offering.host.slug}"),
        ),
        counts="Live applications of yours that call it",
        status=422 if form.errors else 200,
        offering=offering,
        sentence=Headline(
            f"What is {offering.api_id} at {offering.host.name}? "
            + (
                f"{count_of(reach.n, 'application').capitalize()} "
                f"{'calls' if reach.n == 1 else 'call'} it."
                if reach.n
                else "No application of yours calls it."
            )
        ),
        candidates=candidates_for(offering),
        steps=[step for step in offering.identity_explanation.split("; ") if step],
        same=same_name_offerings,
        form=form,
        may_decide=signed_in_user(request).is_governance,
    )


@require_POST
def revoke_decision(request: HttpRequest, pk: int) -> HttpResponse:
    """Revoke a decision, so that the rules decide again what the string means."""
    user = governance_user(request, "You need the governance role to revoke a decision.")
    decision = get_object_or_404(
        IdentityDecision.objects.filter(revoked_at__isnull=True).select_related("host"), pk=pk
    )
    revoke_identity_decision(decision=decision, by=user)
    messages.success(request, f"Lifted. The rules place {decision.raw} again.")
    return redirect("unresolved-models:list")
