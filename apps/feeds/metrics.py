"""Metrics (gauges) of polled sources."""

from datetime import datetime

from apps.catalog.models import Source
from apps.common.metrics import Gauges, age_seconds, labelled_gauge
from apps.feeds.models import Health, PollState, source_health


def feed_gauges(at: datetime) -> Gauges:
    """Return age and state of each enabled source; one statement."""
    ages, states, failures = [], [], []
    for source in (
        Source.objects.polled().from_outside().select_related("poll_state").order_by("slug")
    ):
        state: PollState | None = getattr(source, "poll_state", None)
        ages.append(((source.slug,), age_seconds(state.last_success_at if state else None, at=at)))
        failures.append(((source.slug,), float(state.failures if state else 0)))
        health = source_health(source, at=at)
        states += [((source.slug, choice.value), float(choice == health)) for choice in Health]
    yield labelled_gauge(
        "registry_feed_age_seconds",
        "Seconds since the last successful poll of a source; missing for a source never polled.",
        ("source",),
        ages,
    )
    yield labelled_gauge(
        "registry_feed_failures",
        "Failed polls of a source since its last successful poll.",
        ("source",),
        failures,
    )
    yield labelled_gauge(
        "registry_feed_state",
        "1 for the current health of a source; suspect: its last payload is on hold.",
        ("source", "state"),
        states,
    )
