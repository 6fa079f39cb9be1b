"""Audit: every change on record, with who, when, why, and what was and is."""

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
from apps.web.filtering import Chip, Control, Filters
from apps.web.forms import signed_in
from apps.web.listing import csv_answer, query_with
from apps.web.page import Sentence, page

SIZE = 50

# where a record is shown, by its kind
_PAGES: dict[str, Callable[[AuditEntry], str]] = {
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


def page_of(change: AuditEntry) -> str:
    """The address at which the record is shown, or that of its application; empty where neither is
    known."""
    known = _PAGES.get(change.kind.label)
    if known is not None:
        return known(change)
    return reverse("applications:detail", args=[change.application]) if change.application else ""


@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    form = AuditForm(request.GET)
    found: KeysetPage[AuditEntry] = KeysetPage(rows=[], next=None, previous=None)
    too_long = False
    if form.is_valid():
        try:
            with transaction.atomic():
                limit_statement_time()
                found = audit_page(
                    user=user,
                    cleaned=form.cleaned_data,
                    size=SIZE,
                    cursor=request.GET.get("cursor", ""),
                )
        except InvalidCursorError:
            return redirect(f"{request.path}{query_with(request, cursor=None)}")
        except OperationalError as error:
            if unavailability(error) is not Unavailable.SLOW:
                raise
            too_long = True
    return page(
        request,
        "audit/list.html",
        fragment="listing",
        title="Audit",
        counts="Changes on record that you may see",
        sentence=_sentence(user, found),
        filters=_filters(request, form, user),
        rows=[(change, page_of(change)) for change in found.rows],
        next=query_with(request, cursor=found.next) if found.next else "",
        previous=query_with(request, cursor=found.previous) if found.previous else "",
        is_filtered=any(value for name, value in request.GET.items() if name != "cursor"),
        too_long=too_long,
        status=200 if form.is_valid() else 422,
    )


@require_safe
def audit_csv(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """A line for each column that changed."""
    user = signed_in(request)
    form = AuditForm(request.GET)
    if not form.is_valid():
        return redirect(f"{reverse('audit:list')}{query_with(request)}")
    try:
        lines = audit_lines(user=user, cleaned=form.cleaned_data)
    except OperationalError as error:
        if unavailability(error) is not Unavailable.SLOW:
            raise
        # the page says what to do
        return redirect(f"{reverse('audit:list')}{query_with(request)}")
    return csv_answer("audit", list(FILE_HEADERS), lines, lambda line: line)


def _filters(request: HttpRequest, form: AuditForm, user: User) -> Filters:
    allowed = visible_kinds(user)
    named = sorted(
        ((label, kind.name) for label, kind in tracked_models().items() if label in allowed),
        key=lambda one: one[1],
    )
    shown = [
        Control("reason", "Reason contains", "search"),
        Control("actor", "Who", "search"),
        Control("by", "By", "select", ACTOR_LABELS),
        Control("kind", "Kind", "select", named),
        Control("since", "From", "date"),
        Control("until", "To", "date"),
    ]
    controls = tuple(
        Control(
            one.name,
            one.label,
            one.kind,
            one.choices,
            request.GET.get(one.name, ""),
            " ".join(str(error) for error in form.errors.get(one.name, [])),
        )
        for one in shown
    )
    chips = tuple(
        Chip(
            f"{form.fields[name].label}: {value}",
            query_with(request, **{name: None, "cursor": None}),
            name,
            value,
        )
        for name in ("record", "job", "change")
        if (value := request.GET.get(name, ""))
    )
    return Filters(controls, chips, "")


def _sentence(user: User, found: KeysetPage[AuditEntry]) -> Sentence:
    if not found.rows:
        return Sentence("No change on record answers to this.")
    first = found.rows[0]
    who = first.actor or first.job or "somebody"
    whose = "of every record" if user.can_read_all else "of what your teams own"
    return Sentence(
        f"The latest shown is by {who} on {first.at:%-d %B %Y}; the database keeps every change "
        f"{whose}."
    )
