"""What looks wrong or unfinished is said with a sentence, and nothing of it is refused."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.footing import refresh_footing
from apps.exposure.engine.table_refresh import refresh
from apps.inventory.findings import (
    _SENTENCES,
    CODES,
    Severity,
    findings_about,
    findings_of,
    findings_of_application,
)
from apps.inventory.governance.violations import approval_violations
from apps.inventory.models import (
    Approval,
    CachedFinding,
    ExitTest,
    Requirement,
    StaleApplication,
)
from apps.inventory.read_models import refresh_stale_applications
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_data_terms,
    make_dependency,
    make_exit_plan,
    make_offering,
    make_provider,
    make_user,
    make_version,
)
from tests.worlds.fit import require, settle

pytestmark = pytest.mark.django_db

ONE_DAY = timedelta(days=1)


@pytest.fixture
def application():
    return make_application()


def use(application, offering=None, role="primary", **fields):
    fields.setdefault("monthly_input_tokens", 1)
    return make_dependency(application, offering or make_offering(), role, **fields)


def codes(application):
    return [finding.code for finding in findings_of_application(application=application, on=TODAY)]


def sentence(application, code):
    [found] = [
        row
        for row in findings_of_application(application=application, on=TODAY)
        if row.code == code
    ]
    return found.sentence


def decide(decision="approved", by=None, **fields):
    fields.setdefault("expires_on", None if decision == "blocked" else TODAY + 100 * ONE_DAY)
    return Approval.objects.create(
        decision=decision,
        reason="because",
        approver=by or make_user(),
        decided_on=TODAY - 10 * ONE_DAY,
        **fields,
    )


def test_a_sound_application_has_none(application):
    use(application)

    assert codes(application) == []


def test_every_rule_has_its_sentence():
    assert set(CODES) == set(_SENTENCES)


class TestShares:
    @pytest.mark.parametrize(
        ("shares", "expected"),
        [
            (("0.6", "0.3"), ["shares_do_not_sum"]),
            (("0.6", "0.4"), []),
            ((None, None), []),
            (("0.6", "0.6"), ["shares_do_not_sum"]),
            (("0", "0"), ["shares_do_not_sum"]),
            (("0.7", None), []),
            (("1", None), ["shares_leave_nothing"]),
            (("1.2", None, None), ["shares_leave_nothing"]),
            (("0.333333333333333", "0.333333333333333", "0.333333333333333"), []),
            (("0.5",), ["shares_do_not_sum"]),
        ],
    )
    def test_that_do_not_add_up_or_leave_nothing(self, application, shares, expected):
        for share in shares:
            use(application, traffic_share=share and Decimal(share))

        assert codes(application) == expected

    def test_are_named_in_the_sentence(self, application):
        use(application, traffic_share=Decimal("0.9"))

        assert sentence(application, "shares_do_not_sum") == (
            "The traffic shares of the primary models add up to 0.9, not 1, and are scaled "
            "to 1. Correct the shares."
        )


class TestFallbacks:
    def test_on_the_primarys_own_offering(self, application):
        primary = use(application)
        fallback = use(application, primary.offering, "fallback", fallback_order=1)

        [finding] = findings_of_application(application=application, on=TODAY)

        assert (finding.code, finding.severity, finding.dependency_id) == (
            "fallback_is_primary",
            Severity.ERROR,
            fallback.pk,
        )

    def test_on_what_answers_for_the_primary(self, application):
        answering = make_offering()
        old = make_offering(
            retires_on=TODAY, date_kind="firm", end_behaviour="redirect", replacement=answering
        )
        refresh_footing([old.pk], today=TODAY)
        use(application, old)
        use(application, answering, "fallback", fallback_order=1)

        assert codes(application) == ["fallback_is_primary", "redirected"]

    def test_on_the_same_version_at_the_same_host(self, application):
        version, host = make_version(), make_provider("host-of-both")
        use(application, make_offering(version=version, host=host))
        use(application, make_offering(version=version, host=host), "fallback", fallback_order=1)
        use(application, make_offering(version=version), "fallback", fallback_order=2)

        assert codes(application) == ["fallback_same_version"]

    def test_a_fallback_that_lacks_what_the_primary_model_is_used_for(self, application):
        primary = use(application, make_offering("main"))
        seeing = use(application, make_offering("seeing"), "fallback", fallback_order=1)
        blind = use(application, make_offering("blind"), "fallback", fallback_order=2)
        needs = {
            "vision": True,
            "audio_input": False,
            "pdf": True,
            "context_window": 100_000,
            "input_modalities": ["image", "text"],
            "knowledge_cutoff": "2024-06",
        }
        require(primary, **needs)
        # a little smaller is the same limit, and what nobody states is no finding
        settle(seeing.offering, vision=True, audio_input=False, context_window=96_000)
        assert codes(application) == []

        settle(
            blind.offering,
            vision=False,
            audio_input=False,
            context_window=32_000,
            input_modalities=["text"],
            knowledge_cutoff="2023-10",
        )
        assert codes(application) == ["fallback_lacks"]
        assert sentence(application, "fallback_lacks") == (
            "The fallback blind takes no image input, has no image input, has a context window of "
            "32,000 tokens (100,000 needed) and has a knowledge cutoff of 2023-10, before 2024-06, "
            "but the primary model main is used for that. Choose another fallback."
        )

    def test_an_observed_use_counts_against_a_declaration_without_it(self, application):
        primary = use(application, make_offering("main"))
        blind = use(application, make_offering("blind"), "fallback", fallback_order=1)
        require(primary, vision=False)
        settle(blind.offering, vision=False)
        assert codes(application) == []
        Requirement.objects.create(
            dependency=primary, field="vision", value=True, origin="observed"
        )
        assert sentence(application, "fallback_lacks") == (
            "The fallback blind has no image input, but the primary model main is used for that. "
            "Choose another fallback."
        )

    @pytest.mark.parametrize(
        ("orders", "has_gap"),
        [
            ((1, 2), False),
            ((0,), False),
            ((1,), False),
            ((2,), True),
            ((1, 3), True),
            ((1, 1), True),
            ((0, 0), True),
        ],
    )
    def test_are_numbered_without_gaps(self, application, orders, has_gap):
        use(application)
        for order in orders:
            use(application, None, "fallback", fallback_order=order)

        assert ("fallback_order" in codes(application)) == has_gap


class TestUse:
    def test_a_retired_application_that_still_uses_something(self):
        application = make_application(status="retired")
        use(application)

        assert codes(application) == ["retired_with_live"]

    def test_no_primary(self, application):
        use(application, None, "judge")

        assert codes(application) == ["no_primary"]
        assert "or change the role of" in sentence(application, "no_primary")
        assert sentence(make_application(), "no_primary").endswith("Declare a primary model.")
        assert codes(make_application(status="proposed")) == []

    def test_an_offering_nobody_has_placed(self, application):
        use(application, make_offering("mystery", version=None, resolved=False))

        assert "mystery is not linked to a foundation" in sentence(application, "unresolved")

    def test_no_tokens(self, application):
        make_dependency(application, make_offering())

        assert codes(application) == ["tokens_missing"]

    def test_what_was_observed_and_not_declared(self, application):
        use(application, origin="observed")

        assert codes(application) == ["observed_only"]

    def test_what_is_declared_as_not_used_and_observed(self, application):
        dependency = use(application)
        Requirement.objects.create(dependency=dependency, field="pdf", value=False)
        Requirement.objects.create(
            dependency=dependency, field="vision", value=True, origin="observed"
        )
        assert codes(application) == []

        StaleApplication.objects.all().delete()
        observed = Requirement.objects.create(
            dependency=dependency,
            field="pdf",
            value=True,
            origin="observed",
            last_seen_on=TODAY,
            n_requests=1,
        )
        assert StaleApplication.objects.get().application_id == application.pk
        assert sentence(application, "requirement_contradicted") == (
            f"PDF input is declared as not used with {dependency.offering.api_id}, but was "
            f"observed on {TODAY}. Correct the requirements."
        )
        # further requests change no finding
        StaleApplication.objects.all().delete()
        Requirement.objects.filter(pk=observed.pk).update(n_requests=2)
        assert not StaleApplication.objects.exists()

        Requirement.objects.filter(origin="declared").update(value=True)
        assert StaleApplication.objects.get().application_id == application.pk
        assert codes(application) == []

    @pytest.mark.parametrize(
        ("facts", "found"),
        [
            ({"lifecycle": "retired"}, True),
            ({"retires_on": TODAY, "date_kind": "firm"}, True),
            ({"retires_on": TODAY, "date_kind": "not_before"}, False),
            ({"retires_on": TODAY + ONE_DAY, "date_kind": "firm"}, False),
        ],
    )
    def test_on_a_retired_offering(self, application, facts, found):
        use(application, make_offering(**facts))

        assert codes(application) == (["retired_offering"] if found else [])

    def test_ended_rows_say_nothing(self, application):
        use(application)
        use(application, make_offering(lifecycle="retired"), until=TODAY)

        assert codes(application) == []

    def test_a_review_that_is_due(self):
        overdue, due_today = (
            make_application(next_review_on=day) for day in (TODAY - ONE_DAY, TODAY)
        )
        for application in (overdue, due_today):
            use(application)

        assert (codes(overdue), codes(due_today)) == (["review_overdue"], [])


class TestDecisions:
    def test_a_block_is_named_with_its_reason(self, application):
        use(application)
        decide("blocked", provider=application.dependencies.get().offering.host)

        assert sentence(application, "blocked").endswith("approval decision. Reason: because")

    def test_the_narrowest_decision_wins(self, application):
        offering = use(application).offering
        foundation = offering.version.foundation
        decide("blocked", provider=foundation.developer)
        assert codes(application) == ["blocked"]
        decide("approved", foundation=foundation)
        assert codes(application) == []
        decide("blocked", version=offering.version)
        assert codes(application) == ["blocked"]
        decide("approved", offering=offering)
        assert codes(application) == []

    def test_of_developer_and_host_the_stricter_wins(self, application):
        offering = use(application).offering
        decide("approved", provider=offering.version.foundation.developer)
        decide("blocked", provider=offering.host)

        assert codes(application) == ["blocked"]

    @pytest.mark.parametrize(
        ("restriction", "word"),
        [
            ({"data_classes": ["public"]}, "public (here internal)"),
            ({"data_classes": ["internal"]}, None),
            ({"criticalities": [3]}, "low (here standard)"),
            ({"criticalities": [0, 2]}, None),
            ({"regions": ["eu-west-1"]}, "eu-west-1 (here us-east-1)"),
            ({"regions": ["us-east-1", "x"]}, None),
        ],
    )
    def test_a_restriction_that_is_not_met_says_which(self, restriction, word):
        application = make_application(data_classification="internal", geography="us-east-1")
        offering = use(application).offering
        decide("restricted", offering=offering, **restriction)

        assert codes(application) == (["restricted"] if word else [])
        assert word is None or word in sentence(application, "restricted")

    def test_data_terms_that_an_approval_does_not_allow_are_said(self):
        application = make_application(data_classification="internal")
        offering = use(application).offering
        decide("restricted", offering=offering, requires_no_training=True)
        make_data_terms(offering, training_use=True)

        assert codes(application) == ["restricted"]
        assert "requires that they are not" in sentence(application, "restricted")

    def test_what_is_not_stated_does_not_meet_a_restriction(self, application):
        decide(
            "restricted",
            offering=use(application).offering,
            data_classes=["public"],
            regions=["eu"],
        )

        assert "(here not recorded)" in sentence(application, "restricted")
        assert "(here not recorded)" in sentence(application, "restricted")

    def test_findings_and_the_page_of_decisions_go_by_one_rule(self, application):
        party, parent = make_provider("a-gateway"), make_provider("its-parent")
        party.parent = parent
        party.save()
        direct = use(application).offering
        through = use(application, reached="gateway", via_party=party)
        tuned = use(application).offering
        decide("blocked", provider=parent)
        decide("blocked", provider=direct.version.foundation.developer)
        decide("approved", foundation=direct.version.foundation)
        decide("restricted", version=tuned.version, data_classes=["public"])

        held = approval_violations(user=make_user(role="governance"), on=TODAY)
        found = findings_of_application(application=application, on=TODAY)

        assert {(row.code, row.dependency_id) for row in found} == {
            ("blocked", through.pk),
            ("restricted", application.dependencies.get(offering=tuned).pk),
        }
        assert {row.dependency.pk for row in held.rows} == {row.dependency_id for row in found}

    def test_an_expired_one_is_asked_for_again_and_a_revoked_one_is_nothing(self, application):
        offering = use(application).offering
        approval = decide("approved", offering=offering, expires_on=TODAY)
        assert codes(application) == ["approval_expired"]

        Approval.objects.filter(pk=approval.pk).update(revoked_at=NOW)
        assert codes(application) == []

    def test_an_expired_one_covered_by_a_wider_one_is_still_said_and_by_a_narrower_one_not(
        self, application
    ):
        offering = use(application).offering
        decide("approved", version=offering.version, expires_on=TODAY)
        decide("approved", provider=offering.host)
        assert codes(application) == ["approval_expired"]

        decide("approved", offering=offering)
        assert codes(application) == []


class TestDataTerms:
    SENSITIVE = (
        {"data_classification": "confidential"},
        {"data_classification": "secret"},
        {"data_classification": "internal", "personal_data": True},
    )

    @pytest.mark.parametrize("sensitive", SENSITIVE)
    def test_sensitive_data_on_which_the_host_trains_is_an_error(self, sensitive):
        application = make_application(**sensitive)
        make_data_terms(use(application).offering, training_use=True)

        assert codes(application) == ["training_on_confidential"]
        said = sentence(application, "training_on_confidential")
        assert "are used for training (Terms of the host, 2026-05-01)" in said

    @pytest.mark.parametrize("sensitive", SENSITIVE)
    def test_unknown_terms_are_one_note_per_application_and_never_an_error(self, sensitive):
        application = make_application(**sensitive)
        make_data_terms(use(application).offering, retention_days=30)
        use(application, role="fallback", fallback_order=1)

        assert codes(application) == ["training_use_unknown"]
        assert "and 1 other model" in sentence(application, "training_use_unknown")

    def test_inputs_that_are_not_used_for_training_are_no_finding(self):
        application = make_application(data_classification="secret")
        make_data_terms(use(application).offering, training_use=False)

        assert codes(application) == []

    def test_data_that_is_not_confidential_may_be_trained_on(self):
        application = make_application(data_classification="internal", personal_data=False)
        make_data_terms(use(application).offering, training_use=True)

        assert codes(application) == []

    def test_the_stored_findings_follow_a_change_of_the_terms(self):
        application = make_application(data_classification="secret")
        offering = use(application).offering
        refresh(on=TODAY)
        refresh_stale_applications(on=TODAY)
        make_data_terms(offering, training_use=True)

        refresh(on=TODAY)
        refresh_stale_applications(on=TODAY)

        stored = CachedFinding.objects.filter(application_id=application.pk)
        assert list(stored.values_list("code", flat=True)) == ["training_on_confidential"]


class TestExits:
    def test_a_plan_without_a_test(self, application):
        dependency = use(application)
        make_exit_plan(dependency)
        assert codes(application) == ["exit_untested"]

        self.record(dependency)
        assert codes(application) == []

    @pytest.mark.parametrize(
        ("facts", "word"),
        [
            ({"result": "failed"}, "failed"),
            ({"result": "partial"}, "passed only partly"),
            ({"expires_on": TODAY}, "expired on 2026-11-24"),
            ({"tested_on": TODAY - 365 * ONE_DAY}, "expired on"),
            ({"tested_on": TODAY - 364 * ONE_DAY}, None),
        ],
    )
    def test_a_test_that_no_longer_counts_says_why(self, application, facts, word):
        self.record(use(application), **facts)

        assert codes(application) == (["test_lapsed"] if word else [])
        assert word is None or word in sentence(application, "test_lapsed")

    def test_another_version_than_the_tested_one(self, application):
        self.record(use(application), tested_version=make_version())

        assert "another version" in sentence(application, "test_lapsed")

    def test_one_good_way_out_is_enough_and_the_last_test_of_each_counts(self, application):
        dependency, target = use(application), make_offering()
        self.record(dependency, target=target, tested_on=TODAY - 9 * ONE_DAY)
        self.record(dependency, target=target, tested_on=TODAY - 5 * ONE_DAY, result="failed")
        assert codes(application) == ["test_lapsed"]

        self.record(dependency)
        assert codes(application) == []

    def record(self, dependency, **facts):
        facts = {
            "target": make_offering(),
            "tested_on": TODAY - 9 * ONE_DAY,
            "result": "passed",
        } | facts
        return ExitTest.objects.create(dependency=dependency, **facts)


def test_a_form_on_one_dependency_hears_of_it_and_of_the_whole(application):
    first = use(application, make_offering(lifecycle="retired"), traffic_share=Decimal("0.5"))
    use(application, make_offering(lifecycle="retired"), traffic_share=Decimal("0.1"))

    heard = findings_about(findings_of_application(application=application, on=TODAY), first.pk)

    assert [(row.code, row.dependency_id) for row in heard] == [
        ("retired_offering", first.pk),
        ("shares_do_not_sum", None),
    ]


def test_one_statement_for_any_number_of_applications():
    applications = [make_application() for _ in range(4)]
    for application in applications[1:]:
        use(application, make_offering(lifecycle="retired"))

    with CaptureQueriesContext(connection) as asked:
        found = findings_of(application_ids=[row.pk for row in applications], on=TODAY)

    assert len(asked) == 1
    assert [(row.application_id, row.code) for row in found] == [
        (applications[0].pk, "no_primary"),
        *((row.pk, "retired_offering") for row in applications[1:]),
    ]
