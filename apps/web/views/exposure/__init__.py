"""Exposure: where the portfolio is correlated, what stands on what, the lines drawn, the flags
raised, the losses."""

from apps.web.views.exposure.concentration import concentration, concentration_csv, trend_csv
from apps.web.views.exposure.contributions import contributions, contributions_csv
from apps.web.views.exposure.exits import ways_out_csv, ways_out_page
from apps.web.views.exposure.failing import states_csv
from apps.web.views.exposure.flow import exposure_flow, flow_csv
from apps.web.views.exposure.nodes import node, node_csv, node_teams, node_trend_csv
from apps.web.views.exposure.points import points, points_csv, sets_csv

__all__ = [
    "concentration",
    "concentration_csv",
    "contributions",
    "contributions_csv",
    "exposure_flow",
    "flow_csv",
    "node",
    "node_csv",
    "node_teams",
    "node_trend_csv",
    "points",
    "points_csv",
    "sets_csv",
    "states_csv",
    "trend_csv",
    "ways_out_csv",
    "ways_out_page",
]
