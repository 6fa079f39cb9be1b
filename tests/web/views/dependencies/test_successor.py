"""Page "Find a successor": what it says, and what is done with the chosen candidate."""

import csv
from datetime import timedelta
from io import StringIO

import pytest

from apps.accounts.roles import TeamRole
from apps.common.time import day_of, now
from apps.inventory.models import Dependency, ExitPlan, Requirement, Selection
from tests.builders import make_adaptation, make_member, make_user
from tests.http import text_of
from tests.kept_worlds import kept_world
from tests.worlds.successors import SuccessorWorld, make_successor_world, settle


@pytest.fixture
@kept_world
def world(db: None) -> SuccessorWorld:
    return make_successor_world()


def page_of(world: SuccessorWorld) -> str:
    return f"/dependencies/{world.dependency.pk}/successor/"


def test_the_page_says_what_each_candidate_keeps_and_changes(world, as_user):
    make_adaptation(world.dependency, "prompt", name="Estimate prompt")
    text = text_of(as_user(make_user(role="governance")).get(page_of(world)))
    for phrase in (
        "1 candidate keeps everything this dependency uses.",
        "Gemini 2.5 Pro retires on",
        "Today: 16,850 USD per month at list prices, for 2,900 million input and 640 million",
        "Requests of 231,000 tokens are in the long-context tier.",
        "The fallback Gemini 2.5 Flash retires on the same day.",
        "231,000 tokens per request, declared",
        "Data must be processed in the EU",
        "+1,685",
        "Context window of 231,000 tokens kept",
        "Region kept",
        "nothing shared",
        "Gemini 3.8 Flash on Google stays independent.",
        "Underwriting copilot: passed",
        "Candidates that break a requirement",
        "No region is promised. The application requires the EU.",
        "PDF input lost",
        "Retires on the same day.",
        "GPT-5.4 on Microsoft Azure replaces Gemini 2.5 Pro",
        "1 adaptation is carried over: Estimate prompt. Exit tests stay with Gemini 2.5 Pro.",
        "Plan migration",
    ):
        assert phrase in text, phrase


def test_viewers_see_the_candidates_and_cannot_act(world, as_user):
    viewer = make_member(world.team, TeamRole.VIEWER)
    client = as_user(viewer)
    text = text_of(client.get(page_of(world)))
    assert "Another team: passed" in text
    assert "Underwriting copilot" not in text
    assert "exposure flag" not in text
    assert "Replace on this date" not in text
    assert client.post(page_of(world), {"act": "replace"}).status_code == 403
    assert as_user(make_user()).get(page_of(world)).status_code == 404


def test_a_candidate_that_keeps_everything_replaces_the_model_with_a_second_fallback(
    world, as_user
):
    settle(world.mistral, vision=True, pdf=True, context_window=256_000)
    client = as_user(make_member(world.team))
    text = text_of(client.get(page_of(world), {"offering": world.gpt.pk}))
    assert "Also add mistral-large on Mistral AI as fallback" in text
    on = day_of(now()) + timedelta(days=4)
    response = client.post(
        page_of(world),
        {
            "act": "replace",
            "offering": world.gpt.pk,
            "on": on.isoformat(),
            "reason": "It fits.",
            "fallback": world.mistral.pk,
            "add_fallback": "on",
        },
        follow=True,
    )
    assert "gpt-5.4 replaces gemini-2.5-pro from" in text_of(response)
    new = Dependency.objects.get(application=world.application, role="primary", since=on)
    assert new.offering == world.gpt
    fallback = Dependency.objects.get(application=world.application, offering=world.mistral)
    assert (fallback.role, fallback.fallback_order, fallback.since) == ("fallback", 2, on)


def test_a_choice_that_breaks_something_asks_first_and_says_what(world, as_user):
    client = as_user(make_member(world.team))
    entered = {
        "act": "replace",
        "offering": world.replacement.pk,
        "on": (day_of(now()) + timedelta(days=4)).isoformat(),
    }
    response = client.post(page_of(world), entered)
    assert response.status_code == 422
    text = text_of(response)
    assert "This choice breaks something." in text
    assert "The application requires the EU." in text
    assert "Same model as the judge." in text
    assert Dependency.objects.filter(offering=world.replacement, role="primary").count() == 0

    client.post(page_of(world), {**entered, "confirmed": "on"})
    assert Dependency.objects.filter(offering=world.replacement, role="primary").count() == 1


def test_an_exit_test_is_planned_with_its_day(world, as_user):
    client = as_user(make_member(world.team))
    due = day_of(now()) + timedelta(days=2)
    entered = {"act": "test", "offering": world.gpt.pk}
    assert "Enter a date." in text_of(client.post(page_of(world), entered))
    client.post(page_of(world), {**entered, "test_on": due.isoformat()})
    plan = ExitPlan.objects.get(dependency=world.dependency)
    assert (plan.target, plan.next_test_on) == (world.gpt, due)


def test_governance_saves_a_selection_record_only(world, as_user):
    entered = {"act": "selection", "offering": world.gpt.pk, "reason": "Least exposure."}
    response = as_user(make_member(world.team)).post(page_of(world), entered)
    assert response.status_code == 422
    as_user(make_user(role="governance")).post(page_of(world), entered)
    selection = Selection.objects.get()
    assert selection.purpose == "Least exposure."
    candidate = selection.candidates.get()
    assert candidate.offering == world.gpt
    assert "+1,685 USD per month" in candidate.note


def test_only_the_choice_is_swapped(world, as_user):
    response = as_user(make_member(world.team)).get(
        page_of(world), {"offering": world.mistral.pk}, headers={"HX-Request": "true"}
    )
    text = text_of(response)
    assert "Mistral Large on Mistral AI replaces Gemini 2.5 Pro" in text
    assert "Has no PDF input." in text
    assert "Candidates that break" not in text


def test_without_requirements_nothing_is_called_fitting(world, as_user):
    Requirement.objects.all().delete()
    text = text_of(as_user(make_user(role="governance")).get(page_of(world)))
    assert "What this dependency uses is not recorded." in text
    assert "Declare requirements" in text


def test_the_file_has_every_candidate(world, as_user):
    response = as_user(make_user(role="governance")).get(
        f"/dependencies/{world.dependency.pk}/successor.csv"
    )
    rows = list(csv.DictReader(StringIO(response.getvalue().decode("utf-8-sig"))))
    verdicts = {row["Model ID"]: row["Verdict"] for row in rows}
    assert verdicts["gpt-5.4"] == "keeps everything"
    assert verdicts["mistral-large"] == "breaks"
    assert len(rows) == 6


def test_the_page_makes_few_statements(world, as_user, django_assert_max_num_queries):
    client = as_user(make_user(role="governance"))
    client.get(page_of(world))
    with django_assert_max_num_queries(30):
        client.get(page_of(world))
