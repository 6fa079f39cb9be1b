"""The admin is a window for superusers; governance edits in it what has no page yet."""

import re

import pytest
from django.contrib import admin
from django.urls import reverse

from apps.catalog.models import Alias, NodeKind
from apps.inventory.models import Contract
from apps.risks.catalogue import load_risk_catalogue
from apps.risks.models import RiskTemplate, TaxonomyEntry
from tests.builders import (
    make_application,
    make_assessment,
    make_claim,
    make_dependency,
    make_event,
    make_evidence,
    make_modifier,
    make_node,
    make_offering,
    make_risk,
    make_source,
    make_template,
    make_user,
)
from tests.http import signed_in_client

pytestmark = pytest.mark.django_db

# of these the admin is the only editor
EDITABLE = {
    "catalog.alias",
    "catalog.derivation",
    "catalog.foundation",
    "catalog.noticepolicy",
    "catalog.offering",
    "catalog.price",
    "catalog.provider",
    "catalog.region",
    "catalog.version",
    "exposure.eventrate",
    "risks.risktemplate",
}
# viewed by all organisation roles beside those: searched in an editor, or deleted here alone
VIEWED = EDITABLE | {"inventory.contract", "risks.taxonomyentry"}
OURS = {
    f"{model._meta.app_label}.{model._meta.model_name}"
    for model, options in admin.site._registry.items()
    if type(options).__module__.startswith("apps.")
}


def url(label, page, *args):
    return reverse(f"admin:{label.replace('.', '_')}_{page}", args=args)


def label_of(row):
    return f"{row._meta.app_label}.{row._meta.model_name}"


def superuser_client():
    return signed_in_client(make_user("root", is_superuser=True))


@pytest.fixture
def rows():
    load_risk_catalogue()
    offering = make_offering()
    dependency = make_dependency(make_application(), offering)
    risk = make_risk(make_node(NodeKind.OFFERING, offering), make_template("OWN-1"))
    make_modifier(risk.template, "prompt", 1)
    return [
        offering,
        offering.host,
        offering.version,
        offering.version.foundation,
        Alias.objects.create(
            identifier="name", foundation=offering.version.foundation, version=offering.version
        ),
        dependency,
        dependency.application,
        dependency.application.team,
        make_user("ada"),
        make_event(offering),
        make_claim(make_source(), "x"),
        Contract.objects.create(ref="C-1", party=offering.host),
        risk,
        risk.template,
        TaxonomyEntry.objects.first(),
        make_assessment(risk, dependency),
        make_evidence(application=dependency.application),
    ]


def test_every_model_is_either_viewed_by_superusers_or_edited_here():
    assert OURS >= VIEWED
    assert len(OURS) > 30


@pytest.mark.parametrize(
    ("role", "status"), [("governance", 200), ("admin", 200), ("auditor", 200), ("", 403)]
)
def test_organisation_roles_enter_and_others_do_not(role, status):
    client = signed_in_client(make_user(role=role))

    assert client.get(reverse("admin:index"), follow=True).status_code == status


def test_a_closed_account_does_not_enter():
    user = make_user(role="admin")
    client = signed_in_client(user)
    user.__class__.objects.update(is_active=False, state="closed")

    assert client.get(reverse("admin:index")).status_code in {302, 403}


@pytest.mark.parametrize("label", sorted(OURS))
def test_a_superuser_views_every_list_and_adds_what_has_no_page(label):
    client = superuser_client()

    assert client.get(url(label, "changelist")).status_code == 200
    assert client.get(url(label, "add")).status_code == (200 if label in EDITABLE else 403)


@pytest.mark.parametrize("label", sorted(OURS))
def test_governance_views_and_adds_what_has_no_page(label):
    client = signed_in_client(make_user(role="governance"))

    assert client.get(url(label, "changelist")).status_code == (200 if label in VIEWED else 403)
    assert client.get(url(label, "add")).status_code == (200 if label in EDITABLE else 403)


@pytest.mark.parametrize("label", sorted(OURS))
def test_an_auditor_views_what_governance_views_and_adds_nothing(label):
    client = signed_in_client(make_user(role="auditor"))

    assert client.get(url(label, "changelist")).status_code == (200 if label in VIEWED else 403)
    assert client.get(url(label, "add")).status_code == 403


def test_a_superuser_views_every_row_and_changes_what_has_no_page(rows):
    client = superuser_client()
    for row in rows:
        label = label_of(row)

        answer = client.get(url(label, "change", row.pk))

        assert answer.status_code == 200, label
        # a region of another name or host is another region
        expected = label in EDITABLE - {"catalog.region"}
        assert answer.context["has_change_permission"] is expected, label
        if not expected:
            assert client.post(url(label, "change", row.pk), {"name": "x"}).status_code == 403
            assert client.get(url(label, "delete", row.pk)).status_code == (
                200 if label == "inventory.contract" else 403
            ), label


def test_no_row_shows_a_digest_or_a_password():
    ada = make_user("ada")

    page = superuser_client().get(url("accounts.user", "change", ada.pk)).content.decode()

    assert "ada" in page
    assert ada.password not in page
    assert ada.password.split("$")[-1] not in page


def test_governance_deletes_a_contract_entered_by_mistake(rows):
    contract = next(row for row in rows if isinstance(row, Contract))
    client = signed_in_client(make_user(role="governance"))

    answer = client.post(url("inventory.contract", "delete", contract.pk), {"post": "yes"})

    assert answer.status_code == 302
    assert not Contract.objects.exists()


def test_a_built_in_template_is_not_changed_and_an_own_one_is(rows):
    client = signed_in_client(make_user(role="governance"))
    built_in = RiskTemplate.objects.get(code="FR-01")
    own = next(row for row in rows if isinstance(row, RiskTemplate))

    address = url("risks.risktemplate", "change", built_in.pk)
    assert client.post(address, {"title": "x"}).status_code == 403
    page = client.get(url("risks.risktemplate", "change", own.pk))
    assert 'name="title"' in page.content.decode()


def test_the_editor_of_a_template_searches_in_the_taxonomies(rows):
    client = signed_in_client(make_user(role="governance"))

    answer = client.get(
        reverse("admin:autocomplete"),
        {"app_label": "risks", "model_name": "templatemapping", "field_name": "entry", "term": "a"},
    )

    assert answer.status_code == 200
    assert answer.json()["results"]


@pytest.mark.parametrize("label", sorted(OURS))
def test_pages_have_nothing_inline_that_the_policy_blocks(label):
    client = superuser_client()
    for address in (url(label, "changelist"), url(label, "add")):
        answer = client.get(address)
        if answer.status_code != 200:
            continue
        page = answer.content.decode()
        scripts = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", page)
        assert [tag for tag in scripts if "application/json" not in tag] == []
        assert re.findall(r"<[^>]+\son[a-z]+=", page) == []
        assert "script-src 'self'" in answer["Content-Security-Policy"]
