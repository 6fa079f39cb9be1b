"""Slack messages in blocks.

Limits, read on 30 November 2026: 50 blocks in a message and 3,000 characters in the text of a
section (https://docs.slack.dev/reference/block-kit/blocks), 150 characters of a header, 75 of a
button or an option. All blocks together are refused (`msg_blocks_too_long`) from about 13,200
characters on (https://github.com/slackapi/bolt-js/issues/2509), so that fewer items are shown.

Names are users' data: `&`, `<` and `>` are escaped as Slack asks, so that no name is a mention or a
link, and `verbatim` stops Slack from finding links in plain text."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from apps.alerts.channels.message_items import MessageItem, fit_items
from apps.alerts.text import counted, one_line

MAX_BLOCKS = 50
MAX_SECTION = 3000
MAX_BLOCKS_LENGTH = 12_000
MAX_HEADER = 150
MAX_OPTION = 75
MAX_OPTIONS = 100
# header, items of two blocks each, and a last line
MAX_ITEMS = 15
BLOCK_PREFIX = "item-"
ACKNOWLEDGE, TAKE, ASSIGN = "acknowledge", "take", "assign"


def escape(text: str) -> str:
    """Escape the three characters that control Slack's mrkdwn."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def build_message(
    items: Sequence[MessageItem],
    *,
    destination: str,
    message_id: str,
    heading: str,
    more_url: str,
    offers_members: bool = False,
) -> str:
    """Build the JSON of chat.postMessage. With `offers_members` an item can be assigned to a member
    of the team; Slack asks for their names when a user opens the choice."""
    shown, n_cut = fit_items(
        items,
        max_items=MAX_ITEMS,
        fits=lambda some: (
            len(_dumps(_build_blocks(some, message_id, heading, more_url, offers_members, 0)))
            <= MAX_BLOCKS_LENGTH
        ),
    )
    return _dumps(
        {
            "channel": destination,
            # shown in notifications, where blocks are not
            "text": escape(one_line(heading, max_length=500)),
            "blocks": _build_blocks(shown, message_id, heading, more_url, offers_members, n_cut),
            "unfurl_links": False,
            "unfurl_media": False,
            # recognises a second copy, if Slack's answer to the first one was lost
            "metadata": {
                "event_type": "registry_delivery",
                "event_payload": {"message_id": message_id},
            },
        }
    )


def build_text_message(*, destination: str, message_id: str, heading: str, text: str) -> str:
    """Build a message of one paragraph, such as a test."""
    return _dumps(
        {
            "channel": destination,
            "text": escape(one_line(f"{heading}. {text}", max_length=500)),
            "blocks": [_header(heading), _section(escape(text))],
            "unfurl_links": False,
            "unfurl_media": False,
            "metadata": {
                "event_type": "registry_delivery",
                "event_payload": {"message_id": message_id},
            },
        }
    )


def answered_blocks(
    body: Mapping[str, Any], results: Mapping[int, Sequence[str]], done: Mapping[int, set[str]]
) -> list[dict[str, Any]]:
    """Return the blocks of a sent message with the `results` (sentences by place of the item), and
    without the buttons that are `done`."""
    blocks: list[dict[str, Any]] = []
    for block in body["blocks"]:
        place = place_of_block(block.get("block_id", ""))
        if block["type"] != "actions" or place is None or place not in results:
            blocks.append(block)
            continue
        sentences = " ".join(escape(sentence) for sentence in results[place])
        blocks.append({"type": "context", "elements": [_mrkdwn(sentences[:2900])]})
        elements = [
            element
            for element in block["elements"]
            if element["action_id"] not in done.get(place, set())
        ]
        if elements and len(blocks) + len(body["blocks"]) < MAX_BLOCKS:
            blocks.append(block | {"elements": elements})
    return blocks[:MAX_BLOCKS]


def build_options(members: Sequence[tuple[int, str]], typed: str) -> list[dict[str, Any]]:
    """Return the options of (ID, name) pairs whose name contains the typed text."""
    return [
        {"text": _plain(one_line(name, max_length=MAX_OPTION)), "value": str(pk)}
        for pk, name in members
        if typed.casefold() in name.casefold()
    ][:MAX_OPTIONS]


def place_of_block(block_id: str) -> int | None:
    """Return the place of the item that the block with buttons belongs to; None for others."""
    text = block_id.removeprefix(BLOCK_PREFIX).partition("-")[0]
    is_item = block_id.startswith(BLOCK_PREFIX) and text.isascii() and text.isdecimal()
    return int(text) if is_item and len(text) <= 3 else None


def message_of_block(block_id: str) -> str:
    """Return the ID of the message that a block with buttons belongs to."""
    return block_id.removeprefix(BLOCK_PREFIX).partition("-")[2]


def alerts_of_item(body: Mapping[str, Any], place: int) -> list[int]:
    """Return the alerts of an item of a stored message."""
    for block in body["blocks"]:
        if block["type"] == "actions" and place_of_block(block["block_id"]) == place:
            return [int(pk) for pk in block["elements"][0]["value"].split(",")]
    return []


def _build_blocks(
    items: Sequence[MessageItem],
    message_id: str,
    heading: str,
    more_url: str,
    offers_members: bool,
    n_more: int,
) -> list[dict[str, Any]]:
    blocks = [_header(heading)]
    for place, item in enumerate(items):
        title = escape(item.title)
        title = title if "*" in title else f"*{title}*"
        link = f"<{item.url}|Open in the registry>"
        lines = [f"{title} · {escape(item.severity)}"]
        for line in map(escape, item.lines):
            # escaping makes a text up to five times as long
            if len("\n".join([*lines, line, link])) > MAX_SECTION:
                break
            lines.append(line)
        blocks.append(_section("\n".join([*lines, link])))
        if item.alert_ids:
            blocks.append(_actions(item, place, message_id, offers_members))
    if n_more:
        more = f"<{more_url}|And {counted(n_more, 'more alert')}.>"
        blocks.append({"type": "context", "elements": [_mrkdwn(more)]})
    return blocks


def _actions(
    item: MessageItem, place: int, message_id: str, offers_members: bool
) -> dict[str, Any]:
    value = ",".join(str(pk) for pk in item.alert_ids)
    elements: list[dict[str, Any]] = [
        {
            "type": "button",
            "action_id": ACKNOWLEDGE,
            "text": _plain("Acknowledge"),
            "value": value,
            "style": "primary",
        },
        {"type": "button", "action_id": TAKE, "text": _plain("Assign to me"), "value": value},
    ]
    if offers_members:
        elements.append(
            {
                "type": "external_select",
                "action_id": ASSIGN,
                "placeholder": _plain("Assign to"),
                "min_query_length": 0,
            }
        )
    return {
        "type": "actions",
        "block_id": f"{BLOCK_PREFIX}{place}-{message_id}",
        "elements": elements,
    }


def _header(text: str) -> dict[str, Any]:
    return {"type": "header", "text": _plain(one_line(text, max_length=MAX_HEADER))}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _mrkdwn(text)}


def _mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text or "-", "emoji": False}


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
