"""Mapping of a file as JSON for people and scripts: printed with guesses and counts, and read again
with the choices that were edited in it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from apps.catalog.models import Offering, OfferingKind
from apps.common.errors import DomainError
from apps.intake.models import ImportValue
from apps.intake.spreadsheets.columns.fields import FIELDS
from apps.intake.spreadsheets.columns.mapping import BookMapping, SheetMapping, model_key
from apps.intake.spreadsheets.columns.scan import MODEL
from apps.intake.spreadsheets.columns.values import SheetConventions, fold_name, fold_word
from apps.intake.spreadsheets.files.tables import UnreadableError
from apps.intake.spreadsheets.values.distinct import (
    Certainty,
    DistinctModel,
    ModelKind,
    ModelOption,
)
from apps.intake.spreadsheets.values.steps import checked_choice, models_of


def mapping_as_json(mapping: BookMapping, values: Iterable[ImportValue]) -> dict[str, Any]:
    """Return the mapping of columns and distinct values, with guesses, certainty and counts."""
    by_code: dict[str, list[dict[str, Any]]] = {}
    for value in sorted(values, key=lambda value: (value.code, -value.n_rows, value.text)):
        if value.code == MODEL:
            continue
        why = value.detail.get("why", "")
        by_code.setdefault(value.code, []).append(
            {
                "text": value.text,
                "n": value.n_rows,
                "value": value.choice if value.is_chosen else value.guess,
                "certainty": "chosen" if value.is_chosen else value.certainty,
                **({"why": why} if why else {}),
            }
        )
    return {
        "sheets": [
            {
                "name": sheet.name,
                "read": sheet.read,
                "head_row": sheet.head_row,
                "heads": list(sheet.heads),
                "columns": {
                    sheet.heads[place] or f"Column {place + 1}": code
                    for place, code in sheet.columns.items()
                },
                "likely": [
                    sheet.heads[place] or f"Column {place + 1}" for place in sheet.by_content
                ],
                "ignored": list(sheet.ignored),
                "hidden_rows": sheet.n_hidden_rows,
                "hidden_columns": [
                    sheet.heads[place] or f"Column {place + 1}" for place in sheet.hidden_columns
                ],
            }
            for sheet in mapping.sheets
        ],
        "day_order": mapping.conventions.day_order,
        "decimal_mark": mapping.conventions.decimal_mark,
        "team": mapping.team,
        "application": mapping.application,
        "values": {code: by_code[code] for code in FIELDS if code in by_code},
    }


def models_as_json(values: Iterable[ImportValue]) -> list[dict[str, Any]]:
    """Return the model names with what they can be, the most urgent first. What is no model is
    listed as unknown, with `not_a_model`."""
    return [_model_as_json(model) for model in models_of(values)]


def _model_as_json(model: DistinctModel) -> dict[str, Any]:
    is_model = model.kind is not ModelKind.NOT_A_MODEL
    taken = model.choice or model.offering
    options: Sequence[ModelOption] = (taken,) if taken else model.options
    return {
        "text": model.text,
        "host": model.host_text,
        "n": model.n_rows,
        "kind": str(model.kind) if is_model else str(ModelKind.UNKNOWN),
        **({} if is_model else {"not_a_model": True}),
        "version": model.version or None,
        "versions": list(model.candidates),
        "foundations": list(model.foundations),
        **({"product": model.product} if model.product else {}),
        "host_slug": model.host,
        "offerings": [
            {
                "host": option.host,
                "api_id": option.api_id,
                "region": option.region,
                "tier": option.tier,
                "lifecycle": option.lifecycle,
                "retires_on": option.retires_on or None,
            }
            for option in options
        ],
        "certainty": "chosen" if model.choice else str(model.certainty),
        "choice": model.choice.api_id if model.choice else None,
        **({"cell": model.cell} if model.cell else {}),
        "why": model.why,
    }


# --- read again -----------------------------------------------------------------------------------


def apply_choices(mapping: BookMapping, data: Mapping[str, Any]) -> BookMapping:
    """Return the guessed mapping with the columns, values and models of an edited one: the whole
    output of a proposal, or its `mapping` alone. Raises UnreadableError with the place of what is
    wrong."""
    try:
        return _apply_edited(mapping, data)
    except UnreadableError:
        raise
    except (AttributeError, TypeError, ValueError):
        # a list in place of an object, a number in place of a text, or the like
        raise UnreadableError(
            "The mapping does not have the form of a proposal. Edit what a proposal returns."
        ) from None


def _apply_edited(mapping: BookMapping, data: Mapping[str, Any]) -> BookMapping:
    edited = data.get("mapping", data)
    if not isinstance(edited, Mapping):
        raise UnreadableError('"mapping" must be an object, as --propose prints it.')
    conventions = SheetConventions(
        _text_of(edited, "day_order", mapping.conventions.day_order, ("", "dmy", "mdy")),
        _text_of(edited, "decimal_mark", mapping.conventions.decimal_mark, ("", ".", ",")),
    )
    return replace(
        mapping,
        sheets=_edited_sheets(mapping.sheets, edited.get("sheets", ())),
        conventions=conventions,
        team=_text_of(edited, "team", mapping.team),
        application=_text_of(edited, "application", mapping.application),
        values={**mapping.values, **_edited_values(edited.get("values", {}), conventions)},
        models={**mapping.models, **_edited_models(data.get("models", ()))},
    )


def _text_of(data: Mapping[str, Any], key: str, default: str, allowed: Sequence[str] = ()) -> str:
    value = data.get(key, default)
    if not isinstance(value, str) or (allowed and value not in allowed):
        listed = ", ".join(f'"{each}"' for each in allowed)
        raise UnreadableError(f"mapping.{key} is not valid. Use {listed or 'a text'}.")
    return value


def _edited_sheets(guessed: Sequence[SheetMapping], edited: Any) -> tuple[SheetMapping, ...]:
    by_name = {str(sheet.get("name", "")): sheet for sheet in edited if isinstance(sheet, Mapping)}
    return tuple(
        _edited_sheet(sheet, by_name[sheet.name]) if sheet.name in by_name else sheet
        for sheet in guessed
    )


def _edited_sheet(sheet: SheetMapping, edited: Mapping[str, Any]) -> SheetMapping:
    place_by_head = {
        fold_word(head or f"Column {place + 1}"): place for place, head in enumerate(sheet.heads)
    }
    columns: dict[int, str] = {}
    for head, code in dict(edited.get("columns", {})).items():
        if code in (None, ""):
            continue
        if code not in FIELDS:
            raise UnreadableError(
                f'mapping.sheets "{sheet.name}": "{code}" is not a field. Use a code such as '
                "application.name."
            )
        place = place_by_head.get(fold_word(str(head)))
        if place is None and str(head).isdigit() and int(head) < len(sheet.heads):
            place = int(head)
        if place is None:
            raise UnreadableError(
                f'mapping.sheets "{sheet.name}": the file has no column "{head}". Check the header.'
            )
        columns[place] = code
    return sheet.with_choices(columns, read=bool(edited.get("read", sheet.read)))


def _edited_values(edited: Any, conventions: SheetConventions) -> dict[str, dict[str, Any]]:
    """Return {code: {folded text: choice}}; an entry without a value and certainty stays open."""
    chosen: dict[str, dict[str, Any]] = {}
    for code, entries in dict(edited).items():
        if code not in FIELDS or FIELDS[code].kind is None:
            raise UnreadableError(f'mapping.values: "{code}" is not a field with mapped values.')
        pairs = (
            [(text, value, "") for text, value in entries.items()]
            if isinstance(entries, Mapping)
            else [
                (entry.get("text", ""), entry.get("value"), entry.get("certainty", ""))
                for entry in entries
                if isinstance(entry, Mapping)
            ]
        )
        for text, value, certainty in pairs:
            if value is None and certainty == Certainty.NONE:
                continue
            try:
                checked = checked_choice(code, value, conventions)
            except DomainError as error:
                raise UnreadableError(f'mapping.values, "{text}": {error}') from None
            chosen.setdefault(code, {})[fold_name(str(text))] = checked
    return chosen


def _edited_models(edited: Any) -> dict[str, Any]:
    """Return {key of a name: chosen model ID} of the entries with a `choice`: the model ID, or an
    object with host, api_id, region and tier."""
    chosen: dict[str, Any] = {}
    for entry in edited:
        choice = entry.get("choice") if isinstance(entry, Mapping) else None
        if not choice:
            continue
        wanted = (
            dict(choice)
            if isinstance(choice, Mapping)
            else {"host": entry.get("host_slug", ""), "api_id": str(choice)}
        )
        offering = _find_offering(wanted)
        if offering is None:
            raise UnreadableError(
                f'models, "{entry.get("text", "")}": no model ID "{wanted.get("api_id", "")}" is '
                f'known at "{wanted.get("host", "")}". Choose one of its offerings.'
            )
        chosen[model_key(str(entry.get("text", "")), str(entry.get("host", "")))] = {
            "host": offering.host.slug,
            "api_id": offering.api_id,
            "region": offering.region_scope,
            "tier": offering.service_tier,
        }
    return chosen


def _find_offering(wanted: Mapping[str, Any]) -> Offering | None:
    rows = Offering.objects.filter(
        kind=OfferingKind.MODEL_ID, api_id=wanted.get("api_id", "")
    ).select_related("host")
    if wanted.get("host"):
        rows = rows.filter(host__slug=wanted["host"])
    for name, column in (("region", "region_scope"), ("tier", "service_tier")):
        if name in wanted:
            rows = rows.filter(**{column: wanted[name]})
    found = list(rows.order_by("region_scope", "service_tier", "pk")[:2])
    return found[0] if found and (len(found) == 1 or wanted.get("host")) else None
