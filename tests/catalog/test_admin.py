"""The catalogue in the admin: who may do what, and that where offerings stand follows every
edit."""

import json
import random
import re
from io import StringIO

import pytest
from django.contrib import admin
from django.core.management import call_command
from django.db import connection, transaction
from django.urls import reverse

from apps.catalog.footing import footing_differences, refresh_footing
from apps.catalog.models import (
    Alias,
    Assertion,
    Derivation,
    Footing,
    Foundation,
    IdentityDecision,
    NodeKind,
    Offering,
    Price,
    Provider,
    Region,
    Version,
)
from tests.admin_forms import save_admin_form
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_claim,
    make_dependency,
    make_event,
    make_foundation,
    make_offering,
    make_provider,
    make_source,
    make_user,
    make_version,
)
from tests.http import signed_in_client

pytestmark = pytest.mark.django_db

OURS = {"accounts", "catalog", "inventory", "feeds", "exposure"}
# written by jobs, or kept as a record: seen, not changed
READ_ONLY = {
    "accounts.apitoken",
    "catalog.providerevent",
    "exposure.campaigntask",
    "exposure.concentrationsnapshot",
    "exposure.cut",
    "exposure.exposureflag",
    "exposure.lossrun",
    "exposure.scenario",
    "exposure.scenariorun",
    "feeds.feedrun",
    "feeds.pollstate",
    "feeds.quarantinedrow",
    "inventory.selection",
}
ADMINISTRATORS_ONLY = {"accounts.user"}


def signed_in(role="governance", **fields):
    return signed_in_client(make_user(role=role, **fields))


def models_of_ours():
    return {
        f"{m._meta.app_label}.{m._meta.model_name}": m
        for m in admin.site._registry
        if m._meta.app_label in OURS
    }


class TestWhoEnters:
    @pytest.mark.parametrize(
        ("role", "status"), [("governance", 200), ("admin", 200), ("auditor", 200), ("", 403)]
    )
    def test_offices_enter_and_others_do_not(self, role, status):
        assert signed_in(role).get(reverse("admin:index"), follow=True).status_code == status

    def test_a_closed_account_does_not(self):
        client = signed_in("admin")
        user = make_user()
        user.__class__.objects.update(is_active=False)

        assert client.get(reverse("admin:index")).status_code in {302, 403}

    @pytest.mark.parametrize("label", sorted(models_of_ours()))
    def test_the_auditor_reads_every_list_and_adds_nothing(self, label):
        client = signed_in("auditor")
        name = label.replace(".", "_")

        assert client.get(reverse(f"admin:{name}_changelist")).status_code == 200
        assert client.get(reverse(f"admin:{name}_add")).status_code == 403

    @pytest.mark.parametrize("label", sorted(models_of_ours()))
    def test_governance_adds_what_people_write_and_nothing_that_jobs_write(self, label):
        answer = signed_in("governance").get(reverse(f"admin:{label.replace('.', '_')}_add"))

        assert answer.status_code == (403 if label in READ_ONLY | ADMINISTRATORS_ONLY else 200)

    @pytest.mark.parametrize("role", ["auditor", "governance", "admin"])
    def test_every_single_row_is_shown_and_changed_only_by_whom_it_may_be(self, role):
        rows = self.one_of_each()
        client = signed_in(role)
        for row in rows:
            label = f"{row._meta.app_label}.{row._meta.model_name}"
            address = reverse(f"admin:{label.replace('.', '_')}_change", args=[row.pk])
            shown = client.get(address)
            assert shown.status_code == 200, label
            may = shown.context["has_change_permission"]
            fixed = READ_ONLY | {"catalog.region", "catalog.identitydecision"}
            expected = (
                role != "auditor"
                and label not in fixed
                and (role == "admin" or label not in ADMINISTRATORS_ONLY)
            )
            assert may is expected, (role, label)

    def one_of_each(self):
        offering = make_offering()
        dependency = make_dependency(make_application(), offering)
        user = make_user()
        decision = IdentityDecision.objects.create(raw="x", not_a_model=True, decided_by=user)
        return [
            offering,
            offering.host,
            offering.version,
            offering.version.foundation,
            dependency,
            dependency.application,
            dependency.application.team,
            user,
            decision,
            make_event(offering),
            make_source(),
            Region.objects.create(host=offering.host, name="eu"),
            Price.objects.create(offering=offering, unit="input", amount=1, valid=(NOW, None)),
        ]

    def test_a_claim_of_a_feed_is_shown_and_not_changed(self):
        claim = make_claim(make_source(), "x")
        client = signed_in()
        address = reverse("admin:catalog_assertion_change", args=[claim.pk])

        assert client.get(address).context["has_change_permission"] is False
        assert client.post(address, {}).status_code == 403


class TestContentSecurityPolicy:
    """What the strict policy would block is not there: no inline script, handler or style."""

    @pytest.mark.parametrize("label", sorted(models_of_ours()))
    def test_pages_have_nothing_inline(self, label):
        client = signed_in("admin")
        name = label.replace(".", "_")
        for address in (reverse(f"admin:{name}_changelist"), reverse(f"admin:{name}_add")):
            answer = client.get(address)
            if answer.status_code != 200:
                continue
            page = answer.content.decode()
            scripts = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", page)
            assert [tag for tag in scripts if "application/json" not in tag] == []
            assert re.findall(r"<[^>]+\son[a-z]+=", page) == []
            assert "script-src 'self'" in answer["Content-Security-Policy"]


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


class TestManualFacts:
    def test_one_is_entered_settled_and_lifted(self):
        client, offering = signed_in(), make_offering()
        answer = client.post(
            reverse("admin:catalog_assertion_add"),
            {
                "offering": offering.pk,
                "retires_on": "2027-03-01",
                "date_kind": "firm",
                "reason": "letter of the provider",
            },
        )
        assert answer.status_code == 302, answer.context["adminform"].form.errors
        offering.refresh_from_db()
        assert str(offering.retires_on) == "2027-03-01"

        claim = Assertion.objects.get(source__slug="manual")
        client.post(
            reverse("admin:catalog_assertion_changelist"),
            {"action": "lift", "_selected_action": [claim.pk]},
        )
        offering.refresh_from_db()
        assert offering.retires_on is None

    def test_one_is_changed(self):
        client, offering = signed_in(), make_offering()
        address = reverse("admin:catalog_assertion_add")
        client.post(
            address,
            {
                "offering": offering.pk,
                "retires_on": "2027-03-01",
                "date_kind": "firm",
                "reason": "a",
            },
        )

        save_admin_form(client, Assertion.objects.get(), retires_on="2027-04-01", reason="b")

        offering.refresh_from_db()
        assert str(offering.retires_on) == "2027-04-01"

    @pytest.mark.parametrize(
        ("facts", "field"),
        [
            ({"retires_on": "2027-03-01", "reason": "x"}, "date_kind"),
            (
                {
                    "retires_on": "2027-03-01",
                    "date_kind": "firm",
                    "announced_on": "2028-01-01",
                    "reason": "x",
                },
                "retires_on",
            ),
            ({"retires_on": "2027-03-01", "date_kind": "firm"}, "reason"),
        ],
    )
    def test_one_that_does_not_hold_together_is_refused_by_its_field(self, facts, field):
        answer = signed_in().post(
            reverse("admin:catalog_assertion_add"), {"offering": make_offering().pk, **facts}
        )

        assert field in answer.context["adminform"].form.errors

    def test_a_decision_is_applied_and_lifted(self):
        client, version = signed_in(), make_version()
        offering = make_offering("mystery", resolved=False)
        client.post(
            reverse("admin:catalog_identitydecision_add"), {"raw": "mystery", "version": version.pk}
        )
        offering.refresh_from_db()
        assert offering.version == version

        client.post(
            reverse("admin:catalog_identitydecision_changelist"),
            {"action": "lift", "_selected_action": [IdentityDecision.objects.get().pk]},
        )
        offering.refresh_from_db()
        assert offering.version is None


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


def source_form(source, **changes):
    kept = {
        "slug": source.slug,
        "name": source.name,
        "kind": source.kind,
        "url": source.url,
        "trust_rank": source.trust_rank,
        "interval_minutes": source.interval_minutes,
        "stale_after_minutes": source.stale_after_minutes,
        "licence_note": "",
        "enabled": "on",
        "reason": "because",
    }
    return kept | changes


def dated_claim(source, offering, day):
    return make_claim(
        source,
        f"{source.slug}:{offering.api_id}",
        offering=offering,
        value={"retires_on": day, "date_kind": "firm"},
    )


def test_trusting_another_source_more_settles_what_it_speaks_about_and_is_no_news():
    offering = make_offering()
    first, second = (
        make_source("first", kind="litellm", trust_rank=10),
        make_source("second", kind="litellm", trust_rank=20),
    )
    dated_claim(first, offering, "2027-01-01")
    dated_claim(second, offering, "2027-06-01")

    answer = signed_in().post(
        reverse("admin:catalog_source_change", args=[second.pk]), source_form(second, trust_rank=5)
    )

    assert answer.status_code == 302
    offering.refresh_from_db()
    assert str(offering.retires_on) == "2027-06-01"
    assert not offering.events.exists()


def test_a_new_address_of_a_source_is_not_trusted_because_the_old_one_was():
    source = make_source(
        "mirror", kind="litellm", url="file:///srv/mirror.json", trusted_address=True
    )

    signed_in().post(
        reverse("admin:catalog_source_change", args=[source.pk]),
        source_form(source, url="file:///etc/passwd"),
    )

    source.refresh_from_db()
    assert (source.url, source.trusted_address) == ("file:///etc/passwd", False)
