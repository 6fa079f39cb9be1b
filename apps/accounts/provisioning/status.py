"""The last requests of the identity provider, for the page of its settings."""

from datetime import datetime, timedelta

from django.db.models import Q

from apps.accounts.models import ProvisioningStatus

# successful requests are recorded at most this often
PRECISION = timedelta(minutes=1)


def record_request(request: str, *, at: datetime, error: str = "") -> None:
    """Record a request (`GET /Users`), and what was wrong with it."""
    rows = ProvisioningStatus.objects.filter(pk=ProvisioningStatus.ONLY)
    values = {"last_request": request[:200], "last_request_at": at}
    if error:
        values |= {
            "last_error": error[:400],
            "last_error_request": request[:200],
            "last_error_at": at,
        }
        ProvisioningStatus.objects.update_or_create(pk=ProvisioningStatus.ONLY, defaults=values)
        return
    is_old = Q(last_request_at=None) | Q(last_request_at__lte=at - PRECISION)
    if not rows.filter(is_old).update(**values) and not rows.exists():
        ProvisioningStatus.objects.bulk_create(
            [ProvisioningStatus(pk=ProvisioningStatus.ONLY, **values)], ignore_conflicts=True
        )


def provisioning_status() -> ProvisioningStatus:
    return ProvisioningStatus.objects.filter(pk=ProvisioningStatus.ONLY).first() or (
        ProvisioningStatus(pk=ProvisioningStatus.ONLY)
    )
