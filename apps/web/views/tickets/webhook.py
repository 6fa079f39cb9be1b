"""Entrance of Jira's webhook."""

from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from apps.common.requests.rate_limits import exceeds_rate
from apps.common.time import now
from apps.issues.tickets.webhooks import (
    MAX_BODY_BYTES,
    InvalidCallError,
    UnreadableCallError,
    receive_call,
)

# calls of one connection; Jira repeats those that are refused with 429
CALLS_PER_MINUTE = 600


@csrf_exempt
@login_not_required
@require_POST
def receive_jira_call(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """Note that a ticket changed, if the call is signed. The answer does not say whether the
    connection or the ticket exists."""
    if exceeds_rate(f"jira:{webhook_id}", limit=CALLS_PER_MINUTE, seconds=60):
        response = _refuse("Too many calls. Repeat the call in a minute.", 429)
        response["Retry-After"] = "60"
        return response
    body = request.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        return _refuse("The body is too large.", 413)
    try:
        receive_call(
            webhook_id=webhook_id,
            body=body,
            signature=request.headers.get("X-Hub-Signature", ""),
            at=now(),
        )
    except InvalidCallError:
        return _refuse(
            "The signature does not fit. Enter the same secret in the webhook and in the ticket "
            "connection.",
            401,
        )
    except UnreadableCallError:
        return _refuse("The body names no issue. Select events of issues and comments.", 400)
    return HttpResponse(status=204)


def _refuse(detail: str, status: int) -> JsonResponse:
    return JsonResponse({"detail": detail}, status=status)
