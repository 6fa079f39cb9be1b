"""Simulation of the yearly loss of the current portfolio: recorded rates and base losses times the
engine's states.

A run stores everything needed to repeat it: seed, years, versions, rates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from importlib.metadata import version
from operator import itemgetter
from typing import Any

from django.db import connection
from django.db.models import Count, Q

from apps.catalog.models import DateKind, Node, NodeKind, Offering
from apps.catalog.providers.outages import OutageThreshold
from apps.exposure.engine.scenarios import day_of_tables
from apps.exposure.engine.settings import EngineSettings, engine_settings
from apps.exposure.engine.severities import severity_classes
from apps.exposure.loss.measures import ONE_IN_20, ONE_IN_100, Tail
from apps.exposure.loss.shocks import (
    EventKind,
    Frequency,
    IndependentLoss,
    NodeLoss,
    Shock,
    once_chance,
    shock_of,
    twin_classes,
)
from apps.exposure.loss.simulation import SimulationRun, simulate, simulate_twin
from apps.exposure.models import BaseLoss, EventRate, ScopedApplication
from apps.exposure.node_names import node_names
from apps.exposure.queries.outage_rates import (
    OUTAGE_NODE_KINDS,
    ProviderOutageRate,
    is_project_assumption,
    outage_threshold,
    provider_outage_rates,
)
from apps.exposure.threats import DEVELOPER_FAILURE, ERROR, OUTAGE, RETIREMENT

# the threat of an event of the kind; applications avoid a price rise like a retirement, by
# migrating
_THREAT: Mapping[EventKind, str] = {
    EventKind.OUTAGE: OUTAGE,
    EventKind.RETIREMENT: RETIREMENT,
    EventKind.SHORT_NOTICE: RETIREMENT,
    EventKind.REPRICING: RETIREMENT,
    EventKind.DEVELOPER_FAILURE: DEVELOPER_FAILURE,
    EventKind.SHUTDOWN_DAY: DEVELOPER_FAILURE,
    EventKind.REGRESSION: ERROR,
}
_YEAR = timedelta(days=365)
# the first number of the keys of applications' own losses; node kinds start at 1
_OWN_KEY = 0
# causes listed in the attribution; the others are summed
_MAX_NAMED_CAUSES = 50


@dataclass(frozen=True, slots=True)
class _Rates:
    """The rates by kind of event and node, and those of single nodes; `counted` are outage rates by
    provider, from incidents above `threshold`."""

    general: Mapping[tuple[EventKind, NodeKind], EventRate]
    single: Mapping[tuple[EventKind, int], EventRate]
    threshold: OutageThreshold
    counted: Mapping[int, ProviderOutageRate]

    def of(
        self, event: EventKind, kind: NodeKind, node_id: int, *, bears: bool
    ) -> EventRate | None:
        """Return the rate of the node if it has one, otherwise the kind's rate if the node has
        causes of its own."""
        return self.single.get((event, node_id)) or (
            self.general.get((event, kind)) if bears else None
        )

    def counted_of(
        self, event: EventKind, kind: NodeKind, ref: int, rate: EventRate
    ) -> ProviderOutageRate | None:
        """Return the counted rate that replaces `rate`: only for outages, and only where `rate` is
        the assumption of this project."""
        if event is not EventKind.OUTAGE or kind not in OUTAGE_NODE_KINDS:
            return None
        return self.counted.get(ref) if is_project_assumption(rate) else None


@dataclass(frozen=True, slots=True)
class LossModel:
    """The complete input of the simulation; `scheduled` are the offerings with an announced
    retirement within the year."""

    as_of: date
    shocks: Sequence[Shock]
    own_losses: Sequence[IndependentLoss]
    twin: Sequence[IndependentLoss]
    assumptions: Mapping[str, Any]
    scheduled: frozenset[int]


def loss_model(*, settings: EngineSettings | None = None) -> LossModel:
    """Read rates, losses and states; a few statements, seconds at 100,000 applications."""
    settings = settings or engine_settings()
    as_of = day_of_tables()
    rates = _load_rates()
    base, chances = _load_base_losses()
    scheduled = _scheduled_nodes(as_of)
    event_kinds = {(event, kind) for event, kind in rates.general} | _single_rate_kinds(rates)
    classes = severity_classes(
        {(kind, _THREAT[event]) for event, kind in event_kinds}, settings=settings
    )
    kind_and_ref = {
        pk: (NodeKind(kind), ref)
        for pk, kind, ref in Node.objects.filter(pk__in={node for node, _ in classes}).values_list(
            "pk", "kind", "ref"
        )
    }
    bearing_nodes = _bearing_nodes(as_of)
    losses: list[NodeLoss] = []
    frequencies: dict[tuple[int, ...], Frequency] = {}
    counted_rates: list[dict[str, Any]] = []
    for (node_id, threat), node_classes in classes.items():
        kind, ref = kind_and_ref[node_id]
        for event in EventKind:
            rate = rates.of(event, kind, node_id, bears=node_id in bearing_nodes)
            if rate is None or _THREAT[event] != threat:
                continue
            loss = NodeLoss(
                (kind.value, node_id),
                event,
                [(base[event, criticality] * x, n) for criticality, x, n in node_classes],
            )
            if loss.loss <= 0:
                continue
            losses.append(loss)
            counted_rate = rates.counted_of(event, kind, ref, rate)
            if counted_rate is not None:
                frequencies[loss.key] = counted_rate.frequency()
                counted_rates.append(counted_rate.as_assumption(node_kind=kind, node=node_id))
                continue
            frequencies[loss.key] = _build_frequency(
                rate, certain=event is EventKind.RETIREMENT and node_id in scheduled
            )
    own_losses = _load_own_losses(base_chances=chances)
    return LossModel(
        as_of=as_of,
        shocks=[shock_of(loss, frequencies[loss.key]) for loss in losses],
        own_losses=own_losses,
        twin=[*twin_classes(losses, frequencies), *own_losses],
        assumptions=_list_assumptions(settings, rates, counted_rates, base, chances),
        scheduled=scheduled,
    )


def simulate_portfolio(*, seed: int, years: int, keep: float) -> tuple[LossModel, dict[str, Any]]:
    """Return (input of the simulation, result as JSON): both curves, measures with their errors,
    and causes of the tail."""
    model = loss_model()
    shared = simulate(
        model.shocks, model.own_losses, years=years, seed=seed, keep=keep, attribute=(ONE_IN_100,)
    )
    twin = simulate_twin(model.twin, years=years, seed=seed, keep=keep)
    result = {
        "shared": _measures_as_json(shared),
        "independent": _measures_as_json(twin),
        "attribution": _attribution_as_json(shared),
        "scheduled_nodes": sorted(model.scheduled),
    }
    return model, result


def _load_rates() -> _Rates:
    general: dict[tuple[EventKind, NodeKind], EventRate] = {}
    single: dict[tuple[EventKind, int], EventRate] = {}
    kinds = {kind.label: kind for kind in NodeKind}
    for rate in EventRate.objects.filter(enabled=True).select_related("node"):
        event = EventKind[rate.kind.upper()]
        if rate.node is not None:
            single[event, rate.node.pk] = rate
        elif rate.node_kind in kinds:
            general[event, kinds[rate.node_kind]] = rate
    threshold = outage_threshold()
    return _Rates(general, single, threshold, provider_outage_rates(threshold))


def _single_rate_kinds(rates: _Rates) -> set[tuple[EventKind, NodeKind]]:
    return {
        (event, NodeKind(rate.node.kind))
        for (event, _), rate in rates.single.items()
        if rate.node is not None
    }


def _load_base_losses() -> tuple[
    dict[tuple[EventKind, int], float], dict[int, tuple[float, float]]
]:
    """Return ({(event, criticality): loss}, {criticality: (chance, loss) of independent
    incidents})."""
    base: dict[tuple[EventKind, int], float] = {
        (event, criticality): 0.0 for event in EventKind for criticality in range(4)
    }
    own_base_losses: dict[int, tuple[float, float]] = {}
    for row in BaseLoss.objects.all():
        if row.kind == BaseLoss.OWN:
            own_base_losses[row.criticality] = (row.chance, row.amount)
        else:
            base[EventKind[row.kind.upper()], row.criticality] = row.amount
    return base, own_base_losses


def _scheduled_nodes(as_of: date) -> frozenset[int]:
    """Return nodes of offerings with an announced retirement within the year, which is certain."""
    retiring_ids = Offering.objects.filter(
        Q(date_kind=DateKind.FIRM), retires_on__gt=as_of, retires_on__lte=as_of + _YEAR
    ).values("pk")
    return frozenset(
        Node.objects.filter(kind=NodeKind.OFFERING, ref__in=retiring_ids).values_list(
            "pk", flat=True
        )
    )


# A corporate parent has no outages of its own unless a rate is entered for it, and a retired
# offering does not retire again.
_BEARING = """
SELECT n.id FROM catalog_node n
LEFT JOIN catalog_offering o ON n.kind = node_kind('offering') AND o.id = n.ref
-- versions and foundations always
WHERE (n.kind IN (node_kind('version'), node_kind('foundation')))
   -- offerings that have not retired
   OR (n.kind = node_kind('offering') AND o.lifecycle <> 'retired' AND (o.date_kind = 'firm'
       AND o.retires_on <= %(day)s) IS NOT TRUE)
   -- providers and regions that offerings depend on themselves, not as a corporate parent
   OR (n.kind NOT IN (node_kind('offering'), node_kind('version'), node_kind('foundation'))
       AND EXISTS (SELECT 1 FROM exposure_enginefooting f
   WHERE f.node_id = n.id AND f.depth = 0))
-- gateways and vendors of dependencies
UNION SELECT node_id FROM exposure_partyfooting WHERE depth = 0
"""


def _bearing_nodes(as_of: date) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(_BEARING, {"day": as_of})
        return {pk for (pk,) in cursor.fetchall()}


def _build_frequency(rate: EventRate, *, certain: bool) -> Frequency:
    """Return the frequency of an event; `certain`: it happens exactly once within the year."""
    if certain:
        return Frequency(1.0, once=True, cv=rate.severity_cv)
    return Frequency(
        once_chance(rate.rate) if rate.once else rate.rate, rate.once, rate.severity_cv
    )


def _load_own_losses(base_chances: Mapping[int, tuple[float, float]]) -> list[IndependentLoss]:
    """Return the independent outages of applications, one entry for each criticality.
    `base_chances` is {criticality: (base loss, yearly chance)}."""
    counts = dict(
        ScopedApplication.objects.order_by("criticality")
        .values_list("criticality")
        .annotate(n=Count("pk"))
    )
    return [
        IndependentLoss(
            (_OWN_KEY, criticality),
            n,
            base_chances[criticality][1],
            base_chances[criticality][0],
            once=True,
        )
        for criticality, n in sorted(counts.items())
        if criticality in base_chances and base_chances[criticality][1] > 0
    ]


def _list_assumptions(
    settings: EngineSettings,
    rates: _Rates,
    counted_rates: Sequence[dict[str, Any]],
    base: Mapping[tuple[EventKind, int], float],
    chances: Mapping[int, tuple[float, float]],
) -> dict[str, Any]:
    """Return all inputs of a run as JSON, so that its result can be traced and repeated.

    `counted_rates` are those of single nodes; they take the place of the rate of their kind.
    """
    rate_rows: list[dict[str, Any]] = [
        {
            "event": rate.kind,
            "node_kind": rate.node_kind,
            "node": rate.node_id,
            "rate": rate.rate,
            "low": rate.low,
            "high": rate.high,
            "once": rate.once,
            "severity_cv": rate.severity_cv,
            "assumption": rate.assumption,
            "source": rate.source,
        }
        for rate in [*rates.general.values(), *rates.single.values()]
    ]
    return {
        "rates": [*rate_rows, *sorted(counted_rates, key=itemgetter("node"))],
        "outage_threshold": {"impact": rates.threshold.impact, "hours": rates.threshold.hours},
        "base_losses": {
            event.slug: [base[event, criticality] for criticality in range(4)]
            for event in EventKind
        },
        "own": {
            str(criticality): list(chance_and_loss)
            for criticality, chance_and_loss in sorted(chances.items())
        },
        "placeholders": BaseLoss.objects.filter(placeholder=True).exists(),
        "state_factor": {state: str(factor) for state, factor in settings.factor.items()},
        "numpy": version("numpy"),
        "model": 2,
    }


def _measures_as_json(run: SimulationRun) -> dict[str, Any]:
    measures = run.measures
    return {
        "eal": measures.eal,
        "eal_se": measures.eal_se,
        "sd": measures.sd,
        "scheduled": run.scheduled,
        "one_in_20": _tail_as_json(measures.tail(ONE_IN_20)),
        "one_in_100": _tail_as_json(measures.tail(ONE_IN_100)),
        "curve": [[point.loss, point.probability] for point in run.curve()],
        "n_parts": run.n_parts,
        "n_drawn": len(run.drawn_keys),
    }


def _tail_as_json(tail: Tail) -> dict[str, float]:
    return {
        "var": tail.var,
        "var_low": tail.var_low,
        "var_high": tail.var_high,
        "tvar": tail.tvar,
        "tvar_se": tail.tvar_se,
    }


def _attribution_as_json(run: SimulationRun) -> dict[str, Any]:
    """Return the causes of the worst 1 in 100 years: the largest by name, the others summed."""
    attribution = run.attribution(Fraction(ONE_IN_100))
    sorted_causes = sorted(attribution.by_shock.items(), key=lambda pair: (-pair[1], pair[0]))
    names = node_names([key[1] for key, _ in sorted_causes[:_MAX_NAMED_CAUSES]])
    return {
        "level": "1 in 100",
        "causes": [
            {
                "node": key[1],
                "name": names[key[1]].name,
                "label": names[key[1]].label,
                "event": EventKind(key[2]).slug,
                "loss": loss,
            }
            for key, loss in sorted_causes[:_MAX_NAMED_CAUSES]
        ],
        "other_causes": sum(loss for _, loss in sorted_causes[_MAX_NAMED_CAUSES:])
        + attribution.rest,
        "own": attribution.own,
    }
