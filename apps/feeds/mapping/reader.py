"""Reader of JSON feeds by mapping: makes the same claims as the built-in adapters, with the same
checks."""

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from apps.catalog.claims.feed_rows import (
    FIRM,
    NOT_BEFORE,
    FeedRow,
    LifecycleClaim,
    ParsedFeed,
    PriceLine,
)
from apps.feeds.mapping.definition import IGNORED, LIFECYCLE_FIELDS, REQUIRED, STATUSES, Mapping
from apps.feeds.mapping.path_diagnosis import explain_missing
from apps.feeds.mapping.paths import (
    MISSING,
    Literal,
    Path,
    RowContext,
    TooManyStepsError,
    as_text,
    rows_at,
)
from apps.feeds.mapping.prices import price_lines
from apps.feeds.parsers.amounts import UnclearPriceError
from apps.feeds.parsers.dates import PublishedDay, UnclearDateError, read_day, read_iso_day
from apps.feeds.parsers.payload import (
    MAX_API_ID_LENGTH,
    MAX_EXTERNAL_ID_LENGTH,
    MAX_REGION_LENGTH,
    MAX_TIER_LENGTH,
    InvalidPayloadError,
    ParsedRows,
    duplicate_keys,
    host_of,
    is_storable,
    load_json,
    quote,
    rejected_row,
    safe_url,
    text_of,
)

# Several times the length of the longest known feed.
MAX_ROWS = 100_000
# Prefix of the external ID under which missing paths of a mapping are quarantined.
MAPPING_CODE = "mapping"
_MAX_QUOTED_LENGTH = 60
_MAX_LIST_VALUES = 12
_FAR_YEAR = re.compile(r"(?:209\d|2[1-9]\d\d|[3-9]\d\d\d)-\d\d-\d\d", re.ASCII)


@dataclass(slots=True)
class MappingResult:
    """The result of reading a document by a mapping. `unfound` are sentences about paths that find
    nothing in any row, by field; `n_places` counts rows before any was quarantined. `refusal` is
    the reason why no conclusion may be drawn from the document, otherwise empty."""

    parsed: ParsedFeed | None = None
    unfound: dict[str, str] = field(default_factory=dict)
    n_places: int = 0
    refusal: str = ""


def parse_body(body: bytes, *, mapping: Mapping) -> ParsedFeed:
    """Parse a body into rows and quarantined rows, as every adapter. InvalidPayloadError if no
    conclusion may be drawn from it."""
    result = read_document(load_json(body), mapping)
    if result.parsed is None:
        raise InvalidPayloadError(result.refusal)
    return result.parsed


def read_document(document: Any, mapping: Mapping) -> MappingResult:
    """Read `document` by `mapping`, for preview and polls alike. Never raises."""
    try:
        return _read_rows(document, mapping)
    except TooManyStepsError as error:
        return MappingResult(refusal=str(error))


def _read_rows(document: Any, mapping: Mapping) -> MappingResult:
    """Read the document by the mapping. A document without rows, with too many, or that states to
    be incomplete is refused as a whole; missing paths are quarantined once for all rows."""
    places: list[RowContext] = []
    for place in rows_at(document, mapping.rows):
        places.append(place)
        if len(places) > MAX_ROWS:
            return MappingResult(
                refusal=f"The path '{mapping.rows}' finds more than {MAX_ROWS:,} rows. Check "
                "whether the path is correct."
            )
    if not places:
        refusal = explain_missing(mapping.rows, [RowContext(document)])
        return MappingResult(refusal=refusal, unfound={"rows": refusal})
    result = MappingResult(n_places=len(places), unfound=_explain_missing_paths(places, mapping))
    as_of = None
    try:
        as_of = _read_document_time(document, places, mapping)
        _require_keys(result.unfound)
        collector = ParsedRows.empty()
        _RowReader(
            mapping, collector, dated=_is_dated(mapping, result.unfound), as_of=as_of
        ).read_rows(places)
        for name, sentence in result.unfound.items():
            # One record for all rows, which stays open for as long as the path is missing.
            collector.rejects.append(rejected_row(f"{MAPPING_CODE}: {name}", sentence))
        result.parsed = replace(collector.done(), as_of=as_of)
    except InvalidPayloadError as error:
        result.refusal = str(error)
    return result


def _explain_missing_paths(places: list[RowContext], mapping: Mapping) -> dict[str, str]:
    """Return {field: sentence} of the fields of which no path leads anywhere in any row.

    A name that is present in some rows only, or with null, counts as present; the paths of one
    field are alternatives."""
    explanations: dict[str, str] = {}
    for name, expression in mapping.fields.items():
        paths = expression.paths
        if not paths or any(
            isinstance(option[0], Literal) and len(option) == 1 for option in expression.options
        ):
            continue
        if not any(_leads_anywhere(path, places) for path in paths):
            explanations[name] = explain_missing(paths[0], places)
        elif missing_paths := [
            path
            for path in paths
            if len(expression.options) == 1 and not _leads_anywhere(path, places)
        ]:
            explanations[name] = explain_missing(missing_paths[0], places)
    for price in mapping.prices:
        path = Path((*price.each.steps, *price.path.steps)) if price.each else price.path
        if not _leads_anywhere(path, places):
            explanations[f"price {price.unit} at {path}"] = explain_missing(path, places)
    return explanations


def _require_keys(unfound: dict[str, str]) -> None:
    for name in REQUIRED:
        if name in unfound:
            raise InvalidPayloadError(unfound[name])


def _leads_anywhere(path: Path, places: list[RowContext]) -> bool:
    return any(True for place in places for _ in path.values(place))


def _is_dated(mapping: Mapping, unfound: dict[str, str]) -> bool:
    """Return whether a row without a date means that there is none: not if the feed has lost the
    field."""
    date_fields = [name for name in ("retires_on", "not_before") if name in mapping.fields]
    lifecycle_fields = [name for name in LIFECYCLE_FIELDS if name in mapping.fields]
    return any(name not in unfound for name in date_fields or lifecycle_fields)


def _read_document_time(
    document: Any, places: list[RowContext], mapping: Mapping
) -> datetime | None:
    """Return the creation time stated in the document, None without one. InvalidPayloadError if the
    document states that it is incomplete."""
    context = RowContext(document)
    paths = mapping.document
    if "next" in paths and (next_page := paths["next"].first(context)) is not MISSING and next_page:
        raise InvalidPayloadError(
            f"The document is one page of several: '{paths['next']}' contains the URL of another "
            "page. Nothing was read, because rows of the other pages would seem to be removed."
        )
    if "count" in paths:
        stated_count = paths["count"].first(context)
        if (
            isinstance(stated_count, int)
            and not isinstance(stated_count, bool)
            and stated_count != len(places)
        ):
            raise InvalidPayloadError(
                f"The document states {stated_count:,} rows but contains {len(places):,}, so it is "
                "incomplete. The last good data is kept. The next poll tries again."
            )
    return _parse_time(paths["as_of"].first(context)) if "as_of" in paths else None


def _parse_time(value: Any) -> datetime | None:
    text = text_of(value, 40)
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
        day: date | None = moment.date()
    except (ValueError, OverflowError):
        try:
            day = read_iso_day(text)
        except UnclearDateError:
            return None
    return datetime.combine(day, time(), UTC) if day else None


class _RejectedRowError(Exception):
    """A row that is quarantined as a whole; `str()` is the reason."""


class _RowReader:
    """A reader that collects rows one by one. `dated`: a row without a date has none, instead of
    having lost it. `as_of` is the time stated in the document."""

    def __init__(
        self, mapping: Mapping, collector: ParsedRows, *, dated: bool, as_of: datetime | None
    ) -> None:
        self.mapping, self.collector, self.dated, self.as_of = mapping, collector, dated, as_of
        self.has_lifecycle = "lifecycle" in mapping.topics

    def read_rows(self, places: list[RowContext]) -> None:
        """Collect the rows of the document. A row without an ID is rejected; rows that share an ID
        are read as copies of one row."""
        copies_by_id: dict[str, list[RowContext]] = {}
        for number, place in enumerate(places):
            try:
                external_id = self._read_external_id(place)
            except _RejectedRowError as error:
                self.collector.rejects.append(
                    rejected_row(f"row {number}", str(error), place.value)
                )
                continue
            if external_id in self.mapping.skip:
                self.collector.ignored += 1
            else:
                copies_by_id.setdefault(external_id, []).append(place)
        for external_id, copies in copies_by_id.items():
            self._add_row(external_id, copies)

    def _add_row(self, external_id: str, copies: list[RowContext]) -> None:
        """Add the row if all its copies say the same, otherwise quarantine it as a whole."""
        rejects = self.collector.rejects
        n_before = len(rejects)
        try:
            row = self._build_row(external_id, copies[0])
            n_after = len(rejects)
            has_differing_copies = any(
                self._build_row(external_id, copy) != row for copy in copies[1:]
            )
        except _RejectedRowError as error:
            del rejects[n_before:]
            self._reject(external_id, str(error), copies[0])
            return
        # Keep only the rejects of the first copy: those of the other copies repeat them.
        del rejects[n_after:]
        if has_differing_copies:
            del rejects[n_before:]
            self._reject(
                external_id,
                f"The feed contains the row {len(copies)} times with different content.",
                copies[0],
            )
        else:
            self.collector.rows.append(row)

    def _reject(self, external_id: str, reason: str, place: RowContext) -> None:
        self.collector.rejects.append(rejected_row(external_id, reason, place.value))

    def _read_text(self, name: str, place: RowContext, max_length: int) -> str:
        """Return the text of a field, "" if it is missing. _RejectedRowError if it is a list or
        map, too long or unprintable."""
        expression = self.mapping.fields.get(name)
        if expression is None:
            return ""
        text = as_text(expression.value(place))
        if text is None:
            raise _RejectedRowError(f"The value at {expression} is a list or a map, not a text.")
        if text.strip() and not is_storable(text):
            raise _RejectedRowError(f"The value at {expression} contains unprintable characters.")
        if len(text.strip()) > max_length:
            raise _RejectedRowError(
                f"The value at {expression} is longer than {max_length} characters."
            )
        return text.strip()

    def _read_required_text(self, name: str, place: RowContext, max_length: int) -> str:
        text = self._read_text(name, place, max_length)
        if not text:
            raise _RejectedRowError(f"No value was found at {self.mapping.fields[name]}.")
        return text

    def _read_external_id(self, place: RowContext) -> str:
        if isinstance(place.value, dict) and (duplicates := duplicate_keys(place.value)):
            keys = ", ".join(sorted(duplicates))[:100]
            raise _RejectedRowError(f"The row contains {keys} twice with different values.")
        return self._read_required_text("external_id", place, MAX_EXTERNAL_ID_LENGTH)

    def _build_row(self, external_id: str, place: RowContext) -> FeedRow:
        """Return the row at `place`. Unreadable dates and prices are quarantined and left out;
        without a host or a model ID the whole row is rejected with _RejectedRowError."""
        host_text = self._read_required_text("host", place, MAX_API_ID_LENGTH)
        host, host_name = host_of(self.mapping.hosts.get(host_text.casefold(), host_text))
        if not host:
            raise _RejectedRowError(f"The host {quote(host_text)} contains no letters or digits.")
        api_id = self._read_required_text("api_id", place, MAX_API_ID_LENGTH)
        lifecycle, region = (
            self._read_lifecycle(external_id, place) if self.has_lifecycle else (None, "")
        )
        row = FeedRow(
            external_id=external_id,
            group=self._read_text("group", place, 100) or host,
            host=host,
            api_id=api_id,
            region=self._read_text("region", place, MAX_REGION_LENGTH) or region,
            tier=self._read_text("tier", place, MAX_TIER_LENGTH),
            name=self._read_display_text("name", place, 300),
            alias_of=self._read_text("alias_of", place, MAX_API_ID_LENGTH),
            lifecycle=lifecycle,
            prices=self._read_prices(external_id, place),
            source_url=self._read_source_url(place),
            excerpt=self._build_excerpt(place),
        )
        self.collector.host_names.setdefault(host, host_name)
        return row

    def _read_display_text(self, name: str, place: RowContext, max_length: int) -> str:
        """Return a text that is only displayed: cut and cleaned rather than rejected."""
        expression = self.mapping.fields.get(name)
        return text_of(as_text(expression.value(place)), max_length) if expression else ""

    def _read_source_url(self, place: RowContext) -> str:
        """Return the first URL among the values of the paths."""
        expression = self.mapping.fields.get("source_url")
        if expression is None:
            return ""
        if url := safe_url(expression.value(place)):
            return url
        return next(
            (
                candidate
                for path in expression.paths
                for candidate in map(safe_url, path.values(place))
                if candidate
            ),
            "",
        )

    def _build_excerpt(self, place: RowContext) -> dict[str, Any]:
        """Return the values of the row on which the claims are based, as text."""
        excerpt: dict[str, Any] = {}
        for name in LIFECYCLE_FIELDS:
            for path in self.mapping.fields[name].paths if name in self.mapping.fields else ():
                _add_to_excerpt(excerpt, str(path), path, place)
        for price in self.mapping.prices:
            path = Path((*price.each.steps, *price.path.steps)) if price.each else price.path
            _add_to_excerpt(excerpt, price.where, path, place)
        return dict(list(excerpt.items())[:_MAX_QUOTED_LENGTH])

    # --- lifecycle --------------------------------------------------------------------------------

    def _read_lifecycle(
        self, external_id: str, place: RowContext
    ) -> tuple[LifecycleClaim | None, str]:
        """Return the row's retirement facts, and the regions in which its date applies."""
        if not self.dated:
            return None, ""
        try:
            retirement = self._read_retirement(place)
            status = self._read_status(place)
        except UnclearDateError as error:
            self._reject(external_id, str(error), place)
            return None, ""
        announcement = None
        try:
            announcement = self._read_day("announced_on", place)
        except UnclearDateError as error:
            # Keep the retirement date, which is more important than the announcement date.
            self._reject(external_id, f"Announcement: {error}", place)
        reason = self._find_contradiction(retirement, announcement, status)
        if reason:
            self._reject(external_id, reason, place)
            return None, ""
        claim = LifecycleClaim(
            announced_on=announcement.on if announcement else None,
            retires_on=retirement.on if retirement else None,
            date_kind=retirement.kind if retirement else "",
            status=status,
            successor=" ".join(self._read_display_text("successor", place, 2000).split())[:300],
        )
        return claim, retirement.region if retirement else ""

    def _read_retirement(self, place: RowContext) -> PublishedDay | None:
        retirement, earliest = (
            self._read_day("retires_on", place),
            self._read_day("not_before", place),
        )
        if retirement is None:
            return replace(earliest, kind=NOT_BEFORE) if earliest else None
        if earliest is not None and retirement.kind == FIRM and retirement.on < earliest.on:
            raise UnclearDateError(
                f"The row has the retirement date {retirement.on} and a later earliest retirement "
                f"date {earliest.on}. Only one of them can be true."
            )
        return retirement

    def _read_day(self, name: str, place: RowContext) -> PublishedDay | None:
        expression = self.mapping.fields.get(name)
        value = expression.value(place) if expression else None
        if value is MISSING:
            return None
        if (
            self.mapping.far_days_are_none
            and isinstance(value, str)
            and _FAR_YEAR.match(value.lstrip())
        ):
            return None
        return read_day(value)

    def _read_status(self, place: RowContext) -> str:
        """Return the lifecycle status by the mapping's meanings; "" for none or an ignored one.
        Raises UnclearDateError for a status without a meaning."""
        expression = self.mapping.fields.get("status")
        value = as_text(expression.value(place)) if expression else ""
        if value is None:
            raise UnclearDateError(f"The lifecycle status at {expression} is a list or a map.")
        status_text = value.strip().casefold()
        meaning = self.mapping.statuses.get(
            status_text, status_text if status_text in STATUSES else None
        )
        if not status_text or meaning == IGNORED:
            return ""
        if meaning is None:
            raise UnclearDateError(
                f"The lifecycle status {quote(value)} is not part of the mapping. Add its "
                "meaning to the mapping."
            )
        return meaning

    def _find_contradiction(
        self, retirement: PublishedDay | None, announcement: PublishedDay | None, status: str
    ) -> str:
        """Return why dates and status cannot all be true, as a sentence; "" if they can."""
        if retirement is None or retirement.kind != FIRM:
            return ""
        is_ahead = self.as_of is not None and retirement.on > self.as_of.date() + timedelta(days=1)
        if status == "retired" and is_ahead:
            return (
                f"The row has the status retired, but its retirement date {retirement.on} is in "
                "the future."
            )
        if announcement and retirement.on < announcement.on:
            return (
                f"The retirement date {retirement.on} is before its announcement on "
                f"{announcement.on}."
            )
        if announcement and retirement.on == announcement.on and (status != "retired" or is_ahead):
            return (
                f"The retirement date {retirement.on} equals its announcement date, which is "
                "usually an error."
            )
        return ""

    def _read_prices(self, external_id: str, place: RowContext) -> tuple[PriceLine, ...] | None:
        if not self.mapping.prices:
            return None
        try:
            return price_lines(self.mapping, place)
        except UnclearPriceError as error:
            self._reject(external_id, str(error), place)
            return None


def _add_to_excerpt(excerpt: dict[str, Any], name: str, path: Path, place: RowContext) -> None:
    texts = []
    for value in path.values(place):
        if text := text_of(as_text(value), 300):
            texts.append(text)
        if len(texts) == _MAX_LIST_VALUES:
            break
    if texts:
        excerpt[name] = texts[0] if len(texts) == 1 else texts


__all__ = ["MAPPING_CODE", "MAX_ROWS", "MappingResult", "parse_body", "read_document"]
