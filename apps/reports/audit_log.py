"""Audit log: who changed what, when and why, in readable form and limited to the records that the
user can view."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import chain
from time import monotonic
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import EmptyResultSet
from django.db import OperationalError, connection, models, transaction
from django.db.models import Value
from django.db.models.functions import Cast, Coalesce, Left, NullIf

from apps.accounts.models import Membership, Team, User
from apps.common.database.keyset_pagination import KeysetPage
from apps.common.history.log import (
    HistoryCondition,
    HistoryEntry,
    HistoryQuery,
    TrackedModel,
    history_page,
    tracked_models,
)
from apps.common.postgresql.errors import Unavailable, unavailability
from apps.inventory.models import Application
from apps.reports.record_names import record_names

# records of teams; users who can view such a record can view its changes
TEAM_RECORD_KINDS = (
    "accounts.membership",
    "accounts.team",
    "alerts.alert",
    "exposure.campaigntask",
    "gate.waiver",
    "intake.discrepancy",
    "inventory.adaptation",
    "inventory.application",
    "inventory.dependency",
    "inventory.exitplan",
    "inventory.exittest",
    "inventory.requirement",
    "reports.componentanswer",
    "reports.modelstatement",
    "risks.assessment",
    "risks.evidence",
)
HIDDEN_VALUE = "hidden"
_SECRETS = frozenset(
    {
        ("accounts.apitoken", "digest"),
        ("accounts.apitoken", "old_digest"),
        ("alerts.calendarfeed", "digest"),
    }
)
_SECRET_WORDS = ("secret", "password")
_NAME_COLUMNS = (
    "username",
    "name",
    "title",
    "identifier",
    "api_id",
    "code",
    "ref",
    "slug",
    "key",
    "subject",
    "word",
)
_ACTIONS = {"insert": "added", "update": "changed", "delete": "removed"}
# longer values are cut, so that a line of a file stays readable
MAX_VALUE_LENGTH = 2_000
MAX_NAME_LENGTH = 200
STATEMENT_TIMEOUT_MS = 10_000
# a file: changes per query, maximum number of changes, and seconds until it ends with an
# explanatory line
FILE_BATCH_SIZE = 500
MAX_FILE_CHANGES = 100_000
MAX_FILE_SECONDS = 120
FILE_HEADERS = (
    "when",
    "who",
    "job",
    "action",
    "kind",
    "record",
    "name",
    "field",
    "old",
    "new",
    "reason",
    "request",
    "change",
)
_CUT_NOTICE = "The file is incomplete: {why}. Request a shorter period, or a single record type."


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One column that changed; references are names, if the user can view them."""

    field: str
    label: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One write of one record. `actor` is the username of a user or service account, and
    `actor_name` the name. `slug`, `application` and `is_program` are needed for links to it."""

    id: int
    at: datetime
    action: str
    kind: TrackedModel
    record: int
    name: str
    actor: str
    actor_name: str
    job: str
    reason: str
    request: str
    change: UUID | None
    slug: str
    application: str
    is_program: bool
    differences: tuple[FieldDifference, ...]


ACTOR_LABELS = [("people", "Users and service accounts"), ("jobs", "Jobs")]


class AuditForm(forms.Form):
    """The filters of the page, the file and REST."""

    kind = forms.CharField(label="Record type", required=False, max_length=80)
    record = forms.IntegerField(
        label="Record (number)", required=False, min_value=1, max_value=2**63 - 1
    )
    actor = forms.CharField(label="User or job", required=False, max_length=150)
    by = forms.ChoiceField(label="By", required=False, choices=[("", "–"), *ACTOR_LABELS])
    job = forms.CharField(label="Job", required=False, max_length=150)
    reason = forms.CharField(label="Reason contains", required=False, max_length=200)
    since = forms.DateField(label="From", required=False)
    until = forms.DateField(label="To", required=False)
    change = forms.UUIDField(label="Change", required=False)

    def clean_kind(self) -> str:
        kind: str = self.cleaned_data["kind"].lower()
        if kind and kind not in tracked_models():
            raise forms.ValidationError("This record type is not recorded. Select one of the list.")
        return kind

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("record") and not cleaned.get("kind"):
            self.add_error(
                "kind", "Select a record type, because numbers are unique only within a type."
            )
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", "The last date is before the first. Correct one of them.")
        return cleaned


def visible_kinds(user: User) -> dict[str, HistoryCondition | None]:
    """Return {kind: the condition under which `user` can view its changes}: everything for
    organisation roles, otherwise the records of the user's teams; a missing kind is not visible to
    `user`."""
    if user.can_read_all:
        return dict.fromkeys(tracked_models())
    if not user.is_active:
        return {}
    conditions: dict[str, HistoryCondition | None] = {}
    for label in TEAM_RECORD_KINDS:
        kind = tracked_models().get(label)
        if kind is not None:
            conditions[label] = _row_condition(
                _visible_rows(kind.model, user).order_by().values("pk")
            )
    return {label: condition for label, condition in conditions.items() if condition is not None}


def _visible_rows(model: type[models.Model], user: User) -> Any:
    if model is Membership:
        return Membership.objects.filter(team__in=Team.objects.visible_to(user))
    manager: Any = model._default_manager
    return manager.visible_to(user)


def _row_condition(visible_rows: models.QuerySet[Any, Any]) -> HistoryCondition | None:
    try:
        sql, params = visible_rows.query.sql_with_params()
    except EmptyResultSet:
        return None
    return HistoryCondition(f"h.pgh_obj_id IN ({sql})", tuple(params))


def history_query(user: User, cleaned: Mapping[str, Any]) -> HistoryQuery:
    """Return the query of a valid AuditForm, limited to what `user` can view."""
    conditions = visible_kinds(user)
    if cleaned.get("kind"):
        conditions = (
            {cleaned["kind"]: conditions[cleaned["kind"]]} if cleaned["kind"] in conditions else {}
        )
    day = timedelta(days=1)
    return HistoryQuery(
        kinds=conditions,
        record=cleaned.get("record"),
        since=_start_of_day(cleaned["since"]) if cleaned.get("since") else None,
        until=_start_of_day(cleaned["until"]) + day if cleaned.get("until") else None,
        actor=cleaned.get("actor", ""),
        by=cleaned.get("by", ""),
        job=cleaned.get("job", ""),
        reason=cleaned.get("reason", ""),
        change=cleaned.get("change"),
    )


def _start_of_day(day: Any) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)


def limit_statement_time() -> None:
    """Set a statement timeout until the end of the transaction: a query over too much data ends
    with a message instead of a busy database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('statement_timeout', %s, true)", [str(STATEMENT_TIMEOUT_MS)]
        )


def audit_page(
    *,
    user: User,
    cleaned: Mapping[str, Any],
    size: int,
    cursor: str = "",
    usernames: bool = False,
) -> KeysetPage[AuditEntry]:
    """Return one page of entries; raises InvalidCursorError. A fixed number of statements: the
    rows, and one for each kind of record that they refer to. With `usernames` people are identified
    as in REST, not named."""
    page = history_page(history_query(user, cleaned), size=size, cursor=cursor)
    rows = _build_entries(page.rows, user, usernames=usernames)
    return KeysetPage(rows=rows, next=page.next, previous=page.previous)


def audit_lines(*, user: User, cleaned: Mapping[str, Any]) -> Iterator[list[Any]]:
    """Return the same entries as lines of a file under FILE_HEADERS, one for each changed column.

    The first changes are read immediately: OperationalError if even they take too long. Each
    further statement has the same timeout, and the file as a whole has its own; if one of them or
    the maximum length ends the file, its last line states that.
    """
    started_at = monotonic()
    query = history_query(user, cleaned)
    first_page = _read_batch(query, "")
    return chain(
        _entry_lines(first_page.rows, user), _further_lines(query, first_page, user, started_at)
    )


def _further_lines(
    query: HistoryQuery, page: KeysetPage[HistoryEntry], user: User, started_at: float
) -> Iterator[list[Any]]:
    """Yield the lines of the pages after `page`. At a limit of changes or time, the last line says
    that the file is incomplete."""
    n = len(page.rows)
    while page.next is not None:
        if n >= MAX_FILE_CHANGES:
            yield _last_line(f"it contains {n:,} changes, and one file cannot contain more")
            return
        if monotonic() - started_at > MAX_FILE_SECONDS:
            yield _last_line(f"reading further would take longer than {MAX_FILE_SECONDS} seconds")
            return
        try:
            page = _read_batch(query, page.next)
            lines = _entry_lines(page.rows, user)
        except OperationalError as error:
            if unavailability(error) is not Unavailable.SLOW:
                raise
            yield _last_line("the next changes take too long to find")
            return
        n += len(page.rows)
        yield from lines


def _read_batch(query: HistoryQuery, cursor: str) -> KeysetPage[HistoryEntry]:
    with transaction.atomic():
        limit_statement_time()
        return history_page(query, size=FILE_BATCH_SIZE, cursor=cursor)


def _entry_lines(entries: Sequence[HistoryEntry], user: User) -> list[list[Any]]:
    """Return a line for each changed field; a change without differences has one line."""
    return [
        [
            change.at.isoformat(),
            change.actor,
            change.job,
            change.action,
            change.kind.label,
            change.record,
            change.name,
            difference.field if difference else "",
            difference.old if difference else "",
            difference.new if difference else "",
            change.reason,
            change.request,
            change.change,
        ]
        for change in _build_entries(entries, user)
        for difference in (change.differences or (None,))
    ]


def _last_line(reason: str) -> list[Any]:
    return [_CUT_NOTICE.format(why=reason), *[""] * (len(FILE_HEADERS) - 1)]


# --- readable form --------------------------------------------------------------------------------


def _build_entries(
    entries: Sequence[HistoryEntry], user: User, *, usernames: bool = False
) -> list[AuditEntry]:
    names = _load_names(entries, user, usernames=usernames)
    actors = {str(entry.words.get("actor") or "") for entry in entries}
    actor_names = {
        person.username: str(person) for person in User.objects.filter(username__in=actors)
    }
    return [_build_entry(entry, names, actor_names) for entry in entries]


type _Names = Mapping[type[models.Model], Mapping[Any, tuple[str, str]]]


def _load_names(entries: Iterable[HistoryEntry], user: User, *, usernames: bool) -> _Names:
    """Return {model: {ID: (name, slug)}} of the records in the entries, and those they refer to,
    limited to what `user` can view. One statement for all records with names of their own, and at
    most one for each other model."""
    wanted_ids: dict[type[models.Model], set[Any]] = {}
    for entry in entries:
        wanted_ids.setdefault(entry.kind.model, set()).add(entry.record)
        for values in (entry.now, entry.was or {}):
            wanted_ids.setdefault(Application, set()).update(_application_ids(values))
        for column, field in _reference_models(entry.kind.model).items():
            for values in (entry.now, entry.was or {}):
                if values.get(column) is not None:
                    wanted_ids.setdefault(field, set()).add(values[column])
    names: dict[type[models.Model], dict[Any, tuple[str, str]]] = {}
    named_rows: dict[type[models.Model], models.QuerySet[Any]] = {}
    for model, ids in wanted_ids.items():
        visible_rows: Any = model._default_manager
        visible_rows = (
            visible_rows.all()
            if user.can_read_all or not hasattr(visible_rows.all(), "visible_to")
            else visible_rows.visible_to(user)
        )
        is_identified = usernames and model is User
        descriptions = None if is_identified else record_names(model, ids, visible_rows)
        if descriptions is not None:
            names[model] = {pk: (name, "") for pk, name in descriptions.items() if name}
            continue
        if name_columns(model):
            named_rows[model] = visible_rows.filter(pk__in=ids).order_by()
    return names | _read_names(named_rows)


def _read_names(
    rows: Mapping[type[models.Model], models.QuerySet[Any]],
) -> dict[type[models.Model], dict[Any, tuple[str, str]]]:
    """Return {model: {ID: (name, slug)}} of rows whose models have columns with names; one
    statement, since a page of the log has records of a dozen models."""
    names: dict[type[models.Model], dict[Any, tuple[str, str]]] = {model: {} for model in rows}
    if not rows:
        return names
    known_models = list(rows)
    selections = []
    for number, model in enumerate(known_models):
        filled = [NullIf(_as_text(column), Value("")) for column in name_columns(model)]
        has_slug = any(field.name == "slug" for field in model._meta.concrete_fields)
        selections.append(
            rows[model].values_list(
                Value(number),
                _as_text("pk"),
                Left(Coalesce(*filled, Value("")), MAX_NAME_LENGTH),
                _as_text("slug") if has_slug else Value("", output_field=models.TextField()),
            )
        )
    first, *others = selections
    # the order of the first model would be that of all
    for number, key, name, slug in first.union(*others, all=True).order_by():
        model = known_models[number]
        names[model][model._meta.pk.to_python(key)] = (name, slug or "")
    return names


def _as_text(column: str) -> Cast:
    return Cast(column, output_field=models.TextField())


def _application_ids(values: Mapping[str, Any]) -> list[int]:
    """Return the IDs of a list of applications in a row."""
    ids = values.get("application_ids")
    return [pk for pk in ids if isinstance(pk, int)] if isinstance(ids, list) else []


def _reference_models(model: type[models.Model]) -> dict[str, Any]:
    return {
        field.attname: field.related_model
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey)
    }


def name_columns(model: type[models.Model]) -> list[str]:
    """Return the columns with the name of a row of the model, best first; the first that is not
    empty counts."""
    field_names = {field.name for field in model._meta.concrete_fields}
    return [name for name in _NAME_COLUMNS if name in field_names]


def _record_name(row: Mapping[str, Any], columns: Iterable[str]) -> str:
    return next((str(row[name])[:MAX_NAME_LENGTH] for name in columns if row.get(name)), "")


def _build_entry(entry: HistoryEntry, names: _Names, actor_names: Mapping[str, str]) -> AuditEntry:
    """Return the entry as texts; `names` are the names of the records that it refers to."""
    actor = str(entry.words.get("actor") or "")
    metadata = entry.words
    application = entry.now.get("application_id")
    return AuditEntry(
        id=entry.id,
        at=entry.at,
        action=_ACTIONS.get(entry.action, entry.action),
        kind=entry.kind,
        record=entry.record,
        name=_entry_name(entry, names),
        actor=actor,
        actor_name=actor_names.get(actor, actor),
        job=str(metadata.get("job") or ""),
        reason=str(metadata.get("reason") or ""),
        request=str(metadata.get("request_id") or ""),
        change=entry.change,
        slug=str(entry.now.get("slug") or ""),
        application=names.get(Application, {}).get(application, ("", ""))[1] if application else "",
        is_program=bool(entry.now.get("is_service")),
        differences=tuple(_list_differences(entry, names)),
    )


def _entry_name(entry: HistoryEntry, names: _Names) -> str:
    if described := names.get(entry.kind.model, {}).get(entry.record, ("", ""))[0]:
        return described
    if own_name := _record_name(entry.now, name_columns(entry.kind.model)):
        return own_name
    reference_names = [
        names[model][entry.now[attname]][0]
        for attname, model in _reference_models(entry.kind.model).items()
        if model is not User and entry.now.get(attname) in names.get(model, {})
    ]
    return " · ".join(reference_names[:2]) or f"{str(entry.kind.name).capitalize()} {entry.record}"


def _list_differences(entry: HistoryEntry, names: _Names) -> Iterator[FieldDifference]:
    """Yield the fields that differ, as texts; values of secret fields are hidden."""
    fields = {field.attname: field for field in entry.kind.model._meta.concrete_fields}
    for column, old_value, new_value in entry.differences():
        field = fields.get(column)
        if field is None or field.primary_key:
            continue
        label = str(field.verbose_name)
        if is_secret(entry.kind.label, field.name):
            yield FieldDifference(
                field.name,
                label,
                HIDDEN_VALUE if old_value else "",
                HIDDEN_VALUE if new_value else "",
            )
        else:
            yield FieldDifference(
                field.name,
                label,
                _format_value(field, old_value, names),
                _format_value(field, new_value, names),
            )


def is_secret(kind: str, field: str) -> bool:
    """Return whether a value is a secret, or would help to find one; the log then shows that it
    changed, but not its value."""
    return (kind, field) in _SECRETS or any(word in field for word in _SECRET_WORDS)


def _format_value(field: Any, value: Any, names: _Names) -> str:
    """Return the value as text: names for references, labels for choices; at most MAX_VALUE_LENGTH
    characters."""
    if value is None or value == "":
        return ""
    if isinstance(field, models.ForeignKey):
        cached_name = names.get(field.related_model, {}).get(value)
        return cached_name[0] if cached_name else f"#{value}"
    if field.choices and not isinstance(value, list | dict):
        label: Any = dict(field.flatchoices).get(value)
        return str(label) if label is not None else str(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if field.name == "application_ids" and isinstance(value, list):
        return _name_applications(value, names)
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return ", ".join(str(item) for item in value)[:MAX_VALUE_LENGTH]
    text = (
        json.dumps(value, ensure_ascii=False, sort_keys=True)
        if isinstance(value, list | dict)
        else str(value)
    )
    return text[:MAX_VALUE_LENGTH]


def _name_applications(ids: Sequence[Any], names: _Names) -> str:
    """Return the names of the applications that the reader can view, and the number of others."""
    applications = names.get(Application, {})
    known = sorted(applications[pk][0] for pk in ids if pk in applications)
    n_other = len(ids) - len(known)
    others = [f"{n_other} other application{'' if n_other == 1 else 's'}"] if n_other else []
    return ", ".join([*known, *others])[:MAX_VALUE_LENGTH]
