"""Retention of the gate: runs for as long as its policy says, decisions for ever."""

from apps.common.retention import (
    RetentionGroup,
    TaskLimit,
    declare_retention,
    format_days,
    permanent_tables,
)
from apps.gate.models import GatePolicy


def _describe_run_limit() -> str:
    return format_days(GatePolicy.objects.values_list("keep_runs_days", flat=True).get(pk=1))


declare_retention(
    TaskLimit("gate_gaterun", RetentionGroup.RUNS, "gate.forget_old_runs", _describe_run_limit),
    TaskLimit("gate_gatefinding", RetentionGroup.RUNS, "gate.forget_old_runs", _describe_run_limit),
    *permanent_tables(
        RetentionGroup.INVENTORY,
        "gate rules, and waivers with the reasons of users",
        "gate_gatepolicy",
        "gate_horizon",
        "gate_waiver",
    ),
)
