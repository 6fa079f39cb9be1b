"""Long lists as files: asked for, written, fetched and dropped. What goes into one is the caller's:
lists are put together on the floors above."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import IO

from apps.accounts.models import User
from apps.common.history.context import audit_context
from apps.common.jobs import Claim
from apps.common.time import day_of
from apps.inventory.making import (
    CannotBeMade,
    Making,
    drop_parts,
    make_file,
    make_waiting,
    tell_progress,
    told_progress,
)
from apps.inventory.models import WrittenFile

KEPT = timedelta(days=7)
# of one person; further ones push the oldest out
MOST_KEPT = 10
_TOLD_EVERY = 500

type Tell = Callable[[int], None]
# (the file, where to write it, whom to tell how many rows are done) -> rows written
type Write = Callable[[WrittenFile, IO[bytes], Tell], int]


def ask_file(*, kind: str, query: str, name: str, by: User, at: datetime) -> WrittenFile:
    """Queue a file of what `by` may see; an equal one of theirs that is still being written is
    given instead. Raises CannotBeMade."""
    same = WrittenFile.objects.visible_to(by).open().filter(kind=kind, query=query).first()
    if same is not None:
        return same
    whole = by.can_read_all
    teams = [] if whole else sorted(by.team_roles())
    if not whole and not teams:
        raise CannotBeMade("You are in no team, so there is nothing to write.")
    file = WrittenFile(
        kind=kind,
        query=query,
        name=name,
        asked_by=by,
        as_of=at,
        expires_on=day_of(at) + KEPT,
        whole_organisation=whole,
        team_ids=teams,
    )
    with audit_context(user=by, reason=f"{name} asked for"):
        file.save(force_insert=True)
    return file


def write_file(pk: int, *, write: Write, at: datetime) -> bool:
    """Claim the file and write it; False where another worker has it."""
    return make_file(_making(write), pk, at=at)


def write_waiting(*, write: Write, at: datetime) -> int:
    """Write every file that waits or was left by its worker; the number written. Safe to run twice
    at once."""
    return make_waiting(_making(write), at=at)


def _making(write: Write) -> Making[WrittenFile]:
    def written(claim: Claim[WrittenFile], target: IO[bytes]) -> dict[str, int]:
        return {"n_rows": write(claim.job, target, lambda n: tell_progress(claim, n))}

    return Making(
        model=WrittenFile, job="inventory.write_file", smaller="for fewer rows", write=written
    )


def told[R](rows: Iterable[R], tell: Tell) -> Iterator[R]:
    """The rows as they are, telling now and then how many have passed."""
    for n, row in enumerate(rows, 1):
        yield row
        if n % _TOLD_EVERY == 0:
            tell(n)


def n_written(file: WrittenFile) -> int:
    """Rows written so far, 0 where nothing is known."""
    return told_progress(file) or 0


def drop_expired_files(*, on: date) -> int:
    """The number of files that are no longer kept."""
    return drop_parts(WrittenFile, on=on, most_kept=MOST_KEPT)
