"""Direct spreadsheet import by REST or command: all steps in one call, without a confirmed
preview."""

import hashlib
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from apps.accounts.models import ApiToken, Team, User
from apps.common.database.bulk_writes import acquire_named_lock
from apps.common.history.context import audit_context
from apps.intake import import_jobs
from apps.intake.import_jobs import IdempotencyKeyReusedError, IntakePermissionError
from apps.intake.models import Import, TokenBinding
from apps.intake.spreadsheets.columns.mapping import BookMapping
from apps.intake.spreadsheets.files.child_reader import examine_sheet
from apps.intake.spreadsheets.files.tables import UnreadableError
from apps.intake.spreadsheets.import_steps import (
    APPLIES_AUTOMATICALLY,
    STEPS,
    change_state,
    receive_sheet,
)

# what is read and applied while the sender waits
MAX_IMMEDIATE_BYTES = 512 * 1024


def import_sheet_directly(
    *,
    content: bytes,
    file_name: str,
    by: User,
    at: datetime,
    token: ApiToken | None = None,
    application: str = "",
    team: str = "",
    idempotency_key: str = "",
) -> tuple[Import, bool]:
    """Import a spreadsheet with the rights of `by`; return (the import, whether it is new). What
    `by` may not write is rejected.

    `application` (slug) is what rows are about that name none, `team` (slug) gets new applications
    whose row names none. IntakePermissionError for a token that is bound to one application;
    UnreadableError; IdempotencyKeyReusedError."""
    if token is not None and TokenBinding.objects.filter(token=token).exists():
        raise IntakePermissionError(
            "This API token is limited to one application, but a spreadsheet can contain many. "
            "Use an API token without this limit."
        )
    digest = hashlib.sha256(content).hexdigest()
    earlier = _earlier_import(by, digest, idempotency_key)
    if earlier is not None:
        return earlier, False
    # before the lock, at which the sender's other requests wait
    examined = examine_sheet(content, file_name)
    with transaction.atomic():
        acquire_named_lock(f"sheet:{by.pk}")
        earlier = _earlier_import(by, digest, idempotency_key)
        if earlier is not None:
            return earlier, False
        received = receive_sheet(
            content=content, file_name=file_name, by=by, at=at, examined=examined
        )
        Import.objects.filter(pk=received.pk).update(token=token, idempotency_key=idempotency_key)
        _start_import(received, _mapping(received, application=application, team=team))
    if len(content) > MAX_IMMEDIATE_BYTES:
        import_jobs.send_to_worker(received.pk)
    else:
        _run_all_steps(received)
    received.refresh_from_db()
    return received, True


def ingest_sheet(
    *, content: bytes, file_name: str, application: str = "", team: str = "", at: datetime
) -> Import:
    """Run all import steps for the operator, who may write everywhere.

    New applications whose spreadsheet has no column for the team go to `team`, or to a team
    "Unassigned"."""
    received = receive_sheet(content=content, file_name=file_name, by=None, at=at)
    mapping = _mapping(received, application=application, team=team)
    if not team and not all(
        "application.team" in sheet.columns.values() for sheet in mapping.sheets if sheet.read
    ):
        mapping = replace(mapping, team=_default_team().slug)
    _start_import(received, mapping)
    _run_all_steps(received)
    received.refresh_from_db()
    if received.state == Import.State.FAILED:
        raise UnreadableError(received.error)
    return received


def _mapping(received: Import, *, application: str, team: str) -> BookMapping:
    """Return the guessed mapping; a spreadsheet about one application may lack the column that
    names it."""
    mapping = BookMapping.from_json(received.mapping)
    sheets = tuple(
        replace(
            sheet,
            read=sheet.read or (bool(application) and bool(sheet.head_row) and sheet.has_uses),
        )
        for sheet in mapping.sheets
    )
    if not any(sheet.read for sheet in sheets):
        raise UnreadableError(
            "No worksheet has a column with the name or ID of the application"
            + ("." if application else ", and no application was selected for the whole file.")
        )
    return replace(mapping, sheets=sheets, application=application, team=team or mapping.team)


def _start_import(received: Import, mapping: BookMapping) -> None:
    change_state(
        received,
        (Import.State.RECEIVED,),
        Import.State.READING,
        mapping={**mapping.as_json(), APPLIES_AUTOMATICALLY: True},
    )


def _run_all_steps(received: Import) -> None:
    """Read, and apply what was read."""
    if import_jobs.run_import_now(received.pk, STEPS):
        import_jobs.run_import_now(received.pk, STEPS)


def _earlier_import(by: User, digest: str, key: str) -> Import | None:
    sent = Import.objects.filter(kind=Import.Kind.SHEET, by=by).order_by("-pk")
    found = sent.filter(idempotency_key=key).first() if key else None
    if found is not None and found.digest != digest:
        raise IdempotencyKeyReusedError(key)
    return (
        found
        or sent.filter(digest=digest, state__in=(*Import.WAITING, Import.State.APPLIED)).first()
    )


def _default_team() -> Team:
    """Return the only team, or the one that receives unassigned applications."""
    teams = list(Team.objects.order_by("pk")[:2])
    if len(teams) == 1:
        return teams[0]
    with audit_context(job="ingest", reason="applications without a team"):
        team, _ = Team.objects.get_or_create(slug="unassigned", defaults={"name": "Unassigned"})
    return team
