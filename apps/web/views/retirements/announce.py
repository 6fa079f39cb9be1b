"""Announcing a retirement: the terms, a preview of what it covers and affects, and saving."""

from datetime import date
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.accounts.models import User
from apps.catalog.retirements.announcements import (
    AnnouncementPreview,
    RetirementTerms,
    preview_announcement,
)
from apps.catalog.retirements.coverage import Subject
from apps.common.errors import DomainError
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.exposure.queries.announcement_reach import affected_by_retirement
from apps.feeds.mailbox.decisions import link_announcement
from apps.feeds.models import ReceivedNotice
from apps.issues.retirements import RetirementOutcome, announce_and_evaluate
from apps.web.pages.flash_messages import flash_success
from apps.web.pages.form_fields import governance_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.dependencies.offering_picker import number_in
from apps.web.views.governance.approval_targets import (
    load_target,
    requested_target,
    search_targets,
)
from apps.web.views.governance.candidate_search import read_search_text
from apps.web.views.retirements.forms import AnnouncementForm, successor_suggestions
from apps.web.views.retirements.received_notices import (
    initial_terms,
    proposals_of,
    requested_notice,
)
from apps.web.wording import number

GOVERNANCE_ONLY = "You need the governance or administrator role to announce retirements."
MAX_APPLICATIONS = 50


@require_http_methods(["GET", "HEAD", "POST"])
def announce_page(request: HttpRequest) -> HttpResponse:
    """Show the form for the subject in the URL; without one the user searches for it.

    With a received notice in the URL the form is filled in from it, and the notice is shown beside
    it. POST shows the preview, or with `action=announce` saves what its boxes select.
    """
    user = governance_user(request, GOVERNANCE_ONLY)
    notice = requested_notice(request, user)
    subject = requested_target(request.GET, user=user)
    if subject is None:
        return _render_search(request, user, notice)
    today = day_of(now())
    form = AnnouncementForm(
        request.POST or None,
        subject=subject,
        today=today,
        initial=None if notice is None else initial_terms(notice, subject),
    )
    preview = None
    if request.method == "POST" and form.is_valid():
        try:
            terms = _selected_terms(request, form, today)
            preview = preview_announcement(terms, on=today)
            if request.POST.get("action") == "announce":
                outcome = _announce(terms, notice, by=user)
                pk = outcome.announcement.pk
                undo = f"{reverse('retirements:withdraw', args=[pk])}?undo=1"
                flash_success(
                    request,
                    _confirmation(outcome, notice),
                    undo=None if outcome.is_repeated else undo,
                )
                return redirect("retirements:detail", pk)
        except DomainError as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
    return _render_form(request, subject, form, preview, user, today, notice)


def _announce(
    terms: RetirementTerms, notice: ReceivedNotice | None, *, by: User
) -> RetirementOutcome:
    """Announce the retirement; a received notice is used with it, in one transaction."""
    with transaction.atomic():
        outcome = announce_and_evaluate(terms, at=now(), by=by)
        if notice is not None:
            link_announcement(notice=notice, announcement=outcome.announcement, by=by)
    return outcome


def _selected_terms(request: HttpRequest, form: AnnouncementForm, today: date) -> RetirementTerms:
    """Return the terms with the model IDs that the user selected in the preview; the selection that
    the preview made itself keeps its hosts."""
    terms = form.terms()
    if "previewed" not in request.POST:
        return terms
    selected = sorted(
        pk for pk in map(number_in, request.POST.getlist("offering")) if pk is not None
    )
    proposed = preview_announcement(terms, on=today)
    if selected == sorted(offering.pk for offering in proposed.offerings):
        return terms
    return form.terms(selected_ids=selected)


def _confirmation(outcome: RetirementOutcome, notice: ReceivedNotice | None) -> str:
    announcement = outcome.announcement
    if outcome.is_repeated:
        change = "Nothing was changed." if notice is None else "The notice was added to it."
        return f"This retirement is already announced. {change}"
    n = announcement.announced_offerings.count()
    covered = pluralize(n, "1 model ID", f"{number(n)} model IDs")
    if outcome.counts is None:
        return f"Retirement of {covered} announced. Issues of the applications follow in a minute."
    n_issues = outcome.counts.opened + outcome.counts.reopened
    issues = pluralize(n_issues, "1 issue opened", f"{number(n_issues)} issues opened")
    return f"Retirement of {covered} announced. {issues}."


def _render_form(
    request: HttpRequest,
    subject: Subject,
    form: AnnouncementForm,
    preview: AnnouncementPreview | None,
    user: User,
    today: date,
    notice: ReceivedNotice | None,
) -> HttpResponse:
    target = load_target(subject)
    context: dict[str, Any] = {}
    if preview is not None:
        affected, n = affected_by_retirement(
            offering_ids=[offering.pk for offering in preview.offerings],
            on=today,
            retires_on=preview.terms.retires_on,
            user=user,
            limit=MAX_APPLICATIONS,
        )
        covered_ids = {offering.pk for offering in preview.offerings}
        context = {
            "preview": preview,
            "rows": [(row, row.offering.pk in covered_ids) for row in preview.rows],
            "affected": affected,
            "n_affected": n,
        }
    return render_page(
        request,
        "retirements/announce.html",
        title="Announce a retirement",
        crumbs=(("Announced retirements", reverse("retirements:list")), (target.name, target.url)),
        sentence=Headline(_sentence(target.name, preview, context.get("n_affected", 0))),
        target=target,
        form=form,
        notice=notice,
        successors=successor_suggestions(subject),
        status=422 if form.errors else 200,
        **context,
    )


def _sentence(name: str, preview: AnnouncementPreview | None, n_applications: int) -> str:
    if preview is None:
        return f"Announce the retirement of {name}."
    n = len(preview.offerings)
    covered = pluralize(n, "1 model ID retires", f"{number(n)} model IDs retire")
    applications = pluralize(
        n_applications,
        "1 application must migrate",
        f"{number(n_applications)} applications must migrate",
    )
    if not n_applications:
        return f"{covered}. No application that you can view is affected."
    return f"{covered}, {applications}."


def _render_search(request: HttpRequest, user: User, notice: ReceivedNotice | None) -> HttpResponse:
    """Show the search for a subject. A notice that names exactly one leads directly to its form."""
    text = read_search_text(request)
    proposals = [] if notice is None else proposals_of(notice)
    if len(proposals) == 1 and not text and "choose" not in request.GET:
        return redirect(proposals[0].url)
    return render_page(
        request,
        "retirements/search.html",
        title="Announce a retirement",
        crumbs=(("Announced retirements", reverse("retirements:list")),),
        sentence=Headline("Select the model or provider that retires."),
        words=text,
        hits=search_targets(text, user=user),
        notice=notice,
        proposals=proposals,
    )
