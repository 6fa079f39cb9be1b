"""What a mute keeps back."""

from collections.abc import Iterable

from apps.alerts.models import Mute
from apps.alerts.subscribing import About


def mutes(mute: Mute, what: About) -> bool:
    """All that the mute names must hold of the alert; applications must all be the muted one."""
    return (
        (not mute.kind or mute.kind == what.kind)
        and (not mute.subject or mute.subject == what.subject)
        and (mute.provider_id is None or mute.provider_id in what.provider_ids)
        and (mute.offering_id is None or mute.offering_id == what.offering_id)
        and (mute.application_id is None or what.application_ids == {mute.application_id})
    )


def muted_by(some: Iterable[Mute], what: About) -> Mute | None:
    """The mute that lasts longest of those that keep this back."""
    return max(
        (mute for mute in some if mutes(mute, what)),
        key=lambda mute: (mute.until, mute.pk),
        default=None,
    )
