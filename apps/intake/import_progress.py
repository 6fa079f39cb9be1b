"""Progress of an import job, kept in the cache: the work itself is one transaction, whose rows no
other connection can read."""

from dataclasses import dataclass

from django.core.cache import cache

_CACHE_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class ImportProgress:
    done: int
    whole: int


def set_progress(import_id: int, done: int, whole: int) -> None:
    cache.set(f"intake:progress:{import_id}", [done, whole], _CACHE_SECONDS)


def progress_of(import_id: int) -> ImportProgress | None:
    found = cache.get(f"intake:progress:{import_id}")
    return ImportProgress(*found) if found else None
