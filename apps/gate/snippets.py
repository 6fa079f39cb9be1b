"""What a pipeline's file says to ask the gate, with an application's own values; and the client as
it is handed out."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from apps.gate.client import registry_gate

FILE_NAME = "registry-gate"


@dataclass(frozen=True, slots=True)
class Client:
    body: bytes
    sha256: str
    version: str


@cache
def client() -> Client:
    body = Path(registry_gate.__file__).read_bytes()
    return Client(body, hashlib.sha256(body).hexdigest(), registry_gate.VERSION)


@dataclass(frozen=True, slots=True)
class Snippet:
    slug: str
    name: str
    file: str
    text: str


def snippets(*, url: str, application: str, environment: str = "production") -> list[Snippet]:
    """`url` is the register's public address."""
    download = f"curl -fsSL {url}/gate/{FILE_NAME} -o {FILE_NAME}"
    check = f'echo "{client().sha256}  {FILE_NAME}" | sha256sum --check --quiet'
    ask = (
        f"python3 {FILE_NAME} --url {url} --application {application} "
        f"--environment {environment} --bom bom.json"
    )
    return [
        Snippet(
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
          {download}
          {check}
          {ask} --format github
""",
        ),
        Snippet(
            "gitlab",
            "GitLab",
            ".gitlab-ci.yml",
            f"""\
foundation-gate:
  stage: test
  # REGISTRY_TOKEN is a masked variable of the project
  script:
    # write bom.json here, with the scanner you use
    - {download}
    - {check}
    - {ask} --format junit --output gate.xml
  artifacts:
    when: always
    reports:
      junit: gate.xml
""",
        ),
        Snippet(
            "shell",
            "Anywhere else",
            "",
            f"""\
export REGISTRY_TOKEN=...
{download}
{check}
{ask}
# once it is shipped, so that later runs are compared with it
{ask} --release
""",
        ),
    ]
