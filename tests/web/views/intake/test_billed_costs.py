"""The pages of costs as billed: what was billed, the cost at list prices, and why they differ."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.roles import TeamRole
from apps.common.time import now
from apps.intake.models import BilledCost, Confidence, Import, Observation
from tests.builders import (
    make_application,
    make_dependency,
    make_member,
    make_offering,
    make_price,
    make_team,
    make_user,
)
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db

MONTH = (now().date().replace(day=1) - timedelta(days=1)).replace(day=1)


def make_bill(application, offering, billed="12", **fields):
    import_ = Import.objects.create(
        kind="document", format="focus", digest="0" * 64, n_bytes=1, received_at=now()
    )
    observation = Observation.objects.create(
        key=uuid.uuid4(),
        stream="focus",
        application=application,
        offering=offering,
        requested=offering.api_id if offering else "Mystery 9",
        confidence=Confidence.BOM,
        first_seen_at=now(),
        last_seen_at=now(),
    )
    values = {"effective": billed, "listed": billed, "contracted": billed, "day": MONTH} | fields
    return BilledCost.objects.create(
        observation=observation,
        import_record=import_,
        scope=uuid.uuid4(),
        category="Usage",
        currency="USD",
        billed=billed,
        n_rows=1,
        **values,
    )


@pytest.fixture
@kept_world
def offering():
    made = make_offering("model-x")
    make_price(made, "input", "1")
    return made


@pytest.fixture
def application(offering):
    made = make_application("Claims triage")
    make_dependency(made, offering, monthly_input_tokens=10_000_000)
    return made


@pytest.fixture
def signed_in(client):
    def sign_in(user):
        client.force_login(user)
        return client

    return sign_in


def text_of(response):
    return " ".join(response.content.decode().split())


class TestList:
    def test_a_bill_is_beside_list_prices_with_the_difference_explained(
        self, signed_in, application, offering
    ):
        make_bill(application, offering, input_tokens=12_000_000)

        page = text_of(signed_in(make_user(role="auditor")).get(reverse("billed-costs:list")))

        assert f"12.00 USD billed for {MONTH:%B %Y}: 1 bill." in page
        assert "Billed tokens differ from recorded tokens +2.00 USD" in page

    def test_charges_without_an_application_are_said_to_who_reads_everything(
        self, signed_in, application, offering
    ):
        make_bill(application, offering)
        make_bill(None, offering, "3.5")

        page = text_of(signed_in(make_user(role="auditor")).get(reverse("billed-costs:list")))

        assert "3.50 USD are not assigned to an application" in page

    def test_a_team_sees_its_own_bills_only(self, signed_in, application, offering):
        make_bill(application, offering)
        address = reverse("billed-costs:list")

        own = signed_in(make_member(application.team, TeamRole.VIEWER)).get(address)
        other = signed_in(make_member(make_team(), TeamRole.VIEWER)).get(address)

        assert "Claims triage" in text_of(own)
        assert "Claims triage" not in text_of(other)
        assert "No bill is imported." in text_of(other)

    def test_another_month_is_a_filter_of_the_address(self, signed_in, application, offering):
        earlier = (MONTH - timedelta(days=1)).replace(day=1)
        make_bill(application, offering)
        make_bill(application, offering, "7", day=earlier)
        client = signed_in(make_user(role="auditor"))

        page = text_of(client.get(reverse("billed-costs:list"), {"month": f"{earlier:%Y-%m}"}))
        invalid = client.get(reverse("billed-costs:list"), {"month": "2026-13"})

        assert "7.00 USD" in page
        assert "12.00 USD" not in page
        assert invalid.status_code == 200

    def test_the_file_has_plain_numbers(self, signed_in, application, offering):
        make_bill(application, offering)

        response = signed_in(make_user(role="auditor")).get(reverse("billed-costs:csv"))

        lines = b"".join(response.streaming_content).decode("utf-8-sig").splitlines()
        assert lines[1].startswith("Claims triage,")
        assert lines[1].endswith(f"{application.slug},{MONTH:%Y-%m},USD,12,12,10,2")

    def test_the_number_of_statements_does_not_grow_with_rows(self, signed_in, offering):
        client = signed_in(make_user(role="auditor"))

        def count(n):
            for _ in range(n):
                made = make_application()
                make_dependency(made, offering, monthly_input_tokens=5)
                make_bill(made, offering)
            with CaptureQueriesContext(connection) as queries:
                client.get(reverse("billed-costs:list"))
            return len(queries)

        count(1)
        few, many = count(1), count(8)
        assert few == many
        assert many <= 30


class TestCostTab:
    def test_it_shows_the_bill_by_model(self, signed_in, application, offering):
        make_bill(application, offering, input_tokens=12_000_000)
        make_bill(application, None, "1.5")
        address = reverse("applications:detail", args=[application.slug])
        client = signed_in(make_user(role="auditor"))

        page = text_of(client.get(address, {"tab": "cost"}))

        assert "13.50 USD was billed" in page
        assert "3.50 USD (35%) more than at list prices" in page
        assert "12,000,000 input" in page
        assert "The model is not identified." in page
        assert "Billed without a known list-price cost" in page

    def test_without_a_bill_it_says_how_to_get_one(self, signed_in, application):
        address = reverse("applications:detail", args=[application.slug])
        client = signed_in(make_member(application.team, TeamRole.EDITOR))

        page = text_of(client.get(address, {"tab": "cost"}))

        assert "No bill is imported for this application." in page
        assert "Import a bill" in page

    def test_its_file_lists_the_models(self, signed_in, application, offering):
        make_bill(application, offering)
        address = reverse("applications:table-csv", args=[application.slug, "billed-costs"])

        response = signed_in(make_user(role="auditor")).get(address)

        lines = b"".join(response.streaming_content).decode("utf-8-sig").splitlines()
        assert f"{MONTH:%Y-%m},model-x," in lines[1]


class TestRest:
    def test_the_bill_of_an_application_has_parts_that_add_up(
        self, signed_in, application, offering
    ):
        make_bill(application, offering)
        client = signed_in(make_user(role="auditor"))

        body = client.get(f"/api/v1/applications/{application.slug}/billed-cost/").json()

        assert body["month"] == f"{MONTH}"
        (bill,) = body["bills"]
        assert (bill["billed"], bill["recorded"], bill["difference"]) == ("12", "10", "2")
        assert bill["parts"][0]["reasons"] == ["volume", "price"]
        assert bill["models"][0]["name"] == "model-x"

    def test_an_invalid_month_is_refused(self, signed_in, application):
        client = signed_in(make_user(role="auditor"))

        response = client.get(f"/api/v1/applications/{application.slug}/billed-cost/?month=2026-13")

        assert response.status_code == 400

    def test_charges_are_listed_and_filtered(self, signed_in, application, offering):
        make_bill(application, offering)
        client = signed_in(make_user(role="auditor"))

        body = client.get(f"/api/v1/billed-costs/?month={MONTH:%Y-%m}").json()

        assert body["results"][0]["application"] == application.slug
        assert body["results"][0]["api_id"] == "model-x"
