"""Settled capabilities and data terms of offerings: what applies of all that sources state."""

from collections.abc import Collection, Mapping

from apps.catalog.capabilities.fields import CAPABILITY
from apps.catalog.capabilities.values import SettledValue
from apps.catalog.models import SettledClaims


def settled_values(
    offering_ids: Collection[int], topic: str = CAPABILITY
) -> dict[int, Mapping[str, SettledValue]]:
    """Return {offering ID: {field: value}} in one statement. Fields that no source states are
    missing, and so are offerings without any."""
    rows = SettledClaims.objects.filter(offering__in=offering_ids, topic=topic)
    return {
        offering_id: {field: SettledValue(**fact) for field, fact in values.items()}
        for offering_id, values in rows.values_list("offering_id", "values")
    }


def settled_by_topic(
    offering_ids: Collection[int], topics: Collection[str]
) -> dict[str, dict[int, Mapping[str, SettledValue]]]:
    """Return {topic: {offering ID: {field: value}}} in one statement, as `settled_values`."""
    found: dict[str, dict[int, Mapping[str, SettledValue]]] = {topic: {} for topic in topics}
    rows = SettledClaims.objects.filter(offering__in=offering_ids, topic__in=topics)
    for offering_id, topic, values in rows.values_list("offering_id", "topic", "values"):
        found[topic][offering_id] = {field: SettledValue(**fact) for field, fact in values.items()}
    return found
