"""Entry of data terms: for one offering, and for the offerings of a host by region and tier."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import User
from apps.catalog.capabilities.fields import DATA_TERM_FIELDS, DATA_TERMS, FLAG, LIMIT
from apps.catalog.claims.data_terms import (
    TermStatement,
    TermsWrite,
    record_data_terms,
    undo_data_terms,
)
from apps.catalog.claims.stated_values import remove_stated_value
from apps.catalog.models import Offering, OfferingKind, Provider
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.form_fields import DayField, governance_user
from apps.web.pages.page import Headline, render_page

REFUSAL = "You need the governance role to enter data terms."
# a host with more combinations of region and tier lists the largest
MAX_GROUPS = 60


class DataTermsForm(forms.Form):
    """Form of what one page states of the data of requests. A term that stays empty is not
    changed."""

    training_use = forms.ChoiceField(label="", required=False)
    retention_days = forms.IntegerField(label="", required=False, min_value=0)
    zero_retention = forms.ChoiceField(label="", required=False)
    residency = forms.CharField(
        label="",
        required=False,
        max_length=1000,
        help_text="Regions in which the data stays, separated by commas: EU, CH.",
    )
    subprocessors_url = forms.URLField(
        label="", required=False, max_length=500, assume_scheme="https"
    )
    source_url = forms.URLField(
        label="Published at",
        required=False,
        max_length=1000,
        assume_scheme="https",
        help_text="Address of the page or contract that states it.",
    )
    at = DayField(label="Read on", help_text="The day on which the page stated it.")
    note = forms.CharField(
        label="Note",
        required=False,
        max_length=1000,
        help_text="Needed without an address: where it was stated.",
    )

    def __init__(self, data: Any = None, *, today: date) -> None:
        super().__init__(data, initial={"at": today})
        for name, stated_field in DATA_TERM_FIELDS.items():
            field = self.fields[name]
            field.label = stated_field.label
            if stated_field.form == LIMIT:
                field.label = f"{stated_field.label} in {stated_field.unit}"
            if stated_field.form == FLAG and isinstance(field, forms.ChoiceField):
                field.choices = [("", "Not stated"), ("yes", "Yes"), ("no", "No")]

    @property
    def terms(self) -> dict[str, Any]:
        """Return {field: canonical value} of the terms that were entered."""
        cleaned = self.cleaned_data
        values: dict[str, Any] = {}
        for name, stated_field in DATA_TERM_FIELDS.items():
            value = cleaned[name]
            if value in (None, ""):
                continue
            if stated_field.form == FLAG:
                value = value == "yes"
            if name == "residency":
                value = [part.strip() for part in value.replace(";", ",").split(",")]
                value = [part for part in value if part]
            values[name] = value
        return values

    def build_statement(self, offering_ids: Any) -> TermStatement:
        cleaned = self.cleaned_data
        return TermStatement(
            offering_ids=offering_ids,
            values=self.terms,
            at=cleaned["at"],
            source_url=cleaned["source_url"],
            note=cleaned["note"],
        )


class HostTermsForm(DataTermsForm):
    """The form for several offerings of a host; `covers` are those to which the terms apply, by
    region and tier."""

    covers = forms.MultipleChoiceField(
        label="The terms apply to",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Select the offerings to which the terms apply."},
    )

    def __init__(self, data: Any = None, *, today: date, groups: "Mapping[str, CoverGroup]"):
        super().__init__(data, today=today)
        covers = self.fields["covers"]
        assert isinstance(covers, forms.MultipleChoiceField)
        covers.choices = [(key, group.label) for key, group in groups.items()]
        self.initial["covers"] = list(groups) if len(groups) == 1 else []


class RemoveTermForm(forms.Form):
    field = forms.CharField(max_length=40)
    reason = forms.CharField(
        label="Reason for the removal",
        error_messages={"required": "Enter a reason for the removal. The value still applies."},
    )


@dataclass(frozen=True, slots=True)
class CoverGroup:
    """The offerings of a host with one region scope and one service tier."""

    region_scope: str
    service_tier: str
    n: int

    @property
    def label(self) -> str:
        region = self.region_scope or "No region in the model ID"
        tier = f", {self.service_tier}" if self.service_tier else ""
        return pluralize(
            self.n, f"{region}{tier}: 1 offering", f"{region}{tier}: {self.n} offerings"
        )


def cover_groups(host: Provider) -> dict[str, CoverGroup]:
    """Return the groups of a host by key, the largest first; one statement."""
    rows = (
        Offering.objects.model_ids()
        .filter(host=host)
        .order_by()
        .values_list("region_scope", "service_tier")
        .annotate(n=Count("pk"))
        .order_by("-n", "region_scope", "service_tier")[:MAX_GROUPS]
    )
    return {f"{region}|{tier}": CoverGroup(region, tier, n) for region, tier, n in rows}


@require_http_methods(["GET", "HEAD", "POST"])
def enter_offering_terms(request: HttpRequest, pk: int) -> HttpResponse:
    """Enter what is stated of the data terms of one offering."""
    user = governance_user(request, REFUSAL)
    offering = get_object_or_404(
        Offering.objects.visible_to(user).filter(kind=OfferingKind.MODEL_ID).select_related("host"),
        pk=pk,
    )
    address = reverse("offerings:detail", args=[pk])
    return _enter_terms(
        request,
        user,
        form=lambda: DataTermsForm(request.POST or None, today=day_of(now())),
        offering_ids=lambda form: [offering.pk],
        title=f"Data terms of {offering.api_id}",
        crumbs=(("Offerings", reverse("offerings:list")), (offering.api_id, address)),
        sentence=f"What {offering.host.name} states of the data of requests to {offering.api_id}.",
        back=f"{address}?tab=data-terms",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def enter_host_terms(request: HttpRequest, slug: str) -> HttpResponse:
    """Enter what is stated for many offerings of a host."""
    user = governance_user(request, REFUSAL)
    host = get_object_or_404(Provider.objects.visible_to(user), slug=slug)
    groups = cover_groups(host)
    address = reverse("providers:detail", args=[slug])

    def covered_ids(form: DataTermsForm) -> list[int]:
        covered = {
            (groups[key].region_scope, groups[key].service_tier)
            for key in form.cleaned_data["covers"]
        }
        rows = Offering.objects.model_ids().filter(host=host)
        return [
            pk
            for pk, region, tier in rows.values_list("pk", "region_scope", "service_tier")
            if (region, tier) in covered
        ]

    return _enter_terms(
        request,
        user,
        form=lambda: HostTermsForm(request.POST or None, today=day_of(now()), groups=groups),
        offering_ids=covered_ids,
        title=f"Data terms of {host.name}",
        crumbs=(("Providers", reverse("providers:list")), (host.name, address)),
        sentence=f"What {host.name} states of the data of requests, for the offerings that you "
        "select.",
        back=f"{address}?tab=contracts#data-terms",
    )


def _enter_terms(
    request: HttpRequest,
    user: User,
    *,
    form: Callable[[], DataTermsForm],
    offering_ids: Callable[[Any], list[int]],
    title: str,
    crumbs: tuple[tuple[str, str], ...],
    sentence: str,
    back: str,
) -> HttpResponse:
    return action_view(
        request,
        form=form,
        action=lambda bound: record_data_terms(
            statements=[bound.build_statement(offering_ids(bound))], by=user
        ),
        done=confirm_write,
        back=back,
        page=lambda bound: render_page(
            request,
            "data-terms/form.html",
            title=title,
            crumbs=crumbs,
            counts="Statements about the data of requests",
            as_of=now(),
            sentence=Headline(sentence),
            form=bound,
            back=back,
        ),
    )


def confirm_write(written: TermsWrite) -> Confirmation:
    """Return what was saved, with the address that undoes it."""
    if written.change is None:
        return Confirmation("Nothing was changed: these terms are already recorded.")
    saved = pluralize(
        written.n_offerings,
        "Data terms saved for 1 offering.",
        f"Data terms saved for {written.n_offerings} offerings.",
    )
    return Confirmation(saved, reverse("data-terms:undo", args=[written.change]))


@require_POST
def remove_term(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a data term that a user entered, so that other sources apply again."""
    user = governance_user(request, REFUSAL)
    offering = get_object_or_404(Offering.objects.visible_to(user), pk=pk)
    return action_view(
        request,
        form=lambda: RemoveTermForm(request.POST),
        action=lambda form: remove_stated_value(
            offering=offering,
            topic=DATA_TERMS,
            field=form.cleaned_data["field"],
            by=user,
            reason=form.cleaned_data["reason"],
        ),
        done="The data term was removed. Without another source it is unknown.",
        back=f"{reverse('offerings:detail', args=[pk])}?tab=data-terms",
    )


@require_POST
def undo_terms(request: HttpRequest, change: UUID) -> HttpResponse:
    """Undo one entry or import of data terms."""
    user = governance_user(request, REFUSAL)
    return action_view(
        request,
        action=lambda _form: undo_data_terms(change=change, by=user),
        done=lambda written: pluralize(
            written.n_offerings,
            "Undone for 1 offering.",
            f"Undone for {written.n_offerings} offerings.",
        ),
        back=terms_url,
        refused=reverse("offerings:list"),
    )


def terms_url(written: TermsWrite) -> str:
    """Return the address of the terms of the changed offering, or of the host of several."""
    first = Offering.objects.select_related("host").get(pk=written.offering_ids[0])
    if written.n_offerings == 1:
        return f"{reverse('offerings:detail', args=[first.pk])}?tab=data-terms"
    return f"{reverse('providers:detail', args=[first.host.slug])}?tab=contracts#data-terms"
