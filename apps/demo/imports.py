"""Spreadsheet of the fictional insurer: uploaded by the governance lead and read, so that the step
of its values can be viewed. Nothing of it is in the inventory."""

from apps.accounts.models import User
from apps.demo.fixtures import FIXTURES, LoadingDay
from apps.intake.models import Import
from apps.intake.spreadsheets.columns.mapping import BookMapping
from apps.intake.spreadsheets.import_steps import choose_columns, receive_sheet

_SHEET = FIXTURES / "calder-ai-register.xlsx"


def load_example_sheet(*, day: LoadingDay) -> None:
    """Receive and read the spreadsheet, unless a spreadsheet was imported before."""
    if Import.objects.filter(kind=Import.Kind.SHEET).exists():
        return
    by = User.objects.get(username="maren")
    import_ = receive_sheet(
        content=_SHEET.read_bytes(), file_name=_SHEET.name, by=by, at=day.moment(-1)
    )
    mapping = BookMapping.from_json(import_.mapping)
    choose_columns(import_=import_, mapping=mapping, by=by, at=day.at)
