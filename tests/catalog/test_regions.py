"""Offerings of one region that no source lists: they end when the model does that is listed without
a region."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from apps.catalog.actions import set_manual_fact
from apps.catalog.claims.feed_rows import FeedRow
from apps.catalog.ingestion.ingest import apply_due_facts, ingest_observation
from apps.catalog.ingestion.offerings import ensure_named_offerings
from apps.catalog.models import Assertion, Offering, Source
from tests.builders import make_source, make_user
from tests.catalog.ingestion.histories import DAY, row

pytestmark = pytest.mark.django_db

AT = datetime(2026, 9, 1, 6, tzinfo=UTC)
ENDS, LATER = "2026-10-01", "2026-12-01"
HERE = {"host": "acme", "api_id": "m", "region": "eu-central-1", "tier": ""}


@pytest.fixture
def source() -> Source:
    return make_source("litellm")


def observe(source: Source, at: datetime, *rows: FeedRow) -> None:
    last = (
        Assertion.objects.filter(source=source)
        .order_by("-changed_at")
        .values_list("changed_at", flat=True)
        .first()
    )
    ingest_observation(source=source, rows=rows, at=at, baseline=last is None, last_seen=last)


def named_here(at: datetime = AT) -> Offering:
    return Offering.objects.get(
        pk=ensure_named_offerings([HERE], at=at)["acme", "m", "eu-central-1", ""]
    )


def test_a_call_in_a_region_ends_on_the_day_that_is_known_of_the_model(source):
    observe(source, AT, row("acme/m", ENDS))

    here = named_here()

    assert (here.lifecycle, here.retires_on, here.date_kind) == (
        "deprecated",
        date(2026, 10, 1),
        "firm",
    )
    assert here.lifecycle_claim.source == source
    assert [region.name for region in here.regions.all()] == ["eu-central-1"]


def test_a_day_that_moves_moves_in_the_region_too_and_passes_there(source):
    observe(source, AT, row("acme/m"))
    here = named_here()
    assert here.retires_on is None

    observe(source, AT + DAY, row("acme/m", ENDS))
    here.refresh_from_db()
    assert here.retires_on == date.fromisoformat(ENDS)

    observe(source, AT + 2 * DAY, row("acme/m", LATER))
    here.refresh_from_db()
    assert here.retires_on == date.fromisoformat(LATER)

    apply_due_facts(at=datetime(2026, 12, 1, 1, tzinfo=UTC))
    here.refresh_from_db()
    assert (here.lifecycle, here.due_status) == ("deprecated", "unconfirmed")

    observe(source, datetime(2026, 12, 1, 2, tzinfo=UTC), row("acme/m", LATER))
    here.refresh_from_db()
    assert (here.lifecycle, here.due_status) == ("retired", "")


def test_what_a_source_says_of_a_region_is_its_own(source):
    here = replace(row("acme/m-here", LATER), api_id="m", region="eu-central-1")
    observe(source, AT, row("acme/m", ENDS), here)

    assert named_here().retires_on == date.fromisoformat(LATER)


def test_a_person_s_word_on_the_region_outranks_what_is_said_of_all(source):
    observe(source, AT, row("acme/m", ENDS))
    here = named_here()

    set_manual_fact(
        offering=here,
        value={"retires_on": LATER, "date_kind": "firm"},
        by=make_user(),
        reason="our contract says so",
    )
    observe(source, AT + DAY, row("acme/m", "2026-10-15"))

    here.refresh_from_db()
    assert here.retires_on == date.fromisoformat(LATER)
