"""Endpoint to which Slack posts what users do with buttons in messages. The signature of the
request is the permission; the rights are those of the person behind it."""

import structlog
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from kombu.exceptions import OperationalError

from apps.alerts.channels.slack.requests import (
    RejectedRequestError,
    check_request,
    receive_request,
    suggest_members,
)
from apps.alerts.channels.slack.signatures import MAX_BODY_BYTES
from apps.alerts.tasks import answer_slack_requests
from apps.common.time import now

log = structlog.get_logger(__name__)


@csrf_exempt
@login_not_required
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """Store a request and answer at once: Slack shows an error after three seconds. A task carries
    it out and answers in the conversation."""
    try:
        length = int(request.headers.get("Content-Length") or 0)
    except ValueError:
        length = MAX_BODY_BYTES + 1
    if length > MAX_BODY_BYTES:
        return HttpResponse("The request is too large.\n", status=413, content_type="text/plain")
    try:
        signed = check_request(
            body=request.body,
            timestamp=request.headers.get("X-Slack-Request-Timestamp", ""),
            signature=request.headers.get("X-Slack-Signature", ""),
            at=(at := now()),
        )
        options = suggest_members(signed)
        if options is not None:
            return JsonResponse({"options": options})
        pk = receive_request(signed, at=at)
    except RejectedRequestError as error:
        log.warning("request from Slack rejected", reason=str(error))
        return HttpResponse(
            "The request is not signed by a Slack app of this registry, is older than five "
            "minutes, or was used before.\n",
            status=403,
            content_type="text/plain",
        )
    if pk is not None:
        transaction.on_commit(_start_task)
    return HttpResponse(status=200)


def _start_task() -> None:
    try:
        answer_slack_requests.apply_async(retry=False)
    except OperationalError as error:
        log.warning("the broker is not available; beat will answer Slack", error=str(error))
