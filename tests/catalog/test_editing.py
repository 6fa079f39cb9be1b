"""Edits of the catalogue: upstream dependencies of offerings follow each of them."""

import json
import random
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from apps.catalog.actions import set_manual_fact
from apps.catalog.footing import footing_differences, refresh_footing
from apps.catalog.identity.named_models import NamedModel, ensure_named_models
from apps.catalog.models import (
    Derivation,
    Footing,
    Foundation,
    NodeKind,
    Offering,
    OfferingRegion,
    Provider,
    Region,
    Version,
)
from apps.catalog.models.change_queue import ChangedOffering
from apps.catalog.records.hosting import OfferingRecord, OfferingRegionRecord
from apps.catalog.records.identities import DerivationRecord, FoundationRecord, VersionRecord
from apps.catalog.records.providers import ProviderRecord
from apps.common.errors import ConflictError
from tests.builders import (
    NOW,
    TODAY,
    make_foundation,
    make_offering,
    make_provider,
    make_user,
    make_version,
)

pytestmark = pytest.mark.django_db
SOURCE = {"source_url": "https://maker.example/models", "source_on": TODAY}


@pytest.fixture
def user():
    return make_user("maren", role="governance")


class TestFootingFollows:
    def stands_on(self, offering, kind, ref):
        return Footing.objects.filter(offering=offering, node__kind=kind, node__ref=ref).exists()

    def test_a_provider_bought_by_another(self, user):
        offering, group = make_offering(), make_provider("group")

        ProviderRecord().change(row=offering.host, facts={"parent": group}, by=user)

        assert self.stands_on(offering, NodeKind.HOST, group.pk)

    def test_a_foundation_by_another_developer(self, user):
        offering, maker = make_offering(), make_provider("maker2", roles=("developer",))

        FoundationRecord().change(
            row=offering.version.foundation, facts={"developer": maker, **SOURCE}, by=user
        )

        assert self.stands_on(offering, NodeKind.DEVELOPER, maker.pk)

    def test_a_version_of_another_foundation(self, user):
        offering, foundation = make_offering(), make_foundation()

        VersionRecord().change(
            row=offering.version, facts={"foundation": foundation, **SOURCE}, by=user
        )

        assert self.stands_on(offering, NodeKind.FOUNDATION, foundation.pk)

    def test_a_new_version_of_a_foundation_that_a_name_may_be(self, user):
        foundation = make_foundation("anthropic/claude-3-haiku")
        make_provider("bedrock")
        name = NamedModel("bedrock", "Haiku", foundations=(foundation.slug,))
        named = ensure_named_models([name], at=NOW)[name]
        ChangedOffering.objects.all().delete()

        created = VersionRecord().create(
            facts={"identifier": "anthropic/new", "name": "New", "foundation": foundation} | SOURCE,
            by=user,
        )

        assert self.stands_on(named, NodeKind.VERSION, created.row.pk)
        assert ChangedOffering.objects.filter(offering_id=named).exists()
        assert not footing_differences()

    def test_a_version_that_moves_to_a_foundation_that_a_name_may_be(self, user):
        foundation = make_foundation("anthropic/claude-3-haiku")
        host = make_provider("bedrock")
        name = NamedModel("bedrock", "Haiku", foundations=(foundation.slug,))
        named = ensure_named_models([name], at=NOW)[name]
        offering = make_offering(host=host, lifecycle="retired")

        VersionRecord().change(
            row=offering.version, facts={"foundation": foundation, **SOURCE}, by=user
        )

        assert self.stands_on(named, NodeKind.OFFERING, offering.pk)
        assert Offering.objects.get(pk=named).lifecycle == "retired"
        assert not footing_differences()

    def test_an_offering_called_through_a_gateway(self, user):
        offering, gateway = make_offering(), make_provider("gate", roles=("gateway",))

        OfferingRecord().change(row=offering, facts={"gateway": gateway}, by=user, reason="docs")

        assert self.stands_on(offering, NodeKind.GATEWAY, gateway.pk)

    def test_an_offering_added_and_deleted(self, user):
        record, version = OfferingRecord(), make_version("maker/model-1")

        write = record.create(
            facts={"host": make_provider("here"), "api_id": "maker/model-1"},
            by=user,
            reason="list of the host",
        )

        offering = Offering.objects.get(pk=write.row.pk)
        assert offering.version == version
        assert self.stands_on(offering, NodeKind.VERSION, version.pk)
        connection.check_constraints()
        record.delete(row=offering, by=user, reason="a typo")
        assert not Offering.objects.filter(pk=offering.pk).exists()
        assert footing_differences() == []


@pytest.mark.proof
def test_after_random_edits_nothing_is_to_be_rebuilt(user):
    """Forty-four edits of every kind, as users make them; the command then finds no difference."""
    choose = random.Random(20261124)
    versions = [make_version(**SOURCE) for _ in range(5)]
    hosts = [make_provider(f"host-{number}") for number in range(4)]
    offerings = [
        make_offering(host=choose.choice(hosts), version=choose.choice(versions)) for _ in range(12)
    ]
    for host in hosts:
        Region.objects.create(host=host, name="eu")
    derivations = DerivationRecord()

    def bought():
        daughter, group = choose.sample(hosts, 2)
        group.refresh_from_db()
        if group.parent_id is None:
            ProviderRecord().change(row=daughter, facts={"parent": group}, by=user)

    def sold():
        ProviderRecord().change(row=choose.choice(hosts), facts={"parent": None}, by=user)

    def derived():
        older, newer = sorted(choose.sample(range(5), 2))
        facts = {
            "child": versions[newer],
            "parent": versions[older],
            "kind": choose.choice(Derivation.Kind.values),
        }
        if not Derivation.objects.filter(**facts).exists():
            derivations.create(facts={**facts, **SOURCE}, by=user)

    def forgotten():
        edges = list(Derivation.objects.order_by("pk"))
        if edges:
            change = derivations.delete(row=choose.choice(edges), by=user)
            if choose.random() < 0.5:
                derivations.undo(change=change, by=user)

    def rebased():
        VersionRecord().change(
            row=choose.choice(versions),
            facts={"foundation": choose.choice(Foundation.objects.order_by("pk"))},
            by=user,
        )

    def renamed():
        FoundationRecord().change(
            row=choose.choice(Foundation.objects.order_by("pk")),
            facts={"developer": choose.choice(hosts), **SOURCE},
            by=user,
        )

    def placed():
        offering = choose.choice(offerings)
        region = Region.objects.get(host=offering.host)
        record = OfferingRegionRecord()
        link = OfferingRegion.objects.filter(offering=offering, region=region).first()
        if link is None:
            record.create(facts={"offering": offering, "region": region}, by=user)
        else:
            record.delete(row=link, by=user)

    def redirected():
        old, new = choose.sample(offerings, 2)
        OfferingRecord().change(row=old, facts={"end_behaviour": "redirect"}, by=user)
        retire(old, successor=new.api_id)

    def retired():
        retire(choose.choice(offerings))

    def retire(offering, **fields):
        value = {"retires_on": TODAY.replace(month=1), "date_kind": "firm", **fields}
        set_manual_fact(offering=offering, value=value, by=user, reason="letter")

    kinds = [
        bought,
        derived,
        sold,
        derived,
        forgotten,
        rebased,
        renamed,
        placed,
        redirected,
        retired,
        placed,
    ]
    for number in range(44):
        kinds[number % len(kinds)]()

    out = StringIO()
    call_command("rebuild_footing", "--check", stdout=out)
    assert json.loads(out.getvalue()) == {"differences": 0, "rows_changed": 0, "first": []}
    assert Footing.objects.filter(node__kind=NodeKind.REGION).exists()


def test_a_record_that_another_one_uses_is_not_deleted_silently(user):
    version = make_version()
    follower = make_version(predecessor=version)

    with pytest.raises(ConflictError, match="versions depend on it"):
        VersionRecord().delete(row=version, by=user)

    follower.refresh_from_db()
    assert follower.predecessor == version


class TestRebuilding:
    def test_a_missing_row_is_reported_and_put_back(self):
        offering = make_offering()
        with transaction.atomic():
            Footing.objects.filter(offering=offering, node__kind=NodeKind.VERSION).delete()
        out = StringIO()

        with pytest.raises(SystemExit):
            call_command("rebuild_footing", "--check", stdout=out)

        [difference] = json.loads(out.getvalue())["first"]
        assert difference == {
            "offering": offering.pk,
            "node": f"version:{offering.version_id}",
            "stored": None,
            "due": [0, 0],
        }
        out = StringIO()
        call_command("rebuild_footing", stdout=out)
        assert json.loads(out.getvalue())["rows_changed"] == 1
        assert footing_differences() == []

    def test_a_true_footing_is_left_alone(self):
        make_offering()

        assert refresh_footing() == 0
        assert (
            Version.objects.count()
            == Provider.objects.filter(roles__contains=["developer"]).count()
        )
