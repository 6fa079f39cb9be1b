"""Items about what was seen in use and does not agree with what is declared: one an application and
kind."""

from collections.abc import Iterable

from apps.alerts import seen_words
from apps.alerts.digest.applications import name_of, ordered
from apps.alerts.digest.occasions import note_of
from apps.alerts.digest.parts import Entry, Facts, Item
from apps.alerts.models import SeenKind
from apps.inventory.models import Application


def seen_items(entries: Iterable[Entry], facts: Facts) -> list[Item]:
    items = []
    for entry in entries:
        if entry.alert.kind in SeenKind:
            shown = ordered(entry.application_ids, facts)
            if shown:
                items.append(_item(entry, shown[0], facts))
    return items


def _item(entry: Entry, application: Application, facts: Facts) -> Item:
    alert = entry.alert
    return Item(
        title=name_of(application),
        api_id="",
        url=facts.public_url + seen_words.path(slug=application.slug),
        what=seen_words.clause(alert),
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
        note=note_of([entry], facts),
        alert_ids=(alert.pk,),
        offering_id=alert.offering_id,
    )
