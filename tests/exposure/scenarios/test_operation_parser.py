import pytest

from apps.exposure.engine.operations import Move, Remove, Reprice
from apps.exposure.node_names import UnknownNodeError, find_nodes, node_names
from apps.exposure.scenarios.operation_parser import InvalidOperationError, read_operations
from apps.inventory.models import Application, Dependency
from tests.builders import TODAY
from tests.exposure.scenarios.two_teams import TwoTeams, make_two_teams

pytestmark = pytest.mark.django_db


def read(two_teams: TwoTeams, said: object, user: object = None) -> list[object]:
    user = user or two_teams.governance
    return read_operations(
        said,
        on=TODAY,
        applications=Application.objects.visible_to(user),
        dependencies=Dependency.objects.visible_to(user),
    )


def test_names_lead_to_nodes_and_back() -> None:
    make_two_teams()
    names = ["developer:anthropic", "host:azure", "version:openai/gpt-1", "foundation:openai-gpt"]
    nodes = find_nodes(names)
    assert [
        named.name for named in (node_names(nodes.values())[nodes[name]] for name in names)
    ] == names


@pytest.mark.parametrize(
    "name", ["host:nobody", "planet:mars", "host:", "offering:abc", "offering:99999999", ""]
)
def test_an_unknown_name_is_refused(name: str) -> None:
    make_two_teams()
    with pytest.raises(UnknownNodeError):
        find_nodes(["developer:anthropic", name])


def test_operations_are_read_in_order() -> None:
    two_teams = make_two_teams()
    read_ones = read(
        two_teams,
        [
            {"op": "remove", "nodes": ["host:azure"]},
            {"op": "move", "dependency": two_teams.uses_gpt.pk, "offering": two_teams.sonnet.pk},
            {"op": "reprice", "node": "developer:openai", "factor": "3/2", "from": "2027-01-01"},
        ],
    )
    assert [type(each) for each in read_ones] == [Remove, Move, Reprice]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("remove", "list of operations"),
        ([], "list of operations"),
        ([{"op": "explode"}], "Operation 1: 'op' must be one of"),
        ([{"op": "remove"}], "Operation 1: 'nodes' is required for remove"),
        ([{"op": "remove", "nodes": ["host:azure"], "x": 1}], "'x' is not a valid field of remove"),
        (
            [{"op": "remove", "nodes": ["host:azure"]}, {"op": "remove", "nodes": ["host:x"]}],
            "Operation 2",
        ),
        ([{"op": "replace", "old": 1, "new": "x"}], "was not found"),
        ([{"op": "reprice", "node": "host:azure", "factor": "-1"}], "0 or more"),
        ([{"op": "reprice", "node": "host:azure", "factor": "1/0"}], "must be a number"),
        ([{"op": "reprice", "node": "host:azure", "factor": "1e999999999"}], "must be a number"),
        (
            [{"op": "reprice", "node": "host:azure", "factor": 2, "from": "9999-01-01"}],
            "out of range",
        ),
        ([{"op": "add", "application": {"name": "x"}}], "'team' must be the slug"),
        ([{"op": "retire", "application": "nowhere"}], "Application 'nowhere' was not found"),
        ([{"op": "move", "dependency": True, "offering": 1}], "Dependency"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(said: object, sentence: str) -> None:
    with pytest.raises(InvalidOperationError, match=sentence):
        read(make_two_teams(), said)


def test_what_the_asker_may_not_see_is_unknown() -> None:
    two_teams = make_two_teams()
    for said in (
        [{"op": "retire", "application": two_teams.triage.slug}],
        [{"op": "move", "dependency": two_teams.uses_sonnet.pk, "offering": two_teams.gpt.pk}],
    ):
        with pytest.raises(InvalidOperationError, match="was not found"):
            read(two_teams, said, two_teams.editor)
        assert read(two_teams, said, two_teams.governance)


def test_an_added_dependency_is_checked_like_a_real_one() -> None:
    two_teams = make_two_teams()
    added = {
        "op": "add",
        "application": {"name": "New", "team": two_teams.sales.slug, "criticality": "critical"},
    }
    wrong = [
        {"offering": two_teams.gpt.pk, "traffic_share": -1},
        {"offering": two_teams.gpt.pk, "reached": "gateway"},
    ]
    for dependency in wrong:
        with pytest.raises(InvalidOperationError):
            read(two_teams, [{**added, "dependencies": [dependency]}])
    assert read(
        two_teams,
        [{**added, "dependencies": [{"offering": two_teams.gpt.pk, "traffic_share": "0.5"}]}],
    )
