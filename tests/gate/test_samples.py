"""From source trees through the bills of materials that real scanners made of them to the gate, by
the built-in catalogue as of its day."""

from datetime import UTC, date, datetime

import orjson
import pytest
from django.db import connection, transaction

from apps.catalog.ingestion.builtin_catalogue import load_catalogue
from apps.catalog.models import Offering, Source
from apps.gate.bom import parse_bom
from apps.gate.matching import RequestedModel
from apps.gate.rules.evaluation import evaluate_models
from apps.intake.spreadsheets.files.tables import UnreadableError
from tests.builders import make_application
from tests.gate.support_desk import read_dates

pytestmark = [pytest.mark.shared, pytest.mark.proof]
AT = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def _application(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        load_catalogue(at=AT)
        made = make_application("Scanned", business_owner="Ilse")
        # the catalogue says what it is; that a source was read lets the gate decide by it
        read_dates(
            Source.objects.get(slug="litellm"),
            Offering.objects.filter(host__slug="openai")[0],
            at=AT,
        )
        # what waits for the end of a transaction is checked once here, not again at the end of
        # every test
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        yield made
        transaction.set_rollback(True)


@pytest.fixture
def application(_application, db):
    return _application


@pytest.fixture(scope="module")
def judged(_application, shared, django_db_blocker):
    """{name of the file: outcome} of every scanner's CycloneDX document in JSON; judged once, for
    the tests only read."""
    found = {}
    with django_db_blocker.unblock():
        for path in sorted((shared / "samples" / "cyclonedx").glob("*.cdx*.json")):
            read = parse_bom(path.read_bytes())
            found[path.name] = evaluate_models(
                application=_application,
                requested=read.requested,
                environment="production",
                at=AT,
                incomplete=read.incomplete,
            )
    return found


def of(outcome, model):
    return [
        (each.rule, each.level)
        for each in outcome.findings
        if model in (each.model, each.resolved_id)
    ]


def test_the_retired_model_is_blocked_and_the_ending_one_is_warned_of(judged):
    retired = {
        name
        for name, outcome in judged.items()
        if ("FR002", "error") in of(outcome, "openai/gpt-3.5-turbo-0125")
    }
    ending = {name: of(outcome, "openai/gpt-4o-2024-08-06") for name, outcome in judged.items()}

    # of the scanners only this one saw the call in Go
    assert {name for name in retired if judged[name].exit_code == 1} == {
        "airom-0.5.0.web-copilot.cdx16.json"
    }
    seen = {
        name.partition("-0")[0].partition("-1")[0].partition("-3")[0]
        for name, found in ending.items()
        if found
    }
    assert seen == {"ai-bom", "airom", "cdxgen-aibom", "cisco-aibom"}
    assert {tuple(found) for found in ending.values() if found} == {(("FR003", "warning"),)}
    dates = {
        each.by_date
        for outcome in judged.values()
        for each in outcome.findings
        if (each.rule, each.resolved_id) == ("FR003", "openai/gpt-4o-2024-08-06")
    }
    assert dates == {date(2027, 1, 14)}


def test_findings_name_the_line_in_the_repository(judged):
    places = {
        (each.file, each.line)
        for outcome in judged.values()
        for each in outcome.findings
        if each.resolved_id == "openai/gpt-3.5-turbo-0125"
    }
    assert places == {("cmd/indexer/main.go", 15)}


def test_what_a_scanner_made_up_is_unknown_and_no_neighbour(judged):
    for outcome in judged.values():
        for each in outcome.findings:
            if each.model.startswith("process.env") or each.model == "google":
                assert each.rule in {"FR004", "FR005"}
                assert each.resolved_id == ""


def test_the_same_two_models_by_name(application):
    outcome = evaluate_models(
        application=application,
        requested=[
            RequestedModel("gpt-3.5-turbo-0125"),
            RequestedModel("gpt-4o-2024-08-06"),
            RequestedModel("gpt-4-0613"),
        ],
        environment="production",
        at=AT,
    )

    assert of(outcome, "gpt-3.5-turbo-0125")[0] == ("FR002", "error")
    assert of(outcome, "gpt-4o-2024-08-06")[0] == ("FR003", "warning")
    assert outcome.evaluated[2]["resolved_id"] == "openai/gpt-4-0613"


def test_a_month_later_without_a_poll_nothing_is_decided(application):
    outcome = evaluate_models(
        application=application,
        requested=[RequestedModel("gpt-4o-2024-11-20")],
        environment="production",
        at=datetime(2026, 12, 25, tzinfo=UTC),
    )

    assert (outcome.decision, outcome.exit_code) == ("unknown", 3)


def test_a_document_that_is_none_is_refused():
    with pytest.raises(UnreadableError, match="not a bill of materials"):
        parse_bom(orjson.dumps({"hello": 1}))
