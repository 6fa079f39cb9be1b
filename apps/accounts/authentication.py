"""How a program proves who it is: `Authorization: Bearer fr_<prefix>_<secret>`, and what its token may do."""

from datetime import timedelta
from typing import Any

from django.db.models import Q
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from apps.accounts.models import ApiToken, User
from apps.accounts.roles import Scope
from apps.accounts.tokens import digest_of
from apps.common.time import now

KEYWORD = "Bearer"
# a busy client costs one write a minute, not one per request
LAST_USED_PRECISION = timedelta(minutes=1)


class ApiTokenAuthentication(BaseAuthentication):
    """Sets `request.user` and `request.auth` (the ApiToken); one statement per request."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != KEYWORD.lower().encode():
            return None
        if len(words) != 2:
            raise AuthenticationFailed("Send the token as 'Authorization: Bearer TOKEN', in one piece.")
        # The digest is looked up, never the token: how long the look-up takes tells nothing about the secret.
        moment = now()
        token = ApiToken.objects.select_related("user").filter(digest=digest_of(words[1].decode("latin-1"))).first()
        if token is None:
            raise AuthenticationFailed("This token is not known here. Create one with 'manage.py token USER'.")
        if token.revoked_at is not None:
            raise AuthenticationFailed("This token was revoked. Create a new one.")
        if token.expires_at <= moment:
            raise AuthenticationFailed("This token has expired. Create a new one.")
        if not token.user.is_active:
            raise AuthenticationFailed("The account of this token is closed. Ask an administrator.")
        if token.last_used_at is None or token.last_used_at <= moment - LAST_USED_PRECISION:
            ApiToken.objects.filter(
                Q(last_used_at__isnull=True) | Q(last_used_at__lte=moment - LAST_USED_PRECISION), pk=token.pk
            ).update(last_used_at=moment)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return f'{KEYWORD} realm="api"'


class HasScope(BasePermission):
    """Signed in, and by a token only within its scopes: `read` to read, `write` for everything else.

    A view may name another scope in `required_scope`, such as intake or gate. A session has no scopes: it may
    do what its user may.
    """

    message = "This token lacks the scope for it. Create one with the scope that the answer names."

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        token = request.auth
        if not isinstance(token, ApiToken):
            return True
        needed = getattr(view, "required_scope", None) or (
            Scope.READ if request.method in SAFE_METHODS else Scope.WRITE
        )
        if needed in token.scopes:
            return True
        self.message = (
            f"This token lacks the scope '{needed}'. Create one with it: manage.py token USER --scope {needed}."
        )
        return False
