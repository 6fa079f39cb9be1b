"""The urgency of an issue: a table of examples, and the database's function beside it."""

from datetime import timedelta

import pytest
from django.db import connection

from apps.issues.models import Urgency
from apps.issues.urgency import issue_urgency
from tests.builders import TODAY

# days until the date from which it is Now, criticality (0 critical, 3 low), state, urgency
EXAMPLES = [
    (-89, 3, "open", Urgency.NOW),
    (0, 3, "open", Urgency.NOW),
    (0, None, "acknowledged", Urgency.NOW),
    (1, 2, "open", Urgency.THIS_MONTH),
    (30, 2, "open", Urgency.THIS_MONTH),
    (31, 2, "open", Urgency.THIS_QUARTER),
    (31, 1, "open", Urgency.THIS_MONTH),
    (60, 0, "open", Urgency.THIS_MONTH),
    (61, 0, "planned", Urgency.THIS_QUARTER),
    (90, 3, "in_progress", Urgency.THIS_QUARTER),
    (91, 3, "open", Urgency.LATER),
    (91, None, "open", Urgency.LATER),
    (180, 0, "open", Urgency.THIS_QUARTER),
    (181, 0, "open", Urgency.LATER),
    # an acceptance waits until it expires, and is then Now
    (5, 0, "accepted", Urgency.LATER),
    (0, 0, "accepted", Urgency.NOW),
]


@pytest.mark.parametrize(("days", "criticality", "state", "urgency"), EXAMPLES)
def test_urgency_follows_date_criticality_and_state(days, criticality, state, urgency):
    act_by = TODAY + timedelta(days=days)

    assert (
        issue_urgency(act_by=act_by, criticality=criticality, state=state, today=TODAY) == urgency
    )


@pytest.mark.django_db
def test_the_database_gives_the_same_urgency():
    with connection.cursor() as cursor:
        for days in (-400, -1, 0, 1, 29, 30, 31, 60, 61, 90, 91, 180, 181, 4000):
            for criticality in (None, 0, 1, 2, 3):
                for state in ("open", "acknowledged", "planned", "in_progress", "accepted"):
                    act_by = TODAY + timedelta(days=days)
                    cursor.execute(
                        "SELECT issue_urgency(%s::date, %s::smallint, %s, %s::date)",
                        [act_by, criticality, state, TODAY],
                    )
                    assert cursor.fetchone()[0] == issue_urgency(
                        act_by=act_by, criticality=criticality, state=state, today=TODAY
                    ), (days, criticality, state)
