"""Step "Values" of an import: the distinct values of its file, and the choices of a user.

The values are read with the columns, and stored with the import (`ImportValue`). Choices can be
made until the import is confirmed (`import_steps.choose_values`), and are remembered for files with
the same headers."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from apps.accounts.models import Team
from apps.catalog.identity.hosts import BY_SLUG
from apps.catalog.identity.named_models import HOST_NOT_STATED, OWN_HOSTING
from apps.catalog.models import DateKind, Lifecycle, Offering, OfferingKind, Provider
from apps.common.errors import DomainError
from apps.intake.models import Import, ImportValue
from apps.intake.spreadsheets.columns.fields import FIELDS
from apps.intake.spreadsheets.columns.mapping import BookMapping, model_key
from apps.intake.spreadsheets.columns.rows import MAPPED_KINDS
from apps.intake.spreadsheets.columns.scan import MODEL
from apps.intake.spreadsheets.columns.values import InvalidCellError, SheetConventions, fold_name
from apps.intake.spreadsheets.values.distinct import (
    CREATE,
    Certainty,
    DistinctModel,
    DistinctValue,
    Guess,
    ModelKind,
    ModelOption,
    NamedRecord,
    NamedRecords,
    ValueGroup,
    ValueKind,
)
from apps.intake.spreadsheets.values.guesses import check_choice, options_of
from apps.inventory.models import ExchangeRate

_NAMED_KINDS = {
    code: field.kind
    for code, field in FIELDS.items()
    if field.kind in (ValueKind.TEAM, ValueKind.PROVIDER, ValueKind.PERSON)
}


def rates_on(day: date) -> dict[str, str]:
    """Return {currency: US dollars for one unit, as text} by the latest rates on the day."""
    return {code: f"{rate.usd:f}" for code, rate in ExchangeRate.objects.at(day).items()}


# --- values ---------------------------------------------------------------------------------------


def value_groups(import_: Import) -> list[ValueGroup]:
    """Return the distinct values of criticality, data class, status and other fields that are
    mapped, by column, and those of vendors; a fixed number of statements."""
    return groups_of(import_.values.exclude(code=MODEL))


def groups_of(records: Iterable[ImportValue]) -> list[ValueGroup]:
    """Return the groups of stored or unsaved values, in the order of the fields."""
    by_code: dict[str, list[ImportValue]] = {}
    for record in records:
        kind = FIELDS[record.code].kind if record.code in FIELDS else None
        if kind in MAPPED_KINDS or kind is ValueKind.PROVIDER:
            by_code.setdefault(record.code, []).append(record)
    has_providers = any(_NAMED_KINDS.get(code) is ValueKind.PROVIDER for code in by_code)
    providers = (
        [
            (CREATE, "Create"),
            *Provider.objects.order_by("name").values_list("slug", "name"),
        ]
        if has_providers
        else []
    )
    groups = []
    for code, field in FIELDS.items():
        if code not in by_code or field.kind is None:
            continue
        options = (
            tuple(providers)
            if field.kind is ValueKind.PROVIDER
            else tuple(options_of(code).items())
        )
        rows = sorted(by_code[code], key=lambda row: (-row.n_rows, row.text))
        groups.append(
            ValueGroup(
                code,
                field.label,
                rows[0].header,
                field.kind,
                options,
                tuple(map(as_distinct_value, rows)),
            )
        )
    return groups


def as_distinct_value(row: ImportValue) -> DistinctValue:
    """Return a stored or unsaved value as the step shows it."""
    return DistinctValue(
        code=row.code,
        text=row.text,
        n_rows=row.n_rows,
        guess=Guess(row.guess, Certainty(row.certainty), row.detail.get("why", "")),
        choice=row.choice,
        is_chosen=row.is_chosen,
        first_row=row.first_row,
        pk=row.pk or 0,
    )


# --- models ---------------------------------------------------------------------------------------


def distinct_models(import_: Import, *, only_open: bool = False) -> list[DistinctModel]:
    """Return the model names of the file, the most urgent first: retired candidates, open names,
    the most rows; a fixed number of statements."""
    models = models_of(import_.values.filter(code=MODEL))
    return [model for model in models if model.is_open] if only_open else models


def models_of(records: Iterable[ImportValue]) -> list[DistinctModel]:
    """Return the model names of stored or unsaved values, the most urgent first."""
    rows = [record for record in records if record.code == MODEL]
    wanted = {pk for row in rows for pk in row.detail.get("options", ())}
    wanted |= {row.guess for row in rows if row.guess}
    chosen_keys = [row.choice for row in rows if row.choice]
    options = _load_options(wanted)
    chosen = _load_chosen(chosen_keys)
    models = [_as_distinct(row, options, chosen) for row in rows]
    return sorted(models, key=_urgency)


def _load_options(ids: Iterable[int]) -> dict[int, ModelOption]:
    rows = Offering.objects.filter(pk__in=ids).select_related("host")
    return {row.pk: _as_option(row) for row in rows}


def _load_chosen(choices: Iterable[Mapping[str, str]]) -> dict[tuple[str, ...], ModelOption]:
    keys = {_choice_key(choice) for choice in choices}
    rows = Offering.objects.filter(
        host__slug__in={key[0] for key in keys}, api_id__in={key[1] for key in keys}
    ).select_related("host")
    return {
        (row.host.slug, row.api_id, row.region_scope, row.service_tier): _as_option(row)
        for row in (rows if keys else ())
    }


def _choice_key(choice: Mapping[str, str]) -> tuple[str, str, str, str]:
    return (
        choice.get("host", ""),
        choice.get("api_id", ""),
        choice.get("region", ""),
        choice.get("tier", ""),
    )


def _as_option(row: Offering) -> ModelOption:
    return ModelOption(
        offering=row.pk,
        host=row.host.slug,
        host_name=row.host.name,
        api_id=row.api_id,
        region=row.region_scope,
        tier=row.service_tier,
        lifecycle=row.lifecycle,
        retires_on=row.retires_on.isoformat() if row.retires_on else "",
        is_earliest=row.date_kind == DateKind.NOT_BEFORE,
    )


def _as_distinct(
    row: ImportValue,
    options: Mapping[int, ModelOption],
    chosen: Mapping[tuple[str, ...], ModelOption],
) -> DistinctModel:
    detail = row.detail
    kind = ModelKind(detail["kind"])
    versions = tuple(detail.get("versions", ()))
    return DistinctModel(
        text=row.text,
        host_text=row.context,
        kind=kind,
        n_rows=row.n_rows,
        host=detail.get("host", ""),
        host_name=detail.get("host_name", ""),
        version=versions[0] if len(versions) == 1 else "",
        candidates=versions,
        foundations=tuple(detail.get("foundations", ())),
        product=detail.get("product", ""),
        products=tuple(detail.get("products", ())),
        role=detail.get("role", ""),
        cell=detail.get("cell", ""),
        offering=options.get(row.guess) if row.guess else None,
        options=tuple(
            sorted(
                (options[pk] for pk in detail.get("options", ()) if pk in options),
                key=lambda option: (option.retires_on or "9999", option.host, option.api_id),
            )
        ),
        choice=chosen.get(_choice_key(row.choice)) if row.choice else None,
        certainty=Certainty(row.certainty),
        why=detail.get("why", ""),
        applications=tuple(detail.get("applications", ())),
        pk=row.pk or 0,
    )


def _urgency(model: DistinctModel) -> tuple[Any, ...]:
    """Return the sort key: names whose candidates are all retired first, then those with some, then
    other open ones."""
    concerned = model.options or ((model.offering,) if model.offering else ())
    n_retired = sum(option.lifecycle == Lifecycle.RETIRED for option in concerned)
    rank = 0 if concerned and n_retired == len(concerned) else 1 if n_retired else 2
    return (not model.is_open, rank, -model.n_rows, model.text.casefold())


# --- records --------------------------------------------------------------------------------------


def named_records(import_: Import) -> NamedRecords:
    """Return the teams, people and vendors that the file names and the registry does not have."""
    return records_of(import_.values.filter(code__in=_NAMED_KINDS))


def records_of(records: Iterable[ImportValue]) -> NamedRecords:
    """Return the named records of stored or unsaved values."""
    teams: list[NamedRecord] = []
    people: dict[str, NamedRecord] = {}
    vendors: list[NamedRecord] = []
    unassigned: list[NamedRecord] = []
    for row in sorted(records, key=lambda row: (-row.n_rows, row.text)):
        kind = _NAMED_KINDS.get(row.code)
        if kind is None:
            continue
        value = row.choice if row.is_chosen else row.guess
        named = NamedRecord(
            row.text,
            row.n_rows,
            reason=row.detail.get("why", "") if row.certainty == Certainty.NONE else "",
            first_row=row.first_row,
        )
        if kind is ValueKind.PERSON:
            if row.is_chosen and row.choice is None:
                continue
            if not row.detail.get("address"):
                unassigned.append(named)
            elif not row.detail.get("known"):
                earlier = people.get(str(row.guess))
                n_rows = row.n_rows + (earlier.n_rows if earlier else 0)
                people[str(row.guess)] = replace(named, n_rows=n_rows)
        elif value == CREATE or (row.certainty == Certainty.NONE and not row.is_chosen):
            (teams if kind is ValueKind.TEAM else vendors).append(named)
    return NamedRecords(tuple(teams), tuple(people.values()), tuple(vendors), tuple(unassigned))


# --- choices --------------------------------------------------------------------------------------


def add_choices(
    import_: Import, *, values: Mapping[int, Any], models: Mapping[int, int | str | None]
) -> BookMapping:
    """Return the mapping of the import with the choices of a user. Raises DomainError for a choice
    that its field does not have."""
    mapping = BookMapping.from_json(import_.mapping)
    rows = {row.pk: row for row in import_.values.filter(pk__in=[*values, *models])}
    chosen = {code: dict(of_field) for code, of_field in mapping.values.items()}
    for pk, value in values.items():
        row = rows.get(pk)
        if row is None or row.code == MODEL:
            raise DomainError("The value is no longer part of this import. Reload the page.")
        chosen.setdefault(row.code, {})[fold_name(row.text)] = checked_choice(
            row.code, value, mapping.conventions
        )
    return replace(
        mapping, values=chosen, models={**mapping.models, **_chosen_models(rows, models)}
    )


def _chosen_models(
    rows: Mapping[int, ImportValue], models: Mapping[int, int | str | None]
) -> dict[str, Any]:
    """Return the choices as stored with the mapping; a text is the slug of a product."""
    offerings = {
        row.pk: row
        for row in Offering.objects.filter(
            pk__in=[pk for pk in models.values() if isinstance(pk, int)], kind=OfferingKind.MODEL_ID
        ).select_related("host")
    }
    chosen: dict[str, Any] = {}
    for pk, offering_id in models.items():
        row = rows.get(pk)
        if isinstance(offering_id, str):
            if row is None or row.code != MODEL or offering_id not in row.detail["products"]:
                raise DomainError("Select one of the products that the name can be.")
            chosen[model_key(row.text, row.context)] = {"product": offering_id}
            continue
        offering = offerings.get(offering_id) if offering_id else None
        if row is None or row.code != MODEL or (offering_id and offering is None):
            raise DomainError("The model name is no longer part of this import. Reload the page.")
        chosen[model_key(row.text, row.context)] = offering and {
            "host": offering.host.slug,
            "api_id": offering.api_id,
            "region": offering.region_scope,
            "tier": offering.service_tier,
        }
    return chosen


def checked_choice(code: str, value: Any, conventions: SheetConventions) -> Any:
    """Return a chosen value as it is stored; DomainError if the field does not have it."""
    if value is None or value == "":
        return None
    kind = FIELDS[code].kind
    if kind is ValueKind.TEAM and value != CREATE:
        if not Team.objects.filter(slug=value).exists():
            raise DomainError(f'No team "{value}" found. Check the slug.', field=code)
        return str(value)
    if kind is ValueKind.PROVIDER and value != CREATE:
        if (
            value not in BY_SLUG
            and value not in (OWN_HOSTING, HOST_NOT_STATED)
            and not Provider.objects.filter(slug=value).exists()
        ):
            raise DomainError(f'No provider "{value}" found. Check the slug.', field=code)
        return str(value)
    try:
        return check_choice(code, value, conventions)
    except InvalidCellError as error:
        raise DomainError(str(error), field=code) from None
