"""Teams whose applications stand on one model, as of the real day: workers read the wall clock."""

from collections.abc import Sequence
from datetime import timedelta

from django.db.models import F

from apps.accounts.models import Team
from apps.alerts.models import Delivery, Preference, Tick
from apps.catalog.models import Offering, ProviderEvent
from apps.common.models import Lease
from apps.common.time import now
from tests.builders import make_application, make_dependency, make_event, make_offering, make_team

DAYS_LEFT = 50


def make_crowd(n: int) -> list[Team]:
    """`n` teams with a mailbox each, `team-0@example.org` and so on, whose applications call one
    model."""
    offering = make_offering(
        "gemini-2.5-pro", retires_on=now().date() + timedelta(days=DAYS_LEFT), date_kind="firm"
    )
    return [join(offering, f"Team {number}") for number in range(n)]


def join(offering: Offering, name: str, *, email: str | None = None) -> Team:
    """A team with one application on the model."""
    team = make_team(name) if email is None else make_team(name, email=email)
    make_dependency(make_application(f"Application of {name}", team=team), offering)
    return team


def announce(offering: Offering | None = None) -> ProviderEvent:
    """The end of the model, announced a moment ago."""
    offering = offering or Offering.objects.get()
    return make_event(
        offering, detected_at=now(), new=str(offering.retires_on), effective_on=offering.retires_on
    )


def addresses(teams: Sequence[Team]) -> list[str]:
    return sorted(team.email for team in teams)


def time_passes(span: timedelta) -> None:
    """What the clock does to the deliveries that wait, to claims that nobody settled and to leases
    of the dead."""
    Delivery.objects.update(due_at=F("due_at") - span, claimed_at=F("claimed_at") - span)
    Lease.objects.update(expires_at=F("expires_at") - span)


def forget_the_windows() -> None:
    """As if no digest had ever been looked for: what is owed is due at once, as after a
    standstill."""
    Tick.objects.all().delete()
    Preference.objects.update(served_at=None)
