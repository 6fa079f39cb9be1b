"""A Python client generated out of the OpenAPI document, and used: what the document promises is
what one gets."""

import importlib
import json
import subprocess
import sys
import warnings
from uuid import UUID

import httpx
import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator

from apps.accounts.actions import issue_token
from apps.accounts.roles import Scope, TeamRole
from apps.common.time import now
from apps.inventory.models import Application
from registry.wsgi import application
from tests.builders import make_member, make_offering, make_provider, make_team

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """The package's name; a warning of the generator that an operation is left out fails here."""
    folder = tmp_path_factory.mktemp("client")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        document = SchemaGenerator().get_schema(request=None, public=True)
    (folder / "schema.json").write_text(json.dumps(document, default=str))
    # formatting it would only take time
    (folder / "config.yml").write_text("post_hooks: []\n")
    made = subprocess.run(
        [
            sys.executable,
            "-m",
            "openapi_python_client",
            "generate",
            "--path",
            "schema.json",
            "--meta",
            "none",
            "--output-path",
            "registry_client",
            "--config",
            "config.yml",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    assert "Endpoint will not be generated" not in made.stdout, made.stdout
    sys.path.insert(0, str(folder))
    yield "registry_client"
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.split(".")[0] == "registry_client"]:
        del sys.modules[name]


@pytest.fixture
def team():
    return make_team("Claims")


@pytest.fixture
def client(generated, team):
    _, token = issue_token(
        user=make_member(team, TeamRole.EDITOR),
        name="client",
        scopes=[Scope.READ, Scope.WRITE],
        at=now(),
        by=None,
    )
    # a request that ends would close the test's connection
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    made = importlib.import_module(generated).AuthenticatedClient(
        base_url="http://testserver",
        token=token,
        httpx_args={"transport": httpx.WSGITransport(app=application)},
    )
    yield made
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def ask(generated, resource, operation, **arguments):
    module = importlib.import_module(f"{generated}.api.{resource}.{operation}")
    answer = module.sync_detailed(**arguments)
    assert answer.status_code < 400, answer.content
    return answer.parsed


def test_it_registers_declares_lists_pages_and_asks(generated, client, team):
    models = importlib.import_module(f"{generated}.models")
    make_offering("model-1", host=make_provider("here"))

    made = ask(
        generated,
        "applications",
        "applications_create",
        client=client,
        body=models.ApplicationRequest(name="Claims assistant", team=team.slug),
    )
    [offering] = ask(
        generated, "offerings", "offerings_list", client=client, host="here", api_id="model-1"
    ).results
    use = ask(
        generated,
        "dependencies",
        "dependencies_create",
        client=client,
        body=models.DependencyRequest(application=made.slug, offering=offering.id),
    )
    again = ask(generated, "applications", "applications_retrieve", client=client, slug=made.slug)
    [listed] = ask(
        generated, "applications", "applications_list", client=client, page_size=1
    ).results
    [row] = ask(generated, "applications", "applications_stack_list", client=client, slug=made.slug)

    assert (made.slug, again.name, listed.slug) == (
        "claims-assistant",
        "Claims assistant",
        made.slug,
    )
    assert (use.api_id, row.api_id, isinstance(made.change, UUID)) == ("model-1", "model-1", True)
    assert Application.objects.get().slug == made.slug


def test_it_reads_a_refusal_as_a_problem(generated, client):
    module = importlib.import_module(f"{generated}.api.applications.applications_retrieve")

    answer = module.sync_detailed(client=client, slug="nothing")

    assert (answer.status_code, json.loads(answer.content)["title"]) == (404, "Not Found")
