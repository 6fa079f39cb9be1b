"""Headlines of the reports. Plain Python: figures in, a sentence out."""

from apps.reports.component_file import ComponentFile
from apps.reports.figures import ReportFigures
from apps.reports.models import EvidencePack
from apps.reports.tables import FillRate
from apps.web.pages.page import Headline
from apps.web.wording import count_of, number, share


def describe_completeness(fill: FillRate) -> str:
    """Describe a fill rate: `31 of 40 fields filled`."""
    return f"{number(fill.n_filled)} of {number(fill.n_cells)} fields filled"


def register_headline(figures: ReportFigures) -> Headline:
    fill = figures.whole
    if not fill.n_rows:
        return Headline(
            "No application is in pilot or production yet, so the register has no rows."
        )
    opening = f"The register is {share(fill.share)} filled: {describe_completeness(fill)}"
    worst = max(figures.sheets, key=lambda sheet: sheet.fill.n_missing)
    if fill.n_missing:
        opening += f"; {number(worst.fill.n_missing)} of the missing are in {worst.table.code}"
    if figures.failed:
        failed_checks = count_of(len(figures.failed), "check", "checks")
        return Headline(f"{opening}. ", f"{failed_checks.capitalize()} would reject it", ".")
    return Headline(f"{opening}. No check would reject it.")


def models_headline(figures: ReportFigures) -> Headline:
    fill = figures.whole
    if not fill.n_rows:
        return Headline("No application in pilot or production calls a model yet.")
    rows = "{n} application and model" if fill.n_rows == 1 else "{n} pairs of application and model"
    return Headline(
        f"{rows.format(n=number(fill.n_rows))} stand in the inventory, {share(fill.share)} "
        f"filled: {describe_completeness(fill)}."
    )


def component_headline(file: ComponentFile) -> Headline:
    name = file.application.name
    if not file.rows["components"]:
        return Headline(f"{name} calls no model today, so nothing is owed to it.")
    if file.documents_withheld:
        return Headline(f"What {name} is built on, and the questions its owners answer.")
    opening = (
        f"Of {number(file.n_items)} documents that the developers owe {name},"
        f" {number(file.n_on_file)} are on file"
    )
    if file.n_overdue:
        overdue_answers = count_of(file.n_overdue, "answer is", "answers are")
        return Headline(f"{opening}; ", f"{overdue_answers} overdue", ".")
    return Headline(f"{opening}.")


def pack_headline(pack: EvidencePack) -> Headline:
    match pack.state:
        case EvidencePack.State.DONE:
            return Headline(
                f"The pack holds {number(pack.n_files)} files, and its manifest carries their "
                "digests."
            )
        case EvidencePack.State.FAILED:
            return Headline("", "The pack could not be made", f". {pack.error}")
        case _:
            return Headline(
                "The pack is being made. This page follows it; you may leave and come back."
            )
