"""The IP address of a request and the network around it: one rule for rate limits, account events
and the web server, independent of Django."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

# prefix length of a network that one household, office or server room usually has to itself
NETWORK_BITS = {4: 24, 6: 48}


def client_address(environ: Mapping[str, Any], *, n_proxies: int) -> str:
    """Return the client's IP address as the outermost of `n_proxies` trusted proxies saw it; empty
    if it is unknown."""
    if n_proxies:
        hops = str(environ.get("HTTP_X_FORWARDED_FOR", "")).split(",")
        if forwarded_address := hops[-min(n_proxies, len(hops))].strip():
            return forwarded_address
    return str(environ.get("REMOTE_ADDR", ""))


def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the IP address in `text`, with or without a port; None if there is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    ipv4_address = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return ipv4_address or address


def network_of(address: IPv4Address | IPv6Address | None) -> str:
    """Return the /24 (IPv4) or /48 (IPv6) around the address; empty without one."""
    if address is None:
        return ""
    return str(ip_network((address, NETWORK_BITS[address.version]), strict=False))
