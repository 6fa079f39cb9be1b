"""Allowed targets of outbound calls: the protection against server-side request forgery (SSRF).

Checks URLs, and the network addresses behind their host names."""

import ipaddress
import logging
import re
import socket
import threading
from urllib.parse import SplitResult, quote, urljoin, urlsplit, urlunsplit

from apps.common.http.calls import Deadline, OutboundFailedError, OutboundRefusedError, Policy
from apps.common.http.proxies import Network

log = logging.getLogger(__name__)

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address

DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_URL_LENGTH = 8000
# Serves instance credentials on Azure although the address looks public.
_METADATA = frozenset({ipaddress.ip_address("168.63.129.16")})
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNUSUAL_IN_URL = re.compile(r"[\x00-\x20\x7f\\]")


def parse_networks(text: str) -> tuple[Network, ...]:
    """Parse a list of networks, separated by commas or spaces, such as `10.0.0.0/8 fd00::/8`.
    Raises ValueError with a sentence for users."""
    networks: list[Network] = []
    for entry in re.split(r"[,\s]+", text.strip()):
        if not entry:
            continue
        try:
            networks.append(ipaddress.ip_network(entry))
        except ValueError:
            raise ValueError(
                f"'{entry}' is not a valid network. Use a form such as 10.0.0.0/8 or 192.0.2.7/32."
            ) from None
    return tuple(networks)


def check_address(url: str) -> None:
    """Check a URL that a user entered before it is stored. Raises OutboundRefusedError. Its host is
    resolved and checked at each call."""
    checked_url(url, trusted=False)


def checked_url(url: str, *, trusted: bool) -> SplitResult:
    """Split a URL and check its scheme, host and port. `trusted` marks a URL that the operator
    configured, which may be a file on the server. Raises OutboundRefusedError."""
    if len(url) > _MAX_URL_LENGTH or _UNUSUAL_IN_URL.search(url):
        raise OutboundRefusedError(
            "The URL is too long or contains spaces, control characters or backslashes. Correct it."
        )
    try:
        url_parts = urlsplit(url)
        port = url_parts.port
    except ValueError:
        raise OutboundRefusedError(
            f"'{url[:60]}' is not a valid URL. Enter it as https://host/path."
        ) from None
    if url_parts.scheme == "file":
        if not trusted:
            raise OutboundRefusedError(
                f"'{url}' is a file on the server. Only the operator can configure a file."
            )
        return url_parts
    if url_parts.scheme not in DEFAULT_PORTS:
        raise OutboundRefusedError(
            f"'{safe_url(url_parts)}' is not an http or https URL. Enter it as https://host/path."
        )
    if url_parts.username is not None or url_parts.password is not None:
        raise OutboundRefusedError(
            "The URL contains a username or password. Remove the part before the @."
        )
    if not url_parts.hostname or port == 0:
        raise OutboundRefusedError(
            f"'{safe_url(url_parts)}' does not contain a host. Enter it as https://host/path."
        )
    return url_parts


def redirect_target(current: SplitResult, location: str) -> SplitResult:
    """Return the checked target of a redirect. Raises OutboundRefusedError if it is less secure
    than the current URL."""
    # Servers send unescaped spaces and non-ASCII characters here; escape them as browsers do.
    absolute = urljoin(urlunsplit(current), quote(location.strip(), safe="%/:=&?~#+!$,;'@()*[]"))
    target = checked_url(absolute, trusted=False)
    if current.scheme == "https" and target.scheme == "http":
        raise OutboundRefusedError(
            f"{safe_url(current)} redirects from https to plain http ({safe_url(target)}). "
            "Enter an https URL."
        )
    return target


def origin_of(url_parts: SplitResult) -> tuple[str, str, int]:
    return url_parts.scheme, url_parts.hostname or "", port_of(url_parts)


def port_of(url_parts: SplitResult) -> int:
    return url_parts.port or DEFAULT_PORTS[url_parts.scheme]


def ascii_host(url_parts: SplitResult) -> str:
    """Return the host as it is sent: international names in ASCII form. Raises OutboundRefusedError
    if it is not valid."""
    host = url_parts.hostname or ""
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        raise OutboundRefusedError(f"'{host[:60]}' is not a valid host name. Correct it.") from None


def safe_url(url_parts: SplitResult) -> str:
    """Return the URL for messages, without user, password and query, which can contain secrets."""
    return urlunsplit(
        (url_parts.scheme, url_parts.netloc.rpartition("@")[2], url_parts.path, "", "")
    )


def _embedded_ipv4(address: Address) -> Address:
    """Return the IPv4 address embedded in an IPv6 address that a gateway would translate; otherwise
    the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    # ::a.b.c.d is an obsolete "IPv4-compatible" address; ::1 and :: are not.
    if address in _NAT64 or (int(address) >> 32 == 0 and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def refusal_reason(address: Address, policy: Policy, *, trusted: bool) -> str | None:
    """Return in a word or two why a connection to the address is not allowed; None if it is
    allowed.

    A trusted address may be private or this machine. Link-local (where clouds serve credentials),
    multicast and reserved addresses host no service that an operator would configure, so they need
    `allowed_networks`.
    """
    address = _embedded_ipv4(address)
    if any(
        address.version == network.version and address in network
        for network in policy.allowed_networks
    ):
        return None
    if address in _METADATA or address.is_link_local:
        return "a link-local or cloud metadata address"
    if address.is_multicast:
        return "a multicast address"
    if address.is_unspecified:
        return "an unspecified address"
    if address.is_loopback:
        return None if trusted else "the server itself"
    if address.is_reserved or (
        isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    ):
        return "a reserved address"
    if not address.is_global:
        return None if trusted else "a private address"
    return None


def resolve_host(host: str, port: int, clock: Deadline, seconds: float) -> list[Address]:
    """Return all addresses of a host from one DNS lookup. `getaddrinfo` has no timeout, so it runs
    in a thread, which is abandoned after `seconds`."""
    addresses: list[Address] = []
    errors: list[OSError | UnicodeError] = []

    def look_up() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            errors.append(error)
            return
        for entry in entries:
            address = ipaddress.ip_address(str(entry[4][0]))
            if address not in addresses:
                addresses.append(address)

    thread = threading.Thread(target=look_up, name=f"lookup {host}", daemon=True)
    thread.start()
    thread.join(clock.within(seconds))
    if thread.is_alive():
        raise OutboundFailedError(
            f"The DNS lookup of {host} timed out. Check the DNS settings of the server."
        )
    if errors or not addresses:
        raise OutboundFailedError(
            f"The name {host} does not resolve. Check its spelling and the DNS settings of "
            "the server."
        )
    return addresses


def allowed_addresses(
    url_parts: SplitResult, policy: Policy, clock: Deadline, *, trusted: bool
) -> list[Address]:
    """Return the addresses of a host to which a connection is allowed. `trusted` marks a host that
    the operator configured, which may be this server or in a private network. Raises
    OutboundRefusedError if there are none."""
    host = url_parts.hostname or ""
    reasons: list[str] = []
    allowed: list[Address] = []
    for address in resolve_host(host, port_of(url_parts), clock, policy.connect_timeout):
        reason = refusal_reason(address, policy, trusted=trusted)
        if reason is None:
            allowed.append(address)
        else:
            reasons.append(reason)
    if not allowed:
        raise OutboundRefusedError(
            f"{host} is {reasons[0]}. Only public addresses are allowed, or networks in "
            "OUTBOUND_ALLOWED_NETWORKS."
        )
    return allowed


def check_before_proxy(
    url_parts: SplitResult, policy: Policy, clock: Deadline, *, trusted: bool
) -> None:
    """Refuse targets that are visibly not public, unless the operator configured them (`trusted`).
    A name that does not resolve here is left to the proxy to check."""
    host = url_parts.hostname or ""
    try:
        allowed_addresses(url_parts, policy, clock, trusted=trusted)
    except OutboundFailedError as error:
        if _resembles_address(host):
            raise OutboundRefusedError(
                f"{host} is not a host name that can be sent to a proxy. {error}"
            ) from None
        log.debug("outbound name left to the proxy", extra={"host": host})


def _resembles_address(host: str) -> bool:
    """Return whether a host is an unusual spelling of an IP address, or of this machine, that a
    proxy might understand."""
    last = host.rstrip(".").rpartition(".")[2]
    return (
        ":" in host
        or "%" in host
        or last.isdecimal()
        or last.startswith("0x")
        or last == "localhost"
    )
