"""Files asked for, written, fetched and dropped. One is claimed by a conditional update, so that two workers never
write it twice. What goes into it is the caller's: lists are put together on the floors above."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import IO, Any

from celery.exceptions import SoftTimeLimitExceeded
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.common.history import acting
from apps.common.time import day_of, now
from apps.inventory.models import WrittenFile, WrittenFilePart

State = WrittenFile.State
KEPT = timedelta(days=7)
# of one person; further ones push the oldest out
MOST_KEPT = 10
# a worker gives up sooner than this (apps/web/tasks.py), so what still runs then was lost with its worker
LOST_AFTER = timedelta(minutes=20)
MOST_ATTEMPTS = 3
_IN_MEMORY = 8 * 1024 * 1024
_TOLD_EVERY = 500

type Tell = Callable[[int], None]
# (the file, where to write it, whom to tell how many rows are done) -> rows written
type Write = Callable[[WrittenFile, IO[bytes], Tell], int]


class RefusedFile(Exception):
    """A file that cannot be asked for; the message is for the person."""


def ask_file(*, kind: str, query: str, name: str, by: User, at: datetime) -> WrittenFile:
    """Queue a file of what `by` may see; an equal one of theirs that is still being written is given instead."""
    same = WrittenFile.objects.visible_to(by).open().filter(kind=kind, query=query).first()
    if same is not None:
        return same
    whole = by.reads_everything
    teams = [] if whole else sorted(by.team_roles())
    if not whole and not teams:
        raise RefusedFile(_("You are in no team, so there is nothing to write."))
    file = WrittenFile(
        kind=kind, query=query, name=name, asked_by=by, as_of=at, expires_on=day_of(at) + KEPT,
        whole_organisation=whole, team_ids=teams,
    )  # fmt: skip
    with acting(user=by, reason=f"{name} asked for"):
        file.save(force_insert=True)
    return file


def write_file(pk: int, *, write: Write, at: datetime) -> bool:
    """Claim the file and write it; False where somebody else has it. One that fails says why and can be asked for
    again; one whose worker died is begun anew, and given up after MOST_ATTEMPTS."""
    gone = _("The worker ended before it was done, three times. Ask again, for fewer rows if need be.")
    given_up = WrittenFile.objects.filter(_lost(at), pk=pk, attempts__gte=MOST_ATTEMPTS)
    if given_up.update(state=State.FAILED, finished_at=at, error=gone):
        return False
    mine = WrittenFile.objects.filter(_claimable(at), pk=pk)
    previous = mine.values_list("attempts", flat=True).first()
    if previous is None or mine.update(state=State.RUNNING, started_at=at, attempts=previous + 1, error="") != 1:
        return False
    file = WrittenFile.objects.select_related("asked_by").get(pk=pk)
    # it holds what the asker may see now, and is fetched later while they still may
    file.whole_organisation = file.asked_by.reads_everything
    file.team_ids = [] if file.whole_organisation else sorted(file.asked_by.team_roles())
    with acting(job="inventory.write_file"):
        file.save(update_fields=["whole_organisation", "team_ids"])
    try:
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as target:
            n_rows = write(file, target, lambda n: cache.set(_progress_key(pk), n, timeout=LOST_AFTER.seconds))
            _keep(file, target, n_rows=n_rows)
    except (RefusedFile, DatabaseError, SoftTimeLimitExceeded) as why:
        WrittenFile.objects.filter(pk=pk, state=State.RUNNING).update(
            state=State.FAILED, error=_why_failed(why)[:2000], finished_at=now()
        )
    finally:
        cache.delete(_progress_key(pk))
    return True


def waiting_files(*, at: datetime) -> list[int]:
    """Those that wait, and those whose worker was lost."""
    return list(WrittenFile.objects.filter(_claimable(at)).order_by("pk").values_list("pk", flat=True))


def told[R](rows: Iterable[R], tell: Tell) -> Iterator[R]:
    """The rows as they are, telling now and then how many have passed."""
    for n, row in enumerate(rows, 1):
        yield row
        if n % _TOLD_EVERY == 0:
            tell(n)


def progress_of(file: WrittenFile) -> int:
    """Rows written so far, 0 where nothing is known."""
    found: Any = cache.get(_progress_key(file.pk))
    return found or 0


def is_kept(file: WrittenFile) -> bool:
    return file.state == State.DONE and WrittenFilePart.objects.filter(file=file).exists()


def slices_of(file: WrittenFile) -> Iterator[bytes]:
    """The file, a part a statement, so that memory stays flat."""
    n = WrittenFilePart.objects.filter(file=file).count()
    for number in range(n):
        yield bytes(WrittenFilePart.objects.values_list("body", flat=True).get(file=file, number=number))


def drop_expired_files(*, on: date) -> int:
    """What is in those whose day has come, and in each person's beyond the latest MOST_KEPT; that they were asked for
    stays on record. The number of files."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM inventory_writtenfilepart WHERE file_id IN (
                SELECT id FROM (
                    SELECT id, expires_on,
                           row_number() OVER (PARTITION BY asked_by_id ORDER BY as_of DESC, id DESC) AS place
                    FROM inventory_writtenfile WHERE state = 'done'
                ) kept WHERE expires_on <= %s OR place > %s
            ) RETURNING file_id
            """,
            [on, MOST_KEPT],
        )
        return len({pk for (pk,) in cursor.fetchall()})


def _why_failed(why: Exception) -> str:
    match why:
        case SoftTimeLimitExceeded():
            return _("It took longer than 15 minutes. Ask for fewer rows.")
        case DatabaseError():
            return _("The database gave up: %(why)s") % {"why": why}
        case _:
            return str(why)


def _claimable(at: datetime) -> Q:
    return Q(state=State.QUEUED) | _lost(at)


def _lost(at: datetime) -> Q:
    return Q(state=State.RUNNING, started_at__lt=at - LOST_AFTER)


def _progress_key(pk: int) -> str:
    return f"written-file:{pk}"


def _keep(file: WrittenFile, target: IO[bytes] | Any, *, n_rows: int) -> None:
    """Parts and state in one transaction: it is done with all of itself or not at all."""
    n_bytes = target.seek(0, 2)
    target.seek(0)
    with transaction.atomic():
        WrittenFilePart.objects.filter(file=file).delete()
        number = 0
        while body := target.read(WrittenFilePart.SIZE):
            WrittenFilePart.objects.create(file=file, number=number, body=body)
            number += 1
        WrittenFile.objects.filter(pk=file.pk, state=State.RUNNING).update(
            state=State.DONE, n_rows=n_rows, n_bytes=n_bytes, finished_at=now(), error=""
        )
