"""SARIF 2.1.0 of a decided run, for code scanning, and JUnit XML, for test reports. Plain
Python."""

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from apps.gate.rules.definitions import RULE_DESCRIPTIONS, RULE_SLUGS, Rule

SARIF_TYPE = "application/sarif+json"
JUNIT_TYPE = "application/junit+xml"
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_ROOT = "%SRCROOT%"
_RULES = [
    {
        "id": str(rule),
        "name": RULE_SLUGS[rule],
        "shortDescription": {"text": str(rule.label)},
        "fullDescription": {"text": RULE_DESCRIPTIONS[rule]},
        "defaultConfiguration": {"level": "warning"},
    }
    for rule in Rule
]
_INDEX = {rule["id"]: index for index, rule in enumerate(_RULES)}


def render_sarif(body: Mapping[str, Any]) -> dict[str, Any]:
    """Render SARIF. Every finding is a result; a waiver is a suppression, and findings of the
    baseline are `unchanged`."""
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "Foundation Registry release gate",
                        "informationUri": body["report_url"],
                        "semanticVersion": "1.0.0",
                        "rules": _RULES,
                    }
                },
                "originalUriBaseIds": {
                    _ROOT: {"description": {"text": "The root of the repository."}}
                },
                "automationDetails": {
                    "id": f"registry-gate/{body['application']}/{body['environment'] or 'any'}/"
                },
                "invocations": [
                    {
                        "executionSuccessful": body["decision"] != "unknown",
                        "exitCode": body["exit_code"],
                        "exitCodeDescription": body["summary"],
                    }
                ],
                "properties": {
                    "decision": body["decision"],
                    "policyVersion": body["policy_version"],
                    "catalogueAsOf": _format_value(body["catalogue_as_of"]),
                    "catalogueSources": [source["slug"] for source in body["catalogue_sources"]],
                    "horizon": body["horizon"],
                },
                "results": [_render_result(finding) for finding in body["findings"]],
            }
        ],
    }


def _render_result(finding: Mapping[str, Any]) -> dict[str, Any]:
    """Return a finding as a SARIF result; a waived finding has a suppression."""
    place = finding["location"]
    # code scanning hides results without a file, so these are attached to the repository root
    physical: dict[str, Any] = {
        "artifactLocation": {"uri": place["file"] if place else ".", "uriBaseId": _ROOT}
    }
    if place and place["line"]:
        physical["region"] = {"startLine": place["line"]}
    result: dict[str, Any] = {
        "ruleId": finding["rule_id"],
        "ruleIndex": _INDEX[finding["rule_id"]],
        "level": finding["level"],
        "message": {"text": finding["message"]},
        "locations": [{"physicalLocation": physical}],
        "partialFingerprints": {"frFinding/v1": finding["fingerprint"]},
        "baselineState": "new" if finding["new_since_baseline"] else "unchanged",
        "hostedViewerUri": finding["url"],
        "properties": {"model": finding["model"], "resolvedId": finding["resolved_id"]},
    }
    if finding["waiver"]:
        result["suppressions"] = [
            {
                "kind": "external",
                "status": "accepted",
                "justification": f"Waiver {finding['waiver']['id']} until "
                f"{_format_value(finding['waiver']['until'])}.",
            }
        ]
    return result


def render_junit(body: Mapping[str, Any]) -> bytes:
    """Render JUnit XML: a case per model and rule with a finding, and one for the decision, so that
    no report is empty.

    A blocking finding is a failure, an undecidable one an error, a waived one skipped; warnings are
    in the output."""
    blocks_all = body["all"]
    cases = [
        ("gate", "decision", body["summary"], "error" if body["decision"] == "unknown" else "")
    ]
    for finding in body["findings"]:
        blocks = finding["level"] == "error" and (finding["new_since_baseline"] or blocks_all)
        outcome = "skipped" if finding["waiver"] else "failure" if blocks else ""
        name = f"{finding['rule_id']} {finding['model'] or body['application']}"
        cases.append((RULE_SLUGS[finding["rule_id"]], name, finding["message"], outcome))
    suite = ET.Element(
        "testsuite",
        name=f"registry-gate {body['application']}",
        tests=str(len(cases)),
        failures=str(sum(outcome == "failure" for *_, outcome in cases)),
        errors=str(sum(outcome == "error" for *_, outcome in cases)),
        skipped=str(sum(outcome == "skipped" for *_, outcome in cases)),
    )
    for group, name, message, outcome in cases:
        case = ET.SubElement(suite, "testcase", classname=f"registry-gate.{group}", name=name)
        if outcome:
            ET.SubElement(case, outcome, message=message)
        else:
            ET.SubElement(case, "system-out").text = message
    suites = ET.Element("testsuites")
    suites.append(suite)
    document: bytes = ET.tostring(suites, encoding="utf-8", xml_declaration=True)
    return document


def _format_value(value: Any) -> str | None:
    return None if value is None else value if isinstance(value, str) else value.isoformat()
