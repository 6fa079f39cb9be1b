"""Exposure: who sees what, what the selectors change, and that the CSV says what the page says."""

import re
from datetime import timedelta

import pytest

from apps.catalog.models import Node, NodeKind, Provider
from apps.common.time import now
from apps.exposure.actions.minimal_cut_sets import store_minimal_cut_sets
from apps.exposure.engine.concentration import contributions, contributions_of, measure_layer
from apps.exposure.engine.table_refresh import refresh
from apps.exposure.models import (
    Basis,
    ConcentrationSnapshot,
    EngineState,
    EventRate,
    Layer,
    LossRun,
)
from apps.exposure.snapshots.daily import take_snapshot
from apps.inventory.models import Dependency
from apps.web.pages import background_files
from apps.web.views.exposure import exit_readiness, nodes
from tests.builders import (
    make_adaptation,
    make_application,
    make_dependency,
    make_exit_test,
    make_foundation,
    make_offering,
    make_provider,
    make_version,
)
from tests.http import csv_rows, visible_text, workbook_of
from tests.web.page_parts import drawing_titles, headline_of
from tests.worlds.fit import require, settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def richer(world):
    """The usual world, a second developer, and a tested way out of the critical application onto
    it."""
    other = make_provider("openai", roles=("developer", "host"), name="OpenAI")
    version = make_version(
        "openai/gpt-5", foundation=make_foundation("openai/gpt-5", developer=other, name="GPT-5")
    )
    gpt = make_offering("gpt-5", host=other, version=version, lifecycle="active")
    second = make_application(
        "Quote writer", team=world.team, users_affected=10, monthly_spend="900"
    )
    make_dependency(second, gpt)
    primary = Dependency.objects.get(application=world.triage, role="primary")
    make_dependency(world.triage, gpt, "fallback", fallback_order=2)
    make_exit_test(primary, gpt, tested_on=world.today - timedelta(30), tested_version=version)
    make_adaptation(primary, "fine_tune", moves="rebuild", invested_days=12, invested_cost=7000)
    refresh(on=world.today)
    return world


def test_the_page_says_where_the_portfolio_is_correlated_and_who_could_leave(richer, as_user):
    page = as_user(richer.governance).get("/exposure/")

    assert headline_of(page) == (
        "100% of critical applications depend on one developer, Anthropic;"
        " 1 of 2 critical applications has a valid tested exit."
    )
    said = visible_text(page)
    assert "Valid tested exit 1 of 2" in said
    assert "Adaptations to rebuild 12 days and 7,000 USD invested in 1 adaptation that" in said
    assert said.count("inventory data") >= 4
    assert drawing_titles(page, "Anthropic")
    # over the line of half the critical ones, and only that is red
    assert re.search(
        r'<tr class="over"><th scope="row"><a href="/exposure/nodes/developer/\d+/">Anthropic',
        page.content.decode(),
    )


def test_the_selectors_change_numbers_pictures_and_stay_in_the_address(richer, as_user):
    client = as_user(richer.governance)
    developers, hosts = (
        client.get("/exposure/"),
        client.get("/exposure/?layer=host&weight=users&threat=error"),
    )

    assert "Concentration by developer" in visible_text(developers)
    assert "Concentration by host" in visible_text(hosts)
    assert headline_of(developers) != headline_of(hosts)
    assert {row["name"] for row in csv_rows(client.get("/exposure.csv?layer=host"))} == {
        "Amazon Bedrock",
        "Anthropic",
        "OpenAI",
    }
    assert "users of each application, split over its primary paths" in visible_text(hosts)
    assert 'id="weight-users" name="weight" value="users" checked' in hosts.content.decode()
    assert 'id="threat-error" name="threat" value="error" checked' in hosts.content.decode()
    assert 'href="?weight=users&amp;layer=version"' in hosts.content.decode()
    assert "If one is found faulty" in visible_text(hosts)
    # an unknown word is as good as none
    assert headline_of(
        client.get("/exposure/?layer=bogus&weight=bogus&threat=bogus")
    ) == headline_of(developers)


@pytest.mark.parametrize("weight", Basis.values)
def test_the_csv_has_the_numbers_of_the_page(richer, as_user, weight):
    client = as_user(richer.governance)

    rows = csv_rows(client.get(f"/exposure.csv?weight={weight}"))

    measured = measure_layer(Layer.DEVELOPER, Basis(weight))
    names = dict(Provider.objects.values_list("pk", "name"))
    refs = dict(Node.objects.filter(kind=NodeKind.DEVELOPER).values_list("pk", "ref"))
    assert {
        row["name"]: pytest.approx(float(row["share of weight"]))
        for row in rows
        if float(row["share of weight"])
    } == {names[refs[pk]]: share for pk, share in measured.indices.shares.items() if share}
    top = rows[0]
    assert (top["name"], top["critical"], top["applications"], top["over tolerance"]) == (
        "Anthropic",
        "2",
        "2",
        "yes",
    )
    page = visible_text(client.get(f"/exposure/?weight={weight}"))
    assert f"Anthropic 2 100% 2 50% {round(float(top['share of weight']) * 100)}%" in page
    known = [float(row["HHI contribution"] or 0) for row in rows]
    assert sum(known) <= 1 + 1e-9


def test_others_see_the_same_over_their_own_teams_and_are_told_so(richer, as_user):
    page = as_user(richer.viewer).get("/exposure/")

    assert "Scope: your teams’ applications." in visible_text(page)
    assert "3 applications, 1 critical" in visible_text(page)
    assert "Clause finder" not in visible_text(page)
    assert "From the daily snapshots" not in visible_text(page)
    # flags, lines and losses are of the organisation
    assert "/exposure/flags/" not in page.content.decode()
    assert headline_of(as_user(richer.outsider).get("/exposure/")).startswith(
        "No applications in pilot or production"
    )
    assert csv_rows(as_user(richer.viewer).get("/exposure.csv"))[0]["of"] == "your teams"


def test_the_file_of_who_would_stand_how_says_what_the_page_draws(richer, as_user):
    client = as_user(richer.governance)
    rows = csv_rows(client.get("/exposure/states.csv?layer=developer"))
    page = client.get("/exposure/?layer=developer").content.decode()

    assert "/exposure/states.csv?layer=developer" in page
    anthropic = next(row for row in rows if row["node"] == "Anthropic")
    states = ("exposed", "cushioned", "portable", "partial")
    assert sum(int(anthropic[state]) for state in states) == int(anthropic["standing"]) > 0
    for state in states:
        if int(anthropic[state]):
            assert f">{anthropic[state]}</a>" in page
    assert csv_rows(as_user(richer.outsider).get("/exposure/states.csv")) == []


@pytest.mark.proof
def test_every_page_of_the_family_answers_everybody_who_may_read_it(richer, as_user):
    store_minimal_cut_sets(on=richer.today)
    take_snapshot(on=richer.today)
    node = f"/exposure/nodes/version/{richer.sonnet.version_id}/"
    open_to_all = [
        "/exposure/flow/",
        "/exposure/flow/?weight=spend",
        "/exposure/contributions/?layer=host",
        "/exposure/ways-out/",
        "/exposure/ways-out/?state=none",
        "/exposure/single-points/",
        "/exposure/single-points/?kind=host",
        node,
        f"{node}teams/",
        f"/exposure/nodes/offering/{richer.unknown.pk}/",
        "/exposure/flow.csv",
        "/exposure/contributions.csv",
        "/exposure/ways-out.csv",
        "/exposure/single-points.csv",
        "/exposure/trend.csv",
        "/exposure/smallest-sets.csv",
        "/exposure/states.csv",
        f"{node}trend.csv",
        "/exposure/?rows=all&layer=gateway",
    ]
    for user in (richer.governance, richer.viewer, richer.outsider):
        client = as_user(user)
        for path in open_to_all:
            assert client.get(path).status_code == 200, path
    for path in (
        "/exposure/flags/",
        "/exposure/lines/",
        "/exposure/loss/",
        "/exposure/flags.csv",
        "/exposure/lines.csv",
    ):
        assert as_user(richer.viewer).get(path).status_code == 404, path
        assert as_user(richer.governance).get(path).status_code == 200, path
    assert csv_rows(as_user(richer.viewer).get("/exposure/trend.csv")) == []


def test_the_weight_on_a_layer_is_no_number_of_applications(richer, as_user):
    """The table counted 15 applications, and below it stood "the 14 that this layer applies to"."""
    gateway = make_provider("router", roles=("gateway",), name="Router")
    half = make_application("Half", team=richer.team)
    make_dependency(
        half, make_offering("a"), reached="gateway", via_party=gateway, traffic_share="0.5"
    )
    make_dependency(half, make_offering("b"), traffic_share="0.5")
    refresh(on=richer.today)

    said = visible_text(as_user(richer.governance).get("/exposure/?layer=gateway"))

    n = EngineState.objects.get().n_applications
    assert f"the weight of the primary paths on this layer: 0.5 of {n}." in said
    assert "Router 0 0% 1 20% 100%" in said.partition("Applications by gateway")[2]
    assert "the weight is not a number of applications" in said


def test_contributions_add_up_and_those_of_a_few_are_those_of_all(richer, as_user):
    everyone = {row.application_id: row for row in contributions(Layer.HOST, Basis.COUNT)}
    whole = measure_layer(Layer.HOST, Basis.COUNT).indices

    some = contributions_of(
        Layer.HOST, Basis.COUNT, whole, application_ids=[richer.triage.pk, richer.drafter.pk]
    )

    assert set(some) == {richer.triage.pk, richer.drafter.pk}
    for pk, found in some.items():
        assert found.contribution == pytest.approx(everyone[pk].contribution)
        assert found.marginal == pytest.approx(everyone[pk].marginal)
    rows = csv_rows(as_user(richer.governance).get("/exposure/contributions.csv?layer=host"))
    assert sum(float(row["Contribution"]) for row in rows) == pytest.approx(whole.hhi)


def test_contributions_are_listed_for_a_layer_and_a_weight_with_a_workbook(richer, as_user):
    client = as_user(richer.governance)
    query = "?layer=gateway&weight=users"

    page = client.get(f"/exposure/contributions/{query}")
    book = client.get(f"/exposure/contributions.xlsx{query}")
    rows = csv_rows(client.get(f"/exposure/contributions.csv{query}"))

    assert "No records match these filters." not in visible_text(page)
    assert {(row["Layer"], row["Weight by"]) for row in rows} == {("gateway", "users")}
    assert len(rows) == 4
    assert [row["Criticality"] for row in rows[:2]] == ["Critical", "Critical"]
    assert workbook_of(book).active.max_row == 5
    assert 'href="?layer=gateway&amp;weight=spend"' in page.content.decode()
    mine = as_user(richer.viewer).get("/exposure/contributions/")
    assert "Clause finder" not in visible_text(mine)
    assert "Scope: your teams’ applications." in visible_text(mine)


def test_single_points_are_sorted_and_filtered_by_layer_as_in_their_files(richer, as_user):
    client = as_user(richer.governance)

    page = client.get("/exposure/single-points/?kind=developer")
    rows = csv_rows(client.get("/exposure/single-points.csv?sort=-critical"))

    critical = [int(row["Critical"]) for row in rows]
    assert critical == sorted(critical)
    assert "Anthropic developer" in visible_text(page)
    assert {row["Layer"] for row in rows} > {"developer", "host"}
    assert {
        row["Layer"] for row in csv_rows(client.get("/exposure/single-points.csv?kind=developer"))
    } == {"developer"}
    for row in rows:
        assert int(row["Exposed"]) + int(row["Cushioned"]) == int(row["Applications"])


def test_ways_out_name_the_worst_and_where_a_tested_one_leads(richer, as_user):
    client = as_user(richer.governance)
    rows = csv_rows(client.get("/exposure/ways-out.csv"))

    assert [(row["Application"], row["Valid exit test"]) for row in rows] == [
        ("Clause finder", ""),
        ("Claims triage", "5"),
    ]
    assert rows[1]["Alternative"] == "gpt-5"
    assert rows[1]["Invested days"] == "12.0"
    page = client.get("/exposure/ways-out/?state=tested")
    assert "Claims triage" in visible_text(page)
    assert "Clause finder" not in visible_text(page)
    assert "Clause finder" in visible_text(client.get("/exposure/ways-out/?grade=-1"))


def test_ways_out_say_what_the_alternative_lacks(richer, as_user):
    primary = Dependency.objects.get(application=richer.triage, role="primary")
    fallback = Dependency.objects.get(application=richer.triage, fallback_order=2)
    require(primary, vision=True, batch=True)
    settle(fallback.offering, vision=False)
    client = as_user(richer.governance)

    assert "OpenAI; has no image input" in visible_text(client.get("/exposure/ways-out/"))
    rows = csv_rows(client.get("/exposure/ways-out.csv"))
    assert [row["Lacks"] for row in rows] == ["", "has no image input"]


def test_a_long_workbook_of_ways_out_is_left_to_a_worker_without_reading_its_rows(
    richer, as_user, monkeypatch
):
    monkeypatch.setattr(background_files, "MAX_ROWS_PER_REQUEST", 1)
    monkeypatch.delattr(exit_readiness.FallbackPages, "page")

    answer = as_user(richer.governance).get("/exposure/ways-out.xlsx")

    assert answer.url == "/files/?make=exposure%3Aexit-readiness&query="


class TestNode:
    def test_who_stands_on_it_in_which_state_and_whose(self, richer, as_user):
        maker = Provider.objects.get(slug="anthropic")
        address = f"/exposure/nodes/developer/{maker.pk}/"
        client = as_user(richer.governance)

        page = client.get(address)

        assert headline_of(page) == (
            "2 applications depend on Anthropic; 1 is exposed if it fails, 1 of them critical."
        )
        assert "Clause finder" in visible_text(page)
        assert "Claims triage" in visible_text(page)
        exposed = client.get(f"{address}?state=exposed")
        listed = exposed.content.decode().split('id="listing"')[1]
        assert "Clause finder" in listed
        assert "Claims triage" not in listed
        rows = csv_rows(client.get(f"{address}applications.csv"))
        assert {(row["Application"], row["State"]) for row in rows} == {
            ("Claims triage", "Portable"),
            ("Clause finder", "Exposed"),
        }
        assert [
            row["Application"]
            for row in csv_rows(client.get(f"{address}applications.csv?state=exposed"))
        ] == ["Clause finder"]
        assert f"/what-if/?remove=developer:{maker.slug}" in page.content.decode()
        # the same party as a host is another node
        assert f"/exposure/nodes/host/{maker.pk}/" in page.content.decode()

    def test_a_long_workbook_leads_to_the_csv(self, richer, as_user, monkeypatch):
        client = as_user(richer.governance)
        address = f"/exposure/nodes/developer/{Provider.objects.get(slug='anthropic').pk}/"

        book = client.get(f"{address}applications.xlsx?state=exposed")
        monkeypatch.setattr(nodes, "MAX_ROWS_PER_REQUEST", 1)
        page = client.get(address)
        answer = client.get(f"{address}applications.xlsx?state=exposed")

        assert [row[0] for row in workbook_of(book).active.iter_rows(values_only=True)] == [
            "Application",
            "Clause finder",
        ]
        assert "applications.xlsx" not in page.content.decode()
        assert answer.url == f"{address}applications.csv?state=exposed"

    def test_a_member_sees_the_own_teams_there(self, richer, as_user):
        maker = Provider.objects.get(slug="anthropic")

        page = as_user(richer.viewer).get(f"/exposure/nodes/developer/{maker.pk}/")

        assert "Claims triage" in visible_text(page)
        assert "Clause finder" not in visible_text(page)
        assert headline_of(page).startswith("1 application depends on Anthropic")

    def test_what_leans_is_told_apart_and_sheets_follow_each_other(self, richer, as_user):
        offering = make_offering("judge-1", host=make_provider("wide"), resolved=False)
        for number in range(55):
            make_dependency(
                make_application(f"Judged {number:02}", team=richer.team), offering, "judge"
            )
        refresh(on=richer.today)
        client, address = (
            as_user(richer.governance),
            f"/exposure/nodes/offering/{offering.pk}/?state=leaning",
        )

        first = client.get(address)
        following = (
            re.search(r'<a rel="next" href="([^"]+)"', first.content.decode())
            .group(1)
            .replace("&amp;", "&")
        )
        second = client.get(f"/exposure/nodes/offering/{offering.pk}/{following}")

        names = [re.findall(r"Judged \d\d", page.content.decode()) for page in (first, second)]
        assert (len(names[0]), len(names[1])) == (50, 5)
        assert not set(names[0]) & set(names[1])
        # print and files start at the first row, from any page
        printed = re.search(r'href="([^"]+)" data-prints', second.content.decode()).group(1)
        whole = client.get(
            f"/exposure/nodes/offering/{offering.pk}/{printed.replace('&amp;', '&')}"
        )
        assert len(re.findall(r"Judged \d\d", whole.content.decode())) == 55

    @pytest.mark.parametrize(
        "path", ["bogus/1", "version/999999", "region/999999", "developer/999999"]
    )
    def test_what_there_is_not_is_not_found(self, richer, as_user, path):
        assert as_user(richer.governance).get(f"/exposure/nodes/{path}/").status_code == 404


def test_a_trend_takes_two_days_and_a_month_is_said(richer, as_user):
    take_snapshot(on=richer.today)
    client = as_user(richer.governance)
    assert "One snapshot so far" in visible_text(client.get("/exposure/"))
    row = ConcentrationSnapshot.objects.get(layer="developer", basis="count")
    for days in (40, 1):
        ConcentrationSnapshot.objects.create(
            day=richer.today - timedelta(days),
            layer=row.layer,
            basis=row.basis,
            n_applications=4,
            covered_weight=4,
            none_weight=0,
            unknown=0,
            cr1=0.25,
            cr3=1,
            hhi=0.3,
            hhi_best=0.3,
            hhi_worst=0.3,
            n1=3,
            n2=3.3,
            top=[],
        )

    page = client.get("/exposure/")

    assert "largest share from 25% to 50%" in visible_text(page)
    assert drawing_titles(page, "25%")
    assert len(csv_rows(client.get("/exposure/trend.csv"))) == 3


def test_the_page_costs_the_same_however_large_the_portfolio(
    richer, as_user, django_assert_num_queries
):
    client = as_user(richer.governance)
    for number in range(8):
        offering = make_offering(host=make_provider(f"host-{number}"))
        make_dependency(make_application(team=richer.team, criticality=0), offering)
    refresh(on=richer.today)
    maker = Provider.objects.get(slug="anthropic")
    client.get("/exposure/")
    with django_assert_num_queries(COSTS["page"]):
        client.get("/exposure/")
    with django_assert_num_queries(COSTS["node"]):
        client.get(f"/exposure/nodes/developer/{maker.pk}/")
    with django_assert_num_queries(COSTS["ways out"]):
        client.get("/exposure/ways-out/")
    with django_assert_num_queries(COSTS["points"]):
        client.get("/exposure/single-points/")
    with django_assert_num_queries(COSTS["contributions"]):
        client.get("/exposure/contributions/")
    with django_assert_num_queries(COSTS["months"]):
        client.get("/exposure/months/")
    with django_assert_num_queries(COSTS["losses"]):
        client.get("/exposure/loss/")


COSTS = {
    "page": 22,
    "node": 21,
    "ways out": 14,
    "points": 12,
    "contributions": 10,
    "months": 6,
    "losses": 13,
}


# --- losses ---------------------------------------------------------------------------------------


def test_a_loss_is_asked_shown_with_its_progress_and_its_assumptions(richer, as_user):
    client = as_user(richer.governance)

    answer = client.post("/exposure/loss/run/", {"years": "10000", "seed": "7"})

    run = LossRun.objects.get()
    assert answer.url == f"/exposure/loss/{run.pk}/"
    waiting = client.get(answer.url)
    assert "10,000 years are queued." in visible_text(waiting)
    assert f'hx-get="/exposure/loss/{run.pk}/progress/"' in waiting.content.decode()
    from_worker(run)
    done = client.get(f"/exposure/loss/{run.pk}/progress/", headers={"HX-Request": "true"})
    assert done.headers["HX-Redirect"] == f"/exposure/loss/{run.pk}/"
    page = client.get(f"/exposure/loss/{run.pk}/")
    assert headline_of(page).startswith("An average year costs")
    assert "seed 7" in visible_text(page)
    assert "simulated" in visible_text(page)
    assert "Placeholders." in visible_text(page)
    run.refresh_from_db()
    assert len(csv_rows(client.get(f"/exposure/loss/{run.pk}/curve.csv"))) == sum(
        len(run.result[side]["curve"]) for side in ("shared", "independent")
    )
    assert csv_rows(client.get(f"/exposure/loss/{run.pk}/causes.csv"))
    assert (
        as_user(richer.viewer)
        .post("/exposure/loss/run/", {"years": "10000", "seed": "7"})
        .status_code
        == 404
    )
    refused = client.post("/exposure/loss/run/", {"years": "12", "seed": "x"})
    assert refused.status_code == 422
    assert LossRun.objects.count() == 1


def from_worker(run):
    from apps.exposure.actions.scenarios import run_queued

    assert run_queued(at=now()) == 1
    run.refresh_from_db()
    assert run.state == "done", run.error


def test_governance_sets_rates_and_losses_and_others_do_not(richer, as_user):
    client = as_user(richer.governance)
    rate = EventRate.objects.filter(assumption=True).first()

    facts = {
        "rate": "0.5",
        "low": "0.1",
        "high": "1",
        "severity_cv": "1",
        "source": "Our status page",
        "enabled": "on",
    }
    answer = client.post(f"/exposure/loss/rates/{rate.pk}/", facts)

    assert answer.status_code == 302
    rate.refresh_from_db()
    assert (rate.rate, rate.assumption, rate.source) == (0.5, False, "Our status page")
    outside = client.post(f"/exposure/loss/rates/{rate.pk}/", facts | {"rate": "5"})
    assert outside.status_code == 422
    assert "within its interval" in visible_text(outside)
    form = client.get("/exposure/loss/losses/outage/")
    names = re.findall(r'name="(amount-\d+)"', form.content.decode())
    kept = client.post("/exposure/loss/losses/outage/", dict.fromkeys(names, "1000"))
    assert kept.status_code == 302
    assert client.get("/exposure/loss/losses/bogus/").status_code == 404
    auditor = as_user(make_auditor())
    assert auditor.get("/exposure/loss/").status_code == 200
    assert auditor.get(f"/exposure/loss/rates/{rate.pk}/").status_code == 403
    assert "Change" not in visible_text(auditor.get("/exposure/loss/")).split("Event rates")[1]


def make_auditor():
    from tests.builders import make_user

    return make_user(role="auditor")
