"""The gate: what pipelines asked, one application at the gate, waivers, the policy, and the
client."""

from apps.web.views.gate.application import application_gate
from apps.web.views.gate.client import client_file, client_page
from apps.web.views.gate.policy import policy
from apps.web.views.gate.runs import finding_csv, mark_released, run, run_csv, run_list
from apps.web.views.gate.waivers import decide, new_waiver, waiver, waiver_csv, waiver_list

__all__ = [
    "application_gate",
    "client_file",
    "client_page",
    "decide",
    "finding_csv",
    "mark_released",
    "new_waiver",
    "policy",
    "run",
    "run_csv",
    "run_list",
    "waiver",
    "waiver_csv",
    "waiver_list",
]
