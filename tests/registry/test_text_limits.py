"""Every text that a person or a token can write has a maximum, and none keeps invisible
characters."""

import json

import pytest
from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.validators import ArrayMaxLengthValidator
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from pghistory.models import Event

from apps.common.database.fields import LimitedTextField, TextMapField
from apps.common.invisible_characters import (
    remove_control_characters,
    remove_control_characters_from_json,
)
from apps.inventory.models import Application
from tests.builders import make_application, make_dependency, make_member, make_offering, make_team
from tests.http import signed_in_client

CONTROLS = "a\u202eb\u2066c\x07d\x85e"

BY_JOBS = "written by jobs and readers, which cut what they keep"
BY_CHOICE = "a choice among fixed words or numbers"
WITHOUT_LIMIT = {
    # counted and measured by the function that reads them
    **dict.fromkeys(
        ("inventory.DecisionProposal.before", "inventory.DecisionProposal.after"),
        "values of the record, checked as the record when they are proposed",
    ),
    "catalog.SettledClaims.values": BY_JOBS,
    "inventory.Requirement.value": "checked by its field (catalog/capabilities/fields.py)",
    "inventory.Selection.criteria": "at most 30, with limits of their own "
    "(inventory/governance/selections.py)",
    "inventory.SelectionCandidate.scores": "one a criterion, notes of 2,000 characters at most",
    "inventory.SelectionCandidate.scorecard": BY_JOBS,
    "exposure.CampaignTask.before": "at most 50 metrics with finite numbers "
    "(exposure/campaigns/task_actions.py)",
    "exposure.CampaignTask.after": "at most 50 metrics with finite numbers "
    "(exposure/campaigns/task_actions.py)",
    "exposure.Scenario.ops": "at most 100 operations of known shapes "
    "(exposure/scenarios/operation_parser.py)",
    "exposure.ScenarioRun.ops": "at most 100 operations of known shapes "
    "(exposure/scenarios/operation_parser.py)",
    "exposure.Campaign.targets": "at most 2,000 pairs of IDs "
    "(exposure/scenarios/operation_parser.py)",
    "feeds.SourceMapping.settings": "by governance: a known shape with counted parts "
    "(feeds/sources/configuration.py)",
    "gate.GatePolicy.levels": "by governance: a level a rule",
    "exposure.ExposureSettings.criticality_points": "by governance: a number a criticality",
    "exposure.ExposureSettings.required_grade": "by governance: a number a criticality",
    "exposure.ExposureSettings.state_factor": "by governance: a number a state",
    "intake.Import.mapping": "the columns of a sheet, of which there are at most 200",
    "intake.SavedMapping.mapping": "the columns of a sheet, of which there are at most 200",
    "inventory.ListExport.query": "an address, which the server limits",
    "alerts.ChannelCredential.sealed": "at most 2,000 characters a secret "
    "(alerts/channels/services.py)",
    "alerts.SlackRequest.sealed_response_url": "a request has at most 256 KB "
    "(alerts/channels/slack/signatures.py)",
    "intake.CloudCredential.sealed": "at most 10,000 characters a secret "
    "(intake/accounts/credentials.py)",
    "issues.TicketCredential.sealed": "at most 1,000 characters a secret "
    "(issues/tickets/credentials.py)",
    "issues.TicketConnection.create_fields": "at most 400 fields with 200 values "
    "(issues/tickets/jira/client.py)",
    "catalog.Assertion.value": "facts of a known shape, a topic each",
    "catalog.AnnouncedOffering.earlier_claim": "an earlier manual value with its reason",
    "risks.FoundationRisk.facts": BY_JOBS,
    "risks.Assessment.stale_reason": BY_JOBS,
    "risks.TaxonomyEntry.text": BY_JOBS,
    **dict.fromkeys(
        (
            "catalog.Assertion.excerpt",
            "catalog.Assertion.pending",
            "catalog.Assertion.refused",
            "catalog.Assertion.price_moves",
            "catalog.Assertion.drifted_from",
            "catalog.Incident.components",
            "catalog.Incident.regions",
            "catalog.Incident.updates",
            "feeds.PollState.page_form",
            "intake.AccountDeployment.facts",
            "intake.AccountDeployment.lifecycle",
            "intake.CloudPull.complete_scopes",
            "intake.CloudPull.error",
            "intake.CloudPull.problems",
            "catalog.ProviderEvent.old",
            "catalog.ProviderEvent.new",
            "catalog.Offering.identity_explanation",
            "inventory.ListExport.error",
            "inventory.ListExport.team_ids",
            "inventory.CachedFinding.facts",
            "feeds.PollState.error",
            "feeds.FeedRun.held",
            "feeds.FeedRun.backfilled",
            "feeds.FeedRun.floated",
            "feeds.FeedRun.error",
            "feeds.QuarantinedRow.excerpt",
            "feeds.ProviderNotice.excerpt",
            "feeds.ProviderNotice.names",
            "feeds.ReceivedNotice.model_names",
            "feeds.ReceivedNotice.host_slugs",
            "feeds.NoticeMailStatus.rejections",
            "intake.Import.problems",
            "intake.Import.counts",
            "intake.Import.error",
            "intake.ImportRow.cells",
            "intake.ImportRow.application",
            "intake.ImportRow.use",
            "intake.ImportRow.reason",
            "intake.ImportRow.note",
            "intake.ImportRow.reasons",
            "intake.ImportRowEdit.new_cells",
            "intake.ImportRowEdit.old_cells",
            "intake.ImportValue.choice",
            "intake.ImportValue.context",
            "intake.ImportValue.detail",
            "intake.ImportValue.guess",
            "intake.ImportValue.text",
            "intake.Import.created",
            "intake.ImportRow.plan",
            "intake.Observation.places",
            "intake.Observation.facts",
            "intake.Observation.explanation",
            "intake.CallBatch.groups",
            "intake.UsageDay.uses",
            "intake.UnmatchedCall.counted_call",
            "intake.Discrepancy.details",
            "exposure.Path.parties",
            "exposure.Candidate.parties",
            "exposure.MinimalCutSet.node_ids",
            "exposure.ExposureFlag.application_ids",
            "exposure.ScenarioRun.error",
            "exposure.ScenarioRun.team_ids",
            "exposure.ScenarioRun.result",
            "exposure.ScenarioRun.details",
            "exposure.LossRun.error",
            "exposure.LossRun.assumptions",
            "exposure.LossRun.result",
            "exposure.ConcentrationSnapshot.top",
            "issues.Activity.details",
            "issues.Issue.details",
            "alerts.Alert.details",
            "alerts.Alert.application_ids",
            "alerts.Delivery.body_text",
            "alerts.Delivery.body_html",
            "alerts.Notice.application_ids",
            "alerts.Notice.skip_details",
            "reports.EvidencePack.error",
            "reports.EvidencePack.team_ids",
            "reports.EvidencePack.manifest",
            "reports.CachedReportFigures.body",
            "gate.GateRun.question",
            "gate.GateRun.summary",
            "gate.GateRun.evaluated",
            "gate.GateRun.catalogue_sources",
            "gate.GateRun.horizon",
            "gate.GateFinding.message",
            "api.IdempotencyKey.headers",
            "api.Job.error",
            "api.Job.rejected",
        ),
        BY_JOBS,
    ),
}


def limited(field: models.Field) -> bool:
    match field:
        case ArrayField():
            is_short = isinstance(field.base_field, models.IntegerField) or bool(
                field.base_field.max_length
            )
            # by REST a body has 10 MB at most; tags are written by everybody, the rest by
            # governance
            return is_short and (
                field.name != "tags"
                or any(isinstance(each, ArrayMaxLengthValidator) for each in field.validators)
            )
        case models.JSONField():
            return isinstance(field, TextMapField)
        case models.TextField():
            return isinstance(field, LimitedTextField)
        case models.CharField():
            return bool(field.max_length)
    return True


def test_every_text_has_a_maximum_or_a_reason_for_having_none():
    unlimited = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        if model.__module__.startswith("apps.")
        and model._meta.managed
        and not issubclass(model, Event)
        for field in model._meta.local_fields
        if not limited(field)
    }
    without_reason = unlimited - set(WITHOUT_LIMIT)
    assert not without_reason, (
        "Give these a limit (apps/common/database/fields.py), or a reason: "
        f"{sorted(without_reason)}"
    )


@pytest.mark.django_db
class TestTheDatabase:
    def test_a_text_that_is_too_long_is_refused_by_model_and_database(self):
        application = make_application()
        application.purpose = "x" * 20_001

        with pytest.raises(ValidationError, match="at most 20000"):
            application.full_clean()
        with pytest.raises(IntegrityError), transaction.atomic():
            application.save()

    @pytest.mark.parametrize(
        "wrong", [["a"], {"a": 1}, {"a": {"b": "c"}}, {f"k{n}": "v" for n in range(51)}]
    )
    def test_references_that_are_no_small_flat_mapping_are_refused_by_model_and_database(
        self, wrong
    ):
        application = make_application()
        application.external_refs = wrong

        with pytest.raises(ValidationError):
            application.full_clean()
        with pytest.raises(IntegrityError), transaction.atomic():
            application.save()

    def test_more_than_fifty_tags_are_refused_by_model_and_database(self):
        dependency = make_dependency(make_application(), make_offering())
        dependency.tags = [f"t{n}" for n in range(51)]

        with pytest.raises(ValidationError):
            dependency.full_clean()
        with pytest.raises(IntegrityError), transaction.atomic():
            dependency.save()


@pytest.mark.django_db
class TestRest:
    @pytest.fixture
    def editor(self):
        return make_member(make_team())

    @pytest.fixture
    def application(self, editor):
        return make_application(team=editor.memberships.get().team)

    @pytest.fixture
    def client(self, editor):
        return signed_in_client(editor)

    def patch(self, client, application, body):
        sent = body if isinstance(body, str) else json.dumps(body)
        return client.patch(f"/api/v1/applications/{application.slug}/", sent, "application/json")

    def test_a_body_that_nests_deep_is_refused_before_anything_is_written(
        self, client, application
    ):
        answer = self.patch(
            client, application, '{"external_refs": {"a": ' + "[" * 300 + "]" * 300 + "}}"
        )

        assert answer.status_code == 400
        assert "nested more than" in answer.json()["detail"]
        assert client.get("/api/v1/applications/").status_code == 200

    @pytest.mark.parametrize(
        "facts",
        [
            {"purpose": "x" * 20_001},
            {"external_refs": {"a": "y" * 501}},
            {"external_refs": {"a": ["b"]}},
            {"external_refs": {f"k{n}": "v" for n in range(51)}},
        ],
    )
    def test_what_is_too_long_is_refused_with_a_sentence(self, client, application, facts):
        answer = self.patch(client, application, facts)

        assert answer.status_code == 400
        assert [error["field"].partition(".")[0] for error in answer.json()["errors"]] == list(
            facts
        )
        application.refresh_from_db()
        assert (application.purpose, application.external_refs) == ("", {})

    def test_direction_marks_and_control_characters_are_left_out_of_every_text(
        self, client, application
    ):
        answer = self.patch(client, application, {"name": CONTROLS, "purpose": "one\n\ttwo\u202e"})

        assert answer.status_code == 200
        assert (answer.json()["name"], answer.json()["purpose"]) == ("abcde", "one\n\ttwo")

    def test_rows_in_bulk_have_the_same_limits_and_lose_the_same_characters(
        self, client, application
    ):
        rows = [
            {"slug": application.slug, "name": CONTROLS},
            {
                "slug": "second",
                "name": "Second",
                "team": application.team.slug,
                "external_refs": {"a": ["b"]},
            },
            {
                "slug": "third",
                "name": "Third",
                "team": application.team.slug,
                "purpose": "x" * 20_001,
            },
        ]
        answer = client.post("/api/v1/applications/bulk/", json.dumps(rows), "application/json")

        assert (answer.json()["updated"], len(answer.json()["rejected"])) == (1, 2)
        application.refresh_from_db()
        assert application.name == "abcde"

    def test_a_page_leaves_the_same_characters_out(self, client, editor):
        team = editor.memberships.get().team_id
        facts = {"name": CONTROLS, "team": team, "criticality": 2, "purpose": "one\r\ntwo\u202e"}

        answer = client.post("/register/", facts)

        assert answer.status_code == 302
        assert Application.objects.values_list("name", "purpose").get() == ("abcde", "one\r\ntwo")


def test_only_what_a_reader_does_not_see_goes():
    for text in ("Zürich – café", "日本語", "مؤسسة", "👩‍💻", "line\nline\tend"):
        assert remove_control_characters(text) == text
    body = json.dumps({CONTROLS: [CONTROLS, {"a": CONTROLS}]}).encode()
    assert remove_control_characters_from_json(body, json.loads(body)) == {
        "abcde": ["abcde", {"a": "abcde"}]
    }
