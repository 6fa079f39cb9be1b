"""The operator's proxy for outbound calls, and the hosts that are called without it."""

import base64
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

type Network = ipaddress.IPv4Network | ipaddress.IPv6Network

DEFAULT_PROXY_PORT = 3128
# `*` for all hosts, or a domain with its subdomains, optionally with a port
_BYPASSED_NAME = re.compile(r"\*|(\*?\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?(:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy for all calls except those to the bypassed hosts. Its credentials are only in
    `headers`, which no repr shows."""

    host: str
    port: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    bypassed_names: tuple[str, ...] = ()
    bypassed_networks: tuple[Network, ...] = ()

    def serves(self, host: str, port: int) -> bool:
        """Return whether calls to this host and port use the proxy. Bypassed networks apply to IP
        addresses, not to names."""
        host = host.lower().rstrip(".")
        if "*" in self.bypassed_names:
            return False
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return not any(_covers(name, host, port) for name in self.bypassed_names)
        return not any(address in network for network in self.bypassed_networks)


def _covers(name: str, host: str, port: int) -> bool:
    """Return whether a bypassed name, such as `example.org` or `example.org:8443`, is this host or
    a parent domain of it."""
    name, _, its_port = name.partition(":")
    return its_port in {"", str(port)} and f".{host}".endswith(f".{name}")


def parse_proxy(url: str, no_proxy: str = "") -> Proxy | None:
    """Parse `http://[user:password@]host[:port]`; None for an empty text. Raises ValueError with a
    sentence that repeats no part of the URL, which can contain a password."""
    if not url.strip():
        return None
    try:
        url_parts = urlsplit(url.strip())
        port = url_parts.port or DEFAULT_PROXY_PORT
    except ValueError:
        url_parts, port = urlsplit(""), 0
    if (
        url_parts.scheme != "http"
        or not url_parts.hostname
        or url_parts.path.strip("/")
        or url_parts.query
        or url_parts.fragment
    ):
        raise ValueError(
            "OUTBOUND_PROXY must be http://host:port or http://user:password@host:port. "
            "Encode characters such as @ in the password as %40."
        )
    headers: dict[str, str] = {}
    if url_parts.username is not None:
        login = f"{unquote(url_parts.username)}:{unquote(url_parts.password or '')}".encode()
        headers["Proxy-Authorization"] = "Basic " + base64.b64encode(login).decode("ascii")
    names: list[str] = []
    networks: list[Network] = []
    for entry in re.split(r"[,\s]+", no_proxy.lower().strip()):
        try:
            networks.append(ipaddress.ip_network(entry.strip("[]"), strict=False))
        except ValueError:
            if entry and not _BYPASSED_NAME.fullmatch(entry):
                raise ValueError(
                    f"OUTBOUND_NO_PROXY: '{entry}' is not a valid entry. Use a host such as "
                    "example.org, an IP address, or a network such as 10.0.0.0/8."
                ) from None
            if entry:
                names.append(entry.removeprefix("*.").strip(".").replace(".:", ":"))
    return Proxy(url_parts.hostname, port, headers, tuple(names), tuple(networks))
