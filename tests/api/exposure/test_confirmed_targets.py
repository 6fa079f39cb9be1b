"""REST writes of a target that breaks something: 409 with what breaks, until it is confirmed."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.catalog.models import Offering
from apps.common.time import now
from apps.exposure.models import Campaign, CampaignTask
from apps.inventory.models import Dependency
from tests.builders import make_approval, make_offering
from tests.exposure.campaigns.payments_team import PaymentsTeam
from tests.worlds.fit import require, settle

pytestmark = pytest.mark.django_db

API = "/api/v1/"

type Request = Callable[[Any, dict[str, Any]], Any]


@pytest.fixture
def payments() -> PaymentsTeam:
    team = PaymentsTeam(at=now())
    require(team.dependency, vision=True)
    return team


@pytest.fixture
def blind() -> Offering:
    offering = make_offering("blind")
    settle(offering, vision=False)
    return offering


def _request(payments: PaymentsTeam, choice: str, target: Offering) -> Request:
    """Return the request of the choice, whose records exist."""
    if choice == "open":
        path, body = f"{API}campaigns/", {"event": payments.event.pk, "target": target.pk}
        return lambda client, more: client.post(path, {**body, **more})
    if choice == "switch":
        path = f"{API}campaign-tasks/{payments.task(target=target).pk}/switch/"
        return lambda client, more: client.post(path, more)
    task = payments.task()
    if choice == "task":
        path, body = f"{API}campaign-tasks/{task.pk}/target/", {"target": target.pk}
        return lambda client, more: client.post(path, {**body, **more})
    path, body = f"{API}campaigns/{task.campaign_id}/", {"target": target.pk, "title": "Off"}
    return lambda client, more: client.patch(path, {**body, **more})


def _state() -> list[Any]:
    return [
        list(Campaign.objects.values("target", "title")),
        list(CampaignTask.objects.values("target", "successor", "state")),
        Dependency.objects.count(),
    ]


@pytest.mark.parametrize("choice", ["open", "default", "task", "switch"])
def test_a_target_that_breaks_something_is_refused_until_confirmed(
    api: Any, payments: PaymentsTeam, blind: Offering, choice: str
) -> None:
    send = _request(payments, choice, blind)
    client = api(payments.governance, "read", "write")
    before = _state()
    refused = send(client, {})
    assert refused.status_code == 409
    assert "blind has no image input" in refused.json()["detail"]
    assert "confirm_breaks: true" in refused.json()["detail"]
    assert _state() == before
    made = send(client, {"confirm_breaks": True})
    assert made.status_code == (201 if choice == "open" else 200)
    assert _state() != before


@pytest.mark.parametrize("choice", ["open", "default", "task", "switch"])
def test_a_target_that_breaks_nothing_needs_no_confirmation(
    api: Any, payments: PaymentsTeam, choice: str
) -> None:
    send = _request(payments, choice, make_offering("unknown to all sources"))
    answer = send(api(payments.governance, "read", "write"), {})
    assert answer.status_code == (201 if choice == "open" else 200)


def test_what_changes_nothing_is_not_asked(
    api: Any, payments: PaymentsTeam, blind: Offering
) -> None:
    campaign = payments.open(target=blind)
    client = api(payments.governance, "read", "write")
    body = {"event": payments.event.pk, "target": blind.pk}
    assert client.post(f"{API}campaigns/", body).status_code == 200
    address = f"{API}campaigns/{campaign.pk}/"
    assert client.patch(address, {"title": "Off", "target": blind.pk}).status_code == 200


def test_what_is_refused_in_any_case_asks_for_no_confirmation(
    api: Any, payments: PaymentsTeam, blind: Offering
) -> None:
    task = payments.task()
    Offering.objects.filter(pk=blind.pk).update(lifecycle="retired")
    answer = api(payments.editor, "read", "write").post(
        f"{API}campaign-tasks/{task.pk}/target/", {"target": blind.pk}
    )
    assert answer.status_code == 409
    assert "confirm_breaks" not in answer.json()["detail"]


@pytest.mark.parametrize("choice", ["open", "default"])
def test_a_default_target_that_is_blocked_or_ends_no_later_is_refused_until_confirmed(
    api: Any, payments: PaymentsTeam, choice: str
) -> None:
    target = make_offering("ending", retires_on=payments.end, date_kind="firm")
    make_approval("blocked", offering=target, decided_on=payments.today)
    send = _request(payments, choice, target)
    client = api(payments.governance, "read", "write")
    refused = send(client, {})
    assert refused.status_code == 409
    assert "An approval blocks ending for 1 dependency." in refused.json()["detail"]
    assert "on the same date as" in refused.json()["detail"]
    assert send(client, {"confirm_breaks": True}).status_code == (201 if choice == "open" else 200)
