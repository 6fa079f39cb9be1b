"""Bills: matched to application and model, replaced by later files, restored by undo, and never
guessed."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from apps.accounts.roles import TeamRole
from apps.common.time import now
from apps.intake.connections.service_links import link_service
from apps.intake.documents.formats import FORMATS
from apps.intake.documents.ingest import receive_document
from apps.intake.documents.undo import undo_document
from apps.intake.import_jobs import stored_body
from apps.intake.models import BilledCost, Import, IntakeSettings, Observation, Service
from apps.inventory.models import Dependency
from tests.builders import (
    make_application,
    make_member,
    make_offering,
    make_provider,
    make_team,
    make_user,
)

pytestmark = pytest.mark.django_db

LITELLM = Path(__file__).parents[1] / "readers" / "focus" / "litellm-1.110.2.csv"
HEAD = (
    "BilledCost,EffectiveCost,ListCost,BillingCurrency,BillingAccountId,BillingPeriodStart,"
    "BillingPeriodEnd,ChargePeriodStart,ChargeCategory,ServiceCategory,ServiceName,ProviderName,"
    "SkuMeter,ConsumedQuantity,ConsumedUnit,Tags"
)


def row_of(
    billed="8",
    *,
    day="2026-10-03",
    period=("2026-10-01", "2026-11-01"),
    app="Claims triage",
    meter="gpt-4o-2024-08-06 input tokens",
    host="OpenAI",
    category="Usage",
    account="acct",
):
    tags = '"{""app"": ""' + app + '""}"' if app else ""
    return (
        f"{billed},{billed},{billed},USD,{account},{period[0]},{period[1]},{day},{category},"
        f"AI and Machine Learning,{host},{host},{meter},1000,Tokens,{tags}"
    )


def send(*rows, by=None, **details):
    import_, _ = receive_document(
        document_format=FORMATS["focus"],
        body="\n".join((HEAD, *rows)).encode(),
        by=by,
        at=now(),
        at_once=True,
        **details,
    )
    import_.refresh_from_db()
    return import_


def total():
    return sum(BilledCost.objects.current().values_list("billed", flat=True), Decimal(0))


@pytest.fixture
def openai():
    return make_provider("openai", name="OpenAI")


@pytest.fixture
def offering(openai):
    return make_offering("gpt-4o-2024-08-06", host=openai)


@pytest.fixture
def application():
    return make_application("Claims triage")


class TestMatching:
    def test_tag_and_meter_name_application_and_offering(self, application, offering):
        import_ = send(row_of())

        cost = BilledCost.objects.get()
        assert cost.observation.application == application
        assert cost.observation.offering == offering
        assert (cost.billed, cost.input_tokens, cost.day) == (8, 1000, date(2026, 10, 3))
        assert import_.state == Import.State.APPLIED
        assert Dependency.objects.get().offering == offering

    def test_a_name_that_is_not_known_stays_unknown_and_is_listed(self, application, openai):
        import_ = send(row_of(meter="Mystery 9 input tokens"))

        cost = BilledCost.objects.get()
        assert cost.observation.offering is None
        assert cost.observation.state == Observation.State.UNRESOLVED
        assert "Mystery 9" in import_.problems["unresolved"][0]["reason"]
        assert not Dependency.objects.exists()

    def test_a_tag_that_names_no_application_waits_to_be_linked(self, application, offering):
        send(row_of(app="some-team"))

        service = Service.objects.get()
        assert service.name == "some-team"
        link_service(service=service, application=application, by=make_user(role="admin"), at=now())
        assert BilledCost.objects.get().observation.application == application

    def test_rows_without_a_tag_are_listed_with_their_amount(self, offering):
        import_ = send(row_of(app=""), row_of("2.5", app=""))

        assert not BilledCost.objects.exists()
        assert import_.problems["unresolved"][0]["reason"] == (
            "gpt-4o-2024-08-06: no tag names an application in 2 rows, 10.50 USD billed."
        )

    def test_a_bill_for_one_application_needs_no_tags(self, application, offering):
        send(row_of(app=""), application=application)

        assert BilledCost.objects.get().observation.application == application

    def test_the_tags_of_the_settings_count(self, application, offering):
        IntakeSettings.objects.update(billing_tags="owner, app")
        send(row_of())

        assert BilledCost.objects.get().observation.application == application

    def test_a_sender_can_send_only_for_applications_that_they_edit(self, application, offering):
        stranger = make_member(make_team(), TeamRole.EDITOR)

        send(row_of(), by=stranger)

        cost = BilledCost.objects.get()
        assert cost.observation.application is None
        assert not BilledCost.objects.visible_to(make_member(make_team())).exists()
        assert not BilledCost.objects.visible_to(
            make_member(application.team, TeamRole.VIEWER)
        ).exists()


class TestLitellm:
    def test_a_real_export_gives_spend_by_application_and_model(self):
        azure = make_provider("azure", name="Azure")
        offering = make_offering("gpt-4o-2024-08-06", host=azure)
        application = make_application("claims-triage")

        import_, _ = receive_document(
            document_format=FORMATS["focus"],
            body=LITELLM.read_bytes(),
            by=None,
            at=now(),
            at_once=True,
        )

        costs = BilledCost.objects.filter(observation__application=application)
        assert {cost.observation.offering for cost in costs} == {offering}
        assert sum(cost.billed for cost in costs) == Decimal("21.6")
        assert costs.first().requests == 410
        assert b"example.org" not in stored_body(import_)

    def test_an_export_of_what_changed_replaces_the_same_lines_only(self, application, offering):
        day = ("2026-10-03", "2026-10-04")
        make_offering("gpt-4o-mini-2024-07-18", host=offering.host)
        other = {"meter": "gpt-4o-mini-2024-07-18", "period": day}
        send(row_of("8", period=day), row_of("2", **other))

        send(row_of("3", **other))

        assert total() == 11


class TestReplacement:
    def test_the_same_file_again_changes_nothing(self, application, offering):
        first = send(row_of())

        assert send(row_of()) == first
        assert total() == 8

    def test_a_later_file_replaces_the_days_that_it_contains(self, application, offering):
        send(row_of("8"), row_of("1", day="2026-10-04"))

        send(row_of("5"))

        assert total() == 6

    def test_another_account_or_part_is_added(self, application, offering):
        send(row_of("8"))

        send(row_of("5", account="other"))
        send(row_of("4"), part="chunk-2")

        assert total() == 17

    def test_undo_restores_what_the_file_had_replaced(self, application, offering):
        user = make_user(role="admin")
        send(row_of("8"))
        second = send(row_of("5"), by=user)

        undo_document(import_=second, by=user)

        assert total() == 8

    def test_undo_of_an_earlier_file_leaves_the_later_one(self, application, offering):
        user = make_user(role="admin")
        first = send(row_of("8"), by=user)
        send(row_of("5"))

        undo_document(import_=first, by=user)

        assert total() == 5

    def test_a_credit_is_kept_beside_the_usage(self, application, offering):
        send(row_of("8"), row_of("-3", category="Credit"))

        assert total() == 5
        assert BilledCost.objects.get(category="Credit").input_tokens is None

    def test_future_days_are_rejected(self, application, offering):
        import_ = send(row_of(day="2099-01-01", period=("2099-01-01", "2099-02-01")))

        assert not BilledCost.objects.exists()
        assert import_.problems["rejected"][0]["reason"] == "1 row dated in the future."
