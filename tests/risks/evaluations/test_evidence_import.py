"""A tool's results become evidence about the model it tested, once, and only for who may say so."""

import zlib

import pytest

from apps.accounts.roles import TeamRole
from apps.common.time import now
from apps.intake.import_jobs import IntakePermissionError
from apps.intake.models import ImportContent
from apps.risks.evaluations.evidence_import import receive_evaluation
from apps.risks.evaluations.item_results import load_items
from apps.risks.models import EvaluationItems, Evidence
from tests.builders import (
    make_application,
    make_member,
    make_offering,
    make_provider,
    make_user,
    make_version,
)
from tests.kept_worlds import kept_world
from tests.risks.evaluations.result_files import (
    GARAK_ENTRIES,
    garak_file,
    promptfoo_case,
    promptfoo_file,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
@kept_world
def offering():
    return make_offering(
        "gpt-4o", host=make_provider("openai"), version=make_version("openai/gpt-4o-2024-11-20")
    )


@pytest.fixture
def application():
    return make_application("Claims triage")


def send(body, by=None, application=None, **said):
    return receive_evaluation(body=body, by=by, at=now(), application=application, **said)


BODY = promptfoo_file(
    promptfoo_case("openai:chat:gpt-4o", True), promptfoo_case("openai:chat:gpt-4o", False, 1)
)


def test_a_figure_is_evidence_about_the_model_on_the_application(offering, application):
    taken, _ = send(BODY, make_member(application.team), application)

    evidence = Evidence.objects.get()
    assert (evidence.offering, evidence.version, evidence.application) == (
        offering,
        offering.version,
        application,
    )
    assert (evidence.tool, evidence.run, evidence.metric, evidence.value, evidence.passed) == (
        "promptfoo",
        "eval-1",
        "pass rate",
        0.5,
        False,
    )
    assert (taken.state, taken.counts["created"]) == ("applied", 1)
    assert evidence.digest == taken.digest
    assert not ImportContent.objects.exists(), "questions and answers are not kept"


def test_the_same_run_again_is_filed_once_also_from_another_file(offering, application):
    by = make_member(application.team)
    first, _ = send(BODY, by, application)

    again, is_new = send(BODY, by, application)
    other, _ = send(BODY + b"\n", by, application)

    assert (again.pk, is_new) == (first.pk, False)
    assert (other.counts["created"], other.counts["unchanged"]) == (0, 1)
    assert Evidence.objects.count() == 1


def test_a_model_nobody_knows_is_said_beside_the_applications_evidence(application):
    send(
        promptfoo_file(promptfoo_case("openai:chat:boom", False, 2)),
        make_member(application.team),
        application,
    )

    evidence = Evidence.objects.get()
    assert evidence.offering is None
    assert "The model was named 'boom'." in evidence.note


def test_without_an_application_only_what_is_known_can_be_filed_and_by_governance_only(offering):
    by = make_user(role="governance")
    taken, _ = send(
        promptfoo_file(
            promptfoo_case("openai:chat:gpt-4o", True), promptfoo_case("openai:chat:boom", False, 2)
        ),
        by,
    )

    assert Evidence.objects.get().offering == offering
    assert [part["reason"].split(":")[0] for part in taken.problems["rejected"]] == ["boom"]
    with pytest.raises(IntakePermissionError, match="governance role"):
        send(BODY, make_member(make_application().team, TeamRole.OWNER))


def test_a_viewer_files_nothing(offering, application):
    with pytest.raises(IntakePermissionError, match="editor role on the owning team"):
        send(BODY, make_member(application.team, TeamRole.VIEWER), application)


def test_a_file_that_is_none_fails_with_a_sentence_and_may_be_sent_again(application):
    by = make_member(application.team)
    failed, _ = send(b"not ours", by, application)
    again, is_new = send(b"not ours", by, application)

    assert (failed.state, "not a results file" in failed.error) == ("failed", True)
    assert (again.pk != failed.pk, is_new) == (True, True)


def test_attacks_that_got_through_fail(offering, application):

    entries = [{**GARAK_ENTRIES[0], "plugins.target_name": "gpt-4o"}, *GARAK_ENTRIES[1:]]
    send(garak_file(entries), make_member(application.team), application)

    assert sorted(Evidence.objects.values_list("kind", "passed")) == [
        ("red_team", False),
        ("red_team", True),
    ]


TABLE = b"id,outputs,exact_match/v1/score\nq1,A,1\nq2,B,0\n"


def test_results_of_single_items_are_kept_with_the_figure(offering, application):
    send(
        BODY.replace(b'"success"', b'"vars": {"q": "SECRET QUESTION"}, "success"', 1),
        make_member(application.team),
        application,
    )

    items = load_items([Evidence.objects.get().pk])[Evidence.objects.get().pk]
    assert items.scores == [1.0]
    stored = zlib.decompress(EvaluationItems.objects.get().content)
    assert b"SECRET" not in stored


def test_a_table_names_its_model_and_suite_by_the_sender(offering, application):
    by = make_member(application.team)

    refused, _ = send(TABLE, by, application)
    assert "does not name the model" in refused.error
    send(TABLE, by, application, model="openai/gpt-4o", suite="exam")

    evidence = Evidence.objects.get()
    assert (evidence.offering, evidence.dataset, evidence.metric) == (
        offering,
        "exam",
        "exact_match",
    )
    assert evidence.items.n == 2
    assert send(TABLE, by, application, model="openai/gpt-4o", suite="exam")[1] is False


def test_the_suite_of_a_samples_file_is_its_task(offering, application):
    sample = (
        b'{"doc_id": 0, "filtered_resps": ["7"], "filter": "none", "metrics": ["acc"], "acc": 1.0}'
    )
    send(
        sample,
        make_member(application.team),
        application,
        model="openai/gpt-4o",
        file_name="samples_arc_easy_2026-11-24T13-42-50.123456.jsonl",
    )

    assert Evidence.objects.get().dataset == "arc_easy"


def test_items_are_visible_like_their_evidence(offering, application):
    send(TABLE, make_member(application.team), application, model="openai/gpt-4o")

    assert not EvaluationItems.objects.visible_to(make_user()).exists()
    assert EvaluationItems.objects.visible_to(make_member(application.team)).count() == 1
