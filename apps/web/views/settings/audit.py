"""Audit log: every recorded change, with who, when, why, and the values before and after."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from operator import attrgetter, itemgetter
from typing import Any

from django.db import OperationalError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from apps.common.database.keyset_pagination import InvalidCursorError, KeysetPage
from apps.common.history.log import tracked_models
from apps.common.postgresql.errors import Unavailable, unavailability
from apps.reports.audit_log import (
    ACTOR_LABELS,
    FILE_HEADERS,
    AuditEntry,
    AuditForm,
    audit_lines,
    audit_page,
    limit_statement_time,
    visible_kinds,
)
from apps.web.lists.columns import Column, FileColumn, format_moment
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.lists.pagination import KeysetList, changed_query, has_filter, url_with_query
from apps.web.pages.background_files import MAX_ROWS_PER_REQUEST
from apps.web.pages.filter_controls import FilterChip, FilterControl, FilterControls
from apps.web.pages.page import Headline

# builders of the URL of a record's page, by kind of record
_URL_BUILDERS: dict[str, Callable[[AuditEntry], str]] = {
    "accounts.team": lambda change: reverse("teams:detail", args=[change.slug]),
    "accounts.user": lambda change: reverse(
        "service-accounts:detail" if change.is_program else "users:detail", args=[change.record]
    ),
    "alerts.alert": lambda change: reverse("alerts:detail", args=[change.record]),
    "catalog.foundation": lambda change: reverse("foundations:detail", args=[change.slug]),
    "catalog.offering": lambda change: reverse("offerings:detail", args=[change.record]),
    "catalog.provider": lambda change: reverse("providers:detail", args=[change.slug]),
    "catalog.version": lambda change: reverse("versions:detail", args=[change.record]),
    "exposure.campaign": lambda change: reverse("campaigns:detail", args=[change.record]),
    "inventory.application": lambda change: reverse("applications:detail", args=[change.slug]),
    "inventory.contract": lambda change: reverse("contracts:detail", args=[change.record]),
    "inventory.selection": lambda change: reverse("selections:detail", args=[change.record]),
    "risks.evidence": lambda change: reverse("evidence:detail", args=[change.record]),
    "risks.foundationrisk": lambda change: reverse("foundation-risks:detail", args=[change.record]),
}


def record_page(change: AuditEntry) -> str:
    """Return the URL of the page that shows the record, otherwise of its application; empty if
    neither exists."""
    build_url = _URL_BUILDERS.get(change.kind.label)
    if build_url is not None:
        return build_url(change)
    return reverse("applications:detail", args=[change.application]) if change.application else ""


def _link_record_history(change: AuditEntry) -> SafeString:
    """Return what happened to the record, with a link to all of its changes."""
    query = url_with_query("", kind=change.kind.label, record=change.record)
    return format_html('<a href="{}">{}</a> {}', query, change.kind.name, change.action)


def _redirect_refused_files[**P](
    view: Callable[P, HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Redirect a file that cannot be read to the page, which explains how to narrow the filters."""

    @require_safe
    def file_view(request: HttpRequest) -> HttpResponseBase:
        page = f"{reverse('audit:list')}{changed_query(request)}"
        if not AuditForm(request.GET).is_valid():
            return redirect(page)
        try:
            return view(request)  # type: ignore[call-arg, arg-type]
        except OperationalError as error:
            if unavailability(error) is not Unavailable.SLOW:
                raise
            return redirect(page)

    return file_view


class AuditLog(ListPage[Any, AuditEntry]):
    """Changes that the user can view, by the filters of the URL. A file has a row for each field
    that changed."""

    namespace = "audit"
    title = "Audit log"
    nouns = ("change", "changes")
    counts = "Recorded changes that you can view"
    columns = (
        Column[AuditEntry](
            "record",
            "Record",
            attrgetter("name"),
            note=_link_record_history,
            url=lambda change: record_page(change) if change.action != "removed" else "",
            css=lambda change: "url",
        ),
        Column[AuditEntry](
            "changes",
            "Old and new value",
            attrgetter("differences"),
            width="url whole",
            template="audit/changes-cell.html",
        ),
        Column[AuditEntry](
            "reason",
            "Reason",
            attrgetter("reason"),
            width="whole",
            template="audit/reason-cell.html",
        ),
        Column[AuditEntry](
            "actor",
            "User",
            attrgetter("actor_name"),
            url=lambda change: url_with_query("", actor=change.actor) if change.actor else "",
        ),
        Column[AuditEntry]("at", "Time", attrgetter("at"), format=format_moment),
    )
    # as in REST
    file_columns = tuple(
        FileColumn[list[Any]](header, itemgetter(position))
        for position, header in enumerate(FILE_HEADERS)
    )
    has_details_in_files = True
    table_css = "top"

    @cached_property
    def form(self) -> AuditForm:
        return AuditForm(self.request.GET)

    @cached_property
    def listing(self) -> KeysetList[AuditEntry]:
        """The page of the cursor; raises InvalidCursorError."""
        page: KeysetPage[AuditEntry] = KeysetPage(rows=[], next=None, previous=None)
        if self.form.is_valid():
            try:
                with transaction.atomic():
                    limit_statement_time()
                    page = audit_page(
                        user=self.user,
                        cleaned=self.form.cleaned_data,
                        size=self.page_size,
                        cursor=self.request.GET.get("cursor", ""),
                    )
            except OperationalError as error:
                if unavailability(error) is not Unavailable.SLOW:
                    raise
                self.is_too_slow = True
        return KeysetList(
            rows=page.rows,
            previous=self._cursor_query(page.previous),
            next=self._cursor_query(page.next),
            is_filtered=has_filter(self.request),
        )

    is_too_slow = False

    def _cursor_query(self, cursor: str | None) -> str:
        return changed_query(self.request, cursor=cursor) if cursor else ""

    @cached_property
    def is_filtered(self) -> bool:
        # a search that was ended found nothing because of its time, not of its filters
        return self.listing.is_filtered and not self.is_too_slow

    @cached_property
    def filters(self) -> FilterControls:
        visible_labels = visible_kinds(self.user)
        kind_choices = sorted(
            (
                (label, kind.name)
                for label, kind in tracked_models().items()
                if label in visible_labels
            ),
            key=lambda choice: choice[1],
        )
        controls = (
            FilterControl("reason", "Reason contains", "search"),
            FilterControl("actor", "User or job", "search"),
            FilterControl("by", "Type of user", "select", ACTOR_LABELS),
            FilterControl("kind", "Record type", "select", kind_choices),
            FilterControl("since", "From", "date"),
            FilterControl("until", "To", "date"),
        )
        chips = (
            FilterChip(
                f"{self.form.fields[name].label}: {value}",
                changed_query(self.request, **{name: None, "cursor": None}),
                name,
                value,
            )
            for name in ("record", "job", "change")
            if (value := self.request.GET.get(name, ""))
        )
        return FilterControls(
            tuple(
                replace(
                    control,
                    value=self.request.GET.get(control.name, ""),
                    error=" ".join(str(error) for error in self.form.errors.get(control.name, [])),
                )
                for control in controls
            ),
            tuple(chips),
            "",
        )

    def get_lead(self) -> Headline:
        if not self.listing.rows:
            if self.is_too_slow:
                return Headline("The search takes too long.")
            return Headline(
                "No changes match these filters." if self.is_filtered else "No changes yet."
            )
        latest = self.listing.rows[0]
        actor = latest.actor_name or latest.job or "an unknown user"
        latest_day = f"{latest.at.day} {latest.at:%B %Y}"
        scope = "all records" if self.user.can_read_all else "the records of your teams"
        return Headline(
            f"Every change of {scope} is logged. The latest shown is by {actor}, {latest_day}."
        )

    def get_basis(self) -> str:
        return (
            "The database records every change. Entries are never changed or deleted. Secrets are "
            "not shown."
        )

    def get_actions(self) -> Sequence[PageAction]:
        if not self.user.can_read_all:
            return ()
        return (PageAction("View account events", reverse("account-events:list")),)

    def get_empty_state(self) -> EmptyState:
        if self.is_too_slow:
            return EmptyState(
                "The search takes too long.", "Enter a period or select a record type, and repeat."
            )
        return EmptyState(
            "No changes yet.",
            "Changes by users, service accounts and jobs are listed here with their reason.",
        )

    def iterate_file_rows(self, records: Any = None) -> Iterator[list[Any]]:
        """Return the lines of the file; the first are read immediately."""
        if not self.form.is_valid():
            return iter(())
        if self._lines is None:
            return audit_lines(user=self.user, cleaned=self.form.cleaned_data)
        return iter(self._lines)

    _lines: list[list[Any]] | None = None

    def is_long(self) -> bool:
        # changes are not counted: the lines of a short file are read and written
        lines = list(islice(self.iterate_file_rows(), MAX_ROWS_PER_REQUEST + 1))
        if len(lines) > MAX_ROWS_PER_REQUEST:
            return True
        self._lines = lines
        return False

    @classmethod
    def as_csv(cls) -> Callable[..., HttpResponseBase]:
        return _redirect_refused_files(super().as_csv())

    @classmethod
    def as_xlsx(cls) -> Callable[..., HttpResponseBase]:
        return _redirect_refused_files(super().as_xlsx())

    def render(self, request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
        try:
            _ = self.listing
        except InvalidCursorError:
            return redirect(f"{request.path}{changed_query(request, cursor=None)}")
        return super().render(request, status=200 if self.form.is_valid() else 422, **context)
