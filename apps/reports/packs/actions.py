"""Evidence pack actions: request, build, delete."""

from datetime import date, datetime, timedelta
from typing import IO, Any

from django.db import connection, transaction

from apps.accounts.models import User
from apps.catalog.models import Provider
from apps.common.exports import jobs
from apps.common.exports.jobs import (
    ExportError,
    ExportSpec,
    delete_expired_parts,
    load_progress,
    run_export,
    save_progress,
)
from apps.common.history.context import audit_context
from apps.common.jobs import Claim
from apps.common.time import day_of
from apps.inventory.models import Application
from apps.reports.models import EvidencePack
from apps.reports.packs.archive import write_pack
from apps.reports.packs.scope import PackScope

Scope = EvidencePack.Scope
PACK_RETENTION = timedelta(days=90)
# further files of a user replace the oldest ones; the record of the pack stays
MAX_PACKS_PER_USER = 20
MAX_PERIOD = timedelta(days=366 * 5)


def request_pack(
    *,
    by: User,
    at: datetime,
    since: date,
    until: date,
    application: Application | None = None,
    provider: Provider | None = None,
) -> EvidencePack:
    """Queue a pack over [since, until) of what `by` can view. Raises ExportError, also while an
    equal one of the same user is being built."""
    if until <= since:
        raise ExportError("The period must end after its start. Correct the dates.")
    if until - since > MAX_PERIOD:
        raise ExportError("The period of a pack can be at most five years. Enter a shorter period.")
    can_read_all = by.can_read_all
    teams = [] if can_read_all else sorted(by.team_roles())
    if not can_read_all and not teams:
        raise ExportError(
            "You are not a member of a team, so the pack would be empty. Ask an "
            "administrator to add you to a team."
        )
    pack = EvidencePack(
        scope=Scope.APPLICATION
        if application
        else Scope.PROVIDER
        if provider
        else Scope.ORGANISATION,
        application=application,
        provider=provider,
        since=since,
        until=until,
        whole_organisation=can_read_all,
        team_ids=teams,
        requested_by=by,
        as_of=at,
        expires_on=day_of(at) + PACK_RETENTION,
    )
    pending_packs = EvidencePack.objects.open().filter(
        requested_by=by, application=application, provider=provider, since=since, until=until
    )
    if pending_packs.exists():
        raise ExportError("This pack is already being created. See the list below.")
    with audit_context(user=by, reason="evidence pack requested"):
        pack.save(force_insert=True)
    return pack


def make_waiting_packs(*, at: datetime) -> int:
    """Build every pack that is waiting, or whose worker was lost, and return the number built. Safe
    to run twice concurrently."""
    return jobs.run_waiting_exports(_export_spec(), at=at)


def make_pack(pk: int, *, at: datetime) -> bool:
    """Claim the pack and build it; False if another worker has it."""
    return run_export(_export_spec(), pk, at=at)


def _export_spec() -> ExportSpec[EvidencePack]:
    return ExportSpec(
        model=EvidencePack,
        job="reports.make_pack",
        write=_write_pack,
        relations=("requested_by", "application", "provider"),
        smaller="for a shorter period, one provider or one application",
    )


def delete_expired_packs(*, on: date) -> int:
    """Delete the files of expired packs, and return the number of packs; the list of their content
    stays recorded with its digests."""
    return delete_expired_parts(EvidencePack, on=on, max_files=MAX_PACKS_PER_USER)


def progress_of(pack: EvidencePack, *, at: datetime) -> tuple[int, int, str]:
    """Return (files done, number of files, title of the current one); zeros if unknown, or if its
    worker has died."""
    if pack.is_abandoned(at=at):
        return 0, 0, ""
    n_done, n, title = load_progress(pack) or (0, 0, "")
    return n_done, n, title


def _write_pack(claim: Claim[EvidencePack], target: IO[bytes]) -> dict[str, Any]:
    """Write all files of one pack from one snapshot of the database."""
    pack = claim.job
    scope = PackScope(
        user=pack.requested_by,
        since=pack.since,
        until=pack.until,
        as_of=pack.as_of,
        application=pack.application,
        provider=pack.provider,
    )
    about = {
        "pack": pack.pk,
        "scope": pack.scope,
        "about": pack.about,
        "since": pack.since.isoformat(),
        "until": pack.until.isoformat(),
        "as_of": pack.as_of.isoformat().replace("+00:00", "Z"),
        "asked_by": pack.requested_by.get_username(),
        "whole_organisation": pack.requested_by.can_read_all,
    }

    def tell(n_done: int, n: int, title: str) -> None:
        save_progress(claim, [n_done, n, title])

    opens_transaction = not connection.in_atomic_block
    with transaction.atomic():
        if opens_transaction:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        result = write_pack(target, scope, about=about, progress=tell)
    # manifest.json and SHA256SUMS do not list themselves
    return {
        "digest": result.digest,
        "manifest": result.manifest,
        "n_files": len(result.files) + 2,
    }
