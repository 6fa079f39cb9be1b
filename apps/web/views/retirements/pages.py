"""List and page of announced retirements, and their withdrawal."""

from datetime import date
from typing import Any

from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.catalog.filters import RetirementAnnouncementFilter
from apps.catalog.models import DateKind, RetirementAnnouncement
from apps.common.errors import DomainError
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.exposure.models import Campaign
from apps.exposure.queries.announcement_reach import affected_by_retirement
from apps.feeds.models import ReceivedNotice
from apps.issues.models import Issue
from apps.issues.retirements import withdraw_and_evaluate
from apps.web.pages.filter_controls import FilterControl, build_filter_controls
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import governance_user, signed_in_user
from apps.web.pages.list_page import PaginatedList, Sorting, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.retirements.announce import GOVERNANCE_ONLY, MAX_APPLICATIONS
from apps.web.views.retirements.received_notices import new_notices
from apps.web.wording import long_day, number

ORDERS = Sorting(
    {
        "announced": ("Announced", ("-announced_at", "-pk")),
        "retires": ("Retires", ("retires_on", "pk")),
    }
)
RELATIONS = (
    "version",
    "foundation",
    "provider",
    "offering__host",
    "successor__host",
    "announced_by",
    "withdrawn_by",
)
UNDO_REASON = "Undone right after it was announced."


def _filter_announcements(
    request: HttpRequest,
) -> tuple[RetirementAnnouncementFilter, "QuerySet[RetirementAnnouncement]"]:
    filterset = RetirementAnnouncementFilter(
        request.GET, RetirementAnnouncement.objects.visible_to(request.user), request=request
    )
    announcements = filterset.qs.select_related(*RELATIONS).annotate(
        n_offerings=Count("announced_offerings")
    )
    return filterset, ORDERS.apply(request, announcements)


@require_safe
def announcement_list(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    filterset, announcements = _filter_announcements(request)
    listing = PaginatedList(request, announcements)
    return render_page(
        request,
        "retirements/list.html",
        fragment="listing",
        title="Announced retirements",
        counts="Retirements that governance users announced",
        sentence=Headline(_list_sentence(listing)),
        filters=build_filter_controls(
            request,
            filterset,
            [
                FilterControl("withdrawn", "Withdrawn", choices=[("true", "Yes"), ("false", "No")]),
                FilterControl("retires_from", "Retires from", "date"),
                FilterControl("retires_before", "Retires before", "date"),
            ],
        ),
        listing=listing,
        columns=ORDERS.columns(request),
        can_announce=user.is_governance,
        **new_notices(user),
    )


def _list_sentence(listing: PaginatedList[RetirementAnnouncement]) -> str:
    if listing.is_filtered:
        return pluralize(
            listing.n_found,
            "1 announcement matches the filters.",
            f"{listing.count} announcements match the filters.",
        )
    if not listing.n_found:
        return "No retirements announced by users yet."
    return pluralize(
        listing.n_found,
        "1 retirement was announced by a user.",
        f"{listing.count} retirements were announced by users.",
    )


@require_safe
def announcement_csv(request: HttpRequest) -> StreamingHttpResponse:
    _, announcements = _filter_announcements(request)
    return csv_response(
        "retirements",
        [
            "subject",
            "retires",
            "date",
            "model IDs",
            "successor",
            "source",
            "announced",
            "announced by",
            "withdrawn",
            "withdrawn by",
            "withdrawal reason",
        ],
        announcements.iterator(chunk_size=1000),
        lambda row: [
            row.subject_name,
            row.retires_on,
            _date_word(row),
            getattr(row, "n_offerings", 0),
            str(row.successor or ""),
            row.source_url,
            row.announced_at,
            str(row.announced_by or ""),
            row.withdrawn_at,
            str(row.withdrawn_by or ""),
            row.withdrawal_reason,
        ],
    )


def _date_word(announcement: RetirementAnnouncement) -> str:
    return "earliest" if announcement.date_kind == DateKind.NOT_BEFORE else "announced"


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
    try:
        withdraw_and_evaluate(announcement=announcement, at=now(), by=user, reason=reason)
    except DomainError as refusal:
        flash_error(request, str(refusal))
    else:
        flash_success(request, "Announcement withdrawn. The dates of before apply again.")
    return redirect("retirements:detail", pk)
