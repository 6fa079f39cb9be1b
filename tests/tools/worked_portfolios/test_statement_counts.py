"""The engine asks as many questions of the database for ten thousand applications as for ten."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import NodeKind
from apps.common.database.bulk_writes import analyze
from apps.exposure.engine.concentration import contributions, measure_layer
from apps.exposure.engine.minimal_cut_sets import minimal_cut_sets
from apps.exposure.engine.reach import supporting_roles
from apps.exposure.engine.settings import EngineSettings, engine_settings
from apps.exposure.engine.single_points import single_points
from apps.exposure.engine.states import application_states, node_failures, path_states
from apps.exposure.engine.table_refresh import rebuild
from apps.exposure.models import Basis, Layer, Policy, ScopedApplication
from apps.exposure.policy_values import policy_values
from apps.inventory.costs import monthly_costs
from apps.inventory.models import Application, Dependency
from apps.inventory.runway import runways
from tools.worked_portfolios.loader import PortfolioIds, load_portfolio
from tools.worked_portfolios.reader.document import read_document

PORTFOLIO: dict[str, Any] = {
    "name": "bulk",
    "as_of": "2026-11-24",
    "providers": [{"id": "maker"}, {"id": "rival"}, {"id": "east"}, {"id": "west"}],
    "foundations": [{"id": "model", "developer": "maker"}, {"id": "other", "developer": "rival"}],
    "versions": [
        {"id": "model-1", "foundation": "model"},
        {"id": "other-1", "foundation": "other"},
    ],
    "offerings": [
        {
            "id": "east/model",
            "host": "east",
            "version": "model-1",
            "regions": ["e"],
            "retires_on": "2027-01-01",
        },
        {"id": "west/other", "host": "west", "version": "other-1"},
    ],
    "applications": [
        {
            "id": "first",
            "team": "team",
            "criticality": "critical",
            "status": "production",
            "users": 1,
        }
    ],
    "dependencies": [],
    "policies": [
        {
            "id": "p",
            "kinds": ["host"],
            "states": ["exposed", "cushioned"],
            "measure": "n_critical",
            "tolerance": 1,
        }
    ],
}


@dataclass(frozen=True)
class Bulk:
    ids: PortfolioIds
    settings: EngineSettings
    east: int

    @property
    def on(self) -> Any:
        return read_document({"portfolios": [PORTFOLIO]})[0].as_of

    def asked(self) -> Any:
        return node_failures([self.east], settings=self.settings)


def bulk(n: int) -> Bulk:
    """`n` applications, each with a primary in the east and every second with a fallback in the
    west."""
    (record,) = read_document({"portfolios": [PORTFOLIO]})
    ids = load_portfolio(record)
    team = Application.objects.get().team
    applications = Application.objects.bulk_create(
        [
            Application(name=f"a{k}", slug=f"a{k}", team=team, criticality=k % 4, users_affected=k)
            for k in range(n)
        ],
        batch_size=5000,
    )
    Dependency.objects.bulk_create(
        [
            Dependency(
                application=application,
                offering_id=ids.offerings[offering],
                role=role,
                since="2026-01-01",
                monthly_input_tokens=1000,
            )
            for k, application in enumerate(applications)
            for offering, role in (("east/model", "primary"), ("west/other", "fallback"))[
                : 1 + k % 2
            ]
        ],
        batch_size=5000,
    )
    # as the database itself does a minute after so many rows: else a plan may rest on what some
    # other test left behind
    analyze(Application, Dependency)
    rebuild(on=record.as_of)
    (east,) = (pk for pk, node in ids.node_names().items() if str(node) == "host:east")
    return Bulk(ids, engine_settings(), east)


QUESTIONS: dict[str, tuple[int, Callable[[Bulk], object]]] = {
    "states of applications": (2, lambda it: application_states(it.asked())),
    "states of paths": (2, lambda it: path_states(it.asked())),
    "who leans": (1, lambda it: supporting_roles(it.east, NodeKind.HOST)),
    "concentration": (2, lambda it: measure_layer(Layer.HOST, Basis.USERS)),
    "single points": (1, lambda it: single_points()),
    "flags": (2, lambda it: policy_values(Policy.objects.get())),
    "cost": (1, lambda it: monthly_costs(on=it.on)),
    "runway": (1, lambda it: runways(on=it.on)),
}


def counts(it: Bulk) -> dict[str, int]:
    found = {}
    for name, (_, ask) in QUESTIONS.items():
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert ask(it) is not None
        found[name] = len(captured)
    return found


@pytest.mark.proof
@pytest.mark.parametrize("n", [10, 10_000])
def test_a_question_takes_the_same_statements_however_many_applications_there_are(
    room: None, n: int
) -> None:
    it = bulk(n)
    assert ScopedApplication.objects.count() == n + 1
    assert counts(it) == {name: pinned for name, (pinned, _) in QUESTIONS.items()}


@pytest.mark.proof
@pytest.mark.parametrize("n", [10, 2_000])
def test_contributions_and_cuts_take_few_statements_however_many_applications_there_are(
    room: None, n: int
) -> None:
    it = bulk(n)
    with CaptureQueriesContext(connection) as captured:
        assert contributions(Layer.HOST, Basis.COUNT)
        assert minimal_cut_sets(it.settings).n_target
    assert len(captured) <= 9
