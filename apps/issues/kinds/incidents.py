"""Ongoing incidents of a host that applications call."""

from apps.catalog.models import FORGOTTEN_AFTER
from apps.common.database.statements import load_statement
from apps.issues.kinds.base import SUBJECT_ID, IssueKind, resolve_in_scope
from apps.issues.models.causes import CauseKind

# how an application is prepared for an incident; of the first three, critical applications are
# notified at once
UNPREPARED = ("missing", "same_party", "untested")

INCIDENT = IssueKind(
    kind=CauseKind.INCIDENT,
    statement=load_statement("issues", "incidents"),
    parameters={"forgotten_days": FORGOTTEN_AFTER.days},
    resolution=resolve_in_scope(f"""CASE
        WHEN EXISTS (SELECT 1 FROM catalog_incident x
                     WHERE x.id = {SUBJECT_ID} AND x.ended_at IS NOT NULL) THEN 'incident_ended'
        WHEN EXISTS (SELECT 1 FROM catalog_incident x
                     JOIN catalog_offering o ON o.host_id = x.host_id
                     JOIN inventory_dependency d ON d.offering_id = o.id
                     WHERE x.id = {SUBJECT_ID} AND d.application_id = i.application_id
                       AND is_live(d.since, d.until, %(day)s::date)) THEN 'cause_ended'
        ELSE 'no_longer_used' END"""),
)
