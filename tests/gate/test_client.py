"""The command-line client as pipelines run it: a process of its own against a server that
listens."""

import ast
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from apps.common.time import now
from apps.feeds.models import PollState
from apps.gate.client import registry_gate
from apps.gate.models import GateRun

CLIENT = Path(registry_gate.__file__)
# whatever else the machine has, so that the client is not only tried where the product runs
PYTHON = shutil.which("python3", path="/usr/bin") or sys.executable


@pytest.fixture
def client(listening_desk, tmp_path):
    """client("--model", NAME, ...): how a run of the client ended."""
    desk, url, token = listening_desk

    def run(
        *arguments: str, stdin: str | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        clean = {
            "PATH": os.environ["PATH"],
            "REGISTRY_URL": url,
            "REGISTRY_TOKEN": token,
            "REGISTRY_APPLICATION": desk.application.slug,
            "REGISTRY_ENVIRONMENT": "production",
        }
        return subprocess.run(
            [PYTHON, "-I", str(CLIENT), *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
            input=stdin,
            env={**clean, **variables},
        )

    return run


def test_it_is_one_file_of_the_standard_library_for_python_3_9():
    tree = ast.parse(CLIENT.read_text(), feature_version=(3, 9))

    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported <= sys.stdlib_module_names


def test_what_holds_passes(client):
    done = client("--model", "gpt-4o-2024-11-20", "--host", "openai", "--commit", "a1")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("PASS: Nothing blocks the build with 1 model.")
    assert "Report: http" in done.stdout


def test_what_ends_soon_warns_and_does_not_stop(client):
    done = client("--model", "gpt-4o-2024-08-06", "--host", "openai")

    assert done.returncode == 0
    assert done.stdout.startswith("WARN: ")
    assert "FR003 warning" in done.stdout
    assert "Migrate to gpt-4o-2024-11-20" in done.stdout


def test_what_is_retired_stops_and_says_where_to_ask_for_a_waiver(client, tmp_path):
    (tmp_path / "models.txt").write_text(
        "# what we call\ngpt-4o-2024-11-20 openai\n\ngpt-3.5-turbo-0125 openai app/a.py:14\n"
    )

    done = client("--models", "models.txt")
    reported = client("--models", "models.txt", "--mode", "report")

    assert done.returncode == 1
    assert "BLOCK: " in done.stdout
    assert "FR002 error app/a.py:14: " in done.stdout
    assert "/gate/waivers/new/?application=" in done.stdout
    assert (reported.returncode, "Report only" in reported.stdout) == (0, True)


def test_github_reads_annotations_and_a_summary(client, tmp_path):
    models = [
        {"model": "gpt-3.5-turbo-0125", "host": "openai", "file": "app/a,b.py", "line": 14},
        {"model": "gpt-4o-2024-08-06", "host": "openai"},
    ]
    summary = tmp_path / "summary.md"

    done = client(
        "--models",
        "-",
        "--format",
        "github",
        stdin=json.dumps(models),
        GITHUB_STEP_SUMMARY=str(summary),
        GITHUB_SHA="deadbeef",
        GITHUB_REF="refs/heads/main",
    )

    assert done.returncode == 1
    first, second, *_ = done.stdout.splitlines()
    assert first.startswith(
        "::error file=app/a%2Cb.py,line=14,title=FR002 Model retired::gpt-3.5-turbo-0125 at OpenAI"
    )
    assert "%0ARequest a waiver: " in first
    assert second.startswith("::warning title=FR003 Model retires soon::")
    assert "| FR002 | error | gpt-3.5-turbo-0125 | app/a,b.py:14 |" in summary.read_text()
    run = GateRun.objects.order_by("-pk")[:1].get()
    assert (run.commit, run.ref) == ("deadbeef", "refs/heads/main")


def test_a_bill_of_materials_goes_from_a_file_to_sarif_and_junit(client, tmp_path):
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "components": [
            {
                "type": "machine-learning-model",
                "name": "gpt-3.5-turbo-0125",
                "publisher": "openai",
                "evidence": {"occurrences": [{"location": "app/summarize.py", "line": 14}]},
            }
        ],
    }
    (tmp_path / "bom.json").write_text(json.dumps(bom))

    done = client("--bom", "bom.json", "--format", "sarif", "--output", "gate.sarif")
    junit = client("--bom", "bom.json", "--format", "junit")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("registry-gate: block: ")
    results = json.loads((tmp_path / "gate.sarif").read_text())["runs"][0]["results"]
    place = results[0]["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == (
        "app/summarize.py",
        14,
    )
    assert (junit.returncode, "<testsuites>" in junit.stdout) == (1, True)


def test_what_was_released_does_not_stop_again(client):
    name = ("--model", "gpt-3.5-turbo-0125", "--host", "openai", "--environment", "lab")
    assert client(*name, "--release").returncode == 1
    assert not GateRun.objects.filter(environment="lab", released_at__isnull=False).exists()
    GateRun.objects.filter(environment="lab").update(released_at=now())

    again = client(*name, "--commit", "b2", "--release")

    assert (again.returncode, "released before" in again.stdout) == (0, True)
    assert "marked as released" in again.stderr
    assert client(*name, "--commit", "b2", "--all").returncode == 1


def test_a_stale_catalogue_cannot_decide_unless_that_may_pass(client):
    PollState.objects.update(last_observed_at=now() - timedelta(30))
    try:
        done = client("--model", "gpt-4o-2024-11-20", "--host", "openai", "--commit", "stale")
        passed = client(
            "--model",
            "gpt-4o-2024-11-20",
            "--host",
            "openai",
            "--commit",
            "stale",
            "--on-unknown",
            "pass",
        )
        github = client("--model", "gpt-4o-2024-11-20", "--commit", "stale", "--format", "github")
    finally:
        PollState.objects.update(last_observed_at=now())

    assert (done.returncode, passed.returncode, github.returncode) == (3, 0, 3)
    assert done.stdout.startswith("UNKNOWN: ")
    assert "::error title=" in github.stdout


@pytest.mark.proof
def test_a_registry_that_is_away_or_no_registry_cannot_decide(client):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    done = client("--model", "a", "--url", nobody, "--timeout", "0.5")
    assert (done.returncode, "cannot be reached" in done.stderr) == (3, True)
    assert (
        client("--model", "a", "--url", nobody, "--timeout", "0.5", "--mode", "report").returncode
        == 0
    )

    class Stranger(BaseHTTPRequestHandler):
        codes = {"/down": 503, "/moved": 302, "/other": 200}

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(self.codes["/" + self.path.split("/")[1]])
            self.send_header("Location", "https://elsewhere.example.org/")
            self.end_headers()
            self.wfile.write(b"<html>hello")

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Stranger)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        at = f"http://127.0.0.1:{server.server_port}"
        down = client("--model", "a", "--url", f"{at}/down", "--timeout", "0.5")
        other = client("--model", "a", "--url", f"{at}/other", "--timeout", "5")
        moved = client("--model", "a", "--url", f"{at}/moved", "--timeout", "5")
        untrusted = client(
            "--model", "a", "--url", f"https://localhost:{server.server_port}", "--timeout", "0.5"
        )
    finally:
        server.shutdown()
        server.server_close()
    assert (down.returncode, "responded with 503" in down.stderr) == (3, True)
    assert (other.returncode, "not JSON" in other.stderr) == (3, True)
    # the token goes nowhere else
    assert (moved.returncode, "elsewhere.example.org" in moved.stderr) == (2, True)
    assert untrusted.returncode == 3


@pytest.mark.proof
def test_wrong_use_is_told_from_what_cannot_be_decided(client):
    bad_token = client("--model", "a", REGISTRY_TOKEN="fr_nobody_0")
    assert (bad_token.returncode, "api token was rejected" in bad_token.stderr.lower()) == (2, True)
    no_application = client("--model", "a", "--application", "nobodys")
    assert (
        no_application.returncode,
        "Application not found" in no_application.stderr,
    ) == (
        2,
        True,
    )
    assert (
        client("--model", "a", "--on-unknown", "pass", REGISTRY_TOKEN="fr_nobody_0").returncode == 2
    )
    assert client().returncode == 2
    assert client("--model", "a", REGISTRY_TOKEN="").returncode == 2
    assert client("--bom", "missing.json").returncode == 2
    assert client("--model", "a", "--url", "ftp://example.org").returncode == 2


@pytest.mark.parametrize(
    ("option", "content", "words"),
    [
        ("--bom", b"", "is empty"),
        ("--bom", b"\x89PNG\r\n\xff", "byte 1 is not UTF-8"),
        ("--bom", b"<bom/>", "is XML"),
        ("--bom", b"[" * 100_000, "nested too deeply"),
        ("--bom", b'{"a": 1', "is not JSON"),
        ("--models", b"[]", "contains no model"),
        ("--models", b"# nothing\n", "contains no model"),
        ("--models", b'["a", 1]', "model 2 must be a name"),
    ],
)
def test_a_file_that_is_none_is_wrong_use_and_named(client, tmp_path, option, content, words):
    (tmp_path / "given").write_bytes(content)

    done = client(option, "given")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("registry-gate: given")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_powershell_wrote_is_read(client, tmp_path):
    (tmp_path / "models.txt").write_text("gpt-3.5-turbo-0125 openai\n", encoding="utf-16")

    assert client("--models", "models.txt").returncode == 1


def test_a_summary_stays_below_the_limit_of_github(monkeypatch, tmp_path):
    finding = {
        "rule_id": "FR005",
        "level": "warning",
        "model": "m",
        "message": "é" * 500,
        "location": None,
        "waiver": None,
        "new_since_baseline": True,
    }
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))

    registry_gate.write_step_summary(
        {
            "decision": "warn",
            "summary": "2000 findings to review.",
            "findings": [finding] * 2000,
            "catalogue_as_of": None,
            "policy_version": 1,
            "report_url": "https://registry.example.org/gate/runs/1/",
        }
    )

    written = summary.read_bytes()
    assert 900_000 < len(written) < 1024 * 1024
    n_rows = written.count(b"| FR005 |")
    assert f"\n{2000 - n_rows} more findings are in the report.".encode() in written
    assert b"[Report](https://registry.example.org/gate/runs/1/)" in written
