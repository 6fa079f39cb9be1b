"""The admin is a read-only window for superusers."""

import re

import pytest
from django.contrib import admin
from django.urls import reverse

from apps.catalog.models import Alias, NodeKind
from apps.inventory.models import Contract
from apps.risks.catalogue import load_risk_catalogue
from apps.risks.models import TaxonomyEntry
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

REGISTERED = {f"{model._meta.app_label}.{model._meta.model_name}" for model in admin.site._registry}


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


@pytest.mark.parametrize("role", ["governance", "admin", "auditor", ""])
def test_only_superusers_enter(role):
    client = signed_in_client(make_user(role=role, is_staff=True))

    answer = client.get(reverse("admin:index"))

    assert answer.status_code == 302
    assert "login" in answer.url


def test_a_closed_account_does_not_enter():
    user = make_user(role="admin")
    client = signed_in_client(user)
    user.__class__.objects.update(is_active=False, state="closed")

    assert client.get(reverse("admin:index")).status_code in {302, 403}


@pytest.mark.parametrize("label", sorted(REGISTERED))
def test_a_superuser_views_every_list_and_adds_nothing(label):
    client = superuser_client()

    assert client.get(url(label, "changelist")).status_code == 200
    assert client.get(url(label, "add")).status_code == 403
    assert client.post(url(label, "add"), {"name": "x"}).status_code == 403


def test_a_superuser_views_every_row_and_changes_none(rows):
    client = superuser_client()
    for row in rows:
        label = label_of(row)

        answer = client.get(url(label, "change", row.pk))

        assert answer.status_code == 200, label
        assert answer.context["has_change_permission"] is False, label
        assert client.post(url(label, "change", row.pk), {"name": "x"}).status_code == 403, label
        deletion = client.post(url(label, "delete", row.pk), {"post": "yes"})
        assert deletion.status_code == 403, label


def test_no_row_shows_a_digest_or_a_password():
    ada = make_user("ada")

    page = superuser_client().get(url("accounts.user", "change", ada.pk)).content.decode()

    assert "ada" in page
    assert ada.password not in page
    assert ada.password.split("$")[-1] not in page


@pytest.mark.parametrize("label", sorted(REGISTERED))
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
