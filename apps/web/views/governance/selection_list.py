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


def _filtered(request: HttpRequest) -> tuple[SelectionFilter, "QuerySet[Selection]"]:
    found = SelectionFilter(
        request.GET, Selection.objects.visible_to(request.user), request=request
    )
    queryset = found.qs
    if ORDERS.chosen(request)[0] == "review":
        queryset = queryset.filter(review_on__isnull=False)
    candidates = SelectionCandidate.objects.select_related("foundation", "offering__host").order_by(
        "-chosen", "pk"
    )
    return found, ORDERS.apply(
        request,
        queryset.select_related("decided_by", "created_by").prefetch_related(
            Prefetch("candidates", candidates)
        ),
    )


@require_safe
def selection_list(request: HttpRequest) -> HttpResponse:
    found, queryset = _filtered(request)
    today = day_of(now())
    listing = PaginatedList(request, queryset)
    due = list(selections_to_review(user=request.user, on=today)[:100])
    return render_page(
        request,
        "choosing/selections.html",
        fragment="listing",
        title="Selections",
        counts="Choices of the organisation",
        sentence=_of_list(listing, due),
        filters=build_filter_controls(
            request,
            found,
            [
                FilterControl("q", "Search", "search"),
                FilterControl("state", "State", choices=Selection.State.choices),
                FilterControl("review_before", "Review due before", "date"),
            ],
        ),
        listing=listing,
        columns=ORDERS.columns(request),
        rows=[
            (row, [(each, name_of(each)) for each in row.candidates.all()]) for row in listing.rows
        ],
        today=today,
        n_due=len(due),
    )


def _of_list(listing: PaginatedList[Selection], due: list[Selection]) -> Headline:
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
    stands = pluralize(
        listing.n_found,
        f"{listing.count} choice is written down",
        f"{listing.count} choices are written down",
    )
    if not due:
        return Headline(f"{stands}; none is due for review.")
    first = due[0]
    assert first.review_on is not None
    late = f"“{first.title}” was to be reviewed by {long_day(first.review_on)}"
    return Headline(
        f"{stands}; ", late, "." if len(due) == 1 else f", and {number(len(due) - 1)} more."
    )


@require_safe
def selection_csv(request: HttpRequest) -> StreamingHttpResponse:
    _found, queryset = _filtered(request)

    def cells(row: Selection) -> list[Any]:
        candidates = list(row.candidates.all())
        return [
            row.title,
            row.state,
            row.purpose,
            "; ".join(name_of(each) for each in candidates),
            "; ".join(name_of(each) for each in candidates if each.chosen),
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
    """Create a draft from compared candidates, or to replace a decided one."""
    user = governance_user(request, "You need the governance role to add selection records.")
    before = _superseded(request, user)
    offered = _offered(request, before, user)
    initial = SelectionForm.of(before) if before else None
    form = SelectionForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        wanted = set(request.POST.getlist("candidate"))
        try:
            made = _begin(form, [pair for pair in offered if _key(*pair) in wanted], before, user)
        except (ConflictError, ValidationError) as refused:
            form.add_error(None, refused if isinstance(refused, ValidationError) else str(refused))
        else:
            flash_success(request, "The draft was created. Score the candidates, then decide.")
            return redirect("selections:detail", pk=made.pk)
    ticked = (
        set(request.POST.getlist("candidate"))
        if request.method == "POST"
        else {_key(*pair) for pair in offered}
    )
    return render_page(
        request,
        "choosing/selection-new.html",
        title="New selection",
        crumbs=(("Selections", reverse("selections:list")),),
        status=422 if form.errors else 200,
        sentence=_of_new(before, offered),
        form=form,
        before=before,
        offered=[(_key(*pair), _pair_name(*pair), _key(*pair) in ticked) for pair in offered],
    )


@transaction.atomic
def _begin(
    form: SelectionForm,
    candidates: Iterable[tuple[Foundation, Offering | None]],
    before: Selection | None,
    user: User,
) -> Selection:
    """All of it, or nothing."""
    said = form.cleaned_data
    made = draft_selection(
        title=said["title"],
        purpose=said["purpose"],
        criteria=criteria_of(said["criteria"]),
        supersedes=before,
        by=user,
    )
    for foundation, offering in candidates:
        add_candidate(selection=made, foundation=foundation, offering=offering, by=user)
    return made


def _superseded(request: HttpRequest, user: User) -> Selection | None:
    pk = request.GET.get("supersedes", "")
    if not pk:
        return None
    found = (
        Selection.objects.visible_to(user).filter(pk=pk).first()
        if pk.isdecimal() and len(pk) < 19
        else None
    )
    if found is None:
        raise Http404
    return found


def _offered(
    request: HttpRequest, before: Selection | None, user: User
) -> list[tuple[Foundation, Offering | None]]:
    """The foundations of the address, then the candidates of the selection before, each once."""
    slugs = [*dict.fromkeys(request.GET.getlist("foundation"))][:MAX_CANDIDATES]
    named = (
        {row.slug: row for row in Foundation.objects.visible_to(user).filter(slug__in=slugs)}
        if slugs
        else {}
    )
    pairs: list[tuple[Foundation, Offering | None]] = [
        (named[slug], None) for slug in slugs if slug in named
    ]
    if before is not None:
        rows = before.candidates.select_related("foundation", "offering__host").order_by(
            "-chosen", "pk"
        )
        pairs += [(row.foundation, row.offering) for row in rows]
    return list({_key(*pair): pair for pair in pairs}.values())


def _key(foundation: Foundation, offering: Offering | None) -> str:
    return f"{foundation.pk}:{offering.pk if offering else ''}"


def _pair_name(foundation: Foundation, offering: Offering | None) -> str:
    return name_of(SelectionCandidate(foundation=foundation, offering=offering))


def _of_new(
    before: Selection | None, offered: list[tuple[Foundation, Offering | None]]
) -> Headline:
    if before is not None:
        return Headline(f"Choose anew: “{before.title}” stands until this is decided.")
    if not offered:
        return Headline("Begin a choice; candidates are added on the next page.")
    return Headline(
        f"Write down the choice among {join_names([_pair_name(*pair) for pair in offered])}."
    )
