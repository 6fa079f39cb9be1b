"""The exact loss beside the brute-force reference of the definitions, to the letter."""

import importlib.util
import json
import math
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from apps.exposure.loss.exact import OwnLoss, SharedEvent, exact_loss
from apps.exposure.loss.exact_parts import Chance, Occurrence, Rate

pytestmark = pytest.mark.shared
CRITICALITIES = ("critical", "important", "standard", "low")


@pytest.fixture
def reference(shared: Path) -> Any:
    spec = importlib.util.spec_from_file_location(
        "loss_reference", shared / "design" / "exposure" / "reference.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_worked_portfolios_have_the_expected_loss(shared: Path, reference: Any) -> None:
    portfolios = json.loads((shared / "design" / "exposure" / "examples_dev.json").read_text())[
        "portfolios"
    ]
    with_loss = [portfolio for portfolio in portfolios if portfolio.get("loss")]
    assert with_loss

    for raw in with_loss:
        assert_same(
            loss_section(raw["loss"], reference.Portfolio(raw)),
            raw["expected"]["loss"],
            raw["name"],
        )


@pytest.mark.parametrize("seed", range(24))
def test_random_portfolios_have_the_loss_of_the_reference(reference: Any, seed: int) -> None:
    generator = random.Random(seed)
    applications = {
        f"app{n}": generator.choice(CRITICALITIES) for n in range(generator.randint(0, 5))
    }
    with_rates = seed % 2 == 1
    loss: dict[str, Any] = {"events": [], "own": {}}
    amounts: dict[str, dict[str, Fraction]] = {}
    for place in range(generator.randint(0, 3)):
        rare = (
            {"rate": f"{generator.randint(1, 30)}/10"}
            if with_rates
            else {"q": f"{generator.randint(0, 20)}/20"}
        )
        loss["events"].append({"node": f"host:{place}", "kind": "outage", "frequency": rare})
        amounts[f"host:{place}"] = {
            name: Fraction(generator.choice([0, 10, 40]))
            * Fraction(generator.randint(0, 3), 3)
            * generator.choice([Fraction(1), Fraction(1, 10)])
            for name in applications
        }
    for criticality in CRITICALITIES[:2]:
        loss["own"][criticality] = {"q": "1/40", "loss": 5}

    class Portfolio(reference.Portfolio):  # type: ignore[misc]
        """Only the loss is the reference's; who loses what is drawn."""

        def __init__(self) -> None:
            self.raw = {"loss": loss}
            self.apps = {
                name: {"criticality": criticality} for name, criticality in applications.items()
            }

        def scope(self) -> list[str]:
            return sorted(applications)

        def event_loss(self, event: dict[str, Any], application: str) -> Fraction:
            return amounts[event["node"]][application]

    portfolio = Portfolio()

    assert_same(loss_section(loss, portfolio), portfolio.loss())


def loss_section(loss: dict[str, Any], portfolio: Any) -> dict[str, object]:
    """The product's answer from the reference's losses per application."""
    own_by_criticality = loss.get("own", {})
    return exact_loss(
        [
            SharedEvent(
                f"{event['node']}|{event['kind']}",
                occurrence(event["frequency"]),
                {name: Fraction(portfolio.event_loss(event, name)) for name in portfolio.scope()},
            )
            for event in loss["events"]
        ],
        [
            OwnLoss(name, occurrence(own), Fraction(str(own["loss"])))
            for name in portfolio.scope()
            if (own := own_by_criticality.get(portfolio.apps[name]["criticality"]))
        ],
        in_floats=not all("q" in own for own in own_by_criticality.values()),
    ).as_section()


def occurrence(frequency: dict[str, Any]) -> Occurrence:
    return (
        Chance(Fraction(str(frequency["q"])))
        if "q" in frequency
        else Rate(Fraction(str(frequency["rate"])))
    )


def assert_same(got: Any, wanted: Any, at: str = "loss") -> None:
    """Equal in shape; rationals to the letter, floats to 1e-9."""
    if isinstance(wanted, dict):
        assert got.keys() == wanted.keys(), at
        for name in wanted:
            assert_same(got[name], wanted[name], f"{at} {name}")
    elif isinstance(wanted, list):
        assert len(got) == len(wanted), at
        for place, each in enumerate(wanted):
            assert_same(got[place], each, f"{at} {place}")
    elif isinstance(wanted, float):
        assert math.isclose(got, wanted, rel_tol=1e-9, abs_tol=1e-300), (at, got, wanted)
    else:
        assert (type(got), got) == (type(wanted), wanted), at
