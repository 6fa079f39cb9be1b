"""Actions on an editable record: create, change, delete, undo. The caller has checked that the user
may change it.

A record belongs to one model. Every write enters the history under the ID of its change, and this
ID undoes it while the row is as the change left it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models, transaction
from pghistory.models import Event

from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.common.history.derived import is_derived
from apps.common.records.field_set import FieldSet
from apps.common.time import now

_INSERTED, _DELETED = "insert", "delete"


@dataclass(frozen=True, slots=True)
class RecordWrite[M: models.Model]:
    """A written row and the ID of the change."""

    row: M
    change: UUID


@dataclass(frozen=True, slots=True)
class RecordChange:
    """One change of a row. `before` and `after` are the changed values by field, as stored; a
    created row has no `before`, a deleted one no `after`. `stands` is true while these values are
    as the change left them, so that it can be undone."""

    change: UUID | None
    at: datetime
    actor: str
    reason: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    stands: bool


class RecordType[M: models.Model]:
    """Actions on the rows of one model, with hooks for what a model needs besides."""

    field_set: ClassVar[FieldSet]
    # columns that a change also writes, such as one that follows from another
    derived_columns: ClassVar[tuple[str, ...]] = ()
    # true if the row has no columns for its source, which the reason then names
    requires_reason: ClassVar[bool] = False

    @property
    def model(self) -> type[M]:
        return self.field_set.model  # type: ignore[return-value]

    @property
    def noun(self) -> str:
        return str(self.model._meta.verbose_name)

    # --- hooks ------------------------------------------------------------------------------------

    def lock(self) -> None:
        """Lock what a write of this record changes besides its row."""

    def refuse_unless_editable(self, row: M) -> None:
        """Raise ConflictError for a row that cannot be changed or deleted."""

    def refuse_deletion(self, row: M) -> None:
        """Raise ConflictError for a row that can be changed, but not deleted."""

    def derive(self, row: M) -> None:
        """Set the `derived_columns` of a row before it is validated."""

    def validate(self, row: M) -> None:
        """Raise ValidationError for what the constraints of the model do not check."""

    def affected_by(self, row: M) -> Any:
        """Return what depends on the row, before and after a write."""
        return None

    def after_write(self, row: M, *, before: Any, changed: frozenset[str], by: Any) -> None:
        """Update what depends on the row. `before` is the result of `affected_by` before the write;
        `changed` are the written columns, all of a new or deleted row."""

    def blocking_rows(self, row: M) -> Iterable[models.Model]:
        """Return rows whose dependents also prevent a deletion, such as a node of the row."""
        return ()

    # --- actions ----------------------------------------------------------------------------------

    @transaction.atomic
    def create(self, *, facts: Mapping[str, Any], by: Any, reason: str = "") -> RecordWrite[M]:
        """Create a row with these facts; raise ValidationError by field."""
        cleaned = self.field_set.cleaned(facts, creating=True)
        self.lock()
        row = self.model(**cleaned)
        self._validate(row, self.field_set.names)
        with audit_context(user=by, reason=reason or f"{self.noun} added") as change:
            row.save(force_insert=True)
            self.after_write(row, before=None, changed=frozenset(self._column_names()), by=by)
        return RecordWrite(row, change)

    @transaction.atomic
    def change(self, *, row: M, facts: Mapping[str, Any], by: Any, reason: str = "") -> UUID | None:
        """Set the given facts and leave the others; return the ID of the change, None if nothing
        differs. Raise ValidationError by field."""
        cleaned = self.field_set.cleaned(facts, creating=False)
        self.lock()
        row = self._locked(row)
        self.refuse_unless_editable(row)
        changed = frozenset(n for n, value in cleaned.items() if getattr(row, n) != value)
        if not changed:
            return None
        before = self.affected_by(row)
        for name in changed:
            setattr(row, name, cleaned[name])
        self._validate(row, cleaned)
        with audit_context(user=by, reason=reason or f"{self.noun} changed") as change:
            row.save(update_fields=[*changed, *self.derived_columns, *self._timestamps()])
            self.after_write(row, before=before, changed=changed, by=by)
        return change

    @transaction.atomic
    def delete(self, *, row: M, by: Any, reason: str = "") -> UUID:
        """Delete a row on which nothing depends; raise ConflictError otherwise."""
        self.lock()
        row = self._locked(row)
        self.refuse_unless_editable(row)
        self.refuse_deletion(row)
        self._refuse_while_used(row)
        before = self.affected_by(row)
        with audit_context(user=by, reason=reason or f"{self.noun} deleted") as change:
            deleted_id = row.pk
            row.delete()
            row.pk = deleted_id
            self.after_write(row, before=before, changed=frozenset(self._column_names()), by=by)
        return change

    @transaction.atomic
    def undo(self, *, change: UUID, by: Any) -> RecordWrite[M]:
        """Restore the values before `change`, if all of them are as it left them; return the row,
        which might be deleted, and the ID of the new change, which undoes the undo."""
        history = self._history()
        entries = list(history.filter(pgh_context_id=change).order_by("pgh_id"))
        if not entries:
            raise ConflictError(
                f"Change not found. Select a change from the history of this {self.noun}."
            )
        first, last = entries[0], entries[-1]
        if any(entry.pgh_obj_id != first.pgh_obj_id for entry in entries):
            raise ConflictError(
                f"This change wrote more than one {self.noun}. Correct the values by hand."
            )
        self.lock()
        row = self.model._default_manager.select_for_update(of=("self",)).filter(
            pk=first.pgh_obj_id
        )
        current = row.first()
        latest = history.filter(pgh_obj_id=first.pgh_obj_id).order_by("-pgh_id").first()
        previous = (
            history.filter(pgh_obj_id=first.pgh_obj_id, pgh_id__lt=first.pgh_id)
            .order_by("-pgh_id")
            .first()
        )
        names = self._changed_names(previous, last)
        if not self._stands(last, latest, names):
            raise ConflictError(
                f"Another user changed this {self.noun} later. Check the history and correct the "
                "values by hand."
            )
        if first.pgh_label == _INSERTED:
            if current is None:
                raise ConflictError(f"This {self.noun} does not exist.")
            return RecordWrite(current, self.delete(row=current, by=by, reason="undone"))
        if last.pgh_label == _DELETED:
            return self._restore(last, by=by)
        if current is None or previous is None:
            raise ConflictError("The previous values are not recorded. Correct the values by hand.")
        values = {
            name: self._stored_value(previous, name)
            for name in names
            if name not in self.field_set.fixed
        }
        try:
            undone = self.change(row=current, facts=values, by=by, reason="undone")
        except ValidationError as error:
            raise ConflictError(
                f"The previous values are no longer valid: {' '.join(error.messages)}"
            ) from error
        if undone is None:
            raise ConflictError("The previous values are in place. Nothing was changed.")
        return RecordWrite(current, undone)

    def changes(self, pk: int) -> list[RecordChange]:
        """Return every change of a row's facts, latest first; one statement and one for each kind
        of related record."""
        entries = list(
            self._history().filter(pgh_obj_id=pk).select_related("pgh_context").order_by("pgh_id")
        )
        changes = []
        previous: Any = None
        for entry in entries:
            is_deleted = entry.pgh_label == _DELETED
            names = self._changed_names(previous, entry)
            if names:
                metadata = entry.pgh_context.metadata if entry.pgh_context else {}
                changes.append(
                    RecordChange(
                        change=entry.pgh_context_id,
                        at=entry.pgh_created_at,
                        actor=str(metadata.get("actor") or ""),
                        reason=str(metadata.get("reason") or ""),
                        before={}
                        if previous is None
                        else {name: self._raw_value(previous, name) for name in names},
                        after={}
                        if is_deleted
                        else {name: self._raw_value(entry, name) for name in names},
                        stands=self._stands(entry, entries[-1], names),
                    )
                )
            previous = None if is_deleted else entry
        return changes[::-1]

    def describe(self, change: RecordChange) -> list[tuple[str, str, str]]:
        """Return (label, value before, value after) of each field that a change set; one statement
        for each related record."""
        field_set = self.field_set
        return [
            (
                field_set.label(name),
                self._describe_value(name, change.before.get(name)),
                self._describe_value(name, change.after.get(name)),
            )
            for name in change.after or change.before
            if change.before.get(name) or change.after.get(name)
        ]

    def _describe_value(self, name: str, value: Any) -> str:
        field = self.field_set.model_field(name)
        if value is not None and field.is_relation:
            row = field.related_model._default_manager.filter(pk=value).first()
            return str(row) if row is not None else "Deleted record"
        return self.field_set.display(name, value)

    # --- parts ------------------------------------------------------------------------------------

    def _validate(self, row: M, names: Iterable[str]) -> None:
        """Raise ValidationError for `names`, and for constraints that cover editable facts."""
        self.derive(row)
        columns = self.field_set.columns
        self.field_set.refuse_missing({name: getattr(row, name) for name in columns})
        # first, because its sentences say more than those of the columns
        self.validate(row)
        given = {*names, *self.derived_columns}
        row.full_clean(
            exclude={field.name for field in row._meta.fields if field.name not in given},
            validate_constraints=False,
        )
        editable = {*columns, *self.derived_columns}
        row.validate_constraints(
            exclude={field.name for field in row._meta.fields if field.name not in editable}
        )

    def _locked(self, row: M) -> M:
        return self.model._default_manager.select_for_update(of=("self",)).get(pk=row.pk)

    def _history(self) -> Any:
        return self.model.history.rel.related_model._default_manager  # type: ignore[attr-defined]

    def _column_names(self) -> list[str]:
        return [*self.field_set.columns, *self.derived_columns]

    def _timestamps(self) -> list[str]:
        return [
            field.name for field in self.model._meta.concrete_fields if field.name == "updated_at"
        ]

    def _changed_names(self, previous: Any, entry: Any) -> list[str]:
        """Return the columns that an entry of the history changed; all of a new or deleted row."""
        return [
            name
            for name in self.field_set.columns
            if previous is None
            or entry.pgh_label == _DELETED
            or self._raw_value(previous, name) != self._raw_value(entry, name)
        ]

    def _stands(self, entry: Any, latest: Any, names: Iterable[str]) -> bool:
        """Return whether the row is as an entry of the history left it, in the columns `names`."""
        if entry.pgh_label == "update" and latest.pgh_label != _DELETED:
            return all(self._raw_value(entry, n) == self._raw_value(latest, n) for n in names)
        return bool(entry.pgh_id == latest.pgh_id)

    def _raw_value(self, entry: Any, name: str) -> Any:
        return getattr(entry, self.field_set.model_field(name).attname)

    def _stored_value(self, entry: Any, name: str) -> Any:
        """Return a value of the history as the model holds it; a related row by its row."""
        field = self.field_set.model_field(name)
        value = self._raw_value(entry, name)
        if value is None or not field.is_relation:
            return value
        related = field.related_model._default_manager.filter(pk=value).first()
        if related is None:
            raise ConflictError(
                f"The {field.verbose_name} of the previous values was deleted. Correct the values "
                "by hand."
            )
        return related

    def _restore(self, entry: Any, *, by: Any) -> RecordWrite[M]:
        """Insert a deleted row again, with its key."""
        tracked = {field.attname for field in entry._meta.concrete_fields}
        values = {
            field.attname: getattr(entry, field.attname)
            for field in self.model._meta.concrete_fields
            if field.attname in tracked and not field.primary_key
        }
        for name in self._timestamps():
            values.setdefault(name, now())
        row = self.model(pk=entry.pgh_obj_id, **values)
        try:
            self._validate(row, self.field_set.columns)
        except ValidationError as error:
            raise ConflictError(
                f"The {self.noun} can no longer be restored: {' '.join(error.messages)}"
            ) from error
        with audit_context(user=by, reason="undone") as change:
            row.save_base(raw=True, force_insert=True)
            self.after_write(row, before=None, changed=frozenset(self._column_names()), by=by)
        return RecordWrite(row, change)

    def _refuse_while_used(self, row: M) -> None:
        """Raise ConflictError if rows of other records refer to the row."""
        targets: list[models.Model] = [row, *self.blocking_rows(row)]
        names = sorted(
            {
                str(relation.related_model._meta.verbose_name_plural)
                for target in targets
                for relation in _reverse_relations(target)
                if self._is_used(relation, target)
            }
        )
        if names:
            raise ConflictError(
                f"This {self.noun} cannot be deleted, because {_join(names)} depend on it. "
                "Change or delete them first."
            )

    def _is_used(self, relation: Any, target: models.Model) -> bool:
        related = relation.related_model
        if issubclass(related, Event) or is_derived(related) or self.is_derived_table(related):
            return False
        rows = related._base_manager.filter(**{relation.field.name: target})
        return bool(rows.exists())

    def is_derived_table(self, model: type[models.Model]) -> bool:
        """Return whether rows of `model` are worked out again after a write, so that they do not
        prevent a deletion."""
        return False


def _join(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _reverse_relations(row: models.Model) -> list[Any]:
    """Return the relations of other models to the row, also those without a reverse name."""
    return [
        field
        for field in row._meta.get_fields(include_hidden=True)
        if field.auto_created and not field.concrete and not field.many_to_many
    ]
