"""The rates to begin with: what is counted says from what, and what is assumed says so."""

import pytest

from apps.exposure.loss.rates import (
    BASE_LOSSES,
    DEFAULT_RATES,
    DEVELOPER_RECORDS,
    FURTHER_RATES,
    OWN_LOSSES,
    SEVERITY_CV,
    YearlyRate,
    default_rate,
)
from apps.exposure.loss.shocks import EventKind, once_chance

ALL = [*DEFAULT_RATES, *FURTHER_RATES]


@pytest.mark.parametrize(
    "rate", ALL, ids=lambda rate: f"{rate.event.slug}-{rate.node_kind}-{rate.value}"
)
def test_a_rate_lies_in_its_interval_and_says_what_it_counts_and_from_where(
    rate: YearlyRate,
) -> None:
    assert 0 < rate.low < rate.value < rate.high
    assert rate.counts
    assert rate.source.endswith(".")
    assert rate.window
    assert rate.unit == f"events a year per {rate.node_kind}"


@pytest.mark.parametrize("rate", [rate for rate in ALL if rate.assumed])
def test_an_assumption_is_called_one_and_is_wide(rate: YearlyRate) -> None:
    assert "assumption" in rate.source
    assert rate.window == "none"
    assert rate.high / rate.low == pytest.approx(100)


def test_nobody_counted_outages_failures_and_regressions() -> None:
    uncounted = {EventKind.OUTAGE, EventKind.DEVELOPER_FAILURE, EventKind.REGRESSION}

    assert {rate.event for rate in ALL if rate.assumed} == uncounted
    assert not any(rate.event in uncounted for rate in ALL if not rate.assumed)


def test_no_cause_is_simulated_at_two_levels_by_default() -> None:
    # hosts, regions, gateways and vendors are parties apart; for the other kinds there is one level
    levels: dict[EventKind, list[str]] = {}
    for rate in DEFAULT_RATES:
        levels.setdefault(rate.event, []).append(rate.node_kind)

    assert levels.pop(EventKind.OUTAGE) == ["host", "region", "gateway", "vendor"]
    assert all(len(kinds) == 1 for kinds in levels.values())


def test_what_happens_once_is_simulated_by_its_chance() -> None:
    rate = default_rate(EventKind.RETIREMENT, "offering")
    assert rate is not None

    frequency = rate.frequency()

    assert (frequency.rate, frequency.once, frequency.cv) == (once_chance(0.74), True, 0)
    assert rate.as_simulated() == (once_chance(0.74), once_chance(0.50), once_chance(1.02))


def test_what_recurs_is_simulated_by_its_rate() -> None:
    rate = default_rate(EventKind.OUTAGE, "host")
    assert rate is not None

    assert rate.frequency().rate == rate.value
    assert not rate.frequency().once


def test_without_a_default_nothing_is_simulated() -> None:
    assert default_rate(EventKind.RETIREMENT, "foundation") is None


@pytest.mark.parametrize("name", DEVELOPER_RECORDS)
def test_a_shutdown_day_takes_the_share_that_retirements_and_days_imply(name: str) -> None:
    record = DEVELOPER_RECORDS[name]

    assert record.share_taken == pytest.approx(
        min(1, record.retirements / record.shutdown_days), abs=0.011
    )


def test_every_kind_and_criticality_has_a_placeholder() -> None:
    criticalities = {"critical", "important", "standard", "low"}

    assert set(BASE_LOSSES) == {
        (event, criticality) for event in EventKind for criticality in criticalities
    }
    assert all(loss > 0 for loss in BASE_LOSSES.values())
    assert set(OWN_LOSSES) == criticalities
    assert set(SEVERITY_CV) == set(EventKind)
