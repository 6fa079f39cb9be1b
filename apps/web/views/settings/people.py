"""Contacts: added, invited, confirmed, merged, closed and erased by governance."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import PeopleSettings, PersonState, User
from apps.accounts.people.contacts import (
    change_people_settings,
    close_person,
    confirm_contacts,
    find_or_create_contact,
    rename_contact,
)
from apps.accounts.people.erasure import erase_contact
from apps.accounts.people.invitations import invite_people, invite_person
from apps.accounts.people.mail_rules import allowed_domains, unconfirmed_contacts
from apps.accounts.people.merge import merge_people
from apps.accounts.people.queries import person_by_address
from apps.common.errors import DomainError
from apps.common.text import pluralize
from apps.common.time import now
from apps.web.pages.action_view import Confirmation, action_view, join_errors
from apps.web.pages.form_fields import governance_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.undo import return_path

GOVERNANCE_ONLY = "You need the governance role to change contacts."
MAX_SELECTED_PEOPLE = 2_000
MAX_LISTED_REJECTIONS = 5
_UNAVAILABLE = "This action is not available. Use one of the buttons on the page."


class ContactForm(forms.Form):
    email = forms.EmailField(label="Email address", max_length=254)
    name = forms.CharField(
        label="Name",
        max_length=300,
        required=False,
        help_text="Derived from the address if empty.",
    )


class NameForm(forms.Form):
    first_name = forms.CharField(label="First name", max_length=150, required=False)
    last_name = forms.CharField(label="Last name", max_length=150, required=False)


class DuplicateForm(forms.Form):
    duplicate = forms.CharField(
        label="Second record",
        max_length=254,
        help_text="Email address or username of the record that is merged into this one.",
    )

    def clean_duplicate(self) -> User:
        text = self.cleaned_data["duplicate"].strip()
        person = person_by_address(text) if "@" in text else None
        person = person or User.objects.people().filter(username__iexact=text).first()
        if person is None:
            raise ValidationError(f"No person “{text}” found. Enter an email address or username.")
        return person


class DomainsForm(forms.Form):
    allowed_domains = forms.CharField(
        label="Allowed domains",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="One domain per line, such as example.org. Empty: the domains of active users.",
    )

    def clean_allowed_domains(self) -> list[str]:
        return str(self.cleaned_data["allowed_domains"]).replace(",", " ").split()


@require_http_methods(["GET", "HEAD", "POST"])
def add_contact(request: HttpRequest) -> HttpResponse:
    by = governance_user(request, GOVERNANCE_ONLY)
    return action_view(
        request,
        form=lambda: ContactForm(request.POST or None),
        action=lambda form: find_or_create_contact(
            email=form.cleaned_data["email"], name=form.cleaned_data["name"], by=by
        ),
        done=lambda person: f"{person} is a {person.get_state_display().lower()} now.",
        back=lambda person: reverse("users:detail", args=[person.pk]),
        page=lambda form: render_page(
            request,
            "settings/contact-form.html",
            title="Add contact",
            crumbs=_crumbs(),
            sentence=Headline("A contact is known by an email address and cannot sign in."),
            form=form,
        ),
    )


@require_POST
def change_selected(request: HttpRequest) -> HttpResponse:
    """Invite or confirm the selected persons, or invite all contacts."""
    by = governance_user(request, GOVERNANCE_ONLY)
    return action_view(
        request,
        action=lambda _form: _read_selection(request),
        # after the transaction: each person is invited in one of its own, so that an error loses
        # none of those who were invited before
        done=lambda selection: _change_selected(*selection, by),
        back=return_path(request, reverse("users:list")),
    )


def _read_selection(request: HttpRequest) -> tuple[str, list[int]]:
    """Return the action and the IDs of the selected persons."""
    action = request.POST.get("action", "")
    if action not in {"confirm", "invite", "invite-all"}:
        raise DomainError(_UNAVAILABLE)
    ids = [int(pk) for pk in request.POST.getlist("pick") if pk.isdecimal() and len(pk) < 18]
    if action != "invite-all" and not ids:
        raise DomainError("Select at least one person.")
    return action, ids[:MAX_SELECTED_PEOPLE]


def _change_selected(action: str, ids: list[int], by: User) -> Confirmation:
    if action == "confirm":
        n = confirm_contacts(people=ids, by=by, at=now())
        return Confirmation(pluralize(n, f"{n} contact confirmed.", f"{n} contacts confirmed."))
    invited, rejected = invite_people(by=by, people=None if action == "invite-all" else ids)
    n = len(invited)
    return Confirmation(
        pluralize(n, f"{n} person invited.", f"{n} persons invited."),
        refusals=[rejection.reason for rejection in rejected[:MAX_LISTED_REJECTIONS]],
    )


@require_POST
def change_contact(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Apply one change to a person and return to the page of the person."""
    by = governance_user(request, GOVERNANCE_ONLY)
    person = get_object_or_404(User.objects.people().filter(merged_into=None), pk=pk)
    return action_view(
        request,
        action=lambda _form: _apply(action, person, request, by),
        done=str,
        back=reverse("users:detail", args=[pk]),
    )


def _apply(action: str, person: User, request: HttpRequest, by: User) -> str:
    """Apply the change; return the confirmation."""
    match action:
        case "invite":
            invite_person(person=person, by=by)
            return f"An invitation is being sent to {person.email}."
        case "confirm":
            confirm_contacts(people=[person.pk], by=by, at=now())
            return f"{person} can receive email now."
        case "close":
            close_person(person=person, by=by)
            return f"{person} was closed."
        case "erase":
            erase_contact(person=person, by=by)
            return "The contact was erased."
        case "rename":
            form: forms.Form = NameForm(request.POST)
            _refuse_invalid(form)
            renamed = rename_contact(person=person, by=by, **form.cleaned_data)
            return f"The contact is called {renamed} now."
        case "merge":
            form = DuplicateForm(request.POST)
            _refuse_invalid(form)
            duplicate: User = form.cleaned_data["duplicate"]
            merge = merge_people(survivor=person, duplicate=duplicate, by=by, at=now())
            n = sum(merge.moved.values())
            return f"{duplicate} was merged into {person}. " + pluralize(
                n, f"{n} reference moved.", f"{n} references moved."
            )
    raise DomainError(_UNAVAILABLE)


def _refuse_invalid(form: forms.Form) -> None:
    if not form.is_valid():
        raise DomainError(join_errors(form))


@require_http_methods(["GET", "HEAD", "POST"])
def edit_domains(request: HttpRequest) -> HttpResponse:
    """Edit the domains to which email to contacts may be sent."""
    by = governance_user(request, GOVERNANCE_ONLY)
    row = PeopleSettings.objects.filter(pk=PeopleSettings.ONLY).first() or PeopleSettings()
    return action_view(
        request,
        form=lambda: DomainsForm(
            request.POST if request.method == "POST" else None,
            initial={"allowed_domains": "\n".join(row.allowed_domains)},
        ),
        action=lambda form: change_people_settings(
            allowed_domains=form.cleaned_data["allowed_domains"], by=by
        ),
        done="Allowed domains changed.",
        back=reverse("users:list"),
        page=lambda form: render_page(
            request,
            "settings/contact-form.html",
            title="Allowed domains",
            crumbs=_crumbs(),
            sentence=Headline(
                "Contacts at other domains receive email only after governance has confirmed them."
            ),
            domains=allowed_domains(),
            form=form,
        ),
    )


def contact_context(person: User, reader: User) -> dict[str, Any]:
    """Return what the page of a person shows about contacts: forms for governance, aliases."""
    can_govern = reader.is_governance and person.merged_into_id is None
    is_unconfirmed = unconfirmed_contacts(_only(person)).exists()
    return {
        "aliases": list(person.email_aliases.values_list("email", flat=True)),
        "can_govern": can_govern,
        "is_unconfirmed": is_unconfirmed,
        "can_invite": can_govern
        and person.state in {PersonState.CONTACT, PersonState.INVITED}
        and not person.organisation_role,
        "name_form": NameForm(
            initial={"first_name": person.first_name, "last_name": person.last_name}
        ),
        "duplicate_form": DuplicateForm(),
    }


def _only(person: User) -> QuerySet[User]:
    return User.objects.people().filter(pk=person.pk)


def _crumbs() -> tuple[tuple[str, str], ...]:
    return (("Settings", reverse("settings:home")), ("People", reverse("users:list")))
