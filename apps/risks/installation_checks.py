"""Check of the risk catalogue."""

from collections.abc import Iterator
from datetime import datetime

from apps.common.installation.diagnosis import Diagnosis, error, ok
from apps.risks.models import RiskTemplate


def check_risk_catalogue(at: datetime) -> Iterator[Diagnosis]:
    """Check that the risk catalogue was loaded."""
    n_templates = RiskTemplate.objects.count()
    if n_templates:
        yield ok(f"The risk catalogue has {n_templates} templates.")
    else:
        yield error("The risk catalogue is empty.", "Run manage.py load_risk_catalogue.")
