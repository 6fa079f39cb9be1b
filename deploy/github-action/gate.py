#!/usr/bin/env python3
"""The step of action.yml: runs registry-gate once with the inputs of the action, and sets its
outputs.

Standard library only, Python 3.9 or newer. Inputs are variables INPUT_NAME; GitHub sets
GITHUB_OUTPUT, GITHUB_STEP_SUMMARY, GITHUB_WORKSPACE, GITHUB_EVENT_PATH and RUNNER_TEMP. Exit codes
are those of registry-gate: 0 pass or warn, 1 block, 2 wrong use, 3 cannot decide.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn

PASS, BLOCK, USAGE, UNKNOWN = 0, 1, 2, 3
# registry-gate beside this file, where the folder was copied; else that of the checkout
HERE = Path(__file__).resolve().parent
CLIENTS = (HERE / "registry-gate", HERE.parents[1] / "apps/gate/client/registry_gate.py")
CHOICES = {
    "fail-on": ("block", "warn", "never"),
    "on-unknown": ("fail", "pass"),
    "baseline": ("last_released", "none"),
    "all": ("true", "false"),
    "release": ("true", "false"),
    "import": ("true", "false"),
}


def read_input(name: str) -> str:
    return os.environ.get(f"INPUT_{name.upper().replace('-', '_')}", "").strip()


def read_choice(name: str) -> str:
    """Return the value of an input with fixed values; the first one is not assumed for another."""
    value = read_input(name)
    if value not in CHOICES[name]:
        stop(f"The input {name} is '{value}'. Use {' or '.join(CHOICES[name])}.")
    return value


def set_outputs(**values: str) -> None:
    """Append outputs of the step. A value is one line, so that it cannot set another output."""
    path = os.environ.get("GITHUB_OUTPUT")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            for name, value in values.items():
                file.write(f"{name.replace('_', '-')}={' '.join(value.split())}\n")


def show(command: str, title: str, message: str) -> None:
    """Show a sentence as an annotation of the run and in its summary."""
    line = " ".join(message.split())
    print(f"::{command} title={title}::{line.replace('%', '%25')}", flush=True)
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"### {title}\n\n{line.replace('<', '&lt;')}\n\n")


def stop(message: str) -> NoReturn:
    """End the step as wrong use."""
    show("error", "Release gate cannot be used", message)
    set_outputs(decision="error")
    sys.exit(USAGE)


def has_no_secrets() -> bool:
    """Return whether GitHub withholds secrets from this run: a pull request of a fork, or one of
    Dependabot."""
    if os.environ.get("GITHUB_ACTOR") == "dependabot[bot]":
        return True
    try:
        event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
        request = event["pull_request"]
        # null once the fork was deleted
        head = request["head"]["repo"] or {}
        return bool(head.get("full_name") != request["base"]["repo"]["full_name"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def stop_without_secrets(*, passes: bool) -> NoReturn:
    """End the step of a run that cannot have a token."""
    show(
        "warning" if passes else "error",
        "Release gate cannot decide",
        "GitHub gives no secrets to pull requests of forks and of Dependabot, so there is no API "
        "token. Set the inputs bundle and bundle-key to decide by a signed bundle, or run the gate "
        "after the merge."
        + ("" if passes else " With on-unknown: pass, this step lets such a pull request through."),
    )
    set_outputs(decision="unknown")
    sys.exit(PASS if passes else UNKNOWN)


def write_file(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text + "\n", encoding="utf-8")
    return str(path)


def build_arguments(folder: Path, *, has_token: bool) -> list[str]:
    """Return the arguments of registry-gate. Each value is joined to its option, so that none is
    read as an option of its own."""
    arguments = [
        "--format=github",
        f"--json={folder / 'gate.json'}",
        f"--on-unknown={read_choice('on-unknown')}",
        f"--baseline={read_choice('baseline')}",
    ]
    if read_choice("fail-on") == "never":
        arguments.append("--mode=report")
    if read_choice("all") == "true":
        arguments.append("--all")
    sources = [name for name in ("bom", "models-file", "models") if read_input(name)]
    if len(sources) != 1:
        stop("The models are missing or given twice. Set one of bom, models-file and models.")
    if sources == ["models"]:
        arguments.append(f"--models={write_file(folder, 'models.txt', read_input('models'))}")
    else:
        option = "models" if sources == ["models-file"] else "bom"
        arguments.append(f"--{option}={read_input(sources[0])}")
    certificates = read_input("ca")
    if certificates.startswith("-----BEGIN"):
        certificates = write_file(folder, "ca.pem", certificates)
    if certificates:
        arguments.append(f"--ca={certificates}")
    arguments += [
        f"--{name}={read_input(name)}" for name in ("host", "bundle", "timeout") if read_input(name)
    ]
    release, take_in = read_choice("release") == "true", read_choice("import") == "true"
    if has_token:
        arguments.append(f"--sarif={folder / 'gate.sarif'}")
        arguments += ["--release"] * release + ["--import"] * take_in
    elif release or take_in:
        print("::notice::Without an API token, release and import have no effect.", flush=True)
    return arguments


def build_environment() -> dict[str, str]:
    """Return the variables of registry-gate: those of the job, replaced by the inputs that are
    set."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("INPUT_")}
    for name in ("url", "token", "application", "environment", "bundle-key"):
        if read_input(name):
            variables[f"REGISTRY_{name.upper().replace('-', '_')}"] = read_input(name)
    return variables


def read_report(path: Path) -> dict[str, Any]:
    """Return the decision, or nothing where registry-gate wrote none."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return report if isinstance(report, dict) else {}


def main() -> int:
    """Run the client; return the exit code of the step."""
    client = next((path for path in CLIENTS if path.is_file()), None)
    if client is None:
        stop(
            "registry-gate is missing. Use the action from a checkout of the registry, or put the "
            f"file of /gate/registry-gate of your registry beside {HERE.name}/action.yml."
        )
    fail_on = read_choice("fail-on")
    variables = build_environment()
    has_token = bool(variables.get("REGISTRY_TOKEN"))
    if not has_token and not read_input("bundle"):
        if has_no_secrets():
            stop_without_secrets(passes=fail_on == "never" or read_choice("on-unknown") == "pass")
        stop("The API token is missing. Set the input token to a secret with the scope gate.")
    for name in ("url", "application") if has_token else ("application",):
        variable = f"REGISTRY_{name.upper()}"
        if not variables.get(variable):
            stop(f"The {name} is missing. Set the input {name}, or the variable {variable}.")
    folder = Path(tempfile.mkdtemp(prefix="registry-gate-", dir=os.environ.get("RUNNER_TEMP")))
    done = subprocess.run(  # noqa: S603 - no shell, and each value is joined to its option
        [sys.executable, "-I", str(client), *build_arguments(folder, has_token=has_token)],
        env=variables,
        cwd=os.environ.get("GITHUB_WORKSPACE") or None,
        check=False,
    )
    report = read_report(folder / "gate.json")
    decision = str(report.get("decision") or ("error" if done.returncode == USAGE else "unknown"))
    set_outputs(
        decision=decision,
        report_url=str(report.get("report_url") or ""),
        report_file=str(folder / "gate.json") if report else "",
        sarif_file=str(folder / "gate.sarif") if (folder / "gate.sarif").is_file() else "",
    )
    if fail_on == "warn" and decision == "warn" and done.returncode == PASS:
        print("::error title=Release gate::The gate warns, and fail-on is warn.", flush=True)
        return BLOCK
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
