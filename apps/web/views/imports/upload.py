"""Upload page: a file to import, and earlier imports."""

from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

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
from apps.web.pages.filter_controls import FilterControl, build_filter_controls, with_filter_names
from apps.web.pages.list_page import PaginatedList, csv_response
from apps.web.pages.page import render_page
from apps.web.views.imports import presenters
from apps.web.views.imports.permissions import importing_user


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


@require_http_methods(["GET", "HEAD", "POST"])
def import_list(request: HttpRequest) -> HttpResponse:
    """Show the upload form above, earlier imports below."""
    user = importing_user(request)
    form = (
        UploadForm(request.POST, request.FILES, user=user)
        if request.method == "POST"
        else UploadForm(user=user)
    )
    if request.method == "POST" and form.is_valid():
        try:
            import_ = _receive_upload(form.cleaned_data, user)
        except (UnreadableError, BodyTooLargeError) as error:
            form.add_error("file", str(error))
        except IntakePermissionError as error:
            form.add_error("application", str(error))
        else:
            return redirect("imports:detail", pk=import_.pk)
    filterset = ImportFilter(
        with_filter_names(request.GET, "application"), _select_imports(user), request=request
    )
    listing = PaginatedList(request, filterset.qs)
    return render_page(
        request,
        "imports/list.html",
        fragment="listing",
        title="Import",
        counts="Files, each counted once",
        status=422 if form.is_bound and form.errors else 200,
        sentence=presenters.import_list_headline(
            listing.n_found, listing.count, is_filtered=listing.is_filtered
        ),
        form=form,
        filters=build_filter_controls(
            request,
            filterset,
            [
                FilterControl("state", "State", choices=Import.State.choices),
                FilterControl("kind", "Kind", choices=Import.Kind.choices),
                FilterControl("application", "Application", "text"),
            ],
        ),
        listing=listing,
        rows=[(row, *presenters.figures(row)) for row in listing.rows],
    )


@require_safe
def import_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send the list as CSV."""
    user = importing_user(request)
    filterset = ImportFilter(
        with_filter_names(request.GET, "application"), _select_imports(user), request=request
    )
    heads = [
        "file",
        "format",
        "uploaded by",
        "uploaded",
        "state",
        *(f"rows {outcome}" for outcome in presenters.OUTCOMES),
        "applied",
        "undone",
        "kind",
        "application",
        "made by",
        *presenters.OF_DOCUMENTS,
        "error",
    ]

    def cells(row: Import) -> list[Any]:
        uploader = row.by.get_username() if row.by else ""
        return [
            row.file_name,
            row.format,
            uploader,
            row.received_at,
            row.get_state_display(),
            *(presenters.format_count(row.counts, "rows", key) for key in presenters.OUTCOMES),
            row.applied_at,
            row.undone_at,
            row.kind,
            row.application.slug if row.application else "",
            f"{row.tool} {row.tool_version}".strip(),
            *(row.counts.get(key, "") for key in presenters.OF_DOCUMENTS),
            row.error,
        ]

    return csv_response("imports", heads, filterset.qs.iterator(chunk_size=2000), cells)


def _select_imports(user: Any) -> QuerySet[Import]:
    return (
        Import.objects.visible_to(user)
        .select_related("by", "application")
        .defer("mapping", "problems")
        .order_by("-received_at", "-id")
    )


def _receive_upload(cleaned: dict[str, Any], user: User) -> Import:
    """Receive the upload: a spreadsheet waits for its column mapping, a document is processed like
    one from a service account."""
    file = cleaned["file"]
    document_format = FORMATS.get(cleaned["format"])
    if document_format is None:
        return receive_sheet(content=file.read(), file_name=file.name, by=user, at=now())
    body = file.read()
    if body.startswith(GZIP_MARK):
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
