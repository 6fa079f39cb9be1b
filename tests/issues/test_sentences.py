"""The sentences of issues: the texts of each kind, pinned, and no key of a program in them."""

import re
from datetime import date, timedelta

import pytest

from apps.issues.models import Activity, Cause, CauseKind, Issue, IssueResolution, Urgency
from apps.issues.responses import IssueResponse
from apps.issues.sentences import activity_sentence, issue_text
from apps.issues.subjects import Subject, load_subjects
from tests.builders import NOW, TODAY, make_issue, make_offering, make_user, make_version

JANUARY, NOVEMBER = date(2027, 1, 15), date(2026, 11, 4)
NAME = "GPT-4.1"


def text_of(kind, *, subtype="", qualifier="", name=NAME, **fields):
    """Return (title, advice) of an issue that is not stored."""
    subject = f"version:1/{qualifier}" if qualifier else "version:1"
    cause = Cause(kind=kind, subtype=subtype, subject=subject)
    text = issue_text(
        Issue(cause=cause, **fields), Subject("version", 1, name, "version:openai/gpt-4.1"), TODAY
    )
    return text.title, text.advice


# kind, fields of the issue, title, advice
TEXTS = [
    (
        "retirement",
        {
            "due_on": JANUARY,
            "start_by": date(2026, 12, 18),
            "details": {"effort_days": 14},
        },
        "GPT-4.1 retires on 15 January 2027",
        "Start the migration by 18 December 2026.",
    ),
    (
        "retirement",
        {
            "due_on": JANUARY,
            "start_by": date(2026, 11, 14),
            "details": {"effort_days": 40},
        },
        "GPT-4.1 retires on 15 January 2027",
        "The migration should have started 10 days ago. Start now, shorten the migration, or plan "
        "for downtime.",
    ),
    (
        "retirement",
        {
            "due_on": JANUARY,
            "start_by": date(2026, 11, 23),
            "details": {"effort_days": 40},
        },
        "GPT-4.1 retires on 15 January 2027",
        "The migration should have started yesterday. Start the migration now.",
    ),
    (
        "retirement",
        {
            "due_on": JANUARY,
            "start_by": date(2026, 11, 14),
            "finish_by": date(2027, 1, 1),
            "state": "in_progress",
            "details": {"effort_days": 40},
        },
        "GPT-4.1 retires on 15 January 2027",
        "The migration must be finished by 1 January 2027.",
    ),
    (
        "retirement",
        {"due_on": JANUARY, "is_earliest": True, "start_by": JANUARY},
        "GPT-4.1 retires no earlier than 15 January 2027",
        "The migration effort is unknown. Record an exit plan, then migrate in time.",
    ),
    (
        "retirement",
        {"due_on": NOVEMBER},
        "GPT-4.1 retired on 4 November 2026 and is still used",
        "Calls might fail or reach another model. Migrate now.",
    ),
    (
        "retirement",
        {},
        "GPT-4.1 is retired and still used",
        "Calls might fail or reach another model. Migrate now.",
    ),
    (
        "price_change",
        {"due_on": JANUARY},
        "The price of GPT-4.1 rises on 15 January 2027",
        "Check the cost of the application, and resolve the issue.",
    ),
    (
        "price_change",
        {"due_on": NOVEMBER},
        "The price of GPT-4.1 rose on 4 November 2026",
        "Check the cost of the application, and resolve the issue.",
    ),
    (
        "incident",
        {},
        "Ongoing incident at GPT-4.1",
        "Check whether the application was affected.",
    ),
    (
        "exposure_flag",
        {"name": "Critical share: OpenAI", "details": {"n_applications": 4}},
        "Above tolerance: Critical share: OpenAI",
        "4 applications are concerned. Reduce the exposure, or accept it until a date.",
    ),
    (
        "approval_violation",
        {"details": {"blocked": True}},
        "GPT-4.1 is used against its approval",
        "The model is blocked. Migrate the dependency, or request another approval.",
    ),
    (
        "approval_violation",
        {"details": {"blocked": False, "is_certain": True}},
        "GPT-4.1 is used against its approval",
        "The approval is restricted. Migrate the dependency, or request another approval.",
    ),
    (
        "approval_violation",
        {"details": {"blocked": False, "is_certain": False}},
        "GPT-4.1 is used against its approval",
        "The approval is restricted, and data is missing to decide. Complete the data "
        "classification and region of the application, and the data terms of the offering.",
    ),
    (
        "approval_violation",
        {"due_on": NOVEMBER, "details": {"expired": True, "is_certain": True}},
        "The approval of GPT-4.1 expired on 4 November 2026, and it is still used",
        "The approval has expired. Ask governance to renew it, or migrate the dependency.",
    ),
    (
        "approval_expiry",
        {"due_on": JANUARY},
        "The approval of GPT-4.1 expires on 15 January 2027",
        "Renew the approval, or migrate what depends on it.",
    ),
    (
        "approval_expiry",
        {"due_on": NOVEMBER},
        "The approval of GPT-4.1 expired on 4 November 2026",
        "Renew the approval, or migrate what depends on it.",
    ),
    (
        "deadline",
        {"subtype": "application_review", "name": "Claims triage", "due_on": JANUARY},
        "The review of Claims triage is due on 15 January 2027",
        "Review the application and set the next review date.",
    ),
    (
        "deadline",
        {"subtype": "application_review", "name": "Claims triage", "due_on": NOVEMBER},
        "The review of Claims triage was due on 4 November 2026",
        "Review the application and set the next review date.",
    ),
    (
        "deadline",
        {"subtype": "selection_review", "name": "Assistant", "due_on": JANUARY},
        "The review of the selection record Assistant is due on 15 January 2027",
        "Review the selection record and set the next review date.",
    ),
    (
        "deadline",
        {"subtype": "exit_test", "due_on": NOVEMBER},
        "The exit test of GPT-4.1 expired on 4 November 2026",
        "Repeat the exit test and record its result.",
    ),
    (
        "deadline",
        {"subtype": "treatment", "name": "Prompt injection", "due_on": JANUARY},
        "The treatment of Prompt injection is due on 15 January 2027",
        "Complete the treatment and reassess the risk, or set another date.",
    ),
    (
        "deadline",
        {"subtype": "risk_acceptance", "name": "Prompt injection", "due_on": JANUARY},
        "The acceptance of Prompt injection expires on 15 January 2027",
        "Treat the risk, or accept it again with a reason.",
    ),
    (
        "deadline",
        {"subtype": "contract", "name": "C-1 with OpenAI", "due_on": JANUARY},
        "The contract C-1 with OpenAI must be renewed or terminated by 15 January 2027",
        "Renew the contract, or terminate it within the notice period.",
    ),
    (
        "fallback_retires",
        {"due_on": JANUARY},
        "The fallback GPT-4.1 retires on 15 January 2027, with or before the primary model",
        "Choose another fallback, which is served for longer.",
    ),
    (
        "fallback_retires",
        {"due_on": JANUARY, "is_earliest": True},
        "The fallback GPT-4.1 might retire from 15 January 2027, with or before the primary model",
        "Choose another fallback, which is served for longer.",
    ),
    (
        "stale_assessment",
        {"name": "FR-01, Prompt injection"},
        "Assessments of FR-01, Prompt injection are stale",
        "The basis of the assessments has changed. Reassess the risk.",
    ),
    (
        "usage_discrepancy",
        {"name": "Undeclared use: gpt-5"},
        "Undeclared use: gpt-5",
        "Declare what is used, correct the dependency, or dismiss the discrepancy.",
    ),
    (
        "migration_task",
        {"name": "Replace GPT-4.1"},
        "Migration task: Replace GPT-4.1",
        "Complete the steps of the migration task.",
    ),
    (
        "feed_review",
        {"name": "LiteLLM", "details": {"health": "suspect"}},
        "The feed LiteLLM needs a review",
        "Accept or reject the changes on hold. Undecided changes apply after 7 days.",
    ),
    (
        "feed_review",
        {"name": "LiteLLM", "details": {"health": "failing", "error": "The name is unknown."}},
        "The feed LiteLLM needs a review",
        "The feed has never been read. The name is unknown. Check its URL and the connection, or "
        "disable it.",
    ),
    (
        "missing_data",
        {
            "name": "Claims triage",
            "qualifier": "no_primary",
            "details": {"code": "no_primary", "facts": [{}]},
        },
        "Claims triage has no primary model",
        "No primary model is declared, so the application is not part of concentration. Declare a "
        "primary model.",
    ),
    (
        "tolerance_change",
        {"name": "Critical share", "subtype": "tolerance"},
        "Tolerance to confirm: Critical share",
        "A second governance user must confirm or reject it.",
    ),
    (
        "token_expiry",
        {"name": "Pipeline of Ada", "due_on": JANUARY},
        "The API token Pipeline of Ada expires on 15 January 2027",
        "Rotate the token before it expires.",
    ),
    (
        "proposed_use_case",
        {"name": "Letters in plain language", "details": {"asked": False}},
        "Proposed use case: Letters in plain language",
        "Accept or decline the use case, or ask a question.",
    ),
    (
        "proposed_use_case",
        {"name": "Letters in plain language", "details": {"asked": True}},
        "Proposed use case: Letters in plain language",
        "A question to the person who proposed it waits for an answer.",
    ),
]


@pytest.mark.parametrize(("kind", "fields", "title", "advice"), TEXTS)
def test_text_of_an_issue(kind, fields, title, advice):
    assert text_of(kind, **fields) == (title, advice)


def test_every_kind_has_a_text():
    assert {kind for kind, *_ in TEXTS} == set(CauseKind.values)


def test_a_resolved_issue_does_not_say_that_the_model_is_used():
    title, _ = text_of("retirement", due_on=NOVEMBER, state="resolved")

    assert title == "GPT-4.1 retired on 4 November 2026"


class TestSubjects:
    def test_a_deleted_record_is_called_by_its_type(self, db):
        subjects = load_subjects(["version:999", "flag:998", "application:997/review"])

        names = {key: subject.name for key, subject in subjects.items()}
        assert names == {
            "version:999": "a deleted version",
            "flag:998": "a deleted exposure flag",
            "application:997/review": "a deleted application",
        }
        assert not any(subject.exists for subject in subjects.values())

    def test_a_version_is_named_and_identified(self, db):
        version = make_version("openai/gpt-4.1-2025-04-14", name="GPT-4.1")
        key = f"version:{version.pk}"

        subject = load_subjects([key])[key]

        assert (subject.name, subject.canonical) == ("GPT-4.1", "version:openai/gpt-4.1-2025-04-14")

    def test_each_type_costs_a_statement(self, django_assert_num_queries, db):
        keys = [f"version:{make_version().pk}" for _ in range(5)]
        keys += [f"offering:{make_offering().pk}" for _ in range(5)]

        with django_assert_num_queries(2):
            load_subjects(keys)


class TestActivity:
    def test_the_sentence_of_each_entry(self, db):
        ada = make_user(first_name="Ada", last_name="Byron")
        names = {ada.pk: "Ada Byron"}
        entries = [
            (None, "opened", {}, "The issue was opened."),
            (None, "reopened", {}, "The issue was reopened."),
            (ada, "reopened", {}, "Ada Byron reopened the issue."),
            (
                None,
                "dates",
                {"old": None, "new": "2027-01-15"},
                "The date changed from no date to 15 January 2027.",
            ),
            (
                None,
                "state",
                {"old": "open", "new": "in_progress"},
                "The state changed from open to in progress.",
            ),
            (None, "owner", {"old": None, "new": ada.pk}, "The owner is now Ada Byron."),
            (None, "owner", {"old": ada.pk, "new": None}, "The issue is now unassigned."),
            (ada, "owner", {"new": ada.pk}, "Ada Byron assigned the issue to Ada Byron."),
            (ada, "owner", {"new": None}, "Ada Byron removed the assignment."),
            (ada, "acknowledged", {}, "Ada Byron acknowledged the issue."),
            (
                ada,
                "snoozed",
                {"until": "2027-01-15"},
                "Ada Byron snoozed the issue until 15 January 2027.",
            ),
            (
                ada,
                "accepted",
                {"until": "2027-01-15"},
                "Ada Byron accepted the gap until 15 January 2027.",
            ),
            (ada, "revoked", {}, "Ada Byron revoked the acceptance."),
            (ada, "comment", {}, "Ada Byron commented."),
            (ada, "undone", {}, "Ada Byron undid a response."),
            (ada, "resolved", {"resolution": "by_user"}, "Ada Byron resolved the issue."),
            (None, "resolved", {"resolution": "migrated"}, "The issue was resolved: migrated."),
        ]

        sentences = [
            activity_sentence(Activity(kind=kind, user=user, details=details, at=NOW), names)
            for user, kind, details, _ in entries
        ]

        assert sentences == [sentence for *_, sentence in entries]
        assert {kind for _, kind, *_ in entries} == set(Activity.Kind.values)

    @pytest.mark.parametrize("resolution", IssueResolution.values)
    def test_each_resolution_is_a_sentence(self, resolution):
        entry = Activity(kind="resolved", at=NOW, details={"resolution": resolution})

        sentence = activity_sentence(entry, {})

        assert sentence.startswith("The issue was resolved: ")
        assert not KEY.search(sentence)


# a word that a program joined with an underscore, or an ID after a type
KEY = re.compile(r"\w_\w|\b\w+:\d")


def test_no_text_of_the_issues_shows_a_key():
    choices = (CauseKind, Urgency, Issue.State, IssueResolution, Activity.Kind, IssueResponse)
    labels = [label for choice in choices for label in choice.labels]

    shown = [*labels, *(text for _, _, *texts in TEXTS for text in texts)]

    assert [text for text in shown if KEY.search(text)] == []


def test_the_text_of_a_deleted_record_begins_with_a_capital(db):
    issue = make_issue(None, subject="version:999", due_on=TODAY + timedelta(days=52))
    subjects = load_subjects([issue.cause.subject])

    text = issue_text(issue, subjects[issue.cause.subject], TODAY)

    assert text.title == "A deleted version retires on 15 January 2027"


def test_a_date_that_has_come_is_due_until_the_source_confirms_it():
    details = {"is_confirmed": False, "due_status": "still_listed"}

    title, advice = text_of("retirement", due_on=NOVEMBER, details=details)

    assert title == "GPT-4.1 is due since 4 November 2026, still listed by its host"
    assert advice == "Calls might fail or reach another model. Migrate now."
