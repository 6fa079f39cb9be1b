"""Counted outages on the page of simulated losses, and the threshold that governance sets there."""

from typing import Any

import pytest

from apps.common.time import now
from apps.exposure.models import EventRate, ExposureSettings
from tests.builders import make_user
from tests.http import visible_text
from tests.worlds.outage_records import add_outage_record, add_status_source

pytestmark = pytest.mark.django_db

PAGE = "/exposure/loss/"
FORM = "/exposure/loss/threshold/"


def section(client: Any) -> str:
    text = visible_text(client.get(PAGE))
    return text.split("Counted outages")[1].split("Loss per event")[0]


@pytest.fixture
def governor(world: Any, as_user: Any) -> Any:
    return as_user(world.governance)


def test_without_a_status_page_the_section_says_what_applies(governor: Any) -> None:
    text = section(governor)

    assert "the assumed outage rates apply" in text
    assert "critical impact, at least 4 hours" in text
    assert "1.5 per year (0.1 – 5.3)" in text
    assert "arXiv 2501.12469" in text


def test_a_provider_is_listed_with_its_count_interval_and_source(world: Any, governor: Any) -> None:
    add_outage_record(add_status_source(world.sonnet.host, read_at=now()), months=18, n_critical=4)

    text = section(governor)

    assert "4 in 18 months" in text
    assert f"{world.sonnet.host.name} status" in text
    assert "Too short a record" not in text


def test_a_short_record_and_an_own_rate_are_named(world: Any, governor: Any) -> None:
    add_outage_record(add_status_source(world.sonnet.host, read_at=now()), months=3, n_critical=1)

    assert "Too short a record" in section(governor)
    for kind in ("host", "gateway", "vendor"):
        EventRate.objects.filter(kind="outage", node_kind=kind).update(rate=3, assumption=False)
    assert "Your own rate applies" in section(governor)


def test_governance_changes_the_threshold_and_undoes_it(governor: Any) -> None:
    form = visible_text(governor.get(FORM))
    assert "Minimum impact" in form
    assert "30 minutes" in form

    answer = governor.post(FORM, {"outage_impact": "major", "outage_hours": "0.5"}, follow=True)

    assert "major or critical impact, at least 30 minutes" in visible_text(answer)
    row = ExposureSettings.objects.get()
    assert (row.outage_impact, row.outage_hours) == ("major", 0.5)
    undo = answer.content.decode().split('action="/exposure/loss/threshold/')[1].split('"')[0]
    governor.post(FORM + undo.replace("&amp;", "&"))
    row.refresh_from_db()
    assert (row.outage_impact, row.outage_hours) == ("critical", 4)
    assert row.history.count() == 2


def test_a_threshold_without_a_count_elsewhere_is_refused(governor: Any) -> None:
    for facts in (
        {"outage_impact": "none", "outage_hours": "4"},
        {"outage_impact": "major", "outage_hours": "3"},
        {"outage_impact": "major"},
    ):
        assert governor.post(FORM, facts).status_code == 422
    assert not ExposureSettings.objects.exists()


def test_others_read_the_threshold_and_do_not_change_it(world: Any, as_user: Any) -> None:
    auditor = as_user(make_user(role="auditor"))

    assert "critical impact, at least 4 hours" in section(auditor)
    assert "Change threshold" not in section(auditor)
    assert auditor.get(FORM).status_code == 403
    assert auditor.post(FORM, {"outage_impact": "major", "outage_hours": "1"}).status_code == 403
