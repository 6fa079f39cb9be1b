"""The resolver over the database knows what the list of known ids knows."""

import gzip
import json
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from apps.catalog.actions import decide_identity, revoke_identity_decision
from apps.catalog.identity.known_ids import (
    build_resolver,
    decisions_from_database,
    known_ids_from_database,
)
from apps.catalog.identity.resolver.index import KnownId, known_ids
from apps.catalog.identity.resolver.resolve import Resolver
from apps.catalog.ingestion.builtin_catalogue import load_catalogue, records
from apps.catalog.models import Alias, Provider, Version
from apps.feeds.parsers import ADAPTERS
from tests.builders import make_foundation, make_provider, make_user, make_version

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def identities(db: None) -> None:
    load_catalogue(identities_only=True, at=AT)


@pytest.fixture(scope="module")
def listed(shared: Path) -> list[KnownId]:
    lines = (shared / "resolver" / "catalogue.jsonl").read_text().splitlines()
    return known_ids(json.loads(line) for line in lines if line)


def synonyms(known: list[KnownId]) -> set[frozenset[str]]:
    groups = defaultdict(set)
    for each in known:
        groups[each.same_as].add(each.id)
    return {frozenset(group) for group in groups.values()}


@pytest.mark.shared
def test_the_database_gives_back_every_known_id_without_loss(
    identities: None, listed: list[KnownId]
) -> None:
    found = known_ids_from_database()

    def facts(known: list[KnownId]) -> dict[str, tuple[object, ...]]:
        return {
            each.id: (
                each.developer,
                each.line,
                each.kind,
                each.entity,
                each.names,
                each.aliases,
                each.repositories,
            )
            for each in known
        }

    assert facts(found) == facts(listed)
    assert synonyms(found) == synonyms(listed)


@pytest.mark.proof
@pytest.mark.shared
def test_the_resolver_over_the_database_answers_like_the_one_over_the_list(
    identities: None, listed: list[KnownId], shared: Path
) -> None:
    rows = [
        json.loads(line)
        for line in (shared / "resolver" / "labels_dev.jsonl").read_text().splitlines()
        if line
    ]
    over_list, over_database = Resolver(listed), build_resolver()
    leader = {each.id: each.same_as for each in listed}

    different = []
    for row in rows:
        one = over_list.resolve(row["raw"], row.get("host_hint"))
        other = over_database.resolve(row["raw"], row.get("host_hint"))
        # of several spellings of one release either may be named
        same = leader.get(one.canonical or "") == leader.get(other.canonical or "")
        if not same or (one.kind, one.host, one.region, one.variant) != (
            other.kind,
            other.host,
            other.region,
            other.variant,
        ):
            different.append(row["raw"])

    assert len(rows) > 1000
    assert different == []


@pytest.mark.shared
def test_a_poll_finds_the_offerings_of_the_catalogue_under_the_same_key(shared: Path) -> None:
    packed = (
        shared
        / "feeds"
        / "litellm"
        / "2026-11-24T000000Z"
        / "model_prices_and_context_window.json.gz"
    )
    parsed = ADAPTERS["litellm"].parse(gzip.decompress(packed.read_bytes()))
    offerings = list(records("offerings"))
    key_of = {
        row["id"].removeprefix("litellm:"): tuple(
            offerings[row["offering"]].get(part, "")
            for part in ("host", "api_id", "region", "tier")
        )
        for row in records("claims")
        if row["id"].startswith("litellm:")
    }

    matched = [row for row in parsed.rows if row.external_id in key_of]

    assert len(matched) > 2000
    assert [
        row.external_id
        for row in matched
        if key_of[row.external_id] != (row.host, row.api_id, row.region, row.tier)
    ] == []


def test_a_person_s_decision_reaches_the_resolver_until_it_is_lifted(db: None) -> None:
    governor = make_user(role="governance")
    version = make_version("maker/model-20250101")
    host = make_provider("azure")
    decision = decide_identity(
        raw="Chat-Prod",
        host=host,
        version=version,
        alias=None,
        not_a_model=False,
        by=governor,
        reason="asked the team",
    )

    assert decisions_from_database() == {("azure", "chat-prod"): "maker/model-20250101"}
    assert build_resolver().resolve("chat-prod", "azure").canonical == "maker/model-20250101"

    revoke_identity_decision(decision=decision, by=governor)

    assert build_resolver().resolve("chat-prod", "azure").canonical is None


def test_a_month_is_given_back_as_a_month(db: None) -> None:
    make_version("maker/a", released_on="2025-03-01", released_precision="month")
    make_version("maker/b", released_on="2025-03-17")
    make_version("maker/c")

    assert [each.released for each in known_ids_from_database()] == ["2025-03", "2025-03-17", None]


def test_kinds_are_told_apart(db: None) -> None:
    foundation = make_foundation(
        "maker/line", developer=Provider.objects.create(slug="maker", name="M", roles=["developer"])
    )
    fixed = make_version("maker/x-1", foundation=foundation)
    make_version("maker/x-live", foundation=foundation, moving=True)
    Alias.objects.create(
        identifier="maker/x-one",
        foundation=foundation,
        version=fixed,
        kind="synonym",
        synonym_of="maker/x-1",
    )
    Alias.objects.create(
        identifier="maker/x-latest", foundation=foundation, version=fixed, kind="alias"
    )
    Alias.objects.create(identifier="maker/x", foundation=foundation, kind="family")

    found = {
        each.id: (each.kind, each.entity, each.same_as, each.points_to)
        for each in known_ids_from_database()
    }

    assert found == {
        "maker/x-1": ("pinned", "maker/x-1", "maker/x-1", None),
        "maker/x-live": ("alias", "maker/x-live", "maker/x-live", None),
        "maker/x-one": ("pinned", "maker/x-1", "maker/x-1", None),
        "maker/x-latest": ("alias", "maker/x-1", "maker/x-latest", "maker/x-1"),
        "maker/x": ("family", "maker/x", "maker/x", None),
    }
    assert Version.objects.count() == 2
