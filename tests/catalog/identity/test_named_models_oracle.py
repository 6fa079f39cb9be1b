"""Random catalogues: what the statements derive for names, against a plain definition in Python."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from apps.catalog.footing import footing_differences, refresh_footing
from apps.catalog.identity.named_models import HOST_NOT_STATED, NamedModel, ensure_named_models
from apps.catalog.models import (
    Derivation,
    Footing,
    Foundation,
    NodeKind,
    Offering,
    Provider,
    Version,
    Via,
)
from tests.builders import NOW, TODAY, make_foundation, make_offering, make_provider, make_version

pytestmark = pytest.mark.django_db


@dataclass
class World:
    """A catalogue of one developer's lines, and names for random parts of it."""

    hosts: list[Provider] = field(default_factory=list)
    foundations: list[Foundation] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)
    offerings: list[Offering] = field(default_factory=list)
    names: dict[NamedModel, int] = field(default_factory=dict)


def _make_world(draw: random.Random) -> World:
    world = World(hosts=[make_provider(roles=("host",)) for _ in range(2)])
    developers = [make_provider(roles=("developer",)) for _ in range(2)]
    for _ in range(3):
        world.foundations.append(make_foundation(developer=draw.choice(developers)))
    for foundation in world.foundations:
        for _ in range(draw.randint(0, 3)):
            world.versions.append(make_version(foundation=foundation))
    for parent, child in zip(world.versions, world.versions[1:], strict=False):
        if draw.random() < 0.4:
            kind = draw.choice([Derivation.Kind.FINE_TUNE, Derivation.Kind.DISTILLATION])
            Derivation.objects.create(child=child, parent=parent, kind=kind)
    for version in world.versions:
        for host in world.hosts:
            for _ in range(draw.randint(0, 3)):
                world.offerings.append(
                    make_offering(host=host, version=version, **_draw_lifecycle(draw))
                )
    for number in range(12):
        world.names |= _make_name(world, draw, number)
    return world


def _draw_lifecycle(draw: random.Random) -> dict[str, Any]:
    day = TODAY + timedelta(days=draw.choice([-90, -30, 30, 90, 400]))
    return draw.choice(
        [
            {"lifecycle": "active"},
            {"lifecycle": "retired"},
            {"lifecycle": "active", "retires_on": day, "date_kind": "not_before"},
            {
                "lifecycle": "retired" if day <= TODAY else "deprecated",
                "retires_on": day,
                "date_kind": "firm",
            },
        ]
    )


def _make_name(world: World, draw: random.Random, number: int) -> dict[NamedModel, int]:
    versions = draw.sample(world.versions, min(len(world.versions), draw.choice([0, 1, 1, 2])))
    foundations = draw.sample(world.foundations, draw.choice([0, 0, 0, 1, 2]))
    host = draw.choice([*(host.slug for host in world.hosts), HOST_NOT_STATED])
    name = NamedModel(
        host,
        f"name {number}",
        versions=tuple(version.identifier for version in versions),
        foundations=tuple(foundation.slug for foundation in foundations),
    )
    return ensure_named_models([name], at=NOW)


# --- the plain definition -------------------------------------------------------------------------


@dataclass(frozen=True)
class Candidate:
    version: Version | None
    foundation: Foundation


def _candidates(world: World, name: NamedModel) -> list[Candidate]:
    found = [
        Candidate(version, version.foundation)
        for version in world.versions
        if version.identifier in name.versions or version.foundation.slug in name.foundations
    ]
    with_versions = {candidate.foundation.slug for candidate in found}
    return found + [
        Candidate(None, foundation)
        for foundation in world.foundations
        if foundation.slug in name.foundations and foundation.slug not in with_versions
    ]


def _known_ids(world: World, name: NamedModel) -> list[Offering]:
    versions = {candidate.version for candidate in _candidates(world, name)}
    rows = Offering.objects.filter(pk__in=[row.pk for row in world.offerings])
    return [
        row
        for row in rows.select_related("host", "version").order_by("pk")
        if row.version in versions and name.host in (row.host.slug, HOST_NOT_STATED)
    ]


def _deciding_id(world: World, name: NamedModel) -> Offering | None:
    lines = {candidate.foundation for candidate in _candidates(world, name)}
    ids = _known_ids(world, name)
    if name.host == HOST_NOT_STATED or len(lines) > 1:
        return _last_to_end(ids) if all(row.is_retired(TODAY) for row in ids) else None
    ids_of_versions: dict[Version | None, list[Offering]] = {}
    for row in ids:
        ids_of_versions.setdefault(row.version, []).append(row)
    deciding = [_first_to_end(of_version) for of_version in ids_of_versions.values()]
    serving = [row for row in deciding if row is None or not row.is_retired(TODAY)]
    dated = [row for row in serving or deciding if row is not None]
    return _first_to_end(dated) if serving else _last_to_end(dated)


def _last_to_end(rows: Iterable[Offering]) -> Offering | None:
    return max(rows, key=lambda row: (row.retires_on or TODAY, -row.pk), default=None)


def _first_to_end(rows: Iterable[Offering]) -> Offering | None:
    """The first announced or past end; without one the first earliest date."""
    ended = [row for row in rows if row.is_retired(TODAY) or row.date_kind == "firm"]
    soft = [row for row in rows if row.date_kind == "not_before" and row not in ended]
    for group in (ended, soft):
        if group:
            return min(group, key=lambda row: (row.retires_on or TODAY, row.pk))
    return None


def _nodes_of(version: Version | None, foundation: Foundation) -> dict[tuple[int, int], int]:
    """{(kind, ref): strongest relationship} of one candidate."""
    ways: list[tuple[Version | None, Foundation, int]] = [(version, foundation, Via.DIRECT)]
    found: dict[tuple[int, int], int] = {}
    while ways:
        at, line, via = ways.pop()
        nodes = [(NodeKind.FOUNDATION, line.pk), (NodeKind.DEVELOPER, line.developer_id)]
        if at is not None:
            nodes.append((NodeKind.VERSION, at.pk))
        for kind, ref in nodes:
            found[int(kind), ref] = min(found.get((int(kind), ref), 9), via)
        for edge in Derivation.objects.filter(child=at) if at is not None else ():
            weaker = Via.BEHAVIOUR if edge.kind == Derivation.Kind.DISTILLATION else Via.WEIGHTS
            ways.append((edge.parent, edge.parent.foundation, max(via, int(weaker))))
    return found


def _upstream(world: World, name: NamedModel, pk: int) -> dict[tuple[int, int], int]:
    candidates = _candidates(world, name)
    of_each = [_nodes_of(candidate.version, candidate.foundation) for candidate in candidates]
    found: dict[tuple[int, int], int] = {}
    for node in {node for nodes in of_each for node in nodes}:
        vias = [nodes[node] for nodes in of_each if node in nodes]
        agreed = len(vias) == len(of_each) and len(set(vias)) == 1
        found[node] = vias[0] if agreed else max(min(vias), int(Via.ONE_OF))
    known_ids = _known_ids(world, name)
    for row in known_ids:
        via = Via.DIRECT if len(known_ids) == 1 else Via.ONE_OF
        found[int(NodeKind.OFFERING), row.pk] = int(via)
    found[int(NodeKind.OFFERING), pk] = int(Via.DIRECT)
    host = Offering.objects.get(pk=pk).host
    if host.slug != HOST_NOT_STATED:
        found[int(NodeKind.HOST), host.pk] = int(Via.DIRECT)
    return found


# --- the comparison -------------------------------------------------------------------------------


def _assert_all_agree(world: World) -> None:
    for name, pk in world.names.items():
        stored = Offering.objects.get(pk=pk)
        deciding = _deciding_id(world, name)
        expected = (
            ("unknown", None, "")
            if deciding is None
            else (deciding.lifecycle, deciding.retires_on, deciding.date_kind)
        )
        assert (stored.lifecycle, stored.retires_on, stored.date_kind) == expected, name
        footing = {
            (row.node.kind, row.node.ref): row.via
            for row in Footing.objects.filter(offering=pk).select_related("node")
        }
        assert footing == _upstream(world, name, pk), name
    assert not footing_differences(today=TODAY)


@pytest.mark.parametrize("seed", range(12))
def test_random_names_are_derived_as_defined(seed: int) -> None:
    _assert_all_agree(_make_world(random.Random(seed)))


@pytest.mark.parametrize("seed", range(6))
def test_random_changes_of_the_catalogue_reach_the_names(seed: int) -> None:
    draw = random.Random(100 + seed)
    world = _make_world(draw)
    for _ in range(6):
        _change(world, draw)
    _assert_all_agree(world)


def _change(world: World, draw: random.Random) -> None:
    if not world.offerings:
        return
    row: Offering = draw.choice(world.offerings)
    if draw.random() < 0.5:
        fields: dict[str, Any] = {"retires_on": None, "date_kind": ""} | _draw_lifecycle(draw)
    else:
        fields = {"version": draw.choice(world.versions)}
    Offering.objects.filter(pk=row.pk).update(**fields)
    refresh_footing([row.pk], today=TODAY)
