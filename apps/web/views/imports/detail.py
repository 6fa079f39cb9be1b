"""Import page in every state: its columns, its preview, its progress, its result."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.decorators.http import require_safe

from apps.accounts.models import Team, User
from apps.common.time import now
from apps.intake.filters import ImportRowFilter
from apps.intake.models import Import, ImportRow
from apps.intake.queries import people_of_import
from apps.intake.spreadsheets.columns.mapping import BookMapping
from apps.intake.spreadsheets.import_steps import earlier_import_of
from apps.intake.spreadsheets.rejected_rows import sheets_with_rejected_rows
from apps.intake.spreadsheets.values.steps import distinct_models, named_records
from apps.web.lists.columns import Column, FileColumn
from apps.web.lists.list_page import EmptyState, ListPage, ListRequest
from apps.web.pages.filter_controls import BOOLEANS, FilterControl
from apps.web.pages.page import Headline, render_page
from apps.web.views.imports import presenters
from apps.web.views.imports.consequences import describe_consequences, describe_not_imported
from apps.web.views.imports.documents import show_document
from apps.web.views.imports.forms import ColumnsForm
from apps.web.views.imports.permissions import import_or_404
from apps.web.views.imports.presenters import RowWords
from apps.web.views.imports.progress import progress_words
from apps.web.views.imports.wizard import COLUMNS, PREVIEW, RESULT, VALUES, wizard_steps

# people that one press of the button invites
MAX_INVITED = 500

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
        "steps": wizard_steps(import_, _step_of(import_, form), is_own=is_own),
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
        page = ImportRowList(ListRequest(request.GET, user), at=now(), import_=import_)
        return page.render(request, status=status, **context)
    return render_page(
        request,
        "imports/columns.html" if form is not None else "imports/one.html",
        title=str(import_),
        crumbs=(("Import", reverse("imports:list")),),
        counts="Rows of this file",
        as_of=import_.read_at or import_.received_at,
        status=status,
        **context,
    )


def _step_of(import_: Import, form: ColumnsForm | None) -> str:
    if form is not None or import_.state == Import.State.RECEIVED:
        return COLUMNS
    if import_.state == Import.State.READING:
        return VALUES
    if import_.state in {Import.State.READ, Import.State.DROPPED}:
        return PREVIEW
    return COLUMNS if import_.state == Import.State.FAILED else RESULT


class ImportRowList(ListPage[ImportRow, RowWords]):
    """Planned rows of one spreadsheet (`pk`) in their order, with what each changes."""

    namespace = "imports"
    route = "detail"
    file_route = "rows"
    title = "Import"
    nouns = ("row", "rows")
    counts = "Rows of this file"
    filterset_class = ImportRowFilter
    columns = (
        Column[RowWords]("row", "Row", attrgetter("row.number"), note=attrgetter("sheet")),
        Column[RowWords](
            "outcome",
            "Outcome",
            lambda line: line.row.get_outcome_display(),
            css=lambda line: f"badge outcome-{line.row.outcome}",
        ),
        Column[RowWords](
            "application",
            "Application",
            attrgetter("name"),
            note=lambda line: "new" if line.is_new else "",
            url=lambda line: reverse("applications:detail", args=[line.slug]) if line.slug else "",
        ),
        Column[RowWords](
            "model",
            "Model",
            attrgetter("model"),
            note=attrgetter("model_note"),
            css=lambda line: "id" if line.model else "",
        ),
        Column[RowWords](
            "changes",
            "Changes or reason",
            attrgetter("changes_text"),
            width="changes whole",
            template="imports/changes-cell.html",
        ),
    )
    file_columns = (
        FileColumn[RowWords]("Sheet", attrgetter("sheet_name")),
        FileColumn[RowWords]("Host", attrgetter("host")),
        FileColumn[RowWords]("Column", attrgetter("row.column")),
        FileColumn[RowWords]("Reason", attrgetter("reasons_text")),
        FileColumn[RowWords]("Note", attrgetter("row.note")),
    )
    controls = (
        FilterControl("outcome", "Outcome", choices=ImportRow.Outcome.choices),
        FilterControl("left_out", "Without some cells", choices=BOOLEANS),
    )
    default_order = ("", ("position",))
    template = "imports/one.html"

    def check_access(self) -> None:
        self.import_ = self.kwargs.pop("import_", None) or self._load_import()
        self.kwargs["pk"] = self.import_.pk

    def _load_import(self) -> Import:
        return import_or_404(self.request, self.kwargs["pk"])[0]

    @cached_property
    def sheets(self) -> Sequence[str]:
        """The names of the sheets, in the order of the file."""
        return [sheet.name for sheet in self.mapping.sheets]

    @cached_property
    def mapping(self) -> BookMapping:
        return BookMapping.from_json(self.import_.mapping)

    def get_queryset(self) -> "QuerySet[ImportRow]":
        return ImportRow.objects.filter(import_record=self.import_)

    def build_rows(self, records: Sequence[ImportRow]) -> Sequence[RowWords]:
        """Return the rows with the names of teams that applications move between: at most one
        statement."""
        team_ids = {
            team
            for row in records
            for team in ((row.plan.get("application") or {}).get("changes", {}).get("team") or ())
            # a team that the import creates stands by its name
            if isinstance(team, int)
        }
        teams = Team.objects.filter(pk__in=team_ids).values_list("pk", "name")
        names = {"team": dict(teams) if team_ids else {}}
        has_several = sum(sheet.read for sheet in self.mapping.sheets) > 1
        return presenters.present_rows(
            records,
            self.sheets,
            names,
            shows_sheet=has_several,
            is_editable=self.import_.state == Import.State.READ
            and self.import_.by_id == self.user.pk,
            is_applied=self.import_.state == Import.State.APPLIED,
        )

    def get_title(self) -> str:
        return str(self.import_)

    def get_crumbs(self) -> tuple[tuple[str, str], ...]:
        return (("Import", reverse("imports:list")),)

    def get_as_of(self) -> datetime:
        return self.import_.read_at or self.import_.received_at

    def get_lead(self) -> Headline:
        return presenters.import_headline(self.import_)

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "The file has no rows below its column headers.",
            "Add rows to the file, or select other columns.",
        )

    def get_anchor(self, row: RowWords) -> str:
        return f"row-{row.row.position}"

    def _describe_step(self) -> dict[str, Any]:
        """Return what the import will write, or what follows from it."""
        import_ = self.import_
        if import_.state == Import.State.READ:
            models = distinct_models(import_)
            return {
                "consequences": describe_consequences(
                    import_, models, named_records(import_), today=self.today
                ),
                "not_imported": describe_not_imported(import_, models),
            }
        if import_.state == Import.State.APPLIED and import_.change:
            return {
                "n_contacts": people_of_import(import_).count(),
                "max_invited": MAX_INVITED,
            }
        return {}

    def get_row_css(self, row: RowWords) -> str:
        return "over" if row.row.outcome == ImportRow.Outcome.REFUSED else ""

    def get_context(self) -> Mapping[str, Any]:
        counts = self.import_.counts
        return {
            **self._describe_step(),
            "n_unresolved": counts.get("unresolved", 0),
            "refused_sheets": sheets_with_rejected_rows(self.import_)
            if presenters.format_count(counts, "rows", "refused")
            else [],
            "n_to_write": sum(
                presenters.format_count(counts, kind, "added", "changed")
                for kind in ("applications", "uses")
            ),
        }
