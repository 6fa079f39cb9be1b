"""Plan writer: new rows by COPY, changes in one statement per set of columns.

Triggers write the history, under the change in the caller's audit context."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection, models
from django.utils.text import slugify

from apps.accounts.actions import add_team
from apps.accounts.models import Team, User
from apps.catalog.identity.named_models import ensure_hosts, ensure_named_models
from apps.catalog.ingestion.offerings import ensure_named_offerings, ensure_providers
from apps.catalog.models import Offering, Provider
from apps.common.database.bulk_writes import update_rows
from apps.common.time import now
from apps.intake.spreadsheets.columns.rows import dumps
from apps.intake.spreadsheets.columns.values import fold_name
from apps.intake.spreadsheets.plan.created_records import CreatedRecords
from apps.intake.spreadsheets.plan.existing_records import REQUIREMENTS
from apps.intake.spreadsheets.plan.row_plans import ApplicationPlan, RowPlan
from apps.inventory.bulk.requirements import write_declared
from apps.inventory.models import Application, Dependency
from apps.inventory.models.dependencies import LIST_FIELDS
from apps.inventory.owners import OWNER_PERSONS, set_owner_persons
from apps.inventory.requirement_values import parse_uses


def _new_team(application: ApplicationPlan) -> Any:
    change = application.changes.get("team")
    return change[1] if change else None


class PlanWriter:
    """Writer of accepted plans, block by block, inside the caller's transaction."""

    def __init__(self, by: User | None) -> None:
        self._by = by
        self._ids: dict[int, int] = {}  # {key of a new application: its id}
        # {key of a name, or of a model on own machines: its offering}
        self._offerings: dict[tuple[str, str, str, str], int] = {}
        self._teams: dict[str, int] = {}
        self.created = CreatedRecords()
        self._slugs: set[str] | None = None
        self._at = now()

    def write(self, plans: Sequence[RowPlan]) -> None:
        """Write a block in five to eight statements, whatever the number of rows; each new team
        takes a few more."""
        self._add_teams(plans)
        self._add_applications(plans)
        self._change_applications(plans)
        self._make_offerings(plans)
        self._add_uses(plans)
        self._change_uses(plans)

    # --- teams ------------------------------------------------------------------------------------

    def _add_teams(self, plans: Iterable[RowPlan]) -> None:
        """Create the teams that the plans name and the registry does not have."""
        names = {
            fold_name(team): team
            for plan in plans
            if plan.application and isinstance(team := _new_team(plan.application), str)
        }
        missing = names.keys() - self._teams.keys()
        if not missing:
            return
        for team in Team.objects.order_by("-pk"):
            if fold_name(team.name) in missing:
                self._teams[fold_name(team.name)] = team.pk
        for key in sorted(missing - self._teams.keys()):
            team = add_team(facts={"name": names[key]}, by=self._by)
            self._teams[key] = team.pk
            self.created.teams.append(team.pk)

    def _team_id(self, team: int | str) -> int:
        return self._teams[fold_name(team)] if isinstance(team, str) else team

    # --- applications -----------------------------------------------------------------------------

    def _add_applications(self, plans: Iterable[RowPlan]) -> None:
        new_applications = [
            plan.application for plan in plans if plan.application and plan.application.do == "add"
        ]
        if not new_applications:
            return
        ids = _reserve_ids(Application, len(new_applications))
        rows = []
        for pk, plan in zip(ids, new_applications, strict=True):
            self._ids[plan.key] = pk
            facts = {name: value for name, (_, value) in plan.changes.items()}
            facts["team_id"] = self._team_id(facts.pop("team"))
            rows.append({"id": pk, **facts, "slug": self._free_slug(plan.slug or plan.name)})
        self._set_owners([(row, row["team_id"]) for row in rows])
        _copy_rows(Application, rows, self._at)

    def _change_applications(self, plans: Iterable[RowPlan]) -> None:
        changes: dict[int, dict[str, Any]] = {}
        for plan in plans:
            application = plan.application
            if application is None or application.do != "change":
                continue
            pk = application.id if application.id is not None else self._ids[application.key]
            values = {name: value for name, (_, value) in application.changes.items()}
            if "team" in values:
                values["team_id"] = self._team_id(values.pop("team"))
            changes.setdefault(pk, {"updated_at": self._at}).update(values)
        teams = dict(
            Application.objects.filter(pk__in=changes).order_by().values_list("pk", "team_id")
        )
        self._set_owners(
            [(values, values.get("team_id", teams[pk])) for pk, values in changes.items()]
        )
        update_rows(Application, changes)

    def _set_owners(self, rows: list[tuple[dict[str, Any], int]]) -> None:
        """Set the persons of the owners, and remember the contacts that this adds."""
        newest = User.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        set_owner_persons(rows, by=self._by)
        persons = {
            values[column]
            for values, _ in rows
            for column in OWNER_PERSONS.values()
            if values.get(column)
        }
        # a contact with an ID above the newest of before was added here, or by a concurrent form
        self.created.people += sorted(
            {pk for pk in persons if pk > newest} - set(self.created.people)
        )

    def _free_slug(self, name: str) -> str:
        """Return an unused slug for `name`, which is a slug or a name, and reserve it for this
        import."""
        if self._slugs is None:
            self._slugs = set(Application.objects.order_by().values_list("slug", flat=True))
        ascii_name = name if name.isascii() and " " not in name else ""
        base = (ascii_name or slugify(name)[:100] or "application")[:110]
        number, slug = 1, base
        while slug in self._slugs:
            number += 1
            slug = f"{base}-{number}"
        self._slugs.add(slug)
        return slug

    # --- uses -------------------------------------------------------------------------------------

    def _make_offerings(self, plans: Iterable[RowPlan]) -> None:
        """Create the names, the products and the models on own machines that the plans refer to,
        with their hosts."""
        uses = [use for plan in plans for use in plan.uses if use.do == "add"]
        self._add_hosts({slug: name for use in uses for slug, name in use.hosts.items()})
        own_models = {use.model.new for use in uses if use.model.new} - self._offerings.keys()
        names = {
            use.model.named.key: use.model.named
            for use in uses
            if use.model.named is not None and use.model.offering is None
        }
        missing = {key: named for key, named in names.items() if key not in self._offerings}
        if not own_models and not missing:
            return
        newest = Offering.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        if own_models:
            ensure_hosts({host for host, _, _, _ in own_models})
            self._offerings.update(
                ensure_named_offerings(
                    [
                        {"host": host, "api_id": api_id, "region": region, "tier": tier}
                        for host, api_id, region, tier in sorted(own_models)
                    ],
                    at=self._at,
                )
            )
        found = ensure_named_models(missing.values(), at=self._at)
        self._offerings.update({named.key: pk for named, pk in found.items()})
        self.created.names += sorted(
            {pk for key, pk in self._offerings.items() if pk > newest} - set(self.created.names)
        )

    def _add_hosts(self, names: Mapping[str, str]) -> None:
        """Create the providers that the spreadsheet names and the registry does not have."""
        missing = names.keys() - set(
            Provider.objects.filter(slug__in=names).values_list("slug", flat=True)
        )
        if missing:
            providers = ensure_providers(missing, names)
            self.created.vendors += sorted(providers[slug] for slug in missing)

    def _add_uses(self, plans: Iterable[RowPlan]) -> None:
        """Insert the dependencies that are added. New applications and offerings must be inserted,
        because their IDs are needed."""
        rows = []
        for plan in plans:
            application = plan.application
            if application is None:
                continue
            application_id = (
                application.id if application.id is not None else self._ids.get(application.key)
            )
            rows += [
                {
                    **{name: value for name, (_, value) in use.changes.items()},
                    "application_id": application_id,
                    "offering_id": use.model.offering
                    if use.model.offering is not None
                    else self._offerings[use.model.key],
                    "role": use.role,
                    "via_party_id": use.via.id if use.via else None,
                    "since": use.since,
                    "until": use.until,
                }
                for use in plan.uses
                if use.do == "add"
            ]
        declarations = {}
        for pk, row in zip(_reserve_ids(Dependency, len(rows)), rows, strict=True):
            row["id"] = pk
            if requirements := row.pop(REQUIREMENTS, ""):
                declarations[pk] = parse_uses(requirements)
        _copy_rows(Dependency, rows, self._at)
        write_declared(declarations, at=self._at)

    def _change_uses(self, plans: Iterable[RowPlan]) -> None:
        changes: dict[int, dict[str, Any]] = {}
        declarations: dict[int, dict[str, Any]] = {}
        for plan in plans:
            for use in plan.uses:
                if use.do == "change" and use.id is not None:
                    values = {name: value for name, (_, value) in use.changes.items()}
                    if REQUIREMENTS in values:
                        declarations[use.id] = parse_uses(values.pop(REQUIREMENTS))
                    if values:
                        changes.setdefault(use.id, {"updated_at": self._at}).update(values)
        _update_uses(changes)
        write_declared(declarations, at=self._at)


def _update_uses(changes: Mapping[int, Mapping[str, Any]]) -> None:
    # update_rows passes columns as arrays, which cannot contain arrays such as tags
    update_rows(
        Dependency,
        {pk: {k: v for k, v in row.items() if k not in LIST_FIELDS} for pk, row in changes.items()},
    )
    ids_by_list: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for pk, row in changes.items():
        for name in LIST_FIELDS:
            if name in row:
                ids_by_list.setdefault((name, tuple(row[name])), []).append(pk)
    for (name, values), ids in ids_by_list.items():
        Dependency.objects.filter(pk__in=ids).update(**{name: list(values)})


def _reserve_ids(model: type[models.Model], n: int) -> list[int]:
    """Reserve `n` ids from the table's sequence, so that other transactions can write at the same
    time."""
    if not n:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [f'"{model._meta.db_table}"', n],
        )
        return [pk for (pk,) in cursor.fetchall()]


def _copy_rows(model: type[models.Model], rows: Sequence[Mapping[str, Any]], at: Any) -> None:
    """Insert rows of column values by COPY; missing columns get the default of the model."""
    if not rows:
        return
    fields = [field for field in model._meta.concrete_fields if not field.generated]
    defaults = {str(field.attname): field.get_default() for field in fields}
    defaults |= {"created_at": at, "updated_at": at}
    json_places = [
        place for place, field in enumerate(fields) if isinstance(field, models.JSONField)
    ]
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    plan = [(str(field.attname), defaults[str(field.attname)]) for field in fields]
    with connection.cursor() as cursor:
        # the hook that passes the change to the triggers does not see COPY, so a statement runs
        # first
        cursor.execute("WITH named AS (SELECT 1) SELECT * FROM named")
        with cursor.copy(
            f"COPY {connection.ops.quote_name(model._meta.db_table)} ({names}) FROM STDIN"
        ) as copy:
            for row in rows:
                get_value = row.get
                values = [get_value(name, default) for name, default in plan]
                for place in json_places:
                    values[place] = dumps(values[place])
                copy.write_row(values)
