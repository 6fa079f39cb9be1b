"""Items about differences of observed and declared usage: one for each application and type."""

from collections.abc import Iterable

from apps.alerts.delivery.digest.applications import application_name, visible_by_criticality
from apps.alerts.delivery.digest.occasions import occasion_note
from apps.alerts.delivery.digest.parts import DigestContext, DigestEntry, DigestItem
from apps.alerts.kinds import usage_discrepancy_text
from apps.alerts.models import SeenKind
from apps.alerts.text import one_line
from apps.inventory.models import Application


def discrepancy_items(entries: Iterable[DigestEntry], context: DigestContext) -> list[DigestItem]:
    items = []
    for entry in entries:
        if entry.alert.kind in SeenKind:
            applications = visible_by_criticality(entry.application_ids, context)
            if applications:
                items.append(_build_item(entry, applications[0], context))
    return items


def _build_item(entry: DigestEntry, application: Application, context: DigestContext) -> DigestItem:
    alert = entry.alert
    clause = usage_discrepancy_text.discrepancy_clause(alert)
    return DigestItem(
        title=application_name(application),
        url=context.public_url + usage_discrepancy_text.discrepancies_path(slug=application.slug),
        what=f"{one_line(application.name)} {clause}.",
        margin="",
        severity=alert.severity,
        affected=frozenset({application.pk}),
        on=None,
        group=alert.kind,
        note=occasion_note([entry], context),
        alert_ids=(alert.pk,),
    )
