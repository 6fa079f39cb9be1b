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
# A day far ahead that means "none".
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

    `lifecycle` is None if dates and status contradict each other, with a Reject that says how.
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
    as_of = _as_of(document)
    harvest = ParsedRows.empty()
    for external_id, copies in _by_key(models, harvest).items():
        if any(copy != copies[0] for copy in copies[1:]):
            reason = f"The feed contains the row {len(copies)} times with different content."
            harvest.rejects.append(rejected_row(external_id, reason, copies[0]))
            continue
        row = _row(external_id, copies[0], harvest, as_of)
        harvest.rows.append(row)
        harvest.host_names.setdefault(row.host, _host(copies[0]["provider"])[1])
    return replace(harvest.done(), as_of=as_of)


def _as_of(document: dict[str, Any]) -> datetime | None:
    """Return when the page was built; midnight if only the date is known."""
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


def _host(provider: str) -> tuple[str, str]:
    return host_of(_FORMER_PROVIDERS.get(provider.strip().lower(), provider))


def _by_key(models: list[Any], harvest: ParsedRows) -> dict[str, list[dict[str, Any]]]:
    """Index rows by `provider/model`; other elements are quarantined, under their place in the list
    if they have no key."""
    found: dict[str, list[dict[str, Any]]] = {}
    for place, raw in enumerate(models):
        provider = raw.get("provider") if isinstance(raw, dict) else None
        model = raw.get("model") if isinstance(raw, dict) else None
        if not isinstance(provider, str) or not isinstance(model, str) or not _host(provider)[0]:
            harvest.rejects.append(
                rejected_row(f"row {place}", "The row has no provider and model.", raw)
            )
            continue
        external_id = f"{provider}/{model}"
        if not is_storable(external_id) or not is_storable(model):
            harvest.rejects.append(
                rejected_row(
                    external_id,
                    "The key of the row is empty or contains unprintable characters.",
                    raw,
                )
            )
        elif len(external_id) > MAX_EXTERNAL_ID_LENGTH or len(model) > MAX_API_ID_LENGTH:
            harvest.rejects.append(
                rejected_row(external_id, "The key of the row is too long for an ID.", raw)
            )
        elif doubled := duplicate_keys(raw):
            keys = ", ".join(sorted(doubled))
            harvest.rejects.append(
                rejected_row(
                    external_id, f"The row contains {keys} twice with different values.", raw
                )
            )
        else:
            found.setdefault(external_id, []).append(raw)
    return found


def _row(
    external_id: str, raw: dict[str, Any], harvest: ParsedRows, as_of: datetime | None
) -> FeedRow:
    host = _host(raw["provider"])[0]
    return FeedRow(
        external_id=external_id,
        # Providers were renamed in the feed; the host they mean was not.
        group=host,
        host=host,
        api_id=raw["model"].strip(),
        name=text_of(raw.get("name"), 300),
        lifecycle=_lifecycle(external_id, raw, harvest, as_of),
        source_url=_source_url(raw.get("sources")),
        excerpt=_excerpt(raw),
    )


def _excerpt(raw: dict[str, Any]) -> dict[str, Any]:
    excerpt: dict[str, Any] = {
        key: text_of(raw[key], 300) for key in _EXCERPT_FIELDS if isinstance(raw.get(key), str)
    }
    aliases = raw.get("aliases")
    texts = (
        [text_of(alias, MAX_API_ID_LENGTH) for alias in aliases]
        if isinstance(aliases, list)
        else []
    )
    if kept := [text for text in texts if text][:_MAX_ALIASES]:
        excerpt["aliases"] = kept
    return excerpt


def _source_url(sources: object) -> str:
    """Return the first page that supports the row and can be linked."""
    addresses = [
        safe_url(source.get("url"))
        for source in (sources if isinstance(sources, list) else [])
        if isinstance(source, dict)
    ]
    return next((address for address in addresses if address.startswith("https://")), "")


def _lifecycle(
    external_id: str, raw: dict[str, Any], harvest: ParsedRows, as_of: datetime | None
) -> LifecycleClaim | None:
    try:
        firm, soft = _day(raw.get("shutdown_on")), _day(raw.get("earliest_shutdown_on"))
    except UnclearDateError as unclear:
        harvest.rejects.append(rejected_row(external_id, f"Shutdown: {unclear}", raw))
        return None
    announced = None
    try:
        announced = _day(raw.get("deprecated_on"))
    except UnclearDateError as unclear:
        # The day of the end is worth more than that of the notice.
        harvest.rejects.append(rejected_row(external_id, f"Announcement: {unclear}", raw))
    status = text_of(raw.get("status"), 40).lower()
    reason = _contradiction(firm, soft, announced, _released_on(raw), status, as_of)
    if reason:
        harvest.rejects.append(rejected_row(external_id, reason, raw))
        return None
    return LifecycleClaim(
        announced_on=announced,
        retires_on=firm or soft,
        date_kind=FIRM if firm else NOT_BEFORE if soft else "",
        status=status if status in _STATUSES else "",
        successor=_successor(raw),
    )


def _day(value: object) -> date | None:
    """Parse the date of a field; None if absent, empty or a placeholder. Raises UnclearDateError
    for anything else."""
    if isinstance(value, str) and _PLACEHOLDER.fullmatch(value):
        return None
    return read_iso_day(value)


def _released_on(raw: dict[str, Any]) -> date | None:
    """Only judges other dates: one that cannot be read judges nothing."""
    try:
        return _day(raw.get("released_on"))
    except UnclearDateError:
        return None


def _contradiction(
    firm: date | None,
    soft: date | None,
    announced: date | None,
    released: date | None,
    status: str,
    as_of: datetime | None,
) -> str:
    """Return why the dates of a row cannot all be true, as a sentence; "" if they can."""
    if firm and soft:
        return (
            f"The row has the shutdown date {firm} and the earliest shutdown date {soft}. Only "
            "one of them can be true."
        )
    end = firm or soft
    if end is None:
        return ""
    if released and end < released:
        return f"The shutdown date {end} is before the release date {released}."
    # Someone east of the clock that dates the page may write tomorrow's day.
    ahead = as_of is not None and end > as_of.date() + timedelta(days=1)
    if status == "retired" and ahead:
        return f"The row has the status retired, but its shutdown date {end} is in the future."
    if firm and announced and firm < announced:
        return f"The shutdown date {firm} is before its announcement on {announced}."
    if firm and firm == announced and (status != "retired" or ahead):
        return (
            f"The shutdown date {firm} equals its announcement date, but the model is not retired."
        )
    return ""


def _successor(raw: dict[str, Any]) -> str:
    """Return the recommended replacement, otherwise the first: its model, after its provider if
    that is another one."""
    replacements = raw.get("replacements")
    named = [
        each
        for each in (replacements if isinstance(replacements, list) else [])
        if isinstance(each, dict) and text_of(each.get("model"), 300)
    ]
    chosen = next(
        (each for each in named if each.get("recommended") is True), named[0] if named else None
    )
    if chosen is None:
        return ""
    model, provider = text_of(chosen["model"], 300), text_of(chosen.get("provider"), 100)
    elsewhere = chosen.get("external") is True or (
        provider and _host(provider)[0] != _host(raw["provider"])[0]
    )
    return f"{provider}/{model}"[:300] if provider and elsewhere else model
