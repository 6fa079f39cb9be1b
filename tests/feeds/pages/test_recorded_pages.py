"""Every stored state of the providers' pages, held against the rows that were checked by hand."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apps.feeds.pages.builtin import mapping_of
from apps.feeds.pages.claims import parse_page
from apps.feeds.pages.definition import PageMapping, read_page_mapping
from apps.feeds.pages.proposal import propose_mapping
from apps.feeds.pages.reader import read_page
from apps.feeds.parsers.payload import InvalidPayloadError
from tests.feeds.pages.invented import as_html

pytestmark = [pytest.mark.shared, pytest.mark.proof]

type Key = tuple[str, str]


def _key(model_id: str, version: str | None) -> str:
    written = f"{model_id}@{version}" if version else model_id
    return re.sub(r"[^a-z0-9.:/]+", "-", written.lower()).strip("-")


def _states(shared: Path) -> dict[str, bytes]:
    return {
        f"{path.parent.name}/{path.name}": path.read_bytes()
        for path in sorted((shared / "pages").glob("*/*"))
    }


def _built_in(host: str, body: bytes) -> PageMapping | None:
    return mapping_of(host)


def _proposed(host: str, body: bytes) -> PageMapping | None:
    try:
        return read_page_mapping(propose_mapping(body, host="unknown"))
    except InvalidPayloadError:
        return None


def score(shared: Path, choose: Callable[[str, bytes], PageMapping | None]) -> Counter[str]:
    """Count dated table rows, those found, those with the right day and kind, and IDs that no row
    of the truth has."""
    truth: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in (shared / "pages" / "truth_dev.jsonl").read_text().splitlines():
        row = json.loads(line)
        truth[row["page"]].append(row)
    counts: Counter[str] = Counter()
    for page, body in _states(shared).items():
        expected = truth[page]
        known = {_key(row["model_id_as_written"], row.get("version")) for row in expected}
        known |= {_key(row["model_id_as_written"], None) for row in expected}
        dated = [row for row in expected if row["retires_on"] and row["form"] == "table"]
        counts["dated"] += len(dated)
        host = page.split("/")[0]
        mapping = choose(host, body)
        if mapping is None:
            continue
        found: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
        for read in read_page(body, mapping, host=host).rows:
            keys = {_key(read.model_id, read.version), _key(read.model_id, None)}
            counts["invented"] += not keys & known
            for key in keys:
                found[key][read.retires_on, read.date_kind] += 1
        for row in dated:
            ends = found[_key(row["model_id_as_written"], row.get("version"))]
            counts["found"] += bool(ends)
            counts["right day"] += any(day == row["retires_on"] for day, _ in ends)
            counts["right kind"] += ends[row["retires_on"], row["date_kind"]] > 0
    return counts


def test_built_in_mappings(shared: Path) -> None:
    counts = score(shared, _built_in)
    assert counts["invented"] == 0
    assert counts["found"] >= 0.99 * counts["dated"]
    assert counts["right day"] >= 0.98 * counts["found"]
    assert counts["right kind"] >= 0.98 * counts["found"]


def test_proposals_without_knowing_the_host(shared: Path) -> None:
    counts = score(shared, _proposed)
    assert counts["invented"] == 0
    assert counts["found"] >= 0.95 * counts["dated"]
    assert counts["right day"] >= 0.98 * counts["found"]


def test_pages_of_prose_are_refused(shared: Path) -> None:
    refused = {
        page.split("/")[0]
        for page, body in _states(shared).items()
        if _proposed("unknown", body) is None
    }
    assert refused == {"deepseek", "fireworks", "moonshot"}


def test_the_html_twin_of_each_state_has_the_same_rows(shared: Path) -> None:
    for page, body in _states(shared).items():
        host = page.split("/")[0]
        mapping = mapping_of(host)
        if mapping is None or page.endswith(".html") or mapping.dates_from_sentences:
            continue
        rows = read_page(body, mapping, host=host).rows
        twin = read_page(as_html(body.decode()).encode(), mapping, host=host).rows
        assert [(row.model_id, row.retires_on) for row in twin] == [
            (row.model_id, row.retires_on) for row in rows
        ], page


def test_claims_of_each_state_name_an_id_once(shared: Path) -> None:
    for page, body in _states(shared).items():
        host = page.split("/")[0]
        mapping = mapping_of(host)
        if mapping is None:
            continue
        rows = parse_page(body, mapping=mapping, host=host).rows
        assert len({row.external_id for row in rows}) == len(rows)
        assert len({(row.api_id, row.tier, row.kind) for row in rows}) == len(rows), page
