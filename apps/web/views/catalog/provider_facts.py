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
# lines of the page; the file has all
MAX_CHANGES = 100


class ProviderForm(OptimisticLockMixin, forms.ModelForm):  # type: ignore[type-arg]
    # people copy it with spaces in it
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


def _one(request: HttpRequest, slug: str) -> Provider:
    return get_object_or_404(Provider.objects.visible_to(request.user), slug=slug)


def _crumbs(this: Provider) -> tuple[tuple[str, str], ...]:
    return (
        ("Providers", reverse("providers:list")),
        (this.name, reverse("providers:detail", args=[this.slug])),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def edit_provider(request: HttpRequest, slug: str) -> HttpResponse:
    """Edit a provider's facts. The row is locked and compared with what the page showed, so that no
    unseen change is overwritten."""
    user = governance_user(request, str(GOVERNANCE_ONLY))
    this = _one(request, slug)
    form = ProviderForm(instance=this, row=this)
    if request.method == "POST":
        this = Provider.objects.select_for_update(of=("self",)).get(pk=this.pk)
        form = ProviderForm(request.POST, instance=Provider.objects.get(pk=this.pk), row=this)
        if form.is_valid() and _kept(form, this, request):
            return redirect("providers:detail", this.slug)
    missing = [
        LABELS[name]
        for name in ("legal_name", "person_type", "lei", "country")
        if not getattr(this, name)
    ]
    return render_page(
        request,
        "providers/form.html",
        title=f"Change {this.name}",
        crumbs=_crumbs(this),
        status=422 if form.is_bound else 200,
        sentence=_of_missing(this, missing),
        provider=this,
        form=form,
        user=user,
    )


def _kept(form: ProviderForm, this: Provider, request: HttpRequest) -> bool:
    try:
        # a refusal of the database must not take the row's lock along
        with transaction.atomic():
            made = change_provider(
                provider=this,
                facts=form.facts,
                by=signed_in_user(request),
                reason=form.cleaned_data["reason"],
            )
    except ValidationError as refused:
        for name, errors in refused.message_dict.items():
            form.add_error(name if name in form.fields else None, errors)
        return False
    undo = reverse("providers:undo", args=[this.slug, made]) if made else None
    words = "{name} is changed." if made else "Nothing of {name} differs from what is on record."
    flash_success(request, words.format(name=form.cleaned_data["name"]), undo=undo)
    return True


def _of_missing(this: Provider, missing: list[str]) -> Headline:
    if not missing:
        return Headline(
            f"Who is {this.name}? All that the register of information asks is on record."
        )
    names = {"name": this.name, "missing": ", ".join(missing)}
    return Headline("Who is {name}? Not on record: {missing}.".format(**names))


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """Field that a change set, in words."""

    label: str
    was: str
    is_now: str


def _lines(changed: ProviderChange) -> list[HistoryLine]:
    return [
        HistoryLine(LABELS[name], _shown(name, changed.before.get(name)), _shown(name, value))
        for name, value in changed.after.items()
        if changed.before or value not in (None, "")
    ]


def _shown(name: str, value: Any) -> str:
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
    """Show which user changed which of its facts, when and why."""
    user, this = signed_in_user(request), _one(request, slug)
    changes = provider_changes(this)
    return render_page(
        request,
        "providers/history.html",
        title=f"History of {this.name}",
        crumbs=_crumbs(this),
        as_of=now(),
        sentence=_of_history(this, changes),
        provider=this,
        changes=[(each, _lines(each)) for each in changes[:MAX_CHANGES]],
        is_cut=len(changes) > MAX_CHANGES,
        may_edit=user.is_governance,
    )


def _of_history(this: Provider, changes: list[ProviderChange]) -> Headline:
    if not changes:
        return Headline(f"No change of {this.name} is on record.")
    latest = changes[0]
    n = pluralize(
        len(changes),
        f"{number(len(changes))} change is on record",
        f"{number(len(changes))} changes are on record",
    )
    words = {"n": n, "day": long_day(day_of(latest.at)), "who": latest.actor or "a job"}
    return Headline("{n}, the latest on {day} by {who}.".format(**words))


@require_safe
def provider_history_csv(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    """Send a row for each field that a change set."""
    this = _one(request, slug)

    def lines() -> Iterator[tuple[ProviderChange, HistoryLine]]:
        for changed in provider_changes(this):
            for line in _lines(changed):
                yield changed, line

    return csv_response(
        f"{this.slug}-history",
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
    this = _one(request, slug)
    try:
        back = undo_provider_change(provider=this, change=change, by=user)
    except InvalidFactError as refusal:
        flash_error(request, str(refusal))
    else:
        flash_success(
            request,
            "The change was undone.",
            undo=reverse("providers:undo", args=[slug, back]),
        )
    return redirect("providers:history", slug)
