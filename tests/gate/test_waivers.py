"""Waivers: asked for by the team, granted by somebody else, for a time, and shown in what the gate
says."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from apps.common.errors import ConflictError
from apps.common.time import now
from apps.gate.actions import grant_waiver, reject_waiver, request_waiver, withdraw_waiver
from apps.gate.matching import RequestedModel
from apps.gate.models import Waiver
from apps.gate.rules.evaluation import evaluate_models
from tests.builders import make_user
from tests.gate.support_desk import SupportDesk

URL = "/api/v1/gate-waivers/"


def asked_for(desk: SupportDesk, **more) -> Waiver:
    facts = {
        "application": desk.application,
        "rule": "FR002",
        "model": "gpt-3.5-turbo-0125",
        "reason": "Moving in March.",
        "until": desk.today + timedelta(30),
        "by": desk.editor,
        "at": now(),
    }
    return request_waiver(**{**facts, **more})


def gate(desk: SupportDesk, *, days: int = 0):
    return evaluate_models(
        application=desk.application,
        requested=[RequestedModel("gpt-3.5-turbo-0125", "openai", file="app/a.py")],
        environment="production",
        at=now() + timedelta(days),
    )


def test_a_granted_waiver_lets_through_until_its_day_and_is_shown(desk):
    waiver = asked_for(desk)
    assert gate(desk).decision == "block"

    grant_waiver(waiver=waiver, by=desk.governance, at=now(), reason="Agreed.")

    outcome = gate(desk)
    finding = next(each for each in outcome.findings if each.rule == "FR002")
    assert (finding.waiver, finding.waived_until) == (waiver.pk, desk.today + timedelta(30))
    assert outcome.decision == "pass"
    assert "waived" in outcome.summary

    from apps.feeds.models import PollState

    PollState.objects.update(last_observed_at=now() + timedelta(31))
    assert gate(desk, days=31).decision == "block"


def test_a_waiver_does_not_apply_on_the_day_it_expires(desk):
    expires_on = desk.today + timedelta(30)
    days = (expires_on - timedelta(1), expires_on)

    waiver = grant_waiver(waiver=asked_for(desk, until=expires_on), by=desk.governance, at=now())

    assert [waiver.stands_on(day) for day in days] == [True, False]
    assert [Waiver.objects.standing_on(day).exists() for day in days] == [True, False]


def test_a_waiver_covers_its_rule_and_model_and_by_known_id_as_well(desk):
    grant_waiver(waiver=asked_for(desk, rule="FR003"), by=desk.governance, at=now())
    assert gate(desk).decision == "block"

    grant_waiver(
        waiver=asked_for(desk, model="OpenAI/gpt-3.5-turbo-0125"), by=desk.governance, at=now()
    )
    assert gate(desk).decision == "pass"


def test_a_waiver_for_one_hosts_offering_says_nothing_of_another(desk):
    grant_waiver(waiver=asked_for(desk, model="", offering=desk.good), by=desk.governance, at=now())
    assert gate(desk).decision == "block"

    grant_waiver(
        waiver=asked_for(desk, model="", offering=desk.retired), by=desk.governance, at=now()
    )
    assert gate(desk).decision == "pass"


def test_what_is_refused_or_withdrawn_does_not_count(desk):
    reject_waiver(waiver=asked_for(desk), by=desk.governance, at=now(), reason="Move now.")
    assert gate(desk).decision == "block"

    waiver = grant_waiver(waiver=asked_for(desk), by=desk.governance, at=now())
    withdraw_waiver(waiver=waiver, by=desk.editor, at=now(), reason="Moved.")
    assert gate(desk).decision == "block"
    with pytest.raises(ConflictError, match="withdrawn since"):
        grant_waiver(waiver=waiver, by=desk.governance, at=now())


def test_who_asks_does_not_grant_and_the_database_keeps_to_it(desk):
    waiver = asked_for(desk, by=desk.governance)

    with pytest.raises(ConflictError, match="Another governance user must decide"):
        grant_waiver(waiver=waiver, by=desk.governance, at=now())
    with pytest.raises(IntegrityError), transaction.atomic():
        Waiver.objects.filter(pk=waiver.pk).update(
            state="granted", decided_by=desk.governance, decided_at=now()
        )
    assert grant_waiver(waiver=waiver, by=make_user(role="admin"), at=now()).state == "granted"


def test_a_waiver_ends_within_180_days(desk):
    for days in (0, 181):
        with pytest.raises(ValidationError, match="latest"):
            asked_for(desk, until=desk.today + timedelta(days))
    waiver = asked_for(desk, until=desk.today + timedelta(180))
    with pytest.raises(IntegrityError), transaction.atomic():
        Waiver.objects.filter(pk=waiver.pk).update(until=desk.today + timedelta(181))
    assert grant_waiver(
        waiver=waiver, by=desk.governance, at=now(), until=desk.today + timedelta(5)
    ).until == (desk.today + timedelta(5))


def test_the_same_is_not_asked_for_twice(desk):
    waiver = asked_for(desk)
    with pytest.raises(ConflictError, match="already requested the same waiver"):
        asked_for(desk, model="GPT-3.5-turbo-0125")
    grant_waiver(waiver=waiver, by=desk.governance, at=now())
    with pytest.raises(ConflictError, match="The same waiver is already granted until"):
        asked_for(desk)
    assert asked_for(desk, until=desk.today + timedelta(60)).state == "asked"
    with pytest.raises(ValidationError, match="Enter the model as the finding names it"):
        asked_for(desk, model="")


def test_every_step_is_in_the_history_with_who_and_why(desk):
    waiver = asked_for(desk)
    grant_waiver(waiver=waiver, by=desk.governance, at=now(), reason="Agreed until March.")

    rows = list(waiver.history.order_by("pgh_id"))
    assert [
        (row.state, row.pgh_context.metadata["actor"], row.pgh_context.metadata["reason"])
        for row in rows
    ] == [("asked", "ilse", "Moving in March."), ("granted", "maren", "Agreed until March.")]


@pytest.mark.proof
def test_through_rest_the_team_asks_and_governance_decides(desk, api):
    body = {
        "application": desk.application.slug,
        "rule": "FR002",
        "model": "gpt-3.5-turbo-0125",
        "reason": "Moving in March.",
        "until": (desk.today + timedelta(30)).isoformat(),
    }
    editor, governance = api(desk.editor, "read", "write"), api(desk.governance, "read", "write")

    made = editor.post(URL, body, format="json")
    assert made.status_code == 201
    pk = made.json()["id"]
    assert editor.post(URL, body, format="json").status_code == 409
    assert api(desk.viewer, "read", "write").post(URL, body, format="json").status_code == 403
    assert api(desk.stranger, "read", "write").post(URL, body, format="json").status_code == 400
    assert editor.post(f"{URL}{pk}/grant/", {}, format="json").status_code == 403
    assert (
        api(desk.stranger, "read", "write").post(f"{URL}{pk}/grant/", {}, format="json").status_code
        == 404
    )
    assert governance.post(f"{URL}{pk}/refuse/", {}, format="json").status_code == 400

    granted = governance.post(f"{URL}{pk}/grant/", {"reason": "Agreed."}, format="json").json()
    assert (granted["state"], granted["standing"], granted["decided_by"]) == (
        "granted",
        True,
        "maren",
    )
    assert [row["id"] for row in editor.get(f"{URL}?standing=true").json()["results"]] == [pk]
    assert api(desk.stranger, "read").get(URL).json()["results"] == []
    withdrawn = editor.post(f"{URL}{pk}/withdraw/", {"reason": "Moved."}, format="json").json()
    assert withdrawn["state"] == "withdrawn"


def test_the_policy_is_read_by_all_and_changed_by_governance(desk, api):
    url = "/api/v1/gate-policy/"
    seen = api(desk.viewer, "read").get(url).json()
    assert (seen["levels"]["FR002"], seen["can_decide"], len(seen["horizons"])) == (
        "error",
        True,
        8,
    )
    change = {
        "levels": {"FR005": "error"},
        "expected_version": seen["version"],
        "evidence_criticalities": ["critical", "low"],
        "horizons": [
            {"environment": "staging", "criticality": "low", "warning_days": 5, "error_days": 1}
        ],
    }
    assert api(desk.editor, "read", "write").patch(url, change, format="json").status_code == 403

    governance = api(desk.governance, "read", "write")
    changed = governance.patch(url, change, format="json").json()

    assert (changed["version"], changed["levels"]["FR005"], changed["levels"]["FR002"]) == (
        seen["version"] + 1,
        "error",
        "error",
    )
    assert changed["evidence_criticalities"] == ["critical", "low"]
    assert {
        "environment": "staging",
        "criticality": "low",
        "warning_days": 5,
        "error_days": 1,
    } in changed["horizons"]
    assert governance.patch(url, change, format="json").status_code == 409
    assert governance.patch(url, {"levels": {"FR005": "loud"}}, format="json").status_code == 400
