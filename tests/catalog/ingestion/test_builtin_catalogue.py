"""What the built-in catalogue says of the world."""

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker

from apps.catalog.footing import footing_differences
from apps.catalog.identity.resolution import resolve_identities
from apps.catalog.ingestion.builtin_catalogue import CATALOGUE, load_catalogue, records
from apps.catalog.models import (
    Alias,
    Assertion,
    Derivation,
    Foundation,
    Offering,
    Price,
    Provider,
    Region,
    Source,
    Version,
)
from apps.catalog.models.offerings import Lifecycle
from apps.feeds.parsers import ADAPTERS
from apps.feeds.sources.adapters import adapter_of

pytestmark = pytest.mark.proof

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = date(2026, 11, 24)


@pytest.fixture(scope="module")
def _loaded(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, int]]:
    """The whole catalogue, once for this module; gone afterwards."""
    with django_db_blocker.unblock(), transaction.atomic():
        written = load_catalogue(at=AT)
        # what waits for the end of a transaction is checked once here, not again at the end of
        # every test
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        yield written
        transaction.set_rollback(True)


@pytest.fixture
def loaded(_loaded: dict[str, int], db: None) -> dict[str, int]:
    return _loaded


def n_writes(queries: CaptureQueriesContext) -> int:
    return sum(
        query["sql"].lstrip().startswith(("INSERT", "UPDATE", "DELETE")) for query in queries
    )


# --- what is in it --------------------------------------------------------------------------------


def test_a_fresh_install_knows_today_s_world(loaded: dict[str, int]) -> None:
    assert Provider.objects.count() >= 60
    assert Foundation.objects.count() >= 300
    assert Version.objects.count() >= 1000
    assert Offering.objects.count() >= 3000
    assert Alias.objects.exists()
    assert 40 <= Derivation.objects.count() <= 150


def test_most_offerings_name_a_version(loaded: dict[str, int]) -> None:
    assert Offering.objects.resolved().count() >= 0.8 * Offering.objects.count()


def test_a_tenth_of_the_offerings_carries_a_dated_fact_with_its_source(
    loaded: dict[str, int],
) -> None:
    dated = Assertion.objects.filter(
        Q(value__has_key="retires_on") | Q(value__has_key="announced_on"),
        source_url__startswith="https://",
    )
    n_dated = Offering.objects.filter(Exists(dated.filter(offering=OuterRef("pk")))).count()

    assert n_dated >= 0.1 * Offering.objects.count()


@pytest.mark.parametrize("model", [Provider, Foundation, Version, Alias, Derivation])
def test_every_identity_says_where_it_can_be_checked(loaded: dict[str, int], model: type) -> None:
    assert not model.objects.exclude(source_url__startswith="https://").exists()


def test_most_versions_say_on_which_day_their_source_was_read(loaded: dict[str, int]) -> None:
    """The others come from general knowledge, and nobody claims to have read a page for them."""
    dated = Version.objects.filter(source_on__isnull=False).count()

    assert dated >= 0.7 * Version.objects.count()


def test_every_claim_has_an_address_a_moment_and_its_raw_words(loaded: dict[str, int]) -> None:
    claims = Assertion.objects.filter(source__slug="built-in")

    assert not claims.exclude(source_url__startswith="http").exists()
    assert not claims.filter(first_seen__gt=AT).exists()
    # the value of a claim on capabilities is all that its source says
    worded = claims.exclude(topic="capability")
    assert worded.filter(excerpt={}).count() < 0.01 * worded.count()


def test_the_settled_end_rests_on_a_claim_that_says_it(loaded: dict[str, int]) -> None:
    dated = Offering.objects.filter(retires_on__isnull=False).select_related("lifecycle_claim")

    assert [
        o.api_id for o in dated if o.lifecycle_claim.value["retires_on"] != o.retires_on.isoformat()
    ] == []


def test_a_firm_day_that_has_come_is_a_retirement_and_a_soft_one_never(
    loaded: dict[str, int],
) -> None:
    firm = Offering.objects.filter(date_kind="firm")
    soft = Offering.objects.filter(date_kind="not_before", retires_on__lte=DAY)

    assert not firm.filter(retires_on__lte=DAY).exclude(lifecycle=Lifecycle.RETIRED).exists()
    assert not firm.filter(retires_on__gt=DAY, lifecycle=Lifecycle.RETIRED).exists()
    assert soft.exists()
    assert not soft.filter(lifecycle=Lifecycle.RETIRED).exists()


@pytest.mark.parametrize(
    ("host", "api_id", "ends", "kind"),
    [
        ("anthropic", "claude-sonnet-4-5-20250929", "2026-11-30", "firm"),
        ("amazon-bedrock", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "2027-04-08", "firm"),
        ("google", "gemini-2.5-pro", "2026-12-01", "firm"),
        ("openai", "chatgpt-4o-latest", "2026-02-17", "firm"),
        ("openai", "gpt-4o-realtime-preview", "2026-05-07", "firm"),
        ("anthropic", "claude-haiku-4-5-20251001", "2026-10-15", "not_before"),
    ],
)
def test_well_known_ends_are_right(
    loaded: dict[str, int], host: str, api_id: str, ends: str, kind: str
) -> None:
    offering = Offering.objects.get(
        host__slug=host, api_id=api_id, region_scope="", service_tier=""
    )

    assert (str(offering.retires_on), offering.date_kind) == (ends, kind)


def test_calls_to_retired_grok_models_are_redirected(loaded: dict[str, int]) -> None:
    offering = Offering.objects.get(host__slug="xai", api_id="grok-4-0709")

    assert offering.end_behaviour == "redirect"
    assert offering.replacement is not None
    assert offering.replacement.api_id == "grok-4.3"


def test_prices_are_those_of_the_claim_and_begin_no_later_than_today(
    loaded: dict[str, int],
) -> None:
    prices = Price.objects.filter(
        offering__host__slug="anthropic", offering__api_id="claude-sonnet-4-5-20250929"
    ).at(AT)

    assert {(p.unit, p.above_tokens): str(p.amount.normalize()) for p in prices}["input", 0] == "3"
    assert not Price.objects.exclude(claim_id=F("offering__price_claim")).exists()


def test_no_price_per_token_is_beyond_belief(loaded: dict[str, int]) -> None:
    assert not Price.objects.filter(
        unit__in=["input", "output", "cache_read", "cache_write"], amount__gt=1000
    ).exists()


def test_an_announced_price_follows_on_the_one_of_today(loaded: dict[str, int]) -> None:
    announced = Price.objects.filter(valid__startswith__gt=AT)

    assert announced.exists()
    for price in announced:
        before = Price.objects.at(AT).get(
            offering=price.offering_id,
            unit=price.unit,
            above_tokens=price.above_tokens,
            currency=price.currency,
        )
        assert before.valid.upper == price.valid.lower


def test_offerings_in_named_regions_are_linked_to_them(loaded: dict[str, int]) -> None:
    assert Region.objects.filter(host__slug="azure", name="eu").exists()
    assert not Offering.objects.exclude(region_scope="").filter(regions__isnull=True).exists()


def test_what_stands_on_what_is_complete(loaded: dict[str, int]) -> None:
    assert footing_differences(today=DAY) == []


def test_every_source_to_poll_has_an_adapter(loaded: dict[str, int]) -> None:
    polled = list(Source.objects.polled())

    assert {*ADAPTERS, "genai-prices-package"} <= {source.slug for source in polled}
    assert {source.kind for source in polled} == {*ADAPTERS, "page", "status", "terms"}
    for source in polled:
        adapter_of(source)


def test_identities_are_what_the_resolver_says_today(loaded: dict[str, int]) -> None:
    """Fails when the rules have learnt more since the build: then build the catalogue again."""
    offerings = list(Offering.objects.select_related("host"))
    answers = resolve_identities([(offering.host.slug, offering.api_id) for offering in offerings])

    stale = [
        offering.api_id
        for offering in offerings
        if (offering.version_id, offering.alias_id)
        != (
            answers[offering.host.slug, offering.api_id]["version_id"],
            answers[offering.host.slug, offering.api_id]["alias_id"],
        )
    ]

    assert stale == []


def test_loading_again_writes_nothing(loaded: dict[str, int]) -> None:
    with CaptureQueriesContext(connection) as queries:
        written = load_catalogue(at=AT)

    assert set(written.values()) == {0}
    assert n_writes(queries) == 0


# --- the files ------------------------------------------------------------------------------------


def test_the_files_are_small_enough_to_review() -> None:
    assert sum(path.stat().st_size for path in CATALOGUE.iterdir()) < 3_000_000


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("providers", "slug"),
        ("foundations", "slug"),
        ("versions", "identifier"),
        ("aliases", "identifier"),
    ],
)
def test_no_record_stands_twice(name: str, key: str) -> None:
    keys = [row[key] for row in records(name)]

    assert len(keys) == len(set(keys))


def test_a_packed_file_reads_like_a_plain_one(tmp_path: Path) -> None:
    shutil.copy(CATALOGUE / "offerings.jsonl.gz", tmp_path)

    assert next(records("offerings", tmp_path)) == next(records("offerings"))
