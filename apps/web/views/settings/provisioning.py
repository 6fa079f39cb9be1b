"""User provisioning (SCIM): the address for the identity provider, its API tokens, and what it last
did."""

from datetime import datetime, timedelta

from django import forms
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.actions import issue_token
from apps.accounts.models import ApiToken, ProvisionedGroup, ProvisionedUser, User
from apps.accounts.provisioning.group_roles import has_rule
from apps.accounts.provisioning.resources import base_url
from apps.accounts.provisioning.status import provisioning_status
from apps.accounts.roles import Scope
from apps.accounts.service_accounts import add_service
from apps.common.time import now
from apps.web.pages.action_view import action_view
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.settings.tokens import keep_secret_uncached
from apps.web.wording import count_of

# account in whose name the identity provider acts, in the audit log
SERVICE_ACCOUNT = "scim"
LIFETIMES = ((90, "90 days"), (365, "a year"), (730, "2 years"))
MAX_LISTED_GROUPS = 200


class ProvisioningTokenForm(forms.Form):
    name = forms.CharField(
        label="Name", max_length=100, help_text="For example the name of the identity provider."
    )
    days = forms.TypedChoiceField(label="Valid for", choices=LIFETIMES, coerce=int, initial=365)


@require_safe
def provisioning_page(request: HttpRequest) -> HttpResponse:
    """Show what the identity provider manages."""
    return _render_page(request, ProvisioningTokenForm())


@require_POST
def create_provisioning_token(request: HttpRequest) -> HttpResponse:
    """Create an API token of the service account for provisioning. Only this response shows its
    secret."""
    user = signed_in_user(request)
    if not user.is_administrator:
        raise PermissionDenied(
            "You need the administrator role to create API tokens for user provisioning."
        )
    return action_view(
        request,
        form=lambda: ProvisioningTokenForm(request.POST),
        action=lambda form: _issue_token(
            form.cleaned_data["name"], form.cleaned_data["days"], by=user, at=now()
        ),
        done="",
        back=lambda secret: _render_page(request, ProvisioningTokenForm(), secret),
        page=lambda form: _render_page(request, form),
    )


@transaction.atomic
def _issue_token(name: str, days: int, *, by: User, at: datetime) -> str:
    service = User.objects.services().filter(username=SERVICE_ACCOUNT, service_team=None).first()
    if service is None:
        service = add_service(
            username=SERVICE_ACCOUNT, about="User provisioning (SCIM)", team=None, by=by
        )
    _token, secret = issue_token(
        user=service,
        name=name,
        scopes=[Scope.SCIM],
        at=at,
        by=by,
        lifetime=timedelta(days=days),
    )
    return secret


def _render_page(
    request: HttpRequest, form: ProvisioningTokenForm, secret: str = ""
) -> HttpResponse:
    user = signed_in_user(request)
    if not user.can_read_all:
        raise PermissionDenied("You need an organisation role to view user provisioning.")
    users = ProvisionedUser.objects.filter(removed_at=None)
    n_users, n_groups = users.count(), ProvisionedGroup.objects.count()
    groups = list(ProvisionedGroup.objects.order_by("display_name")[:MAX_LISTED_GROUPS])
    tokens = ApiToken.objects.filter(scopes__contains=[Scope.SCIM], revoked_at=None)
    response = render_page(
        request,
        "settings/provisioning.html",
        title="User provisioning (SCIM)",
        crumbs=(("Settings", reverse("settings:home")),),
        sentence=_build_headline(n_users, n_groups),
        address=base_url(),
        last=provisioning_status(),
        n_users=n_users,
        n_closed=users.filter(user__is_active=False).count(),
        n_groups=n_groups,
        groups=[(group, has_rule(group)) for group in groups],
        n_rules=len(settings.GROUP_RULES),
        tokens=tokens.select_related("user").order_by("-created_at"),
        at=now(),
        form=form if user.is_administrator else None,
        secret=secret,
    )
    return keep_secret_uncached(response, secret)


def _build_headline(n_users: int, n_groups: int) -> Headline:
    if not n_users and not n_groups:
        return Headline("No identity provider has provisioned users yet.")
    return Headline(
        f"The identity provider manages {count_of(n_users, 'user')} and "
        f"{count_of(n_groups, 'group')}."
    )
