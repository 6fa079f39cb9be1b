"""A source that cannot mark soft days is read with the help of one that can, at whatever host of
the same model."""

from datetime import UTC, datetime

import pytest

from apps.catalog.claims.feed_rows import FIRM, NOT_BEFORE, FeedRow
from apps.catalog.ingestion.ingest import apply_due_facts, ingest_observation
from apps.catalog.models import Offering, ProviderEvent, Source
from tests.builders import make_offering, make_provider, make_source, make_version
from tests.catalog.ingestion.histories import DAY, row
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db

AT = datetime(2026, 9, 1, 6, tzinfo=UTC)
DAY_GIVEN = "2026-10-15"


@pytest.fixture
@kept_world
def at_reseller() -> Offering:
    """One version at two hosts; LiteLLM speaks of the reseller, modeldeprecations of the maker."""
    version = make_version("maker/one-1")
    make_offering("one", host=make_provider("maker-host"), version=version)
    return make_offering("one", host=make_provider("reseller"), version=version)


@pytest.fixture
def litellm() -> Source:
    return make_source("litellm", trust_rank=20)


@pytest.fixture
def curated() -> Source:
    return make_source("modeldeprecations", trust_rank=15)


def says(source: Source, on: int, *rows: FeedRow) -> list[ProviderEvent]:
    """What `source` says on a day of September; its first word is the baseline."""
    first = not source.assertions.exists()
    at = AT + on * DAY
    return ingest_observation(
        source=source, rows=rows, at=at, baseline=first, last_seen=at - DAY
    ).events


def plainly(day: str = DAY_GIVEN) -> FeedRow:
    return row("reseller/one", day)


def softly(day: str = DAY_GIVEN) -> FeedRow:
    return row("maker-host/one", day, kind=NOT_BEFORE)


def kind_of(offering: Offering) -> str:
    offering.refresh_from_db()
    return offering.date_kind


def test_without_anybody_who_knows_better_the_day_is_firm(
    at_reseller: Offering, litellm: Source
) -> None:
    says(litellm, 0, plainly())

    assert kind_of(at_reseller) == FIRM


def test_a_day_that_another_gives_as_soft_at_another_host_is_soft(
    at_reseller: Offering, litellm: Source, curated: Source
) -> None:
    says(curated, 0, softly())
    says(litellm, 1, plainly())

    assert (kind_of(at_reseller), at_reseller.lifecycle) == (NOT_BEFORE, "active")
    assert apply_due_facts(at=AT + 90 * DAY) == []


def test_so_it_is_when_who_knows_better_speaks_later(
    at_reseller: Offering, litellm: Source, curated: Source
) -> None:
    says(litellm, 0, plainly())

    says(curated, 1, softly())

    assert (kind_of(at_reseller), at_reseller.lifecycle) == (NOT_BEFORE, "active")
    assert apply_due_facts(at=AT + 90 * DAY) == []


def test_when_it_turns_firm_there_it_is_firm_here_and_ends_here(
    at_reseller: Offering, litellm: Source, curated: Source
) -> None:
    says(curated, 0, softly())
    says(litellm, 1, plainly())

    says(curated, 2, row("maker-host/one", DAY_GIVEN))

    assert (kind_of(at_reseller), at_reseller.lifecycle) == (FIRM, "deprecated")
    ended = {event.external_id for event in apply_due_facts(at=AT + 90 * DAY)}
    assert ended == {"reseller/one", "maker-host/one"}


def test_another_day_is_not_softened(
    at_reseller: Offering, litellm: Source, curated: Source
) -> None:
    says(curated, 0, softly("2026-12-01"))

    says(litellm, 1, plainly("2026-10-15"))

    # nothing but the very day shows that it was copied from there
    assert kind_of(at_reseller) == FIRM


def test_a_source_that_can_mark_soft_days_is_taken_at_its_word(
    at_reseller: Offering, curated: Source
) -> None:
    says(curated, 0, softly())
    other = make_source("openrouter", trust_rank=5)

    says(other, 1, plainly())

    assert kind_of(at_reseller) == FIRM


def test_another_model_is_not_softened(litellm: Source, curated: Source) -> None:
    other = make_offering(
        "one", host=make_provider("reseller"), version=make_version("maker/two-1")
    )
    make_offering("one", host=make_provider("maker-host"), version=make_version("maker/one-1"))
    says(curated, 0, softly())

    says(litellm, 1, plainly())

    assert kind_of(other) == FIRM


def test_a_soft_day_put_later_does_not_make_the_copy_of_the_old_one_a_commitment(
    at_reseller: Offering, litellm: Source, curated: Source
) -> None:
    says(curated, 0, softly())
    says(litellm, 1, plainly())

    says(curated, 2, softly("2027-01-15"))

    assert kind_of(at_reseller) == NOT_BEFORE
    assert [event.kind for event in apply_due_facts(at=AT + 90 * DAY)] == []


def test_a_soft_notice_that_was_taken_down_softens_nothing_any_more(
    at_reseller: Offering, litellm: Source, curated: Source
) -> None:
    bystander = row("maker-host/other")
    says(curated, 0, softly(), bystander)
    for day in (1, 9):
        says(curated, day, bystander)

    says(litellm, 10, plainly())

    assert kind_of(at_reseller) == FIRM


def test_a_row_that_changes_otherwise_after_such_a_day_has_not_ended(
    at_reseller: Offering, litellm: Source, curated: Source
) -> None:
    says(curated, 0, softly())
    says(litellm, 1, plainly())

    ingest_observation(
        source=litellm,
        rows=[row("reseller/one", DAY_GIVEN, successor="two")],
        at=AT + 60 * DAY,
        baseline=False,
        last_seen=AT + DAY,
    )

    assert not ProviderEvent.objects.filter(kind="retired").exists()
    assert (kind_of(at_reseller), at_reseller.lifecycle) == (NOT_BEFORE, "active")
