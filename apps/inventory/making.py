"""How a worker makes a file: claims it by a conditional update, so that two never make one, and keeps it in parts."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import IO, Any

from celery.exceptions import SoftTimeLimitExceeded
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.common.history import acting
from apps.common.time import now
from apps.inventory.models import MadeFile, MadeFilePart

State = MadeFile.State
# a worker gives up sooner than this (tasks.py of the floors that make files), so what still runs then was lost with it
LOST_AFTER = timedelta(minutes=20)
MOST_ATTEMPTS = 3
_IN_MEMORY = 8 * 1024 * 1024


class CannotBeMade(Exception):
    """The file asked for cannot be made; the message is for the person."""


@dataclass(frozen=True, slots=True)
class Making[F: MadeFile]:
    """How files of one kind are made. `write` puts the file where it is told and gives the fields to set beside it;
    it may raise CannotBeMade. `relations` are what it reads; `smaller` says what to ask for where it was too much."""

    model: type[F]
    job: str
    smaller: str
    write: Callable[[F, IO[bytes]], Mapping[str, Any]]
    relations: tuple[str, ...] = ("asked_by",)


def make_file[F: MadeFile](making: Making[F], pk: int, *, at: datetime) -> bool:
    """Claim the file and make it; False where somebody else has it. One that fails says why and can be asked for
    again; one whose worker died is begun anew, and given up after MOST_ATTEMPTS."""
    rows = making.model._default_manager
    given_up = rows.filter(_lost(at), pk=pk, attempts__gte=MOST_ATTEMPTS)
    gone = _("The worker ended before it was done, three times. Ask again, %(smaller)s if need be.")
    if given_up.update(state=State.FAILED, finished_at=at, error=gone % {"smaller": making.smaller}):
        return False
    mine = rows.filter(_claimable(at), pk=pk)
    previous = mine.values_list("attempts", flat=True).first()
    if previous is None or mine.update(state=State.RUNNING, started_at=at, attempts=previous + 1, error="") != 1:
        return False
    file = rows.select_related(*making.relations).get(pk=pk)
    # it holds what the asker may see now, and is fetched later while they still may
    asker = file.asked_by
    file.whole_organisation = asker.reads_everything
    file.team_ids = [] if asker.reads_everything else sorted(asker.team_roles())
    with acting(job=making.job):
        file.save(update_fields=["whole_organisation", "team_ids"])
    try:
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as target:
            _keep(file, target, making.write(file, target))
    except (CannotBeMade, DatabaseError, SoftTimeLimitExceeded) as why:
        rows.filter(pk=pk, state=State.RUNNING).update(
            state=State.FAILED, error=_why_failed(why, making.smaller)[:2000], finished_at=now()
        )
    finally:
        cache.delete(_progress_key(file))
    return True


def waiting(model: type[MadeFile], *, at: datetime) -> list[int]:
    """Those that wait, and those whose worker was lost."""
    return list(model._default_manager.filter(_claimable(at)).order_by("pk").values_list("pk", flat=True))


def tell_progress(file: MadeFile, so_far: Any) -> None:
    """For whoever watches, in the cache alone: told often, and worth nothing once the file is made."""
    cache.set(_progress_key(file), so_far, timeout=LOST_AFTER.seconds)


def told_progress(file: MadeFile) -> Any:
    """What was told last; None where nothing is known."""
    return cache.get(_progress_key(file))


def is_kept(file: MadeFile) -> bool:
    return file.state == State.DONE and file.parts.exists()


def slices_of(file: MadeFile) -> Iterator[bytes]:
    """The file, a part a statement, so that memory stays flat."""
    for number in range(file.parts.count()):
        yield bytes(file.parts.values_list("body", flat=True).get(number=number))


def drop_parts(model: type[MadeFile], *, on: date, most_kept: int) -> int:
    """What is in those whose day has come, and in each person's beyond the latest `most_kept`; that they were asked for
    stays on record. The number of files."""
    part, to_file = _parts_of(model)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            DELETE FROM {part} WHERE {to_file} IN (
                SELECT id FROM (
                    SELECT id, expires_on,
                           row_number() OVER (PARTITION BY asked_by_id ORDER BY as_of DESC, id DESC) AS place
                    FROM {model._meta.db_table} WHERE state = 'done'
                ) kept WHERE expires_on <= %s OR place > %s
            ) RETURNING {to_file}
            """,
            [on, most_kept],
        )
        return len({pk for (pk,) in cursor.fetchall()})


def _parts_of(model: type[MadeFile]) -> tuple[str, str]:
    """Their table, and its column that leads to the file."""
    described: Any = model._meta
    to_file = described.get_field("parts").remote_field
    return to_file.model._meta.db_table, to_file.column


def _why_failed(why: Exception, smaller: str) -> str:
    match why:
        case SoftTimeLimitExceeded():
            return _("It took longer than 15 minutes. Ask %(smaller)s.") % {"smaller": smaller}
        case DatabaseError():
            return _("The database gave up: %(why)s") % {"why": why}
        case _:
            return str(why)


def _claimable(at: datetime) -> Q:
    return Q(state=State.QUEUED) | _lost(at)


def _lost(at: datetime) -> Q:
    return Q(state=State.RUNNING, started_at__lt=at - LOST_AFTER)


def _progress_key(file: MadeFile) -> str:
    return f"{file._meta.label_lower}:{file.pk}"


def _keep(file: MadeFile, target: IO[bytes] | Any, beside: Mapping[str, Any]) -> None:
    """Parts and state in one transaction: it is done with all of itself or not at all."""
    n_bytes = target.seek(0, 2)
    target.seek(0)
    with transaction.atomic():
        file.parts.all().delete()
        number = 0
        while body := target.read(MadeFilePart.SIZE):
            file.parts.create(number=number, body=body)
            number += 1
        type(file)._default_manager.filter(pk=file.pk, state=State.RUNNING).update(
            state=State.DONE, n_bytes=n_bytes, finished_at=now(), error="", **beside
        )
