"""Client programs of others, each in a folder of its own below build/senders/, never in the
project's environment."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
FOLDER = CHECKOUT / "build" / "senders"
INSTALLATION_TIMEOUT = 180
# as they were when the documentation was written; newer ones are tried by changing the numbers
_EXPORTER = ("opentelemetry-sdk==1.45.2", "opentelemetry-exporter-otlp-proto-http==1.45.2")
PYTHON_CLIENTS = {
    "litellm": ("litellm[proxy]==1.108.7", *_EXPORTER),
    "openinference": ("openinference-instrumentation-openai==0.1.66", "openai==3.57.0", *_EXPORTER),
    "traceloop": ("opentelemetry-instrumentation-openai==0.62.4", "openai==3.57.0", *_EXPORTER),
    "pydantic-ai": ("pydantic-ai-slim[openai]==2.68.0", "logfire==5.4.0"),
    "langfuse": ("langfuse==5.0.4", "openai==3.57.0"),
    # no sender: the schemas of Kubernetes, which would be 100 MB in the environment of everybody
    "kubernetes-validate": ("kubernetes-validate==1.37.0",),
    # no sender either: reads actions and workflows by the schemas of GitHub that it brings
    "check-jsonschema": ("check-jsonschema==0.39.0",),
}
CDXGEN = "@cyclonedx/cdxgen@12.8.4"
# GitHub's own reader of workflows and actions (MIT), as editors use it
LANGUAGE_SERVICE = "@actions/languageservice@0.3.61"


def python_client(name: str) -> Path:
    """Return the folder of the client's programs, installed before or now. Skips the test where it
    cannot be."""
    requirements = PYTHON_CLIENTS[name]
    folder = _folder(name, requirements)
    if not (folder / "complete").exists():
        uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
        shutil.rmtree(folder, ignore_errors=True)
        _run(name, [uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
        _run(
            name,
            [
                uv,
                "pip",
                "install",
                "--quiet",
                "--python",
                str(folder / "bin" / "python"),
                *requirements,
            ],
        )
        (folder / "complete").touch()
    return folder / "bin"


def cdxgen() -> Path:
    """Return the folder of cdxgen's commands. Skips the test where it cannot be installed."""
    return _node_packages("cdxgen", CDXGEN) / ".bin"


def github_language_service() -> Path:
    """Return the folder node_modules with GitHub's language service, or skip the test."""
    return _node_packages("github-language-service", LANGUAGE_SERVICE)


def _node_packages(name: str, package: str) -> Path:
    if shutil.which("npm") is None:
        pytest.skip(f"{name} cannot be installed: there is no npm. Install Node.js 20 or newer.")
    folder = _folder(name, (package,))
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        quiet = ["--no-audit", "--no-fund", "--omit=optional", "--loglevel=error"]
        _run(name, ["npm", "install", "--prefix", str(folder), *quiet, package])
        (folder / "complete").touch()
    return folder / "node_modules"


def _folder(name: str, requirements: tuple[str, ...]) -> Path:
    return FOLDER / f"{name}-{hashlib.sha256(' '.join(requirements).encode()).hexdigest()[:12]}"


def _run(name: str, command: list[str]) -> None:
    try:
        subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=INSTALLATION_TIMEOUT
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", None) or error).strip()
        pytest.skip(f"{name} cannot be installed: {said[-300:]}")
