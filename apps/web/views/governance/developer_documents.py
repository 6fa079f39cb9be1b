"""Developer documents that the AI Act (Annex XII) requires for those who build on a foundation:
requested, received, rejected."""

from collections.abc import Sequence
from datetime import date
from operator import attrgetter

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.text import Truncator
from django.views.decorators.http import require_POST, require_safe

from apps.catalog.models import Foundation
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
from apps.web.lists.columns import Column, FileColumn, format_day
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.lists.pagination import url_with_query
from apps.web.pages.action_view import action_view
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.form_fields import DayField, governance_user, signed_in_user
from apps.web.pages.optimistic_lock import OptimisticLockMixin
from apps.web.pages.page import Headline, render_page
from apps.web.wording import as_word, count_of, long_day

Status = AnnexItem.Status
_UNSELECTABLE_STATUS = Status.REQUESTED  # set by a request only


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


def _is_late(row: AnnexItem | None, today: date) -> bool:
    return (
        row is not None
        and row.status == Status.REQUESTED
        and row.due_on is not None
        and row.due_on < today
    )


class DocumentList(ListPage[AnnexItem, AnnexItem]):
    """Items that were requested or recorded, by the filters of the URL; empty for users who may not
    read them."""

    namespace = "documents"
    title = "Documents"
    nouns = ("document", "documents")
    counts = "Items of Annex XII of the AI Act"
    filterset_class = AnnexItemFilter
    columns = (
        Column[AnnexItem](
            "foundation",
            "Foundation",
            attrgetter("foundation.name"),
            note=attrgetter("foundation.developer.name"),
            url=lambda row: (
                reverse("documents:detail", args=[row.foundation.slug]) + f"#i{row.item}"
            ),
            order=("foundation__name", "item", "pk"),
        ),
        Column[AnnexItem](
            "item",
            "Document",
            AnnexItem.get_item_display,
            note=lambda row: Truncator(row.note).words(16),
        ),
        Column[AnnexItem](
            "status",
            "Status",
            AnnexItem.get_status_display,
            order=("status", "due_on", "pk"),
            template="choosing/document-status-cell.html",
        ),
        Column[AnnexItem]("requested", "Requested", attrgetter("requested_on"), format=format_day),
        Column[AnnexItem](
            "due",
            "Due",
            attrgetter("due_on"),
            format=format_day,
            css=lambda row: "late" if _is_late(row, day_of(now())) else "",
            order=("due_on", "foundation__name", "item", "pk"),
        ),
        Column[AnnexItem](
            "received",
            "Received",
            attrgetter("received_on"),
            template="choosing/document-received-cell.html",
        ),
    )
    file_columns = (
        FileColumn[AnnexItem]("Developer", attrgetter("foundation.developer.name")),
        FileColumn[AnnexItem]("Item", attrgetter("item")),
        FileColumn[AnnexItem]("Location", attrgetter("link")),
        FileColumn[AnnexItem]("Note", attrgetter("note")),
        FileColumn[AnnexItem]("Recorded by", attrgetter("noted_by")),
        FileColumn[AnnexItem]("Changed at", attrgetter("updated_at")),
    )
    controls = (
        FilterControl("status", "Status", choices=Status.choices),
        FilterControl("due_before", "Due before", "date"),
    )
    default_order = ("due", ())

    def get_queryset(self) -> "QuerySet[AnnexItem]":
        return AnnexItem.objects.visible_to(self.user).select_related(
            "foundation__developer", "noted_by"
        )

    def get_controls(self) -> Sequence[FilterControl]:
        return self.controls if self.user.can_read_all else ()

    def get_lead(self) -> Headline:
        """Return the documents that match, or those requested and overdue."""
        if not self.user.can_read_all:
            return Headline("Only governance, auditors and administrators can view documents.")
        if self.is_filtered:
            return self.describe_matches()
        if not self.listing.n_found:
            return Headline("No documents requested yet.")
        total = f"{self.count_records()} requested or recorded"
        overdue = list(overdue_documents(user=self.user, on=self.today)[:100])
        if not overdue:
            return Headline(f"{total}; none is overdue.")
        longest_overdue = overdue[0]
        assert longest_overdue.due_on is not None
        verb = pluralize(len(overdue), "is", "are")
        return Headline(
            f"{total}; ",
            f"{len(overdue)} {verb} overdue",
            f", {'the longest ' if len(overdue) > 1 else ''}that of "
            f"{longest_overdue.foundation.developer.name} since "
            f"{long_day(longest_overdue.due_on)}.",
        )

    def get_basis(self) -> str:
        return (
            "The developer of a foundation must give the documents of Annex XII of the AI Act to "
            "those who build on it. Signatories of the code of practice respond within 14 days."
        )

    def get_empty_state(self) -> EmptyState:
        if not self.user.can_read_all:
            return EmptyState(
                "No documents to view.",
                "The page of a foundation lists what its developer publishes.",
                "View foundations",
                reverse("foundations:list"),
            )
        return EmptyState(
            "No documents requested yet.",
            "Open a foundation that your applications use and select Documents. Record there what "
            "was requested, received and rejected. Overdue documents are listed here first.",
            "View foundations in use",
            url_with_query(reverse("foundations:list"), in_use="true"),
        )


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

    def act(form: RequestDocumentsForm) -> str:
        on = form.cleaned_data["on"] or day_of(now())
        requested = request_documents(
            foundation=foundation, items=form.cleaned_data["items"], on=on, by=user
        )
        if not requested:
            return "All of these items are already on file or requested. Their dates are unchanged."
        return pluralize(
            len(requested),
            "{n} item was requested; the response is due on {day}.",
            "{n} items were requested; the response is due on {day}.",
        ).format(n=as_word(len(requested)).capitalize(), day=long_day(on + RESPONSE_PERIOD))

    return action_view(
        request,
        form=lambda: RequestDocumentsForm(request.POST),
        action=act,
        done=str,
        back=reverse("documents:detail", args=[slug]),
        page=lambda form: _render_documents(request, foundation, ask_form=form),
    )


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
    return action_view(
        request,
        form=lambda: DocumentStateForm(request.POST, row=line.row, prefix=f"i{line.item}"),
        action=lambda form: record_document_status(
            foundation=foundation,
            item=line.item,
            status=form.cleaned_data["status"],
            on=form.cleaned_data["on"] or day_of(now()),
            link=form.cleaned_data["link"],
            note=form.cleaned_data["note"],
            by=user,
        ),
        done=f"Saved: {line.label}.",
        back=f"{reverse('documents:detail', args=[slug])}#i{line.item}",
        page=lambda form: _render_documents(
            request, foundation, note_form=form, open_item=line.item
        ),
    )


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
        f"{foundation.name} are recorded"
    )
    overdue = [line for line in lines if _is_late(line.row, today)]
    if overdue:
        overdue_answers = count_of(len(overdue), "response is overdue", "responses are overdue")
        return Headline(f"{documents_on_file}; ", overdue_answers, ".")
    n_requested = sum(line.status == Status.REQUESTED for line in lines)
    if n_requested:
        return Headline(f"{documents_on_file}, {as_word(n_requested)} requested.")
    return Headline(f"{documents_on_file}.")
