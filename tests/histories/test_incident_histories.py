"""Invented histories of status pages: each true incident once, with its start, end, impact and
components."""

from collections.abc import Callable
from datetime import datetime

import pytest

from apps.catalog.models import Incident, Source
from apps.feeds.incidents.reader import read_status
from apps.feeds.incidents.storage import store_incidents
from tests.builders import make_provider
from tests.histories.incident_histories import History, as_atom, as_json, invent

pytestmark = [pytest.mark.proof, pytest.mark.django_db]

type Render = Callable[[History, datetime], bytes]


def as_incident_io(history: History, at: datetime) -> bytes:
    return as_json(history, at, incident_io=True)


def as_any(history: History, at: datetime) -> bytes:
    """Change the form at every poll."""
    return (as_json if at.minute % 10 else as_atom)(history, at)


FORMS: dict[str, Render] = {
    "statuspage": as_json,
    "incident.io": as_incident_io,
    "atom": as_atom,
    "changing": as_any,
}


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("form", FORMS)
def test_every_incident_is_told_once(form: str, seed: int) -> None:
    history = invent(seed)
    source = Source.objects.create(
        slug="status-acme", name="Acme", kind=Source.STATUS, host=make_provider("acme")
    )
    for at in history.polls():
        store_incidents(source, read_status(FORMS[form](history, at)), at=at)

    truth = history.truth()
    told = {row.external_id: row for row in Incident.objects.told()}

    assert set(told) == set(truth)
    for key, (start, end, impact, components) in truth.items():
        row = told[key]
        assert (row.started_at, row.ended_at) == (start, end), (key, row.status)
        if form in {"statuspage", "incident.io"}:
            assert row.impact == impact, key
        if form == "statuspage":
            assert set(row.components) == set(components), key
