"""Events worked through once, flags with their life: opening, holding, releasing; also by two at once."""

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import Footing, NodeKind
from apps.exposure.actions import FlagChanges, evaluate_flags, handle_events
from apps.exposure.models import ExposureFlag, HandledEvent, Tolerance
from apps.exposure.queries import affected_applications
from apps.exposure.tasks import refresh_exposure
from apps.inventory.models import Application
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_dependency,
    make_event,
    make_offering,
    make_provider,
    make_version,
)

ONE_DAY = timedelta(days=1)


def critical_on(offering, n=1):
    applications = [make_application(criticality=0) for _ in range(n)]
    for application in applications:
        make_dependency(application, offering)
    return applications


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

        assert dict(HandledEvent.objects.values_list("event_id", "n_applications")) == {event.pk: 3, idle.pk: 0}

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
            make_event(offering, kind) for offering in offerings for kind in ("announced", "repriced", "released")
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


@pytest.fixture
def host_line(db):
    """Only the layer of hosts has a line: at most half of the critical applications on one."""
    Tolerance.objects.exclude(layer="host").update(enabled=False)
    line = Tolerance.objects.get(layer="host")
    line.max_critical_share = Decimal("0.5")
    line.save()
    return line


@pytest.fixture
def here(host_line):
    return make_offering(host=make_provider("here"))


@pytest.fixture
def there(host_line):
    return make_offering(host=make_provider("there"))


def shift(applications, offering):
    """Put these applications on another offering."""
    for application in applications:
        application.dependencies.update(offering=offering)


class TestFlags:
    def test_one_opens_above_the_line_and_names_the_critical_applications(self, here, there):
        ours = critical_on(here, 2)
        critical_on(there)

        assert evaluate_flags(at=NOW) == FlagChanges(opened=1)

        flag = ExposureFlag.objects.get()
        node = Footing.objects.get(offering=here, node__kind=NodeKind.HOST, depth=0).node
        assert (flag.node, flag.value, flag.limit) == (node, Decimal("0.666667"), Decimal("0.500"))
        assert flag.application_ids == [application.pk for application in ours]

    def test_the_line_itself_is_tolerated(self, here, there):
        critical_on(here)
        critical_on(there)

        assert evaluate_flags(at=NOW) == FlagChanges()

    def test_a_second_evaluation_writes_nothing(self, here):
        critical_on(here)
        evaluate_flags(at=NOW)
        before = ExposureFlag.history.rel.related_model.objects.count()

        assert evaluate_flags(at=NOW + timedelta(minutes=5)) == FlagChanges()
        assert ExposureFlag.history.rel.related_model.objects.count() == before

    def test_a_changed_value_is_kept_up_to_date(self, here, there):
        critical_on(here)
        evaluate_flags(at=NOW)
        critical_on(there)
        critical_on(here)

        evaluate_flags(at=NOW)

        flag = ExposureFlag.objects.get()
        assert (flag.value, len(flag.application_ids), flag.state) == (Decimal("0.666667"), 2, "open")

    def test_it_resolves_after_two_days_well_below_the_line(self, here, there):
        moved = critical_on(here, 3)
        evaluate_flags(at=NOW)
        shift(moved[:2], there)
        Tolerance.objects.filter(layer="host").update(max_critical_share=Decimal("0.9"))

        states = []
        for days in (0, 1, 2):
            evaluate_flags(at=NOW + days * ONE_DAY)
            states.append(ExposureFlag.objects.get().state)

        assert states == ["open", "open", "resolved"]

    def test_just_below_the_line_it_stays_open_for_ever(self, here, there):
        # 19 of 40 = 0.475 lies between the line and nine tenths of it
        ours = critical_on(here, 21)
        critical_on(there, 19)
        Tolerance.objects.filter(layer="host").update(max_critical_share=Decimal("0.52"))
        evaluate_flags(at=NOW)
        shift(ours[:2], make_offering(host=make_provider("third")))

        for days in range(5):
            evaluate_flags(at=NOW + days * ONE_DAY)

        flag = ExposureFlag.objects.get()
        assert (flag.state, flag.below_since, flag.value) == ("open", None, Decimal("0.475000"))

    def test_a_relapse_starts_the_two_days_anew(self, here, there):
        ours = critical_on(here, 2)
        evaluate_flags(at=NOW)
        shift(ours, there)
        Tolerance.objects.filter(layer="host").update(max_critical_share=Decimal("1"))
        evaluate_flags(at=NOW)
        assert ExposureFlag.objects.get().below_since == TODAY

        shift(ours, here)
        evaluate_flags(at=NOW + ONE_DAY)

        assert ExposureFlag.objects.get().below_since is None

    def test_a_node_that_nobody_stands_on_any_more_has_value_nought(self, here):
        ours = critical_on(here)
        evaluate_flags(at=NOW)
        Application.objects.filter(pk__in=[application.pk for application in ours]).update(status="retired")

        evaluate_flags(at=NOW)

        flag = ExposureFlag.objects.get()
        assert (flag.value, flag.application_ids, flag.below_since) == (Decimal(0), [], TODAY)

    def test_a_new_breach_after_resolution_is_a_new_flag(self, here):
        ours = critical_on(here)
        evaluate_flags(at=NOW)
        Application.objects.filter(pk=ours[0].pk).update(status="retired")
        for days in (0, 2):
            evaluate_flags(at=NOW + days * ONE_DAY)
        Application.objects.filter(pk=ours[0].pk).update(status="production")

        assert evaluate_flags(at=NOW + 3 * ONE_DAY) == FlagChanges(opened=1)
        assert sorted(ExposureFlag.objects.values_list("state", flat=True)) == ["open", "resolved"]

    def test_an_acknowledged_flag_is_not_opened_a_second_time(self, here):
        critical_on(here)
        evaluate_flags(at=NOW)
        ExposureFlag.objects.update(state="acknowledged")

        evaluate_flags(at=NOW)

        assert ExposureFlag.objects.get().state == "acknowledged"

    def test_a_switched_off_line_resolves_its_flags_at_once(self, here):
        critical_on(here)
        evaluate_flags(at=NOW)
        Tolerance.objects.update(enabled=False)

        assert evaluate_flags(at=NOW) == FlagChanges(resolved=1)

    def test_the_history_names_the_job(self, here):
        critical_on(here)
        evaluate_flags(at=NOW)

        assert ExposureFlag.objects.get().history.get().pgh_context.metadata["job"] == "exposure.refresh_exposure"

    def test_the_database_holds_one_open_flag_per_node(self, here):
        critical_on(here)
        evaluate_flags(at=NOW)
        flag = ExposureFlag.objects.get()
        flag.pk = None

        with pytest.raises(IntegrityError), transaction.atomic():
            flag.save(force_insert=True)


def in_two_threads(work):
    """Run `work` twice at once, each on its own connection; what each returned or raised."""
    start, answers = threading.Barrier(2), []

    def run():
        try:
            start.wait(timeout=10)
            answers.append(work())
        except Exception as error:  # noqa: BLE001
            answers.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return answers


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    def only_the_line_of_hosts(self):
        Tolerance.objects.exclude(layer="host").delete()
        Tolerance.objects.update_or_create(layer="host", defaults={"max_critical_share": Decimal("0.5")})

    def test_events_are_handled_once(self):
        for _ in range(20):
            make_event(make_offering())

        answers = in_two_threads(lambda: handle_events(at=NOW))

        assert sum(answers) == 20
        assert HandledEvent.objects.count() == 20

    def test_flags_open_once(self):
        self.only_the_line_of_hosts()
        critical_on(make_offering(host=make_provider("here")))

        answers = in_two_threads(lambda: evaluate_flags(at=NOW))

        assert sorted(answer.opened for answer in answers) == [0, 1]
        assert ExposureFlag.objects.count() == 1

    def test_the_whole_task(self):
        self.only_the_line_of_hosts()
        offering = make_offering(host=make_provider("here"))
        critical_on(offering)
        make_event(offering)

        answers = in_two_threads(refresh_exposure)

        assert answers == [None, None]
        assert (HandledEvent.objects.count(), ExposureFlag.objects.count()) == (1, 1)


@pytest.mark.django_db
def test_a_new_organisation_has_its_lines():
    assert dict(Tolerance.objects.values_list("layer", "max_critical_share")) == {
        "developer": Decimal("0.500"), "host": Decimal("0.600"), "foundation": Decimal("0.400"),
    }  # fmt: skip
