"""Families and foundation lines of the known IDs, and the lookup of a line by the facts of a name.

A line is found only if every fact of the name belongs to it. A name with fewer facts than any line
is a family, whose lines are the candidates; a name with a fact that no line has is unknown, and the
line with the closest number is a hint that is never taken.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date

from apps.catalog.identity.names.dated_versions import DatedVersions
from apps.catalog.identity.names.lines import Line, LineMatch
from apps.catalog.identity.names.vocabulary import (
    DEVELOPER_WORDS,
    FIRST_OF_TWO,
    IMPLIED,
    LANGUAGES,
    OLDER_NAMES,
    SHARED_ANCHORS,
    SHARED_NAMES,
    SILENT,
    SPECIAL,
    SYNONYMS,
    Facts,
    facts_of,
    gap_between,
    has_restated_size,
    is_number,
    is_stamp,
    reduce_facts,
    value_of,
)
from apps.catalog.identity.resolver.facts import FORMAT, NO_SINGLE_VERSION
from apps.catalog.identity.resolver.index import Index, KnownId
from apps.catalog.identity.resolver.tokens import CONTEXT, NUMBER, SIZE, Tokens, tokens_of

_MAX_KEPT = 50_000
_LETTER_AND_NUMBER = re.compile(r"[a-z]\d+")
_SIDE_REMARK = re.compile(r"\((?:[^()]*(?:vertex|gemini|older|latest|nano banana)[^()]*)\)")


class Families:
    """Lookup tables over the lines of an index; not changed after they are built."""

    def __init__(self, index: Index) -> None:
        self.lines: dict[str, Line] = {}
        self._exact: dict[Facts, list[str]] = defaultdict(list)
        self._reduced: dict[Facts, list[str]] = defaultdict(list)
        self._of_anchor: dict[str, set[str]] = defaultdict(set)
        self._words: dict[str, set[str]] = defaultdict(set)
        self._found: dict[tuple[Tokens, str | None], LineMatch] = {}
        self._parts: dict[str, list[tuple[Facts, Facts]]] = {}
        self._second_words: dict[str, set[str]] = defaultdict(set)
        for known_id in index.by_id.values():
            line = self.lines.setdefault(known_id.line, Line(known_id.line, known_id.developer))
            line.ids.append(known_id)
            line.is_open = line.is_open or bool(known_id.repositories)
            released = index.released.get(known_id.id)
            if released and (line.newest is None or released > line.newest):
                line.newest = released
            self._add_spellings(line, known_id)
        for line in self.lines.values():
            line.ids.sort(key=lambda known_id: known_id.id)
            for spelling in line.spellings:
                self._exact[spelling].append(line.identifier)
                self._reduced[reduce_facts(spelling)].append(line.identifier)
        self.anchors = frozenset(self._of_anchor) | frozenset(IMPLIED)
        self.versions = DatedVersions(index, self.lines)

    def _add_spellings(self, line: Line, known_id: KnownId) -> None:
        texts = [known_id.slug, known_id.line.partition("/")[2], *known_id.aliases]
        names = [_SIDE_REMARK.sub("", name.lower()) for name in known_id.names]
        # "R1" says too little, and so does a name that begins with it
        texts += [
            name
            for name in names
            if len(tokens_of(name)) > 1 and not _LETTER_AND_NUMBER.fullmatch(tokens_of(name)[0])
        ]
        texts += [repository.rpartition("/")[2] for repository in known_id.repositories]
        for text in texts:
            tokens = [token for token in tokens_of(text.lower()) if not FORMAT.fullmatch(token)]
            while len(tokens) > 2 and tokens[0] in DEVELOPER_WORDS:
                tokens = tokens[1:]
            facts = facts_of(token for token in tokens if not is_stamp(token))
            if not facts or all(is_number(fact) for fact in facts):
                continue
            line.spellings.add(facts)
            tokens = [SYNONYMS.get(token, token) for token in tokens]
            self._add_anchor(line, tokens, facts)
            if tokens[0] == "text" and len(tokens) > 2:  # text-embedding, text-davinci
                self._add_anchor(line, tokens[1:], facts)

    def _add_anchor(self, line: Line, tokens: list[str], facts: Facts) -> None:
        anchor = tokens[0]
        if is_number(anchor) and not _LETTER_AND_NUMBER.fullmatch(anchor):
            return
        self._of_anchor[anchor].add(line.identifier)
        self._words[anchor] |= facts
        if len(tokens) > 1:
            self._second_words[anchor].add(tokens[1])

    # --- words ------------------------------------------------------------------------------------

    def is_anchor(self, token: str, after: str) -> bool:
        """Return whether a token, before the token `after`, starts the name of a family."""
        token = SYNONYMS.get(token, token)
        if token not in self.anchors:
            return False
        if token in FIRST_OF_TWO:
            return SYNONYMS.get(after, after) in self._second_words[token]
        return True

    def words_of(self, anchor: str) -> set[str]:
        """Return the words that occur in names of the family."""
        anchor = SYNONYMS.get(anchor, anchor)
        return self._words[IMPLIED.get(anchor, anchor)]

    def developers_of(self, anchor: str) -> set[str]:
        anchor = SYNONYMS.get(anchor, anchor)
        return {self.lines[line].developer for line in self._of_anchor[IMPLIED.get(anchor, anchor)]}

    @staticmethod
    def complete(tokens: Tokens) -> Tokens:
        """Return the tokens with the family name in front that a tier implies."""
        for token in tokens:
            family = IMPLIED.get(token)
            if family and family not in tokens:
                return (family, *tokens)
        return tokens

    # --- lines ------------------------------------------------------------------------------------

    def find(self, tokens: Tokens, developer: str | None = None) -> LineMatch:
        """Return the lines that a name with these tokens can mean; stamps are left out. The answers
        are kept, because a spreadsheet repeats its names in many spellings."""
        key = (tokens, developer)
        match = self._found.get(key)
        if match is None:
            match = self._look_up(tokens, developer)
            if len(self._found) < _MAX_KEPT:
                self._found[key] = match
        return match

    def _look_up(self, tokens: Tokens, developer: str | None) -> LineMatch:
        tokens = self.complete(tokens)
        facts = facts_of(token for token in tokens if not is_stamp(token))
        if not facts:
            return LineMatch()
        if developer is not None and not self._has_developer(tokens[0], developer):
            return LineMatch()
        if numbered := self._find_numbered(facts, tokens, developer):
            return LineMatch(self.sort_lines(numbered))
        for named in self._find_named(facts, tokens[0], developer):
            if len(named) > 1:
                # a line's own name comes before the display name of another
                named = [
                    line
                    for line in named
                    if reduce_facts(self.lines[line].slug_facts) == reduce_facts(facts)
                ] or named
            if len(named) == 1:
                return LineMatch((named[0],), exact=True)
            if named:
                return LineMatch(self.sort_lines(named))
        within = self._find_within(facts, tokens[0], developer) or self._find_within(
            reduce_facts(facts), tokens[0], developer
        )
        if within:
            return LineMatch(self.sort_lines(within))
        generation = self._find_generation(facts, tokens[0], developer)
        if generation:
            for anchor in OLDER_NAMES.get(facts, ()):
                generation += [line for line in self._of_family(anchor) if line not in generation]
            return LineMatch(self.sort_lines(generation))
        if without := self._find_without_context(facts, tokens, developer):
            return without
        restated = self._find_restated(facts, tokens, developer)
        if restated:
            return LineMatch((restated,), exact=True)
        return LineMatch(hint=self._find_hint(facts, tokens[0], developer))

    def _find_named(self, facts: Facts, anchor: str, developer: str | None) -> Iterable[list[str]]:
        """Yield the lines with exactly these facts, then those that differ in a silent word only. A
        name that the developer shares among several versions has none."""
        if facts in SHARED_NAMES:
            return
        exact = self._filter(self._exact.get(facts, ()), developer)
        if len(facts) == 1:
            # a family's name alone is a model only if an ID is just that
            exact = [
                line for line in exact if any({each.slug} == facts for each in self.lines[line].ids)
            ]
            yield exact
            if len(self._of_family(anchor)) > 1:
                return
        yield exact
        stated = facts & {"instruct", "chat"}
        if stated and self._find_within(facts, anchor, developer):
            return
        named = self._filter(self._reduced.get(reduce_facts(facts), ()), developer)
        # without "chat" or "text", a line beside this one can be meant too
        is_short = any(
            word not in facts and all(self._needs_word(line, word) for line in named)
            for word in ("chat", "text")
        )
        if is_short and len(self._find_within(reduce_facts(facts), anchor, developer)) > 1:
            return
        yield named

    def find_beside(self, line: str, tokens: Tokens) -> tuple[str, ...]:
        """Return the lines that a name can mean beside one that it names without its size or tier
        (`Qwen3 Coder`); empty if the name is complete."""
        tokens = self.complete(tokens)
        facts = facts_of(token for token in tokens if not is_stamp(token))
        if line in self._exact.get(facts, ()) or line in self._reduced.get(reduce_facts(facts), ()):
            return ()
        within = self._find_within(facts, tokens[0], self.lines[line].developer)
        return self.sort_lines(within) if line in within else ()

    def find_stamped(self, line: str, tokens: Tokens) -> tuple[str, ...]:
        """Return the lines that a name can mean if the line's own name has a code which the name
        leaves out: `ada v2` is ada-002, or the second version of it."""
        codes = {token for token in tokens_of(line.partition("/")[2].lower()) if is_stamp(token)}
        if not codes - set(tokens):
            return ()
        facts = facts_of(token for token in tokens if not is_number(token))
        return self.sort_lines({line, *self._reduced.get(reduce_facts(facts), ())})

    def lines_of(self, facts: Facts) -> list[str]:
        """Return the lines with exactly these facts."""
        return list(dict.fromkeys(self._exact.get(facts, ())))

    def _needs_word(self, line: str, word: str) -> bool:
        return all(word in spelling for spelling in self.lines[line].spellings)

    def _find_numbered(self, facts: Facts, tokens: Tokens, developer: str | None) -> list[str]:
        """Return the lines of a name that the resolver documents as one of several releases
        (`Claude 1`, served as 1.0 to 1.3)."""
        numbers = [fact for fact in facts if re.fullmatch(r"\d", fact)]
        if len(numbers) != 1 or not NO_SINGLE_VERSION.fullmatch("-".join(tokens)):
            return []
        named_words = facts - set(numbers)
        return [
            line
            for line in self._filter(sorted(self._of_family(tokens[0])), developer)
            if any(
                {fact for fact in spelling if not is_number(fact)} == named_words
                and any(
                    value_of(fact) // 1 == int(numbers[0]) for fact in spelling if is_number(fact)
                )
                for spelling in self.lines[line].spellings
            )
        ]

    def series_of(self, line: str, anchor: str) -> tuple[str, ...]:
        """Return the general lines of the family with the same first number as a line."""
        numbers = [value_of(fact) for fact in self.lines[line].slug_facts if is_number(fact)]
        series = [
            other
            for other in self._of_family(anchor)
            if not self.lines[other].is_special
            and self.lines[other].developer == self.lines[line].developer
            and any(
                value_of(fact) // 1 == numbers[0] // 1
                for fact in self.lines[other].slug_facts
                if numbers and is_number(fact) and not SIZE.fullmatch(fact)
            )
        ]
        return self.sort_lines({line, *series})

    def _find_generation(self, facts: Facts, anchor: str, developer: str | None) -> list[str]:
        """Return the lines of a generation that is named by its first number (`GPT-3` for 3.5)."""
        numbers = [fact for fact in facts if re.fullmatch(r"\d", fact)]
        if len(numbers) != 1:
            return []
        rest = facts - set(numbers)
        lines = [
            line
            for line in self._find_within(rest, anchor, developer)
            if any(
                rest <= spelling and any(fact.startswith(f"{numbers[0]}.") for fact in spelling)
                for spelling in self.lines[line].spellings
            )
        ]
        return lines if len(lines) > 1 else []

    def _find_without_context(
        self, facts: Facts, tokens: Tokens, developer: str | None
    ) -> LineMatch | None:
        """Return the match of a name without its context length, unless the family sells the same
        model by context length, which then is part of the name."""
        contexts = {fact for fact in facts if CONTEXT.fullmatch(fact)}
        rest = facts - contexts
        if not contexts or any(
            rest <= spelling and any(CONTEXT.fullmatch(fact) for fact in spelling - rest)
            for line in self._find_within(rest, tokens[0], developer)
            for spelling in self.lines[line].spellings
        ):
            return None
        match = self.find(tuple(token for token in tokens if token not in contexts), developer)
        return match if match.lines else None

    def _find_restated(self, facts: Facts, tokens: Tokens, developer: str | None) -> str:
        """Return the line whose total size the name states although its own name has none."""
        sizes = {fact for fact in facts if SIZE.fullmatch(fact)}
        if not sizes:
            return ""
        match = self.find(tuple(token for token in tokens if token not in sizes), developer)
        if not match.exact:
            return ""
        if any(has_restated_size(each.id, sizes) for each in self.lines[match.lines[0]].ids):
            return match.lines[0]
        return ""

    def _has_developer(self, anchor: str, developer: str) -> bool:
        developers = self.developers_of(anchor)
        return not developers or developer in developers

    def _filter(self, lines: Iterable[str], developer: str | None) -> list[str]:
        return [
            line
            for line in dict.fromkeys(lines)
            if developer is None or self.lines[line].developer == developer
        ]

    def _of_family(self, anchor: str) -> set[str]:
        return self._of_anchor.get(SYNONYMS.get(anchor, anchor), set())

    def _find_within(self, facts: Facts, anchor: str, developer: str | None) -> list[str]:
        """Return the lines of the family that have all the facts and more. Lines of special uses
        count only if the name speaks of such a use."""
        lines = [
            line
            for line in self._filter(sorted(self._of_family(anchor)), developer)
            if any(facts <= spelling for spelling in self.lines[line].spellings)
        ]
        owner = self._owner_of(anchor)
        if developer is None and owner and anchor not in SHARED_ANCHORS:
            lines = [line for line in lines if self.lines[line].developer == owner] or lines
        if not facts & SPECIAL:
            general = [line for line in lines if not self.lines[line].is_special]
            if general or any(NUMBER.fullmatch(fact) for fact in facts):
                lines = general
        return lines

    def _owner_of(self, anchor: str) -> str:
        """Return the developer of most lines of a family; others built on it."""
        counts = Counter(self.lines[line].developer for line in self._of_family(anchor))
        return counts.most_common(1)[0][0] if counts else ""

    def sort_lines(self, lines: Iterable[str]) -> tuple[str, ...]:
        """Return lines with the newest first, those of an unknown day last."""
        return tuple(
            sorted(
                lines,
                key=lambda line: (-(self.lines[line].newest or date.min).toordinal(), line),
            )
        )

    def _find_hint(self, facts: Facts, anchor: str, developer: str | None) -> str:
        """Return the line of the family with the same words and the closest number; empty if the
        words are not those of the family either."""
        family = self._filter(sorted(self._of_family(anchor)), developer)
        wanted_words = {fact for fact in facts if not is_number(fact)} - SILENT
        wanted_numbers = {fact for fact in facts if is_number(fact)}
        best: tuple[float, bool, str] | None = None
        for identifier in family:
            line = self.lines[identifier]
            for own_words, numbers in self._parts_of(line):
                different = len(own_words ^ wanted_words)
                missing = wanted_numbers - numbers
                if different + len(missing) > 3:
                    continue
                gap, above = gap_between(missing, numbers)
                key = (different + len(missing) + gap, above, identifier)
                if best is None or key < best:
                    best = key
        return best[2] if best else ""

    def _parts_of(self, line: Line) -> list[tuple[Facts, Facts]]:
        """Return the words and the numbers of each spelling of a line."""
        if line.identifier not in self._parts:
            self._parts[line.identifier] = [
                (
                    frozenset(fact for fact in reduce_facts(spelling) if not is_number(fact)),
                    frozenset(fact for fact in spelling if is_number(fact)),
                )
                for spelling in sorted(line.spellings, key=sorted)
            ]
        return self._parts[line.identifier]

    def drop_other_languages(self, lines: Iterable[str], language: str) -> tuple[str, ...]:
        """Return the lines without those whose name states another language."""
        others = LANGUAGES - {language}
        return tuple(line for line in lines if not self.lines[line].slug_facts & others)

    def keep_open(self, lines: Iterable[str]) -> tuple[str, ...]:
        """Return the lines with published weights, which can run on own machines; all if none is
        known to have any."""
        lines = tuple(lines)
        return tuple(line for line in lines if self.lines[line].is_open) or lines

    def of_developer(self, developer: str) -> tuple[str, ...]:
        """Return the general lines of a developer, newest first."""
        lines = [
            line.identifier
            for line in self.lines.values()
            if line.developer == developer and not line.is_special
        ]
        return self.sort_lines(lines)
