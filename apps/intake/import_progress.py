"""Progress of an import job, stored in the cache because other connections cannot read the rows of
the job's transaction before it commits."""

from dataclasses import dataclass

from django.core.cache import cache

_CACHE_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """Numbers of processed rows and of all rows of an import."""

    n_done: int
    n_total: int


def set_progress(import_id: int, n_done: int, n_total: int) -> None:
    cache.set(f"intake:progress:{import_id}", [n_done, n_total], _CACHE_SECONDS)


def progress_of(import_id: int) -> ImportProgress | None:
    counts = cache.get(f"intake:progress:{import_id}")
    return ImportProgress(*counts) if counts else None
