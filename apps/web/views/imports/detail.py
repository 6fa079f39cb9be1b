"""Import page in every state: its columns, its preview, its progress, its result."""

from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import Team, User
from apps.intake.filters import ImportRowFilter
from apps.intake.import_progress import progress_of
from apps.intake.models import Import, ImportRow
from apps.intake.spreadsheets.columns.mapping import BookMapping
from apps.intake.spreadsheets.import_steps import earlier_import_of
from apps.intake.spreadsheets.rejected_rows import sheets_with_rejected_rows
from apps.web.pages.filter_controls import FilterControl, build_filter_controls
from apps.web.pages.list_page import PaginatedList, csv_response
from apps.web.pages.page import render_page
from apps.web.views.imports import presenters
from apps.web.views.imports.documents import show_document
from apps.web.views.imports.forms import ColumnsForm
from apps.web.views.imports.permissions import import_or_404

# states in which rows have been planned
_WITH_ROWS = (
    Import.State.READ,
    Import.State.APPLYING,
    Import.State.APPLIED,
    Import.State.UNDOING,
    Import.State.UNDONE,
)


@require_safe
def import_page(request: HttpRequest, pk: int) -> HttpResponse:
    import_, user = import_or_404(request, pk)
    if import_.kind != Import.Kind.SHEET:
        return show_document(request, import_, user, **progress_words(import_))
    return show(request, import_, user)


def show(
    request: HttpRequest,
    import_: Import,
    user: User,
    *,
    form: ColumnsForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """Show the page of an import; with `form` the columns are being selected."""
    mapping = BookMapping.from_json(import_.mapping)
    is_own = import_.by_id == user.pk
    if form is None and import_.state in {Import.State.RECEIVED, Import.State.FAILED} and is_own:
        form = ColumnsForm(mapping=mapping, user=user)
    context: dict[str, Any] = {
        "sentence": presenters.import_headline(import_)
        if form is None
        else presenters.columns_headline(import_),
        "import_": import_,
        "is_own": is_own,
        "form": form,
        "same": earlier_import_of(import_, user=user)
        if form is not None or import_.state == Import.State.READ
        else None,
        "ignored": [
            (sheet.name, sheet.ignored) for sheet in mapping.sheets if sheet.read and sheet.ignored
        ],
        **progress_words(import_),
    }
    if form is None and import_.state in _WITH_ROWS:
        context |= _build_preview(request, import_, mapping)
    return render_page(
        request,
        "imports/columns.html" if form is not None else "imports/one.html",
        fragment="" if form is not None else "listing",
        title=str(import_),
        crumbs=(("Import", reverse("imports:list")),),
        counts="Rows of this one file",
        as_of=import_.read_at or import_.received_at,
        status=status,
        **context,
    )


def _build_preview(request: HttpRequest, import_: Import, mapping: BookMapping) -> dict[str, Any]:
    """Return the context of the preview, 50 rows a page: a bounded count, the rows with the names
    of their teams, and the spreadsheet pages with rejected rows."""
    filterset = ImportRowFilter(
        request.GET, ImportRow.objects.filter(import_record=import_), request=request
    )
    listing = PaginatedList(request, filterset.qs.order_by("position"))
    sheets = (
        [sheet.name for sheet in mapping.sheets]
        if sum(sheet.read for sheet in mapping.sheets) > 1
        else []
    )
    team_ids = {
        team
        for row in listing.rows
        for team in ((row.plan.get("application") or {}).get("changes", {}).get("team") or ())
        if team
    }
    team_names = (
        dict(Team.objects.filter(pk__in=team_ids).values_list("pk", "name")) if team_ids else {}
    )
    counts = import_.counts
    return {
        "n_unresolved": counts.get("unresolved", 0),
        "refused_sheets": sheets_with_rejected_rows(import_)
        if presenters.format_count(counts, "rows", "refused")
        else [],
        "n_to_write": sum(
            presenters.format_count(counts, kind, "added", "changed")
            for kind in ("applications", "uses")
        ),
        "filters": build_filter_controls(
            request,
            filterset,
            [FilterControl("outcome", "Outcome", choices=ImportRow.Outcome.choices)],
        ),
        "listing": listing,
        "rows": presenters.present_rows(listing.rows, sheets, {"team": team_names}),
    }


def progress_words(import_: Import) -> dict[str, Any]:
    """Return the context of the progress component; empty unless a worker processes the import."""
    if not import_.is_waiting:
        return {}
    progress = progress_of(import_.pk)
    label = {
        Import.State.READING: "Reading the rows",
        Import.State.APPLYING: "Writing",
        Import.State.UNDOING: "Putting everything back",
    }[Import.State(import_.state)]
    return {
        "words": label,
        "value": progress.n_done if progress else 0,
        "max": progress.n_total if progress and progress.n_total else None,
        "progress_url": reverse("imports:progress", args=[import_.pk]),
    }


@require_safe
def rows_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Send the effect of every row, as the page shows it."""
    import_, _user = import_or_404(request, pk)
    mapping = BookMapping.from_json(import_.mapping)
    sheets = [sheet.name for sheet in mapping.sheets]
    filterset = ImportRowFilter(
        request.GET, ImportRow.objects.filter(import_record=import_), request=request
    )
    names = {"team": dict(Team.objects.values_list("pk", "name"))}
    heads = [
        "sheet",
        "row",
        "outcome",
        "application",
        "host",
        "model",
        "changes",
        "column",
        "why",
        "note",
    ]

    def cells(row: ImportRow) -> list[Any]:
        [line] = presenters.present_rows([row], [], names)
        changes = "; ".join(
            f"{change.label}: {change.old or '–'} → {change.new or '–'}" for change in line.changes
        )
        return [
            sheets[row.sheet],
            row.number,
            row.get_outcome_display(),
            line.name,
            line.host,
            line.model,
            changes,
            row.column,
            row.reason,
            row.note,
        ]

    return csv_response(
        "import-rows", heads, filterset.qs.order_by("position").iterator(chunk_size=2000), cells
    )
