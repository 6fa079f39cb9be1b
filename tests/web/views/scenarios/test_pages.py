"""What-ifs: asked from the address, picked from lists, saved, shared, answered again, compared,
taken away as files."""

import io
import zipfile

import pytest

from apps.common.time import day_of, now
from apps.exposure.actions.scenarios import run_queued
from apps.exposure.engine.table_refresh import refresh
from apps.exposure.models import Scenario, ScenarioRun
from apps.web.views.scenarios.links import scenario_url
from tests.builders import make_member, make_offering, make_user
from tests.exposure.scenarios.two_teams import make_two_teams
from tests.http import csv_rows, visible_text
from tests.web.page_parts import drawing_titles, headline_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked():
    """Triage (critical, Claims) on Sonnet at Anthropic, Quotes (Sales) on GPT at Azure."""
    two_teams = make_two_teams(day_of(now()))
    two_teams.claims.email = "claims@example.org"
    two_teams.claims.save()
    two_teams.editor = make_member(two_teams.claims)
    return two_teams


def test_a_link_from_another_page_asks_what_happens_when_something_fails(asked, as_user):
    address = scenario_url(remove=["developer:anthropic"])
    assert address == "/what-if/?remove=developer:anthropic"

    page = as_user(asked.governance).get(address)

    assert (
        headline_of(page) == "If Anthropic fails, 1 application is affected; 1 has no alternative."
    )
    said = visible_text(page)
    assert "Exposed 1 1" in said
    assert "Claims claims@example.org 1 0 0 0 1" in said
    assert "Triage" in page.content.decode().split('id="listing"')[1]
    assert drawing_titles(page, "1 exposed")


def test_several_changes_are_taken_together_each_can_be_dropped(asked, as_user):
    client = as_user(asked.governance)

    both = client.get("/what-if/?remove=developer:anthropic&remove=developer:openai")

    assert (
        headline_of(both)
        == "If Anthropic fails and Openai fails, 2 applications are affected; 2 have no "
        "alternative."
    )
    assert 'href="/what-if/?remove=developer:openai"' in both.content.decode()
    assert drawing_titles(both, "2 exposed")
    assert not drawing_titles(client.get("/what-if/?remove=developer:openai"), "2 exposed")


def test_a_replacement_changes_states_cost_and_concentration(asked, as_user):
    client = as_user(asked.governance)
    address = f"/what-if/?remove=developer:anthropic&replace={asked.sonnet.pk}:{asked.gpt.pk}"

    page = client.get(address)

    said = visible_text(page)
    assert "Triage Exposed Not affected" in said
    assert "USD per month 5 4" in said
    assert "HHI by developer 0.500 1.000" in said
    assert headline_of(page) == (
        "If Anthropic fails and gpt-4o on Azure replaces claude-sonnet-4-5 on Anthropic,"
        " none of your applications is affected."
    )


def test_a_move_a_retirement_and_a_price_are_asked_too(asked, as_user):
    client = as_user(asked.governance)

    moved = client.get(f"/what-if/?move={asked.uses_sonnet.pk}:{asked.gpt.pk}")
    retired = client.get(f"/what-if/?retire={asked.triage.slug}")
    dearer = client.get("/what-if/?reprice=developer:anthropic*2")

    assert headline_of(moved).startswith(
        "If Triage migrates to gpt-4o on Azure, 1 application changes"
    )
    assert headline_of(retired).startswith("If Triage is retired, 1 application changes")
    assert (
        headline_of(dearer)
        == "If Anthropic costs 2 times as much, costs increase by 3 USD per month."
    )
    by_form = client.get("/what-if/?remove=host:azure&repricing=developer:anthropic&factor=1,5")
    assert by_form.url == "/what-if/?remove=host:azure&reprice=developer:anthropic*1.5"


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (
            "remove=developer:nobody",
            "No record “developer:nobody” found. Search for it and select it.",
        ),
        ("replace=1:999999999", "One of the two offerings was not found."),
        ("move=999999:1", "Dependency not found. It does not exist or you do not have access."),
        ("reprice=developer:anthropic*x", "Enter a price factor"),
        (
            "retire=nothing",
            "No application “nothing” found. It does not exist or you do not have access.",
        ),
    ],
)
def test_what_cannot_be_meant_says_what_to_correct(asked, as_user, query, says):
    page = as_user(asked.governance).get(f"/what-if/?{query}")

    assert page.status_code == 200
    assert says in visible_text(page)


def test_a_member_is_answered_for_the_own_teams_and_strangers_stay_unknown(asked, as_user):
    client = as_user(asked.editor)

    page = client.get("/what-if/?remove=developer:anthropic&remove=developer:openai")

    assert headline_of(page).startswith(
        "If Anthropic fails and Openai fails, 1 application is affected"
    )
    assert "Quotes" not in visible_text(page)
    assert "Scope: your teams’ applications." in visible_text(page)
    assert "you do not have access" in visible_text(
        client.get(f"/what-if/?retire={asked.quotes.slug}")
    )
    rows = csv_rows(client.get("/what-if.csv?remove=developer:anthropic&remove=developer:openai"))
    assert [row["application"] for row in rows] == ["Triage"]


def test_anything_is_picked_by_a_few_letters_without_a_script(asked, as_user):
    client = as_user(asked.editor)

    found = client.get("/what-if/?pick=son&remove=host:azure").content.decode()

    assert f'href="/what-if/?remove=host:azure&amp;remove=offering:{asked.sonnet.pk}"' in found
    assert f'href="/what-if/?remove=host:azure&amp;replacing={asked.sonnet.pk}"' in found
    triage = client.get(
        "/what-if/find/?pick=triage", headers={"HX-Request": "true"}
    ).content.decode()
    assert f'href="/what-if/?moving={asked.uses_sonnet.pk}"' in triage
    assert f'href="/what-if/?retire={asked.triage.slug}"' in triage
    assert "<html" not in triage
    target = client.get(f"/what-if/?moving={asked.uses_sonnet.pk}&pick=gpt").content.decode()
    assert f'href="/what-if/?move={asked.uses_sonnet.pk}:{asked.gpt.pk}"' in target
    # a stranger's application is not found
    assert (
        asked.quotes.slug
        not in client.get("/what-if/?pick=quot").content.decode().split('id="picks"')[1]
    )
    assert "No record matches “zzz”." in visible_text(client.get("/what-if/?pick=zzz"))


def test_what_others_use_is_not_told_by_the_order_of_the_hits(asked, as_user):
    for n in range(8):
        make_offering(f"a-gpt-{n}", host=asked.gpt.host)
    found = {
        who: visible_text(as_user(who).get("/what-if/find/?pick=gpt"))
        for who in (asked.editor, asked.governance)
    }

    # used by Sales, and the ninth by name
    assert asked.gpt.api_id in found[asked.governance]
    assert asked.gpt.api_id not in found[asked.editor].replace("a-gpt", "")


def saved_by(client, **more):
    answer = client.post("/what-if/work-out/", {"remove": "developer:anthropic", **more})
    run = ScenarioRun.objects.latest("pk")
    assert answer.url == f"/what-if/answers/{run.pk}/"
    return run


def test_it_is_saved_worked_out_with_progress_and_again_it_says_the_same(asked, as_user):
    client = as_user(asked.governance)

    run = saved_by(client, name="Without Anthropic", note="For the committee")

    waiting = client.get(f"/what-if/answers/{run.pk}/")
    assert "The calculation is queued." in visible_text(waiting)
    fragment = client.get(f"/what-if/answers/{run.pk}/progress/", headers={"HX-Request": "true"})
    assert "<html" not in fragment.content.decode()
    assert "progress" in fragment.content.decode()
    run_queued(at=now())
    done = client.get(f"/what-if/answers/{run.pk}/progress/", headers={"HX-Request": "true"})
    assert done.headers["HX-Redirect"] == f"/what-if/answers/{run.pk}/"
    first = client.get(f"/what-if/answers/{run.pk}/")
    assert (
        headline_of(first) == "If Anthropic fails, 1 application is affected; 1 has no alternative."
    )
    assert "For the committee" in visible_text(first)
    assert "claims@example.org" in visible_text(first)

    client.post(f"/what-if/saved/{run.scenario_id}/again/")
    run_queued(at=now())
    again = ScenarioRun.objects.latest("pk")
    assert again.pk != run.pk
    run.refresh_from_db()
    assert (again.result, again.details) == (run.result, run.details)
    rows = csv_rows(client.get(f"/what-if/answers/{again.pk}/applications.csv"))
    assert [(row["application"], row["state"]) for row in rows] == [("Triage", "exposed")]
    live = csv_rows(client.get("/what-if.csv?remove=developer:anthropic"))
    assert live == rows
    book = b"".join(client.get(f"/what-if/answers/{again.pk}/applications.xlsx"))
    assert zipfile.ZipFile(io.BytesIO(book)).testzip() is None
    assert "Without Anthropic" in visible_text(client.get("/what-if/saved/"))


def test_what_is_shared_is_requested_by_each_for_the_own_teams(asked, as_user):
    run = saved_by(
        as_user(asked.governance),
        name="For all",
        remove=["developer:anthropic", "developer:openai"],
        shared="on",
    )
    hidden = saved_by(as_user(asked.governance), name="Mine alone")
    run_queued(at=now())
    member = as_user(asked.editor)

    assert "For all" in visible_text(member.get("/what-if/saved/"))
    assert "Mine alone" not in visible_text(member.get("/what-if/saved/"))
    assert member.get(f"/what-if/saved/{hidden.scenario_id}/").status_code == 404
    # the answer of somebody else names what this one may not see
    assert member.get(f"/what-if/answers/{run.pk}/").status_code == 404
    assert (
        member.post(f"/what-if/saved/{run.scenario_id}/", {"name": "Taken over"}).status_code == 403
    )
    member.post(f"/what-if/saved/{run.scenario_id}/again/")
    run_queued(at=now())
    own = ScenarioRun.objects.latest("pk")
    page = member.get(f"/what-if/answers/{own.pk}/")
    assert "Triage" in visible_text(page)
    assert "Quotes" not in visible_text(page)
    assert "Scope: some teams’ applications." in visible_text(page)
    assert Scenario.objects.get(pk=run.scenario_id).name == "For all"


def test_its_name_and_sharing_are_changed_by_who_saved_it(asked, as_user):
    member = as_user(asked.editor)
    run = saved_by(member)
    address = f"/what-if/saved/{run.scenario_id}/"
    assert "Anthropic fails" in visible_text(member.get(address))

    member.post(address, {"name": "Renamed", "note": "n", "shared": "on"})

    scenario = Scenario.objects.get(pk=run.scenario_id)
    assert (scenario.name, scenario.note, scenario.shared) == ("Renamed", "n", True)
    assert member.post(address, {"name": ""}).status_code == 422
    other = as_user(make_member(asked.sales, user=make_user("sales-editor")))
    assert other.get(address).status_code == 200
    assert "Save details" not in visible_text(other.get(address))
    assert 'href="/what-if/?remove=developer:anthropic"' in member.get(address).content.decode()


def test_two_answers_stand_beside_each_other(asked, as_user):
    client = as_user(asked.governance)
    first = saved_by(client, name="One stops")
    second = saved_by(client, name="Both stop", remove=["developer:anthropic", "developer:openai"])
    run_queued(at=now())

    page = client.get(f"/what-if/compare/?a={first.pk}&b={second.pk}")

    assert headline_of(page) == "“One stops” leaves one application exposed, “Both stop” 2."
    assert drawing_titles(page, "xposed 1 and 2")
    rows = csv_rows(client.get(f"/what-if/compare.csv?a={first.pk}&b={second.pk}"))
    assert rows[0] == {"": "Exposed", "One stops": "1", "Both stop": "2"}
    assert "Select two results to compare." in headline_of(
        client.get(f"/what-if/compare/?a={first.pk}")
    )
    assert (
        as_user(asked.editor).get(f"/what-if/compare/?a={first.pk}&b={second.pk}").status_code
        == 404
    )
    assert client.get("/what-if/compare/?a=x&b=1").status_code == 404


def test_flags_that_would_open_are_named(asked, as_user):
    """Quotes becomes critical: half of the critical ones on each developer is tolerated, all on one
    is not."""
    asked.quotes.criticality = 0
    asked.quotes.save()
    refresh(on=day_of(now()))
    client = as_user(asked.governance)

    page = client.get(f"/what-if/?replace={asked.sonnet.pk}:{asked.gpt.pk}")

    assert "would open" in headline_of(page)
    text = visible_text(page)
    assert "Openai Critical applications that depend on one developer" in text
    assert "within tolerance 100% 50% Opens" in text


def test_a_large_portfolio_is_left_to_a_worker_unless_things_only_fail(asked, as_user, monkeypatch):
    monkeypatch.setattr("apps.web.views.scenarios.preview.MAX_IMMEDIATE_APPLICATIONS", 1)
    client = as_user(asked.governance)

    page = client.get(f"/what-if/?replace={asked.sonnet.pk}:{asked.gpt.pk}")

    assert "the result is being calculated" in headline_of(page)
    assert "Calculate result" in visible_text(page)
    assert "1 application is affected" in headline_of(
        client.get("/what-if/?remove=developer:anthropic")
    )


def test_nothing_asked_is_refused_and_the_page_costs_little(
    asked, as_user, django_assert_num_queries
):
    client = as_user(asked.governance)
    assert client.post("/what-if/work-out/", {}).url == "/what-if/"
    assert not Scenario.objects.exists()
    client.get("/what-if/")
    with django_assert_num_queries(10):
        client.get("/what-if/")
    with django_assert_num_queries(16):
        client.get("/what-if/?remove=developer:anthropic")
