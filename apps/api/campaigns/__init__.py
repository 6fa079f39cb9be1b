"""Refresh campaigns over REST."""

from apps.api.campaigns.campaigns import CampaignViewSet
from apps.api.campaigns.tasks import CampaignTaskViewSet, TaskStepViewSet

__all__ = ["CampaignTaskViewSet", "CampaignViewSet", "TaskStepViewSet"]
