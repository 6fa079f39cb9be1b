"""Decisions on what may be built on, and what stands there against them."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from apps.accounts.roles import TeamRole
from apps.catalog.footing import refresh_footing
from apps.catalog.models import NodeKind
from apps.common.errors import ConflictError
from apps.inventory.governance.approvals import (
    decisions_by_target,
    expiring_decisions,
    record_decision,
    replace_decision,
    revoke_decision,
)
from apps.inventory.governance.violations import approval_violations, obstacles_to_use
from apps.inventory.models import Approval, Criticality
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_data_terms,
    make_dependency,
    make_derivation,
    make_foundation,
    make_member,
    make_offering,
    make_provider,
    make_team,
    make_user,
    make_version,
)

pytestmark = pytest.mark.django_db

IN_A_YEAR = TODAY + timedelta(days=365)


@pytest.fixture
def governance():
    return make_user("gus", role="governance")


@pytest.fixture
def say(governance):
    """say(target, decision): a decision of governance, for a year unless it blocks."""

    def made(target, decision="blocked", **given):
        given.setdefault("expires_on", None if decision == "blocked" else IN_A_YEAR)
        return record_decision(
            target=target,
            decision=decision,
            reason="so it was decided",
            at=NOW,
            by=governance,
            **given,
        )

    return made


class TestDeciding:
    def test_a_decision_stands_from_its_day_until_it_expires(self, say):
        foundation = make_foundation()
        approval = say(foundation, "approved", expires_on=IN_A_YEAR)

        def standing(day):
            return decisions_by_target(targets=[foundation], on=day)

        assert (
            standing(TODAY)
            == standing(IN_A_YEAR - timedelta(days=1))
            == {("foundation", foundation.pk): approval}
        )
        assert standing(TODAY - timedelta(days=1)) == standing(IN_A_YEAR) == {}

    def test_an_approval_has_an_end(self, say):
        with pytest.raises(ValidationError, match="Enter an expiry date"):
            say(make_foundation(), "approved", expires_on=None)

    def test_a_restriction_says_to_what(self, say):
        with pytest.raises(ValidationError, match="Select the data classes"):
            say(make_foundation(), "restricted")

    def test_limits_go_with_a_restriction_only(self, say):
        with pytest.raises(ConflictError, match="Only a restricted approval"):
            say(make_foundation(), "blocked", regions=["EU"])

    @pytest.mark.parametrize("limits", [{"data_classes": ["cosmic"]}, {"criticalities": [7]}])
    def test_an_unknown_limit_is_refused_by_name(self, say, limits):
        with pytest.raises(
            ConflictError, match=r"'(cosmic|7)' is not a valid (data class|criticality)"
        ):
            say(make_foundation(), "restricted", **limits)

    def test_a_second_decision_is_refused_while_one_stands(self, say):
        foundation = make_foundation()
        say(foundation)

        with pytest.raises(
            ConflictError, match=r"An approval already exists \(blocked, 2026-11-24, gus\)"
        ):
            say(foundation, "approved")

    def test_an_expired_one_is_no_obstacle_and_is_kept(self, say, governance):
        foundation = make_foundation()
        old = say(foundation, "approved", expires_on=TODAY + timedelta(days=1))

        later = record_decision(
            target=foundation,
            decision="blocked",
            reason="worse now",
            at=NOW + timedelta(days=2),
            by=governance,
        )

        old.refresh_from_db()
        assert "Expired on 2026-11-25" in old.revoked_reason
        assert decisions_by_target(targets=[foundation], on=IN_A_YEAR) == {
            ("foundation", foundation.pk): later
        }

    def test_replacing_keeps_both_and_the_new_one_stands(self, say, governance):
        foundation = make_foundation()
        old = say(foundation)

        new = replace_decision(
            approval=old,
            decision="approved",
            reason="cleared",
            at=NOW,
            by=governance,
            expires_on=IN_A_YEAR,
        )

        old.refresh_from_db()
        assert (old.revoked_by, old.revoked_reason) == (governance, "Replaced: cleared")
        assert decisions_by_target(targets=[foundation], on=TODAY) == {
            ("foundation", foundation.pk): new
        }

    def test_a_replacement_that_is_refused_leaves_the_old_one_standing(self, say, governance):
        foundation = make_foundation()
        old = say(foundation)

        with pytest.raises(ValidationError):
            replace_decision(
                approval=old, decision="approved", reason="cleared", at=NOW, by=governance
            )

        assert decisions_by_target(targets=[foundation], on=TODAY) == {
            ("foundation", foundation.pk): old
        }

    def test_revoking_wants_a_reason_and_is_done_once(self, say, governance):
        approval = say(make_foundation())
        with pytest.raises(ConflictError, match="Enter a reason"):
            revoke_decision(approval=approval, reason=" ", at=NOW, by=governance)
        revoke_decision(approval=approval, reason="mistaken", at=NOW, by=governance)

        with pytest.raises(ConflictError, match="gus revoked this approval on 2026-11-24"):
            revoke_decision(approval=approval, reason="mistaken", at=NOW, by=governance)

    def test_an_end_is_announced_a_month_before(self, say):
        approval = say(make_foundation(), "approved", expires_on=IN_A_YEAR)
        say(make_foundation())

        assert list(expiring_decisions(on=IN_A_YEAR - timedelta(days=31))) == []
        assert list(expiring_decisions(on=IN_A_YEAR - timedelta(days=30))) == [approval]
        assert list(expiring_decisions(on=IN_A_YEAR)) == []


class TestAgainst:
    """A fine-tune `tuned` of `base` by a maker of its own, at a host with a company above it,
    through a gateway."""

    @pytest.fixture
    def team(self):
        return make_team("Payments")

    @pytest.fixture
    def levels(self, team):
        """An application, and every level at which a decision about its model may stand."""

        class Levels:
            pass

        levels = Levels()
        levels.maker = make_provider("maker", roles=("developer", "host"))
        levels.above = make_provider("holding")
        levels.host = make_provider("host", parent=levels.above)
        levels.gateway = make_provider("gateway", roles=("gateway",))
        levels.foundation = make_foundation("maker/base", developer=levels.maker)
        levels.version = make_version("maker/base-1", foundation=levels.foundation)
        levels.offering = make_offering("base", host=levels.host, version=levels.version)
        levels.application = make_application(
            "Claims",
            team=team,
            data_classification="internal",
            geography="EU",
            criticality=Criticality.IMPORTANT,
        )
        levels.dependency = make_dependency(levels.application, levels.offering)
        return levels

    def found(self, governance, **given):
        given.setdefault("user", governance)
        return approval_violations(on=TODAY, **given)

    def held(self, governance, **given):
        return {row.approval for row in self.found(governance, **given).rows}

    @pytest.mark.parametrize(
        "target", ["offering", "version", "foundation", "maker", "host", "above"]
    )
    def test_what_is_blocked_is_found_at_every_level(self, levels, say, governance, target):
        approval = say(getattr(levels, target))

        [row] = self.found(governance).rows

        assert (row.dependency, row.approval, row.certain) == (levels.dependency, approval, True)
        assert "is blocked: so it was decided" in row.why[0]

    def test_what_is_approved_is_no_finding(self, levels, say, governance):
        say(levels.foundation, "approved")

        assert self.found(governance).n_total == 0

    def test_the_version_goes_before_the_foundation(self, levels, say, governance):
        say(levels.foundation)
        say(levels.version, "approved")

        assert self.held(governance) == set()

    def test_the_offering_goes_before_everything(self, levels, say, governance):
        say(levels.offering, "approved")
        for broader in (levels.version, levels.host, levels.maker):
            say(broader)

        assert self.held(governance) == set()

    def test_a_block_on_the_narrower_one_holds_though_the_broader_is_approved(
        self, levels, say, governance
    ):
        say(levels.foundation, "approved")
        narrow = say(levels.version)

        assert self.held(governance) == {narrow}

    def test_a_decision_on_the_foundation_sets_its_developer_s_aside_also_as_host(
        self, levels, say, governance, team
    ):
        own = make_dependency(
            make_application(team=team), make_offering(host=levels.maker, version=levels.version)
        )
        say(levels.maker)
        assert {row.dependency for row in self.found(governance).rows} == {levels.dependency, own}

        say(levels.foundation, "approved")

        assert self.held(governance) == set()

    def test_it_does_not_set_aside_the_decision_on_another_host(self, levels, say, governance):
        say(levels.foundation, "approved")
        host = say(levels.host)

        assert self.held(governance) == {host}

    def test_the_nearest_company_decides(self, levels, say, governance):
        say(levels.above)
        say(levels.host, "approved")

        assert self.held(governance) == set()

    def test_a_fine_tune_of_a_blocked_base_stands_against_it(self, levels, say, governance):
        tuned = make_version("tuner/tuned-1", foundation=make_foundation("tuner/tuned"))
        make_derivation(tuned, levels.version)
        offering = make_offering("tuned", host=levels.host, version=tuned)
        refresh_footing([offering.pk])
        dependency = make_dependency(levels.application, offering, role="judge")
        base = say(levels.foundation)

        assert {(row.dependency, row.approval) for row in self.found(governance).rows} == {
            (levels.dependency, base),
            (dependency, base),
        }
        say(tuned, "approved")
        assert {row.dependency for row in self.found(governance).rows} == {levels.dependency}

    def test_an_approved_base_does_not_clear_the_maker_of_the_fine_tune(
        self, levels, say, governance
    ):
        tuned = make_version("tuner/tuned-1", foundation=make_foundation("tuner/tuned"))
        make_derivation(tuned, levels.version)
        offering = make_offering("tuned", host=levels.host, version=tuned)
        refresh_footing([offering.pk])
        make_dependency(levels.application, offering)
        say(levels.foundation, "approved")
        maker = say(tuned.foundation.developer)

        assert self.held(governance) == {maker}

    def test_what_was_only_distilled_from_it_is_not_it(self, levels, say, governance):
        child = make_version("tuner/distilled-1", foundation=make_foundation("tuner/distilled"))
        make_derivation(child, levels.version, kind="distillation")
        offering = make_offering("distilled", version=child)
        refresh_footing([offering.pk])
        make_dependency(levels.application, offering)
        say(levels.foundation)

        assert {row.dependency for row in self.found(governance).rows} == {levels.dependency}

    def test_a_blocked_gateway_counts_whatever_is_reached_through_it(self, levels, say, governance):
        say(levels.offering, "approved")
        through = make_dependency(
            levels.application,
            levels.offering,
            role="fallback",
            reached="gateway",
            via_party=levels.gateway,
        )
        gateway = say(levels.gateway)

        assert {(row.dependency, row.approval) for row in self.found(governance).rows} == {
            (through, gateway)
        }

    def test_an_ended_or_unreached_dependency_is_no_finding(self, levels, say, governance, team):
        say(levels.foundation)
        make_dependency(make_application(team=team), levels.offering, until=TODAY)
        make_dependency(make_application(team=team, status="proposed"), levels.offering)

        assert self.found(governance).n_total == 1

    @pytest.mark.parametrize(
        ("limits", "against"),
        [
            ({"data_classes": ["public", "internal"]}, False),
            ({"data_classes": ["public"]}, True),
            ({"criticalities": [Criticality.IMPORTANT, Criticality.LOW]}, False),
            ({"criticalities": [Criticality.LOW]}, True),
            ({"regions": ["eu", "UK"]}, False),
            ({"regions": ["US"]}, True),
            ({"regions": ["EU"], "data_classes": ["public"]}, True),
        ],
    )
    def test_a_restriction_is_held_against_what_lies_outside(
        self, levels, say, governance, limits, against
    ):
        say(levels.foundation, "restricted", **limits)

        assert bool(self.found(governance).rows) is against

    @pytest.mark.parametrize(
        ("conditions", "terms", "against", "certain"),
        [
            ({"requires_no_training": True}, {"training_use": False}, False, True),
            ({"requires_no_training": True}, {"training_use": True}, True, True),
            ({"requires_no_training": True}, {}, True, False),
            ({"requires_no_training": True}, {"training_use": None}, True, False),
            ({"max_retention_days": 30}, {"retention_days": 30}, False, True),
            ({"max_retention_days": 0}, {"retention_days": 1}, True, True),
            ({"max_retention_days": 30}, {"zero_retention": True}, True, False),
            ({"requires_zero_retention": True}, {"zero_retention": True}, False, True),
            ({"requires_zero_retention": True}, {"retention_days": 0}, False, True),
            ({"requires_zero_retention": True}, {"zero_retention": False}, True, True),
            ({"requires_zero_retention": True}, {"retention_days": 5}, True, False),
            ({"residencies": ["eu", "CH"]}, {"residency": ["EU"]}, False, True),
            ({"residencies": ["EU"]}, {"residency": ["EU", "US"]}, True, True),
            ({"residencies": ["EU"]}, {"training_use": False}, True, False),
            (
                {"requires_no_training": True, "max_retention_days": 3},
                {"training_use": True},
                True,
                True,
            ),
        ],
    )
    def test_conditions_on_data_terms_are_held_against_the_terms_and_unknown_meets_none(
        self, levels, say, governance, conditions, terms, against, certain
    ):
        say(levels.foundation, "restricted", **conditions)
        make_data_terms(levels.offering, **terms)

        rows = self.found(governance).rows

        assert bool(rows) is against
        assert all(row.certain is certain and len(row.why) == 1 for row in rows)
        [obstacle] = obstacles_to_use(
            application=levels.application, offering=levels.offering, on=TODAY
        ) or [None]
        assert (obstacle is not None) is against
        if obstacle is not None:
            assert obstacle.grounds == ("data_terms",)
            assert bool(obstacle.open_grounds) is not certain

    def test_a_violated_term_is_said_in_a_sentence(self, levels, say, governance):
        say(levels.foundation, "restricted", requires_no_training=True, max_retention_days=7)
        make_data_terms(levels.offering, training_use=True)

        [row] = self.found(governance).rows

        [sentence] = row.why
        assert sentence.startswith("Inputs are used for training, and the approval of ")
        assert "It is unknown how long data is kept" in sentence

    @pytest.mark.parametrize(
        ("data_class", "against", "certain"),
        [("internal", False, True), ("confidential", True, True), ("", True, False)],
    )
    def test_conditions_for_a_data_class_apply_to_that_class_and_to_an_unknown_one(
        self, levels, say, governance, data_class, against, certain
    ):
        type(levels.application).objects.update(data_classification=data_class)
        say(
            levels.foundation,
            "restricted",
            requires_no_training=True,
            terms_data_classes=["confidential", "secret"],
        )
        make_data_terms(levels.offering, training_use=True)

        rows = self.found(governance).rows

        assert bool(rows) is against
        assert all(row.certain is certain for row in rows)

    def test_data_classes_without_a_condition_are_refused(self, levels, say):
        with pytest.raises(ValidationError):
            say(
                levels.foundation,
                "restricted",
                regions=["EU"],
                terms_data_classes=["confidential"],
            )

    def test_an_application_in_two_regions_needs_both(self, levels, say, governance):
        type(levels.application).objects.update(geography="EU, US")
        approval = say(levels.foundation, "restricted", regions=["EU"])
        assert self.held(governance) == {approval}

        replace_decision(
            approval=approval,
            decision="restricted",
            reason="wider",
            at=NOW,
            by=governance,
            expires_on=IN_A_YEAR,
            regions=["EU", " us "],
        )

        assert self.held(governance) == set()

    def test_what_is_not_on_record_may_lie_outside_and_is_said_to_be_uncertain(
        self, levels, say, governance
    ):
        type(levels.application).objects.update(geography="", data_classification="")
        say(levels.foundation, "restricted", regions=["EU"], data_classes=["public"])

        [row] = self.found(governance).rows

        assert not row.certain
        assert all("not recorded" in sentence for sentence in row.why)

    def test_one_thing_that_is_certain_makes_it_certain(self, levels, say, governance):
        type(levels.application).objects.update(geography="")
        say(levels.foundation, "restricted", regions=["EU"], criticalities=[Criticality.LOW])

        [row] = self.found(governance).rows

        assert row.certain
        assert len(row.why) == 2

    def test_an_expired_or_revoked_decision_is_held_against_nobody(self, levels, say, governance):
        say(levels.foundation, "restricted", regions=["US"])
        assert approval_violations(user=governance, on=IN_A_YEAR).n_total == 0
        revoke_decision(approval=Approval.objects.get(), reason="mistaken", at=NOW, by=governance)

        assert self.found(governance).n_total == 0

    def test_readers_see_their_own_teams(self, levels, say, governance, team):
        say(levels.foundation)
        make_dependency(make_application(), levels.offering)
        viewer = make_member(team, TeamRole.VIEWER)

        assert self.found(governance).n_total == 2
        assert [row.dependency for row in self.found(governance, user=viewer).rows] == [
            levels.dependency
        ]
        assert self.found(governance, user=make_member(make_team())).n_total == 0

    def test_it_is_narrowed_to_a_foundation_or_a_decision(self, levels, say, governance):
        other = make_dependency(levels.application, make_offering())
        first, second = say(levels.foundation), say(other.offering.version.foundation)

        assert self.held(governance, nodes=[(NodeKind.FOUNDATION, levels.foundation.pk)]) == {first}
        assert self.held(governance, approval=second.pk) == {second}

    def test_the_gravest_come_first_and_the_total_counts_all(self, levels, say, governance, team):
        say(levels.foundation)
        grave = make_dependency(
            make_application(team=team, criticality=Criticality.CRITICAL), levels.offering
        )

        found = self.found(governance, limit=1)

        assert ([row.dependency for row in found.rows], found.n_total) == ([grave], 2)

    def test_a_use_that_is_only_considered_is_judged_by_the_same_rules(
        self, levels, say, governance
    ):
        elsewhere = make_offering("base", host=make_provider("other-host"), version=levels.version)
        host = say(levels.host)

        def obstacles(offering, **given):
            found = obstacles_to_use(
                application=levels.application, offering=offering, on=TODAY, **given
            )
            return [(obstacle.approval, obstacle.certain) for obstacle in found]

        assert obstacles(levels.offering) == [(host, True)]
        assert obstacles(elsewhere) == []
        gateway = say(levels.gateway)
        assert obstacles(elsewhere, via_party=levels.gateway) == [(gateway, True)]

    def test_it_costs_three_statements_for_one_and_for_many(self, levels, say, governance, team):
        say(levels.foundation)
        say(levels.host)

        def statements():
            with CaptureQueriesContext(connection) as counted:
                for row in self.found(governance).rows:
                    assert row.approval.target
                    assert row.dependency.application.team.name
                    assert row.dependency.offering.version.foundation.name
            return len(counted)

        one = statements()
        for _ in range(20):
            make_dependency(make_application(team=team), levels.offering)
        assert one == statements() == 3


@pytest.mark.django_db(transaction=True)
def test_of_two_decisions_on_the_same_at_once_one_is_made():
    people = [make_user("gus", role="governance"), make_user("gita", role="governance")]
    foundation = make_foundation()
    barrier, outcomes = Barrier(2), []

    def run(person):
        barrier.wait()
        try:
            record_decision(target=foundation, decision="blocked", reason="no", at=NOW, by=person)
            outcomes.append("decided")
        except ConflictError as refusal:
            outcomes.append(str(refusal))
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Approval.objects.count() == outcomes.count("decided") == 1
    assert any(f"{Approval.objects.get().approver}). Replace" in words for words in outcomes)
