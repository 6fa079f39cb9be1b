"""Mapping preview: what a mapping reads from a sample, prepared for the page. Writes nothing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.catalog.claims.feed_rows import FeedRow, RejectedRow
from apps.catalog.models import Offering, Provider, Source
from apps.common.text import pluralize
from apps.common.time import now
from apps.feeds.mapping.definition import InvalidMappingError
from apps.feeds.mapping.document_outline import propose_mapping
from apps.feeds.mapping.reader import MAPPING_CODE, MappingResult
from apps.feeds.sources.adapters import change_rules_of
from apps.feeds.sources.configuration import outline_sample, read_sample
from apps.feeds.sources.preview import preview_observation
from apps.web.pages.page import Headline
from apps.web.wording import count_of, join_names, number, unit_name
from apps.web.wording import price as price_words

MAX_ROWS = 50


@dataclass(frozen=True, slots=True)
class PreviewPrice:
    unit: str
    amount: str


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """Row as the mapping reads it. `is_known`: an offering of the catalogue has this id at this
    host."""

    row: FeedRow
    prices: tuple[PreviewPrice, ...]
    is_known: bool


@dataclass(frozen=True, slots=True)
class MappingPreview:
    """Result of a trial. `refusal` is why nothing can be read; `mapping_errors` are by field of the
    mapping."""

    refusal: str = ""
    mapping_errors: dict[str, str] = field(default_factory=dict)
    unfound: tuple[tuple[str, str], ...] = ()
    rows: tuple[PreviewRow, ...] = ()
    rejects: tuple[RejectedRow, ...] = ()
    n_rows: int = 0
    n_rejects: int = 0
    n_dated: int = 0
    n_soft: int = 0
    n_priced: int = 0
    n_known: int = 0
    hosts: tuple[tuple[str, int, bool], ...] = ()
    next_poll: tuple[str, ...] = ()

    @property
    def sentence(self) -> Headline:
        if self.mapping_errors:
            return Headline("The mapping cannot be used yet: see the fields marked below.")
        if self.refusal:
            return Headline("", "Nothing can be read by this mapping", ".")
        read = pluralize(
            self.n_rows,
            f"{number(self.n_rows)} row is read",
            f"{number(self.n_rows)} rows are read",
        )
        aside = f"{number(self.n_rejects)} set aside" if self.n_rejects else "none set aside"
        if self.unfound:
            lost = pluralize(len(self.unfound), "{n} path finds nothing", "{n} paths find nothing")
            return Headline(f"{read}, {aside}; ", lost.format(n=len(self.unfound)), ".")
        return Headline(f"{read}, {aside}.")


def preview_mapping(
    body: bytes, stored: dict[str, Any] | None, *, source: Source | None = None
) -> MappingPreview:
    """Read `body` by the mapping in its stored form; with an empty body only the mapping is
    checked.

    Two statements, three more if `source` has been polled before."""
    if stored is None:
        return MappingPreview()
    try:
        reading = read_sample(body, stored)
    except InvalidMappingError as bad:
        return MappingPreview(mapping_errors=bad.errors)
    if not body:
        return MappingPreview()
    return _preview(reading, source)


def _preview(reading: MappingResult, source: Source | None) -> MappingPreview:
    unfound = tuple(reading.unfound.items())
    if reading.parsed is None:
        return MappingPreview(refusal=reading.refusal, unfound=unfound)
    parsed = reading.parsed
    rows = parsed.rows
    rejects = [
        reject
        for reject in parsed.rejects
        if not reject.external_id.startswith(f"{MAPPING_CODE}: ")
    ]
    known = _known_offerings(rows)
    hosts = Counter(row.host for row in rows)
    there = set(Provider.objects.filter(slug__in=list(hosts)).values_list("slug", flat=True))
    ends = [
        row.lifecycle
        for row in rows
        if row.lifecycle is not None and row.lifecycle.retires_on is not None
    ]
    return MappingPreview(
        unfound=unfound,
        rows=tuple(
            PreviewRow(row, tuple(_priced(row)), (row.host, row.api_id) in known)
            for row in rows[:MAX_ROWS]
        ),
        rejects=tuple(rejects[:MAX_ROWS]),
        n_rows=len(rows),
        n_rejects=len(rejects),
        n_dated=len(ends),
        n_soft=sum(end.date_kind == "not_before" for end in ends),
        n_priced=sum(bool(row.prices) for row in rows),
        n_known=sum((row.host, row.api_id) in known for row in rows),
        hosts=tuple((host, n, host in there) for host, n in hosts.most_common(12)),
        next_poll=_next_poll(reading, source),
    )


def _priced(row: FeedRow) -> Sequence[PreviewPrice]:
    return [
        PreviewPrice(
            unit_name(f"{line.unit}>{line.above_tokens}" if line.above_tokens else line.unit),
            price_words(line.amount) + ("" if line.currency == "USD" else f" {line.currency}"),
        )
        for line in row.prices or ()
    ]


def _known_offerings(rows: Sequence[FeedRow]) -> set[tuple[str, str]]:
    names = {row.api_id for row in rows}
    pairs = Offering.objects.filter(api_id__in=names).values_list("host__slug", "api_id")
    return set(pairs)


def _next_poll(reading: MappingResult, source: Source | None) -> tuple[str, ...]:
    """Return what the next poll would change if it brought this sample, as sentences; empty for a
    source that has never been polled."""
    if source is None or reading.parsed is None or not source.runs.exists():
        return ()
    seen = preview_observation(source, reading.parsed, at=now(), rules=change_rules_of(source))
    said = []
    if seen.changes_nothing:
        return ("The next poll would change nothing.",)
    if seen.new:
        said.append(f"{count_of(len(seen.new), 'claim', 'claims')} would be new")
    if seen.n_changed:
        said.append(f"{count_of(seen.n_changed, 'row', 'rows')} would change")
    if seen.n_vanished:
        said.append(f"{count_of(seen.n_vanished, 'row', 'rows')} would be gone")
    if seen.facts:
        said.append(f"{count_of(len(seen.facts), 'event', 'events')} would follow")
    first = "At the next poll, with this sample: {what}.".format(what=join_names(said) or "little")
    return (first, *seen.held.values())


def proposal_for(body: bytes) -> dict[str, Any]:
    """Propose a first mapping for the sample, by the names feeds usually use; empty if it is not
    JSON."""
    found = outline_sample(body, "")
    return propose_mapping(found) if found else {}
