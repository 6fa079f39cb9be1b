"""Selection records: the list, and a new one from candidates that were compared."""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.text import Truncator
from django.views.decorators.http import require_http_methods

from apps.accounts.models import User
from apps.catalog.models import Foundation, Offering
from apps.common.time import day_of, now
from apps.inventory.governance.filters import SelectionFilter
from apps.inventory.governance.selections import (
    MAX_CANDIDATES,
    add_candidate,
    draft_selection,
    selections_to_review,
)
from apps.inventory.models import Dependency, Selection, SelectionCandidate
from apps.inventory.requirements import needs_of
from apps.web.lists.columns import Column, FileColumn, format_day
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.lists.pagination import url_with_query
from apps.web.pages.action_view import action_view
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.form_fields import governance_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.governance.selection_forms import (
    SelectionForm,
    criteria_of,
    name_of,
    with_fact_criteria,
)
from apps.web.wording import join_names, long_day, number


def _candidate_names(selection: Selection, *, is_chosen: bool | None = None) -> str:
    """Return the names of the candidates, of the chosen ones or of the others."""
    return "; ".join(
        name_of(candidate)
        for candidate in selection.candidates.all()
        if is_chosen is None or candidate.chosen == is_chosen
    )


def _is_review_overdue(selection: Selection) -> bool:
    return (
        selection.state == Selection.State.DECIDED
        and selection.review_on is not None
        and selection.review_on <= day_of(now())
    )


_STATE_CSS: dict[str, str] = {
    Selection.State.DRAFT: "state part",
    Selection.State.DECIDED: "state done",
}


class SelectionList(ListPage[Selection, Selection]):
    """Selection records by the filters of the URL."""

    namespace = "selections"
    title = "Selection records"
    nouns = ("selection record", "selection records")
    counts = "Selection records of the organisation"
    filterset_class = SelectionFilter
    columns = (
        Column[Selection](
            "title",
            "Selection",
            attrgetter("title"),
            note=lambda selection: Truncator(selection.purpose).words(16),
            url=lambda selection: reverse("selections:detail", args=[selection.pk]),
            order=("title", "pk"),
        ),
        Column[Selection](
            "state",
            "State",
            Selection.get_state_display,
            css=lambda selection: _STATE_CSS.get(selection.state, "state"),
        ),
        Column[Selection](
            "chosen",
            "Selected",
            lambda selection: _candidate_names(selection, is_chosen=True),
        ),
        Column[Selection](
            "others",
            "Other candidates",
            lambda selection: _candidate_names(selection, is_chosen=False),
        ),
        Column[Selection](
            "decided",
            "Decided",
            attrgetter("decided_on"),
            format=format_day,
            note=lambda selection: f"by {selection.decided_by or selection.created_by}",
            order=("-decided_on", "-pk"),
        ),
        Column[Selection](
            "review",
            "Review due",
            attrgetter("review_on"),
            format=format_day,
            css=lambda selection: "late" if _is_review_overdue(selection) else "",
            order=("review_on", "pk"),
            requires="review_on",
        ),
    )
    file_columns = (
        FileColumn[Selection]("Purpose", attrgetter("purpose")),
        FileColumn[Selection]("Candidates", _candidate_names),
        FileColumn[Selection]("Decision", attrgetter("decision")),
        FileColumn[Selection]("Reason", attrgetter("reason")),
        FileColumn[Selection]("Decided by", attrgetter("decided_by")),
        FileColumn[Selection]("Created by", attrgetter("created_by")),
        FileColumn[Selection]("Created at", attrgetter("created_at")),
        FileColumn[Selection]("Replaces", attrgetter("supersedes_id")),
    )
    controls = (
        FilterControl("q", "Search", "search"),
        FilterControl("state", "State", choices=Selection.State.choices),
        FilterControl("review_before", "Review due before", "date"),
    )
    default_order = ("new", ("-created_at", "-pk"))
    template = "choosing/selections.html"

    def get_queryset(self) -> "QuerySet[Selection]":
        candidates = SelectionCandidate.objects.select_related(
            "foundation", "offering__host"
        ).order_by("-chosen", "pk")
        return (
            Selection.objects.visible_to(self.user)
            .select_related("decided_by", "created_by")
            .prefetch_related(Prefetch("candidates", candidates))
        )

    def describe_all(self) -> Headline:
        """Return the records that are due for review."""
        due = list(selections_to_review(user=self.user, on=self.today)[:100])
        if not due:
            return Headline(f"{self.count_records()}; no review is due.")
        earliest = due[0]
        assert earliest.review_on is not None
        return Headline(
            f"{self.count_records()}; ",
            f"the review of “{earliest.title}” was due on {long_day(earliest.review_on)}",
            "." if len(due) == 1 else f", and of {number(len(due) - 1)} more.",
        )

    def get_actions(self) -> Sequence[PageAction]:
        compare = PageAction("Compare candidates", reverse("selections:compare"))
        if not self.user.is_governance:
            return (compare,)
        create = PageAction("Add selection record", reverse("selections:create"), is_primary=True)
        return (create, compare)

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "A selection record documents why a foundation was selected.",
            "Compare candidates, state the requirements and decide. The facts of that day are "
            "stored with the record, so that later changes are visible.",
            "Compare candidates",
            reverse("selections:compare"),
        )

    def get_context(self) -> Mapping[str, Any]:
        query = {"state": "decided", "review_before": self.today.isoformat()}
        return {"overdue_url": url_with_query(reverse("selections:list"), **query)}


@require_http_methods(["GET", "HEAD", "POST"])
def new_selection(request: HttpRequest) -> HttpResponse:
    """Create a draft from compared candidates, or to replace a decided selection."""
    user = governance_user(request, "You need the governance role to add selection records.")
    superseded = _find_superseded(request, user)
    candidates = _load_candidates(request, superseded, user)
    all_keys = {_candidate_key(*candidate) for candidate in candidates}
    keys = set(request.POST.getlist("candidate")) if request.method == "POST" else all_keys
    return action_view(
        request,
        form=lambda: SelectionForm(
            request.POST or None, initial=_build_initial(request, superseded, user)
        ),
        action=lambda form: _create_draft(
            form,
            [candidate for candidate in candidates if _candidate_key(*candidate) in keys],
            superseded,
            user,
        ),
        done="The draft was created. Score the candidates, then decide.",
        back=lambda selection: reverse("selections:detail", args=[selection.pk]),
        page=lambda form: render_page(
            request,
            "choosing/selection-new.html",
            title="New selection record",
            crumbs=(("Selection records", reverse("selections:list")),),
            sentence=_build_new_headline(superseded, candidates),
            form=form,
            before=superseded,
            offered=[
                (
                    _candidate_key(*candidate),
                    _candidate_name(*candidate),
                    _candidate_key(*candidate) in keys,
                )
                for candidate in candidates
            ],
        ),
    )


def _build_initial(
    request: HttpRequest, superseded: Selection | None, user: User
) -> dict[str, Any]:
    """Return the values of the superseded record; with `?dependency=` also a criterion for each
    requirement of that dependency."""
    initial = SelectionForm.of(superseded) if superseded else {}
    pk = request.GET.get("dependency", "")
    if not pk.isdecimal() or len(pk) > 18:
        return initial
    dependency = (
        Dependency.objects.visible_to(user)
        .filter(pk=int(pk))
        .select_related("application", "offering")
        .first()
    )
    if dependency is None:
        raise Http404
    purpose = f"{dependency.get_role_display()} of {dependency.application.name}"
    title = f"Successor of {dependency.offering.api_id}: {dependency.application.name}"
    return with_fact_criteria(
        {"title": title[:200], "purpose": purpose, **initial},
        (),
        needs_of([dependency.pk]).get(dependency.pk),
    )


def _create_draft(
    form: SelectionForm,
    candidates: Iterable[tuple[Foundation, Offering | None]],
    superseded: Selection | None,
    user: User,
) -> Selection:
    """Create the draft with its candidates."""
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
    """Return the foundations and offerings that the URL names, then the candidates of `superseded`,
    without duplicates."""
    slugs = [*dict.fromkeys(request.GET.getlist("foundation"))][:MAX_CANDIDATES]
    foundations = (
        {row.slug: row for row in Foundation.objects.visible_to(user).filter(slug__in=slugs)}
        if slugs
        else {}
    )
    candidates: list[tuple[Foundation, Offering | None]] = [
        (foundations[slug], None) for slug in slugs if slug in foundations
    ]
    ids = [
        int(pk)
        for pk in request.GET.getlist("offering")[:MAX_CANDIDATES]
        if pk.isdecimal() and len(pk) < 19
    ]
    if ids:
        offerings = Offering.objects.visible_to(user).filter(pk__in=ids, version__isnull=False)
        for offering in offerings.select_related("host", "version__foundation"):
            assert offering.version is not None
            candidates.append((offering.version.foundation, offering))
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
        return Headline(
            f"Revise “{superseded.title}”. It stays valid until this record is decided."
        )
    if not candidates:
        return Headline("Create a draft. You add candidates on the next page.")
    names = join_names([_candidate_name(*candidate) for candidate in candidates])
    return Headline(f"Record the selection between {names}.")
