"""Events `released`: once for each version and host, and not for lists that are filled up."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from apps.catalog.claims.feed_rows import FeedRow
from apps.catalog.identity.resolution import resolve_identities
from apps.catalog.ingestion.change_detection.records import DEFAULT_RULES
from apps.catalog.ingestion.ingest import ingest_observation
from apps.catalog.ingestion.release_events import MAX_UNDATED, RELEASE_NEWS
from apps.catalog.models import Offering, Provider, ProviderEvent, Source, Version
from tests.builders import make_foundation, make_provider, make_source, make_version
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db

AT = datetime(2026, 9, 1, 6, tzinfo=UTC)
DAY = timedelta(days=1)
TODAY = AT.date()
OLD = "mistral-large-2402"
NEW = "mistral-large-2512"


@pytest.fixture
@kept_world
def developer() -> Provider:
    developer = make_provider("mistral", roles=("developer", "host"), name="Mistral")
    for name in (OLD, NEW):
        identifier = f"mistral/{name}"
        make_version(
            identifier,
            foundation=make_foundation(identifier, developer=developer, name=name),
            name=name,
        )
    return developer


@pytest.fixture
def source(developer: Provider) -> Source:
    source = make_source("models-dev", kind="models-dev")
    observe(source, row(OLD), baseline=True)
    return source


def row(api_id: str, host: str = "mistral", **fields: Any) -> FeedRow:
    return FeedRow(
        external_id=fields.pop("external_id", f"{host}/{api_id}"),
        group=host,
        host=host,
        api_id=api_id,
        **fields,
    )


def observe(
    source: Source,
    *rows: FeedRow,
    at: datetime = AT,
    baseline: bool = False,
    own_list: bool = False,
) -> list[ProviderEvent]:
    return ingest_observation(
        source=source,
        rows=rows,
        at=at,
        baseline=baseline,
        rules=replace(DEFAULT_RULES, lists_served=own_list),
    ).events


def told(events: Iterable[ProviderEvent]) -> list[tuple[str, str, Any]]:
    return [(event.kind, event.external_id, event.new) for event in events]


def test_the_names_of_these_tests_are_resolved(developer: Provider) -> None:
    columns = resolve_identities([("mistral", NEW)])["mistral", NEW]

    assert columns["version_id"] == Version.objects.get(identifier=f"mistral/{NEW}").pk


def test_a_new_row_at_the_developers_host_with_a_recent_day_is_a_release(source: Source) -> None:
    events = observe(source, row(OLD), row(NEW, released_on=TODAY - 2 * DAY), at=AT + DAY)

    assert told(events) == [("released", f"mistral/{NEW}", "2026-08-30")]
    (event,) = events
    assert (event.old, event.effective_on, event.detected_at) == (None, date(2026, 8, 30), AT + DAY)
    assert [claim.source for claim in event.evidence.all()] == [source]
    assert observe(source, row(OLD), row(NEW, released_on=TODAY), at=AT + 2 * DAY) == []


def test_the_first_observation_of_a_source_tells_of_no_release(developer: Provider) -> None:
    source = make_source("models-dev")

    assert observe(source, row(NEW, released_on=TODAY), baseline=True) == []


@pytest.mark.parametrize("gap", [RELEASE_NEWS + DAY, -RELEASE_NEWS - DAY, None])
def test_a_list_that_is_filled_up_tells_of_no_release(
    source: Source, gap: timedelta | None
) -> None:
    released_on = None if gap is None else TODAY - gap

    assert observe(source, row(OLD), row(NEW, released_on=released_on)) == []


def test_the_day_of_the_catalogue_takes_precedence(source: Source) -> None:
    version = Version.objects.get(identifier=f"mistral/{NEW}")
    version.released_on, version.released_precision = date(2025, 12, 2), "day"
    version.save()

    assert observe(source, row(OLD), row(NEW, released_on=TODAY)) == []


def test_a_month_of_the_catalogue_is_no_day(source: Source) -> None:
    version = Version.objects.get(identifier=f"mistral/{NEW}")
    version.released_on, version.released_precision = date(2025, 12, 1), "month"
    version.save()

    assert told(observe(source, row(OLD), row(NEW, released_on=TODAY))) == [
        ("released", f"mistral/{NEW}", "2026-09-01")
    ]


def test_rows_and_sources_tell_of_one_release_once(source: Source, developer: Provider) -> None:
    other = make_source("modeldeprecations")
    observe(other, row(OLD), baseline=True)
    fresh = [
        row(NEW, released_on=TODAY),
        row(NEW, external_id="again", tier="flex", released_on=TODAY),
    ]

    first = observe(source, row(OLD), *fresh)
    second = observe(other, row(OLD), row(NEW, released_on=TODAY), at=AT + DAY)

    assert [event.kind for event in [*first, *second]] == ["released"]


def test_two_sources_of_the_same_moment_tell_of_it_once(source: Source) -> None:
    other = make_source("modeldeprecations")
    observe(other, row(OLD), baseline=True)

    for each in (source, other):
        observe(each, row(OLD), row(NEW, released_on=TODAY))

    assert ProviderEvent.objects.filter(kind="released").count() == 1


def test_another_host_is_no_release_of_its_developer(source: Source) -> None:
    make_provider("elsewhere")

    assert observe(source, row(OLD), row(NEW, "elsewhere", released_on=TODAY)) == []


def test_a_router_tells_what_it_begins_to_serve(developer: Provider) -> None:
    router = make_source("openrouter")
    observe(router, row(f"mistralai/{OLD}", "openrouter"), baseline=True, own_list=True)

    events = observe(
        router,
        row(f"mistralai/{OLD}", "openrouter"),
        row(f"mistralai/{NEW}", "openrouter", released_on=TODAY - DAY),
        row(f"mistralai/{NEW}:free", "openrouter", released_on=TODAY),
        own_list=True,
    )

    assert [(event.kind, event.offering.host.slug) for event in events] == [
        ("released", "openrouter")
    ]


def test_a_page_of_the_host_tells_by_the_first_day_of_its_row(developer: Provider) -> None:
    page = make_source("page-mistral", host=developer)
    observe(page, row(OLD), baseline=True)

    events = observe(page, row(OLD), row(NEW), at=AT + DAY)

    assert told(events) == [("released", f"mistral/{NEW}", "2026-09-02")]


def test_many_new_rows_without_a_day_fill_up_a_page(developer: Provider) -> None:
    page = make_source("page-mistral", host=developer)
    observe(page, row(OLD), baseline=True)
    names = [f"unheard-of-{number}" for number in range(MAX_UNDATED + 1)]

    assert observe(page, row(OLD), *map(row, names)) == []
    few = [f"another-{number}" for number in range(MAX_UNDATED)]
    events = observe(page, row(OLD), *map(row, names + few), at=AT + DAY)
    assert len(events) == MAX_UNDATED


def test_an_unresolved_name_is_one_release_by_its_name(source: Source) -> None:
    events = observe(
        source,
        row(OLD),
        row("entirely-new-1", released_on=TODAY),
        row("entirely-new-1", external_id="eu", region="eu", released_on=TODAY),
    )

    assert [event.kind for event in events] == ["released"]
    assert Offering.objects.filter(api_id="entirely-new-1", version=None).count() == 2


@pytest.mark.parametrize("fields", [{"alias_of": f"mistral/{OLD}"}, {"kind": "feature"}])
def test_pointers_and_features_are_no_releases(source: Source, fields: dict[str, Any]) -> None:
    assert observe(source, row(OLD), row(NEW, released_on=TODAY, **fields)) == []


def test_a_row_under_a_new_key_is_no_release(source: Source) -> None:
    renamed = row(OLD, external_id="renamed", released_on=TODAY)

    assert observe(source, renamed, at=AT + DAY) == []


def test_it_takes_the_same_statements_for_any_number_of_rows(
    source: Source, django_assert_max_num_queries: Any
) -> None:
    fresh = [row(f"entirely-new-{number}", released_on=TODAY) for number in range(40)]

    with django_assert_max_num_queries(60):
        events = observe(source, row(OLD), *fresh)
    assert len(events) == 40
