"""Small portfolios for the tests of cost, runway and findings."""

import json
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import count
from typing import Any

from django.db import transaction

from apps.accounts.models import Team
from apps.catalog.footing import refresh_footing
from apps.catalog.models import Foundation, Node, NodeKind, Offering, Provider, Version
from apps.inventory.models import Application, Criticality, Dependency
from tests.builders import (
    make_application,
    make_dependency,
    make_exit_plan,
    make_exit_test,
    make_price,
)

_n = count(1)


def node_of(kind: NodeKind, ref: Any) -> int:
    return Node.objects.get(kind=kind, ref=ref.pk).pk


@dataclass
class Portfolio:
    """A worked portfolio in the tables: {its name of a thing: the row}."""

    as_of: date
    offerings: dict[str, Offering] = field(default_factory=dict)
    dependencies: dict[str, Dependency] = field(default_factory=dict)
    providers: dict[str, Provider] = field(default_factory=dict)

    def node(self, name: str) -> int:
        kind, key = name.split(":", 1)
        row = self.offerings[key] if kind == "offering" else self.providers[key]
        return node_of(NodeKind[kind.upper()], row)


def day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def decimal(value: Any, places: int = 15) -> Decimal | None:
    """`value` as a decimal, a fraction cut to `places`."""
    if value is None:
        return None
    fraction = Fraction(str(value))
    return (Decimal(fraction.numerator) / Decimal(fraction.denominator)).quantize(
        Decimal(10) ** -places
    )


@transaction.atomic
def load_portfolio(raw: dict[str, Any]) -> Portfolio:
    """What cost and runway rest on: providers to prices, applications, dependencies, exits. No
    lineage, no regions."""
    world = Portfolio(as_of=date.fromisoformat(raw["as_of"]))
    for row in raw["providers"]:
        world.providers[row["id"]] = Provider.objects.create(
            slug=f"{row['id']}-{next(_n)}", name=row["id"], roles=["developer", "host", "gateway"]
        )
    for row in raw["providers"]:
        if row.get("parent"):
            Provider.objects.filter(pk=world.providers[row["id"]].pk).update(
                parent=world.providers[row["parent"]]
            )
    foundations = {
        row["id"]: Foundation.objects.create(
            developer=world.providers[row["developer"]],
            name=row["id"],
            slug=f"f-{next(_n)}",
            line=f"x/{next(_n)}",
        )
        for row in raw["foundations"]
    }
    versions = {
        row["id"]: Version.objects.create(
            foundation=foundations[row["foundation"]],
            identifier=f"{row['id']}-{next(_n)}",
            name=row["id"],
        )
        for row in raw["versions"]
    }
    for row in raw["offerings"]:
        world.offerings[row["id"]] = Offering.objects.create(
            host=world.providers[row["host"]],
            api_id=row["id"],
            version=versions[row["version"]] if row.get("version") else None,
            gateway=world.providers[row["gateway"]] if row.get("gateway") else None,
            lifecycle=row.get("lifecycle") or "unknown",
            retires_on=day(row.get("retires_on")),
            date_kind=(row.get("date_kind") or "firm") if row.get("retires_on") else "",
            end_behaviour=row.get("end_behaviour") or "unknown",
        )
    for row in raw["offerings"]:
        if row.get("replacement") in world.offerings:
            Offering.objects.filter(pk=world.offerings[row["id"]].pk).update(
                replacement=world.offerings[row["replacement"]]
            )
    refresh_footing([offering.pk for offering in world.offerings.values()], today=world.as_of)
    _load_use(raw, world)
    return world


def _load_use(raw: dict[str, Any], world: Portfolio) -> None:
    team = Team.objects.create(name="T", slug=f"t-{next(_n)}")
    applications = {
        row["id"]: Application.objects.create(
            name=row["id"],
            slug=f"{row['id']}-{next(_n)}"[:120],
            team=team,
            status=row["status"],
            criticality=Criticality[row["criticality"].upper()],
        )
        for row in raw["applications"]
    }
    for row in raw["dependencies"]:
        world.dependencies[row["id"]] = Dependency.objects.create(
            application=applications[row["application"]],
            offering=world.offerings[row["offering"]],
            role=row["role"],
            traffic_share=decimal(row.get("share")),
            reached=row.get("via") or "direct",
            via_party=world.providers[row["via_party"]] if row.get("via_party") else None,
            since=day(row["since"]),
            until=day(row.get("until")),
            monthly_input_tokens=row.get("input_tokens"),
            monthly_output_tokens=row.get("output_tokens"),
        )
    for row in sorted(raw.get("exit_tests", []), key=lambda row: row["id"]):
        make_exit_test(
            world.dependencies[row["dependency"]],
            world.offerings[row["target"]],
            tested_on=day(row["tested_on"]),
            result=row["result"],
            effort_days=decimal(row.get("effort_days"), 1),
        )
    for row in raw.get("exit_plans", []):
        make_exit_plan(
            world.dependencies[row["dependency"]],
            estimated_days=decimal(row.get("estimated_days"), 1),
        )
    for row in raw.get("prices", []):
        make_price(
            world.offerings[row["offering"]],
            row["unit"],
            str(decimal(row["amount"], 8)),
            currency=row["currency"],
            since=date.fromisoformat(row["from"]),
            until=day(row.get("to")),
        )


def worked_portfolios(folder: Any) -> list[dict[str, Any]]:
    return json.loads((folder / "design" / "exposure" / "examples_dev.json").read_text())[
        "portfolios"
    ]


def use_of(offering, role="primary", **tokens):
    application = tokens.pop("application", None) or make_application()
    fields = {
        f"monthly_{name}": n for name, n in tokens.items() if name not in {"size", "since", "until"}
    }
    fields |= {name: tokens[name] for name in ("since", "until") if name in tokens}
    return make_dependency(
        application, offering, role, typical_request_tokens=tokens.get("size"), **fields
    )
