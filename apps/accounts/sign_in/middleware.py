"""Middleware that checks sessions before a page is served: time-out and two-factor
authentication."""

from collections.abc import Callable
from typing import Any

from allauth.mfa.signals import authenticator_removed
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import redirect

from apps.accounts.models import User
from apps.accounts.sign_in.second_factors import has_second_factor, is_enforced_on, is_required_of
from apps.accounts.sign_in.sessions import is_over, is_signed_in, record_activity
from apps.common.time import day_of, now

# session key: the user has a second factor, so that the table is queried only once
HAS_FACTOR = "has_second_factor"
# paths that are accessible without the required factor: setting one up with the reauthentication it
# needs, and signing out
WITHOUT_FACTOR = ("/accounts/2fa/", "/accounts/reauthenticate/", "/accounts/logout/")
REST = ("/api/", "/otlp/", "/scim/")
NEEDS_FACTOR = "Your role requires two-factor authentication. Set it up to continue."
# clears pages from before the sign-out that the browser might still hold
CLEAR_SITE_DATA = '"cache", "storage"'


class SessionTimeoutMiddleware:
    """Ends sessions that were idle for too long or have reached their maximum duration; runs before
    any use of `request.user`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # without the cookie there is no session; not reading it also keeps the response free of
        # Vary: Cookie
        if settings.SESSION_COOKIE_NAME in request.COOKIES and is_signed_in(request.session):
            moment = now()
            if is_over(request.session, at=moment):
                request.session.flush()
            else:
                record_activity(request, at=moment)
        response = self.get_response(request)
        if getattr(request, "has_signed_out", False):
            response.headers["Clear-Site-Data"] = CLEAR_SITE_DATA
        return response


class SecondFactorMiddleware:
    """Redirects users whose role requires two-factor authentication to set it up; until then only
    that and signing out are possible. Sessions by single sign-on alone pass: the provider requires
    the factor. API tokens continue to work: creating one needs a session that has passed here."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], _args: Any, _kwargs: Any
    ) -> HttpResponseBase | None:
        """Return the response that asks for a second factor: 403 for REST, otherwise a redirect to
        its setup. None if the user may proceed."""
        if not settings.MFA_REQUIRED_FOR or settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        if not self._lacks_factor(request) or request.path.startswith(WITHOUT_FACTOR):
            return None
        if request.path.startswith(REST):
            return JsonResponse(
                {
                    "type": "about:blank",
                    "title": "Forbidden",
                    "status": 403,
                    "detail": NEEDS_FACTOR,
                },
                status=403,
                content_type="application/problem+json",
            )
        if not getattr(view, "login_required", True):
            # public views, such as signed links and the sign-in
            return None
        messages.warning(request, NEEDS_FACTOR)
        return redirect("mfa_index")

    def _lacks_factor(self, request: HttpRequest) -> bool:
        """Return whether the user must have a second factor by now and has none. A session signed
        in by SSO alone is exempt, because the provider asks for the factor. A factor that was seen
        is remembered in the session."""
        user = request.user
        if (
            not isinstance(user, User)
            or request.session.get(HAS_FACTOR)
            or not is_required_of(user)
        ):
            return False
        methods = {
            entry.get("method")
            for entry in request.session.get("account_authentication_methods", [])
        }
        if "socialaccount" in methods and "password" not in methods:
            return False
        if has_second_factor(user):
            request.session[HAS_FACTOR] = True
            return False
        return is_enforced_on(day_of(now()))


@receiver(authenticator_removed)
def clear_factor_check(request: HttpRequest | None, **_kwargs: object) -> None:
    if request is not None:
        request.session.pop(HAS_FACTOR, None)


@receiver(user_logged_out)
def mark_sign_out(request: HttpRequest | None, **_kwargs: object) -> None:
    if request is not None:
        request.has_signed_out = True  # type: ignore[attr-defined]
