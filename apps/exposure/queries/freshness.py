"""Whether the stored exposure states an application as it is now."""

from apps.exposure.models import EngineState
from apps.inventory.models import ChangedApplication


def is_application_pending(application_id: int) -> bool:
    """Return whether the application was changed after the last refresh of the engine's tables, or
    no refresh has run yet; two statements."""
    if ChangedApplication.objects.filter(application_id=application_id).exists():
        return True
    return not EngineState.objects.filter(as_of__isnull=False).exists()
