"""Records that an import creates beside applications and dependencies, and their removal when the
import is undone."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection, models

from apps.accounts.models import PersonState, Team, User
from apps.catalog.models import Footing, Offering, OfferingCandidate, Price, Provider
from apps.common.history.derived import is_derived


@dataclass(slots=True)
class CreatedRecords:
    """IDs of the created teams, contacts, providers, and names or products."""

    teams: list[int] = field(default_factory=list)
    people: list[int] = field(default_factory=list)
    vendors: list[int] = field(default_factory=list)
    names: list[int] = field(default_factory=list)

    def as_json(self) -> dict[str, list[int]]:
        """Return the IDs as stored with the import."""
        return {
            "teams": self.teams,
            "people": self.people,
            "vendors": self.vendors,
            "names": self.names,
        }


def remove_created(created: dict[str, Any], *, change: UUID) -> dict[str, int]:
    """Delete the created records that nothing else uses and no user has changed since `change`, in
    the caller's audit context; return the numbers that were deleted. A fixed number of statements
    for each kind."""
    removed = {}
    for kind, model, rows in (
        ("names", Offering, Offering.objects.all()),
        ("vendors", Provider, Provider.objects.all()),
        ("people", User, User.objects.filter(state=PersonState.CONTACT)),
        ("teams", Team, Team.objects.all()),
    ):
        ids = set(rows.filter(pk__in=created.get(kind, ())).values_list("pk", flat=True))
        free = ids - _changed_since(model, ids, change) if ids else ids
        free -= _used(model, free) if free else set()
        if free:
            model._default_manager.filter(pk__in=free).delete()
        removed[kind] = len(free)
    return removed


def _changed_since(model: type[models.Model], ids: Collection[int], change: UUID) -> set[int]:
    """Return the records that another change has written."""
    history = model.history.rel.related_model._default_manager  # type: ignore[attr-defined]
    return set(
        history.filter(pgh_obj_id__in=ids)
        .exclude(pgh_context_id=change, pgh_context_id__isnull=False)
        .filter(pgh_context__metadata__has_key="user")
        .values_list("pgh_obj_id", flat=True)
    )


def _used(model: type[models.Model], ids: Collection[int]) -> set[int]:
    """Return the records to which others refer, without derived ones and their own parts."""
    used: set[int] = set()
    with connection.cursor() as cursor:
        for relation in _references_to(model):
            column = connection.ops.quote_name(relation.field.column)
            table = connection.ops.quote_name(relation.related_model._meta.db_table)
            cursor.execute(
                f"SELECT DISTINCT {column} FROM {table} WHERE {column} = ANY (%s)",
                [list(ids)],
            )
            used |= {pk for (pk,) in cursor.fetchall()}
    return used


# worked out from the offering, and deleted with it
_PARTS = (OfferingCandidate, Footing, Price)


def _references_to(model: type[models.Model]) -> Iterable[Any]:
    for relation in model._meta.get_fields(include_hidden=True):
        if not (relation.auto_created and (relation.one_to_many or relation.one_to_one)):
            continue
        related: Any = relation.related_model
        if (
            is_derived(related)
            or related in _PARTS
            or related._meta.proxy
            or not related._meta.managed
            # the history keeps what was deleted
            or hasattr(related, "pgh_tracked_model")
        ):
            continue
        yield relation
