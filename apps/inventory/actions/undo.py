"""Undo of an action, as long as its rows have not been changed since.

The history shows which rows an action wrote: every entry has the ID of the change (the history's
context). Undoing restores each row to its previous values. The undo is itself a change, so undoing
the undo repeats the action.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib.admin.utils import NestedObjects
from django.db import DEFAULT_DB_ALIAS, connection, models, transaction
from django.db.models.functions import Now
from pghistory.models import Event

from apps.accounts.models import PersonState, Team, User
from apps.accounts.roles import TeamRole
from apps.catalog.models import (
    IdentityReason,
    Offering,
    OfferingCandidate,
    OfferingKind,
    Price,
    Product,
    ProductModel,
    Provider,
)
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.common.history.derived import is_derived, without_derived
from apps.common.time import now
from apps.inventory.actions.bulk_undo import (
    changed_dependencies,
    is_bulk_change,
    teams_of_bulk_change,
    undo_bulk_change,
)
from apps.inventory.actions.locks import lock_teams_of, refuse_without_role
from apps.inventory.models import (
    Adaptation,
    Application,
    Dependency,
    ExitPlan,
    ExitTest,
    Requirement,
)
from apps.inventory.owners import link_owners

# parents first
_MODELS: tuple[type[models.Model], ...] = (
    Application,
    Dependency,
    Adaptation,
    ExitPlan,
    ExitTest,
    Requirement,
)
_INSERTED, _DELETED = "insert", "delete"


@dataclass(frozen=True, slots=True)
class UndoResult:
    """The number of restored rows and the applications they belong to. Undoing `change` reverts the
    undo."""

    change: UUID
    n_rows: int
    application_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _WrittenRow:
    """One row that the change wrote: whether the change created or deleted it, and its values
    before and after."""

    model: type[models.Model]
    pk: int
    is_new: bool
    is_gone: bool
    before: dict[str, Any]
    after: dict[str, Any]


def teams_of_change(*, change: UUID) -> set[int]:
    """Return the teams that owned the written applications before and after the change; undoing
    needs the editor role on each.

    Empty if the change does not exist or wrote to no application.
    """
    if is_bulk_change(change):
        return teams_of_bulk_change(change)
    written_rows = [row for model in _MODELS for row in _load_written_rows(model, change)]
    teams = {
        values["team_id"]
        for row in written_rows
        for values in (row.before, row.after)
        if row.model is Application and values
    }
    return teams | set(
        Application.objects.filter(pk__in=_applications_of(written_rows)).values_list(
            "team_id", flat=True
        )
    )


@transaction.atomic
def undo_change(
    *,
    change: UUID,
    by: User,
    reason: str = "",
    restored_elsewhere: Collection[type[models.Model]] = (),
) -> UndoResult:
    """Restore every row that `change` wrote; the caller has checked `by` for `teams_of_change`, and
    restores the rows of the models `restored_elsewhere` itself.

    Refused if another user changed one of the rows later (the error names the user), if rows were
    added to a record that would be deleted, if the change also wrote elsewhere, or if restored rows
    would conflict with later declarations. An offering that the change added to the catalogue is
    not removed.
    """
    if is_bulk_change(change):
        return _undo_in_bulk(change, by, reason)
    written_rows = [row for model in _MODELS for row in _load_written_rows(model, change)]
    if not written_rows:
        raise ConflictError(
            "Change not found. Select a change of applications or dependencies from the history."
        )
    application_ids = _applications_of(written_rows)
    # concurrent changes of these either wait here or are detected below
    _lock_editable(application_ids, by)
    _refuse_if_it_wrote_elsewhere(change, restored_elsewhere)
    for model in _MODELS:
        _refuse_if_changed_since(model, [row for row in written_rows if row.model is model], change)
    _refuse_if_built_upon(written_rows)
    with audit_context(user=by, reason=f"undone: {reason}" if reason else "undone"):
        for row in written_rows:
            if row.is_gone and not row.is_new:
                # raw: the original creation time is restored
                row.model(pk=row.pk, **row.before, updated_at=now()).save_base(
                    raw=True, force_insert=True
                )
        _restore_rows([row for row in written_rows if not row.is_new and not row.is_gone])
        for model in reversed(_MODELS):
            created_ids = [
                row.pk
                for row in written_rows
                if row.model is model and row.is_new and not row.is_gone
            ]
            if created_ids:
                model._default_manager.filter(pk__in=created_ids).delete()
        link_owners(application_ids, by=by)
    _refuse_if_duplicated([row.pk for row in written_rows if row.model is Dependency])
    first_row = written_rows[0]
    undo_id: UUID = (
        _history_of(first_row.model)
        .filter(pgh_obj_id=first_row.pk)
        .order_by("-pgh_id")
        .values_list("pgh_context_id", flat=True)[0]
    )
    return UndoResult(
        change=undo_id, n_rows=len(written_rows), application_ids=tuple(sorted(application_ids))
    )


def _lock_editable(application_ids: Iterable[int], by: User) -> None:
    """Lock the applications and check the role; those that the undo re-creates do not exist yet and
    are left out."""
    for team in set(lock_teams_of(application_ids).values()):
        refuse_without_role(by, TeamRole.EDITOR, team)


def _undo_in_bulk(change: UUID, by: User, reason: str) -> UndoResult:
    _refuse_if_it_wrote_elsewhere(change)
    dependency_ids = changed_dependencies(change)
    undo_id, n_rows, application_ids = undo_bulk_change(
        change=change,
        by=by,
        reason=reason,
        changed_since=_refuse_changed_since,
        lock=_lock_editable,
    )
    _refuse_if_duplicated(dependency_ids)
    return UndoResult(change=undo_id, n_rows=n_rows, application_ids=application_ids)


def _history_of(model: type[models.Model]) -> Any:
    return model.history.rel.related_model._default_manager  # type: ignore[attr-defined]


def _tracked_columns(model: type[models.Model]) -> list[str]:
    """Return the columns that the history tracks, without the primary key and the moment of the
    change, which an undo sets itself."""
    tracked_columns = {field.attname for field in _history_of(model).model._meta.concrete_fields}
    return [
        field.attname
        for field in model._meta.concrete_fields
        if field.attname in tracked_columns
        and not field.primary_key
        and field.attname != "updated_at"
    ]


def _load_written_rows(model: type[models.Model], change: UUID) -> list[_WrittenRow]:
    """Return the rows of the model that `change` wrote, from its first and last entry of each and
    the last entry before it."""
    history = _history_of(model)
    columns = _tracked_columns(model)
    entries_by_id: dict[int, list[dict[str, Any]]] = {}
    for entry in (
        history.filter(pgh_context_id=change)
        .order_by("pgh_id")
        .values("pgh_id", "pgh_obj_id", "pgh_label", *columns)
    ):
        entries_by_id.setdefault(entry["pgh_obj_id"], []).append(entry)
    if not entries_by_id:
        return []
    before: dict[int, dict[str, Any]] = {}
    for entry in (
        history.filter(
            pgh_obj_id__in=entries_by_id,
            pgh_id__lt=min(entries[0]["pgh_id"] for entries in entries_by_id.values()),
        )
        .order_by("pgh_obj_id", "-pgh_id")
        .distinct("pgh_obj_id")
        .values("pgh_obj_id", *columns)
    ):
        before[entry["pgh_obj_id"]] = entry
    rows = []
    for pk, entries in entries_by_id.items():
        is_new = entries[0]["pgh_label"] == _INSERTED
        rows.append(
            _WrittenRow(
                model=model,
                pk=pk,
                is_new=is_new,
                is_gone=entries[-1]["pgh_label"] == _DELETED,
                before={name: before[pk][name] for name in columns} if pk in before else {},
                after={name: entries[-1][name] for name in columns},
            )
        )
    return rows


def _applications_of(written_rows: Iterable[_WrittenRow]) -> set[int]:
    """Return the applications that the rows belong to, before and after the change."""
    application_ids: set[int] = set()
    dependencies: set[int] = set()
    for row in written_rows:
        if row.model is Application:
            application_ids.add(row.pk)
        for values in filter(None, (row.before, row.after)):
            if row.model is Dependency:
                application_ids.add(values["application_id"])
            elif row.model is not Application:
                dependencies.add(values["dependency_id"])
    application_ids.update(
        Dependency.objects.filter(pk__in=dependencies).values_list("application_id", flat=True)
    )
    return application_ids


def _refuse_if_it_wrote_elsewhere(
    change: UUID, restored_elsewhere: Collection[type[models.Model]] = ()
) -> None:
    """Raise ConflictError if the change also wrote tracked records of other models, which this undo
    does not restore."""
    own_models = {_history_of(model).model for model in (*_MODELS, *restored_elsewhere)}
    other_models = [
        model
        for model in apps.get_models()
        if issubclass(model, Event)
        and not model._meta.abstract
        and model._meta.managed
        and model not in own_models
        and not is_derived(_tracked_model(model))
    ]
    if not other_models:
        return
    quote = connection.ops.quote_name
    statements = " UNION ALL ".join(
        f"SELECT %s WHERE EXISTS (SELECT 1 FROM {quote(model._meta.db_table)} WHERE pgh_context_id "
        f"= %s{_ignored_entries_condition(model)})"
        for model in other_models
    )
    with connection.cursor() as cursor:
        cursor.execute(
            statements,
            [value for model in other_models for value in (_plural_name(model), change)],
        )
        names = [name for (name,) in cursor.fetchall()]
    if names:
        raise ConflictError(
            f"The same change also wrote to {', '.join(sorted(names))}. Undo it there by hand."
        )


def _ignored_entries_condition(history: type[models.Model]) -> str:
    """Return SQL that excludes history entries which the undo leaves in place.

    They are contacts, teams and providers that the change added, offerings that it added to the
    inbox, names without a model ID, products of the built-in table, and identities taken from a
    list of deployments, which the remaining lists set again. The undo of an import removes those
    that nothing else uses.
    """
    if history in {_history_of(each).model for each in (OfferingCandidate, Product, ProductModel)}:
        return " AND false"
    if history is _history_of(Price).model:
        # prices of names are those of their model IDs
        names = f"SELECT id FROM catalog_offering WHERE kind <> '{OfferingKind.MODEL_ID}'"
        return f" AND offering_id NOT IN ({names})"
    if history in {_history_of(Team).model, _history_of(Provider).model}:
        return f" AND pgh_label <> '{_INSERTED}'"
    if history is _history_of(User).model:
        return f" AND NOT (pgh_label = '{_INSERTED}' AND state = '{PersonState.CONTACT}')"
    if history is not _history_of(Offering).model:
        return ""
    return (
        f" AND pgh_label <> '{_INSERTED}' AND kind = '{OfferingKind.MODEL_ID}'"
        f" AND identity_reason <> '{IdentityReason.DEPLOYMENT}'"
    )


def _tracked_model(history: type[models.Model]) -> type[models.Model]:
    """Return the model whose rows the history records."""
    return history.pgh_tracked_model  # type: ignore[attr-defined, no-any-return]


def _plural_name(history: type[models.Model]) -> str:
    return str(_tracked_model(history)._meta.verbose_name_plural)


def _refuse_if_changed_since(
    model: type[models.Model], written_rows: list[_WrittenRow], change: UUID
) -> None:
    """Raise ConflictError if a later change, or one without a context, wrote one of the rows."""
    if not written_rows:
        return
    history = _history_of(model)
    first_entry_id = (
        history.filter(pgh_context_id=change).order_by("pgh_id").values_list("pgh_id", flat=True)[0]
    )
    later_entry = (
        history.filter(pgh_obj_id__in=[row.pk for row in written_rows], pgh_id__gt=first_entry_id)
        .exclude(pgh_context_id=change, pgh_context_id__isnull=False)
        .select_related("pgh_context")
        .order_by("-pgh_id")
        .first()
    )
    if later_entry is not None:
        _refuse_changed_since(model, later_entry)


def _refuse_changed_since(model: type[models.Model], later_entry: Any) -> None:
    """Raise ConflictError about `later_entry`, an entry of the history with its context."""
    metadata = later_entry.pgh_context.metadata if later_entry.pgh_context else {}
    actor = metadata.get("actor") or "Somebody"
    reason_clause = f" ({metadata['reason']})" if metadata.get("reason") else ""
    raise ConflictError(
        f"{actor} has changed the {model._meta.verbose_name} on "
        f"{later_entry.pgh_created_at:%Y-%m-%d at %H:%M} UTC since"
        f"{reason_clause}. Undo that first, or put it right by hand."
    )


def _refuse_if_built_upon(written_rows: list[_WrittenRow]) -> None:
    """Raise ConflictError if deleting the created rows would also delete rows of other changes, in
    any app."""
    created_keys: set[tuple[type[models.Model], Any]] = {
        (row.model, row.pk) for row in written_rows if row.is_new and not row.is_gone
    }
    for model in _MODELS:
        rows = list(
            model._default_manager.filter(pk__in=[pk for kind, pk in created_keys if kind is model])
        )
        if not rows:
            continue
        collector = NestedObjects(using=DEFAULT_DB_ALIAS, origin=rows)
        collector.collect(rows)
        dependent_rows: set[models.Model] = {
            row for instances in collector.model_objs.values() for row in instances
        }
        dependent_rows |= {row for row in collector.protected if isinstance(row, models.Model)}
        built = {
            str(row._meta.verbose_name_plural)
            for row in without_derived(dependent_rows)
            if (type(row), row.pk) not in created_keys
        }
        if built:
            raise ConflictError(
                f"Since this change, {', '.join(sorted(built))} have been added to the "
                "record. End or retire the record instead, so that they are preserved."
            )


def _restore_rows(written_rows: list[_WrittenRow]) -> None:
    """Restore the previous values with one statement per distinct set of values."""
    groups: dict[tuple[Any, ...], tuple[type[models.Model], dict[str, Any], list[int]]] = {}
    for row in written_rows:
        if not row.before:
            raise ConflictError(
                "The previous value is not recorded, so this change cannot be "
                "undone. Correct it by hand."
            )
        values = {
            name: row.before[name] for name in row.before if row.before[name] != row.after[name]
        }
        if values:
            key = (row.model, *((name, repr(values[name])) for name in sorted(values)))
            groups.setdefault(key, (row.model, values, []))[2].append(row.pk)
    for model, values, ids in groups.values():
        model._default_manager.filter(pk__in=ids).update(**values, updated_at=Now())


def _refuse_if_duplicated(dependency_ids: list[int]) -> None:
    """Raise ConflictError if a restored row records the same use as another row at an overlapping
    time."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT EXISTS (
                SELECT 1 FROM inventory_dependency d JOIN inventory_dependency o
                  ON o.application_id = d.application_id AND o.offering_id = d.offering_id
                      AND o.role = d.role
                 AND o.via_party_id IS NOT DISTINCT FROM d.via_party_id AND o.id <> d.id
                 -- periods that overlap: an end is exclusive, null means open
                 AND (o.until IS NULL OR o.until > d.since) AND (d.until IS NULL
                     OR d.until > o.since)
                WHERE d.id = ANY (%s)
            )
            """,
            [dependency_ids],
        )
        if cursor.fetchone()[0]:
            raise ConflictError(
                "The same use was declared again after this change. End that dependency "
                "first, or keep this change."
            )
