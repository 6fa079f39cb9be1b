"""Outage rates of hosts, gateways and vendors from recorded incidents."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.catalog.models import NodeKind
from apps.catalog.providers.outages import OutageCounts, OutageThreshold
from apps.exposure.loss.outage_rates import (
    PRIOR_SOURCE,
    OutageRate,
    RateBasis,
    estimate_outage_rate,
)
from apps.exposure.loss.rates import default_rate
from apps.exposure.loss.shocks import EventKind, Frequency
from apps.exposure.models import EventRate, ExposureSettings
from apps.feeds.outage_records import OutageRecord, outage_records

# Nodes with outages of their own that a status page tells of; it speaks for a provider in each of
# these parts.
OUTAGE_NODE_KINDS = (NodeKind.HOST, NodeKind.GATEWAY, NodeKind.VENDOR)


@dataclass(frozen=True, slots=True)
class ProviderOutageRate:
    """The outage rate of a provider, with the record that it is from."""

    rate: OutageRate
    record: OutageRecord
    counts: OutageCounts

    @property
    def source_text(self) -> str:
        """Where the rate is from, for lists of assumptions."""
        page = f"{self.record.source.name} ({self.record.source.public_slug})"
        if self.rate.basis == RateBasis.COUNTED:
            return f"Counted from the incidents of {page}."
        return f"{PRIOR_SOURCE} The record of {page} is too short."

    def frequency(self) -> Frequency:
        return Frequency(self.rate.rate, cv=self.rate.severity_cv, shape=self.rate.yearly_shape)

    def as_assumption(self, *, node_kind: NodeKind, node: int) -> dict[str, Any]:
        """Return the rate as JSON in the form of the other rates of a run, with its record."""
        rate = self.rate
        return {
            "event": EventKind.OUTAGE.slug,
            "node_kind": node_kind.label,
            "node": node,
            "rate": rate.rate,
            "low": rate.low,
            "high": rate.high,
            "once": False,
            "severity_cv": rate.severity_cv,
            "shape": rate.yearly_shape,
            "assumption": False,
            "source": self.source_text,
            "basis": rate.basis.value,
            "n": rate.n,
            "months": rate.months,
            "impact": rate.threshold.impact,
            "hours": rate.threshold.hours,
        }


def outage_threshold() -> OutageThreshold:
    """Return the stored threshold, or the default."""
    row = ExposureSettings.objects.filter(pk=ExposureSettings.ONLY).first() or ExposureSettings()
    return row.outage_threshold


def provider_outage_rates(
    threshold: OutageThreshold, providers: Iterable[int] | None = None
) -> Mapping[int, ProviderOutageRate]:
    """Return {provider ID: its rate} of the providers whose incidents are recorded; two statements.

    Providers without a record are missing: their rate is assumed.
    """
    rates = {}
    for provider_id, record in outage_records(providers).items():
        counts = record.count(threshold)
        rates[provider_id] = ProviderOutageRate(estimate_outage_rate(counts), record, counts)
    return rates


def is_project_assumption(rate: EventRate) -> bool:
    """Return whether a rate is still the assumption of this project, and not the organisation's
    own: only that is replaced by counts."""
    default = default_rate(EventKind[rate.kind.upper()], rate.node_kind)
    return (
        rate.assumption
        and rate.node_id is None
        and default is not None
        and default.assumed
        and (rate.rate, rate.low, rate.high) == (default.value, default.low, default.high)
    )
