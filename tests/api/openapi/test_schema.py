"""The OpenAPI document: complete, valid, without a warning."""

import typing

import pytest
from django.core.management import call_command
from django.urls import reverse
from drf_spectacular.generators import SchemaGenerator
from jsonschema_rs import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from apps.api.openapi.examples import EXAMPLES
from apps.api.openapi.tags import TAGS
from apps.api.urls import VIEWSETS
from tests.builders import make_user

pytestmark = pytest.mark.django_db


@pytest.mark.proof
def test_it_is_generated_and_valid_without_a_warning(tmp_path):
    file = tmp_path / "schema.yml"

    call_command("spectacular", "--fail-on-warn", "--validate", "--file", str(file))

    assert file.read_text().startswith("openapi: 3.1")


@pytest.fixture(scope="module")
def document():
    return SchemaGenerator().get_schema(request=None, public=True)


# as the contract names them
RESOURCES = {
    "adaptations",
    "alerts",
    "applications",
    "approvals",
    "assertions",
    "assessments",
    "campaigns",
    "concentration",
    "contracts",
    "deliveries",
    "dependencies",
    "derivations",
    "evidence",
    "exit-plans",
    "exit-tests",
    "exposure-flags",
    "feed-runs",
    "foundation-risks",
    "foundations",
    "gate",
    "imports",
    "inherited-risks",
    "intake",
    "observations",
    "offerings",
    "prices",
    "provider-events",
    "providers",
    "risk-templates",
    "scenarios",
    "selections",
    "single-points-of-failure",
    "snapshots",
    "sources",
    "subscriptions",
    "teams",
    "versions",
    "calendar.ics",
    "bom",
}


def test_every_resource_is_in_it(document):
    resources = {path.split("/")[3] for path in document["paths"]}

    assert resources >= RESOURCES | set(VIEWSETS)
    assert {f"/api/v1/{kind}/{{id}}/blast-radius/" for kind in ("offerings", "versions")} <= set(
        document["paths"]
    )
    assert {"/api/v1/applications/{slug}/stack/", "/api/v1/applications/{slug}/bom/"} <= set(
        document["paths"]
    )


def test_every_operation_names_its_problems_and_its_security(document):
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method in {"get", "post", "patch"}:
                assert {"400", "401", "403", "404", "429"} <= set(operation["responses"]), (
                    method,
                    path,
                )
                assert {"token": []} in operation["security"], (method, path)


def test_every_list_says_how_it_is_paged_and_ordered(document):
    for path in ("offerings", "provider-events", "applications"):
        names = {
            parameter["name"]
            for parameter in document["paths"][f"/api/v1/{path}/"]["get"]["parameters"]
        }
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
            validator = Draft202012Validator(
                {**sent["schema"], "components": document["components"]}
            )
            for example in examples:
                if errors := [
                    f"{error.instance_path}: {error.message}"
                    for error in validator.iter_errors(example)
                ]:
                    wrong[operation["operationId"]] = errors
                elif isinstance(example, dict) and (
                    unknown := set(example) - _properties(sent["schema"], document)
                ):
                    wrong[operation["operationId"]] = [f"unknown: {unknown}"]

    assert (without, wrong, set(EXAMPLES) - named) == ([], {}, set())


def _properties(schema, document):
    if "$ref" in schema:
        return _properties(
            document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document
        )
    if "properties" not in schema:
        return _Anything()
    return set(schema["properties"])


class _Anything(set):
    def __rsub__(self, other):
        return set()


def test_files_are_described_as_files(document):
    content = document["paths"]["/api/v1/runways/"]["get"]["responses"]["200"]["content"]

    assert content["text/csv"]["schema"] == {"type": "string"}
    workbook = content["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"]
    assert workbook["schema"] == {"type": "string", "format": "binary"}
    assert "$ref" in content["application/json"]["schema"]
    answers = document["paths"]["/api/v1/gate/"]["post"]["responses"]
    assert answers["200"]["content"]["application/junit+xml"]["schema"] == {"type": "string"}
    assert list(answers["202"]["content"]) == ["application/json"]


@pytest.mark.proof
def test_it_is_valid_openapi(document):
    errors = OpenAPIV31SpecValidator(document).iter_errors()

    assert [f"{list(error.absolute_path)}: {error.message}" for error in errors] == []


JSON_TYPES = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def test_every_enumeration_holds_values_of_its_type(document):
    """No validator of OpenAPI objects, and generated clients do not compile."""
    wrong = []
    for path, schema in _schemas(document):
        if "enum" not in schema or "type" not in schema:
            continue
        names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not all(
            any(isinstance(value, JSON_TYPES[name]) for name in names) for value in schema["enum"]
        ):
            wrong.append(path)

    assert wrong == []
    parameters = document["paths"]["/api/v1/applications/"]["get"]["parameters"]
    criticality = next(parameter for parameter in parameters if parameter["name"] == "criticality")
    assert criticality["schema"]["items"]["type"] == "string"
    assert "critical" in criticality["schema"]["items"]["enum"]


def _schemas(node, path=""):
    """(where, object) of whatever may be a schema; examples are values and hold none."""
    if isinstance(node, dict):
        yield path, node
        for key, value in node.items():
            if key not in {"example", "examples"}:
                yield from _schemas(value, f"{path}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _schemas(value, f"{path}/{index}")


def test_names_are_free_in_generated_clients(document):
    """A class called as a type of the language, or as its own property, breaks the module it is
    written to."""
    schemas = document["components"]["schemas"]
    plain = {name.lower() for name in schemas}
    of_properties = {
        f"{name}{prop.replace('_', '')}enum".lower()
        for name, schema in schemas.items()
        for prop, described in schema.get("properties", {}).items()
        if "oneOf" in described
    }

    assert {name for name in schemas if name in typing.__all__} == set()
    called_as_a_property = [
        name
        for name, schema in schemas.items()
        if name.lower() in {prop.replace("_", "") for prop in schema.get("properties", {})}
    ]
    assert called_as_a_property == []
    assert of_properties & plain == set()


def test_every_resource_is_introduced(document, settings):
    used = {
        tag
        for operations in document["paths"].values()
        for of in operations.values()
        for tag in of["tags"]
    }

    assert used == set(TAGS) == {tag["name"] for tag in document["tags"]}
    assert [server["url"] for server in document["servers"]] == [settings.PUBLIC_URL]


def test_every_parameter_of_a_path_has_the_type_of_its_key(document):
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] != "path":
                    continue
                assert parameter["description"].endswith("."), path
                # a risk that is inherited is found by two ids
                is_number = (
                    parameter["name"] in {"id", "event_id"} and "inherited-risks" not in path
                )
                assert parameter["schema"]["type"] == ("integer" if is_number else "string"), path


def test_refusals_are_problem_details_and_say_when_to_ask_again(document):
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                if status[0] in "45":
                    assert list(answer["content"]) == ["application/problem+json"], (path, status)
            assert {"429", "503"} <= set(operation["responses"]), path
            assert "Retry-After" in operation["responses"]["429"]["headers"], path
            assert "Retry-After" in operation["responses"]["503"]["headers"], path


def test_every_way_to_send_a_token_is_described(document):
    schemes = document["components"]["securitySchemes"]
    ways = document["paths"]["/api/v1/applications/"]["get"]["security"]

    assert [way for way in ways if len(way) != 1] == []
    assert {name for way in ways for name in way} == set(schemes)
    assert {
        (scheme["type"], scheme.get("scheme") or scheme["in"]) for scheme in schemes.values()
    } == {
        ("http", "bearer"),
        ("http", "basic"),
        ("apiKey", "header"),
        ("apiKey", "cookie"),
    }


def test_an_address_of_an_upload_that_is_no_token_is_answered_and_not_sent_on(client):
    answer = client.get("/api/v1/bom/token/not-a-token")

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.proof
def test_it_and_its_page_are_served_to_whoever_is_signed_in(client):
    client.force_login(make_user())
    assert client.get(reverse("api:schema")).status_code == 200
    assert client.get(reverse("api:docs")).status_code == 200


@pytest.mark.parametrize("query", ["", "?format=json"])
def test_a_stranger_is_asked_for_a_token_and_a_browser_to_sign_in(client, query):
    answer = client.get(reverse("api:schema") + query)

    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
    assert "Authorization: Bearer" in answer.json()["detail"]
    page = client.get(reverse("api:docs"))
    assert (page.status_code, page["Location"]) == (302, "/accounts/login/?next=/api/docs/")


@pytest.mark.proof
def test_the_operator_opens_it_and_its_page_to_strangers(client, settings):
    settings.API_DOCUMENT_OPEN = True

    assert client.get(reverse("api:schema")).status_code == 200
    assert client.get(reverse("api:docs")).status_code == 200


@pytest.mark.proof
def test_a_token_without_the_scope_read_does_not_open_it(api):
    assert api(make_user(), "intake").get(reverse("api:schema")).status_code == 403
    assert api(make_user("other"), "read").get(reverse("api:schema")).status_code == 200
