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

# several times the longest list there is
MAX_ROWS = 100_000
# under which name what a mapping does not find is set aside
MAPPING_CODE = "mapping"
_MAX_QUOTED_LENGTH = 60
_MAX_LIST_VALUES = 12
_FAR_YEAR = re.compile(r"(?:209\d|2[1-9]\d\d|[3-9]\d\d\d)-\d\d-\d\d", re.ASCII)


@dataclass(slots=True)
class MappingResult:
    """The result of reading a document by a mapping. `unfound` are sentences about paths that find
    nothing in any row, by field; `n_places` counts rows before any was quarantined. `refusal` is
    why no conclusion may be drawn from the document, otherwise empty."""

    parsed: ParsedFeed | None = None
    unfound: dict[str, str] = field(default_factory=dict)
    n_places: int = 0
    refusal: str = ""


def parse_body(body: bytes, *, mapping: Mapping) -> ParsedFeed:
    """Parse a body into rows and quarantined rows, as every adapter. InvalidPayloadError if no
    conclusion may be drawn from it."""
    reading = read_document(load_json(body), mapping)
    if reading.parsed is None:
        raise InvalidPayloadError(reading.refusal)
    return reading.parsed


def read_document(document: Any, mapping: Mapping) -> MappingResult:
    """Read `document` by `mapping`, for preview and polls alike. Never raises."""
    try:
        return _read(document, mapping)
    except TooManyStepsError as refused:
        return MappingResult(refusal=str(refused))


def _read(document: Any, mapping: Mapping) -> MappingResult:
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
    reading = MappingResult(n_places=len(places), unfound=_missing_paths(places, mapping))
    as_of = None
    try:
        as_of = _document_time(document, places, mapping)
        _refuse_without_keys(reading.unfound)
        harvest = ParsedRows.empty()
        _RowReader(mapping, harvest, dated=_is_dated(mapping, reading.unfound), as_of=as_of).take(
            places
        )
        for name, sentence in reading.unfound.items():
            # said once for all rows, for as long as it is so
            harvest.rejects.append(rejected_row(f"{MAPPING_CODE}: {name}", sentence))
        reading.parsed = replace(harvest.done(), as_of=as_of)
    except InvalidPayloadError as refused:
        reading.refusal = str(refused)
    return reading


def _missing_paths(places: list[RowContext], mapping: Mapping) -> dict[str, str]:
    """Return {field: sentence} of the fields of which no path leads anywhere in any row.

    A name that is present in some rows only, or with null, counts as present; the paths of one
    field are alternatives."""
    found: dict[str, str] = {}
    for name, expression in mapping.fields.items():
        paths = expression.paths
        if not paths or any(
            isinstance(option[0], Literal) and len(option) == 1 for option in expression.options
        ):
            continue
        if not any(_leads_anywhere(path, places) for path in paths):
            found[name] = explain_missing(paths[0], places)
        elif lost := [
            path
            for path in paths
            if len(expression.options) == 1 and not _leads_anywhere(path, places)
        ]:
            found[name] = explain_missing(lost[0], places)
    for price in mapping.prices:
        path = Path((*price.each.steps, *price.path.steps)) if price.each else price.path
        if not _leads_anywhere(path, places):
            found[f"price {price.unit} at {path}"] = explain_missing(path, places)
    return found


def _refuse_without_keys(unfound: dict[str, str]) -> None:
    for name in REQUIRED:
        if name in unfound:
            raise InvalidPayloadError(unfound[name])


def _leads_anywhere(path: Path, places: list[RowContext]) -> bool:
    return any(True for place in places for _ in path.values(place))


def _is_dated(mapping: Mapping, unfound: dict[str, str]) -> bool:
    """Return whether a row without a date means that there is none: not if the feed has lost the
    field."""
    dates = [name for name in ("retires_on", "not_before") if name in mapping.fields]
    other = [name for name in LIFECYCLE_FIELDS if name in mapping.fields]
    return any(name not in unfound for name in dates or other)


def _document_time(document: Any, places: list[RowContext], mapping: Mapping) -> datetime | None:
    """Return when the document says it was made. InvalidPayloadError if it says that it is
    incomplete."""
    around = RowContext(document)
    paths = mapping.document
    if "next" in paths and (further := paths["next"].first(around)) is not MISSING and further:
        raise InvalidPayloadError(
            f"The document is one page of several: '{paths['next']}' contains the URL of another "
            "page. Nothing was read, because rows of the other pages would seem to be removed."
        )
    if "count" in paths:
        said = paths["count"].first(around)
        if isinstance(said, int) and not isinstance(said, bool) and said != len(places):
            raise InvalidPayloadError(
                f"The document states {said:,} rows but contains {len(places):,}, so it is "
                "incomplete. The last good data is kept. The next poll tries again."
            )
    return _moment(paths["as_of"].first(around)) if "as_of" in paths else None


def _moment(value: Any) -> datetime | None:
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
    """A row that is quarantined whole; `str()` says why."""


class _RowReader:
    """A reader that collects rows one by one."""

    def __init__(
        self, mapping: Mapping, harvest: ParsedRows, *, dated: bool, as_of: datetime | None
    ) -> None:
        self.mapping, self.harvest, self.dated, self.as_of = mapping, harvest, dated, as_of
        self.has_lifecycle = "lifecycle" in mapping.topics

    def take(self, places: list[RowContext]) -> None:
        copies: dict[str, list[RowContext]] = {}
        for number, place in enumerate(places):
            try:
                external_id = self._external_id(place)
            except _RejectedRowError as aside:
                self.harvest.rejects.append(rejected_row(f"row {number}", str(aside), place.value))
                continue
            if external_id in self.mapping.skip:
                self.harvest.ignored += 1
            else:
                copies.setdefault(external_id, []).append(place)
        for external_id, same in copies.items():
            self._take(external_id, same)

    def _take(self, external_id: str, same: list[RowContext]) -> None:
        rejects = self.harvest.rejects
        n_before = len(rejects)
        try:
            row = self._row(external_id, same[0])
            n_after = len(rejects)
            differ = any(self._row(external_id, other) != row for other in same[1:])
        except _RejectedRowError as aside:
            del rejects[n_before:]
            self._aside(external_id, str(aside), same[0])
            return
        # what was said of the copies was said of the first
        del rejects[n_after:]
        if differ:
            del rejects[n_before:]
            self._aside(
                external_id,
                f"The feed contains the row {len(same)} times with different content.",
                same[0],
            )
        else:
            self.harvest.rows.append(row)

    def _aside(self, external_id: str, reason: str, place: RowContext) -> None:
        self.harvest.rejects.append(rejected_row(external_id, reason, place.value))

    def _text(self, name: str, place: RowContext, longest: int) -> str:
        """The text of a field, "" where it is missing; _Aside where it is a list or map, too long
        or unprintable."""
        expression = self.mapping.fields.get(name)
        if expression is None:
            return ""
        text = as_text(expression.value(place))
        if text is None:
            raise _RejectedRowError(f"The value at {expression} is a list or a map, not a text.")
        if text.strip() and not is_storable(text):
            raise _RejectedRowError(f"The value at {expression} contains unprintable characters.")
        if len(text.strip()) > longest:
            raise _RejectedRowError(
                f"The value at {expression} is longer than {longest} characters."
            )
        return text.strip()

    def _needed(self, name: str, place: RowContext, longest: int) -> str:
        text = self._text(name, place, longest)
        if not text:
            raise _RejectedRowError(f"No value was found at {self.mapping.fields[name]}.")
        return text

    def _external_id(self, place: RowContext) -> str:
        if isinstance(place.value, dict) and (doubled := duplicate_keys(place.value)):
            raise _RejectedRowError(
                f"The row contains {', '.join(sorted(doubled))[:100]} twice with different values."
            )
        return self._needed("external_id", place, MAX_EXTERNAL_ID_LENGTH)

    def _row(self, external_id: str, place: RowContext) -> FeedRow:
        said = self._needed("host", place, MAX_API_ID_LENGTH)
        host, host_name = host_of(self.mapping.hosts.get(said.casefold(), said))
        if not host:
            raise _RejectedRowError(f"The host {quote(said)} contains no letters or digits.")
        api_id = self._needed("api_id", place, MAX_API_ID_LENGTH)
        lifecycle, region = (
            self._lifecycle(external_id, place) if self.has_lifecycle else (None, "")
        )
        row = FeedRow(
            external_id=external_id,
            group=self._text("group", place, 100) or host,
            host=host,
            api_id=api_id,
            region=self._text("region", place, MAX_REGION_LENGTH) or region,
            tier=self._text("tier", place, MAX_TIER_LENGTH),
            name=self._loose("name", place, 300),
            alias_of=self._text("alias_of", place, MAX_API_ID_LENGTH),
            lifecycle=lifecycle,
            prices=self._prices(external_id, place),
            source_url=self._address(place),
            excerpt=self._excerpt(place),
        )
        self.harvest.host_names.setdefault(host, host_name)
        return row

    def _loose(self, name: str, place: RowContext, longest: int) -> str:
        """Return a text that is only displayed: cut and cleaned rather than rejected."""
        expression = self.mapping.fields.get(name)
        return text_of(as_text(expression.value(place)), longest) if expression else ""

    def _address(self, place: RowContext) -> str:
        """Return the first URL among the values of the paths."""
        expression = self.mapping.fields.get("source_url")
        if expression is None:
            return ""
        if address := safe_url(expression.value(place)):
            return address
        return next(
            (
                found
                for path in expression.paths
                for found in map(safe_url, path.values(place))
                if found
            ),
            "",
        )

    def _excerpt(self, place: RowContext) -> dict[str, Any]:
        """Return the basis of the claims, as in the row, in text."""
        excerpt: dict[str, Any] = {}
        for name in LIFECYCLE_FIELDS:
            for path in self.mapping.fields[name].paths if name in self.mapping.fields else ():
                _quote(excerpt, str(path), path, place)
        for price in self.mapping.prices:
            path = Path((*price.each.steps, *price.path.steps)) if price.each else price.path
            _quote(excerpt, price.where, path, place)
        return dict(list(excerpt.items())[:_MAX_QUOTED_LENGTH])

    # --- lifecycle --------------------------------------------------------------------------------

    def _lifecycle(self, external_id: str, place: RowContext) -> tuple[LifecycleClaim | None, str]:
        """Return the row's retirement facts, and the regions in which its date applies."""
        if not self.dated:
            return None, ""
        try:
            end = self._end(place)
            status = self._status(place)
        except UnclearDateError as unclear:
            self._aside(external_id, str(unclear), place)
            return None, ""
        announced = None
        try:
            announced = self._day("announced_on", place)
        except UnclearDateError as unclear:
            # the day of the end is worth more than that of the notice
            self._aside(external_id, f"Announcement: {unclear}", place)
        reason = self._contradiction(end, announced, status)
        if reason:
            self._aside(external_id, reason, place)
            return None, ""
        claim = LifecycleClaim(
            announced_on=announced.on if announced else None,
            retires_on=end.on if end else None,
            date_kind=end.kind if end else "",
            status=status,
            successor=" ".join(self._loose("successor", place, 2000).split())[:300],
        )
        return claim, end.region if end else ""

    def _end(self, place: RowContext) -> PublishedDay | None:
        firm, soft = self._day("retires_on", place), self._day("not_before", place)
        if firm is None:
            return replace(soft, kind=NOT_BEFORE) if soft else None
        if soft is not None and firm.kind == FIRM and firm.on < soft.on:
            raise UnclearDateError(
                f"The row has the retirement date {firm.on} and a later earliest retirement date "
                f"{soft.on}. Only one of them can be true."
            )
        return firm

    def _day(self, name: str, place: RowContext) -> PublishedDay | None:
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

    def _status(self, place: RowContext) -> str:
        expression = self.mapping.fields.get("status")
        value = as_text(expression.value(place)) if expression else ""
        if value is None:
            raise UnclearDateError(f"The lifecycle status at {expression} is a list or a map.")
        word = value.strip().casefold()
        meaning = self.mapping.statuses.get(word, word if word in STATUSES else None)
        if not word or meaning == IGNORED:
            return ""
        if meaning is None:
            raise UnclearDateError(
                f"The lifecycle status {quote(value)} is not part of the mapping. Add its "
                "meaning to the mapping."
            )
        return meaning

    def _contradiction(
        self, end: PublishedDay | None, announced: PublishedDay | None, status: str
    ) -> str:
        """Return why dates and status cannot all be true, as a sentence; "" if they can."""
        if end is None or end.kind != FIRM:
            return ""
        ahead = self.as_of is not None and end.on > self.as_of.date() + timedelta(days=1)
        if status == "retired" and ahead:
            return (
                f"The row has the status retired, but its retirement date {end.on} is in the "
                "future."
            )
        if announced and end.on < announced.on:
            return f"The retirement date {end.on} is before its announcement on {announced.on}."
        if announced and end.on == announced.on and (status != "retired" or ahead):
            return (
                f"The retirement date {end.on} equals its announcement date, which is usually an "
                "error."
            )
        return ""

    def _prices(self, external_id: str, place: RowContext) -> tuple[PriceLine, ...] | None:
        if not self.mapping.prices:
            return None
        try:
            return price_lines(self.mapping, place)
        except UnclearPriceError as unclear:
            self._aside(external_id, str(unclear), place)
            return None


def _quote(excerpt: dict[str, Any], name: str, path: Path, place: RowContext) -> None:
    texts = []
    for value in path.values(place):
        if text := text_of(as_text(value), 300):
            texts.append(text)
        if len(texts) == _MAX_LIST_VALUES:
            break
    if texts:
        excerpt[name] = texts[0] if len(texts) == 1 else texts


__all__ = ["MAPPING_CODE", "MAX_ROWS", "MappingResult", "parse_body", "read_document"]
