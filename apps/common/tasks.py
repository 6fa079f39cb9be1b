from celery import shared_task
from django.utils import timezone

from apps.common import heartbeat as sign


@shared_task(name="common.heartbeat")
def heartbeat() -> None:
    sign.beat(at=timezone.now())
