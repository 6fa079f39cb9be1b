"""registry_lifecycle: a callback for the LiteLLM proxy that warns of models that retire, and
refuses those that its policy excludes.

One file beside config.yaml, without further packages. It asks the foundation registry about the
model IDs of the proxy's own configuration every few minutes, in a thread: no call waits for the
registry. Without an answer it keeps the last one, and lets every call through while it has none.

    litellm_settings:
      callbacks: ["registry_lifecycle.handler"]

Environment variables:

    REGISTRY_URL            URL of the registry
    REGISTRY_TOKEN          API token with the scope read
    REGISTRY_LIFECYCLE_FILE a file of the registry instead of its URL (lifecycle/litellm.yaml)
    REGISTRY_CACHE_FILE     where the last answer is kept over a restart
    REGISTRY_REFUSE         never (the default: warn only), retired, or the days before the
                            retirement from which calls in production are refused
    REGISTRY_REFUSE_BLOCKED 1: also refuse models that an approval blocks
    REGISTRY_ENVIRONMENT    environment of calls without a tag env:NAME; production if empty
    REGISTRY_POLL_SECONDS   300 if empty
    REGISTRY_CA             file of the certificates to trust
"""

from __future__ import annotations

import datetime
import json
import logging
import os
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from fastapi import HTTPException
from litellm.integrations.custom_logger import CustomLogger

VERSION = "1.0.0"
MODELS_PER_REQUEST = 50
TIMEOUT = 10
PRODUCTION = {"production", "prod", "live", "prd"}
# by this tag of a failed call the registry counts it as refused, and knows its model
TAG = "lifecycle"
# between the parts of the tag; no model ID has it
SEPARATOR = "|"
log = logging.getLogger("registry_lifecycle")


class Policy:
    """Which models are refused. `days` is None for never; 0 refuses from the retirement on."""

    def __init__(self, refuse: str, blocked: str, environment: str) -> None:
        self.environment = environment.strip().lower() or "production"
        self.refuses_blocked = blocked.strip().lower() in {"1", "true", "yes"}
        refuse = refuse.strip().lower() or "never"
        self.days: int | None
        if refuse == "never":
            self.days = None
        elif refuse == "retired":
            self.days = 0
        elif refuse.isdecimal() and len(refuse) <= 4:
            self.days = int(refuse)
        else:
            raise ValueError(
                f"REGISTRY_REFUSE is '{refuse}'. Set it to never, retired, or a number of days."
            )

    def refusal(self, entry: dict[str, Any], environment: str, today: datetime.date) -> str:
        """Return the code of the refusal of a model; empty if it may be called. What the registry
        does not know is never refused."""
        if self.refuses_blocked and entry.get("approval") == "blocked":
            return "model_blocked"
        if self.days is None:
            return ""
        if entry.get("status") == "retired":
            return "model_retired"
        day = entry.get("retires_on")
        # an earliest date retires nothing, and a host can list a model beyond its announced date
        if not day or entry.get("date_kind") != "firm" or entry.get("due"):
            return ""
        left = (datetime.date.fromisoformat(day) - today).days
        if left <= 0:
            return "model_retired"
        if left <= self.days and (environment or self.environment) in PRODUCTION:
            return "model_retires_soon"
        return ""


class LifecycleHandler(CustomLogger):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        environ = os.environ
        self.url = environ.get("REGISTRY_URL", "").rstrip("/")
        self.token = environ.get("REGISTRY_TOKEN", "")
        self.file = environ.get("REGISTRY_LIFECYCLE_FILE", "")
        self.cache_file = environ.get("REGISTRY_CACHE_FILE", "")
        self.poll_seconds = float(environ.get("REGISTRY_POLL_SECONDS") or 300)
        self.policy = Policy(
            environ.get("REGISTRY_REFUSE", ""),
            environ.get("REGISTRY_REFUSE_BLOCKED", ""),
            environ.get("REGISTRY_ENVIRONMENT", ""),
        )
        if not self.file and not (self.url and self.token):
            raise ValueError("Set REGISTRY_URL and REGISTRY_TOKEN, or REGISTRY_LIFECYCLE_FILE.")
        ca = environ.get("REGISTRY_CA") or None
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca))
        )
        # {model ID as the proxy writes it: what the registry says}, replaced as a whole
        self.entries: dict[str, dict[str, Any]] = {}
        # {URL: (ETag, entries)}
        self.answers: dict[str, tuple[str, list[dict[str, Any]]]] = {}
        self.missing = threading.Event()
        self.is_stopped = False
        self._load_cache()
        threading.Thread(target=self._poll, name="registry-lifecycle", daemon=True).start()

    # --- what the registry says -------------------------------------------------------------------

    def _poll(self) -> None:
        while not self.is_stopped:
            try:
                models = configured_models()
                if models or self.file:
                    self._read(models)
            except Exception as error:  # noqa: BLE001 - the proxy must not depend on the registry
                log.warning(
                    "The registry did not answer (%s). %s",
                    error,
                    "Its last answer stays in force."
                    if self.entries
                    else "There is no earlier answer, so every call is let through.",
                )
            # soon after the start, and after a call of a model that was not asked about
            self.missing.wait(self.poll_seconds if self.entries else min(self.poll_seconds, 2))
            if self.missing.is_set():
                self.missing.clear()
                time.sleep(1)

    def _read(self, models: list[str]) -> None:
        rows = self._read_file() if self.file else self._ask(models)
        entries = {row["model"]: row for row in rows}
        if entries != self.entries:
            log.warning("The registry knows the lifecycle of %d model IDs.", len(entries))
            self.entries = entries
            self._keep_cache(rows)

    def _read_file(self) -> list[dict[str, Any]]:
        import yaml  # noqa: PLC0415 - of the proxy, and only for a file

        with open(self.file, encoding="utf-8") as opened:
            content: dict[str, Any] = yaml.safe_load(opened) or {}
        return list(content.get("registry_lifecycle", content).get("models", []))

    def _ask(self, models: list[str]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for start in range(0, len(models), MODELS_PER_REQUEST):
            query = [("model", model) for model in models[start : start + MODELS_PER_REQUEST]]
            rows += self._get(f"{self.url}/api/v1/lifecycle/?{urllib.parse.urlencode(query)}")
        return rows

    def _get(self, url: str) -> list[dict[str, Any]]:
        etag, rows = self.answers.get(url, ("", []))
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        headers["User-Agent"] = f"registry-lifecycle/{VERSION}"
        if etag:
            headers["If-None-Match"] = etag
        try:
            with self.opener.open(
                urllib.request.Request(url, headers=headers),  # noqa: S310
                timeout=TIMEOUT,
            ) as answer:
                rows = json.load(answer)["results"]
                self.answers[url] = (answer.headers.get("ETag", ""), rows)
        except urllib.error.HTTPError as error:
            if error.code != 304:
                raise
        return rows

    def _keep_cache(self, rows: list[dict[str, Any]]) -> None:
        if self.cache_file:
            part = f"{self.cache_file}.part"
            with open(part, "w", encoding="utf-8") as opened:
                json.dump({"models": rows}, opened)
            os.replace(part, self.cache_file)

    def _load_cache(self) -> None:
        try:
            with open(self.cache_file, encoding="utf-8") as opened:
                self.entries = {row["model"]: row for row in json.load(opened)["models"]}
        except (OSError, ValueError, KeyError):
            pass

    def entry_of(self, deployment: dict[str, Any]) -> dict[str, Any] | None:
        model = model_of(deployment)
        entry = self.entries.get(model)
        if model and entry is None and not self.file:
            self.missing.set()
        return entry

    # --- hooks of the proxy -----------------------------------------------------------------------

    async def async_filter_deployments(
        self,
        model: str,
        healthy_deployments: list[Any],
        messages: Any,
        request_kwargs: dict[str, Any] | None = None,
        parent_otel_span: Any = None,
    ) -> list[Any]:
        """Leave out the deployments that the policy refuses; refuse the call if none is left, so
        that the proxy tries its fallbacks."""
        today = datetime.datetime.now(datetime.UTC).date()
        metadata = [(request_kwargs or {}).get(name) for name in ("metadata", "litellm_metadata")]
        environment = environment_of(metadata)
        kept, refused = [], []
        for deployment in healthy_deployments:
            entry = self.entry_of(deployment)
            code = entry and self.policy.refusal(entry, environment, today)
            if entry and code:
                refused.append((entry, code))
            else:
                kept.append(deployment)
        if kept or not refused:
            return kept
        entry, code = refused[0]
        for values in metadata:
            if isinstance(values, dict):
                tags = values.get("tags")
                values["tags"] = [
                    *(tag for tag in tags or [] if not str(tag).startswith(f"{TAG}:")),
                    SEPARATOR.join((f"{TAG}:refused", entry["model"], model)),
                ]
        log.warning("Refused a call of %s (%s): %s", model, code, entry["sentence"])
        raise HTTPException(
            status_code=403 if code == "model_blocked" else 410,
            detail={
                "error": {
                    "message": f"{entry['sentence']} The gateway refuses calls of '{model}' "
                    f"by its policy. {entry.get('advice', '')}".strip(),
                    "type": "model_lifecycle",
                    "code": code,
                    "param": entry["model"],
                }
            },
            headers=headers_of(entry),
        )

    async def async_post_call_response_headers_hook(
        self,
        data: dict[str, Any],
        user_api_key_dict: Any,
        response: Any,
        request_headers: dict[str, str] | None = None,
        litellm_call_info: dict[str, Any] | None = None,
    ) -> dict[str, str] | None:
        """Add the headers of the deployment that answered."""
        deployment = find_deployment(str((litellm_call_info or {}).get("model_id") or ""))
        entry = self.entry_of(deployment) if deployment else None
        return headers_of(entry) if entry else None


def configured_models() -> list[str]:
    """Return the model IDs of the proxy's configuration, wildcards left out."""
    models = {model_of(deployment) for deployment in _deployments()}
    return sorted(model for model in models if model and "*" not in model)


def _deployments() -> list[dict[str, Any]]:
    from litellm.proxy import proxy_server  # noqa: PLC0415 - it imports this file

    router = proxy_server.llm_router
    return list(router.get_model_list() or []) if router is not None else []


def find_deployment(model_id: str) -> dict[str, Any] | None:
    if not model_id:
        return None
    return next(
        (
            deployment
            for deployment in _deployments()
            if (deployment.get("model_info") or {}).get("id") == model_id
        ),
        None,
    )


def model_of(deployment: dict[str, Any]) -> str:
    """Return `provider/model` of a deployment, as its configuration writes it."""
    params = deployment.get("litellm_params") or {}
    model, provider = str(params.get("model") or ""), str(params.get("custom_llm_provider") or "")
    return f"{provider}/{model}" if provider and not model.startswith(f"{provider}/") else model


def environment_of(metadata: list[Any]) -> str:
    for values in metadata:
        for tag in (values.get("tags") or []) if isinstance(values, dict) else []:
            name, _, value = str(tag).partition(":")
            if name == "env" and value.strip():
                return value.strip().lower()
    return ""


def headers_of(entry: dict[str, Any]) -> dict[str, str]:
    """Return `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and links, as far as they are known."""
    headers = {}
    if entry.get("deprecation"):
        headers["Deprecation"] = entry["deprecation"]
    if entry.get("sunset"):
        headers["Sunset"] = entry["sunset"]
    if headers and entry.get("url"):
        headers["Link"] = f'<{entry["url"]}>; rel="deprecation"; type="text/html"'
    return headers


handler = LifecycleHandler()
