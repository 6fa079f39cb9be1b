"""Forms of announced retirements."""

from datetime import date
from typing import Any

from django import forms
from django.db.models import F, QuerySet

from apps.catalog.models import DateKind, Lifecycle, Offering, Provider
from apps.catalog.retirements.announcements import RetirementTerms
from apps.catalog.retirements.coverage import (
    Subject,
    hosts_of,
    offering_by_name,
    offering_ids_by_name,
    offerings_of,
)
from apps.catalog.retirements.notice import retirement_date_in, url_in
from apps.common.errors import DomainError
from apps.web.pages.form_fields import DayField

# suggestions of a text field; any other offering can be entered
MAX_SUGGESTIONS = 200


class AnnouncementForm(forms.Form):
    """Terms of an announced retirement. A date and URL that are left empty are taken from the text
    of the notice."""

    notice_text = forms.CharField(
        label="Provider notice",
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Paste the text. An empty date or URL is read from it.",
    )
    retires_on = DayField(label="Retires on", required=False)
    date_kind = forms.ChoiceField(
        label="Date type",
        choices=[
            (DateKind.FIRM, "Announced"),
            (DateKind.NOT_BEFORE, "Earliest: not before this date"),
        ],
        initial=DateKind.FIRM,
    )
    hosts = forms.ModelMultipleChoiceField(
        Provider.objects.none(),
        label="Hosts",
        required=False,
        to_field_name="slug",
        widget=forms.CheckboxSelectMultiple,
        help_text="Select none for all hosts.",
    )
    model_ids = forms.CharField(
        label="Model IDs",
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One a line. Empty: all model IDs on these hosts.",
    )
    successor = forms.CharField(
        label="Successor",
        required=False,
        max_length=400,
        help_text="Host and model ID, such as azure-openai/gpt-4.1.",
        widget=forms.TextInput(attrs={"list": "successors", "autocomplete": "off"}),
    )
    source_url = forms.URLField(label="Source URL", required=False, max_length=1000)

    def __init__(self, *args: Any, subject: Subject, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.subject, self.today = subject, today
        hosts = hosts_of(subject)
        host_field: Any = self.fields["hosts"]
        host_field.queryset = hosts
        if isinstance(subject, Offering) or hosts.count() < 2:
            del self.fields["hosts"]
        if isinstance(subject, Offering):
            del self.fields["model_ids"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        notice = cleaned.get("notice_text", "")
        if "retires_on" in cleaned and cleaned["retires_on"] is None:
            cleaned["retires_on"] = retirement_date_in(notice, after=self.today)
            if cleaned["retires_on"] is None:
                self.add_error(
                    "retires_on",
                    "Enter the retirement date. The notice does not name exactly one later date."
                    if notice
                    else "Enter the retirement date.",
                )
        if not cleaned.get("source_url"):
            cleaned["source_url"] = url_in(notice)[:1000]
        cleaned["successor_offering"] = self._find_successor(cleaned.get("successor", ""))
        cleaned["offering_ids"] = self._find_model_ids(cleaned)
        return cleaned

    def _find_successor(self, name: str) -> Offering | None:
        if not name.strip():
            return None
        try:
            return offering_by_name(name)
        except DomainError as refusal:
            self.add_error("successor", str(refusal))
            return None

    def _find_model_ids(self, cleaned: dict[str, Any]) -> list[int] | None:
        names = cleaned.get("model_ids", "").split()
        if not names:
            return None
        try:
            return offering_ids_by_name(self.subject, names, hosts=list(cleaned.get("hosts") or ()))
        except DomainError as refusal:
            self.add_error("model_ids", str(refusal))
            return None

    def terms(self, *, selected_ids: list[int] | None = None) -> RetirementTerms:
        """Return the terms of a valid form; `selected_ids` are the boxes of the preview."""
        cleaned = self.cleaned_data
        return RetirementTerms(
            subject=self.subject,
            retires_on=cleaned["retires_on"],
            date_kind=cleaned["date_kind"],
            hosts=list(cleaned.get("hosts") or ()),
            offering_ids=cleaned["offering_ids"] if selected_ids is None else selected_ids,
            successor=cleaned["successor_offering"],
            source_url=cleaned["source_url"],
            notice_text=cleaned["notice_text"],
        )


class WithdrawForm(forms.Form):
    reason = forms.CharField(
        label="Reason",
        max_length=10_000,
        error_messages={"required": "Enter a reason for the withdrawal."},
    )


def successor_suggestions(subject: Subject) -> QuerySet[Offering]:
    """Return served offerings of the same developers, the latest release first, for the list of a
    text field."""
    own = offerings_of(subject).order_by()
    developers = own.filter(version__isnull=False).values("version__foundation__developer")
    return (
        Offering.objects.filter(
            version__foundation__developer__in=developers,
            lifecycle__in=[Lifecycle.ACTIVE, Lifecycle.PREVIEW],
            not_a_model=False,
            region_scope="",
        )
        .exclude(pk__in=own.values("pk"))
        .select_related("host")
        .order_by(F("version__released_on").desc(nulls_last=True), "host__name", "api_id", "pk")[
            :MAX_SUGGESTIONS
        ]
    )
