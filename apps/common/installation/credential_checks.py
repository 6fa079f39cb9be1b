"""Check of the stored credentials of other systems."""

from collections.abc import Iterator
from datetime import datetime

from apps.common.credentials import check_stored_credentials
from apps.common.installation.diagnosis import Diagnosis, error, ok, warning


def check_credentials(at: datetime) -> Iterator[Diagnosis]:
    """Check that the configured keys open all stored credentials."""
    state = check_stored_credentials()
    if state.unreadable:
        yield error(
            "No configured key opens the credentials of " + ", ".join(state.unreadable) + ".",
            "Add the former key to CREDENTIAL_KEYS, or enter the credentials again.",
        )
    if state.n_former:
        yield warning(
            "Some credentials are encrypted with a former key.",
            "Run manage.py rotate_credentials before you remove that key.",
        )
    if not state.unreadable and not state.n_former:
        yield ok("The configured keys open all stored credentials.")
