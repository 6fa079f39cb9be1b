"""A small random portfolio, and random edits of it by every road that leads to its rows."""

import random
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

from django.db import connection, transaction

from apps.accounts.models import User
from apps.catalog.actions import decide_identity, set_manual_fact
from apps.catalog.footing import refresh_footing
from apps.catalog.models import Derivation, Foundation, Offering, Provider, Region
from apps.common.errors import ConflictError
from apps.exposure.models import ExposureSettings, Policy
from apps.inventory.actions.applications import retire_application
from apps.inventory.actions.dependencies import declare_dependency, end_dependency
from apps.inventory.models import Application, Dependency, ExitTest
from tests.builders import (
    TODAY,
    make_application,
    make_dependency,
    make_foundation,
    make_offering,
    make_provider,
    make_team,
    make_user,
    make_version,
)

ROLES = ["primary"] * 5 + ["fallback"] * 5 + ["judge", "guardrail", "tool", "embedding"]
SHARES = [None, None, None, "0", "0.25", "0.5", "0.333333333333333", "1", "2"]
LIFECYCLES = ["active", "active", "legacy", "deprecated", "retired", "preview"]


class RandomChanges:
    """`day` is what the world takes for today; `edit()` does one random thing and names it."""

    def __init__(self, seed: int, *, n_applications: int = 7, n_offerings: int = 10) -> None:
        self.random = random.Random(seed)
        self.day = TODAY
        self.by: User = make_user(role="governance")
        self.developers = [make_provider(f"dev{n}", roles=("developer",)) for n in range(3)]
        self.hosts = [make_provider(f"host{n}", roles=("host",)) for n in range(3)]
        self.gateways = [make_provider(f"way{n}", roles=("gateway",)) for n in range(2)]
        self.vendors = [make_provider(f"vendor{n}", roles=("reseller",)) for n in range(2)]
        self.holdings = [make_provider(f"holding{n}", roles=("reseller",)) for n in range(2)]
        self.teams = [make_team() for _ in range(3)]
        foundations = [
            make_foundation(f"dev{n % 3}/line{n}", developer=self.developers[n % 3])
            for n in range(4)
        ]
        self.versions = [
            make_version(f"v/model-{n}", foundation=foundations[n % len(foundations)])
            for n in range(7)
        ]
        self.regions = [
            Region.objects.create(host=host, name=name)
            for host in self.hosts
            for name in ("a", "b")
        ]
        for _ in range(3):
            self.change_lineage()
        self.offerings = [
            make_offering(
                f"o{n}",
                host=self.random.choice(self.hosts),
                version=self.random.choice(self.versions),
                resolved=self.random.random() > 0.15,
            )
            for n in range(n_offerings)
        ]
        self.offering_ids = [offering.pk for offering in self.offerings]
        for _ in range(5):
            self.change_regions()
        for n in range(n_applications):
            make_application(
                f"A{n}",
                team=self.random.choice(self.teams),
                criticality=self.random.choice([0, 0, 1, 2, 3]),
            )
        for application in Application.objects.all():
            make_dependency(application, self._offering())
            for _ in range(self.random.randrange(4)):
                self.insert_dependency(application)
        for _ in range(n_applications):
            self.add_exit_test()

    def edit(self) -> str:
        roads: list[Callable[[], object]] = [
            self.change_applications,
            self.change_applications,
            self.change_dependency_by_sql,
            self.change_dependency_by_sql,
            self.change_dependency_by_save,
            self.change_dependency_by_save,
            self.insert_dependency,
            self.insert_dependencies_at_once,
            self.delete_dependency,
            self.declare,
            self.end,
            self.retire,
            self.new_application,
            self.delete_application,
            self.add_exit_test,
            self.add_exit_test,
            self.change_exit_test,
            self.delete_exit_test,
            self.end_offering_by_hand,
            self.change_offering,
            self.change_offering,
            self.redirect,
            self.place_offering,
            self.move_version,
            self.change_lineage,
            self.change_regions,
            self.change_gateway,
            self.change_parent,
            self.sell_foundation,
            self.change_settings,
            self.switch_policy,
            self.move_to_party,
            self.move_to_party,
            self.leave_party,
            self.pass_days,
            self.pass_days,
            self.pass_days,
        ]
        road = self.random.choice(roads)
        try:
            with transaction.atomic():
                said = road()
        except ConflictError as refused:
            said = f"refused: {refused}"
        return f"{road.__name__}({said or ''})"

    # --- inventory --------------------------------------------------------------------------------

    def change_applications(self) -> str:
        field, value = self.random.choice(
            [
                (
                    "status",
                    self.random.choice(
                        ["pilot", "production", "production", "proposed", "retired"]
                    ),
                ),
                ("team", self.random.choice(self.teams)),
                ("criticality", self.random.randrange(4)),
                ("users_affected", self.random.choice([None, 0, 5, 1000])),
                ("monthly_spend", self.random.choice([None, Decimal(0), Decimal("12.34")])),
            ]
        )
        chosen = self.random.sample(self._application_ids(), k=min(2, Application.objects.count()))
        Application.objects.filter(pk__in=chosen).update(**{field: value})
        return f"{chosen} {field}={value}"

    def new_application(self) -> None:
        application = make_application(
            team=self.random.choice(self.teams), criticality=self.random.randrange(4)
        )
        self.insert_dependency(application)

    def delete_application(self) -> None:
        if Application.objects.count() > 3:
            Application.objects.get(pk=self.random.choice(self._application_ids())).delete()

    def insert_dependency(self, application: Application | None = None) -> None:
        application = application or Application.objects.get(
            pk=self.random.choice(self._application_ids())
        )
        make_dependency(application, self._offering(), **self._facts())

    def insert_dependencies_at_once(self) -> None:
        Dependency.objects.bulk_create(
            Dependency(application_id=pk, offering=self._offering(), **self._facts())
            for pk in self.random.choices(self._application_ids(), k=3)
        )

    def change_dependency_by_sql(self) -> str | None:
        pk = self._dependency_id()
        if pk is None:
            return None
        column, value = self.random.choice(
            [
                ("offering_id", self.random.choice(self.offering_ids)),
                ("role", self.random.choice(ROLES)),
                ("traffic_share", self.random.choice(SHARES)),
                ("monthly_spend", self.random.choice([None, 0, "3.21"])),
                ("fallback_order", self.random.randrange(3)),
                ("application_id", self.random.choice(self._application_ids())),
                ("since", self.day + timedelta(self.random.choice([-100, -1, 0, 1, 40]))),
                (
                    "until",
                    self.random.choice(
                        [None, self.day + timedelta(self.random.choice([-1, 0, 1, 30]))]
                    ),
                ),
            ]
        )
        if column == "since":
            Dependency.objects.filter(pk=pk).update(until=None)
        if column == "until" and value is not None:
            Dependency.objects.filter(pk=pk).update(since=date(2024, 1, 1))
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE inventory_dependency SET {column} = %s WHERE id = %s", [value, pk]
            )
        return f"{pk} {column}={value}"

    def change_dependency_by_save(self) -> None:
        pk = self._dependency_id()
        if pk is not None:
            dependency = Dependency.objects.get(pk=pk)
            dependency.offering = self._offering()
            dependency.role = self.random.choice(ROLES)
            dependency.traffic_share = self.random.choice([None, Decimal("0.5"), Decimal(0)])
            dependency.save()

    def delete_dependency(self) -> None:
        pk = self._dependency_id()
        if pk is not None:
            Dependency.objects.get(pk=pk).delete()

    def move_to_party(self) -> str | None:
        pk = self._dependency_id()
        if pk is None:
            return None
        reached = self.random.choice(["gateway", "embedded"])
        party = self.random.choice(self.gateways if reached == "gateway" else self.vendors)
        Dependency.objects.filter(pk=pk).update(reached=reached, via_party=party)
        return f"{pk} by {party.slug}"

    def leave_party(self) -> None:
        chosen = Dependency.objects.exclude(reached="direct").values_list("pk", flat=True)
        if chosen:
            Dependency.objects.filter(pk=self.random.choice(chosen)).update(
                reached="direct", via_party=None
            )

    def declare(self) -> None:
        application = Application.objects.get(pk=self.random.choice(self._application_ids()))
        role, since = self.random.choice(ROLES), self.day
        declare_dependency(
            application=application, offering=self._offering(), role=role, since=since, by=self.by
        )

    def end(self) -> None:
        pk = self._dependency_id()
        if pk is not None:
            on = self.day + timedelta(self.random.choice([0, 1, 20]))
            end_dependency(dependency=Dependency.objects.get(pk=pk), on=on, by=self.by)

    def retire(self) -> None:
        if self.random.random() < 0.5:
            application = Application.objects.get(pk=self.random.choice(self._application_ids()))
            retire_application(application=application, on=self.day, by=self.by)

    # --- exit tests -------------------------------------------------------------------------------

    def add_exit_test(self) -> None:
        pk = self._dependency_id()
        if pk is not None:
            ExitTest.objects.create(dependency_id=pk, **self._test_facts())

    def change_exit_test(self) -> None:
        tests = list(ExitTest.objects.order_by("pk").values_list("pk", flat=True))
        if tests:
            ExitTest.objects.filter(pk=self.random.choice(tests)).update(**self._test_facts())

    def delete_exit_test(self) -> None:
        tests = list(ExitTest.objects.order_by("pk").values_list("pk", flat=True))
        if tests:
            with connection.cursor() as cursor:
                cursor.execute(
                    "DELETE FROM inventory_exittest WHERE id = %s", [self.random.choice(tests)]
                )

    def _test_facts(self) -> dict[str, object]:
        tested_on = self.day + timedelta(self.random.choice([-400, -360, -30, -1, 0, 1, 25]))
        return {
            "target": self._offering(),
            "result": self.random.choice(["passed", "passed", "passed", "partial", "failed"]),
            "tested_on": tested_on,
            "expires_on": self.random.choice(
                [None, tested_on + timedelta(self.random.choice([1, 30, 90]))]
            ),
            "tested_version": self.random.choice([None, None, *self.versions]),
        }

    # --- catalogue --------------------------------------------------------------------------------

    def end_offering_by_hand(self) -> None:
        on = self.day + timedelta(self.random.choice([-1, 0, 3, 100, 200, 400]))
        kind = self.random.choice(["firm", "not_before"])
        said = {"retires_on": on, "date_kind": kind, "status": "deprecated"}
        if self.random.random() < 0.3:
            said = {"status": self.random.choice(["active", "deprecated"])}
        set_manual_fact(offering=self._offering(), value=said, by=self.by, reason="a page")

    def change_offering(self) -> str:
        """By plain SQL, without a word to the footing."""
        pk = self.random.choice(self.offering_ids)
        lifecycle = self.random.choice(LIFECYCLES)
        on = self.random.choice(
            [None, self.day + timedelta(self.random.choice([-3, 0, 1, 30, 180, 181, 300]))]
        )
        kind = (
            ""
            if on is None
            else "firm"
            if lifecycle == "retired"
            else self.random.choice(["firm", "not_before"])
        )
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE catalog_offering SET lifecycle = %s, retires_on = %s, date_kind = %s WHERE "
                "id = %s",
                [lifecycle, on, kind, pk],
            )
        return f"{pk} {lifecycle} {on} {kind}"

    def redirect(self) -> str:
        old, new = self.random.sample(self.offering_ids, k=2)
        behaviour = self.random.choice(["redirect", "redirect", "redirect", "error"])
        Offering.objects.filter(pk=old).update(end_behaviour=behaviour, replacement=new)
        if self.random.random() < 0.5:
            Offering.objects.filter(pk=old).update(
                lifecycle="retired", retires_on=None, date_kind=""
            )
        refresh_footing([old], today=self.day)
        return f"{old} {behaviour} {new}"

    def place_offering(self) -> None:
        offering = Offering.objects.get(pk=self.random.choice(self.offering_ids))
        decide_identity(
            raw=offering.api_id,
            host=None,
            version=self.random.choice(self.versions),
            alias=None,
            not_a_model=False,
            by=self.by,
        )
        refresh_footing(today=self.day)

    def move_version(self) -> None:
        pk = self.random.choice(self.offering_ids)
        Offering.objects.filter(pk=pk).update(version=self.random.choice([None, *self.versions]))
        refresh_footing([pk], today=self.day)

    def change_lineage(self) -> None:
        derivations = list(Derivation.objects.order_by("pk"))
        if len(derivations) > 3:
            self.random.choice(derivations).delete()
        parent, child = sorted(self.random.sample(range(len(self.versions)), k=2))
        kind = self.random.choice(
            ["fine_tune", "distillation", "merge", "quantisation", "next_generation"]
        )
        Derivation.objects.get_or_create(
            child=self.versions[child], parent=self.versions[parent], kind=kind
        )
        refresh_footing(today=self.day)

    def change_regions(self) -> None:
        offering = self._offering()
        here = [region for region in self.regions if region.host_id == offering.host_id]
        offering.regions.set(self.random.sample(here, k=self.random.randrange(len(here) + 1)))
        refresh_footing([offering.pk], today=self.day)

    def change_gateway(self) -> None:
        pk = self.random.choice(self.offering_ids)
        Offering.objects.filter(pk=pk).update(gateway=self.random.choice([None, *self.gateways]))
        refresh_footing([pk], today=self.day)

    def change_parent(self) -> str:
        party = self.random.choice([*self.developers, *self.hosts, *self.gateways, *self.vendors])
        parent = self.random.choice([None, *self.holdings, *self.developers, *self.hosts])
        if parent == party:
            parent = None
        Provider.objects.filter(pk=party.pk).update(parent=parent)
        refresh_footing(today=self.day)
        return f"{party.slug} of {parent}"

    def sell_foundation(self) -> None:
        foundation = self.random.choice(self.versions).foundation
        Foundation.objects.filter(pk=foundation.pk).update(
            developer=self.random.choice(self.developers)
        )
        refresh_footing(today=self.day)

    # --- governance, time -------------------------------------------------------------------------

    def change_settings(self) -> None:
        field, value = self.random.choice(
            [
                (
                    "statuses",
                    self.random.choice(
                        [["pilot", "production"], ["production"], ["proposed", "production"]]
                    ),
                ),
                ("test_validity_days", self.random.choice([30, 365])),
                ("horizon_days", self.random.choice([0, 90, 180])),
                ("criticality_points", {"critical": self.random.choice([8, 16])}),
                ("required_grade", {"outage": {"host": self.random.choice([1, 3]), "*": 0}}),
            ]
        )
        ExposureSettings.objects.update_or_create(pk=1, defaults={field: value})

    def switch_policy(self) -> None:
        policy, _ = Policy.objects.get_or_create(
            slug="wandering",
            defaults={
                "name": "Versions that err",
                "kinds": ["version", "host"],
                "threat": "error",
                "states": ["exposed"],
                "measure": "n_applications",
                "tolerance": 1,
                "enabled": False,
            },
        )
        Policy.objects.filter(pk=policy.pk).update(enabled=not policy.enabled)

    def pass_days(self) -> str:
        self.day += timedelta(self.random.choice([1, 1, 2, 20, 100]))
        refresh_footing(today=self.day)
        return str(self.day)

    # ----------------------------------------------------------------------------------------------

    def _facts(self) -> dict[str, object]:
        facts: dict[str, object] = {
            "role": self.random.choice(ROLES),
            "traffic_share": self.random.choice(SHARES),
            "fallback_order": self.random.randrange(3),
            "monthly_spend": self.random.choice([None, None, Decimal("10.5")]),
            "since": self.day + timedelta(self.random.choice([-50, -50, -50, 0, 3])),
        }
        reached = self.random.choice(["direct", "direct", "gateway", "embedded"])
        if reached != "direct":
            parties = self.gateways if reached == "gateway" else self.vendors
            facts |= {"reached": reached, "via_party": self.random.choice(parties)}
        return facts

    def _offering(self) -> Offering:
        return Offering.objects.get(pk=self.random.choice(self.offering_ids))

    def _application_ids(self) -> list[int]:
        return list(Application.objects.order_by("pk").values_list("pk", flat=True))

    def _dependency_id(self) -> int | None:
        found = list(Dependency.objects.order_by("pk").values_list("pk", flat=True))
        return self.random.choice(found) if found else None
