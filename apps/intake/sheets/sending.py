"""Sheets that a program brings, by REST or by command: all steps at once, and nobody confirms a
preview."""

import hashlib
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from apps.accounts.models import ApiToken, Team, User
from apps.common.database.bulk_writes import acquire_named_lock
from apps.common.history.context import audit_context
from apps.intake import carrying
from apps.intake.carrying import KeyReused, NotYours
from apps.intake.models import Import, TokenBinding
from apps.intake.sheets.importing import APPLIES_ITSELF, STEPS, receive_sheet, step
from apps.intake.sheets.mapping import BookMapping
from apps.intake.sheets.sheet_reader import examine_sheet
from apps.intake.sheets.tables import Unreadable

# what is read and applied while the sender waits
AT_ONCE_BYTES = 512 * 1024


def send_sheet(
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
    """Take a sheet in with the rights of `by`; (the import, whether it is new). What `by` may not
    write is refused.

    `application` (slug) is what rows are about that name none, `team` (slug) gets new applications
    whose row names none. NotYours for a token that is bound to one application; Unreadable;
    KeyReused.
    """
    if token is not None and TokenBinding.objects.filter(token=token).exists():
        raise NotYours(
            "This token is for one application, and a sheet is about many. Use a token that is not "
            "bound."
        )
    digest = hashlib.sha256(content).hexdigest()
    earlier = _earlier(by, digest, idempotency_key)
    if earlier is not None:
        return earlier, False
    # before the lock, at which the sender's other requests wait
    examined = examine_sheet(content, file_name)
    with transaction.atomic():
        acquire_named_lock(f"sheet:{by.pk}")
        earlier = _earlier(by, digest, idempotency_key)
        if earlier is not None:
            return earlier, False
        received = receive_sheet(
            content=content, file_name=file_name, by=by, at=at, examined=examined
        )
        Import.objects.filter(pk=received.pk).update(token=token, idempotency_key=idempotency_key)
        _begin(received, _mapping(received, application=application, team=team))
    if len(content) > AT_ONCE_BYTES:
        carrying.send(received.pk)
    else:
        _carry_through(received)
    received.refresh_from_db()
    return received, True


def ingest_sheet(
    *, content: bytes, file_name: str, application: str = "", team: str = "", at: datetime
) -> Import:
    """All steps at once, for the operator, who may write everywhere. New applications whose sheet
    has no column for the team go to `team`, or to a team "Unassigned"."""
    received = receive_sheet(content=content, file_name=file_name, by=None, at=at)
    mapping = _mapping(received, application=application, team=team)
    if not team and not all(
        "application.team" in sheet.columns.values() for sheet in mapping.sheets if sheet.read
    ):
        mapping = replace(mapping, team=_unassigned().slug)
    _begin(received, mapping)
    _carry_through(received)
    received.refresh_from_db()
    if received.state == Import.State.FAILED:
        raise Unreadable(received.error)
    return received


def _mapping(received: Import, *, application: str, team: str) -> BookMapping:
    """As guessed; a sheet about one application may lack the column that names it."""
    mapping = BookMapping.from_json(received.mapping)
    sheets = tuple(
        replace(
            sheet,
            read=sheet.read or (bool(application) and bool(sheet.head_row) and sheet.has_uses),
        )
        for sheet in mapping.sheets
    )
    if not any(sheet.read for sheet in sheets):
        raise Unreadable(
            "No sheet of it has a column with the application's name or id"
            + ("." if application else ", and no application is named for the whole of it.")
        )
    return replace(mapping, sheets=sheets, application=application, team=team or mapping.team)


def _begin(received: Import, mapping: BookMapping) -> None:
    step(
        received,
        (Import.State.RECEIVED,),
        Import.State.READING,
        mapping={**mapping.as_json(), APPLIES_ITSELF: True},
    )


def _carry_through(received: Import) -> None:
    """Read, and apply what was read."""
    if carrying.carry_out_now(received.pk, STEPS):
        carrying.carry_out_now(received.pk, STEPS)


def _earlier(by: User, digest: str, key: str) -> Import | None:
    sent = Import.objects.filter(kind=Import.Kind.SHEET, by=by).order_by("-pk")
    found = sent.filter(idempotency_key=key).first() if key else None
    if found is not None and found.digest != digest:
        raise KeyReused(key)
    return (
        found
        or sent.filter(digest=digest, state__in=(*Import.WAITING, Import.State.APPLIED)).first()
    )


def _unassigned() -> Team:
    """The only team there is, or the one that takes what nobody has placed yet."""
    teams = list(Team.objects.order_by("pk")[:2])
    if len(teams) == 1:
        return teams[0]
    with audit_context(job="ingest", reason="applications without a team"):
        team, _ = Team.objects.get_or_create(slug="unassigned", defaults={"name": "Unassigned"})
    return team
