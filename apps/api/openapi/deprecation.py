"""Deprecation of endpoints: `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and a link to the
successor. A view, or one of its actions, has a `Deprecation`; the OpenAPI document marks it as
deprecated."""

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpResponseBase
from django.utils.http import http_date


@dataclass(frozen=True, slots=True)
class Deprecation:
    """An endpoint that is deprecated since `since` and removed at `ends`; `successor` is the URL to
    use instead."""

    since: datetime
    ends: datetime
    successor: str = ""

    def add_headers(self, response: HttpResponseBase) -> None:
        response["Deprecation"] = f"@{int(self.since.timestamp())}"
        response["Sunset"] = http_date(self.ends.timestamp())
        if self.successor:
            response["Link"] = f'<{self.successor}>; rel="successor-version"'
