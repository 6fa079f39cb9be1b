"""Cardinality limit: how many services, sets of names and pairs of both one token may bring per
day.

Protects against made-up names. Counters are in the cache, and a process remembers what it has
accepted. While the cache is unavailable everything passes: this is a safeguard, not an exact
count."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import date

from django.core.cache import cache

from apps.intake.telemetry.limits import MAX_NAMES, MAX_SERVICES, MAX_USES
from apps.intake.telemetry.records import CallNames, digest64

_SECONDS = 2 * 24 * 3600
# of one process, forgotten as a whole
_MAX_CACHED_NAMES = 200_000
_admitted: dict[int, set[int]] = {}
_day_of: dict[str, date] = {}


def names_over_limit(told: Iterable[CallNames], *, token: int, day: date) -> set[CallNames]:
    """Return those of `told` that exceed the limit of this token today."""
    if _day_of.get("today") != day or sum(map(len, _admitted.values())) > _MAX_CACHED_NAMES:
        _admitted.clear()
        _day_of["today"] = day
    known = _admitted.setdefault(token, set())
    new = {names for names in told if hash(names) not in known}
    if not new:
        return set()
    refused: set[CallNames] = set()
    for kind, most, parts in (
        ("service", MAX_SERVICES, lambda names: (names.scope, names.service)),
        ("names", MAX_NAMES, lambda names: names[2:]),
        ("use", MAX_USES, lambda names: names),
    ):
        digests = {
            names: digest64(*(str(part).encode() for part in parts(names)))
            for names in new - refused
        }
        admitted = _admit_digests(kind, most, set(digests.values()), token=token, day=day)
        refused |= {names for names, digest in digests.items() if digest not in admitted}
    known.update(hash(names) for names in new - refused)
    return refused


def _admit_digests(kind: str, most: int, digests: set[int], *, token: int, day: date) -> set[int]:
    prefix = f"calls:{kind}:{token}:{day.isoformat()}"
    keys = {f"{prefix}:{digest}": digest for digest in digests}
    admitted = {keys[key] for key in cache.get_many(list(keys))}
    new = sorted(digests - admitted)
    if new:
        counter = f"{prefix}:n"
        cache.add(counter, 0, timeout=_SECONDS)
        new = new[: max(most - (cache.get(counter) or 0), 0)]
        if new:
            # the cache may have dropped the counter in between
            with suppress(ValueError):
                cache.incr(counter, len(new))
            cache.set_many({f"{prefix}:{digest}": 1 for digest in new}, timeout=_SECONDS)
    return admitted.union(new)
