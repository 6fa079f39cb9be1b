"""Exposure of applications that use a name: what fails it, and what does not."""

import itertools

import pytest

from apps.catalog.identity.named_models import HOST_NOT_STATED, NamedModel, ensure_named_models
from apps.catalog.models import Node, NodeKind, Offering, Version
from apps.exposure.engine.settings import engine_settings
from apps.exposure.engine.states import application_states, node_failures
from apps.exposure.engine.table_refresh import rebuild
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_dependency,
    make_foundation,
    make_offering,
    make_provider,
    make_version,
)

pytestmark = pytest.mark.django_db


def _use_name(*versions: Version, host: str) -> Offering:
    name = NamedModel(host, "Haiku", versions=tuple(v.identifier for v in versions))
    offering = Offering.objects.get(pk=ensure_named_models([name], at=NOW)[name])
    make_dependency(make_application(), offering)
    rebuild(on=TODAY)
    return offering


def _n_affected(*nodes: tuple[NodeKind, int]) -> int:
    ids = [Node.objects.get(kind=kind, ref=ref).pk for kind, ref in nodes]
    return len(application_states(node_failures(ids, settings=engine_settings())))


def test_a_name_fails_when_all_its_model_ids_retire_and_with_none_less() -> None:
    version, host = make_version(), make_provider("bedrock")
    ids = [make_offering(f"id-{n}", host=host, version=version) for n in range(3)]
    other = make_offering("other", host=host)
    _use_name(version, host="bedrock")
    nodes = [(NodeKind.OFFERING, row.pk) for row in ids]

    for size in range(1, 4):
        for chosen in itertools.combinations(nodes, size):
            expected = 1 if size == 3 else 0
            assert _n_affected(*chosen) == expected
            assert _n_affected(*chosen, (NodeKind.OFFERING, other.pk)) == expected
    assert _n_affected((NodeKind.VERSION, version.pk)) == 1


def test_a_name_with_one_known_model_id_retires_with_it() -> None:
    version, host = make_version(), make_provider("bedrock")
    only = make_offering(host=host, version=version)
    make_offering(version=version)
    _use_name(version, host="bedrock")

    assert _n_affected((NodeKind.OFFERING, only.pk)) == 1
    assert _n_affected((NodeKind.HOST, host.pk)) == 1


def test_a_name_of_two_versions_depends_on_their_foundation_alone() -> None:
    foundation, host = make_foundation(), make_provider("bedrock")
    versions = [make_version(foundation=foundation) for _ in range(2)]
    for version in versions:
        make_offering(host=host, version=version)
    _use_name(*versions, host="bedrock")

    assert _n_affected((NodeKind.FOUNDATION, foundation.pk)) == 1
    assert _n_affected((NodeKind.VERSION, versions[0].pk)) == 0


def test_a_name_without_a_host_fails_with_no_host() -> None:
    version = make_version()
    row = make_offering(version=version)
    offering = _use_name(version, host=HOST_NOT_STATED)

    assert _n_affected((NodeKind.HOST, row.host_id)) == 0
    assert not Node.objects.filter(kind=NodeKind.HOST, ref=offering.host_id).exists()
