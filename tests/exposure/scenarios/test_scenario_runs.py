from datetime import timedelta

import pytest

from apps.common.jobs import takeover_after
from apps.exposure.actions.decisions import FlagPermissionError
from apps.exposure.actions.minimal_cut_sets import store_minimal_cut_sets
from apps.exposure.actions.scenarios import (
    change_scenario,
    queue_loss_run,
    queue_scenario_run,
    run_queued,
    save_scenario,
)
from apps.exposure.engine.table_refresh import rebuild
from apps.exposure.models import BaseLoss, EventRate, LossRun, MinimalCutSet, RunState, ScenarioRun
from apps.exposure.node_names import find_nodes
from apps.exposure.scenarios.operation_parser import InvalidOperationError
from apps.inventory.models import Application, Dependency
from tests.builders import NOW, TODAY, make_user
from tests.exposure.scenarios.two_teams import make_two_teams

pytestmark = pytest.mark.django_db


def test_an_answer_tells_before_and_after_and_changes_nothing() -> None:
    two_teams = make_two_teams()
    scenario = save_scenario(
        facts={
            "name": "Without Anthropic",
            "ops": [
                {"op": "remove", "nodes": ["developer:anthropic"]},
                {
                    "op": "move",
                    "dependency": two_teams.uses_sonnet.pk,
                    "offering": two_teams.gpt.pk,
                },
                {"op": "reprice", "node": "developer:openai", "factor": 2},
            ],
        },
        by=two_teams.governance,
    )
    asked = queue_scenario_run(scenario=scenario, at=NOW, by=two_teams.governance)
    assert run_queued(at=NOW) == 1
    asked.refresh_from_db()
    assert asked.state == RunState.DONE
    assert asked.as_of == TODAY
    result = asked.result
    assert result["before"]["states"] == {two_teams.triage.slug: "exposed"}
    assert result["after"]["states"] == {}
    assert result["changes"] == [
        {
            "application": two_teams.triage.slug,
            "name": "Triage",
            "before": "exposed",
            "after": "not_standing",
        }
    ]
    # 3 + 2 USD a month before; both on GPT at twice 2 USD after
    assert (result["before"]["cost"], result["after"]["cost"]) == ({"USD": "5.00"}, {"USD": "8.00"})
    assert (result["before"]["hhi"]["developer"], result["after"]["hhi"]["developer"]) == (0.5, 1.0)
    two_teams.uses_sonnet.refresh_from_db()
    assert two_teams.uses_sonnet.offering_id == two_teams.sonnet.pk
    assert Dependency.objects.count() == 2


def test_a_team_is_answered_about_its_own_applications() -> None:
    two_teams = make_two_teams()
    scenario = save_scenario(
        facts={
            "name": "Gone",
            "ops": [{"op": "remove", "nodes": ["host:azure", "host:anthropic"]}],
        },
        by=two_teams.editor,
    )
    asked = queue_scenario_run(scenario=scenario, at=NOW, by=two_teams.editor)
    run_queued(at=NOW)
    asked.refresh_from_db()
    assert asked.result["whole_organisation"] is False
    assert list(asked.result["before"]["states"]) == [two_teams.quotes.slug]
    assert asked.result["before"]["cost"] == {"USD": "2.00"}
    assert not ScenarioRun.objects.visible_to(make_user()).exists()
    assert ScenarioRun.objects.visible_to(two_teams.governance).count() == 1


def test_an_impossible_scenario_is_refused_when_saved_and_a_stale_one_when_run() -> None:
    two_teams = make_two_teams()
    with pytest.raises(InvalidOperationError):
        save_scenario(
            facts={"name": "x", "ops": [{"op": "remove", "nodes": ["host:nobody"]}]},
            by=two_teams.governance,
        )
    scenario = save_scenario(
        facts={"name": "x", "ops": [{"op": "retire", "application": two_teams.quotes.slug}]},
        by=two_teams.governance,
    )
    asked = queue_scenario_run(scenario=scenario, at=NOW, by=two_teams.governance)
    Application.objects.filter(pk=two_teams.quotes.pk).update(slug="renamed")
    run_queued(at=NOW)
    asked.refresh_from_db()
    assert asked.state == RunState.FAILED
    assert "was not found" in asked.error


def test_only_its_author_or_governance_changes_a_scenario() -> None:
    two_teams = make_two_teams()
    scenario = save_scenario(
        facts={"name": "x", "ops": [{"op": "remove", "nodes": ["host:azure"]}]}, by=two_teams.editor
    )
    with pytest.raises(FlagPermissionError):
        change_scenario(scenario=scenario, facts={"name": "y"}, by=make_user(role="auditor"))
    assert (
        change_scenario(scenario=scenario, facts={"name": "y"}, by=two_teams.governance).name == "y"
    )


def test_a_run_lost_with_its_worker_is_answered_later_and_a_running_one_left_alone() -> None:
    two_teams = make_two_teams()
    scenario = save_scenario(
        facts={"name": "x", "ops": [{"op": "remove", "nodes": ["host:azure"]}]}, by=two_teams.editor
    )
    asked = queue_scenario_run(scenario=scenario, at=NOW, by=two_teams.editor)
    ScenarioRun.objects.filter(pk=asked.pk).update(state=RunState.RUNNING, started_at=NOW)
    assert run_queued(at=NOW + takeover_after() - timedelta(seconds=5)) == 0
    assert run_queued(at=NOW + takeover_after()) == 1
    assert run_queued(at=NOW + 2 * takeover_after()) == 0


def test_the_loss_is_shared_with_its_assumptions() -> None:
    two_teams = make_two_teams()
    EventRate.objects.all().delete()
    EventRate.objects.create(kind="outage", node_kind="host", rate=2.0, source="your status pages")
    BaseLoss.objects.all().delete()
    for criticality, amount in enumerate((100.0, 50.0, 10.0, 1.0)):
        BaseLoss.objects.create(
            kind="outage", criticality=criticality, amount=amount, placeholder=False
        )
    asked = queue_loss_run(at=NOW, by=two_teams.governance, years=20_000, seed=7)
    run_queued(at=NOW)
    asked.refresh_from_db()
    assert asked.state == RunState.DONE
    # Triage loses 100 with Anthropic, Quotes 10 with Azure, twice a year each
    shared = asked.result["shared"]
    assert shared["eal"] == pytest.approx(220, abs=4 * shared["eal_se"])
    assert {cause["name"] for cause in asked.result["attribution"]["causes"]} == {
        "host:anthropic",
        "host:azure",
    }
    assert asked.assumptions["rates"][0]["source"] == "your status pages"
    assert asked.assumptions["placeholders"] is False
    again = queue_loss_run(at=NOW, by=two_teams.governance, years=20_000, seed=7)
    run_queued(at=NOW)
    again.refresh_from_db()
    assert again.result == asked.result


def test_a_firm_end_within_the_year_is_certain() -> None:
    two_teams = make_two_teams()
    EventRate.objects.exclude(kind="retirement").delete()
    BaseLoss.objects.filter(kind="own").delete()
    two_teams.gpt.retires_on, two_teams.gpt.date_kind = TODAY + timedelta(days=100), "firm"
    two_teams.gpt.save()
    rebuild(on=TODAY)
    asked = queue_loss_run(at=NOW, by=two_teams.governance, years=2_000)
    run_queued(at=NOW)
    asked.refresh_from_db()
    base = BaseLoss.objects.get(kind="retirement", criticality=two_teams.quotes.criticality).amount
    assert asked.result["shared"]["scheduled"] == base


def test_the_loss_of_the_organisation_is_for_its_offices() -> None:
    two_teams = make_two_teams()
    with pytest.raises(FlagPermissionError):
        queue_loss_run(at=NOW, by=two_teams.editor)
    assert not LossRun.objects.exists()


def test_the_smallest_sets_are_kept_and_rewritten_only_when_they_differ() -> None:
    two_teams = make_two_teams()
    assert store_minimal_cut_sets(on=TODAY) > 0
    assert store_minimal_cut_sets(on=TODAY) == 0
    nodes = find_nodes(["developer:anthropic"])
    assert [nodes["developer:anthropic"]] in [cut.node_ids for cut in MinimalCutSet.objects.all()]
    Dependency.objects.filter(pk=two_teams.uses_sonnet.pk).update(offering=two_teams.gpt)
    rebuild(on=TODAY)
    assert store_minimal_cut_sets(on=TODAY) > 0
    assert [nodes["developer:anthropic"]] not in [
        cut.node_ids for cut in MinimalCutSet.objects.all()
    ]
