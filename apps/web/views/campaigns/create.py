"""Creation of a campaign: what it would include, whom it affects; large ones are created by a
worker."""

from typing import Any

from django import forms
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe
from kombu.exceptions import OperationalError

from apps.catalog.models import Offering, ProviderEvent
from apps.common.errors import ConflictError
from apps.common.time import day_of, now
from apps.exposure.campaigns.lifecycle import open_campaign
from apps.exposure.campaigns.reach import dependencies_in
from apps.exposure.models import Campaign
from apps.exposure.tasks import campaign_opening_key, open_large_campaign
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import DayField, governance_user
from apps.web.pages.page import Headline, render_page
from apps.web.wording import count_of, day, number

GOVERNANCE_ONLY = "Campaigns are opened by governance."
# a worker creates larger campaigns, so that the page does not wait
MAX_IMMEDIATE_DEPENDENCIES = 1_000
MAX_SEARCH_RESULTS = 20
MAX_NAMED_APPLICATIONS = 8


class OpeningForm(forms.Form):
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
        empty_label="Selected in each task",
    )
    due_on = DayField(
        label="Latest due date of all tasks",
        required=False,
        help_text="Each task has its own due date: the retirement date, minus the days of "
        "the migration, minus a margin.",
    )
    note = forms.CharField(label="Note", widget=forms.Textarea, required=False, max_length=10_000)

    def __init__(self, *args: Any, subject: Offering, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["target"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = candidates_for(subject)
        field.initial = subject.replacement_id


def candidates_for(subject: Offering, *, and_also: int | None = None) -> Any:
    """Return possible targets: the host's own replacement, other active releases of the same
    developer at that host, and the offering with the id `and_also`."""
    live_offerings = (
        Offering.objects.select_related("host")
        .filter(lifecycle__in=["active", "preview"])
        .exclude(pk=subject.pk)
    )
    similar_offerings = live_offerings.filter(host=subject.host)
    if subject.version is not None:
        similar_offerings = similar_offerings.filter(
            version__foundation__developer=subject.version.foundation.developer_id
        )
    ids = list(
        similar_offerings.order_by("-version__released_on", "-pk").values_list("pk", flat=True)[:40]
    )
    if subject.replacement_id:
        ids.append(subject.replacement_id)
    if and_also:
        ids.append(and_also)
    return Offering.objects.select_related("host").filter(pk__in=ids).order_by("api_id", "pk")


def _queue_opening(
    user_id: int, event: ProviderEvent | None, subject: Offering, facts: dict[str, Any]
) -> None:
    """Queue the creation for a worker. Raises kombu's OperationalError without a broker."""
    target = facts["target"]
    cache.set(
        campaign_opening_key(event_id=event.pk if event else None, offering_id=subject.pk),
        "",
        timeout=3600,
    )
    open_large_campaign.delay(
        user_id=user_id,
        event_id=event.pk if event else None,
        offering_id=subject.pk,
        target_id=target.pk if target else None,
        title=facts["title"],
        note=facts["note"],
        due_on=facts["due_on"].isoformat() if facts["due_on"] else None,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def open_campaign_page(request: HttpRequest) -> HttpResponse:
    """Show the creation form. `?event=` or `?offering=` names the subject; without either the user
    searches for one."""
    user = governance_user(request, str(GOVERNANCE_ONLY))
    event, subject = _parse_subject(request)
    if subject is None:
        return _render_search(request)
    draft = Campaign(subject=subject, event=event)
    existing = Campaign.objects.filter(
        state=Campaign.State.OPEN, event=event, subject=subject
    ).first()
    if existing is not None:
        return redirect("campaigns:detail", existing.pk)
    dependencies = dependencies_in(draft, on=day_of(now()))
    n_dependencies = dependencies.order_by().count()
    form = OpeningForm(request.POST or None, subject=subject)
    if request.method == "POST" and form.is_valid():
        facts = form.cleaned_data
        try:
            if n_dependencies > MAX_IMMEDIATE_DEPENDENCIES:
                _queue_opening(user.pk, event, subject, facts)
                query = f"event={event.pk}" if event else f"offering={subject.pk}"
                return redirect(f"{reverse('campaigns:create-progress')}?{query}")
            campaign = open_campaign(
                by=user, at=now(), event=event, offering=None if event else subject, **facts
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
                "The migration campaign was opened with "
                f"{count_of(campaign.tasks.count(), 'task')}.",
            )
            return redirect("campaigns:detail", campaign.pk)
    return render_page(
        request,
        "campaigns/opening.html",
        title="Open a campaign",
        crumbs=(("Campaigns", reverse("campaigns:list")),),
        counts="Live dependencies, in every role",
        sentence=Headline(_opening_sentence(subject, n_dependencies)),
        subject=subject,
        event=event,
        n=n_dependencies,
        named=dependencies.select_related("application__team", "offering__host").order_by(
            "application__criticality", "application__name", "pk"
        )[:MAX_NAMED_APPLICATIONS],
        form=form,
        status=422 if form.is_bound else 200,
    )


def _opening_sentence(subject: Offering, n_dependencies: int) -> str:
    retirement_clause = f", which ends on {day(subject.retires_on)}" if subject.retires_on else ""
    return "{n} would move off {id} at {host}{ends}.".format(
        n=f"{number(n_dependencies)} {'dependency' if n_dependencies == 1 else 'dependencies'}",
        id=subject.api_id,
        host=subject.host.name,
        ends=retirement_clause,
    )


def _parse_subject(request: HttpRequest) -> tuple[ProviderEvent | None, Offering | None]:
    offerings = Offering.objects.visible_to(request.user).select_related(
        "host", "version__foundation"
    )
    if (pk := request.GET.get("event", "")).isdecimal():
        event = get_object_or_404(ProviderEvent.objects.visible_to(request.user), pk=pk)
        return event, get_object_or_404(offerings, pk=event.offering_id)
    if (pk := request.GET.get("offering", "")).isdecimal():
        return None, get_object_or_404(offerings, pk=pk)
    return None, None


def _render_search(request: HttpRequest) -> HttpResponse:
    text = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:100]
    offerings = (
        Offering.objects.visible_to(request.user).select_related("host").order_by("api_id", "pk")
    )
    return render_page(
        request,
        "campaigns/search.html",
        fragment="hits",
        title="Open a campaign",
        crumbs=(("Campaigns", reverse("campaigns:list")),),
        sentence=Headline("Which offering ends or changes?"),
        words=text,
        hits=offerings.filter(api_id__icontains=text)[:MAX_SEARCH_RESULTS] if len(text) > 1 else (),
    )


@require_safe
def opening_progress(request: HttpRequest) -> HttpResponse:
    """Refresh until the worker has created the campaign; then redirect to it."""
    governance_user(request, str(GOVERNANCE_ONLY))
    event, subject = _parse_subject(request)
    if subject is None:
        return redirect("campaigns:list")
    campaign = Campaign.objects.filter(
        state=Campaign.State.OPEN, event=event, subject=subject
    ).first()
    # None: the cache entry is gone, so whether a worker still creates it is unknown
    problem = cache.get(
        campaign_opening_key(event_id=event.pk if event else None, offering_id=subject.pk)
    )
    if problem is None:
        problem = (
            "The progress of opening this campaign is not known. If the campaign is not in the"
            " list in a minute, open it again."
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
        title="Opening a campaign",
        crumbs=(("Campaigns", reverse("campaigns:list")),),
        sentence=Headline(f"The campaign on {subject.api_id} is being opened."),
        address=request.get_full_path(),
    )
