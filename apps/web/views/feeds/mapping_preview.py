"""Mapping preview: the rows that a mapping reads from a sample, prepared for the page. Writes
nothing."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.catalog.claims.feed_rows import FeedRow, RejectedRow
from apps.catalog.ingestion.change_detection.records import PayloadDoubt
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
    """Row as the mapping reads it. `is_known`: the catalogue has an offering with this model ID at
    this host."""

    row: FeedRow
    prices: tuple[PreviewPrice, ...]
    is_known: bool


@dataclass(frozen=True, slots=True)
class PreviewTable:
    """Table of a lifecycle page: its path of headings, the headers of the columns that are read,
    and the numbers of its rows."""

    heading: str
    headers: tuple[str, ...]
    n_rows: int
    n_skipped: int


@dataclass(frozen=True, slots=True)
class MappingPreview:
    """Result of trying a mapping. `refusal` is the reason why nothing can be read; `mapping_errors`
    are by field of the mapping; `tables` are those of a page."""

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
    is_page: bool = False
    tables: tuple[PreviewTable, ...] = ()

    @property
    def sentence(self) -> Headline:
        """Return the headline of the preview: rows that can be read and rows that are rejected."""
        if self.mapping_errors:
            return Headline("The mapping has errors. Correct the marked fields below.")
        if self.refusal:
            return Headline("", "This mapping reads no rows", ".")
        rows_text = pluralize(
            self.n_rows,
            f"{number(self.n_rows)} row is read",
            f"{number(self.n_rows)} rows are read",
        )
        rejects_text = (
            f"{number(self.n_rejects)} quarantined" if self.n_rejects else "none quarantined"
        )
        if self.unfound:
            paths_text = pluralize(
                len(self.unfound), "{n} path finds nothing", "{n} paths find nothing"
            )
            return Headline(
                f"{rows_text}, {rejects_text}; ", paths_text.format(n=len(self.unfound)), "."
            )
        return Headline(f"{rows_text}, {rejects_text}.")


def preview_mapping(
    body: bytes, mapping: dict[str, Any] | None, *, source: Source | None = None
) -> MappingPreview:
    """Preview `body` as read by `mapping` (in its stored form); an empty body only checks the
    mapping.

    Two statements, three more if `source` has been polled before."""
    if mapping is None:
        return MappingPreview()
    try:
        result = read_sample(body, mapping)
    except InvalidMappingError as error:
        return MappingPreview(mapping_errors=error.errors)
    if not body:
        return MappingPreview()
    return build_preview(result, source)


def build_preview(
    result: MappingResult,
    source: Source | None,
    *,
    doubts: Collection[PayloadDoubt] = (),
) -> MappingPreview:
    """Return the preview of a parsed document: rows, rejects, known offerings, and the effect of
    the next poll of `source`, with `doubts` about the document."""
    unfound = tuple(result.unfound.items())
    if result.parsed is None:
        return MappingPreview(refusal=result.refusal, unfound=unfound)
    feed = result.parsed
    rows = feed.rows
    rejects = [
        reject for reject in feed.rejects if not reject.external_id.startswith(f"{MAPPING_CODE}: ")
    ]
    known_offerings = _find_known_offerings(rows)
    hosts = Counter(row.host for row in rows)
    known_hosts = set(Provider.objects.filter(slug__in=list(hosts)).values_list("slug", flat=True))
    lifecycles = [
        row.lifecycle
        for row in rows
        if row.lifecycle is not None and row.lifecycle.retires_on is not None
    ]
    return MappingPreview(
        unfound=unfound,
        rows=tuple(
            PreviewRow(row, tuple(_build_prices(row)), (row.host, row.api_id) in known_offerings)
            for row in rows[:MAX_ROWS]
        ),
        rejects=tuple(rejects[:MAX_ROWS]),
        n_rows=len(rows),
        n_rejects=len(rejects),
        n_dated=len(lifecycles),
        n_soft=sum(end.date_kind == "not_before" for end in lifecycles),
        n_priced=sum(bool(row.prices) for row in rows),
        n_known=sum((row.host, row.api_id) in known_offerings for row in rows),
        hosts=tuple((host, n, host in known_hosts) for host, n in hosts.most_common(12)),
        next_poll=_describe_next_poll(result, source, doubts),
    )


def _build_prices(row: FeedRow) -> Sequence[PreviewPrice]:
    return [
        PreviewPrice(
            unit_name(f"{line.unit}>{line.above_tokens}" if line.above_tokens else line.unit),
            price_words(line.amount) + ("" if line.currency == "USD" else f" {line.currency}"),
        )
        for line in row.prices or ()
    ]


def _find_known_offerings(rows: Sequence[FeedRow]) -> set[tuple[str, str]]:
    api_ids = {row.api_id for row in rows}
    host_and_api_ids = (
        Offering.objects.model_ids().filter(api_id__in=api_ids).values_list("host__slug", "api_id")
    )
    return set(host_and_api_ids)


def _describe_next_poll(
    result: MappingResult, source: Source | None, doubts: Collection[PayloadDoubt]
) -> tuple[str, ...]:
    """Return sentences about the changes of a poll that received this sample; empty for a source
    that has never been polled."""
    if source is None or result.parsed is None or not source.runs.exists():
        return ()
    observation = preview_observation(
        source, result.parsed, at=now(), rules=change_rules_of(source), doubts=doubts
    )
    clauses = []
    if observation.changes_nothing and not observation.held:
        return ("The next poll would change nothing.",)
    if observation.new:
        clauses.append(
            f"{count_of(len(observation.new), 'source value', 'source values')} would be new"
        )
    if observation.n_changed:
        clauses.append(f"{count_of(observation.n_changed, 'row', 'rows')} would change")
    if observation.n_vanished:
        clauses.append(f"{count_of(observation.n_vanished, 'row', 'rows')} would be removed")
    if observation.facts:
        clauses.append(f"{count_of(len(observation.facts), 'event', 'events')} would follow")
    summary = "At the next poll, with this sample: {what}.".format(
        what=join_names(clauses) or "small changes"
    )
    return (summary, *observation.held.values())


def proposal_for(body: bytes) -> dict[str, Any]:
    """Propose a first mapping for the sample, by the names feeds usually use; empty if it is not
    JSON."""
    outline = outline_sample(body, "")
    return propose_mapping(outline) if outline else {}
