"""Who is owed word of which turn in the life of a flag, and how it is put."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.alerts.actions import queue_digests, raise_alerts
from apps.alerts.kinds.exposure_flag_text import (
    current_measurement,
    flag_clause,
    format_measure,
    tolerance_text,
)
from apps.alerts.models import Alert, Delivery, HandledFlagEvent
from apps.exposure.models import ExposureFlag, Policy, StandingState
from tests.alerts.simulation import RIPE
from tests.builders import (
    NOW,
    make_application,
    make_flag,
    make_flag_event,
    make_offering,
    make_user,
)
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def turn(flag: ExposureFlag, kind: str, state: str, at: Any = NOW, **fields: Any) -> None:
    """What an evaluation does to a flag."""
    ExposureFlag.objects.filter(pk=flag.pk).update(state=state)
    make_flag_event(flag, kind, at=at, **fields)


def mailed(at: Any = NOW) -> Delivery:
    queue_digests(at=at + RIPE)
    return Delivery.objects.latest("pk")


# --- opened ---------------------------------------------------------------------------------------


def test_a_newly_opened_flag_is_owed_to_everyone_in_governance_once() -> None:
    first, second = make_user(role="governance"), make_user(role="governance")
    make_user(role="admin")
    make_user(role="auditor")
    make_user(role="governance", is_active=False)
    flag = make_flag()

    assert raise_alerts(at=NOW) == 2
    assert raise_alerts(at=NOW) == 0

    assert {(alert.user, alert.key) for alert in Alert.objects.select_related("user")} == {
        (first, f"flag:{flag.pk}|opened||user:{first.pk}"),
        (second, f"flag:{flag.pk}|opened||user:{second.pk}"),
    }


def test_a_flag_waits_until_there_is_somebody_to_tell() -> None:
    make_flag()
    assert raise_alerts(at=NOW) == 0
    assert not HandledFlagEvent.objects.exists()
    make_user(role="governance")

    assert raise_alerts(at=NOW) == 1


def test_without_governance_the_administrators_are_told() -> None:
    admin = make_user(role="admin")
    make_flag()

    raise_alerts(at=NOW)

    assert Alert.objects.get().user == admin


def test_somebody_new_in_governance_is_not_told_of_old_flags() -> None:
    make_user(role="governance")
    make_flag()
    raise_alerts(at=NOW)
    make_user(role="governance")

    assert raise_alerts(at=NOW) == 0


@pytest.mark.parametrize("state", ["acknowledged", "resolved"])
def test_a_flag_that_is_not_open_any_more_raises_nothing(state: str) -> None:
    make_user(role="governance")
    make_flag(state=state)

    assert raise_alerts(at=NOW) == 0


# --- later turns ----------------------------------------------------------------------------------


@pytest.fixture
@kept_world
def told() -> ExposureFlag:
    """A flag that governance was told of."""
    make_user("amara", role="governance")
    flag = make_flag()
    raise_alerts(at=NOW)
    mailed()
    return flag


@pytest.mark.parametrize("kind", ["acknowledged", "accepted", "acceptance_revoked"])
def test_what_people_decided_is_no_news(told: ExposureFlag, kind: str) -> None:
    make_flag_event(told, kind)

    assert raise_alerts(at=NOW) == 0


@pytest.mark.parametrize("kind", ["worsened", "acceptance_expired"])
def test_an_acceptance_that_ends_is_told_each_time_it_happens(
    told: ExposureFlag, kind: str
) -> None:
    for _ in range(2):
        turn(told, kind, "open")
        assert raise_alerts(at=NOW) == 1

    assert Alert.objects.filter(kind=kind).count() == 2


def test_that_it_resolved_is_told_and_settles_what_was_told_before(told: ExposureFlag) -> None:
    turn(told, "resolved", "resolved", value=Decimal("0.4"))

    assert raise_alerts(at=NOW + DAY) == 1

    assert set(Alert.objects.values_list("kind", "state", "severity")) == {
        ("opened", "resolved", 3),
        ("resolved", "resolved", 1),
    }


def test_that_it_resolved_is_no_news_to_who_was_never_told_of_it() -> None:
    make_user(role="governance")
    flag = make_flag()
    turn(flag, "resolved", "resolved")

    assert raise_alerts(at=NOW) == 0


def test_a_run_that_dies_leaves_every_turn_owed(
    told: ExposureFlag, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn(told, "worsened", "open")

    def die(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("apps.alerts.kinds.exposure_flags.store_alerts", die)
        with pytest.raises(KeyboardInterrupt):
            raise_alerts(at=NOW)

    assert raise_alerts(at=NOW) == 1


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value", "subject"),
    [
        (
            "worsened",
            "0.71",
            "Above the accepted level: 71% of critical applications depend on Google as developer",
        ),
        (
            "acceptance_expired",
            "0.62",
            "An acceptance expired: 62% of critical applications depend on Google",
        ),
        (
            "resolved",
            "0.4",
            "Back within tolerance: 40% of critical applications depend on Google as developer",
        ),
    ],
)
def test_the_mail_says_what_happened_with_the_value_it_had_then(
    told: ExposureFlag, kind: str, value: str, subject: str
) -> None:
    turn(told, kind, "resolved" if kind == "resolved" else "open", value=Decimal(value))
    raise_alerts(at=NOW)
    ExposureFlag.objects.update(value="0.9")

    assert mailed(at=NOW + DAY).subject.startswith(subject)


def test_a_flag_of_the_portfolio_is_called_after_its_policy() -> None:
    make_user(role="governance")
    application = make_application("Claims triage")
    policy = Policy.objects.get(slug="unresolved-primary")
    make_flag(policy=policy, node=None, value=1, limit=0, application_ids=[application.pk])
    raise_alerts(at=NOW)

    mail = mailed()

    assert mail.subject == "1 application has an unresolved primary model (tolerance 0)"
    assert policy.name in mail.body_text
    assert "Claims triage" in mail.body_text


def test_what_a_flag_does_not_name_is_counted() -> None:
    make_user(role="governance")
    make_flag(application_ids=[make_application("Claims triage").pk], n_applications=900)
    raise_alerts(at=NOW)

    assert "899" in mailed().body_text


@pytest.mark.parametrize(
    ("fields", "value", "words"),
    [
        ({"measure": "n_applications"}, 12, "12 applications depend on X as host"),
        (
            {"measure": "n_critical", "states": ["exposed"]},
            1,
            "1 critical application has no alternative to X as host",
        ),
        (
            {"measure": "weight_share", "basis": "spend"},
            "0.5",
            "50% of the monthly spend depends on X as host",
        ),
        (
            {"measure": "weight_share", "basis": "count"},
            "0.5",
            "50% of applications depend on X as host",
        ),
        (
            {"measure": "weight_share", "basis": "users", "states": ["exposed", "cushioned"]},
            "0.5",
            "50% of users have no tested exit from X as host",
        ),
        (
            {"measure": "n_applications", "states": ["portable", "partial"]},
            2,
            "2 applications would be portable or partial without X as host",
        ),
        (
            {"predicate": "no_independent_fallback", "measure": "n_critical"},
            3,
            "3 critical applications have no independent fallback",
        ),
        (
            {"predicate": "judge_shares_lineage", "measure": "n_applications"},
            1,
            "1 application has a judge or guardrail that shares a foundation with its primary "
            "model",
        ),
        (
            {"predicate": "unresolved_primary", "measure": "weight_share", "basis": "count"},
            "0.25",
            "25% of applications have an unresolved primary model",
        ),
    ],
)
def test_every_measure_has_its_sentence(fields: dict[str, Any], value: Any, words: str) -> None:
    policy = Policy(**{"kinds": ["host"], "states": StandingState.values, "tolerance": 0, **fields})
    flag = ExposureFlag(policy=policy, value=Decimal(value), limit=Decimal(0))

    assert flag_clause(policy, current_measurement(flag), node="X", kind="host").startswith(words)


def test_a_share_is_given_in_percent_and_a_number_as_it_is() -> None:
    share, number = Policy(measure="critical_share"), Policy(measure="n_applications")
    flag = ExposureFlag(value=Decimal("0.5"), limit=Decimal("0.4"))

    assert (
        tolerance_text(share, current_measurement(flag)),
        format_measure(number, Decimal(1200)),
    ) == ("tolerance 40%", "1,200")


def test_a_flag_on_any_kind_of_node_is_called_by_its_name() -> None:
    make_user(role="governance")
    offering = make_offering("model-9")
    node = offering.footings.get(node__kind=1).node
    make_flag(node=node)
    raise_alerts(at=NOW)

    assert "model-9 at" in mailed().subject
