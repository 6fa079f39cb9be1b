"""Bulk import of applications by slug."""

import re
from collections.abc import Sequence
from typing import Any

from apps.common.database.bulk_writes import copy_rows, reserve_ids, update_rows
from apps.inventory.actions.applications import EDITABLE_APPLICATION_FIELDS
from apps.inventory.bulk.field_readers import readers_of
from apps.inventory.bulk.merge import (
    Merge,
    MergeReport,
    RejectedRowError,
    SourceRow,
    read_fields,
    read_text,
)
from apps.inventory.models import Application
from apps.inventory.owners import set_owner_persons

_SLUG = re.compile(r"[-a-zA-Z0-9_]{1,120}")
_FACTS = sorted(EDITABLE_APPLICATION_FIELDS - {"team"})
_COLUMNS = ["id", "slug", "team_id", "merged_into_id", *_FACTS]
_OTHERS = ("slug", "team")
_READERS: dict[str, Any] = {}

FIELDS = (*_OTHERS, *_FACTS)


def merge_applications(rows: Sequence[SourceRow], merge: Merge, report: MergeReport) -> None:
    """Add the new applications and set the given facts of existing ones; five statements.

    New ones need `slug`, `name` and `team`.
    """
    if not _READERS:
        _READERS.update(readers_of(Application, _FACTS))
    given_slugs = {
        given_slug
        for row in rows
        if isinstance(row.value, dict) and isinstance(given_slug := row.value.get("slug"), str)
    }
    slugs = sorted(slug for slug in given_slugs if "\x00" not in slug)
    by_slug = {
        application["slug"]: application
        for application in Application.objects.select_for_update(of=("self",))
        .filter(merge.visible_rows("team"), slug__in=slugs)
        .order_by("pk")
        .values(*_COLUMNS)
    }
    # applications that the caller cannot view are read but not locked
    hidden_slugs = [slug for slug in slugs if slug not in by_slug]
    by_slug |= {
        application["slug"]: application
        for application in Application.objects.filter(slug__in=hidden_slugs).values(*_COLUMNS)
    }
    new_rows: list[dict[str, Any]] = []
    changes: dict[int, dict[str, Any]] = {}
    for row in rows:
        key = row.value.get("slug", "") if isinstance(row.value, dict) else ""
        try:
            facts, other_values = read_fields(row, _READERS, _OTHERS)
            slug = _read_slug(other_values)
            if "team" in other_values:
                facts["team_id"] = _find_team(
                    read_text(other_values, "team", "team: Enter the slug of a team."), merge
                )
            application = by_slug.get(slug)
            if application is None:
                _refuse_new(facts)
            else:
                facts = _changed_fields(application, facts, merge)
            merge.only_once(slug, row.number)
        except RejectedRowError as rejection:
            report.reject(row.number, str(key)[:120], str(rejection))
            continue
        if application is None:
            new_rows.append({**facts, "slug": slug})
        elif facts:
            changes[application["id"]] = {**facts, "updated_at": merge.at}
        else:
            report.unchanged += 1
    teams = {application["id"]: application["team_id"] for application in by_slug.values()}
    set_owner_persons(
        [
            *((values, values["team_id"]) for values in new_rows),
            *((values, values.get("team_id", teams[pk])) for pk, values in changes.items()),
        ],
        by=merge.by,
    )
    for new_row, pk in zip(new_rows, reserve_ids(Application, len(new_rows)), strict=True):
        new_row["id"] = pk
    copy_rows(Application, new_rows, at=merge.at)
    update_rows(Application, changes)
    report.created += len(new_rows)
    report.updated += len(changes)


def _read_slug(other_values: dict[str, Any]) -> str:
    slug = read_text(other_values, "slug", "slug: Enter the slug that identifies the application.")
    if _SLUG.fullmatch(slug) is None:
        raise RejectedRowError(
            "slug: Use only letters, digits, hyphens and underscores, at most 120 characters."
        )
    return slug


def _find_team(slug: str, merge: Merge) -> int:
    team, may_edit = merge.teams.get(slug, (None, False))
    if team is None:
        raise RejectedRowError(
            f"team: Team '{slug[:80]}' was not found. It does not exist or you do not have access."
        )
    if not may_edit:
        raise RejectedRowError(
            f"team: You need the editor role on '{slug}' to add applications to it."
        )
    return int(team)


def _refuse_new(facts: dict[str, Any]) -> None:
    if "name" not in facts or "team_id" not in facts:
        missing_names = " and ".join(
            name for name, fact in (("name", "name"), ("team", "team_id")) if fact not in facts
        )
        raise RejectedRowError(
            f"This application does not exist, and a new one needs {missing_names}. "
            "Check the slug, or add what is missing."
        )
    if facts.get("status") == Application.Status.RETIRED:
        raise RejectedRowError(
            "A new application cannot be retired. Register it as proposed, pilot or production."
        )


def _changed_fields(
    stored_row: dict[str, Any], facts: dict[str, Any], merge: Merge
) -> dict[str, Any]:
    """Return the facts that differ from the stored row; raise RejectedRowError if the caller cannot
    change them."""
    if stored_row["team_id"] not in merge.visible:
        raise RejectedRowError("slug: This slug is already in use. Choose another one.")
    if stored_row["team_id"] not in merge.editable:
        raise RejectedRowError(
            f"You need the editor role on {merge.team_slugs[stored_row['team_id']]} to change this "
            "application."
        )
    changed_facts = {name: value for name, value in facts.items() if stored_row[name] != value}
    if "status" in changed_facts:
        if changed_facts["status"] == Application.Status.RETIRED:
            raise RejectedRowError(
                "This change cannot retire an application. Use the retire action, which also "
                "ends its dependencies."
            )
        if stored_row["merged_into_id"] is not None:
            raise RejectedRowError(
                "This application was merged into another application. Undo the merge instead."
            )
    return changed_facts
