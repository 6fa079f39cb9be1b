"""The MCP server: the tools with their audit, for both revisions of the protocol that clients use.

Revision 2026-07-28 is stateless; clients of 2025 begin with `initialize` and get no session.
Neither opens a stream, so that GET is answered with 405. (modelcontextprotocol.io, specification
2025-03-26, transports; django-mcpz 1.2 for revision 2026-07-28; read on 30 November 2026.)
"""

import hashlib
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django_mcpz.jsonrpc import INVALID_PARAMS, error_response
from django_mcpz.server import MCPServer, Tool, ToolError

from apps.accounts.models import ApiToken, User
from apps.api.mcp.answers import NOTICE
from apps.api.mcp.rest_reads import Caller, RestRefusalError
from apps.api.mcp.tools import TOOLS, ToolEntry
from apps.api.models import ToolCall
from apps.common.history.context import audit_context
from apps.common.postgresql.errors import unavailability
from apps.common.time import now

VERSION = "1"
INSTRUCTIONS = (
    "A registry of the foundation models that an organisation's applications depend on. All tools "
    "only read, and show what the owner of the API token can view. Begin with `search`; its `key` "
    "is the argument of other tools. `extent` says how many rows were left out and how to see "
    f"them. {NOTICE} Null or an empty text means that the registry does not know a value: say so, "
    "and do not guess. Link to `url` in answers to people."
)
_OUTCOMES = {
    "ok": ToolCall.Outcome.ANSWERED,
    "exception": ToolCall.Outcome.FAILED,
}


class RegistryServer(MCPServer):
    """The server with an audit of every call, and with the names of the tools in the refusal of an
    unknown one."""

    def _tools_call(
        self,
        request: HttpRequest,
        request_id: str | int,
        params: dict[str, Any],
        *,
        legacy: bool = False,
    ) -> HttpResponse:
        name = params.get("name")
        if isinstance(name, str) and name not in self._tools:
            record_call(request, name, params.get("arguments"), ToolCall.Outcome.REFUSED)
            return error_response(
                request_id,
                INVALID_PARAMS,
                f"Unknown tool '{name[:100]}'. Use one of: {', '.join(self._tools)}.",
            )
        return super()._tools_call(request, request_id, params, legacy=legacy)

    def _run_tool(
        self,
        request: HttpRequest,
        request_id: str | int,
        tool: Tool,
        arguments: dict[str, Any],
        elicitation: Any,
    ) -> tuple[HttpResponse, str]:
        response, outcome = super()._run_tool(request, request_id, tool, arguments, elicitation)
        record_call(
            request,
            tool.name,
            arguments,
            _OUTCOMES.get(outcome, ToolCall.Outcome.REFUSED),
            n_bytes=len(response.content),
        )
        return response, outcome


def caller_of(request: HttpRequest) -> Caller:
    """Return the caller that the view authenticated."""
    user, token = request.user, getattr(request, "auth", None)
    assert isinstance(user, User)
    assert isinstance(token, ApiToken)
    return Caller(request, user, token)


def record_call(
    request: HttpRequest,
    tool: str,
    arguments: Any,
    outcome: ToolCall.Outcome,
    *,
    n_bytes: int = 0,
) -> None:
    """Record a call for the audit log."""
    caller = caller_of(request)
    given = arguments if isinstance(arguments, dict) else {}
    with audit_context(user=caller.user, reason="A program called an MCP tool."):
        ToolCall.objects.create(
            # not the copy that the token restricts
            user_id=caller.user.pk,
            token=caller.token,
            tool=_plain(tool)[:128],
            arguments=_plain(", ".join(sorted(given)))[:300],
            arguments_digest=hashlib.sha256(
                orjson.dumps(given, option=orjson.OPT_SORT_KEYS)
            ).hexdigest(),
            outcome=outcome,
            n_bytes=n_bytes,
            called_at=now(),
        )


def _plain(text: str) -> str:
    # the database rejects null characters
    return text.replace("\x00", "")


def _register(server: MCPServer, entry: ToolEntry) -> None:
    def answer(request: HttpRequest, arguments: Any) -> Any:
        try:
            return entry.function(caller_of(request), arguments)
        except RestRefusalError as error:
            raise ToolError(str(error)) from error
        except Exception as error:
            if reason := unavailability(error):
                raise ToolError(reason.sentence) from error
            raise

    server.tool(
        name=entry.function.__name__,
        title=entry.title,
        description=entry.description,
        input_schema=entry.arguments,
        output_schema=entry.answer,
        read_only=True,
        idempotent=True,
        open_world=False,
    )(answer)


def _let_in(request: HttpRequest) -> None:
    """Let every request in: the view has authenticated it."""


def build_server() -> MCPServer:
    server = RegistryServer(
        name="foundation-registry",
        version=VERSION,
        title="Foundation Registry",
        instructions=INSTRUCTIONS,
        auth=_let_in,
    )
    for entry in TOOLS:
        _register(server, entry)
    return server


SERVER = build_server()
