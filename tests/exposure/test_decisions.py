"""What people decide about flags, who may, and what is refused with which sentence."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from apps.exposure.actions.decisions import (
    FlagDecisionError,
    FlagPermissionError,
    accept_flag,
    acknowledge_flag,
    revoke_acceptance,
)
from apps.exposure.actions.policies import add_policy, change_policy, change_settings
from apps.exposure.models import ExposureFlag, ExposureSettings, FlagEvent, Policy
from apps.inventory.models import ConfirmationSettings
from tests.builders import ALL_STATES, NOW, TODAY, make_offering, make_provider, make_user
from tests.exposure.portfolio import critical_on, evaluate, only
from tests.kept_worlds import kept_world

MONTH = timedelta(days=30)


@pytest.fixture
def governor(db):
    return make_user("gus", role="governance")


@pytest.fixture
@kept_world
def flag(db):
    """Two of three critical applications on one host, where half is tolerated."""
    only()
    critical_on(make_offering(host=make_provider("here")), 2)
    critical_on(make_offering(host=make_provider("there")))
    evaluate()
    return ExposureFlag.objects.get()


def accept(flag, by, **fields):
    fields = {"until": TODAY + MONTH, "reason": "no other host serves it", "at": NOW, **fields}
    return accept_flag(flag=flag, by=by, **fields)


class TestAcknowledging:
    def test_names_the_person_in_the_flag_and_in_its_life(self, flag, governor):
        flag = acknowledge_flag(flag=flag, at=NOW, by=governor, reason="on it")

        assert (flag.state, flag.acknowledged_by) == ("acknowledged", governor)
        event = FlagEvent.objects.get(kind="acknowledged")
        assert (event.by, event.reason, event.value) == (
            governor,
            "on it",
            Decimal("0.666666666666667"),
        )

    def test_a_second_time_changes_nothing_and_the_first_name_stays(self, flag, governor):
        acknowledge_flag(flag=flag, at=NOW, by=governor)

        again = acknowledge_flag(flag=flag, at=NOW, by=make_user(role="admin"))

        assert again.acknowledged_by == governor
        assert FlagEvent.objects.filter(kind="acknowledged").count() == 1

    def test_an_accepted_flag_is_not_acknowledged(self, flag, governor):
        accept(flag, governor)

        with pytest.raises(FlagDecisionError, match="Only an open flag can be acknowledged"):
            acknowledge_flag(flag=flag, at=NOW, by=governor)


class TestAccepting:
    def test_holds_until_the_day_and_up_to_the_value_with_the_hysteresis_on_top(
        self, flag, governor
    ):
        flag = accept(flag, governor)

        assert (
            flag.state,
            flag.accepted_by,
            flag.accepted_until,
            flag.accepted_reason,
            flag.ceiling,
        ) == (
            "accepted",
            governor,
            TODAY + MONTH,
            "no other host serves it",
            Decimal("0.733333333333333"),
        )

    def test_the_ceiling_lies_over_the_line_where_the_value_has_sunk_under_it(self, flag, governor):
        critical_on(make_offering(host=make_provider("third")), 2)
        evaluate()

        # 0.4 of a line of 0.5: the line and a tenth of it
        assert accept(flag, governor).ceiling == Decimal("0.55")

    def test_again_replaces_the_day_and_the_name(self, flag, governor):
        accept(flag, governor)
        other = make_user(role="admin")

        flag = accept(flag, other, until=TODAY + 2 * MONTH, reason="still none")

        assert (flag.accepted_by, flag.accepted_until, flag.accepted_reason) == (
            other,
            TODAY + 2 * MONTH,
            "still none",
        )

    @pytest.mark.parametrize(
        ("fields", "field", "words"),
        [
            ({"until": TODAY}, "until", "must expire after today"),
            ({"until": date(9999, 1, 1)}, "until", "out of range"),
            ({"reason": "  "}, "reason", "Enter a reason"),
        ],
    )
    def test_refuses_what_is_no_acceptance(self, flag, governor, fields, field, words):
        with pytest.raises(ValidationError) as refusal:
            accept(flag, governor, **fields)

        assert words in refusal.value.message_dict[field][0]
        assert FlagEvent.objects.count() == 1

    def test_a_resolved_flag_has_nothing_to_accept(self, flag, governor):
        Policy.objects.update(enabled=False)
        evaluate()

        with pytest.raises(FlagDecisionError, match="resolved"):
            accept(flag, governor)

    def test_one_that_was_read_before_somebody_else_decided_is_read_again(self, flag, governor):
        stale = ExposureFlag.objects.get()
        accept(flag, governor)

        with pytest.raises(FlagDecisionError):
            acknowledge_flag(flag=stale, at=NOW, by=governor)


class TestRevoking:
    def test_opens_the_flag_again_and_nobody_stands_for_it(self, flag, governor):
        accept(flag, governor)

        flag = revoke_acceptance(flag=flag, reason="a second host is there", at=NOW, by=governor)

        assert (flag.state, flag.accepted_by, flag.accepted_until, flag.ceiling) == (
            "open",
            None,
            None,
            None,
        )
        event = FlagEvent.objects.get(kind="acceptance_revoked")
        assert (event.by, event.reason) == (governor, "a second host is there")

    def test_what_is_not_accepted_cannot_be_taken_back(self, flag, governor):
        with pytest.raises(FlagDecisionError, match="This flag is open"):
            revoke_acceptance(flag=flag, reason="x", at=NOW, by=governor)

    def test_an_acceptance_whose_day_has_come_is_over_by_itself(self, flag, governor):
        accept(flag, governor)

        flag = revoke_acceptance(flag=flag, reason="x", at=NOW + MONTH, by=governor)

        assert flag.state == "open"
        assert FlagEvent.objects.get(kind="acceptance_expired").by is None


@pytest.mark.parametrize("role", ["auditor", ""])
def test_only_governance_and_administrators_decide(flag, role):
    by = make_user(role=role)

    for decide in (
        lambda: acknowledge_flag(flag=flag, at=NOW, by=by),
        lambda: accept(flag, by),
        lambda: revoke_acceptance(flag=flag, reason="x", at=NOW, by=by),
        lambda: add_policy(facts={}, by=by),
        lambda: change_policy(policy=flag.policy, facts={}, at=NOW, by=by),
        lambda: change_settings(facts={}, by=by),
    ):
        with pytest.raises(FlagPermissionError):
            decide()


def test_the_history_names_who_decided_and_why(flag, governor):
    accept(flag, governor)

    context = flag.history.order_by("pgh_id").last().pgh_context
    assert context.metadata["user"] == governor.pk
    assert context.metadata["reason"] == "no other host serves it"


class TestPolicies:
    FACTS = {
        "slug": "exposed-on-one-version",
        "name": "Exposed on one version",
        "kinds": ["version"],
        "states": ["exposed"],
        "measure": "n_applications",
        "tolerance": Decimal(10),
    }

    def test_a_new_one_counts_from_the_next_evaluation_on(self, governor):
        policy = add_policy(facts=self.FACTS, by=governor, reason="the board's wish")

        assert policy.history.get().pgh_context.metadata["reason"] == "the board's wish"

    @pytest.mark.parametrize(
        "facts",
        [
            {"tolerance": Decimal(-1)},
            {"kinds": ["planet"]},
            {"kinds": []},
            {"states": []},
            {"measure": "weight_share", "tolerance": Decimal("1.5")},
            {"hysteresis": Decimal(1)},
            {"predicate": "unresolved_primary"},
            {"colour": "red"},
        ],
    )
    def test_what_makes_no_line_is_refused_with_a_sentence(self, governor, facts):
        with pytest.raises(ValidationError) as refusal:
            add_policy(facts={**self.FACTS, **facts}, by=governor)

        assert all(words.endswith((".", ".'")) or " " in words for words in refusal.value.messages)

    def test_switching_off_resolves_the_flags_and_names_who_did_it(self, flag, governor):
        ConfirmationSettings.objects.create(pk=1, tolerances=False)
        change_policy(
            policy=flag.policy,
            facts={"enabled": False},
            at=NOW,
            by=governor,
            reason="no longer ours",
        )

        flag.refresh_from_db()
        assert flag.state == "resolved"
        assert FlagEvent.objects.get(kind="resolved").by == governor

    def test_nothing_is_written_where_nothing_differs(self, flag, governor):
        before = flag.policy.history.count()

        change_policy(
            policy=flag.policy, facts={"enabled": True, "states": ALL_STATES}, at=NOW, by=governor
        )

        assert flag.policy.history.count() == before


class TestSettings:
    def test_there_is_one_row_and_it_begins_with_the_defaults(self, governor):
        change_settings(facts={"horizon_days": 90}, by=governor, reason="shorter notice")
        row = change_settings(facts={"test_validity_days": 180}, by=governor)

        assert (row.pk, row.horizon_days, row.test_validity_days) == (
            ExposureSettings.ONLY,
            90,
            180,
        )
        assert ExposureSettings.objects.count() == 1

    def test_grades_beyond_five_are_refused(self, governor):
        with pytest.raises(ValidationError):
            change_settings(facts={"required_grade": {"outage": {"host": 9}}}, by=governor)
