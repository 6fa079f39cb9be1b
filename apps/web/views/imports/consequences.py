"""What an import will write, in one sentence beside its button."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.intake.models import Import
from apps.intake.spreadsheets.values.distinct import DistinctModel, NamedRecord, NamedRecords
from apps.inventory.models import Application
from apps.web.views.imports import presenters
from apps.web.views.imports.model_lines import depends_on_retired
from apps.web.wording import number, quantity_of


def describe_consequences(
    import_: Import, models: Sequence[DistinctModel], records: NamedRecords, *, today: date
) -> str:
    """Return what the import adds, and who is notified because of it."""
    counts = import_.counts
    parts = [
        (presenters.format_count(counts, "applications", "added"), "application", "applications"),
        (presenters.format_count(counts, "uses", "added"), "dependency", "dependencies"),
        (_count_new(records.teams), "team", "teams"),
        (_count_new(records.people), "person", "people"),
        (_count_new(records.vendors), "vendor", "vendors"),
    ]
    added = [quantity_of(n, one, several) for n, one, several in parts if n]
    n_changed = presenters.format_count(counts, "applications", "changed")
    sentences = []
    if added:
        sentences.append(f"Adds {', '.join(added)}.")
    if n_changed:
        sentences.append(f"Changes {quantity_of(n_changed, 'application')}.")
    if not sentences:
        sentences.append("Nothing is added or changed.")
    n_retired = sum(model.n_rows for model in models if depends_on_retired(model, today=today))
    if n_retired and added:
        noun = "dependency uses" if n_retired == 1 else "dependencies use"
        owners = "its owner is" if n_retired == 1 else "their owners are"
        sentences.append(
            f"At least {number(n_retired)} {noun} a retired model: {owners} notified immediately."
        )
    return " ".join(sentences)


@dataclass(frozen=True, slots=True)
class OpenPart:
    """What is not imported yet, with the rows that it is about: `query` selects them."""

    sentence: str
    query: str = ""
    link: str = ""


def describe_not_imported(import_: Import, models: Sequence[DistinctModel]) -> list[OpenPart]:
    """Return what is not imported, or stays open after the import."""
    counts = import_.counts
    n_refused = presenters.format_count(counts, "rows", "refused")
    n_left_out = counts.get("left_out", 0)
    n_open = sum(model.is_open for model in models)
    parts = []
    if n_refused:
        parts.append(
            OpenPart(
                f"{quantity_of(n_refused, 'row')} {_be(n_refused)} not imported. All reasons are "
                "listed below, where rows can be edited.",
                "?outcome=refused",
                "View rejected rows",
            )
        )
    if n_left_out:
        parts.append(
            OpenPart(
                f"{quantity_of(n_left_out, 'row')} {_be(n_left_out)} imported without some cells.",
                "?left_out=true",
                "View these rows",
            )
        )
    n_not_read = counts.get("not_read", 0)
    if n_not_read:
        parts.append(
            OpenPart(
                f"{quantity_of(n_not_read, 'row')} {_be(n_not_read)} not read: notes, titles "
                "between the rows, or sums."
            )
        )
    for fact, n in sorted(counts.get("not_stated", {}).items()):
        column: Any = Application._meta.get_field(fact)
        default = dict(column.flatchoices)[column.get_default()]
        parts.append(
            OpenPart(
                f"{quantity_of(n, 'application')} {_be(n)} imported without a stated {fact}: "
                f'"{default}" is recorded until it is corrected.'
            )
        )
    if n_open:
        parts.append(
            OpenPart(
                f"{quantity_of(n_open, 'model name')} {_be(n_open)} imported without a model ID. "
                "Each becomes an issue until its ID is chosen."
            )
        )
    return parts


def _be(n: int) -> str:
    return "is" if n == 1 else "are"


def _count_new(records: Sequence[NamedRecord]) -> int:
    return sum(not record.slug and not record.reason for record in records)
