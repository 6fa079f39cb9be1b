"""Column mapping form: one choice per column, made for the file at hand."""

from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.utils.functional import cached_property

from apps.accounts.models import User
from apps.common.time import day_of, now
from apps.intake.spreadsheets.columns.fields import APPLICATION_FIELDS, FIELDS, USE_FIELDS
from apps.intake.spreadsheets.columns.mapping import BookMapping, SheetMapping
from apps.intake.spreadsheets.columns.values import SheetConventions
from apps.inventory.models import ExchangeRate
from apps.inventory.queries import editable_teams
from apps.web.wording import long_day

_MONEY_CODES = ("application.monthly_spend", "use.monthly_spend")


@dataclass(frozen=True, slots=True)
class ColumnLine:
    """Column of the file: its header, its first cells, and the choice. `about` says what the
    chosen field holds, `note` in which currency amounts are read; `is_likely`: the field is guessed
    by the content of the column."""

    head: str
    samples: tuple[str, ...]
    field: forms.BoundField
    about: str = ""
    note: str = ""
    is_likely: bool = False
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class SheetLines:
    name: str
    head_row: int
    read: forms.BoundField
    columns: tuple[ColumnLine, ...]
    n_hidden_rows: int = 0


def _field_choices() -> list[Any]:
    return [
        ("", "ignore"),
        ("Application", [(field.code, field.label) for field in APPLICATION_FIELDS]),
        ("Dependencies", [(field.code, field.label) for field in USE_FIELDS]),
    ]


def _describe_field(code: str) -> str:
    field = FIELDS.get(code or "")
    return field.about if field else ""


class ColumnsForm(forms.Form):
    """Form of the column mapping: `sheets` holds the lines for the template; `mapping()` is the
    choice, after validation."""

    team = forms.ChoiceField(label="Team of new applications without a team", required=False)
    day_order = forms.ChoiceField(
        label="Date order, for example 03/04/2026",
        choices=[
            ("", "ambiguous dates are rejected"),
            ("dmy", "3 April (day first)"),
            ("mdy", "4 March (month first)"),
        ],
        required=False,
    )
    decimal_mark = forms.ChoiceField(
        label="Decimal mark, for example 1.234 or 1,234",
        choices=[
            ("", "ambiguous numbers are rejected"),
            (",", "comma before decimals (1.234 is 1234)"),
            (".", "point before decimals (1,234 is 1234)"),
        ],
        required=False,
    )

    def __init__(self, *args: Any, mapping: BookMapping, user: User, **kwargs: Any) -> None:
        """Add a choice of its meaning for each column of each sheet, preselected from the proposed
        mapping."""
        initial = {
            "team": mapping.team,
            "day_order": mapping.conventions.day_order,
            "decimal_mark": mapping.conventions.decimal_mark,
        }
        super().__init__(*args, **{"initial": initial, **kwargs})
        self._mapping = mapping
        team: Any = self.fields["team"]
        team.choices = [
            ("", "rejected: enter a team"),
            *editable_teams(user=user).values_list("slug", "name"),
        ]
        for index, sheet in enumerate(mapping.sheets):
            if not sheet.head_row:
                continue
            self.fields[f"s{index}"] = forms.BooleanField(
                label="Import this worksheet", required=False, initial=sheet.read
            )
            for column, head in enumerate(sheet.heads):
                if head or column in sheet.columns:
                    self.fields[f"s{index}c{column}"] = forms.ChoiceField(
                        label=head or f"Column {column + 1}",
                        choices=_field_choices,
                        required=False,
                        initial=sheet.columns.get(column, ""),
                    )

    @property
    def sheets(self) -> list[SheetLines]:
        """Return the sheets with their columns and fields, for the template."""
        return [
            SheetLines(
                sheet.name,
                sheet.head_row,
                self[f"s{index}"],
                tuple(
                    ColumnLine(
                        str(self.fields[name].label),
                        tuple(
                            row[column]
                            for row in sheet.samples
                            if column < len(row) and row[column]
                        ),
                        self[name],
                        about=_describe_field(self[name].value()),
                        note=self._describe_currency(sheet, column, self[name].value()),
                        is_likely=column in sheet.by_content
                        and self[name].value() == sheet.columns.get(column),
                        is_hidden=column in sheet.hidden_columns,
                    )
                    for column in range(len(sheet.heads))
                    if (name := f"s{index}c{column}") in self.fields
                ),
                sheet.n_hidden_rows,
            )
            for index, sheet in enumerate(self._mapping.sheets)
            if sheet.head_row
        ]

    @cached_property
    def _rates(self) -> dict[str, ExchangeRate]:
        return ExchangeRate.objects.at(day_of(now()))

    def _describe_currency(self, sheet: SheetMapping, column: int, code: str) -> str:
        """Return in which currency the amounts of a column are read, and the rate for them."""
        if code not in _MONEY_CODES:
            return ""
        currency, factor = sheet.currency(column)
        if not currency or currency == "USD":
            return "US dollars, unless a cell states another currency."
        unit = f"{currency} in thousands" if factor == 1_000 else currency
        rate = self._rates.get(currency)
        if rate is None:
            return (
                f"{unit}. No exchange rate of {currency} is recorded, so the amounts are not "
                "imported."
            )
        return f"{unit}, recorded in US dollars at {rate.usd.normalize():f} of {long_day(rate.on)}."

    @property
    def unread(self) -> list[str]:
        """Return spreadsheet pages without headers, of which nothing can be read."""
        return [sheet.name for sheet in self._mapping.sheets if not sheet.head_row]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for index, sheet in enumerate(self._mapping.sheets):
            if cleaned.get(f"s{index}"):
                self._check_sheet(index, sheet, cleaned)
        if not any(cleaned.get(f"s{index}") for index in range(len(self._mapping.sheets))):
            self.add_error(None, "Select at least one worksheet.")
        return cleaned

    def _check_sheet(self, index: int, sheet: SheetMapping, cleaned: dict[str, Any]) -> None:
        """Add errors for a meaning chosen twice, and for a sheet without a column that identifies
        the application."""
        names_by_code: dict[str, str] = {}
        for column in range(len(sheet.heads)):
            name = f"s{index}c{column}"
            code = cleaned.get(name)
            if not code:
                continue
            if code in names_by_code:
                self.add_error(
                    name,
                    f"'{self.fields[names_by_code[code]].label}' is assigned to the same field. "
                    "Keep one of the two.",
                )
            names_by_code.setdefault(code, name)
        if not {"application.name", "application.slug"} & set(names_by_code):
            self.add_error(
                f"s{index}",
                "No column identifies the application. Select the column with its name or ID.",
            )

    def mapping(self) -> BookMapping:
        """Return the mapping that the user has chosen; the form must be valid."""
        sheets = tuple(
            sheet.with_choices(
                {
                    column: code
                    for column in range(len(sheet.heads))
                    if (code := self.cleaned_data.get(f"s{index}c{column}"))
                },
                read=bool(self.cleaned_data.get(f"s{index}")),
            )
            for index, sheet in enumerate(self._mapping.sheets)
        )
        conventions = SheetConventions(
            self.cleaned_data["day_order"], self.cleaned_data["decimal_mark"]
        )
        return replace(
            self._mapping,
            sheets=sheets,
            conventions=conventions,
            team=self.cleaned_data["team"],
        )
