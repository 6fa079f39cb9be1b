"""Flags and lines: who sees them, what people decide, what a line would do before it is kept."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest

from apps.common.time import now
from apps.exposure.actions.flags import evaluate_flags
from apps.exposure.models import ExposureFlag, Policy
from apps.inventory.models import ConfirmationSettings
from tests.builders import make_user
from tests.http import csv_rows, visible_text
from tests.web.page_parts import headline_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def flagged(world):
    """All critical applications stand on one developer, so the line of half of them is crossed."""
    evaluate_flags(at=now())
    world.flag = ExposureFlag.objects.get(policy__slug="critical-on-one-developer")
    return world


def test_flags_are_listed_with_value_and_line_and_the_csv_says_the_same(flagged, as_user):
    client = as_user(flagged.governance)

    page = client.get("/exposure/flags/?policy=critical-on-one-developer")

    assert "Anthropic developer 100% tolerance 50% 2 Open" in visible_text(page)
    rows = csv_rows(client.get("/exposure/flags.csv?policy=critical-on-one-developer"))
    assert [
        (
            row["Measured on"],
            Decimal(row["Value"]),
            Decimal(row["Tolerance"]),
            row["Applications"],
        )
        for row in rows
    ] == [("Anthropic", 1, Decimal("0.5"), "2")]
    assert (
        visible_text(client.get("/exposure/flags/?state=accepted")).count(
            "No records match these filters."
        )
        == 1
    )
    assert headline_of(client.get("/exposure/flags/")).endswith("open.")


@pytest.mark.proof
def test_strangers_to_the_organisation_are_told_nothing_and_an_auditor_may_not_decide(
    flagged, as_user
):
    address = f"/exposure/flags/{flagged.flag.pk}/"
    for user in (flagged.editor, flagged.outsider):
        assert as_user(user).get(address).status_code == 404
        assert as_user(user).post(f"{address}acknowledge/").status_code == 404
    auditor = as_user(make_user(role="auditor"))
    page = auditor.get(address)
    assert page.status_code == 200
    assert "<form" not in page.content.decode().split('id="h-now"')[1].split("</section>")[0]
    assert auditor.post(f"{address}acknowledge/").status_code == 403
    flagged.flag.refresh_from_db()
    assert flagged.flag.state == "open"


@pytest.mark.proof
def test_a_flag_is_acknowledged_accepted_up_to_a_ceiling_and_taken_back(flagged, as_user):
    client, address = as_user(flagged.governance), f"/exposure/flags/{flagged.flag.pk}/"
    page = client.get(address)
    assert (
        headline_of(page) == "100% of the critical applications on Anthropic; the tolerance is 50%."
    )
    assert "Claims triage" in visible_text(page)
    assert "Clause finder" in visible_text(page)
    assert "Opened at 100%" in visible_text(page)

    assert (
        client.post(
            f"{address}acknowledge/", {"acknowledge-reason": "Talking to procurement"}
        ).status_code
        == 302
    )
    assert "Acknowledged at 100% Talking to procurement" in visible_text(client.get(address))

    without = client.post(f"{address}accept/", {"accept-until": "", "accept-reason": ""})
    assert without.status_code == 422
    past = client.post(f"{address}accept/", {"accept-until": "2020-01-01", "accept-reason": "x"})
    assert past.status_code == 422
    assert "must expire after today" in visible_text(past)

    until = flagged.today + timedelta(60)
    client.post(
        f"{address}accept/",
        {"accept-until": until.isoformat(), "accept-reason": "Second developer in May"},
    )
    flagged.flag.refresh_from_db()
    assert (flagged.flag.state, flagged.flag.accepted_until, flagged.flag.ceiling) == (
        "accepted",
        until,
        Decimal("1.1"),
    )
    assert flagged.flag.accepted_by == flagged.governance
    assert "covers values up to 110%" in visible_text(client.get(address))
    assert f"Accepted until {until.day} {until:%b}" in visible_text(client.get("/exposure/flags/"))

    client.post(f"{address}revoke/", {"revoke-reason": "Plans changed"})
    flagged.flag.refresh_from_db()
    assert flagged.flag.state == "open"
    twice = client.post(f"{address}revoke/", {"revoke-reason": "Again"}, follow=True)
    assert "Only an accepted flag" in visible_text(twice)
    assert client.post(f"{address}bogus/").status_code == 404


def test_an_acceptance_runs_out_on_its_day(flagged, as_user):
    client = as_user(flagged.governance)
    until = flagged.today + timedelta(3)
    client.post(
        f"/exposure/flags/{flagged.flag.pk}/accept/",
        {"accept-until": until.isoformat(), "accept-reason": "Until Friday"},
    )

    evaluate_flags(at=now() + timedelta(3))

    page = client.get(f"/exposure/flags/{flagged.flag.pk}/")
    assert "Acceptance expired" in visible_text(page)
    flagged.flag.refresh_from_db()
    assert flagged.flag.state == "open"


def test_the_applications_a_flag_names_are_a_file(flagged, as_user):
    rows = csv_rows(
        as_user(flagged.governance).get(f"/exposure/flags/{flagged.flag.pk}/applications.csv")
    )

    assert {row["application"] for row in rows} == {"Claims triage", "Clause finder"}


FACTS = {
    "name": "Hosts of critical applications",
    "measure": "critical_share",
    "basis": "count",
    "kinds": ["host"],
    "predicate": "",
    "threat": "",
    "hysteresis": "10",
    "clear_days": "2",
    "enabled": "on",
}


def test_a_line_says_what_would_be_above_it_before_it_is_kept(flagged, as_user):
    client = as_user(flagged.governance)

    tried = client.post("/exposure/lines/new/", FACTS | {"tolerance": "40", "try": "1"})

    assert headline_of(tried) == "At a tolerance of 40%, 2 would be above it."
    assert "Amazon Bedrock" in visible_text(tried)
    assert "2 flags would open" in visible_text(tried)
    assert not Policy.objects.filter(name=FACTS["name"]).exists()
    assert "No measurement would be above" in headline_of(
        client.post("/exposure/lines/new/", FACTS | {"tolerance": "60", "try": "1"})
    )

    kept = client.post(
        "/exposure/lines/new/",
        FACTS | {"tolerance": "40", "change_reason": "The risk committee said so"},
    )
    policy = Policy.objects.get(name=FACTS["name"])
    assert kept.url == f"/exposure/lines/of/{policy.slug}/"
    assert (policy.tolerance, policy.hysteresis, len(policy.states)) == (
        Decimal("0.4"),
        Decimal("0.1"),
        4,
    )
    assert "The risk committee said so" in visible_text(client.get(kept.url))


def test_a_moved_line_keeps_its_history_and_switching_off_resolves(flagged, as_user):
    ConfirmationSettings.objects.create(pk=1, tolerances=False)
    client, address = as_user(flagged.governance), "/exposure/lines/of/critical-on-one-developer/"
    facts = FACTS | {"name": "One developer", "kinds": ["developer"]}

    client.post(address, facts | {"tolerance": "75.5", "change_reason": "More room"})

    assert Policy.objects.get(slug="critical-on-one-developer").tolerance == Decimal("0.755")
    history = visible_text(client.get(address)).split("History")[-1]
    assert "75.5%" in history
    assert "50%" in history
    assert "More room" in history
    assert "maren" in history
    client.post(address, {**facts, "tolerance": "75.5", "enabled": "", "change_reason": "Not ours"})
    flagged.flag.refresh_from_db()
    assert flagged.flag.state == "resolved"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"kinds": []},
            "Select a layer, such as developers or hosts, or a property of applications",
        ),
        ({"tolerance": "140"}, "Enter at most 100%"),
        ({"tolerance": ""}, "required"),
    ],
)
def test_a_line_that_cannot_be_meant_is_refused(flagged, as_user, change, says):
    answer = as_user(flagged.governance).post(
        "/exposure/lines/new/", FACTS | {"tolerance": "40"} | change
    )

    assert answer.status_code == 422
    assert says in visible_text(answer)


@pytest.mark.proof
def test_only_governance_draws_lines(flagged, as_user):
    auditor = as_user(make_user(role="auditor"))
    address = "/exposure/lines/of/critical-on-one-developer/"

    assert auditor.get(address).status_code == 200
    assert "Change the tolerance" not in visible_text(auditor.get(address))
    assert auditor.post(address, FACTS | {"tolerance": "99"}).status_code == 403
    assert auditor.get("/exposure/lines/new/").status_code == 403
    assert as_user(flagged.editor).get(address).status_code == 404
    assert "critical-on-one-developer" in {
        row["Slug"] for row in csv_rows(auditor.get("/exposure/lines.csv"))
    }


def test_policies_are_listed_by_layer_with_their_active_flags_as_in_the_file(flagged, as_user):
    client = as_user(flagged.governance)

    page = client.get("/exposure/lines/?kind=developer")
    rows = csv_rows(client.get("/exposure/lines.csv?kind=developer"))

    policy = flagged.flag.policy
    row = next(row for row in rows if row["Slug"] == policy.slug)
    assert (Decimal(row["Tolerance"]), row["Active flags"]) == (policy.tolerance, "1")
    assert {row["Slug"] for row in rows} == set(
        Policy.objects.filter(kinds__contains=["developer"]).values_list("slug", flat=True)
    )
    assert f"?policy={policy.slug}&amp;live=true" in page.content.decode()
    assert "/exposure/lines/new/?kind=developer" in page.content.decode()
    assert headline_of(page) == f"{len(rows)} exposure policies match the filters."
    assert re.fullmatch(
        r"\w+ policies are enabled; \w+ flags? (is|are) active.",
        headline_of(client.get("/exposure/lines/")),
    )


def test_the_lists_cost_the_same_however_long(flagged, as_user, django_assert_num_queries):
    client = as_user(flagged.governance)
    client.get("/exposure/flags/")
    policy = flagged.flag.policy
    for _ in range(5):
        ExposureFlag.objects.create(
            policy=policy,
            node=flagged.flag.node,
            state="resolved",
            value=1,
            limit="0.5",
            opened_at=now(),
            resolved_at=now(),
        )
    with django_assert_num_queries(10):
        client.get("/exposure/flags/")
    with django_assert_num_queries(10):
        client.get(f"/exposure/flags/{flagged.flag.pk}/")
    with django_assert_num_queries(9):
        client.get("/exposure/lines/")
