"""Steps of an import: select its columns, confirm, undo, discard; and the worker's progress."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import User
from apps.accounts.people.invitations import invite_people
from apps.common.text import pluralize
from apps.common.time import now
from apps.intake.documents.undo import undo_document
from apps.intake.models import Import
from apps.intake.queries import people_of_import
from apps.intake.spreadsheets.columns.mapping import BookMapping
from apps.intake.spreadsheets.import_steps import choose_columns, confirm_import, discard_import
from apps.intake.spreadsheets.import_steps import undo_import as undo_sheet_import
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.flash_messages import flash_error
from apps.web.pages.form_fields import governance_user
from apps.web.views.imports.detail import MAX_INVITED, show
from apps.web.views.imports.forms import ColumnsForm
from apps.web.views.imports.permissions import import_or_404, own_import
from apps.web.views.imports.progress import progress_words

# reasons that the page lists
MAX_LISTED_REJECTIONS = 5


@require_http_methods(["GET", "HEAD", "POST"])
def submit_columns(request: HttpRequest, pk: int) -> HttpResponse:
    """Set the column mapping; it can be changed until the import is confirmed."""
    import_, user = own_import(request, pk)
    detail_url = reverse("imports:detail", args=[pk])
    editable_states = (Import.State.RECEIVED, Import.State.READ, Import.State.FAILED)
    if import_.kind != Import.Kind.SHEET or import_.state not in editable_states:
        return redirect(detail_url)
    data = request.POST if request.method == "POST" else None
    return action_view(
        request,
        form=lambda: ColumnsForm(data, mapping=BookMapping.from_json(import_.mapping), user=user),
        action=lambda form: choose_columns(
            import_=import_, mapping=form.mapping(), by=user, at=now()
        ),
        # the page itself reports success
        done="",
        back=reverse("imports:values", args=[pk]),
        page=lambda form: show(request, import_, user, form=form),
        refused=detail_url,
    )


@require_POST
def submit_confirmation(request: HttpRequest, pk: int) -> HttpResponse:
    import_, user = own_import(request, pk)
    return action_view(
        request,
        action=lambda _form: confirm_import(
            import_=import_, whole_or_nothing=request.POST.get("whole") == "on", by=user
        ),
        done=_report_error,
        back=reverse("imports:detail", args=[pk]),
    )


@require_POST
def invite_people_of_import(request: HttpRequest, pk: int) -> HttpResponse:
    """Invite all people that the import added."""
    import_, _user = import_or_404(request, pk)
    by = governance_user(request, "You need the governance role to invite people.")
    return action_view(
        request,
        action=lambda _form: list(
            people_of_import(import_).values_list("pk", flat=True)[:MAX_INVITED]
        ),
        # after the transaction: each person is invited in one of its own, so that an error loses
        # none of those who were invited before
        done=lambda people: _invite(people, by),
        back=reverse("imports:detail", args=[pk]),
    )


def _invite(people: list[int], by: User) -> Confirmation:
    invited, rejected = invite_people(by=by, people=people)
    n = len(invited)
    return Confirmation(
        pluralize(n, f"{n} person invited.", f"{n} people invited."),
        refusals=[rejection.reason for rejection in rejected[:MAX_LISTED_REJECTIONS]],
    )


@require_POST
def undo_import(request: HttpRequest, pk: int) -> HttpResponse:
    """Undo an import."""
    import_, user = import_or_404(request, pk)
    undo = undo_sheet_import if import_.kind == Import.Kind.SHEET else undo_document
    return action_view(
        request,
        action=lambda _form: undo(import_=import_, by=user),
        done=_report_error,
        back=reverse("imports:detail", args=[pk]),
    )


@require_POST
def submit_discard(request: HttpRequest, pk: int) -> HttpResponse:
    import_, _user = own_import(request, pk)
    return action_view(
        request,
        action=lambda _form: discard_import(import_=import_),
        done=f"{import_} was discarded. Nothing was imported.",
        back=reverse("imports:list"),
        refused=reverse("imports:detail", args=[pk]),
    )


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
        if (confirmation := _report_error(import_)).is_refusal:
            flash_error(request, confirmation.message)
        response["HX-Refresh"] = "true"
    return response


def _report_error(import_: Import) -> Confirmation:
    """Return the error of the import as a message; the page itself reports success."""
    has_failed = bool(import_.error) and import_.state != Import.State.READ
    return Confirmation(import_.error if has_failed else "", is_refusal=has_failed)
