"""Forms of approvals."""

from typing import Any

from django import forms

from apps.inventory.governance.term_conditions import has_term_conditions
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
    requires_no_training = forms.BooleanField(
        label="Inputs must not be used for training", required=False
    )
    max_retention_days = forms.IntegerField(
        label="Retention of at most so many days", required=False, min_value=0, max_value=100_000
    )
    requires_zero_retention = forms.BooleanField(
        label="Zero retention must be possible", required=False
    )
    residencies = forms.CharField(
        label="Data must stay in",
        required=False,
        max_length=600,
        help_text="Regions, separated by commas, as in the data terms of offerings: EU, CH.",
    )
    terms_data_classes = forms.MultipleChoiceField(
        label="These conditions apply to data classified as",
        choices=Application.DataClass.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None selected: to all data. An unknown data term meets no condition.",
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
        return _split_names(self.cleaned_data["regions"])

    def clean_residencies(self) -> list[str]:
        return _split_names(self.cleaned_data["residencies"])

    def clean(self) -> dict[str, Any]:
        """Require an expiry date unless the decision is blocked, and limits exactly if it is
        restricted."""
        cleaned = super().clean() or {}
        decision = cleaned.get("decision")
        has_conditions = has_term_conditions(cleaned)
        has_limits = has_conditions or any(
            cleaned.get(name) for name in ("data_classes", "criticalities", "regions")
        )
        if cleaned.get("terms_data_classes") and not has_conditions and not self.errors:
            self.add_error(
                "terms_data_classes", "Select the data terms that data of these classes needs."
            )
        if (
            decision
            and decision != Approval.Decision.BLOCKED
            and "expires_on" in cleaned
            and not cleaned["expires_on"]
        ):
            self.add_error("expires_on", "Enter an expiry date. Only a block can have no end.")
        if decision == Approval.Decision.RESTRICTED and not has_limits:
            self.add_error(
                "decision",
                "Select the restriction: data classes, applications, regions or data terms.",
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
            "requires_no_training": approval.requires_no_training,
            "max_retention_days": approval.max_retention_days,
            "requires_zero_retention": approval.requires_zero_retention,
            "residencies": ", ".join(approval.residencies),
            "terms_data_classes": approval.terms_data_classes,
            "reason": "",
        }


def _split_names(text: str) -> list[str]:
    return [name.strip()[:60] for name in text.replace(";", ",").split(",") if name.strip()]


class RevokeForm(forms.Form):
    reason = forms.CharField(
        label="Reason for the revocation",
        max_length=10_000,
        error_messages={"required": "Enter a reason for the revocation."},
    )
