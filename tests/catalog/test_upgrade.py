"""The release before told by the first words of a text what decides which model an offering is."""

from importlib import import_module

import pytest
from django.db import ProgrammingError, connection, transaction

from apps.catalog.models import Offering
from tests.builders import make_offering

pytestmark = pytest.mark.django_db
CODES = import_module("apps.catalog.migrations.0007_identity_reason_is_a_code")


def test_what_decided_the_identity_of_old_offerings_becomes_a_code() -> None:
    texts = {
        "deployment: 'chat' is deployed as gpt-4o": "deployment",
        "deployment: none tells one model; nobody knows it": "deployment",
        "decided by maren on 2026-11-01: it is ours": "decision",
        "a deployment: of nothing": "rules",
        "": "rules",
    }
    offerings = {text: make_offering(f"model-{n}") for n, text in enumerate(texts)}
    for text, offering in offerings.items():
        Offering.objects.filter(pk=offering.pk).update(identity_explanation=text)

    with connection.cursor() as cursor:
        # foreign keys are looked at now, so that the table of the history may change
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for statement in CODES.FORWARDS:
            cursor.execute(statement.replace("identity_why", "identity_explanation"))

    stored = dict(Offering.objects.values_list("identity_explanation", "identity_reason"))
    assert stored == texts
    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        connection.cursor().execute("UPDATE catalog_offeringhistory SET identity_explanation = ''")
    history = Offering.history.rel.related_model.objects  # type: ignore[attr-defined]
    latest = history.filter(pgh_obj_id=offerings["deployment: 'chat' is deployed as gpt-4o"].pk)
    assert "deployment" in set(latest.values_list("identity_reason", flat=True))
