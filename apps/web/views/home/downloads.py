"""The numbers of Home as files."""

from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from django.views.decorators.http import require_safe

from apps.common.time import day_of, now
from apps.exposure.models import Layer
from apps.exposure.queries.concentration import layer_table
from apps.exposure.queries.portfolio import retiring_offerings
from apps.web.lists.pagination import csv_response
from apps.web.pages.form_fields import signed_in_user
from apps.web.presenters.dashboard import ShortestRunway, iterate_shortest_runways
from apps.web.views.home.retirements import HORIZON_DAYS


@require_safe
def concentration_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export the nodes of every layer with their share of critical applications."""
    user = signed_in_user(request)
    rows = [
        (layer, table, row)
        for layer in Layer
        for table in [layer_table(layer=layer, user=user)]
        for row in table.rows
    ]
    return csv_response(
        "concentration",
        [
            "layer",
            "name",
            "applications",
            "critical",
            "share of critical",
            "tolerance",
            "over tolerance",
            "as of",
        ],
        rows,
        lambda cell: [
            cell[0].label,
            cell[2].name,
            cell[2].n_applications,
            cell[2].n_critical,
            cell[2].critical_share,
            cell[2].tolerance,
            "yes" if cell[2].over else "no",
            cell[1].as_of,
        ],
    )


@require_safe
def runway_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send all applications whose primary model has a retirement date; the page shows only the
    first ones."""
    today = day_of(now())
    heads = [
        "application",
        "team",
        "criticality",
        "model ID",
        "host",
        "ends",
        "date",
        "days left",
        "migration days",
        "basis",
        "runway, days",
        "start by",
        "replacement",
    ]
    return csv_response(
        "runway",
        heads,
        iterate_shortest_runways(user=signed_in_user(request), on=today),
        _runway_cells,
    )


def _runway_cells(row: ShortestRunway) -> list[Any]:
    offering = row.offering
    return [
        row.application.name,
        row.application.team.name,
        row.application.get_criticality_display(),
        offering.api_id,
        offering.host.name,
        row.retires_on,
        "earliest" if row.at_least else "firm",
        row.days_left,
        row.effort_days,
        row.basis,
        row.runway,
        row.start_by,
        offering.replacement.api_id if offering.replacement else offering.replacement_text,
    ]


@require_safe
def ends_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export the next retirements of offerings in use, within HORIZON_DAYS."""
    today = day_of(now())
    return csv_response(
        "ends",
        [
            "host",
            "model ID",
            "foundation",
            "announced",
            "ends",
            "date",
            "applications",
            "critical",
            "replacement",
        ],
        retiring_offerings(
            user=signed_in_user(request), on=today, within=HORIZON_DAYS, limit=10_000
        ),
        lambda row: [
            row.offering.host.name,
            row.offering.api_id,
            row.offering.version.foundation.name if row.offering.version else "",
            row.offering.announced_on,
            row.offering.retires_on,
            row.offering.get_date_kind_display(),
            row.n,
            row.n_critical,
            row.offering.replacement.api_id
            if row.offering.replacement
            else row.offering.replacement_text,
        ],
    )
