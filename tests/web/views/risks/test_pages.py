"""The pages of risks: what is inherited and not looked at, where it lies, its names elsewhere, what
backs it."""

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.catalog.models import NodeKind
from apps.common.time import now
from apps.risks.actions.counts import count_inherited_risk
from apps.risks.actions.foundation_risks import raise_risk
from apps.risks.catalogue import load_risk_catalogue
from apps.risks.models import Assessment, Evidence, FoundationRisk, RiskTemplate
from apps.risks.queries import counts, counts_sql
from apps.risks.queries.conditions import InheritedRiskQuery
from apps.risks.queries.inherited import inherited_risks
from apps.web.views.risks.forms import EvidenceForm
from apps.web.views.risks.register import RegisterList
from tests.builders import (
    make_adaptation,
    make_application,
    make_assessment,
    make_dependency,
    make_event,
    make_evidence,
    make_node,
    make_offering,
    make_risk,
)
from tests.http import csv_rows, file_lines, visible_text, workbook_of
from tests.risks.evaluations.result_files import promptfoo_case, promptfoo_file

DAY = timedelta(days=1)


@pytest.fixture
def risky(world):
    """The small portfolio with a risk on the host of one fallback and a foreign primary, and one on
    the foundation."""
    at = now()
    load_risk_catalogue()
    world.lock_in = raise_risk(
        node=make_node(NodeKind.HOST, world.sonnet_bedrock.host),
        template=RiskTemplate.objects.get(code="FR-25"),
        facts={"likelihood": 3, "impact": 5},
        by=world.governance,
        at=at - 30 * DAY,
    )
    world.invents = raise_risk(
        node=make_node(NodeKind.FOUNDATION, world.sonnet.version.foundation),
        template=RiskTemplate.objects.get(code="FR-05"),
        facts={"likelihood": 5, "impact": 5, "facts": "Seen in our own tests."},
        by=world.governance,
        at=at - 30 * DAY,
    )
    world.primary = world.triage.dependencies.get(role="primary")
    world.fallback = world.triage.dependencies.get(role="fallback")
    return world


class TestRegister:
    def test_the_sentence_says_how_many_are_not_assessed(self, risky, as_user):
        make_assessment(risky.invents, risky.primary)

        page = visible_text(as_user(risky.governance).get("/risks/"))

        # host: the fallback, the unresolved primary and the foreign primary; foundation: all but
        # the unresolved
        assert (
            "2 groups have 5 inherited risks to decide : 5 unassessed, 4 of them on critical "
            "applications." in page
        )

    def test_two_portfolios_give_two_heat_maps_and_each_cell_leads_to_its_rows(
        self, risky, as_user
    ):
        client = as_user(risky.governance)

        def cells(response):
            found = re.findall(
                r'<a href="([^"]+)" aria-label="Likelihood (\d), impact (\d): (\d+) risks?"',
                response.content.decode(),
            )
            return {
                (int(likelihood), int(impact)): (int(n), url.replace("&amp;", "&"))
                for url, likelihood, impact, n in found
            }

        before = cells(client.get("/risks/heat-map/"))
        assert {cell: n for cell, (n, _) in before.items()} == {(5, 5): 3, (3, 5): 3}
        for n, url in before.values():
            listed = client.get(url)
            assert len(re.findall(r'name="pick"', listed.content.decode())) == n
            assert len(file_lines(client.get(url.replace("/risks/", "/risks.csv")))) == n + 1
        assert "3 of 6 risks are very high by their inherent level." in visible_text(
            client.get("/risks/heat-map/")
        )

        make_dependency(make_application(team=risky.team), risky.sonnet)
        after = cells(client.get("/risks/heat-map/"))
        assert {cell: n for cell, (n, _) in after.items()} == {(5, 5): 4, (3, 5): 3}
        csv = file_lines(client.get("/risks/heat.csv"))
        assert "inherent,5,5,Very high,4" in csv
        assert len(csv) == 26

    def test_current_and_residual_show_what_somebody_assessed(self, risky, as_user):
        make_assessment(
            risky.invents,
            risky.primary,
            current_likelihood=4,
            current_impact=4,
            residual_likelihood=1,
            residual_impact=2,
        )
        client = as_user(risky.governance)

        moved = client.get("/risks/?heat=residual")
        assert (moved.status_code, moved["Location"]) == (301, "/risks/heat-map/?heat=residual")
        page = client.get(moved["Location"])

        assert (
            'href="/risks/?group=none&amp;level=residual&amp;likelihood=1&amp;impact=2"'
            in page.content.decode()
        )
        assert "5 risks are unassessed and have no such level." in visible_text(page)
        assert len(file_lines(client.get("/risks.csv?level=residual&likelihood=1&impact=2"))) == 2

    def test_a_member_sees_its_own_teams_and_a_stranger_nothing(self, risky, as_user):
        page = visible_text(as_user(risky.viewer).get("/risks/?group=none"))

        assert "4 risks are inherited" in page
        assert "Clause finder" not in page
        empty = visible_text(as_user(risky.outsider).get("/risks/"))
        assert "No inherited risks yet" in empty
        assert "Add an application with its dependencies" in empty

    def test_a_viewer_gets_no_boxes_and_no_way_to_decide(self, risky, as_user):
        client = as_user(risky.viewer)
        assert 'name="pick"' not in client.get("/risks/?group=none").content.decode()
        assert "/risks/assess/" not in client.get("/risks/").content.decode()

        address = f"/risks/inherited/{risky.invents.pk}-{risky.primary.pk}/"
        assert "Save assessment" not in client.get(address).content.decode()
        assert client.post(address + "assess/", {"confidence": "low"}).status_code == 403
        assert not Assessment.objects.exists()

    def test_filters_narrow_page_and_csv_alike_and_heads_sort_where_there_are_few(
        self, risky, as_user
    ):
        client = as_user(risky.governance)

        page = visible_text(client.get(f"/risks/?application={risky.triage.slug}&sort=-risk"))
        assert "3 risks are inherited by Claims triage" in page
        assert (
            'aria-sort="descending"' in client.get("/risks/?group=none&sort=-risk").content.decode()
        )
        assert len(file_lines(client.get(f"/risks.csv?team={risky.team.slug}&severity=5"))) == 3
        assert (
            len(file_lines(client.get("/risks.csv?taxonomy=nist-ai-600-1&entry=confabulation")))
            == 4
        )
        assert "No records match these filters." in visible_text(
            client.get("/risks/?q=nothing-like-it")
        )

    def test_what_cannot_be_read_says_so_and_is_left_out(self, risky, as_user):
        page = client_page = as_user(risky.governance).get("/risks/?due_before=yesterday")

        assert 'aria-invalid="true"' in page.content.decode()
        assert "6 inherited risks match these filters." in visible_text(client_page)

    def test_stale_ones_say_why_and_lead_to_the_event(self, risky, as_user):
        event = make_event(risky.sonnet, kind="repriced")
        make_assessment(
            risky.invents,
            risky.primary,
            state="stale",
            stale_cause="event",
            stale_reason="Price changed: sonnet.",
            stale_event=event,
            stale_since=now(),
        )

        page = as_user(risky.editor).get("/risks/?group=none").content.decode()

        assert f'<a href="/events/{event.pk}/">Price changed: sonnet.</a>' in page

    def test_acceptances_that_run_out_and_those_that_have_are_shown(self, risky, as_user):
        accepted = {
            "treatment": "accept",
            "accepted_by": risky.governance,
            "accepted_at": now(),
            "accept_reason": "small",
        }
        make_assessment(
            risky.invents, risky.primary, accepted_until=risky.today + 20 * DAY, **accepted
        )
        make_assessment(risky.lock_in, risky.fallback, accepted_until=risky.today - DAY, **accepted)
        client = as_user(risky.governance)

        page = visible_text(client.get("/risks/heat-map/"))
        assert "Expiring acceptances" in page
        ended = visible_text(
            client.get(f"/risks/inherited/{risky.lock_in.pk}-{risky.fallback.pk}/")
        )
        assert "expired on" in ended

    def test_teams_lead_to_what_they_have_not_looked_at(self, risky, as_user):
        client = as_user(risky.governance)
        page = client.get("/risks/heat-map/").content.decode()

        found = re.findall(
            r'<a href="(/risks/\?team=[^"#]+)">([^<]+)</a></th>'
            r'<td class="num">\d+</td><td class="num">(\d+)',
            page,
        )

        assert {name: int(n) for _, name, n in found} == {"Claims": 4, "Legal": 2}
        for url, _, n in found:
            assert (
                len(
                    file_lines(
                        client.get(url.replace("&amp;", "&").replace("/risks/", "/risks.csv"))
                    )
                )
                == int(n) + 1
            )
        assert file_lines(client.get("/risks/teams.csv"))[1].endswith("Claims,4,4,0,0,0")

    def test_in_a_large_organisation_figures_are_those_last_counted_and_say_so(
        self, risky, as_user, monkeypatch
    ):
        monkeypatch.setattr(counts, "MAX_LIVE_APPLICATIONS", 1)
        monkeypatch.setattr("apps.risks.queries.conditions.MAX_GATHERED_APPLICATIONS", 1)
        count_inherited_risk(now())
        make_assessment(risky.invents, risky.primary)
        client = as_user(risky.governance)

        page = visible_text(client.get("/risks/?group=none"))
        assert "6 risks are inherited: none of them is assessed" in page
        assert "Figures counted" in page
        assert "6 rows on this page, 6 in all" in page
        count_inherited_risk(now())
        assert "5 are not assessed" in visible_text(client.get("/risks/?group=none"))

    @pytest.mark.proof
    @pytest.mark.parametrize(
        "path",
        [
            "/",
            "/exposure/portfolio/",
            "/risks/",
            "/risks/heat-map/?heat=residual",
            "/risks/teams.csv",
            "/risks/heat.csv",
        ],
    )
    def test_after_an_import_of_many_no_page_counts_while_its_reader_waits(
        self, path, risky, as_user, monkeypatch
    ):
        """Nothing was ever counted, as on the first day, or the last count was of a small
        organisation."""
        monkeypatch.setattr("apps.risks.queries.conditions.MAX_GATHERED_APPLICATIONS", 1)
        monkeypatch.setattr(counts, "MAX_LIVE_APPLICATIONS", 1)
        client = as_user(risky.governance)

        def refuse(**_):
            raise AssertionError("a page counts inherited risks")

        for name in ("totals_sql", "teams_sql", "levels_sql"):
            monkeypatch.setattr(counts_sql, name, refuse)
        never = client.get(path)
        assert never.status_code == 200
        if path in ("/exposure/portfolio/", "/risks/") or path.startswith("/risks/heat-map/"):
            assert "Inherited risks are being counted." in visible_text(never)

    def test_members_of_large_teams_get_stored_counts_by_team_with_their_time(
        self, risky, as_user, monkeypatch
    ):
        monkeypatch.setattr(counts, "MAX_LIVE_APPLICATIONS", 1)
        count_inherited_risk(now())
        make_assessment(risky.invents, risky.primary)

        def refuse(**_):
            raise AssertionError("a page counts inherited risks of teams")

        monkeypatch.setattr(counts_sql, "teams_sql", refuse)
        client = as_user(risky.viewer)

        portfolio = visible_text(client.get("/exposure/portfolio/"))
        assert "Unassessed risks by team As of" in portfolio
        page = visible_text(client.get("/risks/heat-map/"))
        assert "Counted" in page
        (row,) = file_lines(client.get("/risks/teams.csv"))[1:]
        assert row.endswith(",Claims,4,4,0,0,0")

    @pytest.mark.proof
    def test_a_risk_raised_since_the_last_count_is_not_called_unused(
        self, risky, as_user, monkeypatch
    ):
        monkeypatch.setattr(counts, "MAX_LIVE_APPLICATIONS", 1)
        count_inherited_risk(now() - DAY)
        risk = raise_risk(
            node=make_node(NodeKind.HOST, risky.sonnet_bedrock.host),
            template=RiskTemplate.objects.get(code="FR-21"),
            by=risky.governance,
            at=now(),
        )
        client = as_user(risky.governance)

        assert "Its dependencies are counted within 2 minutes" in visible_text(
            client.get(f"/risks/foundations/{risk.pk}/")
        )
        count_inherited_risk(now())
        assert "is inherited by 3 dependencies" in visible_text(
            client.get(f"/risks/foundations/{risk.pk}/")
        )

    def test_a_workbook_of_rows_that_cannot_be_counted_is_left_to_a_worker(
        self, risky, as_user, monkeypatch
    ):
        monkeypatch.setattr("apps.risks.queries.conditions.MAX_GATHERED_APPLICATIONS", 1)
        client = as_user(risky.governance)

        counted = client.get("/risks.xlsx?severity=5")
        uncounted = client.get("/risks.xlsx?q=invents")

        assert len(list(workbook_of(counted).active.iter_rows())) == 4
        assert uncounted.url == "/files/?make=inherited-risks&query=q%3Dinvents"

    def test_leafing_by_cursor_shows_each_row_once(self, risky, as_user, monkeypatch):
        monkeypatch.setattr("apps.risks.queries.conditions.MAX_GATHERED_APPLICATIONS", 1)
        monkeypatch.setattr(RegisterList, "page_size", 4)
        client = as_user(risky.governance)

        first = client.get("/risks/?group=none").content.decode()
        onwards = re.search(r'rel="next" href="([^"]+)"', first).group(1).replace("&amp;", "&")
        second = client.get("/risks/" + onwards).content.decode()

        picks = re.findall(r'name="pick" value="([^"]+)"', first + second)
        assert len(picks) == len(set(picks)) == 6
        assert 'rel="prev"' in second

    @pytest.mark.proof
    def test_the_page_costs_the_same_however_much_is_inherited(
        self, risky, as_user, django_assert_max_num_queries
    ):
        client = as_user(risky.governance)
        for number in range(6):
            make_assessment(
                make_risk(make_node(NodeKind.OFFERING, risky.sonnet)),
                risky.primary,
                state="stale",
                stale_cause="event",
                stale_reason=f"Event {number}.",
            )
            make_dependency(make_application(), make_offering())
        client.get("/risks/")

        with django_assert_max_num_queries(16):
            client.get("/risks/")
        with django_assert_max_num_queries(14):
            client.get("/risks/", headers={"HX-Request": "true"})
        with django_assert_max_num_queries(16):
            client.get("/risks/?group=none")
        with django_assert_max_num_queries(20):
            client.get("/risks/heat-map/")


class TestOne:
    def test_it_says_step_by_step_why_it_applies(self, risky, as_user):
        page = visible_text(
            as_user(risky.editor).get(f"/risks/inherited/{risky.invents.pk}-{risky.primary.pk}/")
        )

        order = [
            page.index(words)
            for words in (
                "Inheritance path",
                "used as primary",
                "served model",
                "anthropic/claude-sonnet-4-5-20250929",
                "a release of",
                "risk attached here",
            )
        ]
        assert order == sorted(order)
        assert "plausible but false content (hallucination or confabulation)" in page
        assert "Seen in our own tests." in page

    def test_adaptations_move_the_level_and_say_why(self, risky, as_user):
        make_adaptation(risky.primary, "retrieval")

        page = visible_text(
            as_user(risky.editor).get(f"/risks/inherited/{risky.invents.pk}-{risky.primary.pk}/")
        )

        assert "Adaptations that change the level" in page
        assert "Inherent, here after adaptations of this dependency 4 likely × 5 severe 20" in page

    def test_its_identifiers_elsewhere_are_shown_with_the_kind_of_mapping(self, risky, as_user):
        page = visible_text(
            as_user(risky.editor).get(f"/risks/inherited/{risky.invents.pk}-{risky.primary.pk}/")
        )

        assert "NIST AI 600-1, Generative AI Profile Confabulation confabulation Exact" in page

    def test_a_stranger_gets_404(self, risky, as_user):
        foreign = risky.foreign.dependencies.get()
        assert (
            as_user(risky.editor)
            .get(f"/risks/inherited/{risky.lock_in.pk}-{foreign.pk}/")
            .status_code
            == 404
        )
        assert (
            as_user(risky.governance)
            .get(f"/risks/inherited/{risky.lock_in.pk}-{risky.primary.pk}/")
            .status_code
            == 404
        )

    def test_what_is_no_longer_inherited_keeps_its_record(self, risky, as_user):
        make_assessment(risky.invents, risky.primary, plan="second reader")
        FoundationRisk.objects.filter(pk=risky.invents.pk).update(
            closed_at=now(), closed_reason="mended"
        )

        page = visible_text(
            as_user(risky.editor).get(f"/risks/inherited/{risky.invents.pk}-{risky.primary.pk}/")
        )

        assert "no longer inherits" in page
        assert "second reader" in page


class TestFoundationRisks:
    def test_governance_raises_one_from_a_template_and_everything_above_inherits_it(
        self, risky, as_user
    ):
        client = as_user(risky.governance)

        answer = client.post(
            "/risks/foundations/new/",
            {
                "node_kind": "version",
                "node": "anthropic/claude-sonnet-4-5-20250929",
                "template": RiskTemplate.objects.get(code="FR-18").pk,
                "confidence": "low",
                "inherits": "on",
            },
            follow=True,
        )

        risk = FoundationRisk.objects.get(template__code="FR-18")
        assert answer.redirect_chain == [(f"/risks/foundations/{risk.pk}/", 302)]
        assert risk.likelihood == risk.template.usual_likelihood
        assert (
            len(
                inherited_risks(
                    user=risky.governance, on=risky.today, query=InheritedRiskQuery(risk=risk.pk)
                ).rows
            )
            == 3
        )
        assert "is inherited by 3 dependencies" in visible_text(answer)

    def test_an_own_risk_needs_a_title_and_levels_and_a_node_that_exists(self, risky, as_user):
        answer = as_user(risky.governance).post(
            "/risks/foundations/new/",
            {"node_kind": "foundation", "node": "claude", "confidence": "low"},
        )

        page = visible_text(answer)
        assert answer.status_code == 422
        assert "Select a template, or enter a title for a custom risk." in page
        assert "A custom risk has no default level. Enter one." in page
        assert "No single record found. Enter the number of the record. Perhaps:" in page

    def test_the_same_twice_is_refused_with_what_to_do(self, risky, as_user):
        said = {
            "node_kind": "foundation",
            "node": "anthropic-claude-sonnet-4-5",
            "confidence": "low",
            "template": risky.invents.template_id,
        }

        page = visible_text(as_user(risky.governance).post("/risks/foundations/new/", said))

        assert "This risk is already recorded on this node" in page

    @pytest.mark.proof
    def test_it_is_changed_closed_and_opened_again_by_governance_only(self, risky, as_user):
        address = f"/risks/foundations/{risky.invents.pk}/"
        client = as_user(risky.governance)
        form = client.get(address).content.decode()
        seen = re.search(r'name="seen" value="([^"]+)"', form).group(1)

        client.post(
            address + "change/",
            {"likelihood": 2, "impact": 5, "confidence": "high", "inherits": "on", "seen": seen},
        )
        risky.invents.refresh_from_db()
        assert (risky.invents.likelihood, risky.invents.confidence) == (2, "high")
        late = client.post(
            address + "change/",
            {"likelihood": 1, "impact": 5, "confidence": "high", "inherits": "on", "seen": seen},
        )
        assert "changed this record while you were editing" in visible_text(late)

        closed = client.post(address + "close/", {"because": "mended"}, follow=True)
        assert "The risk was closed. No dependency inherits it any more." in visible_text(closed)
        assert f'action="{address}reopen/"' in closed.content.decode()
        client.post(address + "reopen/")
        risky.invents.refresh_from_db()
        assert risky.invents.closed_at is None
        assert client.post(address + "close/", {}).status_code == 422
        for action in ("change/", "close/", "reopen/"):
            assert as_user(risky.editor).post(address + action, {"because": "x"}).status_code == 403
        assert as_user(risky.editor).post("/risks/foundations/new/", {}).status_code == 403

    def test_the_list_counts_who_inherits_and_costs_the_same(
        self, risky, as_user, django_assert_num_queries
    ):
        client = as_user(risky.governance)
        page = visible_text(
            client.get("/risks/foundations/?foundation=anthropic-claude-sonnet-4-5")
        )
        assert "1 foundation risk matches the filters." in page
        for _ in range(5):
            make_risk(make_node(NodeKind.OFFERING, make_offering()))
        client.get("/risks/foundations/")

        with django_assert_num_queries(10):
            client.get("/risks/foundations/")
        assert len(file_lines(client.get("/risks/foundations.csv"))) == 8


class TestCrosswalk:
    def test_it_says_which_of_the_twelve_have_open_risks_here(self, risky, as_user):
        client = as_user(risky.viewer)

        page = visible_text(client.get("/risks/crosswalk/?taxonomy=nist-ai-600-1"))

        assert (
            "1 of the 12 recorded entries of NIST AI 600-1, Generative AI Profile have open risks "
            "here." in page
        )
        assert "Licence: Work of the US Government" in page
        FoundationRisk.objects.all().delete()
        assert "0 of the 12 recorded entries" in visible_text(
            client.get("/risks/crosswalk/?taxonomy=nist-ai-600-1")
        )

    def test_the_csv_holds_a_row_a_mapping_in_the_terms_of_sssom(self, risky, as_user):
        rows = file_lines(as_user(risky.viewer).get("/risks/crosswalk.csv?taxonomy=nist-ai-600-1"))

        assert rows[0].startswith("subject_id,subject_label,predicate_id,object_source")
        assert any(
            row.startswith("FR-05,") and ",skos:exactMatch,nist-ai-600-1,confabulation," in row
            for row in rows
        )

    def test_a_template_says_what_moves_it_and_where_it_is_open(self, risky, as_user):
        page = visible_text(as_user(risky.viewer).get("/risks/templates/FR-05/"))

        assert "Claude Sonnet 4.5" in page
        assert "Effect of adaptations" in page
        assert as_user(risky.viewer).get("/risks/templates/FR-99/").status_code == 404


class TestEvidence:
    def test_expired_and_failing_ones_are_marked_and_what_they_back_is_counted(
        self, risky, as_user
    ):
        old = make_evidence(
            application=risky.triage,
            tool="promptfoo",
            metric="facts kept",
            value="0.97",
            threshold="0.96",
            passed=True,
            run_on=risky.today - 90 * DAY,
            expires_on=risky.today - DAY,
        )
        assessment = make_assessment(risky.invents, risky.primary)
        assessment.evidence.add(old)
        client = as_user(risky.editor)

        page = visible_text(client.get("/risks/evidence/"))
        assert "1 piece of evidence is recorded; 1 is failing or expired ." in page
        one = visible_text(client.get(f"/risks/evidence/{old.pk}/"))
        assert "expired . Repeat the test and record the result." in one
        assert "FR-05 Claims triage" in one

    def test_the_page_and_its_file_have_the_same_evidence_and_cost_the_same(
        self, risky, as_user, django_assert_max_num_queries
    ):
        expiring = make_evidence(
            application=risky.triage,
            version=risky.sonnet.version,
            metric="facts kept",
            value="100",
            threshold="96",
            n=500,
            expires_on=risky.today + DAY,
        )
        make_assessment(risky.invents, risky.primary).evidence.add(expiring)
        for _ in range(4):
            make_evidence(application=risky.triage)
        client = as_user(risky.editor)

        with django_assert_max_num_queries(12):
            page = visible_text(client.get("/risks/evidence/"))
        rows = csv_rows(client.get("/risks/evidence.csv"))
        (first,) = csv_rows(client.get("/risks/evidence.csv?sort=expires"))

        assert f"Claims triage {risky.sonnet.version.identifier} facts kept 100" in page
        assert "for 1 assessment" in page
        assert len(rows) == 5
        assert (first["Metric"], first["Value"], first["Assessments"]) == ("facts kept", "100", "1")

    def test_the_page_shows_every_field_of_the_form(self, risky, as_user):
        page = as_user(risky.editor).get("/risks/evidence/new/").content.decode()

        for name in EvidenceForm(user=risky.editor).fields:
            assert f'name="{name}"' in page

    def test_an_editor_records_a_result_and_attaches_it_in_one_go(self, risky, as_user):
        assessment = make_assessment(risky.invents, risky.primary)
        client = as_user(risky.editor)

        answer = client.post(
            f"/risks/evidence/new/?risk={risky.invents.pk}&dependency={risky.primary.pk}",
            {
                "kind": "own_evaluation",
                "application": risky.triage.slug,
                "tool": "promptfoo",
                "evaluator": "first",
                "metric": "facts kept",
                "value": "0.91",
                "threshold": "0.96",
                "higher_is_better": "on",
                "n": "500",
                "run_on": risky.today.isoformat(),
            },
            follow=True,
        )

        found = Evidence.objects.get()
        assert found.passed is False
        assert list(assessment.evidence.all()) == [found]
        assert "The evidence was recorded and attached." in visible_text(answer)

    def test_what_is_wrong_with_it_is_said_at_its_field(self, risky, as_user):
        client = as_user(risky.editor)
        said = {
            "kind": "document",
            "evaluator": "first",
            "run_on": (risky.today + DAY).isoformat(),
            "application": risky.triage.slug,
        }

        assert "The run date is in the future." in visible_text(
            client.post("/risks/evidence/new/", said)
        )
        assert "No application with this" in visible_text(
            client.post("/risks/evidence/new/", said | {"application": risky.foreign.slug})
        )
        wrong = said | {"run_on": risky.today.isoformat(), "digest": "abc"}
        assert "64 hexadecimal digits" in visible_text(client.post("/risks/evidence/new/", wrong))
        general = said | {"application": "", "version": "anthropic/claude-sonnet-4-5-20250929"}
        assert client.post("/risks/evidence/new/", general).status_code == 403
        assert as_user(risky.viewer).get("/risks/evidence/new/").status_code == 403

    def test_evidence_about_a_foreign_application_is_not_there(self, risky, as_user):
        foreign = make_evidence(application=risky.foreign)

        assert as_user(risky.editor).get(f"/risks/evidence/{foreign.pk}/").status_code == 404
        assert "No evidence yet." in visible_text(as_user(risky.editor).get("/risks/evidence/"))

    @pytest.mark.proof
    def test_a_tools_file_becomes_evidence_of_its_figures_once(self, risky, as_user):
        client = as_user(risky.editor)
        body = promptfoo_file(
            promptfoo_case("openai:chat:boom", True), promptfoo_case("openai:chat:boom", False, 1)
        )

        def upload(**said):
            file = SimpleUploadedFile("results.json", body)
            return client.post("/risks/evidence/upload/", {"file": file, **said}, follow=True)

        answer = visible_text(upload(application=risky.triage.slug))
        assert "1 result of promptfoo was recorded." in answer
        assert "pass rate" in answer
        found = Evidence.objects.get()
        assert (found.application, found.passed, found.recorded_by) == (
            risky.triage,
            False,
            risky.editor,
        )
        assert "uploaded before. Nothing was added" in visible_text(
            upload(application=risky.triage.slug)
        )

    def test_a_file_that_is_none_and_a_foreign_application_are_refused_at_their_fields(
        self, risky, as_user
    ):
        client = as_user(risky.editor)
        file = SimpleUploadedFile("x.json", b"no results")

        answer = client.post(
            "/risks/evidence/upload/",
            {"file": file, "application": risky.triage.slug, "tool": "garak"},
        )
        assert answer.status_code == 422
        assert "Line 1 of the report is not valid JSON." in visible_text(answer)
        foreign = {"file": SimpleUploadedFile("x.json", b"{}"), "application": risky.foreign.slug}
        assert "No application with this" in visible_text(
            client.post("/risks/evidence/upload/", foreign)
        )
        general = client.post(
            "/risks/evidence/upload/", {"file": SimpleUploadedFile("x.json", b"{}")}
        )
        assert general.status_code == 403
        assert as_user(risky.viewer).get("/risks/evidence/upload/").status_code == 403
