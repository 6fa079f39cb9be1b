"""Deciding about risks on the pages: one, five together, accepting for a time, and taking it
back."""

import re
from datetime import timedelta

import pytest

from apps.accounts.roles import TeamRole
from apps.catalog.models import NodeKind
from apps.risks.models import Assessment, FoundationRisk
from tests.builders import (
    make_application,
    make_assessment,
    make_dependency,
    make_evidence,
    make_member,
    make_node,
    make_risk,
)
from tests.http import visible_text

DAY = timedelta(days=1)


@pytest.fixture
def risky(world):
    """A risk on the version that three applications call: two of the editor's team, one foreign."""
    world.second = make_application("Letter sorter", team=world.team)
    make_dependency(world.second, world.sonnet)
    world.risk = make_risk(
        make_node(NodeKind.VERSION, world.sonnet.version),
        title="Invents facts",
        likelihood=4,
        impact=4,
    )
    world.dependency = world.triage.dependencies.get(role="primary")
    world.address = f"/risks/inherited/{world.risk.pk}-{world.dependency.pk}/"
    world.owner = make_member(world.team, TeamRole.OWNER)
    return world


def hidden(client, address, action):
    """The hidden fields of one form of the page."""
    page = client.get(address).content.decode()
    form = page[page.index(f"{address}{action}/") :]
    form = form[: form.index("</form>")]
    return dict(
        re.findall(r'<input type="hidden" name="(seen|version)"(?: value="([^"]*)")?', form)
    )


class TestOne:
    def test_an_editor_assesses_it_and_takes_that_back(self, risky, as_user):
        client = as_user(risky.editor)
        said = {
            "current_likelihood": 3,
            "current_impact": 4,
            "residual_likelihood": 2,
            "residual_impact": 2,
            "confidence": "high",
            "treatment": "reduce",
            "plan": "second reader",
            "due_on": "2027-03-01",
            "owner": risky.editor.pk,
        }

        answer = client.post(
            risky.address + "assess/", said | hidden(client, risky.address, "assess"), follow=True
        )

        row = Assessment.objects.get()
        assert (row.current, row.residual, row.treatment, row.owner) == (
            12,
            4,
            "reduce",
            risky.editor,
        )
        page = visible_text(answer)
        assert "The risk was assessed." in page
        assert "second reader" in page
        assert "Residual: 2 unlikely × 2 minor" in page
        undo = re.search(r'action="(/risks/undo/[^"]+)"', answer.content.decode()).group(1)
        back = client.post(undo, {"back": risky.address}, follow=True)
        assert "Undone: 1 risk has its previous assessment." in visible_text(back)
        assert not Assessment.objects.exists()

    def test_a_level_needs_both_its_halves(self, risky, as_user):
        client = as_user(risky.editor)

        answer = client.post(
            risky.address + "assess/", {"current_likelihood": 3, "confidence": "high"}
        )

        assert answer.status_code == 422
        assert "Likelihood and impact form a level together" in visible_text(answer)
        assert not Assessment.objects.exists()

    def test_who_comes_second_compares_first_and_then_overwrites_knowingly(self, risky, as_user):
        make_assessment(risky.risk, risky.dependency, plan="as it was")
        client, other = as_user(risky.editor), as_user(risky.owner)
        seen = hidden(client, risky.address, "assess")
        other.post(
            risky.address + "assess/",
            {"confidence": "low", "plan": "faster"} | hidden(other, risky.address, "assess"),
        )

        answer = client.post(
            risky.address + "assess/", {"confidence": "high", "plan": "slower"} | seen
        )

        page = visible_text(answer)
        assert answer.status_code == 422
        assert "Values that another user changed while you were editing" in page
        assert "as it was faster slower" in page
        again = dict(
            re.findall(
                r'<input type="hidden" name="(seen|version)" value="([^"]*)"',
                answer.content.decode(),
            )
        )
        client.post(risky.address + "assess/", {"confidence": "high", "plan": "slower"} | again)
        assert Assessment.objects.get().plan == "slower"

    def test_what_became_stale_meanwhile_is_not_overwritten_unseen(self, risky, as_user):
        row = make_assessment(risky.risk, risky.dependency)
        client = as_user(risky.editor)
        seen = hidden(client, risky.address, "assess")
        Assessment.objects.filter(pk=row.pk).update(
            state="stale", stale_cause="event", stale_reason="Alias moved.", version=2
        )

        answer = client.post(risky.address + "assess/", {"confidence": "medium"} | seen)

        assert answer.status_code == 422
        assert Assessment.objects.get().state == "stale"

    def test_it_does_not_apply_needs_a_reason(self, risky, as_user):
        client = as_user(risky.editor)
        version = hidden(client, risky.address, "not-applicable")

        refused = client.post(risky.address + "not-applicable/", version)
        assert "Enter a reason why the risk does not apply" in visible_text(refused)
        client.post(risky.address + "not-applicable/", version | {"because": "no people read it"})
        assert Assessment.objects.get().not_applicable_reason == "no people read it"

    def test_evidence_is_attached(self, risky, as_user):
        make_assessment(risky.risk, risky.dependency)
        evidence = make_evidence(application=risky.triage, metric="facts kept")
        other = make_evidence(application=risky.drafter)
        client = as_user(risky.editor)

        client.post(risky.address + "evidence/", {"evidence": evidence.pk})
        refused = client.post(risky.address + "evidence/", {"evidence": other.pk})

        assert list(Assessment.objects.get().evidence.all()) == [evidence]
        assert refused.status_code == 422


class TestAccepting:
    def test_an_owner_accepts_until_a_day_with_a_reason_and_revokes(self, risky, as_user):
        client = as_user(risky.owner)
        version = hidden(client, risky.address, "accept")
        until = risky.today + 30 * DAY

        answer = client.post(
            risky.address + "accept/",
            version | {"until": until.isoformat(), "because": "small audience"},
            follow=True,
        )

        assert "Accepted until" in visible_text(answer)
        assert Assessment.objects.get().accepted_until == until
        version = hidden(client, risky.address, "revoke")
        answer = client.post(
            risky.address + "revoke/", version | {"because": "audience grew"}, follow=True
        )
        assert "The acceptance was revoked. Reassess the risk." in visible_text(answer)
        assert Assessment.objects.get().state == "stale"

    @pytest.mark.parametrize(
        ("until", "words"),
        [
            (None, "Enter a date. An acceptance must have an expiry date."),
            (0, "The acceptance would already have expired."),
            (800, "An acceptance must expire by"),
        ],
    )
    def test_without_an_end_or_with_one_too_far_it_is_refused(self, risky, as_user, until, words):
        client = as_user(risky.owner)
        said = {"because": "small audience"} | hidden(client, risky.address, "accept")
        if until is not None:
            said["until"] = (risky.today + until * DAY).isoformat()

        answer = client.post(risky.address + "accept/", said)

        assert answer.status_code == 422
        assert words in visible_text(answer)
        assert not Assessment.objects.exists()

    def test_an_editor_may_not(self, risky, as_user):
        client = as_user(risky.editor)

        assert "Accept it until a day" not in visible_text(client.get(risky.address))
        assert (
            client.post(
                risky.address + "accept/", {"until": "2027-01-01", "because": "x"}
            ).status_code
            == 403
        )


@pytest.fixture
def five(risky):
    """Five inherited risks of the editor's team, as the register offers them."""
    for number in range(3):
        make_risk(make_node(NodeKind.OFFERING, risky.sonnet), title=f"Risk {number}")
    return risky


def picks_of(client, query=""):
    return re.findall(
        r'name="pick" value="([^"]+)"', client.get(f"/risks/?group=none{query}").content.decode()
    )


class TestTogether:
    def test_five_are_assessed_at_once_after_a_preview_and_taken_back(
        self, five, as_user, django_assert_max_num_queries
    ):
        client = as_user(five.editor)
        picks = picks_of(client)[:5]
        assert len(picks) == 5

        preview = client.post("/risks/assess/", {"pick": picks, "back": "/risks/?state=unassessed"})
        page = visible_text(preview)
        assert "One decision for 5 risks of" in page
        assert "Claims triage" in page
        assert not Assessment.objects.exists()

        with django_assert_max_num_queries(130):
            answer = client.post(
                "/risks/assess/",
                {
                    "pick": picks,
                    "save": "true",
                    "decision": "assess",
                    "treatment": "reduce",
                    "due_on": "2027-02-01",
                    "residual_likelihood": 2,
                    "residual_impact": 3,
                    "plan": "one plan",
                    "back": "/risks/?state=unassessed",
                },
                follow=True,
            )
        assert answer.redirect_chain == [("/risks/?state=unassessed", 302)]
        assert "5 risks assessed." in visible_text(answer)
        assert set(Assessment.objects.values_list("treatment", "plan", "residual")) == {
            ("reduce", "one plan", 6)
        }
        assert Assessment.objects.count() == 5

        undo = re.search(r'action="(/risks/undo/[^"]+)"', answer.content.decode()).group(1)
        assert as_user(five.outsider).post(undo).status_code == 404
        assert as_user(five.viewer).post(undo).status_code == 403
        back = client.post(undo, {"back": "/risks/"}, follow=True)
        assert "Undone: 5 risks have their previous assessment." in visible_text(back)
        assert not Assessment.objects.exists()

    def test_what_is_not_theirs_gone_or_decided_meanwhile_is_left_alone_and_named(
        self, five, as_user
    ):
        foreign = five.foreign.dependencies.get()
        client = as_user(five.editor)
        picks = picks_of(client)[:2]
        risk, dependency, _ = map(int, picks[0].split("-"))
        make_assessment(
            FoundationRisk.objects.get(pk=risk),
            five.triage.dependencies.model.objects.get(pk=dependency),
        )

        page = visible_text(
            client.post(
                "/risks/assess/", {"pick": [*picks, f"{five.risk.pk}-{foreign.pk}-0", "x-1-1"]}
            )
        )

        assert "One decision for 1 risk of 1 application." in page
        assert "Another user assessed this risk after you opened the list." in page
        assert "1 row No longer inherited, or not visible to you." in page

    def test_somebody_who_only_reads_is_told_who_may(self, five, as_user):
        page = visible_text(
            as_user(five.viewer).post(
                "/risks/assess/", {"pick": [f"{five.risk.pk}-{five.dependency.pk}-0"]}
            )
        )

        assert "You can assess none of the selected risks" in page
        assert "You need the editor role on its team to assess it." in page

    def test_all_that_match_the_filters_are_taken_up_to_a_bound(self, five, as_user, monkeypatch):
        client = as_user(five.editor)
        query = "q=Risk 1"

        page = visible_text(client.post("/risks/assess/", {"all": "true", "query": query}))
        assert "One decision for 2 risks of 2 applications." in page
        monkeypatch.setattr("apps.web.views.risks.bulk_assessment.MAX_SELECTED", 1)
        assert "Showing the first 1." in visible_text(
            client.post("/risks/assess/", {"all": "true", "query": query})
        )

    def test_an_empty_form_decides_nothing_and_not_applicable_needs_its_reason(self, five, as_user):
        client = as_user(five.editor)
        picks = picks_of(client)[:2]
        said = {"pick": picks, "save": "true"}

        empty = client.post("/risks/assess/", said | {"decision": "assess"})
        assert "Enter at least a level, a treatment, an owner or a date" in visible_text(empty)
        unsaid = client.post("/risks/assess/", said | {"decision": "not_applicable"})
        assert "Enter a reason why the risks do not apply" in visible_text(unsaid)
        client.post(
            "/risks/assess/", said | {"decision": "not_applicable", "plan": "internal only"}
        )
        assert set(Assessment.objects.values_list("state", "not_applicable_reason")) == {
            ("not_applicable", "internal only")
        }

    def test_an_owner_accepts_several_until_a_day_for_one_reason_and_takes_that_back(
        self, five, as_user
    ):
        theirs = make_dependency(
            make_application(team=five.foreign.team, name="Not theirs to accept"), five.sonnet
        )
        make_member(five.foreign.team, TeamRole.EDITOR, five.owner)
        client, until = as_user(five.owner), five.today + 90 * DAY
        uses = theirs._meta.model.objects.filter(application__team=five.triage.team).values_list(
            "pk", flat=True
        )
        own = [pick for pick in picks_of(client) if int(pick.split("-")[1]) in set(uses)][:4]
        picks = [*own, f"{five.risk.pk}-{theirs.pk}-0"]
        said = {
            "pick": picks,
            "save": "true",
            "decision": "accept",
            "treatment": "reduce",
            "residual_likelihood": 2,
            "residual_impact": 2,
        }

        unsaid = client.post("/risks/assess/", said)
        assert unsaid.status_code == 422
        assert "An acceptance must have an expiry date" in visible_text(unsaid)
        assert "Enter a reason for the acceptance" in visible_text(unsaid)
        late = client.post(
            "/risks/assess/",
            said | {"until": (five.today + 800 * DAY).isoformat(), "because": "small"},
        )
        assert "An acceptance must expire by" in visible_text(late)
        assert not Assessment.objects.exists()

        answer = client.post(
            "/risks/assess/", said | {"until": until.isoformat(), "because": "small"}, follow=True
        )
        assert (
            "Not theirs to accept: You need the owner role on its team to accept it."
            in visible_text(answer)
        )
        made = Assessment.objects.values_list(
            "treatment", "accepted_until", "accept_reason", "accepted_by", "residual"
        )
        assert list(made) == [("accept", until, "small", five.owner.pk, 4)] * 4
        undo = re.search(r'action="(/risks/undo/[^"]+)"', answer.content.decode()).group(1)
        assert as_user(five.editor).post(undo).status_code == 403
        client.post(undo, {"back": "/risks/"})
        assert not Assessment.objects.exists()

    def test_who_owns_nothing_of_it_is_not_offered_to_accept(self, five, as_user):
        client = as_user(five.editor)
        picks = picks_of(client)[:2]

        assert "Accepted until" not in visible_text(client.post("/risks/assess/", {"pick": picks}))
        refused = client.post(
            "/risks/assess/",
            {
                "pick": picks,
                "save": "true",
                "decision": "accept",
                "until": "2027-01-01",
                "because": "x",
            },
        )
        assert refused.status_code == 422
        assert not Assessment.objects.exists()

    def test_evidence_goes_to_the_application_it_is_about(self, five, as_user):
        evidence = make_evidence(application=five.triage)
        client = as_user(five.editor)
        picks = [
            f"{five.risk.pk}-{pk}-0"
            for pk in (five.dependency.pk, five.second.dependencies.get().pk)
        ]

        answer = client.post(
            "/risks/assess/",
            {
                "pick": picks,
                "save": "true",
                "decision": "assess",
                "treatment": "reduce",
                "evidence": evidence.pk,
            },
            follow=True,
        )

        assert "This evidence is about another application." in visible_text(answer)
        assert [row.dependency for row in Assessment.objects.filter(evidence=evidence)] == [
            five.dependency
        ]

    def test_nothing_picked_says_what_to_do(self, five, as_user):
        assert "Select the risks to assess." in visible_text(
            as_user(five.editor).post("/risks/assess/", {}, follow=True)
        )
