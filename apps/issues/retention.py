"""Retention of issues: responses of users are kept; the queue is emptied by each evaluation."""

from apps.common.retention import RetentionGroup, declare_retention, permanent_tables

declare_retention(
    *permanent_tables(
        RetentionGroup.INVENTORY,
        "causes and issues with the responses of users; a fact that returns opens its issue again",
        "issues_activity",
        "issues_activity_mentions",
        "issues_cause",
        "issues_causeoffering",
        "issues_issue",
    ),
    *permanent_tables(
        RetentionGroup.INVENTORY,
        "tickets that users requested, with what came back from Jira; deleted with their issue or "
        "task, or when a user removes the link",
        "issues_ticket",
        "issues_ticketconnection",
        "issues_ticketcredential",
        "issues_ticketevent",
    ),
    *permanent_tables(
        RetentionGroup.DERIVED,
        "queue of the evaluation of issues; emptied by each evaluation",
        "issues_changedapplication",
        "issues_evaluationstate",
    ),
)
