"""Release gate policy: every user can view it, governance changes it, after a trial."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.common.time import day_of, now
from apps.gate.actions import HorizonDays, change_gate_policy
from apps.gate.models import GatePolicy, Horizon
from apps.gate.models.policy import ANY_ENVIRONMENT
from apps.gate.rules.catalogue_freshness import catalogue_state
from apps.gate.rules.definitions import Rule
from apps.gate.rules.evaluation import PolicySnapshot
from apps.gate.rules.preview import PolicyPreview, preview_policy
from apps.inventory.models import Criticality
from apps.web.pages.action_view import action_view
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.gate.presenters import LEVEL_MEANINGS, LEVELS, RULES
from apps.web.wording import number

MAX_PAST_POLICIES = 20


class GatePolicyForm(forms.Form):
    """Form of the levels, the days per environment and criticality, and the other limits of the
    gate."""

    requires_approval = forms.BooleanField(
        label="Models without an approval are not approved (FR001)", required=False
    )
    stale_after_days = forms.IntegerField(
        label="Days without a poll of any source after which the gate cannot decide",
        min_value=1,
        max_value=366,
    )
    evidence_days = forms.IntegerField(
        label="Days after which an evaluation is stale (FR006)", min_value=1, max_value=3660
    )
    evidence_criticalities = forms.TypedMultipleChoiceField(
        label="Applications that need evidence (FR006)",
        choices=Criticality.choices,
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    keep_runs_days = forms.IntegerField(
        label="Days for which runs are stored", min_value=7, max_value=3660
    )
    reason = forms.CharField(label="Reason", max_length=500, required=False)
    expected_version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, data: Any, *, rules: PolicySnapshot, may_change: bool) -> None:
        """Fill the form from the stored policy; the fields are disabled unless `may_change`."""
        policy = rules.policy
        facts = (
            "requires_approval",
            "stale_after_days",
            "evidence_days",
            "evidence_criticalities",
            "keep_runs_days",
        )
        initial: dict[str, Any] = {name: getattr(policy, name) for name in facts}
        initial["expected_version"] = policy.version
        super().__init__(data, initial=initial)
        self.rules = rules
        for rule in Rule:
            self.fields[f"level-{rule}"] = forms.ChoiceField(
                label=RULES[rule], choices=list(LEVELS.items()), initial=policy.level(rule)
            )
        for row in rules.horizons:
            for kind, value in (("warning", row.warning_days), ("error", row.error_days)):
                self.fields[_days_field_name(row, kind)] = forms.IntegerField(
                    label=_days_field_label(row, kind), min_value=0, max_value=1500, initial=value
                )
        for field in self.fields.values():
            field.disabled = not may_change

    def levels(self) -> dict[str, str]:
        return {str(rule): self.cleaned_data[f"level-{rule}"] for rule in Rule}

    def days(self) -> list[HorizonDays]:
        return [
            HorizonDays(
                row.environment,
                row.criticality,
                self.cleaned_data[_days_field_name(row, "warning")],
                self.cleaned_data[_days_field_name(row, "error")],
            )
            for row in self.rules.horizons
        ]

    def facts(self) -> dict[str, Any]:
        names = (
            "requires_approval",
            "stale_after_days",
            "evidence_days",
            "evidence_criticalities",
            "keep_runs_days",
        )
        return {name: self.cleaned_data[name] for name in names}

    # --- rows of the page ---

    @property
    def level_rows(self) -> list[tuple[str, Any, Any, forms.BoundField]]:
        return [
            (str(rule), RULES[rule], LEVEL_MEANINGS[rule], self[f"level-{rule}"]) for rule in Rule
        ]

    @property
    def day_rows(self) -> list[tuple[Any, str, forms.BoundField, forms.BoundField]]:
        return [
            (
                "every other" if row.environment == ANY_ENVIRONMENT else row.environment,
                row.get_criticality_display(),
                self[_days_field_name(row, "warning")],
                self[_days_field_name(row, "error")],
            )
            for row in sorted(
                self.rules.horizons,
                key=lambda row: (row.environment == ANY_ENVIRONMENT, row.environment),
            )
        ]

    @property
    def further(self) -> list[forms.BoundField]:
        return [
            self[name]
            for name in (
                "requires_approval",
                "stale_after_days",
                "evidence_days",
                "evidence_criticalities",
                "keep_runs_days",
                "reason",
            )
        ]


def _days_field_name(row: Horizon, kind: str) -> str:
    return f"days-{row.pk}-{kind}"


def _days_field_label(row: Horizon, kind: str) -> str:
    environment = (
        "every other environment" if row.environment == ANY_ENVIRONMENT else row.environment
    )
    effect = "warns, days before" if kind == "warning" else "blocks, days before"
    return f"{environment}, {row.get_criticality_display()}: {effect}"


@require_http_methods(["GET", "HEAD", "POST"])
def gate_policy(request: HttpRequest) -> HttpResponse:
    """Show the gate policy; preview or save a changed one."""
    user = signed_in_user(request)
    if request.method == "POST" and not user.is_governance:
        raise PermissionDenied(
            "You need the governance or administrator role to change the policy of the release "
            "gate."
        )
    at = now()
    rules = PolicySnapshot.load()

    def make_form() -> GatePolicyForm:
        return GatePolicyForm(request.POST or None, rules=rules, may_change=user.is_governance)

    if "try" in request.POST and (tried := make_form()).is_valid():
        return _render_policy(request, tried, rules, at, _preview_policy(tried, at))
    return action_view(
        request,
        form=make_form,
        action=lambda form: change_gate_policy(
            by=user,
            levels=form.levels(),
            days=form.days(),
            fields=form.facts(),
            expected_version=form.cleaned_data["expected_version"],
            reason=form.cleaned_data["reason"],
        ),
        done=lambda policy: (
            "Nothing was changed: the values are the same as before."
            if policy.version == rules.policy.version
            else f"Saved as version {policy.version}. It applies from the next run."
        ),
        back=reverse("gate:policy"),
        page=lambda form: _render_policy(request, form, rules, at),
    )


def _render_policy(
    request: HttpRequest,
    form: GatePolicyForm,
    rules: PolicySnapshot,
    at: datetime,
    preview: PolicyPreview | None = None,
) -> HttpResponse:
    return render_page(
        request,
        "gate/policy.html",
        title="Gate policy",
        counts="Applications in pilot and production with dependencies",
        as_of=at,
        policy=rules.policy,
        form=form,
        tried=preview,
        tried_rows=[(row, RULES[row.rule]) for row in preview.rules] if preview else [],
        sentence=_build_headline(rules.policy, preview),
        catalogue=catalogue_state(at=at, stale_after_days=rules.policy.stale_after_days),
        may_change=signed_in_user(request).is_governance,
        history=_list_past_policies(),
    )


def _preview_policy(form: GatePolicyForm, at: datetime) -> PolicyPreview:
    facts = form.facts()
    return preview_policy(
        levels=form.levels(),
        days=form.days(),
        environment="production",
        requires_approval=facts["requires_approval"],
        evidence_days=facts["evidence_days"],
        evidence_criticalities=facts["evidence_criticalities"],
        on=day_of(at),
    )


def _build_headline(policy: GatePolicy, preview: PolicyPreview | None) -> Headline:
    if preview is None:
        n = sum(level == "error" for level in policy.levels.values())
        return Headline(
            f"{n} of {len(policy.levels)} rules block. Version {policy.version} applies."
        )
    if not preview.n_blocked:
        return Headline("Today the policy would block no application in production.")
    return Headline(
        "Today ",
        f"{number(preview.n_blocked)} of {number(preview.n_applications)} applications would be "
        "blocked",
        " in production.",
    )


@dataclass(frozen=True, slots=True)
class PastPolicy:
    at: datetime
    version: int
    who: str
    reason: str
    blocking: str


def _list_past_policies() -> list[PastPolicy]:
    """Return the stored versions of the policy, newest first; one statement."""
    model = apps.get_model("gate", "GatePolicyHistory")
    policies = []
    for row in model.objects.select_related("pgh_context").order_by("-pgh_id")[:MAX_PAST_POLICIES]:
        metadata = row.pgh_context.metadata if row.pgh_context else {}
        blocking = ", ".join(rule for rule, level in sorted(row.levels.items()) if level == "error")
        policies.append(
            PastPolicy(
                row.pgh_created_at,
                row.version,
                metadata.get("actor", ""),
                metadata.get("reason", ""),
                blocking,
            )
        )
    return policies
