"""Inventory export in the shape that imports unchanged, the empty template, an example, and the
rejected rows of an import."""

import io
from pathlib import Path

from django.conf import settings
from django.db.models import QuerySet
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.views.decorators.http import require_safe

from apps.accounts.models import Team
from apps.common.time import day_of, now
from apps.intake.spreadsheets.export import (
    application_headers,
    application_rows,
    csv_lines,
    dependency_headers,
    dependency_rows,
    inventory_workbook,
    template_workbook,
)
from apps.intake.spreadsheets.rejected_rows import rejected_rows_csv, sheets_with_rejected_rows
from apps.inventory.filters import ApplicationFilter
from apps.inventory.models import Application
from apps.inventory.queries import editable_teams
from apps.web.pages.background_files import is_long, redirect_to_file_request
from apps.web.pages.form_fields import signed_in_user
from apps.web.views.imports.permissions import import_or_404, importing_user

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

EXAMPLE_SHEET: Path = settings.BASE_DIR / "fixtures" / "demo" / "calder-ai-register.xlsx"


def _filter_applications(request: HttpRequest) -> QuerySet[Application]:
    """Return the visible applications that match the filters of the URL."""
    filterset = ApplicationFilter(
        request.GET, Application.objects.visible_to(request.user), request=request
    )
    applications: QuerySet[Application] = filterset.qs
    return applications


@require_safe
def inventory_xlsx(request: HttpRequest) -> FileResponse | HttpResponseRedirect:
    """Send applications and dependencies as one workbook; written to disk row by row, a long one by
    a worker."""
    user, applications = signed_in_user(request), _filter_applications(request)
    if is_long(applications):
        return redirect_to_file_request(request, "inventory")
    file = inventory_workbook(applications, teams=Team.objects.visible_to(user), on=day_of(now()))
    return FileResponse(file, as_attachment=True, filename="inventory.xlsx", content_type=_XLSX)


@require_safe
def applications_csv(request: HttpRequest) -> StreamingHttpResponse:
    return _csv_response(
        "inventory-applications",
        csv_lines(application_headers(), application_rows(_filter_applications(request))),
    )


@require_safe
def dependencies_csv(request: HttpRequest) -> StreamingHttpResponse:
    return _csv_response(
        "inventory-uses",
        csv_lines(
            dependency_headers(), dependency_rows(_filter_applications(request), on=day_of(now()))
        ),
    )


@require_safe
def import_template(request: HttpRequest) -> FileResponse:
    user = importing_user(request)
    file = template_workbook(teams=editable_teams(user=user))
    return FileResponse(
        file, as_attachment=True, filename="inventory-template.xlsx", content_type=_XLSX
    )


@require_safe
def example_sheet(request: HttpRequest) -> FileResponse:
    """Send the spreadsheet of a fictional insurer, as an organisation would keep it."""
    importing_user(request)
    return FileResponse(
        io.BytesIO(EXAMPLE_SHEET.read_bytes()),
        as_attachment=True,
        filename=EXAMPLE_SHEET.name,
        content_type=_XLSX,
    )


@require_safe
def rejected_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Send the rejected rows of one spreadsheet page, `?sheet=`, the first that has some
    otherwise."""
    import_, _user = import_or_404(request, pk)
    sheets = sheets_with_rejected_rows(import_)
    requested_sheet = request.GET.get("sheet", "")
    sheet_indices = [
        index for index, _name, _n in sheets if not requested_sheet or str(index) == requested_sheet
    ]
    if not sheet_indices:
        raise Http404
    return _csv_response("refused-rows", rejected_rows_csv(import_, sheet=sheet_indices[0]))


def _csv_response(name: str, lines: object) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        lines,  # type: ignore[arg-type]
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )
