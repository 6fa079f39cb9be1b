"""Check of the email server; it sends nothing."""

import smtplib
from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.core.mail import mailers

from apps.common.installation.diagnosis import Diagnosis, error, ok, warning


def check_email(at: datetime) -> Iterator[Diagnosis]:
    """Connect to the server of EMAIL_URL, with TLS and sign-in as for an email."""
    mailer = mailers["default"]
    try:
        mailer.open()
        mailer.close()
    except smtplib.SMTPAuthenticationError:
        yield error(
            "The email server rejects the user or password of EMAIL_URL.",
            "Correct EMAIL_URL. Special characters are percent-encoded.",
        )
    except (OSError, smtplib.SMTPException) as failure:
        yield error(
            f"The email server cannot be used: {failure}"[:300].rstrip(".") + ".",
            "Check host, port and scheme of EMAIL_URL, and the firewall. Messages wait meanwhile.",
        )
    else:
        yield ok("The email server answers.")
    if settings.PRODUCTION and settings.DEFAULT_FROM_EMAIL.endswith("@localhost>"):
        yield warning(
            f"Emails come from {settings.DEFAULT_FROM_EMAIL}, which many servers reject.",
            "Set DEFAULT_FROM_EMAIL to an address of your organisation.",
        )
