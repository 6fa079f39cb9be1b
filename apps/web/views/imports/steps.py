"""Steps of an import: select its columns, confirm, undo, discard; and the worker's progress."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.common.time import now
from apps.intake.documents.undo import undo_document
from apps.intake.import_jobs import IntakePermissionError, InvalidStateError
from apps.intake.models import Import
from apps.intake.spreadsheets.columns.mapping import BookMapping
from apps.intake.spreadsheets.import_steps import choose_columns, confirm_import, discard_import
from apps.intake.spreadsheets.import_steps import undo_import as undo_sheet_import
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.views.imports.detail import progress_words, show
from apps.web.views.imports.forms import ColumnsForm
from apps.web.views.imports.permissions import import_or_404, own_import


@require_http_methods(["GET", "HEAD", "POST"])
def submit_columns(request: HttpRequest, pk: int) -> HttpResponse:
    """Set the column mapping; it can be changed until the import is confirmed."""
    import_, user = own_import(request, pk)
    editable_states = (Import.State.RECEIVED, Import.State.READ, Import.State.FAILED)
    if import_.kind != Import.Kind.SHEET or import_.state not in editable_states:
        return redirect("imports:detail", pk=pk)
    data = request.POST if request.method == "POST" else None
    form = ColumnsForm(data, mapping=BookMapping.from_json(import_.mapping), user=user)
    if request.method == "POST" and form.is_valid():
        try:
            choose_columns(import_=import_, mapping=form.mapping(), by=user, at=now())
        except InvalidStateError as error:
            flash_error(request, str(error))
        return redirect("imports:detail", pk=pk)
    return show(request, import_, user, form=form, status=422 if form.is_bound else 200)


@require_POST
def submit_confirmation(request: HttpRequest, pk: int) -> HttpResponse:
    import_, user = own_import(request, pk)
    try:
        updated_import = confirm_import(
            import_=import_, whole_or_nothing=request.POST.get("whole") == "on", by=user
        )
    except InvalidStateError as error:
        flash_error(request, str(error))
    else:
        _flash_import_error(request, updated_import)
    return redirect("imports:detail", pk=pk)


@require_POST
def undo_import(request: HttpRequest, pk: int) -> HttpResponse:
    """Undo an import."""
    import_, user = import_or_404(request, pk)
    try:
        is_sheet = import_.kind == Import.Kind.SHEET
        updated_import = (
            undo_sheet_import(import_=import_, by=user)
            if is_sheet
            else undo_document(import_=import_, by=user)
        )
    except InvalidStateError as error:
        flash_error(request, str(error))
    except IntakePermissionError as error:
        raise PermissionDenied(str(error)) from None
    else:
        _flash_import_error(request, updated_import)
    return redirect("imports:detail", pk=pk)


@require_POST
def submit_discard(request: HttpRequest, pk: int) -> HttpResponse:
    import_, _user = own_import(request, pk)
    try:
        discard_import(import_=import_)
    except InvalidStateError as error:
        flash_error(request, str(error))
        return redirect("imports:detail", pk=pk)
    flash_success(request, f"{import_} was discarded. Nothing was imported.")
    return redirect("imports:list")


@never_cache
@require_safe
def import_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the fragment that refreshes every two seconds; once the step is done the whole page is
    reloaded."""
    import_, _user = import_or_404(request, pk)
    response = render(
        request, "imports/progress.html", {"import_": import_, **progress_words(import_)}
    )
    if not import_.is_waiting and getattr(request, "htmx", False):
        _flash_import_error(request, import_)
        response["HX-Refresh"] = "true"
    return response


def _flash_import_error(request: HttpRequest, import_: Import) -> None:
    """Show the error of the import as a message; the page itself reports success."""
    if import_.error and import_.state != Import.State.READ:
        flash_error(request, import_.error)
