"""Upload page: a file to import, and earlier imports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from apps.accounts.models import User
from apps.common.time import now
from apps.intake.decompression import GZIP_MARK, BodyTooLargeError, decompress
from apps.intake.documents.formats import FORMATS
from apps.intake.documents.ingest import receive_document
from apps.intake.filters import ImportFilter
from apps.intake.import_jobs import IntakePermissionError
from apps.intake.models import Import
from apps.intake.spreadsheets.files.tables import UnreadableError
from apps.intake.spreadsheets.import_steps import receive_sheet
from apps.intake.spreadsheets.limits import MAX_BYTES, MIB
from apps.inventory.models import Application
from apps.web.lists.columns import Column, FileColumn, format_moment, format_number
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.page import Headline
from apps.web.views.imports import presenters
from apps.web.views.imports.exports import EXAMPLE_SHEET
from apps.web.views.imports.permissions import importing_user
from apps.web.views.imports.wizard import FINISHED_STEP, VALUES, continuation_url

# words of the columns of files
OUTCOME_WORDS = {
    "added": "added",
    "changed": "changed",
    "unchanged": "unchanged",
    "refused": "rejected",
}
DOCUMENT_WORDS = {
    "sightings": "observations",
    "created": "new dependencies",
    "updated": "updated dependencies",
    "unchanged": "unchanged dependencies",
    "unresolved": "unrecognised names",
    "unclaimed": "observations without application",
    "missing": "no longer named",
    "rejected": "rejected entries",
}


class UploadForm(forms.Form):
    file = forms.FileField(
        label="File",
        help_text="Select a file, or drop it on the field. Spreadsheets are imported only "
        "after you confirm.",
        widget=forms.ClearableFileInput(
            attrs={"accept": ".csv,.tsv,.txt,.xlsx,.json,.xml,.yaml,.yml,.gz"}
        ),
        max_length=255,
    )
    format = forms.ChoiceField(
        label="File type",
        choices=[
            ("", "Spreadsheet, CSV or XLSX"),
            *((name, form.label) for name, form in FORMATS.items()),
        ],
        required=False,
    )
    application = forms.CharField(
        label="Application",
        help_text="For a document about one application: its name or slug.",
        max_length=200,
        required=False,
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user

    def clean_application(self) -> Application | None:
        text = self.cleaned_data["application"].strip()
        if not text:
            return None
        application = (
            Application.objects.visible_to(self._user)
            .filter(Q(slug=text) | Q(name__iexact=text))
            .first()
        )
        if application is None:
            raise forms.ValidationError(
                f'No application "{text[:120]}" found. Enter its name or slug.'
            )
        return application

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        document_format, file = FORMATS.get(cleaned.get("format", "")), cleaned.get("file")
        max_bytes = document_format.most_bytes if document_format is not None else MAX_BYTES
        if file is not None and file.size > max_bytes:
            self.add_error("file", f"The file is larger than {max_bytes // MIB} MiB. Split it.")
        return cleaned


@dataclass(frozen=True, slots=True)
class ImportEntry:
    """Import with its numbers of added, changed and rejected rows of a spreadsheet, or dependencies
    of a document."""

    import_: Import
    n_added: int
    n_changed: int
    n_rejected: int
    url: str = ""


def _describe_document(entry: ImportEntry) -> str:
    import_ = entry.import_
    if import_.kind == Import.Kind.SHEET:
        return ""
    application = import_.application.name if import_.application else ""
    return ", ".join(filter(None, (import_.get_kind_display(), import_.tool, application)))


def _build_count_column(header: str, name: str) -> Column[ImportEntry]:
    return Column(name, header, attrgetter(name), format=format_number, is_numeric=True)


def _build_outcome_column(outcome: str) -> FileColumn[ImportEntry]:
    return FileColumn(
        f"Rows {OUTCOME_WORDS[outcome]}",
        lambda entry: presenters.format_count(entry.import_.counts, "rows", outcome),
    )


def _build_document_column(name: str) -> FileColumn[ImportEntry]:
    return FileColumn(
        f"Document: {DOCUMENT_WORDS[name]}", lambda entry: entry.import_.counts.get(name, "")
    )


class ImportList(ListPage[Import, ImportEntry]):
    """Imports by the filters of the URL, latest first, below the form to upload a file."""

    namespace = "imports"
    title = "Import"
    nouns = ("import", "imports")
    counts = "Files, each counted once"
    filterset_class = ImportFilter
    slug_filters = ("application",)
    columns = (
        Column[ImportEntry](
            "file",
            "File",
            lambda entry: str(entry.import_),
            note=_describe_document,
            url=attrgetter("url"),
        ),
        Column[ImportEntry]("state", "State", lambda entry: entry.import_.get_state_display()),
        Column[ImportEntry](
            "received",
            "Received",
            attrgetter("import_.received_at"),
            format=format_moment,
            note=lambda entry: str(entry.import_.by or "the operator"),
        ),
        _build_count_column("Added", "n_added"),
        _build_count_column("Changed", "n_changed"),
        _build_count_column("Rejected", "n_rejected"),
    )
    file_columns = (
        FileColumn[ImportEntry]("Format", attrgetter("import_.format")),
        FileColumn[ImportEntry](
            "Uploaded by",
            lambda entry: entry.import_.by.get_username() if entry.import_.by else "",
        ),
        FileColumn[ImportEntry]("Type", attrgetter("import_.kind")),
        FileColumn[ImportEntry](
            "Application ID",
            lambda entry: entry.import_.application.slug if entry.import_.application else "",
        ),
        FileColumn[ImportEntry](
            "Tool", lambda entry: f"{entry.import_.tool} {entry.import_.tool_version}".strip()
        ),
        *map(_build_outcome_column, presenters.OUTCOMES),
        *map(_build_document_column, presenters.OF_DOCUMENTS),
        FileColumn[ImportEntry]("Applied at", attrgetter("import_.applied_at")),
        FileColumn[ImportEntry]("Undone at", attrgetter("import_.undone_at")),
        FileColumn[ImportEntry]("Error", attrgetter("import_.error")),
    )
    controls = (
        FilterControl("state", "State", choices=Import.State.choices),
        FilterControl("kind", "Type", choices=Import.Kind.choices),
        FilterControl("application", "Application", "text"),
    )
    default_order = ("", ("-received_at", "-id"))
    template = "imports/list.html"

    def check_access(self) -> None:
        importing_user(self.request)

    def get_queryset(self) -> "QuerySet[Import]":
        imports = Import.objects.visible_to(self.user).select_related("by", "application")
        # of the mapping only the step at which the user left the file is shown
        return imports.defer("mapping", "problems").annotate(
            finished_step=KeyTextTransform(FINISHED_STEP, "mapping")
        )

    def build_rows(self, records: Sequence[Import]) -> Sequence[ImportEntry]:
        return [
            ImportEntry(
                import_,
                *presenters.figures(import_),
                url=continuation_url(
                    import_,
                    is_own=import_.by_id == self.user.pk,
                    has_chosen=import_.finished_step == VALUES,  # type: ignore[attr-defined]
                ),
            )
            for import_ in records
        ]

    def get_lead(self) -> Headline:
        if self.is_filtered:
            return self.describe_matches()
        if not self.listing.n_found:
            return Headline("No imports yet. An upload shows its changes before they are saved.")
        return Headline(f"{self.count_records()}. Each shows its changes and can be undone.")

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No imports yet.",
            "Upload the spreadsheet that you have. The registry shows what each row would change, "
            "and saves nothing before you confirm.",
        )

    def get_context(self) -> Mapping[str, Any]:
        return {"form": UploadForm(user=self.user)}

    def submit(self, request: HttpRequest) -> HttpResponse:
        """Receive a file and lead to its import."""
        form = UploadForm(request.POST, request.FILES, user=self.user)
        if form.is_valid():
            try:
                import_ = _receive_upload(form.cleaned_data, self.user)
            except (UnreadableError, BodyTooLargeError) as error:
                form.add_error("file", str(error))
            except IntakePermissionError as error:
                form.add_error("application", str(error))
            else:
                return redirect("imports:detail", pk=import_.pk)
        return self.render(request, form=form, status=422)


@require_POST
def upload_example(request: HttpRequest) -> HttpResponse:
    """Receive the example as if the user had uploaded it, and lead to its import."""
    user = importing_user(request)
    import_ = receive_sheet(
        content=EXAMPLE_SHEET.read_bytes(), file_name=EXAMPLE_SHEET.name, by=user, at=now()
    )
    return redirect("imports:detail", pk=import_.pk)


def _receive_upload(cleaned: dict[str, Any], user: User) -> Import:
    """Receive the upload: a spreadsheet waits for its column mapping, a document is processed like
    one from a service account."""
    file = cleaned["file"]
    document_format = FORMATS.get(cleaned["format"])
    if document_format is None:
        return receive_sheet(content=file.read(), file_name=file.name, by=user, at=now())
    body = file.read()
    if body.startswith(GZIP_MARK) and document_format.reduce is None:
        body = decompress(body, max_bytes=document_format.most_inflated)
    import_, _is_new = receive_document(
        document_format=document_format,
        body=body,
        by=user,
        at=now(),
        application=cleaned["application"],
        file_name=file.name,
    )
    return import_
