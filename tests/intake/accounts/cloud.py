"""A local server that speaks the recorded answers of clouds: pages, throttling, expired
credentials, partial permissions, and answers that are broken, huge, slow or redirected.

The forms of the answers follow the sources named in the clients (apps/intake/accounts/clients/)."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

SUBSCRIPTION = "00000000-0000-0000-0000-00000000abcd"
AWS_NUMBER = "123456789012"


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Answer:
    """An answer: JSON, or raw bytes. `seconds` is the time before it is sent."""

    content: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    seconds: float = 0.0

    @property
    def body(self) -> bytes:
        return self.raw if self.raw is not None else json.dumps(self.content).encode()


type Route = Answer | list[Answer] | Callable[[Asked], Answer]


@dataclass
class Cloud:
    """The server with its answers by path. A list is answered in order, its last one for ever."""

    address: str
    routes: dict[str, Route] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def answer_to(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        route = self.routes.get(asked.path)
        if route is None:
            return Answer({"error": {"code": "NotFound", "message": "unknown"}}, status=404)
        if isinstance(route, list):
            return route.pop(0) if len(route) > 1 else route[0]
        return route(asked) if callable(route) else route

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    def pages(
        self, path: str, key: str, pages: list[list[Any]], *, token: str, cursor: str
    ) -> None:
        """Answer a listing page by page: `token` is the field with the value for `cursor`."""

        def answer(asked: Asked) -> Answer:
            number = int(asked.query.get(cursor, ["p0"])[0].lstrip("p=/+ "))
            content: dict[str, Any] = {key: pages[number]}
            if number + 1 < len(pages):
                # characters that must be escaped in a query, and in a signature
                content[token] = f"p=/+ {number + 1}"
                content["has_more"] = True
            return Answer(content)

        self.routes[path] = answer


@contextmanager
def running_cloud() -> Iterator[Cloud]:
    cloud = Cloud("")

    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            answer = cloud.answer_to(
                Asked(
                    self.command,
                    parts.path,
                    parse_qs(parts.query),
                    {name.lower(): value for name, value in self.headers.items()},
                    self.rfile.read(length),
                )
            )
            time.sleep(answer.seconds)
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer.body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            # a client can stop reading
            with suppress(OSError):
                self.wfile.write(answer.body)

        def do_GET(self) -> None:
            self.respond()

        def do_POST(self) -> None:
            self.respond()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    cloud.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield cloud
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# --- Azure ----------------------------------------------------------------------------------------


def azure_account(name: str, *, group: str = "rg-claims", region: str = "westeurope") -> Any:
    return {
        "id": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers"
        f"/Microsoft.CognitiveServices/accounts/{name}",
        "name": name,
        "kind": "OpenAI",
        "location": region,
        "tags": {"app": "claims-desk"},
    }


def azure_deployment(
    account: Mapping[str, Any], name: str, model: str, version: str, **properties: Any
) -> Any:
    return {
        "id": f"{account['id']}/deployments/{name}",
        "name": name,
        "sku": {"name": "Standard", "capacity": 30},
        "properties": {
            "model": {"format": "OpenAI", "name": model, "version": version},
            "provisioningState": "Succeeded",
            "versionUpgradeOption": "NoAutoUpgrade",
            **properties,
        },
    }


def azure_model(name: str, version: str, status: str, **ends: str) -> Any:
    return {
        "kind": "OpenAI",
        "model": {
            "name": name,
            "version": version,
            "lifecycleStatus": status,
            "deprecation": ends,
        },
    }


def azure_paths(account: Mapping[str, Any]) -> str:
    return f"{account['id']}/deployments"


AZURE_TOKEN = "/tenant-1/oauth2/v2.0/token"
AZURE_ACCOUNTS = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.CognitiveServices/accounts"


def azure_models(region: str) -> str:
    return (
        f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.CognitiveServices"
        f"/locations/{region}/models"
    )


def speak_azure(cloud: Cloud) -> tuple[Any, Any]:
    """A subscription of two accounts in two regions, with three deployments on two pages."""
    claims = azure_account("claims-openai")
    support = azure_account("support-openai", group="rg-support", region="swedencentral")
    gpt4o = azure_deployment(claims, "chat-prod", "gpt-4o", "2024-11-20")
    mini = azure_deployment(
        claims,
        "chat-mini",
        "gpt-4o-mini",
        "2024-07-18",
        versionUpgradeOption="OnceCurrentVersionExpired",
    )
    embed = azure_deployment(support, "embeddings", "text-embedding-3-large", "1")
    failed = azure_deployment(support, "broken", "gpt-4o", "2024-11-20", provisioningState="Failed")

    def deployments(asked: Asked) -> Answer:
        if "skip" in asked.query:
            return Answer({"value": [mini]})
        link = f"{cloud.address}{azure_paths(claims)}?api-version=2024-10-01&skip=1"
        return Answer({"value": [gpt4o], "nextLink": link})

    cloud.routes |= {
        AZURE_TOKEN: Answer({"access_token": "azure-token", "expires_in": 3599}),
        AZURE_ACCOUNTS: Answer(
            {"value": [claims, support, {**claims, "id": "x", "kind": "SpeechServices"}]}
        ),
        azure_models("westeurope"): Answer(
            {
                "value": [
                    azure_model(
                        "gpt-4o",
                        "2024-11-20",
                        "Deprecating",
                        inference="2027-04-14T00:00:00Z",
                        fineTune="2026-12-31T00:00:00Z",
                    )
                ]
            }
        ),
        azure_models("swedencentral"): Answer({"value": []}),
        azure_paths(claims): deployments,
        azure_paths(support): Answer({"value": [embed, failed]}),
    }
    return claims, support


# --- AWS ------------------------------------------------------------------------------------------

SONNET = "anthropic.claude-sonnet-4-20250514-v1:0"


def foundation_arn(model: str, region: str = "eu-central-1") -> str:
    return f"arn:aws:bedrock:{region}::foundation-model/{model}"


def profile(name: str, model: str = SONNET, **facts: Any) -> Any:
    return {
        "inferenceProfileArn": f"arn:aws:bedrock:eu-central-1:{AWS_NUMBER}"
        f":application-inference-profile/{name}1234",
        "inferenceProfileName": name,
        "type": "APPLICATION",
        "status": "ACTIVE",
        "models": [
            {"modelArn": foundation_arn(model)},
            {"modelArn": foundation_arn(model, "eu-west-1")},
        ],
        **facts,
    }


def speak_bedrock(cloud: Cloud) -> None:
    """One region with profiles on two pages, a provisioned throughput and a custom model."""
    cloud.routes["/foundation-models"] = Answer(
        {
            "modelSummaries": [
                {
                    "modelId": SONNET,
                    "modelLifecycle": {
                        "status": "LEGACY",
                        "legacyTime": "2026-10-14T00:00:00Z",
                        "endOfLifeTime": 1_807_660_800,
                    },
                }
            ]
        }
    )
    cloud.pages(
        "/inference-profiles",
        "inferenceProfileSummaries",
        [
            [profile("claims-desk"), profile("system", type="SYSTEM_DEFINED")],
            [profile("support")],
        ],
        token="nextToken",
        cursor="nextToken",
    )
    cloud.routes["/provisioned-model-throughputs"] = Answer(
        {
            "provisionedModelSummaries": [
                {
                    "provisionedModelArn": f"arn:aws:bedrock:eu-central-1:{AWS_NUMBER}"
                    ":provisioned-model/abc123",
                    "provisionedModelName": "night-batch",
                    "modelArn": foundation_arn(SONNET),
                    "foundationModelArn": foundation_arn(SONNET),
                    "modelUnits": 2,
                    "status": "InService",
                }
            ]
        }
    )
    cloud.routes["/custom-models"] = Answer(
        {
            "modelSummaries": [
                {
                    "modelArn": f"arn:aws:bedrock:eu-central-1:{AWS_NUMBER}:custom-model/m/x",
                    "modelName": "letters",
                    "baseModelArn": foundation_arn("amazon.titan-text-express-v1"),
                }
            ]
        }
    )


# --- Google ---------------------------------------------------------------------------------------


def speak_vertex(cloud: Cloud) -> None:
    """One region with endpoints on two pages, one of them with a model of the project."""
    base = "/v1/projects/claims-1/locations/europe-west4"
    cloud.routes["/token"] = Answer({"access_token": "google-token", "expires_in": 3599})
    model = "projects/claims-1/locations/europe-west4/models/77"
    cloud.pages(
        f"{base}/endpoints",
        "endpoints",
        [
            [
                {
                    "name": f"{base.removeprefix('/v1/')}/endpoints/1",
                    "displayName": "claims-desk",
                    "labels": {"app": "claims-desk"},
                    "deployedModels": [{"id": "a", "model": "publishers/google/models/gemma3@001"}],
                }
            ],
            [
                {
                    "name": f"{base.removeprefix('/v1/')}/endpoints/2",
                    "displayName": "tuned",
                    "deployedModels": [{"id": "b", "model": f"{model}@1"}],
                }
            ],
        ],
        token="nextPageToken",
        cursor="pageToken",
    )
    cloud.routes[f"/v1/{model}"] = Answer(
        {
            "name": model,
            "baseModelSource": {
                "modelGardenSource": {
                    "publicModelName": "publishers/google/models/gemini-2.5-flash"
                }
            },
        }
    )


# --- OpenAI, Anthropic, Mistral -------------------------------------------------------------------


def openai_bucket(day_start: int, *rows: Mapping[str, Any]) -> Any:
    return {"object": "bucket", "start_time": day_start, "results": list(rows)}


def speak_openai(cloud: Cloud, *, day_start: int) -> None:
    usage = {
        "project_id": "proj_1",
        "model": "gpt-4o-2024-11-20",
        "num_model_requests": 40,
        "input_tokens": 5_000,
        "output_tokens": 700,
    }
    cloud.routes["/v1/organization/projects"] = Answer(
        {"data": [{"id": "proj_1", "name": "claims-desk"}], "has_more": False}
    )
    cloud.pages(
        "/v1/organization/usage/completions",
        "data",
        [
            [openai_bucket(day_start, usage)],
            [
                openai_bucket(
                    day_start - 86_400, usage, {**usage, "model": "o3", "num_model_requests": 0}
                )
            ],
        ],
        token="next_page",
        cursor="page",
    )
    cloud.routes["/v1/organization/usage/embeddings"] = Answer({"data": [], "has_more": False})
    cloud.routes["/v1/models"] = Answer(
        {
            "data": [
                {"id": "gpt-4o-2024-11-20", "created": 1_732_000_000},
                {"id": "ft:gpt-4o-mini-2024-07-18:acme::abc", "created": 1_732_000_000},
            ]
        }
    )


def speak_anthropic(cloud: Cloud, *, day: str) -> None:
    cloud.pages(
        "/v1/models",
        "data",
        [
            [
                {
                    "id": "claude-sonnet-4-20250514",
                    "lifecycle": "deprecated",
                    "deprecated_at": "2026-10-01T00:00:00Z",
                    "retires_at": "2027-05-14T00:00:00Z",
                }
            ],
            [{"id": "claude-haiku-4-5-20251001", "lifecycle": "active", "retires_at": None}],
        ],
        token="last_id",
        cursor="after_id",
    )
    cloud.routes["/v1/organizations/workspaces"] = Answer(
        {"data": [{"id": "wrkspc_1", "name": "claims-desk"}], "has_more": False}
    )
    cloud.routes["/v1/organizations/usage_report/messages"] = Answer(
        {
            "data": [
                {
                    "starting_at": f"{day}T00:00:00Z",
                    "results": [
                        {
                            "workspace_id": "wrkspc_1",
                            "model": "claude-sonnet-4-20250514",
                            "uncached_input_tokens": 900,
                            "cache_read_input_tokens": 100,
                            "cache_creation": {"ephemeral_5m_input_tokens": 50},
                            "output_tokens": 70,
                        }
                    ],
                }
            ],
            "has_more": False,
        }
    )


def speak_mistral(cloud: Cloud) -> None:
    cloud.routes["/v1/models"] = Answer(
        {
            "data": [
                {"id": "mistral-large-2411", "type": "base", "deprecation": "2026-11-30T12:00:00Z"},
                {
                    "id": "ft:open-mistral-7b:a1:b2",
                    "type": "fine-tuned",
                    "job": "j1",
                    "root": "open-mistral-7b",
                    "archived": False,
                },
            ]
        }
    )
