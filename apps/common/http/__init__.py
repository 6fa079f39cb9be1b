"""The one outbound HTTP client: every call the product makes to the outside goes through `fetch`.

HTTP, TLS and tunnels are urllib3's. Ours is the policy: the connection is opened to the very address that was
checked, each redirect is checked again, and one deadline and one byte count hold for everything that is read,
headers included.

The caller passes a `Policy`; `installation_policy` makes one of the settings. What goes wrong is one of three
exceptions, each with a sentence for people.
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
    retry_after_seconds,
)
from apps.common.http.fetching import fetch
from apps.common.http.installation import installation_policy
from apps.common.http.proxies import parse_proxy

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
    "installation_policy",
    "parse_networks",
    "parse_proxy",
    "retry_after_seconds",
]
