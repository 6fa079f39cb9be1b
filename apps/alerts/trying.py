"""A request to a webhook that tells of nothing, so that its receiver can be tried out."""

import json
import secrets
from datetime import datetime

from django.conf import settings
from django.db import transaction

from apps.accounts.models import User
from apps.alerts.digest import Facts
from apps.alerts.mail import message_id_for
from apps.alerts.models import Delivery, Webhook
from apps.alerts.payloads import payload_of
from apps.alerts.wishing import NotYours
from apps.common.time import day_of


@transaction.atomic
def queue_test(*, webhook: Webhook, by: User, at: datetime) -> Delivery:
    """Queue what a webhook is sent with an empty list of alerts; signed and retried as any
    other."""
    if not by.is_governance:
        raise NotYours("Only governance and administrators may try out webhooks.")
    body = payload_of(
        [], Facts(today=day_of(at), public_url=settings.PUBLIC_URL, applications={}), at=at
    )
    return Delivery.objects.create(
        webhook=webhook,
        kind=Delivery.Kind.WEBHOOK,
        address=webhook.url,
        message_id=message_id_for(address=webhook.url, keys=[f"test:{secrets.token_hex(16)}"]),
        subject=f"A test, sent by {by.get_username()}",
        body_text=json.dumps(body, ensure_ascii=False),
        due_at=at,
        created_at=at,
    )
