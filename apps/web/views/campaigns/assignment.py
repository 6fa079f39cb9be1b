"""Form that assigns many tasks of a campaign to one person."""

from typing import Any

from django import forms

from apps.accounts.models import Team, User
from apps.accounts.queries import editors_of
from apps.accounts.roles import TeamRole
from apps.exposure.campaigns.bulk_assignment import selected_tasks
from apps.exposure.models import Campaign
from apps.web.views.dependencies.offering_picker import number_in


class AssignmentForm(forms.Form):
    """`team` empty: the selected tasks. `owner` empty: no single owner."""

    team = forms.ModelChoiceField(
        Team.objects.none(), label="Tasks", required=False, empty_label="Selected tasks"
    )
    owner = forms.ModelChoiceField(
        User.objects.none(), label="Assign to", required=False, empty_label="Unassigned"
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        picks = self.data.getlist("pick")  # type: ignore[attr-defined]
        cleaned["task_ids"] = [int(pk) for pk in picks if number_in(pk)]
        if not self.errors and cleaned["team"] is None and not cleaned["task_ids"]:
            self.add_error(None, "Select at least one task, or a team.")
        return cleaned


def build_assignment_form(
    campaign: Campaign, user: User, data: Any = None
) -> AssignmentForm | None:
    """Return the form with the teams that have tasks which the user can assign, and the people who
    can work on them; None if there are none."""
    team_ids = set(
        selected_tasks(by=user, campaign=campaign)
        .order_by()
        .values_list("dependency__application__team", flat=True)
        .distinct()
    )
    if not user.is_governance:
        team_ids = {pk for pk in team_ids if user.may(TeamRole.EDITOR, pk)}
    if not team_ids:
        return None
    form = AssignmentForm(data)
    team_field: Any = form.fields["team"]
    team_field.queryset = Team.objects.filter(pk__in=team_ids).order_by("name")
    owner_field: Any = form.fields["owner"]
    owner_field.queryset = editors_of(team_ids)
    return form
