"""Clients that other people's generators make of the OpenAPI document: generated, type-checked and
used.

Each journey in this folder is written against one generated client. It lists applications, makes
one, declares what it uses and reads its stack, on a web server of its own. The tools lie in
build/generated-clients/, installed there from the package indexes at the first run; where those are
not reached, the drill is skipped.
"""

import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import pytest
from drf_spectacular.generators import SchemaGenerator

from apps.accounts.actions import issue_token
from apps.accounts.roles import Scope, TeamRole
from apps.common.time import now
from apps.inventory.models import Application, Criticality
from tests.builders import make_application, make_member, make_offering, make_provider, make_team
from tests.processes import database_url
from tests.web_server import web_server

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]

CHECKOUT = Path(__file__).resolve().parents[3]
SOURCES = Path(__file__).resolve().parent
BUILD = CHECKOUT / "build" / "generated-clients"
INSTALL_TIMEOUT = 600
STEP_TIMEOUT = 300
# mypy without the settings of this project, which it finds in a folder above
APART = (f"--config-file={os.devnull}", "--cache-dir=.mypy_cache")


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


@pytest.fixture(scope="module")
def python_tools() -> Path:
    """The folder of programs of an environment with what
    tests/proof/generated_clients/requirements.txt pins."""
    place = BUILD / "venv"
    uv = shutil.which(
        "uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    )
    if uv is None:
        pytest.skip("uv is not installed")
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
    _write_document(place)
    return place


def _write_document(folder: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        document = SchemaGenerator().get_schema(request=None, public=True)
    file = folder / "schema.json"
    file.write_text(json.dumps(document, default=str))
    return file


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


def test_a_client_of_openapi_python_client_is_typed_strictly_and_works(python_tools, journey):
    place = _place_of("openapi_python_client")
    # formatting it would only take time
    (place / "config.yml").write_text("post_hooks: []\n")
    document = _write_document(place)

    journey(
        [
            sys.executable,
            "-m",
            "openapi_python_client",
            "generate",
            "--path",
            document,
            "--meta",
            "none",
            "--output-path",
            "registry_client",
            "--config",
            "config.yml",
        ],
        [
            python_tools / "mypy",
            *APART,
            "--strict",
            "registry_client",
            "openapi_python_client_journey.py",
        ],
        [python_tools / "python", "openapi_python_client_journey.py"],
        folder=place,
    )


def test_a_python_client_of_openapi_generator_is_typed_and_works(python_tools, journey):
    place = _place_of("openapi_generator")
    _generate(python_tools, "python", document=_write_document(place), to=place)

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
