"""Migration plans as the risks app reads them: the retirement of a dependency is no open risk while
a task plans its migration."""

from typing import Final

from apps.exposure.models import CampaignTask
from apps.inventory.models import Dependency
from apps.risks.queries.inheritance_sql import register_migration_plans

# a task of an open campaign, or one whose migration is signed off
_HAS_TASK: Final = """EXISTS (
    SELECT 1 FROM exposure_campaigntask k JOIN exposure_campaign c ON c.id = k.campaign_id
    WHERE k.dependency_id = d.id AND k.state <> 'obsolete'
        AND (c.state = 'open' OR k.state = 'done'))"""

register_migration_plans(
    "campaigns",
    _HAS_TASK,
    histories=("exposure_campaignhistory", "exposure_campaigntaskhistory"),
)


def migration_plan_of(dependency: Dependency) -> CampaignTask | None:
    """Return the task that plans the migration of the dependency, the newest of several; one
    statement."""
    tasks = CampaignTask.objects.select_related("campaign", "owner").filter(dependency=dependency)
    planned = tasks.exclude(state=CampaignTask.State.OBSOLETE)
    of_open_campaigns = planned.filter(campaign__state="open")
    signed_off = planned.filter(state=CampaignTask.State.DONE)
    return (of_open_campaigns | signed_off).order_by("-campaign__opened_at", "-pk").first()
