"""List and page of announced retirements, and their withdrawal."""

from collections.abc import Mapping, Sequence
from datetime import date
from operator import attrgetter
from typing import Any

from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST, require_safe

from apps.alerts.issues.notified import notified_of_offerings
from apps.catalog.filters import RetirementAnnouncementFilter
from apps.catalog.models import DateKind, RetirementAnnouncement
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.exposure.models import Campaign
from apps.exposure.queries.announcement_reach import affected_by_retirement
from apps.feeds.models import ReceivedNotice
from apps.issues.models import Issue
from apps.issues.retirements import withdraw_and_evaluate
from apps.web.lists.columns import Column, FileColumn, format_day, format_moment, format_number
from apps.web.lists.list_page import EmptyState, ListPage, ListRequest, PageAction
from apps.web.pages.action_view import action_view
from apps.web.pages.filter_controls import BOOLEANS, FilterControl
from apps.web.pages.form_fields import governance_user, signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.retirements.announce import GOVERNANCE_ONLY, MAX_APPLICATIONS
from apps.web.views.retirements.received_notices import LatestReceivedNotices
from apps.web.wording import long_day, number

RELATIONS = (
    "version",
    "foundation",
    "provider",
    "offering__host",
    "successor__host",
    "announced_by",
    "withdrawn_by",
)
UNDO_REASON = "Undone immediately after the announcement."


def _date_word(announcement: RetirementAnnouncement) -> str:
    return "earliest" if announcement.date_kind == DateKind.NOT_BEFORE else "announced"


class AnnouncementList(ListPage[RetirementAnnouncement, RetirementAnnouncement]):
    """Retirements that users announced, latest first, below the new received notices."""

    namespace = "retirements"
    title = "Announced retirements"
    nouns = ("announced retirement", "announced retirements")
    counts = "Retirements that governance users announced"
    filterset_class = RetirementAnnouncementFilter
    columns = (
        Column[RetirementAnnouncement](
            "subject",
            "Announcement",
            attrgetter("subject_name"),
            url=lambda row: reverse("retirements:detail", args=[row.pk]),
        ),
        Column[RetirementAnnouncement](
            "retires",
            "Retires",
            attrgetter("retires_on"),
            format=format_day,
            note=lambda row: "earliest" if row.date_kind == DateKind.NOT_BEFORE else "",
            order=("retires_on", "pk"),
        ),
        Column[RetirementAnnouncement](
            "model_ids",
            "Model IDs",
            attrgetter("n_offerings"),
            format=format_number,
            is_numeric=True,
        ),
        Column[RetirementAnnouncement](
            "successor",
            "Successor",
            lambda row: row.successor.api_id if row.successor else "",
            note=lambda row: row.successor.host.name if row.successor else "",
            css=lambda row: "id" if row.successor else "",
        ),
        Column[RetirementAnnouncement](
            "announced",
            "Announced",
            attrgetter("announced_at"),
            format=format_moment,
            note=lambda row: str(row.announced_by or "command line"),
            order=("-announced_at", "-pk"),
        ),
        Column[RetirementAnnouncement](
            "state", "State", lambda row: "Withdrawn" if row.withdrawn_at else "Announced"
        ),
    )
    file_columns = (
        FileColumn[RetirementAnnouncement]("Date type", _date_word),
        FileColumn[RetirementAnnouncement](
            "Successor host", lambda row: row.successor.host.name if row.successor else ""
        ),
        FileColumn[RetirementAnnouncement]("Source URL", attrgetter("source_url")),
        FileColumn[RetirementAnnouncement]("Announced by", lambda row: str(row.announced_by or "")),
        FileColumn[RetirementAnnouncement]("Withdrawn at", attrgetter("withdrawn_at")),
        FileColumn[RetirementAnnouncement]("Withdrawn by", lambda row: str(row.withdrawn_by or "")),
        FileColumn[RetirementAnnouncement]("Withdrawal reason", attrgetter("withdrawal_reason")),
    )
    controls = (
        FilterControl("withdrawn", "Withdrawn", choices=BOOLEANS),
        FilterControl("retires_from", "Retires from", "date"),
        FilterControl("retires_before", "Retires before", "date"),
    )
    default_order = ("announced", ())
    template = "retirements/list.html"

    def get_queryset(self) -> "QuerySet[RetirementAnnouncement]":
        return RetirementAnnouncement.objects.visible_to(self.user)

    def narrow(
        self, queryset: "QuerySet[RetirementAnnouncement]"
    ) -> "QuerySet[RetirementAnnouncement]":
        return queryset.select_related(*RELATIONS).annotate(
            n_offerings=Count("announced_offerings")
        )

    def describe_all(self) -> Headline:
        verb = pluralize(self.listing.n_found, "retirement was", "retirements were")
        return Headline(f"{self.listing.count} {verb} announced by users.")

    def get_basis(self) -> str:
        return format_html(
            "An announcement is one fact for all model IDs that it covers. Dates that feeds "
            'publish are in the <a href="{}">provider events</a>.',
            reverse("events:list"),
        )

    def get_actions(self) -> Sequence[PageAction]:
        if not self.user.is_governance:
            return ()
        announce = reverse("retirements:announce")
        return (PageAction("Announce retirement", announce, is_primary=True),)

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No announced retirements yet.",
            "If a provider announces a retirement that no feed reports, announce it here. Owners "
            "are notified and can start the migration.",
            *(
                ("Announce retirement", reverse("retirements:announce"))
                if self.user.is_governance
                else ()
            ),
        )

    def get_context(self) -> Mapping[str, Any]:
        if not self.user.is_governance:
            return {}
        notices = LatestReceivedNotices(ListRequest(QueryDict(), self.user), at=self.at)
        return {
            "n_new_notices": notices.n_new,
            "new_notices": notices,
            "no_notices": None if notices.n_new else notices.get_empty_state(),
        }


@require_safe
def announcement_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = signed_in_user(request), now()
    announcement = get_object_or_404(
        RetirementAnnouncement.objects.visible_to(user).select_related(*RELATIONS), pk=pk
    )
    rows = list(
        announcement.announced_offerings.select_related(
            "offering__host", "event", "withdrawal_event"
        ).order_by("offering__host__name", "offering__api_id", "pk")
    )
    affected, n_affected = affected_by_retirement(
        offering_ids=[row.offering_id for row in rows],
        on=day_of(at),
        retires_on=announcement.retires_on,
        user=user,
        limit=MAX_APPLICATIONS,
    )
    campaign = (
        Campaign.objects.visible_to(user)
        .filter(announcement=announcement)
        .order_by("state", "-opened_at")
        .last()
    )
    issues = Issue.objects.visible_to(user).filter(
        cause__kind="retirement",
        application__in=[row.application.pk for row in affected],
        cause__cause_offerings__offering__in=[row.offering_id for row in rows],
    )
    return render_page(
        request,
        "retirements/detail.html",
        title=str(announcement),
        crumbs=(("Announced retirements", reverse("retirements:list")),),
        counts="Applications that you can view, in any role",
        as_of=at,
        sentence=Headline(_sentence(announcement, len(rows), n_affected, day_of(at))),
        announcement=announcement,
        date_word=_date_word(announcement),
        rows=rows,
        affected=affected,
        n_affected=n_affected,
        issues_by_application={
            issue.application_id: issue for issue in issues.select_related("owner").order_by("pk")
        },
        campaign=campaign,
        notified=notified_of_offerings([row.offering_id for row in rows], user=user),
        received_notices=ReceivedNotice.objects.visible_to(user).filter(announcements=announcement),
        can_change=user.is_governance and not announcement.is_withdrawn,
    )


def _sentence(
    announcement: RetirementAnnouncement, n_offerings: int, n_applications: int, today: date
) -> str:
    name = announcement.subject_name
    if announcement.withdrawn_at is not None:
        day = long_day(day_of(announcement.withdrawn_at))
        return f"The retirement of {name} was withdrawn on {day}."
    is_past = announcement.retires_on < today
    if announcement.date_kind == DateKind.NOT_BEFORE:
        verb = "could retire since" if is_past else "retires no earlier than"
    else:
        verb = "retired on" if is_past else "retires on"
    ids = pluralize(n_offerings, "1 model ID", f"{number(n_offerings)} model IDs")
    uses = (
        pluralize(
            n_applications,
            "1 application must migrate",
            f"{number(n_applications)} applications must migrate",
        )
        if n_applications
        else "no application uses it"
    )
    return f"{name} {verb} {long_day(announcement.retires_on)}: {ids}, {uses}."


@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Withdraw an announcement; `?undo=1` right after announcing needs no reason."""
    user = governance_user(request, GOVERNANCE_ONLY)
    announcement = get_object_or_404(RetirementAnnouncement.objects.visible_to(user), pk=pk)
    reason: Any = request.POST.get("reason", "")
    if not reason and request.GET.get("undo"):
        reason = UNDO_REASON
    return action_view(
        request,
        action=lambda _form: withdraw_and_evaluate(
            announcement=announcement, at=now(), by=user, reason=reason
        ),
        done="Announcement withdrawn. The earlier dates apply again.",
        back=reverse("retirements:detail", args=[pk]),
    )
