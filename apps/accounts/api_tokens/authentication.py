"""Authentication and scopes of API tokens.

A token `fr_<prefix>_<secret>` is sent as `Authorization: Bearer TOKEN`, as `X-Api-Key: TOKEN`, or
as the password of HTTP Basic with any username (the only option of some senders of traces and of
bills of materials). `Bearer%20TOKEN` is accepted as well: OTEL_EXPORTER_OTLP_HEADERS is
percent-encoded, and some senders, LiteLLM among them, do not decode it.
"""

import base64
import binascii
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote_to_bytes

from django.db.models import Q
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from apps.accounts.api_tokens.lookup import find_token
from apps.accounts.api_tokens.secrets import digest_of
from apps.accounts.events.log import record_token_use
from apps.accounts.models import ApiToken, User
from apps.accounts.roles import Scope
from apps.common.time import now

KEYWORD = "Bearer"
API_KEY_HEADER = "X-Api-Key"
# at most one write per token and minute, not one per request
LAST_USED_PRECISION = timedelta(minutes=1)
_MAX_TOKEN_LENGTH = 500
_SCHEMES = (b"bearer", b"basic")


class ApiTokenAuthentication(BaseAuthentication):
    """Sets `request.user` (restricted to the token's team, if it has one) and `request.auth` (the
    ApiToken). One statement per request, two if the old secret of a rotated token is used."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return the user of the request's API token, limited to the token's team, and the token;
        None if the request has none, so that the session counts. Records the use.
        AuthenticationFailed if the token is unknown, revoked or expired, or its user is
        deactivated."""
        text = _token_of(request)
        if text is None:
            return None
        moment = now()
        token, is_by_old_secret = _find_token(digest_of(text))
        if token is None:
            raise AuthenticationFailed(
                "Unknown API token. Create one under Account → API tokens, or with "
                "'manage.py token USER'."
            )
        if token.revoked_at is not None:
            raise AuthenticationFailed("This API token was revoked. Create a new one.")
        if token.expires_at <= moment:
            raise AuthenticationFailed("This API token expired. Create a new one.")
        if is_by_old_secret and not token.has_old_secret_at(moment):
            raise AuthenticationFailed(
                "This API token was rotated, and this secret of it expired. Use the new secret."
            )
        if not token.user.is_active:
            raise AuthenticationFailed(
                "The account of this API token is deactivated. Contact an administrator."
            )
        _record_use(token, "old_last_used_at" if is_by_old_secret else "last_used_at", moment)
        record_token_use(token, request=request)
        return token.user.bound_to(token.team_id), token

    def authenticate_header(self, request: Request) -> str:
        return f'{KEYWORD} realm="api"'


def _token_of(request: Request) -> str | None:
    """Return the token of the request in any of its forms; None if there is none of this
    registry."""
    words = _authorization_words(request)
    if not words:
        key = request.headers.get(API_KEY_HEADER, "").strip()
        return key[:_MAX_TOKEN_LENGTH] or None
    scheme = words[0].lower()
    if scheme == b"bearer":
        if len(words) != 2:
            raise AuthenticationFailed(
                "Send the API token as 'Authorization: Bearer TOKEN', without spaces in the token."
            )
        return words[1][:_MAX_TOKEN_LENGTH].decode("latin-1")
    if scheme == b"basic":
        return _decode_password(words[1] if len(words) == 2 else b"")
    return None


def _authorization_words(request: Request) -> list[bytes]:
    """Return the words of the Authorization header, decoded where it is percent-encoded as a
    whole."""
    header: bytes = get_authorization_header(request)
    scheme, encoded_space, _ = header.strip().lower().partition(b"%20")
    if encoded_space and scheme in _SCHEMES:
        # base64 and tokens contain no percent sign
        header = unquote_to_bytes(header)
    return header.split()


def _decode_password(encoded: bytes) -> str:
    try:
        name_and_password = base64.b64decode(
            encoded[: 4 * _MAX_TOKEN_LENGTH], validate=True
        ).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        name_and_password = ""
    password = name_and_password.partition(":")[2].strip()
    if not password:
        raise AuthenticationFailed(
            "With HTTP Basic authentication, send the API token as the password. The "
            "username is ignored."
        )
    return password[:_MAX_TOKEN_LENGTH]


def _find_token(digest: str) -> tuple[ApiToken | None, bool]:
    """Return (token with this digest, whether it is the digest of the secret before the last
    rotation).

    The digest is looked up and not the token, so that the time of the look-up reveals nothing about
    the secret.
    """
    token = find_token(digest)
    if token is not None:
        return token, False
    return find_token(digest, column="old_digest"), True


def _record_use(token: ApiToken, column: str, moment: datetime) -> None:
    last_used_at = getattr(token, column)
    if last_used_at is not None and last_used_at > moment - LAST_USED_PRECISION:
        return
    unknown_or_before = Q(**{f"{column}__isnull": True}) | Q(
        **{f"{column}__lte": moment - LAST_USED_PRECISION}
    )
    ApiToken.objects.filter(unknown_or_before, pk=token.pk).update(**{column: moment})


class HasScope(BasePermission):
    """Requires a signed-in user; with a token also its scopes: `read` to read, `write` for
    everything else.

    A view can require another scope with `required_scope`, such as intake or gate. A view about the
    user, rather than about what teams own, sets `is_personal`: tokens bound to a team cannot use
    it. A session has no scopes: it has all permissions of its user.
    """

    message = (
        "This API token lacks the required scope. Create one with the scope that the "
        "response names."
    )

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return whether the request's token has the scope that the view requires:
        `required_scope`, otherwise read or write by the method. A token of a team has no access to
        personal views. Sessions have all scopes."""
        if not request.user.is_authenticated:
            return False
        token = request.auth
        if not isinstance(token, ApiToken):
            return True
        required_scope = getattr(view, "required_scope", None) or (
            Scope.READ if request.method in SAFE_METHODS else Scope.WRITE
        )
        if required_scope not in token.scopes:
            self.message = (
                f'This API token lacks the scope "{required_scope}". Create one that has it: '
                f"manage.py token USER --scope {required_scope}."
            )
            return False
        if token.team_id is not None and getattr(view, "is_personal", False):
            self.message = (
                "This API token is bound to a team, and this request concerns a user. Use a "
                "token that is not bound to a team."
            )
            return False
        return True
