"""Capabilities and data terms that users enter: the result of an own test, or a statement of a
provider that no feed has.

All values of an offering on one topic are one claim of the source `manual`. A value of a user
outranks every feed until it is removed; the other fields stay those of the feeds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction

from apps.accounts.models import User
from apps.catalog.capabilities.fields import (
    CAPABILITY,
    FIELDS,
    InvalidValueError,
    StatedField,
    clean_value,
)
from apps.catalog.capabilities.settlement import settle_values
from apps.catalog.claims.manual_values import manual_row, manual_source
from apps.catalog.claims.precedence import MANUAL
from apps.catalog.claims.reconciliation import catalogue_lock
from apps.catalog.ingestion.capability_events import create_capability_events, settled_flags
from apps.catalog.models import Assertion, Offering
from apps.common.database.fields import MAX_REASON_LENGTH
from apps.common.errors import ConflictError, DomainError, ForbiddenError
from apps.common.history.context import audit_context
from apps.common.records.record_type import RecordChange
from apps.common.time import day_of, now

OWN_TEST = "own_test"
STATEMENT = "statement"
# A value that an own test found outranks one that a provider wrote.
KINDS: Mapping[str, str] = {OWN_TEST: "Own test", STATEMENT: "Statement"}
MAX_NOTE_LENGTH = 1000
MAX_URL_LENGTH = 1000

_REFUSAL = "You need the governance role to enter or remove capabilities and data terms."


@dataclass(frozen=True, slots=True)
class StatedValueWrite:
    """A stored claim and the ID of the change, which undoes it. Without a change nothing
    differed."""

    claim: Assertion
    change: UUID | None


@transaction.atomic
def record_stated_value(
    *,
    offering: Offering,
    topic: str,
    field: str,
    value: object,
    kind: str,
    at: date,
    by: User,
    source_url: str = "",
    note: str = "",
) -> StatedValueWrite:
    """Store what `by` found out or read about one field of `offering`, and settle the offering.

    `value` is canonical (capabilities/fields.py), `kind` "own_test" or "statement", `at` the day of
    the test or on which the statement was read. A statement needs an address or a note. Raises
    DomainError with the field it is about, ForbiddenError without the governance role.
    """
    refuse_without_role(by)
    stated_field = find_field(topic, field)
    _refuse_unless_serves(offering)
    fact = build_stated_fact(
        stated_field, value, kind=kind, at=at, by=by, source_url=source_url, note=note
    )
    reason = note.strip() or f"{stated_field.label}: {KINDS[kind].lower()}"
    return _change(
        offering, topic, lambda facts: {**facts, field: fact}, by=by, reason=reason[:500]
    )


def build_stated_fact(
    stated_field: StatedField,
    value: object,
    *,
    kind: str,
    at: date,
    by: User,
    source_url: str,
    note: str,
) -> dict[str, Any]:
    """Return what a manual claim stores about one field. Raises DomainError with the input it is
    about."""
    if kind not in KINDS:
        raise DomainError(f"The kind must be one of {', '.join(KINDS)}.", field="kind")
    if at > day_of(now()):
        raise DomainError("The day is in the future. Enter today or an earlier day.", field="at")
    source_url, note = source_url.strip(), note.strip()
    _refuse_bad_source(source_url, note, kind=kind)
    try:
        cleaned = clean_value(stated_field, value)
    except InvalidValueError as error:
        raise DomainError(str(error), field="value") from error
    fact: dict[str, Any] = {
        "value": cleaned,
        "at": at.isoformat(),
        "kind": kind,
        "by": by.get_username(),
    }
    if source_url:
        fact["source_url"] = source_url
    if note:
        fact["note"] = note
    return fact


@transaction.atomic
def remove_stated_value(
    *, offering: Offering, topic: str, field: str, by: User, reason: str
) -> StatedValueWrite:
    """Remove the value that a user entered, so that the feeds apply again; the history keeps it.

    Raises DomainError without a reason, ConflictError if no user entered a value.
    """
    refuse_without_role(by)
    stated_field = find_field(topic, field)
    if not reason.strip():
        raise DomainError(
            "Enter a reason for removing the value. The value still applies.", field="reason"
        )
    _refuse_long(reason, MAX_REASON_LENGTH, "reason", "reason")

    def remove(facts: Mapping[str, Any]) -> dict[str, Any]:
        if field not in facts:
            raise ConflictError(
                f"No user entered a value for {stated_field.label.lower()}. "
                "Values of a feed change with the feed; enter another value, which outranks it."
            )
        return {name: fact for name, fact in facts.items() if name != field}

    return _change(offering, topic, remove, by=by, reason=reason.strip())


@transaction.atomic
def undo_stated_values(*, change: UUID, by: User) -> StatedValueWrite:
    """Restore the values before `change`, if no user changed the same fields later. The new change
    undoes the undo."""
    refuse_without_role(by)
    catalogue_lock()
    history = _history()
    entries = list(
        history.filter(pgh_context_id=change, topic__in=FIELDS, source__slug=MANUAL).order_by(
            "pgh_id"
        )
    )
    if not entries:
        raise ConflictError("Change not found. Select a change from the history of this offering.")
    first, last = entries[0], entries[-1]
    previous = (
        history.filter(pgh_obj_id=first.pgh_obj_id, pgh_id__lt=first.pgh_id)
        .order_by("-pgh_id")
        .first()
    )
    before, after = _facts_of(previous), _facts_of(last)
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]

    def restore(facts: Mapping[str, Any]) -> dict[str, Any]:
        if any(facts.get(name) != after.get(name) for name in changed):
            raise ConflictError(
                "Another user changed this value later. Check the history and correct the value "
                "by hand."
            )
        kept = {name: fact for name, fact in facts.items() if name not in changed}
        return kept | {name: before[name] for name in changed if name in before}

    offering = Offering.objects.get(pk=first.offering_id)
    return _change(offering, first.topic, restore, by=by, reason="undone")


def find_field(topic: str, field: str) -> StatedField:
    """Return the field of a topic; raise DomainError with the names there are."""
    if topic not in FIELDS:
        raise DomainError(f"The topic must be one of {', '.join(FIELDS)}.", field="topic")
    if field not in FIELDS[topic]:
        raise DomainError(
            f"There is no field {field[:60]!r}. Use one of {', '.join(FIELDS[topic])}.",
            field="field",
        )
    return FIELDS[topic][field]


def stated_value_changes(offering_id: int, topic: str) -> list[RecordChange]:
    """Return every change of the values that users entered, latest first, in one statement.

    `before` and `after` are {field: fact as stored}; a removed value is missing in `after`.
    `stands` is true while all of its fields are as the change left them.
    """
    entries = list(
        _history()
        .filter(offering=offering_id, topic=topic, source__slug=MANUAL)
        .select_related("pgh_context")
        .order_by("pgh_id")
    )
    latest = _facts_of(entries[-1]) if entries else {}
    changes: list[RecordChange] = []
    before: dict[str, Any] = {}
    for entry in entries:
        after = _facts_of(entry)
        names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        if names:
            metadata = entry.pgh_context.metadata if entry.pgh_context else {}
            changes.append(
                RecordChange(
                    change=entry.pgh_context_id,
                    at=entry.pgh_created_at,
                    actor=str(metadata.get("actor") or ""),
                    reason=str(metadata.get("reason") or ""),
                    before={name: before[name] for name in names if name in before},
                    after={name: after[name] for name in names if name in after},
                    stands=all(latest.get(name) == after.get(name) for name in names),
                )
            )
        before = after
    return changes[::-1]


def _change(
    offering: Offering,
    topic: str,
    change_facts: Callable[[Mapping[str, Any]], dict[str, Any]],
    *,
    by: User,
    reason: str,
) -> StatedValueWrite:
    """Store what `change_facts` makes of {field: fact} of the manual claim, under the catalogue's
    lock."""
    moment = now()
    catalogue_lock()
    claim = (
        Assertion.objects.select_for_update(of=("self",))
        .filter(source=manual_source(), external_id=manual_row(offering.pk), topic=topic)
        .first()
    )
    facts = _facts_of(claim)
    changed = change_facts(facts)
    if claim is not None and changed == facts:
        return StatedValueWrite(claim, None)
    flags = settled_flags([offering.pk] if topic == CAPABILITY else [])
    with audit_context(user=by, reason=reason) as change:
        claim = _store(offering, topic, changed, by=by, reason=reason, at=moment)
        settle_values([offering.pk], topic=topic, at=moment)
        create_capability_events(flags, source=claim.source, at=moment)
    return StatedValueWrite(claim, change)


def _store(
    offering: Offering,
    topic: str,
    facts: Mapping[str, Any],
    *,
    by: User,
    reason: str,
    at: datetime,
) -> Assertion:
    columns: dict[str, Any] = {
        "offering": offering,
        "value": dict(facts),
        "source_url": next(
            (fact["source_url"] for fact in facts.values() if "source_url" in fact), ""
        ),
        "changed_at": at,
        "withdrawn_at": None if facts else at,
        "asserted_by": by,
        "reason": reason,
    }
    claim, _ = Assertion.objects.update_or_create(
        source=manual_source(),
        external_id=manual_row(offering.pk),
        topic=topic,
        defaults=columns,
        create_defaults={**columns, "first_seen": at},
    )
    return claim


def _facts_of(claim: Any) -> dict[str, Any]:
    """Return {field: fact} of a manual claim or of an entry of its history; none if removed."""
    return dict(claim.value) if claim is not None and claim.withdrawn_at is None else {}


def _history() -> Any:
    return Assertion.history.rel.related_model._default_manager  # type: ignore[attr-defined]


def refuse_without_role(by: User) -> None:
    if not by.is_governance:
        raise ForbiddenError(_REFUSAL)


def _refuse_unless_serves(offering: Offering) -> None:
    if offering.is_named or offering.is_feature:
        raise DomainError(
            "Capabilities and data terms belong to a model ID. Choose the model ID first.",
            field="offering",
        )


def _refuse_bad_source(source_url: str, note: str, *, kind: str) -> None:
    if kind == STATEMENT and not source_url and not note:
        raise DomainError(
            "Enter the address of the statement, or a note that says where it was made.",
            field="source_url",
        )
    _refuse_long(note, MAX_NOTE_LENGTH, "note", "note")
    _refuse_long(source_url, MAX_URL_LENGTH, "source_url", "address")
    if source_url:
        try:
            # the address is shown as a link
            URLValidator(schemes=["http", "https"])(source_url)
        except ValidationError as error:
            raise DomainError(
                "The address must start with https:// or http:// and name a host.",
                field="source_url",
            ) from error


def _refuse_long(text: str, limit: int, field: str, label: str) -> None:
    if len(text) > limit:
        raise DomainError(f"The {label} must have at most {limit:,} characters.", field=field)
