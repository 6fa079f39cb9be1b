"""The exact loss of a small portfolio, with the engine's path states: the `loss` section."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from apps.exposure.engine.settings import EngineSettings
from apps.exposure.engine.states import node_failures, path_states
from apps.exposure.loss.exact import OwnLoss, SharedEvent, exact_loss
from apps.exposure.loss.exact_parts import Chance, Occurrence, Rate
from apps.exposure.models import ScopedApplication
from apps.inventory.models import Criticality
from tools.worked_portfolios.nodes import NodeName
from tools.worked_portfolios.numbers import rational_share
from tools.worked_portfolios.records import FrequencyRecord, LossEventRecord, LossRecord


def measure_losses(
    record: LossRecord,
    *,
    applications: Mapping[int, str],
    nodes: Mapping[int, NodeName],
    settings: EngineSettings,
) -> dict[str, Any]:
    """Compute the exact loss; raises LossTooLargeError where too many different losses can
    occur."""
    criticality = {
        applications[pk]: Criticality(code).name.lower()
        for pk, code in ScopedApplication.objects.values_list("pk", "criticality")
    }
    node_ids = {str(node): pk for pk, node in nodes.items()}
    events = [
        SharedEvent(
            f"{event.node}|{event.kind}",
            _occurrence(event.frequency),
            _losses_of(event, node_ids.get(str(event.node)), criticality, applications, settings),
        )
        for event in record.events
    ]
    own_losses = [
        OwnLoss(name, _occurrence(frequency), loss)
        for name, grave in criticality.items()
        if grave in record.own
        for frequency, loss in (record.own[grave],)
    ]
    frequencies = [event.frequency for event in record.events] + [
        frequency for frequency, _ in record.own.values()
    ]
    # a rate among the assumptions makes the answer one of floats, also where nobody here has it
    return exact_loss(
        events, own_losses, in_floats=any(frequency.q is None for frequency in frequencies)
    ).as_section()


def _losses_of(
    event: LossEventRecord,
    node_id: int | None,
    criticality: Mapping[str, str],
    applications: Mapping[int, str],
    settings: EngineSettings,
) -> dict[str, Fraction]:
    """Return the loss of one event by application in scope: traffic-weighted severity of its
    affected paths."""
    severity = dict.fromkeys(criticality, Fraction(0))
    for path in (
        path_states(node_failures([node_id], settings=settings, threat=event.threat))
        if node_id
        else []
    ):
        severity[applications[path.application_id]] += (
            rational_share(path.share) * settings.factor[path.state]
        )
    return {
        name: weighted_severity * event.base.get(criticality[name], Fraction(0))
        for name, weighted_severity in severity.items()
    }


def _occurrence(frequency: FrequencyRecord) -> Occurrence:
    if frequency.q is not None:
        return Chance(frequency.q)
    assert frequency.rate is not None
    return Rate(frequency.rate)
