"""Forms of responses to alerts: the same fields on an alert's page, for bulk responses, and behind
an email link."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django import forms

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.alerts.lifecycle.mutes import MuteScope
from apps.alerts.models import KINDS, Alert
from apps.common.time import day_of
from apps.web.pages.form_fields import DayField
from apps.web.views.alerts.presenters import SNOOZES

DEFAULT_MUTE_DAYS = 14


class SnoozeForm(forms.Form):
    """Form of a snooze: `days` comes from a button and takes precedence over the date `until`."""

    until = DayField(
        label="Until", required=False, error_messages={"required": "Enter an end date."}
    )
    days = forms.TypedChoiceField(
        choices=[("", ""), *SNOOZES], coerce=int, empty_value=None, required=False
    )

    def __init__(self, *args: Any, on: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.on = on
        self.fields["until"].widget.attrs["min"] = (on + timedelta(days=1)).isoformat()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("days"):
            cleaned["until"] = self.on + timedelta(days=cleaned["days"])
        elif not cleaned.get("until") and "until" not in self.errors:
            self.add_error("until", "Enter an end date.")
        return cleaned


class AssignForm(forms.Form):
    """Form of an assignment: `to` is a username; empty removes the assignment."""

    to = forms.ChoiceField(label="To", required=False)

    def __init__(self, *args: Any, people: Iterable[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {person.get_username(): person for person in people}
        choices = [
            ("", "Not assigned"),
            *((name, str(person)) for name, person in self.people.items()),
        ]
        field = self.fields["to"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices
        field.error_messages["invalid_choice"] = (
            "Select a user from the list. Other users cannot view this alert."
        )

    @property
    def person(self) -> User | None:
        return self.people.get(self.cleaned_data["to"])


class ResolveForm(forms.Form):
    why = forms.CharField(
        label="Resolution",
        max_length=300,
        help_text="For example: migrated to another model, accepted, no longer used.",
        error_messages={"required": "Enter how the alert was resolved."},
    )


def mute_scopes(alert: Alert, applications: Iterable[str]) -> list[tuple[str, str]]:
    """Return (scope, label) of the mutes that the alert offers, narrowest first.

    `applications` are the names of the affected applications that the user may see."""
    scopes = [(MuteScope.SUBJECT, "Only this alert, including its later reminders")]
    if alert.offering is not None:
        offering = alert.offering
        scopes.append(
            (MuteScope.OFFERING, f"All alerts about {offering.api_id} on {offering.host.name}")
        )
    application_names = list(applications)
    if len(application_names) == 1 and len(alert.application_ids) == 1:
        scopes.append((MuteScope.APPLICATION, f"All alerts about {application_names[0]} only"))
    scopes.append((MuteScope.KIND, f"All alerts of the type “{KINDS.get(alert.kind, alert.kind)}”"))
    if alert.offering is not None:
        scopes.append((MuteScope.PROVIDER, f"All alerts about {alert.offering.host.name}"))
    return [(str(scope), label) for scope, label in scopes]


class MuteForm(forms.Form):
    what = forms.ChoiceField(label="Alerts", widget=forms.RadioSelect)
    whose = forms.ChoiceField(label="Recipient", required=False)
    until = DayField(
        label="Until",
        help_text="At most one year. You are reminded before the mute expires.",
        error_messages={"required": "Enter an end date. A mute can last at most one year."},
    )
    reason = forms.CharField(label="Reason", required=False, max_length=300)

    def __init__(
        self,
        *args: Any,
        scopes: Sequence[tuple[str, str]],
        teams: Iterable[Team],
        at: datetime,
        **kwargs: Any,
    ) -> None:
        """Offer the scopes of the alert and the mailboxes of `teams`; the date starts with the
        default duration."""
        super().__init__(*args, **kwargs)
        self.teams = {team.slug: team for team in teams}
        scope_field, owner_field = self.fields["what"], self.fields["whose"]
        assert isinstance(scope_field, forms.ChoiceField)
        assert isinstance(owner_field, forms.ChoiceField)
        scope_field.choices = scopes
        scope_field.initial = scopes[0][0]
        scope_field.error_messages |= {
            "required": "Select what to mute.",
            "invalid_choice": "Choose what to mute from the list.",
        }
        owner_field.choices = [
            ("", "Me"),
            *((slug, f"Mailbox of {team.name}") for slug, team in self.teams.items()),
        ]
        today = day_of(at)
        self.fields["until"].initial = today + timedelta(days=DEFAULT_MUTE_DAYS)
        self.fields["until"].widget.attrs["min"] = (today + timedelta(days=1)).isoformat()

    @property
    def team(self) -> Team | None:
        return self.teams.get(self.cleaned_data["whose"])


def manageable_mailboxes(alert: Alert, user: User) -> list[Team]:
    """Return the mailbox that the alert goes to, if `user` may mute it; `alert.team` must be
    loaded."""
    team = alert.team
    return [team] if team is not None and team.email and user.may(TeamRole.EDITOR, team.pk) else []
