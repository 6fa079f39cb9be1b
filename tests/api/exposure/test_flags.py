"""What the questions about exposure answer: keys, numbers, pages, decisions and refusals."""

from datetime import timedelta

import pytest

from apps.common.time import day_of, now
from apps.exposure.actions.flags import evaluate_flags
from apps.exposure.engine.table_refresh import refresh
from apps.exposure.models import ExposureFlag, ExposureSettings, FlagEvent, MinimalCutSet, Policy
from apps.inventory.models import Application
from tests.builders import (
    make_application,
    make_dependency,
    make_foundation,
    make_member,
    make_offering,
    make_provider,
    make_team,
    make_user,
    make_version,
)
from tests.exposure.portfolio import node_of, only
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db
MONTH = timedelta(days=30)


@pytest.fixture
def governor(api):
    return api(make_user("gus", role="governance"), "read", "write")


@pytest.fixture
@kept_world
def portfolio():
    """Three quarters of the traffic of four applications at `here`, one of them critical; one at
    nobody knows what."""
    version = make_version("maker/base-1", foundation=make_foundation("maker/base"))
    here = make_offering("base", host=make_provider("here", name="Here"), version=version)
    there = make_offering("other", host=make_provider("there"), resolved=False)
    team = make_team()
    first = make_application("First", team=team, criticality=0, monthly_spend="300")
    make_dependency(first, here)
    for name in ("Second", "Third"):
        make_dependency(make_application(name, team=team, criticality=2), here)
    make_dependency(make_application("Fourth", monthly_spend="100"), there)
    make_application("Nowhere")
    refresh(on=day_of(now()))
    return here


class TestConcentration:
    def test_has_the_shares_and_indices_of_the_layer(self, governor, portfolio):
        answer = governor.get("/api/v1/concentration/?layer=developer").json()

        assert (answer["total_weight"], answer["covered_weight"], answer["none_weight"]) == (
            4,
            4,
            0,
        )
        assert (answer["shares"], answer["unknown"]) == ({"developer:maker": 0.75}, 0.25)
        assert (answer["cr1"], answer["cr3"], answer["hhi"], answer["hhi_worst"]) == (
            0.75,
            0.75,
            0.625,
            1.0,
        )
        assert answer["n2"] == pytest.approx(1.6)
        assert (answer["n_applications"], answer["n_critical"], answer["undeclared"]) == (
            5,
            1,
            [_slug("Nowhere")],
        )
        [row] = answer["rows"]
        assert (
            row["key"],
            row["share"],
            row["n_applications"],
            row["critical_share"],
            row["over"],
        ) == (
            "developer:maker",
            0.75,
            3,
            "1.000000",
            True,
        )

    def test_weighs_by_what_is_asked_for_and_names_what_has_no_weight(self, governor, portfolio):
        answer = governor.get("/api/v1/concentration/?layer=host&weight=spend").json()

        assert answer["shares"] == {"host:here": 0.75, "host:there": 0.25}
        assert answer["missing_weight"] == [_slug("Second"), _slug("Third")]

    def test_what_the_layer_does_not_apply_to_is_outside_the_shares(self, governor, portfolio):
        answer = governor.get("/api/v1/concentration/?layer=gateway").json()

        assert (
            answer["none_weight"],
            answer["covered_weight"],
            answer["hhi"],
            answer["shares"],
        ) == (4, 0, None, {})

    def test_says_what_an_application_contributes_where_it_is_named(self, governor, portfolio):
        slug = _slug("Fourth")

        answer = governor.get(f"/api/v1/concentration/?layer=host&application={slug}").json()

        # a quarter of a quarter; without it all is in one place
        assert (answer["contribution"], answer["marginal"]) == ({slug: 0.0625}, {slug: -0.375})

    @pytest.mark.parametrize("query", ["layer=planet", "weight=feelings", "layer=host&weight="])
    def test_refuses_what_is_no_layer_or_weight(self, governor, query):
        assert governor.get(f"/api/v1/concentration/?{query}").status_code == 400

    def test_before_the_first_refresh_it_is_empty_and_says_so(self, governor):
        answer = governor.get("/api/v1/concentration/").json()

        assert (answer["on"], answer["n_applications"], answer["hhi"]) == (None, 0, None)


def _slug(name: str) -> str:
    return Application.objects.get(name=name).slug


class TestSinglePoints:
    def test_the_gravest_first_in_pages(self, governor, portfolio):
        first = governor.get("/api/v1/single-points-of-failure/?page_size=1").json()
        points, address = [*first["results"]], first["next"]
        while address:
            page = governor.get(address).json()
            points += page["results"]
            address = page["next"]

        whole = governor.get("/api/v1/single-points-of-failure/").json()["results"]
        assert points == whole
        assert [point["n_critical"] for point in whole] == sorted(
            (point["n_critical"] for point in whole), reverse=True
        )
        assert {point["key"] for point in whole} >= {
            "host:here",
            "developer:maker",
            "foundation:maker-base",
        }

    def test_of_some_kinds(self, governor, portfolio):
        answer = governor.get("/api/v1/single-points-of-failure/?kind=host&kind=developer").json()

        assert {point["kind"] for point in answer["results"]} == {"host", "developer"}

    def test_a_team_gets_the_same_answer_over_its_own_applications(self, api, portfolio):
        member = make_member(make_application("Second again").team)
        make_dependency(member.memberships.get().team.applications.get(), portfolio)
        refresh(on=day_of(now()))

        answer = api(member).get("/api/v1/single-points-of-failure/?kind=host").json()

        assert [
            (point["key"], point["exposed"], point["n_critical"]) for point in answer["results"]
        ] == [("host:here", 1, 0)]
        assert (answer["whole_organisation"], answer["sets"]) == (False, [])

    def test_the_smallest_sets_are_named(self, governor, portfolio):
        MinimalCutSet.objects.create(
            node_ids=[node_of(portfolio).pk], share=1.0, as_of=day_of(now())
        )

        [found] = governor.get("/api/v1/single-points-of-failure/").json()["sets"]

        assert (found["nodes"], found["share"]) == (["host:here"], 1.0)

    @pytest.mark.parametrize(
        "query", ["kind=planet", "cursor=nonsense", "cursor=WzFd", "page_size=0"]
    )
    def test_refuses_what_it_cannot_answer(self, governor, query):
        assert governor.get(f"/api/v1/single-points-of-failure/?{query}").status_code == 400


class TestBlastRadius:
    @pytest.mark.parametrize(
        "of", ["offerings/{o}", "versions/{v}", "foundations/maker-base", "providers/here"]
    )
    def test_counts_by_state_and_team_and_lists_the_gravest_first(self, governor, portfolio, of):
        address = of.format(o=portfolio.pk, v=portfolio.version_id)

        answer = governor.get(f"/api/v1/{address}/blast-radius/").json()

        assert (answer["n_applications"], answer["n_critical"]) == (3, 1)
        assert answer["states"]["exposed"] == {"n": 3, "n_critical": 1}
        assert [team["n"] for team in answer["teams"]] == [3]
        assert [(row["name"], row["state"], row["roles"]) for row in answer["results"]] == [
            (name, "exposed", ["primary"]) for name in ("First", "Second", "Third")
        ]

    def test_who_only_leans_there_is_said_so(self, governor, portfolio):
        make_dependency(make_application("Judge", criticality=3), portfolio, "judge")
        refresh(on=day_of(now()))

        answer = governor.get(f"/api/v1/offerings/{portfolio.pk}/blast-radius/").json()

        row = answer["results"][-1]
        assert (row["name"], row["state"], row["roles"], row["hit_share"]) == (
            "Judge",
            "leaning",
            ["judge"],
            0.0,
        )
        assert (
            answer["n_applications"],
            sum(count["n"] for count in answer["states"].values()),
        ) == (4, 3)

    def test_who_may_stand_there_is_counted_apart(self, governor, portfolio):
        assert (
            governor.get("/api/v1/foundations/maker-base/blast-radius/").json()["n_may_stand"] == 1
        )
        assert governor.get("/api/v1/providers/here/blast-radius/").json()["n_may_stand"] == 0

    def test_a_party_is_asked_about_in_one_of_its_roles(self, governor, portfolio):
        as_developer = governor.get("/api/v1/providers/maker/blast-radius/").json()
        as_host = governor.get("/api/v1/providers/maker/blast-radius/?role=host").json()

        assert (as_developer["key"], as_developer["n_applications"]) == ("developer:maker", 3)
        assert (as_host["key"], as_host["kind"], as_host["n_applications"]) == (None, "host", 0)

    def test_another_threat_asks_for_another_fallback(self, governor, portfolio):
        answer = governor.get("/api/v1/providers/here/blast-radius/?threat=error").json()

        assert answer["threat"] == "error"

    def test_its_pages_together_are_the_whole_list(self, governor, portfolio):
        address, names = f"/api/v1/offerings/{portfolio.pk}/blast-radius/?page_size=2", []
        while address:
            page = governor.get(address).json()
            names += [row["name"] for row in page["results"]]
            address = page["next"]

        assert names == ["First", "Second", "Third"]

    def test_what_nothing_stands_on_has_an_empty_answer_and_what_is_not_there_none(
        self, governor, portfolio
    ):
        idle = make_offering()

        assert (
            governor.get(f"/api/v1/offerings/{idle.pk}/blast-radius/").json()["n_applications"] == 0
        )
        for missing in (
            "offerings/999999999",
            "versions/999999999",
            "foundations/none",
            "providers/none",
        ):
            assert governor.get(f"/api/v1/{missing}/blast-radius/").status_code == 404

    @pytest.mark.parametrize(
        "query", ["threat=boredom", "role=owner", "cursor=%00", "cursor=W3RydWUsMV0"]
    )
    def test_refuses_what_it_cannot_answer(self, governor, portfolio, query):
        assert governor.get(f"/api/v1/providers/here/blast-radius/?{query}").status_code == 400


class TestFlags:
    @pytest.fixture
    def flag(self, portfolio):
        only(kinds=["host"], tolerance="0.5")
        evaluate_flags(at=now())
        return ExposureFlag.objects.get()

    def test_shows_its_policy_its_node_and_its_life(self, governor, flag):
        row = governor.get(f"/api/v1/exposure-flags/{flag.pk}/").json()

        assert (row["policy"], row["measure"], row["kind"], row["slug"], row["name"]) == (
            "line",
            "critical_share",
            "host",
            "here",
            "Here",
        )
        assert (row["state"], float(row["value"]), row["n_applications"]) == ("open", 1.0, 1)
        [event] = row["events"]
        assert (event["kind"], float(event["value"]), event["by"], event["reason"]) == (
            "opened",
            1.0,
            None,
            "",
        )

    @pytest.mark.proof
    @pytest.mark.parametrize(
        ("query", "n"),
        [
            ("policy=line", 1),
            ("policy=other", 0),
            ("kind=host", 1),
            ("kind=developer", 0),
            ("live=true", 1),
            ("state=resolved", 0),
        ],
    )
    def test_is_found_by_policy_kind_and_state(self, governor, flag, query, n):
        assert len(governor.get(f"/api/v1/exposure-flags/?{query}").json()["results"]) == n

    def test_is_accepted_and_opened_again_with_reason_and_name(self, governor, flag):
        until = day_of(now()) + MONTH
        address = f"/api/v1/exposure-flags/{flag.pk}"

        accepted = governor.post(
            f"{address}/accept/", {"until": until.isoformat(), "reason": "none else"}
        ).json()
        revoked = governor.post(f"{address}/revoke/", {"reason": "one more is there"}).json()

        assert (accepted["state"], accepted["accepted_by"], accepted["accepted_until"]) == (
            "accepted",
            "gus",
            until.isoformat(),
        )
        assert float(accepted["ceiling"]) == 1.1
        assert (revoked["state"], revoked["accepted_by"]) == ("open", None)
        assert [(event["kind"], event["by"]) for event in revoked["events"]] == [
            ("opened", None),
            ("accepted", "gus"),
            ("acceptance_revoked", "gus"),
        ]

    @pytest.mark.parametrize(
        ("action", "body", "status"),
        [
            ("accept", {"until": "2020-01-01", "reason": "x"}, 400),
            ("accept", {"until": "9999-12-31", "reason": "x"}, 400),
            ("accept", {"until": "2099-01-01"}, 400),
            ("accept", {"until": "2099-01-01", "reason": " "}, 400),
            ("revoke", {"reason": "x"}, 409),
            ("revoke", {}, 400),
        ],
    )
    def test_refuses_what_is_no_decision(self, governor, flag, action, body, status):
        answer = governor.post(f"/api/v1/exposure-flags/{flag.pk}/{action}/", body)

        assert (answer.status_code, FlagEvent.objects.count()) == (status, 1)
        assert answer.json()["detail"].endswith((".", "!"))


class TestPolicies:
    LINE = {
        "slug": "exposed",
        "name": "Exposed on one version",
        "kinds": ["version"],
        "states": ["exposed"],
        "measure": "n_applications",
        "tolerance": "10",
        "reason": "what we can move in a month",
    }

    def test_a_line_is_drawn_moved_and_switched_off(self, governor):
        made = governor.post(
            "/api/v1/exposure-policies/", {**self.LINE, "change_reason": "decided by the board"}
        )
        address = f"/api/v1/exposure-policies/{made.json()['id']}/"
        moved = governor.patch(address, {"tolerance": "12"}).json()
        off = governor.patch(address, {"enabled": False}).json()

        assert (made.status_code, made.json()["reason"]) == (201, "what we can move in a month")
        assert (float(moved["tolerance"]), off["enabled"]) == (12.0, False)
        history = Policy.objects.get(slug="exposed").history.order_by("pgh_id")
        assert history.first().pgh_context.metadata["reason"] == "decided by the board"

    @pytest.mark.parametrize(
        "change",
        [
            {"tolerance": "-1"},
            {"kinds": []},
            {"kinds": ["planet"]},
            {"states": ["happy"]},
            {"measure": "mood"},
            {"measure": "weight_share", "tolerance": "2"},
            {"hysteresis": "1"},
            {"slug": "critical-on-one-host"},
        ],
    )
    def test_what_makes_no_line_is_refused(self, governor, change):
        answer = governor.post("/api/v1/exposure-policies/", {**self.LINE, **change})

        assert answer.status_code == 400, answer.json()

    def test_a_line_is_never_deleted(self, governor):
        policy = Policy.objects.first()

        assert governor.delete(f"/api/v1/exposure-policies/{policy.pk}/").status_code == 405


class TestSettings:
    def test_are_the_defaults_until_somebody_changes_them(self, governor):
        before = governor.get("/api/v1/exposure-settings/").json()
        after = governor.patch(
            "/api/v1/exposure-settings/", {"horizon_days": 90, "reason": "shorter notice"}
        ).json()

        assert (before["horizon_days"], after["horizon_days"]) == (180, 90)
        assert (
            ExposureSettings.objects.get().history.get().pgh_context.metadata["reason"]
            == "shorter notice"
        )

    @pytest.mark.parametrize(
        "change",
        [
            {"horizon_days": -1},
            {"statuses": ["asleep"]},
            {"required_grade": {"outage": {"host": 9}}},
            {"required_grade": {"boredom": {"*": 1}}},
            {"criticality_points": {"critical": -8}},
            {"cut_threshold": "0"},
        ],
    )
    def test_what_cannot_be_measured_with_is_refused(self, governor, change):
        assert governor.patch("/api/v1/exposure-settings/", change).status_code == 400
        assert not ExposureSettings.objects.exists()
