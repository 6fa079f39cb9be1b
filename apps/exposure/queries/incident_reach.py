"""Applications that an incident of a host concerns."""

from datetime import date
from typing import Any

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower, Replace

from apps.accounts.models import User
from apps.catalog.models import Incident
from apps.inventory.models import Application, Dependency


def concerned_dependencies(incident: Incident, *, on: date) -> QuerySet[Dependency]:
    """Select the dependencies in use on `on` that call what the incident concerns: the models that
    it names, else the whole host, in its regions where both are known; fallbacks included.

    Three statements: the models and regions of the incident are read first."""
    host = incident.host_id
    calls_host = Q(offering__host=host) | Q(offering__gateway=host) | Q(via_party=host)
    versions = list(incident.versions.values_list("pk", flat=True))
    offerings = list(incident.offerings.values_list("pk", flat=True))
    rows = Dependency.objects.live_on(on).filter(calls_host)
    if versions or offerings:
        rows = rows.filter(
            Q(offering__version__in=versions)
            | Q(offering__in=offerings)
            | Q(offering__version__isnull=True)
        )
    regions = {_fold(region) for region in incident.regions}
    if regions and "global" not in regions:
        rows = rows.alias(region=_folded("offering__region_scope")).filter(
            Q(offering__region_scope="") | Q(region__in=regions)
        )
    return rows


def _fold(region: str) -> str:
    return region.lower().replace(" ", "").replace("-", "")


def _folded(column: str) -> Any:
    spaceless = Replace(column, Value(" "), Value(""))
    return Lower(Replace(spaceless, Value("-"), Value("")))


def concerned_applications(incident: Incident, *, user: User, on: date) -> QuerySet[Application]:
    """Select the applications concerned that the user can view, the most critical first."""
    ids = concerned_dependencies(incident, on=on).order_by().values("application_id")
    return Application.objects.visible_to(user).filter(pk__in=ids).order_by("criticality", "name")


__all__ = ["concerned_applications", "concerned_dependencies"]
