"""Proposed use cases on the pages: the form without an account, which tells nothing of the
registry, and what governance sees and decides."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.alerts.models import Delivery
from apps.catalog.identity.named_models import NamedModel, ensure_named_models
from apps.catalog.models import Offering
from apps.common.time import day_of, now
from apps.exposure.engine.table_refresh import refresh
from apps.inventory.governance.use_cases import links
from apps.inventory.governance.use_cases.decisions import ask_question
from apps.inventory.models import Application, Dependency, ProposedUseCase, UseCaseLink
from apps.issues.evaluation import evaluate_kinds
from apps.issues.models import Issue
from apps.web.views.use_cases import proposal_form
from apps.web.views.use_cases.added_exposure import shared_layers
from tests.builders import (
    make_application,
    make_dependency,
    make_foundation,
    make_offering,
    make_provider,
    make_team,
    make_use_case,
    make_use_case_link,
    make_user,
    make_version,
)
from tests.http import body_of, csv_rows, flash_text, text_of

pytestmark = pytest.mark.django_db
# what differs between two answers of equal content: tokens, keys and references
_VARIABLE = (
    r'name="csrfmiddlewaretoken" value="[^"]*"',
    r'name="form_key" value="[^"]*"',
    r"[2-9A-Z]{4}-[2-9A-Z]{4}",
    r'nonce="[^"]*"',
)


@pytest.fixture(autouse=True)
def no_rates_of_other_tests():
    cache.clear()


@pytest.fixture
def governance():
    return make_user("maren", role="governance", first_name="Maren", last_name="Vogt")


def form_data(**answers):
    """Return the form as a browser sends it."""
    return {
        "form_key": str(uuid4()),
        "name": "Answers about claims",
        "purpose": "Drafts answers to questions of colleagues.",
        "starts_on": "",
        "requests_per_month": "2000",
        "users_affected": "30",
        "affects_public": "no",
        "decisions_about_people": "none",
        "ai_act_area": "none",
        "prohibited_practice": "no",
        "interacts_with_people": "yes",
        "autonomy": "assists",
        "data_classification": "internal",
        "personal_data": "no",
        "geography": "CH",
        "model_text": "GPT-4.1",
        "vendor_text": "Azure",
        "model_access": "api",
        "ai_act_role": "deployer",
        "business_owner": "Ilse Brandt",
        "proposer_name": "Nora Meier",
        "proposer_email": "nora@example.org",
        **answers,
    }


def form_url(link=None):
    return f"/propose/{links.link_token(link or make_use_case_link())}/"


def plain(response) -> bytes:
    """Return status, headers and body without what is different in each answer."""
    body = response.content.decode()
    for pattern in _VARIABLE:
        body = re.sub(pattern, "", body)
    headers = sorted(
        (name, value)
        for name, value in response.items()
        if name not in {"X-Request-ID", "Content-Length"}
    )
    return repr((response.status_code, headers, body)).encode()


class TestForm:
    def test_a_proposal_needs_no_account_and_gives_a_reference(self):
        response = Client().post(form_url(), form_data())

        use_case = ProposedUseCase.objects.get()
        assert response.status_code == 200
        assert f"Your proposal has the reference {use_case.reference}." in text_of(response)
        assert (use_case.affects_public, use_case.decisions_about_people) == (False, "none")
        assert (use_case.requests_per_month, use_case.starts_on) == (2000, None)

    def test_unknown_is_an_answer_of_each_choice(self):
        names = ("affects_public", "personal_data", "ai_act_area", "autonomy", "ai_act_role")

        response = Client().post(form_url(), form_data(**dict.fromkeys(names, "unknown")))

        use_case = ProposedUseCase.objects.get()
        assert response.status_code == 200
        assert [getattr(use_case, name) for name in names] == [None, None, "", "", ""]

    def test_a_choice_that_was_not_made_is_an_error(self):
        response = Client().post(form_url(), form_data(personal_data="", autonomy=""))

        assert response.status_code == 422
        assert "Nothing was sent." in text_of(response)
        assert not ProposedUseCase.objects.exists()

    @pytest.mark.parametrize(
        "answers",
        [
            {"name": "x" * 121},
            {"purpose": "x" * 2001},
            {"proposer_email": "nora"},
            {"proposer_email": "x" * 300 + "@example.org"},
            {"users_affected": "9" * 30},
            {"users_affected": "-1"},
            {"starts_on": "9999-12-31"},
            {"model_access": "anything"},
            {"form_key": "1"},
        ],
    )
    def test_what_is_too_long_or_wrong_is_rejected(self, answers):
        assert Client().post(form_url(), form_data(**answers)).status_code == 422
        assert not ProposedUseCase.objects.exists()

    def test_text_is_inert(self, governance, as_user):
        text = "<script>alert(1)</script>\u202e\x07 =1+1"
        Client().post(form_url(), form_data(name=text, model_text="=cmd|' /C calc'!A0"))
        use_case = ProposedUseCase.objects.get()
        client = as_user(governance)

        page = client.get(f"/use-cases/{use_case.pk}/").content.decode()
        row = csv_rows(client.get("/use-cases.csv"))[0]

        assert use_case.name == "<script>alert(1)</script> =1+1"
        assert "<script>alert(1)" not in page
        assert not row["Planned model"].startswith("=")

    def test_it_is_not_cached_nor_indexed(self):
        response = Client().get(form_url())

        assert response["Cache-Control"] == "no-store"
        assert response["X-Robots-Tag"] == "noindex, nofollow"

    def test_it_asks_for_a_token_of_the_form(self):
        client = Client(enforce_csrf_checks=True)

        assert client.post(form_url(), form_data()).status_code == 403

    def test_the_history_does_not_have_the_link(self):
        Client().post(form_url(), form_data())

        metadata = ProposedUseCase.objects.get().history.get().pgh_context.metadata
        assert metadata["url"] == "/propose/-/"


class TestNothingIsRevealed:
    def test_names_that_exist_get_the_same_answer_as_others(self, governance):
        team = make_team("Claims")
        application = make_application(name="Claims triage", team=team)
        offering = make_offering("gpt-4.1")
        make_dependency(application, offering)
        link = make_use_case_link(max_submissions=50)
        answers = [
            {
                "name": "Claims triage",
                "model_text": "gpt-4.1",
                "vendor_text": offering.host.name,
                "business_owner": "Maren Vogt",
                "proposer_email": governance.email,
            },
            {
                "name": "Moon landing",
                "model_text": "qwertz-9",
                "vendor_text": "Nowhere Ltd",
                "business_owner": "Nobody Known",
                "proposer_email": "x@nowhere.example",
            },
        ]

        known, unknown = (Client().post(form_url(link), form_data(**each)) for each in answers)

        assert known.status_code == 200
        assert plain(known) == plain(unknown)

    def test_sending_reads_no_more_statements_for_names_that_exist(self, governance):
        make_application(name="Claims triage")
        link = make_use_case_link(max_submissions=50)
        counts = []
        # evaluates what the rows above have queued, as the next POST of any page does
        Client().post(form_url(link), form_data())
        for name in ("Claims triage", "Moon landing"):
            with CaptureQueriesContext(connection) as queries:
                Client().post(form_url(link), form_data(name=name))
            statements = " ".join(query["sql"] for query in queries.captured_queries)
            counts.append(len(queries))
            assert not re.search(r"inventory_application\b|catalog_|accounts_team", statements)

        assert counts[0] == counts[1]

    def test_an_error_does_not_repeat_what_exists(self, governance):
        make_application(name="Claims triage")

        first = Client().post(form_url(), form_data(name="Claims triage", autonomy=""))
        second = Client().post(form_url(), form_data(name="Other triages", autonomy=""))

        assert plain(first).replace(b"Claims triage", b"") == plain(second).replace(
            b"Other triages", b""
        )

    def test_unknown_links_are_all_not_found_in_the_same_words(self):
        link = make_use_case_link()
        token = links.link_token(link)
        tokens = (f"{link.pk}.wrong", f"{link.pk + 99}.wrong", "x", token[:-2])

        answers = {plain(Client().get(f"/propose/{each}/")) for each in tokens}
        deleted = links.link_token(UseCaseLink(pk=link.pk + 1000))
        answers.add(plain(Client().get(f"/propose/{deleted}/")))

        assert len(answers) == 1
        assert Client().get("/propose/x/").status_code == 404

    def test_closed_links_are_all_closed_in_the_same_words(self, governance):
        closed = [
            make_use_case_link(expires_on=day_of(now())),
            make_use_case_link(revoked_by=governance, revoked_at=now()),
            make_use_case_link(max_submissions=1, n_submissions=1),
        ]

        answers = [Client().get(form_url(link)) for link in closed]
        answers += [Client().post(form_url(link), form_data()) for link in closed]

        assert {answer.status_code for answer in answers} == {410}
        assert len({plain(answer) for answer in answers}) == 1

    def test_the_form_has_no_lists_of_the_registry(self, governance):
        make_application(name="Claims triage", team=make_team("Claims"))
        make_offering("gpt-4.1")

        page = text_of(Client().get(form_url(make_use_case_link(name="Secret department"))))

        for name in ("Claims", "gpt-4.1", "Maren", "Secret department"):
            assert name not in page


class TestThrottle:
    def test_requests_of_one_address_are_throttled_before_the_link_is_read(self, monkeypatch):
        monkeypatch.setattr(proposal_form, "MAX_REQUESTS_A_MINUTE", 2)
        client = Client()

        statuses = [client.get(f"/propose/{number}.x/").status_code for number in range(4)]

        assert statuses[:2] == [404, 404]
        assert statuses[-1] == 429
        assert client.get(form_url())["Retry-After"] == "3600"

    def test_proposals_of_one_address_are_throttled(self, monkeypatch):
        monkeypatch.setattr(proposal_form, "MAX_SENT_AN_HOUR", 2)
        url = form_url()

        statuses = [Client().post(url, form_data()).status_code for _ in range(3)]

        assert statuses == [200, 200, 429]
        assert ProposedUseCase.objects.count() == 2

    def test_proposals_by_one_link_are_throttled_from_any_address(self, monkeypatch):
        monkeypatch.setattr(proposal_form, "MAX_SENT_BY_LINK_AN_HOUR", 2)
        url = form_url()

        statuses = [
            Client(REMOTE_ADDR=f"192.0.2.{n}").post(url, form_data()).status_code for n in range(3)
        ]

        assert statuses == [200, 200, 429]

    def test_a_link_stops_after_its_last_proposal(self):
        url = form_url(make_use_case_link(max_submissions=1))

        statuses = [Client().post(url, form_data()).status_code for _ in range(2)]

        assert statuses == [200, 410]


class TestLinks:
    def test_governance_creates_a_link_and_revokes_it(self, governance, as_user):
        client = as_user(governance)
        expires_on = day_of(now()) + timedelta(days=7)

        response = client.post(
            "/use-cases/links/new/",
            {"name": "Claims", "expires_on": expires_on.isoformat(), "max_submissions": 3},
        )
        link = UseCaseLink.objects.get()
        page = client.get(response["Location"])
        path = re.search(r'href="[^"]*(/propose/[^"]+)"', page.content.decode()).group(1)
        assert Client().get(path).status_code == 200
        client.post(f"/use-cases/links/{link.pk}/revoke/")

        assert Client().get(path).status_code == 410
        client.post(f"/use-cases/links/{link.pk}/restore/")
        assert Client().get(path).status_code == 200

    def test_an_auditor_sees_the_list_without_the_links(self, as_user):
        make_use_case_link(name="Claims")

        page = as_user(make_user(role="auditor")).get("/use-cases/links/").content.decode()

        assert "Claims" in page
        assert "/propose/" not in page

    def test_no_file_has_the_links(self, governance, as_user):
        make_use_case_link(name="Claims")

        assert b"/propose/" not in body_of(as_user(governance).get("/use-cases/links.csv"))


class TestGovernance:
    def test_the_list_counts_what_is_undecided(self, governance, as_user):
        make_use_case(ai_act_area="employment")
        make_use_case()

        page = text_of(as_user(governance).get("/use-cases/"))

        assert "2 proposed use cases are undecided;" in page
        assert "1 is of the high tier" in page

    def test_the_page_shows_answers_tier_and_reasons(self, governance, as_user):
        use_case = make_use_case(ai_act_area="services", geography="", model_text="qwertz")

        page = text_of(as_user(governance).get(f"/use-cases/{use_case.pk}/"))

        assert "Risk tier: high" in page
        assert "It is used in an area of Annex III of the AI Act." in page
        assert "Suggested AI Act class: high risk." in page
        assert "unknown" in page

    def test_a_stranger_finds_nothing(self, as_user):
        use_case = make_use_case()
        client = as_user(make_user())

        for url in ("/use-cases/", "/use-cases.csv", f"/use-cases/{use_case.pk}/"):
            assert client.get(url).status_code == 404
        assert client.post(f"/use-cases/{use_case.pk}/decline/").status_code == 404

    def test_an_auditor_reads_and_cannot_decide(self, as_user):
        use_case = make_use_case()
        client = as_user(make_user(role="auditor"))

        page = client.get(f"/use-cases/{use_case.pk}/").content.decode()

        assert "Accept use case" not in page
        assert client.post(f"/use-cases/{use_case.pk}/decline/").status_code == 403
        assert client.get(f"/use-cases/{use_case.pk}/accept/").status_code == 403

    def test_added_exposure_is_shown_for_the_selected_model(self, world, as_user):
        use_case = make_use_case()

        page = text_of(
            as_user(world.governance).get(f"/use-cases/{use_case.pk}/?offering={world.sonnet.pk}")
        )

        assert "Added exposure" in page
        assert world.sonnet.host.name in page
        assert "Critical share after" in page

    def test_a_name_shares_the_layers_on_which_all_its_candidates_agree(self, governance):
        maker = make_provider("acme", roles=("developer",), name="Acme")
        lines = [make_foundation(f"acme/{name}", developer=maker) for name in ("one", "two")]
        for line in (lines[0], *lines):
            make_version(foundation=line)

        def share(*foundations):
            name = NamedModel("cloud", f"{len(foundations)} models", foundations=foundations)
            pk = ensure_named_models([name], at=now())[name]
            layers = shared_layers(Offering.objects.get(pk=pk), user=governance)
            return [(layer.label, layer.name) for layer in layers]

        agreed = [("Developer", "Acme"), ("Host", "Cloud")]
        assert share(lines[0].slug) == [*agreed, ("Foundation", lines[0].name)]
        assert share(*(line.slug for line in lines)) == agreed

    def test_the_engine_measures_the_portfolio_with_the_application(self, world, as_user):
        refresh(on=world.today)
        use_case = make_use_case()
        n = Application.objects.count()

        page = text_of(
            as_user(world.governance).get(
                f"/use-cases/{use_case.pk}/exposure/?offering={world.sonnet.pk}&criticality=0"
            )
        )

        assert "HHI of developers" in page
        assert "Single points of failure" in page
        assert Application.objects.count() == n

    def test_the_page_is_flat_in_the_number_of_proposals(self, governance, as_user):
        use_case = make_use_case(model_text="gpt-4.1")
        client = as_user(governance)
        url = f"/use-cases/{use_case.pk}/"
        client.get(url)
        with CaptureQueriesContext(connection) as few:
            client.get(url)
        link = make_use_case_link(max_submissions=60)
        for number in range(30):
            make_use_case(link, name=f"Answers about claims {number}")
        with CaptureQueriesContext(connection) as many:
            client.get(url)

        assert len(many) == len(few)
        assert len(many) <= 30


class TestDecisions:
    def accept(self, client, use_case, **data):
        return client.post(
            f"/use-cases/{use_case.pk}/accept/",
            {
                "name": use_case.name,
                "team": make_team().pk,
                "criticality": "2",
                "ai_act_class": "limited",
                "business_owner": "Ilse Brandt",
                "technical_owner": "",
                "offering": "",
                "since": "",
                "reason": "",
                **data,
            },
        )

    def test_accepting_makes_the_application_and_notifies(self, governance, as_user):
        use_case, offering = make_use_case(), make_offering()
        evaluate_kinds({"proposed_use_case"}, at=now())
        client = as_user(governance)

        response = self.accept(
            client, use_case, offering=offering.pk, since=day_of(now()).isoformat(), reason="Fine."
        )

        application = Application.objects.get()
        assert response["Location"] == f"/applications/{application.slug}/"
        assert (application.status, application.ai_act_class) == ("proposed", "limited")
        assert Dependency.objects.get().offering == offering
        delivery = Delivery.objects.get()
        assert (delivery.address, delivery.state) == ("nora@example.org", "queued")
        assert "Fine." in delivery.body_text
        assert Issue.objects.get().state == "resolved"
        assert "notified by email" in flash_text(client.get(response["Location"]))

    def test_undo_removes_the_application_and_stops_the_email(self, governance, as_user):
        use_case = make_use_case()
        client = as_user(governance)
        self.accept(client, use_case)

        response = client.post(f"/use-cases/{use_case.pk}/undo/")

        assert "The email is not sent." in flash_text(client.get(response["Location"]))
        assert not Application.objects.exists()
        assert Delivery.objects.get().skip_reason == "undone"
        assert Issue.objects.get().state == "open"

    def test_a_decision_changes_the_registry_or_nothing(self, governance, as_user):
        use_case = make_use_case()

        response = self.accept(as_user(governance), use_case, offering=make_offering().pk)

        assert response.status_code == 422
        assert "Enter the date from which the model is used." in text_of(response)
        assert not Application.objects.exists()
        assert ProposedUseCase.objects.get().state == "proposed"

    def test_without_a_model_id_the_model_is_used_as_written(self, governance, as_user):
        use_case = make_use_case(model_text="Qwertzel 9", vendor_text="")
        client = as_user(governance)

        self.accept(client, use_case, since=day_of(now()).isoformat(), as_written="on")

        offering = Dependency.objects.get().offering
        assert (offering.kind, offering.api_id) == ("name", "Qwertzel 9")
        assert offering.host.slug == "host-not-stated"
        client.post(f"/use-cases/{use_case.pk}/undo/")
        assert ProposedUseCase.objects.get().state == "proposed"
        assert not Application.objects.exists()

    def test_the_form_suggests_models_and_finds_others(self, governance, as_user):
        offering = make_offering("some-model")
        use_case = make_use_case()
        client = as_user(governance)

        page = client.get(f"/use-cases/{use_case.pk}/accept/?q=some-model").content.decode()

        assert f'value="{offering.pk}"' in page
        assert "may be what was proposed" not in page

    def test_declining_needs_a_reason(self, governance, as_user):
        use_case = make_use_case()
        client = as_user(governance)

        client.post(f"/use-cases/{use_case.pk}/decline/", {"reason": " "})
        assert ProposedUseCase.objects.get().state == "proposed"
        client.post(f"/use-cases/{use_case.pk}/decline/", {"reason": "No owner."})

        assert ProposedUseCase.objects.get().state == "declined"
        assert "No owner." in Delivery.objects.get().body_text
        assert "No owner." in text_of(client.get(f"/use-cases/{use_case.pk}/"))

    def test_without_permission_for_email_it_is_said_and_no_contact_is_made(
        self, governance, as_user
    ):
        use_case = make_use_case(proposer_email="x@elsewhere.example")
        client = as_user(governance)
        assert "No email can be sent" in text_of(client.get(f"/use-cases/{use_case.pk}/"))

        response = client.post(f"/use-cases/{use_case.pk}/decline/", {"reason": "No."})

        assert "No email was sent" in flash_text(client.get(response["Location"]))
        assert not Delivery.objects.exists()
        assert not type(governance).objects.filter(email="x@elsewhere.example").exists()


class TestQuestions:
    def test_a_question_is_answered_by_its_link(self, governance, as_user):
        use_case = make_use_case(proposer_email="x@elsewhere.example")
        client = as_user(governance)
        client.post(f"/use-cases/{use_case.pk}/ask/", {"question": "Which customers?"})
        page = client.get(f"/use-cases/{use_case.pk}/").content.decode()
        path = re.search(r'href="[^"]*(/propose/answer/[^"]+)"', page).group(1)

        shown = Client().get(path)
        sent = Client().post(path, {"answer": "Those in Zurich."})

        assert "Which customers?" in text_of(shown)
        assert sent.status_code == 200
        assert Client().get(path).status_code == 410
        assert "Those in Zurich." in text_of(client.get(f"/use-cases/{use_case.pk}/"))
        assert ProposedUseCase.objects.get().state == "proposed"

    def test_an_auditor_does_not_see_the_link_of_the_answer(self, governance, as_user):
        use_case = make_use_case()
        ask_question(use_case=use_case, question="Why?", by=governance, at=now())

        page = as_user(make_user(role="auditor")).get(f"/use-cases/{use_case.pk}/")

        assert b"/propose/answer/" not in page.content

    def test_a_question_is_withdrawn(self, governance, as_user):
        use_case = make_use_case()
        client = as_user(governance)
        client.post(f"/use-cases/{use_case.pk}/ask/", {"question": "Why?"})

        client.post(f"/use-cases/{use_case.pk}/withdraw-question/")

        assert ProposedUseCase.objects.get().state == "proposed"
        assert Delivery.objects.get().skip_reason == "undone"
