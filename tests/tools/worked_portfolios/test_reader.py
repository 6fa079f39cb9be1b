"""A file is read as it is meant, and what cannot be meant is refused with a sentence that says
where."""

import json
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.exposure.portfolios import seeded
from tools.worked_portfolios.nodes import parse_node_name
from tools.worked_portfolios.reader.document import read_document, read_file
from tools.worked_portfolios.reader.rows import PortfolioFileError
from tools.worked_portfolios.records import Add, Move, Remove

type Portfolio = dict[str, Any]

SMALL: Portfolio = {
    "name": "small",
    "as_of": "2026-11-24",
    "providers": [{"id": "acme"}, {"id": "acme-cloud", "parent": "acme"}],
    "foundations": [{"id": "one", "developer": "acme"}],
    "versions": [{"id": "one-1", "foundation": "one"}, {"id": "one-2", "foundation": "one"}],
    "derivations": [{"child": "one-2", "parent": "one-1", "kind": "fine_tune"}],
    "offerings": [
        {"id": "acme/one", "host": "acme-cloud", "version": "one-1", "regions": ["eu", "eu", "us"]}
    ],
    "applications": [{"id": "desk", "criticality": "critical", "status": "production"}],
    "dependencies": [
        {"id": "desk.p", "application": "desk", "offering": "acme/one", "role": "primary"}
    ],
    "exit_tests": [
        {
            "id": "t",
            "dependency": "desk.p",
            "target": "acme/one",
            "tested_on": "2026-01-01",
            "result": "passed",
        }
    ],
    "prices": [
        {
            "offering": "acme/one",
            "unit": "input",
            "amount": "1.25",
            "currency": "USD",
            "from": "2026-01-01",
        }
    ],
}


def read(portfolio: Portfolio) -> Any:
    return read_document({"portfolios": [portfolio]})[0]


def small(change: Callable[[Portfolio], object] = lambda portfolio: None) -> Portfolio:
    portfolio = deepcopy(SMALL)
    change(portfolio)
    return portfolio


def refusal(change: Callable[[Portfolio], object]) -> str:
    with pytest.raises(PortfolioFileError) as refused:
        read(small(change))
    return str(refused.value)


def test_what_is_left_out_takes_its_usual_value() -> None:
    portfolio = read(small())

    (offering,) = portfolio.offerings
    (dependency,) = portfolio.dependencies
    assert (offering.lifecycle, offering.date_kind, offering.replacement) == (
        "active",
        "firm",
        None,
    )
    assert offering.regions == ("eu", "us")
    assert (dependency.via, dependency.order, dependency.share, dependency.since) == (
        "direct",
        0,
        None,
        None,
    )
    assert portfolio.settings == {"horizon_days": 180}
    assert portfolio.loss is None


def test_numbers_are_exact_however_they_are_written() -> None:
    def change(portfolio: Portfolio) -> None:
        portfolio["dependencies"][0] |= {"share": "1/3", "spend": 12.5}
        portfolio["applications"][0] |= {"monthly_spend": "99.95", "users": 7}

    portfolio = read(small(change))

    assert portfolio.dependencies[0].share == Fraction(1, 3)
    assert portfolio.dependencies[0].spend == Decimal("12.50")
    assert portfolio.applications[0].monthly_spend == Decimal("99.95")


def test_an_expected_is_not_read() -> None:
    assert read(small(lambda portfolio: portfolio.update(expected="nonsense"))) == read(small())


def test_an_edge_said_twice_is_one_edge() -> None:
    twice = small(lambda portfolio: portfolio["derivations"].append(portfolio["derivations"][0]))
    assert read(twice) == read(small())


def test_a_replacement_may_be_something_the_file_does_not_hold() -> None:
    portfolio = read(
        small(lambda portfolio: portfolio["offerings"][0].update(replacement="acme/two"))
    )
    assert portfolio.offerings[0].replacement == "acme/two"


def test_prices_of_other_tiers_than_the_base_are_left_out() -> None:
    def change(portfolio: Portfolio) -> None:
        portfolio["prices"].append(portfolio["prices"][0] | {"tier": 200_000, "amount": 9})

    assert read(small(change)) == read(small())


def test_an_operation_may_name_what_an_earlier_one_added() -> None:
    added = {"id": "new", "criticality": "low", "status": "production"}
    use = {"id": "new.p", "application": "new", "offering": "acme/one", "role": "primary"}
    ops = [
        {"op": "add", "application": added, "dependencies": [use]},
        {"op": "move", "dependency": "new.p", "offering": "acme/one"},
        {"op": "remove", "nodes": ["region:acme-cloud/eu", "developer:acme"]},
    ]
    (scenario,) = read(
        small(lambda portfolio: portfolio.update(scenarios=[{"id": "s", "ops": ops}]))
    ).scenarios
    assert [type(op) for op in scenario.ops] == [Add, Move, Remove]
    assert scenario.layers == ("developer", "host")


def test_regions_and_hosts_may_hold_slashes() -> None:
    node = parse_node_name("region:acme/cloud/eu/west", ["acme", "acme/cloud"])
    assert node is not None
    assert (node.ref, node.region, str(node)) == (
        "acme/cloud",
        "eu/west",
        "region:acme/cloud/eu/west",
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda p: p.update(as_of="yesterday"),
            "portfolio 'small': 'as_of' is 'yesterday'; a day is written 2026-11-24.",
        ),
        (
            lambda p: p.update(as_of="2026-02-30"),
            "portfolio 'small': 'as_of' is 2026-02-30, which is no day of the calendar.",
        ),
        (
            lambda p: p.pop("as_of"),
            "portfolio 'small': 'as_of' is missing; a day is written 2026-11-24.",
        ),
        (
            lambda p: p["offerings"][0].update(retires_on="9999-12-31"),
            "portfolio 'small', offerings[0] 'acme/one': 'retires_on': 9999-12-31 is out of range.",
        ),
        (
            lambda p: p["providers"].append({"id": "acme"}),
            "portfolio 'small', providers[2] 'acme': the id 'acme' stands twice among providers.",
        ),
        (
            lambda p: p["providers"][1].update(parent="nobody"),
            "portfolio 'small', providers[1] 'acme-cloud': 'parent' is 'nobody', and the portfolio "
            "has no such provider.",
        ),
        (
            lambda p: p["foundations"][0].update(developer=None),
            "foundations[0] 'one': 'developer' is missing, and the portfolio has no such provider.",
        ),
        (
            lambda p: p["versions"][0].update(foundation="two"),
            "'foundation' is 'two', and the portfolio has no such",
        ),
        (
            lambda p: p["derivations"][0].update(kind="copy"),
            "derivations[0]: 'kind' is 'copy'; use one of fine_tune",
        ),
        (
            lambda p: p["offerings"][0].update(version="one-3"),
            "'version' is 'one-3', and the portfolio has no such version.",
        ),
        (
            lambda p: p["offerings"][0].update(lifecycle="dead"),
            "'lifecycle' is 'dead'; use one of preview",
        ),
        (lambda p: p["offerings"][0].update(regions="eu"), "'regions' must be a list."),
        (lambda p: p["offerings"][0].update(regions=[7]), "'regions' names 7; a region is a text"),
        (
            lambda p: p["applications"][0].update(criticality="high"),
            "'criticality' is 'high'; use one of critical",
        ),
        (
            lambda p: p["applications"][0].update(users=-1),
            "applications[0] 'desk': 'users' is -1; it cannot be negative.",
        ),
        (lambda p: p["applications"][0].update(users=1.5), "'users' must be a whole number"),
        (lambda p: p["applications"][0].update(users=True), "'users' is True; give a number"),
        (
            lambda p: p["applications"][0].update(monthly_spend="1/3"),
            "with at most 2 decimal places.",
        ),
        (
            lambda p: p["applications"][0].update(id="x" * 81),
            "'id' must be at most 80 printable characters.",
        ),
        (lambda p: p["applications"][0].update(id=7), "'id' must be a text, not 7."),
        (
            lambda p: p["dependencies"][0].update(application="desks"),
            "dependencies[0] 'desk.p': 'application' is 'desks', and the portfolio has no such "
            "application.",
        ),
        (
            lambda p: p["dependencies"][0].update(offering="acme/two"),
            "and the portfolio has no such offering.",
        ),
        (lambda p: p["dependencies"][0].update(share="1/0"), "'share' is '1/0'; give a number"),
        (lambda p: p["dependencies"][0].update(share="nan"), "'share' is 'nan'; give a number"),
        (
            lambda p: p["dependencies"][0].update(share=-0.5),
            "'share' is -0.5; it cannot be negative.",
        ),
        (
            lambda p: p["dependencies"][0].update(via_party="acme"),
            "it is called directly and through 'acme'",
        ),
        (
            lambda p: p["dependencies"][0].update(input_tokens=-5),
            "'input_tokens' is -5; it cannot be negative.",
        ),
        (
            lambda p: p["exit_tests"][0].update(dependency="desk.q"),
            "and the portfolio has no such dependency.",
        ),
        (
            lambda p: p["exit_tests"][0].update(tested_on=None),
            "exit_tests[0] 't': 'tested_on' is missing",
        ),
        (
            lambda p: p["exit_tests"][0].update(tested_version="one-9"),
            "and the portfolio has no such version.",
        ),
        (
            lambda p: p.update(exit_plans=[{"id": name, "dependency": "desk.p"} for name in "ab"]),
            "exit_plans[1] 'b': the dependency 'desk.p' has an exit plan already.",
        ),
        (
            lambda p: p["prices"][0].update(to="2026-01-01"),
            "prices[0]: the price ends before it begins.",
        ),
        (
            lambda p: p["prices"].append(p["prices"][0] | {"from": "2026-05-01"}),
            "prices[1]: another price of input at 'acme/one' holds on 2026-05-01.",
        ),
        (lambda p: p["prices"][0].update(amount="-1"), "'amount' is -1; it cannot be negative."),
        (
            lambda p: p["prices"][0].update(unit="characters"),
            "'unit' is 'characters'; use one of input, output, cache_read",
        ),
        (lambda p: p["prices"][0].update(currency="dollars"), "use the three letters of ISO 4217."),
        (lambda p: p.update(horizon_days=-1), "'horizon_days' is -1; it cannot be negative."),
        (
            lambda p: p.update(settings={"speed": 1}),
            "portfolio 'small', settings: there is no setting 'speed'",
        ),
        (lambda p: p.update(settings={"statuses": ["live"]}), "'statuses' names 'live'"),
        (
            lambda p: p.update(settings={"cut_threshold": 0}),
            "'cut_threshold' must lie above 0 and at most at 1.",
        ),
        (
            lambda p: p.update(settings={"required_grade": {"outage": {"host": 6}}}),
            "'host' must be a whole number from 0 to 5.",
        ),
        (
            lambda p: p.update(settings={"required_grade": {"flood": {"*": 1}}}),
            "'flood' is not known here",
        ),
        (lambda p: p.update(cost_days=["soon"]), "'cost_days' is 'soon'"),
        (
            lambda p: p.update(
                policies=[
                    {
                        "id": "p",
                        "kinds": ["planet"],
                        "states": ["exposed"],
                        "tolerance": 1,
                        "measure": "n_applications",
                    }
                ]
            ),
            "'kinds' names 'planet'",
        ),
        (
            lambda p: p.update(policies=[{"id": "p", "kinds": [], "states": [], "tolerance": 1}]),
            "a policy names the node kinds and the states it counts.",
        ),
        (
            lambda p: p.update(
                lifecycles=[{"id": "l", "tolerance": 1, "steps": [{"day": "soon"}]}]
            ),
            "lifecycles[0] 'l', steps[0]: 'day' is 'soon'; a day is written 2026-11-24.",
        ),
        (lambda p: p.update(lifecycles=[{"id": "l", "tolerance": 1, "hysteresis": 1}]), "under 1."),
        (
            lambda p: p.update(scenarios=[{"id": "s", "ops": [{"op": "explode"}]}]),
            "'op' is 'explode'; use one of remove",
        ),
        (
            lambda p: p.update(
                scenarios=[{"id": "s", "ops": [{"op": "remove", "nodes": ["host"]}]}]
            ),
            "scenarios[0] 's', ops[0]: 'host' names no node; write a kind and an id, such as "
            "host:acme.",
        ),
        (
            lambda p: p.update(
                scenarios=[{"id": "s", "ops": [{"op": "remove", "nodes": ["host:bcme"]}]}]
            ),
            "the portfolio has no host 'bcme'.",
        ),
        (
            lambda p: p.update(
                scenarios=[{"id": "s", "ops": [{"op": "reprice", "node": "host:acme"}]}]
            ),
            "a reprice gives either a factor, or an amount with its currency.",
        ),
        (
            lambda p: p.update(
                scenarios=[
                    {
                        "id": "s",
                        "ops": [
                            {
                                "op": "add",
                                "application": {
                                    "id": "desk",
                                    "criticality": "low",
                                    "status": "pilot",
                                },
                            }
                        ],
                    }
                ]
            ),
            "the application 'desk' is there already.",
        ),
        (
            lambda p: p.update(
                loss={"events": [{"node": "host:acme", "kind": "outage", "frequency": {"q": 2}}]}
            ),
            "loss, events[0], frequency: 'q' is a probability, at most 1.",
        ),
        (
            lambda p: p.update(
                loss={"events": [{"node": "host:acme", "kind": "outage", "frequency": {}}]}
            ),
            "give either the probability 'q' of the year or the 'rate' a year.",
        ),
        (
            lambda p: p.update(applications=[None]),
            "'applications' holds missing where an object belongs.",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_and_says_where(
    change: Callable[[Portfolio], object], sentence: str
) -> None:
    assert sentence in refusal(change)


@pytest.mark.parametrize("document", [[], {}, {"portfolios": {}}, "text", None])
def test_a_document_of_another_shape_is_refused(document: object) -> None:
    with pytest.raises(PortfolioFileError, match='an object with a list "portfolios"'):
        read_document(document)


def test_a_portfolio_without_a_name_is_named_by_its_place() -> None:
    with pytest.raises(PortfolioFileError, match=r"portfolios\[1\]: 'as_of' is missing"):
        read_document({"portfolios": [small(), {}]})


def test_a_file_that_is_not_there_or_not_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PortfolioFileError, match="cannot be read"):
        read_file(tmp_path / "none.json")
    broken = tmp_path / "broken.json"
    broken.write_text('{"portfolios": [')
    with pytest.raises(PortfolioFileError, match="is not JSON"):
        read_file(broken)


@pytest.mark.parametrize("seed", range(30))
def test_every_random_portfolio_can_be_read_and_written_as_json(seed: int) -> None:
    portfolio = seeded(seed)
    assert read(json.loads(json.dumps(portfolio))) == read(portfolio)
