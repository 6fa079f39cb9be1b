"""Versions of lines by the dates and codes in their IDs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from apps.catalog.identity.names.dates import Stamp, stamp_of, stamp_of_code
from apps.catalog.identity.names.lines import Line
from apps.catalog.identity.names.vocabulary import SILENT, Facts, facts_of, is_stamp
from apps.catalog.identity.resolver.index import Index, KnownId
from apps.catalog.identity.resolver.tokens import CODE, tokens_of


class DatedVersions:
    """Lookup of the only version that has a date or code; not changed after it is built."""

    def __init__(self, index: Index, lines: Mapping[str, Line]) -> None:
        self._index = index
        self._lines = lines
        self._by_code: dict[str, list[tuple[KnownId, Facts]]] = defaultdict(list)
        for known_id in index.by_id.values():
            if known_id.kind != "pinned":
                continue
            facts = facts_of(tokens_of(known_id.slug.lower()))
            for fact in facts:
                if is_stamp(fact):
                    self._by_code[fact].append((known_id, facts))

    def find_by_stamp(self, line: str, tokens: Iterable[str]) -> KnownId | None:
        """Return the only version of the line whose ID has all of these codes, or whose day they
        are as month and day."""
        codes = [token for token in tokens if is_stamp(token)]
        matches = [
            known_id
            for known_id in self._lines[line].ids
            if known_id.kind != "family" and set(codes) <= set(tokens_of(known_id.slug.lower()))
        ]
        found = self._only(matches)
        if found is not None or matches or len(codes) != 1:
            return found
        stamp = stamp_of(tuple(codes), self._lines[line].developer, None)
        if stamp is None and CODE.fullmatch(codes[0]):
            stamp = stamp_of_code(codes[0], self._lines[line].developer)
        return self.find_by_dates(line, (stamp,)) if stamp else None

    def find_containing(self, tokens: Iterable[str], developer: str | None) -> KnownId | None:
        """Return the only version whose ID has all of these facts, and besides them silent words
        and the kind of model (`ada-002`, `davinci 003`)."""
        facts = facts_of(tokens)
        stamp = next(fact for fact in facts if is_stamp(fact))
        matches = [
            known_id
            for known_id, own in self._by_code.get(stamp, ())
            if developer in (None, known_id.developer)
            and facts <= own
            and own - facts <= SILENT | {"embed"}
        ]
        return self._only(matches)

    def find_by_dates(self, line: str, readings: Iterable[Stamp]) -> KnownId | None:
        """Return the only version of the line with one of these dates; None if none or several
        have."""
        matches = []
        for known_id in self._lines[line].ids:
            if known_id.kind == "family":
                continue
            own = self._stamp(known_id)
            if own is None:
                continue
            released = self._index.released.get(known_id.id)
            for reading in readings:
                if not own.fits(reading):
                    continue
                if (
                    reading.day
                    and own.day is None
                    and (released is None or released.day != reading.day)
                ):
                    continue  # a day that the ID does not have must be the day of release
                matches.append(known_id)
        return self._only(matches)

    def has_stamps(self, line: str) -> bool:
        """Return whether versions of the line are named by their dates."""
        return any(self._stamp(known_id) for known_id in self._lines[line].ids)

    def _stamp(self, known_id: KnownId) -> Stamp | None:
        return stamp_of(
            tokens_of(known_id.slug.lower()),
            known_id.developer,
            self._index.released.get(known_id.id),
        )

    @staticmethod
    def _only(matches: list[KnownId]) -> KnownId | None:
        pinned = [known_id for known_id in matches if known_id.kind == "pinned"] or matches
        facts = {each.id: facts_of(tokens_of(each.slug.lower())) for each in pinned}
        # the plain release comes before those of other uses (`gpt-4-0613-completions`)
        plain = [each for each in pinned if all(facts[each.id] <= own for own in facts.values())]
        pinned = plain or pinned
        if len({known_id.entity for known_id in pinned}) != 1:
            return None
        return min(pinned, key=lambda each: (each.same_as != each.id, each.id))
