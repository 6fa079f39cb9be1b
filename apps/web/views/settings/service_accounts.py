"""Service accounts: users that authenticate only with API tokens, and the users responsible for
them."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

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
from apps.web.lists.columns import Column, FileColumn, format_ago, format_number
from apps.web.lists.list_page import EmptyState, ListPage, ListRequest, PageAction
from apps.web.pages.action_view import action_view
from apps.web.pages.form_fields import QuickSelect, signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.settings.tokens import (
    OVERLAPS,
    ServiceTokenList,
    TokenForm,
    build_token_form,
    issue_from_form,
    keep_secret_uncached,
)
from apps.web.wording import quantity_of

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
        """Offer all teams to governance, and to other users the teams they own, of which one is
        required."""
        super().__init__(*args, **kwargs)
        team: Any = self.fields["team"]
        if by.is_governance:
            team.queryset = Team.objects.order_by("name")
        else:
            owned_team_ids = [
                pk for pk, rank in by.team_roles().items() if rank >= TeamRole.OWNER.rank
            ]
            team.queryset, team.required, team.empty_label = (
                Team.objects.filter(pk__in=owned_team_ids).order_by("name"),
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


class ServiceAccountList(ListPage[User, User]):
    """Service accounts that the user can view, by name."""

    namespace = "service-accounts"
    title = "Service accounts"
    nouns = ("service account", "service accounts")
    crumbs = (("Settings", "settings:home"),)
    counts = "Service accounts that you can view"
    columns = (
        Column[User](
            "name",
            "Service account",
            attrgetter("username"),
            note=attrgetter("about"),
            url=lambda service: reverse("service-accounts:detail", args=[service.pk]),
        ),
        Column[User](
            "team",
            "Team",
            lambda service: service.service_team.name if service.service_team else "",
            format=lambda name: name or "whole organisation",
        ),
        Column[User]("role", "Organisation role", User.get_organisation_role_display),
        Column[User](
            "tokens",
            "Valid API tokens",
            attrgetter("n_tokens"),
            format=format_number,
            is_numeric=True,
        ),
        Column[User](
            "last_used",
            "Last used",
            attrgetter("last_used"),
            format=format_ago,
            note=lambda service: "" if service.is_active else "disabled",
        ),
    )
    file_columns = (
        FileColumn[User]("Purpose", attrgetter("about")),
        FileColumn[User](
            "Team ID", lambda service: service.service_team.slug if service.service_team else ""
        ),
        FileColumn[User]("Enabled", lambda service: "yes" if service.is_active else "no"),
    )
    default_order = ("", ("username",))

    def get_queryset(self) -> "QuerySet[User]":
        is_usable = Q(api_tokens__revoked_at=None, api_tokens__expires_at__gt=self.at)
        return visible_service_accounts(self.user).annotate(
            n_tokens=Count("api_tokens", filter=is_usable),
            last_used=Max("api_tokens__last_used_at"),
        )

    def get_basis(self) -> str:
        return (
            "A service account has API tokens and no password. It belongs to a team, whose owners "
            "manage it, or to the whole organisation."
        )

    def get_actions(self) -> Sequence[PageAction]:
        if not can_add_services(self.user):
            return ()
        create = reverse("service-accounts:create")
        return (PageAction("Add service account", create, is_primary=True),)

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No service accounts yet.",
            "Create a service account for each gateway, pipeline and script. Its API tokens do not "
            "depend on a person, and the audit log shows its changes.",
            *(
                ("Add service account", reverse("service-accounts:create"))
                if can_add_services(self.user)
                else ()
            ),
        )

    def get_row_css(self, row: User) -> str:
        return "" if row.is_active else "past"


@require_http_methods(["GET", "HEAD", "POST"])
def create_service(request: HttpRequest) -> HttpResponse:
    """Create a service account."""
    user = signed_in_user(request)
    if not can_add_services(user):
        raise PermissionDenied(
            "You need the governance role, or the owner role on a team, to add service accounts."
        )
    return action_view(
        request,
        form=lambda: AddServiceForm(
            request.POST or None, by=user, initial={"team": request.GET.get("team")}
        ),
        action=lambda form: add_service(
            username=form.cleaned_data["username"],
            about=form.cleaned_data["about"],
            team=form.cleaned_data["team"],
            role=form.cleaned_data["role"] if form.cleaned_data["team"] else None,
            office=form.cleaned_data.get("office", ""),
            by=user,
        ),
        done=lambda service: f"{service} was added. Create an API token next.",
        back=lambda service: reverse("service-accounts:detail", args=[service.pk]),
        page=lambda form: render_page(
            request,
            "settings/service-form.html",
            title="Add service account",
            crumbs=(
                ("Settings", reverse("settings:home")),
                ("Service accounts", reverse("service-accounts:list")),
            ),
            sentence=Headline(
                "A service account has API tokens and no password, and does not depend on a person."
            ),
            form=form,
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def service_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one service account: its purpose, its roles, its API tokens."""
    user, service = _get_service_or_404(request, pk)
    may_change = can_manage_service(user, service)
    if request.method == "POST":
        _require_manager(may_change)
    elif not may_change:
        return _render_service_page(request, user, service, form=None, key_form=None)
    return action_view(
        request,
        form=lambda: ServiceForm(request.POST or None, by=user, service=service),
        action=lambda form: change_service(service=service, facts=form.cleaned_data, by=user),
        done=f"{service} was changed.",
        back=reverse("service-accounts:detail", args=[pk]),
        page=lambda form: _render_service_page(
            request, user, service, form=form, key_form=build_token_form(user, service)
        ),
    )


@require_POST
def issue_service_token(request: HttpRequest, pk: int) -> HttpResponse:
    """Issue a token. Only this response shows its secret."""
    user, service = _get_service_or_404(request, pk)
    _require_manager(can_manage_service(user, service))

    def render(key_form: TokenForm, secret: str = "") -> HttpResponse:
        form = ServiceForm(by=user, service=service)
        return _render_service_page(
            request, user, service, form=form, key_form=key_form, secret=secret
        )

    return action_view(
        request,
        form=lambda: build_token_form(user, service, request.POST),
        action=lambda form: issue_from_form(form, holder=service, by=user),
        done="",
        back=lambda secret: render(build_token_form(user, service), secret),
        page=render,
    )


def _render_service_page(
    request: HttpRequest,
    user: User,
    service: User,
    *,
    form: ServiceForm | None,
    key_form: TokenForm | None,
    secret: str = "",
) -> HttpResponse:
    """Render the page of a service account; `form` and `key_form` are None if the user may not use
    them. `secret` is a new token, shown once."""
    at = now()
    tokens = ServiceTokenList(ListRequest(request.GET, user), at=at, service=service)
    n_usable = sum(token.is_good_at(at) for token in tokens.rows)
    office = OrganisationRole(service.organisation_role).label if service.organisation_role else ""
    response = render_page(
        request,
        "settings/service.html",
        secret=secret,
        title=str(service),
        crumbs=(
            ("Settings", reverse("settings:home")),
            ("Service accounts", reverse("service-accounts:list")),
        ),
        as_of=at,
        sentence=Headline(
            f"The account of {service} is disabled."
            if not service.is_active
            else f"{service} has {quantity_of(n_usable, 'valid API token')}."
        ),
        service=service,
        office=office,
        memberships=service.memberships.select_related("team").filter(
            team__in=Team.objects.visible_to(user)
        ),
        tokens=tokens,
        at=at,
        overlaps=OVERLAPS,
        form=form,
        key_form=key_form,
        may_change=form is not None,
    )
    return keep_secret_uncached(response, secret)


def _get_service_or_404(request: HttpRequest, pk: int) -> tuple[User, User]:
    user = signed_in_user(request)
    return user, get_object_or_404(visible_service_accounts(user), pk=pk)


def _require_manager(may_change: bool) -> None:
    if not may_change:
        raise PermissionDenied(
            "You need the governance role, or the owner role on its team, to change a service "
            "account."
        )
