"""Signed links in emails: their permissions and durations. Stateless: the signature is the
permission.

A response link acts for the user the email was sent to, on the alerts of that email only. A user's
unsubscribe link never expires, as an email may be read late. The unsubscribe link of a team mailbox
belongs to one email and expires: many people read such emails, some only for a while, and emails
are forwarded."""

from datetime import datetime, timedelta

from django.conf import settings
from django.core.signing import BadSignature, Signer

from apps.accounts.models import Team, User
from apps.accounts.people.erasure import is_erased
from apps.alerts.models import Delivery
from apps.inventory.governance.use_cases.links import answer_token as question_token
from apps.inventory.models import UseCaseQuestion

ANSWER_LINK_DURATION = timedelta(days=30)
MAILBOX_LINK_DURATION = timedelta(days=90)

# URLs in stored emails. The token replaces the dash when the email is sent.
_ANSWER = "/alerts/answer/-/"
_UNSUBSCRIBE = "/unsubscribe/-/"
_ANSWER_QUESTION = "/propose/answer/-/"
_EXPIRED = (
    "This link has expired because the email is older than 90 days. An owner of the team can "
    "sign in and change the preferences of the mailbox."
)


class InvalidLinkError(ValueError):
    """A link that the registry did not sign, or that has expired; the text is the instruction for
    the user. `can_sign_in`: the recipient may have an account."""

    def __init__(self, message: str, *, can_sign_in: bool = True) -> None:
        super().__init__(message)
        self.can_sign_in = can_sign_in


def answer_url() -> str:
    return f"{settings.PUBLIC_URL}{_ANSWER}"


def unsubscribe_url() -> str:
    return f"{settings.PUBLIC_URL}{_UNSUBSCRIBE}"


def answer_question_url() -> str:
    return f"{settings.PUBLIC_URL}{_ANSWER_QUESTION}"


def insert_tokens(body: str, delivery: Delivery) -> str:
    """Return the stored body as it is sent to its recipient, with signed links."""
    if delivery.kind == Delivery.Kind.USE_CASE:
        body = _insert_question_token(body, delivery)
    return body.replace(
        answer_url(), answer_url().replace("/-/", f"/{answer_token(delivery)}/")
    ).replace(unsubscribe_url(), unsubscribe_address_of_delivery(delivery))


def _insert_question_token(body: str, delivery: Delivery) -> str:
    """Insert the link at which the recipient answers the question of this email."""
    question = UseCaseQuestion.objects.filter(
        asked_at=delivery.created_at, use_case__proposer_email__iexact=delivery.address
    ).first()
    if question is None:
        return body
    url = answer_question_url()
    return body.replace(url, url.replace("/-/", f"/{question_token(question)}/"))


def unsubscribe_address_of_delivery(delivery: Delivery) -> str:
    """Return the unsubscribe URL of an email: the user's, or for a team mailbox one for this email
    only."""
    if delivery.user_id is not None:
        return unsubscribe_address_of_user(user_id=delivery.user_id)
    return _with_token(f"m{delivery.pk}")


def unsubscribe_address_of_user(*, user_id: int) -> str:
    return _with_token(f"u{user_id}")


def _with_token(claim: str) -> str:
    return unsubscribe_url().replace("/-/", f"/{_signer('unsubscribe').sign(claim)}/")


def answer_token(delivery: Delivery) -> str:
    return _signer("answer").sign(str(delivery.pk))


def delivery_of_answer_token(token: str, *, at: datetime) -> tuple[Delivery, User]:
    """Return the email to whose alerts the bearer can respond, and its recipient: of a merged
    person the one who stays. Raises InvalidLinkError."""
    delivery = (
        Delivery.objects.select_related("user__merged_into")
        .filter(pk=int(_read_token("answer", token)), user__isnull=False)
        .first()
    )
    if delivery is None or delivery.user is None:
        raise InvalidLinkError("This link is incomplete. Open it from the email again, or sign in.")
    person = delivery.user.merged_into or delivery.user
    if not person.is_active and not person.is_contact:
        raise InvalidLinkError(_describe_closed(person), can_sign_in=False)
    if delivery.created_at < at - ANSWER_LINK_DURATION:
        expired = "This link has expired because the email is older than 30 days."
        if person.is_contact:
            raise InvalidLinkError(
                f"{expired} Open the link of your latest email, or reply to the team that owns the "
                "application.",
                can_sign_in=False,
            )
        raise InvalidLinkError(f"{expired} Sign in to respond.")
    return delivery, person


def _describe_closed(person: User) -> str:
    """Return why the link of a person without access does not work, and what to do."""
    if is_erased(person):
        return (
            "This link no longer works because the name and address of its recipient were erased. "
            "No further email is sent."
        )
    return (
        "This link no longer works because its recipient is no longer an active user or contact. "
        "Contact a governance user of the registry."
    )


def recipient_of_unsubscribe_token(token: str, *, at: datetime) -> User | Team:
    """Return the recipient to unsubscribe. Raises InvalidLinkError."""
    claim = _read_token("unsubscribe", token)
    recipient: User | Team | None = None
    match claim[:1]:
        case "u":
            recipient = User.objects.filter(pk=int(claim[1:])).first()
        case "m":
            delivery = Delivery.objects.select_related("team").filter(pk=int(claim[1:])).first()
            if delivery is None or delivery.created_at < at - MAILBOX_LINK_DURATION:
                raise InvalidLinkError(_EXPIRED)
            recipient = delivery.team
        case "t":
            # Emails of earlier versions have a URL without an expiry.
            raise InvalidLinkError(_EXPIRED)
    if recipient is None:
        raise InvalidLinkError("This link is no longer valid. Sign in instead.")
    return recipient


def _signer(purpose: str) -> Signer:
    return Signer(salt=f"alerts.{purpose}", sep=".")


def _read_token(purpose: str, token: str) -> str:
    try:
        return _signer(purpose).unsign(token)
    except BadSignature:
        raise InvalidLinkError("This link is incomplete. Open it from the email again.") from None
