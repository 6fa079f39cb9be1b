"""Editable records: create, change, delete, history and undo, for governance."""

from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import User
from apps.common.errors import ConflictError
from apps.common.records.record_type import RecordChange, RecordWrite
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.web.lists.pagination import csv_response
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.flash_messages import flash_error
from apps.web.pages.form_fields import governance_user, signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.pages.record_form import RecordForm, record_form, stored_facts
from apps.web.views.records.pages import RECORD_PAGES, RecordPages
from apps.web.wording import long_day, number

MAX_CHANGES = 100


class DeletionForm(forms.Form):
    """Reason for the deletion of a record."""

    reason = forms.CharField(
        label="Reason",
        max_length=500,
        error_messages={"required": "Enter a reason for the deletion. Nothing was deleted."},
    )


def _pages_or_404(kind: str) -> RecordPages:
    if kind not in RECORD_PAGES:
        raise Http404
    return RECORD_PAGES[kind]


def _governance(request: HttpRequest, pages: RecordPages) -> User:
    return governance_user(request, f"You need the governance role to change {pages.plural}.")


def _undo_url(kind: str, change: UUID) -> str:
    return reverse("records:undo", args=[kind, change])


@require_http_methods(["GET", "HEAD", "POST"])
def create_record(request: HttpRequest, kind: str) -> HttpResponse:
    """Create a record; the URL can give values, such as the version of a new alias."""
    pages = _pages_or_404(kind)
    user = _governance(request, pages)
    initial = pages.initial(request)
    form_class = record_form(pages.record, creating=True, querysets=pages.choices(initial))
    title = f"New {pages.noun}"
    return action_view(
        request,
        form=lambda: form_class(request.POST or None, initial=initial),
        action=lambda form: pages.record.create(
            facts=form.facts, by=user, reason=form.cleaned_data["reason"]
        ),
        done=lambda write: Confirmation(
            f"{_sentence_case(pages.noun)} added.", _undo_url(kind, write.change)
        ),
        back=lambda write: pages.home(write.row),
        page=lambda form: _render_form(request, pages, form, title=title, row=None),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def edit_record(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Change a record. The row is locked and compared with what the page showed."""
    pages = _pages_or_404(kind)
    row = get_object_or_404(pages.rows(request), pk=pk)
    user = _governance(request, pages)
    try:
        pages.record.refuse_unless_editable(row)
    except ConflictError as error:
        flash_error(request, str(error))
        return redirect(pages.home(row))
    querysets = pages.choices(stored_facts(pages.record, row))
    form_class = record_form(pages.record, creating=False, querysets=querysets)

    def make_form() -> RecordForm:
        if request.method != "POST":
            return form_class(row=row)
        pages.record.lock()
        list(pages.record.model._default_manager.select_for_update(of=("self",)).filter(pk=pk))
        return form_class(request.POST, row=get_object_or_404(pages.rows(request), pk=pk))

    def done(change: UUID | None) -> Confirmation:
        if change is None:
            return Confirmation("No value differs from the recorded one. Nothing was changed.")
        return Confirmation(f"{_sentence_case(pages.noun)} changed.", _undo_url(kind, change))

    return action_view(
        request,
        form=make_form,
        action=lambda form: pages.record.change(
            row=row, facts=form.facts, by=user, reason=form.cleaned_data["reason"]
        ),
        done=done,
        back=pages.home(row),
        page=lambda form: _render_form(request, pages, form, title=f"Change {pages.noun}", row=row),
    )


@require_POST
def delete_record(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Delete a record on which nothing depends."""
    pages = _pages_or_404(kind)
    row = get_object_or_404(pages.rows(request), pk=pk)
    user = _governance(request, pages)
    return action_view(
        request,
        form=lambda: DeletionForm(request.POST),
        action=lambda form: pages.record.delete(
            row=row, by=user, reason=form.cleaned_data["reason"]
        ),
        done=lambda change: Confirmation(
            f"{_sentence_case(pages.noun)} deleted.", _undo_url(kind, change)
        ),
        back=pages.list_url(row),
        refused=pages.home(row),
    )


@require_POST
def undo_record_change(request: HttpRequest, kind: str, change: UUID) -> HttpResponse:
    """Restore a record as it was before a change."""
    pages = _pages_or_404(kind)
    user = _governance(request, pages)

    def back(write: RecordWrite[Any]) -> str:
        # the page of a row that the undo deleted does not exist
        is_stored = write.row.pk is None or pages.rows(request).filter(pk=write.row.pk).exists()
        return pages.home(write.row) if is_stored else pages.list_url(write.row)

    return action_view(
        request,
        action=lambda _form: pages.record.undo(change=change, by=user),
        done=lambda write: Confirmation("The change was undone.", _undo_url(kind, write.change)),
        back=back,
        refused=reverse("audit:list"),
    )


@require_safe
def record_history(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Show the changes of a record, with user, time and reason."""
    pages = _pages_or_404(kind)
    user = signed_in_user(request)
    row = get_object_or_404(pages.rows(request), pk=pk)
    changes = pages.record.changes(pk)
    return render_page(
        request,
        "records/history.html",
        title=f"History of {row}",
        crumbs=((str(row), pages.home(row)),),
        as_of=now(),
        sentence=_history_headline(changes),
        row=row,
        kind=kind,
        changes=[(change, pages.record.describe(change)) for change in changes[:MAX_CHANGES]],
        is_cut=len(changes) > MAX_CHANGES,
        may_edit=user.is_governance,
    )


@require_safe
def record_history_csv(request: HttpRequest, kind: str, pk: int) -> StreamingHttpResponse:
    """Send a row for each field that a change set."""
    pages = _pages_or_404(kind)
    get_object_or_404(pages.rows(request), pk=pk)
    lines = (
        (change, line)
        for change in pages.record.changes(pk)
        for line in pages.record.describe(change)
    )
    return csv_response(
        f"{kind}-{pk}-history",
        ["at", "changed by", "reason", "field", "before", "after"],
        lines,
        lambda row: [row[0].at.isoformat(), row[0].actor, row[0].reason, *row[1]],
    )


def _history_headline(changes: list[RecordChange]) -> Headline:
    if not changes:
        return Headline("No changes recorded.")
    latest = changes[0]
    total = pluralize(
        len(changes),
        f"{number(len(changes))} change is recorded",
        f"{number(len(changes))} changes are recorded",
    )
    return Headline(f"{total}, the latest on {long_day(day_of(latest.at))} by {latest.actor}.")


def _render_form(
    request: HttpRequest, pages: RecordPages, form: RecordForm, *, title: str, row: Any
) -> HttpResponse:
    shown = row if row is not None else next(iter(form.initial.values()), None)
    above, back = _page_above(pages, shown)
    return render_page(
        request,
        "records/form.html",
        title=title,
        crumbs=((above, back),),
        sentence=Headline(_form_sentence(pages, row)),
        form=form,
        noun=pages.noun,
        deletion=f"This {pages.noun} is deleted. Undo is possible from the confirmation.",
        fixed=_fixed_facts(pages, row),
        row=row,
        kind=next(name for name, entry in RECORD_PAGES.items() if entry is pages),
        back=back,
    )


def _form_sentence(pages: RecordPages, row: Any) -> str:
    if row is not None:
        return f"{row}."
    article = "an" if pages.noun[0] in "aeiou" else "a"
    names_source = "source_url" in pages.record.field_set.names or pages.record.requires_reason
    return f"Add {article} {pages.noun}{', with its source' if names_source else ''}."


def _fixed_facts(pages: RecordPages, row: Any) -> list[tuple[str, str]]:
    """Return (label, value) of the facts of a row that cannot be changed."""
    if row is None:
        return []
    field_set = pages.record.field_set
    return [
        (field_set.label(name), field_set.display(name, getattr(row, name)))
        for name in field_set.columns
        if name in field_set.fixed
    ]


def _page_above(pages: RecordPages, shown: Any) -> tuple[str, str]:
    """Return (name, URL) of the page of the record that is changed, or for which a new one is
    entered; without such a record the overview."""
    for entry in RECORD_PAGES.values():
        if isinstance(shown, entry.record.model):
            return str(shown), entry.home(shown)
    name, route = pages.overview
    return name, reverse(route)


def _sentence_case(noun: str) -> str:
    return noun[:1].upper() + noun[1:]
