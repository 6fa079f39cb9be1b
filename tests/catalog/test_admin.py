"""The catalogue in the admin: upstream dependencies of offerings follow every edit."""

import json
import random
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.urls import reverse

from apps.catalog.footing import footing_differences, refresh_footing
from apps.catalog.models import (
    Alias,
    Derivation,
    Footing,
    Foundation,
    NodeKind,
    Offering,
    Provider,
    Region,
    Version,
)
from tests.admin_forms import save_admin_form
from tests.builders import (
    TODAY,
    make_foundation,
    make_offering,
    make_provider,
    make_user,
    make_version,
)
from tests.http import signed_in_client

pytestmark = pytest.mark.django_db


def signed_in(role="governance", **fields):
    return signed_in_client(make_user(role=role, **fields))


class TestFootingFollows:
    @pytest.fixture
    def client(self):
        return signed_in()

    def stands_on(self, offering, kind, ref):
        return Footing.objects.filter(offering=offering, node__kind=kind, node__ref=ref).exists()

    def test_a_provider_bought_by_another(self, client):
        offering, group = make_offering(), make_provider("group")

        save_admin_form(client, offering.host, parent=group.pk, reason="bought")

        assert self.stands_on(offering, NodeKind.HOST, group.pk)

    def test_a_foundation_by_another_developer(self, client):
        offering, maker = make_offering(), make_provider("maker2", roles=("developer",))

        save_admin_form(client, offering.version.foundation, developer=maker.pk)

        assert self.stands_on(offering, NodeKind.DEVELOPER, maker.pk)

    def test_a_version_of_another_foundation(self, client):
        offering, foundation = make_offering(), make_foundation()

        save_admin_form(client, offering.version, foundation=foundation.pk)

        assert self.stands_on(offering, NodeKind.FOUNDATION, foundation.pk)

    def test_an_offering_of_another_version(self, client):
        offering, version = make_offering(), make_version()

        save_admin_form(client, offering, version=version.pk)

        assert self.stands_on(offering, NodeKind.VERSION, version.pk)

    def test_an_offering_in_a_region(self, client):
        offering = make_offering()
        region = Region.objects.create(host=offering.host, name="eu")

        save_admin_form(client, offering, regions=[region.pk])

        assert self.stands_on(offering, NodeKind.REGION, region.pk)

    def test_a_name_that_points_to_another_version(self, client):
        old, new = make_version(), make_version()
        alias = Alias.objects.create(
            identifier="latest", foundation=old.foundation, version=old, kind="alias"
        )
        offering = make_offering(version=old, alias=alias)

        save_admin_form(client, alias, version=new.pk)

        offering.refresh_from_db()
        assert offering.version == new
        assert self.stands_on(offering, NodeKind.VERSION, new.pk)

    def test_a_lineage_edge_added_moved_and_deleted(self, client):
        parent, other, offering = make_version(), make_version(), make_offering()
        answer = client.post(
            reverse("admin:catalog_derivation_add"),
            {"child": offering.version_id, "parent": parent.pk, "kind": "fine_tune"},
        )
        assert answer.status_code == 302
        assert self.stands_on(offering, NodeKind.VERSION, parent.pk)

        edge = Derivation.objects.get()
        save_admin_form(client, edge, parent=other.pk)
        assert not self.stands_on(offering, NodeKind.VERSION, parent.pk)
        assert self.stands_on(offering, NodeKind.VERSION, other.pk)

        client.post(reverse("admin:catalog_derivation_delete", args=[edge.pk]), {"post": "yes"})
        assert not self.stands_on(offering, NodeKind.VERSION, other.pk)

    def test_an_offering_added_and_deleted(self, client):
        client.post(
            reverse("admin:catalog_offering_add"),
            {
                "host": make_provider("here").pk,
                "api_id": "model-1",
                "version": make_version().pk,
                "binding": "pinned",
                "identity_confidence": "1",
                "end_behaviour": "unknown",
            },
        )
        offering = Offering.objects.get(api_id="model-1")
        assert self.stands_on(offering, NodeKind.VERSION, offering.version_id)
        connection.check_constraints()

        client.post(reverse("admin:catalog_offering_delete", args=[offering.pk]), {"post": "yes"})
        assert not Offering.objects.filter(pk=offering.pk).exists()
        assert footing_differences() == []

    def test_the_history_names_the_person_and_the_reason(self, client):
        offering = make_offering()

        save_admin_form(client, offering.host, country="DE", reason="see the register of companies")

        last = offering.host.history.order_by("-pgh_id").first()
        assert last.pgh_context.metadata["reason"] == "see the register of companies"
        assert last.pgh_context.metadata["actor"].startswith("user")


@pytest.mark.proof
def test_after_random_edits_nothing_is_to_be_rebuilt():
    """Forty-four edits of every kind, as people make them; the command then finds no difference."""
    choose = random.Random(20261124)
    client = signed_in()
    versions = [make_version() for _ in range(5)]
    hosts = [make_provider(f"host-{number}") for number in range(4)]
    offerings = [
        make_offering(host=choose.choice(hosts), version=choose.choice(versions)) for _ in range(12)
    ]
    regions = [Region.objects.create(host=host, name="eu") for host in hosts]

    def bought():
        daughter, group = choose.sample(hosts, 2)
        if group.parent_id is None:
            save_admin_form(client, daughter, parent=group.pk)

    def sold():
        save_admin_form(client, choose.choice(hosts), parent=None)

    def derived():
        older, newer = sorted(choose.sample(range(5), 2))
        client.post(
            reverse("admin:catalog_derivation_add"),
            {
                "child": versions[newer].pk,
                "parent": versions[older].pk,
                "kind": choose.choice(Derivation.Kind.values),
            },
        )

    def forgotten():
        edges = list(Derivation.objects.order_by("pk"))
        if edges:
            edge = choose.choice(edges)
            client.post(reverse("admin:catalog_derivation_delete", args=[edge.pk]), {"post": "yes"})

    def moved():
        save_admin_form(client, choose.choice(offerings), version=choose.choice(versions).pk)

    def rebased():
        save_admin_form(
            client,
            choose.choice(versions),
            foundation=choose.choice(Foundation.objects.order_by("pk")).pk,
        )

    def renamed():
        save_admin_form(
            client,
            choose.choice(Foundation.objects.order_by("pk")),
            developer=choose.choice(hosts).pk,
        )

    def placed():
        offering = choose.choice(offerings)
        save_admin_form(
            client, offering, regions=[region.pk for region in choose.sample(regions, 2)]
        )

    def redirected():
        old, new = choose.sample(offerings, 2)
        save_admin_form(client, old, replacement=new.pk, end_behaviour="redirect")

    def retired():
        client.post(
            reverse("admin:catalog_assertion_add"),
            {
                "offering": choose.choice(offerings).pk,
                "retires_on": TODAY.replace(year=2026, month=1).isoformat(),
                "date_kind": "firm",
                "status": "retired",
                "reason": "letter",
            },
        )

    kinds = [
        bought,
        derived,
        sold,
        derived,
        forgotten,
        moved,
        rebased,
        renamed,
        placed,
        redirected,
        retired,
    ]
    for number in range(44):
        kinds[number % len(kinds)]()

    out = StringIO()
    call_command("rebuild_footing", "--check", stdout=out)
    assert json.loads(out.getvalue()) == {"differences": 0, "rows_changed": 0, "first": []}
    assert Footing.objects.filter(node__kind=NodeKind.REGION).exists()
    assert Footing.objects.filter(node__kind=NodeKind.VERSION, depth__gt=0).exists()


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
