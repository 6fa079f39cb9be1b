"""What is kept of the gate: its runs for as long as its policy says, decisions for ever."""

from apps.common.retention import Group, TaskLimit, days_in_words, declare, kept_tables
from apps.gate.models import GatePolicy


def _run_limit() -> str:
    return days_in_words(GatePolicy.objects.values_list("keep_runs_days", flat=True).get(pk=1))


declare(
    TaskLimit("gate_gaterun", Group.RUNS, "gate.forget_old_runs", _run_limit),
    TaskLimit("gate_gatefinding", Group.RUNS, "gate.forget_old_runs", _run_limit),
    *kept_tables(
        Group.INVENTORY,
        "the gate's lines, and waivers with the reasons people gave",
        "gate_gatepolicy",
        "gate_horizon",
        "gate_waiver",
    ),
)
