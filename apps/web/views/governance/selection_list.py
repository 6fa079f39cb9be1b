"""Selection records: the list, and a new one from candidates that were compared."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import User
from apps.catalog.models import Foundation, Offering
from apps.common.errors import ConflictError
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.inventory.governance.filters import SelectionFilter
from apps.inventory.governance.selections import (
    MAX_CANDIDATES,
    add_candidate,
    draft_selection,
    selections_to_review,
)
from apps.inventory.models import Selection, SelectionCandidate
from apps.web.pages.filter_controls import FilterControl, build_filter_controls
from apps.web.pages.flash_messages import flash_success
from apps.web.pages.form_fields import governance_user
from apps.web.pages.list_page import PaginatedList, Sorting, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.governance.selection_forms import SelectionForm, criteria_of, name_of
from apps.web.wording import join_names, long_day, number

ORDERS = Sorting(
    {
        "new": ("Begun", ("-created_at", "-pk")),
        "decided": ("Decided", ("-decided_on", "-pk")),
        "review": ("Review", ("review_on", "pk")),
        "title": ("Selection", ("title", "pk")),
    }
)


def _filter_selections(request: HttpRequest) -> tuple[SelectionFilter, "QuerySet[Selection]"]:
    """Return (filter, selection records that match it in the order of the URL)."""
    filterset = SelectionFilter(
        request.GET, Selection.objects.visible_to(request.user), request=request
    )
    queryset = filterset.qs
    if ORDERS.chosen(request)[0] == "review":
        queryset = queryset.filter(review_on__isnull=False)
    candidates = SelectionCandidate.objects.select_related("foundation", "offering__host").order_by(
        "-chosen", "pk"
    )
    return filterset, ORDERS.apply(
        request,
        queryset.select_related("decided_by", "created_by").prefetch_related(
            Prefetch("candidates", candidates)
        ),
    )


@require_safe
def selection_list(request: HttpRequest) -> HttpResponse:
    """Show the selection records, by the filters of the URL."""
    filterset, queryset = _filter_selections(request)
    today = day_of(now())
    listing = PaginatedList(request, queryset)
    due_selections = list(selections_to_review(user=request.user, on=today)[:100])
    return render_page(
        request,
        "choosing/selections.html",
        fragment="listing",
        title="Selection records",
        counts="Choices of the organisation",
        sentence=_build_list_headline(listing, due_selections),
        filters=build_filter_controls(
            request,
            filterset,
            [
                FilterControl("q", "Search", "search"),
                FilterControl("state", "State", choices=Selection.State.choices),
                FilterControl("review_before", "Review due before", "date"),
            ],
        ),
        listing=listing,
        columns=ORDERS.columns(request),
        rows=[
            (row, [(candidate, name_of(candidate)) for candidate in row.candidates.all()])
            for row in listing.rows
        ],
        today=today,
        n_due=len(due_selections),
    )


def _build_list_headline(
    listing: PaginatedList[Selection], due_selections: list[Selection]
) -> Headline:
    """Return the headline: the records that match, or those due for review."""
    if listing.is_filtered:
        return Headline(
            pluralize(
                listing.n_found,
                f"{listing.count} selection matches the filters.",
                f"{listing.count} selections match the filters.",
            )
        )
    if not listing.n_found:
        return Headline("No choice of a foundation has been written down yet.")
    total = pluralize(
        listing.n_found,
        f"{listing.count} choice is written down",
        f"{listing.count} choices are written down",
    )
    if not due_selections:
        return Headline(f"{total}; none is due for review.")
    earliest = due_selections[0]
    assert earliest.review_on is not None
    overdue_review = f"“{earliest.title}” was to be reviewed by {long_day(earliest.review_on)}"
    return Headline(
        f"{total}; ",
        overdue_review,
        "." if len(due_selections) == 1 else f", and {number(len(due_selections) - 1)} more.",
    )


@require_safe
def selection_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export all selection records that match the filters."""
    _found, queryset = _filter_selections(request)

    def cells(row: Selection) -> list[Any]:
        candidates = list(row.candidates.all())
        return [
            row.title,
            row.state,
            row.purpose,
            "; ".join(name_of(candidate) for candidate in candidates),
            "; ".join(name_of(candidate) for candidate in candidates if candidate.chosen),
            row.decision,
            row.reason,
            row.decided_by or "",
            row.decided_on,
            row.review_on,
            row.created_by,
            row.created_at,
            row.supersedes_id,
        ]

    heads = [
        "title",
        "state",
        "purpose",
        "candidates",
        "chosen",
        "decision",
        "why",
        "decided by",
        "decided on",
        "review on",
        "begun by",
        "begun at",
        "supersedes",
    ]
    return csv_response("selections", heads, queryset.iterator(chunk_size=500), cells)


@require_http_methods(["GET", "HEAD", "POST"])
def new_selection(request: HttpRequest) -> HttpResponse:
    """Create a draft from compared candidates, or to replace a decided selection."""
    user = governance_user(request, "You need the governance role to add selection records.")
    superseded = _find_superseded(request, user)
    candidates = _load_candidates(request, superseded, user)
    initial = SelectionForm.of(superseded) if superseded else None
    form = SelectionForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        selected_keys = set(request.POST.getlist("candidate"))
        try:
            selection = _create_draft(
                form,
                [
                    candidate
                    for candidate in candidates
                    if _candidate_key(*candidate) in selected_keys
                ],
                superseded,
                user,
            )
        except (ConflictError, ValidationError) as error:
            form.add_error(None, error if isinstance(error, ValidationError) else str(error))
        else:
            flash_success(request, "The draft was created. Score the candidates, then decide.")
            return redirect("selections:detail", pk=selection.pk)
    ticked_keys = (
        set(request.POST.getlist("candidate"))
        if request.method == "POST"
        else {_candidate_key(*candidate) for candidate in candidates}
    )
    return render_page(
        request,
        "choosing/selection-new.html",
        title="New selection",
        crumbs=(("Selection records", reverse("selections:list")),),
        status=422 if form.errors else 200,
        sentence=_build_new_headline(superseded, candidates),
        form=form,
        before=superseded,
        offered=[
            (
                _candidate_key(*candidate),
                _candidate_name(*candidate),
                _candidate_key(*candidate) in ticked_keys,
            )
            for candidate in candidates
        ],
    )


@transaction.atomic
def _create_draft(
    form: SelectionForm,
    candidates: Iterable[tuple[Foundation, Offering | None]],
    superseded: Selection | None,
    user: User,
) -> Selection:
    """Create the draft with its candidates in one transaction."""
    cleaned = form.cleaned_data
    selection = draft_selection(
        title=cleaned["title"],
        purpose=cleaned["purpose"],
        criteria=criteria_of(cleaned["criteria"]),
        supersedes=superseded,
        by=user,
    )
    for foundation, offering in candidates:
        add_candidate(selection=selection, foundation=foundation, offering=offering, by=user)
    return selection


def _find_superseded(request: HttpRequest, user: User) -> Selection | None:
    pk = request.GET.get("supersedes", "")
    if not pk:
        return None
    selection = (
        Selection.objects.visible_to(user).filter(pk=pk).first()
        if pk.isdecimal() and len(pk) < 19
        else None
    )
    if selection is None:
        raise Http404
    return selection


def _load_candidates(
    request: HttpRequest, superseded: Selection | None, user: User
) -> list[tuple[Foundation, Offering | None]]:
    """Return the foundations that the URL names, then the candidates of `superseded`, without
    duplicates."""
    slugs = [*dict.fromkeys(request.GET.getlist("foundation"))][:MAX_CANDIDATES]
    foundations = (
        {row.slug: row for row in Foundation.objects.visible_to(user).filter(slug__in=slugs)}
        if slugs
        else {}
    )
    candidates: list[tuple[Foundation, Offering | None]] = [
        (foundations[slug], None) for slug in slugs if slug in foundations
    ]
    if superseded is not None:
        rows = superseded.candidates.select_related("foundation", "offering__host").order_by(
            "-chosen", "pk"
        )
        candidates += [(row.foundation, row.offering) for row in rows]
    return list({_candidate_key(*candidate): candidate for candidate in candidates}.values())


def _candidate_key(foundation: Foundation, offering: Offering | None) -> str:
    return f"{foundation.pk}:{offering.pk if offering else ''}"


def _candidate_name(foundation: Foundation, offering: Offering | None) -> str:
    return name_of(SelectionCandidate(foundation=foundation, offering=offering))


def _build_new_headline(
    superseded: Selection | None, candidates: list[tuple[Foundation, Offering | None]]
) -> Headline:
    if superseded is not None:
        return Headline(f"Choose anew: “{superseded.title}” stands until this is decided.")
    if not candidates:
        return Headline("Begin a choice; candidates are added on the next page.")
    names = join_names([_candidate_name(*candidate) for candidate in candidates])
    return Headline(f"Write down the choice among {names}.")
