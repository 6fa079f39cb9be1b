"""Unrecognised names: names in documents and traffic that the catalogue cannot identify, and the
decisions about them."""

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import User
from apps.catalog.identity.known_ids import known_ids_from_database
from apps.catalog.identity.resolver.suggest import suggest
from apps.catalog.models import Alias, Offering, Version
from apps.common.errors import DomainError
from apps.common.text import pluralize
from apps.common.time import now
from apps.intake.models import NameDecision, Observation
from apps.intake.observations.name_decisions import decide_name, observations_named, revoke_name
from apps.intake.queries import unresolved_names
from apps.web.lists.columns import Column, FileColumn, format_ago, format_number
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.lists.pagination import url_with_query
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.dependencies.offering_picker import OfferingPicker, build_picker, number_in
from apps.web.views.intake.presenters import sender_name

MAX_SUGGESTIONS = 5
MAX_OFFERINGS = 6
MAX_DECISIONS = 20
MAX_ROWS = 50


class UnrecognisedNameList(ListPage[Any, Mapping[str, Any]]):
    """Names that no rule recognises, and below them the decisions in force."""

    namespace = "unrecognised-names"
    title = "Unrecognised names"
    nouns = ("unrecognised name", "unrecognised names")
    crumbs = (("Observed usage", "connections:list"),)
    counts = "Names with their provider, each counted once"
    columns = (
        Column[Mapping[str, Any]](
            "name",
            "Name",
            itemgetter("name"),
            note=itemgetter("provider"),
            url=lambda row: url_with_query(
                reverse("unrecognised-names:decide"), name=row["name"], provider=row["provider"]
            ),
            css=lambda row: "id",
        ),
        Column[Mapping[str, Any]]("reason", "Reason", itemgetter("said"), width="whole"),
        Column[Mapping[str, Any]](
            "connections", "Connections", lambda row: ", ".join(map(sender_name, row["streams"]))
        ),
        Column[Mapping[str, Any]](
            "applications",
            "Applications",
            itemgetter("n_applications"),
            format=format_number,
            is_numeric=True,
        ),
        Column[Mapping[str, Any]]("last_seen", "Last seen", itemgetter("seen"), format=format_ago),
    )
    file_columns = (
        FileColumn[Mapping[str, Any]]("Provider", itemgetter("provider")),
        FileColumn[Mapping[str, Any]]("Observations", itemgetter("n")),
        FileColumn[Mapping[str, Any]]("First seen", itemgetter("since")),
    )
    default_order = ("", ("-n_applications", "-n", "name", "provider"))
    template = "intake/names.html"

    def get_queryset(self) -> Any:
        return unresolved_names(self.user)

    def get_lead(self) -> Headline:
        if not self.listing.n_found:
            return Headline("All observed names are identified.")
        verb = pluralize(self.listing.n_found, "is", "are")
        name = pluralize(self.listing.n_found, "name", "names")
        return Headline(
            "",
            f"{self.listing.count} {name} {verb} not identified",
            pluralize(
                self.listing.n_found,
                ". Its use is missing from exposure figures.",
                ". Their use is missing from exposure figures.",
            ),
        )

    def get_basis(self) -> Any:
        return format_html(
            "For each name, governance enters the model that it means. The decision also applies "
            "to earlier observations. Unknown model IDs of known hosts are on "
            '<a href="{}">Unresolved models</a>.',
            reverse("unresolved-models:list"),
        )

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "All observed names are identified.",
            "A name in a document or gateway that the catalogue cannot identify is listed here "
            "until governance decides what it means.",
            "Set up a connection",
            reverse("connections:list"),
        )

    def get_context(self) -> Mapping[str, Any]:
        # decisions contain names from applications of every team
        decisions = (
            NameDecision.objects.filter(revoked_at__isnull=True)
            if self.user.can_read_all
            else NameDecision.objects.none()
        )
        decisions = decisions.select_related("offering__host", "decided_by")
        return {"decisions": decisions.order_by("-decided_at")[:MAX_DECISIONS]}


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
            *((stream, f"only {sender_name(stream)}") for stream in streams),
        ]


@require_http_methods(["GET", "HEAD", "POST"])
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
    if request.method == "POST" and not user.is_governance:
        raise PermissionDenied(
            "You need the governance role to identify names, because a decision applies to all "
            "teams."
        )
    offering_id = number_in(request.POST.get("offering"))

    def decide(form: NameForm) -> Confirmation:
        offerings = Offering.objects.model_ids().select_related("host")
        offering = offerings.filter(pk=offering_id).first() if offering_id else None
        if (offering is None) != form.cleaned_data["not_a_model"]:
            raise DomainError("Select either a model, or that the name is not a model.")
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
        return Confirmation(
            f"'{name}' means {meaning}, also in earlier observations.",
            reverse("unrecognised-names:undo-decision", args=[decision.pk]),
        )

    return action_view(
        request,
        form=lambda: NameForm(
            request.POST or None,
            streams=sorted({observation.stream for observation in observations}),
        ),
        action=decide,
        done=lambda confirmation: confirmation,
        back=reverse("unrecognised-names:list"),
        page=lambda form: render_page(
            request,
            "intake/decide.html",
            fragment="hits",
            title=name,
            crumbs=(
                ("Observed usage", reverse("connections:list")),
                ("Unrecognised names", reverse("unrecognised-names:list")),
            ),
            counts="Observations under this name",
            sentence=_build_question(name, provider, observations),
            name=name,
            provider=provider,
            why=next(
                (
                    observation.explanation
                    for observation in observations
                    if observation.explanation
                ),
                "",
            ),
            form=form,
            picker=_build_offering_picker(request, name, provider, offering_id),
            seen=[(observation, sender_name(observation.stream)) for observation in observations],
            may_decide=user.is_governance,
        ),
    )


def _build_question(name: str, provider: str, observations: list[Observation]) -> Headline:
    n = len(
        {observation.application_id for observation in observations if observation.application_id}
    )
    provider_clause = f" on {provider}" if provider else ""
    calls_clause = pluralize(n, f"{n} application calls it", f"{n} applications call it")
    return Headline(f"Which model does '{name}'{provider_clause} mean? {calls_clause}.")


def _build_offering_picker(
    request: HttpRequest, name: str, provider: str, offering_id: int | None
) -> OfferingPicker:
    return build_picker(
        request,
        name="offering",
        legend="Model",
        chosen=offering_id,
        suggested=suggested_offerings(name, provider),
        hidden_fields=(("name", name), ("provider", provider)),
    )


def suggested_offerings(name: str, provider: str) -> list[tuple[int | None, str]]:
    """Return offerings of the resolver's closest matches, those at the named provider first: three
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
        Offering.objects.model_ids()
        .filter(Q(version__in=versions) | Q(alias__in=aliases))
        .order_by()
        .values_list("pk", "version_id", "alias_id", "host__slug")
    )
    ranked = []
    for pk, version, alias, host in rows:
        identifier = versions.get(version) or aliases.get(alias) or ""
        rank = identifiers.index(identifier) if identifier in identifiers else len(identifiers)
        ranked.append((host != provider.lower(), rank, pk, reasons.get(identifier, "")))
    ranked.sort()
    return [(pk, reason) for _elsewhere, _place, pk, reason in ranked[:MAX_OFFERINGS]]


@require_POST
def revoke_name_decision(request: HttpRequest, pk: int) -> HttpResponse:
    """Revoke a decision, so that the rules decide again what the name means."""
    user: User = signed_in_user(request)
    decision = get_object_or_404(NameDecision.objects.filter(revoked_at__isnull=True), pk=pk)
    return action_view(
        request,
        action=lambda _form: revoke_name(decision=decision, by=user, at=now()),
        done=f"The decision was revoked. '{decision.name}' is identified by the rules again.",
        back=reverse("unrecognised-names:list"),
    )
