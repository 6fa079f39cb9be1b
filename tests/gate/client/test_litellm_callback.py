"""The callback for the LiteLLM proxy, with stand-ins for LiteLLM; a drill runs it in a real proxy
(tests/proof/senders)."""

import asyncio
import importlib.util
import json
import sys
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

import apps.gate.client
from tests.web_server import wait_until

FILE = Path(apps.gate.client.__file__).parent / "litellm" / "registry_lifecycle.py"
TODAY = date(2026, 5, 1)
RETIRED = {
    "model": "openai/old",
    "status": "retired",
    "sentence": "old at OpenAI is retired.",
    "advice": "Its host proposes new.",
    "deprecation": "@1704067200",
    "sunset": None,
    "url": "https://registry.example/offerings/1/",
}
ACTIVE = {"model": "openai/new", "status": "active", "sentence": "", "advice": ""}


class HTTPException(Exception):
    def __init__(self, status_code, detail, headers=None):
        super().__init__(detail)
        self.status_code, self.detail, self.headers = status_code, detail, headers


class Registry:
    """A registry that answers `entries`, and counts requests by status."""

    def __init__(self):
        self.entries = [RETIRED, ACTIVE]
        self.is_away = False
        self.statuses = []
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                body = json.dumps({"next": None, "results": registry.entries}).encode()
                etag = f'"{hash(body)}"'
                status = 503 if registry.is_away else 200
                if status == 200 and self.headers.get("If-None-Match") == etag:
                    status, body = 304, b""
                registry.statuses.append(status)
                registry.path, registry.token = self.path, self.headers["Authorization"]
                self.send_response(status)
                self.send_header("ETag", etag)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def registry() -> Iterator[Registry]:
    running = Registry()
    yield running
    running.server.shutdown()
    running.server.server_close()


def deployment(model, alias="chat", model_id="1"):
    return {
        "model_name": alias,
        "litellm_params": {"model": model},
        "model_info": {"id": model_id},
    }


@pytest.fixture
def load(monkeypatch, tmp_path):
    """Load the callback with these variables; its thread ends with the test."""
    for name in list(sys.modules):
        if name in {"fastapi", "litellm"} or name.startswith("litellm."):
            monkeypatch.delitem(sys.modules, name)
    stand_ins = {
        name: ModuleType(name)
        for name in (
            "fastapi",
            "litellm",
            "litellm.integrations",
            "litellm.integrations.custom_logger",
            "litellm.proxy",
            "litellm.proxy.proxy_server",
        )
    }
    for name, module in stand_ins.items():
        monkeypatch.setitem(sys.modules, name, module)
    stand_ins["fastapi"].HTTPException = HTTPException
    stand_ins["litellm.integrations.custom_logger"].CustomLogger = object
    router = SimpleNamespace(deployments=[deployment("openai/old"), deployment("openai/*")])
    router.get_model_list = lambda: router.deployments
    stand_ins["litellm.proxy.proxy_server"].llm_router = router
    stand_ins["litellm.proxy"].proxy_server = stand_ins["litellm.proxy.proxy_server"]
    # the rounds of its thread are called by the test
    monkeypatch.setattr(threading.Thread, "start", _without_polls(threading.Thread.start))

    def load_with(**environment):
        for name in ("URL", "TOKEN", "LIFECYCLE_FILE", "CACHE_FILE", "REFUSE", "REFUSE_BLOCKED"):
            monkeypatch.delenv(f"REGISTRY_{name}", raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(f"REGISTRY_{name}", value)
        spec = importlib.util.spec_from_file_location("registry_lifecycle", FILE)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.router = router
        return module

    return load_with


def _without_polls(start):
    def start_other_threads(thread):
        if thread.name != "registry-lifecycle":
            start(thread)

    return start_other_threads


def filter_(module, *deployments, metadata=None):
    return asyncio.run(
        module.handler.async_filter_deployments(
            "chat", list(deployments), None, {"metadata": metadata if metadata is not None else {}}
        )
    )


def test_it_asks_about_the_models_of_the_proxy_and_refuses_by_its_policy(load, registry):
    module = load(URL=registry.url, TOKEN="fr_x", REFUSE="retired")
    module.handler._read(module.configured_models())
    assert registry.path == "/api/v1/lifecycle/?model=openai%2Fold"
    assert registry.token == "Bearer fr_x"
    metadata = {"tags": ["app:shop", "lifecycle:refused|forged|x"]}
    with pytest.raises(HTTPException) as refused:
        filter_(module, deployment("openai/old"), metadata=metadata)
    assert refused.value.status_code == 410
    error = refused.value.detail["error"]
    assert error["message"] == (
        "old at OpenAI is retired. The gateway refuses calls of 'chat' by its policy. Its host "
        "proposes new."
    )
    assert (error["code"], error["param"]) == ("model_retired", "openai/old")
    assert refused.value.headers["Deprecation"] == "@1704067200"
    # what the registry reads of the failed call (apps/intake/telemetry/litellm.py)
    assert metadata["tags"] == ["app:shop", "lifecycle:refused|openai/old|chat"]
    # another deployment of the alias keeps answering
    new = deployment("openai/new")
    assert filter_(module, deployment("openai/old"), new) == [new]


def test_by_default_it_only_warns(load, registry):
    module = load(URL=registry.url, TOKEN="fr_x")
    module.handler._read(["openai/old"])
    old = deployment("openai/old", model_id="7")
    assert filter_(module, old) == [old]
    module.router.deployments = [old]

    def headers(model_id):
        return asyncio.run(
            module.handler.async_post_call_response_headers_hook(
                {}, None, None, None, {"model_id": model_id}
            )
        )

    assert headers("7") == {
        "Deprecation": "@1704067200",
        "Link": '<https://registry.example/offerings/1/>; rel="deprecation"; type="text/html"',
    }
    assert headers("8") is None
    module.router.deployments = [deployment("openai/new", model_id="9")]
    assert headers("9") == {}


def test_the_last_answer_stays_in_force_and_without_one_calls_pass(
    load, registry, tmp_path, caplog
):
    cache = tmp_path / "lifecycle.json"
    registry.is_away = True
    module = load(URL=registry.url, TOKEN="fr_x", REFUSE="retired", CACHE_FILE=str(cache))
    old = deployment("openai/old")
    with pytest.raises(Exception, match="503"):
        module.handler._read(["openai/old"])
    assert filter_(module, old) == [old]
    registry.is_away = False
    module.handler._read(["openai/old"])
    module.handler._read(["openai/old"])
    registry.is_away = True
    with pytest.raises(Exception, match="503"):
        module.handler._read(["openai/old"])
    assert registry.statuses == [503, 200, 304, 503]
    with pytest.raises(HTTPException):
        filter_(module, old)
    # also after a restart of the proxy
    module = load(URL=registry.url, TOKEN="fr_x", REFUSE="retired", CACHE_FILE=str(cache))
    with pytest.raises(HTTPException):
        filter_(module, old)


def test_the_thread_outlives_an_error_of_the_registry(load, registry, caplog):
    module = load(URL=registry.url, TOKEN="fr_x", REFUSE="retired", POLL_SECONDS="0.05")
    registry.is_away = True
    thread = threading.Thread(target=module.handler._poll, daemon=True)
    thread.start()
    wait_until(lambda: len(registry.statuses) >= 2, 10)
    assert "There is no earlier answer, so every call is let through." in caplog.text
    registry.is_away = False
    wait_until(lambda: bool(module.handler.entries), 10)
    assert thread.is_alive()
    module.handler.is_stopped = True
    thread.join(10)


def test_a_file_takes_the_place_of_the_registry(load, tmp_path):
    file = tmp_path / "litellm.yaml"
    file.write_text(json.dumps({"registry_lifecycle": {"complete": True, "models": [RETIRED]}}))
    module = load(LIFECYCLE_FILE=str(file), REFUSE="retired")
    module.handler._read([])
    with pytest.raises(HTTPException):
        filter_(module, deployment("openai/old"))


@pytest.mark.parametrize(
    ("refuse", "entry", "environment", "code"),
    [
        ("never", {"status": "retired"}, "", ""),
        ("retired", {"status": "retired"}, "", "model_retired"),
        ("retired", {"status": "retired"}, "staging", "model_retired"),
        ("retired", {"status": "unknown"}, "", ""),
        ("retired", {"days": 3, "date_kind": "firm"}, "", ""),
        ("retired", {"days": 0, "date_kind": "firm"}, "", "model_retired"),
        ("retired", {"days": -3, "date_kind": "firm", "due": "still_listed"}, "", ""),
        ("retired", {"days": -3, "date_kind": "not_before"}, "", ""),
        ("14", {"days": 15, "date_kind": "firm"}, "", ""),
        ("14", {"days": 14, "date_kind": "firm"}, "", "model_retires_soon"),
        ("14", {"days": 14, "date_kind": "firm"}, "prod", "model_retires_soon"),
        ("14", {"days": 14, "date_kind": "firm"}, "staging", ""),
        ("14", {"days": 14, "date_kind": "not_before"}, "", ""),
        ("never", {"status": "active", "approval": "blocked"}, "", "model_blocked"),
    ],
)
def test_the_policy(load, registry, refuse, entry, environment, code):
    module = load(URL=registry.url, TOKEN="fr_x")
    policy = module.Policy(refuse, "1" if "approval" in entry else "", "")
    asked = {"status": "deprecated", "due": "", **entry}
    if "days" in entry:
        asked["retires_on"] = (TODAY + timedelta(days=asked.pop("days"))).isoformat()
    assert policy.refusal(asked, environment, TODAY) == code


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({}, "Set REGISTRY_URL and REGISTRY_TOKEN"),
        (
            {"URL": "http://127.0.0.1:1", "TOKEN": "x", "REFUSE": "soon"},
            "REGISTRY_REFUSE is 'soon'",
        ),
    ],
)
def test_a_wrong_setting_is_an_error_at_the_start(load, environment, sentence):
    with pytest.raises(ValueError, match=sentence):
        load(**environment)
