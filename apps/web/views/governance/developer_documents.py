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
_OWN_WAY = Status.REQUESTED  # set by asking, not by noting

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
        choices=[(value, label) for value, label in Status.choices if value != _OWN_WAY],
    )
    on = DayField(label="On", required=False, help_text="Empty: today.")
    link = forms.URLField(label="Location", required=False, max_length=500)
    note = forms.CharField(label="Note", required=False, max_length=10_000)

    @classmethod
    def of(cls, line: ChecklistRow) -> "DocumentStateForm":
        row = line.row
        initial = {
            "item": line.item,
            "status": Status.RECEIVED if line.status == _OWN_WAY else line.status,
            "on": row.received_on if row else None,
            "link": row.link if row else "",
            "note": row.note if row else "",
        }
        return cls(initial=initial, row=row, prefix=f"i{line.item}")


def _filtered(request: HttpRequest) -> tuple[AnnexItemFilter, "QuerySet[AnnexItem]"]:
    found = AnnexItemFilter(
        request.GET, AnnexItem.objects.visible_to(request.user), request=request
    )
    return found, ORDERS.apply(
        request, found.qs.select_related("foundation__developer", "noted_by")
    )


@require_safe
def document_list(request: HttpRequest) -> HttpResponse:
    """List every item that was requested or recorded, what is due first."""
    user = signed_in_user(request)
    today = day_of(now())
    found, queryset = _filtered(request)
    listing = PaginatedList(request, queryset)
    return render_page(
        request,
        "choosing/documents.html",
        fragment="listing",
        title="Documents",
        counts="Items of Annex XII of the AI Act",
        sentence=_of_list(listing, user, today),
        filters=build_filter_controls(
            request,
            found,
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


def _of_list(listing: PaginatedList[AnnexItem], user: Any, today: date) -> Headline:
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
    late = list(overdue_documents(user=user, on=today)[:100])
    stands = pluralize(
        listing.n_found,
        f"{listing.count} item was asked for or noted",
        f"{listing.count} items were asked for or noted",
    )
    if not late:
        return Headline(f"{stands}; no answer is overdue.")
    first = late[0]
    assert first.due_on is not None
    words = pluralize(
        len(late),
        f"{as_word(len(late))} answer is overdue",
        f"{as_word(len(late))} answers are overdue",
    )
    since = ", the longest that of {developer}, since {day}."
    return Headline(
        f"{stands}; ",
        words,
        since.format(developer=first.foundation.developer.name, day=long_day(first.due_on)),
    )


@require_safe
def document_csv(request: HttpRequest) -> StreamingHttpResponse:
    _found, queryset = _filtered(request)

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


def _foundation(request: HttpRequest, slug: str) -> Foundation:
    """Documents are for the offices: to others there is no such page."""
    user = signed_in_user(request)
    foundations = (
        Foundation.objects.visible_to(user) if user.can_read_all else Foundation.objects.none()
    )
    return get_object_or_404(foundations.select_related("developer"), slug=slug)


@require_safe
def foundation_documents(request: HttpRequest, slug: str) -> HttpResponse:
    return _documents_page(request, _foundation(request, slug))


@require_POST
def submit_document_request(request: HttpRequest, slug: str) -> HttpResponse:
    """Record a request to the developer; the response is due in two weeks."""
    user = governance_user(request, "You need the governance role to record requested documents.")
    this = _foundation(request, slug)
    form = RequestDocumentsForm(request.POST)
    if form.is_valid():
        on = form.cleaned_data["on"] or day_of(now())
        try:
            asked = request_documents(
                foundation=this, items=form.cleaned_data["items"], on=on, by=user
            )
        except (ConflictError, ValidationError) as refused:
            form.add_error(None, refused if isinstance(refused, ValidationError) else str(refused))
        else:
            due = long_day(on + RESPONSE_PERIOD)
            flash_success(
                request,
                pluralize(
                    len(asked),
                    "{n} item was requested; the response is due on {day}.",
                    "{n} items were requested; the response is due on {day}.",
                ).format(n=as_word(len(asked)).capitalize(), day=due)
                if asked
                else "All of these items are already on file or requested. Their dates are "
                "unchanged.",
            )
            return redirect("documents:detail", slug=slug)
    return _documents_page(request, this, ask_form=form)


@require_POST
def record_document_state(request: HttpRequest, slug: str) -> HttpResponse:
    """Record the state of one item."""
    user = governance_user(
        request, "You need the governance role to change the status of a document."
    )
    this = _foundation(request, slug)
    lines = {line.item: line for line in annex_checklist(foundation=this, user=user)}
    line = next((line for item, line in lines.items() if f"i{item}-item" in request.POST), None)
    if line is None:
        return redirect("documents:detail", slug=slug)
    form = DocumentStateForm(request.POST, row=line.row, prefix=f"i{line.item}")
    if form.is_valid():
        said = form.cleaned_data
        try:
            record_document_status(
                foundation=this,
                item=line.item,
                status=said["status"],
                on=said["on"] or day_of(now()),
                link=said["link"],
                note=said["note"],
                by=user,
            )
        except (ConflictError, ValidationError) as refused:
            form.add_error(None, refused if isinstance(refused, ValidationError) else str(refused))
        else:
            flash_success(request, f"Saved: {line.label}.")
            return redirect(f"{reverse('documents:detail', args=[slug])}#i{line.item}")
    return _documents_page(request, this, note_form=form, of=line.item)


def _documents_page(
    request: HttpRequest,
    this: Foundation,
    *,
    ask_form: RequestDocumentsForm | None = None,
    note_form: DocumentStateForm | None = None,
    of: str = "",
) -> HttpResponse:
    user = signed_in_user(request)
    today = day_of(now())
    lines = annex_checklist(foundation=this, user=user)
    may_change = user.is_governance
    missing = [line for line in lines if line.status not in {*ON_FILE, Status.REQUESTED}]
    if may_change and ask_form is None and missing:
        ask_form = RequestDocumentsForm(
            initial={"items": [line.item for line in missing if line.status != Status.REFUSED]}
        )
        items = ask_form.fields["items"]
        assert isinstance(items, forms.MultipleChoiceField)
        items.choices = [(line.item, line.label) for line in missing]

    def form_of(line: ChecklistRow) -> DocumentStateForm:
        return (
            note_form if note_form is not None and line.item == of else DocumentStateForm.of(line)
        )

    return render_page(
        request,
        "choosing/foundation-documents.html",
        title=f"Documents of {this.name}",
        crumbs=(
            ("Documents", reverse("documents:list")),
            (this.name, reverse("foundations:detail", args=[this.slug])),
        ),
        counts="Items of Annex XII of the AI Act",
        status=422 if (ask_form and ask_form.errors) or (note_form and note_form.errors) else 200,
        foundation=this,
        sentence=_of_one(this, lines, today),
        lines=[
            (line, _is_late(line.row, today), form_of(line) if may_change else None)
            for line in lines
        ],
        ask_form=ask_form,
        open_item=of,
    )


def _of_one(this: Foundation, lines: list[ChecklistRow], today: date) -> Headline:
    n_on_file = sum(line.status in ON_FILE for line in lines)
    start = (
        f"{as_word(n_on_file).capitalize()} of {as_word(len(lines))} items of {this.name} are on"
        " file"
    )
    late = [line for line in lines if _is_late(line.row, today)]
    if late:
        words = count_of(len(late), "answer is overdue", "answers are overdue")
        return Headline(f"{start}; ", words, ".")
    asked = sum(line.status == Status.REQUESTED for line in lines)
    if asked:
        return Headline(f"{start}, {as_word(asked)} asked for.")
    return Headline(f"{start}.")
