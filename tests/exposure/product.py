"""A portfolio in the product's own tables for the length of a block, and short questions to the
engine about it."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

from django.db import connection, transaction

from apps.exposure.engine.concentration import LayerIndices, measure_layer
from apps.exposure.engine.settings import EngineSettings, engine_settings
from apps.exposure.engine.states import (
    STANDING,
    application_states,
    every_path_state_sql,
    node_failures,
)
from apps.exposure.engine.table_refresh import rebuild
from apps.exposure.models import Basis, Layer, StandingState
from apps.exposure.threats import DEFAULT_THREAT
from tests.exposure.portfolios import Portfolio
from tools.worked_portfolios.answers import PortfolioNames
from tools.worked_portfolios.grades import grade_candidates
from tools.worked_portfolios.loader import load_portfolio
from tools.worked_portfolios.reader.document import read_document
from tools.worked_portfolios.records import PortfolioRecord, ScenarioRecord
from tools.worked_portfolios.scenarios import run_scenario

STATES = [str(state) for state in StandingState]
# how bad a state is for who stands in it; partial carries on
RANK = {"not_standing": 0, "partial": 0, "portable": 1, "cushioned": 2, "exposed": 3}


class Product:
    """Answers in the file's own names."""

    def __init__(
        self, record: PortfolioRecord, names: PortfolioNames, settings: EngineSettings
    ) -> None:
        self.record = record
        self.names = names
        self.settings = settings

    @property
    def nodes(self) -> list[str]:
        return [str(node) for node in self.names.used.values()]

    @property
    def scope(self) -> list[str]:
        return sorted(
            row.id for row in self.record.applications if row.status in self.settings.statuses
        )

    def states(self) -> dict[tuple[str, str], tuple[str, float]]:
        """{(node, application): (state, hit share)} of every node failing alone; who does not stand
        is left out."""
        # under its usual threat alone: a policy may ask about a node under another one, too
        sql = (
            every_path_state_sql(settings=self.settings, threats=set(DEFAULT_THREAT.items()))
            + STANDING
        )
        with connection.cursor() as cursor:
            cursor.execute(
                sql + " SELECT t.q / 8, t.application_id, t.worst, t.n_struck < a.n_paths, t.hit "
                "FROM standing t"
                " JOIN exposure_scopedapplication a USING (application_id)",
                {},
            )
            return {
                (str(self.names.nodes[node]), self.names.applications[application]): (
                    "partial" if some else STATES[worst],
                    hit,
                )
                for node, application, worst, some, hit in cursor.fetchall()
            }

    def stops(self, nodes: Collection[str]) -> set[str]:
        """Applications that the joint failure can stop."""
        ids = [pk for pk, node in self.names.nodes.items() if str(node) in nodes]
        asked = node_failures(ids, settings=self.settings)
        found = application_states(asked, states=["exposed", "cushioned"])
        return {self.names.applications[standing.application_id] for standing in found}

    def indices(self, layer: Layer, basis: Basis) -> LayerIndices:
        return measure_layer(layer, basis)

    def grades(self) -> dict[str, dict[str, Any]]:
        return grade_candidates(
            on=self.record.as_of,
            dependencies=self.names.dependencies,
            offerings=self.names.offerings,
        )

    def after(self, ops: Sequence[dict[str, Any]], *, like: Portfolio) -> dict[str, Any]:
        """The side `after` of a what-if."""
        return self.asked(scenario(like, ops))["after"]

    def asked(self, scenario: ScenarioRecord) -> dict[str, Any]:
        return run_scenario(
            scenario,
            ids=self.names.ids,
            applications=self.names.applications,
            nodes=self.names.nodes,
            settings=self.settings,
        )


def scenario(portfolio: Portfolio, ops: Sequence[dict[str, Any]], **fields: Any) -> ScenarioRecord:
    asked = portfolio | {
        "scenarios": [{"id": "asked", "ops": list(ops), "layers": ["developer", "host"], **fields}]
    }
    return read_document({"portfolios": [asked]})[0].scenarios[0]


@contextmanager
def product(portfolio: Portfolio) -> Iterator[Product]:
    """Needs an empty database with room (fixture `room`); nothing stays."""
    (record,) = read_document({"portfolios": [portfolio]})
    with transaction.atomic():
        try:
            ids = load_portfolio(record)
            rebuild(on=record.as_of)
            yield Product(record, PortfolioNames.of(ids), engine_settings())
        finally:
            transaction.set_rollback(True)


def exact(number: float | str | int | None) -> Fraction:
    assert number is not None
    return (
        Fraction(number) if isinstance(number, str) else Fraction(number).limit_denominator(10**9)
    )
