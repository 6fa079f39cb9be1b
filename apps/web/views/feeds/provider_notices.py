"""Provider notices: an inbox of announcements. A notice itself does not change the catalogue."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.catalog.models import Offering, Version
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.feeds.filters import ProviderNoticeFilter
from apps.feeds.models import ProviderNotice
from apps.feeds.parsers.notices import KIND
from apps.feeds.provider_notices import (
    EVENT_KINDS,
    AlreadyDecidedError,
    close_notices,
    record_event,
    reopen_notices,
)
from apps.web.pages.filter_controls import BOOLEANS, FilterControl, build_filter_controls
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import DayField, governance_user
from apps.web.pages.list_page import PaginatedList, csv_response, url_with_query
from apps.web.pages.page import Headline, render_page
from apps.web.queries import live_dependencies
from apps.web.views.feeds.queries import polled_sources
from apps.web.views.undo import return_path
from apps.web.wording import number

GOVERNANCE_ONLY = "You need the governance role to change provider notices."
PAGE_SIZE = 30
MAX_OFFERINGS = 8
MAX_SELECTED = 200


@dataclass(frozen=True, slots=True)
class NoticeReference:
    """Offering or version that a notice names; `n_applications` is how many of the user's
    applications call the offering."""

    name: str
    at: str
    url: str
    n_applications: int = 0
    offering: int | None = None
    record_url: str = ""


@dataclass(frozen=True, slots=True)
class NoticeRow:
    notice: ProviderNotice
    named: tuple[NoticeReference, ...]
    n_more: int

    @property
    def n_applications(self) -> int:
        return sum(reference.n_applications for reference in self.named)

    @property
    def offerings(self) -> list[NoticeReference]:
        return [reference for reference in self.named if reference.offering is not None]


def _filter_notices(
    request: HttpRequest,
) -> tuple[ProviderNoticeFilter, "QuerySet[ProviderNotice]"]:
    """Return the filter and its notices, latest first; unread ones unless the URL names a state."""
    query = request.GET.copy()
    if "state" not in query:
        query["state"] = ProviderNotice.State.UNREAD
    filterset = ProviderNoticeFilter(
        query, ProviderNotice.objects.visible_to(request.user), request=request
    )
    return filterset, filterset.qs.select_related("source", "decided_by").order_by(
        "-first_seen", "-id"
    )


@require_safe
def notice_list(request: HttpRequest) -> HttpResponse:
    """Show the notices of providers, by the filters of the URL."""
    filterset, queryset = _filter_notices(request)
    listing = PaginatedList(request, queryset, size=PAGE_SIZE)
    sources = list(polled_sources(request.user).filter(kind=KIND).values_list("slug", "name"))
    n_unread = (
        ProviderNotice.objects.visible_to(request.user)
        .filter(state=ProviderNotice.State.UNREAD)
        .count()
    )
    return render_page(
        request,
        "feeds/notices.html",
        fragment="listing",
        title="Notices",
        crumbs=(("Feeds", reverse("feeds:list")),),
        counts="Live applications of yours that call a named offering",
        sentence=_build_headline(n_unread, len(sources)),
        filters=build_filter_controls(
            request,
            filterset,
            [
                FilterControl("q", "Contains", "search"),
                FilterControl("source", "Source", choices=sources),
                FilterControl("state", "State", choices=ProviderNotice.State.choices),
                FilterControl("named", "Names a known id", choices=BOOLEANS),
            ],
            default_values={"state": ProviderNotice.State.UNREAD},
        ),
        listing=listing,
        rows=_build_rows(listing.rows, request),
        is_followed=bool(sources),
        event_kinds=[(kind.value, kind.label) for kind in EVENT_KINDS],
    )


def _build_headline(n_unread: int, n_sources: int) -> Headline:
    if not n_sources:
        return Headline("No feed of notices is followed yet.")
    if not n_unread:
        return Headline("Every notice has been dealt with.")
    template = pluralize(n_unread, "{n} notice is unread", "{n} notices are unread")
    return Headline("", template.format(n=number(n_unread)), ".")


def _build_rows(notices: Sequence[ProviderNotice], request: HttpRequest) -> list[NoticeRow]:
    """Build the rows of the notices with the offerings and versions that they name: four statements
    at most."""
    names = sorted({name for notice in notices for name in notice.names})
    if not names:
        return [NoticeRow(notice, (), 0) for notice in notices]
    offerings = (
        Offering.objects.visible_to(request.user).filter(api_id__in=names).select_related("host")
    )
    dependencies = live_dependencies(user=request.user, on=day_of(now())).filter(
        offering__api_id__in=names
    )
    counts = dict(
        dependencies.order_by()
        .values("offering_id")
        .annotate(n=Count("application", distinct=True))
        .values_list("offering_id", "n")
    )
    by_name: dict[str, list[NoticeReference]] = defaultdict(list)
    for offering in offerings:
        url = reverse("offerings:detail", args=[offering.pk])
        by_name[offering.api_id].append(
            NoticeReference(
                offering.api_id,
                offering.host.name,
                url,
                counts.get(offering.pk, 0),
                offering.pk,
                url,
            )
        )
    unserved_names = [name for name in names if name not in by_name]
    versions = Version.objects.filter(
        Q(identifier__in=unserved_names) | Q(aliases__overlap=unserved_names)
    )
    for version in versions if unserved_names else ():
        for name in {version.identifier, *version.aliases} & set(unserved_names):
            by_name[name].append(
                NoticeReference(name, "a version", reverse("versions:detail", args=[version.pk]))
            )
    return [_build_row(notice, by_name) for notice in notices]


def _build_row(notice: ProviderNotice, by_name: dict[str, list[NoticeReference]]) -> NoticeRow:
    """Return a notice as a row, with the offerings that its text names, those most used first."""
    references = [reference for name in notice.names for reference in by_name.get(name, ())]
    references.sort(key=lambda named: (-named.n_applications, named.name, named.at))
    facts = {"source_url": notice.link, "reason": f"{notice.source.name}: {notice.title}"[:500]}
    if notice.published_at is not None:
        facts["announced_on"] = day_of(notice.published_at).isoformat()
    prefill = {name: value for name, value in facts.items() if value}
    shown_references = tuple(
        NoticeReference(
            reference.name,
            reference.at,
            reference.url,
            reference.n_applications,
            reference.offering,
            url_with_query(reference.url, tab="sources", **prefill) + "#manual"
            if reference.offering
            else "",
        )
        for reference in references[:MAX_OFFERINGS]
    )
    return NoticeRow(notice, shown_references, len(references) - len(shown_references))


@require_safe
def notice_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export all notices that match the filters."""

    def cells(row: ProviderNotice) -> list[Any]:
        return [
            row.source.name,
            row.title,
            row.link,
            row.published_at,
            row.first_seen,
            row.state,
            row.outcome,
            row.decided_by or "",
            row.decided_at,
            row.reason,
            ", ".join(row.names),
            row.excerpt,
        ]

    heads = [
        "source",
        "title",
        "address",
        "published",
        "first seen",
        "state",
        "outcome",
        "by",
        "at",
        "reason",
        "names",
        "text",
    ]
    return csv_response(
        "notices", heads, _filter_notices(request)[1].iterator(chunk_size=500), cells
    )


class CloseNoticeForm(forms.Form):
    pick = forms.TypedMultipleChoiceField(coerce=int, required=True)
    outcome = forms.ChoiceField(choices=[("nothing", ""), ("date", "")])
    reason = forms.CharField(required=False, max_length=500)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        values = [
            value
            for value in data.getlist("pick")[:MAX_SELECTED]
            if value.isdecimal() and len(value) < 19
        ]
        self.fields["pick"].choices = [(value, value) for value in values]  # type: ignore[attr-defined]


@require_POST
def close_selected(request: HttpRequest) -> HttpResponse:
    """Close the selected notices as needing no action or as recorded, with undo."""
    user = governance_user(request, GOVERNANCE_ONLY)
    return_url = return_path(request, reverse("provider-notices:list"))
    form = CloseNoticeForm(request.POST)
    if not form.is_valid():
        flash_error(request, "Select at least one provider notice and an outcome.")
        return redirect(return_url)
    cleaned = form.cleaned_data
    outcome = ProviderNotice.Outcome(cleaned["outcome"])
    rows = close_notices(
        notices=cleaned["pick"], outcome=outcome, by=user, reason=cleaned["reason"]
    )
    if not rows:
        flash_error(request, "Another user already closed these notices. Nothing was changed.")
        return redirect(return_url)
    message = pluralize(
        len(rows), f"{len(rows)} notice is dealt with.", f"{len(rows)} notices are dealt with."
    )
    flash_success(request, message, undo=_build_reopen_url(rows))
    return redirect(return_url)


def _build_reopen_url(rows: Sequence[ProviderNotice]) -> str:
    return f"{reverse('provider-notices:reopen')}?{'&'.join(f'pick={row.pk}' for row in rows)}"


@require_POST
def reopen_selected(request: HttpRequest) -> HttpResponse:
    user = governance_user(request, GOVERNANCE_ONLY)
    values = [*request.GET.getlist("pick"), *request.POST.getlist("pick")][:MAX_SELECTED]
    n = reopen_notices(
        notices=[int(pk) for pk in values if pk.isdecimal() and len(pk) < 19], by=user
    )
    if n:
        flash_success(
            request, pluralize(n, f"{n} notice was reopened.", f"{n} notices were reopened.")
        )
    else:
        flash_error(request, "The notice is already unread. Nothing was changed.")
    return redirect(return_path(request, reverse("provider-notices:list")))


class NotifyForm(forms.Form):
    kind = forms.ChoiceField(choices=[(kind.value, kind.label) for kind in EVENT_KINDS])
    offering = forms.IntegerField(min_value=1, max_value=2**62)
    effective_on = DayField(required=False)
    reason = forms.CharField(max_length=500)


@require_POST
def notify_applications(request: HttpRequest, pk: int) -> HttpResponse:
    """Record an event for all applications that depend on an offering that the notice names, in the
    user's words."""
    user = governance_user(request, GOVERNANCE_ONLY)
    notice = get_object_or_404(
        ProviderNotice.objects.visible_to(request.user).select_related("source"), pk=pk
    )
    return_url = return_path(request, reverse("provider-notices:list"))
    form = NotifyForm(request.POST)
    if not form.is_valid():
        flash_error(
            request, "Select the offering and the event, and enter what the notice announces."
        )
        return redirect(return_url)
    cleaned = form.cleaned_data
    offering = Offering.objects.filter(pk=cleaned["offering"], api_id__in=notice.names).first()
    if offering is None:
        flash_error(request, "The notice does not mention this offering. Nothing was recorded.")
        return redirect(return_url)
    try:
        event = record_event(notice=notice, by=user, **cleaned | {"offering": offering})
    except AlreadyDecidedError as error:
        flash_error(request, str(error))
        return redirect(return_url)
    flash_success(
        request,
        f"The event was recorded. Users whose applications depend on {offering.api_id} can see it.",
    )
    return redirect("events:detail", pk=event.pk)


__all__ = ["close_selected", "notice_csv", "notice_list", "notify_applications", "reopen_selected"]
