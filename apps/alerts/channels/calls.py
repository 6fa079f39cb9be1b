"""Calls of the services of channels: one POST, and what its response means for the delivery."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.alerts.text import one_line
from apps.common.http.calls import OutboundError, OutboundRefusedError, Request, Response
from apps.common.http.client import fetch
from apps.common.http.installation_policy import installation_policy

MAX_RESPONSE_BYTES = 262_144
# A longer wait than this is not believed: the backoff of the delivery log applies.
MAX_WAIT_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class ChannelFailure:
    """The reason why a message was not accepted. `final`: the service refused this message, and
    would refuse it again. `refuses_channel`: it refused the credentials or the destination, as it
    would for every message. `wait_seconds`: time that the service asks to wait."""

    reason: str
    final: bool = False
    refuses_channel: bool = False
    wait_seconds: int | None = None


def post_json(
    url: str, body: bytes, *, headers: Mapping[str, str] | None = None, deadline: float = 15
) -> Response | ChannelFailure:
    """Post JSON once. Returns the response of any status, or the failure of the call; neither
    names the path of the URL, which can be a secret: sentences of the outbound client name hosts
    only."""
    request = Request(
        url=url,
        method="POST",
        headers={"Content-Type": "application/json; charset=utf-8", **(headers or {})},
        body=body,
    )
    policy = installation_policy(
        connect_timeout=min(5.0, deadline),
        read_timeout=min(10.0, deadline),
        deadline=deadline,
        max_wire_bytes=MAX_RESPONSE_BYTES,
        max_body_bytes=MAX_RESPONSE_BYTES,
        max_redirects=0,
    )
    try:
        return fetch(request, policy=policy)
    except OutboundRefusedError as error:
        return ChannelFailure(one_line(error, max_length=500), refuses_channel=True)
    except OutboundError as error:
        return ChannelFailure(one_line(error, max_length=500))


def asked_wait(response: Response) -> int | None:
    """Return the seconds that the service asks to wait; None if it does not say."""
    seconds = response.retry_after
    return None if seconds is None else min(seconds, MAX_WAIT_SECONDS)


def read_json(response: Response) -> dict[str, Any]:
    """Return the JSON object of a response; empty for anything else."""
    try:
        value = json.loads(response.body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
