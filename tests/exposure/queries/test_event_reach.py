"""The quick answer whom an event reaches is the exact one, as of the last refresh."""

from datetime import timedelta

import pytest

from apps.accounts.roles import OrganisationRole, TeamRole
from apps.common.time import day_of, now
from apps.exposure.engine.table_refresh import refresh
from apps.exposure.queries.dependents import affected_applications
from apps.exposure.queries.event_reach import reached_by_event, reached_by_events
from tests.builders import (
    make_application,
    make_dependency,
    make_event,
    make_member,
    make_offering,
    make_provider,
    make_team,
    make_user,
    make_version,
)


@pytest.mark.parametrize("kind", ["announced", "repriced", "released"])
def test_it_agrees_with_the_exact_rule(db, kind):
    today = day_of(now())
    team, host = make_team("Claims"), make_provider("host")
    version = make_version("maker/model-1")
    plain = make_offering("model", host=host, version=version)
    names = [
        plain,
        make_offering("model-other-name", host=host, version=version),
        make_offering("model", host=make_provider()),
        make_offering("model", host=host, version=version, region_scope="eu"),
        make_offering("unrelated", host=host),
    ]
    for number, offering in enumerate(names):
        application = make_application(
            f"A{number}", team=team if number % 2 else None, criticality=number % 4
        )
        make_dependency(application, offering, "judge" if number == 1 else "primary")
    ended = make_application("Ended", team=team)
    make_dependency(ended, plain, until=today - timedelta(1))
    event = make_event(plain, kind)
    refresh(on=today)
    office = make_user(role=OrganisationRole.AUDITOR)
    member = make_member(team, TeamRole.VIEWER)

    for user in (office, member, make_user()):
        exact = list(affected_applications(event=event, on=today).visible_to(user))
        found = reached_by_event(event.pk, user=user, limit=50)

        assert list(found.first) == [(row.pk, row.affected_primary) for row in exact]
        assert (found.n, found.n_critical) == (
            len(exact),
            sum(row.criticality == 0 for row in exact),
        )
        assert reached_by_events([event.pk], user=user) == ({event.pk: len(exact)} if exact else {})


def test_the_first_are_bounded_and_the_count_is_not(db):
    offering = make_offering()
    for _number in range(4):
        make_dependency(make_application(), offering)
    refresh(on=day_of(now()))

    found = reached_by_event(
        make_event(offering).pk, user=make_user(role=OrganisationRole.AUDITOR), limit=3
    )

    assert (found.n, len(found.first)) == (4, 3)
