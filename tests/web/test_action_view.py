"""A change by POST: form, refusals, confirmation and redirect."""

import pytest
from django import forms
from django.contrib.messages.storage.fallback import FallbackStorage
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.http import HttpResponse

from apps.accounts.models import Team
from apps.common.errors import ConflictError, DomainError, ForbiddenError
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.flash_messages import read_flash_message
from tests.builders import make_team


class NameForm(forms.Form):
    name = forms.CharField(error_messages={"required": "Enter a name."})
    reason = forms.CharField(error_messages={"required": "Enter a reason."})


VALID = {"name": "Claims", "reason": "New"}


@pytest.fixture
def post(rf, db):
    """Return the response and the messages of an action that a user sent."""

    def send(data=VALID, *, form=None, **options):
        request = rf.post("/", data)
        request.session = {}
        request._messages = FallbackStorage(request)
        response = action_view(
            request,
            form=(lambda: form(request.POST)) if form else None,
            **{"done": "Saved.", "back": "/back/"} | options,
        )
        messages = [read_flash_message(message) for message in request._messages]
        return response, messages

    return send


def refuse(error):
    def act(_form):
        raise error

    return act


def render(form):
    return HttpResponse("; ".join(f"{name}: {form.errors[name][0]}" for name in form.errors))


def test_a_button_needs_no_form_and_redirects_with_its_message(post):
    response, messages = post({}, action=lambda form: None)

    assert (response.status_code, response["Location"]) == (302, "/back/")
    assert [(m.sentence, m.is_refusal) for m in messages] == [("Saved.", False)]


def test_the_confirmation_names_the_result_the_undo_and_what_was_left_out(post):
    _response, messages = post(
        action=lambda form: form.cleaned_data["name"],
        form=NameForm,
        done=lambda name: Confirmation(f"{name} added.", "/undo/", refusals=["Two were left out."]),
    )

    assert [(m.sentence, m.is_refusal, m.undo) for m in messages] == [
        ("Claims added.", False, "/undo/"),
        ("Two were left out.", True, ""),
    ]


def test_without_a_page_all_errors_are_one_message(post):
    response, messages = post({}, form=NameForm, action=refuse(AssertionError), refused="/list/")

    assert response["Location"] == "/list/"
    assert [m.sentence for m in messages] == ["Enter a name. Enter a reason."]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (DomainError("Taken.", field="name"), "name: Taken."),
        (DomainError("Not today.", field="day"), "__all__: Not today."),
        (ValidationError({"reason": ["Too short."]}), "reason: Too short."),
        (ValidationError("Not possible."), "__all__: Not possible."),
    ],
)
def test_a_page_shows_what_the_action_refuses_at_the_field(post, error, text):
    response, messages = post(form=NameForm, action=refuse(error), page=render)

    assert (response.status_code, response.content.decode(), messages) == (422, text, [])


def test_with_page_and_url_a_conflict_leads_to_the_record_as_it_is(post):
    options = {"form": NameForm, "page": render, "refused": "/record/"}

    conflict, messages = post(action=refuse(ConflictError("Revoked meanwhile.")), **options)
    invalid, _messages = post({"name": "Claims"}, action=refuse(AssertionError), **options)

    assert (conflict["Location"], messages[0].sentence) == ("/record/", "Revoked meanwhile.")
    assert (invalid.status_code, invalid.content) == (422, b"reason: Enter a reason.")


def test_a_missing_role_is_forbidden_and_no_error_of_the_form(post):
    with pytest.raises(PermissionDenied, match="governance role"):
        post(form=NameForm, action=refuse(ForbiddenError("governance role")), page=render)


def test_a_page_that_is_shown_once_takes_the_place_of_the_redirect(post):
    response, messages = post(
        action=lambda form: "secret", done="", back=lambda secret: HttpResponse(secret)
    )

    assert (response.status_code, response.content, messages) == (200, b"secret", [])


def test_a_refused_action_writes_nothing(post):
    def act(form):
        make_team("claims")
        raise ConflictError("Taken.")

    _response, messages = post(action=act)

    assert (Team.objects.count(), messages[0].sentence) == (0, "Taken.")


@pytest.mark.django_db(transaction=True)
def test_the_form_locks_in_the_transaction_and_the_confirmation_follows_it(rf, transactional_db):
    seen = []

    class LockingForm(forms.Form):
        def __init__(self, data):
            super().__init__(data)
            seen.append(("form", connection.in_atomic_block))

    request = rf.post("/", {})
    request.session = {}
    request._messages = FallbackStorage(request)
    action_view(
        request,
        form=lambda: LockingForm(request.POST),
        action=lambda form: seen.append(("action", connection.in_atomic_block)),
        done=lambda result: seen.append(("done", connection.in_atomic_block)) or "Saved.",
        back="/back/",
    )

    assert seen == [("form", True), ("action", True), ("done", False)]
