"""A node is replaced by another: the mapping is proposed by fit, and the answer says what each
application would lose, pay and violate."""

from datetime import timedelta

import pytest

from apps.exposure.actions.scenarios import (
    answer_scenario_with_lists,
    queue_scenario_run,
    run_queued,
    save_scenario,
)
from apps.exposure.models import Scenario
from apps.exposure.node_names import find_nodes, node_names
from apps.exposure.scenarios.operation_parser import InvalidOperationError
from apps.exposure.scenarios.replacement_targets import (
    FitCounts,
    possible_replacements,
    propose_mapping,
    used_offerings,
)
from tests.builders import NOW, TODAY, make_approval, make_dependency, make_offering
from tests.exposure.scenarios.replaced_host import make_replaced_host, settle
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db

HOSTS = ("host:azure", "host:bedrock")


@pytest.fixture
@kept_world
def world():
    return make_replaced_host()


def replacement(world, *, nodes=HOSTS, mapping=None, by=None, team_ids=None):
    op = {"op": "replace", "node": nodes[0], "by": nodes[1]}
    if mapping is not None:
        op["mapping"] = [
            {"old": old.pk, "new": None if new is None else new.pk} for old, new in mapping
        ]
    scenario = Scenario(name="Asked", created_by=by or world.governance, ops=[op])
    answer, lists = answer_scenario_with_lists(
        scenario=scenario, by=by or world.governance, team_ids=team_ids
    )
    return answer["replacement"], lists["replacement"]


def retire(offering, *, days=0):
    offering.retires_on, offering.date_kind = TODAY + timedelta(days=days), "firm"
    offering.save()


def proposal(world, **how):
    ids = find_nodes(HOSTS)
    rows = propose_mapping(*ids.values(), team_ids=how.get("team_ids"), on=TODAY)
    return {row.offering.api_id: row for row in rows}


def test_the_same_version_at_the_new_host_comes_first(world):
    rows = proposal(world)

    assert rows["large"].target_id == world.large_elsewhere.pk
    assert rows["large"].choices[0].is_same_version
    assert rows["large"].choices[0].counts == FitCounts(n_fits=1)


def test_without_the_version_what_fits_best_of_the_class_is_proposed(world):
    rows = proposal(world)
    # large has images, other has none, and of backup nobody states it
    counts = {choice.offering.api_id: choice.counts for choice in rows["small"].choices}

    assert rows["small"].target_id == world.large_elsewhere.pk
    assert counts == {
        "large": FitCounts(n_fits=1),
        "other": FitCounts(n_breaks=1),
        "backup": FitCounts(n_unknown=1),
    }


def test_a_model_of_another_class_is_offered_but_not_proposed(world):
    row = proposal(world)["vectors"]

    assert row.target_id is None
    assert {choice.offering.pk for choice in row.choices} == {
        world.large_elsewhere.pk,
        world.other.pk,
        world.backup.pk,
    }


def test_what_is_retired_is_no_candidate(world):
    retire(world.large_elsewhere)

    choices = proposal(world)["large"].choices

    assert world.large_elsewhere.pk not in {choice.offering.pk for choice in choices}


def test_between_equal_fits_the_closest_price_decides(world, django_assert_num_queries):
    cheap = make_offering("a-cheap-one", host=world.other.host, version=world.other.version)
    settle(cheap, output_modalities=["text"], vision=True)
    retire(world.large_elsewhere)
    assert proposal(world)["small"].target_id == cheap.pk
    ids = find_nodes(HOSTS)

    with django_assert_num_queries(6):
        propose_mapping(*ids.values(), team_ids=None, on=TODAY)


def test_a_team_maps_what_its_own_applications_use(world):
    node = find_nodes(HOSTS)["host:azure"]

    used = used_offerings(node, team_ids=[world.claims.pk])

    assert [row.offering_id for row in used] == [world.large.pk]
    assert used[0].dependency_ids == (world.uses_large.pk,)


def test_replacements_with_most_of_the_versions_in_use_come_first(world):
    node_id = find_nodes(["host:azure"])["host:azure"]
    node = node_names([node_id])[node_id]

    rows = possible_replacements(node, used_offerings(node_id, team_ids=None), on=TODAY, limit=10)

    assert [(row.name.name, row.n_served, row.n_same_versions) for row in rows] == [
        ("host:bedrock", 3, 1)
    ]


def test_the_answer_says_fit_cost_and_what_stays(world):
    found, rows = replacement(
        world,
        mapping=[
            (world.large, world.large_elsewhere),
            (world.small, world.other),
            (world.vectors, None),
        ],
    )

    (mapping,) = found["mappings"]
    assert [
        (row["old"], row["new"], row["n_fits"], row["n_breaks"], row["is_unmapped"])
        for row in mapping["rows"]
    ] == [
        (world.large.pk, world.large_elsewhere.pk, 1, 0, False),
        (world.small.pk, world.other.pk, 0, 1, False),
        (world.vectors.pk, None, 0, 0, False),
    ]
    by_name = {row["application"]: row for row in found["applications"]}
    assert by_name[world.triage.slug]["cost_change"] == {"USD": "1.00"}
    # of other no price is known
    assert by_name[world.quotes.slug]["cost_change"] == {}
    assert by_name[world.quotes.slug]["n_cost_unknown"] == 1
    assert (found["cost_change"], found["n_cost_unknown"]) == ({"USD": "1.00"}, 1)
    assert {row["application"] for row in rows} == {world.triage.pk, world.quotes.pk}


def test_every_kind_of_blocker_is_said(world):
    small = world.small
    small.region_scope = "eu"
    small.save()
    retire(world.other, days=90)
    make_approval("blocked", foundation=world.other.version.foundation, reason="Not assessed")
    found, _rows = replacement(
        world,
        mapping=[(world.large, world.other), (world.small, world.other)],
    )

    said = {
        row["application"]: {blocker["kind"]: blocker["sentence"] for blocker in row["blockers"]}
        for row in found["applications"]
    }
    quotes = said[world.quotes.slug]
    assert quotes["capability"] == "other on Bedrock has no image input."
    assert quotes["approval"].endswith("is blocked: Not assessed")
    assert quotes["region"] == (
        "small on Azure is called in region eu; the region of other on Bedrock is unknown."
    )
    assert quotes["retirement"].startswith("other on Bedrock retires on ")
    # the fallback serves the version of what replaces large
    assert said[world.triage.slug]["fallback"] == (
        "The fallback backup on Bedrock would be the same version at the same host as other on "
        "Bedrock."
    )
    assert found["n_with_blockers"] == 2
    assert found["n_by_blocker"]["capability"] == 2


def test_a_judge_that_comes_to_share_lineage_is_a_blocker(world):
    make_dependency(world.triage, world.other, role="judge")

    found, _rows = replacement(world, mapping=[(world.large, world.other)])

    kinds = [blocker["kind"] for blocker in found["applications"][0]["blockers"]]
    assert "judge" in kinds


def test_shares_are_before_and_after_by_layer(world):
    found, _rows = replacement(world, mapping=[(world.large, world.large_elsewhere)])

    hosts = {
        row["slug"]: (row["before"]["n"], row["after"]["n"])
        for row in found["shares"]
        if row["layer"] == "host"
    }
    # quotes stays on Azure
    assert hosts == {"azure": (2, 1), "bedrock": (0, 1)}


def test_models_in_use_outside_the_mapping_are_said(world):
    found, _rows = replacement(world, mapping=[(world.large, world.large_elsewhere)])

    rows = found["mappings"][0]["rows"]
    assert {row["old"] for row in rows if row["is_unmapped"]} == {world.small.pk, world.vectors.pk}


def test_without_a_mapping_the_proposal_is_run(world):
    found, _rows = replacement(world)

    targets = {row["old"]: row["new"] for row in found["mappings"][0]["rows"]}
    assert targets == {
        world.large.pk: world.large_elsewhere.pk,
        world.small.pk: world.large_elsewhere.pk,
        world.vectors.pk: None,
    }


def test_a_team_user_gets_the_answer_over_their_own_applications(world):
    found, rows = replacement(world, by=world.editor, team_ids=[world.sales.pk])

    assert [row["application"] for row in rows] == [world.quotes.pk]
    assert {row["old"] for row in found["mappings"][0]["rows"]} == {
        world.small.pk,
        world.vectors.pk,
    }
    hosts = {row["slug"]: row["before"]["n"] for row in found["shares"] if row["layer"] == "host"}
    assert hosts == {"azure": 1, "bedrock": 0}


def test_a_run_stores_the_effects(world):
    scenario = save_scenario(
        facts={
            "name": "Leave Azure",
            "ops": [{"op": "replace", "node": HOSTS[0], "by": HOSTS[1]}],
        },
        by=world.governance,
    )
    run = queue_scenario_run(scenario=scenario, at=NOW, by=world.governance)

    assert run_queued(at=NOW) == 1

    run.refresh_from_db()
    assert run.result["replacement"]["n_applications"] == 2
    assert len(run.details["replacement"]) == 2


@pytest.mark.parametrize(
    ("op", "says"),
    [
        ({"node": "host:azure", "by": "developer:maker"}, "must be of one kind"),
        ({"node": "region:azure/eu", "by": "region:azure/us"}, "must be of one kind"),
        ({"node": "host:azure", "by": "host:azure"}, "'by' must be another one than 'node'."),
        ({"node": "host:azure", "by": "host:nobody"}, "'host:nobody' was not found"),
        ({"node": "host:azure", "by": 3}, "must be names such as host:azure"),
        ({"node": "host:azure", "by": "host:bedrock", "mapping": {}}, "must be a list of rows"),
        (
            {"node": "host:azure", "by": "host:bedrock", "mapping": [{"old": 1}]},
            "must be a list of rows",
        ),
        (
            {
                "node": "host:azure",
                "by": "host:bedrock",
                "mapping": [{"old": 999_999_999, "new": None}],
            },
            "Offering 999999999 was not found.",
        ),
        (
            {
                "node": "host:azure",
                "by": "host:bedrock",
                "mapping": [{"old": 1, "new": None}, {"old": 1, "new": None}],
            },
            "names an offering twice",
        ),
        ({"node": "host:azure", "by": "host:bedrock", "old": 3}, "'old' is not a valid field"),
    ],
)
def test_what_cannot_be_replaced_is_refused(world, op, says):
    with pytest.raises(InvalidOperationError, match="Operation 1: .*" + says):
        save_scenario(
            facts={"name": "Asked", "ops": [{"op": "replace", **op}]}, by=world.governance
        )
