"""Clients that other people's generators make of the OpenAPI document: generated, type-checked and
used.

Each journey in this folder is written against one generated client. It lists applications, makes
one, declares what it uses and reads its stack, on a web server of its own. The client of
openapi-python-client is the one that `make client` ships; its examples run as well. The tools lie
in build/generated-clients/, installed there from the package indexes at the first run; where those
are not reached, the drill is skipped.
"""

import csv
import importlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from apps.accounts.actions import issue_token
from apps.accounts.roles import Scope, TeamRole
from apps.common.time import day_of, now
from apps.exposure.engine.table_refresh import refresh
from apps.inventory.models import Application, Criticality, Dependency
from registry.version import VERSION
from tests.builders import (
    make_application,
    make_dependency,
    make_foundation,
    make_member,
    make_offering,
    make_provider,
    make_team,
    make_version,
)
from tests.processes import database_url
from tests.web_server import web_server
from tools.python_client import write_document, write_package

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]

CHECKOUT = Path(__file__).resolve().parents[3]
SOURCES = Path(__file__).resolve().parent
BUILD = CHECKOUT / "build" / "generated-clients"
INSTALL_TIMEOUT = 600
STEP_TIMEOUT = 300
# mypy without the settings of this project, which it finds in a folder above
APART = (f"--config-file={os.devnull}", "--cache-dir=.mypy_cache")
# outside the package, which is written anew: mypy compares the contents of files
PACKAGE_CACHE = BUILD / ".mypy_cache"


def run(command: Sequence[object], *, folder: Path, **environment: str) -> str:
    """What the command prints; it has to succeed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=STEP_TIMEOUT,
    )
    assert done.returncode == 0, (
        f"{' '.join(map(str, command))}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    )
    return done.stdout


def install(command: Sequence[object], *, folder: Path) -> None:
    """Run an installer; skip the drill where it does not reach its package index."""
    try:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"{command[0]} did not finish within {INSTALL_TIMEOUT} seconds")
    if done.returncode:
        pytest.skip(
            f"{command[0]} cannot install what the drill needs: "
            f"{(done.stderr or done.stdout)[-500:]}"
        )


def _uv() -> str:
    place = shutil.which(
        "uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    )
    if place is None:
        pytest.skip("uv is not installed")
    return place


@pytest.fixture(scope="module")
def python_tools() -> Path:
    """The folder of programs of an environment with what
    tests/proof/generated_clients/requirements.txt pins."""
    place = BUILD / "venv"
    uv = _uv()
    BUILD.mkdir(parents=True, exist_ok=True)
    if not (place / "bin" / "python").exists():
        install([uv, "venv", "--quiet", "--python", sys.executable, place], folder=BUILD)
    python = place / "bin" / "python"
    install(
        [uv, "pip", "install", "--quiet", "--python", python, "-r", SOURCES / "requirements.txt"],
        folder=BUILD,
    )
    return place / "bin"


@pytest.fixture(scope="module")
def node_tools() -> Path:
    """A folder with the journeys in TypeScript and what tests/proof/generated_clients/package.json
    pins."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    place = BUILD / "typescript"
    place.mkdir(parents=True, exist_ok=True)
    for source in SOURCES.iterdir():
        if source.suffix in {".ts", ".cjs", ".json"}:
            shutil.copy(source, place)
    install(
        [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"],
        folder=place,
    )
    for name in ("generated", "compiled"):
        shutil.rmtree(place / name, ignore_errors=True)
    write_document(place / "schema.json")
    return place


def _generate(tools: Path, generator: str, *, document: Path, to: Path) -> None:
    """By openapi-generator, which validates the document first."""
    command = [
        tools / "openapi-generator-cli",
        "generate",
        "-i",
        document,
        "-g",
        generator,
        "-o",
        to,
    ]
    run(command, folder=to.parent, JAVA_OPTS="-Xmx1g")


@pytest.fixture
def journey(tmp_path):
    """A function that runs a command as an editor of a team that has one critical application, and
    checks what came of it."""
    team = make_team("Payments")
    editor = make_member(team, TeamRole.EDITOR)
    known = make_application("Fraud check", team=team, criticality=Criticality.CRITICAL)
    offering = make_offering("model-1", host=make_provider("here"))
    _, token = issue_token(
        user=editor, name="client", scopes=[Scope.READ, Scope.WRITE], at=now(), by=None
    )

    with web_server(
        tmp_path, "--workers", "1", environment={"DATABASE_URL": database_url()}
    ) as server:
        variables = {
            "APPLICATION": "Claims assistant",
            "OFFERING": str(offering.pk),
            "REGISTRY": server.address,
            "REGISTRY_TOKEN": token,
            "TEAM": team.slug,
        }

        def take(*steps: Sequence[object], folder: Path) -> None:
            *before, last = steps
            for step in before:
                run(step, folder=folder, **variables)
            answer = json.loads(run(last, folder=folder, **variables))

            assert answer == {
                "listed": [known.slug],
                "made": "claims-assistant",
                "stack": ["model-1"],
            }
            assert Application.objects.get(slug="claims-assistant").team == team

        yield take


def _place_of(name: str) -> Path:
    """An empty folder for one client in Python, with its journey."""
    place = BUILD / name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    shutil.copy(SOURCES / f"{name}_journey.py", place)
    return place


@pytest.fixture(scope="module")
def python_client(python_tools: Path) -> Path:
    """The package of `make client`, installed beside the tools and checked strictly with its
    examples and the journey; the folder of the programs."""
    place = BUILD / "registry_client"
    left_out = write_package(place)
    # docs/api.md names them
    assert {sentence.split()[4] for sentence in left_out} == {
        "application/x-ndjson",
        "application/yaml",
        "application/zip",
    }
    shutil.copy(SOURCES / "openapi_python_client_journey.py", place / "examples")
    run(
        [
            python_tools / "mypy",
            *APART,
            f"--cache-dir={PACKAGE_CACHE}",
            "--strict",
            "registry_client",
            "examples",
        ],
        folder=place,
    )
    uv = _uv()
    install(
        [
            uv,
            "pip",
            "install",
            "--quiet",
            "--python",
            python_tools / "python",
            "--reinstall",
            place,
        ],
        folder=place,
    )
    return place


def test_the_shipped_python_client_is_installed_typed_and_works(
    python_tools, python_client, journey
):
    source = "from importlib.metadata import version as v; import registry_client as r; "
    source += "print(v('foundation-registry-client'), r.__file__); import sys; "
    source += "from registry_client.models import Problem; "
    source += "print(sum(name.startswith('registry_client.models.') for name in sys.modules))"

    journey(
        [python_tools / "python", "openapi_python_client_journey.py"],
        folder=python_client / "examples",
    )

    version, file, n_modules = run([python_tools / "python", "-c", source], folder=BUILD).split()
    assert version == VERSION
    # Problem alone; all modules would take seconds
    assert n_modules == "1"
    assert Path(file).is_relative_to(python_tools.parent)
    assert (Path(file).parent / "py.typed").exists()


@pytest.fixture
def team():
    return make_team("Payments", slug="payments")


@pytest.fixture
def example(python_tools, python_client, team, site, tmp_path):
    """example(NAME, ARGUMENT, ..., fails=False): what the example prints, as an editor of Payments;
    with `fails`, what it says before it ends with 1."""
    editor = make_member(team, TeamRole.EDITOR)
    _, token = issue_token(
        user=editor, name="script", scopes=[Scope.READ, Scope.WRITE], at=now(), by=None
    )

    def take(name: str, *arguments: object, fails: bool = False, **environment: str) -> str:
        command = [python_tools / "python", python_client / "examples" / name, *arguments]
        variables = {"REGISTRY_URL": site.url, "REGISTRY_TOKEN": token, **environment}
        if not fails:
            return run(command, folder=tmp_path, **variables)
        done = subprocess.run(
            [str(part) for part in command],
            cwd=tmp_path,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=STEP_TIMEOUT,
        )
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
        return done.stderr

    return take


def test_examples_list_retirements_with_owners_and_a_blast_radius(example, team, tmp_path):
    today = day_of(now())
    line = make_foundation("one/line", developer=make_provider("one"))
    host = make_provider("here")
    soon, later = (
        make_offering(
            api_id,
            host=host,
            version=make_version(f"one/{api_id}", foundation=line),
            retires_on=today + timedelta(days=n_days),
            date_kind="firm",
        )
        for api_id, n_days in (("soon", 100), ("later", 200))
    )
    # more than one page of dependencies
    owned = make_application("=Claims", team=team, business_owner="Ilse")
    make_dependency(owned, soon)
    for number in range(210):
        make_dependency(make_application(f"Desk {number}", team=team), soon)
    make_dependency(make_application("Elsewhere"), soon)
    make_dependency(owned, later, role="fallback")
    refresh(on=today)

    rows = [line.split("\t") for line in example("retirements.py").splitlines()]
    said = example("blast_radius.py", line.slug, "radius.csv")

    day = str(today + timedelta(days=100))
    assert [day, "here/soon", owned.slug, "primary", "Ilse"] in rows
    assert {row[4] for row in rows if row[2] != owned.slug} == {"team payments"}
    assert len(rows) == 211
    assert len(example("retirements.py", 300).splitlines()) == 212
    with (tmp_path / "radius.csv").open() as file:
        reached = list(csv.DictReader(file))
    assert len(reached) == 211
    assert {row["name"] for row in reached if row["application"] == owned.slug} == {"'=Claims"}
    assert said.startswith("211 applications of your teams depend on ")
    assert "python blast_radius.py SLUG FILE" in example("blast_radius.py", line.slug, fails=True)
    assert example("blast_radius.py", "none", "x.csv", fails=True).startswith("404 Not Found: ")


def test_a_deployment_registers_what_differs(example, tmp_path):
    make_offering("model-1", host=make_provider("here"))
    wanted = {
        "slug": "claims",
        "name": "Claims",
        "team": "payments",
        "criticality": "critical",
        "dependencies": [{"host": "here", "api_id": "model-1", "role": "primary"}],
    }
    file = tmp_path / "application.json"

    def register() -> list[str]:
        file.write_text(json.dumps(wanted))
        return example("register_application.py", file).splitlines()

    assert register() == ["claims: created", "here/model-1: declared"]
    assert register() == ["claims: unchanged", "here/model-1: unchanged"]
    wanted["criticality"] = "standard"
    assert register() == ["claims: changed criticality", "here/model-1: unchanged"]
    assert Application.objects.get().criticality == Criticality.STANDARD
    assert Dependency.objects.get().role == Dependency.Role.PRIMARY
    wanted["criticality"] = "urgent"
    file.write_text(json.dumps(wanted))
    said = example("register_application.py", file, fails=True)
    assert said == "'urgent' is not a valid CriticalityEnum\n"


@pytest.fixture
def connection(python_client, monkeypatch) -> ModuleType:
    """The module that is written by hand, in this process, with a clock that does not wait."""
    monkeypatch.syspath_prepend(python_client)
    module = importlib.import_module("registry_client.connection")
    moment = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: moment[0])
    monkeypatch.setattr(module.time, "sleep", lambda n: moment.__setitem__(0, moment[0] + n))
    module.waited = moment
    return module


def _client_of(connection: ModuleType, *answers: httpx.Response | Exception) -> tuple:
    """(client, requests that arrived); answers one after the other, the last one for ever."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        given = answers[min(len(seen), len(answers)) - 1]
        if isinstance(given, Exception):
            raise given
        return httpx.Response(
            given.status_code, headers=given.headers, content=given.content, request=request
        )

    transport = httpx.MockTransport(answer)
    return connection.RegistryClient(base_url="http://registry", transport=transport), seen


def test_the_connection_repeats_what_is_safe_and_raises_problems(connection):
    ok = httpx.Response(200, json={})
    busy = httpx.Response(429, headers={"Retry-After": "7"}, json={"title": "t", "detail": "d"})
    away = httpx.Response(503, text="<html>")
    keyed = {"headers": {"Idempotency-Key": "a"}, "json": {}}

    for answers, method, arguments, n_seen, seconds in (
        # a refused request was not processed
        ([busy, ok], "POST", {"json": {}}, 2, 7),
        ([away, away, ok], "GET", {}, 3, 1 + 2),
        ([away, ok], "POST", keyed, 2, 1),
        ([httpx.ConnectError("refused"), ok], "POST", {"json": {}}, 2, 1),
        ([httpx.ReadError("cut"), ok], "GET", {}, 2, 1),
    ):
        connection.waited[0] = 0.0
        client, seen = _client_of(connection, *answers)
        assert client.request(method, "/", **arguments).status_code == 200
        assert (len(seen), connection.waited[0]) == (n_seen, seconds)
        assert len({request.content for request in seen}) == 1

    for answer in (away, httpx.ReadError("cut")):
        client, seen = _client_of(connection, answer, ok)
        with pytest.raises((connection.RegistryProblem, httpx.ReadError)):
            client.post("/", json={})
        assert len(seen) == 1
    for cause in (ssl.SSLCertVerificationError("x"), socket.gaierror(socket.EAI_NONAME, "x")):
        untrusted = httpx.ConnectError("failed")
        untrusted.__cause__ = cause
        client, seen = _client_of(connection, untrusted, ok)
        with pytest.raises(httpx.ConnectError):
            client.get("/")
        assert len(seen) == 1

    connection.waited[0] = 0.0
    client, seen = _client_of(connection, away)
    with pytest.raises(connection.RegistryProblem, match="The answer is no problem document"):
        client.get("/")
    assert 60 < connection.waited[0] <= 120

    client, _ = _client_of(
        connection,
        httpx.Response(
            400,
            json={
                "title": "Not valid",
                "detail": "Two.",
                "errors": [{"field": "team", "detail": "No."}],
            },
        ),
    )
    with pytest.raises(connection.RegistryProblem) as raised:
        client.get("/")
    assert (raised.value.status, raised.value.detail) == (400, "Two.")
    assert [field.field for field in raised.value.fields] == ["team"]

    client, _ = _client_of(connection, httpx.Response(302, headers={"Location": "https://other/"}))
    with pytest.raises(connection.RegistryProblem, match="https://other/"):
        client.get("/")
    client, _ = _client_of(connection, httpx.Response(304))
    assert client.get("/").status_code == 304


def test_a_connection_needs_an_address_and_a_token(connection, monkeypatch):
    monkeypatch.delenv("REGISTRY_URL", raising=False)
    with pytest.raises(ValueError, match="REGISTRY_URL"):
        connection.connect(token="fr_a_b")
    with pytest.raises(ValueError, match="must begin with https"):
        connection.connect("registry.example.org", "fr_a_b")
    client = connection.connect("https://registry.example.org/", "fr_a_b").get_httpx_client()

    assert client.base_url.host == "registry.example.org"
    assert client.headers["Authorization"] == "Bearer fr_a_b"


def test_a_python_client_of_openapi_generator_is_typed_and_works(python_tools, journey):
    place = _place_of("openapi_generator")
    write_document(place / "schema.json")
    _generate(python_tools, "python", document=place / "schema.json", to=place)

    journey(
        # the generator's own templates leave some functions without types, so strictness is asked
        # of the journey alone
        [python_tools / "mypy", *APART, "openapi_client"],
        [
            python_tools / "mypy",
            *APART,
            "--strict",
            "--follow-imports=silent",
            "openapi_generator_journey.py",
        ],
        [python_tools / "python", "openapi_generator_journey.py"],
        folder=place,
    )


@pytest.mark.parametrize("client", ["openapi_fetch", "orval", "typescript_fetch"])
def test_a_client_in_typescript_compiles_strictly_and_works(
    python_tools, node_tools, journey, client
):
    program = node_tools / "node_modules" / ".bin"
    generated = node_tools / "generated"
    # the journeys of the other clients are left out: what they import may not be generated yet
    project = node_tools / f"tsconfig.{client}.json"
    project.write_text(
        json.dumps({"extends": "./tsconfig.json", "include": [], "files": [f"{client}_journey.ts"]})
    )
    if client == "typescript_fetch":
        _generate(
            python_tools,
            "typescript-fetch",
            document=node_tools / "schema.json",
            to=generated / client,
        )
    generators = {
        "openapi_fetch": [
            [program / "openapi-typescript", "schema.json", "-o", f"generated/{client}.d.ts"]
        ],
        "orval": [[program / "orval", "--config", "orval.config.cjs"]],
        "typescript_fetch": [],
    }

    journey(
        *generators[client],
        [program / "tsc", "--project", project],
        ["node", f"compiled/{client}_journey.js"],
        folder=node_tools,
    )
