"""Pipeline snippets that run the gate, filled with an application's own values; and the client as a
download."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from apps.gate.client import registry_gate

CLIENT_FILE_NAME = "registry-gate"
LIFECYCLE_FILE_NAME = "registry-lifecycle"


@dataclass(frozen=True, slots=True)
class ClientFile:
    body: bytes
    sha256: str
    version: str


@cache
def load_client() -> ClientFile:
    body = Path(registry_gate.__file__).read_bytes()
    return ClientFile(body, hashlib.sha256(body).hexdigest(), registry_gate.VERSION)


@cache
def load_lifecycle_callback() -> ClientFile:
    """Return the callback for the LiteLLM proxy. It is not imported: it needs LiteLLM."""
    body = (Path(registry_gate.__file__).parent / "litellm" / "registry_lifecycle.py").read_bytes()
    version = body.partition(b'\nVERSION = "')[2].partition(b'"')[0].decode()
    return ClientFile(body, hashlib.sha256(body).hexdigest(), version)


@dataclass(frozen=True, slots=True)
class PipelineSnippet:
    slug: str
    name: str
    file: str
    text: str


def pipeline_snippets(
    *, url: str, application: str, environment: str = "production"
) -> list[PipelineSnippet]:
    """Return the snippets; `url` is the registry's public URL."""
    download_command = f"curl -fsSL {url}/gate/{CLIENT_FILE_NAME} -o {CLIENT_FILE_NAME}"
    check_command = f'echo "{load_client().sha256}  {CLIENT_FILE_NAME}" | sha256sum --check --quiet'
    run_command = (
        f"python3 {CLIENT_FILE_NAME} --url {url} --application {application} "
        f"--environment {environment} --bom bom.json"
    )
    return [
        PipelineSnippet(
            "github",
            "GitHub Actions",
            ".github/workflows/gate.yml",
            f"""\
name: Foundation gate
on: [push, pull_request]
permissions:
  contents: read
jobs:
  gate:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      # write bom.json here, with the scanner you use
      - name: Ask the foundation registry
        env:
          REGISTRY_TOKEN: ${{{{ secrets.REGISTRY_TOKEN }}}}
        run: |
          {download_command}
          {check_command}
          {run_command} --format github
""",
        ),
        PipelineSnippet(
            "gitlab",
            "GitLab",
            ".gitlab-ci.yml",
            f"""\
foundation-gate:
  stage: test
  # REGISTRY_TOKEN is a masked variable of the project
  script:
    # write bom.json here, with the scanner you use
    - {download_command}
    - {check_command}
    - {run_command} --format junit --output gate.xml
  artifacts:
    when: always
    reports:
      junit: gate.xml
""",
        ),
        PipelineSnippet(
            "shell",
            "Anywhere else",
            "",
            f"""\
export REGISTRY_TOKEN=...
{download_command}
{check_command}
{run_command}
# once it is shipped, so that later runs are compared with it
{run_command} --release
""",
        ),
    ]
