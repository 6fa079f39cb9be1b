"""The GitHub Action of deploy/github-action/: its step as a runner starts it, against a server that
listens, and its files against the schemas of GitHub."""

import ast
import json
import os
import re
import ssl
import subprocess
import sys
import threading
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml

from apps.common.time import now
from apps.feeds.models import PollState
from apps.gate.bundle import build_bundle, public_key, sign_bundle
from apps.gate.models import GateRun
from tests.certificates import self_signed
from tests.ports import free_port
from tests.proof.senders.installation import github_language_service, python_client

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "github-action"
PROGRAM = Path(__file__).resolve().parents[1] / "proof/senders/programs/github_language_service.mjs"
ACTION = yaml.safe_load((FOLDER / "action.yml").read_text())
(STEP,) = ACTION["runs"]["steps"]
GOOD, WARNS, RETIRED = "gpt-4o-2024-11-20", "gpt-4o-2024-08-06", "gpt-3.5-turbo-0125"


@dataclass
class Step:
    """How a step of a workflow ended, as the runner reads it."""

    code: int
    log: str
    outputs: dict[str, str]
    summary: str


@pytest.fixture
def step(listening_desk, tmp_path):
    """step(models=..., ...): the step of action.yml with these inputs, in a workspace."""
    desk, url, token = listening_desk
    workspace, temporary = tmp_path / "work space", tmp_path / "temp"
    workspace.mkdir()
    temporary.mkdir()

    def run(event: dict | None = None, actor: str = "ilse", **inputs: str) -> Step:
        given = {
            "url": url,
            "token": token,
            "application": desk.application.slug,
            "environment": "production",
            **{name.replace("_", "-"): value for name, value in inputs.items()},
        }
        assert set(given) <= set(ACTION["inputs"])
        values = {name: declared["default"] for name, declared in ACTION["inputs"].items()} | given
        files = {name: tmp_path / name for name in ("output", "summary", "event.json", "script.sh")}
        for file in files.values():
            file.write_text("")
        files["event.json"].write_text(json.dumps(event or {}))
        files["script.sh"].write_text(STEP["run"])
        # as `shell: bash` of GitHub: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(files["script.sh"])],
            cwd=workspace,
            env={
                "PATH": os.environ["PATH"],
                "GITHUB_ACTION_PATH": str(FOLDER),
                "GITHUB_ACTOR": actor,
                "GITHUB_EVENT_PATH": str(files["event.json"]),
                "GITHUB_OUTPUT": str(files["output"]),
                "GITHUB_REF": "refs/heads/main",
                "GITHUB_SHA": "deadbeef",
                "GITHUB_STEP_SUMMARY": str(files["summary"]),
                "GITHUB_WORKSPACE": str(workspace),
                "RUNNER_TEMP": str(temporary),
                **{name: values[_input_of(expression)] for name, expression in STEP["env"].items()},
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        lines = files["output"].read_text().splitlines()
        return Step(
            done.returncode,
            done.stdout + done.stderr,
            dict(line.split("=", 1) for line in lines),
            files["summary"].read_text(),
        )

    return run


def _input_of(expression: str) -> str:
    (name,) = re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", expression).groups()
    return name


def test_no_value_is_text_of_the_script():
    """What a pull request names its branch or its model reaches a shell only as a variable."""
    assert "${{" not in STEP["run"]
    read = {_input_of(expression) for expression in STEP["env"].values()}
    assert read == set(ACTION["inputs"])
    for name in read:
        assert f"INPUT_{name.upper().replace('-', '_')}" in STEP["env"]
    assert set(ACTION["outputs"]) == {
        "decision",
        "report-url",
        "report-file",
        "sarif-file",
    }
    # as old as the client's Python
    ast.parse((FOLDER / "gate.py").read_text(), feature_version=(3, 9))


def test_what_holds_passes(step):
    done = step(models=f"{GOOD} openai")

    assert (done.code, done.outputs["decision"]) == (0, "pass"), done.log
    run = GateRun.objects.get(commit="deadbeef")
    assert done.outputs["report-url"].endswith(f"/gate/runs/{run.pk}/")
    assert json.loads(Path(done.outputs["report-file"]).read_text())["decision"] == "pass"
    assert done.summary.startswith("### Release gate: pass")


def test_what_is_retired_blocks_with_an_annotation_a_summary_and_sarif(step, listening_desk):
    n_runs = GateRun.objects.count()

    done = step(models=f"# what we call\n{GOOD}\n{RETIRED} - app/a.py:14\n", host="openai")

    assert (done.code, done.outputs["decision"]) == (1, "block"), done.log
    assert "::error file=app/a.py,line=14,title=FR002 Model retired::" in done.log
    assert "| FR002 | error |" in done.summary
    sarif = json.loads(Path(done.outputs["sarif-file"]).read_text())
    assert [result["ruleId"] for result in sarif["runs"][0]["results"]] == ["FR002"]
    # decision, summary and files are of one run
    assert GateRun.objects.count() == n_runs + 1
    assert listening_desk[2] not in done.log


def test_a_warning_fails_the_step_only_where_that_is_asked(step):
    done = step(models=f"{WARNS} openai")
    strict = step(models=f"{WARNS} openai", fail_on="warn")
    lenient = step(models=f"{RETIRED} openai", fail_on="never")

    assert (done.code, done.outputs["decision"]) == (0, "warn"), done.log
    assert (strict.code, strict.outputs["decision"]) == (1, "warn")
    assert "::error title=Release gate::" in strict.log
    assert (lenient.code, lenient.outputs["decision"]) == (0, "block")


def test_a_registry_that_is_away_cannot_decide(step):
    away = {"url": f"http://127.0.0.1:{free_port()}", "models": GOOD, "timeout": "0.3"}

    done = step(**away)
    passed = step(**away, on_unknown="pass")

    assert (done.code, done.outputs["decision"]) == (3, "unknown"), done.log
    assert "::error title=Release gate cannot decide::" in done.log
    assert done.summary.startswith("### Release gate cannot decide")
    assert done.outputs["report-file"] == done.outputs["sarif-file"] == ""
    assert (passed.code, passed.outputs["decision"]) == (0, "unknown")


def test_wrong_use_is_an_annotation_that_says_what_to_change(step):
    rejected = step(models=GOOD, token="fr_unknown_0")
    none = step(models=GOOD, token="")
    twice = step(models=GOOD, bom="bom.json")
    mistyped = step(models=GOOD, fail_on="Block")
    missing = step(bom="bom.json")
    unnamed = step(models=GOOD, application="")
    bare = step(models=GOOD, url="registry.example.org")

    for done, words in (
        (rejected, "The API token was rejected"),
        (none, "The API token is missing."),
        (twice, "The models are missing or given twice. Set one of bom, models-file and models."),
        (mistyped, "The input fail-on is 'Block'. Use block or warn or never."),
        (missing, "bom.json cannot be read"),
        (unnamed, "The application is missing. Set the input application"),
        (bare, "--url must begin with https:// or http://"),
    ):
        assert (done.code, done.outputs["decision"]) == (2, "error"), done.log
        assert f"::error title=Release gate cannot be used::{words}" in done.log
        assert words in done.summary


def test_pull_requests_without_secrets_get_a_plain_sentence(step):
    base = {"repo": {"full_name": "calder/support"}}
    fork = {"pull_request": {"head": {"repo": {"full_name": "ada/support"}}, "base": base}}
    deleted = {"pull_request": {"head": {"repo": None}, "base": base}}
    own = {"pull_request": {"head": base, "base": base}}

    done = step(fork, models=GOOD, token="")
    passed = step(deleted, models=GOOD, token="", on_unknown="pass")
    bot = step(own, actor="dependabot[bot]", models=GOOD, token="", fail_on="never")
    forgotten = step(own, models=GOOD, token="")

    assert (done.code, done.outputs["decision"]) == (3, "unknown")
    assert "GitHub gives no secrets to pull requests of forks" in done.log
    assert "bundle" in done.summary
    assert (passed.code, passed.outputs["decision"]) == (0, "unknown")
    assert (bot.code, bot.outputs["decision"]) == (0, "unknown")
    assert (forgotten.code, forgotten.outputs["decision"]) == (2, "error")


def test_a_pull_request_of_a_fork_decides_by_the_bundle(step, listening_desk, tmp_path):
    bundle = build_bundle(
        application=listening_desk[0].application, environment="production", at=now()
    )
    file = tmp_path / "bundle.json"
    file.write_text(json.dumps(sign_bundle(bundle)))

    done = step(
        models=f"{RETIRED} openai",
        token="",
        url="",
        bundle=str(file),
        bundle_key=public_key(),
        release="true",
    )

    assert (done.code, done.outputs["decision"]) == (1, "block"), done.log
    assert "Without an API token, release and import have no effect." in done.log
    assert (done.outputs["report-url"], done.outputs["sarif-file"]) == ("", "")


def test_hostile_values_stay_values(step, tmp_path):
    """Names in a build come from whoever wrote it."""
    mark = tmp_path / "mark"
    shell = f'";touch "{mark}";#$(touch "{mark}")`touch "{mark}"`'
    model = f"x$(touch${{IFS}}{mark})\n::set-output name=decision::pass\n[a](https://example.org)"

    done = step(models=model, host=shell, application=f"--help\ndecision=pass{shell}")
    listed = step(models="x[a](https://example.org)|`b` openai")

    assert (done.code, done.outputs["decision"]) == (2, "error"), done.log
    assert not mark.exists()
    assert not [line for line in done.log.splitlines() if line.startswith("::set-output")]
    assert r"x\[a](https://example.org)\|\`b\`" in listed.summary
    assert list(listed.outputs) == ["decision", "report-url", "report-file", "sarif-file"]


def test_a_stale_catalogue_cannot_decide_and_says_so_once(step):
    PollState.objects.update(last_observed_at=now() - timedelta(30))
    try:
        done = step(models=f"{GOOD} openai")
    finally:
        PollState.objects.update(last_observed_at=now())

    assert (done.code, done.outputs["decision"]) == (3, "unknown"), done.log
    assert done.log.count("::error ") == done.summary.count("### ") == 1
    # the run exists, with its page
    assert done.outputs["report-url"]


@pytest.mark.proof
def test_a_private_certificate_authority_is_trusted_where_it_is_given(step, tmp_path):
    """The server answers 503 to whoever trusts it, which shows that the request arrived."""
    certificate = self_signed("localhost", tmp_path)
    public = ssl.PEM_cert_to_DER_cert(_certificate_of(certificate))
    text = ssl.DER_cert_to_PEM_cert(public)
    (tmp_path / "ca.pem").write_text(text)

    class Busy(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(503)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Busy)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    asked = {"url": f"https://localhost:{server.server_port}", "models": GOOD, "timeout": "0.9"}
    try:
        untrusted = step(**asked)
        trusted = [step(**asked, ca=ca) for ca in (text, str(tmp_path / "ca.pem"))]
    finally:
        server.shutdown()
        server.server_close()

    assert untrusted.code == 3
    assert "certificate of the registry is not trusted" in untrusted.log
    for done in trusted:
        assert (done.code, "the registry responded with 503" in done.log) == (3, True), done.log


def _certificate_of(file: Path) -> str:
    return re.search("-----BEGIN CERTIFICATE.*", file.read_text(), re.DOTALL)[0]


def test_a_copied_folder_takes_the_client_beside_it_and_says_where_it_is_missing(tmp_path):
    copied = tmp_path / "a" / "gate.py"
    copied.parent.mkdir()
    copied.write_text((FOLDER / "gate.py").read_text())
    environment = {"PATH": os.environ["PATH"], "INPUT_TOKEN": "t", "INPUT_MODELS": "m"}
    environment |= {"INPUT_URL": "https://registry.example.org", "INPUT_APPLICATION": "a"}
    environment |= {
        f"INPUT_{name.upper().replace('-', '_')}": declared["default"]
        for name, declared in ACTION["inputs"].items()
        if declared["default"]
    }

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-I", str(copied)],
            env=environment | {"RUNNER_TEMP": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    missing = run()
    (copied.parent / "registry-gate").write_text("import sys\nprint(sys.argv[1:])\n")
    found = run()

    assert (missing.returncode, "registry-gate is missing." in missing.stdout) == (2, True)
    assert (found.returncode, "'--format=github'" in found.stdout) == (0, True)


@pytest.mark.proof
@pytest.mark.parametrize(
    ("file", "schema"),
    [("action.yml", "github-actions"), ("example-workflow.yml", "github-workflows")],
)
def test_the_files_are_valid_by_the_schemas_of_github(file, schema):
    program = python_client("check-jsonschema") / "check-jsonschema"

    done = subprocess.run(
        [str(program), "--builtin-schema", f"vendor.{schema}", str(FOLDER / file)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.proof
def test_the_files_are_read_without_complaint_by_the_language_service_of_github(tmp_path):
    """It knows the names that expressions may use, which no schema does."""
    (tmp_path / "node_modules").symlink_to(github_language_service())
    program = tmp_path / PROGRAM.name
    program.write_text(PROGRAM.read_text())
    broken = tmp_path / "broken.yml"
    broken.write_text((FOLDER / "action.yml").read_text().replace("{ steps.", "{ stepz."))

    def read(file: Path, name: str) -> str:
        done = subprocess.run(
            ["node", "--no-warnings", str(program), str(file), name],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert read(FOLDER / "action.yml", "gate/action.yml") == ""
    assert read(FOLDER / "example-workflow.yml", ".github/workflows/gate.yml") == ""
    assert "Unrecognized named-value: 'stepz'" in read(broken, "gate/action.yml")


def test_the_example_sets_inputs_that_exist():
    workflow = yaml.safe_load((FOLDER / "example-workflow.yml").read_text())
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    used = [step for step in steps if "deploy/github-action@" in step.get("uses", "")]

    assert len(used) == 2
    for use in used:
        assert set(use["with"]) <= set(ACTION["inputs"])
    upload = next(step for step in steps if "upload-sarif" in step.get("uses", ""))
    named = re.findall(r"steps\.gate\.outputs\.([a-z-]+)", f"{upload['if']} {upload['with']}")
    assert set(named) <= set(ACTION["outputs"])
