"""Headlines of the reports. Plain Python: figures in, a sentence out."""

from apps.accounts.models import User
from apps.reports.component_file import ComponentFile
from apps.reports.figures import ReportFigures, describe_uncounted
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
            "No applications in pilot or production yet, so the register of information has no "
            "rows."
        )
    opening = (
        f"The register of information is {share(fill.share)} complete: "
        f"{describe_completeness(fill)}"
    )
    worst = max(figures.sheets, key=lambda sheet: sheet.fill.n_missing)
    if fill.n_missing:
        opening += (
            f"; {number(worst.fill.n_missing)} of the missing fields are in {worst.table.code}"
        )
    if figures.failed:
        failed_checks = count_of(
            len(figures.failed), "validation rule fails", "validation rules fail"
        )
        return Headline(f"{opening}. ", failed_checks.capitalize(), ".")
    return Headline(f"{opening}. All validation rules pass.")


def models_headline(figures: ReportFigures) -> Headline:
    fill = figures.whole
    if not fill.n_rows:
        return Headline("No application in pilot or production uses a model yet.")
    rows = "{n} application and model" if fill.n_rows == 1 else "{n} pairs of application and model"
    return Headline(
        f"{rows.format(n=number(fill.n_rows))}, {share(fill.share)} "
        f"complete: {describe_completeness(fill)}."
    )


def component_headline(file: ComponentFile) -> Headline:
    name = file.application.name
    if not file.rows["components"]:
        return Headline(f"{name} uses no model today, so no documents are required.")
    if file.documents_withheld:
        return Headline(f"Models that {name} uses, and the answers of its owners.")
    opening = (
        f"{number(file.n_on_file)} of {number(file.n_items)} developer documents for "
        f"{name} are recorded"
    )
    if file.n_overdue:
        overdue_answers = count_of(file.n_overdue, "response is", "responses are")
        return Headline(f"{opening}; ", f"{overdue_answers} overdue", ".")
    return Headline(f"{opening}.")


def pack_headline(pack: EvidencePack) -> Headline:
    match pack.state:
        case EvidencePack.State.DONE:
            return Headline(
                f"The pack contains {number(pack.n_files)} files. Its manifest contains their "
                "digests."
            )
        case EvidencePack.State.FAILED:
            return Headline("", "The pack could not be created", f". {pack.error}")
        case _:
            return Headline("The pack is being created. This page refreshes, and you can leave it.")


def uncounted_headline(report: str, user: User) -> Headline:
    """Say that the report has no figures on the page, and what to do."""
    # the sweep counts every three hours
    wait = "Refresh the page in 3 hours, or download" if user.can_read_all else "Download"
    return Headline(f"{report} is {describe_uncounted(user)}. {wait} the file.")
