"""Selection record page: edited as a draft, and once decided its scorecards of that day beside
those of today."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.catalog.capabilities.fields import CAPABILITY_FIELDS, InvalidValueError, clean_value
from apps.catalog.capabilities.fit import judge_item
from apps.catalog.capabilities.phrases import format_value
from apps.catalog.capabilities.values import UNKNOWN, SettledValue
from apps.catalog.models import Foundation, Offering
from apps.common.errors import DomainError
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
from apps.web.lists.pagination import csv_response
from apps.web.pages.action_view import action_view
from apps.web.pages.form_fields import governance_user, signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.presenters.offering_stages import closed_phrases
from apps.web.views.governance.candidate_search import (
    MAX_SEARCH_RESULTS,
    MIN_LETTERS,
    read_search_text,
)
from apps.web.views.governance.scorecard_presenters import (
    FactComparison,
    PresentedFact,
    compare_with_today,
    n_moved,
    present_fact,
)
from apps.web.views.governance.selection_forms import (
    AllScoresForm,
    DecideForm,
    ScoresForm,
    SelectionForm,
    criteria_of,
    criterion_choices,
    name_of,
    with_fact_criteria,
)
from apps.web.wording import as_word, join_names, long_day

# what the scorecards of a candidate are about, and their pages
SUBJECT_ROUTES = {
    "offering": "offerings:detail",
    "foundation": "foundations:detail",
    "host": "providers:detail",
}
_GOVERNANCE_ONLY = "You need the governance role to change selection records."


@dataclass(frozen=True, slots=True)
class CandidateScores:
    """Candidate with its scores; `total` is the sum weighted by the selection's criteria."""

    row: SelectionCandidate
    name: str
    total: Any
    form: ScoresForm | None
    scores: tuple[tuple[str, Any, str], ...]
    decision: Approval | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CandidateCard:
    """Stored facts of a candidate's foundation or host, beside today's."""

    title: str
    note: str
    url: str
    rows: tuple[FactComparison, ...]
    n_moved: int


@dataclass(frozen=True, slots=True)
class StoredScorecards:
    row: SelectionCandidate
    name: str
    cards: tuple[CandidateCard, ...]

    @property
    def n_moved(self) -> int:
        return sum(card.n_moved for card in self.cards)


def _get_selection(request: HttpRequest, pk: int) -> Selection:
    rows = Selection.objects.visible_to(request.user).select_related(
        "decided_by", "created_by", "supersedes"
    )
    return get_object_or_404(rows, pk=pk)


def _list_candidates(selection: Selection) -> list[SelectionCandidate]:
    return list(
        selection.candidates.select_related("foundation__developer", "offering__host").order_by(
            "-chosen", "pk"
        )
    )


@require_safe
def selection_detail(request: HttpRequest, pk: int) -> HttpResponse:
    return _render_selection(request, _get_selection(request, pk))


def _render_selection(
    request: HttpRequest,
    selection: Selection,
    *,
    form: SelectionForm | None = None,
    score_forms: Sequence[ScoresForm] = (),
    decide_form: DecideForm | None = None,
) -> HttpResponse:
    """Render the page of a selection record: criteria, candidates, scores and the decision. Forms
    with errors replace the stored values."""
    at = now()
    today = day_of(at)
    candidates = _list_candidates(selection)
    is_draft = selection.state == Selection.State.DRAFT
    may_work = is_draft and signed_in_user(request).is_governance
    search_text = read_search_text(request) if may_work else ""
    stored_scorecards = (
        []
        if is_draft
        else _load_stored_scorecards(selection, candidates, user=request.user, on=today)
    )
    return render_page(
        request,
        "choosing/selection.html",
        title=selection.title,
        crumbs=(("Selection records", reverse("selections:list")),),
        counts="Recorded facts, with scores entered by users",
        as_of=at,
        selection=selection,
        is_draft=is_draft,
        may_work=may_work,
        sentence=_build_draft_headline(selection, candidates)
        if is_draft
        else _build_decided_headline(selection, candidates, stored_scorecards, today),
        judged=_build_candidate_scores(
            selection, candidates, score_forms, may_work=may_work, today=today
        ),
        kept=stored_scorecards,
        criterion_facts=_load_criterion_facts(selection, candidates, user=request.user, on=today),
        fact_choices=criterion_choices() if may_work else [],
        only_moved=request.GET.get("moved") == "true",
        form=form
        or (
            SelectionForm(
                initial=with_fact_criteria(
                    SelectionForm.of(selection), request.GET.getlist("fact")
                ),
                row=selection,
            )
            if may_work
            else None
        ),
        decide_form=decide_form or (DecideForm(candidates=candidates) if may_work else None),
        compare=_build_comparison_url(candidates),
        words=search_text,
        hits=_search_candidates(search_text, candidates, user=request.user) if search_text else [],
        later=Selection.objects.visible_to(request.user).filter(supersedes=selection).first(),
        review_is_due=selection.state == Selection.State.DECIDED
        and selection.review_on is not None
        and selection.review_on <= today,
    )


def _build_comparison_url(candidates: Sequence[SelectionCandidate]) -> str:
    query = "&".join(
        f"foundation={slug}" for slug in dict.fromkeys(row.foundation.slug for row in candidates)
    )
    return f"{reverse('selections:compare')}?{query}" if query else ""


def _build_candidate_scores(
    selection: Selection,
    candidates: Sequence[SelectionCandidate],
    submitted_forms: Sequence[ScoresForm],
    *,
    may_work: bool,
    today: date,
) -> list[CandidateScores]:
    """Return the candidates with their scores, as forms if `may_work`; submitted forms are shown
    again."""
    forms_by_candidate = {form.candidate.pk: form for form in submitted_forms}
    targets = {target.pk: target for target in (row.foundation for row in candidates)}
    decisions = decisions_by_target(targets=list(targets.values()), on=today) if targets else {}
    closed = closed_phrases([row.offering_id for row in candidates if row.offering_id], today)
    candidate_scores = []
    for row in candidates:
        form = (
            (forms_by_candidate.get(row.pk) or ScoresForm(criteria=selection.criteria, row=row))
            if may_work
            else None
        )
        scores = []
        for criterion in selection.criteria:
            score = row.scores.get(criterion["name"]) or {}
            scores.append((criterion["name"], score.get("value"), score.get("note", "")))
        total = weighted_total(selection, row)
        decision = decisions.get(("foundation", row.foundation_id))
        candidate_scores.append(
            CandidateScores(
                row,
                name_of(row),
                None if total is None else round(total, 2),
                form,
                tuple(scores),
                decision,
                tuple(closed.get(row.offering_id or 0, ())),
            )
        )
    return candidate_scores


def _load_stored_scorecards(
    selection: Selection, candidates: Sequence[SelectionCandidate], *, user: Any, on: date
) -> list[StoredScorecards]:
    """Return the stored scorecards of each candidate that `user` may view, compared with
    today's."""
    current_cards = candidate_scorecards(selection=selection, user=user, on=on)
    stored_scorecards = []
    for row in candidates:
        cards = []
        for subject, route in SUBJECT_ROUTES.items():
            stored_card = row.scorecard.get(subject)
            if not stored_card:
                continue
            visible_card = visible_scorecard(stored_card, user)
            rows = tuple(
                compare_with_today(visible_card, current_cards.get(row.pk, {}).get(subject))
            )
            cards.append(
                CandidateCard(
                    visible_card["name"],
                    subject if subject != "offering" else "",
                    reverse(route, args=[visible_card["slug"]]),
                    rows,
                    n_moved(rows),
                )
            )
        stored_scorecards.append(StoredScorecards(row, name_of(row), tuple(cards)))
    return stored_scorecards


@dataclass(frozen=True, slots=True)
class CriterionFact:
    """The fact of one criterion for every candidate: (name of the candidate, fact, verdict)."""

    name: str
    needed: str
    cells: tuple[tuple[str, PresentedFact | None, str], ...]


def _load_criterion_facts(
    selection: Selection,
    candidates: Sequence[SelectionCandidate],
    *,
    user: Any,
    on: date,
) -> list[CriterionFact]:
    """Return the facts of the criteria that name one: those stored with the decision, or today's
    of a draft."""
    criteria = [criterion for criterion in selection.criteria if criterion.get("fact")]
    if not criteria or not candidates:
        return []
    cards: Mapping[int, Mapping[str, Any]]
    if selection.state == Selection.State.DRAFT:
        cards = candidate_scorecards(selection=selection, user=user, on=on)
    else:
        cards = {row.pk: row.scorecard for row in candidates}
    facts_by_candidate = {
        row.pk: _facts_of_candidate(cards.get(row.pk, {}), user) for row in candidates
    }
    return [
        CriterionFact(
            criterion["name"],
            _describe_needed(criterion),
            tuple(
                _judge_fact(row, criterion, facts_by_candidate[row.pk].get(criterion["fact"]))
                for row in candidates
            ),
        )
        for criterion in criteria
    ]


def _facts_of_candidate(cards: Mapping[str, Any], user: Any) -> dict[str, Mapping[str, Any]]:
    """Return {key: fact}: of the offering before its foundation, and these before the host."""
    facts: dict[str, Mapping[str, Any]] = {}
    for subject in SUBJECT_ROUTES:
        for fact in visible_scorecard(cards.get(subject) or {}, user).get("facts", ()):
            facts.setdefault(fact["key"], fact)
    return facts


def _describe_needed(criterion: Mapping[str, Any]) -> str:
    if criterion.get("needed") is None:
        return ""
    return f"needed: {format_value(criterion['fact'], criterion['needed'])}"


def _judge_fact(
    row: SelectionCandidate, criterion: Mapping[str, Any], fact: Mapping[str, Any] | None
) -> tuple[str, PresentedFact | None, str]:
    presented = present_fact(fact) if fact is not None else None
    needed, key = criterion.get("needed"), criterion["fact"]
    if needed is None or key not in CAPABILITY_FIELDS:
        return name_of(row), presented, ""
    value = fact.get("value") if fact is not None and not fact.get("gap") else None
    try:
        # offerings of a foundation that differ have no value of the field
        settled = SettledValue(clean_value(CAPABILITY_FIELDS[key], value))
    except InvalidValueError:
        settled = UNKNOWN
    return name_of(row), presented, str(judge_item(key, needed, settled))


def _build_draft_headline(
    selection: Selection, candidates: Sequence[SelectionCandidate]
) -> Headline:
    if not candidates:
        return Headline(f"“{selection.title}” is a draft without candidates yet.")
    names = join_names([name_of(row) for row in candidates], max_names=3)
    return Headline(f"“{selection.title}” is a draft. Candidates: {names}.")


def _build_decided_headline(
    selection: Selection,
    candidates: Sequence[SelectionCandidate],
    stored_scorecards: Sequence[StoredScorecards],
    today: date,
) -> Headline:
    """Return the headline of a decided record: its outcome, what has changed since, and the review
    date."""
    assert selection.decided_on is not None
    chosen_names = [name_of(row) for row in candidates if row.chosen]
    decided_day = long_day(selection.decided_on)
    if chosen_names:
        verb = "was selected" if len(chosen_names) == 1 else "were selected"
        outcome = f"{join_names(chosen_names)} {verb} on {decided_day}"
    else:
        outcome = f"On {decided_day} no candidate was selected"
    if selection.state == Selection.State.SUPERSEDED:
        return Headline(f"{outcome}. A later selection record replaces this one.")
    n_changes = sum(scorecards.n_moved for scorecards in stored_scorecards)
    changes = (
        pluralize(
            n_changes,
            f"{as_word(n_changes)} fact changed since then",
            f"{as_word(n_changes)} facts changed since then",
        )
        if n_changes
        else "no fact changed since then"
    )
    if selection.review_on is not None and selection.review_on <= today:
        due = f"the review was due on {long_day(selection.review_on)}"
        return Headline(f"{outcome}; {changes}, ", due, ".")
    return Headline(f"{outcome}; {changes}.")


def _search_candidates(
    text: str, candidates: Sequence[SelectionCandidate], *, user: Any
) -> list[dict[str, str]]:
    """Search foundations by name and offerings by model ID or foundation that are not candidates
    yet; two statements."""
    if len(text) < MIN_LETTERS:
        return []
    foundation_ids = {row.foundation_id for row in candidates if row.offering_id is None}
    offering_ids = {row.offering_id for row in candidates if row.offering_id is not None}
    foundations = (
        Foundation.objects.visible_to(user)
        .filter(Q(name__icontains=text) | Q(line__icontains=text))
        .exclude(pk__in=foundation_ids)
        .select_related("developer")
        .order_by("name", "pk")[:MAX_SEARCH_RESULTS]
    )
    offerings = (
        Offering.objects.model_ids()
        .visible_to(user)
        .filter(
            Q(api_id__icontains=text) | Q(version__foundation__name__icontains=text),
            version__isnull=False,
        )
        .exclude(pk__in=offering_ids)
        .select_related("host", "version__foundation")
        .order_by("version__foundation__name", "host__name", "api_id", "pk")[:MAX_SEARCH_RESULTS]
    )
    hits = [
        {
            "name": row.name,
            "note": f"{row.developer.name}, on any host",
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


# --- changes of a draft ---------------------------------------------------------------------------


def _lock_selection(request: HttpRequest, pk: int) -> Selection:
    """Return the selection, with its row locked until the transaction ends."""
    rows = Selection.objects.visible_to(request.user)
    get_object_or_404(rows.select_for_update().only("pk"), pk=pk)
    return _get_selection(request, pk)


@require_POST
def edit_selection(request: HttpRequest, pk: int) -> HttpResponse:
    """Edit title, purpose and criteria. A concurrent change is not overwritten."""
    user = governance_user(request, _GOVERNANCE_ONLY)
    return action_view(
        request,
        form=lambda: SelectionForm(request.POST, row=_lock_selection(request, pk)),
        action=lambda form: change_selection(
            selection=_get_selection(request, pk),
            by=user,
            title=form.cleaned_data["title"],
            purpose=form.cleaned_data["purpose"],
            criteria=criteria_of(form.cleaned_data["criteria"]),
        ),
        done="The record was saved.",
        back=reverse("selections:detail", args=[pk]),
        page=lambda form: _render_selection(request, _get_selection(request, pk), form=form),
    )


@require_POST
def add_to_selection(request: HttpRequest, pk: int) -> HttpResponse:
    """Add a foundation on any host, or one of its offerings."""
    user = governance_user(request, _GOVERNANCE_ONLY)
    selection = _get_selection(request, pk)

    def add(_form: forms.Form) -> SelectionCandidate:
        foundation, offering = _find_candidate(request, user)
        return add_candidate(selection=selection, foundation=foundation, offering=offering, by=user)

    return action_view(
        request,
        action=add,
        done=lambda candidate: f"{name_of(candidate)} was added as a candidate.",
        back=reverse("selections:detail", args=[pk]),
    )


def _find_candidate(request: HttpRequest, user: User) -> tuple[Foundation, Offering | None]:
    offering_id = request.POST.get("offering", "")
    if not offering_id:
        slug = request.POST.get("foundation", "")
        return get_object_or_404(Foundation.objects.visible_to(user), slug=slug), None
    rows = Offering.objects.visible_to(user).select_related("version__foundation", "host")
    offering = get_object_or_404(
        rows, pk=offering_id if offering_id.isdecimal() and len(offering_id) < 19 else 0
    )
    if offering.version is None:
        raise DomainError("The model of this offering is unresolved. Identify it first.")
    return offering.version.foundation, offering


@require_POST
def remove_from_selection(request: HttpRequest, pk: int, candidate: int) -> HttpResponse:
    user = governance_user(request, _GOVERNANCE_ONLY)
    rows = SelectionCandidate.objects.select_related("selection", "foundation", "offering__host")
    row = get_object_or_404(
        rows.filter(selection__in=Selection.objects.visible_to(user), selection_id=pk), pk=candidate
    )
    return action_view(
        request,
        action=lambda _form: remove_candidate(candidate=row, by=user),
        done=f"{name_of(row)} was removed from the candidates.",
        back=reverse("selections:detail", args=[pk]),
    )


@require_POST
def save_scores(request: HttpRequest, pk: int) -> HttpResponse:
    """Save all scores of the page, or none if another user changed one meanwhile."""
    user = governance_user(request, _GOVERNANCE_ONLY)
    detail_url = reverse("selections:detail", args=[pk])

    def make_form() -> AllScoresForm:
        selection = _lock_selection(request, pk)
        return AllScoresForm(
            request.POST, criteria=selection.criteria, candidates=_list_candidates(selection)
        )

    def score(form: AllScoresForm) -> None:
        for score_form in form.forms:
            if scores := score_form.entered_scores():
                score_candidate(candidate=score_form.candidate, scores=scores, by=user)

    return action_view(
        request,
        form=make_form,
        action=score,
        done="The scores were saved.",
        back=detail_url,
        page=lambda form: _render_selection(
            request, _get_selection(request, pk), score_forms=form.forms
        ),
        refused=detail_url,
    )


@require_POST
def decide_selection(request: HttpRequest, pk: int) -> HttpResponse:
    """Decide a selection and store today's scorecards with it. A decided selection cannot be
    changed."""
    user = governance_user(request, "You need the governance role to decide selections.")
    selection = _get_selection(request, pk)
    candidates = _list_candidates(selection)
    return action_view(
        request,
        form=lambda: DecideForm(request.POST, candidates=candidates),
        action=lambda form: decide_with_scorecards(
            selection=selection,
            chosen=[row for row in candidates if str(row.pk) in form.cleaned_data["chosen"]],
            decision=form.cleaned_data["decision"],
            why=form.cleaned_data["why"],
            at=now(),
            by=user,
            review_on=form.cleaned_data["review_on"],
        ),
        done="The selection was decided. The facts of today are stored with it.",
        back=reverse("selections:detail", args=[pk]),
        page=lambda form: _render_selection(request, _get_selection(request, pk), decide_form=form),
    )


# --- CSV of the facts -----------------------------------------------------------------------------


@require_safe
def facts_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Send each stored fact beside today's; for a draft, only today's facts."""
    selection = _get_selection(request, pk)
    today = day_of(now())
    candidates = _list_candidates(selection)
    lines = (
        _iterate_draft_facts(selection, candidates, user=request.user, on=today)
        if selection.state == Selection.State.DRAFT
        else _iterate_stored_facts(
            _load_stored_scorecards(selection, candidates, user=request.user, on=today)
        )
    )
    heads = [
        "candidate",
        "chosen",
        "of",
        "fact",
        "on the decision date",
        "unit",
        "source",
        "as of",
        "today",
        "unit today",
        "as of today",
        "changed",
    ]
    return csv_response(f"selection-{selection.pk}-facts", heads, lines, lambda line: line)


def _iterate_stored_facts(stored_scorecards: Sequence[StoredScorecards]) -> Iterator[list[Any]]:
    """Yield a row for each fact of the scorecards stored with the decision, beside its current
    value."""
    for scorecards in stored_scorecards:
        for card in scorecards.cards:
            for row in card.rows:
                stored_fact, current_fact = row.then, row.now
                yield [
                    scorecards.name,
                    "yes" if scorecards.row.chosen else "no",
                    card.title,
                    row.label,
                    stored_fact.text or stored_fact.why or stored_fact.detail,
                    stored_fact.unit,
                    stored_fact.source,
                    stored_fact.as_of,
                    (current_fact.text or current_fact.why or current_fact.detail)
                    if current_fact
                    else "",
                    current_fact.unit if current_fact else "",
                    current_fact.as_of if current_fact else "",
                    "yes" if row.moved else "no",
                ]


def _iterate_draft_facts(
    selection: Selection, candidates: Sequence[SelectionCandidate], *, user: Any, on: date
) -> Iterator[list[Any]]:
    """Yield a row for each current fact of the candidates of a draft."""
    cards: Mapping[int, Mapping[str, Any]] = candidate_scorecards(
        selection=selection, user=user, on=on
    )
    for row in candidates:
        for card in filter(None, cards[row.pk].values()):
            for comparison in compare_with_today(card, card):
                fact = comparison.then
                yield [
                    name_of(row),
                    "",
                    card["name"],
                    comparison.label,
                    "",
                    "",
                    "",
                    "",
                    fact.text or fact.why or fact.detail,
                    fact.unit,
                    fact.as_of,
                    "",
                ]
