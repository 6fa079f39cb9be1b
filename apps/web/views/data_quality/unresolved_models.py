"""Unresolved models: the list of offerings that are not identified yet, and the form that
identifies one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django import forms
from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.decorators.http import require_http_methods, require_POST

from apps.catalog.actions import decide_identity, revoke_identity_decision
from apps.catalog.filters import OfferingFilter
from apps.catalog.identity.known_ids import known_ids_from_database
from apps.catalog.identity.resolver.suggest import Suggestion, suggest
from apps.catalog.models import Alias, IdentityDecision, NodeKind, Offering, Provider, Version
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.web.lists.columns import Column, FileColumn, format_number
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.pages.action_view import action_view
from apps.web.pages.filter_controls import BOOLEANS, FilterControl
from apps.web.pages.form_fields import governance_user, signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.queries import NodeReach, reach_by_ref, used_refs
from apps.web.wording import count_of, number

MAX_SUGGESTIONS = 6
MAX_DECISIONS = 10


@dataclass(frozen=True, slots=True)
class UnresolvedRow:
    offering: Offering
    reach: NodeReach


class UnresolvedModelList(ListPage[Offering, UnresolvedRow]):
    """Unresolved offerings; those in use come first."""

    namespace = "unresolved-models"
    title = "Unresolved models"
    nouns = ("unresolved model", "unresolved models")
    counts = "Offerings whose model is unknown"
    filterset_class = OfferingFilter
    columns = (
        Column[UnresolvedRow](
            "model",
            "Model ID",
            attrgetter("offering.api_id"),
            note=lambda row: row.offering.name if row.offering.name != row.offering.api_id else "",
            url=lambda row: reverse("unresolved-models:decide", args=[row.offering.pk]),
            css=lambda row: "id",
        ),
        Column[UnresolvedRow]("host", "Host", attrgetter("offering.host.name")),
        Column[UnresolvedRow](
            "explanation", "Result of the rules", attrgetter("offering.identity_explanation")
        ),
        Column[UnresolvedRow](
            "applications",
            "Applications",
            attrgetter("reach.n"),
            format=format_number,
            is_numeric=True,
        ),
    )
    file_columns = (FileColumn[UnresolvedRow]("Name", attrgetter("offering.name")),)
    default_order = ("", ("unused", "host__name", "api_id", "pk"))
    page_size = 40
    template = "identity/list.html"

    @cached_property
    def unresolved(self) -> "QuerySet[Offering]":
        return Offering.objects.unresolved().visible_to(self.user)

    @cached_property
    def used_ids(self) -> list[int]:
        return used_refs(
            kind=NodeKind.OFFERING,
            user=self.user,
            on=self.today,
            among=self.unresolved.order_by().values_list("pk", flat=True),
        )

    def get_queryset(self) -> "QuerySet[Offering]":
        is_unused = Case(
            When(pk__in=self.used_ids, then=Value(0)),
            default=Value(1),
            output_field=IntegerField(),
        )
        return self.unresolved.select_related("host").annotate(unused=is_unused)

    def narrow(self, queryset: "QuerySet[Offering]") -> "QuerySet[Offering]":
        is_limited = self.request.GET.get("in_use") == "true"
        return queryset.filter(pk__in=self.used_ids) if is_limited else queryset

    def build_rows(self, records: Sequence[Offering]) -> Sequence[UnresolvedRow]:
        reach = reach_by_ref(
            kind=NodeKind.OFFERING,
            refs=[row.pk for row in records],
            user=self.user,
            on=self.today,
        )
        return [UnresolvedRow(row, reach.get(row.pk, NodeReach())) for row in records]

    def get_controls(self) -> Sequence[FilterControl]:
        host_ids = self.unresolved.order_by().values("host")
        hosts = Provider.objects.filter(pk__in=host_ids).order_by("name")
        return (
            FilterControl("q", "Model ID contains", "search"),
            FilterControl("host", "Host", choices=list(hosts.values_list("slug", "name"))),
            FilterControl("in_use", "In use", choices=BOOLEANS[:1]),
        )

    def get_lead(self) -> Headline:
        if self.is_filtered:
            return self.describe_matches()
        if not self.listing.n_found:
            return Headline("All models are identified.")
        n_used = len(self.used_ids)
        if not n_used:
            return Headline(f"{self.count_records()}; none is in use.")
        verb = pluralize(n_used, "is", "are")
        return Headline(f"{self.count_records()}; ", f"{number(n_used)} {verb} in use", ".")

    def get_basis(self) -> str:
        return "Without a model, an offering has no foundation, no risks and no alternatives."

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "All models are identified.",
            "If a feed or an application names a model ID that the rules cannot identify, it is "
            "listed here until a governance user identifies it.",
            "View offerings",
            reverse("offerings:list"),
        )

    def get_context(self) -> Mapping[str, Any]:
        decisions = IdentityDecision.objects.filter(revoked_at__isnull=True).select_related(
            "host", "version", "alias", "decided_by"
        )
        return {"decisions": decisions.order_by("-decided_at")[:MAX_DECISIONS]}


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
    user = signed_in_user(request)
    if request.method == "POST":
        governance_user(request, "You need the governance role to identify models.")
    return action_view(
        request,
        form=lambda: IdentityDecisionForm(request.POST or None),
        action=lambda form: decide_identity(
            raw=offering.api_id,
            host=None if form.cleaned_data["everywhere"] else offering.host,
            version=form.version,
            alias=form.alias,
            not_a_model=form.not_a_model,
            by=user,
            reason=form.cleaned_data["reason"],
        ),
        done=f"{offering.api_id} is identified, also for all offerings with this name.",
        back=reverse("unresolved-models:list"),
        page=lambda form: _render_decision(request, offering, form),
    )


def _render_decision(
    request: HttpRequest, offering: Offering, form: IdentityDecisionForm
) -> HttpResponse:
    same_name_offerings = (
        Offering.objects.filter(api_id=offering.api_id)
        .exclude(pk=offering.pk)
        .select_related("host")
        .order_by("host__name")[:20]
    )
    reach = reach_by_ref(
        kind=NodeKind.OFFERING, refs=[offering.pk], user=request.user, on=day_of(now())
    ).get(offering.pk, NodeReach())
    return render_page(
        request,
        "identity/decide.html",
        title=offering.api_id,
        crumbs=(
            ("Unresolved models", reverse("unresolved-models:list")),
            (offering.host.name, f"{reverse('unresolved-models:list')}?host={offering.host.slug}"),
        ),
        counts="Your active applications that call it",
        offering=offering,
        sentence=Headline(
            f"Which model is {offering.api_id} on {offering.host.name}? "
            + (
                f"{count_of(reach.n, 'application').capitalize()} "
                f"{'calls' if reach.n == 1 else 'call'} it."
                if reach.n
                else "None of your applications calls it."
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
    return action_view(
        request,
        action=lambda _form: revoke_identity_decision(decision=decision, by=user),
        done=f"Decision revoked. The rules identify {decision.raw} again.",
        back=reverse("unresolved-models:list"),
    )
