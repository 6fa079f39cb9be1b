"""Entering capabilities of an offering: an own test, or a statement with its address."""

from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.catalog.capabilities.fields import (
    CAPABILITY,
    CAPABILITY_FIELDS,
    FLAG,
    LIMIT,
    MONTH,
    SET,
    StatedField,
)
from apps.catalog.capabilities.phrases import field_noun
from apps.catalog.capabilities.side_by_side import StatedValue, compare_sources
from apps.catalog.claims.stated_values import (
    KINDS,
    MAX_NOTE_LENGTH,
    MAX_URL_LENGTH,
    OWN_TEST,
    StatedValueWrite,
    record_stated_value,
    remove_stated_value,
    undo_stated_values,
)
from apps.catalog.models import Offering
from apps.common.time import day_of, now
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.form_fields import DayField, governance_user
from apps.web.pages.page import Headline, render_page
from apps.web.presenters.stated_values import present_changes, present_values

_REFUSAL = "You need the governance role to enter capabilities."


class CapabilityForm(forms.Form):
    """Form of one value; its input depends on the field."""

    kind = forms.ChoiceField(
        label="How it is known",
        choices=list(KINDS.items()),
        help_text="An own test outranks a statement, and both outrank every feed.",
    )
    at = DayField(
        label="Day",
        help_text="Day of the test, or on which the statement was read.",
        error_messages={"required": "Enter the day of the test or statement."},
    )
    source_url = forms.URLField(
        label="Address",
        required=False,
        max_length=MAX_URL_LENGTH,
        assume_scheme="https",
        help_text="Page with the statement, or record of the test.",
    )
    note = forms.CharField(
        label="Note",
        required=False,
        max_length=MAX_NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="What was tested, or where it was stated.",
    )
    field_order = ("value", "kind", "at", "source_url", "note")

    def __init__(self, field: StatedField, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stated_field = field
        self.fields["value"] = _value_input(field)
        self.order_fields(self.field_order)

    @property
    def value(self) -> Any:
        """Return the entered value as the catalogue stores it."""
        value = self.cleaned_data["value"]
        return value == "yes" if self.stated_field.form == FLAG else value


def _value_input(field: StatedField) -> forms.Field:
    """Return the input of a field, with the label of the field."""
    required = {"required": f"Enter a value for {field_noun(field.key)}."}
    if field.form == FLAG:
        return forms.ChoiceField(
            label=field.label,
            choices=[("", "Select"), ("yes", "Yes"), ("no", "No")],
            error_messages=required,
        )
    if field.form == LIMIT:
        return forms.IntegerField(
            label=f"{field.label}, {field.unit}",
            min_value=0,
            error_messages={**required, "invalid": f"Enter a whole number of {field.unit}."},
        )
    if field.form == MONTH:
        return forms.CharField(
            label=field.label,
            max_length=7,
            widget=forms.TextInput(attrs={"type": "month", "placeholder": "2026-01"}),
            error_messages=required,
        )
    assert field.form == SET, "capabilities have no other form"
    return forms.MultipleChoiceField(
        label=field.label,
        choices=[(name, name.upper() if name == "pdf" else name) for name in field.allowed],
        widget=forms.CheckboxSelectMultiple,
        error_messages=required,
    )


class RemoveCapabilityForm(forms.Form):
    """Reason for the removal of a value."""

    reason = forms.CharField(
        label="Reason",
        max_length=500,
        error_messages={
            "required": "Enter a reason for removing the value. The value still applies."
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
def enter_capability(request: HttpRequest, pk: int, field: str) -> HttpResponse:
    """Enter or change the value of one field, beside what the sources state."""
    offering, stated_field = _subject_or_404(request, pk, field)
    user = governance_user(request, _REFUSAL)
    return action_view(
        request,
        form=lambda: CapabilityForm(
            stated_field,
            request.POST if request.method == "POST" else None,
            initial=_initial(offering, field),
        ),
        action=lambda form: record_stated_value(
            offering=offering,
            topic=CAPABILITY,
            field=field,
            value=form.value,
            **{name: form.cleaned_data[name] for name in ("kind", "at", "source_url", "note")},
            by=user,
        ),
        done=lambda write: _confirm(write, f"{stated_field.label} saved. It outranks every feed."),
        back=_tab_url(offering),
        page=lambda form: _render_form(request, offering, stated_field, form),
    )


@require_POST
def remove_capability(request: HttpRequest, pk: int, field: str) -> HttpResponse:
    """Remove the value that a user entered, so that the feeds apply again."""
    offering, stated_field = _subject_or_404(request, pk, field)
    user = governance_user(request, _REFUSAL)
    return action_view(
        request,
        form=lambda: RemoveCapabilityForm(request.POST),
        action=lambda form: remove_stated_value(
            offering=offering,
            topic=CAPABILITY,
            field=field,
            by=user,
            reason=form.cleaned_data["reason"],
        ),
        done=lambda write: _confirm(
            write, f"{stated_field.label} removed. The values of the feeds apply again."
        ),
        back=_tab_url(offering),
    )


@require_POST
def undo_capability(request: HttpRequest, pk: int, change: UUID) -> HttpResponse:
    """Undo a change of the values that users entered for an offering."""
    offering = _offering_or_404(request, pk)
    user = governance_user(request, _REFUSAL)
    return action_view(
        request,
        action=lambda _form: undo_stated_values(change=change, by=user),
        done=lambda write: _confirm(write, "The change was undone."),
        back=_tab_url(offering),
    )


def _confirm(write: StatedValueWrite, message: str) -> Confirmation:
    if write.change is None:
        return Confirmation("No value differs from the recorded one. Nothing was changed.")
    return Confirmation(
        message, reverse("offerings:undo-capability", args=[write.claim.offering_id, write.change])
    )


def _tab_url(offering: Offering) -> str:
    return f"{reverse('offerings:detail', args=[offering.pk])}?tab=capabilities"


def _offering_or_404(request: HttpRequest, pk: int) -> Offering:
    # what hosts serve: names and features have no capabilities of their own
    rows = Offering.objects.visible_to(request.user).model_ids()  # type: ignore[attr-defined]
    offering: Offering = get_object_or_404(rows.select_related("host"), pk=pk)
    return offering


def _subject_or_404(request: HttpRequest, pk: int, field: str) -> tuple[Offering, StatedField]:
    if field not in CAPABILITY_FIELDS:
        raise Http404
    return _offering_or_404(request, pk), CAPABILITY_FIELDS[field]


def _initial(offering: Offering, field: str) -> dict[str, Any]:
    """Return the value that a user entered before, otherwise today as the day of an own test."""
    comparison = next(
        row for row in compare_sources([offering.pk])[offering.pk] if row.field.key == field
    )
    manual = comparison.manual
    if manual is None:
        return {"kind": OWN_TEST, "at": day_of(now())}
    return {
        "value": _form_value(manual, comparison.field),
        "kind": manual.kind,
        "at": manual.at,
        "source_url": manual.source_url,
        "note": manual.note,
    }


def _form_value(manual: StatedValue, field: StatedField) -> Any:
    if field.form == FLAG:
        return "yes" if manual.value else "no"
    return manual.value


def _render_form(
    request: HttpRequest, offering: Offering, field: StatedField, form: CapabilityForm
) -> HttpResponse:
    comparisons = [
        row for row in compare_sources([offering.pk])[offering.pk] if row.field.key == field.key
    ]
    table = present_values(CAPABILITY, comparisons)
    row = table.rows[0]
    return render_page(
        request,
        "offerings/enter-capability.html",
        title=f"Enter {field_noun(field.key)}",
        crumbs=(
            ("Offerings", reverse("offerings:list")),
            (offering.api_id, _tab_url(offering)),
        ),
        sentence=Headline(
            f"{field.label} of {offering.api_id} on {offering.host.name}: {row.text}."
        ),
        offering=offering,
        field=field,
        row=row,
        form=form,
        back=_tab_url(offering),
        changes=present_changes(offering.pk, CAPABILITY, field=field.key),
    )
