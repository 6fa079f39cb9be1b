"""Retention of rows of the interface: answers for one day, jobs as long as runs."""

from django.db.models import F, Q
from django.db.models.functions import Coalesce

from apps.api.framework.idempotency import RESPONSE_RETENTION
from apps.api.models import IdempotencyKey, Job, ToolCall
from apps.common.retention import PermanentTable, RetentionGroup, RetentionRule, declare_retention

declare_retention(
    RetentionRule(
        IdempotencyKey, RetentionGroup.RUNS, ended=F("created_at"), days=RESPONSE_RETENTION.days
    ),
    RetentionRule(
        Job,
        RetentionGroup.RUNS,
        ended=Coalesce("finished_at", "queued_at"),
        setting="RUN_DAYS",
        only=~Q(state__in=Job.OPEN),
        parts=("api.JobChunk",),
    ),
    # the audit log has them as long as the history
    RetentionRule(ToolCall, RetentionGroup.RUNS, ended=F("called_at"), setting="RUN_DAYS"),
    PermanentTable(
        "api_jobchunk", RetentionGroup.RUNS, "rows that a job has not written yet; they go with it"
    ),
)
