"""What an accepted use case would add to the exposure: concentration before and after, the shared
base, and what the engine measures with the application added."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import Team, User
from apps.catalog.models import Footing, NodeKind, Offering, Via
from apps.common.text import pluralize
from apps.exposure.engine.operations import Add, AddedDependency
from apps.exposure.engine.scenarios import ScenarioAnswer, TablesNotBuiltError, run_operations
from apps.exposure.engine.settings import engine_settings
from apps.exposure.models import Layer, Policy
from apps.exposure.node_names import node_names
from apps.exposure.queries.concentration import layer_tables
from apps.inventory.governance.use_cases.model_candidates import (
    ModelReading,
    read_planned_model,
)
from apps.inventory.models import Application, Criticality, ProposedUseCase
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.dependencies.offering_picker import number_in
from apps.web.views.exposure.flag_presenters import format_value

_LAYERS: Mapping[NodeKind, Layer] = {
    NodeKind.DEVELOPER: Layer.DEVELOPER,
    NodeKind.HOST: Layer.HOST,
    NodeKind.FOUNDATION: Layer.FOUNDATION,
}
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class SharedLayer:
    """One layer below the offering: how many applications in scope depend on the same item now, and
    the shares before and after. The critical shares are those if the application was critical."""

    label: str
    name: str
    n_applications: int
    share_before: Decimal
    share_after: Decimal
    critical_before: Decimal
    critical_after: Decimal
    tolerance: Decimal | None

    @property
    def is_over(self) -> bool:
        return self.tolerance is not None and self.critical_after > self.tolerance


def shared_layers(offering: Offering, *, user: User) -> list[SharedLayer]:
    """Return the layers that the application would share with others, of a name those on which all
    its candidates agree; three statements."""
    nodes: dict[NodeKind, tuple[int, int]] = {
        NodeKind(kind): (pk, ref)
        for kind, pk, ref in Footing.objects.filter(
            offering=offering, via=Via.DIRECT, depth=0, node__kind__in=list(_LAYERS)
        ).values_list("node__kind", "node", "node__ref")
    }
    tables = layer_tables(layers=list(_LAYERS.values()), user=user)
    names = node_names([pk for pk, _ref in nodes.values()])
    layers = []
    for kind, layer in _LAYERS.items():
        if kind not in nodes:
            continue
        table = tables[layer]
        node, ref = nodes[kind]
        row = next((row for row in table.rows if row.ref == ref), None)
        n, n_critical = (row.n_applications, row.n_critical) if row is not None else (0, 0)
        layers.append(
            SharedLayer(
                layer.label,
                names[node].label,
                n,
                row.share if row is not None else _ZERO,
                Decimal(n + 1) / (table.n_applications + 1),
                row.critical_share if row is not None else _ZERO,
                Decimal(n_critical + 1) / (table.n_critical + 1),
                table.tolerance,
            )
        )
    return layers


def select_offering(request: HttpRequest, reading: ModelReading) -> Offering | None:
    """Return the offering of the URL, else the first candidate."""
    pk = number_in(request.GET.get("offering"))
    if pk is None:
        return reading.offerings[0] if reading.offerings else None
    offerings = Offering.objects.select_related("host", "version__foundation__developer")
    return get_object_or_404(offerings, pk=pk, not_a_model=False)


@dataclass(frozen=True, slots=True)
class MeasuredChange:
    """One measure of the portfolio before and after."""

    label: str
    before: str
    after: str


@require_safe
def show_added_exposure(request: HttpRequest, pk: int) -> HttpResponse:
    """Add the application to the portfolio in the engine, and show what changes; nothing is
    stored."""
    user = signed_in_user(request)
    use_case = get_object_or_404(ProposedUseCase.objects.visible_to(user), pk=pk)
    offering = select_offering(request, read_planned_model(use_case))
    criticality = _read_criticality(request)
    context: dict[str, Any] = {}
    try:
        answer = _run(use_case, offering, criticality) if offering is not None else None
    except TablesNotBuiltError:
        answer = None
    if offering is None:
        sentence = Headline("The proposal names no model ID. Select one on its page.")
    elif answer is None:
        sentence = Headline("Exposure is not calculated yet. Try again in a few minutes.")
    else:
        breaches = _new_breaches(answer)
        context = {"changes": _describe_changes(answer), "breaches": breaches}
        sentence = Headline(
            pluralize(
                len(breaches),
                "1 measurement would be above its tolerance.",
                f"{len(breaches)} measurements would be above their tolerances.",
            )
            if breaches
            else "No further measurement would be above its tolerance."
        )
    return render_page(
        request,
        "use-cases/exposure.html",
        title="Added exposure",
        crumbs=(
            ("Proposed use cases", reverse("use-cases:list")),
            (use_case.name, reverse("use-cases:detail", args=[pk])),
        ),
        counts="Applications in scope and the proposed one, in production",
        sentence=sentence,
        use_case=use_case,
        offering=offering,
        criticality=Criticality(criticality),
        criticalities=Criticality.choices,
        **context,
    )


def _read_criticality(request: HttpRequest) -> int:
    number = number_in(request.GET.get("criticality"))
    return number if number in Criticality.values else Criticality.STANDARD


def _run(use_case: ProposedUseCase, offering: Offering, criticality: int) -> ScenarioAnswer | None:
    """Measure the portfolio before and after; None without a team, since every application has
    one."""
    team_id = Team.objects.order_by("pk").values_list("pk", flat=True).first()
    if team_id is None:
        return None
    facts = {
        "name": use_case.name,
        "slug": f"proposed-use-case-{use_case.pk}",
        "team_id": team_id,
        "criticality": criticality,
        # proposed applications do not count
        "status": Application.Status.PRODUCTION,
    }
    addition = Add(facts, (AddedDependency(offering.pk),))
    return run_operations([addition], settings=engine_settings(), with_breaches=True)


def _describe_changes(answer: ScenarioAnswer) -> list[MeasuredChange]:
    before, after = answer.before, answer.after
    changes = [
        MeasuredChange(
            f"HHI of {layer.label.lower()}s", _index(before.hhi[layer]), _index(after.hhi[layer])
        )
        for layer in before.hhi
    ]
    changes.append(
        MeasuredChange(
            "Single points of failure", str(before.n_single_points), str(after.n_single_points)
        )
    )
    return changes


def _new_breaches(answer: ScenarioAnswer) -> list[MeasuredChange]:
    """Return the measurements above their tolerance that were not before."""
    old = answer.before.breaches
    keys = [key for key in answer.after.breaches if key not in old]
    policies = Policy.objects.in_bulk([policy for policy, _ in keys])
    nodes = node_names([node for _, node in keys if node is not None])
    breaches = []
    for policy_id, node in keys:
        policy = policies[policy_id]
        name = f"{policy.name}: {nodes[node].label}" if node in nodes else policy.name
        value = answer.after.policy_values[policy_id, node].value
        breaches.append(
            MeasuredChange(
                name,
                format_value(policy, policy.tolerance),
                format_value(policy, float(value.value)),
            )
        )
    return breaches


def _index(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
