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
from apps.web.views.settings.tokens import (
    OVERLAPS,
    TokenForm,
    build_token_form,
    issue_from_form,
    list_tokens,
    render_token_page,
)
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


def _list_services(user: User) -> QuerySet[User]:
    is_usable = Q(api_tokens__revoked_at=None, api_tokens__expires_at__gt=now())
    return visible_service_accounts(user).annotate(
        n_keys=Count("api_tokens", filter=is_usable), last_used=Max("api_tokens__last_used_at")
    )


@require_safe
def service_list(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    listing = PaginatedList(request, _list_services(user))
    return render_page(
        request,
        "settings/services.html",
        title="Programs",
        crumbs=(("Settings", reverse("settings:home")),),
        counts="Service accounts you may see",
        sentence=_build_list_headline(listing.n_found),
        listing=listing,
        can_add=can_add_services(user),
    )


def _build_list_headline(n: int) -> Headline:
    if n == 0:
        return Headline("No program has an account of its own here.")
    programs = count_of(n, "program", "programs")
    return Headline(f"{programs[:1].upper()}{programs[1:]} with an account.")


@require_safe
def service_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export all service accounts that the user can view."""
    return csv_response(
        "programs",
        ["program", "what it does", "team", "office", "keys", "last used", "open"],
        _list_services(signed_in_user(request)).iterator(chunk_size=1000),
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
    """Create a service account."""
    user = signed_in_user(request)
    if not can_add_services(user):
        raise PermissionDenied(
            "You need the governance role, or the owner role on a team, to add service accounts."
        )
    form = AddServiceForm(request.POST or None, by=user, initial={"team": request.GET.get("team")})
    if request.method == "POST" and form.is_valid():
        cleaned = form.cleaned_data
        try:
            service = add_service(
                username=cleaned["username"],
                about=cleaned["about"],
                team=cleaned["team"],
                role=cleaned["role"] if cleaned["team"] else None,
                office=cleaned.get("office", ""),
                by=user,
            )
        except AccountChangeError as refusal:
            form.add_error(None, str(refusal))
        except ValidationError as error:
            form.add_error(None, [text for texts in error.message_dict.values() for text in texts])
        else:
            flash_success(request, f"{service} was added. Create an API token next.")
            return redirect("service-accounts:detail", service.pk)
    return render_page(
        request,
        "settings/service-form.html",
        title="Add a program",
        crumbs=(
            ("Settings", reverse("settings:home")),
            ("Service accounts", reverse("service-accounts:list")),
        ),
        sentence=Headline("A program has keys and no password; it stays when people leave."),
        form=form,
        status=422 if form.is_bound else 200,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def service_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one service account: its purpose, its roles, its API tokens."""
    user, service = _get_service_or_404(request, pk)
    may_change = can_manage_service(user, service)
    form = ServiceForm(by=user, service=service) if may_change else None
    if request.method == "POST":
        _require_manager(may_change)
        form = ServiceForm(request.POST, by=user, service=service)
        if form.is_valid():
            try:
                change_service(service=service, facts=form.cleaned_data, by=user)
            except AccountChangeError as refusal:
                form.add_error(None, str(refusal))
            else:
                flash_success(request, f"{service} was changed.")
                return redirect("service-accounts:detail", service.pk)
    return _render_service_page(
        request,
        user,
        service,
        form=form,
        key_form=build_token_form(user, service) if may_change else None,
    )


@require_POST
def issue_service_token(request: HttpRequest, pk: int) -> HttpResponse:
    """Issue a token. Only this response shows its secret."""
    user, service = _get_service_or_404(request, pk)
    _require_manager(can_manage_service(user, service))
    key_form = build_token_form(user, service, request.POST)
    secret = issue_from_form(key_form, holder=service, by=user)
    return _render_service_page(
        request,
        user,
        service,
        form=ServiceForm(by=user, service=service),
        key_form=build_token_form(user, service) if secret else key_form,
        secret=secret,
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
    tokens = list_tokens(service)
    n_usable = sum(token.is_good_at(at) for token in tokens)
    has_errors = any(
        page_form is not None and page_form.is_bound and page_form.errors
        for page_form in (form, key_form)
    )
    office = OrganisationRole(service.organisation_role).label if service.organisation_role else ""
    return render_token_page(
        request,
        secret,
        template="settings/service.html",
        title=str(service),
        crumbs=(
            ("Settings", reverse("settings:home")),
            ("Service accounts", reverse("service-accounts:list")),
        ),
        as_of=at,
        sentence=Headline(
            f"The account of {service} is closed."
            if not service.is_active
            else f"{service} has {count_of(n_usable, 'key')} in use."
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
        status=422 if has_errors else 200,
    )


def _get_service_or_404(request: HttpRequest, pk: int) -> tuple[User, User]:
    user = signed_in_user(request)
    return user, get_object_or_404(visible_service_accounts(user), pk=pk)


def _require_manager(may_change: bool) -> None:
    if not may_change:
        raise PermissionDenied(
            "You need the governance role, or the owner role on its team, to change a service "
            "account."
        )
