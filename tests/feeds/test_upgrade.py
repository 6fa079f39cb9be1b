"""The release before told by the first words of a reason which rows doubt a price."""

from importlib import import_module

import pytest
from django.db import connection

from apps.common.time import now
from apps.feeds.models import QuarantinedRow
from tests.builders import make_source

pytestmark = pytest.mark.django_db
CODES = import_module("apps.feeds.migrations.0004_quarantine_reason_is_a_code")


def test_what_is_wrong_with_rows_set_aside_becomes_a_code() -> None:
    reasons = {
        "Price jumps by 20 times or more (input 3 to 200); likely a mistake of "
        "units.": "price_jump",
        "The row names no provider and model.": "unreadable",
    }
    for reason in reasons:
        QuarantinedRow.objects.create(
            source=make_source("litellm"), external_id="acme/a", reason=reason, first_seen=now()
        )

    with connection.cursor() as cursor:
        cursor.execute(CODES.FORWARD)

    assert dict(QuarantinedRow.objects.values_list("reason", "code")) == reasons
