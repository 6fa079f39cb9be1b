"""The settings of a beat in a hurry: what comes round every minute comes round every second."""

from datetime import timedelta

from registry.settings import *  # noqa: F403
from registry.settings import CELERY_BEAT_SCHEDULE as USUAL

CELERY_BEAT_SCHEDULE = {
    name: entry | {"schedule": timedelta(seconds=1)}
    if entry["schedule"] <= timedelta(minutes=1)
    else entry
    for name, entry in USUAL.items()
}
