"""How far a worker has got with an import. Kept in the cache: the work itself is one transaction
nobody sees into."""

from dataclasses import dataclass

from django.core.cache import cache

_KEPT_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Progress:
    done: int
    whole: int


def say(import_id: int, done: int, whole: int) -> None:
    cache.set(f"intake:progress:{import_id}", [done, whole], _KEPT_SECONDS)


def progress_of(import_id: int) -> Progress | None:
    found = cache.get(f"intake:progress:{import_id}")
    return Progress(*found) if found else None
