import pytest

from apps.exposure.engine.operations import Move, Remove, Reprice
from apps.exposure.naming import UnknownNode, names_of, nodes_named
from apps.exposure.what_ifs.reading import BadOperation, read_operations
from apps.inventory.models import Application, Dependency
from tests.builders import TODAY
from tests.exposure.what_ifs.world import World, make_world

pytestmark = pytest.mark.django_db


def read(world: World, said: object, user: object = None) -> list[object]:
    user = user or world.governance
    return read_operations(
        said,
        on=TODAY,
        applications=Application.objects.visible_to(user),
        dependencies=Dependency.objects.visible_to(user),
    )


def test_names_lead_to_nodes_and_back() -> None:
    make_world()
    names = ["developer:anthropic", "host:azure", "version:openai/gpt-1", "foundation:openai-gpt"]
    nodes = nodes_named(names)
    assert [named.name for named in (names_of(nodes.values())[nodes[name]] for name in names)] == names


@pytest.mark.parametrize("name", ["host:nobody", "planet:mars", "host:", "offering:abc", "offering:99999999", ""])
def test_an_unknown_name_is_refused(name: str) -> None:
    make_world()
    with pytest.raises(UnknownNode):
        nodes_named(["developer:anthropic", name])


def test_operations_are_read_in_order() -> None:
    world = make_world()
    read_ones = read(
        world,
        [
            {"op": "remove", "nodes": ["host:azure"]},
            {"op": "move", "dependency": world.uses_gpt.pk, "offering": world.sonnet.pk},
            {"op": "reprice", "node": "developer:openai", "factor": "3/2", "from": "2027-01-01"},
        ],
    )
    assert [type(each) for each in read_ones] == [Remove, Move, Reprice]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("remove", "list of operations"),
        ([], "list of operations"),
        ([{"op": "explode"}], "Operation 1: 'op' is one of"),
        ([{"op": "remove"}], "Operation 1: remove needs 'nodes'"),
        ([{"op": "remove", "nodes": ["host:azure"], "x": 1}], "remove has no 'x'"),
        ([{"op": "remove", "nodes": ["host:azure"]}, {"op": "remove", "nodes": ["host:x"]}], "Operation 2"),
        ([{"op": "replace", "old": 1, "new": "x"}], "there is no offering"),
        ([{"op": "reprice", "node": "host:azure", "factor": "-1"}], "not negative"),
        ([{"op": "reprice", "node": "host:azure", "factor": "1/0"}], "is a number"),
        ([{"op": "reprice", "node": "host:azure", "factor": "1e999999999"}], "is a number"),
        ([{"op": "reprice", "node": "host:azure", "factor": 2, "from": "9999-01-01"}], "not a likely day"),
        ([{"op": "add", "application": {"name": "x"}}], "'team' is the slug"),
        ([{"op": "retire", "application": "nowhere"}], "no application"),
        ([{"op": "move", "dependency": True, "offering": 1}], "no dependency"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(said: object, sentence: str) -> None:
    with pytest.raises(BadOperation, match=sentence):
        read(make_world(), said)


def test_what_the_asker_may_not_see_is_unknown() -> None:
    world = make_world()
    for said in (
        [{"op": "retire", "application": world.triage.slug}],
        [{"op": "move", "dependency": world.uses_sonnet.pk, "offering": world.gpt.pk}],
    ):
        with pytest.raises(BadOperation, match="that you may see"):
            read(world, said, world.editor)
        assert read(world, said, world.governance)


def test_an_added_dependency_is_checked_like_a_real_one() -> None:
    world = make_world()
    added = {"op": "add", "application": {"name": "New", "team": world.sales.slug, "criticality": "critical"}}
    wrong = [{"offering": world.gpt.pk, "traffic_share": -1}, {"offering": world.gpt.pk, "reached": "gateway"}]
    for dependency in wrong:
        with pytest.raises(BadOperation):
            read(world, [{**added, "dependencies": [dependency]}])
    assert read(world, [{**added, "dependencies": [{"offering": world.gpt.pk, "traffic_share": "0.5"}]}])
