"""Parts of pages that tests of several pages read."""

import re

from django.http import HttpResponse


def headline_of(response: HttpResponse) -> str:
    """Return the lead sentence of the page, its finding."""
    heading = re.search(r'<p class="sentence"[^>]*>(.*?)</p>', response.content.decode(), re.S)
    assert heading is not None, "the page has no lead sentence"
    return " ".join(re.sub(r"<[^>]+>", "", heading[1]).split())


def drawing_titles(response: HttpResponse, part: str) -> list[str]:
    """Return the titles of the page and its drawings that contain `part`."""
    titles = re.findall(r"<title[^>]*>(.*?)</title>", response.content.decode(), re.S)
    return [title for title in titles if part in title]
