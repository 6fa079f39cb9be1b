"""Reads what a cell says about a model: a version, a line, a family, a product, several, or none.

The order is fixed: an ID as a host writes it; products, hosts, regions, dates and counts; the names
that are left, each with the facts that belong to it; then the remarks that stand around a name. A
reading is a version only if every fact of the name belongs to it. What is open is asked.
"""

import re
from dataclasses import replace

from apps.catalog.identity.names import phrases
from apps.catalog.identity.names.answers import AnswerReader
from apps.catalog.identity.names.assembly import Assembly
from apps.catalog.identity.names.families import Families
from apps.catalog.identity.names.fragments import FragmentReader
from apps.catalog.identity.names.mentions import MentionFinder
from apps.catalog.identity.names.passages import Passage, PassageReader
from apps.catalog.identity.names.places import HostCell, read_host_cell
from apps.catalog.identity.names.reading import Answer, Certainty, Kind, Reading
from apps.catalog.identity.names.regions import regions_in
from apps.catalog.identity.names.releases import Releases
from apps.catalog.identity.names.remarks import drop_repeated, mark_answer
from apps.catalog.identity.names.vocabulary import EVERYDAY
from apps.catalog.identity.resolver.facts import EVERYDAY_WORDS
from apps.catalog.identity.resolver.resolve import Resolver
from apps.catalog.identity.resolver.tokens import tokens_of


class NameReader:
    """Reads names of models with the known IDs of a resolver; building takes some tens of
    milliseconds, and reading keeps no state but what it has looked up before."""

    def __init__(self, resolver: Resolver) -> None:
        families = Families(resolver.index)
        self._resolver = resolver
        self._releases = Releases(resolver, families)
        self._finder = MentionFinder(families)
        self._passages = PassageReader(resolver, families, self._releases)
        self._answers = AnswerReader(families, self._finder, self._releases)
        self._fragments = FragmentReader(families, self._finder, self._releases)
        self._assembly = Assembly(families)
        self._families = families

    def read_name(self, text: str, host_cell: str = "") -> Reading:
        """Return what the cell says, with the cell beside it that names a host or vendor."""
        cleaned = phrases.clean(text)
        cell_cleaned = phrases.clean(host_cell)
        cell_text = phrases.fold(cell_cleaned)
        cell = read_host_cell(cell_text)
        if not re.search(r"\w", cleaned):
            return Reading(
                text,
                Kind.NOT_A_MODEL,
                not_stated=True,
                why="The cell is empty, so no model is stated.",
            )
        if self._resolver.is_decided(text, cell.hint):
            return self._read_decision(text, cell)
        exact = self._read_exact(cleaned, cell)
        if exact is not None:
            regions = tuple(dict.fromkeys(regions_in(cell_cleaned, cell_text)))
            return replace(exact, text=text, regions=regions)
        parts = self._passages.separate(cleaned, cell, cell_cleaned)
        reading = self._read_parts(parts, cell, cell_text)
        return replace(reading, text=text)

    def _read_decision(self, text: str, cell: HostCell) -> Reading:
        """Return the reading of a cell about which a user decided."""
        resolution = self._resolver.resolve(text, cell.hint)
        known_id = self._resolver.index.by_id.get(resolution.canonical or "")
        if known_id is None:
            why = "A user decided that this is not a model."
            return Reading(text, Kind.NOT_A_MODEL, certainty=Certainty.EXACT, why=why)
        reading = (
            self._releases.choose(known_id.line)
            if known_id.kind == "family"
            else self._releases.resolved(known_id, "by the decision of a user")
        )
        return replace(reading, text=text, host=cell.host, certainty=Certainty.EXACT)

    def _read_exact(self, cleaned: str, cell: HostCell) -> Reading | None:
        """Return the reading of a cell that is one ID of the catalogue to the letter."""
        known_id = self._resolver.index.by_text.get(cleaned.lower())
        if known_id is None or (cleaned.isalpha() and cleaned.lower() in EVERYDAY | EVERYDAY_WORDS):
            return None
        if not re.search(r"\d", cleaned) and "latest" not in cleaned.lower():
            return None
        host = cell.hint
        resolution = self._resolver.resolve(cleaned, host)
        if resolution.canonical != known_id.id:
            return None
        reading = self._releases.read_known_id(known_id, tokens_of(known_id.slug.lower()))
        host = cell.host or resolution.host
        if cleaned.startswith("publishers/"):
            host = host or "google-vertex"  # a resource name of Vertex AI
        return replace(
            reading,
            host=host,
            certainty=Certainty.EXACT,
        )

    def _read_parts(self, text: Passage, cell: HostCell, cell_text: str) -> Reading:
        scan = self._finder.scan(text.masked)
        if not scan.mentions and not text.ids:
            corrected = self._finder.correct_anchors(text.masked)
            if corrected != text.masked:
                attempt = self._finder.scan(corrected)
                for mention in attempt.mentions:
                    mention.corrected = True
                if attempt.mentions:
                    scan = attempt
        answers = self._answers.read_mentions(text, scan, cell, cell_text)
        answers += [Answer(reading, start, end) for start, end, reading in text.ids]
        answers = drop_repeated(
            sorted(answers, key=lambda answer: answer.start), text, self._families
        )
        if not answers and any(
            named.product and named.product.slug == "chatgpt" for named in text.products
        ):
            answers = self._fragments.read_chat_fragment(scan)
            text.products = [] if answers else text.products
        elif not answers and not text.products:
            answers = self._fragments.read_fragment(text, scan, cell, cell_text)
        answers = [mark_answer(answer, answers, text) for answer in answers]
        return self._assembly.assemble(answers, text, scan, cell, cell_text)
