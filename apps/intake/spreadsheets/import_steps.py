"""Steps of a spreadsheet import: received, columns selected, read, confirmed, applied, undone,
discarded.

Each step is a state of the row. Short steps run in the request; longer ones run in a worker, and
beat finds them again if a message or a worker is lost. A step is one transaction, so it runs once
or not at all."""

import hashlib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.common.processes.child_process import ResultTooLargeError
from apps.common.time import day_of, now
from apps.intake import import_jobs
from apps.intake.import_jobs import IntakePermissionError, InvalidStateError, stored_body
from apps.intake.import_progress import set_progress
from apps.intake.models import Import, ImportContent, SavedMapping
from apps.intake.spreadsheets.columns.mapping import BookMapping, apply_remembered
from apps.intake.spreadsheets.files.child_reader import SheetSummary, examine_sheet, read_sheet
from apps.intake.spreadsheets.files.tables import UnreadableError
from apps.intake.spreadsheets.plan.created_records import remove_created
from apps.intake.spreadsheets.plan.execution import (
    ChangedMeanwhileError,
    apply_preview,
    existing_records_for,
    store_rejections,
)
from apps.intake.spreadsheets.plan.model_names import CatalogueLookup
from apps.intake.spreadsheets.plan.planner import Planner
from apps.intake.spreadsheets.plan.row_plans import REFUSED
from apps.intake.spreadsheets.plan.storage import store_rows
from apps.intake.spreadsheets.row_edits import edits_by_row
from apps.intake.spreadsheets.values.records import ValueRecords, store_values
from apps.intake.spreadsheets.values.steps import add_choices, rates_on
from apps.inventory.actions.locks import ForbiddenChangeError
from apps.inventory.actions.undo import teams_of_change, undo_change

# limits for steps that run in the request
MAX_IMMEDIATE_BYTES = 128 * 1024
MAX_IMMEDIATE_ROWS = 500
# key in the stored mapping: the spreadsheet is applied as soon as it is read
APPLIES_AUTOMATICALLY = "applies_itself"


def receive_sheet(
    *,
    content: bytes,
    file_name: str,
    by: User | None,
    at: datetime,
    summary: SheetSummary | None = None,
) -> Import:
    """Store the file with a guess of what its columns hold. Raise UnreadableError if it is not a
    readable spreadsheet.

    `summary` is the result of `examine_sheet`, for callers that hold a lock: the examination can
    take long."""
    book = summary or examine_sheet(content, file_name)
    mapping = book.mapping
    digest = mapping.digest
    if by is not None:
        saved_mapping = find_saved_mapping(by, digest)
        mapping = apply_remembered(mapping, saved_mapping.mapping) if saved_mapping else mapping
    with transaction.atomic():
        import_ = Import.objects.create(
            kind=Import.Kind.SHEET,
            format=book.format,
            file_name=file_name[-255:],
            digest=hashlib.sha256(content).hexdigest(),
            n_bytes=len(content),
            about=book.about,
            by=by,
            mapping=mapping.as_json(),
            header_digest=digest,
            received_at=at,
        )
        ImportContent.objects.create(import_record=import_, body=zlib.compress(content, 6))
    return import_


def earlier_import_of(import_: Import, *, user: User) -> Import | None:
    """Return an earlier import of the identical file that the user may see and that was not
    discarded."""
    return (
        Import.objects.visible_to(user)
        .filter(digest=import_.digest)
        .filter(
            Q(received_at__lt=import_.received_at)
            | Q(received_at=import_.received_at, pk__lt=import_.pk)
        )
        .exclude(state__in=(Import.State.DROPPED, Import.State.FAILED, Import.State.RECEIVED))
        .order_by("-received_at", "-pk")
        .first()
    )


def find_saved_mapping(by: User, digest: str) -> SavedMapping | None:
    """Return the mapping that the user last chose for these headers, else the last one of a
    colleague in one of the user's teams."""
    mappings = SavedMapping.objects.filter(header_digest=digest)
    return (
        mappings.filter(user=by).first()
        or mappings.filter(user__memberships__team__in=by.team_roles()).order_by("-used_at").first()
    )


def choose_columns(
    *, import_: Import, mapping: BookMapping, by: User | None, at: datetime
) -> Import:
    """Set the column mapping and read the file for the preview. Can be repeated until the import is
    applied."""
    change_state(
        import_,
        (Import.State.RECEIVED, Import.State.READ, Import.State.FAILED),
        Import.State.READING,
        mapping=mapping.as_json(),
        error="",
        counts={},
        attempts=0,
    )
    if by is not None:
        SavedMapping.objects.update_or_create(
            user=by,
            header_digest=import_.header_digest,
            defaults={"mapping": mapping.as_json(), "used_at": at},
        )
    return _continue_import(import_, at_once=import_.n_bytes <= MAX_IMMEDIATE_BYTES)


def choose_values(
    *,
    import_: Import,
    values: Mapping[int, Any],
    models: Mapping[int, int | str | None],
    by: User | None,
    at: datetime,
) -> Import:
    """Set what distinct values mean, and plan all rows again.

    `values` is {id of a value: choice as JSON}, `models` {id of a model name: id of the offering or
    slug of the product, None to leave it unresolved}. What is not named stays as it is. Raises
    DomainError for a choice that its field does not have."""
    mapping = add_choices(import_, values=values, models=models)
    return choose_columns(import_=import_, mapping=mapping, by=by, at=at)


def confirm_import(*, import_: Import, whole_or_nothing: bool = False, by: User | None) -> Import:
    """Apply the changes of the preview. `whole_or_nothing`: apply nothing if a row has changed
    since the preview. `by` None is the operator. Of two concurrent confirmations the second raises
    InvalidStateError."""
    if by is not None and import_.by_id != by.pk:
        raise IntakePermissionError(
            "Only the user who uploaded a spreadsheet can confirm its import. Upload it yourself "
            "to import it."
        )
    n_rows = sum(n for outcome, n in import_.counts.get("rows", {}).items() if outcome != REFUSED)
    change_state(
        import_,
        (Import.State.READ,),
        Import.State.APPLYING,
        whole_or_nothing=whole_or_nothing,
        error="",
        attempts=0,
    )
    return _continue_import(import_, at_once=n_rows <= MAX_IMMEDIATE_ROWS)


def undo_import(*, import_: Import, by: User) -> Import:
    """Undo all changes of the import, unless later changes depend on them."""
    if import_.change is None:
        raise InvalidStateError(
            "Nothing of this import is in the registry, so there is nothing to undo."
        )
    if not by.is_governance and any(
        not by.may(TeamRole.EDITOR, team) for team in teams_of_change(change=import_.change)
    ):
        raise IntakePermissionError(
            "You need the editor role on all teams whose applications this import changed, or "
            "the governance role."
        )
    change_state(
        import_, (Import.State.APPLIED,), Import.State.UNDOING, error="", attempts=0, undone_by=by
    )
    return _continue_import(import_, at_once=_count_written(import_) <= MAX_IMMEDIATE_ROWS)


def discard_import(*, import_: Import) -> Import:
    """Discard an import that was not applied, and delete its file."""
    with transaction.atomic():
        change_state(
            import_,
            (Import.State.RECEIVED, Import.State.READ, Import.State.FAILED),
            Import.State.DROPPED,
            error="",
        )
        ImportContent.objects.filter(import_record=import_).delete()
        import_.rows.all().delete()
        import_.values.all().delete()
    return import_


def _count_written(import_: Import) -> int:
    counts = import_.counts
    return sum(
        counts.get(kind, {}).get(outcome, 0)
        for kind in ("applications", "uses")
        for outcome in ("added", "changed")
    )


def change_state(
    import_: Import, states: tuple[str, ...], new_state: str, **columns: object
) -> None:
    """Change the state from one of `states` to `new_state`, with further `columns`. Of several
    concurrent callers only one succeeds; the others raise InvalidStateError."""
    n_changed = Import.objects.filter(pk=import_.pk, state__in=states).update(
        state=new_state, **columns
    )
    import_.refresh_from_db()
    if not n_changed:
        raise InvalidStateError(
            f"This import has already changed its status: {import_.get_state_display()}. Reload "
            "the page."
        )


def _continue_import(import_: Import, *, at_once: bool) -> Import:
    """Run the next step of the import: here if `at_once`, otherwise in a worker."""
    set_progress(import_.pk, 0, 0)
    if at_once:
        import_jobs.run_import_now(import_.pk, STEPS)
    else:
        import_jobs.send_to_worker(import_.pk)
    import_.refresh_from_db()
    return import_


# --- steps in a worker ----------------------------------------------------------------------------


def run_sheet_import(pk: int) -> bool:
    """Run the pending step of the import; False if another process runs it, or no step is
    pending."""
    return import_jobs.run_import(pk, STEPS)


def run_waiting_sheets() -> int:
    """Run the pending steps of all spreadsheets, oldest first, and return their number."""
    return import_jobs.run_waiting_imports(Import.Kind.SHEET, STEPS)


def _read_import(import_: Import) -> None:
    """Plan the rows of the uploaded file and store them for the preview. An unreadable file fails
    the import; a file with too many rows for this process is sent to a worker."""
    on = day_of(now())
    try:
        with transaction.atomic():
            import_.rows.all().delete()
            mapping = replace(BookMapping.from_json(import_.mapping), rates=rates_on(on))
            content = read_sheet(
                stored_body(import_), import_.file_name, mapping, edits_by_row(import_)
            )
            records, catalogue = existing_records_for(import_.sender), CatalogueLookup()
            planner = Planner(records, catalogue, mapping, on=on)
            tally = store_rows(
                import_,
                planner.plan(content.rows),
                on_block=lambda n_rows: set_progress(import_.pk, n_rows, 0),
            )
            builder = ValueRecords(mapping, records, catalogue, planner.references)
            store_values(import_, builder.build(content.raw_values, content.values))
    except UnreadableError as error:
        Import.objects.filter(pk=import_.pk).update(state=Import.State.FAILED, error=str(error))
        return
    except ResultTooLargeError:
        # a small file with many rows is read row by row in a worker
        import_jobs.send_to_worker(import_.pk)
        return
    # imports by REST or command need no confirmation
    state = (
        Import.State.APPLYING if import_.mapping.get(APPLIES_AUTOMATICALLY) else Import.State.READ
    )
    Import.objects.filter(pk=import_.pk).update(
        state=state,
        counts={**tally.as_json(), **_count_not_read(len(content.not_read))},
        planned_on=on,
        read_at=now(),
    )


def _count_not_read(n: int) -> dict[str, int]:
    return {"not_read": n} if n else {}


def _apply_import(import_: Import) -> None:
    """Apply the preview in one transaction. If nothing was applied because a row has changed since
    the preview, the file is read again for a new one."""
    try:
        with transaction.atomic():
            change, tally, created = apply_preview(import_, import_.sender)
    except ChangedMeanwhileError as error:
        store_rejections(import_, error.reasons)
        counts = import_.counts
        n_refused = len(error.reasons)
        counts["meanwhile"] = n_refused
        Import.objects.filter(pk=import_.pk).update(
            state=Import.State.READING, error=str(error), counts=counts, attempts=0
        )
        _read_import(Import.objects.get(pk=import_.pk))
        Import.objects.filter(pk=import_.pk).update(error=str(error))
        return
    Import.objects.filter(pk=import_.pk).update(
        state=Import.State.APPLIED,
        change=change,
        counts={**tally.as_json(), **_count_not_read(import_.counts.get("not_read", 0))},
        created=created.as_json(),
        applied_at=now(),
    )


def _undo_import(import_: Import) -> None:
    if import_.change is None or import_.undone_by is None:
        return
    try:
        reason = f"import of {import_.file_name or 'a spreadsheet'}"
        with (
            transaction.atomic(),
            audit_context(user=import_.undone_by, reason=f"undone: {reason}"),
        ):
            undo_change(change=import_.change, by=import_.undone_by, reason=reason)
            removed = remove_created(import_.created, change=import_.change)
    except (ConflictError, ForbiddenChangeError) as error:
        Import.objects.filter(pk=import_.pk).update(state=Import.State.APPLIED, error=str(error))
        return
    Import.objects.filter(pk=import_.pk).update(
        state=Import.State.UNDONE,
        undone_at=now(),
        counts={**import_.counts, **({"removed": removed} if any(removed.values()) else {})},
    )


STEPS: dict[str, Callable[[Import], None]] = {
    Import.State.READING: _read_import,
    Import.State.APPLYING: _apply_import,
    Import.State.UNDOING: _undo_import,
}


# files per transaction, and transactions per night
_DELETE_BATCH_SIZE = 100
_MAX_BATCHES = 500


def purge_old_files(*, at: datetime) -> int:
    """Delete files and rows of imports older than PAYLOAD_DAYS, and return the number of imports.
    Their changes remain in the history."""
    if not settings.PAYLOAD_DAYS:
        return 0
    before = at - timedelta(days=settings.PAYLOAD_DAYS)
    imports = Import.objects.exclude(state__in=Import.WAITING).filter(
        received_at__lt=before, content__isnull=False
    )
    n_purged = 0
    for _ in range(_MAX_BATCHES):
        ids = list(imports.order_by("pk").values_list("pk", flat=True)[:_DELETE_BATCH_SIZE])
        if not ids:
            break
        with transaction.atomic():
            Import.objects.filter(
                pk__in=ids, state__in=(Import.State.RECEIVED, Import.State.READ)
            ).update(state=Import.State.DROPPED)
            for import_ in Import.objects.filter(pk__in=ids):
                import_.rows.all().delete()
                import_.values.all().delete()
                import_.edits.all().delete()
            ImportContent.objects.filter(import_record__in=ids).delete()
        n_purged += len(ids)
    return n_purged
