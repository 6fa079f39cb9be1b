"""Cardinality limit: the number of services, sets of names and pairs of both that one token may
report per day.

Protects against made-up names. Counters are in the cache, and a process remembers the names that it
has accepted. While the cache is unavailable all names are accepted: this is a safeguard, not an
exact count."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import date

from django.core.cache import cache

from apps.intake.telemetry.limits import MAX_NAMES, MAX_SERVICES, MAX_USES
from apps.intake.telemetry.records import CallNames, digest64

_CACHE_SECONDS = 2 * 24 * 3600
# per process; beyond this number all are forgotten
_MAX_CACHED_NAMES = 200_000
_accepted_names: dict[int, set[int]] = {}
_day_of: dict[str, date] = {}


def names_over_limit(call_names: Iterable[CallNames], *, token: int, day: date) -> set[CallNames]:
    """Return the names that exceed the limits of this token on `day`."""
    if _day_of.get("today") != day or sum(map(len, _accepted_names.values())) > _MAX_CACHED_NAMES:
        _accepted_names.clear()
        _day_of["today"] = day
    accepted_hashes = _accepted_names.setdefault(token, set())
    new_names = {names for names in call_names if hash(names) not in accepted_hashes}
    if not new_names:
        return set()
    rejected_names: set[CallNames] = set()
    for kind, limit, select_fields in (
        ("service", MAX_SERVICES, lambda names: (names.scope, names.service)),
        ("names", MAX_NAMES, lambda names: names[2:]),
        ("use", MAX_USES, lambda names: names),
    ):
        digests = {
            names: digest64(*(str(field).encode() for field in select_fields(names)))
            for names in new_names - rejected_names
        }
        accepted_digests = _accept_digests(kind, limit, set(digests.values()), token=token, day=day)
        rejected_names |= {
            names for names, digest in digests.items() if digest not in accepted_digests
        }
    accepted_hashes.update(hash(names) for names in new_names - rejected_names)
    return rejected_names


def _accept_digests(kind: str, limit: int, digests: set[int], *, token: int, day: date) -> set[int]:
    """Return the digests that are accepted on `day`: those accepted before, and new ones up to the
    limit."""
    prefix = f"calls:{kind}:{token}:{day.isoformat()}"
    keys = {f"{prefix}:{digest}": digest for digest in digests}
    accepted_digests = {keys[key] for key in cache.get_many(list(keys))}
    new_digests = sorted(digests - accepted_digests)
    if new_digests:
        counter = f"{prefix}:n"
        cache.add(counter, 0, timeout=_CACHE_SECONDS)
        new_digests = new_digests[: max(limit - (cache.get(counter) or 0), 0)]
        if new_digests:
            # the cache may have dropped the counter in between
            with suppress(ValueError):
                cache.incr(counter, len(new_digests))
            cache.set_many(
                {f"{prefix}:{digest}": 1 for digest in new_digests}, timeout=_CACHE_SECONDS
            )
    return accepted_digests.union(new_digests)
