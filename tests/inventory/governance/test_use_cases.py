"""Proposed use cases: links, proposals, risk tier, and the decision of governance."""

from datetime import timedelta
from threading import Barrier, Thread
from uuid import uuid4

import pytest
from django.db import connections

from apps.common.errors import ConflictError, DomainError, ForbiddenError
from apps.common.retention import delete_expired_rows
from apps.inventory.actions.applications import change_application
from apps.inventory.governance.approvals import record_decision
from apps.inventory.governance.use_cases import links, tiers
from apps.inventory.governance.use_cases.applying_approvals import applying_approvals
from apps.inventory.governance.use_cases.decisions import (
    accept_use_case,
    ask_question,
    decline_use_case,
    undo_decision,
    withdraw_question,
)
from apps.inventory.governance.use_cases.model_candidates import read_planned_model
from apps.inventory.governance.use_cases.similar import find_similar
from apps.inventory.governance.use_cases.submissions import answer_question, submit_use_case
from apps.inventory.models import (
    Application,
    Dependency,
    ProposedUseCase,
    UseCaseLink,
    UseCaseQuestion,
)
from apps.inventory.retention import DECLINED_USE_CASE_DAYS
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_foundation,
    make_offering,
    make_provider,
    make_team,
    make_use_case,
    make_use_case_link,
    make_user,
    make_version,
    use_case_answers,
)

pytestmark = pytest.mark.django_db
UNKNOWN_ANSWERS = {
    "users_affected": None,
    "affects_public": None,
    "decisions_about_people": "",
    "ai_act_area": "",
    "prohibited_practice": None,
    "autonomy": "",
    "data_classification": "",
    "personal_data": None,
}


@pytest.fixture
def governance():
    return make_user("gus", role="governance")


class TestTiers:
    def test_harmless_answers_are_of_the_low_tier(self):
        assert make_use_case().tier == "low"

    @pytest.mark.parametrize(
        ("answers", "tier", "code"),
        [
            ({"prohibited_practice": True}, "high", "prohibited_practice"),
            ({"ai_act_area": "services"}, "high", "listed_area"),
            ({"decisions_about_people": "decides"}, "high", "decides"),
            ({"data_classification": "secret"}, "high", "secret_data"),
            ({"autonomy": "autonomous", "affects_public": True}, "high", "autonomous_public"),
            ({"decisions_about_people": "supports"}, "medium", "supports"),
            ({"affects_public": True}, "medium", "public"),
            ({"personal_data": True}, "medium", "personal_data"),
            ({"data_classification": "confidential"}, "medium", "confidential_data"),
            ({"autonomy": "autonomous"}, "medium", "autonomous"),
            ({"users_affected": 10_000}, "medium", "many_people"),
        ],
    )
    def test_each_rule_gives_its_tier(self, answers, tier, code):
        use_case = make_use_case(**answers)

        assert (use_case.tier, code in use_case.tier_rules) == (tier, True)
        assert use_case.tier_version == tiers.VERSION

    @pytest.mark.parametrize("name", UNKNOWN_ANSWERS)
    def test_one_unknown_answer_is_never_the_low_tier(self, name):
        use_case = make_use_case(**{name: UNKNOWN_ANSWERS[name]})

        assert use_case.tier == "medium"
        assert use_case.tier_rules == [f"unknown:{name}"]

    def test_every_answer_that_a_rule_reads_is_required_for_the_low_tier(self):
        assert set(UNKNOWN_ANSWERS) == set(tiers.REQUIRED_FOR_LOW)

    @pytest.mark.parametrize(
        ("answers", "suggestion"),
        [
            ({}, "limited"),
            ({"interacts_with_people": False}, "minimal"),
            ({"interacts_with_people": None}, ""),
            ({"ai_act_area": "employment", "interacts_with_people": None}, "high"),
            ({"ai_act_area": ""}, ""),
            ({"prohibited_practice": True, "ai_act_area": ""}, "prohibited"),
            ({"prohibited_practice": None}, ""),
        ],
    )
    def test_a_class_is_suggested_unless_an_unknown_answer_could_change_it(
        self, answers, suggestion
    ):
        assert make_use_case(**answers).suggested_class == suggestion

    def test_the_reasons_are_sentences(self):
        use_case = make_use_case(ai_act_area="employment", personal_data=None)

        assert tiers.tier_reasons(use_case.tier_rules) == [
            "It is used in an area of Annex III of the AI Act.",
            "Unknown: personal data.",
        ]
        assert tiers.tier_reasons([]) == ["No rule gives a higher tier."]


class TestLinks:
    def test_a_link_is_found_by_its_token_only(self, governance):
        link = make_use_case_link()
        token = links.link_token(link)

        assert links.link_of_token(token, at=NOW) == link
        for wrong in (str(link.pk), f"{link.pk}.x", token[:-1], "", f"{link.pk + 1}{token[1:]}"):
            with pytest.raises(links.UnknownLinkError):
                links.link_of_token(wrong, at=NOW)

    def test_the_token_of_a_question_does_not_open_the_form(self, governance):
        question = ask_question(use_case=make_use_case(), question="Why?", by=governance, at=NOW)

        with pytest.raises(links.UnknownLinkError):
            links.link_of_token(links.answer_token(question), at=NOW)

    @pytest.mark.parametrize(
        "closed",
        [
            {"expires_on": TODAY},
            {"max_submissions": 2, "n_submissions": 2},
        ],
    )
    def test_an_expired_or_used_link_is_closed(self, closed):
        token = links.link_token(make_use_case_link(**closed))

        with pytest.raises(links.ClosedLinkError):
            links.link_of_token(token, at=NOW)

    def test_a_link_is_revoked_and_restored_by_governance(self, governance):
        link = make_use_case_link()

        links.revoke_link(link=link, by=governance, at=NOW)
        with pytest.raises(links.ClosedLinkError):
            links.link_of_token(links.link_token(link), at=NOW)
        with pytest.raises(ConflictError, match="gus already revoked"):
            links.revoke_link(link=link, by=governance, at=NOW)
        links.restore_link(link=link, by=governance)

        assert links.link_of_token(links.link_token(link), at=NOW) == link

    def test_nobody_else_makes_or_revokes_links(self):
        auditor = make_user(role="auditor")

        with pytest.raises(ForbiddenError):
            links.create_link(
                name="All",
                expires_on=TODAY + timedelta(days=9),
                max_submissions=3,
                by=auditor,
                at=NOW,
            )
        with pytest.raises(ForbiddenError):
            links.revoke_link(link=make_use_case_link(), by=auditor, at=NOW)

    @pytest.mark.parametrize("days", [0, -1, 400])
    def test_a_link_expires_within_a_year(self, governance, days):
        with pytest.raises(DomainError, match="within a year"):
            links.create_link(
                name="All",
                expires_on=TODAY + timedelta(days=days),
                max_submissions=3,
                by=governance,
                at=NOW,
            )


class TestSubmissions:
    def test_the_same_form_sent_twice_is_one_proposal(self):
        link, key = make_use_case_link(), uuid4()

        first, second = (
            submit_use_case(link=link, answers=use_case_answers(), form_key=key, at=NOW)
            for _ in range(2)
        )

        assert first == second
        assert UseCaseLink.objects.get().n_submissions == 1

    def test_not_more_are_taken_than_the_link_allows(self):
        link = make_use_case_link(max_submissions=2)
        make_use_case(link)
        make_use_case(link)

        with pytest.raises(links.ClosedLinkError):
            make_use_case(link)
        assert ProposedUseCase.objects.count() == 2

    def test_the_history_has_neither_name_nor_address_nor_answers(self):
        use_case = make_use_case()

        entry = use_case.history.get()

        tracked = {field.name for field in entry._meta.fields}
        assert not {"proposer_name", "proposer_email", "purpose", "name"} & tracked
        assert entry.pgh_context.metadata["job"] == "proposal form"


@pytest.mark.django_db(transaction=True)
def test_of_two_who_send_the_last_proposal_one_is_refused():
    link = make_use_case_link(max_submissions=1)
    barrier, refused = Barrier(2), []

    def send():
        try:
            barrier.wait()
            make_use_case(link)
        except links.ClosedLinkError:
            refused.append(True)
        finally:
            connections.close_all()

    threads = [Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(refused), ProposedUseCase.objects.count()) == (1, 1)


class TestDecisions:
    def test_an_accepted_use_case_is_a_proposed_application_with_its_model(self, governance):
        use_case, team, offering = make_use_case(), make_team(), make_offering()

        accepted = accept_use_case(
            use_case=use_case,
            name="Answers",
            team=team,
            facts={"business_owner": "Ilse Brandt", "ai_act_class": "limited"},
            offering=offering,
            since=TODAY,
            by=governance,
            at=NOW,
            reason="Fine.",
        )

        application = Application.objects.get()
        assert (accepted.state, accepted.application) == ("accepted", application)
        assert (application.status, application.team) == ("proposed", team)
        assert (application.geography, application.users_affected) == ("CH", 30)
        assert (application.ai_act_class, application.ai_act_role) == ("limited", "deployer")
        dependency = Dependency.objects.get()
        assert (dependency.offering, dependency.role, dependency.since) == (
            offering,
            "primary",
            TODAY,
        )
        assert dependency.monthly_requests == 2000

    def test_an_accepted_use_case_can_be_without_a_model(self, governance):
        accept_use_case(
            use_case=make_use_case(), name="Answers", team=make_team(), by=governance, at=NOW
        )

        assert not Dependency.objects.exists()

    def test_undoing_an_acceptance_removes_the_application(self, governance):
        accepted = accept_use_case(
            use_case=make_use_case(),
            name="Answers",
            team=make_team(),
            offering=make_offering(),
            since=TODAY,
            by=governance,
            at=NOW,
        )

        undone = undo_decision(use_case=accepted, by=governance)

        assert (undone.state, undone.application, undone.decided_by) == ("proposed", None, None)
        assert not Application.objects.exists()
        assert not Dependency.objects.exists()

    def test_an_acceptance_is_not_undone_once_the_application_was_changed(self, governance):
        administrator = make_user(role="admin")
        accepted = accept_use_case(
            use_case=make_use_case(), name="Answers", team=make_team(), by=governance, at=NOW
        )
        change_application(
            application=accepted.application, facts={"name": "Other"}, by=administrator
        )

        with pytest.raises(ConflictError, match="has changed the application"):
            undo_decision(use_case=accepted, by=governance)

        assert ProposedUseCase.objects.get().state == "accepted"

    def test_a_refusal_needs_a_reason_and_can_be_undone(self, governance):
        use_case = make_use_case()
        with pytest.raises(DomainError, match="Enter a reason"):
            decline_use_case(use_case=use_case, by=governance, at=NOW, reason=" ")

        declined = decline_use_case(use_case=use_case, by=governance, at=NOW, reason="No owner.")
        undone = undo_decision(use_case=declined, by=governance)

        assert (declined.state, undone.state, undone.decision_reason) == (
            "declined",
            "proposed",
            "",
        )

    def test_the_second_of_two_decisions_names_the_first(self, governance):
        use_case = make_use_case()
        decline_use_case(use_case=use_case, by=governance, at=NOW, reason="No.")

        with pytest.raises(ConflictError, match="gus already declined"):
            accept_use_case(
                use_case=use_case, name="Answers", team=make_team(), by=governance, at=NOW
            )

    def test_a_question_is_answered_once(self, governance):
        question = ask_question(use_case=make_use_case(), question="Why?", by=governance, at=NOW)
        assert ProposedUseCase.objects.get().state == "question"
        with pytest.raises(ConflictError, match="Another question"):
            ask_question(use_case=question.use_case, question="How?", by=governance, at=NOW)

        answer_question(question=question, answer="Because.", at=NOW)

        assert ProposedUseCase.objects.get().state == "proposed"
        with pytest.raises(links.ClosedLinkError):
            answer_question(question=question, answer="Again.", at=NOW)
        with pytest.raises(links.ClosedLinkError):
            links.question_of_token(links.answer_token(question), at=NOW)

    def test_a_withdrawn_question_closes_its_link(self, governance):
        question = ask_question(use_case=make_use_case(), question="Why?", by=governance, at=NOW)

        withdraw_question(question=question, by=governance, at=NOW)

        assert ProposedUseCase.objects.get().state == "proposed"
        with pytest.raises(links.ClosedLinkError):
            links.question_of_token(links.answer_token(question), at=NOW)

    def test_a_question_of_a_decided_use_case_cannot_be_answered(self, governance):
        use_case = make_use_case()
        question = ask_question(use_case=use_case, question="Why?", by=governance, at=NOW)
        decline_use_case(use_case=use_case, by=governance, at=NOW, reason="No.")

        with pytest.raises(links.ClosedLinkError):
            links.question_of_token(links.answer_token(question), at=NOW)

    def test_nobody_else_decides(self):
        auditor, use_case = make_user(role="auditor"), make_use_case()

        for decide in (
            lambda: decline_use_case(use_case=use_case, by=auditor, at=NOW, reason="No."),
            lambda: accept_use_case(
                use_case=use_case, name="A", team=make_team(), by=auditor, at=NOW
            ),
            lambda: ask_question(use_case=use_case, question="Why?", by=auditor, at=NOW),
            lambda: undo_decision(use_case=use_case, by=auditor),
        ):
            with pytest.raises(ForbiddenError):
                decide()


class TestVisibility:
    @pytest.mark.parametrize("role", ["governance", "admin", "auditor"])
    def test_organisation_roles_see_all(self, role):
        make_use_case()

        assert ProposedUseCase.objects.visible_to(make_user(role=role)).count() == 1

    def test_other_users_see_none(self, governance):
        ask_question(use_case=make_use_case(), question="Why?", by=governance, at=NOW)
        user = make_user()

        for model in (ProposedUseCase, UseCaseLink, UseCaseQuestion):
            assert not model.objects.visible_to(user).exists()


class TestRetention:
    def test_a_declined_use_case_is_deleted_with_its_questions(self, governance):
        use_case = make_use_case()
        ask_question(use_case=use_case, question="Why?", by=governance, at=NOW)
        decline_use_case(use_case=use_case, by=governance, at=NOW, reason="No.")
        days = timedelta(days=DECLINED_USE_CASE_DAYS)

        delete_expired_rows(at=NOW + days)
        assert ProposedUseCase.objects.count() == 1
        delete_expired_rows(at=NOW + days + timedelta(days=1))

        assert not ProposedUseCase.objects.exists()
        assert not UseCaseQuestion.objects.exists()
        assert UseCaseLink.objects.exists()

    def test_undecided_and_accepted_ones_stay(self, governance):
        make_use_case()
        accept_use_case(use_case=make_use_case(), name="A", team=make_team(), by=governance, at=NOW)

        delete_expired_rows(at=NOW + timedelta(days=2000))

        assert ProposedUseCase.objects.count() == 2


class TestWhatGovernanceSees:
    def test_a_name_is_read_with_its_candidates(self):
        host = make_provider("bedrock", name="Amazon Bedrock")
        foundation = make_foundation("anthropic/claude-sonnet-4.5", name="Claude Sonnet 4.5")
        version = make_version("anthropic/claude-sonnet-4.5-20250929", foundation=foundation)
        make_offering("claude-sonnet-4-5-20250929", version=version)
        offering = make_offering(
            "anthropic.claude-sonnet-4-5-20250929-v1:0", version=version, host=host
        )

        reading = read_planned_model(
            make_use_case(model_text="Claude Sonnet 4.5", vendor_text="AWS Bedrock")
        )

        # that of the host which was named comes first
        assert (reading.offerings[0], len(reading.offerings)) == (offering, 2)
        assert reading.versions == (version,)

    @pytest.mark.parametrize("text", ["", "qwertz", "none yet"])
    def test_what_names_no_model_has_no_candidates(self, text):
        assert read_planned_model(make_use_case(model_text=text)).offerings == ()

    @pytest.mark.parametrize(
        ("decision", "limits", "answers", "permits"),
        [
            ("approved", {}, {}, True),
            ("blocked", {}, {}, False),
            ("restricted", {"data_classes": ["public", "internal"]}, {}, True),
            ("restricted", {"data_classes": ["public"]}, {}, False),
            (
                "restricted",
                {"data_classes": ["public"]},
                {"data_classification": ""},
                None,
            ),
            ("restricted", {"regions": ["CH", "DE"]}, {"geography": "ch, de"}, True),
            ("restricted", {"regions": ["CH"]}, {"geography": "CH, US"}, False),
            ("restricted", {"regions": ["CH"]}, {"geography": ""}, None),
            ("restricted", {"criticalities": [3]}, {}, None),
            ("restricted", {"requires_no_training": True}, {}, None),
            (
                "restricted",
                {"requires_no_training": True, "terms_data_classes": ["secret"]},
                {},
                True,
            ),
        ],
    )
    def test_approvals_are_compared_with_the_answers(
        self, governance, decision, limits, answers, permits
    ):
        offering = make_offering()
        record_decision(
            target=offering.host,
            decision=decision,
            reason="So it is.",
            at=NOW,
            by=governance,
            expires_on=None if decision == "blocked" else TODAY + timedelta(days=90),
            **limits,
        )

        applying = applying_approvals(make_use_case(**answers), [offering.pk], on=TODAY)

        assert [one.permits for one in applying[offering.pk]] == [permits]

    def test_similar_names_are_found(self, governance):
        use_case = make_use_case(name="Claims answer drafting")
        other = make_use_case(name="Claims answers drafting")
        make_use_case(name="Weather")
        application = make_application(name="Claim answer drafting")

        similar = find_similar(use_case, user=governance)

        assert similar.use_cases == (other,)
        assert similar.applications == (application,)
