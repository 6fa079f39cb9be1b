"""Sources and feed runs of the API."""

from datetime import timedelta

import pytest

from apps.common.time import now
from apps.feeds.models import FeedRun, PollState
from tests.builders import make_source, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(api):
    return api(make_user(role="auditor"))


def only_row(answer):
    assert answer.status_code == 200, answer.content
    (row,) = answer.json()["results"]
    return row


@pytest.mark.parametrize(
    ("frozen_after_days", "changed_days_ago", "made_days_ago", "health"),
    [
        (30, 122, None, "frozen"),
        (30, 122, 2, "fresh"),
        (30, 1, 95, "frozen"),
        (30, 29, None, "fresh"),
        (None, 400, None, "fresh"),
    ],
)
def test_a_source_that_answers_and_never_changes_is_frozen(
    frozen_after_days, changed_days_ago, made_days_ago, health, reader
):
    moment = now()
    source = make_source("genai-prices", frozen_after_days=frozen_after_days)
    as_of = None if made_days_ago is None else moment - timedelta(days=made_days_ago)
    PollState.objects.create(
        source=source,
        last_success_at=moment,
        last_change_at=moment - timedelta(days=changed_days_ago),
        as_of=as_of,
    )

    row = only_row(reader.get("/api/v1/sources/"))

    assert row["health"] == health
    assert row["frozen_after_days"] == frozen_after_days
    assert (row["as_of"] is None) is (as_of is None)


def test_a_run_names_what_it_filled_in_and_which_prices_floated(reader):
    FeedRun.objects.create(
        source=make_source(),
        status="changed",
        trigger="schedule",
        queued_at=now(),
        backfilled=[["old-model", "2025-03-04"]],
        floated=[["cheap", {"input": "0.54"}, {"input": "0.95"}]],
    )

    row = only_row(reader.get("/api/v1/feed-runs/"))

    assert row["backfilled"] == [["old-model", "2025-03-04"]]
    assert row["floated"] == [["cheap", {"input": "0.54"}, {"input": "0.95"}]]
