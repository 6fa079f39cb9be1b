"""Users: the list, invitations, organisation roles and removal of access."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts import actions
from apps.accounts.events.log import record_event
from apps.accounts.filters import UserListFilter
from apps.accounts.models import AccountEventKind, PersonState, ProvisionedUser, Team, User
from apps.accounts.people.mail_rules import contacts_with_mail, unconfirmed_contacts
from apps.accounts.roles import OrganisationRole, TeamRole
from apps.accounts.sign_in.invitations import invitation_url, send_invitation
from apps.accounts.sign_in.second_factors import (
    has_second_factor,
    is_required_of,
    reset_second_factors,
    with_second_factor,
)
from apps.accounts.sign_in.sessions import end_sessions
from apps.accounts.single_sign_on.configuration import sign_on_name, signs_in_elsewhere
from apps.common.text import pluralize
from apps.common.time import now
from apps.web.lists.columns import Column, FileColumn
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.form_fields import UserSource, signed_in_user
from apps.web.pages.optimistic_lock import OptimisticLockMixin
from apps.web.pages.page import Headline, render_page
from apps.web.views.settings.people import contact_context
from apps.web.wording import ago, number


class UserForm(OptimisticLockMixin, forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = actions.USER_FIELDS
        labels = {
            "first_name": "First name",
            "last_name": "Last name",
            "email": "Email address",
            "organisation_role": "Organisation role",
            "is_active": "Can sign in",
        }
        help_texts = {
            "organisation_role": (
                "Governance can change everything except users, auditors can only view, "
                "administrators can also manage users."
            ),
            "is_active": "Accounts are disabled, not deleted: the audit log refers to them.",
        }


class InviteForm(forms.ModelForm):  # type: ignore[type-arg]
    email = forms.EmailField(label="Email address")
    team = forms.ModelChoiceField(Team.objects.none(), label="Team", required=False)
    role = forms.TypedChoiceField(
        label="Role on the team",
        choices=[(role.rank, role.word) for role in TeamRole],
        coerce=lambda rank: TeamRole(int(rank)),
        initial=TeamRole.VIEWER.rank,
    )

    class Meta:
        model = User
        fields = ("username", "email", "first_name", "last_name", "organisation_role")
        labels = {**UserForm.Meta.labels, "username": "Username"}
        help_texts = {
            "username": "Permanent: the audit log uses this name.",
            "organisation_role": "None for most users: a role on a team is enough.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = Team.objects.order_by("name")  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class UserRow:
    """Person of the list; `may_receive_mail` is known in files only."""

    user: Any
    is_factor_required: bool
    may_receive_mail: bool = False

    @property
    def factor(self) -> str:
        if self.user.has_factor:
            return "yes"
        return "no, required" if self.is_factor_required else "no"


def _describe_sign_in(row: UserRow) -> str:
    user = row.user
    if not user.is_active or user.last_login is None:
        return ""
    return f"last sign-in {ago(user.last_login, at=now())}"


class UserList(ListPage[User, UserRow]):
    """Users and contacts by the filters of the URL, active ones first."""

    namespace = "users"
    title = "People"
    nouns = ("person", "people")
    crumbs = (("Settings", "settings:home"),)
    counts = "Users and contacts"
    filterset_class = UserListFilter
    columns = (
        Column[UserRow](
            "person",
            "Person",
            lambda row: str(row.user),
            url=lambda row: reverse("users:detail", args=[row.user.pk]),
        ),
        Column[UserRow]("email", "Email", attrgetter("user.email")),
        Column[UserRow](
            "state", "State", lambda row: row.user.get_state_display(), note=_describe_sign_in
        ),
        Column[UserRow](
            "role", "Organisation role", lambda row: row.user.get_organisation_role_display()
        ),
        Column[UserRow](
            "factor",
            "Two-factor authentication",
            attrgetter("factor"),
            css=lambda row: "bad" if row.factor == "no, required" else "",
        ),
        Column[UserRow]("teams", "Teams", attrgetter("user.n_teams"), is_numeric=True),
    )
    file_columns = (
        FileColumn[UserRow]("Username", attrgetter("user.username")),
        FileColumn[UserRow]("First name", attrgetter("user.first_name")),
        FileColumn[UserRow]("Last name", attrgetter("user.last_name")),
        FileColumn[UserRow]("Can sign in", lambda row: "yes" if row.user.is_active else "no"),
        FileColumn[UserRow](
            "Can receive email", lambda row: "yes" if row.may_receive_mail else "no"
        ),
        FileColumn[UserRow]("Last sign-in", attrgetter("user.last_login")),
        FileColumn[UserRow](
            "Two-factor authentication required",
            lambda row: "yes" if row.is_factor_required else "no",
        ),
    )
    controls = (
        FilterControl("q", "Search", "search"),
        FilterControl("state", "State", choices=PersonState.choices),
        FilterControl("office", "Organisation role", choices=OrganisationRole.choices),
        FilterControl("factor", "Two-factor", choices=(("yes", "Yes"), ("no", "No"))),
    )
    default_order = ("", ("-is_active", "first_name", "last_name", "username"))
    template = "settings/people.html"
    bulk_template = "settings/people-bulk.html"

    def check_access(self) -> None:
        _require_reader(self.request)

    def get_queryset(self) -> "QuerySet[User]":
        people = with_second_factor(User.objects.people().filter(merged_into=None))
        return people.annotate(n_teams=Count("memberships"))

    def build_rows(self, records: Sequence[User]) -> Sequence[UserRow]:
        return [UserRow(user, is_required_of(user)) for user in records]

    def build_file_rows(self, records: Sequence[User]) -> Sequence[UserRow]:
        contacts = contacts_with_mail([user.pk for user in records if not user.is_active])
        return [
            UserRow(user, is_required_of(user), user.is_active or user.pk in contacts)
            for user in records
        ]

    @cached_property
    def totals(self) -> Mapping[str, int]:
        """The numbers of people who can sign in, who have not yet, and of contacts."""
        return User.objects.people().aggregate(
            n=Count("pk", filter=Q(is_active=True)),
            new=Count("pk", filter=Q(is_active=True, last_login=None)),
            contacts=Count("pk", filter=Q(state=PersonState.CONTACT)),
        )

    def get_lead(self) -> Headline:
        if self.is_filtered:
            return self.describe_matches()
        n, n_new, n_contacts = (self.totals[name] for name in ("n", "new", "contacts"))
        sentences = [pluralize(n, "1 user can sign in.", f"{number(n)} users can sign in.")]
        if n_new:
            sentences.append(
                pluralize(
                    n_new, "1 has not signed in yet.", f"{number(n_new)} have not signed in yet."
                )
            )
        if n_contacts:
            sentences.append(
                pluralize(
                    n_contacts, "1 person is a contact.", f"{number(n_contacts)} are contacts."
                )
            )
        return Headline(" ".join(sentences))

    def get_basis(self) -> str:
        n_unconfirmed = unconfirmed_contacts().count()
        if not n_unconfirmed:
            return ""
        return format_html(
            '<a href="?unconfirmed=true">Contacts to confirm: {}</a>. Their addresses are outside '
            "the allowed domains, so they receive no email.",
            number(n_unconfirmed),
        )

    def get_actions(self) -> Sequence[PageAction]:
        actions_of_page = []
        if self.user.is_administrator:
            invite = PageAction("Invite user", reverse("users:invite"), is_primary=True)
            actions_of_page.append(invite)
        if self.user.is_governance:
            actions_of_page += [
                PageAction("Add contact", reverse("users:create-contact")),
                PageAction("Edit allowed domains", reverse("users:domains")),
            ]
        return actions_of_page

    def get_empty_state(self) -> EmptyState:
        return EmptyState("No people yet.", "Users sign in, contacts receive email only.")

    def get_row_css(self, row: UserRow) -> str:
        return "" if row.user.is_active else "past"

    def get_selection_key(self, row: UserRow) -> str:
        return str(row.user.pk) if self.user.is_governance else ""

    def get_context(self) -> Mapping[str, Any]:
        return {"n_contacts": self.totals["contacts"] if self.user.is_governance else 0}


@require_http_methods(["GET", "HEAD", "POST"])
def invite_user(request: HttpRequest) -> HttpResponse:
    """Add a user, with a first role, and email the link by which the password is set."""
    by = _require_administrator(request)

    def make_form() -> InviteForm:
        # a contact with this address becomes the user
        contact = User.objects.contact_with(request.POST.get("email", "")).first()
        return InviteForm(
            request.POST or None, instance=contact, initial={"team": request.GET.get("team")}
        )

    def add(form: InviteForm) -> User:
        cleaned = form.cleaned_data
        person = actions.add_user(
            facts={name: cleaned[name] for name in InviteForm.Meta.fields}, by=by
        )
        if cleaned["team"]:
            actions.set_membership(user=person, team=cleaned["team"], role=cleaned["role"], by=by)
        return person

    return action_view(
        request,
        form=make_form,
        action=add,
        done=lambda person: _email_invitation(person, by),
        back=reverse("users:list"),
        page=lambda form: render_page(
            request,
            "settings/invite.html",
            title="Invite user",
            crumbs=(("Settings", reverse("settings:home")), ("People", reverse("users:list"))),
            sentence=Headline("The invitation is an email with a link to set a password."),
            form=form,
        ),
    )


def _email_invitation(person: User, by: User) -> Confirmation:
    try:
        send_invitation(person=person, by=by)
    except OSError as error:
        return Confirmation(
            f"The email was not sent ({error}). Send {person} this URL yourself. It works "
            f"once: {invitation_url(person)}",
            is_refusal=True,
        )
    return Confirmation(f"An invitation was sent to {person.email}.")


@require_POST
def resend_invitation(request: HttpRequest, pk: int) -> HttpResponse:
    by = _require_administrator(request)
    person = get_object_or_404(
        User.objects.people().filter(is_active=True).exclude(email=""), pk=pk
    )
    if person.is_superuser and not by.is_superuser:
        raise PermissionDenied("You must be a superuser to change a superuser.")
    return action_view(
        request,
        action=lambda _form: person,
        done=lambda invited: _email_invitation(invited, by),
        back=reverse("users:detail", args=[person.pk]),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def edit_user(request: HttpRequest, pk: int) -> HttpResponse:
    """Edit one user: facts, organisation role, access; team roles are assigned on the teams'
    pages."""
    user = _require_reader(request)
    person = get_object_or_404(User.objects.people(), pk=pk)
    can_change = (
        user.is_administrator
        and (user.is_superuser or not person.is_superuser)
        and not person.is_contact
        and person.merged_into_id is None
    )
    if not can_change:
        if request.method == "POST":
            raise PermissionDenied("You need the administrator role to change users.")
        return _render_user(request, person, None)

    def make_form() -> UserForm:
        if request.method != "POST":
            return UserForm(instance=person, row=person)
        locked = User.objects.select_for_update(of=("self",)).get(pk=pk)
        return UserForm(request.POST, instance=locked, row=User.objects.get(pk=pk))

    return action_view(
        request,
        form=make_form,
        action=lambda form: actions.change_user(
            person=form.instance,
            facts={name: form.cleaned_data[name] for name in actions.USER_FIELDS},
            by=user,
            request=request,
        ),
        done=lambda changed: f"{changed} was changed.",
        back=reverse("users:detail", args=[pk]),
        page=lambda form: _render_user(request, person, form),
    )


def _render_user(request: HttpRequest, person: User, form: UserForm | None) -> HttpResponse:
    """Render the page of a user; `form` is None if the reader may not change the user."""
    return render_page(
        request,
        "settings/person.html",
        title=str(person),
        crumbs=(("Settings", reverse("settings:home")), ("People", reverse("users:list"))),
        sentence=Headline(_describe_user(person)),
        person=person,
        memberships=person.memberships.select_related("team").order_by("team__name"),
        form=form,
        has_factor=has_second_factor(person),
        provisioning=ProvisionedUser.objects.filter(user=person, removed_at=None).first(),
        signs_in_elsewhere=signs_in_elsewhere(person),
        sign_on=sign_on_name(),
        is_required=is_required_of(person),
        **contact_context(person, signed_in_user(request)),
    )


@require_POST
def reset_two_factor(request: HttpRequest, pk: int) -> HttpResponse:
    by = _require_administrator(request)
    person = get_object_or_404(User.objects.people(), pk=pk)
    return action_view(
        request,
        action=lambda _form: reset_second_factors(person=person, by=by, request=request),
        done=f"Two-factor authentication of {person} was reset, and the sessions were ended.",
        back=reverse("users:detail", args=[person.pk]),
    )


@require_POST
def end_user_sessions(request: HttpRequest, pk: int) -> HttpResponse:
    """End all sessions of a user."""
    by = _require_administrator(request)
    person = get_object_or_404(User.objects.people(), pk=pk)

    def end(_form: forms.Form) -> int:
        n_ended = end_sessions(person)
        record_event(
            AccountEventKind.SESSIONS_ENDED,
            request=request,
            user=person,
            actor=by,
            detail="all, by an administrator",
        )
        return n_ended

    return action_view(
        request,
        action=end,
        done=lambda n: (
            pluralize(n, f"{n} session of {person} ended.", f"{n} sessions of {person} ended.")
            if n
            else f"{person} has no open session."
        ),
        back=reverse("users:detail", args=[person.pk]),
    )


def _describe_user(person: User) -> str:
    office = (
        f" ({person.get_organisation_role_display().lower()})" if person.organisation_role else ""
    )
    if person.merged_into is not None:
        return f"{person} was merged into {person.merged_into}."
    if person.is_contact:
        return f"{person} is a contact and cannot sign in."
    if not person.is_active:
        return f"The account of {person} is closed."
    if person.last_login is None:
        return f"{person}{office} has not signed in yet."
    return f"{person}{office} last signed in on {person.last_login:%-d %B %Y}."


def _require_reader(request: UserSource) -> User:
    user = signed_in_user(request)
    if not user.can_read_all:
        raise PermissionDenied(
            "You need an organisation role to view all users. Members of your teams are listed "
            "on the pages of the teams."
        )
    return user


def _require_administrator(request: HttpRequest) -> User:
    user = signed_in_user(request)
    if not user.is_administrator:
        raise PermissionDenied("You need the administrator role to add and change users.")
    return user
