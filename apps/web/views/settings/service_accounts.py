"""Service accounts: users that authenticate only with API tokens, and the users responsible for
them."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.actions import AccountChangeError
from apps.accounts.models import Team, User
from apps.accounts.roles import OrganisationRole, TeamRole
from apps.accounts.service_accounts import (
    SERVICE_FIELDS,
    SERVICE_ORGANISATION_ROLES,
    SERVICE_ROLES,
    add_service,
    can_add_services,
    can_manage_service,
    change_service,
    visible_service_accounts,
)
from apps.common.time import now
from apps.web.pages.flash_messages import flash_success
from apps.web.pages.form_fields import QuickSelect, signed_in_user
from apps.web.pages.list_page import PaginatedList, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.settings.tokens import OVERLAPS, TokenForm, form_for, issued, keys_of, shown
from apps.web.wording import count_of

_NO_ORGANISATION_ROLE = ("", "none")
_ORGANISATION_ROLES = [
    _NO_ORGANISATION_ROLE,
    *((office.value, office.label) for office in SERVICE_ORGANISATION_ROLES),
]


class AddServiceForm(forms.Form):
    username = forms.SlugField(
        label="Name",
        max_length=150,
        help_text="Permanent: the audit log uses this name.",
    )
    about = forms.CharField(label="Purpose", max_length=300)
    team = forms.ModelChoiceField(
        Team.objects.none(),
        label="Team",
        required=False,
        widget=QuickSelect,
        empty_label="the whole organisation",
        help_text="Its owners manage the service account.",
    )
    role = forms.TypedChoiceField(
        label="Role on this team",
        choices=[(role.rank, role.word) for role in SERVICE_ROLES],
        coerce=lambda rank: TeamRole(int(rank)),
        initial=TeamRole.EDITOR.rank,
    )
    office = forms.ChoiceField(
        label="Organisation role",
        choices=_ORGANISATION_ROLES,
        required=False,
        help_text="Assigned by administrators, and only to service accounts of the whole "
        "organisation.",
    )

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        team: Any = self.fields["team"]
        if by.is_governance:
            team.queryset = Team.objects.order_by("name")
        else:
            owned = [pk for pk, rank in by.team_roles().items() if rank >= TeamRole.OWNER.rank]
            team.queryset, team.required, team.empty_label = (
                Team.objects.filter(pk__in=owned).order_by("name"),
                True,
                "…",
            )
        if not by.is_administrator:
            del self.fields["office"]


class ServiceForm(forms.Form):
    about = forms.CharField(label="Purpose", max_length=300)
    organisation_role = forms.ChoiceField(
        label="Organisation role", choices=_ORGANISATION_ROLES, required=False
    )
    is_active = forms.BooleanField(
        label="API tokens enabled",
        required=False,
        help_text="Service accounts are disabled, not deleted: the audit log refers to them.",
    )

    def __init__(self, data: Any = None, *, by: User, service: User) -> None:
        super().__init__(data, initial={name: getattr(service, name) for name in SERVICE_FIELDS})
        if not by.is_administrator:
            del self.fields["organisation_role"]


def _listed(user: User) -> QuerySet[User]:
    good = Q(api_tokens__revoked_at=None, api_tokens__expires_at__gt=now())
    return visible_service_accounts(user).annotate(
        n_keys=Count("api_tokens", filter=good), last_used=Max("api_tokens__last_used_at")
    )


@require_safe
def service_list(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    listing = PaginatedList(request, _listed(user))
    return render_page(
        request,
        "settings/services.html",
        title="Programs",
        crumbs=(("Settings", reverse("settings:home")),),
        counts="Service accounts you may see",
        sentence=_sentence(listing.n_found),
        listing=listing,
        can_add=can_add_services(user),
    )


def _sentence(n: int) -> Headline:
    if n == 0:
        return Headline("No program has an account of its own here.")
    programs = count_of(n, "program", "programs")
    return Headline(f"{programs[:1].upper()}{programs[1:]} with an account.")


@require_safe
def service_csv(request: HttpRequest) -> StreamingHttpResponse:
    return csv_response(
        "programs",
        ["program", "what it does", "team", "office", "keys", "last used", "open"],
        _listed(signed_in_user(request)).iterator(chunk_size=1000),
        lambda row: [
            row.username,
            row.about,
            row.service_team.slug if row.service_team else "",
            row.organisation_role,
            row.n_keys,  # type: ignore[attr-defined]
            row.last_used,  # type: ignore[attr-defined]
            "yes" if row.is_active else "no",
        ],
    )


@require_http_methods(["GET", "HEAD", "POST"])
def create_service(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    if not can_add_services(user):
        raise PermissionDenied(
            "You need the governance role, or the owner role on a team, to add service accounts."
        )
    form = AddServiceForm(request.POST or None, by=user, initial={"team": request.GET.get("team")})
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            made = add_service(
                username=said["username"],
                about=said["about"],
                team=said["team"],
                role=said["role"] if said["team"] else None,
                office=said.get("office", ""),
                by=user,
            )
        except AccountChangeError as refusal:
            form.add_error(None, str(refusal))
        except ValidationError as wrong:
            form.add_error(None, [text for texts in wrong.message_dict.values() for text in texts])
        else:
            flash_success(request, f"{made} was added. Create an API token next.")
            return redirect("service-accounts:detail", made.pk)
    return render_page(
        request,
        "settings/service-form.html",
        title="Add a program",
        crumbs=(
            ("Settings", reverse("settings:home")),
            ("Programs", reverse("service-accounts:list")),
        ),
        sentence=Headline("A program has keys and no password; it stays when people leave."),
        form=form,
        status=422 if form.is_bound else 200,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def service_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one service account: its purpose, its roles, its API tokens."""
    user, found = _seen(request, pk)
    may_change = can_manage_service(user, found)
    form = ServiceForm(by=user, service=found) if may_change else None
    if request.method == "POST":
        _refuse_others(may_change)
        form = ServiceForm(request.POST, by=user, service=found)
        if form.is_valid():
            try:
                change_service(service=found, facts=form.cleaned_data, by=user)
            except AccountChangeError as refusal:
                form.add_error(None, str(refusal))
            else:
                flash_success(request, f"{found} was changed.")
                return redirect("service-accounts:detail", found.pk)
    return _service_page(
        request, user, found, form=form, key_form=form_for(user, found) if may_change else None
    )


@require_POST
def issue_service_token(request: HttpRequest, pk: int) -> HttpResponse:
    """Issue a token. The response shows it; no other page ever will."""
    user, found = _seen(request, pk)
    _refuse_others(can_manage_service(user, found))
    key_form = form_for(user, found, request.POST)
    secret = issued(key_form, holder=found, by=user)
    return _service_page(
        request,
        user,
        found,
        form=ServiceForm(by=user, service=found),
        key_form=form_for(user, found) if secret else key_form,
        secret=secret,
    )


def _service_page(
    request: HttpRequest,
    user: User,
    found: User,
    *,
    form: ServiceForm | None,
    key_form: TokenForm | None,
    secret: str = "",
) -> HttpResponse:
    at = now()
    tokens = keys_of(found)
    n_good = sum(token.is_good_at(at) for token in tokens)
    refused = any(one is not None and one.is_bound and one.errors for one in (form, key_form))
    office = OrganisationRole(found.organisation_role).label if found.organisation_role else ""
    return shown(
        request,
        secret,
        template="settings/service.html",
        title=str(found),
        crumbs=(
            ("Settings", reverse("settings:home")),
            ("Programs", reverse("service-accounts:list")),
        ),
        as_of=at,
        sentence=Headline(
            f"The account of {found} is closed."
            if not found.is_active
            else f"{found} has {count_of(n_good, 'key')} in use."
        ),
        service=found,
        office=office,
        memberships=found.memberships.select_related("team").filter(
            team__in=Team.objects.visible_to(user)
        ),
        tokens=tokens,
        at=at,
        overlaps=OVERLAPS,
        form=form,
        key_form=key_form,
        may_change=form is not None,
        status=422 if refused else 200,
    )


def _seen(request: HttpRequest, pk: int) -> tuple[User, User]:
    user = signed_in_user(request)
    return user, get_object_or_404(visible_service_accounts(user), pk=pk)


def _refuse_others(may_change: bool) -> None:
    if not may_change:
        raise PermissionDenied(
            "You need the governance role, or the owner role on its team, to change a service "
            "account."
        )
