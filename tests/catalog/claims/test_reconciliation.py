"""Lifecycles of offerings without a date, by whether a source lists them."""

import pytest

from apps.catalog.claims.reconciliation import reconcile_offerings
from tests.builders import NOW, make_claim, make_offering, make_source

pytestmark = pytest.mark.django_db


def test_an_offering_entered_by_hand_is_active() -> None:
    offering = make_offering("gpt-4o")

    reconcile_offerings([offering.pk], at=NOW)

    offering.refresh_from_db()
    assert offering.lifecycle == "active"


def test_an_offering_that_a_source_lists_is_active() -> None:
    offering = make_offering("gpt-4o")
    make_claim(make_source(), "gpt-4o", topic="identity", offering=offering)

    reconcile_offerings([offering.pk], at=NOW)

    offering.refresh_from_db()
    assert offering.lifecycle == "active"


def test_an_offering_that_no_source_lists_any_more_is_unknown() -> None:
    offering = make_offering("gpt-4o")
    make_claim(make_source(), "gpt-4o", topic="identity", offering=offering, withdrawn_at=NOW)

    reconcile_offerings([offering.pk], at=NOW)

    offering.refresh_from_db()
    assert offering.lifecycle == "unknown"
