"""Texts of tickets: the Atlassian Document Format of Jira Cloud, and plain text.

Version 3 of the API of Jira Cloud takes descriptions and comments as such documents; version 2 of
Jira Data Center takes texts (https://developer.atlassian.com/cloud/jira/platform/apis/document/,
seen on 30 November 2026)."""

import re
from collections.abc import Iterator
from typing import Any

MAX_TEXT_LENGTH = 10_000
_MAX_DEPTH = 40
_ADDRESS = re.compile(r"https?://[^\s<>\"]{1,2000}")
_BLOCKS = frozenset(
    {
        "paragraph",
        "heading",
        "listItem",
        "blockquote",
        "codeBlock",
        "panel",
        "rule",
        "tableRow",
        "mediaSingle",
        "taskItem",
        "decisionItem",
    }
)


def write_document(text: str) -> dict[str, Any]:
    """Return the text as a document: a paragraph for each line, addresses as links."""
    paragraphs = [
        {"type": "paragraph", "content": _inline_nodes(line)} if line else {"type": "paragraph"}
        for line in text.splitlines()
    ]
    return {"type": "doc", "version": 1, "content": paragraphs or [{"type": "paragraph"}]}


def _inline_nodes(line: str) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = []
    end = 0
    for found in _ADDRESS.finditer(line):
        if found.start() > end:
            nodes.append({"type": "text", "text": line[end : found.start()]})
        link = {"type": "link", "attrs": {"href": found.group()}}
        nodes.append({"type": "text", "text": found.group(), "marks": [link]})
        end = found.end()
    if end < len(line):
        nodes.append({"type": "text", "text": line[end:]})
    return nodes


def read_document(value: Any) -> str:
    """Return a text or document of Jira as plain text, at most MAX_TEXT_LENGTH characters."""
    text = value if isinstance(value, str) else "".join(_texts(value, 0))
    lines = [line.rstrip() for line in text.replace("\x00", "").splitlines()]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    return text if len(text) <= MAX_TEXT_LENGTH else f"{text[: MAX_TEXT_LENGTH - 1]}…"


def _texts(node: Any, depth: int) -> Iterator[str]:
    """Yield the texts of a node, with a line break after each block."""
    if not isinstance(node, dict) or depth > _MAX_DEPTH:
        return
    kind, attributes = node.get("type"), node.get("attrs")
    attributes = attributes if isinstance(attributes, dict) else {}
    if kind == "text" and isinstance(node.get("text"), str):
        yield node["text"]
    elif kind == "hardBreak":
        yield "\n"
    elif kind in {"mention", "emoji", "status", "date"}:
        yield str(attributes.get("text") or attributes.get("shortName") or "")
    elif kind in {"inlineCard", "blockCard", "embedCard"}:
        yield str(attributes.get("url") or "")
    content = node.get("content")
    for child in content if isinstance(content, list) else ():
        yield from _texts(child, depth + 1)
    if kind in _BLOCKS:
        yield "\n"
