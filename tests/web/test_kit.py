"""What all pages share: kept filters, undo from where it was said, first steps."""

import pytest
from django.urls import reverse

from apps.accounts.models import SavedFilter
from apps.inventory.actions.applications import change_application
from apps.inventory.models import Application
from apps.inventory.queries import last_change_id
from tests.builders import make_member, make_user
from tests.http import text_of


def test_a_filter_is_kept_found_again_shared_and_dropped(world, as_user):
    own, colleague = as_user(world.editor), as_user(world.viewer)
    given = {
        "path": "/applications/",
        "query": "criticality=critical&page=3",
        "name": "Ours",
        "shared": "on",
    }

    page = own.post(reverse("saved-filters:create"), given, follow=True)
    assert page.redirect_chain[-1][0] == "/applications/?criticality=critical"
    assert "The filter “Ours” was saved" in text_of(page)
    assert 'href="/applications/?criticality=critical" aria-current="true">Ours' in text_of(page)
    assert "of ilse" in text_of(colleague.get("/applications/"))

    kept = SavedFilter.objects.get()
    assert colleague.post(reverse("saved-filters:delete", args=[kept.pk])).status_code == 404
    own.post(reverse("saved-filters:delete", args=[kept.pk]))
    assert not SavedFilter.objects.exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"path": "/applications/", "query": "q=x", "name": " "}, "Enter a name for the filter."),
        ({"path": "/applications/", "query": "q=x", "name": "n" * 81}, "at most 80 characters"),
    ],
)
def test_a_filter_that_cannot_be_kept_says_why(given, words, world, as_user):
    assert words in text_of(
        as_user(world.editor).post(reverse("saved-filters:create"), given, follow=True)
    )


def test_a_filter_leads_to_no_foreign_place(world, as_user):
    answer = as_user(world.editor).post(
        reverse("saved-filters:create"), {"path": "//evil.example/", "query": "", "name": "x"}
    )
    assert answer.url == "/"


@pytest.mark.parametrize(
    "given",
    [
        {"path": "/applications/", "query": "q=x", "name": "a\x00b"},
        {"path": "/api/v1/\x00/", "query": "", "name": "x"},
        {"path": "/applications/?q=%00"},
        {"path": "/settings/people/?q=%00"},
        {"path": "/settings/people.csv?q=%00"},
        {"path": "/approvals/new/?provider=%00"},
        {"path": "/applications/\x00/"},
    ],
)
def test_a_null_character_is_the_sender_s_mistake_wherever_it_stands(given, world, as_user):
    client = as_user(world.governance)

    answer = (
        client.post(reverse("saved-filters:create"), given)
        if "name" in given
        else client.get(given["path"])
    )

    assert answer.status_code == 400
    assert "cannot be stored" in text_of(answer)
    assert answer["X-Frame-Options"] == "DENY"


def test_a_change_is_taken_back_from_the_page_that_said_it_and_again(world, as_user):
    change_application(application=world.triage, facts={"name": "Renamed"}, by=world.editor)
    client = as_user(world.editor)
    change = last_change_id(Application.objects.get(pk=world.triage.pk))

    page = client.post(
        reverse("changes:undo", args=[change]), {"back": "/applications/"}, follow=True
    )

    assert page.redirect_chain[-1][0] == "/applications/"
    assert "Undone: 1 row was restored." in text_of(page)
    assert Application.objects.get(pk=world.triage.pk).name == "Claims triage"

    redo = (
        next(message for message in page.context["messages"])
        if page.context.get("messages")
        else None
    )
    assert redo is None or "undo=" in redo.extra_tags
    client.post(
        reverse("changes:undo", args=[last_change_id(Application.objects.get(pk=world.triage.pk))])
    )
    assert Application.objects.get(pk=world.triage.pk).name == "Renamed"


@pytest.mark.parametrize(
    "back",
    ["overview", "9", ":", "//evil.example/", "https://evil.example/", "javascript:alert(1)"],
)
def test_after_taking_back_one_is_led_to_a_page_of_ours(back, world, as_user):
    change_application(application=world.triage, facts={"name": "Renamed"}, by=world.editor)
    change = last_change_id(Application.objects.get(pk=world.triage.pk))

    assert (
        as_user(world.editor).post(reverse("changes:undo", args=[change]), {"back": back}).url
        == "/"
    )


def test_what_somebody_changed_since_is_not_taken_back(world, as_user):
    change_application(application=world.triage, facts={"name": "Renamed"}, by=world.editor)
    change = last_change_id(Application.objects.get(pk=world.triage.pk))
    change_application(
        application=Application.objects.get(pk=world.triage.pk),
        facts={"name": "Again"},
        by=world.governance,
    )

    page = as_user(world.editor).post(reverse("changes:undo", args=[change]), follow=True)

    assert "maren has changed the application" in text_of(page)
    assert Application.objects.get(pk=world.triage.pk).name == "Again"


def test_only_editors_take_back_and_only_to_pages_of_ours(world, as_user):
    change_application(application=world.triage, facts={"name": "Renamed"}, by=world.editor)
    address = reverse(
        "changes:undo", args=[last_change_id(Application.objects.get(pk=world.triage.pk))]
    )

    assert as_user(world.viewer).post(address).status_code == 403
    assert as_user(world.outsider).post(address).status_code == 404
    assert as_user(world.editor).post(address, {"back": "https://evil.example/"}).url == "/"


def test_a_change_over_two_teams_is_taken_back_only_by_an_editor_of_both(world, as_user):
    before, after = world.team, world.foreign.team
    editor_of_one = make_member(after)
    editor_of_both = make_member(after, user=make_member(before))
    change_application(application=world.triage, facts={"team": after}, by=world.governance)
    application = Application.objects.get(pk=world.triage.pk)
    address = reverse("changes:undo", args=[last_change_id(application)])

    assert as_user(editor_of_one).post(address).status_code == 403
    application.refresh_from_db()
    assert application.team == after

    as_user(editor_of_both).post(address)
    application.refresh_from_db()
    assert application.team == before


def test_the_first_steps_say_how_far_they_are(world, as_user, db):
    page = text_of(as_user(world.governance).get(reverse("home:start")))
    assert "2 applications" not in page
    assert "Registered applications: 3, with dependencies." in page

    alone = text_of(as_user(make_user("new", role="admin")).get(reverse("home:start")))
    assert "Invite user" in alone
