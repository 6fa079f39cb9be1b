"""Forms of risks, their assessment and their evidence."""

from collections.abc import Collection, Iterable
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q

from apps.accounts.models import Membership, Team, User
from apps.accounts.roles import OrganisationRole
from apps.catalog.models import NodeKind
from apps.inventory.models import Application
from apps.risks.actions.assessments import MAX_ACCEPTANCE
from apps.risks.models import (
    Assessment,
    Confidence,
    Evidence,
    FoundationRisk,
    RiskTemplate,
    Treatment,
)
from apps.web.pages.form_fields import DayField
from apps.web.pages.optimistic_lock import OptimisticLockMixin
from apps.web.views.risks.presenters import IMPACTS, LIKELIHOODS, find_node

MAX_OWNERS = 300


def possible_owners(team_ids: Collection[int], *, also: Collection[int | None] = ()) -> list[User]:
    """Return active users with a role on these teams or on teams above them, governance users, and
    `also`; two statements."""
    ancestor_teams = Team.objects.raw(
        """
SELECT DISTINCT ancestor_id AS id FROM team_ancestor WHERE team_id = ANY (%s)""",
        [list(team_ids)],
    )
    member_ids = (
        Membership.objects.filter(team__in=[team.pk for team in ancestor_teams])
        .order_by()
        .values("user_id")
    )
    is_governance = Q(organisation_role__in=[OrganisationRole.GOVERNANCE, OrganisationRole.ADMIN])
    is_additional = Q(pk__in=[pk for pk in also if pk is not None])
    people = User.objects.filter(
        Q(pk__in=member_ids) | is_governance | is_additional, is_active=True
    )
    return list(people.order_by("username")[:MAX_OWNERS])


NO_CHANGE = ("", "no change")
TREATMENTS = [(value, label) for value, label in Treatment.choices if value != Treatment.ACCEPT]
_PAIRS = (("current_likelihood", "current_impact"), ("residual_likelihood", "residual_impact"))


def _level_choices(labels: dict[int, Any]) -> list[tuple[int, str]]:
    return [(n, f"{n} {label}") for n, label in labels.items()]


class LevelField(forms.TypedChoiceField):
    """Choice of a level from 1 to 5, or empty."""

    def __init__(self, labels: dict[int, Any], *, empty: Any = "–", **kwargs: Any) -> None:
        choices = lambda: [("", empty), *_level_choices(labels)]  # noqa: E731
        super().__init__(choices=choices, coerce=int, empty_value=None, required=False, **kwargs)


class UserField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def __init__(self, people: Iterable[User], **kwargs: Any) -> None:
        pks = [person.pk for person in people]
        super().__init__(
            queryset=User.objects.filter(pk__in=pks).order_by("username"), required=False, **kwargs
        )


class _LevelsForm(forms.Form):
    """Form with levels in pairs: a likelihood requires an impact, and an impact a likelihood."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        for likelihood, impact in _PAIRS:
            if bool(cleaned.get(likelihood)) != bool(cleaned.get(impact)):
                missing_field = impact if cleaned.get(likelihood) else likelihood
                self.add_error(
                    missing_field,
                    "Likelihood and impact form a level together. Enter both or leave both empty.",
                )
        return cleaned


class VersionedForm(OptimisticLockMixin, forms.Form):
    """Form of an assessment that other users, an event or a date might change meanwhile."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False, label="Version")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        cleaned.pop("version", None)
        return cleaned


class AssessForm(VersionedForm, _LevelsForm):
    """Form of an assessment: levels, confidence and treatment."""

    current_likelihood = LevelField(LIKELIHOODS, label="Current likelihood")
    current_impact = LevelField(IMPACTS, label="Current impact")
    residual_likelihood = LevelField(LIKELIHOODS, label="Residual likelihood")
    residual_impact = LevelField(IMPACTS, label="Residual impact")
    confidence = forms.ChoiceField(choices=Confidence.choices, label="Confidence")
    treatment = forms.ChoiceField(
        choices=[("", "–"), *TREATMENTS], required=False, label="Treatment"
    )
    plan = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=4000,
        required=False,
        label="Measures",
    )
    due_on = DayField(required=False, label="Due")

    def __init__(
        self, *args: Any, people: Iterable[User], row: Assessment | None, **kwargs: Any
    ) -> None:
        """Offer the owners `people`; an accepted risk keeps its treatment as a choice."""
        super().__init__(*args, row=row, **kwargs)
        self.fields["owner"] = UserField(people, label="Owner")
        self.order_fields(
            [*_PAIRS[0], *_PAIRS[1], "confidence", "treatment", "plan", "owner", "due_on"]
        )
        if row is not None and row.treatment == Treatment.ACCEPT:
            # an accepted risk keeps its treatment as a choice
            field = self.fields["treatment"]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [
                ("", "–"),
                *TREATMENTS,
                (Treatment.ACCEPT.value, str(Treatment.ACCEPT.label)),
            ]


NO_END = "Enter a date. An acceptance must have an expiry date."
NO_REASON = "Enter a reason for the acceptance."


class AcceptForm(VersionedForm):
    until = DayField(
        label="Accepted until",
        help_text="Expires on (not valid from this date); at most two years from today.",
        error_messages={"required": NO_END},
    )
    because = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        label="Reason for the acceptance",
        error_messages={"required": NO_REASON},
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _limit_dates(self.fields["until"], today)


def _limit_dates(until: forms.Field, today: date) -> None:
    until.widget.attrs["min"] = (today + timedelta(days=1)).isoformat()
    until.widget.attrs["max"] = (today + MAX_ACCEPTANCE).isoformat()


class NotApplicableForm(VersionedForm):
    because = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        label="Reason why the risk does not apply",
        error_messages={"required": "Enter a reason why the risk does not apply."},
    )


class RevokeForm(VersionedForm):
    because = forms.CharField(
        max_length=2000,
        label="Reason for the revocation",
        error_messages={"required": "Enter a reason for the revocation."},
    )


class AttachForm(forms.Form):
    def __init__(self, *args: Any, evidence: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["evidence"] = EvidenceField(queryset=evidence, label="Recorded evidence")


class EvidenceField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Evidence) -> str:
        about = obj.application or obj.version or obj.offering
        measured = f", {obj.metric}" if obj.metric else ""
        return f"{obj.get_kind_display()}, {obj.run_on:%Y-%m-%d}{measured}: {about}"


class BulkForm(_LevelsForm):
    """Form that assesses many risks: an empty field leaves the value of each unchanged. Acceptance
    is available only to owners of a selected risk's team."""

    ASSESS, ACCEPT, NOT_APPLICABLE = "assess", "accept", "not_applicable"

    _DECISIONS = (
        (ASSESS, "Assess risks"),
        (ACCEPT, "Accept risks until a date"),
        (NOT_APPLICABLE, "Mark as not applicable"),
    )

    decision = forms.ChoiceField(choices=_DECISIONS, initial=ASSESS, label="Decision")
    current_likelihood = LevelField(LIKELIHOODS, empty=NO_CHANGE[1], label="Current likelihood")
    current_impact = LevelField(IMPACTS, empty=NO_CHANGE[1], label="Current impact")
    residual_likelihood = LevelField(LIKELIHOODS, empty=NO_CHANGE[1], label="Residual likelihood")
    residual_impact = LevelField(IMPACTS, empty=NO_CHANGE[1], label="Residual impact")
    confidence = forms.ChoiceField(
        choices=[NO_CHANGE, *Confidence.choices], required=False, label="Confidence"
    )
    treatment = forms.ChoiceField(
        choices=[NO_CHANGE, *TREATMENTS], required=False, label="Treatment"
    )
    due_on = DayField(required=False, label="Due")
    plan = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=4000,
        required=False,
        label="Measures, or the reason why the risks do not apply",
    )
    until = DayField(
        required=False,
        label="Accepted until",
        help_text="For acceptances: expires on (not valid from this date); at most two years "
        "from today.",
    )
    because = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        required=False,
        label="Reason for the acceptance",
    )

    def __init__(
        self,
        *args: Any,
        people: Iterable[User],
        evidence: Any,
        today: date,
        may_accept: bool,
        **kwargs: Any,
    ) -> None:
        """Offer the owners `people` and the attachable `evidence`; acceptance only if
        `may_accept`."""
        super().__init__(*args, **kwargs)
        _limit_dates(self.fields["until"], today)
        if not may_accept:
            decision = self.fields["decision"]
            assert isinstance(decision, forms.ChoiceField)
            decision.choices = [choice for choice in self._DECISIONS if choice[0] != self.ACCEPT]
            del self.fields["until"], self.fields["because"]
        self.fields["owner"] = UserField(people, label="Owner", empty_label=NO_CHANGE[1])
        self.fields["evidence"] = EvidenceField(
            queryset=evidence,
            required=False,
            label="Evidence to attach",
            empty_label="none",
            help_text="Evidence about one application is attached only to the risks of that "
            "application.",
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("decision") == self.NOT_APPLICABLE:
            if not (cleaned.get("plan") or "").strip():
                self.add_error("plan", "Enter a reason why the risks do not apply.")
        elif cleaned.get("decision") == self.ACCEPT:
            if not cleaned.get("until") and "until" not in self.errors:
                self.add_error("until", str(NO_END))
            if not (cleaned.get("because") or "").strip():
                self.add_error("because", str(NO_REASON))
        elif not self.facts and not cleaned.get("evidence") and not self.errors:
            raise ValidationError("Enter at least a level, a treatment, an owner or a date.")
        return cleaned

    @property
    def facts(self) -> dict[str, Any]:
        """Return the values that are set; empty fields are left out."""
        names = (
            "current_likelihood",
            "current_impact",
            "residual_likelihood",
            "residual_impact",
            "confidence",
            "treatment",
            "due_on",
            "plan",
            "owner",
        )
        return {
            name: self.cleaned_data[name]
            for name in names
            if self.cleaned_data.get(name) not in (None, "")
        }


class RiskForm(OptimisticLockMixin, forms.ModelForm):  # type: ignore[type-arg]
    """Form of a foundation's risk, for governance."""

    class Meta:
        model = FoundationRisk
        fields = (
            "title",
            "description",
            "likelihood",
            "impact",
            "confidence",
            "inherits",
            "owner",
            "facts",
            "source_url",
            "review_on",
        )
        field_classes = {"review_on": DayField}
        widgets = {
            "description": forms.Textarea(attrs={"rows": 3}),
            "facts": forms.Textarea(attrs={"rows": 2}),
            "source_url": forms.URLInput(),
        }
        labels = {"source_url": "Source", "review_on": "Review on", "inherits": "Inheritance"}

    def __init__(
        self, *args: Any, people: Iterable[User], row: FoundationRisk | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, row=row, instance=row or FoundationRisk(), **kwargs)
        self.fields["owner"] = UserField(people, label="Owner")
        self.fields["likelihood"] = LevelField(LIKELIHOODS, label="Inherent likelihood")
        self.fields["impact"] = LevelField(IMPACTS, label="Inherent impact")
        if row is not None and row.template_id:
            del self.fields["title"]
        if row is not None and row.rule:
            for name in ("title", "facts", "source_url"):
                self.fields.pop(name, None)

    def _post_clean(self) -> None:
        """Leave validation and saving to the action; the row of the page stays as it is."""

    @property
    def risk_facts(self) -> dict[str, Any]:
        return {
            name: self.cleaned_data[name]
            for name in self.fields
            if name in self.cleaned_data and name != "seen"
        }


class CreateRiskForm(RiskForm):
    """Form of a new risk on one node, from a template or with an own title."""

    node_kind = forms.ChoiceField(
        choices=[(kind.name.lower(), kind.label.capitalize()) for kind in NodeKind],
        label="Attached to",
    )
    node = forms.CharField(
        max_length=300,
        label="Record",
        help_text="Name, slug, identifier, model ID or number, as on its page.",
    )
    template = forms.ModelChoiceField(
        queryset=RiskTemplate.objects.order_by("code"),
        required=False,
        empty_label="custom risk, with a title",
        label="Template",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("likelihood", "impact"):
            self.fields[name].help_text = "Empty: the default of the template."
        self.order_fields(
            ["node_kind", "node", "template", "title", "description", "likelihood", "impact"]
        )

    def clean(self) -> dict[str, Any]:
        """Require title and level of a risk without template, and find the node that it is attached
        to."""
        cleaned = super().clean()
        if not cleaned.get("template"):
            if not cleaned.get("title"):
                self.add_error("title", "Select a template, or enter a title for a custom risk.")
            for name in ("likelihood", "impact"):
                if not cleaned.get(name):
                    self.add_error(name, "A custom risk has no default level. Enter one.")
        if cleaned.get("node_kind") and cleaned.get("node"):
            node, suggestions = find_node(
                NodeKind[cleaned["node_kind"].upper()], cleaned["node"].strip()
            )
            if node is None:
                hint = str(f"Perhaps: {'; '.join(suggestions)}.") if suggestions else ""
                self.add_error(
                    "node",
                    "No single record found. Enter the number of the record." + f" {hint}".rstrip(),
                )
            cleaned["thing"] = node
        return cleaned

    @property
    def risk_facts(self) -> dict[str, Any]:
        excluded = {"node_kind", "node", "template", "seen"}
        values = {name: self.cleaned_data.get(name) for name in self.fields if name not in excluded}
        return {name: value for name, value in values.items() if value not in (None, "")}


class ReasonForm(forms.Form):
    because = forms.CharField(max_length=500, label="Reason")


class EvidenceForm(forms.ModelForm):  # type: ignore[type-arg]
    """Form of evidence: a result or a document. With a value and a threshold, `passed` is
    derived."""

    application = forms.CharField(
        required=False,
        max_length=100,
        label="Application",
        help_text="Slug, the last part of its URL. Empty: the evidence is about the model itself.",
    )
    version = forms.CharField(
        required=False,
        max_length=200,
        label="Version tested",
        help_text="Identifier, such as developer/name-date.",
    )
    offering = forms.CharField(
        required=False,
        max_length=300,
        label="Offering tested",
        help_text="Number, or its model ID if it is unique.",
    )

    class Meta:
        model = Evidence
        fields = (
            "kind",
            "tool",
            "run",
            "evaluator",
            "template",
            "dataset",
            "metric",
            "value",
            "threshold",
            "higher_is_better",
            "passed",
            "n",
            "run_on",
            "expires_on",
            "digest",
            "link",
            "note",
        )
        field_classes = {"run_on": DayField, "expires_on": DayField}
        widgets = {"note": forms.Textarea(attrs={"rows": 2}), "link": forms.URLInput()}
        labels = {
            "template": "Tested risk",
            "n": "Cases",
            "run_on": "Tested on",
            "expires_on": "Valid until",
            "digest": "SHA-256 of the file",
            "passed": "Passed",
        }
        help_texts = {"template": "Empty: any inherited risk.", "digest": ""}

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.order_fields(
            [
                "kind",
                "application",
                "version",
                "offering",
                "template",
                "tool",
                "run",
                "evaluator",
                "dataset",
            ]
        )

    def clean(self) -> dict[str, Any]:
        """Replace the names of application and model by the records; at least one subject is
        required."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("application"):
            applications = (
                Application.objects.visible_to(self.user)
                .select_related("team")
                .filter(slug=cleaned["application"])
            )
            cleaned["application"] = applications.first()
            if cleaned["application"] is None:
                self.add_error(
                    "application", "No application with this name found. Check the spelling."
                )
        for name, kind in (("version", NodeKind.VERSION), ("offering", NodeKind.OFFERING)):
            if cleaned.get(name):
                cleaned[name], suggestions = find_node(kind, cleaned[name].strip())
                if cleaned[name] is None:
                    hint = str(f" Perhaps: {'; '.join(suggestions)}.") if suggestions else ""
                    self.add_error(
                        name, "No single record found. Enter the number of the record." + hint
                    )
        if not self.errors and not any(
            cleaned.get(name) for name in ("application", "version", "offering")
        ):
            raise ValidationError(
                "Enter what was tested: an application, a version or an offering."
            )
        return cleaned

    def _post_clean(self) -> None:
        """Leave validation and saving to the action."""

    @property
    def facts(self) -> dict[str, Any]:
        excluded = {"kind", "run_on"}
        values = {name: value for name, value in self.cleaned_data.items() if name not in excluded}
        return {name: value for name, value in values.items() if value not in (None, "")}
