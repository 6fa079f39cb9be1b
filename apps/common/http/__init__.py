"""The one outbound HTTP client: every call the product makes to the outside goes through `fetch`.

It is built on the standard library because the two things that matter here stand below what HTTP libraries
offer: the socket is opened to the very address that was checked, and one deadline and one byte count hold
for everything that is read from it, headers included.

Nothing here knows settings: the caller passes a `Policy`. What goes wrong is one of three exceptions, each
with a sentence for people.
"""

from apps.common.http.addresses import check_address, forbidden, parse_networks
from apps.common.http.calls import (
    MEBIBYTE,
    USER_AGENT,
    OutboundError,
    OutboundFailed,
    OutboundRefused,
    Policy,
    Request,
    Response,
    TooLarge,
)
from apps.common.http.fetching import fetch, retry_after_seconds

__all__ = [
    "MEBIBYTE",
    "USER_AGENT",
    "OutboundError",
    "OutboundFailed",
    "OutboundRefused",
    "Policy",
    "Request",
    "Response",
    "TooLarge",
    "check_address",
    "fetch",
    "forbidden",
    "parse_networks",
    "retry_after_seconds",
]
