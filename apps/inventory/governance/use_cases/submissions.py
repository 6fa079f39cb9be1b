"""What persons without an account send: a proposal by a link to the form, and the answer to a
question.

Nothing here reads the inventory or the catalogue, so that an answer cannot tell what they contain.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F

from apps.common.history.context import audit_context
from apps.common.time import day_of
from apps.inventory.governance.use_cases.fields import USE_CASE_FIELDS
from apps.inventory.governance.use_cases.links import ClosedLinkError
from apps.inventory.governance.use_cases.tiers import VERSION, assess_tier
from apps.inventory.models import ProposedUseCase, UseCaseLink, UseCaseQuestion

JOB = "proposal form"
# without letters and digits that are confused when read aloud
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_REFERENCE_LENGTH = 8
_MAX_ATTEMPTS = 4


def submit_use_case(
    *, link: UseCaseLink, answers: Mapping[str, Any], form_key: UUID, at: datetime
) -> ProposedUseCase:
    """Store a proposal with its tier. The same form sent twice is one proposal. Raises
    ClosedLinkError if the link has closed meanwhile."""
    if unknown := sorted(set(answers) - set(USE_CASE_FIELDS.names)):
        raise TypeError(f"Unknown fields: {', '.join(unknown)}")
    for _attempt in range(_MAX_ATTEMPTS):
        sent = ProposedUseCase.objects.filter(link=link, form_key=form_key).first()
        if sent is not None:
            return sent
        try:
            return _store(link, answers, form_key, at)
        except IntegrityError:
            # the same form, or the same reference, at the same moment
            continue
    raise ClosedLinkError


@transaction.atomic
def _store(
    link: UseCaseLink, answers: Mapping[str, Any], form_key: UUID, at: datetime
) -> ProposedUseCase:
    # of two persons who send the last proposal of a link, one waits here and is refused
    n_counted = UseCaseLink.objects.filter(
        pk=link.pk,
        revoked_at__isnull=True,
        expires_on__gt=day_of(at),
        n_submissions__lt=F("max_submissions"),
    ).update(n_submissions=F("n_submissions") + 1)
    if not n_counted:
        raise ClosedLinkError
    use_case = ProposedUseCase(
        link=link,
        form_key=form_key,
        reference=_new_reference(),
        submitted_at=at,
        tier_version=VERSION,
        **answers,
    )
    assessment = assess_tier(use_case)
    use_case.tier = assessment.tier
    use_case.tier_rules = list(assessment.codes)
    use_case.suggested_class = assessment.suggested_class
    use_case.clean_fields(exclude=["link"])
    with audit_context(job=JOB, reason="use case proposed"):
        use_case.save(force_insert=True)
    return use_case


@transaction.atomic
def answer_question(*, question: UseCaseQuestion, answer: str, at: datetime) -> UseCaseQuestion:
    """Store the answer; the use case waits for the decision again. Raises ClosedLinkError if the
    question does not wait any more."""
    use_case = ProposedUseCase.objects.select_for_update(of=("self",)).get(pk=question.use_case_id)
    row = UseCaseQuestion.objects.select_for_update().get(pk=question.pk)
    if row.answered_at is not None or row.withdrawn_at is not None or not use_case.is_open:
        raise ClosedLinkError
    row.answer, row.answered_at = answer, at
    row.clean_fields(exclude=["use_case", "asked_by"])
    use_case.state = ProposedUseCase.State.PROPOSED
    with audit_context(job=JOB, reason="question answered"):
        row.save(update_fields=["answer", "answered_at"])
        use_case.save(update_fields=["state"])
    return row


def _new_reference() -> str:
    """Return a random reference, which tells nothing about the number of proposals."""
    text = "".join(secrets.choice(_ALPHABET) for _ in range(_REFERENCE_LENGTH))
    return f"{text[:4]}-{text[4:]}"
