"""Outage rates of the loss model from recorded incidents: by which source, of which months, and
where the organisation's own rate or the assumption applies."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from apps.catalog.models import Incident, Node, NodeKind, Provider, Source
from apps.catalog.models.incidents import IncidentEnd
from apps.catalog.providers.outages import DEFAULT_THRESHOLD, OutageThreshold
from apps.exposure.actions.decisions import FlagPermissionError
from apps.exposure.actions.policies import change_settings
from apps.exposure.actions.scenarios import queue_loss_run, run_queued
from apps.exposure.loss.outage_rates import RateBasis
from apps.exposure.loss_runs import loss_model
from apps.exposure.models import EventRate, LossRun
from apps.exposure.queries.outage_rates import outage_threshold, provider_outage_rates
from apps.feeds.incidents.reader import read_status
from apps.feeds.incidents.storage import store_incidents
from apps.feeds.models import FeedRun
from apps.feeds.outage_records import outage_records
from tests.builders import NOW, make_provider, make_user
from tests.exposure.scenarios.two_teams import make_two_teams
from tests.worlds.outage_records import (
    add_incident,
    add_outage_record,
    add_status_source,
    months_ago,
)

pytestmark = pytest.mark.django_db

MAJOR = OutageThreshold("major", 0.0)


def test_a_record_counts_from_its_first_incident_to_the_last_poll() -> None:
    host = make_provider("anthropic")
    source = add_status_source(host)
    add_outage_record(source, months=14, n_critical=3)

    rate = provider_outage_rates(DEFAULT_THRESHOLD)[host.pk]

    assert (rate.rate.basis, rate.rate.months, rate.rate.n) == (RateBasis.COUNTED, 14, 3)
    assert rate.record.source == source
    assert rate.rate.low < 3 / (14 / 12) < rate.rate.high
    assert "Anthropic status (status:anthropic)" in rate.source_text


def test_a_first_poll_before_the_first_incident_begins_the_record() -> None:
    host = make_provider("anthropic")
    source = add_status_source(host)
    add_incident(source, months_ago(2))
    FeedRun.objects.create(
        source=source, status="unchanged", observed_at=months_ago(15), queued_at=months_ago(15)
    )
    FeedRun.objects.create(
        source=source, status="failed", observed_at=months_ago(40), queued_at=months_ago(40)
    )

    assert outage_records()[host.pk].observed_from == months_ago(15)


def test_duplicates_and_what_serves_no_model_do_not_count() -> None:
    host = make_provider("anthropic")
    source = add_status_source(host)
    add_outage_record(source, months=14, n_critical=1)
    add_incident(source, months_ago(3), external_id="again", end_reason=IncidentEnd.DUPLICATE)
    add_incident(source, months_ago(3), external_id="console", affects_models=False)
    add_incident(source, months_ago(3), 90, "none")

    assert provider_outage_rates(DEFAULT_THRESHOLD)[host.pk].rate.n == 1


def test_a_source_that_never_stated_an_impact_gives_no_rate() -> None:
    host = make_provider("azure")
    source = add_status_source(host)
    for n in range(1, 20):
        add_incident(source, months_ago(n), 9, "")

    assert outage_records() == {}


def test_of_two_sources_of_a_host_the_longer_record_counts_and_never_both() -> None:
    host = make_provider("google")
    short = add_status_source(host, slug="status-google-rss", trust_rank=1)
    long = add_status_source(host, slug="status-google")
    add_outage_record(short, months=2, n_critical=6)
    add_outage_record(long, months=20, n_critical=2)

    rate = provider_outage_rates(DEFAULT_THRESHOLD)[host.pk]

    assert rate.record.source == long
    assert rate.rate.n == 2


def test_an_open_outage_that_was_forgotten_was_open_until_its_last_update() -> None:
    host = make_provider("anthropic")
    source = add_status_source(host)
    add_incident(source, months_ago(8), None, last_update_at=months_ago(8) + timedelta(hours=3))
    add_incident(source, months_ago(5), None, last_update_at=NOW - timedelta(days=1))

    first, second = outage_records()[host.pk].outages

    assert (first.hours, first.is_open) == (3, True)
    assert second.is_open
    assert second.ended_at == NOW


def test_the_months_end_with_the_last_successful_poll() -> None:
    host = make_provider("anthropic")
    source = add_status_source(host, read_at=months_ago(6))
    add_incident(source, months_ago(21), 0.5, "minor")

    assert provider_outage_rates(DEFAULT_THRESHOLD)[host.pk].rate.months == 14


def test_the_records_take_the_same_statements_for_one_host_and_for_many(
    django_assert_num_queries: Any,
) -> None:
    for index in range(8):
        add_outage_record(
            add_status_source(make_provider(f"host-{index}")), months=3, n_critical=index
        )

    with django_assert_num_queries(2):
        assert len(outage_records()) == 8


# --- in the loss model ----------------------------------------------------------------------------


def outage_frequencies() -> dict[str, tuple[float, float, float | None]]:
    """{host: (rate, cv, shape)} of the outages of the model."""
    slugs = dict(Provider.objects.values_list("pk", "slug"))
    refs = dict(Node.objects.filter(kind=NodeKind.HOST).values_list("pk", "ref"))
    return {
        slugs[refs[shock.key[1]]]: (shock.rate, shock.cv, shock.shape)
        for shock in loss_model().shocks
        if shock.key[0] == NodeKind.HOST and shock.key[2] == 1
    }


def test_a_counted_rate_replaces_the_assumption_of_its_host_alone() -> None:
    two_teams = make_two_teams()
    add_outage_record(add_status_source(two_teams.sonnet.host), months=24, n_critical=10)

    frequencies = outage_frequencies()

    rate = provider_outage_rates(DEFAULT_THRESHOLD)[two_teams.sonnet.host_id].rate
    assert frequencies["anthropic"] == (rate.rate, rate.severity_cv, rate.yearly_shape)
    assert rate.low < 5 < rate.high
    assert frequencies["azure"] == (1.0, 1.5, None)


def test_a_short_record_gives_the_prior_and_says_so() -> None:
    two_teams = make_two_teams()
    add_outage_record(add_status_source(two_teams.sonnet.host), months=5, n_critical=2)

    model = loss_model()

    row = next(row for row in model.assumptions["rates"] if row.get("basis"))
    assert (row["basis"], row["n"], row["months"]) == ("prior", 2, 5)
    assert row["rate"] == pytest.approx(1.5)
    assert "arXiv 2501.12469" in row["source"]
    assert "too short" in row["source"]


@pytest.mark.parametrize("own", ["single", "general", "changed assumption", "excluded"])
def test_a_rate_of_the_organisation_applies_whatever_was_counted(own: str) -> None:
    two_teams = make_two_teams()
    add_outage_record(add_status_source(two_teams.sonnet.host), months=24, n_critical=10)
    general = EventRate.objects.filter(kind="outage", node_kind="host", node=None)
    if own == "single":
        node = Node.objects.get(kind=NodeKind.HOST, ref=two_teams.sonnet.host_id)
        EventRate.objects.create(
            kind="outage", node_kind="host", node=node, rate=0.25, source="contract"
        )
    elif own == "general":
        general.update(rate=0.25, assumption=False)
    elif own == "changed assumption":
        general.update(rate=0.25)
    else:
        general.update(enabled=False)

    frequencies = outage_frequencies()

    if own == "excluded":
        assert frequencies == {}
    else:
        assert frequencies["anthropic"][0] == 0.25
        assert frequencies["anthropic"][2] is None


def test_a_run_stores_the_rates_it_used_and_repeats_with_them() -> None:
    two_teams = make_two_teams()
    source = add_status_source(two_teams.sonnet.host)
    add_outage_record(source, months=24, n_critical=10)
    runs = []
    for _ in range(2):
        run = queue_loss_run(at=NOW, by=two_teams.governance, years=10_000, seed=7)
        run_queued(at=NOW)
        runs.append(LossRun.objects.get(pk=run.pk))
    first, again = runs

    assert first.result == again.result
    assert first.assumptions == again.assumptions
    row = next(row for row in first.assumptions["rates"] if row.get("basis"))
    node = Node.objects.get(kind=NodeKind.HOST, ref=two_teams.sonnet.host_id)
    assert row["node"] == node.pk
    assert {name: row[name] for name in ("basis", "n", "months", "impact", "hours")} == {
        "basis": "counted",
        "n": 10,
        "months": 24,
        "impact": "critical",
        "hours": 4.0,
    }
    assert row["low"] < row["rate"] < row["high"]
    assert first.assumptions["outage_threshold"] == {"impact": "critical", "hours": 4.0}


def test_the_threshold_is_set_by_governance_and_changes_what_counts() -> None:
    two_teams = make_two_teams()
    source = add_status_source(two_teams.sonnet.host)
    add_outage_record(source, months=24, n_critical=2)
    for n in range(1, 20):
        add_incident(source, months_ago(n, day=20), 1, "major")

    before = outage_frequencies()["anthropic"][0]
    change_settings(facts={"outage_impact": "major", "outage_hours": 0.0}, by=two_teams.governance)

    assert outage_threshold() == MAJOR
    assert outage_frequencies()["anthropic"][0] > 4 * before
    with pytest.raises(FlagPermissionError):
        change_settings(facts={"outage_hours": 1.0}, by=make_user(role="auditor"))
    for facts in ({"outage_hours": 3.0}, {"outage_impact": "none"}, {"outage_impact": "red"}):
        with pytest.raises(ValidationError):
            change_settings(facts=facts, by=two_teams.governance)


# --- recorded status pages ------------------------------------------------------------------------


def read_recorded(source: Source, body: bytes, *, at: datetime) -> None:
    store_incidents(source, read_status(body), at=at)


@pytest.mark.shared
def test_a_recorded_status_page_is_counted(shared: Any) -> None:
    """50 incidents of another operator in this form; those of its months are counted by hand."""
    host = make_provider("elsewhere")
    body = (shared / "incidents/statuspage/github.incidents.reshaped.json").read_bytes()
    at = datetime(2026, 8, 22, 12, tzinfo=UTC)
    source = add_status_source(host, read_at=at)
    read_recorded(source, body, at=at)
    Incident.objects.update(affects_models=True)

    counts = provider_outage_rates(MAJOR)[host.pk].counts

    # the list begins on 23 June and was read on 22 August: July alone was observed to its end
    in_july = [
        row["impact"] in {"major", "critical"}
        for row in json.loads(body)["incidents"]
        if row["started_at"].startswith("2026-07")
    ]
    duplicates = Incident.objects.filter(end_reason=IncidentEnd.DUPLICATE)
    assert duplicates.count() == 1
    assert counts.months == ((date(2026, 7, 1), sum(in_july) - 1),)


@pytest.mark.shared
def test_a_recorded_page_of_azure_states_no_impact_and_gives_no_rate(shared: Any) -> None:
    source = add_status_source(make_provider("azure"))
    for name in ("status.2026-07-23T1650Z.xml", "status.2026-07-23T1813Z.xml"):
        read_recorded(source, (shared / "incidents/azure" / name).read_bytes(), at=NOW)

    assert Incident.objects.exists()
    assert outage_records() == {}
