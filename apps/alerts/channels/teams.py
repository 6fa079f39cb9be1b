"""Microsoft Teams: an Adaptive Card posted to a workflow that starts when a webhook request is
received. Cards have links only: a response needs a sign-in.

Facts, read on 30 November 2026: the wrapper with `attachments`, and that Workflows accept Adaptive
Cards only, https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using;
28 KB for a message, counted in UTF-16 by reports of users, so that half of it is used,
https://techqa.club/v/q/ms-teams-webhook-returns-error-413-on-small-messages-78034694; a refusal of
Teams with status 200 and a text (`Microsoft Teams endpoint returned HTTP error 413`), the same
page; `Markdown is not supported` in a TextRun,
https://learn.microsoft.com/en-us/adaptive-cards/schema-explorer/text-run. All names and sentences
are in such runs, so that users' data cannot become a link."""

import json
import re
from collections.abc import Sequence
from typing import Any

from apps.alerts.channels.calls import ChannelFailure, asked_wait, post_json
from apps.alerts.channels.message_items import MessageItem, fit_items
from apps.alerts.text import counted, one_line
from apps.common.credentials import Credentials

MAX_CARD_CHARACTERS = 13_500
MAX_ITEMS = 20
_ERROR_IN_TEXT = re.compile(r"returned HTTP error (\d{3})")
_FINAL_CODES = frozenset({400, 413, 415, 422})
_LOST_CODES = frozenset({401, 403, 404, 405, 410})


def build_card(
    items: Sequence[MessageItem], *, heading: str, more_url: str, n_more: int = 0
) -> str:
    """Build the JSON of a message with one card."""
    shown, n_cut = fit_items(
        items,
        max_items=MAX_ITEMS,
        fits=lambda some: (
            len(_wrap(_build_body(some, heading, n_more), more_url)) <= MAX_CARD_CHARACTERS
        ),
    )
    return _wrap(_build_body(shown, heading, n_more + n_cut), more_url)


def build_text_card(*, heading: str, text: str, url: str) -> str:
    """Build a card of one paragraph, such as a test."""
    return _wrap([_text(heading, size="large", weight="bolder"), _text(text)], url)


def post_card(body: str, credentials: Credentials) -> ChannelFailure | None:
    """Post a card; None if the workflow accepted it."""
    response = post_json(credentials["workflow_url"], body.encode())
    if isinstance(response, ChannelFailure):
        return response
    code = response.status
    if 200 <= code < 300:
        # A connector answers with 200 and a sentence about the refusal of Teams behind it.
        said = _ERROR_IN_TEXT.search(response.body[:2000].decode("utf-8", "replace"))
        if said is None:
            return None
        code = int(said.group(1))
    if code == 429:
        return ChannelFailure(
            "Microsoft Teams asks to send more slowly.", wait_seconds=asked_wait(response) or 60
        )
    if code in _LOST_CODES:
        return ChannelFailure(
            f"The workflow responded with {code}: it was deleted, turned off or its URL changed. "
            "Create it again, and enter its URL.",
            refuses_channel=True,
        )
    reason = f"The workflow responded with {code}."
    if code in _FINAL_CODES or 300 <= code < 400:
        return ChannelFailure(reason, final=True)
    return ChannelFailure(reason, wait_seconds=asked_wait(response))


def _build_body(items: Sequence[MessageItem], heading: str, n_more: int) -> list[dict[str, Any]]:
    body = [_text(heading, size="large", weight="bolder")]
    body += [_container(item) for item in items]
    if n_more:
        body.append(_text(f"And {counted(n_more, 'more alert')}.", isSubtle=True))
    return body


def _container(item: MessageItem) -> dict[str, Any]:
    return {
        "type": "Container",
        "separator": True,
        "spacing": "medium",
        "items": [
            _text(f"{item.title} · {item.severity}", weight="bolder"),
            *(_text(line) for line in item.lines),
            {
                "type": "ActionSet",
                "actions": [{"type": "Action.OpenUrl", "title": "Open", "url": item.url}],
            },
        ],
    }


def _text(text: str, **style: Any) -> dict[str, Any]:
    # `{{DATE(…)}}` and `{{TIME(…)}}` are functions of card texts
    plain = one_line(text, max_length=700).replace("{{", "{ {")
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": plain, **style}]}


def _wrap(body: list[dict[str, Any]], url: str) -> str:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": body,
        "actions": [{"type": "Action.OpenUrl", "title": "Open the registry", "url": url}],
    }
    message = {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": card,
            }
        ],
    }
    return json.dumps(message, ensure_ascii=False)
