"""Home: what to decide today, for the organisation and for an owner."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from apps.accounts.models import AccountEvent, User
from apps.common.time import now
from apps.exposure.engine.table_refresh import refresh
from apps.exposure.models import EngineState
from apps.exposure.snapshots.monthly import past_month_ends, update_months
from apps.inventory.models import Application, Dependency, ReadModelState
from apps.inventory.read_models import refresh_stale_applications
from apps.issues.evaluation import evaluate_everything
from apps.issues.models import Issue
from apps.web.presenters import portfolio_stack as module
from tests.builders import (
    make_application,
    make_dependency,
    make_issue,
    make_offering,
    make_provider,
    make_user,
    make_version,
)
from tests.http import file_text, text_of, visible_text


def bring_up_to_date(world):
    """As the jobs do every few minutes."""
    refresh(on=world.today)
    ReadModelState.objects.all().delete()
    refresh_stale_applications(on=world.today)
    evaluate_everything(at=now())


def words_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def section_of(page: str, heading: str) -> str:
    """Return what a reader sees of the section with this id of its heading."""
    start = page.index(f'aria-labelledby="{heading}"')
    return words_of(page[start : page.index("</section>", start)])


# --- the organisation -----------------------------------------------------------------------------


def test_the_sentence_names_the_developer_and_the_tolerance(world, as_user):
    page = visible_text(as_user(world.governance).get("/"))

    assert (
        "100% of critical applications depend on one developer, Anthropic. The tolerance is 50%."
        in page
    )
    assert "2 of 2 critical applications have a primary model from Anthropic." in page


def test_the_twelve_months_are_drawn_on_the_first_day(world, as_user):
    months = past_month_ends(world.today)
    Dependency.objects.update(since=months[6])
    other = make_offering("other", host=make_provider("elsewhere"))
    make_dependency(
        make_application("Old one", team=world.team, criticality=0, status="retired"),
        other,
        since=months[0],
        until=world.today,
    )
    bring_up_to_date(world)
    update_months(on=world.today, at=now())

    page = text_of(as_user(world.governance).get("/"))

    assert '<figure class="trend">' in page
    assert re.search(r"month by month: 0% in \w+ \d{4}, 100% today", page)
    assert "+33 points since" in page
    table = visible_text(as_user(world.governance).get("/exposure/months/"))
    assert "Computed" in table
    assert "2 of 3" in table
    body = file_text(as_user(world.governance).get("/exposure/months.csv"))
    assert f"Anthropic,{months[8]},2,3,0.666667" in body


def test_a_user_of_a_team_gets_the_home_of_an_owner(world, as_user):
    page = text_of(as_user(world.viewer).get("/"))

    assert "No issue is assigned to you." in page
    assert "Clause finder" not in page
    assert "tolerance is" not in page


def test_what_is_retired_has_its_own_column_with_years(world, as_user):
    """Past dates were drawn at the left edge of the next 180 days, without a year."""
    retired_on = world.today - timedelta(days=40)
    world.sonnet.retires_on = retired_on
    world.sonnet.save()
    bring_up_to_date(world)

    page = text_of(as_user(world.governance).get("/"))

    past = page[page.index('<div class="past">') : page.index("</ol>", page.index('class="gone"'))]
    assert f"{retired_on.day} {retired_on:%b} {retired_on.year}" in past
    assert "Claude Sonnet 4.5" in past
    retirements = section_of(page, "h-retirements")
    assert "Already retired, still used: 1" in retirements
    assert "Claude Sonnet 4.5" not in page.partition('class="t fold timeline"')[2]


def test_an_earliest_date_retires_nothing(world, as_user):
    world.sonnet.retires_on = world.today - timedelta(days=5)
    world.sonnet.date_kind = "not_before"
    world.sonnet.save()
    bring_up_to_date(world)

    page = text_of(as_user(world.governance).get("/"))

    assert 'class="gone"' not in page
    assert '<span class="dim">from</span>' not in page
    assert "earliest date passed" in section_of(page, "h-retirements")


def test_a_model_retired_without_a_date_is_listed_as_retired(world, as_user):
    """Work listed it, and Home only counted it."""
    undated = make_offering(
        "sonnet-undated", host=world.sonnet.host, version=world.sonnet.version, lifecycle="retired"
    )
    make_dependency(make_application("Uses no date", team=world.team), undated)
    bring_up_to_date(world)

    page = visible_text(as_user(world.governance).get("/"))

    retired = page.partition("Already retired, still used: 1")[2]
    assert "date unknown Uses no date" in retired


def test_versions_of_one_foundation_have_their_own_names(world, as_user):
    """Two versions that retire on one day were one row, and two issues in Work."""
    due_on = world.today + timedelta(days=60)
    for name in ("Sonnet 4.5 of May", "Sonnet 4.5 of June"):
        version = make_version(
            f"anthropic/{name[-4:].lower()}",
            foundation=world.sonnet.version.foundation,
            name=name,
        )
        offering = make_offering(
            name[-4:], host=world.sonnet.host, version=version, retires_on=due_on, date_kind="firm"
        )
        make_dependency(make_application(f"Uses {name}", team=world.team), offering)
    bring_up_to_date(world)

    page = section_of(text_of(as_user(world.governance).get("/")), "h-retirements")

    assert "Sonnet 4.5 of May" in page
    assert "Sonnet 4.5 of June" in page


def test_an_earliest_date_to_come_is_the_first_possible_day(world, as_user):
    world.sonnet.retires_on = world.today + timedelta(days=5)
    world.sonnet.date_kind = "not_before"
    world.sonnet.save()
    bring_up_to_date(world)

    page = text_of(as_user(world.governance).get("/"))

    assert '<span class="dim">from</span>' in page
    assert "earliest date passed" not in page


def test_figure_and_list_of_retired_models_agree(world, as_user):
    """A figure counted two, and the list below it five. Figures say that they count primary
    models; the board lists what is retired apart from what retires."""
    world.sonnet.retires_on = world.today - timedelta(days=5)
    world.sonnet.save()
    bring_up_to_date(world)

    home = visible_text(as_user(world.governance).get("/"))
    board = visible_text(as_user(world.governance).get("/reports/board/"))

    n = (
        Application.objects.filter(
            dependencies__role="primary", dependencies__offering=world.sonnet
        )
        .distinct()
        .count()
    )
    assert n == 1
    assert "1 application still uses a retired model." in home
    assert "application still uses a retired primary model" in board
    assert "Claude Sonnet 4.5, Anthropic; 1 application" in board


def test_equal_models_of_one_host_and_day_are_one_row(world, as_user):
    due_on = world.today + timedelta(days=60)
    for region in ("a", "b"):
        offering = make_offering(
            f"{region}.sonnet",
            host=world.sonnet.host,
            version=world.sonnet.version,
            retires_on=due_on,
            date_kind="firm",
        )
        make_dependency(make_application(f"Uses {region}", team=world.team), offering)
    bring_up_to_date(world)

    page = text_of(as_user(world.governance).get("/"))

    timeline = page.split('class="t fold timeline"')[1].partition("</table>")[0]
    assert timeline.count(f'datetime="{due_on}"') == 1
    assert timeline.count("Next 180 days") == 1


def test_a_model_id_that_retired_early_is_no_row_with_one_that_still_answers(world, as_user):
    due_on = world.today + timedelta(days=60)
    for name, lifecycle in (("retired", "retired"), ("answering", "deprecated")):
        offering = make_offering(
            name,
            host=world.sonnet.host,
            version=world.sonnet.version,
            retires_on=due_on,
            date_kind="firm",
            lifecycle=lifecycle,
        )
        make_dependency(make_application(f"Uses {name}", team=world.team), offering)
    bring_up_to_date(world)

    page = text_of(as_user(world.governance).get("/"))

    assert "Already retired, still used: 1" in section_of(page, "h-retirements")
    timeline = page.split('class="t fold timeline"')[1].partition("</table>")[0]
    assert timeline.count(f'datetime="{due_on}"') == 1


def test_a_cause_has_consequence_owner_notification_and_two_acts(world, as_user):
    Issue.objects.all().delete()
    application = Application.objects.get(name="Claims triage")
    due_on = world.today + timedelta(days=3)
    issue = make_issue(
        application,
        due_on=due_on,
        act_by=world.today - timedelta(days=9),
        details={"effort_days": 12, "dependencies": []},
    )

    page = text_of(as_user(world.governance).get("/"))

    decisions = section_of(page, "h-decide")
    assert "Claims triage" in decisions
    assert "Migration: 9 days too late ." in decisions
    assert "Unassigned" in decisions
    assert "Not notified yet." in decisions
    assert "Assign owner" in decisions
    assert f'href="/issues/{issue.pk}/"' in page


def test_causes_are_ordered_by_urgency_then_criticality_then_days(world, as_user):
    Issue.objects.all().delete()
    today = world.today
    critical = Application.objects.get(name="Claims triage")
    standard = make_application("Standard one", team=world.team)
    later, soon, sooner, standard_issue = (
        make_issue(
            application,
            due_on=today + timedelta(days=days),
            act_by=today + timedelta(days=act_by),
        )
        for application, days, act_by in (
            # not urgent yet, although its date is the first of the critical ones
            (critical, 2, 3),
            (critical, 9, -1),
            (critical, 5, -1),
            (standard, 1, -20),
        )
    )

    page = text_of(as_user(world.governance).get("/"))

    shown = [int(pk) for pk in re.findall(r'<a href="/issues/(\d+)/">', page)]
    assert shown == [sooner.pk, soon.pk, standard_issue.pk, later.pk]


def test_an_assignment_returns_to_home_with_an_undo(world, as_user):
    Issue.objects.all().delete()
    issue = make_issue(Application.objects.get(name="Claims triage"), act_by=world.today)
    client = as_user(world.governance)

    answer = client.post(
        reverse("issues:bulk-respond"),
        {"action": "assign", "issue": issue.pk, "owner": world.governance.pk, "back": "/"},
    )

    assert answer["Location"] == "/"
    page = text_of(client.get("/"))
    assert "1 issue assigned." in page
    assert ">Undo</button>" in page
    issue.refresh_from_db()
    assert issue.owner == world.governance


def test_an_acknowledgement_and_an_acceptance_return_to_home(world, as_user):
    Issue.objects.all().delete()
    issue = make_issue(Application.objects.get(name="Claims triage"), act_by=world.today)
    client = as_user(world.governance)

    acknowledged = client.post(f"/issues/{issue.pk}/acknowledge/", {"back": "/"})
    accepted = client.post(
        f"/issues/{issue.pk}/accept/",
        {
            "until": (world.today + timedelta(days=20)).isoformat(),
            "reason": "Replaced in December",
            "back": "/",
        },
    )

    assert (acknowledged["Location"], accepted["Location"]) == ("/", "/")
    assert "Gap accepted until" in text_of(client.get("/"))


def test_an_auditor_reads_and_has_no_forms(world, as_user):
    Issue.objects.all().delete()
    make_issue(Application.objects.get(name="Claims triage"), act_by=world.today)

    page = text_of(as_user(make_user(role="auditor")).get("/"))

    assert "Claims triage" in page
    assert "Assign owner" not in page
    assert 'popovertarget="accept' not in page


def test_right_after_an_import_nothing_reassures(world, as_user):
    """For two minutes every zero was reported as good news."""
    Issue.objects.all().delete()
    Dependency.objects.all().delete()
    bring_up_to_date(world)
    make_dependency(make_application("Imported", team=world.team), make_offering(resolved=False))

    page = visible_text(as_user(world.governance).get("/"))

    assert "Exposure of 1 changed application is being calculated." in page
    assert "Retirements are being calculated." in page
    assert "Unresolved models are being calculated" in page
    assert "No model in use retires" not in page
    board = visible_text(as_user(world.governance).get("/reports/board/"))
    assert "No model in use retires" not in board
    assert "No retired model is in use" not in board


def test_before_the_first_refresh_exposure_is_being_calculated(world, as_user):
    EngineState.objects.update(as_of=None, built_at=None)

    page = visible_text(as_user(world.governance).get("/"))

    assert "3 applications registered. Exposure is being calculated." in page


def test_an_empty_register_shows_the_first_steps(world, as_user):
    Issue.objects.all().delete()
    Dependency.objects.all().delete()
    Application.objects.all().delete()
    bring_up_to_date(world)

    page = text_of(as_user(world.governance).get("/"))

    assert "No applications registered yet." in page
    assert "First steps" in page


def test_applications_without_an_owner_are_listed_behind_their_number(world, as_user):
    Application.objects.update(business_owner="Vera")
    make_application("Orphan", team=world.team)
    make_application("Retired orphan", team=world.team, status="retired")
    client = as_user(world.governance)

    page = text_of(client.get("/"))
    match = re.search(r'href="(/applications/[^"]*)">\s*(1 application) without an owner', page)
    rows = client.get(match[1].replace("&amp;", "&")).context["page"].rows

    assert [row.application.name for row in rows] == ["Orphan"]


def test_without_governance_home_says_who_is_notified_of_the_organisation(world, as_user):
    root = make_user("root", is_superuser=True, is_staff=True)
    client = as_user(root)
    assert "governance role" not in visible_text(client.get("/"))

    User.objects.filter(organisation_role="governance").delete()

    page = visible_text(client.get("/"))
    assert (
        "No user has the governance role. Alerts about the organisation go to the administrators."
        in page
    )
    assert "View users" in page


def sign_in_earlier(user, *, days):
    """The sign-in of now and one of some days before."""
    for ago in (days, 0):
        at = now() - timedelta(days=ago)
        AccountEvent.objects.create(kind="signed_in", user=user, first_at=at, last_at=at)


def test_home_counts_what_opened_and_closed_since_the_previous_sign_in(world, as_user):
    Issue.objects.all().delete()
    opened_at = now() - timedelta(days=9)
    before = make_issue(world.triage, opened_at=opened_at)
    recent = make_issue(world.triage, opened_at=now())
    make_issue(
        world.triage,
        opened_at=opened_at,
        state="resolved",
        resolution="cause_ended",
        resolved_at=now(),
    )
    sign_in_earlier(world.governance, days=2)
    client = as_user(world.governance)

    page = text_of(client.get("/"))

    day = (now() - timedelta(days=2)).date()
    assert "Since your previous sign-in on" in page
    opened = f"/work/?opened_since={day}&amp;sort=opened"
    resolved = f"/work/?state=resolved&amp;resolved_since={day}"
    assert re.search(rf'href="{re.escape(opened)}"\s*>1 opened', page)
    assert re.search(rf'href="{re.escape(resolved)}"\s*>1 resolved', page)
    listed = client.get(opened.replace("&amp;", "&")).content.decode()
    assert f'data-panel="{recent.pk}"' in listed
    assert f'data-panel="{before.pk}"' not in listed


def test_without_changes_home_says_so_and_at_the_first_sign_in_nothing(world, as_user):
    Issue.objects.update(opened_at=now() - timedelta(days=9))
    client = as_user(world.governance)
    assert "previous sign-in" not in visible_text(client.get("/"))

    sign_in_earlier(world.governance, days=2)

    assert "no issue opened, none resolved." in visible_text(client.get("/"))


def test_home_costs_the_same_however_many_applications_there_are(
    world, as_user, django_assert_num_queries, django_assert_max_num_queries
):
    client = as_user(world.governance)
    bring_up_to_date(world)
    with django_assert_max_num_queries(30) as first:
        client.get("/")
    for number in range(5):
        make_dependency(
            make_application(f"More {number}", team=world.team, criticality=0), world.sonnet
        )
    bring_up_to_date(world)

    with django_assert_num_queries(len(first)):
        client.get("/")


# --- an owner -------------------------------------------------------------------------------------


def test_an_owner_reads_the_own_issues_first_with_acts(world, as_user):
    Issue.objects.all().delete()
    application = Application.objects.get(name="Claims triage")
    Application.objects.filter(pk=application.pk).update(
        business_owner="Vera", business_owner_person=world.viewer
    )
    make_issue(application, owner=world.viewer, act_by=world.today)

    page = text_of(as_user(world.viewer).get("/"))

    assert "1 of your issues needs work now" in page
    assert "Claims triage" in section_of(page, "h-decide")
    assert ">You</b>" in page
    assert "1 of 1 application" in section_of(page, "h-developers")
    assert "tolerance of the organisation does not apply" in page


def accept(issue, world, *, until):
    Issue.objects.filter(pk=issue.pk).update(
        state="accepted",
        accepted_until=until,
        accepted_by=world.governance,
        accepted_reason="Budget in May",
        act_by=until,
    )


def test_an_accepted_issue_returns_to_home_on_the_day_its_acceptance_expires(world, as_user):
    Issue.objects.all().delete()
    application = Application.objects.get(name="Claims triage")
    issue = make_issue(application, owner=world.viewer)

    accept(issue, world, until=world.today + timedelta(days=1))
    page = text_of(as_user(world.viewer).get("/"))
    assert "1 issue is assigned to you. None needs work now." in page
    assert 'aria-labelledby="h-decide"' not in page
    page = text_of(as_user(world.governance).get("/"))
    assert "Claims triage" not in section_of(page, "h-decide")

    accept(issue, world, until=world.today)
    for reader in (world.viewer, world.governance):
        page = text_of(as_user(reader).get("/"))
        assert "Claims triage" in section_of(page, "h-decide")


def test_the_number_of_own_issues_is_that_of_the_list_behind_it(world, as_user):
    Issue.objects.all().delete()
    application = Application.objects.get(name="Claims triage")
    accepted = make_issue(application, owner=world.viewer)
    accept(accepted, world, until=world.today + timedelta(days=9))
    make_issue(application, owner=world.viewer)
    client = as_user(world.viewer)

    page = text_of(client.get("/"))

    assert "View all 2</a>" in page
    assert len(client.get("/work/?owner=me").context["page"].rows) == 2


def test_an_owner_sees_applications_of_the_teams_without_an_owner(world, as_user):
    Application.objects.filter(team=world.team).update(business_owner="", technical_owner="")

    page = text_of(as_user(world.viewer).get("/"))

    assert "Unassigned" in section_of(page, "h-unowned")


def test_the_home_of_an_owner_costs_the_same_however_many_applications_there_are(
    world, as_user, django_assert_num_queries, django_assert_max_num_queries
):
    client = as_user(world.viewer)
    Application.objects.filter(team=world.team).update(business_owner_person=world.viewer)
    bring_up_to_date(world)
    Issue.objects.all().update(owner=world.viewer)
    with django_assert_max_num_queries(30) as first:
        client.get("/")
    for number in range(5):
        application = make_application(
            f"More {number}", team=world.team, business_owner_person=world.viewer
        )
        make_dependency(application, world.sonnet)
    bring_up_to_date(world)
    Issue.objects.all().update(owner=world.viewer)

    with django_assert_num_queries(len(first)):
        client.get("/")


# --- the portfolio, which left Home ---------------------------------------------------------------


def test_the_portfolio_is_drawn_in_both_shapes_with_every_application_named(world, as_user):
    page = text_of(as_user(world.governance).get("/exposure/portfolio/"))

    assert page.count('<svg class="draw wide wide-only"') == 1
    assert page.count('<svg class="draw narrow-only"') == 1
    assert page.count("<title>Claims triage: Claude Sonnet 4.5, Anthropic</title>") == 2
    assert "Foundations by blast radius" in page
    assert "Shortest runways" in page


def test_a_portfolio_of_a_team_is_that_of_its_applications(world, as_user):
    page = text_of(as_user(world.viewer).get("/exposure/portfolio/"))

    assert "Applications of Claims" in page
    assert "Clause finder" not in page


def test_a_portfolio_too_large_to_draw_singly_is_grouped(world, as_user, monkeypatch):
    monkeypatch.setattr(module, "DRAWN_SINGLY", 2)

    page = text_of(as_user(world.governance).get("/exposure/portfolio/"))
    # the second time they come out of the cache
    with monkeypatch.context() as broken:
        broken.setattr(module, "common_stacks", None)
        again = text_of(as_user(world.governance).get("/exposure/portfolio/"))

    assert "1 applications, 1 critical: Claude Sonnet 4.5, Anthropic" in again
    assert "by common stack" in page


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/concentration.csv", "Developer,Anthropic,2,2,1.000000"),
        ("/runway.csv", "Claims triage,Claims,Critical,claude-sonnet-4-5,Anthropic"),
        ("/ends.csv", "Anthropic,claude-sonnet-4-5,Claude Sonnet 4.5"),
    ],
)
def test_each_picture_has_its_numbers_as_a_file(path, expected, world, as_user):
    body = file_text(as_user(world.governance).get(path))

    assert expected in body
