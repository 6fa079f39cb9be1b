"""Exposure policies of the organisation: the measure, the tolerance and its reason; changed by
governance after a trial."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.apps import apps
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.text import capfirst, slugify
from django.views.decorators.http import require_http_methods, require_safe

from apps.common.time import now
from apps.exposure.actions.flags import active_flags
from apps.exposure.actions.policies import add_policy, change_policy
from apps.exposure.engine.settings import engine_settings
from apps.exposure.filters import PolicyFilter
from apps.exposure.models import Basis, ExposureFlag, Policy, Predicate, StandingState
from apps.exposure.node_names import node_names
from apps.exposure.policy_values import is_share, policy_values
from apps.exposure.threats import DEFAULT_THREAT, THREATS, exact_fraction
from apps.web.pages.flash_messages import flash_success
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.exposure.flag_presenters import describe_measure, format_value, kind_of_policy
from apps.web.views.exposure.parameters import (
    BASIS_WORDS,
    KIND_WORDS,
    KINDS,
    STATE_WORDS,
    THREAT_WORDS,
    name_url,
)
from apps.web.wording import as_word, number

MAX_BREACHES = 25


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
        said = super().clean() or {}
        if said.get("predicate"):
            said["kinds"], said["states"], said["threat"] = [], [], ""
        else:
            if not said.get("kinds"):
                self.add_error(
                    "kinds",
                    "Select a layer, such as developers or hosts, or a property of applications.",
                )
            said["states"] = said.get("states") or StandingState.values
        if (
            _counts_share(said.get("measure", ""))
            and said.get("tolerance") is not None
            and said["tolerance"] > 100
        ):
            self.add_error("tolerance", "Enter at most 100%.")
        return said

    def facts(self) -> dict[str, Any]:
        said = {name: value for name, value in self.cleaned_data.items() if name != "change_reason"}
        if _counts_share(said["measure"]):
            said["tolerance"] = said["tolerance"] / 100
        said["hysteresis"] = said["hysteresis"] / 100
        return said


def _counts_share(measure: str) -> bool:
    return measure in {Policy.Measure.WEIGHT_SHARE, Policy.Measure.CRITICAL_SHARE}


def _initial(policy: Policy) -> dict[str, Any]:
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
        "tolerance": _short(policy.tolerance * percent),
        "hysteresis": _short(policy.hysteresis * 100),
    }


def _short(value: Decimal) -> Decimal:
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
    """Measurement above the tolerance; `is_flagged` already has an active flag of the policy."""

    name: str
    url: str
    value: str
    n: int
    is_flagged: bool


@require_safe
def policy_list(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    _require_organisation_reader(request)
    found = PolicyFilter(request.GET, Policy.objects.all(), request=request)
    kind = request.GET.get("kind", "")
    policies = [policy for policy in found.qs if not kind or kind in policy.kinds]
    live = _live_counts()
    rows = [
        PolicyRow(row, format_value(row, row.tolerance), describe_measure(row), live.get(row.pk, 0))
        for row in policies
    ]
    n_on = sum(row.policy.enabled for row in rows)
    return render_page(
        request,
        "exposure/policies.html",
        title="Tolerances",
        crumbs=(("Exposure", reverse("exposure:concentration")),),
        counts="Tolerances of the whole organisation",
        sentence=Headline(
            f"{as_word(n_on).capitalize()} tolerances are in force; {as_word(sum(live.values()))} "
            "flags are live."
        ),
        rows=rows,
        kind=kind,
        kind_name=KIND_WORDS[KINDS[kind]] if kind in KINDS else "",
        may_change=user.is_governance,
    )


@require_safe
def policy_csv(request: HttpRequest) -> StreamingHttpResponse:
    _require_organisation_reader(request)
    return csv_response(
        "lines",
        [
            "slug",
            "name",
            "counts",
            "tolerance",
            "hysteresis",
            "days below",
            "switched on",
            "live flags",
            "why",
        ],
        [(row, _live_counts().get(row.pk, 0)) for row in Policy.objects.all()],
        lambda cell: [
            cell[0].slug,
            cell[0].name,
            describe_measure(cell[0]),
            cell[0].tolerance,
            cell[0].hysteresis,
            cell[0].clear_days,
            "yes" if cell[0].enabled else "no",
            cell[1],
            cell[0].reason,
        ],
    )


def _live_counts() -> dict[int, int]:
    counts: dict[int, int] = {}
    for pk in (
        ExposureFlag.objects.filter(state__in=ExposureFlag.LIVE)
        .order_by()
        .values_list("policy_id", flat=True)
    ):
        counts[pk] = counts.get(pk, 0) + 1
    return counts


@require_http_methods(["GET", "HEAD", "POST"])
def policy_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one policy, its history, and what exceeds it; `try` shows what would exceed another
    tolerance, without saving it."""
    user = signed_in_user(request)
    _require_organisation_reader(request)
    this = get_object_or_404(Policy, slug=slug)
    if request.method != "POST":
        return _shown(request, this, ExposurePolicyForm(initial=_initial(this)))
    if not user.is_governance:
        raise PermissionDenied(
            "You need the governance or administrator role to change exposure policies."
        )
    form = ExposurePolicyForm(request.POST)
    if not form.is_valid():
        return _shown(request, this, form, status=422)
    if "try" in request.POST:
        return _shown(request, this, form, tried=_preview_policy(this, form))
    try:
        change_policy(
            policy=this,
            facts=form.facts(),
            at=now(),
            by=user,
            reason=form.cleaned_data["change_reason"],
        )
    except ValidationError as slip:
        form.add_error(None, ValidationError(slip.messages))
        return _shown(request, this, form, status=422)
    flash_success(
        request, "Saved. Flags are raised and resolved with the next evaluation, within 5 minutes."
    )
    return redirect("exposure-policies:detail", slug=slug)


@require_http_methods(["GET", "HEAD", "POST"])
def new_policy(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    _require_organisation_reader(request)
    if not user.is_governance:
        raise PermissionDenied(
            "You need the governance or administrator role to change exposure policies."
        )
    usual = {
        "measure": Policy.Measure.CRITICAL_SHARE,
        "basis": Basis.COUNT,
        "hysteresis": 10,
        "clear_days": 2,
        "enabled": True,
        "kinds": [request.GET["kind"]] if request.GET.get("kind") in KINDS else [],
    }
    if request.method != "POST":
        return _shown(request, None, ExposurePolicyForm(initial=usual))
    form = ExposurePolicyForm(request.POST)
    if not form.is_valid():
        return _shown(request, None, form, status=422)
    if "try" in request.POST:
        return _shown(request, None, form, tried=_preview_policy(None, form))
    try:
        added = add_policy(
            facts={**form.facts(), "slug": _free_slug(form.cleaned_data["name"])},
            by=user,
            reason=form.cleaned_data["change_reason"],
        )
    except ValidationError as slip:
        form.add_error(None, ValidationError(slip.messages))
        return _shown(request, None, form, status=422)
    flash_success(
        request,
        "The tolerance was set. Flags are raised with the next evaluation, within 5 minutes.",
    )
    return redirect("exposure-policies:detail", slug=added.slug)


def _free_slug(name: str) -> str:
    base = slugify(name)[:50].strip("-") or "line"
    taken = set(Policy.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return (
        base
        if base not in taken
        else next(f"{base}-{n}" for n in range(2, 10_000) if f"{base}-{n}" not in taken)
    )


def _preview_policy(this: Policy | None, form: ExposurePolicyForm) -> Policy:
    """The policy as the form would make it, unsaved."""
    return Policy(pk=this.pk if this else None, slug=this.slug if this else "tried", **form.facts())


def _shown(
    request: HttpRequest,
    this: Policy | None,
    form: ExposurePolicyForm,
    *,
    tried: Policy | None = None,
    status: int = 200,
) -> HttpResponse:
    user = signed_in_user(request)
    measured = tried or this
    breaches = _breaches(measured, this) if measured else []
    flagged = [row for row in breaches if row.is_flagged]
    return render_page(
        request,
        "exposure/policy.html",
        title=this.name if this else "A new tolerance",
        crumbs=(
            ("Exposure", reverse("exposure:concentration")),
            ("Tolerances", reverse("exposure-policies:list")),
        ),
        counts=capfirst(describe_measure(measured)) if measured else "What the line will count",
        status=status,
        policy=this,
        form=form,
        tried=tried,
        sentence=_sentence(measured, breaches, tried=tried is not None),
        breaches=breaches[:MAX_BREACHES],
        n_breaches=len(breaches),
        n_new=len(breaches) - len(flagged),
        tolerance=format_value(measured, measured.tolerance) if measured else "",
        may_change=user.is_governance,
        is_summed=measured is None or _is_summed(measured),
        history=_history(this) if this else [],
        live=_live_counts().get(this.pk, 0) if this else 0,
    )


def _sentence(measured: Policy | None, breaches: list[PolicyBreach], *, tried: bool) -> Headline:
    if measured is None:
        return Headline("Set a tolerance: what is counted, and how much of it is tolerated.")
    line = format_value(measured, measured.tolerance)
    if not breaches:
        says = (
            "At {line} nothing would be above the line."
            if tried
            else "Nothing lies above the line of {line}."
        )
        return Headline(says.format(line=line))
    n = number(len(breaches))
    if measured.predicate:
        return Headline("The value is ", breaches[0].value, f"; the line is {line}.")
    if tried:
        return Headline(f"At {line} ", f"{n} would be above the line", ".")
    return Headline("", f"{n} above the line", f" of {line}.")


def _breaches(measured: Policy, this: Policy | None) -> list[PolicyBreach]:
    """What is above the line now, the largest first; three statements."""
    from_flags = active_flags(this) if this and this.pk else {}
    line = exact_fraction(measured.tolerance)
    found = [row for row in policy_values(measured).values() if row.value > line]
    found.sort(key=lambda row: -row.value)
    names = node_names([row.node_id for row in found if row.node_id is not None])
    rows = []
    for row in found:
        name = names.get(row.node_id) if row.node_id is not None else None
        rows.append(
            PolicyBreach(
                name.label if name else "The portfolio",
                name_url(name) if name else "",
                format_value(measured, float(row.value)),
                row.n_applications,
                row.node_id in from_flags,
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


def _history(this: Policy) -> list[PastTolerance]:
    """Every line it has been, the latest first: one statement."""
    model = apps.get_model("exposure", "PolicyHistory")
    found = []
    for row in (
        model.objects.filter(pgh_obj_id=this.pk)
        .select_related("pgh_context")
        .order_by("-pgh_id")[:50]
    ):
        said = row.pgh_context.metadata if row.pgh_context else {}
        found.append(
            PastTolerance(
                row.pgh_created_at,
                said.get("actor", ""),
                said.get("reason", ""),
                format_value(row, row.tolerance),
                row.enabled,
            )
        )
    return found


def _is_summed(measured: Policy) -> bool:
    """Whether what it measures is kept today; else it is summed up once the line is kept."""
    asked = engine_settings().threats
    return all(
        (kind, measured.threat or DEFAULT_THREAT[kind]) in asked
        for kind in kind_of_policy(measured)
    )


def _require_organisation_reader(request: HttpRequest) -> None:
    if not signed_in_user(request).can_read_all:
        raise Http404
