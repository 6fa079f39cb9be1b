"""What is seen in use: what is connected, what it shows, where that is not what is declared, what
nobody knows."""

from apps.web.views.intake.connect import bind, change, connect, streams_csv, unbind
from apps.web.views.intake.discrepancies import (
    answer,
    discrepancy_csv,
    discrepancy_list,
    reopen_dismissed,
)
from apps.web.views.intake.names import decide, lift, name_csv, name_list
from apps.web.views.intake.observations import observation_csv, observation_list
from apps.web.views.intake.services import (
    act_on_service,
    link_services,
    sender,
    service_csv,
    service_list,
)

__all__ = [
    "act_on_service",
    "answer",
    "bind",
    "change",
    "connect",
    "decide",
    "discrepancy_csv",
    "discrepancy_list",
    "lift",
    "link_services",
    "name_csv",
    "name_list",
    "observation_csv",
    "observation_list",
    "reopen_dismissed",
    "sender",
    "service_csv",
    "service_list",
    "streams_csv",
    "unbind",
]
