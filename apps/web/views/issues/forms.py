"""Forms of responses to issues."""

from datetime import date, timedelta
from typing import Any

from django import forms

from apps.accounts.models import User
from apps.issues.models import Issue
from apps.issues.responses import MAX_SNOOZE_DAYS, can_own
from apps.web.pages.form_fields import DayField


class SnoozeForm(forms.Form):
    """Number of days for which an issue is snoozed; `until` in the cleaned data."""

    days = forms.IntegerField(min_value=1, max_value=MAX_SNOOZE_DAYS, label="Snooze for")

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "days" in data:
            data["until"] = self.today + timedelta(days=data["days"])
        return data


class AcceptForm(forms.Form):
    until = DayField(label="Until", help_text="Expires on (not valid from this date).")
    reason = forms.CharField(
        label="Reason", max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label="Reason", max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )


class CommentForm(forms.Form):
    text = forms.CharField(
        label="Comment", max_length=4000, widget=forms.Textarea(attrs={"rows": 3})
    )


class OwnerForm(forms.Form):
    """Owner of an issue: users who can view it."""

    owner = forms.ModelChoiceField(
        queryset=User.objects.none(),
        required=False,
        label="Owner",
        empty_label="As the application",
    )

    def __init__(self, *args: Any, issue: Issue, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["owner"]
        field.queryset = possible_owners(issue)


def possible_owners(issue: Issue) -> Any:
    """Return the active users who can view the issue, by name."""
    active = User.objects.people().filter(is_active=True).order_by("first_name", "last_name")
    ids = [user.pk for user in active if can_own(user, issue)]
    return active.filter(pk__in=ids)
