"""Calls of Slack's Web API.

Error codes: https://docs.slack.dev/reference/methods/chat.postMessage and
https://api.slack.com/methods/chat.postMessage, read on 30 November 2026. Limits of calls, with
`Retry-After` in seconds: https://docs.slack.dev/apis/web-api/rate-limits."""

import json
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from django.conf import settings

from apps.alerts.channels.calls import ChannelFailure, asked_wait, post_json, read_json
from apps.alerts.text import one_line
from apps.common.credentials import Credentials
from apps.common.http.calls import OutboundError, Request, Response
from apps.common.http.client import fetch
from apps.common.http.installation_policy import installation_policy

# Errors of the token or the app, and of the destination, with what to do.
_CHANNEL_ERRORS = {
    "invalid_auth": "Slack does not accept the bot token. Enter the token of the installed app.",
    "not_authed": "Slack received no bot token. Enter the token of the installed app.",
    "token_revoked": "The bot token was revoked. Install the app again, and enter its new token.",
    "token_expired": "The bot token has expired. Enter a new one.",
    "account_inactive": "The workspace or the app's account is not active any more.",
    "missing_scope": "The app lacks a permission. Add the scope chat:write, and install it again.",
    "no_permission": "The app lacks the permission to post. Install it again.",
    "not_allowed_token_type": "This kind of token cannot post. Enter the bot token of the app.",
    "access_denied": "Slack denies the app access to the channel.",
    "org_login_required": "The workspace is being migrated. Enable the channel again later.",
    "ekm_access_denied": "Administrators of the workspace have suspended posting.",
    "team_access_not_granted": "The token was not granted access to the workspace.",
    "channel_not_found": "Slack finds no such channel. Check the channel ID, and invite the app.",
    "not_in_channel": "The app is not a member of the channel. Invite it to the channel.",
    "is_archived": "The Slack channel is archived. Restore it, or enter another channel ID.",
    "channel_is_archived": "The Slack channel is archived. Restore it, or enter another channel "
    "ID.",
    "restricted_action": "A rule of the workspace forbids the app to post in this channel.",
    "restricted_action_read_only_channel": "The Slack channel is read-only.",
    "restricted_action_thread_only_channel": "The Slack channel permits threads only.",
    "user_is_bot": "The destination is a bot. Enter the ID of a channel or of a person.",
}
# Faults of Slack itself, or limits that pass.
_PASSING_ERRORS = frozenset(
    {
        "rate_limited",
        "ratelimited",
        "message_limit_exceeded",
        "internal_error",
        "fatal_error",
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
        "accesslimited",
    }
)


@dataclass(frozen=True, slots=True)
class SlackPerson:
    """A user of the Slack workspace. `obstacle` is the sentence why the address cannot be trusted;
    empty if it can."""

    email: str
    obstacle: str = ""


def post_message(body: str, credentials: Credentials) -> ChannelFailure | None:
    """Post a message by chat.postMessage; None if Slack accepted it."""
    response = post_json(
        f"{settings.SLACK_API_URL}chat.postMessage",
        body.encode(),
        headers={"Authorization": f"Bearer {credentials['bot_token']}"},
    )
    if isinstance(response, ChannelFailure):
        return response
    return _failure_of(response)


def _failure_of(response: Response) -> ChannelFailure | None:
    """Return what a response of the API means; Slack reports most errors with status 200."""
    if response.status == 429:
        return ChannelFailure(
            "Slack asks to send more slowly.", wait_seconds=asked_wait(response) or 30
        )
    answer = read_json(response)
    if 200 <= response.status < 300 and answer.get("ok") is True:
        return None
    code = one_line(answer.get("error") or "", max_length=60)
    if not code or code in _PASSING_ERRORS or response.status >= 500:
        said = f" ({code})" if code else ""
        return ChannelFailure(
            f"Slack responded with {response.status}{said}.", wait_seconds=asked_wait(response)
        )
    if code in _CHANNEL_ERRORS:
        return ChannelFailure(f"{_CHANNEL_ERRORS[code]} ({code})", refuses_channel=True)
    return ChannelFailure(f"Slack refuses the message ({code}).", final=True)


def find_person(slack_user: str, credentials: Credentials) -> SlackPerson | ChannelFailure:
    """Return the user of the workspace by users.info (scopes users:read and users:read.email)."""
    request = Request(
        url=f"{settings.SLACK_API_URL}users.info?user={quote(slack_user, safe='')}",
        headers={"Authorization": f"Bearer {credentials['bot_token']}"},
    )
    policy = installation_policy(
        connect_timeout=5,
        read_timeout=10,
        deadline=15,
        max_wire_bytes=262_144,
        max_body_bytes=262_144,
        max_redirects=0,
    )
    try:
        response = fetch(request, policy=policy)
    except OutboundError as error:
        return ChannelFailure(one_line(error, max_length=500))
    if failure := _failure_of(response):
        return failure
    user = read_json(response).get("user")
    user = user if isinstance(user, dict) else {}
    profile = user.get("profile")
    email = profile.get("email") if isinstance(profile, dict) else None
    if not isinstance(email, str) or not email:
        return SlackPerson(
            "",
            "Slack does not tell the registry your email address. The app needs the scopes "
            "users:read and users:read.email.",
        )
    if user.get("deleted") or user.get("is_bot"):
        return SlackPerson(email, "Your Slack account is not that of an active person.")
    if user.get("is_stranger") or user.get("is_restricted"):
        return SlackPerson(email, "Guests of the workspace cannot respond in Slack.")
    if user.get("is_email_confirmed") is False:
        return SlackPerson(email, "Confirm your email address in Slack first.")
    return SlackPerson(email)


def is_response_url(url: str) -> bool:
    """Return whether the URL is one of those to which Slack expects answers."""
    expected, given = urlsplit(settings.SLACK_RESPONSE_URL), urlsplit(url)
    return (given.scheme, given.netloc) == (expected.scheme, expected.netloc)


def post_answer(url: str, answer: dict[str, object]) -> ChannelFailure | None:
    """Post an answer to the response URL of a request; None if Slack accepted it."""
    response = post_json(url, json.dumps(answer, ensure_ascii=False).encode())
    if isinstance(response, ChannelFailure):
        return response
    if 200 <= response.status < 300:
        return None
    is_passing = response.status >= 500 or response.status == 429
    return ChannelFailure(
        f"Slack responded with {response.status} to the answer.",
        final=not is_passing,
        wait_seconds=asked_wait(response),
    )
