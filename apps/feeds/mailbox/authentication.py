"""Authentication-Results of the receiving email server (RFC 8601). Plain Python.

Any sender can write such a header. A receiving server adds its own above all others, so only the
topmost one of the configured server counts.
"""

import re
from collections.abc import Iterator, Sequence

# a value longer than this is no result of a server
_MAX_LENGTH = 20_000
# possessive, so that a long value costs one look at each character
_PROPERTY = re.compile(r'(?<![\w.-])([\w.-]++)\s*+=\s*+("(?:[^"\\]|\\.)*+"|[^\s"]++)')
_METHOD_VERSION = re.compile(r"\A\s*([\w-]+)\s*/\s*\d+\s*=")


def signing_domains(values: Sequence[str], *, server: str) -> tuple[str, ...]:
    """Return the domains with a valid DKIM signature, in lower case, by the topmost header of the
    server.

    `values` are the headers from top to bottom. Empty if the server wrote none or found no valid
    signature.
    """
    for value in values:
        if len(value) > _MAX_LENGTH:
            continue
        name, *results = _split_results(value)
        # a version number can follow the name
        words = name.split()
        if words and words[0].strip('"').lower() == server.lower():
            return tuple(dict.fromkeys(filter(None, map(_signing_domain, results))))
    return ()


def is_aligned(signing_domain: str, sender_domain: str) -> bool:
    """Return whether a signature of the one domain vouches for a sender at the other: the same
    domain or one below it."""
    return "." in signing_domain and f".{sender_domain}".endswith(f".{signing_domain}")


def _signing_domain(result: str) -> str:
    """Return the domain of a passed DKIM result; "" for any other result."""
    properties: list[tuple[str, str]] = _PROPERTY.findall(_METHOD_VERSION.sub(r"\1=", result))
    if not properties or (properties[0][0].lower(), properties[0][1].lower()) != ("dkim", "pass"):
        return ""
    values = {name.lower(): value.strip('"').lower() for name, value in reversed(properties)}
    domain = values.get("header.d") or values.get("header.i", "").rpartition("@")[2]
    return domain.rstrip(".")


def _split_results(value: str) -> list[str]:
    """Return the parts between semicolons, without comments; quoted texts stay whole."""
    parts = [""]
    depth = 0
    for lexeme in _lexemes(value):
        if lexeme == "(":
            depth += 1
        elif lexeme == ")" and depth:
            depth -= 1
        elif not depth:
            if lexeme == ";":
                parts.append("")
            else:
                parts[-1] += lexeme
    return parts


def _lexemes(value: str) -> Iterator[str]:
    """Yield quoted texts as a whole, and all other characters; an escaped character keeps its
    backslash. A quotation mark inside a comment begins no text."""
    position, depth = 0, 0
    while position < len(value):
        lexeme = value[position]
        if lexeme == "\\":
            lexeme = value[position : position + 2]
        elif lexeme == '"' and not depth:
            end = position + 1
            while end < len(value) and value[end] != '"':
                end += 2 if value[end] == "\\" else 1
            lexeme = value[position : end + 1]
        elif lexeme == "(":
            depth += 1
        elif lexeme == ")":
            depth = max(0, depth - 1)
        yield lexeme
        position += len(lexeme)
