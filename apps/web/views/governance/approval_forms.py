"""Forms of approvals."""

from typing import Any

from django import forms

from apps.inventory.models import Application, Approval, Criticality
from apps.web.pages.form_fields import DayField


class DecisionForm(forms.Form):
    """Form of an approval: status, scope, expiry date and reason. Only a block may have no expiry
    date."""

    decision = forms.ChoiceField(
        label="Status",
        choices=Approval.Decision.choices,
        widget=forms.RadioSelect,
        help_text="Approved: for all uses. Restricted: only for the selected uses. Blocked: "
        "for no use.",
    )
    expires_on = DayField(
        label="Valid until",
        required=False,
        help_text="Expires on (not valid from this date). Only a block can have no end.",
    )
    data_classes = forms.MultipleChoiceField(
        label="Only for data classified as",
        choices=Application.DataClass.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    criticalities = forms.TypedMultipleChoiceField(
        label="Only for applications with the criticality",
        choices=Criticality.choices,
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    regions = forms.CharField(
        label="Only in these regions",
        required=False,
        max_length=600,
        help_text="Separated by commas, as in the geography of applications: CH, EU.",
    )
    reason = forms.CharField(
        label="Reason",
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Shown to users who are not allowed to use it. State what would change the "
        "decision.",
        error_messages={"required": "Enter a reason. Users have to comply with the decision."},
    )

    def clean_regions(self) -> list[str]:
        return [
            region.strip()[:60]
            for region in self.cleaned_data["regions"].replace(";", ",").split(",")
            if region.strip()
        ]

    def clean(self) -> dict[str, Any]:
        """Require an expiry date unless the decision is blocked, and limits exactly if it is
        restricted."""
        cleaned = super().clean() or {}
        decision = cleaned.get("decision")
        has_limits = any(cleaned.get(name) for name in ("data_classes", "criticalities", "regions"))
        if (
            decision
            and decision != Approval.Decision.BLOCKED
            and "expires_on" in cleaned
            and not cleaned["expires_on"]
        ):
            self.add_error("expires_on", "Enter an expiry date. Only a block can have no end.")
        if decision == Approval.Decision.RESTRICTED and not has_limits:
            self.add_error(
                "decision", "Select the restriction: data classifications, applications or regions."
            )
        if has_limits and decision in {Approval.Decision.APPROVED, Approval.Decision.BLOCKED}:
            self.add_error(
                "decision",
                "Only a restricted approval can have limits. Select Restricted, or remove the "
                "limits.",
            )
        return cleaned

    @classmethod
    def of(cls, approval: Approval) -> dict[str, Any]:
        """Return the initial values of a renewal form: all of the approval's values, without the
        reason."""
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
        label="Reason for the revocation",
        max_length=10_000,
        error_messages={"required": "Enter a reason for the revocation."},
    )
