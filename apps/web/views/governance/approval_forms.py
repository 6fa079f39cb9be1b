"""Forms of decisions on what may be built on."""

from typing import Any

from django import forms

from apps.inventory.models import Application, Approval, Criticality
from apps.web.pages.form_fields import DayField


class DecisionForm(forms.Form):
    """What is decided, for what, until when and why. Only a block may stand without an end."""

    decision = forms.ChoiceField(
        label="Decision",
        choices=Approval.Decision.choices,
        widget=forms.RadioSelect,
        help_text="Approved: for everything. Restricted: only for what you tick below. "
        "Blocked: for nothing.",
    )
    expires_on = DayField(
        label="Holds until",
        required=False,
        help_text="First day on which it no longer holds. Only a block may stand without one.",
    )
    data_classes = forms.MultipleChoiceField(
        label="Only for data that is",
        choices=Application.DataClass.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    criticalities = forms.TypedMultipleChoiceField(
        label="Only for applications that are",
        choices=Criticality.choices,
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    regions = forms.CharField(
        label="Only in these regions",
        required=False,
        max_length=600,
        help_text="Separated by commas, as applications give their geography: CH, EU.",
    )
    reason = forms.CharField(
        label="Reason",
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="People who may not build on it read this. Say what would change it.",
        error_messages={"required": "Say why: people will be held to it."},
    )

    def clean_regions(self) -> list[str]:
        return [
            part.strip()[:60]
            for part in self.cleaned_data["regions"].replace(";", ",").split(",")
            if part.strip()
        ]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        decision = said.get("decision")
        limits = any(said.get(name) for name in ("data_classes", "criticalities", "regions"))
        if (
            decision
            and decision != Approval.Decision.BLOCKED
            and "expires_on" in said
            and not said["expires_on"]
        ):
            self.add_error(
                "expires_on", "Give the day on which it ends; only a block stands without one."
            )
        if decision == Approval.Decision.RESTRICTED and not limits:
            self.add_error(
                "decision", "Say to what it is restricted: data, applications or regions."
            )
        if limits and decision in {Approval.Decision.APPROVED, Approval.Decision.BLOCKED}:
            self.add_error(
                "decision",
                "Limits go with a restricted approval: choose it, or take the limits out.",
            )
        return said

    @classmethod
    def of(cls, approval: Approval) -> dict[str, Any]:
        """The decision as a form's initial values; a renewal changes the day and keeps the rest."""
        return {
            "decision": approval.decision,
            "expires_on": approval.expires_on,
            "data_classes": approval.data_classes,
            "criticalities": approval.criticalities,
            "regions": ", ".join(approval.regions),
            "reason": "",
        }


class RevokeForm(forms.Form):
    reason = forms.CharField(
        label="Why it is taken back",
        max_length=10_000,
        error_messages={"required": "Say why the decision is taken back."},
    )
