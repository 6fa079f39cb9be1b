"""Developer documents that the AI Act (Annex XII) requires for those who build on a foundation:
requested, received, rejected."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.catalog.models import Foundation
from apps.common.errors import ConflictError
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.inventory.governance.annex_documents import (
    ON_FILE,
    RESPONSE_PERIOD,
    ChecklistRow,
    annex_checklist,
    overdue_documents,
    record_document_status,
    request_documents,
)
from apps.inventory.governance.filters import AnnexItemFilter
from apps.inventory.models import AnnexItem
from apps.web.pages.filter_controls import FilterControl, build_filter_controls
from apps.web.pages.flash_messages import flash_success
from apps.web.pages.form_fields import DayField, governance_user, signed_in_user
from apps.web.pages.list_page import PaginatedList, Sorting, csv_response
from apps.web.pages.optimistic_lock import OptimisticLockMixin
from apps.web.pages.page import Headline, render_page
from apps.web.wording import as_word, count_of, long_day

Status = AnnexItem.Status
_UNSELECTABLE_STATUS = Status.REQUESTED  # set by a request only

ORDERS = Sorting(
    {
        "due": ("Due", ("due_on", "foundation__name", "item", "pk")),
        "foundation": ("Foundation", ("foundation__name", "item", "pk")),
        "status": ("Status", ("status", "due_on", "pk")),
    }
)


class RequestDocumentsForm(forms.Form):
    items = forms.MultipleChoiceField(
        label="Items",
        choices=AnnexItem.Item.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Select the requested items."},
    )
    on = DayField(label="Requested on", required=False, help_text="Empty: today.")


class DocumentStateForm(OptimisticLockMixin, forms.Form):
    """Form of the state of one item. `row` is its existing record, if any."""

    row_fields = {"on": "received_on"}

    item = forms.ChoiceField(choices=AnnexItem.Item.choices, widget=forms.HiddenInput)
    status = forms.ChoiceField(
        label="Status",
        choices=[
            (value, label) for value, label in Status.choices if value != _UNSELECTABLE_STATUS
        ],
    )
    on = DayField(label="On", required=False, help_text="Empty: today.")
    link = forms.URLField(label="Location", required=False, max_length=500)
    note = forms.CharField(label="Note", required=False, max_length=10_000)

    @classmethod
    def of(cls, line: ChecklistRow) -> "DocumentStateForm":
        row = line.row
        initial = {
            "item": line.item,
            "status": Status.RECEIVED if line.status == _UNSELECTABLE_STATUS else line.status,
            "on": row.received_on if row else None,
            "link": row.link if row else "",
            "note": row.note if row else "",
        }
        return cls(initial=initial, row=row, prefix=f"i{line.item}")


def _filter_documents(request: HttpRequest) -> tuple[AnnexItemFilter, "QuerySet[AnnexItem]"]:
    filterset = AnnexItemFilter(
        request.GET, AnnexItem.objects.visible_to(request.user), request=request
    )
    return filterset, ORDERS.apply(
        request, filterset.qs.select_related("foundation__developer", "noted_by")
    )


@require_safe
def document_list(request: HttpRequest) -> HttpResponse:
    """List every item that was requested or recorded, by due date."""
    user = signed_in_user(request)
    today = day_of(now())
    filterset, queryset = _filter_documents(request)
    listing = PaginatedList(request, queryset)
    return render_page(
        request,
        "choosing/documents.html",
        fragment="listing",
        title="Documents",
        counts="Items of Annex XII of the AI Act",
        sentence=_build_list_headline(listing, user, today),
        filters=build_filter_controls(
            request,
            filterset,
            [
                FilterControl("status", "Status", choices=Status.choices),
                FilterControl("due_before", "Due before", "date"),
            ],
        ),
        listing=listing,
        columns=ORDERS.columns(request),
        rows=[(row, _is_late(row, today)) for row in listing.rows],
        may_read=user.can_read_all,
    )


def _is_late(row: AnnexItem | None, today: date) -> bool:
    return (
        row is not None
        and row.status == Status.REQUESTED
        and row.due_on is not None
        and row.due_on < today
    )


def _build_list_headline(listing: PaginatedList[AnnexItem], user: Any, today: date) -> Headline:
    """Return the headline: the items that match, or those requested and overdue."""
    if not user.can_read_all:
        return Headline(
            "Documents of developers are read by governance, auditors and administrators."
        )
    if listing.is_filtered:
        return Headline(
            pluralize(
                listing.n_found,
                f"{listing.count} item matches the filters.",
                f"{listing.count} items match the filters.",
            )
        )
    if not listing.n_found:
        return Headline("No developer has been asked for its documents yet.")
    overdue = list(overdue_documents(user=user, on=today)[:100])
    total = pluralize(
        listing.n_found,
        f"{listing.count} item was asked for or noted",
        f"{listing.count} items were asked for or noted",
    )
    if not overdue:
        return Headline(f"{total}; no answer is overdue.")
    longest_overdue = overdue[0]
    assert longest_overdue.due_on is not None
    overdue_answers = pluralize(
        len(overdue),
        f"{as_word(len(overdue))} answer is overdue",
        f"{as_word(len(overdue))} answers are overdue",
    )
    details = ", the longest that of {developer}, since {day}."
    return Headline(
        f"{total}; ",
        overdue_answers,
        details.format(
            developer=longest_overdue.foundation.developer.name,
            day=long_day(longest_overdue.due_on),
        ),
    )


@require_safe
def document_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export all document items that match the filters."""
    _found, queryset = _filter_documents(request)

    def cells(row: AnnexItem) -> list[Any]:
        return [
            row.foundation.name,
            row.foundation.developer.name,
            row.item,
            row.get_item_display(),
            row.status,
            row.requested_on,
            row.due_on,
            row.received_on,
            row.link,
            row.note,
            row.noted_by or "",
            row.updated_at,
        ]

    heads = [
        "foundation",
        "developer",
        "item",
        "what",
        "status",
        "asked on",
        "due on",
        "received on",
        "link",
        "note",
        "noted by",
        "changed at",
    ]
    return csv_response("documents", heads, queryset.iterator(chunk_size=500), cells)


def _get_foundation(request: HttpRequest, slug: str) -> Foundation:
    """Return the foundation; 404 for users without an organisation role."""
    user = signed_in_user(request)
    foundations = (
        Foundation.objects.visible_to(user) if user.can_read_all else Foundation.objects.none()
    )
    return get_object_or_404(foundations.select_related("developer"), slug=slug)


@require_safe
def foundation_documents(request: HttpRequest, slug: str) -> HttpResponse:
    return _render_documents(request, _get_foundation(request, slug))


@require_POST
def submit_document_request(request: HttpRequest, slug: str) -> HttpResponse:
    """Record a request to the developer; the response is due in two weeks."""
    user = governance_user(request, "You need the governance role to record requested documents.")
    foundation = _get_foundation(request, slug)
    form = RequestDocumentsForm(request.POST)
    if form.is_valid():
        on = form.cleaned_data["on"] or day_of(now())
        try:
            requested = request_documents(
                foundation=foundation, items=form.cleaned_data["items"], on=on, by=user
            )
        except (ConflictError, ValidationError) as error:
            form.add_error(None, error if isinstance(error, ValidationError) else str(error))
        else:
            due_day = long_day(on + RESPONSE_PERIOD)
            flash_success(
                request,
                pluralize(
                    len(requested),
                    "{n} item was requested; the response is due on {day}.",
                    "{n} items were requested; the response is due on {day}.",
                ).format(n=as_word(len(requested)).capitalize(), day=due_day)
                if requested
                else "All of these items are already on file or requested. Their dates are "
                "unchanged.",
            )
            return redirect("documents:detail", slug=slug)
    return _render_documents(request, foundation, ask_form=form)


@require_POST
def record_document_state(request: HttpRequest, slug: str) -> HttpResponse:
    """Record the state of one item."""
    user = governance_user(
        request, "You need the governance role to change the status of a document."
    )
    foundation = _get_foundation(request, slug)
    lines = {line.item: line for line in annex_checklist(foundation=foundation, user=user)}
    line = next((line for item, line in lines.items() if f"i{item}-item" in request.POST), None)
    if line is None:
        return redirect("documents:detail", slug=slug)
    form = DocumentStateForm(request.POST, row=line.row, prefix=f"i{line.item}")
    if form.is_valid():
        cleaned = form.cleaned_data
        try:
            record_document_status(
                foundation=foundation,
                item=line.item,
                status=cleaned["status"],
                on=cleaned["on"] or day_of(now()),
                link=cleaned["link"],
                note=cleaned["note"],
                by=user,
            )
        except (ConflictError, ValidationError) as error:
            form.add_error(None, error if isinstance(error, ValidationError) else str(error))
        else:
            flash_success(request, f"Saved: {line.label}.")
            return redirect(f"{reverse('documents:detail', args=[slug])}#i{line.item}")
    return _render_documents(request, foundation, note_form=form, open_item=line.item)


def _render_documents(
    request: HttpRequest,
    foundation: Foundation,
    *,
    ask_form: RequestDocumentsForm | None = None,
    note_form: DocumentStateForm | None = None,
    open_item: str = "",
) -> HttpResponse:
    """Render the documents of a foundation. Forms with errors replace empty ones; `open_item` is
    the item whose form is open."""
    user = signed_in_user(request)
    today = day_of(now())
    lines = annex_checklist(foundation=foundation, user=user)
    may_change = user.is_governance
    missing_lines = [line for line in lines if line.status not in {*ON_FILE, Status.REQUESTED}]
    if may_change and ask_form is None and missing_lines:
        ask_form = RequestDocumentsForm(
            initial={
                "items": [line.item for line in missing_lines if line.status != Status.REFUSED]
            }
        )
        items = ask_form.fields["items"]
        assert isinstance(items, forms.MultipleChoiceField)
        items.choices = [(line.item, line.label) for line in missing_lines]

    def form_of(line: ChecklistRow) -> DocumentStateForm:
        return (
            note_form
            if note_form is not None and line.item == open_item
            else DocumentStateForm.of(line)
        )

    return render_page(
        request,
        "choosing/foundation-documents.html",
        title=f"Documents of {foundation.name}",
        crumbs=(
            ("Documents", reverse("documents:list")),
            (foundation.name, reverse("foundations:detail", args=[foundation.slug])),
        ),
        counts="Items of Annex XII of the AI Act",
        status=422 if (ask_form and ask_form.errors) or (note_form and note_form.errors) else 200,
        foundation=foundation,
        sentence=_build_documents_headline(foundation, lines, today),
        lines=[
            (line, _is_late(line.row, today), form_of(line) if may_change else None)
            for line in lines
        ],
        ask_form=ask_form,
        open_item=open_item,
    )


def _build_documents_headline(
    foundation: Foundation, lines: list[ChecklistRow], today: date
) -> Headline:
    n_on_file = sum(line.status in ON_FILE for line in lines)
    documents_on_file = (
        f"{as_word(n_on_file).capitalize()} of {as_word(len(lines))} items of "
        f"{foundation.name} are on file"
    )
    overdue = [line for line in lines if _is_late(line.row, today)]
    if overdue:
        overdue_answers = count_of(len(overdue), "answer is overdue", "answers are overdue")
        return Headline(f"{documents_on_file}; ", overdue_answers, ".")
    n_requested = sum(line.status == Status.REQUESTED for line in lines)
    if n_requested:
        return Headline(f"{documents_on_file}, {as_word(n_requested)} asked for.")
    return Headline(f"{documents_on_file}.")
