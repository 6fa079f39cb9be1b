"""One proposed use case, for organisation roles: its answers, tier, models, approvals, added
exposure and activity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.alerts.use_case_mail import mail_obstacle
from apps.catalog.models import Offering
from apps.common.time import day_of, now
from apps.inventory.governance.use_cases.applying_approvals import (
    ApplyingApproval,
    applying_approvals,
)
from apps.inventory.governance.use_cases.fields import (
    CONTACT_FIELDS,
    UNKNOWN,
    USE_CASE_FIELDS,
    display_answer,
)
from apps.inventory.governance.use_cases.links import answer_token
from apps.inventory.governance.use_cases.model_candidates import ModelReading, read_planned_model
from apps.inventory.governance.use_cases.similar import find_similar
from apps.inventory.governance.use_cases.tiers import tier_reasons
from apps.inventory.models import ProposedUseCase, UseCaseQuestion
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.use_cases.added_exposure import select_offering, shared_layers

MAX_ACTIVITY = 20
_LABELS = {"proposer_name": "Proposed by", "proposer_email": "Email address"}


@dataclass(frozen=True, slots=True)
class CandidateModel:
    """An offering that the words may name, with the approvals that would apply."""

    offering: Offering
    approvals: Sequence[ApplyingApproval]
    is_retired: bool
    is_selected: bool

    @property
    def verdict(self) -> str:
        """What the approvals say together."""
        if not self.approvals:
            return "no approval"
        results = {approval.permits for approval in self.approvals}
        if False in results:
            return "not permitted"
        return "depends on unknown answers" if None in results else "permitted"


@dataclass(frozen=True, slots=True)
class ActivityEntry:
    at: datetime
    sentence: str
    text: str = ""


@require_safe
def use_case_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a proposed use case; `?offering=` selects the model whose exposure is added."""
    user, at = signed_in_user(request), now()
    use_case = find_use_case(request, pk)
    today = day_of(at)
    reading = read_planned_model(use_case)
    selected = select_offering(request, reading)
    questions = list(use_case.questions.select_related("asked_by"))
    open_question = next((row for row in questions if _is_waiting(row)), None)
    return render_page(
        request,
        "use-cases/detail.html",
        title=use_case.name,
        crumbs=(("Proposed use cases", reverse("use-cases:list")),),
        counts="Applications in scope; the proposed one is not counted before it is in use",
        as_of=at,
        use_case=use_case,
        sentence=_build_headline(use_case),
        groups=_group_answers(use_case),
        reasons=tier_reasons(use_case.tier_rules),
        suggested_class=use_case.get_suggested_class_display(),
        reading=reading,
        candidates=_present_candidates(use_case, reading, selected, today),
        selected=selected,
        layers=shared_layers(selected, user=user) if selected is not None else [],
        similar=find_similar(use_case, user=user),
        activity=_list_activity(use_case, questions),
        open_question=open_question,
        # an email cannot be sent to each address; then governance passes the link on
        answer_url=_answer_url(open_question) if open_question and user.is_governance else "",
        mail_obstacle=mail_obstacle(use_case) if use_case.is_open and user.is_governance else "",
        may_decide=user.is_governance,
    )


def find_use_case(request: HttpRequest, pk: int) -> ProposedUseCase:
    """Return the use case, if the user can view it."""
    rows = ProposedUseCase.objects.visible_to(signed_in_user(request))
    return get_object_or_404(rows.select_related("link", "decided_by", "application"), pk=pk)


def _build_headline(use_case: ProposedUseCase) -> Headline:
    tier = use_case.get_tier_display().lower()
    opening = f"Risk tier: {tier}. "
    match use_case.state:
        case ProposedUseCase.State.ACCEPTED:
            return Headline(f"{opening}{use_case.decided_by} accepted the use case.")
        case ProposedUseCase.State.DECLINED:
            return Headline(f"{opening}{use_case.decided_by} declined the use case.")
        case ProposedUseCase.State.QUESTION:
            return Headline(f"{opening}A question waits for an answer.")
    if use_case.tier == ProposedUseCase.Tier.HIGH:
        return Headline("", f"Risk tier: {tier}", ". The use case is undecided.")
    return Headline(f"{opening}The use case is undecided.")


def _group_answers(use_case: ProposedUseCase) -> list[tuple[str, list[tuple[str, str, bool]]]]:
    """Return [(section, [(label, answer, is unknown)])]."""
    groups = []
    for section in USE_CASE_FIELDS.sections:
        lines = []
        for name in section.names:
            text = display_answer(use_case, name)
            label = _LABELS.get(name, USE_CASE_FIELDS.label(name))
            lines.append((label, text, text == UNKNOWN and name not in CONTACT_FIELDS))
        groups.append((section.title, lines))
    return groups


def _present_candidates(
    use_case: ProposedUseCase, reading: ModelReading, selected: Offering | None, today: date
) -> list[CandidateModel]:
    offerings = list(reading.offerings)
    if selected is not None and selected not in offerings:
        offerings.insert(0, selected)
    approvals = applying_approvals(use_case, [row.pk for row in offerings], on=today)
    return [
        CandidateModel(row, approvals[row.pk], row.is_retired(today), row == selected)
        for row in offerings
    ]


def _is_waiting(question: UseCaseQuestion) -> bool:
    return question.answered_at is None and question.withdrawn_at is None


def _answer_url(question: UseCaseQuestion) -> str:
    return f"{settings.PUBLIC_URL}{reverse('use-case-form:answer', args=[answer_token(question)])}"


def _list_activity(
    use_case: ProposedUseCase, questions: Sequence[UseCaseQuestion]
) -> list[ActivityEntry]:
    """Return what happened, latest first: entries of the history, and questions with answers."""
    history: Any = use_case.history  # type: ignore[attr-defined]
    changes = list(history.select_related("pgh_context").order_by("-pgh_id")[:MAX_ACTIVITY])
    metadata = [row.pgh_context.metadata if row.pgh_context is not None else {} for row in changes]
    people = User.objects.in_bulk({data["user"] for data in metadata if data.get("user")})
    entries = [
        ActivityEntry(row.pgh_created_at, _describe_change(data, people))
        for row, data in zip(changes, metadata, strict=True)
    ]
    for row in questions:
        entries.append(ActivityEntry(row.asked_at, f"{row.asked_by} asked:", row.question))
        if row.answered_at is not None:
            entries.append(ActivityEntry(row.answered_at, "The answer:", row.answer))
    if use_case.decided_at is not None and use_case.decision_reason:
        entries.append(
            ActivityEntry(use_case.decided_at, "Reason of the decision:", use_case.decision_reason)
        )
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:MAX_ACTIVITY]


def _describe_change(metadata: Mapping[str, Any], people: Mapping[int, User]) -> str:
    """Return a change of the history as a sentence."""
    person = people.get(metadata.get("user") or 0)
    reason = str(metadata.get("reason") or "changed")
    sentence = f"{reason[:1].upper()}{reason[1:]}"
    return f"{sentence} by {person}." if person is not None else f"{sentence}."
