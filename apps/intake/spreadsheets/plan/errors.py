"""Errors of an import plan, which name the column headers of the spreadsheet."""

from apps.intake.spreadsheets.columns.mapping import BookMapping


class RowError(Exception):
    """Error: the row cannot be imported; the text is a sentence, `column` the header of the invalid
    cell."""

    def __init__(
        self, sentence: str, column: str = "", code: str = "", *, is_forbidden: bool = False
    ) -> None:
        """`is_forbidden`: a right is missing, so the whole row is rejected."""
        super().__init__(sentence)
        self.column = column
        self.code = code
        self.is_forbidden = is_forbidden


def headers_by_code(mapping: BookMapping) -> list[dict[str, str]]:
    """Return {code of a field: header of its column} for each table of the spreadsheet."""
    return [
        {code: sheet.heads[place] or f"Column {place + 1}" for place, code in sheet.columns.items()}
        for sheet in mapping.sheets
    ]
