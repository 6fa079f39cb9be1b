"""The documented lines of each client, run by the real client against the real web server: what it
sends arrives, by the documented header and path, linked to its application, and not a word of the
prompt is stored."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Sum

from apps.accounts.actions import issue_token
from apps.accounts.models import User
from apps.catalog.models import Offering
from apps.common.time import now
from apps.intake.models import CallBatch, Import, Observation, Service, UsageDay
from apps.intake.observations.reconciliation import reconcile_waiting
from apps.intake.telemetry.aggregation import aggregate_waiting
from apps.inventory.models import Application, Dependency
from registry import embedded
from registry.embedded.places import binaries
from tests.builders import (
    make_dependency,
    make_member,
    make_offering,
    make_provider,
    make_team,
    make_user,
    make_version,
)
from tests.http import signed_in_client
from tests.processes import database_url
from tests.proof.senders.installation import cdxgen, python_client
from tests.proof.senders.servers import RETIRED, SERVED, Provider, Relay, provider, relay
from tests.web_server import WebServer, wait_until, web_server

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]

PROGRAMS = Path(__file__).parent / "programs"
SLUG = "support-assistant"
CLIENT_TIMEOUT = 180
MASTER_KEY = "sk-of-this-drill"


@dataclass(slots=True)
class RunningRegistry:
    """A registry with one application, whose editor's token the clients send."""

    server: WebServer
    relay: Relay
    provider: Provider
    application: Application
    token: str
    prompt: str = field(default_factory=lambda: f"marker{secrets.token_hex(8)}")

    def otel(self) -> dict[str, str]:
        """The three variables of docs/traces.md."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"{self.relay.address}/otlp",
            "OTEL_EXPORTER_OTLP_HEADERS": f"x-api-key={self.token}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        }


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningRegistry]:
    host = make_provider("openai")
    for name in ("gpt-4o", SERVED, RETIRED, "text-embedding-3-small"):
        make_offering(name, host=host, version=make_version(f"openai/{name}"))
    team = make_team("Support")
    application = Application.objects.create(
        name="Support assistant", slug=SLUG, team=team, criticality=2
    )
    editor: User = make_member(team)
    token = issue_token(user=editor, name="client", scopes=["intake"], at=now(), by=None)[1]
    environment = {"DATABASE_URL": database_url(), "DATABASE_POOL": "8", "TMPDIR": str(tmp_path)}
    with (
        web_server(tmp_path, "--workers", "1", environment=environment) as server,
        relay(server.address) as passed,
        provider() as asked,
    ):
        yield RunningRegistry(server, passed, asked, application, token)


def run(
    running: RunningRegistry, program: Path, *arguments: str, folder: Path, **environment: str
) -> str:
    """Run a client's program to its end; what it printed."""
    done = subprocess.run(
        [str(program), *arguments],
        cwd=folder,
        env=_environment(running, **environment),
        capture_output=True,
        text=True,
        timeout=CLIENT_TIMEOUT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def _environment(running: RunningRegistry, **more: str) -> dict[str, str]:
    """Nothing of the test's own settings; loopback goes through no proxy."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    keys = {"OPENAI_API_KEY": "sk-none", "OPENAI_BASE_URL": running.provider.address}
    return {**kept, **keys, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", **more}


def calls_by_names() -> dict[tuple[str, str, str, str], int]:
    """{(stream, alias, requested, served): calls}, once what waits is added up."""
    aggregate_waiting(at=now())
    reconcile_waiting(at=now())
    assert not CallBatch.objects.exists()
    rows = (
        UsageDay.objects.order_by()
        .values_list(
            "observation__stream",
            "observation__alias",
            "observation__requested",
            "observation__served",
        )
        .annotate(n=Sum("n_calls"))
    )
    return {(stream, alias, requested, served): n for stream, alias, requested, served, n in rows}


def assert_no_prompt(running: RunningRegistry, *paths: str) -> None:
    """The prompt reached the provider and the registry's door, and is in no table and no log."""
    assert any(running.prompt in body for body in running.provider.bodies)
    for path in paths:
        assert any(running.prompt.encode() in each.body for each in running.relay.of(path)), (
            f"not sent to {path}"
        )
    places = embedded.places_of(embedded.data_folder() / "tests")
    program = (
        binaries(places) / "pg_dump"
        if places.postgres_pid.exists()
        else Path(shutil.which("pg_dump") or "")
    )
    dump = subprocess.run([str(program), database_url()], check=True, capture_output=True).stdout
    assert SLUG.encode() in dump
    assert running.prompt.encode() not in dump
    assert running.prompt not in running.server.log.read_text()


def assert_taken(running: RunningRegistry, path: str, *, credentials: str) -> None:
    sent = running.relay.of(path)
    assert sent, sorted({each.path for each in running.relay.requests})
    assert {(each.status, each.credentials) for each in sent} == {(200, credentials)}
    # nothing was reported as rejected
    assert {each.answer for each in sent} <= {b"", b"{}"} or path.startswith("/api/")


def assert_linked(running: RunningRegistry) -> None:
    """By its name alone, at every endpoint."""
    assert set(Service.objects.values_list("name", "application")) == {
        (SLUG, running.application.pk)
    }
    assert set(Observation.objects.values_list("application", flat=True)) == {
        running.application.pk
    }
    assert Dependency.objects.filter(
        application=running.application, offering__api_id="gpt-4o"
    ).exists()


def tell(
    figures: list[str],
    client: str,
    running: RunningRegistry,
    counted: dict[tuple[str, str, str, str], int],
) -> None:
    paths = Counter(
        f"{each.path.partition('?')[0]} ({each.credentials})" for each in running.relay.requests
    )
    figures.append(f"{client}: {sum(counted.values())} calls counted, 0 prompts stored")
    figures.extend(f"    {n} requests to {path}" for path, n in sorted(paths.items()))
    for (stream, alias, requested, served), n in sorted(counted.items()):
        figures.append(
            f"    {stream}: alias {alias or '-'}, requested {requested or '-'}, served "
            f"{served or '-'}: {n}"
        )


def test_openinference(running: RunningRegistry, tmp_path: Path, figures: list[str]) -> None:
    program = python_client("openinference") / "python"
    run(
        running,
        program,
        str(PROGRAMS / "openinference_calls.py"),
        running.prompt,
        folder=tmp_path,
        OTEL_SERVICE_NAME=SLUG,
        **running.otel(),
    )

    assert_taken(running, "/otlp/v1/traces", credentials="x-api-key")
    counted = calls_by_names()
    assert counted["otlp", "", "gpt-4o", SERVED] == 2
    assert sum(n for (_, _, requested, _), n in counted.items() if requested == RETIRED) == 1
    assert (
        sum(
            n
            for (_, _, requested, _), n in counted.items()
            if requested == "text-embedding-3-small"
        )
        == 1
    )
    assert_linked(running)
    assert_no_prompt(running, "/otlp/v1/traces")
    tell(figures, "openinference", running, counted)


def test_traceloop(running: RunningRegistry, tmp_path: Path, figures: list[str]) -> None:
    program = python_client("traceloop") / "python"
    run(
        running,
        program,
        str(PROGRAMS / "traceloop_calls.py"),
        running.prompt,
        folder=tmp_path,
        OTEL_SERVICE_NAME=SLUG,
        **running.otel(),
    )

    assert_taken(running, "/otlp/v1/traces", credentials="x-api-key")
    assert_taken(running, "/otlp/v1/metrics", credentials="x-api-key")
    counted = calls_by_names()
    assert counted["otlp", "", "gpt-4o", SERVED] == 2
    assert any(stream == "otlp-metrics" for stream, *_ in counted)
    assert_linked(running)
    assert_no_prompt(running, "/otlp/v1/traces")
    tell(figures, "traceloop", running, counted)


def test_pydantic_ai(running: RunningRegistry, tmp_path: Path, figures: list[str]) -> None:
    program = python_client("pydantic-ai") / "python"
    run(
        running,
        program,
        str(PROGRAMS / "pydantic_ai_calls.py"),
        running.prompt,
        folder=tmp_path,
        OTEL_SERVICE_NAME=SLUG,
        **running.otel(),
    )

    assert_taken(running, "/otlp/v1/traces", credentials="x-api-key")
    counted = calls_by_names()
    assert counted["otlp", "", "gpt-4o", SERVED] == 1
    assert_linked(running)
    assert_no_prompt(running, "/otlp/v1/traces")
    tell(figures, "pydantic-ai", running, counted)


@pytest.mark.parametrize("base", ["/otlp", ""])
def test_langfuse(running: RunningRegistry, tmp_path: Path, figures: list[str], base: str) -> None:
    program = python_client("langfuse") / "python"
    run(
        running,
        program,
        str(PROGRAMS / "langfuse_calls.py"),
        running.prompt,
        folder=tmp_path,
        OTEL_SERVICE_NAME=SLUG,
        LANGFUSE_BASE_URL=f"{running.relay.address}{base}",
        LANGFUSE_PUBLIC_KEY="pk-any-name",
        LANGFUSE_SECRET_KEY=running.token,
    )

    path = f"{base}/api/public/otel/v1/traces"
    assert_taken(running, path, credentials="Basic")
    counted = calls_by_names()
    assert sum(n for (_, _, _, served), n in counted.items() if served == SERVED) == 2
    assert set(Service.objects.values_list("name", "application")) == {
        (SLUG, running.application.pk)
    }
    assert_no_prompt(running, path)
    tell(figures, f"langfuse, base URL ending in '{base}'", running, counted)


def test_litellm(running: RunningRegistry, tmp_path: Path, figures: list[str]) -> None:
    programs = python_client("litellm")
    model = {"model": "openai/gpt-4o", "api_base": running.provider.address, "api_key": "sk-none"}
    configuration = {
        "model_list": [{"model_name": "support-chat", "litellm_params": model}],
        "litellm_settings": {"callbacks": ["generic_api", "otel"]},
    }
    (tmp_path / "config.yaml").write_text(json.dumps(configuration))
    environment = {
        **running.otel(),
        "LITELLM_MASTER_KEY": MASTER_KEY,
        "GENERIC_LOGGER_ENDPOINT": f"{running.relay.address}/api/v1/intake/litellm-callback/",
        "GENERIC_LOGGER_HEADERS": f"Authorization=Bearer {running.token}",
    }
    with litellm_proxy(running, programs, tmp_path, environment) as address:
        for _ in range(3):
            body = {
                "model": "support-chat",
                "messages": [{"role": "user", "content": running.prompt}],
                "metadata": {"tags": [f"app:{SLUG}"]},
            }
            post(f"{address}/v1/chat/completions", body)
        callback, traces = "/api/v1/intake/litellm-callback/", "/otlp/v1/traces"
        wait_until(lambda: bool(running.relay.of(callback)) and bool(running.relay.of(traces)), 90)
        # batches may follow
        time.sleep(12)

    assert_taken(running, traces, credentials="x-api-key")
    assert_taken(running, callback, credentials="Bearer")
    counted = calls_by_names()
    by_callback = {names: n for names, n in counted.items() if names[0].startswith("litellm:")}
    by_traces = {names: n for names, n in counted.items() if names[0] == "otlp"}
    assert sum(by_callback.values()) == 3
    assert sum(by_traces.values()) == 3
    assert {alias for _, alias, _, _ in counted} == {"support-chat"}
    assert {served for _, _, _, served in by_traces} == {SERVED}
    assert_linked(running)
    assert_no_prompt(running, callback)
    tell(figures, "litellm", running, counted)


def test_litellm_enforces_the_lifecycle(
    running: RunningRegistry, tmp_path: Path, figures: list[str]
) -> None:
    """The callback of docs/gate.md in a real proxy: it warns and refuses by what the registry says,
    the proxy's fallbacks take over, and what was refused comes back as observed usage."""
    programs = python_client("litellm")
    chat, retired = Offering.objects.get(api_id="gpt-4o"), Offering.objects.get(api_id=RETIRED)
    Offering.objects.filter(pk=chat.pk).update(
        lifecycle="deprecated",
        announced_on=date(2024, 1, 1),
        retires_on=date(2999, 1, 1),
        date_kind="firm",
    )
    Offering.objects.filter(pk=retired.pk).update(lifecycle="retired", replacement=chat)
    dependency = make_dependency(running.application, retired)
    reader = issue_token(
        user=make_user(role="auditor"), name="gateway", scopes=["read"], at=now(), by=None
    )[1]

    def deploy(alias: str, model: str) -> dict[str, Any]:
        params = {"model": model, "api_base": running.provider.address, "api_key": "sk-none"}
        return {"model_name": alias, "litellm_params": params}

    callback = fetch(f"{running.server.address}/gate/registry-lifecycle", reader)
    (tmp_path / "registry_lifecycle.py").write_bytes(callback)
    query = f"model=openai/gpt-4o&model=openai/{RETIRED}"
    fragment = fetch(f"{running.server.address}/api/v1/lifecycle/litellm.yaml?{query}", reader)
    (tmp_path / "lifecycle.yaml").write_bytes(fragment)
    configuration = {
        "include": ["lifecycle.yaml"],
        "model_list": [
            deploy("support-chat", "openai/gpt-4o"),
            deploy("old-chat", f"openai/{RETIRED}"),
            deploy("covered-chat", f"openai/{RETIRED}"),
        ],
        "router_settings": {"fallbacks": [{"covered-chat": ["support-chat"]}]},
        "litellm_settings": {"callbacks": ["registry_lifecycle.handler", "generic_api"]},
    }
    (tmp_path / "config.yaml").write_text(json.dumps(configuration))
    environment = {
        "LITELLM_MASTER_KEY": MASTER_KEY,
        "GENERIC_LOGGER_ENDPOINT": f"{running.relay.address}/api/v1/intake/litellm-callback/",
        "GENERIC_LOGGER_HEADERS": f"Authorization=Bearer {running.token}",
        "REGISTRY_URL": running.server.address,
        "REGISTRY_TOKEN": reader,
        "REGISTRY_REFUSE": "retired",
        "REGISTRY_POLL_SECONDS": "2",
        "REGISTRY_CACHE_FILE": str(tmp_path / "lifecycle.json"),
    }
    with litellm_proxy(running, programs, tmp_path, environment) as address:
        wait_until((tmp_path / "lifecycle.json").exists, 60)

        def call(alias: str, **more: Any) -> tuple[int, Any, str]:
            body = {
                "model": alias,
                "messages": [{"role": "user", "content": running.prompt}],
                "metadata": {"tags": [f"app:{SLUG}"]},
                **more,
            }
            return ask_for_all(f"{address}/v1/chat/completions", json.dumps(body).encode())

        for more in ({}, {"stream": True}):
            status, headers, _ = call("support-chat", **more)
            assert status == 200
            assert headers["Deprecation"] == "@1704067200"
            assert headers["Sunset"] == "Tue, 01 Jan 2999 00:00:00 GMT"
            assert headers["Link"].endswith(
                f'/offerings/{chat.pk}/>; rel="deprecation"; type="text/html"'
            )
        status, _, refusal = call("old-chat")
        assert status == 410
        assert f"{RETIRED} at Openai is retired." in refusal, refusal
        assert "Its host proposes gpt-4o." in refusal
        assert call("covered-chat")[0] == 200
        assert not any(RETIRED in body for body in running.provider.bodies)
        taken = "/api/v1/intake/litellm-callback/"
        wait_until(lambda: sum(_n_calls(each.answer) for each in running.relay.of(taken)) >= 5, 90)

        # without the registry its last answer stays in force
        running.server.process.terminate()
        running.server.process.wait(30)
        time.sleep(5)
        assert call("old-chat")[0] == 410
        assert call("support-chat")[0] == 200
    assert "Its last answer stays in force." in (tmp_path / "litellm.log").read_text()

    aggregate_waiting(at=now())
    reconcile_waiting(at=now())
    days = UsageDay.objects.filter(n_refused__gt=0)
    assert {
        (day.observation.alias, day.observation.requested, day.observation.dependency_id)
        for day in days
    } == {("old-chat", RETIRED, dependency.pk), ("covered-chat", RETIRED, dependency.pk)}
    assert [(day.n_calls, day.n_errors, day.n_refused) for day in days] == [(1, 1, 1)] * 2
    assert sum(UsageDay.objects.values_list("n_refused", flat=True)) == 2
    page = signed_in_client(make_user(role="auditor")).get(f"/applications/{SLUG}/?tab=usage")
    figures.append(
        "litellm: 3 calls warned, 2 refused (1 answered by its fallback), 1 refused while the "
        f"registry was away; page {page.status_code}"
    )


def _n_calls(answer: bytes) -> int:
    return int(json.loads(answer).get("calls", 0))


def fetch(address: str, token: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    headers = {"Authorization": f"Bearer {token}"}
    with opener.open(urllib.request.Request(address, headers=headers), timeout=60) as answer:
        return answer.read()


def ask_for_all(address: str, body: bytes) -> tuple[int, Any, str]:
    """Return (status, headers, body) of a call of the proxy, also of a refused one."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {MASTER_KEY}"}
    try:
        with opener.open(urllib.request.Request(address, body, headers), timeout=60) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers, refused.read().decode()


@contextmanager
def litellm_proxy(
    running: RunningRegistry, programs: Path, folder: Path, environment: dict[str, str]
) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "litellm.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                str(programs / "litellm"),
                "--config",
                "config.yaml",
                "--host",
                "127.0.0.1",
                "--port",
                str(port),
            ],
            cwd=folder,
            env=_environment(running, PATH=f"{programs}:{os.environ['PATH']}", **environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: process.poll() is not None or _is_alive(address), 120)
        assert process.poll() is None, log.read_text()[-3000:]
        yield address
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(30)


def _is_alive(address: str) -> bool:
    try:
        return ask(f"{address}/health/liveliness") is not None
    except OSError:
        return False


def ask(address: str, body: bytes | None = None) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {MASTER_KEY}"}
    with opener.open(urllib.request.Request(address, body, headers), timeout=60) as answer:
        return answer.read()


def post(address: str, body: object) -> None:
    ask(address, json.dumps(body).encode())


def test_aibom_and_cdxgen(running: RunningRegistry, tmp_path: Path, figures: list[str]) -> None:
    programs = cdxgen()
    source = tmp_path / "source"
    source.mkdir()
    (source / "requirements.txt").write_text("openai==2.0.0\n")
    (source / "app.py").write_text(
        "from openai import OpenAI\n\nclient = OpenAI()\n"
        'client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": '
        '"hello"}])\n'
    )
    line = [
        "--server-url",
        running.relay.address,
        "--api-key",
        running.token,
        "--project-name",
        SLUG,
        "-o",
        "bom.json",
        ".",
    ]

    run(running, programs / "aibom", *line, folder=source)
    found = Observation.objects.get()
    assert (found.application, found.requested, found.stream) == (
        running.application,
        "gpt-4o",
        "cyclonedx:cdxgen",
    )
    assert Dependency.objects.filter(
        application=running.application, offering__api_id="gpt-4o"
    ).exists()

    run(running, programs / "cdxgen", "--no-install-deps", *line, folder=source)
    found.refresh_from_db()
    assert found.missing_since is None
    libraries = Import.objects.order_by("pk").last()
    assert libraries is not None
    assert libraries.counts["names_ai"] is False
    assert {each.status for each in running.relay.requests} == {200}
    figures.append(
        f"cdxgen: aibom 1 model, cdxgen 0 models; 0 missing; {len(running.relay.requests)} requests"
    )
