"""Facts about senders, stored in the database so that every process has them, even after the cache
was lost."""

from collections.abc import Collection
from datetime import datetime, timedelta

from apps.intake.models import SenderFact

# a fact is valid for this time after it was last observed
LIFETIMES = {
    SenderFact.Kind.INSTRUMENTED: timedelta(days=2),
    SenderFact.Kind.TELLS_ANSWERS: timedelta(days=1),
}
# names can be made up: beyond this number no new facts are stored until old ones have expired
MAX_FACTS = 50_000


def record_facts(kind: SenderFact.Kind, keys: Collection[int], *, at: datetime) -> None:
    """Record that this fact was observed at `at` for each key."""
    if not keys or SenderFact.objects.order_by()[: MAX_FACTS + 1].count() > MAX_FACTS:
        return
    # in the order of keys, so that two requests with common keys cannot deadlock
    SenderFact.objects.bulk_create(
        [SenderFact(kind=kind, key=key, seen_at=at) for key in sorted(keys)],
        update_conflicts=True,
        unique_fields=["kind", "key"],
        update_fields=["seen_at"],
    )


def known_facts(kind: SenderFact.Kind, keys: Collection[int], *, at: datetime) -> set[int]:
    """Return those of the keys for which this fact was observed within its lifetime."""
    if not keys:
        return set()
    facts = SenderFact.objects.filter(kind=kind, key__in=keys, seen_at__gt=at - LIFETIMES[kind])
    return set(facts.values_list("key", flat=True))
