"""Selection records: which foundation was chosen for a purpose, from which candidates, by which
criteria, and why.

For governance; the caller has checked `by.is_governance`. A selection is edited as a draft. Once
decided it cannot change, scorecards included; a later one supersedes it.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.catalog.capabilities.fields import CAPABILITY_FIELDS, InvalidValueError, clean_value
from apps.catalog.models import Foundation, Offering
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.inventory.models import Selection, SelectionCandidate

State = Selection.State
MAX_CANDIDATES = 20
MAX_CRITERIA = 30


@transaction.atomic
def draft_selection(
    *,
    title: str,
    by: User,
    purpose: str = "",
    criteria: Sequence[Mapping[str, Any]] = (),
    supersedes: Selection | None = None,
    reason: str = "",
) -> Selection:
    """Create a draft. `supersedes` is the decided selection that this one replaces as soon as it is
    decided."""
    if supersedes is not None and supersedes.state != State.DECIDED:
        raise ConflictError(
            "Only a decided selection record can be superseded. Decide it, or edit the draft."
        )
    selection = Selection(
        title=title,
        purpose=purpose,
        criteria=_cleaned_criteria(criteria),
        supersedes=supersedes,
        created_by=by,
    )
    selection.full_clean()
    with audit_context(user=by, reason=reason or "selection record added"):
        selection.save(force_insert=True)
    return selection


@transaction.atomic
def change_selection(
    *,
    selection: Selection,
    by: User,
    title: str | None = None,
    purpose: str | None = None,
    criteria: Sequence[Mapping[str, Any]] | None = None,
    reason: str = "",
) -> Selection:
    """Set the given values. Scores of a removed criterion stay with the candidates but no longer
    count."""
    selection = _lock_draft(selection)
    changes = {
        "title": title,
        "purpose": purpose,
        "criteria": None if criteria is None else _cleaned_criteria(criteria),
    }
    changed_names = [
        name
        for name, value in changes.items()
        if value is not None and getattr(selection, name) != value
    ]
    if not changed_names:
        return selection
    for name in changed_names:
        setattr(selection, name, changes[name])
    selection.full_clean()
    with audit_context(user=by, reason=reason or "selection record changed"):
        selection.save(update_fields=[*changed_names, "updated_at"])
    return selection


@transaction.atomic
def add_candidate(
    *,
    selection: Selection,
    foundation: Foundation,
    by: User,
    offering: Offering | None = None,
    note: str = "",
) -> SelectionCandidate:
    """Add a candidate; `offering` limits it to one host, None means the foundation on any host."""
    selection = _lock_draft(selection)
    if offering is not None and (
        offering.version is None or offering.version.foundation_id != foundation.pk
    ):
        raise ConflictError(
            f"{offering.api_id} is not an offering of {foundation.name}. Choose one of its "
            "offerings, or leave it empty."
        )
    if selection.candidates.count() >= MAX_CANDIDATES:
        raise ConflictError(
            f"A selection record can have at most {MAX_CANDIDATES} candidates. Remove one first."
        )
    candidate = SelectionCandidate(
        selection=selection, foundation=foundation, offering=offering, note=note
    )
    candidate.full_clean()
    with audit_context(user=by, reason="candidate added"):
        candidate.save(force_insert=True)
    return candidate


@transaction.atomic
def remove_candidate(*, candidate: SelectionCandidate, by: User, reason: str = "") -> None:
    """Remove the candidate from the draft; the history still has its notes."""
    _lock_draft(candidate.selection)
    with audit_context(user=by, reason=reason or "candidate removed"):
        candidate.delete()


@transaction.atomic
def score_candidate(
    *,
    candidate: SelectionCandidate,
    scores: Mapping[str, Mapping[str, Any]],
    by: User,
    reason: str = "",
) -> SelectionCandidate:
    """Save {criterion: {"value": number, "note": text}}; the given criteria are replaced, the
    others stay unchanged."""
    selection = _lock_draft(candidate.selection)
    candidate = SelectionCandidate.objects.select_for_update().get(pk=candidate.pk)
    criterion_names = [criterion["name"] for criterion in selection.criteria]
    new_scores = dict(candidate.scores)
    for name, score in scores.items():
        if name not in criterion_names:
            raise ConflictError(
                f"'{name}' is not a valid criterion of this selection record. Use one of: "
                f"{', '.join(criterion_names) or 'none defined'}."
            )
        value = _parse_number(score.get("value"), f"'{name}': the value")
        new_scores[name] = {"value": str(value), "note": str(score.get("note", ""))[:2000]}
    candidate.scores = new_scores
    with audit_context(user=by, reason=reason or "candidate rated"):
        candidate.save(update_fields=["scores"])
    return candidate


@transaction.atomic
def decide_selection(
    *,
    selection: Selection,
    chosen: Sequence[SelectionCandidate],
    decision: str,
    why: str,
    on: date,
    by: User,
    scorecards: Mapping[int, Mapping[str, Any]],
    review_on: date | None = None,
) -> Selection:
    """Decide, and save the scorecard of that day for every candidate: {candidate ID: scorecard}.

    `chosen` can be empty: no candidate. The record cannot be changed afterwards; the one it
    supersedes is marked. Of two concurrent users one decides; the other gets an error.
    """
    selection = _lock_draft(selection)
    candidates = list(selection.candidates.select_for_update().order_by("pk"))
    if not candidates:
        raise ConflictError(
            "This selection record has no candidates. Add the foundations that were considered."
        )
    if foreign_ids := {row.pk for row in chosen} - {row.pk for row in candidates}:
        raise ConflictError(
            f"Candidate {min(foreign_ids)} is not part of this selection "
            "record. Choose one of its candidates."
        )
    if review_on is not None and review_on <= on:
        raise ConflictError("The review date must be later than the decision. Enter a later date.")
    if missing_ids := [row.pk for row in candidates if row.pk not in scorecards]:
        raise ConflictError(
            f"Candidate {missing_ids[0]} has no scorecard. Create a scorecard for every candidate."
        )
    for row in candidates:
        row.chosen, row.scorecard = row in chosen, dict(scorecards[row.pk])
    selection.state, selection.decision, selection.reason = (
        State.DECIDED,
        decision.strip(),
        why.strip(),
    )
    selection.decided_by, selection.decided_on, selection.review_on = by, on, review_on
    selection.full_clean()
    with audit_context(user=by, reason=why):
        SelectionCandidate.objects.bulk_update(candidates, ["chosen", "scorecard"])
        selection.save()
        if selection.supersedes_id is not None:
            Selection.objects.filter(pk=selection.supersedes_id, state=State.DECIDED).update(
                state=State.SUPERSEDED
            )
    return selection


def weighted_total(selection: Selection, candidate: SelectionCandidate) -> Decimal | None:
    """Return the total of the users' scores by their weights; None while a criterion has no score.
    Not a rating by the registry."""
    total, weights = Decimal(0), Decimal(0)
    for criterion in selection.criteria:
        score = candidate.scores.get(criterion["name"])
        if score is None:
            return None
        weight = Decimal(str(criterion["weight"]))
        total, weights = total + weight * Decimal(str(score["value"])), weights + weight
    return total / weights if weights else None


def selections_to_review(*, user: Any, on: date, within_days: int = 0) -> Any:
    """Return decided selections whose review is due within so many days, the longest due first."""
    return (
        Selection.objects.visible_to(user)
        .filter(state=State.DECIDED, review_on__lte=on + timedelta(days=within_days))
        .select_related("decided_by")
        .order_by("review_on", "pk")
    )


def _lock_draft(selection: Selection) -> Selection:
    """Lock the selection and return its current row; raise ConflictError if it is decided."""
    selection = Selection.objects.select_for_update().get(pk=selection.pk)
    if selection.state != State.DRAFT:
        raise ConflictError(
            f"{selection.decided_by} decided this selection record on "
            f"{selection.decided_on:%Y-%m-%d}, so it cannot be changed. Add a new one that "
            "supersedes it."
        )
    return selection


def _cleaned_criteria(criteria: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return [{"name", "weight", "note"}] with unique names and weights above 0, as decimal texts;
    with "fact", and "needed" of it, if the criterion shows a fact of the candidates."""
    if len(criteria) > MAX_CRITERIA:
        raise ConflictError(
            f"{MAX_CRITERIA} criteria are the maximum. Remove the least important ones."
        )
    cleaned: list[dict[str, Any]] = []
    for number, criterion in enumerate(criteria, start=1):
        name = str(criterion.get("name", "")).strip()
        if not name or len(name) > 120:
            raise ConflictError(f"Criterion {number} must have a name of 1 to 120 characters.")
        if any(name == existing_criterion["name"] for existing_criterion in cleaned):
            raise ConflictError(f"'{name}' is there twice. Give every criterion once.")
        weight = _parse_number(criterion.get("weight", 1), f"'{name}': the weight")
        if weight <= 0:
            raise ConflictError(
                f"'{name}': the weight must be above 0. Remove criteria that do not count."
            )
        cleaned.append(
            {
                "name": name,
                "weight": str(weight),
                "note": str(criterion.get("note", ""))[:2000],
                **_cleaned_fact(criterion, name),
            }
        )
    return cleaned


def _cleaned_fact(criterion: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the key of the fact that the criterion shows, and what is needed of a capability."""
    fact, needed = str(criterion.get("fact") or "").strip(), criterion.get("needed")
    if not fact:
        return {}
    if len(fact) > 60 or not fact.isidentifier():
        raise ConflictError(f"'{name}': {fact[:60]!r} is not a fact of candidates.")
    if needed is None:
        return {"fact": fact}
    if fact not in CAPABILITY_FIELDS:
        raise ConflictError(f"'{name}': only a capability can be needed. Remove the needed value.")
    try:
        return {"fact": fact, "needed": clean_value(CAPABILITY_FIELDS[fact], needed)}
    except InvalidValueError as error:
        raise ConflictError(f"'{name}': {error}") from error


def _parse_number(value: Any, label: str) -> Decimal:
    try:
        number = Decimal(str(value)) if not isinstance(value, bool) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or abs(number) > 1_000_000:
        raise ConflictError(f"{label} must be a number.")
    return number
