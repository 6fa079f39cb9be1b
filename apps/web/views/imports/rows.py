"""Edit of one row of a preview: its cells with all reasons, in the table or on its own page."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.common.time import now
from apps.intake.models import Import, ImportRow
from apps.intake.spreadsheets.columns.fields import FIELDS
from apps.intake.spreadsheets.columns.mapping import BookMapping, SheetMapping
from apps.intake.spreadsheets.limits import MAX_CELL_LENGTH
from apps.intake.spreadsheets.row_edits import RowReason, edit_row, edits_of, reasons_of
from apps.web.lists.list_page import ListRequest
from apps.web.pages.action_view import action_view
from apps.web.pages.page import Headline, render_page
from apps.web.views.imports.detail import ImportRowList
from apps.web.views.imports.permissions import own_import
from apps.web.views.imports.wizard import PREVIEW, wizard_steps
from apps.web.wording import quantity_of

# parameter of the fragments that replace a row of the table
_INLINE = "inline"


@dataclass(frozen=True, slots=True)
class CellLine:
    """Cell of the row: its field and the reasons that are about it."""

    field: forms.BoundField
    meaning: str
    reasons: tuple[str, ...]


class RowForm(forms.Form):
    """Form of the cells of a row; the columns that are imported come first."""

    def __init__(
        self, data: object = None, *, row: ImportRow, sheet: SheetMapping, reasons: list[RowReason]
    ) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self._row = row
        self._sheet = sheet
        self._reasons = reasons
        for place in self._places():
            text = row.cells[place] if place < len(row.cells) else ""
            self.fields[f"c{place}"] = forms.CharField(
                label=sheet.heads[place] or f"Column {place + 1}",
                required=False,
                strip=False,
                max_length=MAX_CELL_LENGTH,
                initial=text,
                widget=forms.Textarea(attrs={"rows": 2})
                if len(text) > 60 or "\n" in text
                else forms.TextInput(),
            )

    def _places(self) -> list[int]:
        """Return the positions of the imported columns, those with a reason first."""
        blamed = {reason.column for reason in self._reasons}
        places = [place for place in range(len(self._sheet.heads)) if place in self._sheet.columns]
        return sorted(places, key=lambda place: (self._sheet.heads[place] not in blamed, place))

    @property
    def lines(self) -> list[CellLine]:
        return [
            CellLine(
                self[f"c{place}"],
                FIELDS[self._sheet.columns[place]].label,
                tuple(
                    reason.sentence
                    for reason in self._reasons
                    if reason.column == self._sheet.heads[place]
                ),
            )
            for place in self._places()
        ]

    @property
    def general_reasons(self) -> list[str]:
        """Return the reasons that are about no imported column."""
        heads = {self._sheet.heads[place] for place in self._places()}
        return [reason.sentence for reason in self._reasons if reason.column not in heads]

    def changed_cells(self) -> dict[int, str]:
        """Return the replaced texts by position of the column."""
        return {
            int(name.removeprefix("c")): text
            for name, text in self.cleaned_data.items()
            if text != (self.fields[name].initial or "")
        }


@require_http_methods(["GET", "HEAD", "POST"])
def edit_row_page(request: HttpRequest, pk: int, position: int) -> HttpResponse:
    """Show the cells of a row, or replace them and plan the row again."""
    import_, user = own_import(request, pk)
    detail_url = reverse("imports:detail", args=[pk])
    if import_.kind != Import.Kind.SHEET or import_.state != Import.State.READ:
        return redirect(detail_url)
    row = get_object_or_404(ImportRow, import_record=import_, position=position)
    if getattr(request, "htmx", False) and request.GET.get(_INLINE) == "row":
        return _render_row(request, import_, row)
    mapping = BookMapping.from_json(import_.mapping)
    sheet = mapping.sheets[row.sheet]
    reasons = reasons_of(row)
    return action_view(
        request,
        form=lambda: RowForm(
            request.POST if request.method == "POST" else None,
            row=row,
            sheet=sheet,
            reasons=reasons,
        ),
        action=lambda form: _edit(import_, row, form, user),
        done="" if getattr(request, "htmx", False) else f"Row {row.number} was saved.",
        back=lambda edited: (
            _render_row(request, import_, edited)
            if getattr(request, "htmx", False)
            else f"{detail_url}#row-{edited.position}"
        ),
        page=lambda form: _render_form(request, import_, row, form),
    )


def _edit(import_: Import, row: ImportRow, form: RowForm, user: object) -> ImportRow:
    cells = form.changed_cells()
    if not cells:
        return row
    return edit_row(
        import_=import_,
        position=row.position,
        cells=cells,
        by=user,  # type: ignore[arg-type]
        at=now(),
    )


def _render_form(
    request: HttpRequest, import_: Import, row: ImportRow, form: RowForm
) -> HttpResponse:
    context: dict[str, Any] = {
        "import_": import_,
        "row": row,
        "form": form,
        "edits": edits_of(import_, position=row.position),
        "n_columns": len(ImportRowList.columns),
    }
    if getattr(request, "htmx", False):
        response = render(request, "imports/row-form-inline.html", context)
        response["Vary"] = "HX-Request, Cookie"
        return response
    n = len(form.lines)
    n_reasons = len(form.general_reasons) + sum(len(line.reasons) for line in form.lines)
    return render_page(
        request,
        "imports/row.html",
        title=f"Row {row.number}",
        crumbs=(
            ("Import", reverse("imports:list")),
            (str(import_), reverse("imports:detail", args=[import_.pk])),
        ),
        counts="Cells of this row",
        as_of=import_.read_at or import_.received_at,
        steps=wizard_steps(import_, PREVIEW, is_own=True),
        sentence=_describe_row(row, n, n_reasons),
        **context,
    )


def _describe_row(row: ImportRow, n_columns: int, n_reasons: int) -> Headline:
    if row.outcome == ImportRow.Outcome.REFUSED:
        return Headline(
            f"Row {row.number} cannot be imported: ",
            quantity_of(n_reasons, "reason"),
            " to correct.",
        )
    return Headline(f"Row {row.number} has {quantity_of(n_columns, 'imported column')}.")


def _render_row(request: HttpRequest, import_: Import, row: ImportRow) -> HttpResponse:
    """Return the row of the table, and the sentence of the page with its new counts."""
    import_.refresh_from_db()
    page = ImportRowList(
        ListRequest(request.GET, request.user),  # type: ignore[arg-type]
        at=now(),
        import_=import_,
    )
    (entry,) = page.build_table(page.build_rows([row]))
    return render(
        request,
        "imports/row-inline.html",
        {"page": page, "entry": entry, "sentence": page.get_lead(), "swap": True},
    )
