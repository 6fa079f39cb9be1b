"""Choosing the model ID of a name: the candidates with their dates, what changes, and the undo."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.catalog.identity.name_summaries import name_summaries
from apps.catalog.identity.named_models import HOST_NOT_STATED, known_model_ids
from apps.catalog.identity.own_hosting import (
    OWN_HOSTING,
    ensure_own_offerings,
    own_hosting_versions,
)
from apps.catalog.models import (
    NodeKind,
    Offering,
    OfferingCandidate,
    OfferingKind,
    Version,
)
from apps.common.errors import ConflictError
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.inventory.actions.named_models import (
    Identification,
    identify_named_model,
    preview_identification,
    undo_identification,
)
from apps.inventory.models import Application, Dependency
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.presenters.retirement_dates import dependents_sentence
from apps.web.views.catalog.sections import count_dependents

MAX_CANDIDATES = 60
MAX_LISTED = 20


class ModelIdForm(forms.Form):
    """Form of the choice; `real` is the ID of an offering with a model ID. On own machines it is a
    `version`, whose repository is the model ID."""

    real = forms.ModelChoiceField(
        queryset=Offering.objects.model_ids(),
        required=False,
        widget=forms.HiddenInput,
        error_messages={
            "invalid_choice": "This model ID is not in the catalogue. Select another one.",
        },
    )
    version = forms.ModelChoiceField(
        queryset=own_hosting_versions(),
        required=False,
        widget=forms.HiddenInput,
        error_messages={
            "invalid_choice": "This version has no open weights with a repository. Select another.",
        },
    )
    reason = forms.CharField(
        label="Reason",
        required=False,
        max_length=500,
        help_text="How the model ID was found, such as from the configuration.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not cleaned.get("real") and not cleaned.get("version"):
            self.add_error("real", "Select a model ID.")
        return cleaned


@dataclass(frozen=True, slots=True)
class ChoicePreview:
    """What the choice of `real` changes, as far as the user can view it. `real` is not stored yet
    if a version was chosen that own machines do not serve so far."""

    real: Offering
    moved: Sequence[Dependency]
    merged: Sequence[Dependency]
    n_hidden: int
    is_permitted: bool


@require_http_methods(["GET", "HEAD", "POST"])
def choose_model_id(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the model IDs that a name may be, preview the choice of one, and carry it out."""
    user = signed_in_user(request)
    offering = _get_name_or_404(request, pk)
    return action_view(
        request,
        form=lambda: ModelIdForm(request.POST or None),
        action=lambda form: _choose(offering, form, user),
        done=_confirm_choice,
        back=lambda result: reverse("offerings:detail", args=[result.real.pk]),
        page=lambda form: _render_choice(request, user, offering, form),
    )


@transaction.atomic
def _choose(offering: Offering, form: ModelIdForm, user: User) -> Identification:
    real, version = form.cleaned_data["real"], form.cleaned_data["version"]
    if real is None:
        if offering.host.slug != OWN_HOSTING:
            raise ConflictError("Only a name on own machines can be a version. Select a model ID.")
        real = Offering.objects.get(pk=ensure_own_offerings([version])[version.pk])
    return identify_named_model(
        offering=offering, real=real, by=user, at=now(), reason=form.cleaned_data["reason"]
    )


def _get_name_or_404(request: HttpRequest, pk: int) -> Offering:
    names = Offering.objects.visible_to(request.user).filter(kind=OfferingKind.NAME)
    return get_object_or_404(names.select_related("host", "version", "resolved_to__host"), pk=pk)


def _confirm_choice(result: Identification) -> Confirmation:
    n = len(result.moved_ids) + len(result.merged_ids)
    moved = pluralize(n, "1 dependency now uses it", f"{n} dependencies now use it")
    undo = reverse("offerings:undo-model-id", args=[result.offering.pk, result.change])
    return Confirmation(
        f"{result.offering.api_id} is {result.real.api_id} on {result.real.host.name}: {moved}. "
        "The next import of this name uses it too.",
        undo,
    )


def _render_choice(
    request: HttpRequest, user: User, offering: Offering, form: ModelIdForm
) -> HttpResponse:
    at = now()
    today = day_of(at)
    summary = name_summaries([offering.pk], on=today)[offering.pk]
    query = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:100]
    is_own = offering.host.slug == OWN_HOSTING
    candidates: list[Offering] | list[Version] = (
        _find_versions(offering, query) if is_own else _find_candidates(offering, query)
    )
    chosen = _find_chosen_version(request, offering) if is_own else _find_chosen(request)
    count = count_dependents(NodeKind.OFFERING, offering.pk, user=user)
    return render_page(
        request,
        "offerings/model-id.html",
        title=f"Choose the model ID of {offering.api_id}",
        crumbs=(
            ("Offerings", reverse("offerings:list")),
            (offering.api_id, reverse("offerings:detail", args=[offering.pk])),
        ),
        counts="Active dependencies",
        as_of=at,
        offering=offering,
        sentence=Headline(f"{summary.sentence} {dependents_sentence(count)}"),
        summary=summary,
        query=query,
        is_host_stated=summary.is_host_stated,
        is_own=is_own,
        candidates=candidates[:MAX_CANDIDATES],
        n_hidden=max(len(candidates) - MAX_CANDIDATES, 0),
        preview=None if chosen is None else _preview(user, offering, chosen),
        form=form,
    )


def _find_candidates(offering: Offering, query: str) -> list[Offering]:
    """Return the model IDs to choose from: those that the name may be, or the ones that match the
    search at its host."""
    rows: QuerySet[Offering] = Offering.objects.model_ids().filter(not_a_model=False)
    if query:
        rows = rows.filter(api_id__icontains=query)
        if offering.host.slug != HOST_NOT_STATED:
            rows = rows.filter(host=offering.host_id)
    else:
        rows = rows.filter(pk__in=known_model_ids([offering.pk]).get(offering.pk, ()))
    return list(
        rows.select_related("host", "version__foundation").order_by(
            "host__name", "version__released_on", "api_id", "region_scope", "service_tier", "pk"
        )[: MAX_CANDIDATES * 4]
    )


def _find_versions(offering: Offering, query: str) -> list[Version]:
    """Return the versions with open weights that a name on own machines may be, or that match the
    search."""
    rows = own_hosting_versions()
    if query:
        rows = rows.filter(
            Q(name__icontains=query)
            | Q(identifier__icontains=query)
            | Q(repositories__icontains=query)
        )
    else:
        candidates = OfferingCandidate.objects.filter(offering=offering)
        rows = rows.filter(
            Q(pk__in=candidates.values("version"))
            | Q(foundation__in=candidates.values("foundation"))
        )
    return list(rows.order_by("name", "identifier", "pk")[: MAX_CANDIDATES * 4])


def _find_chosen_version(request: HttpRequest, offering: Offering) -> Offering | None:
    """Return the model ID of the chosen version on own machines, unsaved if it is new there."""
    value = request.POST.get("version") or request.GET.get("version") or ""
    if not value.isdecimal() or len(value) > 18:
        return None
    version = own_hosting_versions().filter(pk=int(value)).first()
    if version is None:
        return None
    stored = Offering.objects.model_ids().filter(
        host=offering.host_id, api_id=version.repositories[0]
    )
    return stored.select_related("host", "version__foundation").first() or Offering(
        host=offering.host, api_id=version.repositories[0], version=version
    )


def _find_chosen(request: HttpRequest) -> Offering | None:
    value = request.POST.get("real") or request.GET.get("real") or ""
    if not value.isdecimal() or len(value) > 18:
        return None
    rows = Offering.objects.model_ids().select_related("host", "version__foundation")
    return rows.filter(pk=int(value)).first()


def _preview(user: User, offering: Offering, real: Offering) -> ChoicePreview:
    """Return what the choice changes; of applications that the user cannot view only the number."""
    found = preview_identification(offering=offering, real=real)
    visible_ids = set(
        Application.objects.visible_to(user)
        .filter(Exists(Dependency.objects.filter(application=OuterRef("pk"), offering=offering)))
        .values_list("pk", flat=True)
    )
    moved = [row for row in found.moved if row.application_id in visible_ids]
    merged = [row for row in found.merged if row.application_id in visible_ids]
    rows = [*found.moved, *found.merged]
    return ChoicePreview(
        real=real,
        moved=moved[:MAX_LISTED],
        merged=merged[:MAX_LISTED],
        n_hidden=len(rows) - len(moved[:MAX_LISTED]) - len(merged[:MAX_LISTED]),
        is_permitted=user.is_governance
        or (bool(rows) and all(user.may(TeamRole.EDITOR, row.application.team) for row in rows)),
    )


@require_POST
def undo_model_id(request: HttpRequest, pk: int, change: UUID) -> HttpResponse:
    """Undo the choice: its dependencies use the name again."""
    user = signed_in_user(request)
    offering = _get_name_or_404(request, pk)
    return action_view(
        request,
        action=lambda _form: undo_identification(offering=offering, change=change, by=user),
        done=lambda n: pluralize(
            n,
            f"Undone: 1 dependency uses {offering.api_id} again.",
            f"Undone: {n} dependencies use {offering.api_id} again.",
        ),
        back=reverse("offerings:detail", args=[pk]),
    )
