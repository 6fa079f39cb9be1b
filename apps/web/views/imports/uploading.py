"""The first page: a file goes in, and what went in before."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from apps.common.time import now
from apps.intake.filters import ImportFilter
from apps.intake.models import Import
from apps.intake.sheets.importing import receive_sheet
from apps.intake.sheets.limits import MIB, MOST_BYTES
from apps.intake.sheets.tables import Unreadable
from apps.web.filtering import Control, filters
from apps.web.listing import Listing, csv_answer
from apps.web.page import page
from apps.web.views.imports import words
from apps.web.views.imports.access import importing


class UploadForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("CSV or XLSX file"),
        help_text=gettext_lazy("Choose it, or drop it on the field. Nothing is written before you confirm."),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
        max_length=255,
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(
                _("The file is larger than %(n)s MiB. Split it, or remove pictures from it.") % {"n": MOST_BYTES // MIB}
            )
        return file


@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: HttpRequest) -> HttpResponse:
    """Upload above, earlier imports below."""
    user = importing(request)
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            received = receive_sheet(content=file.read(), file_name=file.name, by=user, at=now())
        except Unreadable as unreadable:
            form.add_error("file", str(unreadable))
        else:
            return redirect("import", pk=received.pk)
    found = ImportFilter(request.GET, _rows(user), request=request)
    listing = Listing(request, found.qs)
    return page(
        request,
        "imports/list.html",
        fragment="listing",
        title=_("Import"),
        counts=_("Files, each counted once"),
        status=422 if form.is_bound and form.errors else 200,
        sentence=words.of_list(listing.n_found, listing.count, filtered=listing.is_filtered),
        form=form,
        filters=filters(
            request,
            found,
            [
                Control("state", _("State"), choices=Import.State.choices),
                Control("kind", _("Kind"), choices=Import.Kind.choices),
                Control("application", _("Application"), "text"),
            ],
        ),
        listing=listing,
        rows=[(row, *words.figures(row)) for row in listing.rows],
    )


@require_safe
def import_csv(request: HttpRequest) -> StreamingHttpResponse:
    """The list as CSV."""
    user = importing(request)
    found = ImportFilter(request.GET, _rows(user), request=request)
    heads = ["file", "format", "uploaded by", "uploaded", "state", *(f"rows {word}" for word in words.OUTCOMES),
             "applied", "undone", "kind", "application", "made by", *words.OF_DOCUMENTS, "error"]  # fmt: skip

    def cells(row: Import) -> list[Any]:
        by = row.by.get_username() if row.by else ""
        return [
            row.file_name, row.format, by, row.received_at, row.get_state_display(),
            *(words.n_of(row.counts, "rows", word) for word in words.OUTCOMES), row.applied_at, row.undone_at,
            row.kind, row.application.slug if row.application else "", f"{row.tool} {row.tool_version}".strip(),
            *(row.counts.get(word, "") for word in words.OF_DOCUMENTS), row.error,
        ]  # fmt: skip

    return csv_answer("imports", heads, found.qs.iterator(chunk_size=2000), cells)


def _rows(user: Any) -> QuerySet[Import]:
    return (
        Import.objects.visible_to(user)
        .select_related("by", "application")
        .defer("mapping", "problems")
        .order_by("-received_at", "-id")
    )
