"""What the bearer of an address in a mail may change without a sign-in: how much mail comes there, and nothing else."""

from typing import Any

from django.db import transaction

from apps.accounts.models import Team, User
from apps.alerts.due import rhythm_of
from apps.alerts.models import Cadence, Preference
from apps.alerts.windows import Rhythm
from apps.alerts.wishing import BadWish
from apps.common.history import acting


def rhythm_of_recipient(recipient: User | Team) -> Rhythm:
    """How the person, or the team's mailbox, is mailed."""
    wish = Preference.objects.filter(**_key(recipient)).first()
    return rhythm_of(wish, hour=recipient.digest_hour, time_zone=recipient.time_zone)


@transaction.atomic
def mail_as(recipient: User | Team, *, cadence: str, immediate: bool = True, heartbeat: bool | None = None) -> Rhythm:
    """Mail the recipient in another rhythm; stopping altogether is `wishing.stop_mail`. `heartbeat` None: as before."""
    if cadence not in Cadence.values:
        raise BadWish(f"'{cadence}' is no rhythm. Choose from {', '.join(Cadence.values)}.")
    with acting(job="unsubscribe link", reason=f"{Cadence(cadence).label.lower()}: {recipient}"):
        row, _ = Preference.objects.select_for_update().get_or_create(**_key(recipient))
        row.cadence, row.immediate = cadence, immediate
        row.heartbeat = row.heartbeat if heartbeat is None else heartbeat
        row.save()
    return rhythm_of(row, hour=recipient.digest_hour, time_zone=recipient.time_zone)


def _key(recipient: User | Team) -> dict[str, Any]:
    return {"team": recipient} if isinstance(recipient, Team) else {"user": recipient}
