"""Failure of one node of a layer: the exposure states of the applications on it, as a chart, rows
and a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from django.views.decorators.http import require_safe

from apps.exposure.engine.settings import engine_settings
from apps.exposure.models import StandingState
from apps.exposure.node_names import NodeName, node_names
from apps.exposure.queries.concentration import visible_team_ids
from apps.exposure.queries.node_states import NodeStates, node_states
from apps.exposure.threats import DEFAULT_THREAT, THREATS
from apps.web.drawings.base.picture import responsive_picture
from apps.web.drawings.charts.exposure_states import StateBar, draw_states
from apps.web.lists.pagination import csv_response
from apps.web.pages.form_fields import signed_in_user
from apps.web.views.exposure.parameters import (
    STATE_WORDS,
    THREAT_VERBS,
    chosen_layer,
    chosen_option,
    node_url,
)
from apps.web.views.scenarios.links import scenario_url


@dataclass(frozen=True, slots=True)
class StateRow:
    name: str
    url: str
    what_if: str
    cells: list[tuple[Any, int, int, str]]
    n: int


def _load_names(failed_nodes: Sequence[NodeStates]) -> dict[int, NodeName]:
    return node_names([node.node_id for node in failed_nodes]) if failed_nodes else {}


def failure_state_rows(failed_nodes: Sequence[NodeStates], threat: str) -> list[StateRow]:
    """Return rows whose cells are (state, applications, critical ones, URL of their list)."""
    names = _load_names(failed_nodes)
    rows = []
    for node in failed_nodes:
        name = names[node.node_id]
        list_url = f"{node_url(name.kind, name.ref)}?threat={threat}"
        cells = [
            (STATE_WORDS[state], *node.counts.get(state, (0, 0)), f"{list_url}&state={state}")
            for state in StandingState.values
        ]
        rows.append(StateRow(name.label, list_url, scenario_url(remove=[name.name]), cells, node.n))
    return rows


def failure_picture(failed_nodes: Sequence[NodeStates], threat: str) -> Any:
    names = _load_names(failed_nodes)
    return responsive_picture(
        draw_states,
        [
            StateBar(
                f"{names[node.node_id].label} {THREAT_VERBS[threat]}",
                {state: n for state, (n, _critical) in node.counts.items()},
            )
            for node in failed_nodes
        ],
    )


@require_safe
def states_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send the exposure states of the applications on each node of the layer after its failure,
    with the figures of the page."""
    user = signed_in_user(request)
    layer = chosen_layer(request)
    threat = chosen_option(request, "threat", THREATS, DEFAULT_THREAT[layer.node_kind])
    failed_nodes = node_states(
        kind=layer.node_kind,
        threat=threat,
        settings=engine_settings(),
        team_ids=visible_team_ids(user),
    )
    states = StandingState.values
    return csv_response(
        f"if-one-fails-{layer}-{threat}",
        [
            "layer",
            "node",
            "threat",
            *states,
            *(f"{state}, critical" for state in states),
            "standing",
        ],
        failure_state_rows(failed_nodes, threat),
        lambda row: [
            layer.value,
            row.name,
            threat,
            *(n for _, n, _, _ in row.cells),
            *(critical for _, _, critical, _ in row.cells),
            row.n,
        ],
    )
