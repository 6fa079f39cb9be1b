"""Addresses of sign-ins by SAML: where they begin, where responses arrive, and the metadata.

The response arrives by a POST of another site, which carries no cookie of the session. It is
checked at once, and only what a valid one says is kept, under a cookie of its own, until the
browser comes back by a redirect with its session (as allauth does). There the response must answer
a request of this browser, and can do so once.
"""

from typing import Any

from allauth.account.internal.decorators import login_not_required
from allauth.core import ratelimit
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import complete_social_login, render_authentication_error
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base.views import BaseLoginView
from allauth.socialaccount.sessions import LoginSession
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.single_sign_on.configuration import SAML
from apps.accounts.single_sign_on.identity_provider import load_identity_provider
from apps.accounts.single_sign_on.saml import (
    Identity,
    InvalidResponseError,
    read_response,
    service_metadata,
)
from apps.common.processes.child_process import BusyError, ChildFailedError
from apps.common.time import now

_STORED_IDENTITY = "identity"
_COOKIE = "saml-sign-in"
# between the check of a response and the return of the browser
GRACE_SECONDS = 60


def find_saml_provider(request: HttpRequest) -> Any:
    """Return the provider, or raise 404 where SAML is off."""
    try:
        return get_adapter().get_provider(request, SAML)
    except SocialApp.DoesNotExist:
        raise Http404 from None


@method_decorator(login_not_required, name="dispatch")
class SamlLoginView(BaseLoginView):  # type: ignore[misc]
    """Redirect a POST to the provider; a GET shows a confirmation first."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        find_saml_provider(request)
        return super().dispatch(request, *args, **kwargs)  # type: ignore[no-any-return]

    def get_provider(self) -> Any:
        return find_saml_provider(self.request)


saml_login = SamlLoginView.as_view()


@csrf_exempt
@login_not_required  # type: ignore[untyped-decorator]
@require_POST
def saml_response(request: HttpRequest) -> HttpResponseBase:
    """Check a response of the provider, and redirect to the end of the sign-in."""
    provider = find_saml_provider(request)
    if (too_many := ratelimit.consume_or_429(request, action="saml")) is not None:
        return too_many  # type: ignore[no-any-return]
    try:
        identity = read_response(
            request.POST.get("SAMLResponse", ""),
            provider=load_identity_provider(),
            entity_id=settings.SAML["entity_id"],
            acs_url=settings.SAML["acs_url"],
        )
    except (InvalidResponseError, ChildFailedError, BusyError) as error:
        return render_authentication_error(request, provider, exception=error)  # type: ignore[no-any-return]
    response = HttpResponseRedirect(reverse("saml:finish"))
    # a new one: what the browser sends as a cookie does not choose the key
    session = LoginSession(request, "saml_session", _COOKIE)
    session.store = type(session.store)()
    session.store[_STORED_IDENTITY] = _packed(identity)
    session.store.set_expiry(600)
    session.save(response)
    response.cookies[_COOKIE]["httponly"] = True
    return response


@login_not_required  # type: ignore[untyped-decorator]
@require_safe
def saml_finish(request: HttpRequest) -> HttpResponseBase:
    """Sign in the user of a checked response, if this browser has begun the sign-in."""
    provider = find_saml_provider(request)
    session = LoginSession(request, "saml_session", _COOKIE)
    packed = session.store.get(_STORED_IDENTITY)
    session.delete()
    if packed is None:
        return _refuse(request, provider, "The response was used before or is too old.")
    identity = _unpacked(packed)
    if now().timestamp() >= identity.expires_at + GRACE_SECONDS:
        return _refuse(request, provider, "The assertion expired before the browser came back.")
    try:
        state = provider.unstash_redirect_state(request, identity.request_id)
    except PermissionDenied:
        return _refuse(request, provider, "The response answers no request of this browser.")
    if not identity.name_id or len(identity.name_id) > 500:
        return _refuse(request, provider, "The assertion names no subject.")
    if identity.is_transient and not provider.has_subject_id(identity):
        return _refuse(
            request,
            provider,
            "The NameID is transient, so it does not say who signs in. Configure the provider to "
            "send a persistent one.",
        )
    login = provider.sociallogin_from_response(request, identity)
    login.state = state
    return complete_social_login(request, login)  # type: ignore[no-any-return]


def _refuse(request: HttpRequest, provider: Any, sentence: str) -> HttpResponseBase:
    error = InvalidResponseError(sentence)
    return render_authentication_error(request, provider, exception=error)  # type: ignore[no-any-return]


@login_not_required  # type: ignore[untyped-decorator]
@require_safe
def saml_metadata(request: HttpRequest) -> HttpResponse:
    """Return the metadata to register with the provider."""
    find_saml_provider(request)
    document = service_metadata(
        entity_id=settings.SAML["entity_id"], acs_url=settings.SAML["acs_url"]
    )
    return HttpResponse(document, content_type="application/samlmetadata+xml")


def _packed(identity: Identity) -> list[Any]:
    """Return the identity as JSON can hold it: sessions are stored as JSON."""
    return [
        identity.issuer,
        identity.name_id,
        identity.name_id_format,
        identity.request_id,
        identity.expires_at,
        [[name, list(values)] for name, values in identity.attributes],
    ]


def _unpacked(packed: list[Any]) -> Identity:
    issuer, name_id, name_id_format, request_id, expires_at, attributes = packed
    return Identity(
        issuer=issuer,
        name_id=name_id,
        name_id_format=name_id_format,
        request_id=request_id,
        expires_at=expires_at,
        attributes=tuple((name, tuple(values)) for name, values in attributes),
    )
