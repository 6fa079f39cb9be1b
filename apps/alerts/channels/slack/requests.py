"""Requests that users make by buttons in Slack messages: received, carried out with the rights of
the person, and answered.

A request is stored when its signature was checked, and answered by a task, so that Slack gets its
answer within three seconds whatever the registry or Slack's own API takes. Each step finds its work
in the database."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pghistory
import structlog
from django.core.exceptions import PermissionDenied
from django.db import transaction

from apps.accounts.models import User
from apps.accounts.queries import members_of
from apps.alerts.channels.calls import ChannelFailure
from apps.alerts.channels.credentials import open_secrets
from apps.alerts.channels.slack import client, messages
from apps.alerts.channels.slack.signatures import is_recent, is_signed
from apps.alerts.lifecycle.activity import SLACK_PATH
from apps.alerts.lifecycle.responses import acknowledge_alert, assign_alert
from apps.alerts.models import Alert, ChannelService, Delivery, Notice, SlackRequest, Webhook
from apps.alerts.recipients import display_name
from apps.alerts.text import long_day, one_line
from apps.common.credentials import (
    UnreadableCredentialsError,
    decrypt_credentials,
    encrypt_credentials,
)
from apps.common.errors import DomainError
from apps.common.history.context import audit_context

log = structlog.get_logger(__name__)

# Slack accepts answers for 30 minutes (https://docs.slack.dev/interactivity/handling-user-interaction).
ANSWER_TIME = timedelta(minutes=30)
MAX_REQUESTS_PER_RUN = 100
# A channel ID that several channels of the registry use, each perhaps with its own app.
MAX_CANDIDATES = 20
_ACTIONS = {messages.ACKNOWLEDGE, messages.TAKE, messages.ASSIGN}


class RejectedRequestError(Exception):
    """A request that is not one of Slack, is too old, or was used before. The text is for the log:
    the sender is not told which."""


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """The payload of a request whose signature is that of the channel's app."""

    channel: Webhook
    payload: Mapping[str, Any]
    digest: str


def check_request(*, body: bytes, timestamp: str, signature: str, at: datetime) -> SignedRequest:
    """Check the age and the signature of a request. Raises RejectedRequestError."""
    if not is_recent(timestamp, at=at):
        raise RejectedRequestError("The timestamp is more than five minutes away.")
    payload = _parse_payload(body)
    channel = _find_signer(payload, timestamp=timestamp, signature=signature, body=body)
    digest = hashlib.sha256(f"{timestamp}:{signature}".encode()).hexdigest()
    return SignedRequest(channel, payload, digest)


def suggest_members(signed: SignedRequest) -> list[dict[str, Any]] | None:
    """Return the options to assign to: members of the team of the channel, by the text that the
    user typed. None if the request does not ask for them."""
    payload, team = signed.payload, signed.channel.team
    if payload.get("type") != "block_suggestion":
        return None
    if team is None or payload.get("action_id") != messages.ASSIGN:
        return []
    members = [
        (user.pk, display_name(user)) for user, _ in members_of(team=team) if not user.is_service
    ]
    return messages.build_options(members, str(payload.get("value") or "")[:100])


@transaction.atomic
def receive_request(signed: SignedRequest, *, at: datetime) -> int | None:
    """Store a request; return its ID, or None if it needs no answer. Raises RejectedRequestError
    if it was stored before."""
    payload, channel = signed.payload, signed.channel
    action = _first(payload.get("actions"))
    user = payload.get("user")
    if payload.get("type") != "block_actions" or not action or not isinstance(user, dict):
        return None
    name, block_id = str(action.get("action_id", "")), str(action.get("block_id", ""))
    place, url = messages.place_of_block(block_id), str(payload.get("response_url", ""))
    if name not in _ACTIONS or place is None or not client.is_response_url(url):
        return None
    selected = action.get("selected_option")
    chosen = str(selected.get("value", "")) if isinstance(selected, dict) else ""
    request, is_new = SlackRequest.objects.get_or_create(
        digest=signed.digest,
        defaults={
            "channel": channel,
            "message": messages.message_of_block(block_id)[:200],
            "item": place,
            "action": name,
            "assignee_id": int(chosen)
            if chosen.isascii() and chosen.isdecimal() and len(chosen) < 19
            else None,
            "slack_user": one_line(user.get("id", ""), max_length=40),
            "sealed_response_url": encrypt_credentials({"url": url}, purpose=channel.purpose),
            "received_at": at,
        },
    )
    if not is_new:
        raise RejectedRequestError("The request was received before.")
    return request.pk


def _parse_payload(body: bytes) -> dict[str, Any]:
    try:
        (text,) = parse_qs(body.decode(), max_num_fields=10)["payload"]
        payload = json.loads(text)
    except (ValueError, KeyError, RecursionError):
        raise RejectedRequestError("The body has no payload.") from None
    if not isinstance(payload, dict):
        raise RejectedRequestError("The payload is not an object.")
    return payload


def _find_signer(
    payload: Mapping[str, Any], *, timestamp: str, signature: str, body: bytes
) -> Webhook:
    """Return the channel whose app has signed the body. The channel ID of the payload, which is not
    trusted yet, only selects the secrets to compare with."""
    destination = payload.get("channel")
    channel_id = str(destination.get("id", "")) if isinstance(destination, dict) else ""
    candidates = (
        Webhook.objects.filter(service=ChannelService.SLACK, destination=channel_id, enabled=True)
        .select_related("team")
        .order_by("pk")[:MAX_CANDIDATES]
    )
    action = _first(payload.get("actions")) or payload
    message_id = messages.message_of_block(str(action.get("block_id", "")))
    matching: list[Webhook] = []
    for channel in candidates:
        try:
            secret = open_secrets(channel)["signing_secret"]
        except DomainError:
            continue
        if secret and is_signed(secret, timestamp=timestamp, signature=signature, body=body):
            matching.append(channel)
    if not matching:
        raise RejectedRequestError("No channel has this signature.")
    # one app can serve several channels of the registry with the same destination
    return next((row for row in matching if _sent(row, message_id)), matching[0])


def _sent(channel: Webhook, message_id: str) -> bool:
    return bool(message_id) and _delivery_of(channel.pk, message_id) is not None


def _delivery_of(channel_id: int, message_id: str) -> Delivery | None:
    """Return the delivery of the channel with this local part of its Message-ID."""
    if not message_id or not message_id.isalnum():
        return None
    return Delivery.objects.filter(
        webhook=channel_id, message_id__startswith=f"<{message_id}@"
    ).first()


def _first(value: Any) -> dict[str, Any] | None:
    return value[0] if isinstance(value, list) and value and isinstance(value[0], dict) else None


# --- answers --------------------------------------------------------------------------------------


def answer_requests(*, at: datetime) -> int:
    """Carry out and answer the requests that wait, and return the number answered. Safe to run
    twice: each request is locked, and an answer replaces the message by the same one."""
    waiting = SlackRequest.objects.filter(answered_at=None, received_at__gt=at - ANSWER_TIME)
    n_answered = 0
    for pk in waiting.order_by("pk").values_list("pk", flat=True)[:MAX_REQUESTS_PER_RUN]:
        n_answered += answer_request(pk, at=at)
    overdue = SlackRequest.objects.filter(
        state=SlackRequest.State.RECEIVED, received_at__lte=at - ANSWER_TIME
    )
    overdue.update(
        state=SlackRequest.State.REFUSED,
        finished_at=at,
        sentence="Slack could not be asked in time who made the request.",
    )
    return n_answered


def answer_request(pk: int, *, at: datetime) -> bool:
    """Carry out one request and answer it; False if it has to wait or another run has it."""
    request = SlackRequest.objects.select_related("channel__team").get(pk=pk)
    if request.answered_at is not None:
        return False
    try:
        credentials = open_secrets(request.channel)
    except DomainError:
        return False
    if request.state == SlackRequest.State.RECEIVED:
        # outside of any transaction: the call can take seconds
        person = client.find_person(request.slack_user, credentials)
        if isinstance(person, ChannelFailure):
            log.warning("slack user not found", request=pk, reason=person.reason)
            if not person.refuses_channel and not person.final:
                return False
            person = client.SlackPerson("", f"Slack does not tell who you are. {person.reason}")
        with transaction.atomic():
            locked = (
                SlackRequest.objects.select_for_update(skip_locked=True, of=("self",))
                .select_related("channel__team")
                .filter(pk=pk, state=SlackRequest.State.RECEIVED)
                .first()
            )
            if locked is None:
                return False
            _carry_out(locked, person, at=at)
            request = locked
    return _send_answer(request, at=at)


def _carry_out(request: SlackRequest, person: client.SlackPerson, *, at: datetime) -> None:
    """Respond to the alerts as the person, or refuse with the sentence why."""
    try:
        with transaction.atomic():
            request.user = _find_user(person)
            request.sentence = _respond(request, request.user, at=at)
        request.state = SlackRequest.State.DONE
    except (DomainError, PermissionDenied) as refusal:
        request.state = SlackRequest.State.REFUSED
        request.sentence = one_line(refusal, max_length=500)
    request.finished_at = at
    request.save()


def _find_user(person: client.SlackPerson) -> User:
    if person.obstacle:
        raise DomainError(person.obstacle)
    users = list(User.objects.with_account().filter(email__iexact=person.email, is_active=True)[:2])
    if len(users) != 1:
        raise DomainError(
            f"Your Slack address {person.email} is not that of a user of the registry. Nothing was "
            "changed. Ask an administrator of the registry to add it."
        )
    return users[0]


def _respond(request: SlackRequest, user: User, *, at: datetime) -> str:
    """Respond to the alerts of the item with the rights of the user, and return what was done."""
    delivery = _delivery_of(request.channel_id, request.message)
    ids = messages.alerts_of_item(json.loads(delivery.body_text), request.item) if delivery else []
    # what was never sent to this channel cannot be responded to from it
    notified = Notice.objects.filter(webhook=request.channel_id, alert__in=ids)
    alerts = list(
        Alert.objects.visible_to(user)
        .filter(pk__in=notified.values("alert"))
        .exclude(state=Alert.State.RESOLVED)
        .order_by("pk")
    )
    if not alerts:
        raise DomainError(
            "Nothing was changed: the alerts are resolved, or you cannot view them in the registry."
        )
    name = display_name(user)
    day = long_day(at.date())
    # the history tells by the address that the response was given via Slack
    with pghistory.context(url=SLACK_PATH), audit_context(user=user):
        if request.action == messages.ACKNOWLEDGE:
            for alert in alerts:
                acknowledge_alert(alert=alert, by=user, at=at)
            return f"{name} acknowledged it via Slack on {day}."
        to = user if request.action == messages.TAKE else _find_assignee(request)
        for alert in alerts:
            assign_alert(alert=alert, to=to, by=user, at=at)
    if to.pk == user.pk:
        return f"{name} took it via Slack on {day}."
    return f"{name} assigned it to {display_name(to)} via Slack on {day}."


def _find_assignee(request: SlackRequest) -> User:
    assignee = (
        User.objects.people().filter(pk=request.assignee_id, is_active=True).first()
        if request.assignee_id is not None
        else None
    )
    if assignee is None:
        raise DomainError("This user is not active any more. Select another one.")
    return assignee


def _send_answer(request: SlackRequest, *, at: datetime) -> bool:
    """Replace the message by one that shows what was done, or tell the person alone why not."""
    answer: dict[str, object]
    delivery = _delivery_of(request.channel_id, request.message)
    if request.state == SlackRequest.State.DONE and delivery is not None:
        body = json.loads(delivery.body_text)
        results, done = _results(request)
        answer = {
            "replace_original": True,
            "text": body["text"],
            "blocks": messages.answered_blocks(body, results, done),
        }
    else:
        answer = {
            "response_type": "ephemeral",
            "replace_original": False,
            "text": messages.escape(request.sentence),
        }
    try:
        url = decrypt_credentials(request.sealed_response_url, purpose=request.channel.purpose)[
            "url"
        ]
    except UnreadableCredentialsError:
        return False
    failure = client.post_answer(url, answer)
    if failure is None or failure.final:
        # a second answer would be refused as well
        SlackRequest.objects.filter(pk=request.pk, answered_at=None).update(answered_at=at)
        return failure is None
    log.warning("slack request not answered", request=request.pk, reason=failure.reason)
    return False


def _results(request: SlackRequest) -> tuple[dict[int, list[str]], dict[int, set[str]]]:
    """Return ({place: sentences}, {place: actions done}) of the message, in the order of the
    requests."""
    sentences: dict[int, list[str]] = defaultdict(list)
    done: dict[int, set[str]] = defaultdict(set)
    rows = SlackRequest.objects.filter(
        message=request.message, channel=request.channel_id, state=SlackRequest.State.DONE
    )
    for item, action, sentence in rows.order_by("finished_at", "pk").values_list(
        "item", "action", "sentence"
    ):
        sentences[item].append(sentence)
        # an assignment can change
        if action == messages.ACKNOWLEDGE:
            done[item].add(action)
    return dict(sentences), dict(done)
