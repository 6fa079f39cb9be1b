"""Who is affected, who stands where, what ends when: each rule by a small world in which it
decides."""

from datetime import date, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.accounts.roles import TeamRole
from apps.catalog.footing import refresh_footing
from apps.catalog.models import Alias, NodeKind, ProviderEvent
from apps.exposure.queries.dependents import (
    LIFECYCLE_KINDS,
    affected_applications,
    affected_dependencies,
    application_stack,
    applications_on_node,
    runways,
)
from apps.inventory.models import Criticality, Dependency
from tests.builders import (
    TODAY,
    make_application,
    make_claim,
    make_dependency,
    make_derivation,
    make_event,
    make_member,
    make_offering,
    make_provider,
    make_source,
    make_team,
    make_user,
    make_version,
)
from tests.exposure.portfolio import user_of

pytestmark = pytest.mark.django_db

ONE_DAY = timedelta(days=1)


def moving_name(version, kind="alias"):
    return Alias.objects.create(
        identifier=f"{version.identifier}-{kind}",
        foundation=version.foundation,
        version=version,
        kind=kind,
    )


def derive(child, parent, kind="fine_tune"):
    with transaction.atomic():
        make_derivation(child, parent, kind=kind)
        refresh_footing()


def affected(event, on=TODAY):
    return set(affected_applications(event=event, on=on))


class TestAffectedByTheEndOfAnOffering:
    @pytest.mark.parametrize("kind", LIFECYCLE_KINDS)
    def test_whoever_calls_another_name_of_the_same_version_at_the_host(self, kind):
        version, host = make_version(), make_provider("here")
        ending = make_offering("model-2025", host=host, version=version)
        by_alias = user_of(
            make_offering("model", host=host, version=version, alias=moving_name(version))
        )
        by_name = user_of(ending)

        assert affected(make_event(ending, kind)) == {by_name, by_alias}

    def test_nobody_who_calls_the_version_at_another_host(self):
        version = make_version()
        ending = make_offering("model", host=make_provider("here"), version=version)
        user_of(make_offering("model", host=make_provider("elsewhere"), version=version))

        assert affected(make_event(ending)) == set()

    def test_whoever_calls_a_regional_row_when_the_event_names_no_region(self):
        version, host = make_version(), make_provider("here")
        ending = make_offering("model", host=host, version=version)
        regional = user_of(make_offering("model", host=host, version=version, region_scope="eu"))

        assert affected(make_event(ending)) == {regional}

    def test_only_rows_of_its_region_when_the_event_names_one(self):
        version, host = make_version(), make_provider("here")
        ending = make_offering("model", host=host, version=version, region_scope="eu")
        same_region = user_of(
            make_offering("other-name", host=host, version=version, region_scope="eu")
        )
        user_of(make_offering("model", host=host, version=version, region_scope="us"))
        user_of(make_offering("model", host=host, version=version))

        assert affected(make_event(ending)) == {same_region}

    def test_also_who_calls_another_service_tier(self):
        version, host = make_version(), make_provider("here")
        ending = make_offering("model", host=host, version=version, service_tier="batch")
        standard = user_of(make_offering("model", host=host, version=version))

        assert affected(make_event(ending)) == {standard}

    def test_whoever_calls_a_fine_tune_of_it_at_the_host(self):
        parent, child, host = make_version(), make_version(), make_provider("here")
        derive(child, parent)
        ending = make_offering("base", host=host, version=parent)
        tuned = user_of(make_offering("ft:base:ours", host=host, version=child))

        assert affected(make_event(ending)) == {tuned}

    def test_nobody_who_calls_what_was_only_distilled_from_it(self):
        parent, child, host = make_version(), make_version(), make_provider("here")
        derive(child, parent, "distillation")
        ending = make_offering("teacher", host=host, version=parent)
        user_of(make_offering("student", host=host, version=child))

        assert affected(make_event(ending)) == set()

    def test_nobody_who_calls_the_version_it_was_made_from(self):
        parent, child, host = make_version(), make_version(), make_provider("here")
        derive(child, parent)
        user_of(make_offering("base", host=host, version=parent))
        ending = make_offering("ft:base:ours", host=host, version=child)

        assert affected(make_event(ending)) == set()

    def test_not_who_calls_a_row_that_the_source_dates_by_itself(self):
        """Forty regional rows of one release tell a team once: each by its own event."""
        version, host, source = make_version(), make_provider("here"), make_source()
        here = make_offering("us.model", host=host, version=version)
        there = make_offering("eu.model", host=host, version=version)
        make_claim(
            source,
            "eu.model",
            offering=there,
            value={"retires_on": "2027-01-15", "date_kind": "firm"},
        )
        user_of(there)
        only = user_of(here)

        assert affected(make_event(here, source=source)) == {only}

    def test_only_callers_of_a_moving_name_when_that_name_ends(self):
        version, host = make_version(), make_provider("here")
        name = make_offering("latest", host=host, version=version, alias=moving_name(version))
        by_name = user_of(name)
        regional = user_of(
            make_offering("latest", host=host, version=version, alias=name.alias, region_scope="eu")
        )
        user_of(make_offering("model-2025", host=host, version=version))

        assert affected(make_event(name)) == {by_name, regional}

    def test_a_synonym_is_no_moving_name_so_its_end_is_the_end_of_the_release(self):
        version, host = make_version(), make_provider("here")
        spelling = make_offering(
            "v:0", host=host, version=version, alias=moving_name(version, "synonym")
        )
        snapshot = user_of(make_offering("v", host=host, version=version))

        assert affected(make_event(spelling)) == {snapshot}

    def test_whoever_calls_the_same_unresolved_name_in_a_region(self):
        host = make_provider("here")
        ending = make_offering("mystery", host=host, resolved=False)
        regional = user_of(make_offering("mystery", host=host, resolved=False, region_scope="eu"))
        user_of(make_offering("riddle", host=host, resolved=False))

        assert affected(make_event(ending)) == {regional}

    def test_whoever_is_redirected_to_it_from_a_retired_offering(self):
        ending = make_offering("new", host=make_provider("here"))
        redirected = make_offering(
            "old",
            host=make_provider("here"),
            lifecycle="retired",
            end_behaviour="redirect",
            replacement=ending,
        )
        caller = user_of(redirected)

        assert affected(make_event(ending, "released")) == {caller}


class TestAffectedByAPrice:
    def test_other_names_of_the_version_in_the_same_region_and_tier(self):
        version, host = make_version(), make_provider("here")
        repriced = make_offering("model-2025", host=host, version=version)
        by_alias = user_of(
            make_offering("model", host=host, version=version, alias=moving_name(version))
        )
        user_of(make_offering("model-2025", host=host, version=version, region_scope="eu"))
        user_of(make_offering("model-2025", host=host, version=version, service_tier="batch"))

        assert affected(make_event(repriced, "repriced")) == {by_alias}

    def test_nobody_who_calls_a_fine_tune(self):
        parent, child, host = make_version(), make_version(), make_provider("here")
        derive(child, parent)
        user_of(make_offering("ft:base:ours", host=host, version=child))

        assert (
            affected(make_event(make_offering("base", host=host, version=parent), "repriced"))
            == set()
        )

    def test_only_callers_of_the_name_when_a_moving_name_is_repriced(self):
        version, host = make_version(), make_provider("here")
        name = make_offering("latest", host=host, version=version, alias=moving_name(version))
        by_name = user_of(name)
        user_of(make_offering("model-2025", host=host, version=version))

        assert affected(make_event(name, "repriced")) == {by_name}


@pytest.mark.parametrize(
    "kind", sorted(set(ProviderEvent.Kind) - set(LIFECYCLE_KINDS) - {"repriced"})
)
def test_any_other_event_reaches_only_callers_of_the_offering_itself(kind):
    version, host = make_version(), make_provider("here")
    offering = make_offering("model", host=host, version=version)
    caller = user_of(offering)
    user_of(make_offering("other-name", host=host, version=version))

    assert affected(make_event(offering, kind)) == {caller}


class TestLiveDependencies:
    @pytest.mark.parametrize("status", ["proposed", "retired"])
    def test_applications_outside_pilot_and_production_are_not_affected(self, status):
        offering = make_offering()
        user_of(offering, status=status)

        assert affected(make_event(offering)) == set()

    @pytest.mark.parametrize(
        ("since", "until", "counts"),
        [
            (TODAY, None, True),
            (TODAY + ONE_DAY, None, False),
            (TODAY - ONE_DAY, TODAY, False),
            (TODAY - ONE_DAY, TODAY + ONE_DAY, True),
        ],
    )
    def test_the_first_day_counts_and_the_end_day_does_not(self, since, until, counts):
        offering = make_offering()
        make_dependency(make_application(), offering, since=since, until=until)

        assert affected_dependencies(event=make_event(offering), on=TODAY).exists() is counts

    @pytest.mark.parametrize("role", Dependency.Role.values)
    def test_every_role_is_affected_and_a_primary_is_told_apart(self, role):
        offering = make_offering()
        user_of(offering, role)

        [application] = affected_applications(event=make_event(offering), on=TODAY)

        assert application.affected_primary is (role == "primary")

    def test_an_application_with_two_affected_dependencies_is_listed_once(self):
        offering, application = make_offering(), make_application()
        make_dependency(application, offering)
        make_dependency(application, offering, "judge")

        assert len(affected_applications(event=make_event(offering), on=TODAY)) == 1

    def test_the_gravest_come_first(self):
        offering = make_offering()
        low = user_of(offering, criticality=Criticality.LOW)
        critical = user_of(offering, criticality=Criticality.CRITICAL)

        assert list(affected_applications(event=make_event(offering), on=TODAY)) == [critical, low]

    def test_a_reader_sees_only_the_own_teams_among_the_affected(self):
        offering, team = make_offering(), make_team()
        own = user_of(offering, team=team)
        user_of(offering)
        viewer = make_member(team, TeamRole.VIEWER)

        assert set(
            affected_applications(event=make_event(offering), on=TODAY).visible_to(viewer)
        ) == {own}


class TestStandingOn:
    def test_a_foundation_carries_what_was_fine_tuned_from_it(self):
        base, tuned = make_version(), make_version()
        derive(tuned, base)
        application = user_of(make_offering(version=tuned))

        assert set(
            applications_on_node(kind=NodeKind.FOUNDATION, ref=base.foundation_id, on=TODAY)
        ) == {application}

    def test_a_company_carries_what_stands_on_its_subsidiaries(self):
        group = make_provider("group")
        application = user_of(make_offering(host=make_provider("daughter", parent=group)))

        assert set(applications_on_node(kind=NodeKind.HOST, ref=group.pk, on=TODAY)) == {
            application
        }

    @pytest.mark.parametrize(
        ("kind", "reached"), [(NodeKind.GATEWAY, "gateway"), (NodeKind.VENDOR, "embedded")]
    )
    def test_a_party_in_between_carries_what_reaches_through_it_or_its_daughters(
        self, kind, reached
    ):
        group = make_provider("group")
        daughter = make_provider("daughter", parent=group)
        application = make_application()
        make_dependency(application, make_offering(), reached=reached, via_party=daughter)

        assert set(applications_on_node(kind=kind, ref=group.pk, on=TODAY)) == {application}
        assert set(applications_on_node(kind=kind, ref=daughter.pk, on=TODAY)) == {application}

    def test_a_judge_only_leans(self):
        offering = make_offering()
        user_of(offering, "judge")

        [application] = applications_on_node(kind=NodeKind.OFFERING, ref=offering.pk, on=TODAY)

        assert application.stands is False


class TestRunways:
    def test_the_most_urgent_first_and_the_past_before_all(self):
        for days in (40, -3, 7):
            user_of(make_offering(retires_on=TODAY + days * ONE_DAY, date_kind="firm"))
        user_of(make_offering())

        found = runways(user=make_user(role="auditor"), on=TODAY)

        assert [runway.days_left for runway in found] == [-3, 7, 40]

    def test_a_passed_soft_date_leaves_at_least_nothing(self):
        user_of(make_offering(retires_on=TODAY - 5 * ONE_DAY, date_kind="not_before"))

        [runway] = runways(user=make_user(role="auditor"), on=TODAY)

        assert (runway.days_left, runway.at_least) == (0, True)

    def test_retired_without_a_date_is_today(self):
        user_of(make_offering(lifecycle="retired"))

        [runway] = runways(user=make_user(role="auditor"), on=TODAY)

        assert (runway.days_left, runway.retires_on) == (0, None)

    def test_behind_a_redirect_the_end_of_the_offering_that_answers_counts(self):
        new = make_offering(retires_on=date(2027, 1, 1), date_kind="firm")
        old = make_offering(
            retires_on=date(2026, 1, 1), date_kind="firm", end_behaviour="redirect", replacement=new
        )
        user_of(old)

        [runway] = runways(user=make_user(role="auditor"), on=TODAY)

        assert (runway.offering, runway.dependency.offering, runway.days_left) == (new, old, 38)

    def test_only_primaries_have_a_runway(self):
        user_of(make_offering(retires_on=TODAY, date_kind="firm"), "fallback")

        assert runways(user=make_user(role="auditor"), on=TODAY) == []

    def test_a_reader_gets_the_own_applications_and_a_stranger_none(self):
        team = make_team()
        ending = make_offering(retires_on=TODAY, date_kind="firm")
        own = user_of(ending, team=team)
        user_of(ending)

        assert [runway.application for runway in runways(user=make_member(team), on=TODAY)] == [own]
        assert runways(user=make_user(), on=TODAY) == []

    def test_a_limit_keeps_the_most_urgent_and_the_number_of_statements(self):
        for days in (3, 1, 2):
            user_of(make_offering(retires_on=TODAY + days * ONE_DAY, date_kind="firm"))
        auditor = make_user(role="auditor")

        with CaptureQueriesContext(connection) as queries:
            found = runways(user=auditor, on=TODAY, limit=2)
            names = [(r.application.team.name, r.offering.host.name, r.replacement) for r in found]

        assert ([runway.days_left for runway in found], len(names)) == ([1, 2], 2)
        assert len(queries) == 3


class TestStack:
    def test_primaries_then_fallbacks_in_order_then_the_rest(self):
        application = make_application(status="proposed")
        make_dependency(application, make_offering("judge"), "judge")
        make_dependency(application, make_offering("second"), "fallback", fallback_order=2)
        make_dependency(application, make_offering("first"), "fallback", fallback_order=1)
        make_dependency(application, make_offering("main"))
        make_dependency(application, make_offering("gone"), until=TODAY)

        assert [
            row.offering.api_id for row in application_stack(application=application, on=TODAY)
        ] == [
            "main",
            "first",
            "second",
            "judge",
        ]

    def test_the_layers_are_those_of_the_offering_that_answers(self):
        new = make_offering("new")
        old = make_offering("old", lifecycle="retired", end_behaviour="redirect", replacement=new)
        application = user_of(old)

        [row] = application_stack(application=application, on=TODAY)

        assert (row.offering, row.answering, row.version, row.host) == (
            old,
            new,
            new.version,
            new.host,
        )
        assert row.foundation == new.version.foundation

    def test_an_unresolved_offering_has_a_host_only(self):
        [row] = application_stack(application=user_of(make_offering(resolved=False)), on=TODAY)

        assert (row.version, row.foundation, row.developer) == (None, None, None)
        assert row.host is not None

    def test_three_statements_for_any_number_of_dependencies(self):
        application = make_application()
        for _ in range(4):
            make_dependency(application, make_offering())

        with CaptureQueriesContext(connection) as queries:
            names = [
                (row.developer.name, row.host.name, row.offering.host.name, row.version.identifier)
                for row in application_stack(application=application, on=TODAY)
            ]

        assert len(names) == 4
        assert len(queries) == 3
