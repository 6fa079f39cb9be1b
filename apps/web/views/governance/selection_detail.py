"""Selection record page: edited as a draft, and once decided its scorecards of that day beside
those of today."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.catalog.models import Foundation, Offering
from apps.common.errors import ConflictError
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.exposure.diligence.scorecard_facts import visible_scorecard
from apps.exposure.diligence.selection_decisions import candidate_scorecards, decide_with_scorecards
from apps.inventory.governance.approvals import decisions_by_target
from apps.inventory.governance.selections import (
    add_candidate,
    change_selection,
    remove_candidate,
    score_candidate,
    weighted_total,
)
from apps.inventory.models import Approval, Selection, SelectionCandidate
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import governance_user, signed_in_user
from apps.web.pages.list_page import csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.governance.candidate_search import MAX_SEARCH_RESULTS, MIN_LETTERS, words_of
from apps.web.views.governance.scorecard_presenters import ThenAndNow, n_moved, then_and_now
from apps.web.views.governance.selection_forms import (
    DecideForm,
    ScoresForm,
    SelectionForm,
    criteria_of,
    name_of,
)
from apps.web.wording import as_word, join_names, long_day

_GOVERNANCE_ONLY = "You need the governance role to change selection records."


@dataclass(frozen=True, slots=True)
class CandidateScores:
    """Candidate with the scores by users; `total` is the sum with their own weights."""

    row: SelectionCandidate
    name: str
    total: Any
    form: ScoresForm | None
    scores: tuple[tuple[str, Any, str], ...]
    decision: Approval | None


@dataclass(frozen=True, slots=True)
class CandidateCard:
    """Stored facts of one candidate beside today's: of the foundation, or of the host in
    question."""

    title: str
    url: str
    rows: tuple[ThenAndNow, ...]
    n_moved: int


@dataclass(frozen=True, slots=True)
class StoredScorecards:
    row: SelectionCandidate
    name: str
    cards: tuple[CandidateCard, ...]

    @property
    def n_moved(self) -> int:
        return sum(card.n_moved for card in self.cards)


def _one(request: HttpRequest, pk: int) -> Selection:
    rows = Selection.objects.visible_to(request.user).select_related(
        "decided_by", "created_by", "supersedes"
    )
    return get_object_or_404(rows, pk=pk)


def _candidates(selection: Selection) -> list[SelectionCandidate]:
    return list(
        selection.candidates.select_related("foundation__developer", "offering__host").order_by(
            "-chosen", "pk"
        )
    )


@require_safe
def selection_detail(request: HttpRequest, pk: int) -> HttpResponse:
    return _selection_page(request, _one(request, pk))


def _selection_page(
    request: HttpRequest,
    this: Selection,
    *,
    form: SelectionForm | None = None,
    scores: Sequence[ScoresForm] = (),
    decide: DecideForm | None = None,
) -> HttpResponse:
    at = now()
    today = day_of(at)
    candidates = _candidates(this)
    is_draft = this.state == Selection.State.DRAFT
    may_work = is_draft and signed_in_user(request).is_governance
    words = words_of(request) if may_work else ""
    kept = [] if is_draft else _kept(this, candidates, user=request.user, on=today)
    failed = bool(
        (form and form.errors) or (decide and decide.errors) or any(each.errors for each in scores)
    )
    return render_page(
        request,
        "choosing/selection.html",
        title=this.title,
        crumbs=(("Selections", reverse("selections:list")),),
        counts="Facts on record; scores are people's own",
        as_of=at,
        status=422 if failed else 200,
        selection=this,
        is_draft=is_draft,
        may_work=may_work,
        sentence=_of_draft(this, candidates)
        if is_draft
        else _of_decided(this, candidates, kept, today),
        judged=_judged(this, candidates, scores, may_work=may_work, today=today),
        kept=kept,
        only_moved=request.GET.get("moved") == "true",
        form=form
        or (SelectionForm(initial=SelectionForm.of(this), row=this) if may_work else None),
        decide_form=decide or (DecideForm(candidates=candidates) if may_work else None),
        compare=_comparison(candidates),
        words=words,
        hits=_found_by(words, candidates, user=request.user) if words else [],
        later=Selection.objects.visible_to(request.user).filter(supersedes=this).first(),
        review_is_due=this.state == Selection.State.DECIDED
        and this.review_on is not None
        and this.review_on <= today,
    )


def _comparison(candidates: Sequence[SelectionCandidate]) -> str:
    query = "&".join(
        f"foundation={slug}" for slug in dict.fromkeys(row.foundation.slug for row in candidates)
    )
    return f"{reverse('selections:compare')}?{query}" if query else ""


def _judged(
    this: Selection,
    candidates: Sequence[SelectionCandidate],
    sent: Sequence[ScoresForm],
    *,
    may_work: bool,
    today: date,
) -> list[CandidateScores]:
    forms = {form.candidate.pk: form for form in sent}
    targets = {target.pk: target for target in (row.foundation for row in candidates)}
    decisions = decisions_by_target(targets=list(targets.values()), on=today) if targets else {}
    found = []
    for row in candidates:
        form = (
            (forms.get(row.pk) or ScoresForm(criteria=this.criteria, row=row)) if may_work else None
        )
        scores = []
        for criterion in this.criteria:
            score = row.scores.get(criterion["name"]) or {}
            scores.append((criterion["name"], score.get("value"), score.get("note", "")))
        total = weighted_total(this, row)
        decision = decisions.get(("foundation", row.foundation_id))
        found.append(
            CandidateScores(
                row,
                name_of(row),
                None if total is None else round(total, 2),
                form,
                tuple(scores),
                decision,
            )
        )
    return found


def _kept(
    this: Selection, candidates: Sequence[SelectionCandidate], *, user: Any, on: date
) -> list[StoredScorecards]:
    """Every candidate's kept scorecards as `user` may read them, beside those of today."""
    current = candidate_scorecards(selection=this, user=user, on=on)
    found = []
    for row in candidates:
        cards = []
        for part in ("foundation", "host"):
            stored = row.scorecard.get(part)
            if not stored:
                continue
            card = visible_scorecard(stored, user)
            rows = tuple(then_and_now(card, current.get(row.pk, {}).get(part)))
            route = "foundations:detail" if part == "foundation" else "providers:detail"
            cards.append(
                CandidateCard(
                    card["name"], reverse(route, args=[card["slug"]]), rows, n_moved(rows)
                )
            )
        found.append(StoredScorecards(row, name_of(row), tuple(cards)))
    return found


def _of_draft(this: Selection, candidates: Sequence[SelectionCandidate]) -> Headline:
    if not candidates:
        return Headline(f"“{this.title}” is a draft without candidates yet.")
    names = join_names([name_of(row) for row in candidates], max_names=3)
    return Headline(f"“{this.title}” is a draft: {names} are considered.")


def _of_decided(
    this: Selection,
    candidates: Sequence[SelectionCandidate],
    kept: Sequence[StoredScorecards],
    today: date,
) -> Headline:
    assert this.decided_on is not None
    chosen = [name_of(row) for row in candidates if row.chosen]
    when = long_day(this.decided_on)
    if chosen:
        verb = "was chosen" if len(chosen) == 1 else "were chosen"
        start = f"{join_names(chosen)} {verb} on {when}"
    else:
        start = f"On {when} none of them was chosen"
    if this.state == Selection.State.SUPERSEDED:
        return Headline(f"{start}; a later selection has taken its place.")
    n = sum(each.n_moved for each in kept)
    moved = (
        pluralize(
            n, f"{as_word(n)} fact has changed since", f"{as_word(n)} facts have changed since"
        )
        if n
        else "no fact has changed since"
    )
    if this.review_on is not None and this.review_on <= today:
        due = f"the review was due on {long_day(this.review_on)}"
        return Headline(f"{start}; {moved}, ", due, ".")
    return Headline(f"{start}; {moved}.")


def _found_by(
    words: str, candidates: Sequence[SelectionCandidate], *, user: Any
) -> list[dict[str, str]]:
    """Foundations by name, and offerings by id or host, that may join; two statements."""
    if len(words) < MIN_LETTERS:
        return []
    anywhere = {row.foundation_id for row in candidates if row.offering_id is None}
    there = {row.offering_id for row in candidates if row.offering_id is not None}
    foundations = (
        Foundation.objects.visible_to(user)
        .filter(Q(name__icontains=words) | Q(line__icontains=words))
        .exclude(pk__in=anywhere)
        .select_related("developer")
        .order_by("name", "pk")[:MAX_SEARCH_RESULTS]
    )
    offerings = (
        Offering.objects.visible_to(user)
        .filter(
            Q(api_id__icontains=words) | Q(version__foundation__name__icontains=words),
            version__isnull=False,
        )
        .exclude(pk__in=there)
        .select_related("host", "version__foundation")
        .order_by("version__foundation__name", "host__name", "api_id", "pk")[:MAX_SEARCH_RESULTS]
    )
    hits = [
        {
            "name": row.name,
            "note": f"{row.developer.name}, at any host",
            "field": "foundation",
            "value": row.slug,
        }
        for row in foundations
    ]
    for offering in offerings:
        assert offering.version is not None
        note = f"{offering.version.foundation.name}, on {offering.host.name}"
        hits.append(
            {"name": offering.api_id, "note": note, "field": "offering", "value": str(offering.pk)}
        )
    return hits


# --- work on a draft ------------------------------------------------------------------------------


def _worked_on(request: HttpRequest, pk: int) -> tuple[User, Selection]:
    """The reader who may, and the row, held until the change is made."""
    user = governance_user(request, _GOVERNANCE_ONLY)
    get_object_or_404(Selection.objects.visible_to(user).select_for_update().only("pk"), pk=pk)
    return user, _one(request, pk)


@require_POST
@transaction.atomic
def edit_selection(request: HttpRequest, pk: int) -> HttpResponse:
    """Edit title, purpose and criteria; no unseen change is overwritten."""
    user, this = _worked_on(request, pk)
    form = SelectionForm(request.POST, row=this)
    if form.is_valid():
        said = form.cleaned_data
        try:
            change_selection(
                selection=this,
                by=user,
                title=said["title"],
                purpose=said["purpose"],
                criteria=criteria_of(said["criteria"]),
            )
        except (ConflictError, ValidationError) as refused:
            form.add_error(None, refused if isinstance(refused, ValidationError) else str(refused))
        else:
            flash_success(request, "Saved.")
            return redirect("selections:detail", pk=pk)
    return _selection_page(request, this, form=form)


@require_POST
def add_to_selection(request: HttpRequest, pk: int) -> HttpResponse:
    """Add a foundation on any host, or one of its offerings."""
    user = governance_user(request, _GOVERNANCE_ONLY)
    this = _one(request, pk)
    offering = None
    named = request.POST.get("offering", "")
    if named:
        rows = Offering.objects.visible_to(user).select_related("version__foundation", "host")
        offering = get_object_or_404(rows, pk=named if named.isdecimal() and len(named) < 19 else 0)
        if offering.version is None:
            flash_error(request, "The model of this offering is unresolved. Identify it first.")
            return redirect("selections:detail", pk=pk)
        foundation = offering.version.foundation
    else:
        foundation = get_object_or_404(
            Foundation.objects.visible_to(user), slug=request.POST.get("foundation", "")
        )
    try:
        made = add_candidate(selection=this, foundation=foundation, offering=offering, by=user)
    except ConflictError as refused:
        flash_error(request, str(refused))
    except ValidationError as refused:
        flash_error(request, " ".join(refused.messages))
    else:
        flash_success(request, f"{name_of(made)} was added as a candidate.")
    return redirect("selections:detail", pk=pk)


@require_POST
def remove_from_selection(request: HttpRequest, pk: int, candidate: int) -> HttpResponse:
    user = governance_user(request, _GOVERNANCE_ONLY)
    rows = SelectionCandidate.objects.select_related("selection", "foundation", "offering__host")
    row = get_object_or_404(
        rows.filter(selection__in=Selection.objects.visible_to(user), selection_id=pk), pk=candidate
    )
    name = name_of(row)
    try:
        remove_candidate(candidate=row, by=user)
    except ConflictError as refused:
        flash_error(request, str(refused))
    else:
        flash_success(request, f"{name} was removed from the candidates.")
    return redirect("selections:detail", pk=pk)


@require_POST
@transaction.atomic
def save_scores(request: HttpRequest, pk: int) -> HttpResponse:
    """Save all scores of the page together, or none if another user changed one meanwhile."""
    user, this = _worked_on(request, pk)
    forms = [ScoresForm(request.POST, criteria=this.criteria, row=row) for row in _candidates(this)]
    # those that joined after the page was opened are not on it
    sent = [form for form in forms if form.add_prefix("seen") in request.POST]
    # each is asked, so that the page shows all that is wrong
    n_wrong = sum(not form.is_valid() for form in sent)
    if not n_wrong:
        try:
            for form in sent:
                if given := form.given():
                    score_candidate(candidate=form.candidate, scores=given, by=user)
        except ConflictError as refused:
            flash_error(request, str(refused))
        else:
            flash_success(request, "The scores were saved.")
        return redirect("selections:detail", pk=pk)
    return _selection_page(request, this, scores=sent)


@require_POST
def decide_selection(request: HttpRequest, pk: int) -> HttpResponse:
    """Decide, and store the scorecards of today with it. From then on nothing of it changes."""
    user = governance_user(request, "You need the governance role to decide selections.")
    this = _one(request, pk)
    candidates = _candidates(this)
    form = DecideForm(request.POST, candidates=candidates)
    if form.is_valid():
        said = form.cleaned_data
        chosen = [row for row in candidates if str(row.pk) in said["chosen"]]
        try:
            decide_with_scorecards(
                selection=this,
                chosen=chosen,
                decision=said["decision"],
                why=said["why"],
                at=now(),
                by=user,
                review_on=said["review_on"],
            )
        except (ConflictError, ValidationError) as refused:
            form.add_error(None, refused if isinstance(refused, ValidationError) else str(refused))
            this = _one(request, pk)
        else:
            flash_success(
                request, "The selection was decided. The facts of today are stored with it."
            )
            return redirect("selections:detail", pk=pk)
    return _selection_page(request, this, decide=form)


# --- the kept facts as a file ---------------------------------------------------------------------


@require_safe
def facts_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Send every stored fact beside today's, as the page shows them; of a draft those of today."""
    this = _one(request, pk)
    today = day_of(now())
    candidates = _candidates(this)
    lines = (
        _draft_lines(this, candidates, user=request.user, on=today)
        if this.state == Selection.State.DRAFT
        else _kept_lines(_kept(this, candidates, user=request.user, on=today))
    )
    heads = [
        "candidate",
        "chosen",
        "of",
        "fact",
        "on the day",
        "unit",
        "source",
        "as of",
        "today",
        "unit today",
        "as of today",
        "changed",
    ]
    return csv_response(f"selection-{this.pk}-facts", heads, lines, lambda line: line)


def _kept_lines(kept: Sequence[StoredScorecards]) -> Iterator[list[Any]]:
    for each in kept:
        for card in each.cards:
            for row in card.rows:
                then, current = row.then, row.now
                yield [
                    each.name,
                    "yes" if each.row.chosen else "no",
                    card.title,
                    row.label,
                    then.text or then.why or then.detail,
                    then.unit,
                    then.source,
                    then.as_of,
                    (current.text or current.why or current.detail) if current else "",
                    current.unit if current else "",
                    current.as_of if current else "",
                    "yes" if row.moved else "no",
                ]


def _draft_lines(
    this: Selection, candidates: Sequence[SelectionCandidate], *, user: Any, on: date
) -> Iterator[list[Any]]:
    cards: Mapping[int, Mapping[str, Any]] = candidate_scorecards(selection=this, user=user, on=on)
    for row in candidates:
        for card in filter(None, cards[row.pk].values()):
            for fact in then_and_now(card, card):
                told = fact.then
                yield [
                    name_of(row),
                    "",
                    card["name"],
                    fact.label,
                    "",
                    "",
                    "",
                    "",
                    told.text or told.why or told.detail,
                    told.unit,
                    told.as_of,
                    "",
                ]
