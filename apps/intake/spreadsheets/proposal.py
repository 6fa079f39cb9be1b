"""Proposal for a file: its columns, distinct values and model names with best guesses, as JSON.

Nothing is written. The command, REST and the pages of an import use the same guesses."""

from dataclasses import replace
from typing import Any

from apps.accounts.models import User
from apps.common.time import day_of, now
from apps.intake.spreadsheets.columns.mapping import apply_remembered
from apps.intake.spreadsheets.direct_import import MappingChoice, complete_mapping
from apps.intake.spreadsheets.files.child_reader import examine_sheet, read_sheet
from apps.intake.spreadsheets.import_steps import find_saved_mapping
from apps.intake.spreadsheets.mapping_file import mapping_as_json, models_as_json
from apps.intake.spreadsheets.plan.execution import existing_records_for
from apps.intake.spreadsheets.plan.model_names import CatalogueLookup
from apps.intake.spreadsheets.plan.planner import Planner
from apps.intake.spreadsheets.plan.row_plans import REFUSED
from apps.intake.spreadsheets.plan.storage import PlanTally
from apps.intake.spreadsheets.values.records import ValueRecords
from apps.intake.spreadsheets.values.steps import rates_on

_MAX_REJECTED = 1_000


def propose_mapping(
    *,
    content: bytes,
    file_name: str,
    by: User | None,
    application: str = "",
    team: str = "",
    choice: MappingChoice = "auto",
) -> dict[str, Any]:
    """Return `{created, updated, unchanged, rejected, mapping, models}` for a file, as it would be
    imported with every guess above the threshold; `by` None is the operator. Raises
    UnreadableError."""
    book = examine_sheet(content, file_name)
    guessed = book.mapping
    saved = find_saved_mapping(by, guessed.digest) if by is not None else None
    if saved is not None:
        guessed = apply_remembered(guessed, saved.mapping)
    on = day_of(now())
    mapping = replace(
        complete_mapping(guessed.as_json(), application=application, team=team, choice=choice),
        rates=rates_on(on),
    )
    sheet = read_sheet(content, file_name, mapping)
    records, catalogue = existing_records_for(by), CatalogueLookup()
    planner = Planner(records, catalogue, mapping, on=on)
    tally = PlanTally()
    rejected: list[dict[str, str]] = []
    for plan in planner.plan(sheet.rows):
        is_refused = plan.outcome == REFUSED
        tally.add(plan.outcome, {} if is_refused else plan.as_json())
        if is_refused and len(rejected) < _MAX_REJECTED:
            where = mapping.place_of(plan.row.sheet, plan.row.number, plan.column)
            rejected.append({"where": where, "reason": plan.reason})
    values = ValueRecords(mapping, records, catalogue, planner.references).build(
        sheet.raw_values, sheet.values
    )
    counts = tally.as_json()
    return {
        **{
            key: sum(counts[kind].get(outcome, 0) for kind in ("applications", "uses"))
            for key, outcome in (
                ("created", "added"),
                ("updated", "changed"),
                ("unchanged", "unchanged"),
            )
        },
        "rejected": rejected,
        "mapping": {
            **mapping_as_json(mapping, values),
            "not_read": [
                {"where": mapping.place_of(place, number), "text": text}
                for place, number, text in sheet.not_read
            ],
        },
        "models": models_as_json(values),
    }
