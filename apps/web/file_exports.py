"""File exports that can be written in the background, and their rows: the same as those of a
request."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import QueryDict

from apps.accounts.models import Team
from apps.common.errors import ConflictError
from apps.common.exports.jobs import ExportError
from apps.common.time import day_of, now
from apps.intake.spreadsheets.export import inventory_workbook
from apps.inventory.export_files import ProgressCallback, with_progress
from apps.inventory.filters import ApplicationFilter
from apps.inventory.models import Application, ListExport
from apps.web.lists.list_page import ListRequest, find_list_page
from apps.web.views.reports.filing import write_filing
from apps.web.views.reports.model_inventory import model_workbook
from apps.web.views.reports.register import register_body

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class FileExport:
    """List that can be exported as a file. `write` returns the number of rows; `leads_to` is the
    page of the list."""

    title: Any
    file_name: str
    leads_to: str
    write: Callable[[ListExport, IO[bytes], ProgressCallback], int]


def _list_request(file: ListExport) -> ListRequest:
    """Return what the list reads of the request that asked for the file."""
    return ListRequest(QueryDict(file.query), file.requested_by)


def find_file_export(kind: str) -> FileExport | None:
    """Return the export of this kind: one of FILE_EXPORTS, or the list page of this namespace."""
    if kind in FILE_EXPORTS:
        return FILE_EXPORTS[kind]
    list_page = find_list_page(kind)
    if list_page is None:
        return None

    def write(file: ListExport, target: IO[bytes], tell: ProgressCallback) -> int:
        try:
            page = list_page(_list_request(file), at=file.as_of)
        except PermissionDenied as refusal:
            raise ExportError(str(refusal)) from refusal
        return page.write_workbook(target, with_progress(page.iterate_file_rows(), tell))

    page_route = f"{list_page.namespace}:{list_page.route}"
    return FileExport(list_page.title, f"{kind.replace(':', '-')}.xlsx", page_route, write)


def _write_inventory(file: ListExport, target: IO[bytes], tell: ProgressCallback) -> int:
    user = file.requested_by
    application_filter = ApplicationFilter(
        QueryDict(file.query), Application.objects.visible_to(user), request=_list_request(file)
    )
    applications: QuerySet[Application] = application_filter.qs
    with inventory_workbook(
        applications, teams=Team.objects.visible_to(user), on=day_of(now()), on_progress=tell
    ) as book:
        shutil.copyfileobj(book, target)
    return applications.order_by().count()


def _write_model_inventory(file: ListExport, target: IO[bytes], tell: ProgressCallback) -> int:
    content, n_rows = model_workbook(user=file.requested_by, at=now())
    target.write(content)
    return n_rows


def _write_register(file: ListExport, target: IO[bytes], tell: ProgressCallback) -> int:
    target.write(register_body(user=file.requested_by, at=now()))
    return Application.objects.visible_to(file.requested_by).in_scope().count()


def _write_filing(file: ListExport, target: IO[bytes], tell: ProgressCallback) -> int:
    try:
        file.name, n_rows = write_filing(
            target, QueryDict(file.query), user=file.requested_by, at=file.as_of, on_progress=tell
        )
    except (ConflictError, PermissionDenied) as refusal:
        raise ExportError(str(refusal)) from refusal
    return n_rows


FILE_EXPORTS: Mapping[str, FileExport] = {
    "inventory": FileExport(
        "The inventory as it imports", "inventory.xlsx", "applications:list", _write_inventory
    ),
    "model-inventory": FileExport(
        "The model inventory",
        "model-inventory.xlsx",
        "reports:model-inventory",
        _write_model_inventory,
    ),
    "dora-register": FileExport(
        "The DORA register", "dora-register.xlsx", "reports:register", _write_register
    ),
    "dora-filing": FileExport(
        "The DORA report package", "dora-filing.zip", "reports:filing", _write_filing
    ),
}


def write_export(file: ListExport, target: IO[bytes], tell: ProgressCallback) -> int:
    """Write any of the exports."""
    export = find_file_export(file.kind)
    if export is None:
        raise ExportError(
            f"Files of the type '{file.kind}' are no longer available. Request another file."
        )
    return export.write(file, target, tell)
