"""Exposure policies of the organisation: the measure, the tolerance and its reason; changed by
governance after a trial."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import Any

from django import forms
from django.apps import apps
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.text import capfirst, slugify
from django.views.decorators.http import require_http_methods

from apps.common.time import now
from apps.exposure.actions.flags import active_flags
from apps.exposure.actions.policies import (
    add_policy,
    is_breached,
    policy_target,
    submit_policy_change,
)
from apps.exposure.engine.settings import engine_settings
from apps.exposure.filters import PolicyFilter
from apps.exposure.models import Basis, ExposureFlag, Policy, Predicate, StandingState
from apps.exposure.node_names import node_names
from apps.exposure.policy_values import is_share, policy_values
from apps.exposure.threats import DEFAULT_THREAT, THREATS, exact_fraction
from apps.inventory.governance.proposals import is_confirmation_required, second_people
from apps.inventory.models import DecisionProposal
from apps.web.lists.columns import Column, FileColumn, format_number
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.lists.pagination import url_with_query
from apps.web.pages.action_view import action_view
from apps.web.pages.filter_controls import BOOLEANS, FilterControl
from apps.web.pages.form_fields import governance_user, signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.presenters.proposals import present_open_proposal
from apps.web.views.exposure.flag_presenters import describe_measure, format_value, kind_of_policy
from apps.web.views.exposure.parameters import (
    BASIS_WORDS,
    KIND_WORDS,
    KINDS,
    STATE_WORDS,
    THREAT_WORDS,
    name_url,
    require_organisation_role,
)
from apps.web.views.governance.proposals import confirm_proposed
from apps.web.wording import count_of, number

MAX_BREACHES = 25
_GOVERNANCE_NEEDED = "You need the governance or administrator role to change exposure policies."


class ExposurePolicyForm(forms.Form):
    """Form of a policy; a tolerance is typed as 62 for 62 %, or as a number of applications."""

    name = forms.CharField(
        label="Name", max_length=200, help_text="A sentence that is shown on exposure flags."
    )
    measure = forms.ChoiceField(label="Measure", choices=Policy.Measure.choices)
    basis = forms.ChoiceField(
        label="Weight",
        choices=[(basis, BASIS_WORDS[basis]) for basis in Basis],
        help_text="For a share of the weight in scope.",
    )
    kinds = forms.MultipleChoiceField(
        label="Layer",
        choices=[(label, KIND_WORDS[kind]) for label, kind in KINDS.items()],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    predicate = forms.ChoiceField(
        label="Applications with this property",
        choices=[("", "None: it is about layers"), *Predicate.choices],
        required=False,
    )
    states = forms.MultipleChoiceField(
        label="Exposure states",
        choices=[(state, STATE_WORDS[state]) for state in StandingState],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="None selected: all states.",
    )
    threat = forms.ChoiceField(
        label="Failure mode",
        required=False,
        choices=[
            ("", "Default of each layer"),
            *((threat, THREAT_WORDS[threat]) for threat in THREATS),
        ],
    )
    tolerance = forms.DecimalField(
        label="Tolerance",
        min_value=0,
        max_digits=12,
        decimal_places=4,
        help_text="Percent of a share, or a number of applications. A value equal to the "
        "tolerance does not raise a flag.",
    )
    hysteresis = forms.DecimalField(
        label="Resolve below (percent of the tolerance)",
        min_value=0,
        max_value=99,
        max_digits=6,
        decimal_places=3,
        help_text="Percentage below the tolerance at which a flag can resolve.",
    )
    clear_days = forms.IntegerField(
        label="Days below the tolerance",
        min_value=0,
        max_value=365,
        help_text="Days for which the value must stay below before a flag resolves.",
    )
    enabled = forms.BooleanField(label="Enabled", required=False)
    reason = forms.CharField(
        label="Rationale of the tolerance", required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    change_reason = forms.CharField(
        label="Reason for the change",
        required=False,
        max_length=500,
        help_text="Shown in the history.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("predicate"):
            cleaned["kinds"], cleaned["states"], cleaned["threat"] = [], [], ""
        else:
            if not cleaned.get("kinds"):
                self.add_error(
                    "kinds",
                    "Select a layer, such as developers or hosts, or a property of applications.",
                )
            cleaned["states"] = cleaned.get("states") or StandingState.values
        if (
            _measures_share(cleaned.get("measure", ""))
            and cleaned.get("tolerance") is not None
            and cleaned["tolerance"] > 100
        ):
            self.add_error("tolerance", "Enter at most 100%.")
        return cleaned

    def facts(self) -> dict[str, Any]:
        facts = {
            name: value for name, value in self.cleaned_data.items() if name != "change_reason"
        }
        if _measures_share(facts["measure"]):
            facts["tolerance"] = facts["tolerance"] / 100
        facts["hysteresis"] = facts["hysteresis"] / 100
        return facts


def _measures_share(measure: str) -> bool:
    return measure in {Policy.Measure.WEIGHT_SHARE, Policy.Measure.CRITICAL_SHARE}


def _initial_values(policy: Policy) -> dict[str, Any]:
    """Return the initial values of the form; shares are shown in percent."""
    percent = 100 if is_share(policy) else 1
    return {
        **{
            name: getattr(policy, name)
            for name in (
                "name",
                "measure",
                "basis",
                "kinds",
                "predicate",
                "states",
                "threat",
                "clear_days",
                "enabled",
                "reason",
            )
        },
        "tolerance": _trim_zeros(policy.tolerance * percent),
        "hysteresis": _trim_zeros(policy.hysteresis * 100),
    }


def _trim_zeros(value: Decimal) -> Decimal:
    rounded = value.quantize(Decimal("0.0001"))
    return Decimal(f"{rounded.normalize():f}")


@dataclass(frozen=True, slots=True)
class PolicyRow:
    policy: Policy
    tolerance: str
    what: str
    n_live: int


@dataclass(frozen=True, slots=True)
class PolicyBreach:
    """Measurement above the tolerance; `is_flagged` if the policy has an active flag for it."""

    name: str
    url: str
    value: str
    n: int
    is_flagged: bool


class PolicyList(ListPage[Policy, PolicyRow]):
    """Exposure policies with their active flags; for organisation roles."""

    namespace = "exposure-policies"
    title = "Exposure policies"
    nouns = ("exposure policy", "exposure policies")
    counts = "Tolerances of the whole organisation"
    filterset_class = PolicyFilter
    columns = (
        Column[PolicyRow](
            "name",
            "Policy",
            attrgetter("policy.name"),
            note=lambda row: row.what if row.policy.enabled else f"{row.what}; disabled",
            url=lambda row: reverse("exposure-policies:detail", args=[row.policy.slug]),
        ),
        Column[PolicyRow](
            "tolerance",
            "Tolerance",
            attrgetter("tolerance"),
            is_numeric=True,
            is_in_files=False,
        ),
        Column[PolicyRow](
            "active_flags",
            "Active flags",
            attrgetter("n_live"),
            format=format_number,
            url=lambda row: (
                url_with_query(reverse("exposure-flags:list"), policy=row.policy.slug, live="true")
                if row.n_live
                else ""
            ),
            is_numeric=True,
        ),
        Column[PolicyRow]("rationale", "Rationale", attrgetter("policy.reason")),
    )
    file_columns = (
        FileColumn[PolicyRow]("Slug", attrgetter("policy.slug")),
        FileColumn[PolicyRow]("Measure", attrgetter("what")),
        FileColumn[PolicyRow]("Tolerance", attrgetter("policy.tolerance")),
        FileColumn[PolicyRow]("Hysteresis", attrgetter("policy.hysteresis")),
        FileColumn[PolicyRow]("Days below the tolerance", attrgetter("policy.clear_days")),
        FileColumn[PolicyRow]("Enabled", lambda row: "yes" if row.policy.enabled else "no"),
    )
    controls = (
        FilterControl(
            "kind",
            "Layer",
            choices=[(label, capfirst(KIND_WORDS[kind])) for label, kind in KINDS.items()],
        ),
        FilterControl("enabled", "Enabled", choices=BOOLEANS),
    )
    default_order = ("", ("slug",))

    def check_access(self) -> None:
        require_organisation_role(self.user)

    def get_queryset(self) -> "QuerySet[Policy]":
        return Policy.objects.all()

    def narrow(self, queryset: "QuerySet[Policy]") -> "QuerySet[Policy]":
        kind = self.request.GET.get("kind", "")
        return queryset.filter(kinds__contains=[kind]) if kind else queryset

    @cached_property
    def flag_counts(self) -> Mapping[int, int]:
        return _count_active_flags()

    def build_rows(self, records: Sequence[Policy]) -> Sequence[PolicyRow]:
        return [
            PolicyRow(
                policy,
                format_value(policy, policy.tolerance),
                describe_measure(policy),
                self.flag_counts.get(policy.pk, 0),
            )
            for policy in records
        ]

    def describe_all(self) -> Headline:
        """Return how many policies are enabled, and their active flags."""
        n_enabled = Policy.objects.filter(enabled=True).count()
        n_flags = sum(self.flag_counts.values())
        enabled = count_of(n_enabled, "policy is enabled", "policies are enabled")
        active = count_of(n_flags, "flag is active", "flags are active")
        return Headline(f"{capfirst(enabled)}; {active}.")

    def get_basis(self) -> str:
        basis = "Tolerances of the whole organisation, with their rationale."
        if self.user.is_governance:
            return basis
        return f"{basis} You need the governance or administrator role to set them."

    def get_actions(self) -> Sequence[PageAction]:
        if not self.user.is_governance:
            return ()
        kind = self.request.GET.get("kind", "")
        query = {"kind": kind} if kind in KINDS else {}
        url = url_with_query(reverse("exposure-policies:create"), **query)
        return (PageAction("Set a tolerance", url, is_primary=True),)

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No exposure policies yet.",
            "A tolerance limits how much can depend on one developer, host or foundation. Above "
            "it, a flag opens and its owners are notified.",
            *(
                ("Set a tolerance", reverse("exposure-policies:create"))
                if self.user.is_governance
                else ()
            ),
        )


def _count_active_flags() -> dict[int, int]:
    """Return the number of active flags of each policy that has any."""
    active = ExposureFlag.objects.filter(state__in=ExposureFlag.LIVE).order_by()
    return dict(active.values_list("policy_id").annotate(Count("pk")))


@require_http_methods(["GET", "HEAD", "POST"])
def policy_detail(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Show one policy, its history, and what exceeds it; `try` shows what would exceed another
    tolerance, without saving it."""
    user, at = signed_in_user(request), now()
    require_organisation_role(user)
    policy = get_object_or_404(Policy, slug=slug)
    initial = _initial_values(policy)

    def submit(form: ExposurePolicyForm) -> Policy | DecisionProposal:
        facts = form.facts()
        if form.cleaned_data["tolerance"] == initial["tolerance"]:
            # the form shows fewer digits than are stored, so what it shows is no other tolerance
            facts["tolerance"] = policy.tolerance
        return submit_policy_change(
            policy=policy, facts=facts, at=at, by=user, reason=form.cleaned_data["change_reason"]
        )

    def describe(outcome: Policy | DecisionProposal) -> str:
        if isinstance(outcome, DecisionProposal):
            return confirm_proposed(at=at)
        return "Saved. Flags are raised and resolved with the next evaluation, within 5 minutes."

    return _handle_form(
        request,
        policy,
        initial,
        action=submit,
        done=describe,
        back=lambda _outcome: reverse("exposure-policies:detail", args=[slug]),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def new_policy(request: HttpRequest) -> HttpResponseBase:
    """Create an exposure policy, after a trial of its tolerance if requested."""
    user = signed_in_user(request)
    require_organisation_role(user)
    governance_user(request, _GOVERNANCE_NEEDED)
    initial = {
        "measure": Policy.Measure.CRITICAL_SHARE,
        "basis": Basis.COUNT,
        "hysteresis": 10,
        "clear_days": 2,
        "enabled": True,
        "kinds": [request.GET["kind"]] if request.GET.get("kind") in KINDS else [],
    }
    return _handle_form(
        request,
        None,
        initial,
        action=lambda form: add_policy(
            facts={**form.facts(), "slug": _find_free_slug(form.cleaned_data["name"])},
            by=user,
            reason=form.cleaned_data["change_reason"],
        ),
        done="The tolerance was set. Flags are raised with the next evaluation, within 5 minutes.",
        back=lambda policy: reverse("exposure-policies:detail", args=[policy.slug]),
    )


def _handle_form[R](
    request: HttpRequest,
    policy: Policy | None,
    initial: dict[str, Any],
    *,
    action: Callable[[ExposurePolicyForm], R],
    done: str | Callable[[R], str],
    back: Callable[[R], str],
) -> HttpResponseBase:
    """Show the page of a policy, try the submitted values, or carry out the action with them."""
    if request.method == "POST":
        governance_user(request, _GOVERNANCE_NEEDED)
        form = ExposurePolicyForm(request.POST)
        if "try" in request.POST and form.is_valid():
            trial_policy = _build_trial_policy(policy, form)
            return _render_policy(request, policy, form, trial_policy=trial_policy)
    else:
        form = ExposurePolicyForm(initial=initial)
    return action_view(
        request,
        form=lambda: form,
        action=action,
        done=done,
        back=back,
        page=lambda form: _render_policy(request, policy, form),
    )


def _find_free_slug(name: str) -> str:
    base = slugify(name)[:50].strip("-") or "line"
    existing_slugs = set(
        Policy.objects.filter(slug__startswith=base).values_list("slug", flat=True)
    )
    return (
        base
        if base not in existing_slugs
        else next(f"{base}-{n}" for n in range(2, 10_000) if f"{base}-{n}" not in existing_slugs)
    )


def _build_trial_policy(policy: Policy | None, form: ExposurePolicyForm) -> Policy:
    """Return an unsaved policy with the values of the form."""
    return Policy(
        pk=policy.pk if policy else None, slug=policy.slug if policy else "tried", **form.facts()
    )


def _render_policy(
    request: HttpRequest,
    policy: Policy | None,
    form: ExposurePolicyForm,
    *,
    trial_policy: Policy | None = None,
) -> HttpResponse:
    """Render the page of a policy, a new one if it is None. `trial_policy` has submitted values
    that are measured without being stored."""
    user = signed_in_user(request)
    measured_policy = trial_policy or policy
    breaches = _list_breaches(measured_policy, policy) if measured_policy else []
    flagged_breaches = [row for row in breaches if row.is_flagged]
    needs_second_person = (
        policy is not None
        and user.is_governance
        and is_confirmation_required(DecisionProposal.Kind.TOLERANCE)
        and is_breached(policy)
    )
    return render_page(
        request,
        "exposure/policy.html",
        title=policy.name if policy else "New exposure policy",
        crumbs=(("Exposure policies", reverse("exposure-policies:list")),),
        counts=capfirst(describe_measure(measured_policy))
        if measured_policy
        else "Measure not set yet",
        policy=policy,
        form=form,
        tried=trial_policy,
        sentence=_build_headline(measured_policy, breaches, is_trial=trial_policy is not None),
        breaches=breaches[:MAX_BREACHES],
        n_breaches=len(breaches),
        n_new=len(breaches) - len(flagged_breaches),
        tolerance=format_value(measured_policy, measured_policy.tolerance)
        if measured_policy
        else "",
        may_change=user.is_governance,
        proposal=present_open_proposal(
            DecisionProposal.Kind.TOLERANCE, policy_target(policy), user, back=request.path
        )
        if policy
        else None,
        needs_second_person=needs_second_person,
        has_second_person=needs_second_person and second_people(user).exists(),
        is_summed=measured_policy is None or _is_summed(measured_policy),
        history=_list_past_tolerances(policy) if policy else [],
        live=_count_active_flags().get(policy.pk, 0) if policy else 0,
    )


def _build_headline(
    policy: Policy | None, breaches: list[PolicyBreach], *, is_trial: bool
) -> Headline:
    """Return the headline: how many measurements are above the tolerance, or would be in a
    trial."""
    if policy is None:
        return Headline("A tolerance limits one measure of exposure.")
    tolerance = format_value(policy, policy.tolerance)
    if not breaches:
        template = (
            "No measurement would be above a tolerance of {line}."
            if is_trial
            else "No measurement is above the tolerance of {line}."
        )
        return Headline(template.format(line=tolerance))
    n = number(len(breaches))
    if policy.predicate:
        return Headline("The value is ", breaches[0].value, f"; the tolerance is {tolerance}.")
    if is_trial:
        return Headline(f"At a tolerance of {tolerance}, ", f"{n} would be above it", ".")
    return Headline("", f"{n} above the tolerance", f" of {tolerance}.")


def _list_breaches(policy: Policy, saved_policy: Policy | None) -> list[PolicyBreach]:
    """Return the measurements above the tolerance, largest first: three statements."""
    flags_by_node = active_flags(saved_policy) if saved_policy and saved_policy.pk else {}
    tolerance = exact_fraction(policy.tolerance)
    measurements = [
        measurement
        for measurement in policy_values(policy, merges_owners=True).values()
        if measurement.value > tolerance
    ]
    measurements.sort(key=lambda measurement: -measurement.value)
    names = node_names(
        [measurement.node_id for measurement in measurements if measurement.node_id is not None]
    )
    rows = []
    for measurement in measurements:
        name = names.get(measurement.node_id) if measurement.node_id is not None else None
        rows.append(
            PolicyBreach(
                name.label if name else "The portfolio",
                name_url(name) if name else "",
                format_value(policy, float(measurement.value)),
                measurement.n_applications,
                measurement.node_id in flags_by_node,
            )
        )
    return rows


@dataclass(frozen=True, slots=True)
class PastTolerance:
    at: Any
    who: str
    reason: str
    tolerance: str
    enabled: bool


def _list_past_tolerances(policy: Policy) -> list[PastTolerance]:
    """Return the last 50 versions of the policy, latest first: one statement."""
    history_model = apps.get_model("exposure", "PolicyHistory")
    versions = []
    for version in (
        history_model.objects.filter(pgh_obj_id=policy.pk)
        .select_related("pgh_context")
        .order_by("-pgh_id")[:50]
    ):
        metadata = version.pgh_context.metadata if version.pgh_context else {}
        versions.append(
            PastTolerance(
                version.pgh_created_at,
                metadata.get("actor", ""),
                metadata.get("reason", ""),
                format_value(version, version.tolerance),
                version.enabled,
            )
        )
    return versions


def _is_summed(policy: Policy) -> bool:
    """Return whether the refresh already computes what the policy measures; else it does once the
    policy is saved."""
    summed_threats = engine_settings().threats
    return all(
        (kind, policy.threat or DEFAULT_THREAT[kind]) in summed_threats
        for kind in kind_of_policy(policy)
    )
