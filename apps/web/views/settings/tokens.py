"""API tokens of the user and of service accounts that the user is responsible for; each is shown
once."""

from collections.abc import Mapping
from datetime import timedelta
from operator import attrgetter
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from apps.accounts.actions import AccountChangeError, issue_token, revoke_token, rotate_token
from apps.accounts.models import ApiToken, Team, User
from apps.accounts.roles import Scope
from apps.accounts.service_accounts import can_manage_service
from apps.common.errors import DomainError
from apps.common.text import pluralize
from apps.common.time import now
from apps.web.lists.columns import Column, FileColumn, format_ago, format_moment
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.pages.action_view import action_view
from apps.web.pages.form_fields import QuickSelect, signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.wording import number, quantity_of

LIFETIMES = ((30, "30 days"), (90, "90 days"), (365, "a year"))
OVERLAPS = (
    (0, "not at all"),
    (1, "an hour"),
    (24, "a day"),
    (168, "a week"),
)
EXPIRING_SOON = timedelta(days=14)


class TokenForm(forms.Form):
    name = forms.CharField(
        label="Name", max_length=100, help_text="Describe the use of the API token."
    )
    scopes = forms.MultipleChoiceField(
        label="Scopes",
        choices=Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        initial=[Scope.READ],
        error_messages={"required": "Select at least one scope."},
    )
    team = forms.ModelChoiceField(
        Team.objects.none(),
        label="Limited to the team",
        required=False,
        widget=QuickSelect,
        empty_label="none: all teams of its user",
        help_text="The API token can access only this team and its sub-teams.",
    )
    per_minute = forms.IntegerField(
        label="Requests per minute",
        required=False,
        min_value=1,
        max_value=1_000_000,
        help_text="Empty: the default of all API tokens.",
    )
    days = forms.TypedChoiceField(label="Valid for", choices=LIFETIMES, coerce=int, initial=90)

    def __init__(self, *args: Any, teams: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = teams  # type: ignore[attr-defined]


def _describe_limits(token: ApiToken) -> str:
    team = f"only {token.team.name}" if token.team else ""
    rate = f"{number(token.per_minute)} per minute" if token.per_minute else ""
    return ", ".join(filter(None, (team, rate)))


def _describe_old_secret(token: ApiToken) -> str:
    if token.old_until is None or token.old_until <= now() or token.revoked_at:
        return ""
    return format_html("earlier secret: {}", format_moment(token.old_until))


def _describe_old_use(token: ApiToken) -> str:
    if token.old_last_used_at is None:
        return ""
    return format_html("earlier secret: {}", format_ago(token.old_last_used_at))


class TokenList(ListPage[ApiToken, ApiToken]):
    """The user's own API tokens. The files are for an access review: they list every token that the
    user can view, also those of service accounts; administrators and auditors get all."""

    namespace = "tokens"
    title = "API tokens"
    nouns = ("API token", "API tokens")
    counts = "Your own API tokens"
    columns = (
        Column[ApiToken](
            "name",
            "API token",
            attrgetter("name"),
            note=lambda token: format_html('<span class="id">fr_{}…</span>', token.prefix),
        ),
        Column[ApiToken](
            "scopes", "Scopes", lambda token: ", ".join(token.scopes), note=_describe_limits
        ),
        Column[ApiToken](
            "expires",
            "Expires",
            attrgetter("expires_at"),
            format=format_moment,
            note=_describe_old_secret,
        ),
        Column[ApiToken](
            "last_used",
            "Last used",
            attrgetter("last_used_at"),
            format=format_ago,
            note=_describe_old_use,
        ),
        Column[ApiToken](
            "actions",
            "Actions",
            attrgetter("revoked_at"),
            template="settings/token-actions.html",
            is_in_files=False,
        ),
    )
    file_columns = (
        FileColumn[ApiToken]("Prefix", attrgetter("prefix")),
        FileColumn[ApiToken]("User", attrgetter("user.username")),
        FileColumn[ApiToken](
            "Type", lambda token: "service account" if token.user.is_service else "user"
        ),
        FileColumn[ApiToken]("Team", lambda token: token.team.slug if token.team else ""),
        FileColumn[ApiToken]("Created", attrgetter("created_at")),
        FileColumn[ApiToken]("Revoked", attrgetter("revoked_at")),
        FileColumn[ApiToken]("Earlier secret valid until", attrgetter("old_until")),
    )
    default_order = ("", ("-created_at", "-pk"))
    page_size = 200
    template = "settings/tokens.html"
    may_change = True

    def get_queryset(self) -> "QuerySet[ApiToken]":
        return ApiToken.objects.filter(user=self.user).select_related("team")

    def get_file_queryset(self) -> "QuerySet[ApiToken]":
        tokens = ApiToken.objects.visible_to(self.user).select_related("user", "team")
        return tokens.order_by("pk")

    def get_lead(self) -> Headline:
        usable = [token for token in self.rows if token.is_good_at(self.at)]
        if not usable:
            return Headline("You have no valid API token.")
        opening = f"You have {quantity_of(len(usable), 'valid API token')}"
        n_soon = sum(token.expires_at < self.at + EXPIRING_SOON for token in usable)
        if not n_soon:
            return Headline(f"{opening}.")
        verb = pluralize(n_soon, "expires", "expire")
        return Headline(f"{opening}; ", f"{number(n_soon)} {verb} within 14 days", ".")

    def get_basis(self) -> Any:
        return format_html(
            "An API token acts as you, for all your teams or for one. Send it as "
            "<code>Authorization: Bearer fr_…</code>, as <code>X-Api-Key</code>, or as the "
            'password of HTTP Basic; see the <a href="/api/docs/">API documentation</a>. '
            '<a href="{}">Service accounts have API tokens of their own.</a>',
            reverse("service-accounts:list"),
        )

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No API tokens yet.",
            "Pipelines and scripts use an API token to read and write the registry.",
            "Create API token",
            "#h-new",
        )

    def get_row_css(self, row: ApiToken) -> str:
        return "past" if row.revoked_at or row.expires_at < self.at else ""

    def get_context(self) -> Mapping[str, Any]:
        return {"form": build_token_form(self.user, self.user), "overlaps": OVERLAPS}


class ServiceTokenList(TokenList):
    """API tokens of one service account (`service`); `may_change` whether the user manages it."""

    def check_access(self) -> None:
        self.may_change = can_manage_service(self.user, self.kwargs["service"])

    def get_queryset(self) -> "QuerySet[ApiToken]":
        return ApiToken.objects.filter(user=self.kwargs["service"]).select_related("team")


def build_token_form(user: User, holder: User, data: Any = None) -> TokenForm:
    """Return the form for a token of `holder`, created by `user`."""
    form = TokenForm(data, teams=Team.objects.visible_to(holder).order_by("name"))
    if not user.is_administrator:
        # a request for it is refused all the same, with the reason
        scopes: Any = form.fields["scopes"]
        scopes.widget.choices = [each for each in Scope.choices if each[0] != Scope.SCIM]
    return form


def render_own_tokens(request: HttpRequest, form: TokenForm, secret: str = "") -> HttpResponse:
    """Render the API tokens of the user. `secret` is a new token, shown once."""
    page = TokenList.of_request(request)
    return keep_secret_uncached(page.render(request, form=form, secret=secret), secret)


def keep_secret_uncached(response: HttpResponse, secret: str) -> HttpResponse:
    """Return the response of a page that shows `secret` if it is set; then it must not be
    cached."""
    if secret:
        response["Cache-Control"] = "no-store"
    return response


@require_POST
def create_token(request: HttpRequest) -> HttpResponse:
    """Create a token. Only this response shows its secret."""
    user = signed_in_user(request)
    return action_view(
        request,
        form=lambda: build_token_form(user, user, request.POST),
        action=lambda form: issue_from_form(form, holder=user, by=user),
        done="",
        back=lambda secret: render_own_tokens(request, build_token_form(user, user), secret),
        page=lambda form: render_own_tokens(request, form),
    )


def issue_from_form(form: TokenForm, *, holder: User, by: User) -> str:
    """Issue the token that the form describes and return its secret."""
    cleaned = form.cleaned_data
    try:
        _token, secret = issue_token(
            user=holder,
            name=cleaned["name"],
            scopes=cleaned["scopes"],
            at=now(),
            by=by,
            lifetime=timedelta(days=cleaned["days"]),
            team=cleaned["team"],
            per_minute=cleaned["per_minute"],
        )
    except AccountChangeError as refusal:
        raise DomainError(str(refusal), field=refusal.field or "team") from None
    return secret


@require_POST
def rotate_listed_token(request: HttpRequest, pk: int) -> HttpResponse:
    """Rotate a token: the new secret is shown once, the old one stays valid for the selected
    overlap."""
    user, token = _get_changeable_token(request, pk)
    if token.user_id != user.pk and not token.user.is_service:
        raise PermissionDenied("Only the owner of an API token can view its new secret.")
    overlap = request.POST.get("overlap", "0")
    hours = int(overlap) if overlap in {str(value) for value, _word in OVERLAPS} else 0
    at = now()
    return action_view(
        request,
        action=lambda _form: rotate_token(
            token=token, at=at, by=user, old_until=at + timedelta(hours=hours)
        ),
        done="",
        back=lambda rotated: (
            render_own_tokens(request, build_token_form(user, user), rotated[1])
            if token.user_id == user.pk
            else _render_rotated_token(request, user, token, rotated[1])
        ),
        refused=_build_return_url(token, user),
    )


def _render_rotated_token(
    request: HttpRequest, user: User, token: ApiToken, secret: str
) -> HttpResponse:
    response = render_page(
        request,
        "settings/rotated.html",
        secret=secret,
        title=token.name,
        crumbs=(
            ("Settings", reverse("settings:home")),
            ("Service accounts", reverse("service-accounts:list")),
        ),
        sentence=Headline(f"{token.name} of {token.user} has a new secret."),
        back=_build_return_url(token, user),
    )
    return keep_secret_uncached(response, secret)


@require_POST
def revoke_listed_token(request: HttpRequest, pk: int) -> HttpResponse:
    user, token = _get_changeable_token(request, pk)
    return action_view(
        request,
        action=lambda _form: revoke_token(token=token, at=now(), by=user),
        done=f"The API token {token} was revoked.",
        back=_build_return_url(token, user),
    )


def _get_changeable_token(request: HttpRequest, pk: int) -> tuple[User, ApiToken]:
    user = signed_in_user(request)
    token = get_object_or_404(ApiToken.objects.visible_to(user).select_related("user"), pk=pk)
    is_responsible = token.user.is_service and can_manage_service(user, token.user)
    if token.user_id != user.pk and not user.is_administrator and not is_responsible:
        raise PermissionDenied(
            "You can change only your own API tokens, unless you are an administrator."
        )
    return user, token


def _build_return_url(token: ApiToken, user: User) -> str:
    """Return the URL of the page that lists the token."""
    if token.user_id == user.pk:
        return reverse("tokens:list")
    return (
        reverse("service-accounts:detail", args=[token.user_id])
        if token.user.is_service
        else reverse("users:detail", args=[token.user_id])
    )
