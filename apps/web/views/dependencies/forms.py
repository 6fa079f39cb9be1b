"""Forms of dependencies, adaptations, exit plans and exit tests."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms

from apps.catalog.identity.named_models import HOST_NOT_STATED
from apps.catalog.models import Offering, Provider, ProviderRole, Version
from apps.common.time import day_of, now
from apps.inventory.candidate_checks import Break, refuse_unconfirmed
from apps.inventory.models import Adaptation, Dependency, ExitPlan, ExitTest
from apps.web.pages.form_fields import DayField, QuickSelect
from apps.web.pages.optimistic_lock import OptimisticLockMixin
from apps.web.views.applications.forms import ReasonField


class ConfirmedChoiceMixin:
    """Form of a choice that must be confirmed if it breaks something: it comes back with what
    breaks, and `components/confirm-breaks.html` shows the box to confirm it. The box names the
    offering, so that it confirms no other choice."""

    unconfirmed: Offering | None = None

    def require_confirmation(self, breaks: Sequence[Break], candidate: Offering) -> None:
        """Raise UnconfirmedChoiceError unless the user confirmed what the candidate breaks."""
        data: Any = self.data  # type: ignore[attr-defined]
        confirmed = data.get("confirm_breaks") == str(candidate.pk)
        if breaks and not confirmed:
            self.unconfirmed = candidate
        refuse_unconfirmed(breaks, confirmed=confirmed)


AMOUNTS = (
    "monthly_input_tokens",
    "monthly_output_tokens",
    "monthly_cache_read_tokens",
    "monthly_cache_write_tokens",
    "monthly_requests",
    "typical_request_tokens",
    "monthly_spend",
)


class ShareField(forms.CharField):
    """Field of a share of traffic as users write it, `62` or `62 %`; stored as 0 to 1."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return f"{(value * 100).normalize():f}" if isinstance(value, Decimal) else value

    def to_python(self, value: Any) -> Any:
        text = str(value or "").replace("%", "").replace("\u00a0", "").strip()
        if not text:
            return None
        try:
            share = Decimal(text.replace(",", ".")) / 100
        except InvalidOperation as error:
            raise forms.ValidationError("Enter a percentage such as 62.") from error
        if not share.is_finite() or share < 0 or share > 1000:
            raise forms.ValidationError("Enter a percentage such as 62.")
        return share


class TagsField(forms.CharField):
    """Field of tags, separated by commas."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return (
            value
            if isinstance(value, list)
            else [tag.strip() for tag in str(value or "").split(",") if tag.strip()]
        )


_LABELS = {
    "role": "Role",
    "fallback_order": "Fallback order",
    "reached": "Reached",
    "via_party": "Via",
    "binding": "Pinned or alias",
    "monthly_input_tokens": "Input tokens per month",
    "monthly_output_tokens": "Output tokens per month",
    "monthly_cache_read_tokens": "Cache read tokens per month",
    "monthly_cache_write_tokens": "Cache write tokens per month",
    "monthly_requests": "Requests per month",
    "typical_request_tokens": "Input tokens of a typical request",
    "monthly_spend": "Spend per month",
}
_HELP = {
    "role": "A primary model does the work; a fallback takes over; other roles support it.",
    "fallback_order": "1 is called first; 0 for other roles.",
    "via_party": "The gateway or vendor in between; empty for a direct call.",
}


class DeclareForm(ConfirmedChoiceMixin, forms.ModelForm):  # type: ignore[type-arg]
    """Form of a new dependency, and in the same step of its adaptation. The offering is selected
    beside the form."""

    offering = forms.ModelChoiceField(
        queryset=Offering.objects.all(), required=False, widget=forms.HiddenInput
    )
    new_host = forms.ModelChoiceField(
        label="Host",
        queryset=Provider.objects.filter(roles__contains=[ProviderRole.HOST])
        .exclude(slug=HOST_NOT_STATED)
        .order_by("name"),
        required=False,
        widget=QuickSelect,
    )
    new_api_id = forms.CharField(
        label="Model ID or name",
        max_length=300,
        required=False,
        help_text="A name, such as Haiku 3, is an issue until its model ID is chosen.",
    )
    is_model_id = forms.BooleanField(
        label="This is the exact model ID",
        required=False,
        help_text="Exactly as the application sends it to the host.",
    )
    traffic_share = ShareField(
        label="Share of primary traffic, %", help_text="Shares are scaled to 100%; 0 is a standby."
    )
    since = DayField(label="In use since")
    adaptation_kind = forms.ChoiceField(
        label="Adaptation", required=False, choices=[("", "none yet"), *Adaptation.Kind.choices]
    )
    adaptation_name = forms.CharField(label="Named", max_length=200, required=False)
    adaptation_moves = forms.ChoiceField(
        label="Reuse on another model",
        required=False,
        choices=[("", "unknown"), *Adaptation.Moves.choices],
    )
    reason = ReasonField()

    FACTS = ("fallback_order", "traffic_share", *AMOUNTS, "reached", "via_party")

    class Meta:
        model = Dependency
        fields = ("role", "fallback_order", "reached", "via_party", "since", *AMOUNTS)
        labels = _LABELS
        help_texts = _HELP
        widgets = {"via_party": QuickSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {}).setdefault("since", day_of(now()))
        super().__init__(*args, **kwargs)
        self.fields["via_party"].queryset = Provider.objects.order_by("name")  # type: ignore[attr-defined]
        self.fields["via_party"].empty_label = "none: a direct call"  # type: ignore[attr-defined]
        self.fields["fallback_order"].required = False

    def clean_fallback_order(self) -> int:
        return self.cleaned_data["fallback_order"] or 0

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        api_id = cleaned.get("new_api_id") or ""
        if cleaned.get("offering") is None and not api_id:
            raise forms.ValidationError(
                "Select a model from the list, or enter the model ID or name of one that is not "
                "in the catalogue."
            )
        if cleaned.get("offering") is None and cleaned.get("is_model_id"):
            if not cleaned.get("new_host"):
                self.add_error("new_host", "Select the host of the model ID.")
            if len(api_id.split()) > 1 or "(" in api_id:
                self.add_error(
                    "new_api_id",
                    "A model ID has no spaces or brackets. Correct it, or declare it as a name.",
                )
        if cleaned.get("reached") == Dependency.Reached.DIRECT:
            cleaned["via_party"] = None
        return cleaned

    @property
    def facts(self) -> dict[str, Any]:
        return {name: self.cleaned_data.get(name) for name in self.FACTS}

    @property
    def amounts(self) -> list[forms.BoundField]:
        return [self[name] for name in AMOUNTS]

    def _get_validation_exclusions(self) -> set[str]:
        # the action checks the whole row, with application and offering
        return {
            field.name for field in Dependency._meta.fields if field.name not in self.fields
        } | {"application", "offering", "via_party", "reached"}

    def validate_constraints(self) -> None:
        """Leave the constraints to the action, which checks the complete row."""


class DependencyForm(OptimisticLockMixin, forms.ModelForm):  # type: ignore[type-arg]
    """Form of a dependency. It excludes the offering, which changes by replacing the dependency,
    and the period, which changes by ending and reopening it."""

    traffic_share = ShareField(
        label="Share of primary traffic, %", help_text="Shares are scaled to 100%; 0 is a standby."
    )
    tags = TagsField(label="Tags", required=False, help_text="Separated by commas.")
    features = forms.MultipleChoiceField(
        label="Features used",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Their retirement is then an issue of this application.",
    )
    reason = ReasonField()

    FACTS = (
        "fallback_order",
        "traffic_share",
        "reached",
        "via_party",
        "binding",
        *AMOUNTS,
        "tags",
        "features",
    )

    class Meta:
        model = Dependency
        fields = (
            "traffic_share",
            "fallback_order",
            "reached",
            "via_party",
            "binding",
            *AMOUNTS,
            "tags",
            "features",
        )
        labels = _LABELS
        help_texts = _HELP
        widgets = {"via_party": QuickSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["via_party"].queryset = Provider.objects.order_by("name")  # type: ignore[attr-defined]
        self.fields["via_party"].empty_label = "none: a direct call"  # type: ignore[attr-defined]
        self.fields["features"].choices = _feature_choices(self.instance)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("reached") == Dependency.Reached.DIRECT:
            cleaned["via_party"] = None
        return cleaned

    @property
    def facts(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.FACTS}


def _feature_choices(dependency: Dependency) -> list[tuple[str, str]]:
    """Return the features of the host as choices, with those that the dependency has already."""
    listed = Offering.objects.features().filter(host=dependency.offering.host_id)
    choices = {
        row.api_id: f"{row.api_id} ({row.get_kind_display().lower()})"
        for row in listed.order_by("kind", "api_id").only("api_id", "kind")
    }
    return [
        *choices.items(),
        *(
            (name, f"{name} (not in the catalogue)")
            for name in dependency.features
            if name not in choices
        ),
    ]


class EndForm(forms.Form):
    on = DayField(label="On", help_text="First day without use.")
    reason = ReasonField()


class ReopenForm(forms.Form):
    until = DayField(label="Until", required=False, help_text="Empty: no end.")
    reason = ReasonField()


class ReplaceForm(ConfirmedChoiceMixin, forms.Form):
    offering = forms.ModelChoiceField(
        queryset=Offering.objects.all(),
        widget=forms.HiddenInput,
        error_messages={"required": "Select the new model."},
    )
    on = DayField(
        label="From", help_text="The old dependency ends and the new one begins on this date."
    )
    reason = ReasonField()


class AdaptationForm(OptimisticLockMixin, forms.ModelForm):  # type: ignore[type-arg]
    reason = ReasonField()

    class Meta:
        model = Adaptation
        fields = ("kind", "name", "artefact_ref", "moves", "invested_days", "invested_cost", "note")
        widgets = {"note": forms.Textarea(attrs={"rows": 2})}
        labels = {
            "kind": "Type",
            "name": "Name",
            "artefact_ref": "Location",
            "moves": "Reuse",
            "invested_days": "Days spent",
            "invested_cost": "Cost",
            "note": "Note",
        }

    @property
    def facts(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.Meta.fields}


class PlanForm(ConfirmedChoiceMixin, OptimisticLockMixin, forms.ModelForm):  # type: ignore[type-arg]
    """Form of an exit plan; `target` is selected beside the form. The history's reason is `why`,
    since the plan has a reason of its own."""

    target = forms.ModelChoiceField(
        queryset=Offering.objects.all(), required=False, widget=forms.HiddenInput
    )
    next_test_on = DayField(
        label="Next test on", required=False, help_text="The owner is reminded on this date."
    )
    why = ReasonField()

    class Meta:
        model = ExitPlan
        fields = (
            "substitutability",
            "reason",
            "reintegration",
            "reliance",
            "alternatives_identified",
            "alternatives",
            "blockers",
            "estimated_days",
            "estimated_cost",
            "next_test_on",
            "note",
            "target",
        )
        widgets = {
            name: forms.Textarea(attrs={"rows": 2}) for name in ("alternatives", "blockers", "note")
        }
        labels = {
            "substitutability": "Substitutability",
            "reason": "Reason it is hard to substitute",
            "reintegration": "Possibility of reintegration",
            "reliance": "Reliance",
            "alternatives_identified": "Alternatives identified",
            "alternatives": "Alternatives",
            "blockers": "Blockers",
            "estimated_days": "Migration, days (estimated)",
            "estimated_cost": "Migration cost (estimated)",
            "note": "Note",
        }
        help_texts = {
            "substitutability": "As required by the DORA register of information (RT.07.01).",
            "reason": "Required if it is not or hardly substitutable.",
            "estimated_days": "Calendar days. The runway uses them until an exit test "
            "measures the migration.",
        }

    @property
    def facts(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.Meta.fields}


class VersionField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Field of a version, typed by its identifier: there are thousands."""

    widget = forms.TextInput

    def __init__(self, **kwargs: Any) -> None:
        message = "No version has this identifier. Write it as its page does: developer/name-date."
        super().__init__(
            queryset=Version.objects.all(),
            to_field_name="identifier",
            error_messages={"invalid_choice": message},
            **kwargs,
        )

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, int):
            return (
                Version.objects.filter(pk=value).values_list("identifier", flat=True).first() or ""
            )
        return super().prepare_value(value)


class ExitTestForm(OptimisticLockMixin, forms.ModelForm):  # type: ignore[type-arg]
    target = forms.ModelChoiceField(
        queryset=Offering.objects.all(),
        widget=forms.HiddenInput,
        error_messages={"required": "Select the model that was tested."},
    )
    tested_version = VersionField(
        label="Served version",
        required=False,
        help_text="Its identifier. Empty: the version of the target, unless the target is an "
        "alias.",
    )
    tested_on = DayField(label="Tested on")
    expires_on = DayField(
        label="Valid until",
        required=False,
        help_text="Expires on (not valid from this date); empty: after one year.",
    )
    why = ReasonField()

    class Meta:
        model = ExitTest
        fields = (
            "tested_on",
            "result",
            "effort_days",
            "cost",
            "quality_delta",
            "quality_metric",
            "expires_on",
            "evidence_ref",
            "note",
            "target",
            "tested_version",
        )
        widgets = {"note": forms.Textarea(attrs={"rows": 2})}
        labels = {
            "result": "Result",
            "effort_days": "Migration, days",
            "cost": "Cost",
            "quality_delta": "Quality change",
            "quality_metric": "Metric",
            "evidence_ref": "Evidence",
            "note": "Note",
        }
        help_texts = {
            "effort_days": "Calendar days as measured. The runway uses them.",
            "evidence_ref": "Location of the report: a URL, a path or a ticket.",
        }

    def clean_tested_on(self) -> Any:
        tested_on = self.cleaned_data["tested_on"]
        if tested_on > day_of(now()):
            raise forms.ValidationError(
                "The test date must be in the past. Record the test after it was made."
            )
        return tested_on

    @property
    def facts(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.Meta.fields}
