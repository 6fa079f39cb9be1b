"""modeldeprecations.dev parser: a curated list of models with dates, status and replacements.

The publisher computes a `computed_status` when the page is built: it treats earliest dates as
announced ones and becomes stale between builds, so it is not read. The status that its editors
wrote (`status`) and the dates are.

A retired model whose announcement and retirement are on the same day is accepted here: such rows
are models switched off without notice (six in August 2026, each with the provider's page as its
source). The same coincidence for a future date, or on a model that is not retired, is a clerical
error."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from apps.catalog.claims.feed_rows import FIRM, NOT_BEFORE, FeedRow, LifecycleClaim, ParsedFeed
from apps.feeds.parsers.dates import UnclearDateError, read_iso_day
from apps.feeds.parsers.payload import (
    MAX_API_ID_LENGTH,
    MAX_EXTERNAL_ID_LENGTH,
    InvalidPayloadError,
    ParsedRows,
    duplicate_keys,
    host_of,
    is_storable,
    load_json,
    rejected_row,
    safe_url,
    text_of,
)

URL = "https://modeldeprecations.dev/api/v1/models.json"

# Until August 2026 the feed called these hosts by the name of their company.
_FORMER_PROVIDERS = {"amazon": "bedrock", "qwen": "alibaba"}
_STATUSES = frozenset({"active", "deprecated", "retired", "preview"})
# A date in the far future that means "none".
_PLACEHOLDER = re.compile(r"(?:209\d|2[1-9]\d\d|[3-9]\d\d\d)-\d\d-\d\d", re.ASCII)
_EXCERPT_FIELDS = (
    "status",
    "released_on",
    "deprecated_on",
    "shutdown_on",
    "earliest_shutdown_on",
    "last_verified",
)
_MAX_ALIASES = 50


def parse(body: bytes) -> ParsedFeed:
    """Parse the list into rows, each with its lifecycle; the feed has no prices.

    `lifecycle` is None if dates and status contradict each other; a RejectedRow has the reason.
    InvalidPayloadError if the body is not such a list, or has fewer or more rows than it states."""
    document = load_json(body)
    models = document.get("models") if isinstance(document, dict) else None
    if (
        not isinstance(document, dict)
        or not isinstance(models, list)
        or "models" in duplicate_keys(document)
    ):
        raise InvalidPayloadError(
            "modeldeprecations.dev must be a JSON object with a list of models. Check the URL."
        )
    count = document.get("count")
    if isinstance(count, int) and count != len(models):
        raise InvalidPayloadError(
            f"modeldeprecations.dev states {count} models but lists {len(models)}, so its page "
            "is incomplete. The last good data is kept. The next poll tries again."
        )
    as_of = _parse_build_time(document)
    collector = ParsedRows.empty()
    for external_id, copies in _index_by_key(models, collector).items():
        if any(copy != copies[0] for copy in copies[1:]):
            reason = f"The feed contains the row {len(copies)} times with different content."
            collector.rejects.append(rejected_row(external_id, reason, copies[0]))
            continue
        row = _parse_row(external_id, copies[0], collector, as_of)
        collector.rows.append(row)
        collector.host_names.setdefault(row.host, _find_host(copies[0]["provider"])[1])
    return replace(collector.done(), as_of=as_of)


def _parse_build_time(document: dict[str, Any]) -> datetime | None:
    """Return the time at which the page was built, midnight UTC if it states only the date; None if
    neither can be parsed."""
    try:
        moment = datetime.fromisoformat(text_of(document.get("generatedAt"), 40))
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    try:
        day = read_iso_day(document.get("asOf"))
    except UnclearDateError:
        return None
    return datetime.combine(day, time(), UTC) if day else None


def _find_host(provider: str) -> tuple[str, str]:
    return host_of(_FORMER_PROVIDERS.get(provider.strip().lower(), provider))


def _index_by_key(models: list[Any], collector: ParsedRows) -> dict[str, list[dict[str, Any]]]:
    """Index rows by `provider/model`; other elements are quarantined, under their place in the list
    if they have no key."""
    rows_by_key: dict[str, list[dict[str, Any]]] = {}
    for index, raw in enumerate(models):
        provider = raw.get("provider") if isinstance(raw, dict) else None
        model = raw.get("model") if isinstance(raw, dict) else None
        if (
            not isinstance(provider, str)
            or not isinstance(model, str)
            or not _find_host(provider)[0]
        ):
            collector.rejects.append(
                rejected_row(f"row {index}", "The row has no provider and model.", raw)
            )
            continue
        external_id = f"{provider}/{model}"
        if not is_storable(external_id) or not is_storable(model):
            collector.rejects.append(
                rejected_row(
                    external_id,
                    "The key of the row is empty or contains unprintable characters.",
                    raw,
                )
            )
        elif len(external_id) > MAX_EXTERNAL_ID_LENGTH or len(model) > MAX_API_ID_LENGTH:
            collector.rejects.append(
                rejected_row(external_id, "The key of the row is too long for an ID.", raw)
            )
        elif duplicates := duplicate_keys(raw):
            keys = ", ".join(sorted(duplicates))
            collector.rejects.append(
                rejected_row(
                    external_id, f"The row contains {keys} twice with different values.", raw
                )
            )
        else:
            rows_by_key.setdefault(external_id, []).append(raw)
    return rows_by_key


def _parse_row(
    external_id: str, raw: dict[str, Any], collector: ParsedRows, as_of: datetime | None
) -> FeedRow:
    """Return the row of a model; an unreadable or contradictory lifecycle is quarantined in
    `collector` and left out. `as_of` is the time of the document."""
    host = _find_host(raw["provider"])[0]
    return FeedRow(
        external_id=external_id,
        # The feed renamed providers; their hosts stayed the same.
        group=host,
        host=host,
        api_id=raw["model"].strip(),
        name=text_of(raw.get("name"), 300),
        lifecycle=_parse_lifecycle(external_id, raw, collector, as_of),
        source_url=_find_source_url(raw.get("sources")),
        excerpt=_build_excerpt(raw),
        released_on=_parse_release_day(raw),
    )


def _build_excerpt(raw: dict[str, Any]) -> dict[str, Any]:
    excerpt: dict[str, Any] = {
        key: text_of(raw[key], 300) for key in _EXCERPT_FIELDS if isinstance(raw.get(key), str)
    }
    aliases = raw.get("aliases")
    texts = (
        [text_of(alias, MAX_API_ID_LENGTH) for alias in aliases]
        if isinstance(aliases, list)
        else []
    )
    if alias_texts := [text for text in texts if text][:_MAX_ALIASES]:
        excerpt["aliases"] = alias_texts
    return excerpt


def _find_source_url(sources: object) -> str:
    """Return the first page that supports the row and can be linked."""
    addresses = [
        safe_url(source.get("url"))
        for source in (sources if isinstance(sources, list) else [])
        if isinstance(source, dict)
    ]
    return next((address for address in addresses if address.startswith("https://")), "")


def _parse_lifecycle(
    external_id: str, raw: dict[str, Any], collector: ParsedRows, as_of: datetime | None
) -> LifecycleClaim | None:
    """Return the lifecycle of a row; None if its shutdown dates are unreadable or contradict other
    values, which quarantines it. An unreadable announcement is quarantined alone."""
    try:
        shutdown_on, earliest_on = (
            _parse_day(raw.get("shutdown_on")),
            _parse_day(raw.get("earliest_shutdown_on")),
        )
    except UnclearDateError as error:
        collector.rejects.append(rejected_row(external_id, f"Shutdown: {error}", raw))
        return None
    announced_on = None
    try:
        announced_on = _parse_day(raw.get("deprecated_on"))
    except UnclearDateError as error:
        # Keep the shutdown date, which is more important than the announcement date.
        collector.rejects.append(rejected_row(external_id, f"Announcement: {error}", raw))
    status = text_of(raw.get("status"), 40).lower()
    reason = _find_contradiction(
        shutdown_on, earliest_on, announced_on, _parse_release_day(raw), status, as_of
    )
    if reason:
        collector.rejects.append(rejected_row(external_id, reason, raw))
        return None
    return LifecycleClaim(
        announced_on=announced_on,
        retires_on=shutdown_on or earliest_on,
        date_kind=FIRM if shutdown_on else NOT_BEFORE if earliest_on else "",
        status=status if status in _STATUSES else "",
        successor=_find_successor(raw),
    )


def _parse_day(value: object) -> date | None:
    """Parse the date of a field; None if absent, empty or a placeholder. Raises UnclearDateError
    for anything else."""
    if isinstance(value, str) and _PLACEHOLDER.fullmatch(value):
        return None
    return read_iso_day(value)


def _parse_release_day(raw: dict[str, Any]) -> date | None:
    """Return the release date; None if it cannot be parsed, since it only serves to check the other
    dates and to tell of releases."""
    try:
        return _parse_day(raw.get("released_on"))
    except UnclearDateError:
        return None


def _find_contradiction(
    shutdown_on: date | None,
    earliest_on: date | None,
    announced_on: date | None,
    released_on: date | None,
    status: str,
    as_of: datetime | None,
) -> str:
    """Return the reason why the dates of a row cannot all be true, as a sentence; "" if they
    can."""
    if shutdown_on and earliest_on:
        return (
            f"The row has the shutdown date {shutdown_on} and the earliest shutdown date "
            f"{earliest_on}. Only one of them can be true."
        )
    retires_on = shutdown_on or earliest_on
    if retires_on is None:
        return ""
    if released_on and retires_on < released_on:
        return f"The shutdown date {retires_on} is before the release date {released_on}."
    # An editor in a time zone further east may enter tomorrow's date.
    is_ahead = as_of is not None and retires_on > as_of.date() + timedelta(days=1)
    if status == "retired" and is_ahead:
        return (
            f"The row has the status retired, but its shutdown date {retires_on} is in the future."
        )
    if shutdown_on and announced_on and shutdown_on < announced_on:
        return f"The shutdown date {shutdown_on} is before its announcement on {announced_on}."
    if shutdown_on and shutdown_on == announced_on and (status != "retired" or is_ahead):
        return (
            f"The shutdown date {shutdown_on} equals its announcement date, but the model is not "
            "retired."
        )
    return ""


def _find_successor(raw: dict[str, Any]) -> str:
    """Return the recommended replacement, otherwise the first: `model`, or `provider/model` if the
    host is another one; "" without a replacement."""
    replacements = raw.get("replacements")
    candidates = [
        candidate
        for candidate in (replacements if isinstance(replacements, list) else [])
        if isinstance(candidate, dict) and text_of(candidate.get("model"), 300)
    ]
    replacement = next(
        (candidate for candidate in candidates if candidate.get("recommended") is True),
        candidates[0] if candidates else None,
    )
    if replacement is None:
        return ""
    model, provider = text_of(replacement["model"], 300), text_of(replacement.get("provider"), 100)
    is_other_host = replacement.get("external") is True or (
        provider and _find_host(provider)[0] != _find_host(raw["provider"])[0]
    )
    return f"{provider}/{model}"[:300] if provider and is_other_host else model
