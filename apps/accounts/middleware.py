"""What a session must fulfil before a page sees it."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponseBase

from apps.accounts.sessions import is_over, is_signed_in, note_activity
from apps.common.time import now

# pages fetched before the sign-out, which the browser may still hold
CLEAR_SITE_DATA = '"cache", "storage"'


class SessionTimeoutMiddleware:
    """Ends sessions that lay idle or have lasted long enough; asked before anything looks at `request.user`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # a request without the cookie has no session, and its answer varies by none
        if settings.SESSION_COOKIE_NAME in request.COOKIES and is_signed_in(request.session):
            moment = now()
            if is_over(request.session, at=moment):
                request.session.flush()
            else:
                note_activity(request, at=moment)
        response = self.get_response(request)
        if getattr(request, "has_signed_out", False):
            response.headers["Clear-Site-Data"] = CLEAR_SITE_DATA
        return response


@receiver(user_logged_out)
def note_sign_out(request: HttpRequest | None, **_rest: object) -> None:
    if request is not None:
        request.has_signed_out = True  # type: ignore[attr-defined]
