"""Adapters for allauth: accounts are created by an administrator or by single sign-on; there is no
self-registration."""

from datetime import timedelta
from typing import Any

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from apps.accounts.events.log import name_digest, place_of, record_event
from apps.accounts.models import AccountEventKind, User
from apps.accounts.people.queries import person_by_address
from apps.accounts.provisioning.group_roles import apply_sign_in_groups
from apps.accounts.queries import user_by_login
from apps.accounts.sign_in.limits import release_attempts, reserve_attempt
from apps.accounts.sign_in.sessions import limit_session
from apps.accounts.single_sign_on.actions import (
    JOB,
    activate_contact,
    free_username,
    provisioned_user,
    user_by_verified_email,
)
from apps.accounts.single_sign_on.configuration import (
    SAML,
    sign_on_name,
    sign_on_settings,
    signs_in_elsewhere,
)
from apps.accounts.single_sign_on.session import SafeSession, sign_on_policy
from apps.common.history.context import audit_context
from apps.common.requests.address import request_address

log = structlog.get_logger(__name__)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "too_many_login_attempts": "Too many failed sign-ins. Wait 15 minutes, or reset your "
        "password.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """Suppress the messages for signing in and out, which the page itself shows."""
        if message_template not in {
            "account/messages/logged_in.txt",
            "account/messages/logged_out.txt",
        }:
            super().add_message(request, level, message_template, *args, **kwargs)

    def get_client_ip(self, request: HttpRequest) -> str:
        return request_address(request)

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        user = super().authenticate(request, **credentials)
        if user:
            release_attempts(self._find_account(credentials)[0])
        return user

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        super().authentication_failed(request, **credentials)
        self._record_attempt(request, AccountEventKind.SIGN_IN_FAILED, credentials)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        account, user = self._find_account(credentials)
        try:
            if not reserve_attempt(account, user=user, network=place_of(request).network):
                raise self.validation_error("too_many_login_attempts")
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            self._record_attempt(request, AccountEventKind.LOCKED_OUT, credentials)
            raise

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Return a key of account and network, so that attempts from other networks do not lock out
        the user."""
        return f"{self._find_account(credentials)[0]}:{place_of(request).network}"

    def _find_account(self, credentials: dict[str, Any]) -> tuple[str, User | None]:
        """Return (cache key of the account, its user), whether the name or the email address was
        entered."""
        name = str(credentials.get("username") or credentials.get("email") or "")
        user = user_by_login(name)
        return (f"u{user.pk}" if user else f"n{name_digest(name)}"), user

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        """Send a password reset email; users of single sign-on only, who have no password here, get
        an email that says so."""
        if signs_in_elsewhere(user):
            url = f"{settings.PUBLIC_URL}{reverse('account_login')}"
            sign_on = sign_on_name() or "single sign-on"
            self.send_mail("account/email/sign_on_only", email, {"sign_on": sign_on, "url": url})
            return
        super().send_password_reset_mail(user, email, context)

    def _record_attempt(
        self, request: HttpRequest, kind: AccountEventKind, credentials: dict[str, Any]
    ) -> None:
        name = str(credentials.get("username") or credentials.get("email") or "")
        user = user_by_login(name)
        record_event(kind, request=request, user=user, unknown_name="" if user else name)

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        sociallogin = (kwargs.get("signal_kwargs") or {}).get("sociallogin")
        if sociallogin is not None:
            # groups are read only at sign-in, so the duration of a session by single sign-on is
            # limited
            hours = sign_on_settings(sociallogin.account.provider)["session_hours"]
            request.session.set_expiry(hours * 3600)
            limit_session(request, timedelta(hours=hours))
        return response


class SignOnAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Configures single sign-on from the environment only; the library's own tables are ignored."""

    def list_apps(
        self, request: HttpRequest, provider: Any = None, client_id: Any = None
    ) -> list[SocialApp]:
        apps = [
            *(self._oidc_apps() if provider in {None, "oidc", "openid_connect"} else []),
            *(self._saml_apps() if provider in {None, SAML} else []),
        ]
        return [app for app in apps if not client_id or client_id == app.client_id]

    def _saml_apps(self) -> list[SocialApp]:
        config = settings.SAML
        if not config:
            return []
        return [
            SocialApp(
                provider=SAML,
                provider_id=SAML,
                name=config["name"],
                client_id=config["entity_id"][:191],
            )
        ]

    def _oidc_apps(self) -> list[SocialApp]:
        config = settings.OIDC
        if not config:
            return []
        app = SocialApp(
            provider="openid_connect",
            provider_id="oidc",
            name=config["name"],
            client_id=config["client_id"],
            secret=config["client_secret"],
        )
        app.settings = {
            "server_url": config["issuer"].rstrip("/"),
            "oauth_pkce_enabled": True,
            "scope": config["scopes"],
        }
        return [app]

    def get_requests_session(self) -> SafeSession:
        return SafeSession(
            issuer=settings.OIDC["issuer"], policy=sign_on_policy(settings.OIDC["ca_file"])
        )

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return bool(sign_on_settings(sociallogin.account.provider)["creates_people"])

    def on_authentication_error(self, request: HttpRequest, provider: Any, **kwargs: Any) -> None:
        why = str(kwargs.get("exception") or "")
        log.warning("single sign-on rejected", error=str(kwargs.get("error")), why=why)
        _record_refusal(request, why or "rejected by the provider")

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Find or link the user and assign the roles of the groups; the library signs the user in
        afterwards."""
        if sociallogin.state.get("process") != AuthProcess.LOGIN:
            return
        if not sociallogin.is_existing:
            self._link_account(request, sociallogin)
        if sociallogin.is_existing:
            if not sociallogin.user.is_active:
                raise _refusal_response(
                    request, "Your account is deactivated. Contact an administrator."
                )
            apply_sign_in_groups(
                user=sociallogin.user,
                groups=sociallogin.account.extra_data["groups"],
                rules=sign_on_settings(sociallogin.account.provider)["rules"],
            )

    def _link_account(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Link the sign-in to the account with the same verified email address, if the settings
        allow it. An account that the identity provider has made by SCIM is linked without that
        setting: its address comes from there."""
        config = sign_on_settings(sociallogin.account.provider)
        address = sociallogin.user.email
        verified = {
            email_address.email.lower()
            for email_address in sociallogin.email_addresses
            if email_address.verified
        }
        provisioned = provisioned_user(
            account=sociallogin.account, address=address if address.lower() in verified else ""
        )
        if provisioned is not None:
            with audit_context(job=JOB, reason="linked to the account that SCIM has made"):
                sociallogin.user = sociallogin.account.user = provisioned
                sociallogin.account.save()
            log.info("single sign-on linked", user=provisioned.username)
            return
        if config["links_by_email"] and address and address.lower() in verified:
            user = user_by_verified_email(address)
            if user is not None:
                with audit_context(job=JOB, reason="linked by verified email address"):
                    sociallogin.user = sociallogin.account.user = user
                    sociallogin.account.save()
                log.info("single sign-on linked", user=user.username)
                return
        person = person_by_address(address) if address else None
        is_verified_contact = (
            person is not None and person.is_contact and person.email.lower() in verified
        )
        if person is not None and is_verified_contact and config["creates_people"]:
            # a contact has no access that another user could gain with the address
            with audit_context(job=JOB, reason="contact signed in"):
                sociallogin.user = sociallogin.account.user = activate_contact(person)
                sociallogin.account.save()
            log.info("single sign-on linked to a contact", user=person.username)
            return
        if person is not None and not is_verified_contact:
            raise _refusal_response(
                request,
                (
                    "An account with your email address exists but is not linked to single "
                    "sign-on. Sign in with your password and link it on your account page, or "
                    "contact an administrator."
                ),
            )
        if not config["creates_people"]:
            raise _refusal_response(
                request, "You do not have an account yet. Ask an administrator to invite you."
            )

    @transaction.atomic
    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        """Create the user at the first sign-in, with the roles of the groups."""
        person: User = sociallogin.user
        preferred_username = person.username or person.email.partition("@")[0]
        person.username = free_username(preferred_username)
        person.set_unusable_password()
        with audit_context(job=JOB, reason="first sign-in"):
            sociallogin.save(request)
        apply_sign_in_groups(
            user=person,
            groups=sociallogin.account.extra_data["groups"],
            rules=sign_on_settings(sociallogin.account.provider)["rules"],
        )
        log.info("user created by single sign-on", user=person.username)
        return person


def _refusal_response(request: HttpRequest, reason: str) -> ImmediateHttpResponse:
    log.warning("single sign-on rejected", why=reason)
    _record_refusal(request, reason)
    return ImmediateHttpResponse(
        render(request, "socialaccount/refused.html", {"why": reason}, status=403)
    )


def _record_refusal(request: HttpRequest, why: str) -> None:
    record_event(
        AccountEventKind.SIGN_IN_FAILED,
        request=request,
        user=None,
        detail=f"single sign-on: {why}",
    )
