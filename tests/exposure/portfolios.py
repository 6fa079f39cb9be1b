"""Small random portfolios in the shape that `evaluate_portfolio` reads, with every feature at once.

Days lie on the edges of the rules (the day itself, the horizon, the validity of a test and one day
beside each), and so do shares (none, nothing, a third, more than all). With `odd`, the catalogue
also holds what people are refused: circles of parents, lineage and redirects, soft dates on retired
offerings, spans that end before they begin.
"""

from datetime import date, timedelta
from random import Random
from typing import Any

AS_OF = date(2026, 11, 24)
CRITICALITIES = ("critical", "important", "standard", "low")
ROLES = ("judge", "guardrail", "embedding", "reranker", "tool")
SHARES = (None, None, None, 0, "1/3", "1/3", "2/3", "1/2", "1/4", 1, "3/2", "1/7")
THREATS = ("outage", "retirement", "developer_failure", "error")
KINDS = ("offering", "version", "foundation", "developer", "host", "gateway", "vendor", "region")
STATES = ("exposed", "cushioned", "portable", "partial")

type Portfolio = dict[str, Any]


def random_portfolio(
    r: Random, *, name: str = "random", odd: bool = True, small: bool = False
) -> Portfolio:
    """One portfolio; all randomness comes from `r`."""
    return _Maker(r, odd=odd, small=small).make(name)


def seeded(seed: int, *, odd: bool = True, small: bool = False) -> Portfolio:
    return random_portfolio(Random(seed), name=f"random-{seed}", odd=odd, small=small)


class _Maker:
    def __init__(self, r: Random, *, odd: bool, small: bool) -> None:
        self.r = r
        self.odd = odd
        self.size = 1 if small else 2
        self.horizon = r.choice((180, 180, 180, 30, 0))
        self.validity = 365
        self.made = 0

    def some(self, least: int, most: int) -> range:
        return range(self.r.randint(least, most))

    def chance(self, part: float) -> bool:
        return self.r.random() < part

    def id(self, prefix: str) -> str:
        """Ids whose order is not the order in which they are made."""
        self.made += 1
        return f"{self.r.choice('abcxyz')}-{prefix}{self.made}"

    def day(self, *offsets: int) -> str:
        return (AS_OF + timedelta(days=self.r.choice(offsets))).isoformat()

    def make(self, name: str) -> Portfolio:
        self.providers = [self.id("provider") for _ in self.some(3, 4 + self.size)]
        self.foundations = [self.id("foundation") for _ in self.some(2, 3 + self.size)]
        self.versions = {
            self.id("version"): self.r.choice(self.foundations)
            for _ in self.some(3, 3 + 2 * self.size)
        }
        self.offerings = [self.id("offering") for _ in self.some(4, 4 + 3 * self.size)]
        self.apps = [self.id("app") for _ in self.some(2, 2 + 3 * self.size)]
        offerings = [self.offering(name) for name in self.offerings]
        self.hosts = {row["id"]: row for row in offerings}
        dependencies = [row for app in self.apps for row in self.dependencies_of(app)]
        tests = (
            [self.exit_test(dependencies) for _ in self.some(0, 5 * self.size)]
            if dependencies
            else []
        )
        portfolio: Portfolio = {
            "name": name,
            "as_of": AS_OF.isoformat(),
            "horizon_days": self.horizon,
            "providers": self.parents(),
            "foundations": [
                {"id": row, "developer": self.r.choice(self.providers)} for row in self.foundations
            ],
            "versions": [
                {"id": row, "foundation": foundation} for row, foundation in self.versions.items()
            ],
            "derivations": self.derivations(),
            "offerings": offerings,
            "applications": [self.application(app) for app in self.apps],
            "dependencies": dependencies,
            "exit_tests": tests,
            "exit_plans": self.plans(dependencies),
            "prices": [row for offering in self.offerings for row in self.prices(offering)],
            "cost_days": [self.day(1, 30), self.day(40, 90)],
            "policies": [self.policy() for _ in self.some(1, 3)],
            "lifecycles": [self.lifecycle() for _ in self.some(0, 2)],
            "scenarios": [self.scenario(dependencies) for _ in self.some(0, 2)],
        }
        if self.chance(0.4):
            portfolio["settings"] = self.settings()
        if self.chance(0.5):
            portfolio["loss"] = self.loss()
        self.r.shuffle(portfolio["applications"])
        self.r.shuffle(portfolio["dependencies"])
        return portfolio

    # the catalogue

    def parents(self) -> list[dict[str, Any]]:
        rows = []
        for place, provider in enumerate(self.providers):
            above = (
                self.providers[:place] if not (self.odd and self.chance(0.2)) else self.providers
            )
            parent = self.r.choice(above) if above and self.chance(0.4) else None
            rows.append({"id": provider, "parent": parent})
        return rows

    def derivations(self) -> list[dict[str, Any]]:
        names = list(self.versions)
        edges = {}
        for _ in self.some(0, 3 * self.size):
            child, parent = self.r.sample(range(len(names)), 2)
            if not (self.odd and self.chance(0.2)):
                child, parent = max(child, parent), min(child, parent)
            kind = self.r.choice(
                (
                    "fine_tune",
                    "quantisation",
                    "merge",
                    "adapter",
                    "distillation",
                    "distillation",
                    "next_generation",
                )
            )
            edges[child, parent, kind] = {
                "child": names[child],
                "parent": names[parent],
                "kind": kind,
            }
        return list(edges.values())

    def offering(self, name: str) -> dict[str, Any]:
        edges = (-400, -1, 0, 1, 90, self.horizon - 1, self.horizon, self.horizon + 1)
        ends = self.day(*edges) if self.chance(0.4) else None
        kind = self.r.choice(("firm", "firm", "not_before"))
        lifecycle = self.r.choice(
            ("active", "active", "active", "legacy", "preview", "deprecated", "retired")
        )
        if lifecycle == "retired" and kind == "not_before" and not self.odd:
            kind = "firm"
        replacement = self.r.choice(self.offerings) if self.chance(0.6) else None
        if replacement == name and not self.odd:
            replacement = None
        return {
            "id": name,
            "host": self.r.choice(self.providers),
            "version": None if self.chance(0.15) else self.r.choice(list(self.versions)),
            "gateway": self.r.choice(self.providers) if self.chance(0.2) else None,
            "regions": [f"r{n}" for n in self.some(0, 3)],
            "lifecycle": lifecycle,
            "retires_on": ends,
            "date_kind": kind,
            "end_behaviour": self.r.choice(("redirect", "redirect", "error", "unknown")),
            "replacement": replacement,
        }

    def prices(self, offering: str) -> list[dict[str, Any]]:
        rows = []
        currency = self.r.choice(("USD", "USD", "USD", "EUR"))
        for unit in ("input", "output"):
            if self.chance(0.2):
                continue
            turn = self.day(0, 1, 30, 60)
            amounts = [self.r.choice((3, "1/2", "1.25", "0.075", 15, 0)) for _ in range(2)]
            until = turn if self.chance(0.5) else None
            rows.append(_price(offering, unit, amounts[0], currency, "2025-01-01", until))
            if until is not None and self.chance(0.7):
                rows.append(_price(offering, unit, amounts[1], currency, turn, None))
        return rows

    # what runs

    def application(self, name: str) -> dict[str, Any]:
        return {
            "id": name,
            "team": self.r.choice(("t1", "t2")),
            "criticality": self.r.choice(("critical", *CRITICALITIES)),
            "status": self.r.choice(("production",) * 5 + ("pilot", "proposed", "retired")),
            "users": self.r.choice((None, 0, 10, 250, 1000)),
            "monthly_spend": self.r.choice((None, 0, 100, "99.95", 1000)),
        }

    def dependencies_of(self, app: str) -> list[dict[str, Any]]:
        rows = [
            self.dependency(app, "primary") for _ in range(self.r.choice((0, 1, 1, 1, 2, 2, 3)))
        ]
        rows += [self.dependency(app, "fallback") for _ in range(self.r.choice((0, 1, 1, 2, 3)))]
        return rows + [
            self.dependency(app, self.r.choice(ROLES)) for _ in range(self.r.choice((0, 0, 1, 2)))
        ]

    def dependency(self, app: str, role: str) -> dict[str, Any]:
        via = self.r.choice(("direct", "direct", "direct", "gateway", "embedded"))
        since, until = None, None
        if self.chance(0.3):
            since = self.day(-300, -300, -1, 0, 1)
        if self.chance(0.2):
            until = self.day(0, 1, 90, 90)
        if since and until and until <= since and not self.odd:
            until = None
        return {
            "id": self.id(f"{role[0]}"),
            "application": app,
            "offering": self.r.choice(self.offerings),
            "role": role,
            "order": self.r.choice((None, 1, 1, 2)) if role == "fallback" else None,
            "share": self.r.choice(SHARES) if role == "primary" else None,
            "via": via,
            "via_party": None
            if via == "direct" or self.chance(0.1)
            else self.r.choice(self.providers),
            "since": since,
            "until": until,
            "input_tokens": self.r.choice((None, 0, 1_000_000, 3_333_333)),
            "output_tokens": self.r.choice((None, 0, 200_000)),
            "spend": self.r.choice((None, 0, 10, "12.34")),
        }

    def exit_test(self, dependencies: list[dict[str, Any]]) -> dict[str, Any]:
        of = self.r.choice(dependencies)
        others = [
            row["offering"] for row in dependencies if row["application"] == of["application"]
        ]
        target = self.r.choice(others if self.chance(0.7) else self.offerings)
        tested = self.r.choice(
            (-self.validity - 1, -self.validity, 1 - self.validity, -30, -30, -1, 0, 1)
        )
        expires = None
        if self.chance(0.4):
            expires = self.r.choice(
                [day for day in (-1, 0, 1, 100) if day > tested] or [tested + 1]
            )
        return {
            "id": self.id("test"),
            "dependency": of["id"],
            "target": target,
            "tested_on": self.day(tested),
            "result": self.r.choice(("passed", "passed", "passed", "partial", "failed")),
            "expires_on": None if expires is None else self.day(expires),
            "effort_days": self.r.choice((None, 5, 90)),
            "tested_version": self.r.choice(list(self.versions)) if self.chance(0.2) else None,
        }

    def plans(self, dependencies: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {
                "id": self.id("plan"),
                "dependency": row["id"],
                "target": self.r.choice((None, *self.offerings)),
                "estimated_days": self.r.choice((None, 20, 60)),
            }
            for row in dependencies
            if self.chance(0.3)
        ]

    # what is asked

    def node(self) -> str:
        kind = self.r.choice(KINDS)
        if kind == "region":
            row = self.r.choice(list(self.hosts.values()))
            return f"region:{row['host']}/{self.r.choice(row['regions'] or ['r0'])}"
        known = {
            "offering": self.offerings,
            "version": list(self.versions),
            "foundation": self.foundations,
        }
        return f"{kind}:{self.r.choice(known.get(kind, self.providers))}"

    def policy(self) -> dict[str, Any]:
        share = self.chance(0.4)
        return {
            "id": self.id("policy"),
            "kinds": self.r.sample(KINDS, self.r.randint(1, 4)),
            "states": self.r.sample(STATES, self.r.randint(1, 3)),
            "measure": "weight_share" if share else self.r.choice(("n_applications", "n_critical")),
            "basis": self.r.choice(("count", "criticality", "spend", "users")),
            "tolerance": self.r.choice(("1/10", "1/3", "1/2", 0))
            if share
            else self.r.choice((0, 1, 2)),
            "threat": self.r.choice((None, None, *THREATS)),
        }

    def lifecycle(self) -> dict[str, Any]:
        day = AS_OF
        steps: list[dict[str, Any]] = []
        for _ in self.some(1, 9):
            day += timedelta(days=self.r.choice((0, 1, 1, 1, 2, 5)))
            step: dict[str, Any] = {"day": day.isoformat()}
            if self.chance(0.85):
                step["value"] = self.r.choice(
                    (None, 0, 1, 2, 3, 4, 5, "9/5", "27/10", "33/10", "7/2")
                )
            if self.chance(0.3):
                until = (day + timedelta(days=self.r.choice((0, 1, 3, 30)))).isoformat()
                step["do"] = self.r.choice(
                    ({"acknowledge": 1}, {"accept_until": until}, {"disable": 1})
                )
            steps.append(step)
        return {
            "id": self.id("life"),
            "tolerance": self.r.choice((2, 3, "3/2")),
            "hysteresis": self.r.choice(("1/10", 0, "1/2")),
            "clear_days": self.r.choice((0, 1, 2, 3)),
            "steps": steps,
        }

    def scenario(self, dependencies: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self.id("scenario"),
            "ops": [self.operation(dependencies) for _ in self.some(1, 4)],
            "layers": self.r.sample(
                ("developer", "host", "version", "region", "gateway", "vendor"), 2
            ),
            "basis": self.r.choice(("count", "criticality", "spend", "users")),
            "on": self.day(0, 45) if self.chance(0.4) else None,
        }

    def operation(self, dependencies: list[dict[str, Any]]) -> dict[str, Any]:
        kind = self.r.choice(("remove", "remove", "replace", "move", "reprice", "add", "retire"))
        if kind == "move" and not dependencies:
            kind = "retire"
        if kind == "remove":
            return {"op": kind, "nodes": [self.node() for _ in self.some(1, 3)]}
        if kind == "replace":
            return {
                "op": kind,
                "old": self.r.choice(self.offerings),
                "new": self.r.choice(self.offerings),
            }
        if kind == "move":
            return {
                "op": kind,
                "dependency": self.r.choice(dependencies)["id"],
                "offering": self.r.choice(self.offerings),
            }
        if kind == "retire":
            return {"op": kind, "application": self.r.choice(self.apps)}
        if kind == "reprice":
            change: dict[str, Any] = {"op": kind, "node": self.node()}
            change |= self.r.choice(
                ({"factor": "3/2"}, {"factor": "1/3"}, {"amount": "7/2", "currency": "USD"})
            )
            if self.chance(0.4):
                change["unit"] = self.r.choice(("input", "output"))
            if self.chance(0.3):
                change["from"] = self.day(0, 20)
            return change
        app = self.id("added")
        rows = self.dependencies_of(app)
        made = [self.exit_test(rows) for _ in self.some(0, 2)] if rows else []
        return {
            "op": "add",
            "application": self.application(app),
            "dependencies": rows,
            "exit_tests": made,
        }

    def loss(self) -> dict[str, Any]:
        rated = self.chance(0.3)

        def frequency() -> dict[str, Any]:
            return (
                {"rate": self.r.choice(("1/2", 1))}
                if rated
                else {"q": self.r.choice(("1/20", "1/2", "1/200"))}
            )

        return {
            "events": [
                {
                    "node": self.node(),
                    "kind": self.r.choice(("outage", "retirement", "price")),
                    "threat": self.r.choice((None, None, *THREATS)),
                    "frequency": frequency(),
                    "base": {
                        name: self.r.choice((0, 5, 10))
                        for name in CRITICALITIES
                        if self.chance(0.8)
                    },
                }
                for _ in self.some(1, 3)
            ],
            "own": {
                name: {**frequency(), "loss": 4} for name in ("critical", "low") if self.chance(0.5)
            },
        }

    def settings(self) -> dict[str, Any]:
        said: dict[str, Any] = {}
        if self.chance(0.3):
            said["statuses"] = self.r.sample(("proposed", "pilot", "production"), 2)
        if self.chance(0.3):
            said["criticality_points"] = {"critical": 10, "important": 3, "standard": 1, "low": 0}
        if self.chance(0.3):
            said["test_validity_days"] = self.r.choice((30, 31, 1000))
        if self.chance(0.4):
            said["required_grade"] = {
                "outage": {"host": self.r.randint(0, 5), "region": self.r.randint(0, 2), "*": 0},
                "retirement": {"*": self.r.choice((0, 1, 2, 3, 4, 5, 5, 5))},
                "developer_failure": {"*": self.r.choice((3, 4, 5, 5))},
                "error": {"*": self.r.choice((2, 4, 5))},
            }
        if self.chance(0.3):
            said["cut_threshold"] = self.r.choice(("1/3", "3/5", 1))
        if self.chance(0.2):
            said["cut_kinds"] = ["host", "version", "developer"]
        if self.chance(0.3):
            said["state_factor"] = {"exposed": "1", "cushioned": "1/3", "portable": 0}
        return said


def _price(
    offering: str, unit: str, amount: int | str, currency: str, since: str, until: str | None
) -> dict[str, Any]:
    return {
        "offering": offering,
        "unit": unit,
        "amount": amount,
        "currency": currency,
        "from": since,
        "to": until,
    }
