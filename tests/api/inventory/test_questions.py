"""Cost, runway and findings through the API: figures, words, pages, and who sees which."""

from datetime import timedelta

import pytest

from apps.accounts.roles import TeamRole
from apps.common.time import day_of, now
from tests.builders import (
    make_application,
    make_dependency,
    make_exit_plan,
    make_member,
    make_offering,
    make_price,
    make_team,
    make_user,
)

pytestmark = pytest.mark.django_db

API = "/api/v1/"


@pytest.fixture
def team():
    return make_team()


@pytest.fixture
def client(api, team):
    return api(make_member(team, TeamRole.VIEWER))


@pytest.fixture
def used(team):
    """A dependency that costs three dollars a month."""
    offering = make_offering()
    make_price(offering, "input", "1.5")
    return make_dependency(
        make_application("Claims", team=team), offering, monthly_input_tokens=2_000_000
    )


def days_on(n):
    return day_of(now()) + timedelta(days=n)


class TestCost:
    def test_of_an_application_with_what_is_not_known(self, client, used):
        unknown = make_dependency(
            used.application, make_offering(), "judge", monthly_input_tokens=1
        )

        body = client.get(f"{API}applications/{used.application.slug}/cost/").json()

        assert body["totals"] == [{"currency": "USD", "amount": "3"}]
        assert body["per_dependency"] == [{"dependency": used.pk, "amount": "3", "currency": "USD"}]
        assert [(row["dependency"], row["code"], row["units"]) for row in body["unknown"]] == [
            (unknown.pk, "no_price", ["input"])
        ]

    @pytest.mark.parametrize(
        ("change", "amount"),
        [
            ({"factor": "1.2"}, "3.6"),
            ({"factor": "1/3"}, "1"),
            ({"factor": "1/9"}, "0.333333333333"),
            ({"amount": "5", "currency": "EUR"}, "10"),
            ({"factor": "2", "unit": "output"}, "3"),
        ],
    )
    def test_under_a_hypothetical_change(self, client, used, change, amount):
        asked = {"node": f"host:{used.offering.host.slug}", **change}

        body = client.get(f"{API}applications/{used.application.slug}/cost/", asked).json()

        assert body["totals"][0]["amount"] == amount

    def test_by_prices_announced_for_a_later_day(self, client, used):
        used.offering.prices.all().delete()
        make_price(used.offering, "input", "1", until=days_on(30))
        make_price(used.offering, "input", "2", since=days_on(30))

        amounts = [
            client.get(
                f"{API}applications/{used.application.slug}/cost/", {"on": str(days_on(n))}
            ).json()["totals"]
            for n in (29, 30)
        ]

        assert [totals[0]["amount"] for totals in amounts] == ["2", "4"]

    @pytest.mark.parametrize(
        ("asked", "field"),
        [
            ({"on": "9999-12-31"}, "on"),
            ({"on": "soon"}, "on"),
            ({"node": "host:nowhere", "factor": "1"}, "node"),
            ({"factor": "2"}, "node"),
            ({"node": "HOST", "factor": "x"}, "factor"),
            ({"node": "HOST"}, "node"),
            ({"node": "HOST", "factor": "-1"}, "node"),
            ({"node": "HOST", "factor": "1/0"}, "factor"),
            ({"node": "HOST", "amount": "1"}, "node"),
            ({"node": "HOST", "factor": "1", "from": "9999-01-01"}, "from"),
            ({"node": "HOST", "factor": "1", "unit": "tea"}, "node"),
            ({"node": "HOST", "factor": "nan"}, "factor"),
            ({"node": "HOST", "factor": "1e999999999"}, "factor"),
        ],
    )
    def test_a_question_that_cannot_be_meant_is_refused_by_its_field(
        self, client, used, asked, field
    ):
        asked = {
            name: value.replace("HOST", f"host:{used.offering.host.slug}")
            for name, value in asked.items()
        }

        answer = client.get(f"{API}applications/{used.application.slug}/cost/", asked)

        assert (answer.status_code, [row["field"] for row in answer.json()["errors"]]) == (
            400,
            [field],
        )

    def test_sums_are_over_what_one_may_see(self, client, api, used):
        make_dependency(make_application(), used.offering, monthly_input_tokens=2_000_000)
        make_dependency(make_application(), used.offering)

        own = client.get(f"{API}costs/").json()
        whole = api(make_user(role="auditor")).get(f"{API}costs/").json()

        assert (own["whole_organisation"], own["totals"], own["n_known"]) == (
            False,
            [{"currency": "USD", "amount": "3"}],
            1,
        )
        assert (whole["whole_organisation"], whole["totals"], whole["unknown"]) == (
            True,
            [{"currency": "USD", "amount": "6"}],
            [{"code": "no_tokens", "n_dependencies": 1}],
        )


class TestRunway:
    def test_of_an_application(self, client, team):
        dependency = make_dependency(
            make_application(team=team), make_offering(retires_on=days_on(71), date_kind="firm")
        )
        make_exit_plan(dependency, estimated_days=90)

        [row] = client.get(f"{API}applications/{dependency.application.slug}/runway/").json()

        assert (row["days_left"], row["basis"], row["at_least"], row["why"]) == (
            71,
            "estimate",
            False,
            None,
        )
        assert (float(row["effort_days"]), float(row["runway"])) == (90, -19)

    def test_of_all_page_by_page_most_urgent_first(self, client, team):
        soonest = [5, 40, None]
        for days in (40, None, 5):
            facts = (
                {"retires_on": days_on(days), "date_kind": "firm"}
                if days
                else {"lifecycle": "deprecated"}
            )
            make_dependency(make_application(team=team), make_offering(**facts))
        make_dependency(make_application(), make_offering(retires_on=days_on(1), date_kind="firm"))

        found, address = [], f"{API}runways/?page_size=2"
        while address:
            body = client.get(address).json()
            found += [row["days_left"] for row in body["results"]]
            address = body["next"]

        assert found == soonest

    def test_a_cursor_of_somewhere_else_is_refused(self, client):
        assert client.get(f"{API}runways/?cursor=x").status_code == 400


class TestFindings:
    def test_of_an_application(self, client, team):
        application = make_application(team=team)

        [row] = client.get(f"{API}applications/{application.slug}/findings/").json()

        assert (row["code"], row["severity"], row["application"], row["dependency"]) == (
            "no_primary",
            "warning",
            application.slug,
            None,
        )

    def test_of_all_one_may_see_page_by_page_gravest_first(self, client, team):
        low, grave = (
            make_application(team=team, criticality=3),
            make_application(team=team, criticality=0),
        )
        make_application()

        found, address = [], f"{API}findings/?page_size=1"
        while address:
            body = client.get(address).json()
            found += [row["application"] for row in body["results"]]
            address = body["next"]

        assert found == [grave.slug, low.slug]

    def test_by_code_and_severity(self, client, used):
        make_dependency(used.application, make_offering(lifecycle="retired"), "judge")

        by_code = client.get(f"{API}findings/?code=retired_offering").json()["results"]
        by_severity = client.get(f"{API}findings/?severity=note").json()["results"]

        assert [row["code"] for row in by_code] == ["retired_offering"]
        assert [row["code"] for row in by_severity] == ["tokens_missing"]
        assert client.get(f"{API}findings/?code=doom").status_code == 400


@pytest.mark.parametrize("question", ["cost", "runway", "findings", "changes", "stack"])
def test_a_stranger_is_told_nothing(api, used, question):
    assert (
        api(make_user()).get(f"{API}applications/{used.application.slug}/{question}/").status_code
        == 404
    )
