"""The single sign-on of the installation: OpenID Connect (`settings.OIDC`), SAML (`settings.SAML`),
or both."""

from typing import Any

from django.conf import settings

from apps.accounts.models import ProvisionedUser, User

OIDC, SAML = "oidc", "saml"


def sign_on_settings(provider: str) -> dict[str, Any]:
    """Return the configuration of the provider of a linked account."""
    configured: dict[str, Any] = settings.SAML if provider == SAML else settings.OIDC
    return configured


def sign_on_name() -> str:
    """Return what the organisation calls its single sign-on; empty where it has none."""
    names = [each["name"] for each in (settings.OIDC, settings.SAML) if each]
    return " or ".join(dict.fromkeys(names))


def signs_in_elsewhere(user: User) -> bool:
    """Return whether the person has no password here and signs in by single sign-on only. Pages and
    emails then say nothing of passwords."""
    if user.has_usable_password() or user.is_service:
        return False
    linked: Any = user.socialaccount_set  # type: ignore[attr-defined]
    return bool(
        linked.exists()
        or (sign_on_name() and ProvisionedUser.objects.filter(user=user.pk).exists())
    )
