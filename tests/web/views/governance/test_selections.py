"""Selections on the pages: written down, judged by two people, decided, and kept as they were."""

import re
from datetime import timedelta

import pytest

from apps.catalog.models import SettledClaims
from apps.common.errors import ConflictError
from apps.common.time import now
from apps.inventory.governance.selections import (
    add_candidate,
    change_selection,
    draft_selection,
    score_candidate,
)
from apps.inventory.models import Dependency, Requirement, Selection
from tests.builders import make_foundation, make_offering, make_provider
from tests.http import csv_rows, text_of


def fields_of(response, action):
    """The hidden and text fields of the form that posts to `action`, as a browser would send
    them."""
    page = response.content.decode()
    form = re.search(
        rf'<form[^>]*action="{re.escape(action)}[^"]*"[^>]*>.*?</form>', page, re.DOTALL
    ).group(0)
    found = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and name.group(1) != "csrfmiddlewaretoken" and 'type="checkbox"' not in tag:
            found[name.group(1)] = value.group(1) if value else ""
    texts = re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>\s*(.*?)</textarea>', form, re.DOTALL)
    return {**found, **dict(texts)}


@pytest.fixture
def draft(world):
    made = draft_selection(
        title="A model for letters",
        by=world.governance,
        criteria=[{"name": "quality", "weight": 3}, {"name": "price"}],
    )
    foundation = world.sonnet.version.foundation
    add_candidate(selection=made, foundation=foundation, offering=world.sonnet, by=world.governance)
    add_candidate(
        selection=made,
        foundation=make_foundation("mistral/large", name="Mistral Large"),
        by=world.governance,
    )
    return made


def decided(world, draft, as_user):
    chosen = draft.candidates.order_by("pk")[0]
    as_user(world.governance).post(
        f"/selections/{draft.pk}/decide/",
        {
            "chosen": [chosen.pk],
            "decision": "Sonnet, direct",
            "why": "It wrote best.",
            "review_on": world.today + timedelta(90),
        },
    )
    draft.refresh_from_db()


def test_a_choice_is_written_down_from_a_comparison(world, as_user):
    client = as_user(world.governance)
    slug = world.sonnet.version.foundation.slug
    page = client.get(f"/selections/new/?foundation={slug}")
    key = re.search(r'name="candidate" value="([^"]*)"', page.content.decode()).group(1)

    answer = client.post(
        f"/selections/new/?foundation={slug}",
        {
            "title": "Letters",
            "purpose": "",
            "criteria": "quality; 2,5; by us\nprice",
            "candidate": [key],
        },
    )

    made = Selection.objects.get()
    assert answer["Location"] == f"/selections/{made.pk}/"
    assert made.criteria == [
        {"name": "quality", "weight": "2.5", "note": "by us"},
        {"name": "price", "weight": "1", "note": ""},
    ]
    assert [row.foundation.slug for row in made.candidates.all()] == [slug]


@pytest.mark.parametrize(
    ("criteria", "words"),
    [
        ("a; 0", "the weight must be above 0"),
        ("a\na", "is there twice"),
        ("a; much", "the weight must be a number"),
    ],
)
def test_criteria_that_do_not_hold_together_are_refused_with_a_sentence(
    criteria, words, world, as_user
):
    answer = as_user(world.governance).post(
        "/selections/new/", {"title": "Letters", "criteria": criteria}
    )

    assert answer.status_code == 422
    assert words in text_of(answer)
    assert not Selection.objects.exists()


def test_candidates_are_found_added_and_taken_out(world, draft, as_user):
    client = as_user(world.governance)
    offering = world.sonnet_bedrock

    page = text_of(client.get(f"/selections/{draft.pk}/?q=claude"))
    said = text_of(
        client.post(f"/selections/{draft.pk}/add/", {"offering": offering.pk}, follow=True)
    )
    twice = text_of(
        client.post(f"/selections/{draft.pk}/add/", {"offering": offering.pk}, follow=True)
    )
    row = draft.candidates.get(offering=offering)
    client.post(f"/selections/{draft.pk}/out/{row.pk}/")

    assert "anthropic.claude-sonnet-4-5" in page
    assert "Claude Sonnet 4.5 on Amazon Bedrock was added as a candidate." in said
    assert "is already part of the selection record" in twice
    assert draft.candidates.count() == 2


def test_scores_are_kept_with_what_their_weights_make_of_them(world, draft, as_user):
    client = as_user(world.governance)
    first, second = draft.candidates.order_by("pk")
    address = f"/selections/{draft.pk}/judge/"
    fields = fields_of(client.get(f"/selections/{draft.pk}/"), address)

    client.post(
        address,
        {
            **fields,
            f"{first.pk}-value_0": "4",
            f"{first.pk}-note_0": "read 40",
            f"{first.pk}-value_1": "2",
        },
    )

    first.refresh_from_db()
    second.refresh_from_db()
    assert first.scores["quality"] == {"value": "4", "note": "read 40"}
    assert second.scores == {}
    assert "<b>3.50</b>" in text_of(client.get(f"/selections/{draft.pk}/"))


def test_of_two_who_judge_at_once_the_second_compares_first(world, draft, as_user):
    client = as_user(world.governance)
    first = draft.candidates.order_by("pk")[0]
    address = f"/selections/{draft.pk}/judge/"
    fields = fields_of(client.get(f"/selections/{draft.pk}/"), address)
    score_candidate(candidate=first, scores={"quality": {"value": "5"}}, by=world.governance)

    refused = client.post(address, {**fields, f"{first.pk}-value_0": "1"})
    first.refresh_from_db()
    kept = first.scores["quality"]["value"]
    client.post(address, {**fields_of(refused, address), f"{first.pk}-value_0": "1"})

    first.refresh_from_db()
    assert refused.status_code == 422
    assert "Values that another user changed while you were editing" in text_of(refused)
    assert kept == "5"
    assert first.scores["quality"]["value"] == "1"


def test_of_two_who_change_what_is_asked_the_second_compares_first(world, draft, as_user):
    client = as_user(world.governance)
    address = f"/selections/{draft.pk}/change/"
    fields = fields_of(client.get(f"/selections/{draft.pk}/"), address)
    client.post(address, {**fields, "criteria": "speed; 2"})

    refused = client.post(address, {**fields, "criteria": "quality; 9"})

    draft.refresh_from_db()
    assert refused.status_code == 422
    assert "speed; 2" in text_of(refused)
    assert [row["name"] for row in draft.criteria] == ["speed"]


def test_the_kept_scorecard_stays_as_it_was_while_facts_move(world, draft, as_user):
    decided(world, draft, as_user)
    kept = draft.candidates.order_by("pk")[0].scorecard
    make_offering(
        "sonnet-at-azure", host=make_provider("azure", name="Azure"), version=world.sonnet.version
    )
    client = as_user(world.governance)

    page = text_of(client.get(f"/selections/{draft.pk}/"))
    only = text_of(client.get(f"/selections/{draft.pk}/?moved=true"))
    rows = csv_rows(client.get(f"/selections/{draft.pk}/facts.csv"))

    assert draft.candidates.order_by("pk")[0].scorecard == kept
    assert "Claude Sonnet 4.5 on Anthropic was selected on" in page
    assert "one fact changed since then." in page
    hosts = [
        row
        for row in rows
        if row["fact"] == "Independent hosts" and row["of"] == "Claude Sonnet 4.5"
    ]
    assert [(row["on the decision date"], row["today"], row["changed"]) for row in hosts] == [
        ("2", "3", "yes")
    ]
    assert sum(row["changed"] == "yes" for row in rows) == 1
    assert "Independent hosts<small><b>changed</b></small>" in only
    assert "Licence" not in only


def test_a_decided_selection_shows_no_form_and_takes_no_change(world, draft, as_user):
    decided(world, draft, as_user)
    client = as_user(world.governance)

    page = text_of(client.get(f"/selections/{draft.pk}/"))
    refused = text_of(
        client.post(
            f"/selections/{draft.pk}/add/", {"offering": world.sonnet_bedrock.pk}, follow=True
        )
    )

    assert f'action="/selections/{draft.pk}/change/' not in page
    assert "so it cannot be changed." in refused
    assert draft.candidates.count() == 2


def test_a_later_selection_takes_the_place_of_an_earlier_one(world, draft, as_user):
    decided(world, draft, as_user)
    client = as_user(world.governance)
    page = client.get(f"/selections/new/?supersedes={draft.pk}").content.decode()
    keys = re.findall(r'name="candidate" value="([^"]*)"', page)

    client.post(
        f"/selections/new/?supersedes={draft.pk}",
        {"title": "Letters anew", "criteria": "", "candidate": keys},
    )
    later = Selection.objects.get(title="Letters anew")
    waiting = text_of(client.get(f"/selections/{draft.pk}/"))
    decided(world, later, as_user)

    assert later.candidates.count() == 2
    assert "Revision in progress:" in waiting
    assert "A later selection record replaces this one." in text_of(
        client.get(f"/selections/{draft.pk}/")
    )


def test_readers_without_an_office_see_of_kept_facts_what_everybody_may_know(world, draft, as_user):
    decided(world, draft, as_user)

    page = text_of(as_user(world.viewer).get(f"/selections/{draft.pk}/"))

    assert "It wrote best." in page
    assert "Visible to governance, auditors and administrators only." in page


@pytest.mark.parametrize("act", ["change", "add", "judge", "decide"])
def test_viewers_read_and_change_nothing(act, world, draft, as_user):
    client = as_user(world.viewer)

    assert "Purpose and criteria" not in text_of(client.get(f"/selections/{draft.pk}/"))
    assert client.post(f"/selections/{draft.pk}/{act}/", {"title": "x"}).status_code == 403
    assert client.get("/selections/new/").status_code == 403


def test_what_is_due_for_review_stands_in_the_sentence_and_the_list_can_show_it_alone(
    world, draft, as_user
):
    decided(world, draft, as_user)
    Selection.objects.filter(pk=draft.pk).update(review_on=world.today - timedelta(1))
    client = as_user(world.viewer)

    page = text_of(client.get("/selections/"))
    due = csv_rows(client.get(f"/selections.csv?state=decided&review_before={world.today}"))

    assert "was due on" in page
    assert [row["Selected"] for row in due] == ["Claude Sonnet 4.5 on Anthropic"]
    assert csv_rows(client.get("/selections.csv?state=draft")) == []


def test_pages_of_selections_cost_the_same_for_any_number(
    world, draft, as_user, django_assert_num_queries
):
    client = as_user(world.governance)
    for number in range(4):
        made = draft_selection(title=f"Number {number}", by=world.governance)
        add_candidate(selection=made, foundation=make_foundation(), by=world.governance)
        add_candidate(selection=draft, foundation=make_foundation(), by=world.governance)

    with django_assert_num_queries(9):
        client.get("/selections/")
    with django_assert_num_queries(9):
        client.get(f"/selections/{draft.pk}/")
    decided(world, draft, as_user)
    with django_assert_num_queries(30):
        client.get(f"/selections/{draft.pk}/")


class TestCriteriaFromFacts:
    """Criteria that show a fact of each candidate, and compare it with what is needed."""

    @pytest.fixture
    def linked(self, world, draft):
        change_selection(
            selection=draft,
            by=world.governance,
            criteria=[
                {"name": "Input price", "weight": 2, "fact": "price_input"},
                {"name": "Tools", "fact": "tool_calling", "needed": True},
                {"name": "Context", "fact": "context_window", "needed": 90_000},
                {"name": "quality", "weight": 3},
            ],
        )
        SettledClaims.objects.create(
            offering=world.sonnet,
            topic="capability",
            values={"context_window": {"value": 32_000, "source": "LiteLLM", "at": "2026-01-01"}},
            changed_at=now(),
        )
        return draft

    def verdicts(self, response):
        return {
            fact.name: [verdict for _, _, verdict in fact.cells]
            for fact in response.context["criterion_facts"]
        }

    def test_a_draft_shows_the_facts_of_today_and_unknown_stays_unknown(
        self, world, linked, as_user
    ):
        response = as_user(world.viewer).get(f"/selections/{linked.pk}/")

        assert self.verdicts(response) == {
            "Input price": ["", ""],
            "Tools": ["unknown", "unknown"],
            "Context": ["lost", "unknown"],
        }

    def test_a_decision_stores_the_facts_of_its_day(self, world, linked, as_user):
        decided(world, linked, as_user)
        SettledClaims.objects.all().delete()

        response = as_user(world.viewer).get(f"/selections/{linked.pk}/")

        assert self.verdicts(response)["Context"] == ["lost", "unknown"]
        stored = linked.candidates.order_by("pk")[0].scorecard["offering"]["facts"]
        assert {fact["key"]: fact["value"] for fact in stored}["context_window"] == 32_000

    def test_the_lines_of_the_form_keep_the_facts(self, world, linked, as_user):
        client = as_user(world.governance)
        fields = fields_of(
            client.get(f"/selections/{linked.pk}/?fact=regions"), f"/selections/{linked.pk}/change/"
        )

        client.post(f"/selections/{linked.pk}/change/", fields)

        linked.refresh_from_db()
        facts = [(row.get("fact"), row.get("needed")) for row in linked.criteria]
        assert facts == [
            ("price_input", None),
            ("tool_calling", True),
            ("context_window", 90_000),
            (None, None),
            ("regions", None),
        ]

    def test_requirements_of_a_dependency_become_criteria(self, world, as_user):
        dependency = Dependency.objects.filter(offering=world.sonnet).first()
        Requirement.objects.create(
            dependency=dependency,
            field="context_window",
            value=90_000,
            origin="declared",
            first_seen_on=world.today,
            last_seen_on=world.today,
        )

        response = as_user(world.governance).get(
            f"/selections/new/?dependency={dependency.pk}&offering={world.sonnet.pk}"
        )

        assert response.context["form"]["criteria"].value() == (
            "Context window; 1; fact=context_window:90000"
        )
        assert len(response.context["offered"]) == 1

    @pytest.mark.parametrize(
        "criterion",
        [
            {"name": "x", "fact": "not a fact"},
            {"name": "x", "fact": "price_input", "needed": 3},
            {"name": "x", "fact": "context_window", "needed": "much"},
        ],
    )
    def test_a_fact_that_does_not_exist_or_fit_is_refused(self, world, draft, criterion):
        with pytest.raises(ConflictError):
            change_selection(selection=draft, by=world.governance, criteria=[criterion])
