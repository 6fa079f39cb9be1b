"""Check of the built-in catalogue."""

from collections.abc import Iterator
from datetime import datetime

from apps.catalog.models import Offering
from apps.common.installation.diagnosis import Diagnosis, error, ok


def check_catalogue(at: datetime) -> Iterator[Diagnosis]:
    """Check that the built-in catalogue was loaded."""
    n_offerings = Offering.objects.count()
    if n_offerings:
        yield ok(f"The catalogue has {n_offerings:,} offerings.")
    else:
        yield error("The catalogue is empty.", "Run manage.py load_catalogue.")
