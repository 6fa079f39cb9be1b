"""Families and foundation lines of the known IDs, and the lookup of a line by the facts of a name.

A line is found only if every fact of the name belongs to it. A name with fewer facts than any line
is a family, whose lines are the candidates; a name with a fact that no line has is unknown, and the
line with the closest number is a hint that is never taken.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from apps.catalog.identity.names.dates import Stamp, stamp_of, stamp_of_code
from apps.catalog.identity.resolver.facts import (
    FORMAT,
    NAMES,
    NO_SINGLE_VERSION,
    RESTATED_SIZES,
    words,
)
from apps.catalog.identity.resolver.index import Index, KnownId
from apps.catalog.identity.resolver.tokens import (
    ACTIVE,
    CODE,
    CONTEXT,
    NUMBER,
    REVISION,
    SIZE,
    Tokens,
    tokens_of,
)

Facts = frozenset[str]

# Several spellings of one word in names.
SYNONYMS = {
    "embedding": "embed",
    "embeddings": "embed",
    "reranker": "rerank",
    "lightweight": "lite",
    "gros": "large",
    "gross": "large",
    "klein": "small",
    "mittel": "medium",
}
# Words of an ID that people leave out, or add, without meaning another line.
_SILENT = frozenset(
    {
        "instruct",
        "chat",
        "hf",
        "preview",
        "generate",
        "text",
        "open",
        "labs",
        "latest",
        "completions",
        "model",
    }
)
# Words that tell lines of one generation apart; such a word that no line has makes a name unknown.
TIERS = words(
    """
    mini nano micro small medium large xl xxl xs tiny big huge pro max ultra plus premium
    premier lite light flash turbo fast express air base instruct chat thinking reasoning
    reasoner think instant sonnet opus haiku fable mythos vision audio realtime transcribe tts
    image embed embedding embeddings coder code codex guard distill preview scout maverick
    nemo multilingual english speciale terminus exp experimental astra luna sol terra cyber
    canvas reel sonic diarize search research omni live multimodal vl math moe mamba edge
    creative video
    """
)
# Claude's tiers name the family by themselves.
_IMPLIED = dict.fromkeys(("sonnet", "opus", "haiku"), "claude")
# Words of other uses; without them a name means the general lines of a family.
_SPECIAL = words(
    """
    rerank
    image tts audio live embed robotics computer customtools cyber realtime transcribe
    translate vision search research moderation guard ocr video safeguard safety multimodal
    exp completions omni native streaming extended diarize law rosalind whisper experimental
    gemma nano generate clip deep custom livetranslate asr mt vl math character
    """
)
# Families whose name is also an everyday word, a system or a company: they need their developer, or
# a cell that says nothing else.
EVERYDAY = words(
    """
    nova mistral command embed rerank sonar mercury titan flux step seed north beam hermes
    spotlight weaver voyage trinity solar ring ling fugu inkling laguna parse pegasus marengo
    magnum dolphin sam muse sora wan aion morph relace intellect ada curie babbage davinci o1
    granite music speech coder cogito lyria veo imagen pixtral tts virtuoso maestro dash
    daybreak medlm ornith perceptron rnj skyfall cydonia rocinante palmyra reka swe hy3 chat
    devstral kat learnlm lfm2 multimodalembedding olmo remm sarvam stable whisper fable mythos
    """
)
# Of these, the ones that a number or a cell of their own makes a family.
DISTINCTIVE = words(
    """
    mistral nova titan whisper sora voyage o1 devstral imagen granite hermes sd veo pixtral
    """
)
# Families that are hardly ever the name of anything else.
UNMISTAKABLE = frozenset({"claude", "gpt", "qwen", "deepseek", "chatgpt"})
# First words that name no family without the second one.
_FIRST_OF_TWO = words(
    """
    text image speech music chat deep computer stable code omni nano open labs coder ui tiny
    north multimodal multilingual
    """
)
# Developers whose models are built on those of others.
TUNERS = frozenset(
    {
        "nousresearch",
        "cognitivecomputations",
        "thedrummer",
        "sao10k",
        "anthracite-org",
        "undi95",
        "gryphe",
        "nex-agi",
    }
)
# First words that several developers use for a kind of model.
SHARED_ANCHORS = frozenset({"embed", "rerank", "text", "image", "speech", "moderation"})
_MAX_KEPT = 50_000
_LETTER_AND_NUMBER = re.compile(r"[a-z]\d+")
_DEVELOPER_WORDS = frozenset(
    {
        "amazon",
        "meta",
        "nvidia",
        "openai",
        "google",
        "ai",
        "21",
        "c4ai",
        "anthropic",
        "labs",
        "open",
        "perplexity",
    }
)
_SIDE_REMARK = re.compile(r"\((?:[^()]*(?:vertex|gemini|older|latest|nano banana)[^()]*)\)")

# Models of a generation under names without its number: `GPT-3` was offered as these four.
_OLDER_NAMES: dict[Facts, tuple[str, ...]] = {
    frozenset({"gpt", "3"}): ("davinci", "curie", "babbage", "ada"),
}


def facts_of(tokens: Iterable[str]) -> Facts:
    """Return the facts of tokens: words in one spelling, without number formats."""
    return frozenset(fact for token in tokens if (fact := _fact_of(token)))


@lru_cache(maxsize=32768)
def _fact_of(token: str) -> str:
    """Return the one spelling of a token; empty for a number format."""
    return "" if FORMAT.fullmatch(token) else SYNONYMS.get(token, token)


@lru_cache(maxsize=32768)
def is_stamp(token: str) -> bool:
    """Return whether a token is a date, a four-digit code or a revision."""
    return token[0] == "=" or bool(CODE.fullmatch(token) or REVISION.fullmatch(token))


@lru_cache(maxsize=32768)
def is_number(token: str) -> bool:
    """Return whether a token is a version number, size, context length or code."""
    return bool(
        NUMBER.fullmatch(token)
        or SIZE.fullmatch(token)
        or ACTIVE.fullmatch(token)
        or re.fullmatch(r"\d+[a-z]|\d+(?:\.\d+)?[km]|=\d+|\d+x\d+b", token)
    )


# Names that mean no single version, by the facts that the resolver documents.
_SHARED_NAMES = frozenset(
    facts_of(tokens_of(text)) for host, text, target in NAMES if target is None and not host
)


def _reduce(facts: Facts) -> Facts:
    return frozenset(fact for fact in facts if fact not in _SILENT and not ACTIVE.fullmatch(fact))


@dataclass(slots=True)
class Line:
    """A foundation line: its IDs, and the sets of facts under which it is named."""

    identifier: str
    developer: str
    ids: list[KnownId] = field(default_factory=list)
    spellings: set[Facts] = field(default_factory=set)
    newest: date | None = None
    is_open: bool = False

    @property
    def slug_facts(self) -> Facts:
        return facts_of(tokens_of(self.identifier.partition("/")[2].lower()))

    @property
    def is_special(self) -> bool:
        return all(facts_of(tokens_of(known_id.slug.lower())) & _SPECIAL for known_id in self.ids)

    def identifiers(self) -> tuple[str, ...]:
        """Return the IDs of the line, newest releases first and moving names last; one per group of
        synonyms."""
        groups = {known_id.same_as: known_id for known_id in reversed(self.ids)}
        return tuple(
            known_id.id
            for known_id in sorted(
                groups.values(),
                key=lambda each: (each.kind != "pinned", _descending(each.released), each.id),
            )
            if known_id.kind != "family"
        )


def _descending(released: str | None) -> tuple[int, ...]:
    digits = [int(part) for part in (released or "0").split("T")[0].split("-") if part.isdigit()]
    return tuple(-digit for digit in digits)


@dataclass(frozen=True, slots=True)
class LineMatch:
    """The lines that a name can mean. `exact`: one line has exactly these facts. Without lines the
    name is unknown, and `hint` is the line that comes closest."""

    lines: tuple[str, ...] = ()
    exact: bool = False
    hint: str = ""


class Families:
    """Lookup tables over the lines of an index; not changed after they are built."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self.lines: dict[str, Line] = {}
        self._exact: dict[Facts, list[str]] = defaultdict(list)
        self._reduced: dict[Facts, list[str]] = defaultdict(list)
        self._of_anchor: dict[str, set[str]] = defaultdict(set)
        self._words: dict[str, set[str]] = defaultdict(set)
        self._found: dict[tuple[Tokens, str | None], LineMatch] = {}
        self._parts: dict[str, list[tuple[Facts, Facts]]] = {}
        self._by_stamp: dict[str, list[tuple[KnownId, Facts]]] = defaultdict(list)
        self._second_words: dict[str, set[str]] = defaultdict(set)
        for known_id in index.by_id.values():
            line = self.lines.setdefault(known_id.line, Line(known_id.line, known_id.developer))
            line.ids.append(known_id)
            facts = facts_of(tokens_of(known_id.slug.lower()))
            for fact in facts:
                if is_stamp(fact) and known_id.kind == "pinned":
                    self._by_stamp[fact].append((known_id, facts))
            line.is_open = line.is_open or bool(known_id.repositories)
            released = index.released.get(known_id.id)
            if released and (line.newest is None or released > line.newest):
                line.newest = released
            self._add_spellings(line, known_id)
        for line in self.lines.values():
            line.ids.sort(key=lambda known_id: known_id.id)
            for spelling in line.spellings:
                self._exact[spelling].append(line.identifier)
                self._reduced[_reduce(spelling)].append(line.identifier)
        self.anchors = frozenset(self._of_anchor) | frozenset(_IMPLIED)

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
            while len(tokens) > 2 and tokens[0] in _DEVELOPER_WORDS:
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
        if token in _FIRST_OF_TWO:
            return SYNONYMS.get(after, after) in self._second_words[token]
        return True

    def words_of(self, anchor: str) -> set[str]:
        """Return the words that occur in names of the family."""
        anchor = SYNONYMS.get(anchor, anchor)
        return self._words[_IMPLIED.get(anchor, anchor)]

    def developers_of(self, anchor: str) -> set[str]:
        anchor = SYNONYMS.get(anchor, anchor)
        return {
            self.lines[line].developer for line in self._of_anchor[_IMPLIED.get(anchor, anchor)]
        }

    @staticmethod
    def complete(tokens: Tokens) -> Tokens:
        """Return the tokens with the family name in front that a tier implies."""
        for token in tokens:
            family = _IMPLIED.get(token)
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
                    line for line in named if _reduce(self.lines[line].slug_facts) == _reduce(facts)
                ] or named
            if len(named) == 1:
                return LineMatch((named[0],), exact=True)
            if named:
                return LineMatch(self.sort_lines(named))
        within = self._find_within(facts, tokens[0], developer) or self._find_within(
            _reduce(facts), tokens[0], developer
        )
        if within:
            return LineMatch(self.sort_lines(within))
        generation = self._find_generation(facts, tokens[0], developer)
        if generation:
            for anchor in _OLDER_NAMES.get(facts, ()):
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
        if facts in _SHARED_NAMES:
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
        named = self._filter(self._reduced.get(_reduce(facts), ()), developer)
        # without "chat" or "text", a line beside this one can be meant too
        is_short = any(
            word not in facts and all(self._needs_word(line, word) for line in named)
            for word in ("chat", "text")
        )
        if is_short and len(self._find_within(_reduce(facts), anchor, developer)) > 1:
            return
        yield named

    def find_beside(self, line: str, tokens: Tokens) -> tuple[str, ...]:
        """Return the lines that a name can mean beside one that it names without its size or tier
        (`Qwen3 Coder`); empty if the name is complete."""
        tokens = self.complete(tokens)
        facts = facts_of(token for token in tokens if not is_stamp(token))
        if line in self._exact.get(facts, ()) or line in self._reduced.get(_reduce(facts), ()):
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
        return self.sort_lines({line, *self._reduced.get(_reduce(facts), ())})

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
                    _value(fact) // 1 == int(numbers[0]) for fact in spelling if is_number(fact)
                )
                for spelling in self.lines[line].spellings
            )
        ]

    def series_of(self, line: str, anchor: str) -> tuple[str, ...]:
        """Return the general lines of the family with the same first number as a line."""
        numbers = [_value(fact) for fact in self.lines[line].slug_facts if is_number(fact)]
        series = [
            other
            for other in self._of_family(anchor)
            if not self.lines[other].is_special
            and self.lines[other].developer == self.lines[line].developer
            and any(
                _value(fact) // 1 == numbers[0] // 1
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
        for known_id in self.lines[match.lines[0]].ids:
            for pattern, restated in RESTATED_SIZES:
                if pattern.fullmatch(known_id.id) and any(
                    sizes <= set(tokens_of(size)) for size in restated
                ):
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
        if not facts & _SPECIAL:
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
        wanted_words = {fact for fact in facts if not is_number(fact)} - _SILENT
        wanted_numbers = {fact for fact in facts if is_number(fact)}
        best: tuple[float, bool, str] | None = None
        for identifier in family:
            line = self.lines[identifier]
            for own_words, numbers in self._parts_of(line):
                different = len(own_words ^ wanted_words)
                missing = wanted_numbers - numbers
                if different + len(missing) > 3:
                    continue
                gap, above = _gap(missing, numbers)
                key = (different + len(missing) + gap, above, identifier)
                if best is None or key < best:
                    best = key
        return best[2] if best else ""

    def _parts_of(self, line: Line) -> list[tuple[Facts, Facts]]:
        """Return the words and the numbers of each spelling of a line."""
        if line.identifier not in self._parts:
            self._parts[line.identifier] = [
                (
                    frozenset(fact for fact in _reduce(spelling) if not is_number(fact)),
                    frozenset(fact for fact in spelling if is_number(fact)),
                )
                for spelling in sorted(line.spellings, key=sorted)
            ]
        return self._parts[line.identifier]

    def of_developer(self, developer: str) -> tuple[str, ...]:
        """Return the general lines of a developer, newest first."""
        lines = [
            line.identifier
            for line in self.lines.values()
            if line.developer == developer and not line.is_special
        ]
        return self.sort_lines(lines)

    # --- versions ---------------------------------------------------------------------------------

    def find_by_stamp(self, line: str, tokens: Iterable[str]) -> KnownId | None:
        """Return the only version of the line whose ID has all of these codes, or whose day they
        are as month and day."""
        codes = [token for token in tokens if is_stamp(token)]
        matches = [
            known_id
            for known_id in self.lines[line].ids
            if known_id.kind != "family" and set(codes) <= set(tokens_of(known_id.slug.lower()))
        ]
        found = self._only(matches)
        if found is not None or matches or len(codes) != 1:
            return found
        stamp = stamp_of(tuple(codes), self.lines[line].developer, None)
        if stamp is None and CODE.fullmatch(codes[0]):
            stamp = stamp_of_code(codes[0], self.lines[line].developer)
        return self.find_by_dates(line, (stamp,)) if stamp else None

    def find_containing(self, tokens: Iterable[str], developer: str | None) -> KnownId | None:
        """Return the only version whose ID has all of these facts, and besides them silent words
        and the kind of model (`ada-002`, `davinci 003`)."""
        facts = facts_of(tokens)
        stamp = next(fact for fact in facts if is_stamp(fact))
        matches = [
            known_id
            for known_id, own in self._by_stamp.get(stamp, ())
            if developer in (None, known_id.developer)
            and facts <= own
            and own - facts <= _SILENT | {"embed"}
        ]
        return self._only(matches)

    def find_by_dates(self, line: str, readings: Iterable[Stamp]) -> KnownId | None:
        """Return the only version of the line with one of these dates; None if none or several
        have."""
        matches = []
        for known_id in self.lines[line].ids:
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
        return any(self._stamp(known_id) for known_id in self.lines[line].ids)

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


def _gap(missing: Iterable[str], numbers: Iterable[str]) -> tuple[float, bool]:
    """Return how far the closest version number is from a missing one, below 1, and whether it is
    above it; another generation counts as far."""
    wanted = [_value(token) for token in missing if NUMBER.fullmatch(token)]
    values = [_value(token) for token in numbers if NUMBER.fullmatch(token)]
    if not wanted:
        return 0.0, False
    if not values:
        return 0.9, False
    gap, number = min((abs(value - wanted[0]), value) for value in values)
    far = 0.0 if int(number) == int(wanted[0]) else 0.3
    return min(0.9, far + gap / 20), number > wanted[0]


def _value(token: str) -> float:
    match = re.search(r"\d+(?:\.\d+)?", token)
    return float(match[0]) if match else 0.0
