"""Links to the form for proposed use cases.

The signature in a link is the permission to propose, and nothing else. A link that the registry did
not sign does not exist; one that is expired, revoked or used up is closed, without a word on why.
"""

from datetime import date, datetime, timedelta

from django.core.signing import BadSignature, Signer
from django.db import transaction

from apps.accounts.models import User
from apps.common.errors import ConflictError, DomainError, ForbiddenError
from apps.common.history.context import audit_context
from apps.common.time import day_of
from apps.inventory.models import UseCaseLink, UseCaseQuestion

MAX_LINK_DAYS = 366
# after this time a question is asked again, or the proposal decided without its answer
ANSWER_LINK_DURATION = timedelta(days=60)
_FORM, _ANSWER = "use-cases.form", "use-cases.answer"


class UnknownLinkError(ValueError):
    """A link that the registry did not sign, or whose record does not exist."""


class ClosedLinkError(ValueError):
    """A link that is expired, revoked or used up."""


@transaction.atomic
def create_link(
    *, name: str, expires_on: date, max_submissions: int, by: User, at: datetime
) -> UseCaseLink:
    """Create a link to the form. Requires the governance role."""
    require_governance(by)
    if not day_of(at) < expires_on <= day_of(at) + timedelta(days=MAX_LINK_DAYS):
        raise DomainError("Enter an expiry date after today and within a year.", field="expires_on")
    link = UseCaseLink(
        name=name.strip(),
        expires_on=expires_on,
        max_submissions=max_submissions,
        created_by=by,
        created_at=at,
    )
    link.full_clean()
    with audit_context(user=by, reason="link to the form created"):
        link.save(force_insert=True)
    return link


@transaction.atomic
def revoke_link(*, link: UseCaseLink, by: User, at: datetime) -> UseCaseLink:
    """Close the link to the form now. Proposals that were sent by it stay."""
    require_governance(by)
    row = _locked_link(link)
    if row.revoked_at is not None:
        raise ConflictError(f"{row.revoked_by} already revoked this link.")
    row.revoked_by, row.revoked_at = by, at
    with audit_context(user=by, reason="link to the form revoked"):
        row.save(update_fields=["revoked_by", "revoked_at"])
    return row


@transaction.atomic
def restore_link(*, link: UseCaseLink, by: User) -> UseCaseLink:
    """Undo the revocation of a link."""
    require_governance(by)
    row = _locked_link(link)
    if row.revoked_at is None:
        raise ConflictError("This link is not revoked. Reload the page.")
    row.revoked_by = row.revoked_at = None
    with audit_context(user=by, reason="revocation undone"):
        row.save(update_fields=["revoked_by", "revoked_at"])
    return row


def link_token(link: UseCaseLink) -> str:
    """Return the signed part of the link's URL."""
    return _sign(_FORM, link.pk)


def link_of_token(token: str, *, at: datetime) -> UseCaseLink:
    """Return the link, if it is open. Raises UnknownLinkError or ClosedLinkError."""
    link = UseCaseLink.objects.filter(pk=_read_token(_FORM, token)).first()
    if link is None:
        raise UnknownLinkError
    if not link.is_open_at(at):
        raise ClosedLinkError
    return link


def answer_token(question: UseCaseQuestion) -> str:
    """Return the signed part of the URL at which a question can be answered."""
    return _sign(_ANSWER, question.pk)


def question_of_token(token: str, *, at: datetime) -> UseCaseQuestion:
    """Return the question, if it waits for an answer. Raises UnknownLinkError or
    ClosedLinkError."""
    question = (
        UseCaseQuestion.objects.select_related("use_case")
        .filter(pk=_read_token(_ANSWER, token))
        .first()
    )
    if question is None:
        raise UnknownLinkError
    is_waiting = question.answered_at is None and question.withdrawn_at is None
    if (
        not is_waiting
        or not question.use_case.is_open
        or question.asked_at < at - ANSWER_LINK_DURATION
    ):
        raise ClosedLinkError
    return question


def require_governance(by: User) -> None:
    """Raise ForbiddenError unless the user can decide on use cases."""
    if not by.is_governance:
        raise ForbiddenError(
            "You need the governance or administrator role to change proposed use cases."
        )


def _locked_link(link: UseCaseLink) -> UseCaseLink:
    UseCaseLink.objects.select_for_update().only("pk").get(pk=link.pk)
    return UseCaseLink.objects.select_related("revoked_by").get(pk=link.pk)


def _sign(purpose: str, pk: int) -> str:
    return Signer(salt=purpose, sep=".").sign(str(pk))


def _read_token(purpose: str, token: str) -> int:
    try:
        return int(Signer(salt=purpose, sep=".").unsign(token))
    except (BadSignature, ValueError):
        raise UnknownLinkError from None
