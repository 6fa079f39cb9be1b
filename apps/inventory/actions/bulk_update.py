"""Changes of many applications in one step, with a sentence for each rejected row."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import CheckConstraint
from django.db.models.functions import Now

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.common.history.context import audit_context
from apps.inventory.actions.applications import EDITABLE_APPLICATION_FIELDS
from apps.inventory.actions.checks import changed_fields, checked_fields
from apps.inventory.models import Application
from apps.inventory.owners import set_owner_persons


@dataclass(frozen=True, slots=True)
class RejectedApplication:
    """An application that was not changed. `slug` is empty if the caller cannot view the
    application or it does not exist."""

    application_id: int
    slug: str
    sentence: str


@dataclass(frozen=True, slots=True)
class BulkUpdateResult:
    changed: Sequence[int]
    unchanged: Sequence[int]
    refused: Sequence[RejectedApplication]


@transaction.atomic
def change_applications(
    *, facts_by_id: Mapping[int, Mapping[str, Any]], by: User, reason: str = ""
) -> BulkUpdateResult:
    """Set the given facts of each application, all in one change of the history; invalid rows are
    rejected one by one.

    The roles of `by` are checked here. One statement reads and one writes per distinct set of
    facts: setting the same review date on 5,000 rows is one UPDATE. Retiring is rejected, because
    it is a separate action.
    """
    for facts in facts_by_id.values():
        checked_fields(facts, EDITABLE_APPLICATION_FIELDS)
    rows = {
        row.pk: row
        for row in Application.objects.visible_to(by)
        .select_for_update(of=("self",))
        .filter(pk__in=facts_by_id)
        .order_by("pk")
    }
    changed_ids: list[int] = []
    unchanged_ids: list[int] = []
    rejections: list[RejectedApplication] = []
    messages_by_facts: dict[tuple[Any, ...], str] = {}
    new_values: dict[int, dict[str, Any]] = {}
    for pk, facts in facts_by_id.items():
        row = rows.get(pk)
        if row is None:
            rejections.append(
                RejectedApplication(
                    pk, "", ("Application not found. It does not exist or you do not have access.")
                )
            )
            continue
        names = changed_fields(
            row, {**facts, **_team_id(facts)}, EDITABLE_APPLICATION_FIELDS | {"team_id"}
        )
        names = [name for name in names if name != "team"]
        sentence = _rejection_reason(row, facts, names, by, messages_by_facts)
        if sentence:
            rejections.append(RejectedApplication(pk, row.slug, sentence))
        elif not names:
            unchanged_ids.append(pk)
        else:
            new_values[pk] = {
                name: facts["team"].pk if name == "team_id" else facts[name] for name in names
            }
            changed_ids.append(pk)
    with audit_context(user=by, reason=reason or "applications updated together"):
        set_owner_persons(
            (
                (values, values.get("team_id", rows[pk].team_id))
                for pk, values in new_values.items()
            ),
            by=by,
        )
        for values, ids in _batches(new_values):
            Application.objects.filter(pk__in=ids).update(**values, updated_at=Now())
    return BulkUpdateResult(changed=changed_ids, unchanged=unchanged_ids, refused=rejections)


def _batches(
    new_values: Mapping[int, dict[str, Any]],
) -> Iterable[tuple[dict[str, Any], list[int]]]:
    """Return (values, applications that get them), once for each distinct set."""
    batches: dict[tuple[Any, ...], tuple[dict[str, Any], list[int]]] = {}
    for pk, values in new_values.items():
        key = tuple((name, repr(values[name])) for name in sorted(values))
        batches.setdefault(key, (values, []))[1].append(pk)
    return batches.values()


def _team_id(facts: Mapping[str, Any]) -> dict[str, int]:
    """Return the ID of the given team, by which rows are compared so that their teams need not be
    read."""
    return {"team_id": facts["team"].pk} if isinstance(facts.get("team"), Team) else {}


def _rejection_reason(
    row: Application,
    facts: Mapping[str, Any],
    names: Sequence[str],
    by: User,
    messages_by_facts: dict[tuple[Any, ...], str],
) -> str:
    """Return the reason why the row cannot be changed, or an empty text.

    Equal facts are validated once; `messages_by_facts` caches the messages.
    """
    if not by.may(TeamRole.EDITOR, row.team_id):
        name = _team_name(row.team_id, messages_by_facts)
        return f"You need the editor role on {name} to change this application."
    if "team_id" in names and not by.may(TeamRole.EDITOR, facts["team"]):
        return f"You need the editor role on {facts['team'].name} to move this application there."
    if "status" in names and facts["status"] == Application.Status.RETIRED:
        return (
            "This change cannot retire an application. Use the retire action, which also "
            "ends its dependencies."
        )
    if "status" in names and row.merged_into_id is not None:
        return "This application was merged into another application. Undo the merge instead."
    if not names:
        return ""
    new_values = {name: facts[name] for name in names if name != "team_id"}
    key = tuple((name, repr(new_values[name])) for name in sorted(new_values))
    if key not in messages_by_facts:
        messages_by_facts[key] = _validation_message(new_values)
    return messages_by_facts[key]


def _team_name(pk: int, names_cache: dict[tuple[Any, ...], str]) -> str:
    """Return the name of a team; `names_cache` holds those already read."""
    if ("team", pk) not in names_cache:
        names_cache["team", pk] = Team.objects.values_list("name", flat=True).get(pk=pk)
    return names_cache["team", pk]


def _validation_message(facts: Mapping[str, Any]) -> str:
    """Return the validation errors of these facts as one text; no other column is validated."""
    candidate = Application(**facts)
    excluded_fields = {field.name for field in Application._meta.fields} - set(facts)
    try:
        candidate.clean_fields(exclude=excluded_fields)
        for constraint in Application._meta.constraints:
            if isinstance(constraint, CheckConstraint):
                constraint.validate(Application, candidate, exclude=excluded_fields)
    except ValidationError as error:
        if not hasattr(error, "error_dict"):
            return " ".join(error.messages)
        return " ".join(
            f"{name}: {' '.join(messages)}" for name, messages in error.message_dict.items()
        )
    return ""
