"""Signed addresses in mails: what they allow, and for how long. No state: the signature is the permission.

An answer's address acts for the person the mail went to, on the alerts that mail carried and no others. To unsubscribe
is possible for ever, as a mail may be read late.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.core.signing import BadSignature, Signer

from apps.accounts.models import Team, User
from apps.alerts.models import Delivery

ANSWER_FOR = timedelta(days=30)

# what stands in a stored mail; the token takes the place of the dash while it is sent
_ANSWER = "/alerts/answer/-/"
_UNSUBSCRIBE = "/unsubscribe/-/"


class BadLink(ValueError):
    """An address that the register did not write, or that no longer holds; the text says what to do."""


def answer_url() -> str:
    return f"{settings.PUBLIC_URL}{_ANSWER}"


def unsubscribe_url() -> str:
    return f"{settings.PUBLIC_URL}{_UNSUBSCRIBE}"


def with_tokens(body: str, delivery: Delivery) -> str:
    """A stored body as it is sent to its recipient."""
    return body.replace(answer_url(), answer_url().replace("/-/", f"/{answer_token(delivery)}/")).replace(
        unsubscribe_url(), unsubscribe_address(user_id=delivery.user_id, team_id=delivery.team_id)
    )


def unsubscribe_address(*, user_id: int | None, team_id: int | None) -> str:
    token = _signer("unsubscribe").sign(f"u{user_id}" if user_id is not None else f"t{team_id}")
    return unsubscribe_url().replace("/-/", f"/{token}/")


def answer_token(delivery: Delivery) -> str:
    return _signer("answer").sign(str(delivery.pk))


def delivery_answered(token: str, *, at: datetime) -> Delivery:
    """The mail whose alerts the bearer may answer. Raises BadLink."""
    delivery = (
        Delivery.objects.select_related("user").filter(pk=int(_unsigned("answer", token)), user__isnull=False).first()
    )
    if delivery is None or delivery.user is None:
        raise BadLink("This link is not complete. Open it from the mail once more, or sign in.")
    if delivery.created_at < at - ANSWER_FOR:
        raise BadLink("This link has expired, as the mail is older than 30 days. Sign in to answer.")
    if not delivery.user.is_active:
        raise BadLink("The person this mail went to is no longer active.")
    return delivery


def recipient_of(token: str) -> User | Team:
    """Who is not to be mailed any more. Raises BadLink."""
    said = _unsigned("unsubscribe", token)
    found: User | Team | None = None
    if said[:1] == "u":
        found = User.objects.filter(pk=int(said[1:])).first()
    elif said[:1] == "t":
        found = Team.objects.filter(pk=int(said[1:])).first()
    if found is None:
        raise BadLink("This link leads to nobody any more.")
    return found


def _signer(purpose: str) -> Signer:
    return Signer(salt=f"alerts.{purpose}", sep=".")


def _unsigned(purpose: str, token: str) -> str:
    try:
        return _signer(purpose).unsign(token)
    except BadSignature:
        raise BadLink("This link is not complete. Open it from the mail once more.") from None
