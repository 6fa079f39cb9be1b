"""How an address of this interface says that it will go: `Deprecation` (RFC 9745), `Sunset` (RFC
8594), and a link to what takes its place. A view, or one action of it, names a `Deprecation`; the
OpenAPI document then marks it as deprecated."""

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpResponseBase
from django.utils.http import http_date


@dataclass(frozen=True, slots=True)
class Deprecation:
    """Better not used since `since`, and gone at `ends`; `successor` is the address to use
    instead."""

    since: datetime
    ends: datetime
    successor: str = ""

    def add_headers(self, response: HttpResponseBase) -> None:
        response["Deprecation"] = f"@{int(self.since.timestamp())}"
        response["Sunset"] = http_date(self.ends.timestamp())
        if self.successor:
            response["Link"] = f'<{self.successor}>; rel="successor-version"'
