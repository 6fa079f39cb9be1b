"""Export files that a worker writes: request, progress and download."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.decorators.http import require_POST, require_safe
from kombu.exceptions import OperationalError

from apps.common.exports.jobs import is_available, read_parts
from apps.common.time import day_of, now
from apps.inventory.export_files import MAX_FILES_PER_USER, n_rows_written, request_file
from apps.inventory.models import ListExport
from apps.web.file_exports import XLSX, find_file_export
from apps.web.lists.columns import Column, format_day, format_moment, format_number
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.pages.action_view import action_view
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.tasks import write_one_file
from apps.web.wording import number

_MAX_QUERY_LENGTH = 4_000


@dataclass(frozen=True, slots=True)
class FileRequest:
    """Kind, title and filters of a file that a user can request; `narrowed` lists the filters as
    text."""

    kind: str
    title: str
    query: str
    narrowed: str


def _parse_file_request(kind: str, query: str) -> FileRequest | None:
    export = find_file_export(kind)
    if export is None or len(query) > _MAX_QUERY_LENGTH:
        return None
    filters = [f"{name}: {value}" for name, value in QueryDict(query).items() if value]
    return FileRequest(kind, str(export.title), query, ", ".join(filters))


class FileList(ListPage[ListExport, ListExport]):
    """The user's files, latest first, and above them the offer to write the one that the URL
    names."""

    namespace = "files"
    title = "Files"
    nouns = ("file", "files")
    counts = "Files that you requested"
    columns = (
        Column[ListExport](
            "file",
            "File",
            attrgetter("name"),
            url=lambda file: reverse("files:detail", args=[file.pk]),
        ),
        Column[ListExport]("requested", "Requested", attrgetter("as_of"), format=format_moment),
        Column[ListExport]("state", "State", ListExport.get_state_display),
        Column[ListExport](
            "rows", "Rows", attrgetter("n_rows"), format=format_number, is_numeric=True
        ),
        Column[ListExport]("expires", "Stored until", attrgetter("expires_on"), format=format_day),
    )
    default_order = ("", ("-as_of", "-pk"))
    page_size = 25
    template = "files/list.html"
    # the query of the address names a file to write, and filters nothing
    is_filtered = False

    @cached_property
    def file_request(self) -> FileRequest | None:
        query = self.request.GET
        return _parse_file_request(query.get("make", ""), query.get("query", ""))

    def get_queryset(self) -> "QuerySet[ListExport]":
        return ListExport.objects.visible_to(self.user)

    def get_lead(self) -> Headline:
        if self.file_request:
            return Headline(f"{self.file_request.title}: the file is written in the background.")
        return super().get_lead()

    def get_basis(self) -> str:
        return (
            "A workbook of many rows is written in the background, with the rows that you can view "
            f"then. It is stored for a week; the latest {MAX_FILES_PER_USER} are kept."
        )

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No files yet.",
            "Request the XLSX of a long list, such as all applications. It is written here.",
            "View applications",
            reverse("applications:list"),
        )

    def get_context(self) -> Mapping[str, Any]:
        return {"asked": self.file_request}


@require_POST
def submit_file_request(request: HttpRequest) -> HttpResponse:
    """Queue a file that takes too long for a request, and redirect to its page."""
    user = signed_in_user(request)
    file_request = _parse_file_request(request.POST.get("make", ""), request.POST.get("query", ""))
    if file_request is None:
        raise Http404("This file type does not exist. Select one of the list.")
    at = now()
    export = find_file_export(file_request.kind)
    assert export is not None
    stem, _dot, extension = export.file_name.rpartition(".")
    return action_view(
        request,
        action=lambda _form: request_file(
            kind=file_request.kind,
            query=file_request.query,
            name=f"{stem}-{day_of(at)}.{extension}",
            by=user,
            at=at,
        ),
        done=_start_worker,
        back=lambda file: reverse("files:detail", args=[file.pk]),
        refused=reverse("files:list"),
    )


def _start_worker(file: ListExport) -> str:
    """Send the file to a worker. Return no message: the page of the file shows the progress."""
    # without a broker the periodic sweep starts the job within a minute
    with contextlib.suppress(OperationalError):
        write_one_file.delay(file.pk)
    return ""


def _get_export(request: HttpRequest, pk: int) -> ListExport:
    return get_object_or_404(ListExport.objects.visible_to(signed_in_user(request)), pk=pk)


@require_safe
def file_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the state of a queued file, and its download once it is ready."""
    export = _get_export(request, pk)
    file_request = _parse_file_request(export.kind, export.query)
    file_export = find_file_export(export.kind)
    return render_page(
        request,
        "files/one.html",
        title=export.name,
        crumbs=(("Files", reverse("files:list")),),
        counts="Records that the requesting user can view",
        as_of=export.as_of,
        sentence=_build_headline(export),
        file=export,
        asked=file_request,
        is_kept=is_available(export),
        n_done=n_rows_written(export),
        is_running=_is_running(export),
        leads_to=reverse(file_export.leads_to) if file_export else "",
    )


def _build_headline(export: ListExport) -> Headline:
    if export.state == ListExport.State.DONE:
        return Headline(f"{export.name} is ready: {number(export.n_rows)} rows.")
    if export.state == ListExport.State.FAILED:
        return Headline("", f"{export.name} could not be written", ".")
    return Headline(
        f"{export.name} is being written. You can leave this page and download it here later."
    )


@require_safe
def file_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Render the progress fragment, or reload the page once the file is written."""
    export = _get_export(request, pk)
    if export.state not in ListExport.OPEN:
        response = HttpResponse(status=200)
        response["HX-Refresh"] = "true"
        return response
    context = {"file": export, "n_done": n_rows_written(export), "is_running": _is_running(export)}
    return render(request, "files/one.html#progress", context)


def _is_running(export: ListExport) -> bool:
    """Return whether a worker is writing the file. A file that its worker abandoned is not
    running."""
    return export.state == ListExport.State.RUNNING and not export.is_abandoned(at=now())


@require_safe
def file_body(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Stream the file in parts."""
    export = _get_export(request, pk)
    if not is_available(export):
        raise Http404("This file is no longer stored. Request it again.")
    return StreamingHttpResponse(
        read_parts(export),
        content_type="application/zip" if export.name.endswith(".zip") else XLSX,
        headers={
            "Content-Disposition": f'attachment; filename="{export.name}"',
            "Content-Length": str(export.n_bytes),
        },
    )
