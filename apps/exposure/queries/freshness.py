"""Whether the stored exposure states an application as it is now."""

from django.db.models import Value

from apps.exposure.models import EngineState
from apps.inventory.models import ChangedApplication


def is_application_pending(application_id: int) -> bool:
    """Return whether the application was changed after the last refresh of the engine's tables, or
    no refresh has run yet; one statement."""
    changed = ChangedApplication.objects.filter(application_id=application_id)
    refreshed = EngineState.objects.filter(as_of__isnull=False)
    states = changed.values_list(Value("changed")).union(refreshed.values_list(Value("refreshed")))
    return set(states) != {("refreshed",)}
