"""Replay of a recorded feed history through the pipeline: the function of beat and `poll`, with
recorded responses in place of the network."""

import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from apps.catalog.models import Source
from apps.common.time import now, parse_moment
from apps.feeds.models import PollState
from apps.feeds.parsers import Adapter
from apps.feeds.polls.client import FetchResult
from apps.feeds.polls.pipeline import Fetch, PollResult, claim_run, queue_run, run_poll


class InvalidManifestError(Exception):
    """A line of the manifest that cannot be parsed; the message has its number and the error."""


@dataclass(frozen=True, slots=True)
class RecordedResponse:
    """One recorded response: time, status, headers, and the file of its body (None without one)."""

    at: datetime
    status: int = 200
    path: Path | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def read_manifest(manifest: Path) -> list[RecordedResponse]:
    """Parse the observations of a JSON Lines manifest, which must be in chronological order."""
    responses: list[RecordedResponse] = []
    try:
        text = manifest.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidManifestError(
            f"{manifest.name} is not a text file: byte {error.start + 1} is not UTF-8. Check the "
            "file."
        ) from None
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            at = parse_moment(entry["at"])
            status = int(entry.get("status", 200))
            path = manifest.parent / entry["path"] if entry.get("path") else None
            headers = {
                str(key).lower(): str(value) for key, value in (entry.get("headers") or {}).items()
            }
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidManifestError(
                f"Line {number} of {manifest.name} cannot be read: {error}. Correct the line."
            ) from None
        if responses and at < responses[-1].at:
            raise InvalidManifestError(
                f"Line {number} of {manifest.name} is earlier than the line above it. Sort the "
                "lines by 'at'."
            )
        if path is not None and not path.is_file():
            raise InvalidManifestError(
                f"Line {number} of {manifest.name}: the file {entry['path']} does not exist. "
                "Check the path."
            )
        responses.append(RecordedResponse(at, status, path, headers))
    if not responses:
        raise InvalidManifestError(f"{manifest.name} has no lines. Add at least one observation.")
    return responses


def replay_history(
    source: Source, observations: Iterable[RecordedResponse]
) -> Iterator[PollResult]:
    """Poll `source` once per observation, at its time. The first is the baseline and raises no
    event."""
    for observation in observations:
        run = claim_run(queue_run(source, trigger="replay", at=now()).pk, at=now())
        assert run is not None, "nobody else polls in a scratch database"
        yield run_poll(run, fetch=_fetch_recorded(observation), at=observation.at, url="")


def _fetch_recorded(observation: RecordedResponse) -> Fetch:
    """Return a fetch function that returns the recorded response instead of making a request."""

    def fetch(state: PollState, adapter: Adapter) -> FetchResult:
        if observation.status == 304:
            return FetchResult("unchanged", 304)
        if observation.status != 200 or observation.path is None:
            return FetchResult(
                "failed",
                observation.status,
                error=f"The recorded response has the status {observation.status}.",
            )
        body = observation.path.read_bytes()
        if body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)
        return FetchResult(
            "new",
            200,
            body=body,
            etag=observation.headers.get("etag"),
            last_modified=observation.headers.get("last-modified"),
            digest=hashlib.sha256(body).hexdigest(),
            bytes_on_wire=len(body),
        )

    return fetch
