"""Provider facts that governance enters: the form, its history, and undo."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.catalog.actions import InvalidFactError
from apps.catalog.models import Provider
from apps.catalog.providers.facts import (
    PROVIDER_FIELDS,
    ProviderChange,
    change_provider,
    provider_changes,
    read_country,
    read_lei,
    undo_provider_change,
)
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import DayField, governance_user, signed_in_user
from apps.web.pages.list_page import csv_response
from apps.web.pages.optimistic_lock import OptimisticLockMixin
from apps.web.pages.page import Headline, render_page
from apps.web.views.applications.forms import ReasonField
from apps.web.wording import long_day, number

GOVERNANCE_ONLY = "What is on record about a provider is changed by governance."
LABELS = {
    "name": "Name",
    "legal_name": "Legal name",
    "person_type": "Type of person",
    "lei": "LEI",
    "country": "Country",
    "promised_notice_days": "Notice period, days",
    "deprecation_policy_url": "Deprecation policy",
    "terms_url": "Terms",
    "status_page_url": "Status page",
    "critical_third_party": "Critical third party",
    "critical_third_party_source": "Published at",
    "source_url": "Source",
    "source_on": "Source read on",
}
GROUPS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    ("Who it is", ("name", "legal_name", "person_type", "lei", "country")),
    (
        "What it promises, and where",
        ("promised_notice_days", "deprecation_policy_url", "terms_url", "status_page_url"),
    ),
    ("Under DORA article 31", ("critical_third_party", "critical_third_party_source")),
    ("Where this is written", ("source_url", "source_on")),
)
# changes on the page; the CSV file has all
MAX_CHANGES = 100


class ProviderForm(OptimisticLockMixin, forms.ModelForm):  # type: ignore[type-arg]
    # longer than 20, as users paste it with spaces
    lei = forms.CharField(
        label="LEI",
        required=False,
        max_length=40,
        help_text="20 characters (ISO 17442), as in the public register of GLEIF.",
    )
    source_on = DayField(label=LABELS["source_on"], required=False)
    reason = ReasonField()

    class Meta:
        model = Provider
        fields = PROVIDER_FIELDS
        labels = LABELS
        widgets = {
            **{
                name: forms.URLInput
                for name in PROVIDER_FIELDS
                if name.endswith(("_url", "_source"))
            },
            "critical_third_party": forms.NullBooleanSelect,
        }
        help_texts = {
            "legal_name": "As in the commercial register. Required for the register of "
            "information.",
            "person_type": "As required by RT.05.01.",
            "country": "Country of the head office, two letters such as IE (ISO 3166-1).",
            "promised_notice_days": "Days between the announcement of a retirement and the "
            "retirement.",
            "critical_third_party": "Designated by the European supervisors.",
        }

    def clean_lei(self) -> str:
        return read_lei(self.cleaned_data["lei"])

    def clean_country(self) -> str:
        return read_country(self.cleaned_data["country"])

    @property
    def groups(self) -> list[tuple[Any, list[forms.BoundField]]]:
        return [(title, [self[name] for name in names]) for title, names in GROUPS]

    @property
    def facts(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in PROVIDER_FIELDS}


def _get_provider_or_404(request: HttpRequest, slug: str) -> Provider:
    return get_object_or_404(Provider.objects.visible_to(request.user), slug=slug)


def _build_crumbs(provider: Provider) -> tuple[tuple[str, str], ...]:
    return (
        ("Providers", reverse("providers:list")),
        (provider.name, reverse("providers:detail", args=[provider.slug])),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def edit_provider(request: HttpRequest, slug: str) -> HttpResponse:
    """Edit a provider's facts. The row is locked and compared with what the page showed, so that no
    unseen change is overwritten."""
    user = governance_user(request, str(GOVERNANCE_ONLY))
    provider = _get_provider_or_404(request, slug)
    form = ProviderForm(instance=provider, row=provider)
    if request.method == "POST":
        provider = Provider.objects.select_for_update(of=("self",)).get(pk=provider.pk)
        form = ProviderForm(
            request.POST, instance=Provider.objects.get(pk=provider.pk), row=provider
        )
        if form.is_valid() and _save_facts(form, provider, request):
            return redirect("providers:detail", provider.slug)
    missing_labels = [
        LABELS[name]
        for name in ("legal_name", "person_type", "lei", "country")
        if not getattr(provider, name)
    ]
    return render_page(
        request,
        "providers/form.html",
        title=f"Change {provider.name}",
        crumbs=_build_crumbs(provider),
        status=422 if form.is_bound else 200,
        sentence=_build_form_headline(provider, missing_labels),
        provider=provider,
        form=form,
        user=user,
    )


def _save_facts(form: ProviderForm, provider: Provider, request: HttpRequest) -> bool:
    """Save the facts and flash the confirmation with an undo; return False with the errors in the
    form."""
    try:
        # a savepoint, so that an error of the database keeps the lock on the row
        with transaction.atomic():
            change_id = change_provider(
                provider=provider,
                facts=form.facts,
                by=signed_in_user(request),
                reason=form.cleaned_data["reason"],
            )
    except ValidationError as error:
        for name, errors in error.message_dict.items():
            form.add_error(name if name in form.fields else None, errors)
        return False
    undo = reverse("providers:undo", args=[provider.slug, change_id]) if change_id else None
    message = (
        "{name} is changed." if change_id else "Nothing of {name} differs from what is on record."
    )
    flash_success(request, message.format(name=form.cleaned_data["name"]), undo=undo)
    return True


def _build_form_headline(provider: Provider, missing_labels: list[str]) -> Headline:
    if not missing_labels:
        return Headline(
            f"Who is {provider.name}? All that the register of information asks is on record."
        )
    values = {"name": provider.name, "missing": ", ".join(missing_labels)}
    return Headline("Who is {name}? Not on record: {missing}.".format(**values))


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """Field that a change set, with its label and both values as text."""

    label: str
    was: str
    is_now: str


def _build_history_lines(change: ProviderChange) -> list[HistoryLine]:
    return [
        HistoryLine(
            LABELS[name], _format_value(name, change.before.get(name)), _format_value(name, value)
        )
        for name, value in change.after.items()
        if change.before or value not in (None, "")
    ]


def _format_value(name: str, value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    choices: Mapping[Any, Any] = dict(
        getattr(Provider._meta.get_field(name), "flatchoices", None) or ()
    )
    if value in choices:
        return str(choices[value])
    return long_day(value) if isinstance(value, date) else str(value)


@require_safe
def provider_history(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the changes of the provider's facts, with user, time and reason."""
    user, provider = signed_in_user(request), _get_provider_or_404(request, slug)
    changes = provider_changes(provider)
    return render_page(
        request,
        "providers/history.html",
        title=f"History of {provider.name}",
        crumbs=_build_crumbs(provider),
        as_of=now(),
        sentence=_build_history_headline(provider, changes),
        provider=provider,
        changes=[(change, _build_history_lines(change)) for change in changes[:MAX_CHANGES]],
        is_cut=len(changes) > MAX_CHANGES,
        may_edit=user.is_governance,
    )


def _build_history_headline(provider: Provider, changes: list[ProviderChange]) -> Headline:
    if not changes:
        return Headline(f"No change of {provider.name} is on record.")
    latest = changes[0]
    n = pluralize(
        len(changes),
        f"{number(len(changes))} change is on record",
        f"{number(len(changes))} changes are on record",
    )
    values = {"n": n, "day": long_day(day_of(latest.at)), "who": latest.actor or "a job"}
    return Headline("{n}, the latest on {day} by {who}.".format(**values))


@require_safe
def provider_history_csv(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    """Send a row for each field that a change set."""
    provider = _get_provider_or_404(request, slug)

    def lines() -> Iterator[tuple[ProviderChange, HistoryLine]]:
        for change in provider_changes(provider):
            for line in _build_history_lines(change):
                yield change, line

    return csv_response(
        f"{provider.slug}-history",
        ["at", "who", "why", "field", "was", "is"],
        lines(),
        lambda row: [
            row[0].at.isoformat(),
            row[0].actor,
            row[0].reason,
            row[1].label,
            row[1].was,
            row[1].is_now,
        ],
    )


@require_POST
def undo_edit(request: HttpRequest, slug: str, change: UUID) -> HttpResponse:
    user = governance_user(request, str(GOVERNANCE_ONLY))
    provider = _get_provider_or_404(request, slug)
    try:
        undo_change_id = undo_provider_change(provider=provider, change=change, by=user)
    except InvalidFactError as refusal:
        flash_error(request, str(refusal))
    else:
        flash_success(
            request,
            "The change was undone.",
            undo=reverse("providers:undo", args=[slug, undo_change_id]),
        )
    return redirect("providers:history", slug)
