"""Export files that a worker writes: requested, followed by their progress, downloaded."""

import contextlib
from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from kombu.exceptions import OperationalError

from apps.common.exports.jobs import ExportError, is_available, read_parts
from apps.common.time import day_of, now
from apps.inventory.export_files import MAX_FILES_PER_USER, n_rows_written, request_file
from apps.inventory.models import ListExport
from apps.web.file_exports import FILE_EXPORTS, XLSX
from apps.web.pages.flash_messages import flash_error
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import PaginatedList
from apps.web.pages.page import Headline, render_page
from apps.web.tasks import write_one_file
from apps.web.wording import count_of, number

_LONGEST_QUERY = 4_000


@dataclass(frozen=True, slots=True)
class FileRequest:
    """File that can be requested, and its filters in words."""

    kind: str
    title: str
    query: str
    narrowed: str


def _parse_file_request(kind: str, query: str) -> FileRequest | None:
    if kind not in FILE_EXPORTS or len(query) > _LONGEST_QUERY:
        return None
    named = [f"{name}: {value}" for name, value in QueryDict(query).items() if value]
    return FileRequest(kind, str(FILE_EXPORTS[kind].title), query, ", ".join(named))


@require_safe
def file_list(request: HttpRequest) -> HttpResponse:
    """List the user's files, and the one that the URL offers to write."""
    user = signed_in_user(request)
    listing = PaginatedList(
        request, ListExport.objects.visible_to(user).order_by("-as_of", "-pk"), size=25
    )
    asked = _parse_file_request(request.GET.get("make", ""), request.GET.get("query", ""))
    return render_page(
        request,
        "files/list.html",
        fragment="listing",
        title="Files",
        counts="Files that were written for you",
        as_of=now(),
        sentence=Headline(
            f"{asked.title}: too many rows to wait for."
            if asked
            else "{files} asked for.".format(
                files=count_of(listing.n_found, "long file", "long files").capitalize()
            )
        ),
        asked=asked,
        listing=listing,
        rows=[
            (row, row.state == ListExport.State.DONE and row.expires_on > day_of(now()))
            for row in listing.rows
        ],
        most=MAX_FILES_PER_USER,
    )


@require_POST
def submit_file_request(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    asked = _parse_file_request(request.POST.get("make", ""), request.POST.get("query", ""))
    if asked is None:
        raise Http404("This file type does not exist. Select one of the list.")
    at = now()
    stem, _dot, ending = FILE_EXPORTS[asked.kind].file_name.rpartition(".")
    try:
        file = request_file(
            kind=asked.kind, query=asked.query, name=f"{stem}-{day_of(at)}.{ending}", by=user, at=at
        )
    except ExportError as refusal:
        flash_error(request, str(refusal))
        return redirect("files:list")
    # without a broker the sweep finds it within a minute
    with contextlib.suppress(OperationalError):
        write_one_file.delay(file.pk)
    return redirect("files:detail", pk=file.pk)


def _one(request: HttpRequest, pk: int) -> ListExport:
    return get_object_or_404(ListExport.objects.visible_to(signed_in_user(request)), pk=pk)


@require_safe
def file_detail(request: HttpRequest, pk: int) -> HttpResponse:
    found = _one(request, pk)
    asked = _parse_file_request(found.kind, found.query)
    return render_page(
        request,
        "files/one.html",
        title=found.name,
        crumbs=(("Files", reverse("files:list")),),
        counts="What the person who asked may see",
        as_of=found.as_of,
        sentence=_sentence(found),
        file=found,
        asked=asked,
        is_kept=is_available(found),
        n_done=n_rows_written(found),
        is_running=_is_running(found),
        leads_to=reverse(FILE_EXPORTS[found.kind].leads_to) if asked else "",
    )


def _sentence(found: ListExport) -> Headline:
    if found.state == ListExport.State.DONE:
        return Headline(f"{found.name} is written: {number(found.n_rows)} rows.")
    if found.state == ListExport.State.FAILED:
        return Headline("", f"{found.name} could not be written", ".")
    return Headline(f"{found.name} is being written. You may leave; it waits here for you.")


@require_safe
def file_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the progress again, or reload the page once the file is written."""
    found = _one(request, pk)
    if found.state not in ListExport.OPEN:
        answer = HttpResponse(status=200)
        answer["HX-Refresh"] = "true"
        return answer
    told = {"file": found, "n_done": n_rows_written(found), "is_running": _is_running(found)}
    return render(request, "files/one.html#progress", told)


def _is_running(found: ListExport) -> bool:
    """Whether a worker shows itself at it; what is left by one that has gone waits for the next."""
    return found.state == ListExport.State.RUNNING and not found.is_abandoned(at=now())


@require_safe
def file_body(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Send the file, slice by slice."""
    found = _one(request, pk)
    if not is_available(found):
        raise Http404("This file is no longer stored. Request it again.")
    return StreamingHttpResponse(
        read_parts(found),
        content_type=XLSX,
        headers={
            "Content-Disposition": f'attachment; filename="{found.name}"',
            "Content-Length": str(found.n_bytes),
        },
    )
