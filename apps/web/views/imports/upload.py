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
        said = self.cleaned_data["application"].strip()
        if not said:
            return None
        found = (
            Application.objects.visible_to(self._user)
            .filter(Q(slug=said) | Q(name__iexact=said))
            .first()
        )
        if found is None:
            raise forms.ValidationError(
                f'No application "{said[:120]}" found. Enter its name or slug.'
            )
        return found

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        form, file = FORMATS.get(cleaned.get("format", "")), cleaned.get("file")
        most = form.most_bytes if form is not None else MAX_BYTES
        if file is not None and file.size > most:
            self.add_error("file", f"The file is larger than {most // MIB} MiB. Split it.")
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
            received = _received(form.cleaned_data, user)
        except (UnreadableError, BodyTooLargeError) as refused:
            form.add_error("file", str(refused))
        except IntakePermissionError as refused:
            form.add_error("application", str(refused))
        else:
            return redirect("imports:detail", pk=received.pk)
    found = ImportFilter(
        with_filter_names(request.GET, "application"), _rows(user), request=request
    )
    listing = PaginatedList(request, found.qs)
    return render_page(
        request,
        "imports/list.html",
        fragment="listing",
        title="Import",
        counts="Files, each counted once",
        status=422 if form.is_bound and form.errors else 200,
        sentence=presenters.import_list_headline(
            listing.n_found, listing.count, filtered=listing.is_filtered
        ),
        form=form,
        filters=build_filter_controls(
            request,
            found,
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
    found = ImportFilter(
        with_filter_names(request.GET, "application"), _rows(user), request=request
    )
    heads = [
        "file",
        "format",
        "uploaded by",
        "uploaded",
        "state",
        *(f"rows {word}" for word in presenters.OUTCOMES),
        "applied",
        "undone",
        "kind",
        "application",
        "made by",
        *presenters.OF_DOCUMENTS,
        "error",
    ]

    def cells(row: Import) -> list[Any]:
        by = row.by.get_username() if row.by else ""
        return [
            row.file_name,
            row.format,
            by,
            row.received_at,
            row.get_state_display(),
            *(presenters.format_count(row.counts, "rows", word) for word in presenters.OUTCOMES),
            row.applied_at,
            row.undone_at,
            row.kind,
            row.application.slug if row.application else "",
            f"{row.tool} {row.tool_version}".strip(),
            *(row.counts.get(word, "") for word in presenters.OF_DOCUMENTS),
            row.error,
        ]

    return csv_response("imports", heads, found.qs.iterator(chunk_size=2000), cells)


def _rows(user: Any) -> QuerySet[Import]:
    return (
        Import.objects.visible_to(user)
        .select_related("by", "application")
        .defer("mapping", "problems")
        .order_by("-received_at", "-id")
    )


def _received(said: dict[str, Any], user: User) -> Import:
    """A sheet waits for its columns; a document is read as if a program had sent it."""
    file = said["file"]
    form = FORMATS.get(said["format"])
    if form is None:
        return receive_sheet(content=file.read(), file_name=file.name, by=user, at=now())
    body = file.read()
    if body.startswith(GZIP_MARK):
        body = decompress(body, max_bytes=form.most_inflated)
    done, _is_new = receive_document(
        form=form,
        body=body,
        by=user,
        at=now(),
        application=said["application"],
        file_name=file.name,
    )
    return done
