"""Model inventory (model risk management): one row for each application and foundation version it
uses.

Its fields are those that SR 26-2 (the successor of SR 11-7), PRA SS1/23 and OSFI E-23 require of an
inventory (governance anchors, section 5). SR 26-2 leaves generative models out of its scope; such
rows state that the firm's own policy applies.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.accounts.models import User
from apps.common.database.statements import load_statement
from apps.exposure.queries.concentration import visible_team_ids
from apps.inventory.models import Application, Approval, Criticality
from apps.reports.relations import find_gaps, measure_fill, report_relations, stream_rows
from apps.reports.tables import (
    EntryPlace,
    FillRate,
    ReportColumn,
    ReportGap,
    ReportRow,
    ReportTable,
    merge_gaps,
)
from apps.risks.models import Evidence

YES_NO = {"yes": "Yes", "no": "No"}
SCOPES = {
    "outside": "Outside SR 26-2 scope, firm policy applies",
    "check": "Not generative: check against SR 26-2",
}
TIERS = {level.value: level.label for level in Criticality}
STATES = {str(state): state.label for state in Evidence.State}
DECISIONS = {str(decision): decision.label for decision in Approval.Decision}

MODEL_INVENTORY_TABLE = ReportTable(
    "model-inventory",
    "",
    "Model inventory",
    "One row for each application and foundation version it calls.",
    "report_models",
    (
        ReportColumn("01", "Application"),
        ReportColumn("02", "Team"),
        ReportColumn("03", "Model", EntryPlace.IDENTITY),
        ReportColumn("04", "Model developer", EntryPlace.IDENTITY),
        ReportColumn("05", "Hosts"),
        ReportColumn("06", "Roles"),
        ReportColumn("07", "Regulatory scope", words=SCOPES),
        ReportColumn("08", "Purpose", EntryPlace.APPLICATION),
        ReportColumn("09", "Business function and products", EntryPlace.APPLICATION),
        ReportColumn("10", "Expected use and restrictions", EntryPlace.STATEMENT),
        ReportColumn("11", "Inputs and their sources", EntryPlace.STATEMENT),
        ReportColumn("12", "Underlying components, other models", EntryPlace.APPLICATION),
        ReportColumn("13", "Adaptations", EntryPlace.APPLICATION),
        ReportColumn("14", "Outputs and their use", EntryPlace.STATEMENT),
        ReportColumn("15", "Working properly", EntryPlace.EVIDENCE, STATES),
        ReportColumn("16", "Last updated"),
        ReportColumn("17", "Decision of the organisation", EntryPlace.DECISION, DECISIONS),
        ReportColumn("18", "Exceptions: accepted risks in force"),
        ReportColumn("19", "Business owner", EntryPlace.APPLICATION),
        ReportColumn("20", "Technical owner", EntryPlace.APPLICATION),
        ReportColumn("21", "Validator", EntryPlace.STATEMENT),
        ReportColumn("22", "Last validated", EntryPlace.EVIDENCE),
        ReportColumn("23", "Next validation", EntryPlace.STATEMENT),
        ReportColumn("24", "Expected to be valid until", EntryPlace.STATEMENT),
        ReportColumn("25", "Tier by criticality", words=TIERS),
        ReportColumn("26", "Users affected", EntryPlace.APPLICATION),
        ReportColumn("27", "Vendor model", EntryPlace.IDENTITY, YES_NO),
        ReportColumn("28", "Vendor documents on file, of 11", EntryPlace.DOCUMENTS),
        ReportColumn("29", "Limitations", EntryPlace.STATEMENT),
        ReportColumn("30", "Monitoring plan", EntryPlace.STATEMENT),
        ReportColumn("31", "Attested by", EntryPlace.STATEMENT),
        ReportColumn("32", "Attested on", EntryPlace.STATEMENT),
    ),
)

_USE = """
WITH live AS (
    -- active dependencies on the offerings that serve their calls
    SELECT d.id AS dependency_id, d.application_id, d.role, d.since, o.id AS offering_id, o.api_id,
        o.version_id,
           o.category, o.retires_on, h.name AS host
    FROM inventory_application a
    JOIN inventory_dependency d ON d.application_id = a.id
    LEFT JOIN redirected_offering() e ON e.offering_id = d.offering_id
    JOIN catalog_offering o ON o.id = coalesce(e.effective_id, d.offering_id)
    JOIN catalog_provider h ON h.id = o.host_id
    WHERE a.status = ANY (%(statuses)s) AND (%(teams)s::bigint[] IS NULL
        OR a.team_id = ANY (%(teams)s::bigint[]))
      AND is_live(d.since, d.until, %(on)s::date)
)
-- a model is a version, or an unresolved offering, whose ID is negative
SELECT l.*, coalesce(l.version_id, -l.offering_id) AS model, v.identifier, v.foundation_id,
    f.developer_id,
       l.category IN ('embedding', 'rerank', 'reranker') OR l.role IN ('embedding',
       'reranker') AS not_generative
FROM live l LEFT JOIN catalog_version v ON v.id = l.version_id LEFT
JOIN catalog_foundation f ON f.id = v.foundation_id
"""

_MODELS = load_statement("reports", "model_inventory")


@dataclass(frozen=True, slots=True)
class ModelInventory:
    """An inventory, usable inside `open_inventory`; each method is one statement."""

    def fill(self) -> FillRate:
        return measure_fill(MODEL_INVENTORY_TABLE)

    def gaps(self, *, limit: int) -> list[ReportGap]:
        return merge_gaps(find_gaps(MODEL_INVENTORY_TABLE, limit=limit))

    def rows(self, *, limit: int | None = None) -> Iterator[ReportRow]:
        return stream_rows(MODEL_INVENTORY_TABLE, limit=limit)


@contextmanager
def open_inventory(*, user: User, on: date) -> Iterator[ModelInventory]:
    """Open the inventory of the models that `user` can view on that day; two relations with one
    statement each."""
    teams = visible_team_ids(user)
    params: dict[str, Any] = {
        "on": on,
        "statuses": [str(status) for status in Application.IN_SCOPE],
        "teams": None if teams is None else list(teams),
        "office": user.can_read_all,
    }
    with report_relations({"report_model_use": _USE, "report_models": _MODELS}, params):
        yield ModelInventory()
