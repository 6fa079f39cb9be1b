"""Deputies of absent persons."""

from datetime import timedelta

import pytest

from apps.accounts.models import Delegation
from apps.accounts.people.delegations import deputies_on, end_delegation, set_delegation
from apps.common.errors import DomainError, ForbiddenError
from tests.builders import TODAY, make_contact, make_user

pytestmark = pytest.mark.django_db

NEXT_WEEK = TODAY + timedelta(days=7)


def delegate(person, deputy, by=None, since=TODAY, until=NEXT_WEEK):
    return set_delegation(person=person, deputy=deputy, since=since, until=until, by=by or person)


def test_a_deputy_acts_from_the_first_day_until_the_return():
    ada, bob = make_user(), make_user()

    delegate(ada, bob)

    assert deputies_on(TODAY - timedelta(days=1)) == {}
    assert deputies_on(TODAY) == {ada.pk: bob.pk}
    assert deputies_on(NEXT_WEEK) == {}


def test_delegations_of_a_person_do_not_overlap():
    ada, bob = make_user(), make_user()
    delegate(ada, bob)

    with pytest.raises(DomainError, match="Another delegation"):
        delegate(ada, make_user(), since=NEXT_WEEK - timedelta(days=1), until=NEXT_WEEK)
    delegate(ada, make_user(), since=NEXT_WEEK, until=NEXT_WEEK + timedelta(days=1))


@pytest.mark.parametrize("days", [0, -1, 400])
def test_the_end_must_be_later_and_within_a_year(days):
    with pytest.raises(DomainError):
        delegate(make_user(), make_user(), until=TODAY + timedelta(days=days))


def test_the_deputy_is_another_person_with_an_account():
    ada = make_user()
    for deputy in (ada, make_contact(), make_user(is_active=False)):
        with pytest.raises(DomainError):
            delegate(ada, deputy)


def test_others_are_represented_by_governance_only():
    ada, bob = make_user(), make_user()

    with pytest.raises(ForbiddenError):
        delegate(ada, bob, by=bob)
    delegate(ada, bob, by=make_user(role="governance"))

    assert deputies_on(TODAY) == {ada.pk: bob.pk}


def test_a_delegation_ends_earlier_and_one_that_has_not_begun_is_removed():
    ada, bob = make_user(), make_user()
    running = delegate(ada, bob)
    later = delegate(ada, bob, since=NEXT_WEEK, until=NEXT_WEEK + timedelta(days=5))
    tomorrow = TODAY + timedelta(days=1)

    for delegation in (running, later):
        end_delegation(delegation=delegation, by=ada, on=tomorrow)

    assert [(row.since, row.until) for row in Delegation.objects.all()] == [(TODAY, tomorrow)]


def test_delegations_are_seen_by_those_concerned_and_the_organisation_roles():
    ada, bob = make_user(), make_user()
    delegate(ada, bob)

    def seen(user):
        return Delegation.objects.visible_to(user).count()

    assert [seen(user) for user in (ada, bob, make_user(), make_user(role="auditor"))] == [
        1,
        1,
        0,
        1,
    ]
