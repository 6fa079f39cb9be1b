"""Provider notices: an inbox for users. Nothing in it changes the catalogue by itself."""

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
class NamedOfferings:
    """Offering or version that a notice names; `n_applications` of the user call the offering."""

    name: str
    at: str
    url: str
    n_applications: int = 0
    offering: int | None = None
    record_url: str = ""


@dataclass(frozen=True, slots=True)
class NoticeRow:
    notice: ProviderNotice
    named: tuple[NamedOfferings, ...]
    n_more: int

    @property
    def n_applications(self) -> int:
        return sum(named.n_applications for named in self.named)

    @property
    def offerings(self) -> list[NamedOfferings]:
        return [named for named in self.named if named.offering is not None]


def _filtered(request: HttpRequest) -> tuple[ProviderNoticeFilter, "QuerySet[ProviderNotice]"]:
    """Without a word about it in the address, what is unread."""
    query = request.GET.copy()
    if "state" not in query:
        query["state"] = ProviderNotice.State.UNREAD
    found = ProviderNoticeFilter(
        query, ProviderNotice.objects.visible_to(request.user), request=request
    )
    return found, found.qs.select_related("source", "decided_by").order_by("-first_seen", "-id")


@require_safe
def notice_list(request: HttpRequest) -> HttpResponse:
    found, queryset = _filtered(request)
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
        sentence=_sentence(n_unread, len(sources)),
        filters=build_filter_controls(
            request,
            found,
            [
                FilterControl("q", "Contains", "search"),
                FilterControl("source", "Source", choices=sources),
                FilterControl("state", "State", choices=ProviderNotice.State.choices),
                FilterControl("named", "Names a known id", choices=BOOLEANS),
            ],
            default_values={"state": ProviderNotice.State.UNREAD},
        ),
        listing=listing,
        rows=_rows(listing.rows, request),
        is_followed=bool(sources),
        event_kinds=[(kind.value, kind.label) for kind in EVENT_KINDS],
    )


def _sentence(n_unread: int, n_sources: int) -> Headline:
    if not n_sources:
        return Headline("No feed of notices is followed yet.")
    if not n_unread:
        return Headline("Every notice has been dealt with.")
    words = pluralize(n_unread, "{n} notice is unread", "{n} notices are unread")
    return Headline("", words.format(n=number(n_unread)), ".")


def _rows(notices: Sequence[ProviderNotice], request: HttpRequest) -> list[NoticeRow]:
    """The notices with what they name: four statements for all of them, none where nothing is
    named."""
    wanted = sorted({name for notice in notices for name in notice.names})
    if not wanted:
        return [NoticeRow(notice, (), 0) for notice in notices]
    offerings = (
        Offering.objects.visible_to(request.user).filter(api_id__in=wanted).select_related("host")
    )
    calls = live_dependencies(user=request.user, on=day_of(now())).filter(
        offering__api_id__in=wanted
    )
    counts = dict(
        calls.order_by()
        .values("offering_id")
        .annotate(n=Count("application", distinct=True))
        .values_list("offering_id", "n")
    )
    by_name: dict[str, list[NamedOfferings]] = defaultdict(list)
    for offering in offerings:
        url = reverse("offerings:detail", args=[offering.pk])
        by_name[offering.api_id].append(
            NamedOfferings(
                offering.api_id,
                offering.host.name,
                url,
                counts.get(offering.pk, 0),
                offering.pk,
                url,
            )
        )
    unserved = [name for name in wanted if name not in by_name]
    versions = Version.objects.filter(Q(identifier__in=unserved) | Q(aliases__overlap=unserved))
    for version in versions if unserved else ():
        for name in {version.identifier, *version.aliases} & set(unserved):
            by_name[name].append(
                NamedOfferings(name, "a version", reverse("versions:detail", args=[version.pk]))
            )
    return [_row(notice, by_name) for notice in notices]


def _row(notice: ProviderNotice, by_name: dict[str, list[NamedOfferings]]) -> NoticeRow:
    all_named = [named for name in notice.names for named in by_name.get(name, ())]
    all_named.sort(key=lambda named: (-named.n_applications, named.name, named.at))
    facts = {"source_url": notice.link, "reason": f"{notice.source.name}: {notice.title}"[:500]}
    if notice.published_at is not None:
        facts["announced_on"] = day_of(notice.published_at).isoformat()
    known = {name: value for name, value in facts.items() if value}
    shown = tuple(
        NamedOfferings(
            named.name,
            named.at,
            named.url,
            named.n_applications,
            named.offering,
            url_with_query(named.url, **known) + "#manual" if named.offering else "",
        )
        for named in all_named[:MAX_OFFERINGS]
    )
    return NoticeRow(notice, shown, len(all_named) - len(shown))


@require_safe
def notice_csv(request: HttpRequest) -> StreamingHttpResponse:
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
    return csv_response("notices", heads, _filtered(request)[1].iterator(chunk_size=500), cells)


class CloseNoticeForm(forms.Form):
    pick = forms.TypedMultipleChoiceField(coerce=int, required=True)
    outcome = forms.ChoiceField(choices=[("nothing", ""), ("date", "")])
    reason = forms.CharField(required=False, max_length=500)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        picked = [
            value
            for value in data.getlist("pick")[:MAX_SELECTED]
            if value.isdecimal() and len(value) < 19
        ]
        self.fields["pick"].choices = [(value, value) for value in picked]  # type: ignore[attr-defined]


@require_POST
def close_selected(request: HttpRequest) -> HttpResponse:
    """Close the selected notices: no action needed, or the date was recorded; several at once, with
    undo."""
    user = governance_user(request, GOVERNANCE_ONLY)
    back = return_path(request, reverse("provider-notices:list"))
    form = CloseNoticeForm(request.POST)
    if not form.is_valid():
        flash_error(request, "Select at least one provider notice and an outcome.")
        return redirect(back)
    said = form.cleaned_data
    outcome = ProviderNotice.Outcome(said["outcome"])
    rows = close_notices(notices=said["pick"], outcome=outcome, by=user, reason=said["reason"])
    if not rows:
        flash_error(request, "Another user already closed these notices. Nothing was changed.")
        return redirect(back)
    words = pluralize(
        len(rows), f"{len(rows)} notice is dealt with.", f"{len(rows)} notices are dealt with."
    )
    flash_success(request, words, undo=_reopening(rows))
    return redirect(back)


def _reopening(rows: Sequence[ProviderNotice]) -> str:
    return f"{reverse('provider-notices:reopen')}?{'&'.join(f'pick={row.pk}' for row in rows)}"


@require_POST
def reopen_selected(request: HttpRequest) -> HttpResponse:
    user = governance_user(request, GOVERNANCE_ONLY)
    picked = [*request.GET.getlist("pick"), *request.POST.getlist("pick")][:MAX_SELECTED]
    n = reopen_notices(
        notices=[int(pk) for pk in picked if pk.isdecimal() and len(pk) < 19], by=user
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
    back = return_path(request, reverse("provider-notices:list"))
    form = NotifyForm(request.POST)
    if not form.is_valid():
        flash_error(
            request, "Select the offering and the event, and enter what the notice announces."
        )
        return redirect(back)
    said = form.cleaned_data
    offering = Offering.objects.filter(pk=said["offering"], api_id__in=notice.names).first()
    if offering is None:
        flash_error(request, "The notice does not mention this offering. Nothing was recorded.")
        return redirect(back)
    try:
        event = record_event(notice=notice, by=user, **said | {"offering": offering})
    except AlreadyDecidedError as already:
        flash_error(request, str(already))
        return redirect(back)
    flash_success(
        request,
        f"The event was recorded. Users whose applications depend on {offering.api_id} can see it.",
    )
    return redirect("events:detail", pk=event.pk)


__all__ = ["close_selected", "notice_csv", "notice_list", "notify_applications", "reopen_selected"]
