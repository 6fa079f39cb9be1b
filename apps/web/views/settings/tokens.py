"""API tokens of the user and of service accounts that the user is responsible for; each is shown
once."""

from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.actions import AccountChangeError, issue_token, revoke_token, rotate_token
from apps.accounts.models import ApiToken, Team, User
from apps.accounts.roles import Scope
from apps.accounts.service_accounts import can_manage_service
from apps.common.time import now
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import QuickSelect, signed_in_user
from apps.web.pages.list_page import csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.wording import count_of

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


@require_safe
def token_list(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    return render_own_tokens(request, user, build_token_form(user, user))


def build_token_form(user: User, holder: User, data: Any = None) -> TokenForm:
    """Return the form for a token of `holder`, created by `user`."""
    return TokenForm(data, teams=Team.objects.visible_to(holder).order_by("name"))


def render_own_tokens(
    request: HttpRequest, user: User, form: TokenForm, secret: str = ""
) -> HttpResponse:
    """Render the API tokens of the user. `secret` is a new token, shown once."""
    at = now()
    tokens = list_tokens(user)
    usable_tokens = [token for token in tokens if token.is_good_at(at)]
    return render_token_page(
        request,
        secret,
        template="settings/tokens.html",
        title="API tokens",
        crumbs=(("Settings", reverse("settings:home")),),
        counts="Your own",
        as_of=at,
        sentence=_build_headline(
            len(usable_tokens),
            sum(token.expires_at < at + EXPIRING_SOON for token in usable_tokens),
        ),
        tokens=tokens,
        form=form,
        at=at,
        overlaps=OVERLAPS,
        status=422 if form.is_bound and not form.is_valid() else 200,
    )


def render_token_page(
    request: HttpRequest, secret: str, *, template: str, **context: Any
) -> HttpResponse:
    """Render a page that shows the new token if `secret` is set; then it must not be cached."""
    response = render_page(request, template, secret=secret, **context)
    if secret:
        response["Cache-Control"] = "no-store"
    return response


def list_tokens(user: User) -> list[ApiToken]:
    return list(
        ApiToken.objects.filter(user=user).select_related("team").order_by("-created_at")[:200]
    )


@require_safe
def tokens_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send every token that the user can view: the user's own and those of service accounts that
    the user is responsible for; administrators and auditors all.

    For an access review, and for finding unused tokens."""
    user = signed_in_user(request)
    return csv_response(
        "keys",
        [
            "key",
            "prefix",
            "of",
            "kind",
            "may",
            "team",
            "made",
            "good until",
            "last used",
            "revoked",
            "old secret until",
        ],
        ApiToken.objects.visible_to(user)
        .select_related("user", "team")
        .order_by("pk")
        .iterator(chunk_size=1000),
        lambda row: [
            row.name,
            row.prefix,
            row.user.username,
            "program" if row.user.is_service else "person",
            " ".join(row.scopes),
            row.team.slug if row.team else "",
            row.created_at,
            row.expires_at,
            row.last_used_at,
            row.revoked_at,
            row.old_until,
        ],
    )


def _build_headline(n: int, n_soon: int) -> Headline:
    if n == 0:
        return Headline("You have no key. Programs that read or write the register need one.")
    start = f"You have {count_of(n, 'key')} in use"
    if n_soon:
        return Headline(
            f"{start}; ", f"{count_of(n_soon, 'expires', 'expire')} within 14 days", "."
        )
    return Headline(f"{start}.")


@require_POST
def create_token(request: HttpRequest) -> HttpResponse:
    """Create a token. Only this response shows its secret."""
    user = signed_in_user(request)
    form = build_token_form(user, user, request.POST)
    secret = issue_from_form(form, holder=user, by=user)
    return render_own_tokens(
        request, user, build_token_form(user, user) if secret else form, secret=secret
    )


def issue_from_form(form: TokenForm, *, holder: User, by: User) -> str:
    """Issue the token that the form describes and return its secret; empty if the form has
    errors."""
    if not form.is_valid():
        return ""
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
        form.add_error("team", str(refusal))
        return ""
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
    try:
        _token, secret = rotate_token(
            token=token, at=at, by=user, old_until=at + timedelta(hours=hours)
        )
    except AccountChangeError as refusal:
        flash_error(request, str(refusal))
        return redirect(_build_return_url(token, user))
    if token.user_id == user.pk:
        return render_own_tokens(request, user, build_token_form(user, user), secret=secret)
    return _render_rotated_token(request, user, token, secret)


def _render_rotated_token(
    request: HttpRequest, user: User, token: ApiToken, secret: str
) -> HttpResponse:
    return render_token_page(
        request,
        secret,
        template="settings/rotated.html",
        title=token.name,
        crumbs=(
            ("Settings", reverse("settings:home")),
            ("Service accounts", reverse("service-accounts:list")),
        ),
        sentence=Headline(f"{token.name} of {token.user} has a new secret."),
        back=_build_return_url(token, user),
    )


@require_POST
def revoke_listed_token(request: HttpRequest, pk: int) -> HttpResponse:
    user, token = _get_changeable_token(request, pk)
    revoke_token(token=token, at=now(), by=user)
    flash_success(request, f"The API token {token} was revoked.")
    return redirect(_build_return_url(token, user))


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
