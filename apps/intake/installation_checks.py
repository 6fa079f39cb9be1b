"""Check of the stored credentials of other systems."""

from collections.abc import Iterator
from datetime import datetime

from apps.common.credentials import is_sealed_by_former_key
from apps.common.installation.diagnosis import Diagnosis, error, ok, warning
from apps.intake.accounts.credentials import credentials_problem
from apps.intake.models import CloudCredential


def check_credentials(at: datetime) -> Iterator[Diagnosis]:
    """Check that the configured keys open all stored credentials."""
    credentials = list(CloudCredential.objects.select_related("account").order_by("pk"))
    unreadable = [row.account.name for row in credentials if credentials_problem(row.account)]
    if unreadable:
        yield error(
            "No configured key opens the credentials of " + ", ".join(unreadable) + ".",
            "Add the former key to CREDENTIAL_KEYS, or enter the credentials again.",
        )
    elif any(is_sealed_by_former_key(row.sealed) for row in credentials):
        yield warning(
            "Some credentials are encrypted with a former key.",
            "Run manage.py rotate_credentials before you remove that key.",
        )
    else:
        yield ok("The configured keys open all stored credentials.")
