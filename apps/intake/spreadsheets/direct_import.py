"""Direct spreadsheet import by REST or command: all steps in one call, without a confirmed
preview."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from django.db import transaction
from django.db.models import Q

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
from apps.intake.spreadsheets.mapping_file import apply_choices

# How the values of a file are mapped. None: only exact values count, and a row with another one is
# rejected. "auto": every guess above the threshold is taken, teams and vendors that the file names
# are created by those who may, and what is left of a row is listed. A mapping as `propose_mapping`
# returns it, edited: as "auto", with its choices.
type MappingChoice = Literal["auto"] | Mapping[str, Any] | None

# largest file that is read and applied in the request
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
    mapping: MappingChoice = None,
    idempotency_key: str = "",
) -> tuple[Import, bool]:
    """Import a spreadsheet with the permissions of `by` and return (the import, whether it is new).
    Changes that `by` is not permitted to make are rejected row by row.

    `application` (slug) is the application of rows that name none; `team` (slug) receives new
    applications whose row names no team. `mapping`: see `MappingChoice`. Raises
    IntakePermissionError for a token that is bound to one application, UnreadableError, and
    IdempotencyKeyReusedError."""
    if token is not None and TokenBinding.objects.filter(token=token).exists():
        raise IntakePermissionError(
            "This API token is limited to one application, but a spreadsheet can contain many. "
            "Use an API token without this limit."
        )
    digest = hashlib.sha256(content).hexdigest()
    earlier_import = _find_earlier_import(by, digest, idempotency_key, mapping)
    if earlier_import is not None:
        return earlier_import, False
    # examined before the lock is taken, because other requests of the sender wait for the lock
    summary = examine_sheet(content, file_name)
    with transaction.atomic():
        acquire_named_lock(f"sheet:{by.pk}")
        earlier_import = _find_earlier_import(by, digest, idempotency_key, mapping)
        if earlier_import is not None:
            return earlier_import, False
        import_ = receive_sheet(content=content, file_name=file_name, by=by, at=at, summary=summary)
        Import.objects.filter(pk=import_.pk).update(token=token, idempotency_key=idempotency_key)
        _start_import(
            import_,
            complete_mapping(import_.mapping, application=application, team=team, choice=mapping),
        )
    if len(content) > MAX_IMMEDIATE_BYTES:
        import_jobs.send_to_worker(import_.pk)
    else:
        _run_all_steps(import_)
    import_.refresh_from_db()
    return import_, True


def ingest_sheet(
    *,
    content: bytes,
    file_name: str,
    application: str = "",
    team: str = "",
    mapping: MappingChoice = None,
    at: datetime,
) -> Import:
    """Import a spreadsheet for the operator, who may write everywhere.

    If no column holds the team, new applications go to `team`, or to the only team or a team
    "Unassigned". `mapping`: see `MappingChoice`."""
    import_ = receive_sheet(content=content, file_name=file_name, by=None, at=at)
    complete = complete_mapping(import_.mapping, application=application, team=team, choice=mapping)
    if not complete.team and needs_team(complete):
        complete = replace(complete, team=_get_default_team().slug)
    _start_import(import_, complete)
    _run_all_steps(import_)
    import_.refresh_from_db()
    if import_.state == Import.State.FAILED:
        raise UnreadableError(import_.error)
    return import_


def needs_team(mapping: BookMapping) -> bool:
    """Return whether a table that is read has no column for the team."""
    return not all(
        "application.team" in sheet.columns.values() for sheet in mapping.sheets if sheet.read
    )


def complete_mapping(
    stored: Mapping[str, Any],
    *,
    application: str,
    team: str,
    choice: MappingChoice,
) -> BookMapping:
    """Return the stored mapping completed with `application`, `team` and the choices. With
    `application`, tables of dependencies do not need a column for it."""
    mapping = BookMapping.from_json(stored)
    if isinstance(choice, Mapping):
        mapping = apply_choices(mapping, choice)
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
    return replace(
        mapping,
        sheets=sheets,
        application=application or mapping.application,
        team=team or mapping.team,
        strict=choice is None,
    )


def _start_import(import_: Import, mapping: BookMapping) -> None:
    change_state(
        import_,
        (Import.State.RECEIVED,),
        Import.State.READING,
        mapping={**mapping.as_json(), APPLIES_AUTOMATICALLY: True},
    )


def _run_all_steps(import_: Import) -> None:
    """Read the spreadsheet, then apply it."""
    if import_jobs.run_import_now(import_.pk, STEPS):
        import_jobs.run_import_now(import_.pk, STEPS)


def _find_earlier_import(by: User, digest: str, key: str, mapping: MappingChoice) -> Import | None:
    """Return the import with the same idempotency key, else a pending or applied one of the same
    file that was mapped in the same way."""
    imports = Import.objects.filter(kind=Import.Kind.SHEET, by=by).order_by("-pk")
    same_key_import = imports.filter(idempotency_key=key).first() if key else None
    if same_key_import is not None and same_key_import.digest != digest:
        raise IdempotencyKeyReusedError(key)
    if same_key_import is not None or isinstance(mapping, Mapping):
        return same_key_import
    same_file = imports.filter(digest=digest, state__in=(*Import.WAITING, Import.State.APPLIED))
    if mapping == "auto":
        return same_file.filter(mapping__strict=False).first()
    # imports of before had no such mark
    return same_file.filter(Q(mapping__strict=True) | ~Q(mapping__has_key="strict")).first()


def _get_default_team() -> Team:
    """Return the only team, or the one that receives unassigned applications."""
    teams = list(Team.objects.order_by("pk")[:2])
    if len(teams) == 1:
        return teams[0]
    with audit_context(job="ingest", reason="applications without a team"):
        team, _ = Team.objects.get_or_create(slug="unassigned", defaults={"name": "Unassigned"})
    return team
