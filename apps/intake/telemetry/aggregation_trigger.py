"""Trigger of the aggregation: sends the worker's task once for many requests."""

from time import monotonic

import structlog
from celery import signature
from django.conf import settings
from django.core.cache import cache
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)

AGGREGATE_TASK = signature("intake.add_up_calls", immutable=True)
COUNTDOWN_SECONDS = 4
# when this process last sent the task or saw that another process had: a query of the cache costs
# more than the other work of a request
_last_request: dict[str, float] = {"at": float("-inf")}


def schedule_aggregation() -> None:
    """Start the aggregation of waiting batches within seconds. Beat starts it as well, so that a
    lost message delays it by half a minute only."""
    moment = monotonic()
    if settings.CELERY_TASK_ALWAYS_EAGER or moment - _last_request["at"] < COUNTDOWN_SECONDS:
        return
    _last_request["at"] = moment
    if not cache.add("calls:adding-up-is-sent", 1, timeout=COUNTDOWN_SECONDS):
        return
    try:
        AGGREGATE_TASK.apply_async(countdown=COUNTDOWN_SECONDS, retry=False)
    except OperationalError as error:
        log.warning(
            "the broker is not available; beat will start the aggregation", error=str(error)
        )
