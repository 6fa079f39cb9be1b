"""`manage.py evaluate_portfolio` answers a file in a database of its own, whatever the registry
holds."""

import json
from functools import cache
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.catalog.models import Offering
from apps.exposure.models import EngineState, Policy
from apps.inventory.models import Application
from tests.builders import make_application, make_dependency, make_offering
from tests.exposure.answer_differences import differences
from tests.tools.worked_portfolios.worked_files import WORKED_FILES, expected_differences

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]

DEV = Path("design/exposure/examples_dev.json")


def evaluated(file: Path) -> dict[str, Any]:
    out = StringIO()
    call_command("evaluate_portfolio", str(file), stdout=out)
    document: dict[str, Any] = json.loads(out.getvalue())
    return document


@cache
def answered() -> str:
    """The portfolios worked by hand, answered by a registry that holds nothing; as text, so that
    none changes it."""
    with TemporaryDirectory() as folder:
        return json.dumps(evaluated(together(Path(folder))))


def refusal(file: Path) -> CommandError:
    with pytest.raises(CommandError) as refused:
        call_command("evaluate_portfolio", str(file), stdout=StringIO())
    return refused.value


def together(folder: Path, **fields: Any) -> Path:
    """The portfolios worked by hand in one file."""
    portfolios = [
        portfolio
        for file in WORKED_FILES
        for portfolio in json.loads(file.read_text())["portfolios"]
    ]
    file = folder / "together.json"
    file.write_text(
        json.dumps(
            {"format": "any", "portfolios": [portfolio | fields for portfolio in portfolios]}
        )
    )
    return file


def test_it_fills_in_what_is_expected_and_leaves_the_rest_of_the_file(tmp_path: Path) -> None:
    document = json.loads(answered())

    asked = json.loads(together(tmp_path).read_text())
    assert document["format"] == "any"
    for portfolio, before in zip(document["portfolios"], asked["portfolios"], strict=True):
        assert list(expected_differences(portfolio.pop("expected"), before.pop("expected"))) == []
        assert portfolio == before


def test_an_expected_in_the_file_is_ignored(tmp_path: Path) -> None:
    assert evaluated(together(tmp_path, expected={"scope": ["nonsense"]})) == json.loads(answered())


def test_what_the_registry_holds_neither_shows_nor_changes(tmp_path: Path) -> None:
    empty = json.loads(answered())
    make_dependency(make_application(), make_offering())
    rows = (
        Offering.objects.count(),
        Application.objects.count(),
        Policy.objects.count(),
        EngineState.objects.count(),
    )

    full = evaluated(together(tmp_path))

    assert full == empty
    assert rows == (
        Offering.objects.count(),
        Application.objects.count(),
        Policy.objects.count(),
        EngineState.objects.count(),
    )


def test_nothing_of_the_scratch_database_stays(tmp_path: Path) -> None:
    home = connection.settings_dict["NAME"]
    evaluated(together(tmp_path))
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        assert cursor.fetchone() == (home,)
        # those of this database alone: others may be at work on the same server
        own = f"{home[:20]}_scratch_evaluate_run_"
        cursor.execute("SELECT count(*) FROM pg_database WHERE starts_with(datname, %s)", [own])
        assert cursor.fetchone() == (0,)


def test_a_wrong_portfolio_ends_with_2_and_a_sentence_and_the_others_are_answered(
    tmp_path: Path,
) -> None:
    file = together(tmp_path)
    whole = json.loads(answered())
    document = json.loads(file.read_text())
    document["portfolios"][0]["as_of"] = "9999-12-31"
    file.write_text(json.dumps(document))

    out = StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("evaluate_portfolio", str(file), stdout=out)

    assert refused.value.returncode == 2
    assert str(refused.value) == (
        f"portfolio '{document['portfolios'][0]['name']}': 'as_of': 9999-12-31 is out of "
        "range. Enter a date between 1990 and 2150, or leave it empty."
    )
    answers = [portfolio["expected"] for portfolio in json.loads(out.getvalue())["portfolios"]]
    assert answers == [None, *(portfolio["expected"] for portfolio in whole["portfolios"][1:])]


def test_a_file_that_is_not_there_ends_with_2_and_a_sentence(tmp_path: Path) -> None:
    error = refusal(tmp_path / "none.json")
    assert error.returncode == 2
    assert "none.json cannot be read" in str(error)


def test_a_loss_that_cannot_be_computed_exactly_ends_with_2_and_says_so(tmp_path: Path) -> None:
    file = together(tmp_path)
    document = json.loads(file.read_text())
    (portfolio,) = (each for each in document["portfolios"] if each["name"] == "end-of-a-model")
    event = {"node": "host:cloud", "kind": "outage", "frequency": {"q": "1/3"}}
    bases = [f"{2**n}/{3 * n + 1}" for n in range(60)]
    portfolio["loss"]["events"] = [event | {"base": {"important": base}} for base in bases]
    file.write_text(json.dumps(document))

    error = refusal(file)

    assert error.returncode == 2
    assert str(error).startswith("portfolio 'end-of-a-model', loss: The exact loss")


def test_a_file_without_portfolios_comes_back_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "empty.json"
    file.write_text('{"format": "any", "portfolios": []}')
    assert evaluated(file) == {"format": "any", "portfolios": []}


@pytest.mark.shared
def test_every_number_of_the_worked_examples_is_answered(shared: Path) -> None:
    document = evaluated(shared / DEV)

    truth = json.loads((shared / DEV).read_text())
    wrong = [
        line
        for got, want in zip(document["portfolios"], truth["portfolios"], strict=True)
        for line in differences(got["expected"], want["expected"], want["name"])
    ]
    assert wrong == []
