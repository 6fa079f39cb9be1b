"""One application's page: what it says, its files, and every form on it, as those who may and those
who may not."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest

from apps.accounts.roles import TeamRole
from apps.catalog.models import Offering, Price
from apps.common.time import now
from apps.inventory.governance.approvals import record_decision
from apps.inventory.models import Adaptation, Application, Dependency, ExitPlan, ExitTest
from apps.inventory.read_models import refresh_stale_applications
from tests.builders import (
    make_adaptation,
    make_application,
    make_dependency,
    make_exit_plan,
    make_exit_test,
    make_member,
    make_offering,
)
from tests.http import file_lines, text_of


def undo(client, response):
    """Presses the undo that the page after a change shows."""
    offered = re.findall(
        r'class="said undo" method="post" action="(/undo/[^"]+)"', text_of(response)
    )
    # what earlier posts said comes first where nobody looked at their page
    return client.post(offered[-1], {"back": "/applications/"}, follow=True)


@pytest.fixture
def page_of(world, as_user):
    def read(user, application=None, tab=""):
        slug = (application or world.triage).slug
        return text_of(as_user(user).get(f"/applications/{slug}/?tab={tab}"))

    return read


class TestThePage:
    def test_fallbacks_have_a_grade_and_failure_modes_a_result(self, world, page_of):
        dependencies = page_of(world.viewer, tab="dependencies")
        readiness = page_of(world.viewer, tab="exit-readiness")

        assert "<b>1</b> same version, another host" in dependencies
        assert "Host outage" in readiness
        assert "Developer failure" in readiness
        assert 'data-l="result" class="bad">Exposed' in readiness

    def test_announced_prices_say_what_changes_when(self, world, page_of):
        moment = now()
        Dependency.objects.filter(application=world.triage, role="primary").update(
            monthly_input_tokens=2_000_000
        )
        Price.objects.filter(offering=world.sonnet).update(
            valid=(moment - timedelta(30), moment + timedelta(20))
        )
        Price.objects.create(
            offering=world.sonnet,
            unit="input",
            amount="4.5",
            valid=(moment + timedelta(20), None),
            claim=None,
        )

        page = page_of(world.viewer, tab="cost")

        assert "6.00 USD" in page
        assert "9.00 USD" in page
        assert "+3.00" in page
        assert "→ 4.5 USD" in page

    def test_decisions_on_what_it_calls_are_listed(self, world, page_of):
        record_decision(
            target=world.sonnet.host,
            decision="approved",
            reason="contract signed",
            at=now(),
            by=world.governance,
            expires_on=world.today + timedelta(90),
        )

        assert "contract signed" in page_of(world.viewer, tab="history")

    def test_a_reader_gets_no_form_a_stranger_no_page(self, world, as_user, page_of):
        for_reader = page_of(world.viewer)

        for address in ("/edit/", "/declare/", "/plan/", "/replace/", "/undo/"):
            assert address not in for_reader
        assert as_user(world.outsider).get(f"/applications/{world.triage.slug}/").status_code == 404
        assert as_user(world.viewer).get(f"/applications/{world.foreign.slug}/").status_code == 404

    def test_files_say_what_the_page_says(self, world, as_user):
        client = as_user(world.viewer)
        slug = world.triage.slug

        for table in (
            "runway",
            "fallbacks",
            "exit-tests",
            "adaptations",
            "cost",
            "findings",
            "decisions",
            "history",
        ):
            assert client.get(f"/applications/{slug}/{table}.csv").status_code == 200
        assert "claude-sonnet-4-5" in file_lines(client.get(f"/applications/{slug}/runway.csv"))[1]
        assert (
            "same version, another host"
            in file_lines(client.get(f"/applications/{slug}/fallbacks.csv"))[1]
        )
        assert client.get(f"/applications/{slug}/nonsense.csv").status_code == 404
        assert client.get(f"/applications/{world.foreign.slug}/cost.csv").status_code == 404


class TestRegistering:
    def test_an_application_and_then_what_it_calls(self, world, as_user):
        client = as_user(world.editor)
        made = client.post(
            "/register/",
            {
                "name": "Letter writer",
                "team": world.team.pk,
                "criticality": 1,
                "purpose": "Writes letters",
            },
        )
        application = Application.objects.get(name="Letter writer")
        assert made["Location"] == f"/applications/{application.slug}/declare/"

        done = client.post(
            made["Location"],
            {
                "offering": world.sonnet.pk,
                "role": "primary",
                "since": world.today.isoformat(),
                "traffic_share": "100",
                "reached": "direct",
                "adaptation_kind": "prompt",
                "adaptation_name": "Prompt 1",
                "adaptation_moves": "portable",
            },
            follow=True,
        )

        dependency = application.dependencies.get()
        assert (dependency.offering, dependency.traffic_share) == (world.sonnet, Decimal(1))
        assert str(dependency.adaptations.get()) == "Prompt 1"
        assert "uses claude-sonnet-4-5 as primary." in text_of(done)
        assert "Runway: no retirement date before, 10 days left, effort unknown now." in text_of(
            done
        )

        undo(client, done)
        assert not application.dependencies.exists()

    def test_what_is_not_in_the_catalogue_goes_to_the_identity_inbox(self, world, as_user):
        done = as_user(world.editor).post(
            f"/applications/{world.drafter.slug}/declare/",
            {
                "new_host": world.sonnet_bedrock.host.pk,
                "new_api_id": "in-house-9000",
                "is_model_id": "on",
                "role": "tool",
                "since": world.today.isoformat(),
                "reached": "direct",
            },
            follow=True,
        )

        offering = Offering.objects.get(api_id="in-house-9000")
        assert offering in Offering.objects.unresolved()
        assert world.drafter.dependencies.filter(offering=offering, role="tool").exists()
        assert "Identify it under Unresolved models" in text_of(done)

    def test_a_name_is_declared_as_a_name_and_not_as_a_model_id(self, world, as_user):
        done = as_user(world.editor).post(
            f"/applications/{world.drafter.slug}/declare/",
            {
                "new_host": world.sonnet_bedrock.host.pk,
                "new_api_id": "our  house model (new)",
                "role": "tool",
                "since": world.today.isoformat(),
                "reached": "direct",
            },
            follow=True,
        )

        offering = Offering.objects.get(api_id="our house model (new)")
        assert (offering.kind, offering.lifecycle) == ("name", "unknown")
        assert offering not in Offering.objects.unresolved()
        assert "Its model ID is not known." in text_of(done)

    def test_mistakes_are_said_where_they_are(self, world, as_user):
        client = as_user(world.editor)
        nothing = client.post(
            f"/applications/{world.drafter.slug}/declare/", {"role": "primary", "since": "x"}
        )
        twice = client.post(
            f"/applications/{world.triage.slug}/declare/",
            {
                "offering": world.sonnet.pk,
                "role": "primary",
                "since": world.today.isoformat(),
                "reached": "direct",
            },
        )

        assert (nothing.status_code, twice.status_code) == (422, 422)
        assert (
            "Select a model from the list, or enter the model ID or name of one that is not in the "
            "catalogue"
        ) in text_of(nothing)
        assert "Enter a date such as 2026-11-24" in text_of(nothing)
        assert "This dependency is already declared for that period." in text_of(twice)

    def test_only_editors(self, world, as_user):
        data = {"name": "X", "team": world.team.pk, "criticality": 1}

        assert "You need the editor role on a team to register applications." in text_of(
            as_user(world.viewer).get("/register/")
        )
        assert as_user(world.viewer).post("/register/", data).status_code == 403
        assert (
            as_user(world.outsider).get(f"/applications/{world.triage.slug}/declare/").status_code
            == 404
        )
        assert (
            as_user(world.viewer).post(f"/applications/{world.triage.slug}/declare/").status_code
            == 403
        )
        # a team one may not edit cannot be chosen
        assert (
            as_user(world.editor)
            .post("/register/", {**data, "team": world.foreign.team.pk})
            .status_code
            == 422
        )
        assert not Application.objects.filter(name="X").exists()


class TestPicking:
    def test_by_words_of_id_model_maker_and_host(self, world, as_user):
        client = as_user(world.editor)
        address = f"/applications/{world.drafter.slug}/declare/"

        both = text_of(client.get(address, {"q": "sonnet"}))
        one = text_of(client.get(address, {"q": "sonnet bedrock"}))
        none = text_of(client.get(address, {"q": "gemini"}))

        assert f'value="{world.sonnet.pk}"' in both
        assert f'value="{world.sonnet_bedrock.pk}"' in both
        assert f'value="{world.sonnet.pk}"' not in one
        assert f'value="{world.sonnet_bedrock.pk}"' in one
        assert "Claude Sonnet 4.5" in one
        assert "3.00" in both
        assert "No models match this search." in none

    def test_htmx_gets_the_hits_and_keeps_what_is_chosen(self, world, as_user):
        answer = as_user(world.editor).get(
            f"/applications/{world.drafter.slug}/declare/",
            {"q": "bedrock", "offering": world.sonnet.pk},
            headers={"HX-Request": "true"},
        )

        assert "<html" not in text_of(answer)
        assert f'value="{world.sonnet.pk}" id="pick-{world.sonnet.pk}" checked' in text_of(answer)
        assert f'value="{world.sonnet_bedrock.pk}"' in text_of(answer)

    def test_a_decision_against_the_chosen_one_is_said_before(self, world, as_user):
        record_decision(
            target=world.sonnet.host,
            decision="blocked",
            reason="no agreement",
            at=now(),
            by=world.governance,
        )

        page = text_of(
            as_user(world.editor).get(
                f"/applications/{world.drafter.slug}/declare/", {"offering": world.sonnet.pk}
            )
        )

        assert "Anthropic is blocked: no agreement" in page

    @pytest.mark.parametrize("page", ["declare", "replace"])
    def test_a_blocked_model_is_marked_before_it_is_selected(self, page, world, as_user):
        record_decision(
            target=world.sonnet_bedrock,
            decision="blocked",
            reason="no agreement",
            at=now(),
            by=world.governance,
        )
        primary = world.triage.dependencies.get(role="primary")
        path = {
            "declare": f"/applications/{world.triage.slug}/declare/",
            "replace": f"/dependencies/{primary.pk}/replace/",
        }[page]

        picker = as_user(world.editor).get(path, {"q": "sonnet"}).context["picker"]

        marked = {hit.offering for hit in picker.hits if "blocked by an approval" in hit.warnings}
        assert marked == {world.sonnet_bedrock}

    def test_a_replacement_that_retires_on_the_same_date_says_so(self, world, as_user):
        primary = world.triage.dependencies.get(role="primary")
        Offering.objects.filter(pk=world.sonnet_bedrock.pk).update(
            retires_on=world.sonnet.retires_on, date_kind="firm"
        )

        page = text_of(as_user(world.editor).get(f"/dependencies/{primary.pk}/replace/"))

        assert "retires on the same date as claude-sonnet-4-5" in page


class TestChanging:
    def facts(self, client, application, **changes):
        """The form as it was shown, with some fields changed."""
        shown = client.get(f"/applications/{application.slug}/edit/").content.decode()
        seen = re.search(r'name="seen" value="([^"]+)"', shown)[1]
        return {
            "name": application.name,
            "team": application.team_id,
            "criticality": application.criticality,
            "status": application.status,
            "purpose": application.purpose,
            "personal_data": "unknown",
            "users_affected": application.users_affected or "",
            "seen": seen,
            **changes,
        }

    @pytest.mark.proof
    def test_every_fact_and_back(self, world, as_user):
        client = as_user(world.editor)
        facts = self.facts(
            client,
            world.triage,
            rto_hours="4",
            external_refs="CMDB: CI-1",
            next_review_on="2027-02-01",
        )

        done = client.post(
            f"/applications/{world.triage.slug}/edit/",
            {**facts, "reason": "said in the review"},
            follow=True,
        )

        world.triage.refresh_from_db()
        assert (world.triage.rto_hours, world.triage.external_refs) == (4, {"CMDB": "CI-1"})
        history = client.get(f"/applications/{world.triage.slug}/?tab=history")
        assert "said in the review" in text_of(history)
        undo(client, done)
        world.triage.refresh_from_db()
        assert world.triage.rto_hours is None

    def test_of_two_editors_the_second_compares(self, world, as_user):
        first, second = as_user(world.editor), as_user(world.governance)
        mine = self.facts(first, world.triage, purpose="Mine")
        theirs = self.facts(second, world.triage, purpose="Theirs")

        second.post(f"/applications/{world.triage.slug}/edit/", theirs)
        compared = first.post(f"/applications/{world.triage.slug}/edit/", mine)

        assert compared.status_code == 422
        assert "maren" in text_of(compared)
        assert "<b>Theirs</b>" in text_of(compared)
        world.triage.refresh_from_db()
        assert world.triage.purpose == "Theirs"

    @pytest.mark.proof
    def test_readers_and_strangers(self, world, as_user):
        address = f"/applications/{world.triage.slug}/"
        for step in ("edit/", "retire/", "merge/", "bring-back/"):
            assert as_user(world.viewer).post(address + step).status_code == 403
            assert as_user(world.outsider).post(address + step).status_code == 404

    def test_retired_and_brought_back(self, world, as_user):
        client = as_user(world.editor)
        address = f"/applications/{world.triage.slug}/"

        client.post(address + "retire/", {"on": world.today.isoformat(), "reason": "replaced"})
        world.triage.refresh_from_db()
        assert world.triage.status == "retired"
        assert not world.triage.dependencies.filter(until=None).exists()

        client.post(
            address + "bring-back/",
            {"on": world.today.isoformat(), "status": "pilot", "with_dependencies": "on"},
        )
        world.triage.refresh_from_db()
        assert world.triage.status == "pilot"
        assert world.triage.dependencies.filter(until=None).count() == 2

    def test_two_records_of_one_become_one_after_a_look(self, world, as_user):
        client = as_user(world.editor)
        other = make_application("Triage of claims", team=world.team)
        make_dependency(other, make_offering("another"))
        address = f"/applications/{world.triage.slug}/merge/"
        asked = {"duplicate": "triage of claims", "on": world.today.isoformat()}

        seen = client.post(address, asked)
        assert "It moves to Claims triage" in text_of(seen)
        other.refresh_from_db()
        assert other.merged_into is None

        client.post(address, {**asked, "sure": other.slug})
        other.refresh_from_db()
        assert other.merged_into == world.triage
        led = client.get(f"/applications/{other.slug}/")
        assert (led.status_code, led["Location"]) == (301, f"/applications/{world.triage.slug}/")

        foreign = client.post(address, {**asked, "duplicate": world.foreign.slug})
        assert "No application with this name or slug found" in text_of(foreign)


class TestDependencies:
    @pytest.fixture
    def primary(self, world):
        return world.triage.dependencies.get(role="primary")

    def seen(self, client, address):
        return re.search(r'name="seen" value="([^"]+)"', client.get(address).content.decode())[1]

    def test_corrected_with_what_it_does_to_the_findings(self, world, as_user, primary):
        client = as_user(world.editor)
        address = f"/dependencies/{primary.pk}/edit/"
        data = {
            "seen": self.seen(client, address),
            "traffic_share": "100 %",
            "fallback_order": 0,
            "reached": "direct",
            "binding": "pinned",
            "monthly_input_tokens": "5000",
            "tags": "eu, batch",
        }

        done = client.post(address, data, follow=True)

        primary.refresh_from_db()
        assert (primary.traffic_share, primary.tags) == (Decimal(1), ["eu", "batch"])
        assert "2 findings resolved." in text_of(done)

    def test_the_second_of_two_editors_compares(self, world, as_user, primary):
        first, second = as_user(world.editor), as_user(world.governance)
        address = f"/dependencies/{primary.pk}/edit/"
        data = {
            "traffic_share": "90",
            "fallback_order": 0,
            "reached": "direct",
            "binding": "unknown",
        }
        old, also_old = self.seen(first, address), self.seen(second, address)

        second.post(address, {**data, "seen": also_old, "monthly_requests": "7"})
        compared = first.post(address, {**data, "seen": old, "monthly_requests": "9"})

        assert compared.status_code == 422
        assert "maren" in text_of(compared)
        primary.refresh_from_db()
        assert primary.monthly_requests == 7

    @pytest.mark.proof
    def test_replaced_by_what_suggests_itself(self, world, as_user, primary):
        client = as_user(world.editor)
        Offering.objects.filter(pk=world.sonnet.pk).update(replacement=world.unknown)
        address = f"/dependencies/{primary.pk}/replace/"

        assert "replacement named by the provider" in text_of(client.get(address))
        nothing = client.post(address, {"on": world.today.isoformat()})
        assert "Select the new model." in text_of(nothing)

        done = client.post(
            address, {"offering": world.unknown.pk, "on": world.today.isoformat()}, follow=True
        )
        assert "captions-prod replaces claude-sonnet-4-5" in text_of(done)
        assert "no retirement date now." in text_of(done)
        primary.refresh_from_db()
        assert primary.until == world.today

        undo(client, done)
        primary.refresh_from_db()
        assert primary.until is None

    def test_ended_and_reopened(self, world, as_user, primary):
        client = as_user(world.editor)

        client.post(f"/dependencies/{primary.pk}/end/", {"on": world.today.isoformat()})
        primary.refresh_from_db()
        assert primary.until == world.today
        assert f"/dependencies/{primary.pk}/reopen/" in text_of(
            client.get(f"/applications/{world.triage.slug}/?tab=dependencies")
        )

        client.post(f"/dependencies/{primary.pk}/reopen/", {"until": ""})
        primary.refresh_from_db()
        assert primary.until is None

    def test_what_was_observed_is_confirmed(self, world, as_user, primary):
        Dependency.objects.filter(pk=primary.pk).update(origin="observed")
        client = as_user(world.editor)

        done = client.post(f"/dependencies/{primary.pk}/confirm/", follow=True)

        assert "Confirmed: claude-sonnet-4-5 is used." in text_of(done)
        primary.refresh_from_db()
        assert primary.origin == "declared"

    def test_fallbacks_are_put_in_order_in_one_change(self, world, as_user):
        first = world.triage.dependencies.get(role="fallback")
        second = make_dependency(world.triage, make_offering(), "fallback", fallback_order=3)
        client = as_user(world.editor)
        address = f"/applications/{world.triage.slug}/fallbacks/"

        refused = client.post(address, {f"order-{first.pk}": "2"}, follow=True)
        assert "Number the fallbacks 1, 2, 3" in text_of(refused)
        client.post(address, {f"order-{first.pk}": "2", f"order-{second.pk}": "1"})

        first.refresh_from_db()
        second.refresh_from_db()
        assert (first.fallback_order, second.fallback_order) == (2, 1)

    @pytest.mark.proof
    def test_what_was_built_on_it(self, world, as_user, primary):
        client = as_user(world.editor)
        client.post(
            f"/dependencies/{primary.pk}/adaptations/new/",
            {"kind": "retrieval", "moves": "rebuild"},
        )
        adaptation = Adaptation.objects.get()
        address = f"/adaptations/{adaptation.pk}/"

        client.post(
            address,
            {
                "seen": self.seen(client, address),
                "kind": "retrieval",
                "moves": "re_run",
                "name": "Index",
            },
        )
        adaptation.refresh_from_db()
        assert (adaptation.name, adaptation.moves) == ("Index", "re_run")
        page = client.get(f"/applications/{world.triage.slug}/?tab=dependencies")
        assert "Index" in text_of(page)

        done = client.post(address + "remove/", follow=True)
        assert not Adaptation.objects.exists()
        undo(client, done)
        assert Adaptation.objects.get().name == "Index"

    @pytest.mark.proof
    def test_a_plan_and_a_test_to_leave(self, world, as_user, primary):
        client = as_user(world.editor)
        plan = f"/dependencies/{primary.pk}/plan/"
        hard = client.post(
            plan,
            {"target": world.sonnet_bedrock.pk, "substitutability": "not", "estimated_days": "12"},
        )
        assert "Select why it is hard to substitute" in text_of(hard)

        client.post(
            plan,
            {
                "target": world.sonnet_bedrock.pk,
                "substitutability": "easily",
                "estimated_days": "12",
            },
        )
        assert ExitPlan.objects.get().estimated_days == 12

        tests = f"/dependencies/{primary.pk}/tests/new/"
        late = client.post(
            tests,
            {
                "target": world.sonnet_bedrock.pk,
                "result": "passed",
                "tested_on": (world.today + timedelta(1)).isoformat(),
            },
        )
        assert "Record the test after it was made" in text_of(late)
        done = client.post(
            tests,
            {
                "target": world.sonnet_bedrock.pk,
                "result": "passed",
                "effort_days": "30",
                "tested_on": world.today.isoformat(),
                "evidence_ref": "report 7",
            },
            follow=True,
        )
        assert "Runway: −2 days before, −20 days now." in text_of(done)

        test = ExitTest.objects.get()
        address = f"/exit-tests/{test.pk}/"
        client.post(
            address,
            {
                "seen": self.seen(client, address),
                "target": world.sonnet_bedrock.pk,
                "result": "passed",
                "effort_days": "3",
                "tested_on": world.today.isoformat(),
            },
        )
        test.refresh_from_db()
        assert (test.effort_days, test.recorded_by) == (3, world.editor)

        done = client.post(f"/exit-plans/{ExitPlan.objects.get().pk}/remove/", follow=True)
        assert not ExitPlan.objects.exists()
        undo(client, done)
        assert ExitPlan.objects.exists()

    @pytest.mark.proof
    def test_readers_and_strangers(self, world, as_user, primary):
        adaptation = make_adaptation(primary, "prompt")
        test = make_exit_test(primary, world.sonnet_bedrock, tested_on=world.today)
        plan = make_exit_plan(primary)
        viewer, outsider = as_user(world.viewer), as_user(world.outsider)
        own = f"/dependencies/{primary.pk}/"
        for address in (
            own + "edit/",
            own + "confirm/",
            own + "end/",
            own + "reopen/",
            own + "replace/",
            own + "plan/",
            own + "tests/new/",
            own + "adaptations/new/",
            f"/adaptations/{adaptation.pk}/",
            f"/adaptations/{adaptation.pk}/remove/",
            f"/exit-tests/{test.pk}/",
            f"/exit-plans/{plan.pk}/remove/",
            f"/applications/{world.triage.slug}/fallbacks/",
        ):
            assert viewer.post(address).status_code == 403, address
            assert outsider.post(address).status_code == 404, address


def test_a_change_on_a_page_shows_in_lists_at_once(world, as_user):
    refresh_stale_applications(on=world.today)
    client = as_user(make_member(world.team, TeamRole.EDITOR))
    assert "Mail drafter" in text_of(client.get("/findings/?code=unresolved"))

    client.post(
        f"/dependencies/{world.drafter.dependencies.get().pk}/end/", {"on": world.today.isoformat()}
    )

    assert "Mail drafter" not in text_of(client.get("/findings/?code=unresolved"))
    assert "Mail drafter" in text_of(client.get("/findings/?code=no_primary"))
