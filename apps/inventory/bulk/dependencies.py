"""Bulk import of dependencies by application, offering and role, on the date of the row."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from apps.common.database.bulk_writes import copy_rows, reserve_ids, update_rows
from apps.inventory.actions.dependencies import EDITABLE_DEPENDENCY_FIELDS
from apps.inventory.bulk.field_readers import readers_of
from apps.inventory.bulk.merge import Merge, MergeReport, RejectedRowError, SourceRow, read_fields
from apps.inventory.bulk.references import (
    OFFERING_NAMES,
    DependencyIndex,
    KnownApplication,
    OfferingLookup,
    editable_application,
    find_providers,
    lock_applications_by_slug,
)
from apps.inventory.bulk.requirements import read_requirements, write_declared
from apps.inventory.models import Application, Dependency
from apps.inventory.models.dependencies import LIST_FIELDS
from apps.inventory.requirements import declared_requirements

_FACTS = sorted(EDITABLE_DEPENDENCY_FIELDS - {"via_party"})
_OTHERS = ("application", *OFFERING_NAMES, "via_party")
_REQUIREMENTS = "requirements"
_READERS: dict[str, Any] = {}
_ONE_DAY = timedelta(days=1)

FIELDS = (*_OTHERS, "role", "since", "until", *_FACTS, _REQUIREMENTS)


def merge_dependencies(rows: Sequence[SourceRow], merge: Merge, report: MergeReport) -> None:
    """Update the recorded dependency whose period overlaps with that of the row, otherwise add one.
    Seven statements, and a few more if rows state requirements.

    Without `since` a row is about today. A recorded dependency keeps its start; an end can be set
    or moved to an earlier day.
    """
    if not _READERS:
        _READERS.update(readers_of(Dependency, [*_FACTS, "role", "since", "until"]))
        _READERS[_REQUIREMENTS] = read_requirements
    applications = lock_applications_by_slug(rows, merge)
    offerings = OfferingLookup(rows, merge)
    parties = find_providers(rows, "via_party")
    uses = DependencyIndex((application.id for application in applications.values()), _FACTS)
    new_rows: list[dict[str, Any]] = []
    changes: dict[int, dict[str, Any]] = {}
    declared = _load_declared(rows, uses)
    declarations: dict[int, dict[str, Any]] = {}
    new_declarations: list[dict[str, Any] | None] = []
    for row in rows:
        try:
            facts, other_values = read_fields(row, _READERS, _OTHERS)
            requirements = facts.pop(_REQUIREMENTS, None)
            application = editable_application(other_values, applications, merge)
            offering = offerings.required(other_values)
            if "via_party" in other_values:
                facts["via_party_id"] = _find_party(other_values["via_party"], parties)
            role = facts.pop("role", Dependency.Role.PRIMARY.value)
            stored_row = _find_recorded(uses, application, offering, role, facts, merge.on)
            if stored_row is None:
                _refuse_new(application, facts)
                facts.setdefault("since", merge.on)
            else:
                facts = _changed_fields(stored_row, facts)
            _refuse_unpaired({**(stored_row or {}), **facts})
            party = facts.get("via_party_id", stored_row["via_party_id"] if stored_row else None)
            # rows about different periods or parties describe different dependencies
            merge.only_once(
                ("use", stored_row["id"])
                if stored_row
                else _row_key(application, offering, role, party, facts),
                row.number,
            )
        except RejectedRowError as rejection:
            report.reject(row.number, _row_label(row.value), str(rejection))
            continue
        if stored_row is None:
            new_rows.append(
                {**facts, "application_id": application.id, "offering_id": offering, "role": role}
            )
            new_declarations.append(requirements)
            continue
        if requirements is not None and requirements != declared.get(stored_row["id"], {}):
            declarations[stored_row["id"]] = requirements
        if facts:
            changes[stored_row["id"]] = {**facts, "updated_at": merge.at}
        elif stored_row["id"] not in declarations:
            report.unchanged += 1
    ids = reserve_ids(Dependency, len(new_rows))
    for new_row, pk, requirements in zip(new_rows, ids, new_declarations, strict=True):
        new_row["id"] = pk
        if requirements:
            declarations[pk] = requirements
    copy_rows(Dependency, new_rows, at=merge.at)
    # a row of arrays cannot be sent as one array, so they are written apart
    lists = {
        pk: {name: new_row.pop(name) for name in LIST_FIELDS if name in new_row}
        for pk, new_row in changes.items()
    }
    update_rows(Dependency, changes)
    for pk, new_lists in lists.items():
        if new_lists:
            Dependency.objects.filter(pk=pk).update(**new_lists)
    write_declared(declarations, at=merge.at)
    report.created += len(new_rows)
    report.updated += len((changes.keys() | declarations.keys()) - set(ids))


def _load_declared(rows: Sequence[SourceRow], uses: DependencyIndex) -> dict[int, dict[str, Any]]:
    """Return the declared requirements of the dependencies if any row states requirements; one
    statement."""
    if any(isinstance(row.value, dict) and _REQUIREMENTS in row.value for row in rows):
        return declared_requirements(uses.ids)
    return {}


def _find_party(slug: Any, parties: dict[str, int]) -> int | None:
    if slug is None or slug == "":
        return None
    if not isinstance(slug, str) or slug not in parties:
        raise RejectedRowError(
            f"via_party: Provider '{str(slug)[:80]}' was not found. Use the slug of a provider."
        )
    return parties[slug]


def _find_recorded(
    uses: DependencyIndex,
    application: KnownApplication,
    offering: int,
    role: str,
    facts: dict[str, Any],
    today: date,
) -> dict[str, Any] | None:
    """Return the recorded dependency that the row describes, by offering, role and period; None if
    it is a new one.

    Without a start date, the row is about the day before its end, or today. Raise RejectedRowError
    if several dependencies match or the period is empty.
    """
    until = facts.get("until")
    since = facts.get("since")
    if since is not None and until is not None and until <= since:
        raise RejectedRowError("until: The end date must be later than the start date.")
    if since is None:
        since = today if until is None or until > today else until - _ONE_DAY
    candidates = uses.at(application.id, offering, role, since, until)
    if len(candidates) > 1 and "via_party_id" in facts:
        candidates = [row for row in candidates if row["via_party_id"] == facts["via_party_id"]]
    if len(candidates) > 1:
        raise RejectedRowError(
            f"{len(candidates)} recorded dependencies match this row in that period. Add "
            "since, until or via_party."
        )
    if (
        candidates
        and "via_party_id" in facts
        and candidates[0]["via_party_id"] != facts["via_party_id"]
    ):
        # reached another way at the same time means another dependency, unless the row states the
        # new way
        return candidates[0] if "reached" in facts else None
    return candidates[0] if candidates else None


def _refuse_new(application: KnownApplication, facts: dict[str, Any]) -> None:
    if application.status == Application.Status.RETIRED:
        raise RejectedRowError(
            "This application is retired. Reactivate it as production or pilot first."
        )
    for name in [name for name, value in facts.items() if name == "until" and value is None]:
        del facts[name]


def _changed_fields(current: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """Return the fields whose value changes. Raise RejectedRowError for changes of dates that need
    an action of their own."""
    changed_facts = {name: value for name, value in facts.items() if current[name] != value}
    if "since" in changed_facts:
        raise RejectedRowError(
            f"since: The recorded start date is {current['since']}. Leave since out, or undo "
            "the recorded change first."
        )
    if "until" in changed_facts and current["until"] is not None:
        until = changed_facts["until"]
        if until is None or until > current["until"]:
            raise RejectedRowError(
                f"until: The recorded end date is {current['until']}. Reopen the dependency "
                "to set a later date."
            )
    if changed_facts.get("until") is not None and changed_facts["until"] <= current["since"]:
        raise RejectedRowError(f"until: In use since {current['since']}. Enter a later date.")
    return changed_facts


def _refuse_unpaired(row: dict[str, Any]) -> None:
    is_direct = row.get("reached", Dependency.Reached.DIRECT) == Dependency.Reached.DIRECT
    if is_direct != (row.get("via_party_id") is None):
        raise RejectedRowError(
            "Set via_party to the gateway or vendor that relays the calls. Leave it empty "
            "for a direct call."
        )


def _row_key(
    application: KnownApplication,
    offering: int,
    role: str,
    party: int | None,
    facts: dict[str, Any],
) -> Any:
    return ("new", application.id, offering, role, party, facts.get("until"))


def _row_label(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    label = value.get("offering") or "/".join(
        str(value.get(name, "")) for name in ("host", "api_id")
    )
    return f"{value.get('application', '')} {value.get('role', 'primary')} {label}"[:240]
