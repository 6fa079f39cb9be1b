"""Service URLs from the environment (database, cache, broker and others); plain Python, no
Django."""

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

SMTP_SCHEMES = {
    "smtp": {},
    "smtp+tls": {"use_tls": True},
    "submission+tls": {"use_tls": True},
    "smtps": {"use_ssl": True},
}
PLAIN_BACKENDS = {"consolemail": "console", "memorymail": "locmem", "dummymail": "dummy"}


class BadAddress(ValueError):
    """Error: a URL in the environment cannot be used; the text states the expected form."""


def mailer(url: str, *, timeout_seconds: int = 20) -> dict[str, Any]:
    """Return one entry of Django's MAILERS from a URL.

    `smtp://[user:password@]host[:port]`, `smtp+tls://` (STARTTLS, also spelt `submission+tls://`),
    `smtps://` (TLS from the first byte), `filemail:///folder` (one .eml file per message),
    `consolemail://`, `memorymail://`, `dummymail://`. User and password are percent-encoded."""
    url_parts = urlsplit(url)
    if url_parts.scheme == "filemail":
        return {
            "BACKEND": "apps.common.email_backend.EmlFileBackend",
            "OPTIONS": {"folder": unquote(url_parts.path)},
        }
    if url_parts.scheme in PLAIN_BACKENDS:
        return {
            "BACKEND": f"django.core.mail.backends.{PLAIN_BACKENDS[url_parts.scheme]}.EmailBackend"
        }
    if url_parts.scheme in SMTP_SCHEMES and url_parts.hostname:
        options: dict[str, Any] = {
            "host": url_parts.hostname,
            "timeout": timeout_seconds,
            **SMTP_SCHEMES[url_parts.scheme],
        }
        if url_parts.port:
            options["port"] = url_parts.port
        if url_parts.username:
            options["username"] = unquote(url_parts.username)
            options["password"] = unquote(url_parts.password or "")
        return {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}
    raise BadAddress(
        "EMAIL_URL must start with smtp://host, smtp+tls://host, smtps://host or "
        "filemail:///folder."
    )


def redis_client_url(broker_url: str, *, database: int | None = None) -> str:
    """Return the broker's URL as its plain client spells it, on another logical database if one is
    named.

    Celery writes unix sockets as `redis+socket:///path?virtual_host=0`, the client as
    `unix:///path?db=0`."""
    url_parts = urlsplit(broker_url)
    if url_parts.scheme in {"redis+socket", "redis+unix", "unix"}:
        query = parse_qs(url_parts.query)
        database_number = (
            database
            if database is not None
            else (query.get("virtual_host") or query.get("db") or ["0"])[0]
        )
        return f"unix://{url_parts.path}?db={database_number}"
    if url_parts.scheme not in {"redis", "rediss"}:
        raise BadAddress("BROKER_URL must start with redis://, rediss:// or redis+socket://.")
    return broker_url if database is None else url_parts._replace(path=f"/{database}").geturl()


def kept_secret(file: Path) -> str:
    """Return the secret in `file`, created on first use and readable by its owner only. For demo
    and development."""
    try:
        return file.read_text()
    except FileNotFoundError:
        pass
    file.parent.mkdir(parents=True, exist_ok=True)
    secret = secrets.token_urlsafe(50)
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(secret)
    try:
        # a link, unlike a rename, fails where another process was first: all of them use the same
        # secret
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return file.read_text()
