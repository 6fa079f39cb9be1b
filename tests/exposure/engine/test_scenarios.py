"""A what-if changes nothing and answers as if it had been done."""

import random
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F, Q
from django.db.utils import DataError

from apps.catalog.models import Node, NodeKind, Price
from apps.common.time import start_of
from apps.exposure.engine.concentration import measure_layer
from apps.exposure.engine.operations import (
    Add,
    AddedDependency,
    Move,
    Operation,
    Remove,
    Replace,
    ReplaceNode,
    Reprice,
    Retire,
)
from apps.exposure.engine.overlay import overlay
from apps.exposure.engine.scenarios import (
    ScenarioAnswer,
    ScenarioSide,
    TablesNotBuiltError,
    run_operations,
)
from apps.exposure.engine.settings import engine_settings
from apps.exposure.engine.table_refresh import rebuild, refresh
from apps.exposure.models import Basis, Layer, Path
from apps.inventory.costs import PriceChange
from apps.inventory.models import Application, Dependency, ExitTest
from tests.builders import (
    TODAY,
    make_application,
    make_dependency,
    make_offering,
    make_provider,
    make_team,
)
from tests.exposure.engine.random_changes import RandomChanges
from tests.exposure.engine.tables import TABLES, contents, differences, versions_of_rows

pytestmark = pytest.mark.django_db

LAYERS = (Layer.DEVELOPER, Layer.HOST, Layer.VERSION, Layer.GATEWAY)
WRITTEN = (
    *TABLES,
    "exposure_enginestate",
    "inventory_application",
    "inventory_dependency",
    "inventory_exittest",
    "inventory_changedapplication",
    "catalog_changedoffering",
    "catalog_node",
    "catalog_offering",
)


def answer(*operations: Operation, **how: Any) -> ScenarioAnswer:
    return run_operations(operations, settings=engine_settings(), layers=LAYERS, **how)


def world_with_prices(seed: int) -> RandomChanges:
    world = RandomChanges(seed, n_applications=8)
    for _ in range(12):
        world.edit()
    for n, offering in enumerate(world.offerings):
        Price.objects.create(
            offering=offering,
            unit="input",
            amount=n + 1,
            valid=(start_of(TODAY.replace(year=2020)), None),
        )
    Dependency.objects.annotate(odd=F("pk") % 2).filter(odd=1).update(
        monthly_input_tokens=3_000_000
    )
    rebuild(on=world.day)
    return world


def really(
    world: RandomChanges, operations: Sequence[Operation], removed: Remove
) -> tuple[ScenarioSide, dict[int, int]]:
    """The portfolio after doing it, which is then undone; and the ids of what was added, by those
    of the what-if."""
    ids: dict[int, int] = {}
    with transaction.atomic():
        for operation in operations:
            match operation:
                case Replace(old_id=old, new_id=new):
                    live = Q(until__isnull=True) | Q(until__gt=world.day)
                    Dependency.objects.filter(
                        live,
                        since__lte=world.day,
                        offering=old,
                        application__status__in=engine_settings().statuses,
                    ).update(offering=new)
                case ReplaceNode(mapping=mapping):
                    # read first, so that what is moved to a replaced offering stays there
                    rows = Dependency.objects.filter(
                        Q(until__isnull=True) | Q(until__gt=world.day),
                        since__lte=world.day,
                        application__status__in=engine_settings().statuses,
                    ).values_list("pk", "offering_id")
                    for pk, old in list(rows):
                        if (mapping or {}).get(old) is not None:
                            Dependency.objects.filter(pk=pk).update(offering=mapping[old])
                case Move(dependency_id=pk, offering_id=offering):
                    Dependency.objects.filter(pk=pk).update(offering=offering)
                case Retire(application_id=pk):
                    Application.objects.filter(pk=pk).update(status="retired")
                case Add(facts=facts, dependencies=dependencies):
                    application = Application.objects.create(**facts)
                    ids[application.pk] = -1 - len(ids)
                    for added in dependencies:
                        dependency = Dependency.objects.create(
                            application=application,
                            offering_id=added.offering_id,
                            role=added.role,
                            since=added.since or world.day,
                            **added.facts,
                        )
                        for test in added.tests:
                            ExitTest.objects.create(dependency=dependency, **test)
        refresh(on=world.day)
        side = answer(removed).before
        transaction.set_rollback(True)
    return side, ids


def assert_same(
    answered: ScenarioSide, done: ScenarioSide, ids: dict[int, int] | None = None
) -> None:
    assert dict(answered.states) == {
        (ids or {}).get(pk, pk): state for pk, state in done.states.items()
    }
    for layer, hhi in done.hhi.items():
        assert answered.hhi[layer] == (hhi if hhi is None else pytest.approx(hhi, abs=1e-12))
    assert answered.n_single_points == done.n_single_points
    assert answered.cost == done.cost


def some_nodes(chance: random.Random, n: int) -> Remove:
    nodes = list(Path.objects.values_list("offering_id", flat=True).order_by("offering_id"))
    held = (
        Node.objects.filter(footings__offering__in=nodes)
        .distinct()
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    return Remove(tuple(chance.sample(list(held), k=n)))


def some_operation(chance: random.Random, world: RandomChanges) -> Operation:
    offerings = world.offering_ids
    dependencies = list(Dependency.objects.order_by("pk").values_list("pk", flat=True))
    applications = list(Application.objects.order_by("pk").values_list("pk", flat=True))
    makes: list[Callable[[], Operation]] = [
        lambda: Replace(*chance.sample(offerings, k=2)),
        lambda: some_mapping(chance, offerings),
        lambda: Move(chance.choice(dependencies), chance.choice(offerings)),
        lambda: Retire(chance.choice(applications)),
        lambda: some_application(chance, world),
    ]
    return chance.choice(makes)()


def some_mapping(chance: random.Random, offerings: Sequence[int]) -> ReplaceNode:
    """Some offerings by others, or by none; the nodes do not matter to the answer."""
    used = chance.sample(list(offerings), k=min(4, len(offerings)))
    return ReplaceNode(0, 0, {old: chance.choice([*offerings, None]) for old in used})


def some_application(chance: random.Random, world: RandomChanges) -> Add:
    serial = chance.randrange(10**9)
    test = {
        "target_id": chance.choice(world.offering_ids),
        "tested_on": world.day,
        "result": chance.choice(["passed", "partial", "failed"]),
    }
    return Add(
        {
            "name": "New",
            "slug": f"new-{serial}",
            "team_id": world.teams[0].pk,
            "criticality": chance.randrange(4),
            "users_affected": 12,
        },
        tuple(
            AddedDependency(
                chance.choice(world.offering_ids),
                role,
                facts={
                    "traffic_share": None,
                    "reached": "gateway",
                    "via_party_id": world.gateways[0].pk,
                }
                if chance.random() < 0.5
                else {"monthly_input_tokens": 1_000_000},
                tests=(test,) if role == "primary" else (),
            )
            for role in ("primary", "primary", "fallback", "judge")
        ),
    )


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(4))
def test_the_answer_is_what_really_doing_it_gives(seed: int) -> None:
    world, chance = world_with_prices(seed), random.Random(seed)
    for _ in range(6):
        removed = some_nodes(chance, chance.choice([1, 2]))
        operations = [some_operation(chance, world) for _ in range(chance.choice([1, 1, 2, 4]))]

        answered = answer(removed, *operations)

        done, ids = really(world, operations, removed)
        assert_same(answered.after, done, ids)
        assert_same(answered.before, answer(removed).before)


def test_inside_the_tables_are_those_of_the_changed_portfolio() -> None:
    world = world_with_prices(11)
    old, new = world.offering_ids[:2]
    with overlay(settings=engine_settings(), on=world.day) as what_if:
        what_if.apply(Replace(old, new))
        what_if.apply(Retire(Application.objects.order_by("pk").values_list("pk", flat=True)[0]))
        what_if.derive()
        inside = contents()
    kept = contents()
    Dependency.objects.live_on(world.day).filter(offering=old).update(offering=new)
    Application.objects.filter(pk=Application.objects.order_by("pk").values("pk")[:1]).update(
        status="retired"
    )
    rebuild(on=world.day)
    built = contents()

    counted = {table: kept[table] for table in ("exposure_activedependency", "exposure_nodereach")}
    assert differences({**inside, **counted}, {**built, **counted}) == []
    assert inside["exposure_path"] != kept["exposure_path"]


def test_copied_dependencies_have_statistics() -> None:
    """Without them replacing a popular offering of 100,000 applications did not end in 9
    minutes."""
    world = world_with_prices(seed=5)
    old, new = world.offerings[:2]

    with (
        overlay(settings=engine_settings(), on=world.day) as what_if,
        connection.cursor() as cursor,
    ):
        what_if.apply(Replace(old.pk, new.pk))
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'changed_dependency'::regclass")
        assert cursor.fetchone()[0] > 0


def test_nothing_real_is_written_and_the_same_connection_reads_the_real_rows_afterwards() -> None:
    world = world_with_prices(12)
    before, rows = versions_of_rows(WRITTEN), contents()

    changed = answer(
        some_nodes(random.Random(1), 2), some_application(random.Random(1), world), Retire(1)
    )

    assert changed.n_changed
    assert versions_of_rows(WRITTEN) == before
    assert contents() == rows
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relname LIKE 'exposure%'"
        )
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize("error", [ValueError, DataError])
def test_an_error_inside_leaves_nothing_behind(error: type[Exception]) -> None:
    world = world_with_prices(13)
    before = versions_of_rows(WRITTEN)

    def break_off() -> None:
        with overlay(settings=engine_settings(), on=world.day) as what_if:
            what_if.apply(
                Retire(world.random.choice(list(Application.objects.values_list("pk", flat=True))))
            )
            what_if.derive()
            if error is ValueError:
                raise ValueError
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 / 0")

    with pytest.raises(error):
        break_off()

    assert versions_of_rows(WRITTEN) == before
    assert Application.objects.filter(pk__lt=0).count() == 0


def test_an_overlay_may_follow_an_overlay_and_stand_in_a_transaction_that_goes_on() -> None:
    world = world_with_prices(14)
    with transaction.atomic():
        make_application("kept")
        first = answer(some_nodes(random.Random(2), 1), Replace(*world.offering_ids[:2]))
        second = answer(some_nodes(random.Random(2), 1), Replace(*world.offering_ids[:2]))

    assert first == second
    assert Application.objects.filter(name="kept").exists()


def test_removals_add_up_in_any_order_and_twice_is_once() -> None:
    world_with_prices(15)
    nodes = some_nodes(random.Random(3), 3).node_ids
    one = [Remove((node,)) for node in nodes]

    together = answer(Remove(nodes))

    assert answer(*one) == together
    assert answer(*reversed(one)) == together
    assert answer(Remove(nodes), *one, Remove(nodes[:1])) == together
    assert together.before == together.after


def test_an_offering_replaced_by_itself_changes_no_answer() -> None:
    world = world_with_prices(16)
    for offering in world.offering_ids[:4]:
        found = answer(some_nodes(random.Random(4), 2), Replace(offering, offering))
        assert_same(found.after, found.before)


def test_factors_multiply_and_prices_move_nothing_else() -> None:
    world_with_prices(17)
    hosts = Dependency.objects.values("offering__host")
    host = Node.objects.filter(kind=NodeKind.HOST, ref__in=hosts).order_by("pk").first()
    assert host is not None

    def repriced(*factors: Fraction) -> ScenarioSide:
        return answer(*(Reprice(PriceChange(host.pk, factor=factor)) for factor in factors)).after

    twice = repriced(Fraction(3, 2), Fraction(4, 3))

    assert twice == repriced(Fraction(2))
    assert repriced(Fraction(1)) == answer().before
    assert twice.hhi == answer().before.hhi


@pytest.mark.proof
def test_retiring_one_application_leaves_the_states_of_the_others() -> None:
    world_with_prices(18)
    for chance in map(random.Random, range(5)):
        removed = some_nodes(chance, 2)
        before = answer(removed).before.states
        gone = chance.choice([*before, *Application.objects.values_list("pk", flat=True)])

        after = answer(removed, Retire(gone)).after.states

        assert after == {pk: state for pk, state in before.items() if pk != gone}


def test_what_is_added_and_changed_in_one_what_if_is_seen_by_what_follows() -> None:
    old, new = make_offering(), make_offering()
    team = make_team()
    make_dependency(make_application(), make_offering())
    rebuild(on=TODAY)
    node = Node.objects.get(kind=NodeKind.HOST, ref=new.host_id)
    added = Add({"name": "New", "slug": "new", "team_id": team.pk}, (AddedDependency(old.pk),))

    assert answer(Remove((node.pk,)), added, Replace(old.pk, new.pk)).after.states == {
        -1: "exposed"
    }
    assert answer(Remove((node.pk,)), added, Replace(old.pk, new.pk), Retire(-1)).after.states == {}
    assert answer(Remove((node.pk,)), Replace(old.pk, new.pk), added).after.states == {}
    assert answer(Remove((node.pk,)), added, Move(-1, new.pk)).after.states == {-1: "exposed"}


def test_the_exit_tests_of_what_is_added_count() -> None:
    offering, target = make_offering(), make_offering()
    make_dependency(make_application(), target)
    rebuild(on=TODAY)
    node = Node.objects.get(kind=NodeKind.VERSION, ref=offering.version_id)
    test = {"target_id": target.pk, "tested_on": TODAY, "result": "passed"}
    facts = {"name": "New", "slug": "new", "team_id": make_team().pk}

    found = {
        answer(
            Remove((node.pk,)), Add(facts, (AddedDependency(offering.pk, tests=tests),))
        ).after.states[-1]
        for tests in ((), (test,))
    }

    assert found == {"exposed", "portable"}


@pytest.mark.proof
def test_teams_see_their_own_part_and_the_parts_make_the_whole() -> None:
    world = world_with_prices(19)
    removed = some_nodes(random.Random(5), 3)
    operation = Replace(*world.offering_ids[:2])
    whole = answer(removed, operation)

    parts = {team.pk: answer(removed, operation, team_ids=[team.pk]) for team in world.teams}

    team_of = dict(Application.objects.values_list("pk", "team_id"))
    for side in ("before", "after"):
        of_whole = getattr(whole, side)
        for team, part in parts.items():
            assert getattr(part, side).states == {
                pk: state for pk, state in of_whole.states.items() if team_of[pk] == team
            }
        totals = [
            getattr(part, side).cost.totals.get("USD", Fraction(0)) for part in parts.values()
        ]
        assert sum(totals) == of_whole.cost.totals.get("USD", Fraction(0))
    team = world.teams[0].pk
    expected = measure_layer(Layer.HOST, Basis.COUNT, team_ids=[team]).indices.hhi
    assert parts[team].before.hhi[Layer.HOST] == expected
    everybody = answer(removed, team_ids=[team.pk for team in world.teams])
    assert_same(everybody.before, whole.before)
    nobody = answer(removed, team_ids=[])
    assert (nobody.before.states, nobody.before.n_single_points, nobody.before.hhi[Layer.HOST]) == (
        {},
        0,
        None,
    )


def test_before_anything_was_built_there_is_no_answer_but_a_sentence() -> None:
    with pytest.raises(TablesNotBuiltError, match="sweep"):
        answer()


def test_a_new_gateway_in_a_what_if_is_no_node_of_the_register() -> None:
    gateway = make_provider(roles=("gateway",))
    offering = make_offering()
    make_dependency(make_application(), offering)
    rebuild(on=TODAY)
    facts = {"reached": "gateway", "via_party_id": gateway.pk}
    team = make_team()

    found = answer(
        Add(
            {"name": "New", "slug": "new", "team_id": team.pk},
            (AddedDependency(offering.pk, facts=facts),),
        )
    )

    assert found.after.n_single_points > found.before.n_single_points
    assert not Node.objects.filter(kind=NodeKind.GATEWAY).exists()
