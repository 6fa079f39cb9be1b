"""Limits of the web server: sizes, rates and times, each with its reason. docs/operator.md shows
them."""

from collections.abc import Mapping
from dataclasses import dataclass

KIB, MIB, GIB = 1024, 1024**2, 1024**3

# --- connections, of one worker ---
# each costs a descriptor and at most 0.5 MiB of buffers; a proxy keeps a few dozen open
MAX_CONNECTIONS = 512
# waiting to be accepted, while a worker is replaced for example; the system's own limit is usually
# 4096
BACKLOG = 2048
# a head comes in one packet or two; an idle connection is closed after the same time
HEAD_TIMEOUT = 15.0

# --- bodies of requests --- a body is rejected at less than 1 KiB/s over half a minute, and after a
# pause of that length
MIN_BODY_RATE = 1 * KIB
BODY_RATE_INTERVAL = 30.0
# a longer body goes to a file, and only once its session or token has proved to be real;
# unauthenticated clients can occupy 256 connections times this
MAX_BODY_IN_MEMORY = 256 * KIB
# written to the file at a time
SPOOL_BLOCK = 1 * MIB
# of all bodies being read or worked through, of one worker: the longest that there is, and room
# beside it
MAX_SPOOLED_BODIES = 2 * GIB
# bodies being read at a time, of one worker: half of the connections, so that others can still read
# pages
MAX_BODIES = MAX_CONNECTIONS // 2
# once there are as many, one of the address that sends most of them is given up for the next, if it
# had so long
MIN_BODY_TIME = 5.0
# asking whether a session or token is real takes milliseconds
CREDENTIALS_TIMEOUT = 5.0

# seconds for which data still being sent is discarded after a rejection, unless the client pauses
LINGER_TIMEOUT = 2.0
LINGER_PAUSE = 0.25
MAX_LINGER_BYTES = 4 * MIB

# --- waiting for a request thread --- some ten seconds of work at 50 ms a page and four threads; in
# a longer queue clients would have given up
MAX_QUEUED = 1024
QUEUE_TIMEOUT = 30.0
RETRY_AFTER = 5

# --- answers --- pages and lists of fifty rows fit; given to the connection immediately, which
# frees the thread
MAX_DIRECT_ANSWER = 256 * KIB
# a streamed answer shows itself after this long, so that no proxy gives up on it
FIRST_BLOCK_TIMEOUT = 1.0
# a block of an answer: over 3 KiB/s, or the connection is closed
SEND_BLOCK = 64 * KIB
SEND_TIMEOUT = 20.0
# answers that clients have not taken yet, of one worker; beyond it a thread waits for its client,
# SEND_TIMEOUT at most
MAX_SPOOLED_ANSWERS = 1 * GIB

# --- processes ---
# after SIGTERM, for requests in flight
STOP_TIMEOUT = 30


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """Limit of a body by kind of caller: the maximum length in bytes, and the seconds in which all
    of it must arrive."""

    max_bytes: int
    timeout: float
    advice: str

    @property
    def sentence(self) -> str:
        n, unit = (
            (self.max_bytes // KIB, "KiB")
            if self.max_bytes < MIB
            else (self.max_bytes // MIB, "MiB")
        )
        return f"The body of this request is larger than {n} {unit}. {self.advice}"


# forms of strangers are sign-in, password reset and answers to links in mail: one to four KiB
STRANGER = BodyLimit(64 * KIB, 30, "Sign in, or send an API token, for a higher limit.")
# the same forms, and those of passwords and two-factor authentication, with or without a session
ACCOUNT = BodyLimit(64 * KIB, 30, "Forms of the registry are smaller.")
# the largest file that is taken is a workbook of 64 MiB; the rest is the form around it. A quarter
# of an hour is 0.6 Mbit/s; most endpoints accept less, and state their limit
KNOWN = BodyLimit(65 * MIB, 900, "Compress it (Content-Encoding: gzip) or split it.")
# a row a line (apps/api/bulk/row_stream.py): a million rows; an hour is 2.4 Mbit/s
BULK = BodyLimit(1 * GIB, 3600, "Send the rows in parts.")


def body_limit(path: str, headers: Mapping[str, str], *, session_cookie: str) -> BodyLimit:
    """Return the limit for a caller that presents a session or a token, or neither; nothing is
    verified yet."""
    if path.startswith("/accounts/"):
        return ACCOUNT
    if not presents_credentials(headers, session_cookie=session_cookie):
        return STRANGER
    return BULK if path.startswith("/api/") and path.rstrip("/").endswith("/bulk") else KNOWN


def presents_credentials(headers: Mapping[str, str], *, session_cookie: str) -> bool:
    """Return whether a request carries a possible token or session, by names of headers and cookie
    alone."""
    if "HTTP_AUTHORIZATION" in headers or "HTTP_X_API_KEY" in headers:
        return True
    cookies = headers.get("HTTP_COOKIE", "")
    return any(cookie.partition("=")[0].strip() == session_cookie for cookie in cookies.split(";"))
