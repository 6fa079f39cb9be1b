"""The same decision as SARIF 2.1.0 and as JUnit XML."""

from datetime import timedelta
from xml.etree import ElementTree

import pytest

from apps.common.time import now
from apps.gate.actions import change_gate_policy, grant_waiver, request_waiver
from tests.gate.support_desk import SupportDesk

URL = "/api/v1/gate/"
LEVELS = {"error", "warning", "note", "none"}


@pytest.fixture
def asked(desk: SupportDesk, api):
    """One block, one warning, one waived error."""
    change_gate_policy(by=desk.governance, levels={"FR006": "off"})
    waiver = request_waiver(
        application=desk.application,
        rule="FR005",
        model="nobodys",
        reason="Ours.",
        until=desk.today + timedelta(9),
        by=desk.editor,
        at=now(),
    )
    grant_waiver(waiver=waiver, by=desk.governance, at=now())
    body = {
        "application": desk.application.slug,
        "environment": "production",
        "commit": "4f9c2d1",
        "models": [
            {
                "model": "gpt-3.5-turbo-0125",
                "host": "openai",
                "file": "app/summarize.py",
                "line": 14,
            },
            {"model": "gpt-4o-2024-08-06", "host": "openai", "file": "app/chat.py"},
            {"model": "nobodys", "host": "openai"},
        ],
    }
    client = api(desk.editor)
    return lambda accept: client.post(URL, body, format="json", HTTP_ACCEPT=accept), client


def test_sarif_says_rules_places_fingerprints_and_suppressions(asked):
    ask, _ = asked
    answer = ask("application/sarif+json")

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/sarif+json")
    log = answer.json()
    assert (log["version"], log["$schema"].endswith("sarif-2.1.0.json")) == ("2.1.0", True)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [f"FR{n:03}" for n in range(1, 13)]
    assert run["invocations"] == [
        {
            "executionSuccessful": True,
            "exitCode": 1,
            "exitCodeDescription": run["invocations"][0]["exitCodeDescription"],
        }
    ]
    assert set(run["originalUriBaseIds"]) == {"%SRCROOT%"}
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in LEVELS
        assert result["message"]["text"]
        (location,) = result["locations"]
        place = location["physicalLocation"]["artifactLocation"]
        assert place["uriBaseId"] == "%SRCROOT%"
        assert not place["uri"].startswith(("/", "file:"))
        assert len(result["partialFingerprints"]["frFinding/v1"]) == 64
    retired, ending, waived = run["results"]
    assert (retired["ruleId"], retired["level"]) == ("FR002", "error")
    assert retired["locations"][0]["physicalLocation"]["region"] == {"startLine": 14}
    assert "region" not in ending["locations"][0]["physicalLocation"]
    assert waived["suppressions"][0]["kind"] == "external"
    assert "suppressions" not in retired
    # the same finding keeps its print from run to run
    again = ask("application/sarif+json").json()["runs"][0]["results"]
    assert [each["partialFingerprints"] for each in again] == [
        each["partialFingerprints"] for each in run["results"]
    ]


def test_junit_fails_what_blocks_and_skips_what_is_waived(asked):
    ask, _ = asked
    answer = ask("application/junit+xml")

    assert answer["Content-Type"] == "application/junit+xml"
    suite = ElementTree.fromstring(answer.content).find("testsuite")
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
    }
    failed = [case for case in suite if case.find("failure") is not None]
    assert failed[0].get("name") == "FR002 gpt-3.5-turbo-0125"


def test_a_kept_run_is_read_in_any_format_and_a_refusal_stays_a_problem(asked, desk):
    ask, client = asked
    pk = ask("application/json").json()["id"]

    assert (
        client.get(f"{URL}{pk}/", HTTP_ACCEPT="application/sarif+json").json()["version"] == "2.1.0"
    )
    refused = client.post(URL, {}, format="json", HTTP_ACCEPT="application/sarif+json")
    assert (refused.status_code, refused["Content-Type"]) == (400, "application/problem+json")
    assert client.get(f"{URL}{pk}/", HTTP_ACCEPT="text/html").status_code == 406
