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
    return own_page(request, user, form_for(user, user))


def form_for(user: User, holder: User, data: Any = None) -> TokenForm:
    """Return the form for a token of `holder`, created by `user`."""
    return TokenForm(data, teams=Team.objects.visible_to(holder).order_by("name"))


def own_page(request: HttpRequest, user: User, form: TokenForm, secret: str = "") -> HttpResponse:
    at = now()
    found = keys_of(user)
    good = [token for token in found if token.is_good_at(at)]
    return shown(
        request,
        secret,
        template="settings/tokens.html",
        title="Keys",
        crumbs=(("Settings", reverse("settings:home")),),
        counts="Your own",
        as_of=at,
        sentence=_sentence(len(good), sum(token.expires_at < at + EXPIRING_SOON for token in good)),
        tokens=found,
        form=form,
        at=at,
        overlaps=OVERLAPS,
        status=422 if form.is_bound and not form.is_valid() else 200,
    )


def shown(request: HttpRequest, secret: str, *, template: str, **context: Any) -> HttpResponse:
    """A page that may show a key just made; then no cache keeps it."""
    response = render_page(request, template, secret=secret, **context)
    if secret:
        response["Cache-Control"] = "no-store"
    return response


def keys_of(user: User) -> list[ApiToken]:
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


def _sentence(n: int, n_soon: int) -> Headline:
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
    """Create a token. The response shows it; no other page ever will."""
    user = signed_in_user(request)
    form = form_for(user, user, request.POST)
    secret = issued(form, holder=user, by=user)
    return own_page(request, user, form_for(user, user) if secret else form, secret=secret)


def issued(form: TokenForm, *, holder: User, by: User) -> str:
    """The new key's text, or empty where the form says what is wrong."""
    if not form.is_valid():
        return ""
    said = form.cleaned_data
    try:
        _token, text = issue_token(
            user=holder,
            name=said["name"],
            scopes=said["scopes"],
            at=now(),
            by=by,
            lifetime=timedelta(days=said["days"]),
            team=said["team"],
            per_minute=said["per_minute"],
        )
    except AccountChangeError as refusal:
        form.add_error("team", str(refusal))
        return ""
    return text


@require_POST
def rotate_listed_token(request: HttpRequest, pk: int) -> HttpResponse:
    """Rotate a token: the new secret is shown once; the old one keeps working for as long as
    chosen."""
    user, token = _changeable(request, pk)
    if token.user_id != user.pk and not token.user.is_service:
        raise PermissionDenied("Only the owner of an API token can view its new secret.")
    overlap = request.POST.get("overlap", "0")
    hours = int(overlap) if overlap in {str(value) for value, _word in OVERLAPS} else 0
    at = now()
    try:
        _token, text = rotate_token(
            token=token, at=at, by=user, old_until=at + timedelta(hours=hours)
        )
    except AccountChangeError as refusal:
        flash_error(request, str(refusal))
        return redirect(_home_of(token, user))
    if token.user_id == user.pk:
        return own_page(request, user, form_for(user, user), secret=text)
    return _service_page(request, user, token, text)


def _service_page(request: HttpRequest, user: User, token: ApiToken, text: str) -> HttpResponse:
    return shown(
        request,
        text,
        template="settings/rotated.html",
        title=token.name,
        crumbs=(
            ("Settings", reverse("settings:home")),
            ("Programs", reverse("service-accounts:list")),
        ),
        sentence=Headline(f"{token.name} of {token.user} has a new secret."),
        back=_home_of(token, user),
    )


@require_POST
def revoke_listed_token(request: HttpRequest, pk: int) -> HttpResponse:
    user, token = _changeable(request, pk)
    revoke_token(token=token, at=now(), by=user)
    flash_success(request, f"The API token {token} was revoked.")
    return redirect(_home_of(token, user))


def _changeable(request: HttpRequest, pk: int) -> tuple[User, ApiToken]:
    user = signed_in_user(request)
    token = get_object_or_404(ApiToken.objects.visible_to(user).select_related("user"), pk=pk)
    looked_after = token.user.is_service and can_manage_service(user, token.user)
    if token.user_id != user.pk and not user.is_administrator and not looked_after:
        raise PermissionDenied(
            "You can change only your own API tokens, unless you are an administrator."
        )
    return user, token


def _home_of(token: ApiToken, user: User) -> str:
    """The page on which the key stands."""
    if token.user_id == user.pk:
        return reverse("tokens:list")
    return (
        reverse("service-accounts:detail", args=[token.user_id])
        if token.user.is_service
        else reverse("users:detail", args=[token.user_id])
    )
