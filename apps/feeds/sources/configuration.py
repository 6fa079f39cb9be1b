"""Source configuration by governance: add a source, change it, disable and enable it, undo a
change."""

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.text import slugify

from apps.accounts.models import User
from apps.catalog.actions import reconcile_source
from apps.catalog.claims.feed_rows import (
    FeedRow,
    LifecycleClaim,
    ParsedFeed,
    PriceLine,
    RejectedRow,
)
from apps.catalog.models import Source
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.common.http.addresses import check_address
from apps.common.http.calls import OutboundRefusedError
from apps.common.processes.child_process import child_function
from apps.feeds.mapping.definition import KIND, InvalidMappingError, normalise_mapping, read_mapping
from apps.feeds.mapping.document_outline import (
    DocumentOutline,
    OutlineField,
    RowList,
    outline_document,
)
from apps.feeds.mapping.paths import InvalidPathError, read_path
from apps.feeds.mapping.reader import MappingResult, read_document
from apps.feeds.models import PollState, SourceMapping
from apps.feeds.pages.definition import KIND as PAGE
from apps.feeds.parsers import MEBIBYTE
from apps.feeds.parsers.notices import KIND as NOTICES
from apps.feeds.parsers.payload import InvalidPayloadError, ObjectWithDuplicateKeys, load_json
from apps.feeds.polls.client import PACKAGE_SCHEME, fetch_source
from apps.feeds.sources.adapters import MAPPED_KINDS, mapping_settings
from apps.feeds.sources.page_settings import normalise_page_settings

# Source kinds that users can add; sources of the other kinds are built in.
ADDABLE_KINDS = (KIND, PAGE, NOTICES, Source.STATUS)
# Fields that a user can set, in addition to `mapping`.
EDITABLE_FIELDS = (
    "name",
    "url",
    "host",
    "interval_minutes",
    "stale_after_minutes",
    "frozen_after_days",
    "trust_rank",
    "licence_note",
    "enabled",
)
MAX_SAMPLE_BYTES = 32 * MEBIBYTE
MIN_INTERVAL_MINUTES = 5
MAX_INTERVAL_MINUTES = 31 * 24 * 60
# Words that URLs contain in the place of a source's slug.
_RESERVED_SLUGS = frozenset(
    {"new", "runs", "quarantine", "disagreements", "notices", "sources", "preview", "manual"}
)


class InvalidSourceError(ValidationError):
    """Errors of a source, by field; nothing was changed."""


class ChangedSinceError(ConflictError):
    """A change that cannot be undone, because the source was changed after it; `str()` is the
    message."""


def _require_governance(by: User) -> None:
    if not by.is_governance:
        raise PermissionDenied("You need the governance or administrator role to change sources.")


@transaction.atomic
def add_source(
    *,
    kind: str,
    by: User,
    mapping: Dictionary[str, Any] | None = None,
    reason: str = "",
    **facts: Any,
) -> Source:
    """Create a source of one of ADDABLE_KINDS; its slug is derived from its name.
    InvalidSourceError names what is wrong.

    It is due immediately if it is enabled. `facts` are of EDITABLE_FIELDS."""
    _require_governance(by)
    if kind not in ADDABLE_KINDS:
        raise InvalidSourceError(
            {
                "kind": f"Select {' or '.join(ADDABLE_KINDS)}. The other adapters already "
                "have their source."
            }
        )
    source = Source(kind=kind, trusted_address=False)
    definition = _set_source(source, facts, mapping)
    source.slug = _find_free_slug(_slug_stem(source))
    _validate_source(source, url_changed=True)
    with audit_context(user=by, reason=reason or f"{source.name} was added"):
        source.save()
        if definition is not None:
            SourceMapping.objects.create(source=source, settings=definition)
    return source


@transaction.atomic
def change_source(
    *,
    source: Source,
    by: User,
    mapping: Dictionary[str, Any] | None = None,
    reason: str = "",
    **facts: Any,
) -> bool:
    """Set these facts, and the mapping if one is given, and return whether anything changed.
    InvalidSourceError as in `add_source`.

    Another URL is no longer the one given by the operator. After a change of URL or mapping the
    next poll reads the source again in full, with the rules of every poll: values that differ now
    are a change of the feed."""
    _require_governance(by)
    source = Source.objects.select_for_update().get(pk=source.pk)
    old_values = {name: getattr(source, name) for name in EDITABLE_FIELDS}
    old_settings = mapping_settings(source)
    definition = _set_source(source, facts, mapping)
    url_changed = source.url != old_values["url"]
    _validate_source(source, url_changed=url_changed)
    has_new_mapping = definition is not None and definition != old_settings
    if not has_new_mapping and all(
        getattr(source, name) == value for name, value in old_values.items()
    ):
        return False
    if url_changed and not by.is_superuser:
        # The operator trusted the old URL, not this one.
        source.trusted_address = False
    with audit_context(user=by, reason=reason or f"{source.name} was changed"):
        source.save()
        if has_new_mapping:
            SourceMapping.objects.update_or_create(source=source, defaults={"settings": definition})
        _apply_side_effects(
            source, old_values, by=by, needs_full_read=has_new_mapping or url_changed
        )
    return True


def _apply_side_effects(
    source: Source, old_values: Dictionary[str, Any], *, by: User, needs_full_read: bool
) -> None:
    """Apply the consequences of a change of a source: a changed priority reconciles its offerings,
    a shorter interval makes the next poll due earlier, and `needs_full_read` makes it due now,
    without a conditional request."""
    if source.trust_rank != old_values["trust_rank"]:
        reconcile_source(
            source=source, by=by, reason=f"the priority of {source.name} is {source.trust_rank}"
        )
    state = PollState.objects.filter(source=source)
    if needs_full_read:
        # the form of a page is compared only between readings by the same mapping
        state.update(etag="", last_modified="", digest="", next_due_at=None, page_form={})
    elif source.interval_minutes < old_values["interval_minutes"] or (
        source.enabled and not old_values["enabled"]
    ):
        state.update(next_due_at=None)


def set_source_enabled(*, source: Source, enabled: bool, by: User, reason: str = "") -> bool:
    """Enable or disable polling of the source, and return whether that changed anything. Its claims
    stay in effect until they are contradicted."""
    state = "enabled" if enabled else "disabled"
    return change_source(
        source=source, by=by, enabled=enabled, reason=reason or f"{source.name} was {state}"
    )


@transaction.atomic
def undo_source_change(*, source: Source, change: UUID, by: User) -> None:
    """Restore source and mapping as they were before `change`. ChangedSinceError if a user changed
    them after it, or nothing of it is known."""
    _require_governance(by)
    source = Source.objects.select_for_update().get(pk=source.pk)
    old_values = {name: getattr(source, name) for name in EDITABLE_FIELDS}
    mapping = SourceMapping.objects.filter(source=source).first()
    source_undo, mapping_undo = (
        _find_row_before(source, change),
        _find_row_before(mapping, change) if mapping else _RowUndo(),
    )
    if not source_undo.happened and not mapping_undo.happened:
        raise ChangedSinceError(
            "No change of the source with this ID is recorded, so there is nothing to undo."
        )
    if source_undo.overtaken or mapping_undo.overtaken:
        raise ChangedSinceError(
            "The source was changed later. Reload the page and set the values you want."
        )
    if source_undo.happened and source_undo.row is None:
        raise ChangedSinceError(
            "This change created the source and cannot be undone. Disable the source instead."
        )
    with audit_context(user=by, reason="undone"):
        if source_undo.row is not None:
            for name in (*EDITABLE_FIELDS, "trusted_address"):
                setattr(source, name, getattr(source_undo.row, name))
            source.save()
        if mapping is not None and mapping_undo.row is not None:
            mapping.settings = mapping_undo.row.settings
            mapping.save()
        elif mapping is not None and mapping_undo.happened:
            # before the change, the page had its built-in mapping
            mapping.delete()
        _apply_side_effects(
            source,
            old_values,
            by=by,
            needs_full_read=mapping_undo.happened or source.url != old_values["url"],
        )


@dataclass(frozen=True, slots=True)
class _RowUndo:
    """The undo of a change to a row: whether it changed anything, the row before it, and whether
    the row was changed since."""

    happened: bool = False
    row: Any = None
    overtaken: bool = False


def _find_row_before(row: Any, change: UUID) -> _RowUndo:
    entries = list(row.history.order_by("pgh_id"))
    change_indexes = [
        index for index, entry in enumerate(entries) if entry.pgh_context_id == change
    ]
    if not change_indexes:
        return _RowUndo()
    return _RowUndo(
        True,
        entries[change_indexes[0] - 1] if change_indexes[0] else None,
        change_indexes[-1] != len(entries) - 1,
    )


def _set_source(
    source: Source, facts: Dictionary[str, Any], mapping: Dictionary[str, Any] | None
) -> dict[str, Any] | None:
    """Set the facts; return the normalised mapping, or None if none is given."""
    unknown_fields = set(facts) - set(EDITABLE_FIELDS)
    assert not unknown_fields, f"a source has no {unknown_fields}"
    for name, value in facts.items():
        setattr(source, name, value.strip() if isinstance(value, str) else value)
    if source.kind not in MAPPED_KINDS:
        if mapping is not None:
            raise InvalidSourceError(
                {
                    "mapping": f"Only a source of the kind {' or '.join(MAPPED_KINDS)} can have a "
                    "mapping."
                }
            )
        return None
    if mapping is None:
        if source.pk is None:
            raise InvalidSourceError(
                {"mapping": "Enter a mapping that locates the values in the document."}
            )
        return None
    try:
        if source.kind == PAGE:
            return normalise_page_settings(mapping)
        read_mapping(dict(mapping))
    except InvalidMappingError as error:
        raise InvalidSourceError(
            {"mapping": [f"{name}: {sentence}" for name, sentence in error.errors.items()]}
        ) from None
    return normalise_mapping(dict(mapping))


def _validate_source(source: Source, *, url_changed: bool) -> None:
    """Raise InvalidSourceError, with {field: sentence}, if a field is invalid. The URL is checked
    only if `url_changed`, so that a stored one never prevents other changes."""
    errors: dict[str, str] = {}
    if not source.name:
        errors["name"] = "Enter a name for the source."
    if source.kind == Source.STATUS and source.host is None:
        errors["host"] = "Select the host of the status page."
    if url_changed and not source.url.startswith(PACKAGE_SCHEME):
        try:
            check_address(source.url)
        except OutboundRefusedError as address_error:
            errors["url"] = str(address_error)
    elif url_changed and source.kind in ADDABLE_KINDS:
        errors["url"] = "Enter a URL such as https://host/path."
    if not MIN_INTERVAL_MINUTES <= source.interval_minutes <= MAX_INTERVAL_MINUTES:
        errors["interval_minutes"] = (
            f"The polling interval must be between {MIN_INTERVAL_MINUTES} minutes and one month."
        )
    if source.stale_after_minutes < source.interval_minutes:
        errors["stale_after_minutes"] = '"Late after" must be at least the polling interval.'
    if not 1 <= source.trust_rank <= 1000:
        errors["trust_rank"] = "Enter a priority between 1 and 1000. 1 is the highest priority."
    if errors:
        raise InvalidSourceError(errors)
    try:
        source.full_clean(exclude={"slug"}, validate_unique=False, validate_constraints=False)
    except ValidationError as validation_error:
        raise InvalidSourceError(validation_error.message_dict) from None


def _slug_stem(source: Source) -> str:
    """Return the text of which the slug is made: of a status page its kind and host."""
    if source.kind == Source.STATUS and source.host is not None:
        return f"{Source.STATUS}-{source.host.slug}"
    return source.name


def _find_free_slug(name: str) -> str:
    stem = slugify(name)[:36].strip("-") or "source"
    taken_slugs = (
        set(Source.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
        | _RESERVED_SLUGS
    )
    return next(
        slug for slug in (stem, *(f"{stem}-{n}" for n in range(2, 1000))) if slug not in taken_slugs
    )


# --- samples --------------------------------------------------------------------------------------


class NoSampleError(Exception):
    """A sample that could not be fetched; `str()` is the reason and the correction."""


def fetch_sample(url: str, *, by: User, policy: Any) -> bytes:
    """Fetch the body at `url`, requested once, as by a poll but without a source. NoSampleError
    otherwise."""
    _require_governance(by)
    result = fetch_source(url, None, None, policy, trusted=False, cap_bytes=MAX_SAMPLE_BYTES)
    if result.body is None:
        raise NoSampleError(result.error or "The server sent an empty body. Check the URL.")
    return result.body


def read_sample(body: bytes, definition: object) -> MappingResult:
    """Read `body` by this mapping; writes nothing. InvalidMappingError if the mapping is not
    valid."""
    if not body:
        read_mapping(definition)
        return MappingResult()
    try:
        return _read_by_mapping(body, definition)
    except InvalidPayloadError as error:
        return MappingResult(refusal=str(error))


def outline_sample(body: bytes, rows: str) -> DocumentOutline | None:
    """Outline the sample, its rows by this path if it is valid; None if the sample cannot be parsed
    as JSON."""
    try:
        return _outline_body(body, rows)
    except InvalidPayloadError:
        return None


_RESULT_CLASSES = (
    ParsedFeed,
    FeedRow,
    RejectedRow,
    PriceLine,
    LifecycleClaim,
    MappingResult,
    ObjectWithDuplicateKeys,
)


@child_function(
    classes=_RESULT_CLASSES,
    errors=(InvalidMappingError, InvalidPayloadError),
    refusal=InvalidPayloadError,
)
def _read_by_mapping(body: bytes, definition: object) -> MappingResult:
    mapping = read_mapping(definition)
    return read_document(load_json(body), mapping)


@child_function(
    classes=(DocumentOutline, OutlineField, RowList),
    errors=(InvalidPayloadError,),
    refusal=InvalidPayloadError,
)
def _outline_body(body: bytes, rows: str) -> DocumentOutline:
    document = load_json(body)
    try:
        path = read_path(rows, of_rows=True) if rows.strip() else None
    except InvalidPathError:
        path = None
    return outline_document(document, path)


__all__ = [
    "ADDABLE_KINDS",
    "EDITABLE_FIELDS",
    "NOTICES",
    "ChangedSinceError",
    "InvalidSourceError",
    "NoSampleError",
    "add_source",
    "change_source",
    "fetch_sample",
    "outline_sample",
    "read_sample",
    "set_source_enabled",
    "undo_source_change",
]
