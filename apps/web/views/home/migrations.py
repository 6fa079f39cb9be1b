"""Open migrations on Home, with what is late and unassigned."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, F, Q
from django.db.models.functions import Coalesce

from apps.accounts.models import User
from apps.exposure.campaigns.lifecycle import UNFINISHED
from apps.exposure.models import Campaign, CampaignTask
from apps.exposure.models.campaigns import overdue_condition, too_late_condition

MAX_MIGRATIONS = 4
# open migrations are counted up to here
MAX_COUNTED_MIGRATIONS = 50
_SETTLED = (CampaignTask.State.DONE, CampaignTask.State.OBSOLETE)


@dataclass(frozen=True, slots=True)
class MigrationRow:
    """An open migration with the tasks that the user can view. `n_late` are overdue, or no longer
    fit before the retirement."""

    campaign: Campaign
    name: str
    n_tasks: int
    n_signed: int
    n_late: int
    n_unassigned: int

    @property
    def length(self) -> float:
        """Return the percentage of the tasks that are signed off or no longer needed."""
        return round(100 * self.n_signed / self.n_tasks, 1) if self.n_tasks else 0


@dataclass(frozen=True, slots=True)
class OpenMigrations:
    rows: list[MigrationRow]
    n: int


def open_migrations(*, user: User, today: date) -> OpenMigrations:
    """Return the open migrations, first retirement first; two statements."""
    campaigns = list(
        Campaign.objects.visible_to(user)
        .filter(state=Campaign.State.OPEN)
        .select_related(
            "subject__host",
            "subject__version__foundation",
            "announcement__version",
            "announcement__foundation",
            "announcement__provider",
            "announcement__offering__host",
        )
        .order_by(Coalesce(F("subject__retires_on"), F("due_on")).asc(nulls_last=True), "pk")[
            :MAX_COUNTED_MIGRATIONS
        ]
    )
    shown = campaigns[:MAX_MIGRATIONS]
    if not shown:
        return OpenMigrations([], 0)
    unfinished = Q(state__in=UNFINISHED)
    counts = {
        row["campaign"]: row
        for row in CampaignTask.objects.visible_to(user)
        .filter(campaign__in=[campaign.pk for campaign in shown])
        .order_by()
        .values("campaign")
        .annotate(
            n=Count("pk"),
            n_signed=Count("pk", filter=Q(state__in=_SETTLED)),
            n_late=Count(
                "pk", filter=unfinished & (overdue_condition(today) | too_late_condition(today))
            ),
            n_unassigned=Count("pk", filter=unfinished & Q(owner=None)),
        )
    }
    none = {"n": 0, "n_signed": 0, "n_late": 0, "n_unassigned": 0}
    rows = []
    for campaign in shown:
        row = counts.get(campaign.pk, none)
        rows.append(
            MigrationRow(
                campaign,
                _name(campaign),
                row["n"],
                row["n_signed"],
                row["n_late"],
                row["n_unassigned"],
            )
        )
    return OpenMigrations(rows, len(campaigns))


def _name(campaign: Campaign) -> str:
    """Return the name of what the migration leaves: the foundation where it is known."""
    version = campaign.subject.version
    if campaign.announcement is not None or version is None:
        return campaign.subject_name
    return version.foundation.name
