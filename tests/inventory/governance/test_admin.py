"""Contracts, documents, decisions and selections in the admin."""

from datetime import timedelta

import pytest
from django.urls import reverse

import apps.inventory.governance.admin  # noqa: F401 - registers them
from apps.common.time import day_of, now
from apps.inventory.governance.selections import add_candidate, draft_selection
from apps.inventory.models import AnnexItem, Approval, Contract
from tests.builders import make_foundation, make_provider, make_user
from tests.http import flash_text

pytestmark = pytest.mark.django_db


@pytest.fixture
def governance():
    return make_user("gus", role="governance")


@pytest.fixture
def governed(client, governance):
    client.force_login(governance)
    return client


def post(client, name, data):
    answer = client.post(reverse(f"admin:inventory_{name}"), data, follow=True)
    assert answer.status_code == 200
    return answer


def test_a_contract_is_kept_with_who_and_why(governed):
    post(
        governed,
        "contract_add",
        {
            "party": make_provider().pk,
            "ref": "C-1",
            "kind": "standalone",
            "currency": "USD",
            "reason": "signed",
        },
    )

    latest = Contract.history.rel.related_model.objects.get()
    assert (latest.pgh_context.metadata["actor"], latest.pgh_context.metadata["reason"]) == (
        "gus",
        "signed",
    )


def test_an_item_asked_for_here_is_due_in_two_weeks_too(governed, governance):
    post(
        governed,
        "annexitem_add",
        {"foundation": make_foundation().pk, "item": "1a", "status": "requested"},
    )

    item = AnnexItem.objects.get()
    assert (item.noted_by, item.due_on) == (governance, day_of(now()) + timedelta(days=14))


class TestApprovals:
    def decide(self, client, foundation, **data):
        return post(
            client, "approval_add", {"foundation": foundation.pk, "reason": "because", **data}
        )

    def test_decided_and_revoked(self, governed, governance):
        self.decide(
            governed,
            make_foundation(),
            decision="restricted",
            expires_on="2099-01-01",
            criticalities=["3"],
        )
        approval = Approval.objects.get()
        assert (approval.approver, approval.criticalities) == (governance, [3])

        answer = post(
            governed, "approval_changelist", {"action": "revoke", "_selected_action": [approval.pk]}
        )

        approval.refresh_from_db()
        assert approval.revoked_by == governance
        assert "revoked" in flash_text(answer)

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            ({"decision": "approved"}, "Enter an expiry date"),
            ({"decision": "blocked", "regions": "EU"}, "Only a restricted approval"),
        ],
    )
    def test_what_is_refused_is_said_and_nothing_stays(self, governed, data, words):
        assert words in flash_text(self.decide(governed, make_foundation(), **data))
        assert Approval.objects.count() == 0

    def test_two_targets_are_refused_on_the_form(self, governed):
        answer = self.decide(
            governed, make_foundation(), decision="blocked", provider=make_provider().pk
        )

        assert "Choose exactly one" in str(answer.context["adminform"].form.errors)

    def test_nobody_changes_a_decision(self, governed):
        self.decide(governed, make_foundation(), decision="blocked")
        address = reverse("admin:inventory_approval_change", args=[Approval.objects.get().pk])

        assert governed.get(address).status_code == 200
        assert governed.post(address, {"decision": "approved"}).status_code == 403


def test_a_selection_is_read_with_its_candidates(governed, governance):
    draft = draft_selection(title="Claims assistant", by=governance)
    add_candidate(selection=draft, foundation=make_foundation("maker/shown"), by=governance)

    page = governed.get(reverse("admin:inventory_selection_change", args=[draft.pk]))

    assert page.status_code == 200
    assert "shown" in page.text
