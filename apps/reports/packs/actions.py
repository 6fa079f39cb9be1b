"""Packs asked for, made, dropped. A pack is claimed by a conditional update, so that two workers never make one."""

import tempfile
from datetime import date, datetime, timedelta
from typing import IO, Any

from celery.exceptions import SoftTimeLimitExceeded
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.catalog.models import Provider
from apps.common.history import acting
from apps.common.time import day_of, now
from apps.inventory.models import Application
from apps.reports.models import EvidencePack, EvidencePackPart
from apps.reports.packs.scope import PackScope
from apps.reports.packs.writing import PackTooLarge, write_pack

Scope, State = EvidencePack.Scope, EvidencePack.State
KEPT = timedelta(days=90)
# files of one person beyond these are dropped, the oldest first; the record of the pack stays
MOST_KEPT = 20
LONGEST = timedelta(days=366 * 5)
# a worker gives up sooner than this (tasks.py), so what still runs then was lost with its worker
LOST_AFTER = timedelta(minutes=20)
MOST_ATTEMPTS = 3
_IN_MEMORY = 8 * 1024 * 1024


class RefusedPack(Exception):
    """A pack that cannot be asked for; the message is for the person."""


def ask_pack(
    *,
    by: User,
    at: datetime,
    since: date,
    until: date,
    application: Application | None = None,
    provider: Provider | None = None,
) -> EvidencePack:
    """Queue a pack over [since, until) of what `by` may see. Refused while an equal one of theirs is being made."""
    if until <= since:
        raise RefusedPack(_("The period ends after it begins. Check the two days."))
    if until - since > LONGEST:
        raise RefusedPack(_("Five years are the longest period of a pack."))
    whole = by.reads_everything
    teams = [] if whole else sorted(by.team_roles())
    if not whole and not teams:
        raise RefusedPack(_("You are in no team, so there is nothing to pack."))
    pack = EvidencePack(
        scope=Scope.APPLICATION if application else Scope.PROVIDER if provider else Scope.ORGANISATION,
        application=application, provider=provider, since=since, until=until, whole_organisation=whole,
        team_ids=teams, asked_by=by, as_of=at, expires_on=day_of(at) + KEPT,
    )  # fmt: skip
    same = EvidencePack.objects.open().filter(
        asked_by=by, application=application, provider=provider, since=since, until=until
    )
    if same.exists():
        raise RefusedPack(_("This pack is being made already; see the list below."))
    with acting(user=by, reason="evidence pack asked for"):
        pack.save(force_insert=True)
    return pack


def make_waiting(*, at: datetime) -> int:
    """Make every pack that waits, or whose worker was lost; the number made. Safe to run twice at once."""
    waiting = list(EvidencePack.objects.filter(_claimable(at)).order_by("pk").values_list("pk", flat=True))
    return sum(make_pack(pk, at=at) for pk in waiting)


def make_pack(pk: int, *, at: datetime) -> bool:
    """Claim the pack and make it; False where somebody else has it. A pack that fails says why and can be asked for
    again; one whose worker died is begun anew, and given up after MOST_ATTEMPTS."""
    given_up = EvidencePack.objects.filter(_lost(at), pk=pk, attempts__gte=MOST_ATTEMPTS)
    gone = _("The worker ended before it was done, three times. Ask again, for a shorter period if need be.")
    if given_up.update(state=State.FAILED, finished_at=at, error=gone):
        return False
    mine = EvidencePack.objects.filter(_claimable(at), pk=pk)
    previous = mine.values_list("attempts", flat=True).first()
    if previous is None or mine.update(state=State.RUNNING, started_at=at, attempts=previous + 1, error="") != 1:
        return False
    pack = EvidencePack.objects.select_related("asked_by", "application", "provider").get(pk=pk)
    # it holds what the asker may see now, and is read later by who may still see that
    pack.whole_organisation = pack.asked_by.reads_everything
    pack.team_ids = [] if pack.whole_organisation else sorted(pack.asked_by.team_roles())
    with acting(job="reports.make_pack"):
        pack.save(update_fields=["whole_organisation", "team_ids"])
    try:
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as target:
            written = _write(pack, target)
            _keep(pack, target, digest=written.digest, manifest=written.manifest, n_files=len(written.files) + 2)
    except (PackTooLarge, DatabaseError, SoftTimeLimitExceeded) as why:
        said = _why_failed(why)
        EvidencePack.objects.filter(pk=pk, state=State.RUNNING).update(
            state=State.FAILED, error=said[:2000], finished_at=now()
        )
    finally:
        cache.delete(_progress_key(pk))
    return True


def _why_failed(why: Exception) -> str:
    match why:
        case SoftTimeLimitExceeded():
            return _("It took longer than 15 minutes. Ask for a shorter period, one provider or one application.")
        case DatabaseError():
            return _("The database gave up: %(why)s") % {"why": why}
        case _:
            return str(why)


def drop_expired(*, on: date) -> int:
    """The files of packs whose day has come, and of each person's beyond the latest MOST_KEPT; what was in them stays
    on record with its digests. The number of packs."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM reports_evidencepackpart WHERE pack_id IN (
                SELECT id FROM (
                    SELECT id, expires_on,
                           row_number() OVER (PARTITION BY asked_by_id ORDER BY as_of DESC, id DESC) AS place
                    FROM reports_evidencepack WHERE state = 'done'
                ) kept WHERE expires_on <= %s OR place > %s
            ) RETURNING pack_id
            """,
            [on, MOST_KEPT],
        )
        return len({pk for (pk,) in cursor.fetchall()})


def progress_of(pack: EvidencePack) -> tuple[int, int, str]:
    """(files done, files in all, the one under way); zeros where nothing is known."""
    found: Any = cache.get(_progress_key(pack.pk))
    return found or (0, 0, "")


def _claimable(at: datetime) -> Q:
    return Q(state=State.QUEUED) | _lost(at)


def _lost(at: datetime) -> Q:
    return Q(state=State.RUNNING, started_at__lt=at - LOST_AFTER)


def _progress_key(pk: int) -> str:
    return f"evidence-pack:{pk}"


def _write(pack: EvidencePack, target: Any) -> Any:
    """All files of one pack speak of one moment of the database."""
    scope = PackScope(
        user=pack.asked_by, since=pack.since, until=pack.until, as_of=pack.as_of, application=pack.application,
        provider=pack.provider,
    )  # fmt: skip
    about = {
        "pack": pack.pk,
        "scope": pack.scope,
        "about": pack.about,
        "since": pack.since.isoformat(),
        "until": pack.until.isoformat(),
        "as_of": pack.as_of.isoformat().replace("+00:00", "Z"),
        "asked_by": pack.asked_by.get_username(),
        "whole_organisation": pack.asked_by.reads_everything,
    }

    def tell(done: int, n: int, title: str) -> None:
        cache.set(_progress_key(pack.pk), (done, n, title), timeout=LOST_AFTER.seconds)

    own = not connection.in_atomic_block
    with transaction.atomic():
        if own:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return write_pack(target, scope, about=about, progress=tell)


def _keep(pack: EvidencePack, target: IO[bytes] | Any, *, digest: str, manifest: dict[str, Any], n_files: int) -> None:
    """Parts and state in one transaction: a pack is done with all of its file or not at all."""
    n_bytes = target.seek(0, 2)
    target.seek(0)
    with transaction.atomic():
        EvidencePackPart.objects.filter(pack=pack).delete()
        number = 0
        while body := target.read(EvidencePackPart.SIZE):
            EvidencePackPart.objects.create(pack=pack, number=number, body=body)
            number += 1
        EvidencePack.objects.filter(pk=pack.pk, state=State.RUNNING).update(
            state=State.DONE, digest=digest, manifest=manifest, n_bytes=n_bytes, n_files=n_files, finished_at=now(),
            error="",
        )  # fmt: skip
