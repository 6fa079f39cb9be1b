"""Settles offerings after a user entered a value."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from apps.catalog.claims.precedence import MANUAL
from apps.catalog.models import Assertion, SettledClaims


def settle_stated_values(offering_ids: Collection[int], topic: str, at: datetime) -> None:
    """Write what applies of the values that users entered about these offerings."""
    claims = Assertion.objects.filter(
        source__slug=MANUAL, offering__in=offering_ids, topic=topic
    ).values_list("offering_id", "value", "withdrawn_at")
    for offering_id, value, withdrawn_at in claims:
        facts: dict[str, Any] = {}
        if withdrawn_at is None:
            facts = {
                field: {
                    "value": fact["value"],
                    "source": "Own test" if fact["kind"] == "own_test" else "Statement",
                    "at": fact["at"],
                    "agreed": 1,
                }
                for field, fact in value.items()
            }
        SettledClaims.objects.update_or_create(
            offering_id=offering_id, topic=topic, defaults={"values": facts, "changed_at": at}
        )
