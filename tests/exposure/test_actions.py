"""Events worked through once, by one or by two at once, and the task that does it all."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.exposure.actions.events import handle_events
from apps.exposure.actions.flags import evaluate_flags
from apps.exposure.engine.table_refresh import refresh
from apps.exposure.models import ExposureFlag, HandledEvent
from apps.exposure.queries.dependents import affected_applications
from apps.exposure.tasks import refresh_exposure
from tests.builders import NOW, TODAY, make_event, make_offering, make_provider, make_version
from tests.exposure.portfolio import critical_on, only
from tests.threads import run_in_threads


@pytest.mark.django_db
class TestEvents:
    def test_each_is_handled_once_with_the_number_of_applications_it_reaches(self):
        version, host = make_version(), make_provider("here")
        offering = make_offering("model-1", host=host, version=version)
        critical_on(offering, 2)
        critical_on(make_offering("other-name", host=host, version=version))
        event, idle = make_event(offering), make_event(make_offering())

        assert handle_events(at=NOW) == 2
        assert handle_events(at=NOW) == 0

        assert dict(HandledEvent.objects.values_list("event_id", "n_applications")) == {
            event.pk: 3,
            idle.pk: 0,
        }

    def test_one_that_committed_late_is_found_too(self):
        first, second = make_event(make_offering()), make_event(make_offering())
        HandledEvent.objects.create(event=second, handled_at=NOW, n_applications=0)

        assert handle_events(at=NOW) == 1
        assert HandledEvent.objects.filter(event=first).exists()

    def test_the_number_is_that_of_the_list_of_affected_applications(self):
        """Two ways to the same answer: one statement for all events, one query for one."""
        version, host = make_version(), make_provider("here")
        offerings = [
            make_offering("a", host=host, version=version),
            make_offering("a", host=host, version=version, region_scope="eu"),
            make_offering("b", host=host, version=version, service_tier="batch"),
            make_offering("c", host=host, resolved=False),
        ]
        for number, offering in enumerate(offerings):
            critical_on(offering, number + 1)
        events = [
            make_event(offering, kind)
            for offering in offerings
            for kind in ("announced", "repriced", "released")
        ]

        handle_events(at=NOW)

        for event in events:
            counted = HandledEvent.objects.get(event=event).n_applications
            assert counted == affected_applications(event=event, on=TODAY).count()

    def test_any_number_of_events_is_one_statement(self):
        for _ in range(3):
            make_event(make_offering())

        with CaptureQueriesContext(connection) as queries:
            handle_events(at=NOW)

        assert len([query for query in queries if "SAVEPOINT" not in query["sql"]]) == 1


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    def test_events_are_handled_once(self):
        for _ in range(20):
            make_event(make_offering())

        answers = run_in_threads(2, lambda: handle_events(at=NOW))

        assert sum(answers) == 20
        assert HandledEvent.objects.count() == 20

    def test_flags_open_once(self):
        only()
        critical_on(make_offering(host=make_provider("here")))
        refresh(on=TODAY)

        answers = run_in_threads(2, lambda: evaluate_flags(at=NOW))

        assert sorted(answer.opened for answer in answers) == [0, 1]
        assert ExposureFlag.objects.count() == 1

    def test_the_whole_task(self):
        only()
        offering = make_offering(host=make_provider("here"))
        critical_on(offering)
        make_event(offering)

        answers = run_in_threads(2, refresh_exposure)

        assert answers == [None, None]
        assert (HandledEvent.objects.count(), ExposureFlag.objects.count()) == (1, 1)
