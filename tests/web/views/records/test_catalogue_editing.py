"""Governance edits the catalogue on pages: each change has a source, an undo and a history line."""

from datetime import timedelta

import pytest
from django.urls import reverse

from apps.catalog.models import (
    Alias,
    Derivation,
    Footing,
    Node,
    NodeKind,
    NoticePolicy,
    OfferingRegion,
    Price,
    ProviderEvent,
    Region,
    Version,
)
from apps.common.time import day_of, now
from apps.exposure.models import EventRate
from apps.inventory.models import Contract
from apps.risks.models import RiskTemplate
from tests.builders import (
    make_foundation,
    make_offering,
    make_price,
    make_provider,
    make_user,
    make_version,
)
from tests.http import read_form, signed_in_client

pytestmark = pytest.mark.django_db
SOURCE = {"source_url": "https://maker.example/models", "source_on": "2026-11-20"}


@pytest.fixture
def client():
    return signed_in_client(make_user("maren", role="governance"))


def new(kind):
    return reverse("records:create", args=[kind])


def undo(client, response):
    """Post the undo that the page after a change offers."""
    page = client.get(response.url)
    *_, message = page.context["messages"]
    address = message.extra_tags.removeprefix("undo=")
    return client.post(address)


def test_a_version_is_added_with_its_source_and_the_undo_removes_it(client):
    foundation = make_foundation("maker/model-x")

    answer = client.post(
        new("versions"),
        {
            "identifier": "maker/model-x-20261101",
            "name": "Model X",
            "foundation": foundation.pk,
            "released_on": "2026-11-01",
            "released_precision": "day",
            "names": "model-x\nModel X November",
            **SOURCE,
        },
    )

    version = Version.objects.get(identifier="maker/model-x-20261101")
    assert answer.url == reverse("versions:detail", args=[version.pk])
    assert version.names == ["model-x", "Model X November"]
    assert undo(client, answer).url == reverse("foundations:detail", args=[foundation.slug])
    assert not Version.objects.filter(pk=version.pk).exists()


def test_a_version_without_a_source_is_refused_at_the_fields(client):
    foundation = make_foundation()

    answer = client.post(
        new("versions"),
        {"identifier": "maker/y-1", "name": "Y", "foundation": foundation.pk},
    )

    assert answer.status_code == 422
    assert {"source_url", "source_on"} <= set(answer.context["form"].errors)
    assert not Version.objects.filter(identifier="maker/y-1").exists()


def test_the_page_of_a_version_leads_to_its_form_for_governance_only(client):
    version = make_version()
    address = reverse("versions:detail", args=[version.pk])
    edit = reverse("records:edit", args=["versions", version.pk])

    assert edit in client.get(address).content.decode()
    viewer = signed_in_client(make_user())
    assert edit not in viewer.get(address).content.decode()
    assert viewer.get(edit).status_code == 403
    assert viewer.post(edit, {}).status_code == 403


def test_a_change_of_another_user_meanwhile_is_shown_and_not_overwritten(client):
    version = make_version(name="Old", **SOURCE)
    address = reverse("records:edit", args=["versions", version.pk])
    data = read_form(client.get(address))
    Version.objects.filter(pk=version.pk).update(name="Name of another user")

    answer = client.post(address, {**data, "name": "Mine"})

    assert answer.status_code == 422
    [conflict] = answer.context["form"].differences
    assert (conflict.was, conflict.is_now, conflict.yours) == (
        "Old",
        "Name of another user",
        "Mine",
    )
    version.refresh_from_db()
    assert version.name == "Name of another user"


def test_the_history_names_user_reason_and_both_values_and_undoes_the_latest_change(client):
    version = make_version(context_window=1000, **SOURCE)
    address = reverse("records:edit", args=["versions", version.pk])
    data = read_form(client.get(address))

    client.post(address, {**data, "context_window": "2000", "reason": "model card"})

    history = client.get(reverse("records:history", args=["versions", version.pk]))
    change, lines = history.context["changes"][0]
    assert (change.actor, change.reason) == ("maren", "model card")
    assert lines == [("Context window", "1000", "2000")]
    client.post(reverse("records:undo", args=["versions", change.change]))
    version.refresh_from_db()
    assert version.context_window == 1000


def test_an_older_change_is_not_undone_over_a_later_one(client):
    version = make_version(context_window=1000, **SOURCE)
    address = reverse("records:edit", args=["versions", version.pk])
    for tokens in ("2000", "3000"):
        client.post(address, {**read_form(client.get(address)), "context_window": tokens})
    changes = client.get(reverse("records:history", args=["versions", version.pk])).context[
        "changes"
    ]

    client.post(reverse("records:undo", args=["versions", changes[1][0].change]))

    version.refresh_from_db()
    assert version.context_window == 3000


def test_a_version_in_use_cannot_be_deleted_and_the_message_names_what_depends_on_it(client):
    offering = make_offering()

    answer = client.post(
        reverse("records:delete", args=["versions", offering.version_id]), {"reason": "wrong"}
    )

    assert answer.status_code == 302
    [message] = client.get(answer.url).context["messages"]
    assert "offerings depend on it" in str(message)
    assert Version.objects.filter(pk=offering.version_id).exists()


def test_a_deleted_version_returns_with_its_number_by_undo(client):
    version = make_version(**SOURCE)

    answer = client.post(
        reverse("records:delete", args=["versions", version.pk]), {"reason": "duplicate"}
    )

    assert not Version.objects.filter(pk=version.pk).exists()
    undo(client, answer)
    assert Version.objects.get(pk=version.pk).identifier == version.identifier


def test_a_deletion_needs_a_reason(client):
    version = make_version()

    client.post(reverse("records:delete", args=["versions", version.pk]), {"reason": ""})

    assert Version.objects.filter(pk=version.pk).exists()


class TestAliases:
    def test_an_alias_is_added_for_the_version_that_the_page_names(self, client):
        version = make_version()
        page = client.get(
            f"{new('aliases')}?version={version.identifier}&foundation={version.foundation.slug}"
        )
        data = read_form(page)

        client.post(
            new("aliases"), {**data, "identifier": "maker/latest", "kind": "alias", **SOURCE}
        )

        assert Alias.objects.get(identifier="maker/latest").version == version

    def test_an_alias_that_moves_takes_its_offerings_along_and_raises_an_event_each(self, client):
        old = make_version()
        target = make_version("maker/next-1", foundation=old.foundation)
        alias = Alias.objects.create(
            identifier="maker/latest",
            foundation=old.foundation,
            version=old,
            kind="alias",
            **SOURCE,
        )
        offering = make_offering(version=old, alias=alias)
        address = reverse("records:edit", args=["aliases", alias.pk])

        answer = client.post(
            address, {**read_form(client.get(address)), "version": target.identifier}
        )

        offering.refresh_from_db()
        assert offering.version == target
        event = ProviderEvent.objects.get(kind="alias_moved", offering=offering)
        assert (event.old, event.new) == (old.identifier, target.identifier)
        assert Footing.objects.filter(
            offering=offering, node__kind=NodeKind.VERSION, node__ref=target.pk
        ).exists()
        undo(client, answer)
        offering.refresh_from_db()
        assert offering.version == old

    def test_a_name_that_no_version_has_is_refused_at_its_field(self, client):
        foundation = make_foundation()

        answer = client.post(
            new("aliases"),
            {
                "identifier": "maker/latest",
                "kind": "alias",
                "foundation": foundation.pk,
                "version": "maker/unknown",
                **SOURCE,
            },
        )

        [error] = answer.context["form"].errors["version"]
        assert error == "No version is called 'maker/unknown'. Check the spelling."


class TestDerivations:
    def test_a_derivation_refreshes_upstream_dependencies_and_its_deletion_too(self, client):
        offering, parent = make_offering(), make_version()

        client.post(
            new("derivations"),
            {
                "child": offering.version.identifier,
                "parent": parent.identifier,
                "kind": "fine_tune",
                **SOURCE,
            },
        )

        depends = Footing.objects.filter(
            offering=offering, node__kind=NodeKind.VERSION, node__ref=parent.pk
        )
        assert depends.exists()
        derivation = Derivation.objects.get()
        client.post(
            reverse("records:delete", args=["derivations", derivation.pk]), {"reason": "wrong"}
        )
        assert not depends.exists()

    def test_a_circle_is_refused_at_the_parent(self, client):
        first, second = make_version(), make_version()
        Derivation.objects.create(child=first, parent=second, kind="fine_tune")

        answer = client.post(
            new("derivations"),
            {
                "child": second.identifier,
                "parent": first.identifier,
                "kind": "merge",
                **SOURCE,
            },
        )

        assert "parent" in answer.context["form"].errors


class TestPrices:
    def price(self, offering, **facts):
        return {
            "offering": offering.pk,
            "unit": "input",
            "above_tokens": "0",
            "amount": "3",
            "currency": "USD",
            **SOURCE,
            **facts,
        }

    def current(self, offering, unit="input"):
        return list(
            Price.objects.filter(offering=offering, unit=unit)
            .at(now())
            .values_list("amount", flat=True)
        )

    def test_a_price_entered_by_hand_applies_is_an_event_and_is_undone(self, client):
        offering = make_offering()
        client.post(new("prices"), self.price(offering, amount="2"))

        answer = client.post(new("prices"), self.price(offering))

        assert answer.url == f"{reverse('offerings:detail', args=[offering.pk])}?tab=prices"
        assert self.current(offering) == [3]
        event = ProviderEvent.objects.get(kind="repriced", offering=offering)
        assert (event.old, event.new) == ({"input": "2"}, {"input": "3"})
        undo(client, answer)
        assert self.current(offering) == [2]

    def test_the_undo_of_the_first_price_ends_it(self, client):
        offering = make_offering()

        undo(client, client.post(new("prices"), self.price(offering)))

        assert self.current(offering) == []

    def test_a_price_from_a_later_day_leaves_the_price_of_today(self, client):
        offering = make_offering()
        make_price(offering, amount="2")
        first_day = day_of(now()) + timedelta(days=10)

        client.post(new("prices"), self.price(offering, starts_on=first_day.isoformat()))

        assert self.current(offering) == [2]
        later = Price.objects.get(offering=offering, amount=3)
        assert day_of(later.valid.lower) == first_day

    def test_a_first_day_in_the_past_is_refused_at_its_field(self, client):
        answer = client.post(new("prices"), self.price(make_offering(), starts_on="2025-01-01"))

        assert answer.status_code == 422
        assert "starts_on" in answer.context["form"].errors

    def test_a_removed_price_ends_and_the_history_names_the_reason(self, client):
        offering = make_offering()
        client.post(new("prices"), self.price(offering))
        price = Price.objects.get(offering=offering)

        client.post(reverse("records:delete", args=["prices", price.pk]), {"reason": "a typo"})

        assert self.current(offering) == []
        history = client.get(reverse("records:history", args=["prices", price.pk]))
        change, lines = history.context["changes"][0]
        assert change.reason == "a typo"
        assert lines == [("Input tokens", "3", "–")]

    def test_the_price_of_a_feed_is_not_removed(self, client):
        price = make_price(make_offering())

        answer = client.post(
            reverse("records:delete", args=["prices", price.pk]), {"reason": "wrong"}
        )

        [message] = client.get(answer.url).context["messages"]
        assert "comes from a feed" in str(message)


class TestRegions:
    def test_an_offering_is_served_in_a_region_of_its_host(self, client):
        offering = make_offering()
        client.post(new("regions"), {"host": offering.host_id, "name": "eu-1", **SOURCE})
        region = Region.objects.get()

        answer = client.post(
            new("offering-regions"),
            {"offering": offering.pk, "region": region.pk, "reason": "host's list of regions"},
        )

        assert answer.status_code == 302, answer.context["form"].errors
        assert Footing.objects.filter(
            offering=offering, node__kind=NodeKind.REGION, node__ref=region.pk
        ).exists()
        undo(client, answer)
        assert not OfferingRegion.objects.exists()

    def test_a_region_in_use_is_kept(self, client):
        offering = make_offering()
        region = Region.objects.create(host=offering.host, name="eu-1")
        offering.regions.add(region)

        client.post(reverse("records:delete", args=["regions", region.pk]), {"reason": "wrong"})

        assert Region.objects.filter(pk=region.pk).exists()


def test_a_notice_policy_is_added_and_a_second_of_the_same_scope_is_refused(client):
    provider = make_provider("host-x")
    data = {"provider": provider.pk, "scope": "all", "notice_days": "60", **SOURCE}

    client.post(new("notice-policies"), data)
    again = client.post(new("notice-policies"), data)

    assert NoticePolicy.objects.get().notice_days == 60
    assert again.status_code == 422
    assert "already has a notice policy" in str(again.context["form"].non_field_errors())


class TestRiskTemplates:
    data = {
        "code": "OWN-1",
        "title": "Own risk",
        "layer": "serving",
        "usual_likelihood": "2",
        "usual_impact": "4",
        "inherits_by_default": "on",
        "stale_by": ["repriced"],
        "sources": "https://example.org/risk",
    }

    def test_a_template_is_added_changed_and_deleted(self, client):
        client.post(new("risk-templates"), self.data)
        template = RiskTemplate.objects.get(code="OWN-1")
        assert template.stale_by == ["repriced"]
        address = reverse("records:edit", args=["risk-templates", template.pk])

        client.post(address, {**read_form(client.get(address)), "usual_impact": "5"})

        template.refresh_from_db()
        assert template.usual_impact == 5
        client.post(
            reverse("records:delete", args=["risk-templates", template.pk]), {"reason": "unused"}
        )
        assert not RiskTemplate.objects.filter(code="OWN-1").exists()

    def test_a_template_of_the_release_is_read_only(self, client):
        template = RiskTemplate.objects.create(
            code="FR-X", title="Built in", layer="serving", built_in=True
        )
        address = reverse("records:edit", args=["risk-templates", template.pk])

        answer = client.get(address)

        assert answer.url == reverse("risk-templates:detail", args=["FR-X"])
        assert client.post(address, self.data).status_code == 302
        template.refresh_from_db()
        assert template.title == "Built in"


def test_a_contract_entered_by_mistake_is_deleted_and_returns_by_undo(client):
    contract = Contract.objects.create(ref="C-1", party=make_provider("host-x"))

    answer = client.post(
        reverse("records:delete", args=["contracts", contract.pk]), {"reason": "wrong party"}
    )

    assert answer.url == reverse("contracts:list")
    assert not Contract.objects.exists()
    undo(client, answer)
    assert Contract.objects.get().pk == contract.pk


def test_contracts_are_not_found_by_readers_without_an_organisation_role():
    contract = Contract.objects.create(ref="C-1", party=make_provider("host-x"))
    viewer = signed_in_client(make_user())

    for page in ("history", "edit"):
        address = reverse(f"records:{page}", args=["contracts", contract.pk])
        assert viewer.get(address).status_code == 404


def test_the_rate_of_one_item_is_added_and_not_deleted(client):
    offering = make_offering()
    node = Node.objects.get(kind=NodeKind.HOST, ref=offering.host_id)
    page = client.get(f"{new('event-rates')}?node={node.pk}&node_kind=host")

    client.post(
        new("event-rates"),
        {**read_form(page), "kind": "outage", "rate": "0.5", "source": "status page"},
    )

    rate = EventRate.objects.get(node=node)
    assert (rate.node_kind, rate.rate) == ("host", 0.5)
    client.post(reverse("records:delete", args=["event-rates", rate.pk]), {"reason": "wrong"})
    assert EventRate.objects.filter(pk=rate.pk).exists()


def test_pages_take_a_fixed_number_of_statements(client, django_assert_max_num_queries):
    offering = make_offering()
    version = offering.version
    for number in range(30):
        Alias.objects.create(
            identifier=f"maker/alias-{number}",
            foundation=version.foundation,
            version=version,
            kind="alias",
        )
        make_price(offering, "output", "1", above=number)
    for address in (
        reverse("versions:detail", args=[version.pk]),
        reverse("offerings:detail", args=[offering.pk]),
        reverse("records:edit", args=["versions", version.pk]),
        reverse("records:history", args=["versions", version.pk]),
        new("aliases"),
    ):
        client.get(address)
        with django_assert_max_num_queries(30):
            client.get(address)


def test_an_unknown_kind_of_record_is_not_found(client):
    assert client.get(new("secrets")).status_code == 404
