"""A local server that stands for Slack, Teams and PagerDuty: it checks what it gets by their
published limits, answers as they do, and can fail on purpose.

    with ServiceServer(settings) as server:
        server.fail_next("slack", status(500))
        server.slack_messages, server.cards, server.incidents
"""

import json
from collections import defaultdict
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.feeds.loopback import Behaviour, Exchange, Loopback

BOT_TOKEN = "xoxb-1234567890-abcdefgh"
SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
ROUTING_KEY = "R" * 32
SLACK_CHANNEL = "C0CLAIMS01"
TEAMS_LIMIT = 28 * 1024
PAGERDUTY_LIMIT = 512 * 1024


class ServiceServer:
    """The state of the three services, in memory."""

    def __init__(self, settings: Any) -> None:
        self.settings = settings
        self.loopback = Loopback()
        # faults that come before the next answers, by service
        self.faults: dict[str, list[Behaviour]] = defaultdict(list)
        self.slack_token = BOT_TOKEN
        self.archived: set[str] = set()
        self.slack_channels = {SLACK_CHANNEL}
        self.slack_messages: list[dict[str, Any]] = []
        self.slack_users: dict[str, dict[str, Any]] = {}
        self.slack_answers: list[dict[str, Any]] = []
        self.cards: list[dict[str, Any]] = []
        self.workflow_exists = True
        self.events: list[dict[str, Any]] = []
        self.incidents: dict[str, str] = {}

    @property
    def workflow_url(self) -> str:
        return f"{self.loopback.url}/workflows/abc/triggers/manual/paths/invoke"

    @property
    def response_url(self) -> str:
        return f"{self.loopback.url}/actions/T1/1/xyz"

    def __enter__(self) -> Self:
        self.loopback.__enter__()
        url = self.loopback.url
        self.settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]
        self.settings.SLACK_API_URL = f"{url}/api/"
        self.settings.SLACK_RESPONSE_URL = f"{url}/"
        self.settings.PAGERDUTY_EVENTS_URLS = {
            "us": f"{url}/v2/enqueue",
            "eu": f"{url}/eu/v2/enqueue",
        }
        for path, service, answer in (
            ("/api/chat.postMessage", "slack", self._post_message),
            ("/api/users.info*", "users", self._user_info),
            ("/actions/T1/1/xyz", "answers", self._take_answer),
            ("/workflows/abc/triggers/manual/paths/invoke", "teams", self._take_card),
            ("/v2/enqueue", "pagerduty", self._take_event),
            ("/eu/v2/enqueue", "pagerduty", self._take_event),
        ):
            self.loopback.route(path, self._with_faults(service, answer))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.loopback.__exit__(kind, error, trace)

    def fail_next(self, service: str, *behaviours: Behaviour) -> None:
        """Answer the next requests of a service by these behaviours."""
        self.faults[service] += behaviours

    def add_slack_user(self, slack_id: str, email: str, **facts: Any) -> None:
        self.slack_users[slack_id] = {"id": slack_id, "profile": {"email": email}, **facts}

    def _with_faults(self, service: str, answer: Behaviour) -> Behaviour:
        def behave(exchange: Exchange) -> None:
            if self.faults[service]:
                self.faults[service].pop(0)(exchange)
            else:
                answer(exchange)

        return behave

    # --- Slack ------------------------------------------------------------------------------------

    def _slack_error(self, exchange: Exchange) -> str:
        return (
            ""
            if exchange.seen.headers.get("authorization") == f"Bearer {self.slack_token}"
            else "invalid_auth"
        )

    def _post_message(self, exchange: Exchange) -> None:
        message = json.loads(exchange.seen.body)
        error = self._slack_error(exchange) or self._message_error(message)
        if error:
            _answer(exchange, 200, {"ok": False, "error": error})
            return
        self.slack_messages.append(message)
        stamp = f"17644{len(self.slack_messages):05d}.000100"
        _answer(exchange, 200, {"ok": True, "channel": message["channel"], "ts": stamp})

    def _message_error(self, message: dict[str, Any]) -> str:
        if message["channel"] not in self.slack_channels:
            return "channel_not_found"
        if message["channel"] in self.archived:
            return "is_archived"
        if len(message.get("text", "")) > 40_000:
            return "msg_too_long"
        blocks = message.get("blocks", [])
        if len(json.dumps(blocks, ensure_ascii=False)) > 13_200:
            return "msg_blocks_too_long"
        return block_error(blocks)

    def _user_info(self, exchange: Exchange) -> None:
        if error := self._slack_error(exchange):
            _answer(exchange, 200, {"ok": False, "error": error})
            return
        (slack_id,) = parse_qs(urlsplit(exchange.seen.path).query)["user"]
        _answer(exchange, 200, {"ok": True, "user": self.slack_users[slack_id]})

    def _take_answer(self, exchange: Exchange) -> None:
        answer = json.loads(exchange.seen.body)
        if error := block_error(answer.get("blocks", [])):
            exchange.answer(400, {}, error.encode())
            return
        self.slack_answers.append(answer)
        exchange.answer(200, {}, b"ok")

    # --- Teams ------------------------------------------------------------------------------------

    def _take_card(self, exchange: Exchange) -> None:
        if not self.workflow_exists:
            _answer(exchange, 404, {"error": {"code": "WorkflowNotFound"}})
            return
        text = exchange.seen.body.decode()
        if len(text.encode("utf-16-le")) > TEAMS_LIMIT:
            said = b"Webhook message delivery failed with error: Microsoft Teams endpoint returned "
            exchange.answer(200, {}, said + b"HTTP error 413 with ContextId tcid=1")
            return
        message = json.loads(text)
        attachments = message.get("attachments")
        if message.get("type") != "message" or not attachments:
            _answer(exchange, 400, {"error": {"code": "TriggerInputSchemaMismatch"}})
            return
        self.cards.append(attachments[0]["content"])
        exchange.answer(202, {}, b"")

    # --- PagerDuty --------------------------------------------------------------------------------

    def _take_event(self, exchange: Exchange) -> None:
        if len(exchange.seen.body) > PAGERDUTY_LIMIT:
            exchange.answer(413, {}, b"")
            return
        event = json.loads(exchange.seen.body)
        if errors := _event_errors(event):
            _answer(
                exchange,
                400,
                {"status": "invalid event", "message": "Event object is invalid", "errors": errors},
            )
            return
        self.events.append(event)
        key, action = event["dedup_key"], event["event_action"]
        if action == "trigger":
            if self.incidents.get(key) in {None, "resolved"}:
                self.incidents[key] = "triggered"
        elif self.incidents.get(key) not in {None, "resolved"}:
            self.incidents[key] = {"acknowledge": "acknowledged", "resolve": "resolved"}[action]
        _answer(
            exchange,
            202,
            {"status": "success", "message": "Event processed", "dedup_key": key},
        )


def block_error(blocks: list[dict[str, Any]]) -> str:
    """Return the error of Slack for blocks beyond its limits; empty if there is none."""
    if len(blocks) > 50:
        return "invalid_blocks"
    for block in blocks:
        text = block.get("text", {}).get("text", "")
        if block["type"] == "section" and not 1 <= len(text) <= 3000:
            return "invalid_blocks"
        if block["type"] == "header" and not 1 <= len(text) <= 150:
            return "invalid_blocks"
        if len(block.get("block_id", "")) > 255:
            return "invalid_blocks"
        for element in block.get("elements", []):
            options = element.get("options", [])
            if (
                len(element.get("value", "")) > 2000
                or len(options) > 100
                or any(len(option["text"]["text"]) > 75 for option in options)
            ):
                return "invalid_blocks"
    return ""


def _event_errors(event: dict[str, Any]) -> list[str]:
    errors = []
    if event.get("routing_key") != ROUTING_KEY:
        errors.append("'routing_key' is invalid: no such integration")
    if event.get("event_action") not in {"trigger", "acknowledge", "resolve"}:
        errors.append("'event_action' is invalid")
    if not 1 <= len(event.get("dedup_key", "")) <= 255:
        errors.append("Length of 'dedup_key' is incorrect")
    if event.get("event_action") == "trigger":
        payload = event.get("payload", {})
        if not 1 <= len(payload.get("summary", "")) <= 1024:
            errors.append("Length of 'payload.summary' is incorrect")
        if payload.get("severity") not in {"critical", "error", "warning", "info"}:
            errors.append("'payload.severity' is invalid")
        if not payload.get("source"):
            errors.append("'payload.source' is missing or blank")
    return errors


def _answer(exchange: Exchange, code: int, body: Any) -> None:
    exchange.answer(code, {"Content-Type": "application/json"}, json.dumps(body).encode())
