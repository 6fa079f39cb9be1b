"""The providers of this product, in the module where the library looks for them: OpenID Connect and
SAML.

That of OpenID Connect differs from the library's own in its checks: the nonce, the signature of
every ID token, and the issuer against the configured one; and no part of the request's URL is used
in calls to the provider.
"""

import hashlib
from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from allauth.socialaccount.providers.saml.provider import SAMLProvider
from allauth.utils import build_absolute_uri
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.utils.http import urlencode
from requests import RequestException

from apps.accounts.people.addresses import read_address
from apps.accounts.single_sign_on.claims import InvalidTokenError, verified_claims
from apps.accounts.single_sign_on.identity_provider import load_identity_provider
from apps.accounts.single_sign_on.rules import groups_in
from apps.accounts.single_sign_on.saml import Identity, InvalidResponseError, new_request
from apps.common.time import now

PROVIDER_ID = "oidc"
# SAML V2.0 Subject Identifier Attributes Profile
SUBJECT_ID = ("urn:oasis:names:tc:SAML:attribute:subject-id",)
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class SignOnAdapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """Communicates with the provider; `state` is the stored state of this sign-in."""

    state: dict[str, Any]

    def __init__(self, request: HttpRequest, provider_id: str = PROVIDER_ID) -> None:
        super().__init__(request, provider_id)
        self.state = {}

    @property
    def openid_config(self) -> dict[str, Any]:
        """The provider's discovery document, checked: OAuth2Error if the issuer is not the
        configured one or an endpoint is missing."""
        config: dict[str, Any] = super().openid_config
        if not isinstance(config, dict) or config.get("issuer") != settings.OIDC["issuer"]:
            # OpenID Connect Discovery 1.0, section 4.3: otherwise one provider could impersonate
            # another
            raise OAuth2Error(
                "The provider's discovery document names an issuer other than OIDC_ISSUER. "
                "Check OIDC_ISSUER."
            )
        if not all(isinstance(config.get(name), str) for name in _ENDPOINTS):
            raise OAuth2Error(
                f"The provider's discovery document must contain {', '.join(_ENDPOINTS)}. "
                "Check OIDC_ISSUER."
            )
        return config

    def complete_login(
        self, request: HttpRequest, app: Any, token: Any, **kwargs: Any
    ) -> SocialLogin:
        """Verify the ID token and return the sign-in with its claims, supplemented by those of the
        userinfo endpoint. OAuth2Error if the token is missing or invalid."""
        id_token = kwargs["response"].get("id_token")
        if not isinstance(id_token, str):
            raise OAuth2Error("The provider did not send an ID token.")
        try:
            claims = verified_claims(
                id_token,
                keys=self._fetch_keys(),
                issuer=settings.OIDC["issuer"],
                client_id=app.client_id,
                nonce=self.state.get("nonce", ""),
            )
        except InvalidTokenError as error:
            raise OAuth2Error(f"The ID token was rejected. {error}") from error
        merged_claims = {**self._fetch_missing_claims(claims, token.token), **claims}
        return self.get_provider().sociallogin_from_response(request, merged_claims)

    def _fetch_keys(self) -> dict[str, Any]:
        with get_adapter().get_requests_session() as session:
            response = session.get(self.openid_config["jwks_uri"])
            response.raise_for_status()
            keys = response.json()
        return keys if isinstance(keys, dict) else {}

    def _fetch_missing_claims(self, claims: dict[str, Any], access_token: str) -> dict[str, Any]:
        """Return the claims of the userinfo endpoint, which is called only if the ID token lacks
        groups or email address."""
        if "userinfo_endpoint" not in self.openid_config or (
            "email" in claims and groups_in(claims, settings.OIDC["groups_claim"])
        ):
            return {}
        user_info = self._fetch_user_info(access_token)
        if not isinstance(user_info, dict) or user_info.get("sub") != claims["sub"]:
            # OpenID Connect Core 1.0, section 5.3.2
            raise OAuth2Error(
                "The userinfo endpoint describes a user other than the one of the ID token."
            )
        return user_info

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        return (
            f"{settings.PUBLIC_URL}{reverse('sso:callback')}"
            if settings.PRODUCTION
            else str(build_absolute_uri(request, reverse("sso:callback")))
        )


class SignOnProvider(OpenIDConnectProvider):  # type: ignore[misc]
    oauth2_adapter_class = SignOnAdapter

    def get_login_url(self, request: HttpRequest, **kwargs: Any) -> str:
        address = reverse("sso:login")
        return f"{address}?{urlencode(kwargs)}" if kwargs else address

    def get_callback_url(self) -> str:
        return reverse("sso:callback")

    def get_auth_params_from_request(self, request: HttpRequest, action: Any) -> dict[str, Any]:
        return dict(self.get_auth_params())

    def get_scope_from_request(self, request: HttpRequest) -> list[str]:
        return list(self.get_scope())

    def redirect(
        self,
        request: HttpRequest,
        process: Any,
        next_url: Any = None,
        data: Any = None,
        **kwargs: Any,
    ) -> HttpResponse:
        """Redirect to the provider with a new nonce, which is kept in the state and must return in
        the ID token. A provider that cannot be reached leads to the error page."""
        nonce = get_random_string(43)
        auth_params = {
            **(kwargs.pop("auth_params", None) or self.get_auth_params()),
            "nonce": nonce,
        }
        try:
            return super().redirect(  # type: ignore[no-any-return]
                request, process, next_url, data, auth_params=auth_params, nonce=nonce, **kwargs
            )
        except (OAuth2Error, RequestException) as error:
            return render_authentication_error(request, self, exception=error)  # type: ignore[no-any-return]

    def extract_uid(self, data: dict[str, Any]) -> str:
        """Return one ID per issuer and subject: the same subject at another provider is another
        user."""
        return hashlib.sha256(f"{data['iss']}\n{data['sub']}".encode()).hexdigest()

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return the claims to store: the user's identity at the provider, and the groups of the
        last sign-in."""
        extra_data: dict[str, Any] = {
            name: data[name]
            for name in ("iss", "sub", "oid", "email", "preferred_username", "name")
            if name in data
        }
        return {**extra_data, "groups": list(groups_in(data, settings.OIDC["groups_claim"]))[:500]}

    def extract_email_addresses(self, data: dict[str, Any]) -> list[EmailAddress]:
        # some providers write booleans as text, and the text "false" must not count as true
        verified = data.get("email_verified") in (True, "true")
        return (
            [EmailAddress(email=data["email"], verified=verified, primary=True)]
            if data.get("email")
            else []
        )


class SignOnCallbackView(OAuth2CallbackView):  # type: ignore[misc]
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().dispatch(request, *args, **kwargs)  # type: ignore[no-any-return]
        except (OAuth2Error, RequestException) as error:
            # the library reads the discovery document outside of its own error handling
            provider = self.adapter.get_provider()
            return render_authentication_error(request, provider, exception=error)  # type: ignore[no-any-return]

    def _get_state(self, request: HttpRequest, provider: Any) -> tuple[Any, HttpResponse | None]:
        state, response = super()._get_state(request, provider)
        self.adapter.state = state or {}
        return state, response


class SamlSignOnProvider(SAMLProvider):  # type: ignore[misc]
    """SAML 2.0. Messages are made and checked by `single_sign_on/saml.py`; what the library's own
    provider reads from them is read from an `Identity` here."""

    @classmethod
    def get_package(cls) -> str:
        """Return the package with the URLs, which differ from those of OpenID Connect."""
        return "apps.accounts.single_sign_on"

    def get_login_url(self, request: HttpRequest, **kwargs: Any) -> str:
        address = reverse("saml:login")
        return f"{address}?{urlencode(kwargs)}" if kwargs else address

    def redirect(
        self,
        request: HttpRequest,
        process: Any,
        next_url: Any = None,
        data: Any = None,
        **kwargs: Any,
    ) -> HttpResponse:
        """Redirect to the provider with a new request, whose ID must return in the response."""
        try:
            provider = load_identity_provider()
        except InvalidResponseError as error:
            return render_authentication_error(request, self, exception=error)  # type: ignore[no-any-return]
        request_id, url = new_request(
            provider,
            entity_id=settings.SAML["entity_id"],
            acs_url=settings.SAML["acs_url"],
            at=now(),
        )
        self.stash_redirect_state(request, process, next_url, data, state_id=request_id, **kwargs)
        return HttpResponseRedirect(url)

    def has_subject_id(self, identity: Identity) -> bool:
        return bool(identity.values(SUBJECT_ID))

    def extract_uid(self, data: Identity) -> str:
        """Return one ID per issuer and subject, as for OpenID Connect."""
        subject = next(iter(data.values(SUBJECT_ID)), data.name_id)
        return hashlib.sha256(f"{data.issuer}\n{subject}".encode()).hexdigest()

    def extract_extra_data(self, data: Identity) -> dict[str, Any]:
        return {
            "iss": data.issuer,
            "sub": data.name_id,
            "email": self._email_of(data),
            "groups": list(data.values(settings.SAML["groups_attribute"]))[:500],
        }

    def extract_common_fields(self, data: Identity) -> dict[str, Any]:
        first, last = (
            next(iter(data.values(settings.SAML[name])), "")[:150]
            for name in ("first_name_attribute", "last_name_attribute")
        )
        email = self._email_of(data)
        username = (email or data.name_id).partition("@")[0]
        fields = {"first_name": first, "last_name": last, "email": email, "username": username}
        return {name: value for name, value in fields.items() if value}

    def extract_email_addresses(self, data: Identity) -> list[EmailAddress]:
        email = self._email_of(data)
        verified = settings.SAML["emails_are_verified"]
        return [EmailAddress(email=email, verified=verified, primary=True)] if email else []

    def _email_of(self, data: Identity) -> str:
        """Return the address of the user: of the attribute, or the NameID if it has that format."""
        email = next(iter(data.values(settings.SAML["email_attribute"])), "")
        if not email and data.name_id_format.endswith(":emailAddress"):
            email = data.name_id
        named = read_address(email)
        return named.address if named is not None and named.address == email.lower() else ""


provider_classes = [SignOnProvider, SamlSignOnProvider]
