"""The invitation email with the link to set a first password."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.single_sign_on.configuration import sign_on_name, signs_in_elsewhere


def invitation_url(person: User) -> str:
    """Return a link that is valid once, until the password or the last sign-in changes, for at most
    PASSWORD_RESET_TIMEOUT."""
    key = default_token_generator.make_token(person)
    path = reverse(
        "account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(person), "key": key}
    )
    return f"{settings.PUBLIC_URL}{path}"


def send_invitation(*, person: User, by: User | None) -> None:
    """Send the link to set a password; `by` is None for the operator's command line. Raises OSError
    (including SMTP errors) if the mail server does not accept it."""
    invitation_message(person=person, by=by).send()


def invitation_message(*, person: User, by: User | None) -> Any:
    """Return the email with a link that is made now; to a person of single sign-on one without a
    password."""
    elsewhere = signs_in_elsewhere(person)
    context = {
        "sign_on": (sign_on_name() or "single sign-on") if elsewhere else "",
        "sign_in_url": f"{settings.PUBLIC_URL}{reverse('account_login')}",
        "person": person,
        "by": by,
        "address": "" if elsewhere else invitation_url(person),
        "organisation": settings.ORGANISATION_NAME,
    }
    # the adapter's send_mail needs a request, which a command does not have
    return get_adapter().render_mail("account/email/invitation", person.email, context)
