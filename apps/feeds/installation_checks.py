"""Check of the polled sources."""

from collections.abc import Iterator
from datetime import datetime

from apps.catalog.models import Source
from apps.common.installation.diagnosis import Diagnosis, ok, warning
from apps.common.text import pluralize
from apps.feeds.models import Health, source_health

# named in one sentence; the page Feeds has all
_MAX_NAMES = 3
# what an operator can change; the other states concern the contents, which governance decides
_OUT_OF_REACH = (Health.NEVER, Health.LATE, Health.FAILING)


def check_sources(at: datetime) -> Iterator[Diagnosis]:
    """Check that each enabled source was read within its interval."""
    sources = list(
        Source.objects.polled().from_outside().select_related("poll_state").order_by("name")
    )
    unread = [source.name for source in sources if source_health(source, at=at) in _OUT_OF_REACH]
    if not sources:
        yield warning(
            "No source is enabled, so no retirement and no price is noticed.",
            "Enable sources on the page Feeds; manage.py load_catalogue adds the built-in ones.",
        )
        return
    if not unread:
        yield ok(f"All {len(sources)} enabled sources are read in time.")
        return
    names = ", ".join(unread[:_MAX_NAMES])
    others = f" and {len(unread) - _MAX_NAMES} more" if len(unread) > _MAX_NAMES else ""
    yield warning(
        pluralize(
            len(unread),
            f"One of {len(sources)} enabled sources is not read: {names}.",
            f"{len(unread)} of {len(sources)} enabled sources are not read: {names}{others}.",
        ),
        "The page Feeds shows the reason of each. Allow their hosts in your egress rules, set "
        "OUTBOUND_PROXY, or disable them.",
    )
