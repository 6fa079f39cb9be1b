"""Provider notices: an inbox of announcements. A notice itself does not change the catalogue."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django import forms
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.decorators.http import require_POST

from apps.accounts.models import User
from apps.catalog.models import Offering, ProviderEvent, Version
from apps.common.errors import ConflictError, DomainError
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.feeds.filters import ProviderNoticeFilter
from apps.feeds.models import ProviderNotice
from apps.feeds.parsers.notices import KIND
from apps.feeds.provider_notices import (
    EVENT_KINDS,
    close_notices,
    record_event,
    reopen_notices,
)
from apps.web.lists.columns import Column, FileColumn, format_moment
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.lists.pagination import url_with_query
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.filter_controls import BOOLEANS, FilterControl
from apps.web.pages.form_fields import DayField, governance_user
from apps.web.pages.page import Headline
from apps.web.queries import live_dependencies
from apps.web.views.feeds.queries import polled_sources
from apps.web.views.undo import return_path

GOVERNANCE_ONLY = "You need the governance role to change provider notices."
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


class ProviderNoticeList(ListPage[ProviderNotice, NoticeRow]):
    """Notices of providers by the filters of the URL, latest first; unread ones unless the URL
    names a state."""

    namespace = "provider-notices"
    title = "Provider notices"
    nouns = ("provider notice", "provider notices")
    crumbs = (("Feeds", "feeds:list"),)
    counts = "Your active applications that use a named offering"
    filterset_class = ProviderNoticeFilter
    columns = (
        Column[NoticeRow](
            "notice", "Notice", attrgetter("notice.title"), template="feeds/notice-cell.html"
        ),
        Column[NoticeRow](
            "models",
            "Models named",
            lambda row: ", ".join(row.notice.names),
            template="feeds/notice-models.html",
        ),
        Column[NoticeRow](
            "published", "Published", attrgetter("notice.published_at"), format=format_moment
        ),
        Column[NoticeRow](
            "state",
            "State",
            lambda row: row.notice.get_state_display(),
            width="whole",
            template="feeds/notice-state.html",
        ),
    )
    file_columns = (
        FileColumn[NoticeRow]("Feed", attrgetter("notice.source.name")),
        FileColumn[NoticeRow]("URL", attrgetter("notice.link")),
        FileColumn[NoticeRow]("First seen", attrgetter("notice.first_seen")),
        FileColumn[NoticeRow]("Outcome", lambda row: row.notice.get_outcome_display()),
        FileColumn[NoticeRow]("Closed by", lambda row: row.notice.decided_by or ""),
        FileColumn[NoticeRow]("Closed at", attrgetter("notice.decided_at")),
        FileColumn[NoticeRow]("Reason", attrgetter("notice.reason")),
        FileColumn[NoticeRow]("Text", attrgetter("notice.excerpt")),
    )
    default_filters = {"state": ProviderNotice.State.UNREAD}
    default_order = ("", ("-first_seen", "-id"))
    page_size = 30
    template = "feeds/notices.html"
    bulk_template = "feeds/notices-bulk.html"

    @cached_property
    def feeds(self) -> Sequence[tuple[str, str]]:
        """The feeds of notices, as (slug, name)."""
        return list(polled_sources(self.user).filter(kind=KIND).values_list("slug", "name"))

    def get_queryset(self) -> "QuerySet[ProviderNotice]":
        notices = ProviderNotice.objects.visible_to(self.user)
        return notices.select_related("source", "decided_by")

    def build_rows(self, records: Sequence[ProviderNotice]) -> Sequence[NoticeRow]:
        return _build_rows(records, self.user)

    def build_file_rows(self, records: Sequence[ProviderNotice]) -> Sequence[NoticeRow]:
        return [NoticeRow(notice, (), 0) for notice in records]

    def get_controls(self) -> Sequence[FilterControl]:
        return (
            FilterControl("q", "Contains", "search"),
            FilterControl("source", "Feed", choices=self.feeds),
            FilterControl("state", "State", choices=ProviderNotice.State.choices),
            FilterControl("named", "Names a known model ID", choices=BOOLEANS),
        )

    def get_lead(self) -> Headline:
        if self.is_filtered:
            return self.describe_matches()
        if not self.feeds:
            return Headline("No feed of provider notices is set up.")
        n_unread = self.listing.n_found
        if not n_unread:
            return Headline("No provider notices are unread.")
        verb = pluralize(n_unread, "is", "are")
        return Headline("", f"{self.count_records()} {verb} unread", ".")

    def get_basis(self) -> str:
        return (
            "Provider notices do not change the catalogue. The models named are model IDs that the "
            "text contains exactly."
        )

    def get_actions(self) -> Sequence[PageAction]:
        if not self.user.is_governance:
            return ()
        return (PageAction("Add feed of notices", f"{reverse('feeds:create')}?kind=notices"),)

    def get_empty_state(self) -> EmptyState:
        if self.feeds:
            return EmptyState(
                "No provider notices are unread.",
                "New items of the feeds appear here.",
                "View all provider notices",
                "?state=",
            )
        return EmptyState(
            "No feed of provider notices yet.",
            "Many providers publish their news and deprecations as RSS, Atom or JSON Feed. Each "
            "item of a feed appears here, with the offerings that it names.",
            "Add feed of notices",
            f"{reverse('feeds:create')}?kind=notices",
        )

    def get_selection_key(self, row: NoticeRow) -> str:
        is_open = row.notice.state != ProviderNotice.State.DONE
        return str(row.notice.pk) if is_open and self.user.is_governance else ""

    def get_context(self) -> Mapping[str, Any]:
        return {"event_kinds": [(kind.value, kind.label) for kind in EVENT_KINDS]}


def _build_rows(notices: Sequence[ProviderNotice], user: User) -> list[NoticeRow]:
    """Build the rows of the notices with the offerings and versions that they name: four statements
    at most."""
    names = sorted({name for notice in notices for name in notice.names})
    if not names:
        return [NoticeRow(notice, (), 0) for notice in notices]
    offerings = (
        Offering.objects.model_ids()
        .visible_to(user)
        .filter(api_id__in=names)
        .select_related("host")
    )
    dependencies = live_dependencies(user=user, on=day_of(now())).filter(offering__api_id__in=names)
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


class CloseNoticeForm(forms.Form):
    _INVALID = dict.fromkeys(
        ("required", "invalid_choice", "invalid_list"),
        "Select at least one provider notice and an outcome.",
    )
    pick = forms.TypedMultipleChoiceField(coerce=int, error_messages=_INVALID)
    outcome = forms.ChoiceField(choices=[("nothing", ""), ("date", "")], error_messages=_INVALID)
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

    def close(form: CloseNoticeForm) -> Sequence[ProviderNotice]:
        rows = close_notices(
            notices=form.cleaned_data["pick"],
            outcome=ProviderNotice.Outcome(form.cleaned_data["outcome"]),
            by=user,
            reason=form.cleaned_data["reason"],
        )
        if not rows:
            raise ConflictError("Another user already closed these notices. Nothing was changed.")
        return rows

    return action_view(
        request,
        form=lambda: CloseNoticeForm(request.POST),
        action=close,
        done=lambda rows: Confirmation(
            pluralize(len(rows), f"{len(rows)} notice closed.", f"{len(rows)} notices closed."),
            _build_reopen_url(rows),
        ),
        back=return_path(request, reverse("provider-notices:list")),
    )


def _build_reopen_url(rows: Sequence[ProviderNotice]) -> str:
    return f"{reverse('provider-notices:reopen')}?{'&'.join(f'pick={row.pk}' for row in rows)}"


@require_POST
def reopen_selected(request: HttpRequest) -> HttpResponse:
    user = governance_user(request, GOVERNANCE_ONLY)
    values = [*request.GET.getlist("pick"), *request.POST.getlist("pick")][:MAX_SELECTED]

    def reopen(_form: forms.Form) -> int:
        n = reopen_notices(
            notices=[int(pk) for pk in values if pk.isdecimal() and len(pk) < 19], by=user
        )
        if not n:
            raise ConflictError("The notice is already unread. Nothing was changed.")
        return n

    return action_view(
        request,
        action=reopen,
        done=lambda n: pluralize(n, f"{n} notice reopened.", f"{n} notices reopened."),
        back=return_path(request, reverse("provider-notices:list")),
    )


class NotifyForm(forms.Form):
    _INVALID = dict.fromkeys(
        ("required", "invalid", "invalid_choice", "min_value", "max_value", "max_length"),
        "Select the offering and the event, and enter what the notice announces.",
    )
    kind = forms.ChoiceField(
        choices=[(kind.value, kind.label) for kind in EVENT_KINDS], error_messages=_INVALID
    )
    offering = forms.IntegerField(min_value=1, max_value=2**62, error_messages=_INVALID)
    effective_on = DayField(required=False)
    reason = forms.CharField(max_length=500, error_messages=_INVALID)


@require_POST
def notify_applications(request: HttpRequest, pk: int) -> HttpResponse:
    """Record an event for all applications that depend on an offering that the notice names, in the
    user's words."""
    user = governance_user(request, GOVERNANCE_ONLY)
    notice = get_object_or_404(
        ProviderNotice.objects.visible_to(request.user).select_related("source"), pk=pk
    )

    def record(form: NotifyForm) -> tuple[ProviderEvent, Offering]:
        cleaned = form.cleaned_data
        offering = Offering.objects.filter(pk=cleaned["offering"], api_id__in=notice.names).first()
        if offering is None:
            raise DomainError("The notice does not mention this offering. Nothing was recorded.")
        event = record_event(notice=notice, by=user, **cleaned | {"offering": offering})
        return event, offering

    return action_view(
        request,
        form=lambda: NotifyForm(request.POST),
        action=record,
        done=lambda recorded: (
            "The event was recorded. Users whose applications depend on "
            f"{recorded[1].api_id} can see it."
        ),
        back=lambda recorded: reverse("events:detail", args=[recorded[0].pk]),
        refused=return_path(request, reverse("provider-notices:list")),
    )
