"""Audit log: every recorded change, with who, when, why, and the values before and after."""

from collections.abc import Callable

from django.db import OperationalError, transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import User
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
from apps.web.pages.filter_controls import FilterChip, FilterControl, FilterControls
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import changed_query, csv_response
from apps.web.pages.page import Headline, render_page

PAGE_SIZE = 50

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


@require_safe
def audit_log(request: HttpRequest) -> HttpResponse:
    """Show the changes that the user can view, by the filters of the URL."""
    user = signed_in_user(request)
    form = AuditForm(request.GET)
    page: KeysetPage[AuditEntry] = KeysetPage(rows=[], next=None, previous=None)
    too_long = False
    if form.is_valid():
        try:
            with transaction.atomic():
                limit_statement_time()
                page = audit_page(
                    user=user,
                    cleaned=form.cleaned_data,
                    size=PAGE_SIZE,
                    cursor=request.GET.get("cursor", ""),
                )
        except InvalidCursorError:
            return redirect(f"{request.path}{changed_query(request, cursor=None)}")
        except OperationalError as error:
            if unavailability(error) is not Unavailable.SLOW:
                raise
            too_long = True
    return render_page(
        request,
        "audit/list.html",
        fragment="listing",
        title="Audit log",
        counts="Changes on record that you may see",
        sentence=_build_headline(user, page),
        filters=_build_filters(request, form, user),
        rows=[(change, record_page(change)) for change in page.rows],
        next=changed_query(request, cursor=page.next) if page.next else "",
        previous=changed_query(request, cursor=page.previous) if page.previous else "",
        is_filtered=any(value for name, value in request.GET.items() if name != "cursor"),
        too_long=too_long,
        status=200 if form.is_valid() else 422,
    )


@require_safe
def audit_csv(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Send a row for each column that changed."""
    user = signed_in_user(request)
    form = AuditForm(request.GET)
    if not form.is_valid():
        return redirect(f"{reverse('audit:list')}{changed_query(request)}")
    try:
        lines = audit_lines(user=user, cleaned=form.cleaned_data)
    except OperationalError as error:
        if unavailability(error) is not Unavailable.SLOW:
            raise
        # the page explains how to narrow the filters
        return redirect(f"{reverse('audit:list')}{changed_query(request)}")
    return csv_response("audit", list(FILE_HEADERS), lines, lambda line: line)


def _build_filters(request: HttpRequest, form: AuditForm, user: User) -> FilterControls:
    """Return the filter controls, with the kinds of records that the user can view."""
    visible_labels = visible_kinds(user)
    kind_choices = sorted(
        ((label, kind.name) for label, kind in tracked_models().items() if label in visible_labels),
        key=lambda choice: choice[1],
    )
    plain_controls = [
        FilterControl("reason", "Reason contains", "search"),
        FilterControl("actor", "Who", "search"),
        FilterControl("by", "By", "select", ACTOR_LABELS),
        FilterControl("kind", "Kind", "select", kind_choices),
        FilterControl("since", "From", "date"),
        FilterControl("until", "To", "date"),
    ]
    controls = tuple(
        FilterControl(
            control.name,
            control.label,
            control.kind,
            control.choices,
            request.GET.get(control.name, ""),
            " ".join(str(error) for error in form.errors.get(control.name, [])),
        )
        for control in plain_controls
    )
    chips = tuple(
        FilterChip(
            f"{form.fields[name].label}: {value}",
            changed_query(request, **{name: None, "cursor": None}),
            name,
            value,
        )
        for name in ("record", "job", "change")
        if (value := request.GET.get(name, ""))
    )
    return FilterControls(controls, chips, "")


def _build_headline(user: User, page: KeysetPage[AuditEntry]) -> Headline:
    if not page.rows:
        return Headline("No changes match these filters.")
    latest_entry = page.rows[0]
    actor = latest_entry.actor_name or latest_entry.job or "an unknown user"
    scope_text = "all records" if user.can_read_all else "the records of your teams"
    return Headline(
        f"Every change of {scope_text} is logged. The latest shown is by {actor}, "
        f"{latest_entry.at:%-d %B %Y}."
    )
