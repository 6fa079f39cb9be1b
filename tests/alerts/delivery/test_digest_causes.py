"""A digest reports each fact once, by cause, with what the reader needs to decide: owner, effort,
fallback, and the cost of the successor."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.alerts.actions import raise_alerts, raise_due_alerts
from apps.alerts.delivery.digest_requests import request_digest
from apps.alerts.models import Alert, Delivery, Notice
from apps.catalog.models import Lifecycle, Offering
from apps.exposure.engine.table_refresh import refresh
from apps.inventory.models import Application, Criticality, Dependency
from apps.issues.evaluation import evaluate_issues
from tests.alerts.kinds.feed_states import backfill
from tests.alerts.simulation import day_in, flat, look, mail_out, morning
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_dependency,
    make_event,
    make_exit_plan,
    make_flag,
    make_flag_event,
    make_offering,
    make_price,
    make_provider,
    make_user,
    make_version,
)
from tests.kept_worlds import kept_world
from tests.worlds.small import SmallWorld, make_small_world

pytestmark = pytest.mark.django_db


@pytest.fixture
@kept_world
def world() -> SmallWorld:
    """The model of Claims' critical application retires in 7 days."""
    made = make_small_world()
    Offering.objects.update(retires_on=day_in(7), date_kind="firm")
    return made


@pytest.fixture
def late(world: SmallWorld, dependency: Dependency) -> SmallWorld:
    """The migration takes 40 days, so that the runway is negative."""
    make_exit_plan(dependency, estimated_days=Decimal(40))
    return world


def mail(address: str = "claims@example.org") -> str:
    """The text of the next email, without line breaks."""
    look(NOW)
    mail_out(NOW)
    return flat(Delivery.objects.filter(address=address).latest("pk").body_text)


def second_application(world: SmallWorld, days: int = 0, **fields: Any) -> Application:
    """Another application of Claims on the same model, with a migration of so many days."""
    application = make_application("Fraud triage", team=world.team, **fields)
    dependency = make_dependency(application, world.offering)
    if days:
        make_exit_plan(dependency, estimated_days=Decimal(days))
    return application


def replace_model(offering: Offering) -> Offering:
    """The provider names a successor, with prices for both."""
    successor = make_offering("gemini-3-pro", host=offering.host)
    Offering.objects.filter(pk=offering.pk).update(replacement=successor)
    for model, into, out in ((offering, "1.25", "10"), (successor, "2", "12")):
        make_price(model, "input", into)
        make_price(model, "output", out)
    return successor


class TestRunway:
    def test_one_application_is_named_with_everything_about_its_migration(self, late: Any) -> None:
        make_user("ilse", first_name="Ilse", last_name="Brandt")
        Application.objects.update(business_owner="ilse")
        Offering.objects.update(replacement_text="gemini-3-pro")

        text = mail()

        assert (
            "Motor damage estimator (critical): −33 days Gemini 2.5 Pro on Google Vertex AI "
            "retires on 1 December 2026, in 7 days. Migration: 40 days (estimated). Fallback: "
            "none. Owner: Ilse Brandt. Provider's replacement: gemini-3-pro." in text
        )

    def test_several_applications_of_one_cause_are_one_item(self, late: SmallWorld) -> None:
        second_application(late, 20, criticality=Criticality.STANDARD)

        text = mail()

        assert Delivery.objects.latest("pk").subject == (
            "2 applications cannot be migrated in time; retirement 1 December 2026"
        )
        assert text.count("Gemini 2.5 Pro on Google Vertex AI") == 1
        assert (
            "Gemini 2.5 Pro on Google Vertex AI: 2 applications The model retires on 1 December "
            "2026, in 7 days." in text
        )
        assert "- Motor damage estimator (critical): Runway −33 days. Migration: 40 days" in text
        assert "- Fraud triage (standard): Runway −13 days. Migration: 20 days" in text

    def test_the_first_of_several_dates_is_in_the_subject(self, late: SmallWorld) -> None:
        other = make_offering("gpt-4o", retires_on=day_in(3), date_kind="firm")
        application = make_application("Fraud triage", team=late.team)
        make_exit_plan(make_dependency(application, other), estimated_days=Decimal(20))

        mail()

        assert Delivery.objects.latest("pk").subject == (
            "2 applications cannot be migrated in time; first retirement 27 November 2026"
        )

    def test_a_move_of_the_date_is_part_of_the_item(self, late: SmallWorld) -> None:
        late.event(
            "moved_earlier", old="2027-03-01", new=day_in(7).isoformat(), effective_on=day_in(7)
        )

        text = mail()

        assert text.count("Gemini 2.5 Pro on Google Vertex AI") == 1
        assert "The retirement moved from 1 March 2027 to 1 December 2026, 90 days earlier." in text
        assert "Source: litellm" in text
        assert "UPCOMING RETIREMENTS" not in text

    def test_an_application_in_time_has_the_announcement_as_an_item(self, late: SmallWorld) -> None:
        second_application(late)
        late.event(new=day_in(7).isoformat(), effective_on=day_in(7))

        text = mail()

        upcoming = text.partition("UPCOMING RETIREMENTS")[2]
        assert "Fraud triage" in upcoming
        assert "Motor damage estimator" not in upcoming


class TestOwner:
    def test_an_owner_recorded_by_username_is_named(self, world: SmallWorld) -> None:
        make_user("hli7", first_name="Hana", last_name="Lind", email="hana@example.org")
        Application.objects.update(business_owner="hli7")

        text = mail()

        assert "Owner: Hana Lind." in text
        assert "hli7" not in text

    def test_a_user_without_a_name_is_named_by_the_address(self, world: SmallWorld) -> None:
        make_user("hli7", email="hana@example.org")
        Application.objects.update(business_owner="hli7")

        assert "Owner: hana@example.org." in mail()

    def test_an_application_without_an_owner_is_unassigned(self, world: SmallWorld) -> None:
        assert "Owner: unassigned." in mail()


class TestSuccessor:
    def test_its_monthly_cost_is_that_of_the_recorded_usage(
        self, world: SmallWorld, dependency: Dependency
    ) -> None:
        replace_model(world.offering)
        Dependency.objects.update(
            monthly_input_tokens=400_000_000, monthly_output_tokens=40_000_000
        )

        assert (
            "The replacement costs 1,280 USD per month at the recorded usage, the current model "
            "900 USD per month." in mail()
        )

    def test_each_application_has_its_own_cost(self, world: SmallWorld) -> None:
        replace_model(world.offering)
        other = second_application(world)
        other.dependencies.update(monthly_input_tokens=1_000_000)
        world.application.dependencies.update(monthly_input_tokens=2_000_000)

        text = mail()

        assert "The replacement costs 2.00 USD per month" in text
        assert "The replacement costs 4.00 USD per month" in text

    def test_without_recorded_usage_there_is_no_cost(self, world: SmallWorld) -> None:
        replace_model(world.offering)

        text = mail()

        assert "The replacement costs" not in text
        assert "2.00 USD per million input tokens" in text

    def test_without_a_price_there_is_no_cost(self, world: SmallWorld) -> None:
        successor = make_offering("gemini-3-pro", host=world.offering.host)
        Offering.objects.filter(pk=world.offering.pk).update(replacement=successor)
        Dependency.objects.update(monthly_input_tokens=1_000_000)

        assert "The replacement costs" not in mail()


class TestFallback:
    @staticmethod
    def add_fallback(world: SmallWorld, **fields: Any) -> Offering:
        fallback = make_offering(
            "gpt-5.4",
            host=make_provider("openai", name="OpenAI"),
            version=make_version("openai/gpt-5.4-1"),
            **fields,
        )
        make_dependency(world.application, fallback, role="fallback", fallback_order=1)
        refresh(on=TODAY)
        return fallback

    def test_one_that_retires_too_is_a_warning_with_its_date(self, late: SmallWorld) -> None:
        self.add_fallback(late, retires_on=day_in(5), date_kind="firm")

        text = mail()

        assert "Fallback: gpt-5.4 on OpenAI (nothing shared, never tested)." in text
        assert "The fallback retires too, on 29 November 2026." in text

    def test_one_that_retires_soon_after_is_a_warning(self, late: SmallWorld) -> None:
        self.add_fallback(late, retires_on=date(2027, 6, 1), date_kind="firm")

        assert "The fallback retires too, on 1 June 2027." in mail()

    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"retires_on": date(2030, 1, 1), "date_kind": "firm"},
            {"retires_on": date(2027, 6, 1), "date_kind": "not_before"},
        ],
    )
    def test_one_that_is_served_for_long_is_not(
        self, late: SmallWorld, fields: dict[str, Any]
    ) -> None:
        self.add_fallback(late, **fields)

        assert "The fallback" not in mail()

    def test_its_issue_and_its_reminder_are_not_further_items(self, late: SmallWorld) -> None:
        self.add_fallback(late, retires_on=day_in(5), date_kind="firm")
        evaluate_issues(at=NOW)

        text = mail()

        fallback_alerts = Alert.objects.filter(due_on=day_in(5))
        assert set(fallback_alerts.values_list("kind", flat=True)) == {
            "fallback_retires",
            "milestone",
        }
        assert "FALLBACKS THAT RETIRE" not in text
        assert "UPCOMING RETIREMENTS" not in text
        assert text.count("29 November 2026") == 1
        assert not Notice.objects.owed().exists()


class TestRetired:
    @pytest.fixture
    def retired(self, world: SmallWorld) -> SmallWorld:
        Offering.objects.update(retires_on=day_in(-10), lifecycle=Lifecycle.RETIRED)
        world.offering.refresh_from_db()
        return world

    def test_an_event_and_its_issue_are_one_item(self, retired: SmallWorld) -> None:
        evaluate_issues(at=NOW)
        raise_alerts(at=NOW)
        retired.event("retired", old=None, new=day_in(-10).isoformat(), effective_on=day_in(-10))

        text = mail()

        assert set(Alert.objects.values_list("kind", flat=True)) >= {
            "retired",
            "retired_model_in_use",
        }
        assert "RETIRED AND STILL USED" in text
        assert text.count("Motor damage estimator") == 1
        assert text.count("14 November 2026") == 1

    def test_the_item_has_owner_migration_and_replacement(self, retired: SmallWorld) -> None:
        evaluate_issues(at=NOW)

        text = mail()

        assert (
            "The model retired on 14 November 2026 and is still used. - Motor damage estimator "
            "(critical): Migration: effort unknown. Fallback: none. Owner: unassigned. Provider's "
            "replacement: gemini-3-pro." in text
        )

    def test_a_source_that_published_the_past_date_adds_no_second_item(
        self, world: SmallWorld
    ) -> None:
        backfill(world.offering, ended=day_in(-10))
        raise_alerts(at=NOW)
        late = NOW + timedelta(days=40)
        evaluate_issues(at=late)
        raise_alerts(at=late)
        ilse = make_user("ilse", role="governance")
        Alert.objects.update(assigned_to=ilse)

        request_digest(user=ilse, at=late)
        mail_out(late + timedelta(minutes=2))

        text = flat(Delivery.objects.get(address="ilse@example.org").body_text)
        assert Notice.objects.filter(user=ilse, alert__kind="backfilled").exists()
        assert "RETIRED AND STILL USED" in text
        assert "ALREADY RETIRED" not in text


class TestGroups:
    def test_all_model_ids_of_a_version_are_one_item(self, world: SmallWorld) -> None:
        host = make_provider("bedrock", name="Amazon Bedrock")
        other = make_offering(
            "gemini-2.5-pro-v1:0",
            host=host,
            version=world.offering.version,
            retires_on=day_in(7),
            date_kind="firm",
        )
        application = make_application("Fraud triage", team=world.team)
        make_dependency(application, other)
        for offering in (world.offering, other):
            make_event(offering, new=day_in(7).isoformat(), effective_on=day_in(7))

        text = mail()

        assert Delivery.objects.latest("pk").subject == (
            "2 applications use a model that retires on 1 December 2026"
        )
        assert "Gemini 2.5 Pro on Google Vertex AI and Amazon Bedrock: 7 days left" in text
        assert "Model ID: gemini-2.5-pro and gemini-2.5-pro-v1:0" in text
        assert text.count("The retirement was announced for 1 December 2026.") == 1

    def test_a_price_that_several_sources_report_counts_once(self, world: SmallWorld) -> None:
        Dependency.objects.update(monthly_input_tokens=1_000_000_000)
        Offering.objects.update(retires_on=None, date_kind="")
        for _ in range(2):
            world.event("repriced", old={"input": "1"}, new={"input": "2"}, effective_on=TODAY)

        text = mail()

        assert "Input tokens cost 2.00 instead of 1.00 USD per million." in text
        assert "The recorded usage costs about 1,000 USD per month more." in text

    def test_a_model_that_is_no_longer_used_is_resolved_once(self, late: SmallWorld) -> None:
        mail()
        Dependency.objects.update(until=day_in(1))

        look(morning(1))
        mail_out(morning(1))

        text = flat(Delivery.objects.latest("pk").body_text)
        assert Alert.objects.filter(state="resolved").count() == 2
        assert text.count("Gemini 2.5 Pro on Google Vertex AI, 1 December 2026: resolved") == 1


class TestFlag:
    def test_an_expired_acceptance_and_the_breach_are_one_item(self) -> None:
        make_user("amara", role="governance")
        flag = make_flag("Google")
        make_flag_event(flag, "acceptance_expired", at=NOW + timedelta(minutes=1))

        raise_alerts(at=NOW + timedelta(minutes=2))
        mail_out(NOW + timedelta(minutes=5))

        text = flat(Delivery.objects.get().body_text)
        assert Alert.objects.count() == 2
        assert "ACCEPTANCE EXPIRED" in text
        assert "OVER TOLERANCE" not in text
        assert text.count("62% of critical applications depend on Google as developer") == 1

    def test_the_reminder_before_the_expiry_is_not_repeated_with_it(self) -> None:
        amara = make_user("amara", role="governance")
        flag = make_flag(
            "Google",
            events=("opened", "accepted"),
            state="accepted",
            accepted_by=amara,
            accepted_until=day_in(7),
            accepted_reason="Known",
            ceiling=Decimal("0.7"),
        )
        raise_due_alerts(at=NOW)
        flag.state = "open"
        flag.save()
        make_flag_event(flag, "acceptance_expired")
        raise_alerts(at=NOW)

        mail_out(NOW)

        text = flat(Delivery.objects.get().body_text)
        assert Alert.objects.filter(kind="acceptance_expiring").exists()
        assert "ACCEPTANCE EXPIRED" in text
        assert "ACCEPTANCES EXPIRING" not in text
