"""Users: the list, invitations, organisation roles and removal of access."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts import actions
from apps.accounts.events.log import record_event
from apps.accounts.models import AccountEventKind, EmailAlias, PersonState, Team, User
from apps.accounts.people.mail_rules import contacts_with_mail, unconfirmed_contacts
from apps.accounts.roles import TeamRole
from apps.accounts.sign_in.invitations import invitation_url, send_invitation
from apps.accounts.sign_in.second_factors import (
    by_second_factor,
    has_second_factor,
    is_required_of,
    reset_second_factors,
    with_second_factor,
)
from apps.accounts.sign_in.sessions import end_sessions
from apps.common.text import pluralize
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import PaginatedList, csv_response
from apps.web.pages.optimistic_lock import OptimisticLockMixin
from apps.web.pages.page import Headline, render_page
from apps.web.views.settings.people import contact_context


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


def _filter_users(request: HttpRequest) -> QuerySet[User]:
    """Return the users that match the text and the state of two-factor authentication in the
    URL."""
    query = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    people = with_second_factor(User.objects.people().filter(merged_into=None))
    if request.GET.get("unconfirmed") == "true":
        people = people.filter(pk__in=unconfirmed_contacts().order_by().values("pk"))
    if (state := request.GET.get("state", "")) in PersonState.values:
        people = people.filter(state=state)
    if (factor := request.GET.get("factor", "")) in {"yes", "no"}:
        people = by_second_factor(people.filter(is_active=True), has_factor=factor == "yes")
    users = people.annotate(n_teams=Count("memberships")).order_by(
        "-is_active", "first_name", "last_name", "username"
    )
    if query:
        users = users.filter(
            Q(username__icontains=query)
            | Q(email__icontains=query)
            | Q(first_name__icontains=query)
            | Q(last_name__icontains=query)
            | Q(pk__in=EmailAlias.objects.filter(email__icontains=query).values("user"))
        )
    office = request.GET.get("office", "")
    return users.filter(organisation_role=office) if office else users


@require_safe
def user_list(request: HttpRequest) -> HttpResponse:
    """Show the users, by the filters of the URL."""
    user = _require_reader(request)
    listing = PaginatedList(request, _filter_users(request))
    return render_page(
        request,
        "settings/people.html",
        fragment="listing",
        title="People",
        crumbs=(("Settings", reverse("settings:home")),),
        counts="Contacts and users",
        sentence=_build_list_headline(),
        listing=listing,
        offices=User._meta.get_field("organisation_role").choices,
        office=request.GET.get("office", ""),
        factor=request.GET.get("factor", ""),
        required=[row.pk for row in listing.rows if is_required_of(row)],
        words=request.GET.get("q", ""),
        states=PersonState.choices,
        state=request.GET.get("state", ""),
        can_change=user.is_administrator,
        can_govern=user.is_governance,
        n_contacts=User.objects.contacts().count(),
        n_unconfirmed=unconfirmed_contacts().count(),
    )


def _build_list_headline() -> Headline:
    counts = User.objects.people().aggregate(
        n=Count("pk", filter=Q(is_active=True)),
        new=Count("pk", filter=Q(is_active=True, last_login=None)),
        contacts=Count("pk", filter=Q(state=PersonState.CONTACT)),
    )
    n, n_new, n_contacts = counts["n"], counts["new"], counts["contacts"]
    sentences = [pluralize(n, f"{n} person can sign in.", f"{n} people can sign in.")]
    if n_new:
        sentences.append(
            pluralize(n_new, "1 has not signed in yet.", f"{n_new} have not signed in yet.")
        )
    if n_contacts:
        sentences.append(pluralize(n_contacts, "1 is a contact.", f"{n_contacts} are contacts."))
    return Headline(" ".join(sentences))


@require_safe
def user_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export all users that match the filters."""
    _require_reader(request)
    mailable = contacts_with_mail(User.objects.contacts().values_list("pk", flat=True))
    return csv_response(
        "people",
        [
            "name",
            "first name",
            "last name",
            "e-mail",
            "office",
            "teams",
            "may sign in",
            "state",
            "may receive email",
            "last sign-in",
            "second factor",
            "second factor required",
        ],
        _filter_users(request).iterator(chunk_size=1000),
        lambda row: [
            row.username,
            row.first_name,
            row.last_name,
            row.email,
            row.get_organisation_role_display(),
            row.n_teams,  # type: ignore[attr-defined]
            "yes" if row.is_active else "no",
            row.get_state_display(),
            "yes" if row.is_active or row.pk in mailable else "no",
            row.last_login,
            "yes" if row.has_factor else "no",  # type: ignore[attr-defined]
            "yes" if is_required_of(row) else "no",
        ],
    )


@require_http_methods(["GET", "HEAD", "POST"])
def invite_user(request: HttpRequest) -> HttpResponse:
    """Add a user, with a first role, and email the link by which the password is set."""
    by = _require_administrator(request)
    # a contact with this address becomes the user
    contact = User.objects.contact_with(request.POST.get("email", "")).first()
    form = InviteForm(
        request.POST or None, instance=contact, initial={"team": request.GET.get("team")}
    )
    if request.method == "POST" and form.is_valid():
        cleaned = form.cleaned_data
        with transaction.atomic():
            person = actions.add_user(
                facts={name: cleaned[name] for name in InviteForm.Meta.fields}, by=by
            )
            if cleaned["team"]:
                actions.set_membership(
                    user=person, team=cleaned["team"], role=cleaned["role"], by=by
                )
        _email_invitation(request, person, by)
        return redirect("users:list")
    return render_page(
        request,
        "settings/invite.html",
        title="Invite a person",
        crumbs=(("Settings", reverse("settings:home")), ("People", reverse("users:list"))),
        sentence=Headline(
            "The invitation is a mail with a link by which the person sets a password."
        ),
        form=form,
        status=422 if form.is_bound else 200,
    )


def _email_invitation(request: HttpRequest, person: User, by: User) -> None:
    try:
        send_invitation(person=person, by=by)
    except OSError as error:
        flash_error(
            request,
            f"The email was not sent ({error}). Give {person} this URL yourself; it works "
            f"once: {invitation_url(person)}",
        )
    else:
        flash_success(request, f"An invitation was sent to {person.email}.")


@require_POST
def resend_invitation(request: HttpRequest, pk: int) -> HttpResponse:
    by = _require_administrator(request)
    person = get_object_or_404(
        User.objects.people().filter(is_active=True).exclude(email=""), pk=pk
    )
    if person.is_superuser and not by.is_superuser:
        raise PermissionDenied("You must be a superuser to change a superuser.")
    _email_invitation(request, person, by)
    return redirect("users:detail", person.pk)


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
    form = UserForm(instance=person, row=person) if can_change else None
    if request.method == "POST":
        if not can_change:
            raise PermissionDenied("You need the administrator role to change users.")
        form = _save_user(request, person, user)
        if form is None:
            return redirect("users:detail", person.pk)
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
        is_required=is_required_of(person),
        **contact_context(person, user),
        status=422 if form is not None and form.is_bound else 200,
    )


@require_POST
def reset_two_factor(request: HttpRequest, pk: int) -> HttpResponse:
    by = _require_administrator(request)
    person = get_object_or_404(User.objects.people(), pk=pk)
    try:
        reset_second_factors(person=person, by=by, request=request)
    except actions.AccountChangeError as refusal:
        flash_error(request, str(refusal))
    else:
        flash_success(
            request,
            f"Two-factor authentication of {person} was reset, and the sessions were ended.",
        )
    return redirect("users:detail", person.pk)


@require_POST
def end_user_sessions(request: HttpRequest, pk: int) -> HttpResponse:
    """End all sessions of a user."""
    by = _require_administrator(request)
    person = get_object_or_404(User.objects.people(), pk=pk)
    n_ended = end_sessions(person)
    record_event(
        AccountEventKind.SESSIONS_ENDED,
        request=request,
        user=person,
        actor=by,
        detail="all, by an administrator",
    )
    message = (
        pluralize(n_ended, "{n} session of {person} ended.", "{n} sessions of {person} ended.")
        if n_ended
        else "{person} has no open session."
    )
    flash_success(request, message.format(n=n_ended, person=person))
    return redirect("users:detail", person.pk)


def _save_user(request: HttpRequest, person: User, by: User) -> UserForm | None:
    """Save the submitted form; return None, or the form with its errors."""
    with transaction.atomic():
        locked = User.objects.select_for_update(of=("self",)).get(pk=person.pk)
        form = UserForm(request.POST, instance=locked, row=User.objects.get(pk=person.pk))
        if not form.is_valid():
            return form
        try:
            actions.change_user(
                person=locked,
                facts={name: form.cleaned_data[name] for name in actions.USER_FIELDS},
                by=by,
                request=request,
            )
        except (actions.AccountChangeError, ValidationError) as refusal:
            transaction.set_rollback(True)
            form.add_error(
                None,
                str(refusal)
                if isinstance(refusal, actions.AccountChangeError)
                else refusal.messages,
            )
            return form
    flash_success(request, f"{locked} was changed.")
    return None


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


def _require_reader(request: HttpRequest) -> User:
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
