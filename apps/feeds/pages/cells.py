"""The text of table cells and sentences, the same for Markdown and HTML.

A cell becomes plain text in which code spans keep their backticks and line breaks are newlines;
links become their words, and emphasis, footnote marks and tags are removed.
"""

import html
import re

# Longer cells are cut: a cell is about one model, and the longest known one has 700 characters.
MAX_CELL_LENGTH = 4000

_SPACES = re.compile(r"[ \t\r\f\v\u00a0\u2000-\u200a\u202f\u205f\u3000]{1,200}")
_INVISIBLE = dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x00AD))
_HYPHENS = dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2212), "-")
_BREAK = re.compile(r"<(?:br|/p|/li|/div|p|li|div)\b[^<>]{0,300}>", re.IGNORECASE)
_FOOTNOTE = re.compile(
    r"<sup\b[^<>]{0,100}>[^<>]{0,20}</sup>|\^[\w,* ]{1,5}\^|\[\^[\w-]{1,20}\]", re.IGNORECASE
)
_CODE_TAG = re.compile(r"</?(?:code|tt|kbd|samp)\b[^<>]{0,300}>", re.IGNORECASE)
_STRUCK_TAG = re.compile(r"</?(?:del|s|strike)>", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,600}>|<!--[^<>]{0,300}-->")
_IMAGE = re.compile(r"!\[[^\[\]]{0,300}\]\([^()\s]{0,1000}\)")
_LINK = re.compile(r"\[([^\[\]]{0,500})\]\((?:[^()]|\([^()]{0,200}\)){0,1000}\)")
_REFERENCE = re.compile(r"\[([^\[\]]{1,300})\]\[[^\[\]]{0,100}\]")
_BOLD = re.compile(r"\*\*|__(?=\S)|(?<=\S)__")
_STRUCK = re.compile(r"~~([^~\n]{1,300})~~")
_EMPHASIS = re.compile(r"(?<![\w*])([*_])(?=[^\s*_])([^*_\n`]{1,300})(?<=[^\s*_])\1(?![\w*])")
_ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+.!|$<>~^&-])")
_CODE = re.compile(r"`([^`\n]{1,300})`")


def drop_struck(text: str) -> str:
    """Return the text without what is struck through, unless that is all of it: a date that was
    moved no longer counts, but the name of a retired model does."""
    rest = _STRUCK.sub(" ", text)
    return rest if any(sign.isalnum() for sign in rest) else text.replace("~~", "")


def clean_spaces(text: str) -> str:
    """Return the text with single blanks, plain hyphens and no invisible characters; newlines
    stay, each without blanks beside it and without empty lines."""
    text = text.translate(_INVISIBLE).translate(_HYPHENS)
    lines = (_SPACES.sub(" ", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def clean_markdown(text: str) -> str:
    """Return the text of a Markdown cell or sentence, as described above."""
    text = text[:MAX_CELL_LENGTH]
    text = drop_struck(_FOOTNOTE.sub("", _BREAK.sub("\n", _STRUCK_TAG.sub("~~", text))))
    text = _TAG.sub("", _CODE_TAG.sub("`", text))
    text = _LINK.sub(r"\1", _IMAGE.sub("", text))
    text = _REFERENCE.sub(r"\1", text)
    parts = text.split("`")
    # Every second part is within a code span, where nothing is mark-up.
    for number in range(0, len(parts), 2):
        part = _EMPHASIS.sub(r"\2", _BOLD.sub("", parts[number]))
        parts[number] = html.unescape(_ESCAPE.sub(r"\1", part))
    for number in range(1, len(parts), 2):
        parts[number] = html.unescape(parts[number].replace("\\|", "|"))
    return clean_spaces("`".join(parts))


def without_code_marks(text: str) -> str:
    return text.replace("`", "")


def one_line(text: str) -> str:
    """Return the text without code marks, in one line."""
    return " ".join(without_code_marks(text).split())


def code_spans(text: str) -> list[str]:
    """Return the contents of the code spans, in order."""
    return [found.strip() for found in _CODE.findall(text) if found.strip()]


def outside_code(text: str) -> str:
    """Return the text with a blank instead of each code span."""
    return _CODE.sub(" ", text)
