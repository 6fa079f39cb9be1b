"""Check of the derived exposure tables."""

from collections.abc import Iterator
from datetime import datetime

from apps.common.installation.diagnosis import Diagnosis, error, ok, warning
from apps.exposure.models import EngineState

# beat refreshes the tables every minute where something changed, and each day
MAX_AGE_DAYS = 1


def check_exposure_tables(at: datetime) -> Iterator[Diagnosis]:
    """Check that the tables describe today."""
    state = EngineState.objects.filter(as_of__isnull=False).first()
    if state is None or state.as_of is None:
        yield warning(
            "The exposure tables were never derived, so no page shows exposure.",
            "Start a worker and beat; they derive the tables within a minute.",
        )
    elif (at.date() - state.as_of).days > MAX_AGE_DAYS:
        yield error(
            f"The exposure tables describe {state.as_of:%Y-%m-%d}.",
            "Check the worker's log for errors of the job that refreshes them, then run "
            "manage.py check_exposure.",
        )
    else:
        yield ok(f"The exposure tables describe {state.as_of:%Y-%m-%d}.")
