"""The offices' view: everything is read, what the release, a rule or a team says is not edited
there."""

import pytest
from django.urls import reverse

from apps.catalog.models import NodeKind
from apps.risks.catalogue import load_risk_catalogue
from apps.risks.models import Evidence, FoundationRisk, RiskTemplate, TaxonomyEntry
from tests.builders import (
    make_application,
    make_assessment,
    make_dependency,
    make_event,
    make_evidence,
    make_modifier,
    make_node,
    make_offering,
    make_risk,
    make_template,
    make_user,
)

pytestmark = pytest.mark.django_db
MODELS = (
    "taxonomy",
    "taxonomyentry",
    "risktemplate",
    "foundationrisk",
    "assessment",
    "evidence",
    "handledevent",
)


@pytest.fixture
def risk_rows():
    load_risk_catalogue()
    offering = make_offering()
    dependency = make_dependency(make_application(), offering)
    risk = make_risk(make_node(NodeKind.OFFERING, offering), make_template("OWN-1"))
    make_modifier(risk.template, "prompt", 1)
    make_assessment(risk, dependency)
    make_evidence(application=dependency.application)
    make_event(offering)
    return risk


def url(model, page, *args):
    return reverse(f"admin:risks_{model}_{page}", args=args)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.usefixtures("risk_rows")
def test_offices_read_every_list_and_others_none(client, model):
    client.force_login(make_user(role="auditor"))
    assert client.get(url(model, "changelist")).status_code == 200
    client.force_login(make_user())
    assert client.get(url(model, "changelist")).status_code == 302


@pytest.mark.proof
def test_every_row_opens(client, risk_rows):
    client.force_login(make_user(role="governance"))

    for model, row in (
        ("taxonomyentry", TaxonomyEntry.objects.first()),
        ("risktemplate", RiskTemplate.objects.get(code="FR-01")),
        ("risktemplate", risk_rows.template),
        ("foundationrisk", risk_rows),
        ("assessment", risk_rows.assessments.get()),
        ("evidence", Evidence.objects.get()),
    ):
        assert client.get(url(model, "change", row.pk)).status_code == 200, model


def test_a_template_of_the_release_is_not_changed_and_an_own_one_is(client, risk_rows):
    client.force_login(make_user(role="governance"))
    built_in = RiskTemplate.objects.get(code="FR-01")

    assert (
        client.post(url("risktemplate", "change", built_in.pk), {"title": "x"}).status_code == 403
    )
    page = client.get(url("risktemplate", "change", risk_rows.template.pk))
    assert 'name="title"' in page.content.decode()


def test_what_a_rule_states_is_read_and_its_levels_are_changed_with_the_moment(client, risk_rows):
    client.force_login(make_user("gov", role="governance"))
    FoundationRisk.objects.update(rule="retirement", facts="It ends.")
    before = FoundationRisk.objects.get().changed_at

    page = client.get(url("foundationrisk", "change", risk_rows.pk)).content.decode()
    answer = client.post(
        url("foundationrisk", "change", risk_rows.pk),
        {
            "description": "",
            "inherits": "on",
            "likelihood": "1",
            "impact": "2",
            "confidence": "high",
            "reason": "measured",
            "evidence_links-TOTAL_FORMS": "0",
            "evidence_links-INITIAL_FORMS": "0",
        },
    )

    assert 'name="facts"' not in page
    assert answer.status_code == 302, answer.content.decode()[:2000]
    risk = FoundationRisk.objects.get()
    assert (risk.inherent, risk.facts) == (2, "It ends.")
    assert risk.changed_at > before
    assert risk.history.order_by("-pgh_id").first().pgh_context.metadata["reason"] == "measured"
