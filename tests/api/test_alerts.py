"""Alerts of the API: every subject an alert may have."""

from datetime import timedelta

import pytest

from apps.alerts.actions import raise_alerts
from tests.alerts.feed_world import backfill, polled, suspect
from tests.alerts.world import make_world
from tests.builders import NOW, make_member, make_source, make_user

pytestmark = pytest.mark.django_db


def rows(answer):
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def test_an_alert_about_back_fill_names_its_run_and_the_models(api):
    world = make_world()
    run = backfill(world.offering)
    raise_alerts(at=NOW)

    (row,) = rows(api(make_member(world.team)).get("/api/v1/alerts/"))

    assert (row["kind"], row["run"], row["source"], row["event"], row["flag"]) == (
        "backfilled", run.pk, None, None, None,
    )  # fmt: skip
    assert row["details"]["offerings"][0]["api_id"] == "gemini-2.5-pro"
    assert row["application_ids"] == [world.application.pk]


def test_alerts_about_feeds_name_the_source_or_the_run_and_say_why(api):
    governor = make_user(role="governance")
    source = make_source()
    run = suspect(source)
    polled(source, success=NOW - timedelta(days=2))
    raise_alerts(at=NOW)

    found = {row["kind"]: row for row in rows(api(governor).get("/api/v1/alerts/"))}

    assert (found["late"]["source"], found["late"]["details"]["since"]) == ("litellm", "2026-11-22")
    assert found["suspect"]["run"] == run.pk
    assert found["suspect"]["details"]["groups"]["google-vertex-ai"]["says"].startswith("41 of 153 rows vanished")
    assert [row["kind"] for row in rows(api(governor).get("/api/v1/alerts/?kind=late"))] == ["late"]
    assert rows(api(make_member(make_world().team)).get("/api/v1/alerts/")) == []
