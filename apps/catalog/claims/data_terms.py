"""Data terms that users enter or import: what a host states of the data of its requests.

Terms are mostly stated for a whole host or tier, so that one statement is stored for many
offerings at once. Each offering keeps its own claim of the source `manual` (stated_values.py).
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction

from apps.accounts.models import User
from apps.catalog.capabilities.fields import DATA_TERMS
from apps.catalog.capabilities.settlement import settle_values
from apps.catalog.claims.manual_values import BATCH_SIZE, manual_row, manual_source
from apps.catalog.claims.precedence import MANUAL
from apps.catalog.claims.reconciliation import catalogue_lock
from apps.catalog.claims.stated_values import (
    STATEMENT,
    build_stated_fact,
    find_field,
    refuse_without_role,
)
from apps.catalog.models import Assertion, Offering, OfferingKind
from apps.common.errors import ConflictError, DomainError
from apps.common.history.context import audit_context
from apps.common.time import now

type Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TermStatement:
    """What one source states of some offerings: {field: canonical value} of `DATA_TERM_FIELDS`."""

    offering_ids: Collection[int]
    values: Mapping[str, Any]
    at: date
    source_url: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class TermsWrite:
    """The offerings that changed, and the ID of the change, which undoes it."""

    offering_ids: Sequence[int]
    change: UUID | None

    @property
    def n_offerings(self) -> int:
        return len(self.offering_ids)


@transaction.atomic
def record_data_terms(
    *, statements: Sequence[TermStatement], by: User, reason: str = "data terms entered"
) -> TermsWrite:
    """Store the statements, a later one over an earlier one, and settle their offerings; a fixed
    number of statements of SQL for any number of offerings.

    Fields without a value stay as they are; the first note takes the place of `reason`. Raises
    DomainError with the field it is about, ForbiddenError without the governance role.
    """
    refuse_without_role(by)
    entered: dict[int, dict[str, Any]] = defaultdict(dict)
    for statement in statements:
        facts = build_term_facts(statement, by=by)
        for offering_id in statement.offering_ids:
            entered[offering_id] |= facts
    _refuse_unless_model_ids(entered)
    note = next((statement.note.strip() for statement in statements if statement.note.strip()), "")
    return _change_facts(
        entered.keys(),
        lambda offering_id, facts: {**facts, **entered[offering_id]},
        by=by,
        reason=note[:500] or reason,
    )


@transaction.atomic
def undo_data_terms(*, change: UUID, by: User) -> TermsWrite:
    """Restore the data terms of all offerings as they were before `change`, except those that were
    changed later. Raises ConflictError if none is left to restore."""
    refuse_without_role(by)
    catalogue_lock()
    history = Assertion.history.rel.related_model._default_manager  # type: ignore[attr-defined]
    entries = {
        entry.offering_id: entry
        for entry in history.filter(
            pgh_context_id=change, topic=DATA_TERMS, source__slug=MANUAL
        ).order_by("pgh_id")
    }
    before: dict[int, Facts] = {
        offering_id: _standing_facts(entry)
        for offering_id, entry in (
            (row.offering_id, row)
            for row in history.filter(
                topic=DATA_TERMS,
                source__slug=MANUAL,
                offering_id__in=entries,
                pgh_id__lt=min((entry.pgh_id for entry in entries.values()), default=0),
            ).order_by("pgh_id")
        )
    }
    written = _change_facts(
        entries.keys(),
        lambda offering_id, facts: (
            before.get(offering_id, {}) if facts == _standing_facts(entries[offering_id]) else facts
        ),
        by=by,
        reason="undone",
    )
    if not written.n_offerings:
        raise ConflictError(
            "There is nothing to undo: the data terms were changed later. Enter them again."
        )
    return written


def build_term_facts(statement: TermStatement, *, by: User) -> dict[str, Any]:
    """Return {field: fact} as manual claims store it; raises DomainError with the field or the
    input it is about."""
    if not statement.values:
        raise DomainError("Enter at least one value.")
    facts = {}
    for field, value in statement.values.items():
        try:
            facts[field] = build_stated_fact(
                find_field(DATA_TERMS, field),
                value,
                kind=STATEMENT,
                at=statement.at,
                by=by,
                source_url=statement.source_url,
                note=statement.note,
            )
            if field == "subprocessors_url":
                # the address is shown as a link
                URLValidator(schemes=["http", "https"])(facts[field]["value"])
        except ValidationError as error:
            raise DomainError(
                "The list of sub-processors must be an address that starts with https://.",
                field=field,
            ) from error
        except DomainError as error:
            # the input of the form has the name of the field
            raise DomainError(
                str(error), field=field if error.field == "value" else error.field
            ) from error
    return facts


def _refuse_unless_model_ids(offering_ids: Collection[int]) -> None:
    n_found = Offering.objects.filter(pk__in=offering_ids, kind=OfferingKind.MODEL_ID).count()
    if not offering_ids or n_found < len(offering_ids):
        raise DomainError(
            "Data terms belong to a model ID. Select at least one offering with a model ID.",
            field="covers",
        )


def _change_facts(
    offering_ids: Collection[int], change_facts: Any, *, by: User, reason: str
) -> TermsWrite:
    """Store what `change_facts(offering ID, facts)` returns for each offering, where it differs;
    locks the catalogue."""
    at = now()
    catalogue_lock()
    source = manual_source()
    stored = {
        claim.offering_id: _standing_facts(claim)
        for claim in Assertion.objects.filter(
            source=source, topic=DATA_TERMS, offering__in=offering_ids
        )
    }
    changed: dict[int, Facts] = {}
    for offering_id in offering_ids:
        facts = stored.get(offering_id, {})
        new_facts = change_facts(offering_id, facts)
        if new_facts != facts:
            changed[offering_id] = new_facts
    if not changed:
        return TermsWrite((), None)
    with audit_context(user=by, reason=reason) as change:
        Assertion.objects.bulk_create(
            [
                Assertion(
                    source=source,
                    external_id=manual_row(offering_id),
                    topic=DATA_TERMS,
                    offering_id=offering_id,
                    value=facts,
                    source_url=next(
                        (fact["source_url"] for fact in facts.values() if "source_url" in fact), ""
                    ),
                    first_seen=at,
                    changed_at=at,
                    withdrawn_at=None if facts else at,
                    asserted_by=by,
                    reason=reason,
                )
                for offering_id, facts in sorted(changed.items())
            ],
            batch_size=BATCH_SIZE,
            update_conflicts=True,
            unique_fields=["source", "external_id", "topic"],
            update_fields=[
                "value",
                "source_url",
                "changed_at",
                "withdrawn_at",
                "asserted_by",
                "reason",
            ],
        )
        settle_values(list(changed), topic=DATA_TERMS, at=at)
    return TermsWrite(sorted(changed), change)


def _standing_facts(claim: Any) -> Facts:
    """Return {field: fact} of a claim or of an entry of its history; none if removed."""
    return dict(claim.value) if claim.withdrawn_at is None else {}
