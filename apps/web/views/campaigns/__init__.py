"""Refresh campaigns: opening one, how far it is, and the tasks in it."""

from apps.web.views.campaigns.lists import campaign_csv, campaign_list, task_csv, task_list
from apps.web.views.campaigns.one import campaign, order
from apps.web.views.campaigns.opening import open_one, opening_progress
from apps.web.views.campaigns.task import step, task, work

__all__ = [
    "campaign",
    "campaign_csv",
    "campaign_list",
    "open_one",
    "opening_progress",
    "order",
    "step",
    "task",
    "task_csv",
    "task_list",
    "work",
]
