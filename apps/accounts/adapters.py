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
    user_by_verified_email,
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
        if not user.has_usable_password() and user.socialaccount_set.exists():  # type: ignore[attr-defined]
            url = f"{settings.PUBLIC_URL}{reverse('account_login')}"
            sign_on = settings.OIDC.get("name", "") or "single sign-on"
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
        if (kwargs.get("signal_kwargs") or {}).get("sociallogin") is not None:
            # groups are read only at sign-in, so the duration of a session by single sign-on is
            # limited
            request.session.set_expiry(settings.OIDC["session_hours"] * 3600)
            limit_session(request, timedelta(hours=settings.OIDC["session_hours"]))
        return response


class SignOnAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Configures single sign-on from the environment only; the library's own tables are ignored."""

    def list_apps(
        self, request: HttpRequest, provider: Any = None, client_id: Any = None
    ) -> list[SocialApp]:
        config = settings.OIDC
        if not config or provider not in {None, "oidc", "openid_connect"}:
            return []
        if client_id and client_id != config["client_id"]:
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
        return bool(settings.OIDC["creates_people"])

    def on_authentication_error(self, request: HttpRequest, provider: Any, **kwargs: Any) -> None:
        log.warning(
            "single sign-on rejected",
            error=str(kwargs.get("error")),
            why=str(kwargs.get("exception") or ""),
        )

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
                rules=settings.OIDC["rules"],
            )

    def _link_account(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Link the sign-in to the account with the same verified email address, if the settings
        allow it."""
        address = sociallogin.user.email
        verified = {
            email_address.email.lower()
            for email_address in sociallogin.email_addresses
            if email_address.verified
        }
        if settings.OIDC["links_by_email"] and address and address.lower() in verified:
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
        if person is not None and is_verified_contact and settings.OIDC["creates_people"]:
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
        if not settings.OIDC["creates_people"]:
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
            rules=settings.OIDC["rules"],
        )
        log.info("user created by single sign-on", user=person.username)
        return person


def _refusal_response(request: HttpRequest, reason: str) -> ImmediateHttpResponse:
    log.warning("single sign-on rejected", why=reason)
    return ImmediateHttpResponse(
        render(request, "socialaccount/refused.html", {"why": reason}, status=403)
    )
