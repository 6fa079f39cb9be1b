"""Forms of responses to issues."""

from datetime import date, timedelta
from typing import Any

from django import forms

from apps.accounts.models import User
from apps.issues.models import Issue
from apps.issues.owners import CONFIRMATION_FIELD, can_name_owner, person_label, possible_owners
from apps.issues.responses import MAX_SNOOZE_DAYS
from apps.web.pages.form_fields import DayField, QuickSelect

SNOOZE_CHOICES = ((7, "7 days"), (14, "14 days"), (30, "30 days"), (90, "90 days"))


class SnoozeForm(forms.Form):
    """Number of days for which an issue is snoozed; `until` in the cleaned data."""

    days = forms.IntegerField(
        min_value=1,
        max_value=MAX_SNOOZE_DAYS,
        label="Snooze for",
        widget=QuickSelect(choices=SNOOZE_CHOICES),
        error_messages={"required": "Select a number of days."},
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "days" in data:
            data["until"] = self.today + timedelta(days=data["days"])
        return data


class AcceptForm(forms.Form):
    until = DayField(
        label="Accept until",
        help_text="Expires on (not valid from this date).",
        error_messages={"required": "Enter a date."},
    )
    reason = forms.CharField(
        label="Reason",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Enter a reason."},
    )


class ResolveForm(forms.Form):
    reason = forms.CharField(
        label="Resolution",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="The issue opens again only if its fact changes.",
        error_messages={"required": "Enter how the issue was resolved."},
    )


class CommentForm(forms.Form):
    text = forms.CharField(
        label="Comment",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Enter a comment."},
    )


class _PersonChoiceField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Person to choose by name; contacts are marked."""

    def label_from_instance(self, obj: Any) -> str:
        return person_label(obj)


class OwnerForm(forms.Form):
    """Owner of an issue: a person who can own it, or for users who may name owners of its
    application the email address of any contact. Such an assignment must be confirmed."""

    owner = _PersonChoiceField(
        queryset=User.objects.none(),
        required=False,
        label="Owner",
        empty_label="Follow the application",
        widget=QuickSelect,
        error_messages={
            "invalid_choice": "Select a user from the list. Other users cannot view this issue."
        },
    )
    address = forms.CharField(
        required=False,
        max_length=320,
        label="Or the email address of a contact",
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "email"}),
    )
    confirm_contact = forms.BooleanField(
        required=False, label="Assign the issue to this contact anyway"
    )

    def __init__(self, *args: Any, issue: Issue, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["owner"]
        field.queryset = possible_owners(issue)
        if issue.application_id is None:
            field.empty_label = "No assignment"
        if not can_name_owner(user, issue):
            del self.fields["address"]

    @property
    def needs_confirmation(self) -> bool:
        """Return whether the page asks to confirm the contact."""
        return CONFIRMATION_FIELD in self.errors
