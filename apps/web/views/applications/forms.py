"""Forms of applications. Fields are the model's own, so that pages and REST agree on them."""

from typing import Any

from django import forms

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.inventory.models import Application, Criticality
from apps.inventory.queries import editable_teams
from apps.web.pages.form_fields import DayField, QuickSelect
from apps.web.pages.optimistic_lock import OptimisticLockMixin

REASON_HELP = {
    "label": "Reason",
    "required": False,
    "max_length": 500,
    "help_text": "Shown in the history.",
}


class ReasonField(forms.CharField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**REASON_HELP, **kwargs})


class RefsField(forms.CharField):
    """Field of a mapping as lines `name: value`."""

    widget = forms.Textarea(attrs={"rows": 3})

    def prepare_value(self, value: Any) -> Any:
        return (
            "\n".join(f"{name}: {ref}" for name, ref in value.items())
            if isinstance(value, dict)
            else value
        )

    def to_python(self, value: Any) -> Any:
        if isinstance(value, dict):
            return value
        refs = {}
        for line in str(value or "").splitlines():
            if not line.strip():
                continue
            name, colon, ref = line.partition(":")
            if not colon or not name.strip() or not ref.strip():
                raise forms.ValidationError("Enter one reference per line, such as CMDB: CI-4711.")
            refs[name.strip()] = ref.strip()
        return refs


class RegisterForm(forms.ModelForm):  # type: ignore[type-arg]
    """Form of the short first step of registration; the rest can follow later."""

    class Meta:
        model = Application
        fields = ("name", "team", "criticality", "purpose")
        widgets = {"purpose": forms.Textarea(attrs={"rows": 3}), "team": QuickSelect}
        labels = {
            "name": "Name",
            "team": "Team",
            "criticality": "Criticality",
            "purpose": "Purpose",
        }
        help_texts = {
            "team": "Its editors can change the application. It receives the alerts if there "
            "is no owner.",
            "criticality": "Business impact of an outage. Critical applications count most "
            "on every page.",
            "purpose": "One sentence: users and use.",
        }

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        teams = editable_teams(user=user)
        self.fields["team"].queryset = teams  # type: ignore[attr-defined]
        if teams.count() == 1:
            self.fields["team"].initial = teams.get()


GROUPS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    ("General", ("name", "purpose", "team", "status", "business_owner", "technical_owner")),
    (
        "Criticality",
        (
            "criticality",
            "criticality_reason",
            "criticality_assessed_on",
            "impact_of_discontinuing",
            "users_affected",
            "rto_hours",
            "rpo_hours",
        ),
    ),
    (
        "Data and regulation",
        (
            "data_classification",
            "personal_data",
            "geography",
            "ai_act_class",
            "ai_act_role",
            "autonomy",
        ),
    ),
    ("DORA register of information", ("business_function", "function_ref", "licensed_activity")),
    ("Spend, review and references", ("monthly_spend", "next_review_on", "external_refs")),
)


class ApplicationForm(OptimisticLockMixin, forms.ModelForm):  # type: ignore[type-arg]
    criticality_assessed_on = DayField(
        label="Criticality assessed on",
        required=False,
        help_text="Date of the last assessment of the criticality.",
    )
    next_review_on = DayField(
        label="Next review", required=False, help_text="The owner is reminded on this date."
    )
    external_refs = RefsField(
        label="References",
        required=False,
        help_text="One per line, such as CMDB: CI-4711. Shown on the page of the application.",
    )
    reason = ReasonField()

    class Meta:
        model = Application
        fields = [name for _title, names in GROUPS for name in names]
        widgets = {
            "purpose": forms.Textarea(attrs={"rows": 3}),
            "criticality_reason": forms.Textarea(attrs={"rows": 2}),
            "personal_data": forms.NullBooleanSelect,
            "team": QuickSelect,
        }
        labels = {
            "name": "Name",
            "purpose": "Purpose",
            "team": "Team",
            "status": "Status",
            "business_owner": "Business owner",
            "technical_owner": "Technical owner",
            "criticality": "Criticality",
            "criticality_reason": "Criticality rationale",
            "impact_of_discontinuing": "Impact of discontinuation",
            "users_affected": "Users affected",
            "rto_hours": "Recovery time objective",
            "rpo_hours": "Recovery point objective",
            "data_classification": "Data classification",
            "personal_data": "Personal data",
            "geography": "Geography",
            "ai_act_class": "AI Act class",
            "ai_act_role": "AI Act role",
            "autonomy": "Autonomy",
            "business_function": "Business function",
            "function_ref": "Function identifier",
            "licensed_activity": "Licensed activity",
            "monthly_spend": "Monthly spend",
        }
        help_texts = {
            "business_owner": "Username or email address; alerts go to the user with this name.",
            "technical_owner": "Receives the alerts if there is no business owner.",
            "geography": "Regions, separated by commas; approvals can be restricted to regions.",
            "criticality_reason": "",
        }

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        teams = editable_teams(user=user)
        self.fields["team"].queryset = teams  # type: ignore[attr-defined]
        status = self.instance.status if self.instance.pk else ""
        # retirement ends dependencies too, so it is a separate action
        self.fields["status"].choices = [  # type: ignore[attr-defined]
            choice
            for choice in Application.Status.choices
            if choice[0] != Application.Status.RETIRED or status == Application.Status.RETIRED
        ]

    @property
    def groups(self) -> list[tuple[Any, list[forms.BoundField]]]:
        return [(title, [self[name] for name in names]) for title, names in GROUPS]

    @property
    def facts(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for _title, names in GROUPS for name in names}


class DateForm(forms.Form):
    """Form of a date and a reason, for retiring an application."""

    on = DayField(label="From", help_text="First day without use.")
    reason = ReasonField()


class ReactivateForm(forms.Form):
    on = DayField(label="From", help_text="First day of use after the reactivation.")
    status = forms.ChoiceField(
        label="As",
        choices=[
            choice
            for choice in Application.Status.choices
            if choice[0] != Application.Status.RETIRED
        ],
        initial=Application.Status.PRODUCTION,
    )
    with_dependencies = forms.BooleanField(
        label="Resume the dependencies that the retirement ended",
        required=False,
        initial=True,
        help_text="After a gap they become new dependencies, so that the gap remains recorded.",
    )
    reason = ReasonField()


class MergeForm(forms.Form):
    duplicate = forms.CharField(
        label="Duplicate",
        max_length=200,
        help_text="Name or slug. Its dependencies move to this application, it is retired, "
        "and its URL redirects here.",
    )
    on = DayField(label="From")
    reason = ReasonField()

    def __init__(self, *args: Any, survivor: Application, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.survivor, self.user = survivor, user

    def clean_duplicate(self) -> Application:
        text = self.cleaned_data["duplicate"].strip()
        candidates = (
            Application.objects.visible_to(self.user)
            .select_related("team")
            .exclude(pk=self.survivor.pk)
        )
        matches = list(candidates.filter(slug=text)[:1]) or list(
            candidates.filter(name__iexact=text)[:2]
        )
        if not matches:
            raise forms.ValidationError(
                "No application with this name or slug found. Check the spelling."
            )
        if len(matches) > 1:
            raise forms.ValidationError("Several applications have this name. Enter the slug.")
        duplicate: Application = matches[0]
        if not self.user.may(TeamRole.EDITOR, duplicate.team_id):
            raise forms.ValidationError(
                f"You need the editor role on {duplicate.team.name} to merge this application."
            )
        return duplicate


class BulkEditForm(forms.Form):
    """Form of facts to set on many applications; an empty field leaves the fact unchanged."""

    team = forms.ModelChoiceField(
        label="Team",
        queryset=Team.objects.none(),
        required=False,
        empty_label="no change",
        widget=QuickSelect,
    )
    business_owner = forms.CharField(label="Business owner", max_length=200, required=False)
    technical_owner = forms.CharField(label="Technical owner", max_length=200, required=False)
    criticality = forms.TypedChoiceField(
        label="Criticality",
        choices=[("", "no change"), *Criticality.choices],
        coerce=int,
        empty_value=None,
        required=False,
    )
    status = forms.ChoiceField(
        label="Status",
        required=False,
        choices=[
            ("", "no change"),
            *(c for c in Application.Status.choices if c[0] != Application.Status.RETIRED),
        ],
    )
    next_review_on = DayField(label="Next review", required=False)
    reason = ReasonField()

    FACTS = ("team", "business_owner", "technical_owner", "criticality", "status", "next_review_on")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = editable_teams(user=user)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not any(cleaned.get(name) not in (None, "") for name in self.FACTS):
            raise forms.ValidationError("Change at least one field.")
        return cleaned

    @property
    def facts(self) -> dict[str, Any]:
        return {
            name: self.cleaned_data[name]
            for name in self.FACTS
            if self.cleaned_data.get(name) not in (None, "")
        }
