"""The OpenAPI document: complete, valid, without a warning."""

import pytest
from django.core.management import call_command
from django.urls import reverse
from drf_spectacular.generators import SchemaGenerator
from jsonschema_rs import Draft202012Validator

from apps.api.examples import EXAMPLES
from apps.api.urls import VIEWSETS
from tests.builders import make_user

pytestmark = pytest.mark.django_db


def test_it_is_generated_and_valid_without_a_warning(tmp_path):
    file = tmp_path / "schema.yml"

    call_command("spectacular", "--fail-on-warn", "--validate", "--file", str(file))

    assert file.read_text().startswith("openapi: 3.1")


@pytest.fixture(scope="module")
def document():
    return SchemaGenerator().get_schema(request=None, public=True)


# as the contract names them
RESOURCES = {
    "adaptations", "alerts", "applications", "approvals", "assertions", "assessments", "campaigns", "concentration",
    "contracts", "deliveries", "dependencies", "derivations", "evidence", "exit-plans", "exit-tests", "exposure-flags",
    "feed-runs", "foundation-risks", "foundations", "gate", "imports", "inherited-risks", "intake", "observations",
    "offerings", "prices", "provider-events", "providers", "risk-templates", "scenarios", "selections",
    "single-points-of-failure", "snapshots", "sources", "subscriptions", "teams", "versions", "calendar.ics", "bom",
}  # fmt: skip


def test_every_resource_is_in_it(document):
    resources = {path.split("/")[3] for path in document["paths"]}

    assert resources >= RESOURCES | set(VIEWSETS)
    assert {f"/api/v1/{kind}/{{id}}/blast-radius/" for kind in ("offerings", "versions")} <= set(document["paths"])
    assert {"/api/v1/applications/{slug}/stack/", "/api/v1/applications/{slug}/bom/"} <= set(document["paths"])


def test_every_operation_names_its_problems_and_its_security(document):
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method in {"get", "post", "patch"}:
                assert {"400", "401", "403", "404", "429"} <= set(operation["responses"]), (method, path)
                assert {"token": []} in operation["security"], (method, path)


def test_every_list_says_how_it_is_paged_and_ordered(document):
    for path in ("offerings", "provider-events", "applications"):
        names = {parameter["name"] for parameter in document["paths"][f"/api/v1/{path}/"]["get"]["parameters"]}
        assert {"cursor", "page_size", "ordering", "fields"} <= names


def test_every_write_has_an_example_that_its_own_description_allows(document):
    """Of what is sent as JSON; what is sent a row a line, or in a form, is the same."""
    without, wrong, named = [], {}, set()
    for operations in document["paths"].values():
        for method, operation in operations.items():
            sent = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if method == "get" or sent is None:
                continue
            named.add(operation["operationId"])
            examples = [example["value"] for example in sent.get("examples", {}).values()]
            if not examples:
                without.append(operation["operationId"])
            validator = Draft202012Validator({**sent["schema"], "components": document["components"]})
            for example in examples:
                if errors := [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(example)]:
                    wrong[operation["operationId"]] = errors
                elif isinstance(example, dict) and (unknown := set(example) - _properties(sent["schema"], document)):
                    wrong[operation["operationId"]] = [f"unknown: {unknown}"]

    assert (without, wrong, set(EXAMPLES) - named) == ([], {}, set())


def _properties(schema, document):
    if "$ref" in schema:
        return _properties(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    if "properties" not in schema:
        return _Anything()
    return set(schema["properties"])


class _Anything(set):
    def __rsub__(self, other):
        return set()


def test_files_are_described_as_files(document):
    content = document["paths"]["/api/v1/runways/"]["get"]["responses"]["200"]["content"]

    assert content["text/csv"]["schema"] == {"type": "string"}
    assert "$ref" in content["application/json"]["schema"]


def test_it_and_its_page_are_served(client):
    assert client.get(reverse("schema")).status_code == 200
    client.force_login(make_user())
    assert client.get(reverse("api-docs")).status_code == 200
