"""Creation of a campaign: what it would include, whom it affects; large ones are created by a
worker."""

from collections.abc import Collection
from typing import Any

from django import forms
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe
from kombu.exceptions import OperationalError

from apps.catalog.models import Offering, ProviderEvent, RetirementAnnouncement
from apps.common.errors import ConflictError
from apps.common.time import day_of, now
from apps.exposure.campaigns.lifecycle import (
    open_campaign,
    open_campaigns_for,
    representative_id,
)
from apps.exposure.campaigns.reach import campaign_offering_ids, dependencies_in
from apps.exposure.campaigns.target_checks import breaks_of_target
from apps.exposure.models import Campaign
from apps.exposure.tasks import campaign_opening_key, open_large_campaign
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import DayField, governance_user
from apps.web.pages.page import Headline, render_page
from apps.web.presenters.measured_migrations import measured_effort
from apps.web.views.campaigns.targets import (
    TargetGroup,
    offer_targets,
    target_groups,
)
from apps.web.views.dependencies.forms import ConfirmedChoiceMixin
from apps.web.views.dependencies.offering_picker import number_in
from apps.web.wording import count_of, day, number

GOVERNANCE_ONLY = "You need the governance role to open a migration."
# a worker creates larger campaigns, so that the page does not wait
MAX_IMMEDIATE_DEPENDENCIES = 1_000
MAX_SEARCH_RESULTS = 20
MAX_NAMED_APPLICATIONS = 8


class OpeningForm(ConfirmedChoiceMixin, forms.Form):
    title = forms.CharField(
        label="Title",
        max_length=200,
        required=False,
        help_text="Empty: made from the retiring models.",
    )
    target = forms.ModelChoiceField(
        Offering.objects.none(),
        label="Default target",
        required=False,
        help_text="Each task can have another target.",
    )
    due_on = DayField(
        label="Latest finish date of all tasks",
        required=False,
        help_text="Each task finishes 14 days before its model retires, or by this date if it is "
        "earlier.",
    )
    note = forms.CharField(label="Note", widget=forms.Textarea, required=False, max_length=10_000)

    def __init__(
        self,
        *args: Any,
        draft: Campaign,
        dependency_ids: Collection[int],
        chosen: Offering | None = None,
        **kwargs: Any,
    ) -> None:
        """`chosen` is the target that the page of successors has proposed."""
        super().__init__(*args, **kwargs)
        successor = draft.announcement.successor if draft.announcement else None
        leaving = campaign_offering_ids(draft)
        groups = target_groups(draft.subject, named=[successor], leaving=leaving)
        if chosen is not None and chosen.pk not in leaving:
            groups.insert(0, TargetGroup("Chosen successor", (chosen,)))
        field = self.fields["target"]
        offer_targets(
            field, groups, empty_label="Selected in each task", dependency_ids=dependency_ids
        )
        default = successor.pk if successor else draft.subject.replacement_id
        field.initial = chosen.pk if chosen is not None else default


def _queue_opening(user_id: int, draft: Campaign, facts: dict[str, Any]) -> None:
    """Queue the creation for a worker. Raises kombu's OperationalError without a broker."""
    target = facts["target"]
    cache.set(_opening_key(draft), "", timeout=3600)
    open_large_campaign.delay(
        user_id=user_id,
        event_id=draft.event_id,
        announcement_id=draft.announcement_id,
        offering_id=draft.subject_id,
        target_id=target.pk if target else None,
        title=facts["title"],
        note=facts["note"],
        due_on=facts["due_on"].isoformat() if facts["due_on"] else None,
    )


def _opening_key(draft: Campaign) -> str:
    return campaign_opening_key(
        event_id=draft.event_id,
        offering_id=draft.subject_id,
        announcement_id=draft.announcement_id,
    )


def _open_campaign_of(draft: Campaign) -> Campaign | None:
    return open_campaigns_for(
        event=draft.event, subject=draft.subject, announcement=draft.announcement
    ).first()


@require_http_methods(["GET", "HEAD", "POST"])
def open_campaign_page(request: HttpRequest) -> HttpResponse:
    """Show the creation form. `?event=`, `?offering=` or `?announcement=` names the subject;
    without one the user searches for an offering."""
    user = governance_user(request, str(GOVERNANCE_ONLY))
    draft = parse_subject(request)
    if draft is None:
        return render_subject_search(request)
    if (existing := _open_campaign_of(draft)) is not None:
        return redirect("campaigns:detail", existing.pk)
    dependencies = dependencies_in(draft, on=day_of(now()))
    dependency_ids = list(dependencies.order_by().values_list("pk", flat=True))
    n_dependencies = len(dependency_ids)
    chosen = (
        Offering.objects.visible_to(user).select_related("host").filter(pk=target_id).first()
        if (target_id := number_in(request.GET.get("target")))
        else None
    )
    form = OpeningForm(
        request.POST or None, draft=draft, dependency_ids=dependency_ids, chosen=chosen
    )
    if request.method == "POST" and form.is_valid():
        facts = form.cleaned_data
        try:
            if (target := facts["target"]) is not None:
                breaks = breaks_of_target(
                    target,
                    list(dependencies.select_related("application", "offering")),
                    on=day_of(now()),
                )
                form.require_confirmation(breaks, target)
            if n_dependencies > MAX_IMMEDIATE_DEPENDENCIES:
                _queue_opening(user.pk, draft, facts)
                return redirect(f"{reverse('campaigns:create-progress')}?{subject_query(draft)}")
            campaign = open_campaign(
                by=user,
                at=now(),
                event=draft.event,
                announcement=draft.announcement,
                offering=None if draft.event or draft.announcement else draft.subject,
                **facts,
            )
        except (ConflictError, ValidationError) as refusal:
            form.add_error(
                None, refusal.messages if isinstance(refusal, ValidationError) else str(refusal)
            )
        except OperationalError:
            # nothing is stored yet, so no later run can pick it up
            form.add_error(None, "The background worker is not available. Try again in a minute.")
        else:
            flash_success(
                request,
                f"The migration was opened with {count_of(campaign.tasks.count(), 'task')}.",
            )
            return redirect("campaigns:detail", campaign.pk)
    return render_page(
        request,
        "campaigns/opening.html",
        title="New migration",
        crumbs=(("Migrations", reverse("campaigns:list")),),
        counts="Active dependencies in any role",
        sentence=Headline(_opening_sentence(draft, n_dependencies)),
        n=n_dependencies,
        named=dependencies.select_related("application__team", "offering__host").order_by(
            "application__criticality", "application__name", "pk"
        )[:MAX_NAMED_APPLICATIONS],
        form=form,
        measured=measured_effort(user),
        status=422 if form.is_bound else 200,
    )


def _opening_sentence(draft: Campaign, n_dependencies: int) -> str:
    ends_on = draft.ends_on
    retirement_clause = f", which retires on {day(ends_on)}" if ends_on else ""
    name = (
        draft.subject_name
        if draft.announcement is not None
        else f"{draft.subject.api_id} on {draft.subject.host.name}"
    )
    count = f"{number(n_dependencies)} {'dependency' if n_dependencies == 1 else 'dependencies'}"
    return f"{count} would migrate off {name}{retirement_clause}."


def subject_query(draft: Campaign) -> str:
    if draft.announcement_id is not None:
        return f"announcement={draft.announcement_id}"
    return f"event={draft.event_id}" if draft.event_id else f"offering={draft.subject_id}"


def parse_subject(request: HttpRequest) -> Campaign | None:
    """Return a draft of the campaign that the URL names; None without a subject."""
    offerings = Offering.objects.visible_to(request.user).select_related(
        "host", "version__foundation", "replacement"
    )
    if pk := number_in(request.GET.get("announcement")):
        announcement = get_object_or_404(
            RetirementAnnouncement.objects.visible_to(request.user).select_related(
                "version", "foundation", "provider", "offering__host", "successor"
            ),
            pk=pk,
        )
        subject_id = representative_id(announcement, day_of(now()))
        return Campaign(
            subject=get_object_or_404(offerings, pk=subject_id), announcement=announcement
        )
    if pk := number_in(request.GET.get("event")):
        event = get_object_or_404(ProviderEvent.objects.visible_to(request.user), pk=pk)
        return Campaign(subject=get_object_or_404(offerings, pk=event.offering_id), event=event)
    if pk := number_in(request.GET.get("offering")):
        return Campaign(subject=get_object_or_404(offerings, pk=pk))
    return None


def render_subject_search(request: HttpRequest) -> HttpResponse:
    text = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:100]
    offerings = (
        Offering.objects.visible_to(request.user).select_related("host").order_by("api_id", "pk")
    )
    return render_page(
        request,
        "campaigns/search.html",
        fragment="hits",
        title="New migration",
        crumbs=(("Migrations", reverse("campaigns:list")),),
        sentence=Headline("Select the offering that retires or changes."),
        words=text,
        hits=offerings.filter(api_id__icontains=text)[:MAX_SEARCH_RESULTS] if len(text) > 1 else (),
    )


@require_safe
def opening_progress(request: HttpRequest) -> HttpResponse:
    """Refresh until the worker has created the campaign; then redirect to it."""
    governance_user(request, str(GOVERNANCE_ONLY))
    draft = parse_subject(request)
    if draft is None:
        return redirect("campaigns:list")
    campaign = _open_campaign_of(draft)
    # None: the cache entry is gone, so whether a worker still creates it is unknown
    problem = cache.get(_opening_key(draft))
    if problem is None:
        problem = (
            "The progress is unknown. If the migration is not in the list in a minute, "
            "open it again."
        )
    address = (
        reverse("campaigns:detail", args=[campaign.pk])
        if campaign
        else reverse("campaigns:list")
        if problem
        else ""
    )
    if problem and not campaign:
        flash_error(request, problem)
    if address:
        if getattr(request, "htmx", False):
            return HttpResponse(headers={"HX-Redirect": address})
        return redirect(address)
    return render_page(
        request,
        "campaigns/progress.html",
        fragment="progress",
        title="New migration",
        crumbs=(("Migrations", reverse("campaigns:list")),),
        sentence=Headline(f"The migration off {draft.subject_name} is being opened."),
        address=request.get_full_path(),
    )
