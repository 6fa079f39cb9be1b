"""Digest items about discrepancies between declared and observed usage, one for each application
and kind."""

from collections.abc import Iterable

from apps.alerts.delivery.digest.applications import application_name, visible_by_criticality
from apps.alerts.delivery.digest.occasions import occasion_note
from apps.alerts.delivery.digest.parts import DigestContext, DigestEntry, DigestItem
from apps.alerts.kinds import usage_discrepancy_text
from apps.alerts.models import SeenKind
from apps.inventory.models import Application


def discrepancy_items(entries: Iterable[DigestEntry], context: DigestContext) -> list[DigestItem]:
    """Return an item for each application and kind of discrepancy that the recipient can view."""
    items = []
    for entry in entries:
        if entry.alert.kind in SeenKind:
            applications = visible_by_criticality(entry.application_ids, context)
            if applications:
                items.append(_discrepancy_item(entry, applications[0], context))
    return items


def _discrepancy_item(
    entry: DigestEntry, application: Application, context: DigestContext
) -> DigestItem:
    """Return the item of the discrepancies of one application."""
    alert = entry.alert
    return DigestItem(
        title=application_name(application),
        api_id="",
        url=context.public_url + usage_discrepancy_text.discrepancies_path(slug=application.slug),
        what=usage_discrepancy_text.discrepancy_clause(alert),
        margin="",
        pressing=False,
        applications=(),
        n_more_applications=0,
        replacement="",
        sources=(),
        severity=alert.severity,
        affected=frozenset({application.pk}),
        on=None,
        group=alert.kind,
        note=occasion_note([entry], context),
        alert_ids=(alert.pk,),
        offering_id=alert.offering_id,
    )
