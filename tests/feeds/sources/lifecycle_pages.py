"""Small lifecycle pages in Markdown, for tests of sources that are pages."""

from collections.abc import Mapping, Sequence

HOST = "acme"
MAPPING = {"host": HOST}
HEADERS = ("Model", "Shutdown date", "Recommended replacement")


def table(rows: Sequence[Sequence[str]], headers: Sequence[str] = HEADERS) -> str:
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def page(sections: Mapping[str, str]) -> bytes:
    """Return a page with one table below each heading."""
    blocks = [f"## {heading}\n\n{text}\n" for heading, text in sections.items()]
    return ("# Deprecations\n\n" + "\n".join(blocks)).encode()


def models(n: int, *, first: int = 0, **days: str) -> list[list[str]]:
    """Return rows of `acme-0`, `acme-1`, …; `days` are {m_1: shutdown date},
    otherwise 2027-06-01."""
    return [
        [f"`acme-{i}`", days.get(f"m_{i}", "2027-06-01"), "`acme-99`"]
        for i in range(first, first + n)
    ]


def two_tables(**days: str) -> bytes:
    """Return a page with 12 rows below "Chat models" and 4 below "Audio models"."""
    return page(
        {
            "Chat models": table(models(12, **days)),
            "Audio models": table(models(4, first=12, **days)),
        }
    )
